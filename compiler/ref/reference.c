#include "compiler/ref/reference.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/eval/eval.h"

enum { BATCH = 64, MAX_CONTEXT = 1 << 24 };  // tokens per matrix product

struct mx_reference {
  const mx_model *model;
  uint32_t context;
  uint32_t q_dim, kv_dim;  // n_heads * head_dim, n_kv_heads * head_dim
  float *keys, *values;    // [n_layers][context][kv_dim], keys after RoPE
  float *cosines, *sines;  // [context][head_dim / 2]
  float *x;                // [BATCH][dim] residual stream
  float *h;                // [BATCH][dim] normalised, or to be added to x
  float *q;                // [BATCH][q_dim]
  float *mix;              // [BATCH][q_dim] attention output
  float *gate, *up;        // [BATCH][hidden_dim]
  float *scores;           // [BATCH][context], one head
  float *logits;           // [BATCH][vocab_size], for mx_reference_score
  mx_reference_observer observer;
  void *observer_self;
  mx_reference_tap tap;
  void *tap_self;
};

// ---- construction ------------------------------------------------------------

static float *floats(uint64_t a, uint64_t b, uint64_t c) {
  if (b && a > UINT64_MAX / b) return NULL;
  if (c && a * b > UINT64_MAX / c) return NULL;
  uint64_t n = a * b * c;
  return n <= SIZE_MAX / sizeof(float) ? calloc((size_t)n, sizeof(float)) : NULL;
}

static bool allocate(mx_reference *r) {
  const mx_config *c = &r->model->config;
  r->keys = floats(c->n_layers, r->context, r->kv_dim);
  r->values = floats(c->n_layers, r->context, r->kv_dim);
  r->cosines = floats(1, r->context, c->head_dim / 2);
  r->sines = floats(1, r->context, c->head_dim / 2);
  r->x = floats(1, BATCH, c->dim);
  r->h = floats(1, BATCH, c->dim);
  r->q = floats(1, BATCH, r->q_dim);
  r->mix = floats(1, BATCH, r->q_dim);
  r->gate = floats(1, BATCH, c->hidden_dim);
  r->up = floats(1, BATCH, c->hidden_dim);
  r->scores = floats(1, BATCH, r->context);
  r->logits = floats(1, BATCH, c->vocab_size);
  return r->keys && r->values && r->cosines && r->sines && r->x && r->h && r->q && r->mix &&
         r->gate && r->up && r->scores && r->logits;
}

static void fill_rope(mx_reference *r) {
  const mx_config *c = &r->model->config;
  uint32_t half = c->head_dim / 2;
  for (uint32_t i = 0; i < half; i++) {
    double frequency = pow(c->rope_theta, -2.0 * i / c->head_dim);
    for (uint32_t pos = 0; pos < r->context; pos++) {
      r->cosines[(size_t)pos * half + i] = (float)cos(pos * frequency);
      r->sines[(size_t)pos * half + i] = (float)sin(pos * frequency);
    }
  }
}

mx_status mx_reference_new(const mx_model *model, uint32_t context, mx_reference **out,
                           mx_error *e) {
  *out = NULL;
  if (context == 0 || context > MAX_CONTEXT)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "a context of %u positions; 1 to 2^24 are possible",
                   context);
  mx_reference *r = calloc(1, sizeof *r);
  if (r) {
    const mx_config *c = &model->config;
    r->model = model;
    r->context = context;
    r->q_dim = c->n_heads * c->head_dim;
    r->kv_dim = c->n_kv_heads * c->head_dim;
  }
  if (!r || !allocate(r)) {
    mx_reference_free(r);
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a context of %u positions", context);
  }
  fill_rope(r);
  *out = r;
  return MX_OK;
}

void mx_reference_free(mx_reference *r) {
  if (!r) return;
  float *all[] = {r->keys, r->values, r->cosines, r->sines, r->x,      r->h,
                  r->q,    r->mix,    r->gate,    r->up,    r->scores, r->logits};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  free(r);
}

void mx_reference_observe(mx_reference *r, mx_reference_observer observer, void *self) {
  r->observer = observer;
  r->observer_self = self;
}

void mx_reference_tap_layers(mx_reference *r, mx_reference_tap tap, void *self) {
  r->tap = tap;
  r->tap_self = self;
}

// ---- operations ----------------------------------------------------------------

// y [n][w->rows] = x [n][w->cols] times w transposed.
static void multiply(const mx_reference *r, const mx_matrix *w, const float *x, uint32_t n,
                     float *y) {
  if (r->observer) r->observer(r->observer_self, w, x, n);
  int rows = (int)w->rows, cols = (int)w->cols;
  if (n == 1)
    cblas_sgemv(CblasRowMajor, CblasNoTrans, rows, cols, 1.0f, w->data, cols, x, 1, 0.0f, y, 1);
  else
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, rows, cols, 1.0f, x, cols,
                w->data, cols, 0.0f, y, rows);
}

// y [n][dim] = RMS norm of x [n][dim], dim the length of the gain; y may be x.
static void normalise(const mx_reference *r, const mx_matrix *gain, const float *x, uint32_t n,
                      float *y) {
  uint32_t dim = gain->cols;
  for (uint32_t t = 0; t < n; t++, x += dim, y += dim) {
    double sum = 0;
    for (uint32_t i = 0; i < dim; i++) sum += (double)x[i] * x[i];
    float scale = (float)(1.0 / sqrt(sum / dim + r->model->config.rms_eps));
    for (uint32_t i = 0; i < dim; i++) y[i] = gain->data[i] * (scale * x[i]);
  }
}

static void add(float *x, const float *y, size_t n) {
  for (size_t i = 0; i < n; i++) x[i] += y[i];
}

// Turns the heads of v [n][width] by their positions pos .. pos + n - 1.
static void rotate(const mx_reference *r, float *v, uint32_t width, uint32_t n, uint32_t pos) {
  uint32_t half = r->model->config.head_dim / 2;
  for (uint32_t t = 0; t < n; t++) {
    const float *cosine = r->cosines + (size_t)(pos + t) * half;
    const float *sine = r->sines + (size_t)(pos + t) * half;
    for (uint32_t i = 0; i < width / 2; i++, v += 2) {
      float a = v[0], b = v[1], c = cosine[i % half], s = sine[i % half];
      v[0] = a * c - b * s;
      v[1] = a * s + b * c;
    }
  }
}

// Softmax of row [seen]; the rest of the row, up to `length`, becomes 0.
static void softmax(float *row, uint32_t seen, uint32_t length) {
  float largest = row[0];
  double sum = 0;
  for (uint32_t i = 1; i < seen; i++) largest = row[i] > largest ? row[i] : largest;
  for (uint32_t i = 0; i < seen; i++) sum += row[i] = expf(row[i] - largest);
  float scale = (float)(1.0 / sum);
  for (uint32_t i = 0; i < seen; i++) row[i] *= scale;
  memset(row + seen, 0, (length - seen) * sizeof *row);
}

// One query head over the cache: r->mix from r->q.
static void attend_head(mx_reference *r, uint32_t head, const float *keys, const float *values,
                        uint32_t n, uint32_t pos) {
  const mx_config *c = &r->model->config;
  int hd = (int)c->head_dim, q_dim = (int)r->q_dim, kv_dim = (int)r->kv_dim;
  int length = (int)(pos + n);
  size_t kv_at = (size_t)(head / (c->n_heads / c->n_kv_heads)) * c->head_dim;
  size_t q_at = (size_t)head * c->head_dim;
  float scale = (float)(1.0 / sqrt(c->head_dim));
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, length, hd, scale, r->q + q_at,
              q_dim, keys + kv_at, kv_dim, 0.0f, r->scores, length);
  for (uint32_t t = 0; t < n; t++)
    softmax(r->scores + (size_t)t * (pos + n), pos + t + 1, pos + n);
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, hd, length, 1.0f, r->scores,
              length, values + kv_at, kv_dim, 0.0f, r->mix + q_at, q_dim);
}

// ---- layers --------------------------------------------------------------------

static void attend(mx_reference *r, uint32_t index, uint32_t n, uint32_t pos) {
  const mx_config *c = &r->model->config;
  const mx_layer *l = &r->model->layers[index];
  size_t cache_at = (size_t)index * r->context * r->kv_dim;
  size_t new_at = cache_at + (size_t)pos * r->kv_dim;
  normalise(r, &l->attn_norm, r->x, n, r->h);
  multiply(r, &l->wq, r->h, n, r->q);
  multiply(r, &l->wk, r->h, n, r->keys + new_at);
  multiply(r, &l->wv, r->h, n, r->values + new_at);
  if (c->head_norms) {
    normalise(r, &l->q_norm, r->q, n * c->n_heads, r->q);
    normalise(r, &l->k_norm, r->keys + new_at, n * c->n_kv_heads, r->keys + new_at);
  }
  rotate(r, r->q, r->q_dim, n, pos);
  rotate(r, r->keys + new_at, r->kv_dim, n, pos);
  for (uint32_t head = 0; head < c->n_heads; head++)
    attend_head(r, head, r->keys + cache_at, r->values + cache_at, n, pos);
  multiply(r, &l->wo, r->mix, n, r->h);
  add(r->x, r->h, (size_t)n * c->dim);
}

static void feed_forward(mx_reference *r, uint32_t index, uint32_t n) {
  const mx_config *c = &r->model->config;
  const mx_layer *l = &r->model->layers[index];
  normalise(r, &l->ffn_norm, r->x, n, r->h);
  multiply(r, &l->w_gate, r->h, n, r->gate);
  multiply(r, &l->w_up, r->h, n, r->up);
  for (size_t i = 0; i < (size_t)n * c->hidden_dim; i++)
    r->gate[i] = r->gate[i] / (1.0f + expf(-r->gate[i])) * r->up[i];
  multiply(r, &l->w_down, r->gate, n, r->h);
  add(r->x, r->h, (size_t)n * c->dim);
}

// At most BATCH tokens.
static void run_batch(mx_reference *r, const int32_t *tokens, uint32_t n, uint32_t pos,
                      float *logits) {
  const mx_model *m = r->model;
  size_t dim = m->config.dim;
  for (uint32_t t = 0; t < n; t++)
    memcpy(r->x + t * dim, m->token_embd.data + (size_t)tokens[t] * dim, dim * sizeof *r->x);
  for (uint32_t i = 0; i < m->config.n_layers; i++) {
    attend(r, i, n, pos);
    feed_forward(r, i, n);
    if (r->tap) r->tap(r->tap_self, i, r->x, n, pos);
  }
  if (!logits) return;
  normalise(r, &m->output_norm, r->x, n, r->h);
  multiply(r, &m->output, r->h, n, logits);
}

// ---- sequences -----------------------------------------------------------------

static mx_status check_input(const mx_reference *r, const int32_t *tokens, uint32_t n,
                             uint32_t pos, mx_error *e) {
  if (pos > r->context || n > r->context - pos)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "%u tokens from position %u exceed the context of %u",
                   n, pos, r->context);
  for (uint32_t i = 0; i < n; i++)
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= r->model->config.vocab_size)
      return mx_fail(e, MX_USAGE, MX_NOWHERE, "token %d; the vocabulary has %u", tokens[i],
                     r->model->config.vocab_size);
  return MX_OK;
}

mx_status mx_reference_extend(mx_reference *r, const int32_t *tokens, uint32_t n, uint32_t pos,
                              float *logits, mx_error *e) {
  mx_status s = check_input(r, tokens, n, pos, e);
  if (s) return s;
  for (uint32_t at = 0; at < n; at += BATCH) {
    uint32_t batch = n - at < BATCH ? n - at : BATCH;
    float *rows = logits ? logits + (size_t)at * r->model->config.vocab_size : NULL;
    run_batch(r, tokens + at, batch, pos + at, rows);
  }
  return MX_OK;
}

mx_status mx_reference_step(mx_reference *r, int32_t token, uint32_t pos, float *logits,
                            mx_error *e) {
  return mx_reference_extend(r, &token, 1, pos, logits, e);
}

mx_status mx_reference_forward(mx_reference *r, const int32_t *tokens, uint32_t n, float *logits,
                               mx_error *e) {
  return mx_reference_extend(r, tokens, n, 0, logits, e);
}

mx_status mx_reference_score(void *reference, const int32_t *tokens, uint32_t n, double *nll,
                             mx_error *e) {
  mx_reference *r = reference;
  uint32_t vocab = r->model->config.vocab_size;
  if (n < 2) return MX_OK;
  mx_status s = check_input(r, tokens, n - 1, 0, e);
  if (!s) s = check_input(r, tokens + n - 1, 1, 0, e);
  if (s) return s;
  for (uint32_t at = 0; at < n - 1; at += BATCH) {
    uint32_t batch = n - 1 - at < BATCH ? n - 1 - at : BATCH;
    run_batch(r, tokens + at, batch, at, r->logits);
    for (uint32_t i = 0; i < batch; i++)
      nll[at + i] = mx_nll_of_logits(r->logits + (size_t)i * vocab, vocab, tokens[at + i + 1]);
  }
  return MX_OK;
}
