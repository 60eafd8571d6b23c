#include "compiler/quant/awq.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void mx_awq_scales(const mx_equal_group *g, double ratio, float *s) {
  double max = 0, min = DBL_MAX;
  for (uint32_t j = 0; j < g->cols; j++) {
    double v = fmax(pow((double)g->mean[j], ratio), 1e-4);
    s[j] = (float)v;
    if (g->mean[j] > 0) {
      max = fmax(max, v);
      min = fmin(min, v);
    }
  }
  for (uint32_t j = 0; j < g->cols; j++) s[j] = g->mean[j] > 0 ? (float)(s[j] / sqrt(max * min)) : 1;
  mx_equalise_share(g, s);
}

mx_status mx_awq_group(mx_equaliser *q, mx_equal_group *g) {
  float *s = malloc(2 * (size_t)g->cols * sizeof *s), *best = s + g->cols;
  if (!s) return mx_fail(q->e, MX_LIMIT, MX_NOWHERE, "no memory for AWQ");
  mx_status status = MX_OK;
  double least = 0, loss;
  for (int i = 0; i < MX_AWQ_GRID && !status; i++) {
    mx_awq_scales(g, (double)i / MX_AWQ_GRID, s);
    status = mx_equalise_loss(q, g, s, &loss);
    if (status || (i && loss >= least)) continue;
    least = loss;
    memcpy(best, s, g->cols * sizeof *s);
  }
  if (!status) mx_equalise_fold(q, g, best);
  free(s);
  return status;
}
