#include "compiler/quant/equalise.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/awq.h"
#include "compiler/quant/hadamard.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/side.h"
#include "compiler/quant/smoothquant.h"
#include "compiler/quant/static.h"

enum {
  ROWS = 64,  // of a task
  LANES = 4   // channels of one remainder are mixed (hadamard.h)
};

// ---- construction ------------------------------------------------------------

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static float *floats(size_t n) { return calloc(n, sizeof(float)); }

static bool allocate_inputs(mx_equaliser *q, const mx_config *c) {
  const uint32_t widths[MX_INPUTS] = {c->dim, q->full.q_dim, c->dim, c->hidden_dim, c->dim};
  bool ok = true;
  for (unsigned i = 0; i < MX_INPUTS; i++) {
    ok &= (q->inputs[i] = floats((size_t)q->sample_text.n_tokens * widths[i])) != NULL;
    ok &= (q->max[i] = floats(widths[i])) != NULL;
    ok &= (q->mean[i] = floats(widths[i])) != NULL;
  }
  return ok;
}

static bool allocate(mx_equaliser *q, const mx_config *c) {
  size_t ffn = (size_t)c->hidden_dim * c->dim, kv = (size_t)q->full.kv_dim * c->dim, head = (size_t)c->vocab_size * c->dim;
  size_t outputs = q->sample_text.n_tokens * larger(c->vocab_size, c->dim);
  const size_t sizes[3] = {larger(larger(head, ffn), (size_t)q->full.q_dim * c->dim), larger(kv, ffn), kv};
  bool ok = allocate_inputs(q, c);
  for (unsigned i = 0; i < 3; i++) ok &= (q->trial[i].data = floats(sizes[i])) != NULL;
  return ok && (q->wanted = floats(outputs)) && (q->got = floats(outputs));
}

mx_status mx_equaliser_new(const mx_source *source, const mx_calibration *c, const mx_methods *m, mx_plan *plan,
                           mx_prefix *prefix, unsigned kv_bits, unsigned threads, mx_equaliser *out, mx_error *e) {
  *out = (mx_equaliser){.methods = m, .plan = plan, .prefix = prefix, .e = e};
  mx_status s = mx_forward_new(source, c, threads, &out->full, e);
  if (!s) s = mx_calibration_sample(c, MX_EQUALISE_TOKENS, &out->sample_text, e);
  if (!s) s = mx_forward_new(source, &out->sample_text, threads, &out->sample, e);
  out->sample.kv_bits = kv_bits;
  if (!s && !allocate(out, mx_source_config(source))) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the scale search");
  return s;
}

void mx_equaliser_free(mx_equaliser *q) {
  mx_forward_free(&q->full);
  mx_forward_free(&q->sample);
  mx_calibration_free(&q->sample_text);
  for (unsigned i = 0; i < MX_INPUTS; i++) {
    free(q->inputs[i]);
    free(q->max[i]);
    free(q->mean[i]);
  }
  for (unsigned i = 0; i < 3; i++) free(q->trial[i].data);
  free(q->wanted);
  free(q->got);
  *q = (mx_equaliser){0};
}

// ---- scales --------------------------------------------------------------------

// Row of the producer that makes channel j.
static uint32_t producer_row(const mx_equal_group *g, uint32_t j) {
  if (g->repeat <= 1) return j;
  return j / g->head_dim / g->repeat * g->head_dim + j % g->head_dim;
}

// Channels at, at + stride .. of the `span` from `at` on share a scale, and so
// do those of each of the next stride - 1.
typedef struct {
  uint32_t span, stride;
} sharing;

static sharing sharing_at(const mx_equal_group *g, uint32_t at) {
  if (g->transformed) return (sharing){mx_hadamard_segment(g->cols, at), LANES};
  if (g->repeat > 1) return (sharing){g->repeat * g->head_dim, g->head_dim};
  return (sharing){1, 1};
}

// s [span], every stride-th: one value.
static void share_one(float *s, uint32_t span, uint32_t stride, bool greatest) {
  double sum = 0;
  float most = 0;
  for (uint32_t i = 0; i < span; i += stride) {
    sum += log((double)s[i]);
    most = fmaxf(most, s[i]);
  }
  float value = greatest ? most : (float)exp(sum / (span / stride));
  for (uint32_t i = 0; i < span; i += stride) s[i] = value;
}

static void share(const mx_equal_group *g, float *s, bool greatest) {
  sharing h;
  for (uint32_t at = 0; at < g->cols; at += h.span) {
    h = sharing_at(g, at);
    for (uint32_t i = 0; i < h.stride && h.span > h.stride; i++) share_one(s + at + i, h.span, h.stride, greatest);
  }
}

void mx_equalise_share(const mx_equal_group *g, float *s) { share(g, s, false); }
void mx_equalise_share_greatest(const mx_equal_group *g, float *s) { share(g, s, true); }

static void scale_columns(float *data, size_t rows, uint32_t cols, const float *s, bool divide) {
  for (size_t r = 0; r < rows; r++)
    for (uint32_t j = 0; j < cols; j++) data[r * cols + j] = divide ? data[r * cols + j] / s[j] : data[r * cols + j] * s[j];
}

// Every row once, from the first channel that it makes.
static void divide_rows(const mx_equal_group *g, const float *s) {
  for (uint32_t j = 0; j < g->cols; j++) {
    uint32_t row = producer_row(g, j), cols = g->producer->cols;
    bool first = g->repeat <= 1 || j / g->head_dim % g->repeat == 0;
    for (uint32_t k = 0; k < cols && first; k++) g->producer->data[(size_t)row * cols + k] /= s[j];
  }
}

// Values that the prefix left in the cache are those of the scaled wv.
static void divide_prefix(mx_equaliser *q, const mx_equal_group *g, const float *s) {
  uint32_t n = q->prefix->n, width = q->full.kv_dim;
  float *values = q->prefix->values + (size_t)q->layer * n * width;
  for (uint32_t j = 0; j < g->cols; j++) {
    bool first = g->repeat <= 1 || j / g->head_dim % g->repeat == 0;
    for (uint32_t t = 0; t < n && first; t++) values[(size_t)t * width + producer_row(g, j)] /= s[j];
  }
}

void mx_equalise_fold(mx_equaliser *q, mx_equal_group *g, const float *s) {
  for (uint32_t i = 0; i < g->n_consumers; i++)
    scale_columns(g->consumers[i]->data, g->consumers[i]->rows, g->cols, s, false);
  if (g->gain) scale_columns(g->gain->data, 1, g->cols, s, true);
  else divide_rows(g, s);
  if (g->input == MX_INPUT_WO && q->prefix->n) divide_prefix(q, g, s);
  scale_columns(q->inputs[g->input], q->sample_text.n_tokens, g->cols, s, true);
  scale_columns(g->max, 1, g->cols, s, true);
  scale_columns(g->mean, 1, g->cols, s, true);
}

// ---- loss ----------------------------------------------------------------------

// Where the forward pass has the input of a group.
static float *place(mx_forward *f, mx_input input) {
  return input == MX_INPUT_WO ? f->mix : input == MX_INPUT_DOWN ? f->gate : f->h;
}

// The module's output [sample tokens][rows] for the input in place.
static void run_module(mx_forward *f, const mx_equal_group *g, mx_matrix *const w[3], float *out) {
  if (g->input == MX_INPUT_ATTN) {
    mx_forward_multiply(f, w[0], f->h, f->q);
    mx_forward_multiply(f, w[1], f->h, f->k);
    mx_forward_multiply(f, w[2], f->h, f->v);
    mx_forward_attend(f, g->layer);
    mx_forward_multiply(f, g->rest, f->mix, out);
  } else if (g->input == MX_INPUT_FFN) {
    mx_forward_multiply(f, w[0], f->h, f->gate);
    mx_forward_multiply(f, w[1], f->h, f->up);
    mx_forward_gate(f);
    mx_forward_multiply(f, g->rest, f->gate, out);
  } else {
    mx_forward_multiply(f, w[0], place(f, g->input), out);
  }
}

static void set_input(mx_equaliser *q, const mx_equal_group *g, const float *s) {
  float *x = place(&q->sample, g->input);
  memcpy(x, q->inputs[g->input], (size_t)q->sample_text.n_tokens * g->cols * sizeof *x);
  if (s) scale_columns(x, q->sample_text.n_tokens, g->cols, s, true);
  mx_forward_round(&q->sample, x, g->cols, g->input);
}

typedef struct {
  const mx_matrix *from;
  mx_matrix *to;
  const float *s;
  const mx_matrix_format *format;
} trial_task;

static void round_trial(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const trial_task *t = self;
  for (uint32_t r = i * ROWS; r < (i + 1) * ROWS && r < t->from->rows; r++) {
    const float *from = t->from->data + (size_t)r * t->from->cols;
    float *to = t->to->data + (size_t)r * t->from->cols;
    for (uint32_t j = 0; j < t->from->cols; j++) to[j] = from[j] * t->s[j];
    mx_round_parts(to, t->from->cols, t->format);
  }
}

const mx_matrix_format *mx_equalise_format(const mx_equaliser *q, const mx_equal_group *g, unsigned i) {
  unsigned first, count;
  mx_input_consumers(g->input, &first, &count);
  return g->input == MX_INPUT_HEAD ? &q->plan->head : mx_plan_matrix(q->plan, q->layer, first + i);
}

static void make_trial(mx_equaliser *q, const mx_equal_group *g, const float *s) {
  for (uint32_t i = 0; i < g->n_consumers; i++) {
    q->trial[i].rows = g->consumers[i]->rows;
    q->trial[i].cols = g->cols;
    trial_task t = {g->consumers[i], &q->trial[i], s, mx_equalise_format(q, g, i)};
    mx_parallel(mx_chunks(g->consumers[i]->rows, ROWS), q->sample.threads, round_trial, &t);
  }
}

static uint32_t output_width(const mx_equal_group *g) { return g->rest ? g->rest->rows : g->consumers[0]->rows; }

// Mean over the tokens that count.
static double mean_square(const mx_equaliser *q, uint32_t width) {
  double sum = 0;
  size_t n = 0;
  for (uint32_t t = 0; t < q->sample_text.n_tokens; t++) {
    if (q->sample.weight && !(q->sample.weight[t] > 0)) continue;
    n += width;
    for (size_t i = (size_t)t * width; i < (t + (size_t)1) * width; i++)
      sum += ((double)q->got[i] - q->wanted[i]) * ((double)q->got[i] - q->wanted[i]);
  }
  return n ? sum / (double)n : 0;
}

mx_status mx_equalise_loss(mx_equaliser *q, const mx_equal_group *g, const float *s, double *loss) {
  mx_matrix *const trial[3] = {&q->trial[0], &q->trial[1], &q->trial[2]};
  make_trial(q, g, s);
  q->sample.quantized = true;
  set_input(q, g, s);
  run_module(&q->sample, g, trial, q->got);
  q->sample.quantized = false;
  *loss = mean_square(q, output_width(g));
  if (isfinite(*loss)) return MX_OK;
  return mx_fail(q->e, MX_FORMAT, MX_NOWHERE, "the activations of the calibration text are not finite");
}

// ---- layers --------------------------------------------------------------------

static void take_magnitudes(void *self, mx_input input, float *x, uint32_t cols) {
  mx_equaliser *q = self;
  mx_channel_magnitudes(x, q->full.weight, q->full.calibration->n_tokens, cols, q->max[input], q->mean[input]);
}

static void take_sample(void *self, mx_input input, float *x, uint32_t cols) {
  mx_equaliser *q = self;
  memcpy(q->inputs[input], x, (size_t)q->sample_text.n_tokens * cols * sizeof *x);
}

static mx_status equalise_group(mx_equaliser *q, mx_equal_group *g) {
  g->max = q->max[g->input];
  g->mean = q->mean[g->input];
  bool smooth = q->methods->smoothquant && (g->gain || q->methods->smoothquant_all);
  bool fixed = q->methods->fixed || (q->methods->qsm && (g->gain || q->methods->qsm_all));
  if (!smooth && !q->methods->awq && !fixed) return MX_OK;
  set_input(q, g, NULL);
  run_module(&q->sample, g, g->consumers, q->wanted);
  mx_status s = smooth ? mx_smoothquant_group(q, g) : MX_OK;
  if (!s && q->methods->awq) s = mx_awq_group(q, g);
  return !s && fixed ? mx_static_group(q, g) : s;
}

static void enter_layer(mx_equaliser *q, uint32_t layer) {
  mx_forward *const passes[] = {&q->full, &q->sample};
  q->layer = layer;
  for (int i = 0; i < 2; i++) {
    mx_plan_inputs(q->plan, layer, passes[i]->inputs);
    mx_forward_set_prefix(passes[i], q->prefix, layer);
  }
}

mx_status mx_equalise_layer(mx_equaliser *q, uint32_t layer, const mx_layer *original, mx_layer *work) {
  const mx_config *c = q->full.config;
  mx_equal_group groups[] = {
      {.input = MX_INPUT_ATTN, .cols = c->dim, .n_consumers = 3, .consumers = {&work->wq, &work->wk, &work->wv},
       .gain = &work->attn_norm, .rest = &work->wo, .layer = work},
      {.input = MX_INPUT_WO, .cols = q->full.q_dim, .n_consumers = 1, .consumers = {&work->wo}, .producer = &work->wv,
       .repeat = c->n_heads / c->n_kv_heads, .head_dim = c->head_dim},
      {.input = MX_INPUT_FFN, .cols = c->dim, .n_consumers = 2, .consumers = {&work->w_gate, &work->w_up},
       .gain = &work->ffn_norm, .rest = &work->w_down},
      {.input = MX_INPUT_DOWN, .cols = c->hidden_dim, .n_consumers = 1, .consumers = {&work->w_down},
       .producer = &work->w_up, .transformed = q->full.online.down}};
  enter_layer(q, layer);
  mx_forward_layer(&q->full, original, take_magnitudes, q);
  mx_forward_layer(&q->sample, original, take_sample, q);
  mx_status s = MX_OK;
  for (unsigned i = 0; i < sizeof groups / sizeof *groups && !s; i++) s = equalise_group(q, &groups[i]);
  return s;
}

mx_status mx_equalise_head(mx_equaliser *q, const mx_matrix *original_norm, mx_matrix *norm, mx_matrix *output) {
  mx_equal_group g = {.input = MX_INPUT_HEAD, .cols = norm->cols, .n_consumers = 1, .consumers = {output}, .gain = norm};
  mx_forward_norm(&q->full, original_norm, MX_INPUT_HEAD);
  take_magnitudes(q, MX_INPUT_HEAD, q->full.h, norm->cols);
  mx_forward_norm(&q->sample, original_norm, MX_INPUT_HEAD);
  take_sample(q, MX_INPUT_HEAD, q->sample.h, norm->cols);
  return equalise_group(q, &g);
}
