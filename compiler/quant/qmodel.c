#include "compiler/quant/qmodel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/isa.h"

mx_status mx_qmatrix_allocate(mx_qmatrix *q, uint32_t rows, uint32_t cols, const mx_weight_format *f, mx_error *e) {
  *q = (mx_qmatrix){.rows = rows, .cols = cols, .format = *f, .acts = {.bits = MX_BITS_8}};
  bool by_row = mx_weight_format_by_row(f);
  size_t blocks = (size_t)rows * mx_qmatrix_blocks(q);
  q->codes = calloc((size_t)rows * cols, 1);
  if (by_row) q->steps = calloc(rows, sizeof *q->steps);
  else q->scales = calloc(blocks, sizeof *q->scales);
  if (!by_row) q->zeros = calloc(blocks, 1);
  if (q->codes && (by_row ? q->steps != NULL : q->scales && q->zeros)) return MX_OK;
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a matrix of %u x %u", rows, cols);
}

mx_status mx_qmatrix_allocate_parts(mx_qmatrix *q, uint32_t rows, const mx_matrix_format *f, mx_error *e) {
  mx_status s = mx_qmatrix_allocate(q, rows, f->part[0].cols, &f->part[0].weights, e);
  q->acts = f->part[0].acts;
  if (s || f->n_parts == 1) return s;
  q->rest = calloc(1, sizeof *q->rest);
  if (!q->rest) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a matrix");
  s = mx_qmatrix_allocate(q->rest, rows, f->part[1].cols, &f->part[1].weights, e);
  q->rest->acts = f->part[1].acts;
  return s;
}

void mx_qmatrix_free(mx_qmatrix *q) {
  free(q->codes);
  free(q->scales);
  free(q->zeros);
  free(q->steps);
  if (q->rest) mx_qmatrix_free(q->rest);
  free(q->rest);
  q->codes = q->zeros = NULL;
  q->scales = NULL;
  q->steps = NULL;
  q->rest = NULL;
}

mx_matrix_format mx_qmatrix_format(const mx_qmatrix *q) {
  mx_matrix_format f = {.n_parts = q->rest ? 2 : 1, .part = {{q->cols, q->format, q->acts}}};
  if (q->rest) f.part[1] = (mx_part_format){q->rest->cols, q->rest->format, q->rest->acts};
  return f;
}

static double scale_value(const mx_weight_format *f, uint16_t scale) {
  if (f->stream.scale == MX_SCALE_E8M0) return scale == 0xff ? (double)NAN : ldexp(1, scale - 127);
  int exponent = scale >> 10 & 31, significand = scale & 1023;
  double magnitude = exponent ? ldexp(1024 + significand, exponent - 25) : ldexp(significand, -24);
  return scale >> 15 ? -magnitude : magnitude;
}

double mx_qmatrix_value(const mx_qmatrix *q, uint32_t row, uint32_t col) {
  if (col >= q->cols) return mx_qmatrix_value(q->rest, row, col - q->cols);
  if (q->steps) return (double)q->steps[row] * q->codes[(size_t)row * q->cols + col];
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

void mx_qmodel_set_head_norms(mx_qmodel *q, bool head_norms) {
  q->config.head_norms = head_norms;
  for (uint32_t i = 0; i < q->config.n_layers && head_norms; i++) {
    shape(&q->layers[i].q_norm, 1, q->config.head_dim);
    shape(&q->layers[i].k_norm, 1, q->config.head_dim);
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
  mx_qmodel_set_head_norms(q, config->head_norms);
  *out = q;
  return MX_OK;
}

void mx_qmodel_free(mx_qmodel *q) {
  if (!q) return;
  for (uint32_t i = 0; i < q->config.n_layers; i++) {
    free(q->layers[i].attn_norm.data);
    free(q->layers[i].ffn_norm.data);
    free(q->layers[i].q_norm.data);
    free(q->layers[i].k_norm.data);
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) mx_qmatrix_free(mx_qlayer_matrix(&q->layers[i], k, NULL));
  }
  free(q->layers);
  free(q->basis.order);
  free(q->prefix.tokens);
  free(q->prefix.keys);
  free(q->prefix.values);
  free(q->prefix.logits);
  free(q->token_embd.data);
  free(q->output_norm.data);
  mx_qmatrix_free(&q->output);
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
