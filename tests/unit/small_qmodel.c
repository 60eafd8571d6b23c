#include "tests/unit/small_qmodel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/quantize.h"
#include "tests/unit/small_model.h"

static void require(bool ok, const char *what, const mx_error *e) {
  if (ok) return;
  fprintf(stderr, "test helper: %s failed: %s\n", what, e->text);
  abort();
}

mx_config test_shape_config(const test_shape *s) {
  return (mx_config){.dim = s->dim, .hidden_dim = s->hidden, .n_layers = s->layers, .n_heads = s->heads,
                     .n_kv_heads = s->kv_heads, .head_dim = s->head_dim, .vocab_size = TEST_VOCAB,
                     .context_length = s->context, .rope_theta = 10000.0f, .rms_eps = 1e-5f};
}

// Rows of a length around 1, as those of trained models; norms as they are.
static void shrink(mx_model *m) {
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    mx_matrix *w = mx_model_matrix(m, i, name);
    float factor = w->rows == 1 ? 1 : sqrtf(3.0f / (float)w->cols);
    for (size_t k = 0; k < (size_t)w->rows * w->cols; k++) w->data[k] *= factor;
  }
}

mx_qmodel *test_qmodel(const test_shape *s, uint64_t seed) {
  mx_config config = test_shape_config(s);
  mx_model *m = test_model(&config, seed % 2, seed);
  shrink(m);
  mx_quantize_options o = {.act_bits = s->act_bits, .kv_bits = s->kv_bits};
  mx_qmodel *q;
  mx_error e = {0};
  require(!mx_weight_format_parse(s->weights, &o.weights, &e), "the format", &e);
  require(!mx_quantize_model(m, &o, &q, &e), "mx_quantize_model", &e);
  mx_model_free(m);
  return q;
}

mx_image *test_compile(const mx_qmodel *q, const char *set, uint32_t context) {
  mx_compile_options o = {.params = mx_params_find(set), .context = context};
  mx_image *image;
  mx_error e = {0};
  require(!mx_compile(q, &o, &image, &e), "mx_compile", &e);
  return image;
}

static void copy(const mx_matrix *from, mx_matrix *to, mx_error *e) {
  require(!mx_matrix_allocate(to, e), "mx_matrix_allocate", e);
  memcpy(to->data, from->data, (size_t)to->rows * to->cols * sizeof *to->data);
}

static void dequantize(const mx_qmatrix *from, mx_matrix *to, mx_error *e) {
  require(!mx_matrix_allocate(to, e), "mx_matrix_allocate", e);
  for (size_t i = 0; i < (size_t)to->rows * to->cols; i++)
    to->data[i] = (float)mx_qmatrix_value(from, (uint32_t)(i / to->cols), (uint32_t)(i % to->cols));
}

mx_model *test_dequantized(const mx_qmodel *q) {
  mx_model *m;
  mx_error e = {0};
  require(!mx_model_new(&q->config, false, &m, &e), "mx_model_new", &e);
  copy(&q->token_embd, &m->token_embd, &e);
  copy(&q->output_norm, &m->output_norm, &e);
  dequantize(&q->output, &m->output, &e);
  for (uint32_t i = 0; i < q->config.n_layers; i++) {
    mx_qlayer *from = &q->layers[i];
    copy(&from->attn_norm, &m->layers[i].attn_norm, &e);
    copy(&from->ffn_norm, &m->layers[i].ffn_norm, &e);
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++)  // the sources are matrices of m
      dequantize(mx_qlayer_matrix(from, k, NULL), (mx_matrix *)(uintptr_t)mx_layer_source(&m->layers[i], k), &e);
  }
  return m;
}
