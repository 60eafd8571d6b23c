#include "compiler/quant/calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/import/documents.h"
#include "compiler/quant/blas.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/random.h"

enum { PANEL = 64 };  // rows of a Hessian in a task

static mx_status no_memory(mx_error *e) {
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the calibration text");
}

void mx_calibration_free(mx_calibration *c) {
  free(c->starts);
  free(c->tokens);
  *c = (mx_calibration){0};
}

// ---- sequences ---------------------------------------------------------------

// Adds BOS and ids [n] as a sequence.
static mx_status append(mx_calibration *c, int32_t bos, const int32_t *ids, uint32_t n, mx_error *e) {
  if (n + 1 > UINT32_MAX - c->n_tokens) return no_memory(e);
  uint32_t *starts = realloc(c->starts, (c->n_sequences + 2ull) * sizeof *starts);
  if (starts) c->starts = starts;
  int32_t *tokens = realloc(c->tokens, (c->n_tokens + (size_t)n + 1) * sizeof *tokens);
  if (tokens) c->tokens = tokens;
  if (!starts || !tokens) return no_memory(e);
  starts[c->n_sequences++] = c->n_tokens;
  tokens[c->n_tokens] = bos;
  memcpy(tokens + c->n_tokens + 1, ids, n * sizeof *ids);
  c->n_tokens += n + 1;
  starts[c->n_sequences] = c->n_tokens;
  return MX_OK;
}

static mx_status add_document(mx_calibration *c, const mx_tokenizer *t, const char *text, size_t len,
                              uint32_t context, mx_error *e) {
  size_t capacity = mx_tokenizer_max_tokens(len), count, room = context - 1;
  int32_t *ids = malloc((capacity ? capacity : 1) * sizeof *ids);
  if (!ids) return no_memory(e);
  mx_status s = mx_tokenizer_encode(t, text, len, false, ids, capacity, &count, e);
  for (size_t at = 0; !s && at < count; at += room)
    s = append(c, mx_tokenizer_bos(t), ids + at, (uint32_t)(count - at < room ? count - at : room), e);
  free(ids);
  return s;
}

static mx_status add_documents(mx_calibration *c, const mx_tokenizer *t, const char *text, size_t len,
                               const mx_calibration_options *o, mx_error *e) {
  mx_document d;
  mx_status s = MX_OK;
  for (size_t at = 0; !s && mx_document_next(text, len, o->split, &at, &d);)
    s = add_document(c, t, d.text, d.len, o->context, e);
  return s;
}

// ---- choice of sequences -----------------------------------------------------

static uint32_t length_of(const mx_calibration *c, uint32_t i) { return c->starts[i + 1] - c->starts[i]; }

static mx_status copy_chosen(const mx_calibration *c, const bool *chosen, mx_calibration *out, mx_error *e) {
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < c->n_sequences && !s; i++) {
    const int32_t *from = c->tokens + c->starts[i];
    if (chosen[i]) s = append(out, from[0], from + 1, length_of(c, i) - 1, e);
  }
  return s;
}

static void shuffle(uint32_t *order, uint32_t n, uint64_t seed) {
  for (uint32_t i = 0; i < n; i++) order[i] = i;
  for (uint32_t i = n; i > 1; i--) {
    uint32_t k = (uint32_t)(mx_random_next(&seed) % i), other = order[k];
    order[k] = order[i - 1];
    order[i - 1] = other;
  }
}

// Random sequences as long as they fit, then in the order of the text.
static mx_status choose(mx_calibration *c, uint32_t max_tokens, uint64_t seed, mx_error *e) {
  if (!max_tokens || c->n_tokens <= max_tokens) return MX_OK;
  bool *chosen = calloc(c->n_sequences, sizeof *chosen);
  uint32_t *order = calloc(c->n_sequences, sizeof *order);
  mx_calibration out = {0};
  mx_status s = chosen && order ? MX_OK : no_memory(e);
  if (!s) shuffle(order, c->n_sequences, seed);
  for (uint32_t i = 0, used = 0; i < c->n_sequences && !s; i++) {
    if (length_of(c, order[i]) > max_tokens - used) continue;
    chosen[order[i]] = true;
    used += length_of(c, order[i]);
  }
  if (!s) s = copy_chosen(c, chosen, &out, e);
  free(chosen);
  free(order);
  mx_calibration_free(c);
  *c = out;
  return s;
}

mx_status mx_calibration_read(const mx_tokenizer *tokenizer, const char *text, size_t len,
                              const mx_calibration_options *o, mx_calibration *out, mx_error *e) {
  *out = (mx_calibration){0};
  if (o->context < 2)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "a context of %u tokens; at least 2 are needed", o->context);
  if (mx_tokenizer_bos(tokenizer) < 0)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the tokenizer has no BOS token");
  bool split = o->split && o->split[0];
  mx_status s = split ? add_documents(out, tokenizer, text, len, o, e)
                      : add_document(out, tokenizer, text, len, o->context, e);
  if (!s) s = choose(out, o->max_tokens, o->seed, e);
  if (!s && out->n_tokens < MX_CALIBRATION_LEAST)
    s = mx_fail(e, MX_USAGE, MX_NOWHERE, "the calibration text gives %u tokens, at least %d are needed",
                out->n_tokens, MX_CALIBRATION_LEAST);
  return s;
}

mx_status mx_calibration_sample(const mx_calibration *c, uint32_t max_tokens, mx_calibration *out, mx_error *e) {
  *out = (mx_calibration){0};
  bool *chosen = calloc(c->n_sequences ? c->n_sequences : 1, sizeof *chosen);
  if (!chosen) return no_memory(e);
  uint32_t step = mx_chunks(c->n_tokens, max_tokens);
  for (uint32_t i = 0; i < c->n_sequences; i += step) chosen[i] = true;
  mx_status s = copy_chosen(c, chosen, out, e);
  out->n_prefix = c->n_prefix;
  free(chosen);
  return s;
}

// ---- sums over inputs --------------------------------------------------------

typedef struct {
  const float *x;
  uint32_t tokens, n;
  float *sum;
} hessian_task;

// Rows [PANEL] of the lower triangle.
static void sum_panel(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const hessian_task *t = self;
  uint32_t from = i * PANEL, rows = t->n - from < PANEL ? t->n - from : PANEL;
  int n = (int)t->n;
  mx_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)rows, (int)(from + rows), (int)t->tokens, 1, t->x + from,
              n, t->x, n, 0, t->sum + (size_t)from * t->n, n);
}

// x with each row times the root of its weight.
static float *weigh(const float *x, const float *weight, uint32_t tokens, uint32_t n) {
  float *y = malloc((size_t)tokens * n * sizeof *y);
  for (uint32_t t = 0; t < tokens && y; t++) {
    float root = sqrtf(weight[t]);
    for (uint32_t i = 0; i < n; i++) y[(size_t)t * n + i] = root * x[(size_t)t * n + i];
  }
  return y;
}

mx_status mx_hessian_compute(const float *x, const float *weight, uint32_t tokens, uint32_t n, unsigned threads,
                             const char *name, mx_hessian *out, mx_error *e) {
  *out = (mx_hessian){.n = n, .sum = malloc((size_t)n * n * sizeof *out->sum)};
  float *weighed = weight ? weigh(x, weight, tokens, n) : NULL;
  if (!out->sum || (weight && !weighed)) {
    free(weighed);
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a Hessian of %u x %u", n, n);
  }
  hessian_task t = {weight ? weighed : x, tokens, n, out->sum};
  mx_parallel(mx_chunks(n, PANEL), threads, sum_panel, &t);
  free(weighed);
  for (uint32_t i = 0; i < n; i++) {
    if (!isfinite(out->sum[(size_t)i * n + i]))
      return mx_fail(e, MX_FORMAT, MX_NOWHERE, "%s: input %u is not finite on the calibration text", name, i);
    for (uint32_t k = 0; k < i; k++) out->sum[(size_t)k * n + i] = out->sum[(size_t)i * n + k];
  }
  return MX_OK;
}

void mx_channel_magnitudes(const float *x, const float *weight, uint32_t tokens, uint32_t n, float *max, float *mean) {
  memset(max, 0, n * sizeof *max);
  memset(mean, 0, n * sizeof *mean);
  uint32_t counted = 0;
  for (uint32_t t = 0; t < tokens; t++) {
    if (weight && !(weight[t] > 0)) continue;
    counted++;
    for (uint32_t i = 0; i < n; i++) {
      float v = fabsf(x[(size_t)t * n + i]);
      max[i] = v > max[i] ? v : max[i];
      mean[i] += v;
    }
  }
  for (uint32_t i = 0; i < n && counted; i++) mean[i] /= (float)counted;
}
