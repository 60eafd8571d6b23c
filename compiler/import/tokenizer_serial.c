// The serial form of golden/tokenizer_format.h.
#include "compiler/import/tokenizer.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"

static size_t padded(size_t bytes) { return (bytes + 3) / 4 * 4; }
static size_t piece_bytes(const mx_piece *p) { return MX_TOKEN_TEXT_AT + padded(p->length_bytes); }

// ---- tables ------------------------------------------------------------------

typedef bool before(const mx_tokenizer *t, uint32_t a, uint32_t b);

static bool text_before(const mx_tokenizer *t, uint32_t a, uint32_t b) {
  mx_piece x = mx_tokenizer_piece(t, (int32_t)a), y = mx_tokenizer_piece(t, (int32_t)b);
  uint32_t least = x.length_bytes < y.length_bytes ? x.length_bytes : y.length_bytes;
  int order = memcmp(x.text, y.text, least);
  return order ? order < 0 : x.length_bytes < y.length_bytes;
}

static bool longer_before(const mx_tokenizer *t, uint32_t a, uint32_t b) {
  uint32_t x = mx_tokenizer_piece(t, (int32_t)a).length_bytes, y = mx_tokenizer_piece(t, (int32_t)b).length_bytes;
  return x != y ? x > y : a < b;
}

// Heap sort of the words at `w`: in place, since there may be many, and without a
// failure of its own.
static void sink(uint8_t *w, uint32_t at, uint32_t n, before *less, const mx_tokenizer *t) {
  uint32_t id = mx_load_u32(w + 4 * (size_t)at);
  for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
    uint32_t left = mx_load_u32(w + 4 * (size_t)child), right = child + 1 < n ? mx_load_u32(w + 4 * (size_t)child + 4) : left;
    bool goes_right = less(t, left, right);
    if (!less(t, id, goes_right ? right : left)) break;
    mx_store_u32(w + 4 * (size_t)at, goes_right ? right : left);
    child += goes_right;
  }
  mx_store_u32(w + 4 * (size_t)at, id);
}

static void sort(uint8_t *w, uint32_t n, before *less, const mx_tokenizer *t) {
  for (uint32_t i = n / 2; i-- > 0;) sink(w, i, n, less, t);
  for (uint32_t end = n; end-- > 1;) {
    uint32_t last = mx_load_u32(w + 4 * (size_t)end);
    mx_store_u32(w + 4 * (size_t)end, mx_load_u32(w));
    mx_store_u32(w, last);
    sink(w, 0, end, less, t);
  }
}

static bool is_found(const mx_piece *p, const mx_tokenizer *t, uint32_t id) {
  return p->length_bytes && mx_tokenizer_find(t, p->text, p->length_bytes) == (int32_t)id;
}
static bool is_user(const mx_piece *p) { return p->length_bytes && p->type == MX_PIECE_USER; }

typedef struct { uint32_t sorted, user, longest; size_t pieces; } measures;

static measures measure(const mx_tokenizer *t) {
  measures m = {0};
  for (uint32_t i = 0; i < mx_tokenizer_vocab_size(t); i++) {
    mx_piece p = mx_tokenizer_piece(t, (int32_t)i);
    m.sorted += is_found(&p, t, i);
    m.user += is_user(&p);
    m.pieces += piece_bytes(&p);
    if (p.length_bytes > m.longest) m.longest = p.length_bytes;
  }
  return m;
}

// ---- writing -----------------------------------------------------------------

static void put_header(const mx_tokenizer *t, const measures *m, uint8_t *to) {
  const mx_tokenizer_config *c = mx_tokenizer_get_config(t);
  memcpy(to, "MXTK", 4);
  mx_store_u32(to + MX_TOKENS_VERSION_AT, MX_TOKENS_VERSION);
  mx_store_u32(to + MX_TOKENS_VOCAB_AT, c->vocab_size);
  mx_store_u32(to + MX_TOKENS_BOS_AT, (uint32_t)c->bos);
  mx_store_u32(to + MX_TOKENS_EOS_AT, (uint32_t)c->eos);
  mx_store_u32(to + MX_TOKENS_UNK_AT, (uint32_t)c->unk);
  mx_store_u32(to + MX_TOKENS_FLAGS_AT, c->add_space_prefix ? 1 : 0);
  mx_store_u32(to + MX_TOKENS_SORTED_AT, m->sorted);
  mx_store_u32(to + MX_TOKENS_USER_AT, m->user);
  mx_store_u32(to + MX_TOKENS_LONGEST_AT, m->longest);
}

static void put_piece(const mx_piece *piece, uint8_t *to) {
  uint32_t score;
  memcpy(&score, &piece->score, sizeof score);
  memset(to, 0, piece_bytes(piece));
  mx_store_u32(to + MX_TOKEN_TYPE_AT, (uint32_t)piece->type);
  mx_store_u32(to + MX_TOKEN_SCORE_AT, score);
  mx_store_u32(to + MX_TOKEN_LENGTH_AT, piece->length_bytes);
  memcpy(to + MX_TOKEN_TEXT_AT, piece->text, piece->length_bytes);
}

static void put_tables(const mx_tokenizer *t, const measures *m, uint8_t *buf) {
  uint32_t n = mx_tokenizer_vocab_size(t);
  uint8_t *place = buf + MX_TOKENS_HEADER_BYTES, *sorted = place + 4 * (size_t)n, *user = sorted + 4 * (size_t)m->sorted;
  uint8_t *piece = user + 4 * (size_t)m->user, *next_sorted = sorted, *next_user = user;
  for (uint32_t i = 0; i < n; i++) {
    mx_piece p = mx_tokenizer_piece(t, (int32_t)i);
    mx_store_u32(place + 4 * (size_t)i, (uint32_t)(piece - buf));
    if (is_found(&p, t, i)) mx_store_u32(next_sorted, i), next_sorted += 4;
    if (is_user(&p)) mx_store_u32(next_user, i), next_user += 4;
    put_piece(&p, piece);
    piece += piece_bytes(&p);
  }
  sort(sorted, m->sorted, text_before, t);
  sort(user, m->user, longer_before, t);
}

size_t mx_tokenizer_write(const mx_tokenizer *t, uint8_t *buf, size_t capacity) {
  measures m = measure(t);
  size_t words = (size_t)mx_tokenizer_vocab_size(t) + m.sorted + m.user, size = MX_TOKENS_HEADER_BYTES + 4 * words + m.pieces;
  if (size > capacity) return size;
  put_header(t, &m, buf);
  put_tables(t, &m, buf);
  return size;
}

// ---- reading -----------------------------------------------------------------

static mx_status read_piece(mx_bytes *b, mx_piece *out, mx_error *e) {
  uint32_t type = 0;
  const uint8_t *text = NULL;
  mx_status s = mx_bytes_u32(b, "a token's type", &type, e);
  if (!s) s = mx_bytes_f32(b, "a token's score", &out->score, e);
  if (!s) s = mx_bytes_u32(b, "a token's length", &out->length_bytes, e);
  if (!s) s = mx_bytes_take(b, padded(out->length_bytes), "a token's text", &text, e);
  out->type = (mx_piece_type)(type <= MX_PIECE_BYTE ? type : 0);  // 0 is refused later
  out->text = (const char *)text;
  return s;
}

// Leaves the position at the first piece.
static mx_status read_header(mx_bytes *b, mx_tokenizer_config *c, mx_error *e) {
  mx_loc at = mx_bytes_loc(b);
  const uint8_t *p;
  mx_status s = mx_bytes_take(b, MX_TOKENS_HEADER_BYTES, "the tokenizer's header", &p, e);
  if (s) return s;
  if (memcmp(p, "MXTK", 4)) return mx_fail(e, MX_FORMAT, at, "no tokenizer here (magic MXTK)");
  if (mx_load_u32(p + MX_TOKENS_VERSION_AT) != MX_TOKENS_VERSION)
    return mx_fail(e, MX_UNSUPPORTED, at, "tokenizer version %u; version %d is read: quantize and compile the model again",
                   mx_load_u32(p + MX_TOKENS_VERSION_AT), MX_TOKENS_VERSION);
  *c = (mx_tokenizer_config){.vocab_size = mx_load_u32(p + MX_TOKENS_VOCAB_AT),
                             .bos = (int32_t)mx_load_u32(p + MX_TOKENS_BOS_AT),
                             .eos = (int32_t)mx_load_u32(p + MX_TOKENS_EOS_AT),
                             .unk = (int32_t)mx_load_u32(p + MX_TOKENS_UNK_AT),
                             .add_space_prefix = mx_load_u32(p + MX_TOKENS_FLAGS_AT) & 1};
  if (c->vocab_size > mx_bytes_left(b) / (4 + MX_TOKEN_TEXT_AT))
    return mx_fail(e, MX_FORMAT, at, "%u tokens do not fit in %zu bytes", c->vocab_size,
                   mx_bytes_left(b));
  uint64_t words = (uint64_t)c->vocab_size + mx_load_u32(p + MX_TOKENS_SORTED_AT) + mx_load_u32(p + MX_TOKENS_USER_AT);
  return mx_bytes_take(b, 4 * words, "the tokenizer's tables", &p, e);
}

// The tables are those that these pieces give.
static mx_status check_tables(const mx_tokenizer *t, const uint8_t *data, size_t size, mx_error *e) {
  uint8_t *right = malloc(size);
  mx_status s = MX_OK;
  if (!right) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a tokenizer of %zu bytes", size);
  else if (mx_tokenizer_write(t, right, size) != size || memcmp(right, data, size))
    s = mx_fail(e, MX_FORMAT, MX_NOWHERE, "the tokenizer's tables do not belong to its tokens");
  free(right);
  return s;
}

static mx_status read_checked(const uint8_t *data, size_t size, mx_loc at, mx_tokenizer **out, mx_error *e) {
  mx_bytes b = {data, size, 0, at.path};
  mx_tokenizer_config c;
  mx_status s = read_header(&b, &c, e);
  mx_piece *pieces = s ? NULL : calloc((size_t)c.vocab_size + 1, sizeof *pieces);
  if (!s && !pieces) s = mx_fail(e, MX_LIMIT, mx_bytes_loc(&b), "no memory");
  for (uint32_t i = 0; !s && i < c.vocab_size; i++) s = read_piece(&b, &pieces[i], e);
  if (!s && mx_bytes_left(&b))
    s = mx_fail(e, MX_FORMAT, mx_bytes_loc(&b), "%zu bytes after the tokenizer's end",
                mx_bytes_left(&b));
  if (!s) s = mx_tokenizer_new(pieces, &c, (mx_loc){at.path, 0}, out, e);
  free(pieces);
  return s ? s : check_tables(*out, data, size, e);
}

mx_status mx_tokenizer_read(const uint8_t *data, size_t size, mx_loc at, mx_tokenizer **out,
                            mx_error *e) {
  *out = NULL;
  mx_error inner = {0};  // its offsets count from data[0]
  mx_status s = read_checked(data, size, at, out, &inner);
  if (!s) return s;
  mx_tokenizer_free(*out);
  *out = NULL;
  return mx_fail(e, s, (mx_loc){at.path, at.offset_bytes + inner.offset_bytes}, "%s", inner.text);
}
