#include "compiler/quant/mse.h"

#include <math.h>

#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"
#include "golden/mxint.h"

enum { ROWS = 16 };  // of a task

typedef struct {
  const mx_matrix *m;
  const mx_hessian *h;  // NULL with MX_METRIC_PLAIN
  mx_metric metric;
  mx_qmatrix *out;      // a part
  uint32_t first;       // its first column
} mse_task;

// d [n], columns from `at` on.
static double block_error(const mse_task *t, const float *d, uint32_t at, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    const float *row = t->h ? t->h->sum + (size_t)(at + i) * t->h->n + at : NULL;
    double weighed = d[i];
    if (t->metric == MX_METRIC_DIAGONAL) weighed *= (double)row[i];
    if (t->metric == MX_METRIC_BLOCK) {
      weighed = 0;
      for (uint32_t k = 0; k < n; k++) weighed += (double)(row[k] * d[k]);
    }
    sum += weighed * d[i];
  }
  return sum;
}

// w [n], columns from `at` on, a block or a row.
static double try_side(const mse_task *t, const mx_side *s, const float *w, uint32_t at, uint32_t n) {
  const mx_weight_format *f = &t->out->format;
  uint32_t length = mx_block_length(&f->stream);
  double sum = 0;
  for (uint32_t from = 0; from < n; from += length) {
    float d[MX_BLOCK_MAX];
    uint32_t size = n - from < length ? n - from : length;
    for (uint32_t i = 0; i < size; i++) d[i] = w[from + i] - mx_side_value(s, f, mx_side_code(s, f, w[from + i]));
    sum += block_error(t, d, at + from, size);
  }
  return sum;
}

// Side b of a row, w [n], columns of the part from `at` on.
static void search(const mse_task *t, uint32_t row, uint32_t b, const float *w, uint32_t at, uint32_t n) {
  mx_qmatrix *q = t->out;
  mx_side sides[MX_SIDES_MAX];
  uint32_t count = mx_side_candidates(w, n, &q->format, sides), best = 0;
  double least = INFINITY;
  for (uint32_t i = 0; i < count; i++) {
    double error = try_side(t, &sides[i], w, t->first + at, n);
    if (i && error >= least) continue;
    least = error;
    best = i;
  }
  mx_side_set(q, row, b, &sides[best]);
  for (uint32_t i = 0; i < n; i++) q->codes[(size_t)row * q->cols + at + i] = mx_side_code(&sides[best], &q->format, w[i]);
}

static void search_rows(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const mse_task *t = self;
  uint32_t cols = t->out->cols, length = mx_side_columns(&t->out->format, cols);
  for (uint32_t row = i * ROWS; row < (i + 1) * ROWS && row < t->m->rows; row++) {
    const float *w = t->m->data + (size_t)row * t->m->cols + t->first;
    for (uint32_t at = 0; at < cols; at += length)
      search(t, row, at / length, w + at, at, cols - at < length ? cols - at : length);
  }
}

mx_status mx_quantize_mse(const mx_matrix *m, const mx_matrix_format *format, const mx_hessian *h, mx_metric metric,
                          unsigned threads, mx_qmatrix *out, mx_error *e) {
  mx_status s = mx_qmatrix_allocate_parts(out, m->rows, format, e);
  uint32_t first = 0;
  for (mx_qmatrix *q = out; q && !s; first += q->cols, q = q->rest) {
    mse_task t = {m, h, h ? metric : MX_METRIC_PLAIN, q, first};
    mx_parallel(mx_chunks(m->rows, ROWS), threads, search_rows, &t);
  }
  return s;
}
