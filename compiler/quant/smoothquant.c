#include "compiler/quant/smoothquant.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRID = 10 };

static float column_max(const mx_equal_group *g, uint32_t j) {
  float max = 0;
  for (uint32_t i = 0; i < g->n_consumers; i++)
    for (uint32_t r = 0; r < g->consumers[i]->rows; r++)
      max = fmaxf(max, fabsf(g->consumers[i]->data[(size_t)r * g->cols + j]));
  return max;
}

void mx_smoothquant_scales(const mx_equal_group *g, double alpha, float *s) {
  for (uint32_t j = 0; j < g->cols; j++) {
    double x = fmax((double)g->max[j], 1e-5), w = fmax((double)column_max(g, j), 1e-5);
    s[j] = g->max[j] > 0 ? (float)fmax(pow(x, alpha) / pow(w, 1 - alpha), 1e-5) : 1;
  }
  mx_equalise_share(g, s);
}

static mx_status search(mx_equaliser *q, const mx_equal_group *g, float *best, float *s) {
  double least, loss;
  for (uint32_t j = 0; j < g->cols; j++) best[j] = 1;
  mx_status status = mx_equalise_loss(q, g, best, &least);
  for (int i = 0; i <= GRID && !status; i++) {
    mx_smoothquant_scales(g, (double)i / GRID, s);
    status = mx_equalise_loss(q, g, s, &loss);
    if (status || loss >= least) continue;
    least = loss;
    memcpy(best, s, g->cols * sizeof *s);
  }
  return status;
}

mx_status mx_smoothquant_group(mx_equaliser *q, mx_equal_group *g) {
  float *s = malloc(2 * (size_t)g->cols * sizeof *s);
  if (!s) return mx_fail(q->e, MX_LIMIT, MX_NOWHERE, "no memory for SmoothQuant");
  mx_status status = MX_OK;
  if (q->methods->smoothquant_search) status = search(q, g, s, s + g->cols);
  else mx_smoothquant_scales(g, q->methods->alpha, s);
  if (!status) mx_equalise_fold(q, g, s);
  free(s);
  return status;
}
