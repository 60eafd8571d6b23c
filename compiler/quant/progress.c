#include "compiler/quant/progress.h"

#include "compiler/quant/equalise.h"
#include "compiler/quant/qmodel.h"

// Multiply-adds that take as long as one element of: rounding to nearest, a
// search of its block's scale, GPTQ, refinement, and one of a double.
static const double rounding = 100, searching = 3000, compensating = 500, refining = 2000, doubles = 2;

static void shape(const mx_config *c, unsigned index, double *rows, double *cols) {
  const double q = (double)c->n_heads * c->head_dim, kv = (double)c->n_kv_heads * c->head_dim, dim = c->dim,
               hidden = c->hidden_dim;
  const double shapes[MX_QLAYER_MATRICES + 1][2] = {{q, dim},      {kv, dim},     {kv, dim},     {dim, q},
                                                    {hidden, dim}, {hidden, dim}, {dim, hidden}, {c->vocab_size, dim}};
  *rows = shapes[index][0];
  *cols = shapes[index][1];
}

static double elements(const mx_config *c, bool head) {
  double sum = 0, rows, cols;
  for (unsigned i = head ? MX_QLAYER_MATRICES : 0; i < (head ? MX_QLAYER_MATRICES + 1 : MX_QLAYER_MATRICES); i++) {
    shape(c, i, &rows, &cols);
    sum += rows * cols;
  }
  return sum;
}

double mx_work_scales(const mx_work *w, bool head) {
  const mx_methods *m = w->methods;
  if (!m->smoothquant && !m->awq && !m->fixed && !m->qsm) return 0;
  double tries = (m->smoothquant_search ? 12 : m->smoothquant) + (m->awq ? 20 : 0) + (m->fixed_search || m->qsm_clip ? 10 : 1);
  double sample = w->tokens < MX_EQUALISE_TOKENS ? w->tokens : MX_EQUALISE_TOKENS, all = head ? 0 : w->tokens;
  return elements(w->config, head) * (all + sample * (tries + 2) + rounding * tries);
}

double mx_work_matrix(const mx_work *w, unsigned index) {
  const mx_methods *m = w->methods;
  double rows, cols, work;
  shape(w->config, index, &rows, &cols);
  bool shared = index == 1 || index == 2 || index == 5;  // its input is that of the matrix before
  work = rows * cols * (m->gptq ? compensating + (m->mse ? searching : 0) : m->mse ? searching : rounding);
  if (!w->tokens || !(m->gptq || m->mse || m->correct || m->awq)) return work;
  work += w->tokens * rows * cols + (shared ? 0 : w->tokens * cols * cols / 2);
  if (m->gptq) work += rows * cols * cols / 2 + doubles * cols * cols * cols / 3;
  if (m->gptq && m->gptq_refine) work += rows * cols * (cols + refining);
  if (m->correct) work += w->tokens * cols * cols + rows * cols * cols * (1 + doubles) + doubles * cols * cols * cols / 6;
  return work;
}

double mx_work_layer(const mx_work *w) {
  double work = mx_work_scales(w, false);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) work += mx_work_matrix(w, i);
  return work;
}

double mx_work_total(const mx_work *w) {
  return w->config->n_layers * mx_work_layer(w) + mx_work_scales(w, true) + mx_work_matrix(w, MX_QLAYER_MATRICES);
}
