#include "compiler/import/tokenizer.h"

#include <assert.h>
#include <math.h>    // isnan
#include <stdio.h>   // snprintf
#include <stdlib.h>
#include <string.h>

static const char SPACE[] = "\xe2\x96\x81";  // U+2581
enum { SPACE_BYTES = 3 };

struct mx_tokenizer {
  mx_tokenizer_config config;
  mx_piece *pieces;      // [vocab_size], texts in `text`
  char *text;            // all texts, one after the other
  int32_t *table;        // [table_size] ids by hash of text, -1: free
  uint32_t table_mask;   // table_size - 1, table_size a power of two
  uint32_t longest;      // bytes of the longest piece
  int32_t *user;         // [n_user] ids of MX_PIECE_USER, longest first
  uint32_t n_user;
  int32_t byte_ids[256]; // -1: none
};

// ---- vocabulary ----------------------------------------------------------

static uint32_t hash_text(const char *text, size_t n) {
  uint32_t h = 2166136261u;  // FNV-1a
  for (size_t i = 0; i < n; i++) h = (h ^ (uint8_t)text[i]) * 16777619u;
  return h ^ h >> 15;
}

// The table slot that holds `text`, or the free one where it belongs.
static uint32_t find_slot(const mx_tokenizer *t, const char *text, size_t n) {
  uint32_t slot = hash_text(text, n) & t->table_mask;
  for (;; slot = (slot + 1) & t->table_mask) {
    int32_t id = t->table[slot];
    if (id < 0) return slot;
    const mx_piece *p = &t->pieces[id];
    if (p->length_bytes == n && memcmp(p->text, text, n) == 0) return slot;
  }
}

int32_t mx_tokenizer_find(const mx_tokenizer *t, const char *text, size_t length_bytes) {
  if (length_bytes == 0 || length_bytes > t->longest) return -1;
  return t->table[find_slot(t, text, length_bytes)];
}

static mx_status check_piece(const mx_piece *p, uint32_t id, mx_loc at, mx_error *e) {
  if (isnan(p->score)) return mx_fail(e, MX_FORMAT, at, "the score of token %u is NaN", id);
  if (p->type < MX_PIECE_NORMAL || p->type > MX_PIECE_BYTE)
    return mx_fail(e, MX_FORMAT, at, "token %u has type %d; types are 1 to 6", id, (int)p->type);
  if (p->length_bytes > INT32_MAX)
    return mx_fail(e, MX_LIMIT, at, "the text of token %u has %u bytes", id, p->length_bytes);
  return MX_OK;
}

static mx_status check_id(const char *name, int32_t id, uint32_t vocab_size, mx_loc at,
                          mx_error *e) {
  if (id >= -1 && (id < 0 || (uint32_t)id < vocab_size)) return MX_OK;
  return mx_fail(e, MX_FORMAT, at, "the %s token is %d; the vocabulary has %u tokens", name, id,
                 vocab_size);
}

static mx_status check_config(const mx_tokenizer_config *c, mx_loc at, mx_error *e) {
  if (c->vocab_size == 0 || c->vocab_size > 1u << 28)
    return mx_fail(e, MX_FORMAT, at, "the vocabulary has %u tokens; 1 to 2^28 are allowed",
                   c->vocab_size);
  mx_status s = check_id("BOS", c->bos, c->vocab_size, at, e);
  if (!s) s = check_id("EOS", c->eos, c->vocab_size, at, e);
  if (!s) s = check_id("unknown", c->unk, c->vocab_size, at, e);
  return s;
}

static void copy_pieces(mx_tokenizer *t, const mx_piece *pieces) {
  char *text = t->text;
  for (uint32_t i = 0; i < t->config.vocab_size; i++) {
    mx_piece p = pieces[i];
    if (p.length_bytes) memcpy(text, p.text, p.length_bytes);
    p.text = text;
    text += p.length_bytes;
    t->pieces[i] = p;
    if (p.length_bytes > t->longest) t->longest = p.length_bytes;
    if (p.type == MX_PIECE_USER && p.length_bytes) t->n_user++;
  }
}

static void fill_table(mx_tokenizer *t) {
  memset(t->table, 0xff, ((size_t)t->table_mask + 1) * sizeof *t->table);
  for (uint32_t i = 0; i < t->config.vocab_size; i++) {
    const mx_piece *p = &t->pieces[i];
    if (p->length_bytes) t->table[find_slot(t, p->text, p->length_bytes)] = (int32_t)i;
  }
}

static void fill_byte_ids(mx_tokenizer *t) {
  for (int b = 0; b < 256; b++) {
    char name[8];
    snprintf(name, sizeof name, "<0x%02X>", (unsigned)b);
    t->byte_ids[b] = mx_tokenizer_find(t, name, 6);
    char raw = (char)b;
    if (t->byte_ids[b] < 0) t->byte_ids[b] = mx_tokenizer_find(t, &raw, 1);
    if (t->byte_ids[b] < 0) t->byte_ids[b] = t->config.unk;
  }
}

typedef struct {
  uint32_t length_bytes;
  int32_t id;
} user_piece;

static int longest_first(const void *a, const void *b) {
  const user_piece *x = a, *y = b;
  if (x->length_bytes != y->length_bytes) return x->length_bytes < y->length_bytes ? 1 : -1;
  return (x->id > y->id) - (x->id < y->id);
}

static bool fill_user(mx_tokenizer *t) {
  if (t->n_user == 0) return true;
  user_piece *order = calloc(t->n_user, sizeof *order);
  t->user = calloc(t->n_user, sizeof *t->user);
  uint32_t n = 0;
  for (uint32_t i = 0; order && i < t->config.vocab_size; i++)
    if (t->pieces[i].type == MX_PIECE_USER && t->pieces[i].length_bytes)
      order[n++] = (user_piece){t->pieces[i].length_bytes, (int32_t)i};
  if (order) qsort(order, n, sizeof *order, longest_first);
  for (uint32_t i = 0; order && t->user && i < n; i++) t->user[i] = order[i].id;
  free(order);
  return order && t->user;
}

static bool build(mx_tokenizer *t, const mx_piece *pieces, size_t text_bytes) {
  uint32_t size = 16;
  while (size < 2 * t->config.vocab_size) size *= 2;
  t->table_mask = size - 1;
  t->table = calloc(size, sizeof *t->table);
  t->pieces = calloc(t->config.vocab_size, sizeof *t->pieces);
  t->text = malloc(text_bytes + 1);
  if (!t->table || !t->pieces || !t->text) return false;
  copy_pieces(t, pieces);
  fill_table(t);
  fill_byte_ids(t);
  return fill_user(t);
}

mx_status mx_tokenizer_new(const mx_piece *pieces, const mx_tokenizer_config *config, mx_loc at,
                           mx_tokenizer **out, mx_error *e) {
  *out = NULL;
  mx_status s = check_config(config, at, e);
  size_t text_bytes = 0;
  for (uint32_t i = 0; !s && i < config->vocab_size; i++) {
    s = check_piece(&pieces[i], i, at, e);
    text_bytes += pieces[i].length_bytes;
  }
  if (s) return s;
  mx_tokenizer *t = calloc(1, sizeof *t);
  if (t) t->config = *config;
  if (!t || !build(t, pieces, text_bytes)) {
    mx_tokenizer_free(t);
    return mx_fail(e, MX_LIMIT, at, "no memory for a vocabulary of %u tokens",
                   config->vocab_size);
  }
  *out = t;
  return MX_OK;
}

void mx_tokenizer_free(mx_tokenizer *t) {
  if (!t) return;
  free(t->pieces);
  free(t->text);
  free(t->table);
  free(t->user);
  free(t);
}

const mx_tokenizer_config *mx_tokenizer_get_config(const mx_tokenizer *t) {
  return &t->config;
}

uint32_t mx_tokenizer_vocab_size(const mx_tokenizer *t) {
  return t->config.vocab_size;
}

int32_t mx_tokenizer_bos(const mx_tokenizer *t) {
  return t->config.bos;
}

int32_t mx_tokenizer_eos(const mx_tokenizer *t) {
  return t->config.eos;
}

mx_piece mx_tokenizer_piece(const mx_tokenizer *t, int32_t id) {
  assert(id >= 0 && (uint32_t)id < t->config.vocab_size);
  return t->pieces[id];
}

// ---- encoding --------------------------------------------------------------

typedef struct {
  int32_t prev, next;  // neighbours in the chain, -1: none
  uint32_t start;      // byte in encoder.text
  uint32_t length;     // bytes; 0: joined to the left neighbour
} symbol;

typedef struct {
  float score;
  int32_t left, right;  // symbols
  uint32_t length;      // of both when the pair was seen: a stale pair differs
} pair;

// Work space for one call; the arrays serve every fragment in turn.
typedef struct {
  const mx_tokenizer *t;
  char *text;       // the fragment with spaces escaped
  symbol *symbols;  // [characters]
  pair *heap;       // binary heap, best first; at most 2 per character
  size_t n_text, n_symbols, n_heap;
  int32_t *ids;
  size_t capacity, count;  // count may pass capacity
} encoder;

static void emit(encoder *x, int32_t id) {
  if (x->count < x->capacity) x->ids[x->count] = id;
  x->count++;
}

static bool better(const pair *a, const pair *b) {
  return a->score > b->score || (a->score == b->score && a->left < b->left);
}

static void heap_push(encoder *x, pair p) {
  size_t i = x->n_heap++;
  for (; i > 0 && better(&p, &x->heap[(i - 1) / 2]); i = (i - 1) / 2)
    x->heap[i] = x->heap[(i - 1) / 2];
  x->heap[i] = p;
}

static pair heap_pop(encoder *x) {
  pair top = x->heap[0], last = x->heap[--x->n_heap];
  size_t i = 0;
  for (size_t child; (child = 2 * i + 1) < x->n_heap; i = child) {
    if (child + 1 < x->n_heap && better(&x->heap[child + 1], &x->heap[child])) child++;
    if (!better(&x->heap[child], &last)) break;
    x->heap[i] = x->heap[child];
  }
  x->heap[i] = last;
  return top;
}

static void offer_pair(encoder *x, int32_t left, int32_t right) {
  if (left < 0 || right < 0) return;
  const symbol *a = &x->symbols[left], *b = &x->symbols[right];
  uint32_t length = a->length + b->length;
  int32_t id = mx_tokenizer_find(x->t, x->text + a->start, length);
  if (id >= 0) heap_push(x, (pair){x->t->pieces[id].score, left, right, length});
}

// Bytes of the UTF-8 character at text [len], len > 0. Where the encoding is
// broken, a stray or truncated sequence counts as one character and takes no
// byte that begins another, so that escaped spaces stay whole.
static size_t character_length(const char *text, size_t len) {
  uint8_t first = (uint8_t)text[0];
  size_t wanted = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, n = 1;
  while (n < wanted && n < len && ((uint8_t)text[n] & 0xc0) == 0x80) n++;
  return n;
}

static void cut_characters(encoder *x) {
  x->n_symbols = 0;
  for (size_t at = 0; at < x->n_text;) {
    size_t n = character_length(x->text + at, x->n_text - at);
    int32_t i = (int32_t)x->n_symbols++;
    x->symbols[i] = (symbol){i - 1, i + 1, (uint32_t)at, (uint32_t)n};
    at += n;
  }
  if (x->n_symbols) x->symbols[x->n_symbols - 1].next = -1;
}

static void join(encoder *x, pair p) {
  symbol *a = &x->symbols[p.left], *b = &x->symbols[p.right];
  if (a->length == 0 || b->length == 0 || a->length + b->length != p.length) return;
  a->length = p.length;
  b->length = 0;
  a->next = b->next;
  if (a->next >= 0) x->symbols[a->next].prev = p.left;
  offer_pair(x, a->prev, p.left);
  offer_pair(x, p.left, a->next);
}

static mx_status emit_bytes(encoder *x, const symbol *s, mx_error *e) {
  for (uint32_t i = 0; i < s->length; i++) {
    uint8_t byte = (uint8_t)x->text[s->start + i];
    if (x->t->byte_ids[byte] < 0)
      return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                     "the vocabulary has no token for byte 0x%02x of the text", byte);
    emit(x, x->t->byte_ids[byte]);
  }
  return MX_OK;
}

// Appends the tokens of x->text.
static mx_status encode_escaped(encoder *x, mx_error *e) {
  cut_characters(x);
  x->n_heap = 0;
  for (size_t i = 1; i < x->n_symbols; i++) offer_pair(x, (int32_t)i - 1, (int32_t)i);
  while (x->n_heap) join(x, heap_pop(x));
  for (int32_t i = x->n_symbols ? 0 : -1; i >= 0; i = x->symbols[i].next) {
    const symbol *s = &x->symbols[i];
    int32_t id = mx_tokenizer_find(x->t, x->text + s->start, s->length);
    mx_status bad = MX_OK;
    if (id >= 0) emit(x, id);
    else bad = emit_bytes(x, s, e);
    if (bad) return bad;
  }
  return MX_OK;
}

static void append_space(encoder *x) {
  memcpy(x->text + x->n_text, SPACE, SPACE_BYTES);
  x->n_text += SPACE_BYTES;
}

static mx_status encode_plain(encoder *x, const char *text, size_t len, bool prefix, mx_error *e) {
  x->n_text = 0;
  if (prefix && x->t->config.add_space_prefix) append_space(x);
  for (size_t i = 0; i < len; i++) {
    if (text[i] == ' ') append_space(x);
    else x->text[x->n_text++] = text[i];
  }
  return encode_escaped(x, e);
}

// The first place at or after `from` where `piece` occurs, or len.
static size_t find_piece(const char *text, size_t len, size_t from, const mx_piece *piece) {
  while (from + piece->length_bytes <= len) {
    const char *hit = memchr(text + from, piece->text[0], len - from - piece->length_bytes + 1);
    if (!hit) break;
    if (memcmp(hit, piece->text, piece->length_bytes) == 0) return (size_t)(hit - text);
    from = (size_t)(hit - text) + 1;
  }
  return len;
}

// Marks in owner [len] the first byte of each user piece with id + 2 and its
// other bytes with 1; plain text stays 0. Longer pieces take their bytes first.
static void mark_user_pieces(const mx_tokenizer *t, const char *text, size_t len,
                             int32_t *owner) {
  for (uint32_t k = 0; k < t->n_user; k++) {
    const mx_piece *p = &t->pieces[t->user[k]];
    for (size_t at = find_piece(text, len, 0, p); at < len;) {
      size_t taken = 0;
      while (taken < p->length_bytes && owner[at + taken] == 0) taken++;
      if (taken == p->length_bytes) {
        owner[at] = t->user[k] + 2;
        for (size_t i = 1; i < taken; i++) owner[at + i] = 1;
      }
      at = find_piece(text, len, at + (taken == p->length_bytes ? taken : 1), p);
    }
  }
}

static mx_status encode_fragments(encoder *x, const char *text, size_t len, const int32_t *owner,
                                  mx_error *e) {
  bool prefix = true;  // at the start and after each user piece
  mx_status s = MX_OK;
  for (size_t at = 0; !s && at < len;) {
    size_t end = at;
    if (owner[at]) {
      int32_t id = owner[at] - 2;
      emit(x, id);
      at += x->t->pieces[id].length_bytes;
      prefix = true;
      continue;
    }
    while (end < len && owner[end] == 0) end++;
    s = encode_plain(x, text + at, end - at, prefix, e);
    prefix = false;
    at = end;
  }
  return s;
}

static mx_status encode_text(encoder *x, const char *text, size_t len, mx_error *e) {
  if (len == 0) return MX_OK;
  if (x->t->n_user == 0) return encode_plain(x, text, len, true, e);
  int32_t *owner = calloc(len, sizeof *owner);
  if (!owner) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to encode %zu bytes", len);
  mark_user_pieces(x->t, text, len, owner);
  mx_status s = encode_fragments(x, text, len, owner, e);
  free(owner);
  return s;
}

size_t mx_tokenizer_max_tokens(size_t len) {
  // Worst case: each byte a user piece or a space that no piece expresses,
  // with a prefix space before each plain fragment.
  return 6 * len + 4;
}

static mx_status encode_checked(encoder *x, const char *text, size_t len, bool bos, mx_error *e) {
  size_t spaces = 1;
  for (size_t i = 0; i < len; i++) spaces += text[i] == ' ';
  size_t characters = len + 1;  // an escaped space is one character
  x->text = malloc(len + SPACE_BYTES * spaces);
  x->symbols = malloc(characters * sizeof *x->symbols);
  x->heap = malloc(2 * characters * sizeof *x->heap);
  if (!x->text || !x->symbols || !x->heap)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to encode %zu bytes", len);
  if (bos) emit(x, x->t->config.bos);
  mx_status s = encode_text(x, text, len, e);
  if (!s && x->count > x->capacity)
    s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "the text has %zu tokens; there is room for %zu",
                x->count, x->capacity);
  return s;
}

mx_status mx_tokenizer_encode(const mx_tokenizer *t, const char *text, size_t len, bool bos,
                              int32_t *ids, size_t capacity, size_t *count, mx_error *e) {
  *count = 0;
  if (len > (size_t)1 << 28)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "the text has %zu bytes; at most 2^28 are encoded",
                   len);
  if (bos && t->config.bos < 0)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the tokenizer has no BOS token");
  encoder x = {.t = t, .ids = ids, .capacity = capacity};
  mx_status s = encode_checked(&x, text, len, bos, e);
  *count = x.count;
  free(x.text);
  free(x.symbols);
  free(x.heap);
  return s;
}

// ---- decoding --------------------------------------------------------------

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that "<0xXX>" names, or -1.
static int byte_of_piece(const mx_piece *p) {
  if (p->length_bytes != 6 || memcmp(p->text, "<0x", 3) || p->text[5] != '>') return -1;
  int high = hex_digit(p->text[3]), low = hex_digit(p->text[4]);
  return high < 0 || low < 0 ? -1 : 16 * high + low;
}

// Writes the text with spaces for "▁" to buf, or counts only when buf is NULL.
static size_t unescape(const char *text, size_t n, char *buf) {
  size_t out = 0;
  for (size_t i = 0; i < n; out++) {
    bool space = n - i >= SPACE_BYTES && memcmp(text + i, SPACE, SPACE_BYTES) == 0;
    if (buf) buf[out] = space ? ' ' : text[i];
    i += space ? SPACE_BYTES : 1;
  }
  return out;
}

mx_status mx_tokenizer_decode(const mx_tokenizer *t, int32_t prev, int32_t id, char *buf,
                              size_t capacity, size_t *len) {
  *len = 0;
  if (id < 0 || (uint32_t)id >= t->config.vocab_size) return MX_USAGE;
  mx_piece p = t->pieces[id];
  if (p.type == MX_PIECE_CONTROL || p.type == MX_PIECE_UNKNOWN) return MX_OK;
  int byte = p.type == MX_PIECE_BYTE ? byte_of_piece(&p) : -1;
  if (byte >= 0) {
    *len = 1;
    if (capacity < 1) return MX_LIMIT;
    buf[0] = (char)byte;
    return MX_OK;
  }
  bool first = prev < 0 || prev == t->config.bos;
  if (first && t->config.add_space_prefix && p.length_bytes >= SPACE_BYTES &&
      memcmp(p.text, SPACE, SPACE_BYTES) == 0) {
    p.text += SPACE_BYTES;
    p.length_bytes -= SPACE_BYTES;
  }
  *len = unescape(p.text, p.length_bytes, NULL);
  if (*len > capacity) return MX_LIMIT;
  unescape(p.text, p.length_bytes, buf);
  return MX_OK;
}
