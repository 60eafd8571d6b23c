#include "compiler/quant/gptq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/blas.h"
#include "compiler/quant/factor.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"
#include "golden/mxint.h"

enum { ROWS = 64 };    // of a task
enum { BATCH = 256 };  // columns, whole blocks, whose losses reach those after them at once
enum { ERRORS = BATCH + MX_BLOCK_MAX };
enum { PASSES = 20 };  // of the refinement, at most

typedef struct {
  mx_qmatrix *part;
  uint32_t first;        // first column of the part
  uint32_t from, size;   // columns of the matrix
  uint32_t index;        // of the block in the part
} block;

typedef struct {
  const mx_matrix *m;
  const mx_gptq_options *o;
  uint32_t n;         // columns
  uint32_t n_blocks;
  block *blocks;      // [n_blocks] of all parts
  uint32_t *turn;     // [n_blocks] the order of blocks
  uint32_t *column;   // [n] column of the matrix at each place of the order
  float *u;           // [n][n] upper triangle, in the order
  float *work;        // [threads][ROWS][n] rows in the order
  float *errors;      // [threads][ROWS][ERRORS]
  float *slopes;      // [threads][ROWS][n], and
  float *h;           // [n][n] damped Hessian, not ordered; for refinement
  mx_qmatrix *out;
} gptq;

static void list_blocks(gptq *g) {
  uint32_t first = 0, at = 0;
  for (mx_qmatrix *q = g->out; q; first += q->cols, q = q->rest)
    for (uint32_t b = 0, length = mx_block_length(&q->format.stream); b < mx_qmatrix_blocks(q); b++) {
      g->turn[at] = at;
      g->blocks[at++] = (block){q, first, first + b * length, mx_block_size(q->cols, length, b), b};
    }
}

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

static void order_blocks(gptq *g, const mx_hessian *h, ranked *ranks) {
  for (uint32_t b = 0; b < g->n_blocks; b++) {
    double sum = 0;
    for (uint32_t i = 0; i < g->blocks[b].size; i++) sum += diagonal(h, g->blocks[b].from + i);
    ranks[b] = (ranked){sum / g->blocks[b].size, b};
  }
  qsort(ranks, g->n_blocks, sizeof *ranks, compare);
  for (uint32_t r = 0; r < g->n_blocks; r++) g->turn[r] = ranks[r].index;
}

static void order_columns(const block *b, const mx_hessian *h, uint32_t *column) {
  ranked ranks[MX_BLOCK_MAX];
  for (uint32_t i = 0; i < b->size; i++) ranks[i] = (ranked){diagonal(h, b->from + i), b->from + i};
  qsort(ranks, b->size, sizeof *ranks, compare);
  for (uint32_t i = 0; i < b->size; i++) column[i] = ranks[i].index;
}

static mx_status choose_order(gptq *g, const mx_hessian *h, mx_error *e) {
  for (uint32_t i = 0; i < g->n; i++) g->column[i] = i;
  if (!g->o->order) return MX_OK;
  ranked *ranks = malloc(g->n_blocks * sizeof *ranks);
  if (!ranks) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to order %u columns", g->n);
  order_blocks(g, h, ranks);
  free(ranks);
  for (uint32_t r = 0, at = 0; r < g->n_blocks; at += g->blocks[g->turn[r++]].size)
    order_columns(&g->blocks[g->turn[r]], h, g->column + at);
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

// Upper triangle of a [n][n] = H in the order, damped.
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

static mx_status factor_inverse(gptq *g, const mx_hessian *h, unsigned threads, const char *name, mx_error *e) {
  size_t count = (size_t)g->n * g->n;
  double *a = malloc(count * sizeof *a);
  if (!a) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "%s: no memory for a Hessian of %u x %u", name, g->n, g->n);
  double damping = g->o->damping > 0 ? g->o->damping : 0.01;
  bool done = false;
  mx_status s = MX_OK;
  for (; !s && !done && damping <= 1; damping *= 10) {
    damped(g, h, damping, a);
    s = mx_inverse_factor(a, g->n, threads, g->u, &done, e);
  }
  if (done && g->h) damped_floats(g, h, damping / 10);  // the damping that did
  free(a);
  if (s || done) return s;
  return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s: the Hessian of its inputs is singular, damped or not", name);
}

// ---- rounding --------------------------------------------------------------------

// Sum of ((w - Q(w)) / U_ii)^2 over the columns of a part by row; w [n], all columns.
static double step_error(const gptq *g, const mx_qmatrix *q, uint32_t first, const mx_side *s, const float *w) {
  double sum = 0;
  for (uint32_t i = 0; i < g->n; i++) {
    uint32_t column = g->column[i];
    if (column < first || column >= first + q->cols) continue;
    float d = w[column] - mx_side_value(s, &q->format, mx_side_code(s, &q->format, w[column]));
    double error = (double)(d / g->u[(size_t)i * g->n + i]);
    sum += error * error;
  }
  return sum;
}

static void choose_step(const gptq *g, mx_qmatrix *q, uint32_t first, uint32_t row) {
  const float *w = g->m->data + (size_t)row * g->n;
  mx_side sides[MX_SIDES_MAX], *best = sides;
  uint32_t count = mx_side_candidates(w + first, q->cols, &q->format, sides);
  double least = INFINITY;
  for (uint32_t i = 0; i < count && g->o->search; i++) {
    double error = step_error(g, q, first, &sides[i], w);
    if (i && error >= least) continue;
    least = error;
    best = &sides[i];
  }
  mx_side_set(q, row, 0, best);
}

static void choose_steps(const gptq *g, uint32_t row) {
  uint32_t first = 0;
  for (mx_qmatrix *q = g->out; q; first += q->cols, q = q->rest)
    if (q->steps) choose_step(g, q, first, row);
}

// Rounds w [size], the block's places of the order, from `at` on, with the side;
// writes codes and E [size]. Returns the sum of E^2, or infinity once it reaches `limit`.
static double round_block(const gptq *g, const block *b, const mx_side *s, const float *w, uint32_t at, double limit,
                          int8_t *codes, float *errors) {
  const mx_weight_format *f = &b->part->format;
  float rest[MX_BLOCK_MAX];  // w with the losses of columns before made up for
  double sum = 0;
  memcpy(rest, w, b->size * sizeof *rest);
  for (uint32_t i = 0; i < b->size; i++) {
    const float *u = g->u + (size_t)(at + i) * g->n + at;
    codes[i] = mx_side_code(s, f, g->o->whole ? w[i] : rest[i]);
    float error = (rest[i] - mx_side_value(s, f, codes[i])) / u[i];
    for (uint32_t k = i + 1; k < b->size; k++) rest[k] -= error * u[k];
    errors[i] = error;
    sum += (double)error * error;
    if (sum >= limit && isfinite(limit)) return INFINITY;
  }
  return sum;
}

static uint32_t block_sides(const gptq *g, const block *b, uint32_t row, const float *w, mx_side sides[MX_SIDES_MAX]) {
  const mx_weight_format *f = &b->part->format;
  if (!b->part->steps && g->o->search) return mx_side_candidates(w, b->size, f, sides);
  sides[0] = b->part->steps ? mx_side_get(b->part, row, 0) : mx_side_rtn(w, b->size, f);
  return 1;
}

// The block of one row: side, codes and errors [size].
static void choose_block(const gptq *g, const block *b, uint32_t row, const float *w, uint32_t at, float *errors) {
  mx_side sides[MX_SIDES_MAX];
  uint32_t count = block_sides(g, b, row, w, sides);
  int8_t *to = b->part->codes + (size_t)row * b->part->cols;
  double least = INFINITY;
  for (uint32_t i = 0; i < count; i++) {
    int8_t codes[MX_BLOCK_MAX];
    float tried[MX_BLOCK_MAX];
    double sum = round_block(g, b, &sides[i], w, at, least, codes, tried);
    if (i && sum >= least) continue;
    least = sum;
    memcpy(errors, tried, b->size * sizeof *errors);
    mx_side_set(b->part, row, b->index, &sides[i]);
    for (uint32_t k = 0; k < b->size; k++) to[g->column[at + k] - b->first] = codes[k];
  }
}

// ---- refinement --------------------------------------------------------------------

// One pass over a block of a row. slope [n] = H d, d the weights minus what
// their codes stand for: each code in turn goes to the best for the others as
// they are. True if a code changed.
static bool improve_block(const gptq *g, const block *b, uint32_t row, float *slope) {
  const mx_weight_format *f = &b->part->format;
  mx_side s = mx_side_get(b->part, row, b->index);
  int8_t *codes = b->part->codes + (size_t)row * b->part->cols;
  bool changed = false;
  for (uint32_t j = b->from; j < b->from + b->size; j++) {
    const float *h = g->h + (size_t)j * g->n;
    int8_t *was = &codes[j - b->first];
    float now = mx_side_value(&s, f, *was);
    int8_t code = mx_side_code(&s, f, now + slope[j] / h[j]);
    float step = mx_side_value(&s, f, code) - now;
    // The error falls by step (2 slope_j - step H_jj): only where that is a gain.
    if (code == *was || !(step * (2 * slope[j] - step * h[j]) > 0)) continue;
    *was = code;
    for (uint32_t k = 0; k < g->n; k++) slope[k] -= step * h[k];
    changed = true;
  }
  return changed;
}

static bool improve_row(const gptq *g, uint32_t row, float *slope) {
  bool changed = false;
  for (uint32_t b = 0; b < g->n_blocks; b++) changed |= improve_block(g, &g->blocks[b], row, slope);
  return changed;
}

static void refine_rows(const gptq *g, uint32_t from, uint32_t rows, float *d, float *slope) {
  for (uint32_t r = 0; r < rows; r++) {
    mx_qmatrix_row(g->out, from + r, d + (size_t)r * g->n);
    for (uint32_t k = 0; k < g->n; k++)
      d[(size_t)r * g->n + k] = g->m->data[(size_t)(from + r) * g->n + k] - d[(size_t)r * g->n + k];
  }
  int n = (int)g->n;
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, n, n, 1, d, n, g->h, n, 0, slope, n);
  for (uint32_t r = 0; r < rows; r++)
    for (int pass = 0; pass < PASSES && improve_row(g, from + r, slope + (size_t)r * g->n); pass++) {
    }
}

static void load_rows(const gptq *g, uint32_t from, uint32_t rows, float *w) {
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t k = 0; k < g->n; k++)
      w[(size_t)r * g->n + k] = g->m->data[(size_t)(from + r) * g->n + g->column[k]];
}

// What the losses E of `rows` rows and columns from .. to of the order do to the
// columns to .. end.
static void compensate(const gptq *g, uint32_t rows, const float *errors, float *w, uint32_t from, uint32_t to, uint32_t end) {
  if (to < end)
    mx_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)(end - to), (int)(to - from), -1, errors, ERRORS,
             g->u + (size_t)from * g->n + to, (int)g->n, 1, w + to, (int)g->n);
}

// The place after the batch that begins with the t-th block at `at`: BATCH columns
// or a little more, or what is left.
static uint32_t batch_end(const gptq *g, uint32_t t, uint32_t at) {
  uint32_t end = at;
  for (; t < g->n_blocks && end - at < BATCH; t++) end += g->blocks[g->turn[t]].size;
  return end;
}

static void round_rows(void *self, uint32_t i, unsigned worker) {
  const gptq *g = self;
  uint32_t from = i * ROWS, rows = g->m->rows - from < ROWS ? g->m->rows - from : ROWS;
  float *w = g->work + (size_t)worker * ROWS * g->n, *errors = g->errors + (size_t)worker * ROWS * ERRORS;
  load_rows(g, from, rows, w);
  for (uint32_t r = 0; r < rows; r++) choose_steps(g, from + r);
  for (uint32_t t = 0, start = 0, end; t < g->n_blocks; start = end) {
    end = batch_end(g, t, start);
    for (uint32_t at = start, next; at < end; at = next, t++) {
      const block *b = &g->blocks[g->turn[t]];
      next = at + b->size;
      for (uint32_t r = 0; r < rows; r++)
        choose_block(g, b, from + r, w + (size_t)r * g->n + at, at, errors + (size_t)r * ERRORS + (at - start));
      compensate(g, rows, errors + (at - start), w, at, next, end);
    }
    compensate(g, rows, errors, w, start, end, g->n);
  }
  if (g->h) refine_rows(g, from, rows, w, g->slopes + (size_t)worker * ROWS * g->n);
}

static bool allocate(gptq *g, unsigned threads) {
  size_t n = g->n, workers = threads ? threads : 1;
  for (const mx_qmatrix *q = g->out; q; q = q->rest) g->n_blocks += mx_qmatrix_blocks(q);
  g->blocks = malloc(g->n_blocks * sizeof *g->blocks);
  g->turn = malloc(g->n_blocks * sizeof *g->turn);
  g->column = malloc(n * sizeof *g->column);
  g->u = malloc(n * n * sizeof *g->u);
  g->work = malloc(workers * ROWS * n * sizeof *g->work);
  g->errors = calloc(workers * ROWS * ERRORS, sizeof *g->errors);
  if (g->o->refine) {
    g->slopes = malloc(workers * ROWS * n * sizeof *g->slopes);
    g->h = malloc(n * n * sizeof *g->h);
  }
  return g->blocks && g->turn && g->column && g->u && g->work && g->errors && (!g->o->refine || (g->slopes && g->h));
}

static void release(gptq *g) {
  void *const all[] = {g->blocks, g->turn, g->column, g->u, g->work, g->errors, g->slopes, g->h};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

mx_status mx_quantize_gptq(const mx_matrix *m, const mx_hessian *h, const mx_matrix_format *format,
                           const mx_gptq_options *o, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e) {
  mx_status s = mx_qmatrix_allocate_parts(out, m->rows, format, e);
  if (s) return s;
  gptq g = {.m = m, .o = o, .n = m->cols, .out = out};
  if (!allocate(&g, threads)) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "%s: no memory for GPTQ", name);
  if (!s) list_blocks(&g);
  if (!s) s = choose_order(&g, h, e);
  if (!s) s = factor_inverse(&g, h, threads, name, e);
  if (!s) mx_parallel(mx_chunks(m->rows, ROWS), threads, round_rows, &g);
  release(&g);
  return s;
}
