#include "compiler/quant/mse.h"

#include <string.h>

#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"
#include "golden/mxint.h"

enum { ROWS = 16 };  // of a task

typedef struct {
  const mx_matrix *m;
  const mx_weight_format *format;
  const float *h;  // [cols][cols]
  mx_metric metric;
  mx_qmatrix *out;
} mse_task;

// d [n], columns from `at` on.
static double block_error(const mse_task *t, const float *d, uint32_t at, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) {
    const float *row = t->h ? t->h + (size_t)(at + i) * t->m->cols + at : NULL;
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

static double try_side(const mse_task *t, const mx_side *s, const float *w, uint32_t at, uint32_t n, int8_t *codes) {
  float d[MX_BLOCK_MAX];
  for (uint32_t i = 0; i < n; i++) {
    codes[i] = mx_side_code(s, t->format, w[i]);
    d[i] = w[i] - mx_side_value(s, t->format, codes[i]);
  }
  return block_error(t, d, at, n);
}

static void search_block(const mse_task *t, uint32_t row, uint32_t b) {
  mx_qmatrix *q = t->out;
  uint32_t length = mx_block_length(&t->format->stream), at = b * length, n = mx_block_size(q->cols, length, b);
  size_t from = (size_t)row * q->cols + at, side = (size_t)row * mx_qmatrix_blocks(q) + b;
  const float *w = t->m->data + from;
  mx_side sides[MX_SIDES_MAX];
  uint32_t count = mx_side_candidates(w, n, t->format, sides);
  double least = 0;
  for (uint32_t i = 0; i < count; i++) {
    int8_t codes[MX_BLOCK_MAX];
    double error = try_side(t, &sides[i], w, at, n, codes);
    if (i && error >= least) continue;
    least = error;
    memcpy(q->codes + from, codes, n);
    q->scales[side] = sides[i].scale;
    q->zeros[side] = sides[i].zero;
  }
}

static void search_rows(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const mse_task *t = self;
  uint32_t blocks = mx_qmatrix_blocks(t->out);
  for (uint32_t row = i * ROWS; row < (i + 1) * ROWS && row < t->m->rows; row++)
    for (uint32_t b = 0; b < blocks; b++) search_block(t, row, b);
}

mx_status mx_quantize_mse(const mx_matrix *m, const mx_weight_format *format, const mx_hessian *h, mx_metric metric,
                          unsigned threads, mx_qmatrix *out, mx_error *e) {
  mx_status s = mx_qmatrix_allocate(out, m->rows, m->cols, format, e);
  if (s) return s;
  mse_task t = {m, format, h ? h->sum : NULL, h ? metric : MX_METRIC_PLAIN, out};
  mx_parallel(mx_chunks(m->rows, ROWS), threads, search_rows, &t);
  return MX_OK;
}
