#include "compiler/quant/gptq.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"
#include "golden/mxint.h"

enum { ROWS = 32 };    // of a task
enum { PASSES = 20 };  // of the refinement, at most

typedef struct {
  const mx_matrix *m;
  const mx_weight_format *format;
  const mx_gptq_options *o;
  uint32_t n;         // columns
  uint32_t *column;   // [n] column of the matrix at each place of the order
  float *u;           // [n][n] upper triangle, in the order
  float *work;        // [threads][ROWS][n] rows in the order
  float *errors;      // [threads][ROWS][MX_BLOCK_MAX]
  float *slopes;      // [threads][ROWS][n], and
  float *h;           // [n][n] damped Hessian, not ordered; for refinement
  mx_qmatrix *out;
} gptq;

// ---- order ---------------------------------------------------------------------

typedef struct {
  double key;
  uint32_t index;
} ranked;

// Descending, equal keys as they were.
static int compare(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? 1 : -1;
  return x->index < y->index ? -1 : 1;
}

static double diagonal(const mx_hessian *h, uint32_t i) { return (double)h->sum[(size_t)i * h->n + i]; }

// `ranks` has room for max(blocks, block length).
static void order_columns(gptq *g, const mx_hessian *h, ranked *ranks) {
  uint32_t length = mx_block_length(&g->format->stream), blocks = mx_chunks(g->n, length), at = 0;
  for (uint32_t b = 0; b < blocks; b++) {
    double sum = 0;
    uint32_t size = mx_block_size(g->n, length, b);
    for (uint32_t i = 0; i < size; i++) sum += diagonal(h, b * length + i);
    ranks[b] = (ranked){sum / size, b};
  }
  qsort(ranks, blocks, sizeof *ranks, compare);
  for (uint32_t r = 0; r < blocks; r++) {
    uint32_t b = ranks[r].index, size = mx_block_size(g->n, length, b);
    ranked inside[MX_BLOCK_MAX];
    for (uint32_t i = 0; i < size; i++) inside[i] = (ranked){diagonal(h, b * length + i), b * length + i};
    qsort(inside, size, sizeof *inside, compare);
    for (uint32_t i = 0; i < size; i++) g->column[at++] = inside[i].index;
  }
}

static mx_status choose_order(gptq *g, const mx_hessian *h, mx_error *e) {
  for (uint32_t i = 0; i < g->n; i++) g->column[i] = i;
  if (!g->o->order) return MX_OK;
  ranked *ranks = malloc(g->n * sizeof *ranks);
  if (!ranks) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to order %u columns", g->n);
  order_columns(g, h, ranks);
  free(ranks);
  return MX_OK;
}

// ---- factor of the inverse Hessian ------------------------------------------------

static double mean_diagonal(const mx_hessian *h) {
  double sum = 0;
  for (uint32_t i = 0; i < h->n; i++) sum += diagonal(h, i) > 0 ? diagonal(h, i) : 1;
  return sum / h->n;
}

// Dead columns get a diagonal of 1, as in gptq.py.
static double damped_diagonal(const mx_hessian *h, uint32_t i, double extra) {
  return (diagonal(h, i) > 0 ? diagonal(h, i) : 1) + extra;
}

// a [n][n] = H in the order, damped. Row-major upper is LAPACK's lower; only
// that half is read.
static void damped(const gptq *g, const mx_hessian *h, double damping, double *a) {
  double extra = damping * mean_diagonal(h);
  for (uint32_t i = 0; i < g->n; i++) {
    const float *row = h->sum + (size_t)g->column[i] * g->n;
    for (uint32_t k = i; k < g->n; k++) a[(size_t)i * g->n + k] = (double)row[g->column[k]];
    a[(size_t)i * g->n + i] = damped_diagonal(h, g->column[i], extra);
  }
}

static void damped_floats(gptq *g, const mx_hessian *h, double damping) {
  double extra = damping * mean_diagonal(h);
  memcpy(g->h, h->sum, (size_t)g->n * g->n * sizeof *g->h);
  for (uint32_t i = 0; i < g->n; i++) g->h[(size_t)i * g->n + i] = (float)damped_diagonal(h, i, extra);
}

// a = U with U^T U = a^-1; false if a is not positive definite.
static bool factor(double *a, uint32_t n) {
  lapack_int size = (lapack_int)n;
  return LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', size, a, size) == 0 &&
         LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', size, a, size) == 0 &&
         LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', size, a, size) == 0;
}

static mx_status factor_inverse(gptq *g, const mx_hessian *h, const char *name, mx_error *e) {
  size_t count = (size_t)g->n * g->n;
  double *a = malloc(count * sizeof *a);
  if (!a) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "%s: no memory for a Hessian of %u x %u", name, g->n, g->n);
  double damping = g->o->damping > 0 ? g->o->damping : 0.01;
  bool done = false;
  for (; !done && damping <= 1; damping *= 10) {
    damped(g, h, damping, a);
    done = factor(a, g->n);
  }
  for (size_t i = 0; i < count && done; i++) g->u[i] = (float)a[i];
  if (done && g->h) damped_floats(g, h, damping / 10);  // the damping that did
  free(a);
  if (done) return MX_OK;
  return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s: the Hessian of its inputs is singular, damped or not", name);
}

// ---- rounding --------------------------------------------------------------------

// Rounds w [size], places at .. at + size of the order, with the side; writes
// codes and E [size]. Returns the sum of E^2, or infinity once it reaches `limit`.
static double round_block(const gptq *g, const mx_side *s, const float *w, uint32_t at, uint32_t size, double limit,
                          int8_t *codes, float *errors) {
  float rest[MX_BLOCK_MAX];  // w with the losses of columns before made up for
  double sum = 0;
  memcpy(rest, w, size * sizeof *rest);
  for (uint32_t i = 0; i < size; i++) {
    const float *u = g->u + (size_t)(at + i) * g->n + at;
    codes[i] = mx_side_code(s, g->format, g->o->whole ? w[i] : rest[i]);
    float error = (rest[i] - mx_side_value(s, g->format, codes[i])) / u[i];
    for (uint32_t k = i + 1; k < size; k++) rest[k] -= error * u[k];
    errors[i] = error;
    sum += (double)error * error;
    if (sum >= limit && isfinite(limit)) return INFINITY;
  }
  return sum;
}

// The block of one row: side, codes and errors [size].
static void choose_block(const gptq *g, uint32_t row, const float *w, uint32_t at, uint32_t size, float *errors) {
  mx_side sides[MX_SIDES_MAX];
  uint32_t count = g->o->search ? mx_side_candidates(w, size, g->format, sides) : 1;
  if (!g->o->search) sides[0] = mx_side_rtn(w, size, g->format);
  double least = INFINITY;
  for (uint32_t i = 0; i < count; i++) {
    int8_t codes[MX_BLOCK_MAX];
    float tried[MX_BLOCK_MAX];
    double sum = round_block(g, &sides[i], w, at, size, least, codes, tried);
    if (i && sum >= least) continue;
    least = sum;
    memcpy(errors, tried, size * sizeof *errors);
    size_t b = g->column[at] / mx_block_length(&g->format->stream);
    size_t side = (size_t)row * mx_qmatrix_blocks(g->out) + b;
    g->out->scales[side] = sides[i].scale;
    g->out->zeros[side] = sides[i].zero;
    for (uint32_t k = 0; k < size; k++) g->out->codes[(size_t)row * g->n + g->column[at + k]] = codes[k];
  }
}

// Blocks keep their length in the order; the short one may stand anywhere.
static uint32_t block_at(const gptq *g, uint32_t at) {
  uint32_t length = mx_block_length(&g->format->stream);
  return mx_block_size(g->n, length, g->column[at] / length);
}

// ---- refinement --------------------------------------------------------------------

// One pass over block b of a row. slope [n] = H d, d the weights minus what
// their codes stand for: each code in turn goes to the best for the others as
// they are. True if a code changed.
static bool improve_block(const gptq *g, uint32_t row, uint32_t b, float *slope) {
  uint32_t length = mx_block_length(&g->format->stream), from = b * length;
  size_t at = (size_t)row * mx_qmatrix_blocks(g->out) + b;
  mx_side s = mx_side_of(g->format, g->out->scales[at], g->out->zeros[at]);
  int8_t *codes = g->out->codes + (size_t)row * g->n;
  bool changed = false;
  for (uint32_t j = from; j < from + mx_block_size(g->n, length, b); j++) {
    const float *h = g->h + (size_t)j * g->n;
    float now = mx_side_value(&s, g->format, codes[j]);
    int8_t code = mx_side_code(&s, g->format, now + slope[j] / h[j]);
    float step = mx_side_value(&s, g->format, code) - now;
    // The error falls by step (2 slope_j - step H_jj): only where that is a gain.
    if (code == codes[j] || !(step * (2 * slope[j] - step * h[j]) > 0)) continue;
    codes[j] = code;
    for (uint32_t k = 0; k < g->n; k++) slope[k] -= step * h[k];
    changed = true;
  }
  return changed;
}

static bool improve_row(const gptq *g, uint32_t row, float *slope) {
  bool changed = false;
  for (uint32_t b = 0; b < mx_qmatrix_blocks(g->out); b++) changed |= improve_block(g, row, b, slope);
  return changed;
}

static void refine_rows(const gptq *g, uint32_t from, uint32_t rows, float *d, float *slope) {
  for (uint32_t r = 0; r < rows; r++) {
    mx_qmatrix_row(g->out, from + r, d + (size_t)r * g->n);
    for (uint32_t k = 0; k < g->n; k++)
      d[(size_t)r * g->n + k] = g->m->data[(size_t)(from + r) * g->n + k] - d[(size_t)r * g->n + k];
  }
  int n = (int)g->n;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, n, n, 1, d, n, g->h, n, 0, slope, n);
  for (uint32_t r = 0; r < rows; r++)
    for (int pass = 0; pass < PASSES && improve_row(g, from + r, slope + (size_t)r * g->n); pass++) {
    }
}

static void load_rows(const gptq *g, uint32_t from, uint32_t rows, float *w) {
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t k = 0; k < g->n; k++)
      w[(size_t)r * g->n + k] = g->m->data[(size_t)(from + r) * g->n + g->column[k]];
}

static void round_rows(void *self, uint32_t i, unsigned worker) {
  const gptq *g = self;
  uint32_t from = i * ROWS, rows = g->m->rows - from < ROWS ? g->m->rows - from : ROWS;
  float *w = g->work + (size_t)worker * ROWS * g->n, *errors = g->errors + (size_t)worker * ROWS * MX_BLOCK_MAX;
  load_rows(g, from, rows, w);
  for (uint32_t at = 0, size; at < g->n; at += size) {
    size = block_at(g, at);
    for (uint32_t r = 0; r < rows; r++)
      choose_block(g, from + r, w + (size_t)r * g->n + at, at, size, errors + (size_t)r * MX_BLOCK_MAX);
    uint32_t next = at + size;
    if (next < g->n)
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)(g->n - next), (int)size, -1, errors,
                  MX_BLOCK_MAX, g->u + (size_t)at * g->n + next, (int)g->n, 1, w + next, (int)g->n);
  }
  if (g->h) refine_rows(g, from, rows, w, g->slopes + (size_t)worker * ROWS * g->n);
}

static bool allocate(gptq *g, unsigned threads) {
  size_t n = g->n, workers = threads ? threads : 1;
  g->column = malloc(n * sizeof *g->column);
  g->u = malloc(n * n * sizeof *g->u);
  g->work = malloc(workers * ROWS * n * sizeof *g->work);
  g->errors = calloc(workers * ROWS * MX_BLOCK_MAX, sizeof *g->errors);
  if (g->o->refine) {
    g->slopes = malloc(workers * ROWS * n * sizeof *g->slopes);
    g->h = malloc(n * n * sizeof *g->h);
  }
  return g->column && g->u && g->work && g->errors && (!g->o->refine || (g->slopes && g->h));
}

mx_status mx_quantize_gptq(const mx_matrix *m, const mx_hessian *h, const mx_weight_format *format,
                           const mx_gptq_options *o, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e) {
  mx_status s = mx_qmatrix_allocate(out, m->rows, m->cols, format, e);
  if (s) return s;
  gptq g = {.m = m, .format = format, .o = o, .n = m->cols, .out = out};
  if (!allocate(&g, threads)) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "%s: no memory for GPTQ", name);
  if (!s) s = choose_order(&g, h, e);
  if (!s) s = factor_inverse(&g, h, name, e);
  if (!s) mx_parallel(mx_chunks(m->rows, ROWS), threads, round_rows, &g);
  free(g.column);
  free(g.u);
  free(g.work);
  free(g.errors);
  free(g.slopes);
  free(g.h);
  return s;
}
