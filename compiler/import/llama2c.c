#include "compiler/import/llama2c.h"

#include <inttypes.h>
#include <stdio.h>   // snprintf
#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"

enum { HEADER_BYTES = 28, NEWER_MAGIC = 0x616b3432 };

// ---- model -----------------------------------------------------------------

// A positive int32 of the header that is small enough to be a size; negative
// ones are allowed for the vocabulary only.
static bool plausible(const uint8_t *header, int index) {
  int32_t v = (int32_t)mx_load_u32(header + 4 * index);
  if (index == 5 && v < 0 && v > INT32_MIN) v = -v;
  return v > 0 && v <= 1 << 24;
}

bool mx_llama2c_detect(const uint8_t *data, size_t size) {
  if (size >= 4 && mx_load_u32(data) == NEWER_MAGIC) return true;
  if (size < HEADER_BYTES) return false;
  for (int i = 0; i < 7; i++)
    if (!plausible(data, i)) return false;
  return true;
}

static mx_status read_header(const uint8_t *data, const char *path, mx_config *c, bool *tied,
                             mx_error *e) {
  int32_t vocab = (int32_t)mx_load_u32(data + 20);
  *tied = vocab > 0;
  *c = (mx_config){.dim = mx_load_u32(data),
                   .hidden_dim = mx_load_u32(data + 4),
                   .n_layers = mx_load_u32(data + 8),
                   .n_heads = mx_load_u32(data + 12),
                   .n_kv_heads = mx_load_u32(data + 16),
                   .vocab_size = (uint32_t)(*tied ? vocab : -vocab),
                   .context_length = mx_load_u32(data + 24),
                   .rope_theta = 10000.0f,
                   .rms_eps = 1e-5f};
  if (c->dim % c->n_heads)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 0}, "the width %u is no multiple of %u heads",
                   c->dim, c->n_heads);
  c->head_dim = c->dim / c->n_heads;
  return mx_config_check(c, (mx_loc){path, 0}, e);
}

// Adds n * m * 4 bytes to *sum, which saturates at UINT64_MAX.
static void add_floats(uint64_t *sum, uint64_t n, uint64_t m) {
  uint64_t room = (UINT64_MAX - *sum) / 4;
  *sum = m && n > room / m ? UINT64_MAX : *sum + 4 * n * m;
}

// The file size that the header implies; each product of two sizes <= 2^24 fits.
static uint64_t implied_size(const mx_config *c, bool tied) {
  uint64_t dim = c->dim, kv = (uint64_t)c->n_kv_heads * c->head_dim, sum = HEADER_BYTES;
  add_floats(&sum, (uint64_t)c->vocab_size * (tied ? 1 : 2), dim);
  add_floats(&sum, c->n_layers, 2 * dim);
  add_floats(&sum, c->n_layers, 2 * dim * dim);
  add_floats(&sum, c->n_layers, 2 * kv * dim);
  add_floats(&sum, c->n_layers, 3 * dim * c->hidden_dim);
  add_floats(&sum, 1, dim);
  add_floats(&sum, c->context_length, c->head_dim);
  return sum;
}

static mx_status find_matrix(mx_bytes *b, mx_model *m, uint32_t index, mx_error *e) {
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *matrix = mx_model_matrix(m, index, name);
  const uint8_t *ignored;
  m->stored[index] = (mx_stored){.type = MX_ELEMENT_F32, .at_bytes = b->at};
  return mx_bytes_take(b, 4 * (uint64_t)matrix->rows * matrix->cols, name, &ignored, e);
}

// Matrix `kind`, counted as in MX_LAYER_MATRICES, of every layer.
static mx_status find_kind(mx_bytes *b, mx_model *m, uint32_t kind, mx_error *e) {
  mx_status s = MX_OK;
  for (uint32_t i = 0; !s && i < m->config.n_layers; i++) s = find_matrix(b, m, mx_model_layer_index(i, kind), e);
  return s;
}

enum {  // places in MX_LAYER_MATRICES
#define KIND(field, name, rows, cols) kind_##field,
  MX_LAYER_MATRICES(KIND)
#undef KIND
};

static mx_status find_weights(mx_bytes *b, mx_model *m, mx_error *e) {
  static const uint32_t order[] = {kind_attn_norm, kind_wq,       kind_wk,
                                   kind_wv,        kind_wo,       kind_ffn_norm,
                                   kind_w_gate,    kind_w_down,   kind_w_up};
  const uint8_t *rope;
  uint64_t rope_bytes = 4 * (uint64_t)m->config.context_length * m->config.head_dim;
  uint32_t last = mx_model_matrix_count(m) - 1;
  mx_status s = mx_model_store(m, b->data, b->path, e);
  if (!s) s = find_matrix(b, m, 0, e);
  for (size_t i = 0; !s && i < sizeof order / sizeof *order; i++)
    s = find_kind(b, m, order[i], e);
  if (!s) s = find_matrix(b, m, m->tied ? last : last - 1, e);  // output_norm
  if (!s) s = mx_bytes_take(b, rope_bytes, "the RoPE tables", &rope, e);
  return s || m->tied ? s : find_matrix(b, m, last, e);
}

static mx_status check_file(const uint8_t *data, size_t size, const char *path,
                            const char *tokenizer_path, mx_error *e) {
  mx_loc at = {path, 0};
  if (size < HEADER_BYTES)
    return mx_fail(e, MX_FORMAT, at, "the header needs %d bytes; the file has %zu", HEADER_BYTES,
                   size);
  if (mx_load_u32(data) == NEWER_MAGIC)
    return mx_fail(e, MX_UNSUPPORTED, at,
                   "llama2.c format version %d; only the legacy version 0 is read "
                   "(export.py --version 0)",
                   (int)mx_load_u32(data + 4));
  if (!mx_llama2c_detect(data, size))
    return mx_fail(e, MX_FORMAT, at, "a size in the header is not in 1 .. 2^24");
  if (!tokenizer_path)
    return mx_fail(e, MX_USAGE, at,
                   "a llama2.c model carries no tokenizer: pass --tokenizer tokenizer.bin");
  return MX_OK;
}

mx_status mx_llama2c_open(const uint8_t *data, size_t size, const char *path,
                          const char *tokenizer_path, mx_model **out, mx_error *e) {
  *out = NULL;
  mx_config c;
  bool tied;
  mx_status s = check_file(data, size, path, tokenizer_path, e);
  if (!s) s = read_header(data, path, &c, &tied, e);
  if (s) return s;
  if (implied_size(&c, tied) != size)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, size},
                   "the header implies %" PRIu64 " bytes; the file has %zu",
                   implied_size(&c, tied), size);
  mx_model *m;
  s = mx_model_new(&c, tied, &m, e);
  if (s) return s;
  snprintf(m->format, sizeof m->format, "llama2.c version 0 (F32)");
  mx_bytes b = {data, size, HEADER_BYTES, path};
  s = mx_llama2c_tokenizer_load(tokenizer_path, c.vocab_size, &m->tokenizer, e);
  if (!s) s = find_weights(&b, m, e);
  if (s) mx_model_free(m);
  else *out = m;
  return s;
}

// ---- tokenizer.bin -----------------------------------------------------------

// A tokenizer.bin as it is read: pieces with "▁" for spaces, texts in `text`.
typedef struct {
  mx_piece *pieces;  // [vocab_size]
  char *text;
  size_t n_text;
} piece_list;

static bool is_byte_piece(const uint8_t *text, uint32_t n) {
  static const char hex[] = "0123456789ABCDEF";
  return n == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' && text[3] && text[4] &&
         strchr(hex, text[3]) && strchr(hex, text[4]);
}

static mx_piece_type type_of(uint32_t id, const uint8_t *text, uint32_t n) {
  if (id == 0) return MX_PIECE_UNKNOWN;
  if (id <= 2) return MX_PIECE_CONTROL;
  return is_byte_piece(text, n) ? MX_PIECE_BYTE : MX_PIECE_NORMAL;
}

static mx_status read_piece(mx_bytes *b, uint32_t id, piece_list *list, mx_error *e) {
  mx_piece *piece = &list->pieces[id];
  uint32_t n = 0;
  const uint8_t *text = NULL;
  mx_status s = mx_bytes_f32(b, "a token's score", &piece->score, e);
  if (!s) s = mx_bytes_u32(b, "a token's length", &n, e);
  if (!s) s = mx_bytes_take(b, n, "a token's text", &text, e);
  if (s) return s;
  piece->text = list->text + list->n_text;
  piece->type = type_of(id, text, n);
  for (uint32_t i = 0; i < n; i++) {
    bool space = text[i] == ' ';
    memcpy(list->text + list->n_text, space ? "\xe2\x96\x81" : (const char *)text + i,
           space ? 3 : 1);
    list->n_text += space ? 3 : 1;
  }
  piece->length_bytes = (uint32_t)(list->text + list->n_text - piece->text);
  return MX_OK;
}

static mx_status read_pieces(mx_bytes *b, uint32_t vocab_size, piece_list *list, mx_error *e) {
  mx_status s = MX_OK;
  for (uint32_t i = 0; !s && i < vocab_size; i++) s = read_piece(b, i, list, e);
  if (!s && mx_bytes_left(b))
    s = mx_fail(e, MX_FORMAT, mx_bytes_loc(b),
                "%zu bytes after the last of the model's %u tokens; is this its tokenizer?",
                mx_bytes_left(b), vocab_size);
  return s;
}

mx_status mx_llama2c_tokenizer(const uint8_t *data, size_t size, const char *path,
                               uint32_t vocab_size, mx_tokenizer **out, mx_error *e) {
  *out = NULL;
  mx_bytes b = {data, size, 0, path};
  uint32_t longest;
  mx_status s = mx_bytes_u32(&b, "the header", &longest, e);
  if (s) return s;
  if (vocab_size < 3 || vocab_size > mx_bytes_left(&b) / 8)
    return mx_fail(e, MX_FORMAT, mx_bytes_loc(&b),
                   "the file has %zu bytes, too few for the model's %u tokens", size, vocab_size);
  piece_list list = {calloc(vocab_size, sizeof *list.pieces), malloc(3 * size), 0};
  if (!list.pieces || !list.text)
    s = mx_fail(e, MX_LIMIT, mx_bytes_loc(&b), "no memory for %u tokens", vocab_size);
  if (!s) s = read_pieces(&b, vocab_size, &list, e);
  const mx_tokenizer_config config = {vocab_size, 1, 2, 0, true};
  if (!s) s = mx_tokenizer_new(list.pieces, &config, (mx_loc){path, 0}, out, e);
  free(list.pieces);
  free(list.text);
  return s;
}

mx_status mx_llama2c_tokenizer_load(const char *path, uint32_t vocab_size, mx_tokenizer **out,
                                    mx_error *e) {
  *out = NULL;
  mx_file file;
  mx_status s = mx_file_map(path, &file, e);
  if (!s) s = mx_llama2c_tokenizer(file.data, file.size_bytes, path, vocab_size, out, e);
  mx_file_unmap(&file);
  return s;
}
