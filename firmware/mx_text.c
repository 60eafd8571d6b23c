#include "firmware/mx_text.h"

#include "golden/bytes.h"

enum { SPACE_BYTES = 3 };
static const uint8_t space[SPACE_BYTES] = {0xe2, 0x96, 0x81};  // U+2581

typedef struct {
  const uint8_t *text;
  uint32_t length_bytes, type, score;
} piece;

static uint32_t header(const mx_text *t, uint32_t at) { return mx_load_aligned_u32(t->section + at); }
static uint32_t place_of(const mx_text *t, uint32_t id) { return header(t, MX_TOKENS_HEADER_BYTES + 4 * id); }
static uint32_t sorted_at(const mx_text *t, uint32_t i) { return place_of(t, t->vocab_size + i); }
static uint32_t user_at(const mx_text *t, uint32_t i) { return place_of(t, t->vocab_size + t->n_sorted + i); }

static piece piece_of(const mx_text *t, uint32_t id) {
  const uint8_t *p = t->section + place_of(t, id);
  return (piece){p + MX_TOKEN_TEXT_AT, mx_load_aligned_u32(p + MX_TOKEN_LENGTH_AT),
                 mx_load_aligned_u32(p + MX_TOKEN_TYPE_AT), mx_load_aligned_u32(p + MX_TOKEN_SCORE_AT)};
}

const char *mx_text_sentence(mx_text_status s) {
  switch (s) {
    case MX_TEXT_OK: return "no error";
    case MX_TEXT_BAD: return "the image's tokenizer is damaged or of another version";
    case MX_TEXT_TOO_LONG: return "the text is too long";
    case MX_TEXT_TOO_MANY: return "the text has too many tokens";
    case MX_TEXT_BYTE: return "the text has a byte that the vocabulary cannot express";
    case MX_TEXT_NO_BOS: return "the vocabulary has no token of beginning";
    default: return "unknown status";
  }
}

// ---- opening -----------------------------------------------------------------------

static bool piece_fits(const mx_text *t, uint32_t id, uint32_t bytes) {
  uint32_t at = place_of(t, id);
  if (at % 4 || at > bytes || bytes - at < MX_TOKEN_TEXT_AT) return false;
  uint32_t length = mx_load_aligned_u32(t->section + at + MX_TOKEN_LENGTH_AT);
  uint32_t room = (bytes - at - MX_TOKEN_TEXT_AT) / 4 * 4;  // a text is filled up to a multiple of 4
  return length <= t->longest && length <= room;
}

static bool id_fits(const mx_text *t, int32_t id) { return id == -1 || (uint32_t)id < t->vocab_size; }

static bool tables_fit(const mx_text *t, uint32_t bytes) {
  uint32_t words = (bytes - MX_TOKENS_HEADER_BYTES) / 4;
  if (t->vocab_size > words || t->n_sorted > t->vocab_size || t->n_user > t->vocab_size) return false;
  if (words - t->vocab_size < t->n_sorted || words - t->vocab_size - t->n_sorted < t->n_user) return false;
  for (uint32_t i = 0; i < t->vocab_size; i++)
    if (!piece_fits(t, i, bytes)) return false;
  for (uint32_t i = 0; i < t->n_sorted + t->n_user; i++)
    if (sorted_at(t, i) >= t->vocab_size) return false;
  return id_fits(t, t->bos) && id_fits(t, t->eos) && id_fits(t, t->unk);
}

mx_text_status mx_text_open(mx_text *t, const uint8_t *section, uint32_t bytes) {
  *t = (mx_text){.section = section};
  if (bytes < MX_TOKENS_HEADER_BYTES || header(t, MX_TOKENS_VERSION_AT) != MX_TOKENS_VERSION) return MX_TEXT_BAD;
  if (section[0] != 'M' || section[1] != 'X' || section[2] != 'T' || section[3] != 'K') return MX_TEXT_BAD;
  t->vocab_size = header(t, MX_TOKENS_VOCAB_AT);
  t->bos = (int32_t)header(t, MX_TOKENS_BOS_AT);
  t->eos = (int32_t)header(t, MX_TOKENS_EOS_AT);
  t->unk = (int32_t)header(t, MX_TOKENS_UNK_AT);
  t->add_space_prefix = header(t, MX_TOKENS_FLAGS_AT) & 1;
  t->n_sorted = header(t, MX_TOKENS_SORTED_AT);
  t->n_user = header(t, MX_TOKENS_USER_AT);
  t->longest = header(t, MX_TOKENS_LONGEST_AT);
  return tables_fit(t, bytes) ? MX_TEXT_OK : MX_TEXT_BAD;
}

// ---- the vocabulary ----------------------------------------------------------------

// Below, at, above 0 as text[n] stands before, at, after the piece.
static int compare(const uint8_t *text, uint32_t n, const piece *p) {
  for (uint32_t i = 0; i < n && i < p->length_bytes; i++)
    if (text[i] != p->text[i]) return text[i] < p->text[i] ? -1 : 1;
  return n == p->length_bytes ? 0 : n < p->length_bytes ? -1 : 1;
}

// The piece with this text, or -1.
static int32_t find(const mx_text *t, const uint8_t *text, uint32_t n) {
  uint32_t low = 0, high = t->n_sorted;
  if (n == 0 || n > t->longest) return -1;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2, id = sorted_at(t, middle);
    piece p = piece_of(t, id);
    int order = compare(text, n, &p);
    if (order == 0) return (int32_t)id;
    if (order < 0) high = middle;
    else low = middle + 1;
  }
  return -1;
}

// The token of a byte that no piece covers: "<0xXX>", else the byte itself, else unk.
static int32_t byte_token(const mx_text *t, uint8_t byte) {
  static const char digits[] = "0123456789ABCDEF";
  const uint8_t name[6] = {'<', '0', 'x', (uint8_t)digits[byte >> 4], (uint8_t)digits[byte & 15], '>'};
  int32_t id = find(t, name, sizeof name);
  if (id < 0) id = find(t, &byte, 1);
  return id < 0 ? t->unk : id;
}

// A number that orders scores, which are FP32 and not NaN; zeros of both signs are equal.
static int32_t order_of(uint32_t score) {
  return score >> 31 ? -(int32_t)(score & INT32_MAX) : (int32_t)score;
}

// ---- encoding ----------------------------------------------------------------------

enum { NO_PAIR = INT32_MIN };  // below every score

// A character, or what was joined of some. It ends where the next begins.
typedef struct {
  uint32_t start;
  int32_t pair;  // score of it and the next joined; NO_PAIR: no piece
} symbol;

// Lent memory: owner [len] (with user pieces), text [3 * len + 3], symbols, one behind the last.
typedef struct {
  const mx_text *t;
  uint32_t *ids, capacity, count;
  uint32_t *owner;
  uint8_t *text;
  symbol *symbols;
  uint32_t n_text, n_symbols;
} encoder;

static uint32_t text_room(uint32_t len) { return (SPACE_BYTES * (len + 1) + 3) / 4 * 4; }

uint32_t mx_text_work_bytes(const mx_text *t, uint32_t len) {
  uint64_t bytes = (t->n_user ? 4 * (uint64_t)len : 0) + 3 * (uint64_t)len + 8 + sizeof(symbol) * ((uint64_t)len + 2);
  return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static mx_text_status emit(encoder *x, uint32_t id) {
  if (x->count == x->capacity) return MX_TEXT_TOO_MANY;
  x->ids[x->count++] = id;
  return MX_TEXT_OK;
}

// Bytes of the UTF-8 character at text[len]; a broken one takes no byte that begins another.
static uint32_t character_length(const uint8_t *text, uint32_t len) {
  uint32_t wanted = text[0] < 0xc0 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4, n = 1;
  while (n < wanted && n < len && (text[n] & 0xc0) == 0x80) n++;
  return n;
}

static void rate(encoder *x, uint32_t i) {
  symbol *s = &x->symbols[i];
  s->pair = NO_PAIR;
  if (i + 1 >= x->n_symbols) return;
  int32_t id = find(x->t, x->text + s->start, s[2].start - s->start);
  if (id >= 0) s->pair = order_of(piece_of(x->t, (uint32_t)id).score);
}

static void cut_characters(encoder *x) {
  x->n_symbols = 0;
  for (uint32_t at = 0; at < x->n_text; at += character_length(x->text + at, x->n_text - at))
    x->symbols[x->n_symbols++].start = at;
  x->symbols[x->n_symbols].start = x->n_text;
  for (uint32_t i = 0; i < x->n_symbols; i++) rate(x, i);
}

// The leftmost pair of highest score, or n_symbols.
static uint32_t best_pair(const encoder *x) {
  uint32_t best = x->n_symbols;
  int32_t score = NO_PAIR;
  for (uint32_t i = 0; i < x->n_symbols; i++)
    if (x->symbols[i].pair > score) score = x->symbols[best = i].pair;
  return best;
}

static void join(encoder *x, uint32_t i) {
  for (uint32_t k = i + 1; k < x->n_symbols; k++) x->symbols[k] = x->symbols[k + 1];
  x->n_symbols--;
  rate(x, i);
  if (i) rate(x, i - 1);
}

static mx_text_status emit_symbol(encoder *x, uint32_t i) {
  uint32_t from = x->symbols[i].start, to = x->symbols[i + 1].start;
  int32_t id = find(x->t, x->text + from, to - from);
  if (id >= 0) return emit(x, (uint32_t)id);
  mx_text_status s = MX_TEXT_OK;
  for (uint32_t at = from; at < to && !s; at++) {
    id = byte_token(x->t, x->text[at]);
    s = id < 0 ? MX_TEXT_BYTE : emit(x, (uint32_t)id);
  }
  return s;
}

static void append_space(encoder *x) {
  for (uint32_t i = 0; i < SPACE_BYTES; i++) x->text[x->n_text++] = space[i];
}

static mx_text_status encode_plain(encoder *x, const uint8_t *text, uint32_t len, bool prefix) {
  mx_text_status s = MX_TEXT_OK;
  x->n_text = 0;
  if (prefix && x->t->add_space_prefix) append_space(x);
  for (uint32_t i = 0; i < len; i++) {
    if (text[i] == ' ') append_space(x);
    else x->text[x->n_text++] = text[i];
  }
  cut_characters(x);
  for (uint32_t i; (i = best_pair(x)) < x->n_symbols;) join(x, i);
  for (uint32_t i = 0; i < x->n_symbols && !s; i++) s = emit_symbol(x, i);
  return s;
}

// ---- user pieces -------------------------------------------------------------------

enum { PLAIN, INSIDE, FIRST };  // of an owner: FIRST + id at a user piece's first byte

static bool piece_at(const piece *p, const uint8_t *text, const uint32_t *owner) {
  for (uint32_t i = 0; i < p->length_bytes; i++)
    if (text[i] != p->text[i] || owner[i] != PLAIN) return false;
  return true;
}

// Longer pieces take their bytes first.
static void mark_user_pieces(encoder *x, const uint8_t *text, uint32_t len) {
  for (uint32_t i = 0; i < len; i++) x->owner[i] = PLAIN;
  for (uint32_t k = 0; k < x->t->n_user; k++) {
    uint32_t id = user_at(x->t, k), at = 0;
    piece p = piece_of(x->t, id);
    while (p.length_bytes && p.length_bytes <= len && at <= len - p.length_bytes) {
      bool here = piece_at(&p, text + at, x->owner + at);
      for (uint32_t i = 0; here && i < p.length_bytes; i++) x->owner[at + i] = i ? INSIDE : FIRST + id;
      at += here ? p.length_bytes : 1;
    }
  }
}

static mx_text_status encode_fragments(encoder *x, const uint8_t *text, uint32_t len) {
  mx_text_status s = MX_TEXT_OK;
  bool prefix = true;  // at the start and after each user piece
  for (uint32_t at = 0, end; at < len && !s; at = end) {
    if (x->owner[at] >= FIRST) {
      uint32_t id = x->owner[at] - FIRST;
      end = at + piece_of(x->t, id).length_bytes;
      s = emit(x, id);
      prefix = true;
    } else {
      for (end = at; end < len && x->owner[end] == PLAIN;) end++;
      s = encode_plain(x, text + at, end - at, prefix);
      prefix = false;
    }
  }
  return s;
}

mx_text_status mx_text_encode(const mx_text *t, const uint8_t *text, uint32_t len, bool bos, uint32_t *ids,
                              uint32_t capacity, uint32_t *count, void *work, uint32_t work_bytes) {
  uint8_t *memory = work;
  encoder x = {.t = t, .ids = ids, .capacity = capacity, .owner = work};
  *count = 0;
  if (mx_text_work_bytes(t, len) > work_bytes) return MX_TEXT_TOO_LONG;
  if (bos && t->bos < 0) return MX_TEXT_NO_BOS;
  x.text = memory + (t->n_user ? 4 * len : 0);
  x.symbols = (symbol *)(void *)(x.text + text_room(len));
  mx_text_status s = bos ? emit(&x, (uint32_t)t->bos) : MX_TEXT_OK;
  if (t->n_user) mark_user_pieces(&x, text, len);
  if (!s && len) s = t->n_user ? encode_fragments(&x, text, len) : encode_plain(&x, text, len, true);
  *count = x.count;
  return s;
}

// ---- decoding ----------------------------------------------------------------------

static int hex_digit(uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that "<0xXX>" names, or -1.
static int byte_of(const piece *p) {
  const uint8_t *c = p->text;
  if (p->length_bytes != 6 || c[0] != '<' || c[1] != '0' || c[2] != 'x' || c[5] != '>') return -1;
  int high = hex_digit(c[3]), low = hex_digit(c[4]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

static bool space_at(const piece *p, uint32_t i) {
  return p->length_bytes - i >= SPACE_BYTES && p->text[i] == space[0] && p->text[i + 1] == space[1] && p->text[i + 2] == space[2];
}

void mx_text_decode(const mx_text *t, int32_t prev, int32_t id, void (*put)(void *self, uint8_t byte), void *self) {
  if (id < 0 || (uint32_t)id >= t->vocab_size) return;
  piece p = piece_of(t, (uint32_t)id);
  if (p.type == MX_PIECE_CONTROL || p.type == MX_PIECE_UNKNOWN) return;
  int byte = p.type == MX_PIECE_BYTE ? byte_of(&p) : -1;
  bool first = prev < 0 || prev == t->bos;
  if (byte >= 0) {
    put(self, (uint8_t)byte);
    return;
  }
  for (uint32_t i = first && t->add_space_prefix && space_at(&p, 0) ? SPACE_BYTES : 0; i < p.length_bytes;) {
    bool gap = space_at(&p, i);
    put(self, gap ? ' ' : p.text[i]);
    i += gap ? SPACE_BYTES : 1;
  }
}
