#include "compiler/quant/qmodel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/isa.h"

mx_status mx_qmatrix_allocate(mx_qmatrix *q, uint32_t rows, uint32_t cols, const mx_weight_format *f, mx_error *e) {
  *q = (mx_qmatrix){.rows = rows, .cols = cols, .format = *f};
  size_t blocks = (size_t)rows * mx_qmatrix_blocks(q);
  q->codes = calloc((size_t)rows * cols, 1);
  q->scales = calloc(blocks, sizeof *q->scales);
  q->zeros = calloc(blocks, 1);
  if (!q->codes || !q->scales || !q->zeros)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a matrix of %u x %u", rows, cols);
  return MX_OK;
}

static double scale_value(const mx_weight_format *f, uint16_t scale) {
  if (f->stream.scale == MX_SCALE_E8M0) return scale == 0xff ? (double)NAN : ldexp(1, scale - 127);
  int exponent = scale >> 10 & 31, significand = scale & 1023;
  double magnitude = exponent ? ldexp(1024 + significand, exponent - 25) : ldexp(significand, -24);
  return scale >> 15 ? -magnitude : magnitude;
}

double mx_qmatrix_value(const mx_qmatrix *q, uint32_t row, uint32_t col) {
  size_t side = (size_t)row * mx_qmatrix_blocks(q) + col / mx_block_length(&q->format.stream);
  int code = q->codes[(size_t)row * q->cols + col];
  int element = (q->format.codebook ? q->format.table[code & 15] : code) - q->zeros[side];
  return ldexp(element, -(int)q->format.frac) * scale_value(&q->format, q->scales[side]);
}

static void shape(mx_matrix *m, uint32_t rows, uint32_t cols) { *m = (mx_matrix){rows, cols, NULL}; }

static void shape_layer(mx_qlayer *l, const mx_config *c) {
  uint32_t q = c->n_heads * c->head_dim, kv = c->n_kv_heads * c->head_dim;
  shape(&l->attn_norm, 1, c->dim);
  shape(&l->ffn_norm, 1, c->dim);
  const uint32_t shapes[MX_QLAYER_MATRICES][2] = {{q, c->dim}, {kv, c->dim}, {kv, c->dim}, {c->dim, q},
      {c->hidden_dim, c->dim}, {c->hidden_dim, c->dim}, {c->dim, c->hidden_dim}};
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) {
    mx_qmatrix *m = mx_qlayer_matrix(l, i, NULL);
    m->rows = shapes[i][0];
    m->cols = shapes[i][1];
  }
}

mx_status mx_qmodel_new(const mx_config *config, mx_qmodel **out, mx_error *e) {
  mx_qmodel *q = calloc(1, sizeof *q);
  if (q) q->layers = calloc(config->n_layers, sizeof *q->layers);
  if (!q || !q->layers) {
    free(q);
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u layers", config->n_layers);
  }
  q->config = *config;
  shape(&q->token_embd, config->vocab_size, config->dim);
  shape(&q->output_norm, 1, config->dim);
  q->output.rows = config->vocab_size;
  q->output.cols = config->dim;
  for (uint32_t i = 0; i < config->n_layers; i++) shape_layer(&q->layers[i], config);
  *out = q;
  return MX_OK;
}

static void free_qmatrix(mx_qmatrix *m) {
  free(m->codes);
  free(m->scales);
  free(m->zeros);
}

void mx_qmodel_free(mx_qmodel *q) {
  if (!q) return;
  for (uint32_t i = 0; i < q->config.n_layers; i++) {
    free(q->layers[i].attn_norm.data);
    free(q->layers[i].ffn_norm.data);
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) free_qmatrix(mx_qlayer_matrix(&q->layers[i], k, NULL));
  }
  free(q->layers);
  free(q->token_embd.data);
  free(q->output_norm.data);
  free_qmatrix(&q->output);
  mx_tokenizer_free(q->tokenizer);
  free(q);
}

mx_qmatrix *mx_qlayer_matrix(mx_qlayer *l, unsigned index, const char **name) {
  static const char *const names[MX_QLAYER_MATRICES] = {"attn_q", "attn_k", "attn_v", "attn_output",
                                                        "ffn_gate", "ffn_up", "ffn_down"};
  mx_qmatrix *matrices[MX_QLAYER_MATRICES] = {&l->wq, &l->wk, &l->wv, &l->wo, &l->w_gate, &l->w_up, &l->w_down};
  if (name) *name = names[index];
  return matrices[index];
}

const mx_matrix *mx_layer_source(const mx_layer *l, unsigned index) {
  const mx_matrix *matrices[MX_QLAYER_MATRICES] = {&l->wq, &l->wk, &l->wv, &l->wo, &l->w_gate, &l->w_up, &l->w_down};
  return matrices[index];
}
