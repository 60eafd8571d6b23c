#include "compiler/import/model.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>    // isfinite
#include <stdio.h>   // snprintf
#include <stdlib.h>
#include <string.h>

#include "compiler/import/gguf.h"
#include "compiler/import/llama2c.h"

enum { MAX_EXTENT = 1 << 24 };

static mx_status check_extent(const char *name, uint64_t value, mx_loc at, mx_error *e) {
  if (value == 0) return mx_fail(e, MX_FORMAT, at, "the %s is 0", name);
  if (value > MAX_EXTENT)
    return mx_fail(e, MX_LIMIT, at, "the %s is %" PRIu64 "; at most 2^24 is supported", name,
                   value);
  return MX_OK;
}

static mx_status check_extents(const mx_config *c, mx_loc at, mx_error *e) {
  const struct {
    const char *name;
    uint64_t value;
  } extents[] = {
      {"embedding length", c->dim},       {"feed-forward length", c->hidden_dim},
      {"number of layers", c->n_layers},  {"number of heads", c->n_heads},
      {"head dimension", c->head_dim},    {"number of KV heads", c->n_kv_heads},
      {"vocabulary size", c->vocab_size}, {"context length", c->context_length},
      {"width of all heads", (uint64_t)c->n_heads * c->head_dim},
  };
  mx_status s = MX_OK;
  for (size_t i = 0; !s && i < sizeof extents / sizeof *extents; i++)
    s = check_extent(extents[i].name, extents[i].value, at, e);
  return s;
}

mx_status mx_config_check(const mx_config *c, mx_loc at, mx_error *e) {
  mx_status s = check_extents(c, at, e);
  if (s) return s;
  if (c->n_heads % c->n_kv_heads)
    return mx_fail(e, MX_FORMAT, at, "%u heads do not share %u KV heads evenly", c->n_heads,
                   c->n_kv_heads);
  if (c->head_norms > 1) return mx_fail(e, MX_FORMAT, at, "norms of heads marked %u, expected 0 or 1", c->head_norms);
  if (c->head_dim % 2)
    return mx_fail(e, MX_FORMAT, at, "the head dimension is %u; RoPE needs an even one",
                   c->head_dim);
  if (!isfinite(c->rope_theta) || c->rope_theta <= 0)
    return mx_fail(e, MX_FORMAT, at, "the RoPE base is %g; it must be positive",
                   (double)c->rope_theta);
  if (!isfinite(c->rms_eps) || c->rms_eps < 0)
    return mx_fail(e, MX_FORMAT, at, "the RMS epsilon is %g; it must not be negative",
                   (double)c->rms_eps);
  return MX_OK;
}

static void shape_layer(mx_layer *layer, const mx_config *c) {
  uint32_t dim = c->dim, hidden = c->hidden_dim;
  uint32_t q = c->n_heads * c->head_dim, kv = c->n_kv_heads * c->head_dim;
#define SHAPE(field, name, rows, cols) layer->field = (mx_matrix){rows, cols, NULL};
  MX_LAYER_MATRICES(SHAPE)
  if (!c->head_norms) return;
  uint32_t head_dim = c->head_dim;
  MX_HEAD_NORMS(SHAPE)
#undef SHAPE
}

mx_status mx_model_new(const mx_config *config, bool tied, mx_model **out, mx_error *e) {
  *out = NULL;
  mx_model *m = calloc(1, sizeof *m);
  mx_layer *layers = calloc(config->n_layers, sizeof *layers);
  if (!m || !layers) {
    free(m);
    free(layers);
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u layers", config->n_layers);
  }
  m->config = *config;
  m->layers = layers;
  m->tied = tied;
  m->token_embd = m->output = (mx_matrix){config->vocab_size, config->dim, NULL};
  m->output_norm = (mx_matrix){1, config->dim, NULL};
  for (uint32_t i = 0; i < config->n_layers; i++) shape_layer(&layers[i], config);
  *out = m;
  return MX_OK;
}

mx_status mx_matrix_allocate(mx_matrix *m, mx_error *e) {
  uint64_t n = (uint64_t)m->rows * m->cols;
  m->data = n <= SIZE_MAX / sizeof *m->data ? malloc((size_t)n * sizeof *m->data) : NULL;
  if (m->data) return MX_OK;
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a matrix of %u x %u floats", m->rows,
                 m->cols);
}

void mx_model_tie(mx_model *m) {
  assert(m->tied);
  m->output.data = m->token_embd.data;
}

// As mx_matrix_check_finite, of rows of which the first is row `first` of the tensor.
static mx_status check_rows(const mx_matrix *m, size_t first, const char *name, mx_loc at, mx_error *e) {
  for (size_t i = 0; i < (size_t)m->rows * m->cols; i++)
    if (!isfinite(m->data[i]))
      return mx_fail(e, MX_FORMAT, at, "tensor '%s' holds %f in row %zu, column %zu", name,
                     (double)m->data[i], first + i / m->cols, i % m->cols);
  return MX_OK;
}

mx_status mx_matrix_check_finite(const mx_matrix *m, const char *name, mx_loc at, mx_error *e) {
  return check_rows(m, 0, name, at, e);
}

uint32_t mx_model_matrix_count(const mx_model *m) {
  uint32_t head_norms = m->config.head_norms ? MX_HEAD_NORM_COUNT : 0;
  return (MX_LAYER_MATRIX_COUNT + head_norms) * m->config.n_layers + (m->tied ? 2 : 3);
}

static void name_in_layer(uint32_t layer, const char *text, char name[MX_MATRIX_NAME_BYTES]) {
  snprintf(name, MX_MATRIX_NAME_BYTES, "blk.%u.%s.weight", layer, text);
}

// Counted through the layers, as layer_matrix.
static mx_matrix *head_norm(const mx_model *m, uint32_t index, char name[MX_MATRIX_NAME_BYTES]) {
  mx_layer *layer = &m->layers[index / MX_HEAD_NORM_COUNT];
  bool keys = index % MX_HEAD_NORM_COUNT;
  name_in_layer(index / MX_HEAD_NORM_COUNT, keys ? "attn_k_norm" : "attn_q_norm", name);
  return keys ? &layer->k_norm : &layer->q_norm;
}

static mx_matrix *layer_matrix(const mx_model *m, uint32_t index,
                               char name[MX_MATRIX_NAME_BYTES]) {
  static const char *const names[] = {
#define NAME(field, text, rows, cols) text,
      MX_LAYER_MATRICES(NAME)
#undef NAME
  };
  uint32_t i = index / MX_LAYER_MATRIX_COUNT, k = index % MX_LAYER_MATRIX_COUNT;
  mx_layer *layer = &m->layers[i];
  mx_matrix *matrices[] = {
#define ADDRESS(field, text, rows, cols) &layer->field,
      MX_LAYER_MATRICES(ADDRESS)
#undef ADDRESS
  };
  name_in_layer(i, names[k], name);
  return matrices[k];
}

mx_matrix *mx_model_matrix(const mx_model *m, uint32_t index, char name[MX_MATRIX_NAME_BYTES]) {
  assert(index < mx_model_matrix_count(m));
  mx_model *w = (mx_model *)(uintptr_t)m;  // as strchr: const in, mutable out
  uint32_t in_layers = MX_LAYER_MATRIX_COUNT * m->config.n_layers;
  if (index >= 1 && index <= in_layers) return layer_matrix(m, index - 1, name);
  if (index >= mx_model_head_norm_index(m, 0, 0)) return head_norm(m, index - mx_model_head_norm_index(m, 0, 0), name);
  const char *text = index == 0               ? "token_embd.weight"
                     : index == in_layers + 1 ? "output_norm.weight"
                                              : "output.weight";
  snprintf(name, MX_MATRIX_NAME_BYTES, "%s", text);
  return index == 0 ? &w->token_embd : index == in_layers + 1 ? &w->output_norm : &w->output;
}

void mx_model_free(mx_model *m) {
  if (!m) return;
  char name[MX_MATRIX_NAME_BYTES];
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) free(mx_model_matrix(m, i, name)->data);
  free(m->layers);
  mx_tokenizer_free(m->tokenizer);
  free(m->stored);
  free(m->path);
  mx_file_unmap(&m->file);
  free(m);
}

// ---- weights ---------------------------------------------------------------------

mx_status mx_model_store(mx_model *m, const uint8_t *bytes, const char *path, mx_error *e) {
  m->stored = calloc(mx_model_matrix_count(m), sizeof *m->stored);
  m->path = strdup(path);
  m->bytes = bytes;
  return m->stored && m->path ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a model");
}

// The rows of a matrix or elements of a vector, of each `head` of them the first
// halves of pairs before the second ones, to pairs side by side.
static mx_status interleave(mx_matrix *m, uint32_t head, mx_error *e) {
  size_t width = m->rows == 1 ? 1 : m->cols, n = m->rows == 1 ? m->cols : m->rows;
  float *apart = malloc(head * width * sizeof *apart);
  if (!apart) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the rows of a head");
  for (size_t at = 0; at < n; at += head) {
    float *rows = m->data + at * width;
    memcpy(apart, rows, head * width * sizeof *apart);
    for (size_t i = 0; i < head; i++)
      memcpy(rows + i * width, apart + (i / 2 + i % 2 * (head / 2)) * width, width * sizeof *apart);
  }
  free(apart);
  return MX_OK;
}

// Rows from .. from + out->rows of matrix `index`, to memory that is there, as the
// file has them.
static mx_status fetch_rows(const mx_model *m, uint32_t index, uint32_t from, mx_matrix *out, mx_error *e) {
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *whole = mx_model_matrix(m, index, name);
  size_t n = (size_t)out->rows * out->cols, skipped = (size_t)from * out->cols;
  mx_loc at = MX_NOWHERE;
  if (m->stored) {
    const mx_stored *place = &m->stored[index];
    size_t size = mx_element_bytes(place->type);
    at = (mx_loc){m->path, place->at_bytes};
    mx_elements_read(place->type, m->bytes + place->at_bytes + skipped * size, n, out->data);
    if (m->file.data) mx_file_forget(&m->file, (size_t)place->at_bytes + skipped * size, n * size);
  } else {
    memcpy(out->data, whole->data + skipped, n * sizeof *out->data);
  }
  return check_rows(out, from, name, at, e);
}

mx_status mx_model_fetch(const mx_model *m, uint32_t index, mx_matrix *out, mx_error *e) {
  char name[MX_MATRIX_NAME_BYTES];
  const mx_matrix *from = mx_model_matrix(m, index, name);
  *out = (mx_matrix){from->rows, from->cols, NULL};
  mx_status s = mx_matrix_allocate(out, e);
  if (!s) s = fetch_rows(m, index, 0, out, e);
  if (!s && m->stored && m->stored[index].halves) s = interleave(out, m->stored[index].halves, e);
  if (!s) return MX_OK;
  free(out->data);
  out->data = NULL;
  return s;
}

mx_status mx_model_fetch_rows(const mx_model *m, const int32_t *ids, uint32_t n, mx_matrix *out, mx_error *e) {
  uint32_t cols = m->config.dim;
  *out = (mx_matrix){n, cols, NULL};
  mx_status s = mx_matrix_allocate(out, e);
  for (uint32_t i = 0; i < n && !s; i++) {
    mx_matrix row = {1, cols, out->data + (size_t)i * cols};
    if (ids[i] < 0 || (uint32_t)ids[i] >= m->config.vocab_size)
      s = mx_fail(e, MX_USAGE, MX_NOWHERE, "token %d; the vocabulary has %u", ids[i], m->config.vocab_size);
    else s = fetch_rows(m, 0, (uint32_t)ids[i], &row, e);
  }
  if (!s) return MX_OK;
  free(out->data);
  out->data = NULL;
  return s;
}

mx_status mx_model_convert(mx_model *m, mx_error *e) {
  if (!m->stored) return MX_OK;
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < mx_model_matrix_count(m) && !s; i++) {
    char name[MX_MATRIX_NAME_BYTES];
    s = mx_model_fetch(m, i, mx_model_matrix(m, i, name), e);
  }
  if (s) return s;
  if (m->tied) mx_model_tie(m);
  free(m->stored);
  m->stored = NULL;
  mx_file_unmap(&m->file);
  return MX_OK;
}

// ---- files -----------------------------------------------------------------------

// Tells the type of a model file by its first bytes and reads it.
static mx_status open_mapped(const mx_file *f, const char *path, const char *tokenizer_path,
                             mx_model **out, mx_error *e) {
  if (mx_gguf_detect(f->data, f->size_bytes))
    return mx_gguf_open(f->data, f->size_bytes, path, tokenizer_path, out, e);
  if (mx_llama2c_detect(f->data, f->size_bytes))
    return mx_llama2c_open(f->data, f->size_bytes, path, tokenizer_path, out, e);
  return mx_fail(e, MX_FORMAT, (mx_loc){path, 0},
                 "neither a GGUF file (magic \"GGUF\") nor a llama2.c model (seven plausible "
                 "int32 sizes)");
}

mx_status mx_model_open(const char *path, const char *tokenizer_path, mx_model **out,
                        mx_error *e) {
  *out = NULL;
  mx_file file;
  mx_status s = mx_file_map(path, &file, e);
  if (!s) s = open_mapped(&file, path, tokenizer_path, out, e);
  if (s) mx_file_unmap(&file);
  else (*out)->file = file;
  return s;
}

mx_status mx_model_load(const char *path, const char *tokenizer_path, mx_model **out,
                        mx_error *e) {
  mx_status s = mx_model_open(path, tokenizer_path, out, e);
  if (!s) s = mx_model_convert(*out, e);
  if (!s) return MX_OK;
  mx_model_free(*out);
  *out = NULL;
  return s;
}
