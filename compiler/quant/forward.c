#include "compiler/quant/forward.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/hadamard.h"
#include "compiler/quant/blas.h"
#include "compiler/quant/parallel.h"
#include "golden/isa.h"
#include "golden/mxint.h"

enum { CHUNK = 128 };  // tokens of a task

// ---- construction ------------------------------------------------------------

static uint32_t longest(const mx_calibration *c) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < c->n_sequences; i++)
    if (c->starts[i + 1] - c->starts[i] > most) most = c->starts[i + 1] - c->starts[i];
  return most;
}

static float *rows(size_t n, size_t width) {
  return width && n > SIZE_MAX / sizeof(float) / width ? NULL : calloc(n ? n : 1, width * sizeof(float));
}

void mx_forward_release(mx_forward *f) {
  float **const all[] = {&f->h, &f->y, &f->q, &f->mix, &f->k, &f->v, &f->gate, &f->up, &f->scores};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) {
    free(*all[i]);
    *all[i] = NULL;
  }
}

mx_status mx_forward_reserve(mx_forward *f, mx_error *e) {
  const mx_config *c = f->config;
  size_t length = longest(f->calibration);
  float **const buffers[] = {&f->h, &f->y, &f->q, &f->mix, &f->k, &f->v, &f->gate, &f->up};
  const uint32_t widths[] = {c->dim, c->dim, f->q_dim, f->q_dim, f->kv_dim, f->kv_dim, c->hidden_dim, c->hidden_dim};
  bool ok = true;
  mx_forward_release(f);
  for (unsigned i = 0; i < sizeof buffers / sizeof *buffers; i++)
    ok &= (*buffers[i] = rows(f->calibration->n_tokens, widths[i])) != NULL;
  ok &= (f->scores = rows(f->threads * length, length)) != NULL;
  if (ok) return MX_OK;
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the activations of %u calibration tokens", f->calibration->n_tokens);
}

static mx_status make_rope(mx_forward *f, mx_error *e) {
  uint32_t half = f->config->head_dim / 2, length = longest(f->calibration);
  f->cosines = rows(length, half);
  f->sines = rows(length, half);
  if (!f->cosines || !f->sines) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u positions", length);
  for (uint32_t i = 0; i < half; i++) {
    double frequency = pow(f->config->rope_theta, -2.0 * i / f->config->head_dim);
    for (uint32_t pos = 0; pos < length; pos++) {
      f->cosines[(size_t)pos * half + i] = (float)cos(pos * frequency);
      f->sines[(size_t)pos * half + i] = (float)sin(pos * frequency);
    }
  }
  return MX_OK;
}

static mx_status embed(mx_forward *f, const mx_source *source, mx_error *e) {
  mx_matrix x;
  mx_status s = mx_source_embed(source, f->calibration->tokens, f->calibration->n_tokens, &x, e);
  f->x = x.data;
  return s;
}

static mx_status leave_out_prefix(mx_forward *f, mx_error *e) {
  const mx_calibration *c = f->calibration;
  if (!c->n_prefix) return MX_OK;
  f->weight = malloc(c->n_tokens * sizeof *f->weight);
  if (!f->weight) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for token weights");
  for (uint32_t i = 0; i < c->n_sequences; i++)
    for (uint32_t t = c->starts[i]; t < c->starts[i + 1]; t++) f->weight[t] = t - c->starts[i] >= c->n_prefix;
  return MX_OK;
}

mx_status mx_forward_new(const mx_source *source, const mx_calibration *c, unsigned threads, mx_forward *out, mx_error *e) {
  const mx_config *config = mx_source_config(source);
  *out = (mx_forward){.config = config, .calibration = c, .threads = threads ? threads : 1,
                      .q_dim = config->n_heads * config->head_dim, .kv_dim = config->n_kv_heads * config->head_dim};
  if (source->rotation) out->online = source->rotation->online;
  if (out->threads > MX_PARALLEL_MAX) out->threads = MX_PARALLEL_MAX;
  mx_status s = mx_forward_reserve(out, e);
  if (!s) s = make_rope(out, e);
  if (!s) s = leave_out_prefix(out, e);
  return s ? s : embed(out, source, e);
}

void mx_forward_set_prefix(mx_forward *f, const mx_prefix *p, uint32_t layer) {
  size_t at = (size_t)layer * p->n * f->kv_dim;
  f->prefix_keys = p->n ? p->keys + at : NULL;
  f->prefix_values = p->n ? p->values + at : NULL;
}

void mx_forward_free(mx_forward *f) {
  float *const all[] = {f->x, f->h, f->y, f->q, f->mix, f->k, f->v, f->gate, f->up, f->cosines, f->sines, f->scores, f->weight, f->attention};
  for (unsigned i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
  *f = (mx_forward){0};
}

// ---- the device's rounding -----------------------------------------------------

static float power_of_two(int exponent) {
  uint32_t bits = (uint32_t)(exponent + 127) << 23;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

// One block as the definition does it.
static void round_block_slowly(float *x, uint32_t n, unsigned bits) {
  uint32_t v[MX_BLOCK_MAX];
  int8_t q[MX_BLOCK_MAX];
  uint8_t scale;
  memcpy(v, x, n * sizeof *v);
  mx_quantize_block(v, n, n, bits, q, &scale);
  float step = scale == 0xff ? NAN : ldexpf(1, scale - 127 - (int)mx_fraction_bits(bits));
  for (uint32_t i = 0; i < n; i++) x[i] = q[i] * step;
}

static uint32_t greatest_exponent(const float *x, uint32_t n) {
  uint32_t v[MX_BLOCK_MAX], most = 0;
  memcpy(v, x, n * sizeof *v);
  for (uint32_t i = 0; i < n; i++) most = (v[i] & 0x7fffffffu) > most ? v[i] & 0x7fffffffu : most;
  return most >> 23;
}

// The same bits at the host's speed: scaling by a power of two is exact while
// nothing leaves the range of normal numbers, and adding and subtracting 1.5 * 2^23
// rounds to nearest, ties to even, with +0 for all that rounds to zero.
static void round_block(float *x, uint32_t n, unsigned bits) {
  uint32_t greatest = greatest_exponent(x, n);
  int up = (int)mx_fraction_bits(bits) + 127 - (int)greatest;
  if (greatest < 16 || greatest > 240) {
    round_block_slowly(x, n, bits);
    return;
  }
  const float magic = 12582912.0f, most = (float)mx_element_max(bits);
  float factor = power_of_two(up), step = power_of_two(-up);
  for (uint32_t i = 0; i < n; i++) {
    float q = (x[i] * factor + magic) - magic;
    q = q > most ? most : q;
    q = q < -most ? -most : q;
    x[i] = q * step;
  }
}

void mx_round_mxint(float *x, uint32_t n, uint32_t block, unsigned bits) {
  for (uint32_t at = 0; at < n; at += block) round_block(x + at, n - at < block ? n - at : block, bits);
}

static void round_fixed(float *x, uint32_t n, unsigned bits) {
  float most = (float)mx_element_max(bits);
  for (uint32_t i = 0; i < n; i++) {
    float v = rintf(x[i]);
    x[i] = v > most ? most : v < -most ? -most : v;
  }
}

void mx_round_input(float *x, uint32_t n, const mx_matrix_format *format) {
  for (unsigned i = 0; i < format->n_parts; i++) {
    const mx_part_format *p = &format->part[i];
    uint32_t size = i + 1 < format->n_parts ? p->cols : n;
    if (p->acts.fixed) round_fixed(x, size, p->acts.bits);
    else mx_round_mxint(x, size, mx_block_length(&p->weights.stream), p->acts.bits);
    x += size;
    n -= size;
  }
}

// A head of interleaved pairs is cached as two halves with blocks of their own
// (compiler/lower: 16 elements where that pads less, else 32).
static void round_halves(float *head, uint32_t head_dim, unsigned bits) {
  uint32_t half = head_dim / 2, block = (half + 15) / 16 % 2 ? 16 : 32;
  for (uint32_t first = 0; first < 2; first++)
    for (uint32_t at = 0; at < half; at += block) {
      float part[MX_BLOCK_MAX];
      uint32_t size = half - at < block ? half - at : block;
      for (uint32_t i = 0; i < size; i++) part[i] = head[2 * (at + i) + first];
      mx_round_mxint(part, size, block, bits);
      for (uint32_t i = 0; i < size; i++) head[2 * (at + i) + first] = part[i];
    }
}

// ---- by tokens -----------------------------------------------------------------

typedef struct {
  const mx_forward *f;
  const mx_matrix *w;
  const float *in;
  float *out;
  uint32_t cols;
  mx_input input;
} token_task;

static uint32_t chunk(const mx_forward *f, uint32_t i, uint32_t *from) {
  *from = i * CHUNK;
  return f->calibration->n_tokens - *from < CHUNK ? f->calibration->n_tokens - *from : CHUNK;
}

static void by_tokens(const mx_forward *f, mx_task task, token_task *t) {
  t->f = f;
  mx_parallel(mx_chunks(f->calibration->n_tokens, CHUNK), f->threads, task, t);
}

static void round_chunk(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const token_task *t = self;
  uint32_t from, n = chunk(t->f, i, &from);
  for (uint32_t k = from; k < from + n; k++)
    if (!t->f->weight || t->f->weight[k] > 0) mx_round_input(t->out + (size_t)k * t->cols, t->cols, &t->f->inputs[t->input]);
}

void mx_forward_round(const mx_forward *f, float *x, uint32_t cols, mx_input input) {
  token_task t = {.out = x, .cols = cols, .input = input};
  if (f->quantized) by_tokens(f, round_chunk, &t);
}

// y [n] = norm(x, gain); y may be x.
static void normalise(const mx_forward *f, const float *x, const float *gain, uint32_t n, float *y) {
  double sum = 0;
  for (uint32_t c = 0; c < n; c++) sum += (double)x[c] * x[c];
  float scale = (float)(1.0 / sqrt(sum / n + f->config->rms_eps));
  for (uint32_t c = 0; c < n; c++) y[c] = gain[c] * (scale * x[c]);
}

static void normalise_chunk(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const token_task *t = self;
  uint32_t from, n = chunk(t->f, i, &from), dim = t->cols;
  for (uint32_t k = from; k < from + n; k++) normalise(t->f, t->in + (size_t)k * dim, t->w->data, dim, t->out + (size_t)k * dim);
}

void mx_forward_norm(mx_forward *f, const mx_matrix *gain, mx_input input) {
  token_task t = {.w = gain, .in = f->x, .out = f->h, .cols = f->config->dim};
  by_tokens(f, normalise_chunk, &t);
  mx_forward_round(f, f->h, f->config->dim, input);
}

static void multiply_chunk(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const token_task *t = self;
  uint32_t from, n = chunk(t->f, i, &from);
  int out = (int)t->w->rows, in = (int)t->w->cols;
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, out, in, 1, t->in + (size_t)from * t->w->cols, in,
              t->w->data, in, 0, t->out + (size_t)from * t->w->rows, out);
}

void mx_forward_multiply(const mx_forward *f, const mx_matrix *w, const float *in, float *out) {
  token_task t = {.w = w, .in = in, .out = out};
  by_tokens(f, multiply_chunk, &t);
}

static void gate_chunk(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const token_task *t = self;
  uint32_t from, n = chunk(t->f, i, &from);
  const float *up = t->in + (size_t)from * t->cols;
  float *gate = t->out + (size_t)from * t->cols;
  for (size_t k = 0; k < (size_t)n * t->cols; k++) gate[k] = gate[k] / (1.0f + expf(-gate[k])) * up[k];
  for (uint32_t k = 0; k < n && t->f->online.down; k++) mx_hadamard_online(gate + (size_t)k * t->cols, t->cols);
}

void mx_forward_gate(mx_forward *f) {
  token_task t = {.in = f->up, .out = f->gate, .cols = f->config->hidden_dim};
  by_tokens(f, gate_chunk, &t);
  mx_forward_round(f, f->gate, f->config->hidden_dim, MX_INPUT_DOWN);
}

void mx_forward_add(mx_forward *f) {
  for (size_t i = 0; i < (size_t)f->calibration->n_tokens * f->config->dim; i++) f->x[i] += f->y[i];
}

// ---- attention, by sequences ---------------------------------------------------

// Turns the heads of v [width], the row of one position.
static void rotate(const mx_forward *f, float *v, uint32_t width, uint32_t pos) {
  uint32_t half = f->config->head_dim / 2;
  const float *cosine = f->cosines + (size_t)pos * half, *sine = f->sines + (size_t)pos * half;
  for (uint32_t i = 0; i < width / 2; i++, v += 2) {
    float a = v[0], b = v[1], c = cosine[i % half], s = sine[i % half];
    v[0] = a * c - b * s;
    v[1] = a * s + b * c;
  }
}

static void round_cache(const mx_forward *f, float *q, float *k, float *v) {
  uint32_t hd = f->config->head_dim;
  for (uint32_t i = 0; i < f->config->n_heads; i++) round_halves(q + (size_t)i * hd, hd, MX_BITS_8);
  for (uint32_t i = 0; i < f->config->n_kv_heads; i++) {
    round_halves(k + (size_t)i * hd, hd, f->kv_bits);
    mx_round_mxint(v + (size_t)i * hd, hd, hd <= MX_BLOCK_MAX ? hd : MX_BLOCK_MAX, f->kv_bits);
  }
}

static void transform_heads(const mx_forward *f, float *q, float *k) {
  uint32_t hd = f->config->head_dim;
  for (uint32_t i = 0; i < f->config->n_heads; i++) mx_hadamard_online_head(q + (size_t)i * hd, hd);
  for (uint32_t i = 0; i < f->config->n_kv_heads; i++) mx_hadamard_online_head(k + (size_t)i * hd, hd);
}

// The norms of queries and keys, where the layer has them.
static void normalise_heads(const mx_forward *f, float *q, float *k) {
  uint32_t hd = f->config->head_dim;
  for (uint32_t i = 0; i < f->config->n_heads && f->q_norm; i++, q += hd) normalise(f, q, f->q_norm, hd, q);
  for (uint32_t i = 0; i < f->config->n_kv_heads && f->k_norm; i++, k += hd) normalise(f, k, f->k_norm, hd, k);
}

static void take_prefix(const mx_forward *f, uint32_t t, float *k, float *v) {
  memcpy(k, f->prefix_keys + (size_t)t * f->kv_dim, f->kv_dim * sizeof *k);
  memcpy(v, f->prefix_values + (size_t)t * f->kv_dim, f->kv_dim * sizeof *v);
}

// Softmax of row [seen]; the rest, up to `length`, becomes 0.
static void softmax(float *row, uint32_t seen, uint32_t length) {
  float largest = row[0];
  double sum = 0;
  for (uint32_t i = 1; i < seen; i++) largest = row[i] > largest ? row[i] : largest;
  for (uint32_t i = 0; i < seen; i++) sum += row[i] = expf(row[i] - largest);
  float scale = (float)(1.0 / sum);
  for (uint32_t i = 0; i < seen; i++) row[i] *= scale;
  memset(row + seen, 0, (length - seen) * sizeof *row);
}

static void add_columns(const float *scores, uint32_t n, float *sums) {
  for (uint32_t t = 0; t < n; t++)
    for (uint32_t i = 0; i <= t; i++) sums[i] += scores[(size_t)t * n + i];
}

static void attend_head(const mx_forward *f, uint32_t head, uint32_t start, uint32_t n, float *scores) {
  const mx_config *c = f->config;
  int length = (int)n, hd = (int)c->head_dim, q_dim = (int)f->q_dim, kv_dim = (int)f->kv_dim;
  size_t kv_at = (size_t)start * f->kv_dim + (size_t)(head / (c->n_heads / c->n_kv_heads)) * c->head_dim;
  size_t q_at = (size_t)start * f->q_dim + (size_t)head * c->head_dim;
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, length, length, hd, (float)(1.0 / sqrt(c->head_dim)),
              f->q + q_at, q_dim, f->k + kv_at, kv_dim, 0, scores, length);
  for (uint32_t t = 0; t < n; t++) softmax(scores + (size_t)t * n, t + 1, n);
  if (f->attention) add_columns(scores, n, f->attention + start);
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, length, hd, length, 1, scores, length, f->v + kv_at, kv_dim,
              0, f->mix + q_at, q_dim);
}

static void attend_sequence(void *self, uint32_t i, unsigned worker) {
  const mx_forward *f = self;
  uint32_t start = f->calibration->starts[i], n = f->calibration->starts[i + 1] - start, most = longest(f->calibration);
  for (uint32_t t = 0; t < n; t++) {
    float *q = f->q + (size_t)(start + t) * f->q_dim, *k = f->k + (size_t)(start + t) * f->kv_dim;
    normalise_heads(f, q, k);
    rotate(f, q, f->q_dim, t);
    rotate(f, k, f->kv_dim, t);
    if (f->online.qk) transform_heads(f, q, k);
    if (f->prefix_keys && t < f->calibration->n_prefix) take_prefix(f, t, k, f->v + (size_t)(start + t) * f->kv_dim);
    if (f->quantized) round_cache(f, q, k, f->v + (size_t)(start + t) * f->kv_dim);
  }
  if (f->attention) memset(f->attention + start, 0, n * sizeof *f->attention);
  for (uint32_t head = 0; head < f->config->n_heads; head++)
    attend_head(f, head, start, n, f->scores + (size_t)worker * most * most);
}

void mx_forward_attend(mx_forward *f, const mx_layer *l) {
  f->q_norm = l->q_norm.data;
  f->k_norm = l->k_norm.data;
  mx_parallel(f->calibration->n_sequences, f->threads, attend_sequence, f);
  mx_forward_round(f, f->mix, f->q_dim, MX_INPUT_WO);
}

// ---- a layer -------------------------------------------------------------------

void mx_forward_layer(mx_forward *f, const mx_layer *l, mx_forward_observer observer, void *self) {
  mx_forward_norm(f, &l->attn_norm, MX_INPUT_ATTN);
  if (observer) observer(self, MX_INPUT_ATTN, f->h, f->config->dim);
  mx_forward_multiply(f, &l->wq, f->h, f->q);
  mx_forward_multiply(f, &l->wk, f->h, f->k);
  mx_forward_multiply(f, &l->wv, f->h, f->v);
  mx_forward_attend(f, l);
  if (observer) observer(self, MX_INPUT_WO, f->mix, f->q_dim);
  mx_forward_multiply(f, &l->wo, f->mix, f->y);
  mx_forward_add(f);
  mx_forward_norm(f, &l->ffn_norm, MX_INPUT_FFN);
  if (observer) observer(self, MX_INPUT_FFN, f->h, f->config->dim);
  mx_forward_multiply(f, &l->w_gate, f->h, f->gate);
  mx_forward_multiply(f, &l->w_up, f->h, f->up);
  mx_forward_gate(f);
  if (observer) observer(self, MX_INPUT_DOWN, f->gate, f->config->hidden_dim);
  mx_forward_multiply(f, &l->w_down, f->gate, f->y);
  mx_forward_add(f);
}
