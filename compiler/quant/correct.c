#include "compiler/quant/correct.h"

#include <stdlib.h>

#include "compiler/quant/blas.h"
#include "compiler/quant/parallel.h"

enum { PANEL = 64 };             // rows of a task
static const double damping = 0.01;  // of the mean diagonal of H

typedef struct {
  const mx_matrix *w;
  const float *off;     // [tokens][cols] x - xq
  const float *xq;      // [tokens][cols]
  uint32_t tokens;
  float *cross;         // [cols][cols] sum of (x - xq) xq^T
  float *moved;         // [rows][cols] W cross
} correction;

static uint32_t panel(uint32_t n, uint32_t i) { return n - i * PANEL < PANEL ? n - i * PANEL : PANEL; }

static void cross_panel(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const correction *c = self;
  int n = (int)c->w->cols;
  mx_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)panel(c->w->cols, i), n, (int)c->tokens, 1,
              c->off + (size_t)i * PANEL, n, c->xq, n, 0, c->cross + (size_t)i * PANEL * c->w->cols, n);
}

static void move_panel(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const correction *c = self;
  int n = (int)c->w->cols;
  size_t at = (size_t)i * PANEL * c->w->cols;
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)panel(c->w->rows, i), n, n, 1, c->w->data + at, n,
              c->cross, n, 0, c->moved + at, n);
}

// Adds b (H + damping)^-1 to w; a and b are scratch for H and `moved` in double.
static mx_status solve(mx_matrix *w, const mx_hessian *h, const float *moved, double *a, double *b, const char *name,
                       mx_error *e) {
  size_t n = w->cols, count = (size_t)w->rows * n;
  double mean = 0;
  for (size_t i = 0; i < n; i++) mean += h->sum[i * n + i];
  mean /= (double)n;
  if (!(mean > 0)) return MX_OK;  // no input at all
  for (size_t i = 0; i < n * n; i++) a[i] = h->sum[i];
  for (size_t i = 0; i < n; i++) a[i * n + i] += damping * mean;
  for (size_t i = 0; i < count; i++) b[i] = moved[i];
  if (mx_dposv(LAPACK_COL_MAJOR, 'L', (lapack_int)n, (lapack_int)w->rows, a, (lapack_int)n, b, (lapack_int)n))
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s: the Hessian of its inputs is singular, damped or not", name);
  for (size_t i = 0; i < count; i++) w->data[i] += (float)b[i];
  return MX_OK;
}

mx_status mx_correct_weights(mx_matrix *w, const float *x, const float *xq, const float *weight, uint32_t tokens,
                             const mx_hessian *h, unsigned threads, const char *name, mx_error *e) {
  size_t n = w->cols, count = (size_t)w->rows * n, inputs = (size_t)tokens * n;
  float *off = malloc(inputs * sizeof *off), *cross = malloc(n * n * sizeof *cross), *moved = malloc(count * sizeof *moved);
  double *a = malloc(n * n * sizeof *a), *b = malloc(count * sizeof *b);
  mx_status s = MX_OK;
  if (!off || !cross || !moved || !a || !b) {
    s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "%s: no memory to correct a matrix of %u x %u", name, w->rows, w->cols);
  } else {
    for (size_t i = 0; i < inputs; i++) off[i] = (x[i] - xq[i]) * (weight ? weight[i / n] : 1);
    correction c = {w, off, xq, tokens, cross, moved};
    mx_parallel(mx_chunks(w->cols, PANEL), threads, cross_panel, &c);
    mx_parallel(mx_chunks(w->rows, PANEL), threads, move_panel, &c);
    s = solve(w, h, moved, a, b, name, e);
  }
  free(off);
  free(cross);
  free(moved);
  free(a);
  free(b);
  return s;
}
