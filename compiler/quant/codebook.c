#include "compiler/quant/codebook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"
#include "golden/mxint.h"

// Weights are counted by half steps of the grid, since the middle of two elements,
// where the nearest changes, is at a half step.
enum { MOST = 127, POINTS = 2 * MOST + 1, BINS = 4 * (MOST + 1), TASKS = 64, SIZE = 16 };

// Weight, weighted sum and weighted sum of squares of the values, in grid steps,
// of a bin; or of all bins before one.
typedef struct {
  double weight, sum, squares;
} moments;

typedef struct {
  const mx_matrix *m;
  uint32_t first, cols;
  const mx_hessian *h;
  double extra;                // on the diagonal: columns never used count a little
  bool search;
  const mx_weight_format *f;   // with the table so far
  moments (*bins)[BINS];       // [TASKS]
  uint32_t rows;               // of a task
} fit;

// ---- counting --------------------------------------------------------------------

static double sensitivity(const fit *t, uint32_t column) {
  return t->h ? (double)t->h->sum[(size_t)column * t->h->n + column] + t->extra : 1;
}

static double side_error(const fit *t, const mx_side *s, const float *w, uint32_t column, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    double d = (double)(w[i] - mx_side_value(s, t->f, mx_side_code(s, t->f, w[i])));
    sum += sensitivity(t, column + i) * d * d;
  }
  return sum;
}

static mx_side choose_side(const fit *t, const float *w, uint32_t column, uint32_t n) {
  mx_side sides[MX_SIDES_MAX];
  if (!t->search) return mx_side_rtn(w, n, t->f);
  uint32_t count = mx_side_candidates(w, n, t->f, sides), best = 0;
  double least = INFINITY;
  for (uint32_t i = 0; i < count; i++) {
    double error = side_error(t, &sides[i], w, column, n);
    if (i && error >= least) continue;
    least = error;
    best = i;
  }
  return sides[best];
}

static void count_block(const fit *t, const float *w, uint32_t column, uint32_t n, moments *bins) {
  mx_side s = choose_side(t, w, column, n);
  for (uint32_t i = 0; i < n; i++) {
    double v = (double)w[i] / s.step, weight = sensitivity(t, column + i) * (double)s.step * s.step;
    double bin = fmin(fmax(floor(2 * v) + BINS / 2, 0), BINS - 1);
    moments *to = &bins[(int)bin];
    to->weight += weight;
    to->sum += weight * v;
    to->squares += weight * v * v;
  }
}

static void count_rows(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const fit *t = self;
  uint32_t length = mx_block_length(&t->f->stream);
  memset(t->bins[i], 0, sizeof t->bins[i]);
  for (uint32_t row = i * t->rows; row < (i + 1) * t->rows && row < t->m->rows; row++)
    for (uint32_t at = 0; at < t->cols; at += length)
      count_block(t, t->m->data + (size_t)row * t->m->cols + t->first + at, t->first + at,
                  t->cols - at < length ? t->cols - at : length, t->bins[i]);
}

// before [BINS + 1]: moments of all bins before each.
static void count(const fit *t, unsigned threads, moments *before) {
  uint32_t tasks = mx_chunks(t->m->rows, t->rows);
  mx_parallel(tasks, threads, count_rows, (void *)(uintptr_t)t);
  before[0] = (moments){0};
  for (uint32_t b = 0; b < BINS; b++) {
    before[b + 1] = before[b];
    for (uint32_t i = 0; i < tasks; i++) {
      before[b + 1].weight += t->bins[i][b].weight;
      before[b + 1].sum += t->bins[i][b].sum;
      before[b + 1].squares += t->bins[i][b].squares;
    }
  }
}

// ---- the best table ----------------------------------------------------------------

// Error of bins from .. to when they become `element`.
static double error_of(const moments *before, int from, int to, int element) {
  double weight = before[to].weight - before[from].weight, sum = before[to].sum - before[from].sum;
  return before[to].squares - before[from].squares - 2 * element * sum + (double)element * element * weight;
}

static int bin_of(int element) { return 2 * element + BINS / 2; }

// Of the values between neighbours a < b of the table.
static double error_between(const moments *before, int a, int b) {
  int middle = a + b + BINS / 2;
  return error_of(before, bin_of(a), middle, a) + error_of(before, middle, bin_of(b), b);
}

// least[k][p]: error of all values below grid point p when p is the k-th element,
// from[k][p] the point of the element before it.
typedef struct {
  double least[SIZE][POINTS];
  uint8_t from[SIZE][POINTS];
} search;

static void extend(search *s, const moments *before, int k, int p) {
  s->least[k][p] = INFINITY;
  for (int a = k - 1; a < p; a++) {
    double error = s->least[k - 1][a] + error_between(before, a - MOST, p - MOST);
    if (!(error < s->least[k][p])) continue;
    s->least[k][p] = error;
    s->from[k][p] = (uint8_t)a;
  }
}

static void best_table(search *s, const moments *before, int8_t table[SIZE]) {
  for (int p = 0; p < POINTS; p++) s->least[0][p] = error_of(before, 0, bin_of(p - MOST), p - MOST);
  for (int k = 1; k < SIZE; k++)
    for (int p = k; p < POINTS; p++) extend(s, before, k, p);
  int best = SIZE - 1;
  double least = INFINITY;
  for (int p = SIZE - 1; p < POINTS; p++) {
    double error = s->least[SIZE - 1][p] + error_of(before, bin_of(p - MOST), BINS, p - MOST);
    if (error < least) least = error, best = p;
  }
  for (int k = SIZE - 1; k >= 0; best = s->from[k][best], k--) table[k] = (int8_t)(best - MOST);
}

// ---- turns -------------------------------------------------------------------------

static double mean_diagonal(const mx_hessian *h) {
  double sum = 0;
  for (uint32_t i = 0; i < h->n; i++) sum += (double)h->sum[(size_t)i * h->n + i];
  return sum / h->n;
}

// One turn; true if the table changed.
static bool improve(const fit *t, search *s, unsigned threads, mx_weight_format *f) {
  moments before[BINS + 1];
  int8_t was[SIZE];
  memcpy(was, f->table, sizeof was);
  count(t, threads, before);
  if (before[BINS].squares > 0) best_table(s, before, f->table);
  return memcmp(was, f->table, sizeof was) != 0;
}

mx_status mx_codebook_fit(const mx_matrix *m, uint32_t first, uint32_t cols, const mx_hessian *h, bool search_scales,
                          unsigned threads, mx_weight_format *f, mx_error *e) {
  fit t = {.m = m, .first = first, .cols = cols, .h = h, .f = f, .rows = mx_chunks(m->rows, TASKS)};
  search *s = malloc(sizeof *s);
  t.bins = malloc(TASKS * sizeof *t.bins);
  mx_status status = MX_OK;
  if (!s || !t.bins) status = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to fit a codebook");
  if (h) t.extra = 0.01 * mean_diagonal(h);
  if (h && !(t.extra > 0)) t.h = NULL;
  if (!status) improve(&t, s, threads, f);
  t.search = search_scales;
  for (int pass = 1; pass < MX_CODEBOOK_PASSES && !status && t.search && improve(&t, s, threads, f); pass++) {
  }
  free(s);
  free(t.bins);
  return status;
}
