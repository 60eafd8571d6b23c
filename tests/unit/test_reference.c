// FP32 reference inference against a plain computation in double, which keeps
// no cache and works position by position from the definition in model.h.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/eval/eval.h"
#include "compiler/ref/reference.h"
#include "tests/unit/small_model.h"

// ---- the plain computation ---------------------------------------------------------

static double *doubles(size_t n) {
  double *p = calloc(n, sizeof *p);
  assert_non_null(p);
  return p;
}

static double dot_row(const mx_matrix *w, uint32_t row, const double *x) {
  double sum = 0;
  for (uint32_t i = 0; i < w->cols; i++) sum += (double)w->data[(size_t)row * w->cols + i] * x[i];
  return sum;
}

static void apply(const mx_matrix *w, const double *x, double *y) {
  for (uint32_t row = 0; row < w->rows; row++) y[row] = dot_row(w, row, x);
}

static void plain_norm(const mx_matrix *gain, double eps, const double *x, double *y) {
  double mean = 0;
  for (uint32_t i = 0; i < gain->cols; i++) mean += x[i] * x[i] / gain->cols;
  for (uint32_t i = 0; i < gain->cols; i++) y[i] = x[i] / sqrt(mean + eps) * gain->data[i];
}

// Component i of a head's vector after RoPE at position pos.
static double turned(const double *head, uint32_t i, uint32_t head_dim, double theta,
                     uint32_t pos) {
  uint32_t even = i & ~1u;
  double angle = pos / pow(theta, (double)even / head_dim);
  return i == even ? head[even] * cos(angle) - head[even + 1] * sin(angle)
                   : head[even] * sin(angle) + head[even + 1] * cos(angle);
}

// Queries, keys and values of one layer for all positions, before RoPE.
typedef struct {
  double *q, *k, *v;  // [n][n_heads * head_dim], [n][n_kv_heads * head_dim] twice
} projections;

static double plain_score(const mx_config *c, const projections *p, uint32_t head, uint32_t from,
                          uint32_t to) {
  const double *q = p->q + ((size_t)from * c->n_heads + head) * c->head_dim;
  uint32_t kv_head = head * c->n_kv_heads / c->n_heads;
  const double *k = p->k + ((size_t)to * c->n_kv_heads + kv_head) * c->head_dim;
  double sum = 0;
  for (uint32_t i = 0; i < c->head_dim; i++)
    sum += turned(q, i, c->head_dim, c->rope_theta, from) *
           turned(k, i, c->head_dim, c->rope_theta, to);
  return sum / sqrt(c->head_dim);
}

// The mix of values for one head at position t, to out [head_dim].
static void plain_head(const mx_config *c, const projections *p, uint32_t head, uint32_t t,
                       double *out) {
  uint32_t kv_head = head * c->n_kv_heads / c->n_heads;
  double total = 0;
  for (uint32_t u = 0; u <= t; u++) {
    double weight = exp(plain_score(c, p, head, t, u));
    const double *v = p->v + ((size_t)u * c->n_kv_heads + kv_head) * c->head_dim;
    for (uint32_t i = 0; i < c->head_dim; i++) out[i] += weight * v[i];
    total += weight;
  }
  for (uint32_t i = 0; i < c->head_dim; i++) out[i] /= total;
}

static void plain_head_norms(const mx_config *c, const mx_matrix *gain, uint32_t heads, double *x) {
  for (uint32_t i = 0; i < heads && c->head_norms; i++, x += c->head_dim) plain_norm(gain, c->rms_eps, x, x);
}

static void plain_attention(const mx_config *c, const mx_layer *l, double *x, uint32_t n) {
  size_t q_dim = (size_t)c->n_heads * c->head_dim, kv_dim = (size_t)c->n_kv_heads * c->head_dim;
  projections p = {doubles(n * q_dim), doubles(n * kv_dim), doubles(n * kv_dim)};
  double *h = doubles(c->dim), *mix = doubles(q_dim), *y = doubles(c->dim);
  for (uint32_t t = 0; t < n; t++) {
    plain_norm(&l->attn_norm, c->rms_eps, x + (size_t)t * c->dim, h);
    apply(&l->wq, h, p.q + t * q_dim);
    apply(&l->wk, h, p.k + t * kv_dim);
    apply(&l->wv, h, p.v + t * kv_dim);
    plain_head_norms(c, &l->q_norm, c->n_heads, p.q + t * q_dim);
    plain_head_norms(c, &l->k_norm, c->n_kv_heads, p.k + t * kv_dim);
  }
  for (uint32_t t = 0; t < n; t++) {
    memset(mix, 0, q_dim * sizeof *mix);
    for (uint32_t head = 0; head < c->n_heads; head++)
      plain_head(c, &p, head, t, mix + (size_t)head * c->head_dim);
    apply(&l->wo, mix, y);
    for (uint32_t i = 0; i < c->dim; i++) x[(size_t)t * c->dim + i] += y[i];
  }
  double *all[] = {p.q, p.k, p.v, h, mix, y};
  for (int i = 0; i < 6; i++) free(all[i]);
}

static void plain_ffn(const mx_config *c, const mx_layer *l, double *x) {
  double *h = doubles(c->dim), *hidden = doubles(c->hidden_dim);
  plain_norm(&l->ffn_norm, c->rms_eps, x, h);
  for (uint32_t i = 0; i < c->hidden_dim; i++) {
    double gate = dot_row(&l->w_gate, i, h);
    hidden[i] = gate * (1 / (1 + exp(-gate))) * dot_row(&l->w_up, i, h);
  }
  for (uint32_t i = 0; i < c->dim; i++) x[i] += dot_row(&l->w_down, i, hidden);
  free(h);
  free(hidden);
}

// logits [n][vocab_size] of a whole sequence; the caller frees them.
static double *plain_logits(const mx_model *m, const int32_t *tokens, uint32_t n) {
  const mx_config *c = &m->config;
  double *x = doubles((size_t)n * c->dim), *h = doubles(c->dim);
  double *logits = doubles((size_t)n * c->vocab_size);
  for (uint32_t t = 0; t < n; t++)
    for (uint32_t i = 0; i < c->dim; i++)
      x[(size_t)t * c->dim + i] = m->token_embd.data[(size_t)tokens[t] * c->dim + i];
  for (uint32_t k = 0; k < c->n_layers; k++) {
    plain_attention(c, &m->layers[k], x, n);
    for (uint32_t t = 0; t < n; t++) plain_ffn(c, &m->layers[k], x + (size_t)t * c->dim);
  }
  for (uint32_t t = 0; t < n; t++) {
    plain_norm(&m->output_norm, c->rms_eps, x + (size_t)t * c->dim, h);
    apply(&m->output, h, logits + (size_t)t * c->vocab_size);
  }
  free(x);
  free(h);
  return logits;
}

// ---- agreement ---------------------------------------------------------------------

typedef struct {
  const char *name;
  mx_config config;
  bool tied;
  uint32_t n;  // tokens
} shape;

static const shape shapes[] = {
    {"one of each", {2, 1, 1, 1, 1, 2, 3, 8, 10000.0f, 1e-5f, 0}, false, 5},
    {"as many KV heads as heads", {12, 20, 2, 3, 3, 4, 31, 64, 10000.0f, 1e-5f, 0}, true, 20},
    {"shared KV heads", {24, 40, 3, 6, 2, 4, 50, 64, 500000.0f, 1e-6f, 0}, false, 33},
    {"one KV head, odd sizes", {15, 17, 2, 5, 1, 6, 29, 64, 100.0f, 1e-5f, 0}, false, 13},
    {"heads wider than the model", {7, 9, 2, 4, 2, 10, 11, 64, 10000.0f, 1e-5f, 0}, true, 9},
    {"norms of heads", {24, 40, 3, 6, 2, 8, 50, 64, 1000000.0f, 1e-6f, 1}, true, 33},
    {"more than two batches", {16, 24, 2, 4, 2, 4, 40, 200, 10000.0f, 1e-5f, 0}, false, 150},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };
static const double TOLERANCE = 1e-4;  // logits here are below 100

static int32_t *random_tokens(uint32_t n, uint32_t vocab, uint64_t seed) {
  test_random r = {seed};
  int32_t *tokens = malloc(n * sizeof *tokens);
  assert_non_null(tokens);
  for (uint32_t i = 0; i < n; i++) tokens[i] = (int32_t)test_random_below(&r, vocab);
  return tokens;
}

static void check_close(const char *name, const float *a, const double *b, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!(fabs(a[i] - b[i]) <= TOLERANCE))
      fail_msg("%s: logit %zu is %.9g, expected %.9g", name, i, (double)a[i], b[i]);
}

static float *float_array(size_t n) {
  float *p = malloc(n * sizeof *p);
  assert_non_null(p);
  return p;
}

static mx_reference *new_reference(const mx_model *m, uint32_t context) {
  mx_reference *r;
  mx_error e = {0};
  assert_int_equal(mx_reference_new(m, context, &r, &e), MX_OK);
  return r;
}

static void check_shape(const shape *s, uint64_t seed) {
  mx_error e = {0};
  size_t vocab = s->config.vocab_size;
  mx_model *m = test_model(&s->config, s->tied, seed);
  mx_reference *r = new_reference(m, s->n);
  int32_t *tokens = random_tokens(s->n, (uint32_t)vocab, seed + 1);
  double *expected = plain_logits(m, tokens, s->n);
  float *logits = float_array(s->n * vocab);
  assert_int_equal(mx_reference_forward(r, tokens, s->n, logits, &e), MX_OK);
  check_close(s->name, logits, expected, s->n * vocab);
  for (uint32_t t = 0; t < s->n; t++) {  // again from position 0, over the old cache
    assert_int_equal(mx_reference_step(r, tokens[t], t, logits, &e), MX_OK);
    check_close(s->name, logits, expected + t * vocab, vocab);
  }
  free(tokens);
  free(expected);
  free(logits);
  mx_reference_free(r);
  mx_model_free(m);
}

static void test_agreement(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 3; seed++)
    for (int i = 0; i < N_SHAPES; i++) check_shape(&shapes[i], seed);
}

static void test_prefill_then_steps(void **state) {
  (void)state;
  const shape *s = &shapes[N_SHAPES - 1];
  enum { PROMPT = 100 };
  mx_error e = {0};
  size_t vocab = s->config.vocab_size;
  mx_model *m = test_model(&s->config, false, 11);
  mx_reference *r = new_reference(m, 200);
  int32_t *tokens = random_tokens(s->n, (uint32_t)vocab, 12);
  double *expected = plain_logits(m, tokens, s->n);
  float *logits = float_array(vocab);
  assert_int_equal(mx_reference_extend(r, tokens, PROMPT, 0, NULL, &e), MX_OK);
  for (uint32_t t = PROMPT; t < s->n; t++) {
    assert_int_equal(mx_reference_step(r, tokens[t], t, logits, &e), MX_OK);
    check_close("after a prompt", logits, expected + t * vocab, vocab);
  }
  free(tokens);
  free(expected);
  free(logits);
  mx_reference_free(r);
  mx_model_free(m);
}

// ---- scores, observer, errors --------------------------------------------------------

static void test_score(void **state) {
  (void)state;
  const shape *s = &shapes[5];
  mx_error e = {0};
  uint32_t vocab = s->config.vocab_size;
  mx_model *m = test_model(&s->config, false, 5);
  mx_reference *r = new_reference(m, s->n - 1);  // the last token is not run
  int32_t *tokens = random_tokens(s->n, vocab, 6);
  double *expected = plain_logits(m, tokens, s->n), *nll = doubles(s->n);
  assert_int_equal(mx_reference_score(r, tokens, s->n, nll, &e), MX_OK);
  for (uint32_t t = 0; t + 1 < s->n; t++) {
    double sum = 0, *row = expected + (size_t)t * vocab;
    for (uint32_t i = 0; i < vocab; i++) sum += exp(row[i]);
    assert_true(fabs(nll[t] - (log(sum) - row[tokens[t + 1]])) < 1e-4);
  }
  free(tokens);
  free(expected);
  free(nll);
  mx_reference_free(r);
  mx_model_free(m);
}

static void test_nll_of_large_logits(void **state) {
  (void)state;
  const float logits[] = {1000.0f, 1000.0f, -1000.0f};
  assert_true(fabs(mx_nll_of_logits(logits, 3, 0) - log(2)) < 1e-12);
  assert_true(fabs(mx_nll_of_logits(logits, 3, 2) - (2000 + log(2))) < 1e-9);
}

typedef struct {
  const mx_model *model;
  uint32_t products, rows;
  const mx_matrix *first, *last;
} observed;

static void observe(void *self, const mx_matrix *w, const float *x, uint32_t n) {
  observed *o = self;
  assert_true(isfinite(x[0]) && isfinite(x[(size_t)n * w->cols - 1]));
  if (!o->first) o->first = w;
  o->last = w;
  o->products++;
  o->rows += n;
}

static void test_observer(void **state) {
  (void)state;
  mx_error e = {0};
  mx_model *m = test_model(&test_small_config, false, 9);
  mx_reference *r = new_reference(m, 8);
  observed o = {.model = m};
  const int32_t tokens[] = {1, 2, 3};
  mx_reference_observe(r, observe, &o);
  assert_int_equal(mx_reference_extend(r, tokens, 3, 0, NULL, &e), MX_OK);
  assert_int_equal(o.products, 7 * 2);  // no logits, so no output matrix
  assert_int_equal(o.rows, 3 * 7 * 2);
  assert_ptr_equal(o.first, &m->layers[0].wq);
  assert_ptr_equal(o.last, &m->layers[1].w_down);
  mx_reference_free(r);
  mx_model_free(m);
}

static void check_refused(mx_reference *r, const int32_t *tokens, uint32_t n, uint32_t pos) {
  mx_error e = {0};
  assert_int_equal(mx_reference_extend(r, tokens, n, pos, NULL, &e), MX_USAGE);
  assert_true(e.text[0]);
}

static void test_refusals(void **state) {
  (void)state;
  mx_error e = {0};
  mx_model *m = test_model(&test_small_config, false, 9);
  mx_reference *r = new_reference(m, 4);
  const int32_t good[] = {0, 1, 2, 3, 4}, negative[] = {-1}, large[] = {TEST_VOCAB};
  check_refused(r, good, 5, 0);
  check_refused(r, good, 1, 4);
  check_refused(r, good, 2, UINT32_MAX);
  check_refused(r, negative, 1, 0);
  check_refused(r, large, 1, 0);
  mx_reference *none;
  assert_int_equal(mx_reference_new(m, 0, &none, &e), MX_USAGE);
  assert_null(none);
  mx_reference_free(r);
  mx_model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_agreement), cmocka_unit_test(test_prefill_then_steps),
      cmocka_unit_test(test_score),     cmocka_unit_test(test_nll_of_large_logits),
      cmocka_unit_test(test_observer),  cmocka_unit_test(test_refusals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
