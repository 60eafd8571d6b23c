#include "compiler/quant/factor.h"

#include <stdlib.h>

#include "compiler/quant/blas.h"
#include "compiler/quant/parallel.h"

enum { BLOCK = 128 };  // columns eliminated at a time, and rows or columns of a task

typedef struct {
  double *a;       // [n][n], lower triangle: J H J, then L
  uint32_t n, at;  // column of the block at hand
  double *columns; // [threads][n][BLOCK] of L^-1
  float *u;
} factor;

static uint32_t width(const factor *f, uint32_t from) { return f->n - from < BLOCK ? f->n - from : BLOCK; }

// Both triangles change places, rows and columns turn round.
static void reverse(double *a, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    double other = a[count - 1 - i];
    a[count - 1 - i] = a[i];
    a[i] = other;
  }
}

// ---- L ---------------------------------------------------------------------------

// Task i has BLOCK rows below the block at hand: L_ik = A_ik L_kk^-T.
static void solve_rows(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const factor *f = self;
  uint32_t size = width(f, f->at), from = f->at + size + i * BLOCK;
  int n = (int)f->n;
  mx_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)width(f, from), (int)size, 1,
           f->a + (size_t)f->at * f->n + f->at, n, f->a + (size_t)from * f->n + f->at, n);
}

// The same rows, up to the diagonal: A_ij -= L_ik L_jk^T.
static void update_rows(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const factor *f = self;
  uint32_t size = width(f, f->at), first = f->at + size, from = first + i * BLOCK, rows = width(f, from);
  const double *left = f->a + (size_t)from * f->n + f->at, *right = f->a + (size_t)first * f->n + f->at;
  int n = (int)f->n;
  mx_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows, (int)(from + rows - first), (int)size, -1, left, n,
           right, n, 1, f->a + (size_t)from * f->n + first, n);
}

// Row-major lower is LAPACK's upper.
static bool eliminate(factor *f, unsigned threads) {
  for (f->at = 0; f->at < f->n; f->at += BLOCK) {
    uint32_t size = width(f, f->at), tasks = mx_chunks(f->n - f->at - size, BLOCK);
    double *corner = f->a + (size_t)f->at * f->n + f->at;
    if (mx_dpotrf(LAPACK_COL_MAJOR, 'U', (lapack_int)size, corner, (lapack_int)f->n)) return false;
    mx_parallel(tasks, threads, solve_rows, f);
    mx_parallel(tasks, threads, update_rows, f);
  }
  return true;
}

// ---- U ---------------------------------------------------------------------------

// Columns of L^-1, which end up as rows of U, turned round.
static void invert_columns(void *self, uint32_t i, unsigned worker) {
  const factor *f = self;
  uint32_t from = i * BLOCK, cols = width(f, from), rows = f->n - from;
  double *x = f->columns + (size_t)worker * f->n * BLOCK;
  for (size_t k = 0; k < (size_t)rows * cols; k++) x[k] = k / cols == k % cols;
  mx_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (int)rows, (int)cols, 1,
           f->a + (size_t)from * f->n + from, (int)f->n, x, (int)cols);
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t c = 0; c < cols && c <= r; c++)
      f->u[(size_t)(f->n - 1 - from - r) * f->n + (f->n - 1 - from - c)] = (float)x[(size_t)r * cols + c];
}

mx_status mx_inverse_factor(double *a, uint32_t n, unsigned threads, float *u, bool *definite, mx_error *e) {
  factor f = {.a = a, .n = n, .u = u};
  *definite = false;
  f.columns = malloc((threads ? threads : 1) * (size_t)n * BLOCK * sizeof *f.columns);
  if (!f.columns) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the inverse of %u x %u", n, n);
  reverse(a, (size_t)n * n);
  *definite = eliminate(&f, threads);
  if (*definite) mx_parallel(mx_chunks(n, BLOCK), threads, invert_columns, &f);
  free(f.columns);
  return MX_OK;
}
