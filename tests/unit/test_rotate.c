// compiler/quant: Hadamard transforms, the basis of the residual stream, and
// rotated models, which are the same function.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/basis.h"
#include "compiler/quant/forward.h"
#include "compiler/quant/hadamard.h"
#include "compiler/quant/quantize.h"
#include "compiler/quant/rotate.h"
#include "compiler/quant/rsq.h"
#include "compiler/ref/reference.h"
#include "golden/isa.h"
#include "tests/unit/small_model.h"
#include "tests/unit/small_qmodel.h"

// ---- Hadamard matrices ---------------------------------------------------------

static void test_orders(void **state) {
  (void)state;
  static const uint32_t cases[][2] = {{1, 1},     {2, 2},      {3, 1},     {6, 2},       {8, 8},       {20, 20},
                                      {24, 24},   {28, 28},    {36, 36},   {92, 4},      {172, 4},     {192, 192},
                                      {500, 500}, {576, 576},  {768, 768}, {2048, 2048}, {4096, 4096}, {5120, 5120},
                                      {97, 1},    {3584, 3584}, {16384, 8192}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(mx_hadamard_order(cases[i][0]), cases[i][1]);
}

// Column k of the matrix, times the root of the order: +1 and -1.
static void column(uint32_t order, uint32_t k, double *to) {
  memset(to, 0, order * sizeof *to);
  to[k] = sqrt(order);
  mx_hadamard_transform(to, order, order);
}

static void check_order(uint32_t order) {
  double *h = malloc((size_t)order * order * sizeof *h);
  assert_non_null(h);
  for (uint32_t k = 0; k < order; k++) column(order, k, h + (size_t)k * order);
  for (size_t i = 0; i < (size_t)order * order; i++) {
    assert_true(fabs(fabs(h[i]) - 1) < 1e-9);
    h[i] = h[i] > 0 ? 1 : -1;
  }
  for (uint32_t i = 0; i < order; i++)
    for (uint32_t k = 0; k <= i; k++) {
      double sum = 0;
      for (uint32_t j = 0; j < order; j++) sum += h[(size_t)i * order + j] * h[(size_t)k * order + j];
      assert_true(sum == (i == k ? order : 0));
    }
  free(h);
}

static void test_orthogonal(void **state) {
  (void)state;
  unsigned known = 0;
  for (uint32_t n = 1; n <= 300; n++) {
    if (mx_hadamard_order(n) != n) continue;
    check_order(n);
    known++;
  }
  // 1, 2, and 75 multiples of 4 less 52 92 100 116 156 172 184 188 232 236 244 260 268 292.
  assert_int_equal(known, 63);
  check_order(500);
}

// Runs are transformed apart.
static void test_runs(void **state) {
  (void)state;
  test_random r = {5};
  double x[48], y[24];
  for (int i = 0; i < 48; i++) x[i] = test_random_float(&r);
  memcpy(y, x + 24, sizeof y);
  mx_hadamard_transform(x, 48, 24);
  mx_hadamard_transform(y, 24, 24);
  assert_memory_equal(x + 24, y, sizeof y);
}

// ---- the basis -----------------------------------------------------------------

static void reverse(uint32_t *order, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) order[i] = n - 1 - i;
}

static void test_apply(void **state) {
  (void)state;
  enum { DIM = 36 };
  float x[DIM], y[DIM], z[DIM];
  uint32_t order[DIM];
  test_random r = {6};
  double length = 0, after = 0;
  for (int i = 0; i < DIM; i++) length += pow(x[i] = test_random_float(&r), 2);
  reverse(order, DIM);
  mx_basis_apply(&(mx_basis){.order = order}, DIM, x, y);
  for (int i = 0; i < DIM; i++) assert_true(y[i] == x[DIM - 1 - i]);
  mx_basis_apply(&(mx_basis){.hadamard = 12, .seed = 3}, DIM, x, y);
  for (int i = 0; i < DIM; i++) after += (double)y[i] * y[i];
  assert_true(fabs(length - after) < 1e-5 * length);
  mx_basis_apply(&(mx_basis){12, 3, order}, DIM, x, z);
  for (int i = 0; i < DIM; i++) assert_true(z[i] == y[DIM - 1 - i]);
  mx_basis_apply(&(mx_basis){.hadamard = 12, .seed = 4}, DIM, x, z);
  assert_memory_not_equal(y, z, sizeof y);
  mx_basis_apply(&(mx_basis){0}, DIM, x, z);
  assert_memory_equal(x, z, sizeof x);
}

// Files depend on these bytes.
static void test_signs(void **state) {
  (void)state;
  static const float x[4] = {1, 2, 4, 8};
  float y[4];
  mx_basis_apply(&(mx_basis){.hadamard = 1, .seed = 0}, 4, x, y);
  // splitmix64 from 0: e220a839.., 6e789e6a.., 06c45d18.., f88bb8a8..
  static const float want[4] = {-1, 2, 4, -8};
  assert_memory_equal(y, want, sizeof y);
}

static void test_serial(void **state) {
  (void)state;
  enum { DIM = 24 };
  uint32_t order[DIM];
  reverse(order, DIM);
  const mx_basis cases[] = {{0}, {.hadamard = 24, .seed = 0x123456789abcdef0}, {.order = order}, {8, 1, order}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t bytes[16 + 4 * DIM];
    size_t n = mx_basis_write(&cases[i], DIM, NULL);
    assert_int_equal(mx_basis_write(&cases[i], DIM, bytes), n);
    mx_basis got;
    mx_error e = {0};
    uint8_t *exact = test_exact_copy(bytes, n);
    assert_int_equal(mx_basis_read(exact, n, DIM, &got, &e), MX_OK);
    assert_int_equal(got.hadamard, cases[i].hadamard);
    assert_true(got.seed == cases[i].seed);
    assert_true(!got.order == !cases[i].order);
    if (got.order) assert_memory_equal(got.order, order, sizeof order);
    free(got.order);
    free(exact);
  }
}

static void refuse(const uint8_t *bytes, size_t n, uint32_t dim) {
  mx_basis got;
  mx_error e = {0};
  uint8_t *exact = test_exact_copy(bytes, n);
  assert_int_equal(mx_basis_read(exact, n, dim, &got, &e), MX_FORMAT);
  assert_null(got.order);
  free(exact);
}

static void test_serial_broken(void **state) {
  (void)state;
  uint32_t order[12];
  reverse(order, 12);
  uint8_t bytes[64];
  assert_int_equal(mx_basis_write(&(mx_basis){12, 1, order}, 12, bytes), 64);
  for (size_t n = 0; n < 64; n++) refuse(bytes, n, 12);
  static const uint8_t changes[][2] = {{0, 3}, {0, 24}, {0, 5}, {1, 1}, {3, 255}, {12, 2}, {16, 12}, {16, 10}, {19, 1}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    uint8_t before = bytes[changes[i][0]];
    bytes[changes[i][0]] = changes[i][1];
    refuse(bytes, 64, 12);
    bytes[changes[i][0]] = before;
  }
}

// ---- models --------------------------------------------------------------------

enum { CONTEXT = 12 };

static const test_shape shapes[] = {
    {.heads = 4, .kv_heads = 2, .head_dim = 24, .dim = 36, .hidden = 500, .layers = 2, .context = CONTEXT},
    {.heads = 2, .kv_heads = 1, .head_dim = 16, .dim = 48, .hidden = 20, .layers = 2, .context = CONTEXT},
    {.heads = 3, .kv_heads = 3, .head_dim = 6, .dim = 20, .hidden = 4, .layers = 3, .context = CONTEXT},
    {.heads = 2, .kv_heads = 2, .head_dim = 128, .dim = 17, .hidden = 36, .layers = 1, .context = CONTEXT},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

// Rows of a length around 1, as those of trained models; gains around 1.
static mx_model *model_of(const test_shape *shape, uint64_t seed) {
  mx_config c = test_shape_config(shape);
  mx_model *m = test_model(&c, seed % 2, seed);
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    mx_matrix *w = mx_model_matrix(m, i, name);
    for (size_t k = 0; k < (size_t)w->rows * w->cols && w->rows > 1; k++) w->data[k] *= sqrtf(3.0f / (float)w->cols);
  }
  return m;
}

static const int32_t tokens[CONTEXT] = {1, 270, 3, 3, 99, 265, 279, 1, 42, 0, 271, 7};

static float *reference_logits(const mx_model *m) {
  mx_reference *r;
  mx_error e = {0};
  float *logits = malloc(CONTEXT * TEST_VOCAB * sizeof *logits);
  assert_non_null(logits);
  assert_int_equal(mx_reference_new(m, CONTEXT, &r, &e), MX_OK);
  assert_int_equal(mx_reference_forward(r, tokens, CONTEXT, logits, &e), MX_OK);
  mx_reference_free(r);
  return logits;
}

// The model that `source` gives, with matrices of its own.
static mx_model *build(const mx_source *source) {
  mx_model *m;
  mx_error e = {0};
  assert_int_equal(mx_model_new(mx_source_config(source), false, &m, &e), MX_OK);
  assert_int_equal(mx_source_embedding(source, &m->token_embd, &e), MX_OK);
  assert_int_equal(mx_source_head(source, &m->output_norm, &m->output, &e), MX_OK);
  for (uint32_t i = 0; i < m->config.n_layers; i++) assert_int_equal(mx_source_layer(source, i, &m->layers[i], &e), MX_OK);
  return m;
}

static mx_calibration text(void) {
  static uint32_t starts[2] = {0, CONTEXT};
  static int32_t copy[CONTEXT];
  memcpy(copy, tokens, sizeof copy);
  return (mx_calibration){.n_sequences = 1, .n_tokens = CONTEXT, .starts = starts, .tokens = copy};
}

static float *forward_logits(const mx_source *source) {
  mx_model *m = build(source);
  mx_calibration c = text();
  mx_forward f;
  mx_error e = {0};
  float *logits = malloc(CONTEXT * TEST_VOCAB * sizeof *logits);
  assert_non_null(logits);
  assert_int_equal(mx_forward_new(source, &c, 1, &f, &e), MX_OK);
  for (uint32_t i = 0; i < m->config.n_layers; i++) mx_forward_layer(&f, &m->layers[i], NULL, NULL);
  mx_forward_norm(&f, &m->output_norm, MX_INPUT_HEAD);
  mx_forward_multiply(&f, &m->output, f.h, logits);
  mx_forward_free(&f);
  mx_model_free(m);
  return logits;
}

static double largest_difference(const float *a, const float *b) {
  double most = 0;
  for (size_t i = 0; i < CONTEXT * TEST_VOCAB; i++) most = fmax(most, fabs((double)a[i] - b[i]));
  return most;
}

// Logits have a size around 1.
static void check_same(float *want, float *got) {
  assert_true(largest_difference(want, got) < 1e-5);
  assert_true(fabs(want[5]) > 1e-3);
  free(want);
  free(got);
}

static void test_folded(void **state) {
  (void)state;
  for (unsigned i = 0; i < SHAPES; i++)
    for (uint64_t seed = 1; seed <= 4; seed++) {
      mx_model *m = model_of(&shapes[i], seed);
      mx_rotation r;
      mx_rotation_new(&m->config, seed > 2, (mx_online){0}, seed, &r);
      assert_int_equal(r.basis.hadamard, mx_hadamard_order(shapes[i].dim));
      mx_model *rotated = build(&(mx_source){m, &r});
      check_same(reference_logits(m), reference_logits(rotated));
      for (uint32_t k = 0; k < m->config.dim; k++) assert_true(rotated->layers[0].ffn_norm.data[k] == 1);
      assert_memory_not_equal(rotated->layers[0].wo.data, m->layers[0].wo.data, 16 * sizeof(float));
      mx_rotation_free(&r, &m->config);
      mx_model_free(rotated);
      mx_model_free(m);
    }
}

static void test_online(void **state) {
  (void)state;
  for (unsigned i = 0; i < SHAPES; i++)
    for (unsigned online = 1; online < 4; online++) {
      mx_model *m = model_of(&shapes[i], 7);
      mx_rotation r;
      mx_rotation_new(&m->config, true, (mx_online){online & 1, online & 2}, 7, &r);
      check_same(reference_logits(m), forward_logits(&(mx_source){m, &r}));
      mx_rotation_free(&r, &m->config);
      mx_model_free(m);
    }
}

// What is folded is not the identity: without the transform at run time the
// model is another.
static void test_online_needed(void **state) {
  (void)state;
  for (unsigned online = 1; online < 3; online++) {
    mx_model *m = model_of(&shapes[0], 8);
    mx_rotation r;
    mx_rotation_new(&m->config, true, (mx_online){online & 1, online & 2}, 7, &r);
    mx_model *rotated = build(&(mx_source){m, &r});
    float *want = reference_logits(m), *got = reference_logits(rotated);
    assert_true(largest_difference(want, got) > 1e-2);
    free(want);
    free(got);
    mx_rotation_free(&r, &m->config);
    mx_model_free(rotated);
    mx_model_free(m);
  }
}

static uint32_t *shuffled(uint32_t n, uint64_t seed) {
  test_random r = {seed};
  uint32_t *order = malloc(n * sizeof *order);
  assert_non_null(order);
  for (uint32_t i = 0; i < n; i++) order[i] = i;
  for (uint32_t i = n; i > 1; i--) {
    uint32_t k = test_random_below(&r, i), other = order[k];
    order[k] = order[i - 1];
    order[i - 1] = other;
  }
  return order;
}

static void test_ordered(void **state) {
  (void)state;
  mx_model *m = model_of(&shapes[0], 9);
  const mx_config *c = &m->config;
  mx_rotation r = {.basis.order = shuffled(c->dim, 3), .hidden = calloc(c->n_layers, sizeof(uint32_t *))};
  assert_non_null(r.hidden);
  r.hidden[1] = shuffled(c->hidden_dim, 4);
  mx_model *ordered = build(&(mx_source){m, &r});
  check_same(reference_logits(m), reference_logits(ordered));
  for (uint32_t i = 0; i < c->dim; i++) {  // moved, nothing else
    assert_true(ordered->layers[1].attn_norm.data[i] == m->layers[1].attn_norm.data[r.basis.order[i]]);
    assert_true(ordered->layers[1].w_down.data[(size_t)i * c->hidden_dim + 3] ==
                m->layers[1].w_down.data[(size_t)r.basis.order[i] * c->hidden_dim + r.hidden[1][3]]);
  }
  r.online.down = true;
  check_same(reference_logits(m), forward_logits(&(mx_source){m, &r}));
  mx_rotation_free(&r, c);
  mx_model_free(ordered);
  mx_model_free(m);
}

static void test_seeds(void **state) {
  (void)state;
  mx_model *m = model_of(&shapes[0], 10);
  mx_model *rotated[3];
  for (uint64_t i = 0; i < 3; i++) {
    mx_rotation r;
    mx_rotation_new(&m->config, true, (mx_online){0}, i / 2, &r);
    rotated[i] = build(&(mx_source){m, &r});
    mx_rotation_free(&r, &m->config);
  }
  const mx_matrix *a = &rotated[0]->layers[0].w_gate, *b = &rotated[1]->layers[0].w_gate, *c = &rotated[2]->layers[0].w_gate;
  assert_memory_equal(a->data, b->data, (size_t)a->rows * a->cols * sizeof(float));
  assert_memory_not_equal(a->data, c->data, (size_t)a->cols * sizeof(float));
  for (int i = 0; i < 3; i++) mx_model_free(rotated[i]);
  mx_model_free(m);
}

static void test_refused(void **state) {
  (void)state;
  static const test_shape odd[2] = {
      {.heads = 2, .kv_heads = 2, .head_dim = 4, .dim = 8, .hidden = 10, .layers = 1, .context = 4},
      {.heads = 1, .kv_heads = 1, .head_dim = 130, .dim = 8, .hidden = 12, .layers = 1, .context = 4},
  };
  for (int i = 0; i < 2; i++) {
    mx_model *m = model_of(&odd[i], 11);
    mx_rotation r;
    mx_layer l;
    mx_error e = {0};
    mx_rotation_new(&m->config, true, (mx_online){.down = i == 0, .qk = i == 1}, 0, &r);
    assert_int_equal(mx_source_layer(&(mx_source){m, &r}, 0, &l, &e), MX_UNSUPPORTED);
    assert_non_null(strstr(e.text, i ? "130" : "10 hidden"));
    mx_layer_free(&l);
    mx_rotation_free(&r, &m->config);
    mx_model_free(m);
  }
}

// Mean square of what 8-bit weights change in the logits, through mx_quantize_model.
static double loss(bool rotate) {
  mx_model *m = model_of(&shapes[0], 12);
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_8, .seed = 5, .methods = {.rotate = rotate}};
  mx_qmodel *q;
  mx_error e = {0};
  double sum = 0;
  assert_int_equal(mx_weight_format_parse("mxint8", &o.weights, &e), MX_OK);
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), MX_OK);
  assert_int_equal(q->basis.hadamard, rotate ? 36 : 0);
  assert_int_equal(q->basis.seed, rotate ? 5 : 0);
  mx_model *rounded = test_dequantized(q);
  float *want = reference_logits(m), *got = reference_logits(rounded);
  for (size_t i = 0; i < CONTEXT * TEST_VOCAB; i++) sum += pow((double)got[i] - want[i], 2);
  free(want);
  free(got);
  mx_model_free(rounded);
  mx_qmodel_free(q);
  mx_model_free(m);
  return sum / (CONTEXT * TEST_VOCAB);
}

// Weights without outliers: a rotation changes little.
static void test_quantized(void **state) {
  (void)state;
  double plain = loss(false), rotated = loss(true);
  assert_true(plain > 0);
  assert_true(rotated < 3 * plain);
}

// ---- importance of tokens --------------------------------------------------------

// What token t of the sequence gets of all heads, from the q and k that attention used.
static void naive_attention(const mx_forward *f, double got[CONTEXT]) {
  const mx_config *c = f->config;
  for (uint32_t t = 0; t < CONTEXT; t++) got[t] = 0;
  for (uint32_t head = 0; head < c->n_heads; head++)
    for (uint32_t t = 0; t < CONTEXT; t++) {
      double p[CONTEXT], sum = 0;
      for (uint32_t i = 0; i <= t; i++) {
        const float *q = f->q + t * f->q_dim + head * c->head_dim;
        const float *k = f->k + i * f->kv_dim + head * c->n_kv_heads / c->n_heads * c->head_dim;
        double dot = 0;
        for (uint32_t d = 0; d < c->head_dim; d++) dot += (double)q[d] * k[d];
        sum += p[i] = exp(dot / sqrt(c->head_dim));
      }
      for (uint32_t i = 0; i <= t; i++) got[i] += p[i] / sum;
    }
}

static void observe(void *self, mx_input input, float *x, uint32_t cols) {
  (void)x;
  (void)cols;
  const mx_forward *f = self;
  if (input != MX_INPUT_WO) return;
  double want[CONTEXT];
  naive_attention(f, want);
  for (int t = 0; t < CONTEXT; t++) assert_true(fabs(f->attention[t] - want[t]) < 1e-4);
}

static void test_attention(void **state) {
  (void)state;
  mx_model *m = model_of(&shapes[0], 13);
  mx_calibration c = text();
  mx_forward f;
  mx_error e = {0};
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &c, 1, &f, &e), MX_OK);
  assert_int_equal(mx_rsq_weigh(&f, &e), MX_INTERNAL);
  e = (mx_error){0};
  assert_int_equal(mx_rsq_begin(&f, &e), MX_OK);
  for (uint32_t i = 0; i < m->config.n_layers; i++) mx_forward_layer(&f, &m->layers[i], observe, &f);
  mx_forward_free(&f);
  mx_model_free(m);
}

// Weights [TOKENS] of three sequences of which the first `prefix` tokens are a prefix.
enum { TOKENS = 30 };
static void weigh(unsigned threads, uint32_t prefix, float *weight, float *attention) {
  mx_model *m = model_of(&shapes[1], 14);
  uint32_t starts[4] = {0, 12, 17, TOKENS};
  int32_t ids[TOKENS];
  for (int i = 0; i < TOKENS; i++) ids[i] = tokens[i * 5 % CONTEXT] + i % 3;
  mx_calibration c = {.n_sequences = 3, .n_tokens = TOKENS, .starts = starts, .tokens = ids, .n_prefix = prefix};
  mx_forward f;
  mx_error e = {0};
  for (int i = 0; i < TOKENS; i++) ids[i] %= TEST_VOCAB;
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &c, threads, &f, &e), MX_OK);
  assert_int_equal(mx_rsq_begin(&f, &e), MX_OK);
  for (uint32_t i = 0; i < m->config.n_layers; i++) {
    mx_forward_layer(&f, &m->layers[i], NULL, NULL);
    assert_int_equal(mx_rsq_weigh(&f, &e), MX_OK);
  }
  memcpy(weight, f.weight, TOKENS * sizeof *weight);
  memcpy(attention, f.attention, TOKENS * sizeof *weight);
  mx_forward_free(&f);
  mx_model_free(m);
}

// Weights rise with attention, have a mean of 1, and the least is 0.005 of the greatest.
static void check_weights(const float *weight, const float *attention, uint32_t n) {
  double sum = 0;
  float least = weight[0], most = weight[0];
  for (uint32_t i = 0; i < n; i++) {
    sum += weight[i];
    least = fminf(least, weight[i]);
    most = fmaxf(most, weight[i]);
    for (uint32_t k = 0; k < i; k++) assert_true((attention[i] > attention[k]) == (weight[i] > weight[k]));
  }
  assert_true(fabs(sum / n - 1) < 1e-5);
  assert_true(fabsf(least / most - 0.005f) < 1e-5f);
}

static void test_weights(void **state) {
  (void)state;
  float weight[TOKENS], again[TOKENS], attention[TOKENS];
  weigh(3, 2, again, attention);
  weigh(1, 2, weight, attention);
  assert_memory_equal(weight, again, sizeof weight);
  static const uint32_t starts[4] = {0, 12, 17, TOKENS};
  for (int i = 0; i < 3; i++) {
    uint32_t from = starts[i] + 2;
    check_weights(weight + from, attention + from, starts[i + 1] - from);
    assert_true(weight[starts[i]] == 0 && weight[starts[i] + 1] == 0);
  }
  weigh(1, 0, weight, attention);
  for (int i = 0; i < 3; i++) check_weights(weight + starts[i], attention + starts[i], starts[i + 1] - starts[i]);
}

// Codes of w_down of the last layer [36][500], by GPTQ with and without weights.
static void rounded_codes(bool rsq, unsigned threads, int8_t codes[36 * 500]) {
  mx_model *m = model_of(&shapes[0], 15);
  uint32_t starts[7];
  int32_t ids[6 * CONTEXT];
  for (uint32_t i = 0; i < 6 * CONTEXT; i++) ids[i] = (int32_t)(i * i * 7 + i) % TEST_VOCAB;
  for (uint32_t i = 0; i < 7; i++) starts[i] = i * CONTEXT;
  mx_calibration c = {.n_sequences = 6, .n_tokens = 6 * CONTEXT, .starts = starts, .tokens = ids};
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_8, .calibration = &c, .threads = threads,
                           .methods = {.rotate = true, .gptq = true, .rsq = rsq}};
  mx_qmodel *q;
  mx_error e = {0};
  assert_int_equal(mx_weight_format_parse("mxint4", &o.weights, &e), MX_OK);
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), MX_OK);
  memcpy(codes, q->layers[1].w_down.codes, 36 * 500);
  mx_qmodel_free(q);
  mx_model_free(m);
}

static void test_weighed_rounding(void **state) {
  (void)state;
  static int8_t plain[36 * 500], weighed[36 * 500], again[36 * 500];
  rounded_codes(false, 1, plain);
  rounded_codes(true, 1, weighed);
  rounded_codes(true, 3, again);
  assert_memory_not_equal(plain, weighed, sizeof plain);
  assert_memory_equal(weighed, again, sizeof weighed);
}

// The same with norms of query and key heads.
static void test_head_norms_too(void **state) {
  test_head_norms = true;
  test_folded(state);
  test_online(state);
  test_online_needed(state);
  test_ordered(state);
  test_quantized(state);
  test_head_norms = false;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orders),        cmocka_unit_test(test_orthogonal), cmocka_unit_test(test_runs),
      cmocka_unit_test(test_apply),         cmocka_unit_test(test_signs),      cmocka_unit_test(test_serial),
      cmocka_unit_test(test_serial_broken), cmocka_unit_test(test_folded),     cmocka_unit_test(test_online),
      cmocka_unit_test(test_online_needed), cmocka_unit_test(test_ordered),    cmocka_unit_test(test_seeds),
      cmocka_unit_test(test_refused),       cmocka_unit_test(test_quantized),  cmocka_unit_test(test_attention),
      cmocka_unit_test(test_weights),       cmocka_unit_test(test_weighed_rounding), cmocka_unit_test(test_head_norms_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
