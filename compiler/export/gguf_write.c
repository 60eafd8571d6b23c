#include "compiler/export/gguf_write.h"

#include <errno.h>
#include <math.h>    // isfinite
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>  // getpid

enum { VERSION = 3, ALIGNMENT = 32, FILE_TYPE_F32 = 0, FILE_TYPE_F16 = 1 };
enum { PIECE_FLOATS = 1 << 22 };  // of a matrix in memory

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "GGUF is little endian");

uint16_t mx_half_of_float(float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return (uint16_t)(sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00));
  if (magnitude < 0x38800000) {  // below 2^-14: units of 2^-24, which adding 2^-1 rounds to
    float f;
    memcpy(&f, &magnitude, sizeof f);
    f += 0.5f;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(sign | (bits - 0x3f000000));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | ((magnitude - 0x38000000) >> 13));
}

// ---- output --------------------------------------------------------------------

typedef struct {
  FILE *f;         // NULL: only count
  uint64_t bytes;  // so far
  bool failed;
} sink;

static void put(sink *s, const void *data, size_t n) {
  s->bytes += n;
  if (s->f && fwrite(data, 1, n, s->f) != n) s->failed = true;
}

static void put_u32(sink *s, uint32_t v) { put(s, &v, sizeof v); }
static void put_u64(sink *s, uint64_t v) { put(s, &v, sizeof v); }
static void put_f32(sink *s, float v) { put(s, &v, sizeof v); }

static void put_text(sink *s, const char *text, size_t n) {
  put_u64(s, n);
  put(s, text, n);
}

static uint64_t aligned(uint64_t bytes) { return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static void pad(sink *s) {
  static const char zeros[ALIGNMENT];
  put(s, zeros, (size_t)(aligned(s->bytes) - s->bytes));
}

// ---- metadata --------------------------------------------------------------------

// Counts keys as it writes them, so that the header's number, taken from a walk
// without a file, is that of what follows.
typedef struct {
  sink *s;
  uint64_t n;
} keys;

static void key(keys *k, const char *name, mx_gguf_type type) {
  k->n++;
  put_text(k->s, name, strlen(name));
  put_u32(k->s, (uint32_t)type);
}

static void key_u32(keys *k, const char *name, uint32_t v) {
  key(k, name, MX_GGUF_U32);
  put_u32(k->s, v);
}

static void key_f32(keys *k, const char *name, float v) {
  key(k, name, MX_GGUF_F32);
  put_f32(k->s, v);
}

static void key_bool(keys *k, const char *name, bool v) {
  uint8_t byte = v;
  key(k, name, MX_GGUF_BOOL);
  put(k->s, &byte, 1);
}

static void key_text(keys *k, const char *name, const char *v) {
  key(k, name, MX_GGUF_STRING);
  put_text(k->s, v, strlen(v));
}

static void key_array(keys *k, const char *name, mx_gguf_type type, uint32_t n) {
  key(k, name, MX_GGUF_ARRAY);
  put_u32(k->s, (uint32_t)type);
  put_u64(k->s, n);
}

// Key of the architecture.
static void key_in(char out[64], const mx_config *c, const char *name) { snprintf(out, 64, "%s.%s", mx_config_architecture(c), name); }

static void size_of(keys *k, const mx_config *c, const char *name, uint32_t v) {
  char full[64];
  key_in(full, c, name);
  key_u32(k, full, v);
}

static void number_of(keys *k, const mx_config *c, const char *name, float v) {
  char full[64];
  key_in(full, c, name);
  key_f32(k, full, v);
}

static void put_config(keys *k, const mx_gguf_source *m) {
  const mx_config *c = m->config;
  key_text(k, "general.architecture", mx_config_architecture(c));
  key_text(k, "general.name", m->name);
  key_u32(k, "general.alignment", ALIGNMENT);
  key_u32(k, "general.file_type", m->type == MX_GGML_F16 ? FILE_TYPE_F16 : FILE_TYPE_F32);
  key_u32(k, "general.quantization_version", 2);
  size_of(k, c, "context_length", c->context_length);
  size_of(k, c, "embedding_length", c->dim);
  size_of(k, c, "block_count", c->n_layers);
  size_of(k, c, "feed_forward_length", c->hidden_dim);
  size_of(k, c, "attention.head_count", c->n_heads);
  size_of(k, c, "attention.head_count_kv", c->n_kv_heads);
  size_of(k, c, "attention.key_length", c->head_dim);
  size_of(k, c, "attention.value_length", c->head_dim);
  number_of(k, c, "attention.layer_norm_rms_epsilon", c->rms_eps);
  size_of(k, c, "rope.dimension_count", c->head_dim);
  number_of(k, c, "rope.freq_base", c->rope_theta);
  size_of(k, c, "vocab_size", c->vocab_size);
}

static void key_token(keys *k, const char *name, int32_t id) {
  if (id >= 0) key_u32(k, name, (uint32_t)id);
}

static void put_tokenizer(keys *k, const mx_tokenizer *t) {
  const mx_tokenizer_config *c = mx_tokenizer_get_config(t);
  int32_t n = (int32_t)c->vocab_size;
  key_text(k, "tokenizer.ggml.model", "llama");
  key_array(k, "tokenizer.ggml.tokens", MX_GGUF_STRING, c->vocab_size);
  for (int32_t i = 0; i < n; i++) put_text(k->s, mx_tokenizer_piece(t, i).text, mx_tokenizer_piece(t, i).length_bytes);
  key_array(k, "tokenizer.ggml.scores", MX_GGUF_F32, c->vocab_size);
  for (int32_t i = 0; i < n; i++) put_f32(k->s, mx_tokenizer_piece(t, i).score);
  key_array(k, "tokenizer.ggml.token_type", MX_GGUF_I32, c->vocab_size);
  for (int32_t i = 0; i < n; i++) put_u32(k->s, (uint32_t)mx_tokenizer_piece(t, i).type);
  key_token(k, "tokenizer.ggml.bos_token_id", c->bos);
  key_token(k, "tokenizer.ggml.eos_token_id", c->eos);
  key_token(k, "tokenizer.ggml.unknown_token_id", c->unk);
  key_bool(k, "tokenizer.ggml.add_bos_token", c->bos >= 0);
  key_bool(k, "tokenizer.ggml.add_eos_token", false);
  key_bool(k, "tokenizer.ggml.add_space_prefix", c->add_space_prefix);
}

static uint64_t put_metadata(sink *s, const mx_gguf_source *m) {
  keys k = {s, 0};
  put_config(&k, m);
  put_tokenizer(&k, m->tokenizer);
  return k.n;
}

// ---- tensors -----------------------------------------------------------------------

// A model without data: its matrices' names and shapes.
typedef struct {
  const mx_gguf_source *m;
  mx_model *shapes;
  sink *s;
  mx_error *e;
} writer;

static uint32_t type_of(const writer *w, const mx_matrix *t) { return t->rows == 1 ? MX_GGML_F32 : w->m->type; }
static size_t element_bytes(uint32_t type) { return type == MX_GGML_F16 ? 2 : 4; }

static void put_info(const writer *w, uint32_t index, uint64_t *offset) {
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *t = mx_model_matrix(w->shapes, index, name);
  uint32_t type = type_of(w, t);
  put_text(w->s, name, strlen(name));
  put_u32(w->s, t->rows == 1 ? 1 : 2);
  put_u64(w->s, t->cols);
  if (t->rows != 1) put_u64(w->s, t->rows);
  put_u32(w->s, type);
  put_u64(w->s, *offset);
  *offset = aligned(*offset + (uint64_t)t->rows * t->cols * element_bytes(type));
}

static void put_head(const writer *w) {
  uint32_t n = mx_model_matrix_count(w->shapes);
  uint64_t offset = 0;
  put(w->s, "GGUF", 4);
  put_u32(w->s, VERSION);
  put_u64(w->s, n);
  put_u64(w->s, put_metadata(&(sink){0}, w->m));
  put_metadata(w->s, w->m);
  for (uint32_t i = 0; i < n; i++) put_info(w, i, &offset);
}

// v [n] to the type, in place.
static mx_status convert(const writer *w, uint32_t type, float *v, size_t n, const char *name) {
  uint16_t *halves = (uint16_t *)(void *)v;
  for (size_t i = 0; i < n; i++) {
    uint16_t half = type == MX_GGML_F16 ? mx_half_of_float(v[i]) : 0;
    if (!isfinite(v[i]) || (half & 0x7c00) == 0x7c00)
      return mx_fail(w->e, MX_LIMIT, MX_NOWHERE, "%s holds %g, which %s cannot express", name, (double)v[i],
                     type == MX_GGML_F16 ? "F16" : "F32");
    if (type == MX_GGML_F16) memcpy(&halves[i], &half, sizeof half);
  }
  return MX_OK;
}

// Row or element r of the file, of those of a head of `head`, whose RoPE turns the
// pairs (i, i + head / 2).
static uint32_t beside(uint32_t r, uint32_t head) {
  uint32_t i = r % head, half = head / 2;
  return r - i + (i < half ? 2 * i : 2 * (i - half) + 1);
}

// Rows first .. first + n in the order of the file.
static mx_status take_rows(const writer *w, uint32_t index, const mx_matrix *t, uint32_t first, uint32_t n, float *out) {
  uint32_t head = w->m->config->head_dim;
  mx_status s = MX_OK;
  for (uint32_t r = 0; r < n && !s; r++)
    s = w->m->rows(w->m->self, index, beside(first + r, head), 1, out + (size_t)r * t->cols, w->e);
  return s;
}

static mx_status take_gain(const writer *w, uint32_t index, const mx_matrix *t, float *out) {
  float *gain = malloc(t->cols * sizeof *gain);
  if (!gain) return mx_fail(w->e, MX_LIMIT, MX_NOWHERE, "no memory for a gain");
  mx_status s = w->m->rows(w->m->self, index, 0, 1, gain, w->e);
  for (uint32_t i = 0; i < t->cols && !s; i++) out[i] = gain[beside(i, t->cols)];
  free(gain);
  return s;
}

// Qwen3 files have what RoPE turns in another order (mx_stored in model.h).
static mx_status take(const writer *w, uint32_t index, const char *name, uint32_t first, uint32_t n, float *out) {
  char text[MX_MATRIX_NAME_BYTES];
  const mx_matrix *t = mx_model_matrix(w->shapes, index, text);
  bool turned = strstr(name, ".attn_q") || strstr(name, ".attn_k");
  if (!w->m->config->head_norms || !turned) return w->m->rows(w->m->self, index, first, n, out, w->e);
  return t->rows == 1 ? take_gain(w, index, t, out) : take_rows(w, index, t, first, n, out);
}

static mx_status put_tensor(const writer *w, uint32_t index, float *piece) {
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *t = mx_model_matrix(w->shapes, index, name);
  uint32_t type = type_of(w, t), step = t->cols < PIECE_FLOATS ? PIECE_FLOATS / t->cols : 1;
  pad(w->s);
  for (uint32_t first = 0; first < t->rows; first += step) {
    uint32_t n = t->rows - first < step ? t->rows - first : step;
    mx_status s = take(w, index, name, first, n, piece);
    if (!s) s = convert(w, type, piece, (size_t)n * t->cols, name);
    if (s) return s;
    put(w->s, piece, (size_t)n * t->cols * element_bytes(type));
    if (w->s->failed) return mx_fail(w->e, MX_IO, MX_NOWHERE, "cannot write %s: %s", name, strerror(errno));
  }
  return MX_OK;
}

static size_t piece_floats(const mx_config *c) {
  size_t longest = (size_t)c->n_heads * c->head_dim;
  if (c->dim > longest) longest = c->dim;
  if (c->hidden_dim > longest) longest = c->hidden_dim;
  return longest > PIECE_FLOATS ? longest : PIECE_FLOATS;
}

static mx_status put_all(const writer *w) {
  float *piece = malloc(piece_floats(w->m->config) * sizeof *piece);
  if (!piece) return mx_fail(w->e, MX_LIMIT, MX_NOWHERE, "no memory for a part of a matrix");
  put_head(w);
  mx_status s = MX_OK;
  for (uint32_t i = 0; !s && i < mx_model_matrix_count(w->shapes); i++) s = put_tensor(w, i, piece);
  pad(w->s);
  free(piece);
  return s;
}

// ---- files -------------------------------------------------------------------------

static mx_status write_temporary(const char *temporary, const char *path, writer *w) {
  sink s = {.f = fopen(temporary, "wb")};
  if (!s.f) return mx_fail(w->e, MX_IO, (mx_loc){temporary, 0}, "cannot create: %s", strerror(errno));
  w->s = &s;
  mx_status status = put_all(w);
  if (fclose(s.f)) s.failed = true;
  if (!status && (s.failed || rename(temporary, path)))
    status = mx_fail(w->e, MX_IO, (mx_loc){path, 0}, "cannot write: %s", strerror(errno));
  if (status) remove(temporary);
  return status;
}

mx_status mx_gguf_write(const char *path, const mx_gguf_source *source, mx_error *e) {
  char temporary[4096];
  if ((size_t)snprintf(temporary, sizeof temporary, "%s.%ld.part", path, (long)getpid()) >= sizeof temporary)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "the path is too long");
  writer w = {.m = source, .e = e};
  mx_status s = mx_config_check(source->config, MX_NOWHERE, e);
  if (!s) s = mx_model_new(source->config, source->tied, &w.shapes, e);
  if (!s) s = write_temporary(temporary, path, &w);
  mx_model_free(w.shapes);
  return s;
}

static mx_status model_rows(void *self, uint32_t index, uint32_t first, uint32_t n, float *out, mx_error *e) {
  (void)e;
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *t = mx_model_matrix(self, index, name);
  memcpy(out, t->data + (size_t)first * t->cols, (size_t)n * t->cols * sizeof *out);
  return MX_OK;
}

mx_status mx_gguf_write_model(const char *path, const mx_model *m, const char *name, uint32_t type, mx_error *e) {
  mx_gguf_source source = {.config = &m->config, .tied = m->tied, .tokenizer = m->tokenizer, .name = name, .type = type,
                           .rows = model_rows, .self = (void *)(uintptr_t)m};
  return mx_gguf_write(path, &source, e);
}
