#include "compiler/quant/rsq.h"

#include <stdlib.h>

static const float least = 0.005f;  // r_min

static mx_status no_memory(mx_error *e) { return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for token weights"); }

mx_status mx_rsq_begin(mx_forward *f, mx_error *e) {
  if (!f->attention) f->attention = calloc(f->calibration->n_tokens, sizeof *f->attention);
  return f->attention ? MX_OK : no_memory(e);
}

// weight [n] from attention [n]; all 1 where no token stands out.
static void weigh_tokens(const float *attention, uint32_t n, float *weight) {
  float low = attention[0], high = attention[0];
  double sum = 0;
  for (uint32_t i = 1; i < n; i++) {
    low = attention[i] < low ? attention[i] : low;
    high = attention[i] > high ? attention[i] : high;
  }
  for (uint32_t i = 0; i < n; i++)
    sum += weight[i] = high > low ? least + (1 - least) * ((attention[i] - low) / (high - low)) : 1;
  for (uint32_t i = 0; i < n; i++) weight[i] *= (float)(n / sum);
}

mx_status mx_rsq_weigh(mx_forward *f, mx_error *e) {
  const mx_calibration *c = f->calibration;
  if (!f->attention) return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "mx_rsq_weigh before mx_rsq_begin");
  if (!f->weight) f->weight = calloc(c->n_tokens, sizeof *f->weight);
  if (!f->weight) return no_memory(e);
  for (uint32_t i = 0; i < c->n_sequences; i++) {
    uint32_t from = c->starts[i] + c->n_prefix;
    if (from < c->starts[i + 1]) weigh_tokens(f->attention + from, c->starts[i + 1] - from, f->weight + from);
  }
  return MX_OK;
}
