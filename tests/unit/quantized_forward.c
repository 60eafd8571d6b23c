#include "tests/unit/quantized_forward.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/quant/forward.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"

static void require(bool ok, const mx_error *e) {
  if (ok) return;
  fprintf(stderr, "test helper: %s\n", e->text);
  abort();
}

static mx_matrix dequantized(const mx_qmatrix *q) {
  mx_matrix m = {q->rows, mx_qmatrix_cols(q), NULL};
  mx_error e = {0};
  require(!mx_matrix_allocate(&m, &e), &e);
  for (uint32_t r = 0; r < m.rows; r++) mx_qmatrix_row(q, r, m.data + (size_t)r * m.cols);
  return m;
}

static void run_layer(mx_forward *f, mx_qlayer *from) {
  mx_layer l = {.attn_norm = from->attn_norm, .ffn_norm = from->ffn_norm, .q_norm = from->q_norm, .k_norm = from->k_norm};
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) *mx_layer_matrix(&l, i) = dequantized(mx_qlayer_matrix(from, i, NULL));
  f->inputs[MX_INPUT_ATTN] = mx_qmatrix_format(&from->wq);
  f->inputs[MX_INPUT_WO] = mx_qmatrix_format(&from->wo);
  f->inputs[MX_INPUT_FFN] = mx_qmatrix_format(&from->w_gate);
  f->inputs[MX_INPUT_DOWN] = mx_qmatrix_format(&from->w_down);
  mx_forward_layer(f, &l, NULL, NULL);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) free(mx_layer_matrix(&l, i)->data);
}

static float *run_head(mx_forward *f, const mx_matrix *norm, const mx_matrix *output) {
  mx_forward_norm(f, norm, MX_INPUT_HEAD);
  float *logits = malloc((size_t)f->calibration->n_tokens * output->rows * sizeof *logits);
  mx_error e = {.text = "no memory"};
  require(logits, &e);
  mx_forward_multiply(f, output, f->h, logits);
  return logits;
}

float *test_quantized_logits(const mx_qmodel *q, const mx_calibration *c, unsigned threads) {
  mx_model shell = {.config = q->config, .token_embd = q->token_embd};
  mx_forward f;
  mx_error e = {0};
  require(!mx_forward_new(&(mx_source){.model = &shell}, c, threads, &f, &e), &e);
  int blas = mx_blas_single();
  f.online = q->online;
  f.quantized = true;
  f.kv_bits = q->kv_bits;
  for (uint32_t i = 0; i < q->config.n_layers; i++) {
    if (c->n_prefix) mx_forward_set_prefix(&f, &q->prefix, i);
    run_layer(&f, &q->layers[i]);
  }
  f.inputs[MX_INPUT_HEAD] = mx_qmatrix_format(&q->output);
  mx_matrix output = dequantized(&q->output);
  float *logits = run_head(&f, &q->output_norm, &output);
  mx_blas_restore(blas);
  free(output.data);
  mx_forward_free(&f);
  return logits;
}

float *test_float_logits(const mx_model *m, const mx_calibration *c, unsigned threads) {
  mx_forward f;
  mx_error e = {0};
  require(!mx_forward_new(&(mx_source){.model = m}, c, threads, &f, &e), &e);
  int blas = mx_blas_single();
  for (uint32_t i = 0; i < m->config.n_layers; i++) mx_forward_layer(&f, &m->layers[i], NULL, NULL);
  float *logits = run_head(&f, &m->output_norm, &m->output);
  mx_blas_restore(blas);
  mx_forward_free(&f);
  return logits;
}

static double nll(const float *logits, uint32_t n, int32_t next) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += exp((double)logits[i] - (double)logits[next]);
  return log(sum);
}

double test_mean_nll(const float *logits, const mx_calibration *c, uint32_t vocab_size) {
  double sum = 0, n = 0;
  uint32_t first = c->n_prefix ? c->n_prefix - 1 : 0;  // its last token is BOS
  for (uint32_t i = 0; i < c->n_sequences; i++)
    for (uint32_t t = c->starts[i] + first; t + 1 < c->starts[i + 1]; t++, n++)
      sum += nll(logits + (size_t)t * vocab_size, vocab_size, c->tokens[t + 1]);
  return sum / n;
}
