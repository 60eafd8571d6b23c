#include "compiler/quant/static.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/mxint.h"

enum { CLIPS = 11 };
static const float floor_ratio = 0x1p-16f;  // of a step to the greatest

// ---- steps ---------------------------------------------------------------------

// Channels from .. of part i, and their number.
static uint32_t part_columns(const mx_matrix_format *f, unsigned i, uint32_t cols, uint32_t *from) {
  *from = i ? f->part[0].cols : 0;
  return i + 1 < f->n_parts ? f->part[i].cols : cols - *from;
}

static float greatest(const float *x, uint32_t n) {
  float most = 0;
  for (uint32_t i = 0; i < n; i++) most = fmaxf(most, x[i]);
  return most;
}

static void one_step(const float *max, uint32_t n, float range, float *s) {
  float most = greatest(max, n);
  for (uint32_t j = 0; j < n; j++) s[j] = most > 0 ? most / range : 1;
}

static float mean_of_live(const float *max, uint32_t n) {
  double sum = 0;
  uint32_t live = 0;
  for (uint32_t j = 0; j < n; j++) {
    sum += max[j];
    live += max[j] > 0;
  }
  return live ? (float)(sum / live) : 0;
}

static void step_by_channel(const float *max, uint32_t n, float range, float *s) {
  float mean = mean_of_live(max, n), least = greatest(max, n) * floor_ratio;
  for (uint32_t j = 0; j < n; j++) {
    float most = max[j] > 0 ? fmaxf(max[j], least) : mean;
    s[j] = most > 0 ? most / range : 1;
  }
}

// s [cols] with which nothing clips.
static void whole_range(const mx_equaliser *q, const mx_equal_group *g, float *s) {
  const mx_matrix_format *f = mx_equalise_format(q, g, 0);
  for (unsigned i = 0; i < f->n_parts; i++) {
    uint32_t from, n = part_columns(f, i, g->cols, &from);
    float range = (float)mx_element_max(f->part[i].acts.bits);
    (q->methods->qsm ? step_by_channel : one_step)(g->max + from, n, range, s + from);
  }
  mx_equalise_share_greatest(g, s);
}

// ---- search --------------------------------------------------------------------

typedef struct {
  const float *whole;  // [cols]
  float *s;            // [cols] factor * whole
  float factor;        // the best so far
  double loss;         // its
} search;

static mx_status try_factor(mx_equaliser *q, const mx_equal_group *g, float factor, search *x) {
  double loss;
  for (uint32_t j = 0; j < g->cols; j++) x->s[j] = factor * x->whole[j];
  mx_status status = mx_equalise_loss(q, g, x->s, &loss);
  if (status || loss >= x->loss) return status;
  x->factor = factor;
  x->loss = loss;
  return MX_OK;
}

// PrefixQuant's grid.
static mx_status search_range(mx_equaliser *q, const mx_equal_group *g, search *x) {
  mx_status status = MX_OK;
  for (int i = 0; i < 8 && !status; i++) status = try_factor(q, g, 0.25f + 0.1f * (float)i, x);
  float middle = x->factor;
  for (int i = -5; i <= 5 && !status && middle < 1; i++)
    if (i) status = try_factor(q, g, middle + 0.01f * (float)i, x);
  return status;
}

static mx_status search_clip(mx_equaliser *q, const mx_equal_group *g, search *x) {
  mx_status status = MX_OK;
  for (int i = 1; i < CLIPS && !status; i++) status = try_factor(q, g, 1 - 0.05f * (float)i, x);
  return status;
}

// s [cols] becomes that of the best factor; work [cols].
static mx_status choose_factor(mx_equaliser *q, const mx_equal_group *g, float *s, float *work) {
  bool grid = q->methods->fixed && q->methods->fixed_search, clip = q->methods->qsm && q->methods->qsm_clip;
  if (!grid && !clip) return MX_OK;
  search x = {.whole = s, .s = work, .factor = 1, .loss = INFINITY};
  mx_status status = try_factor(q, g, 1, &x);
  if (!status) status = grid ? search_range(q, g, &x) : search_clip(q, g, &x);
  for (uint32_t j = 0; j < g->cols; j++) s[j] *= x.factor;
  return status;
}

// ---- the group -----------------------------------------------------------------

static mx_status check_activations(const mx_equaliser *q, const mx_equal_group *g) {
  for (uint32_t j = 0; j < g->cols; j++)
    if (!isfinite(g->mean[j]) || !isfinite(g->max[j]))
      return mx_fail(q->e, MX_FORMAT, MX_NOWHERE, "blk.%u: channel %u of an input is not finite on the calibration text",
                     q->layer, j);
  return MX_OK;
}

static bool fits(const mx_matrix *m, const mx_matrix_format *f) {
  bool half = false;
  for (unsigned i = 0; i < f->n_parts; i++) half |= f->part[i].weights.stream.scale == MX_SCALE_F16;
  float most = half ? 65504.0f * 7 : 0x1p126f;
  for (size_t i = 0; i < (size_t)m->rows * m->cols; i++)
    if (!(fabsf(m->data[i]) <= most)) return false;
  return true;
}

// Weights that carry the steps must stay within what their scales can say.
static mx_status check_weights(const mx_equaliser *q, const mx_equal_group *g) {
  bool ok = true;
  for (uint32_t i = 0; i < g->n_consumers; i++) ok &= fits(g->consumers[i], mx_equalise_format(q, g, i));
  unsigned producer = g->input == MX_INPUT_WO ? 2 : 5;  // wv, w_up among the matrices of a layer
  if (g->producer) ok &= fits(g->producer, mx_plan_matrix(q->plan, q->layer, producer));
  for (uint32_t j = 0; j < g->cols && g->gain; j++) ok &= isfinite(g->gain->data[j]);
  if (ok) return MX_OK;
  return mx_fail(q->e, MX_LIMIT, MX_NOWHERE, "blk.%u: with an activation step folded in, weights exceed their format", q->layer);
}

// Inputs of the passes, where the plan has changed.
static void refresh(mx_equaliser *q) {
  mx_plan_inputs(q->plan, q->layer, q->full.inputs);
  mx_plan_inputs(q->plan, q->layer, q->sample.inputs);
}

mx_status mx_static_group(mx_equaliser *q, mx_equal_group *g) {
  float *s = malloc(2 * (size_t)g->cols * sizeof *s);
  if (!s) return mx_fail(q->e, MX_LIMIT, MX_NOWHERE, "no memory for activation steps");
  mx_status status = check_activations(q, g);
  if (!status) {
    mx_plan_fix(q->plan, q->layer, g->input);
    refresh(q);
    whole_range(q, g, s);
    status = choose_factor(q, g, s, s + g->cols);
  }
  if (!status) {
    mx_equalise_fold(q, g, s);
    status = check_weights(q, g);
  }
  free(s);
  return status;
}
