// compiler/quant/static.h: activation steps fold without changing the model,
// bring inputs into range, and are the plan's.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/hadamard.h"
#include "compiler/quant/quantize.h"
#include "compiler/quant/static.h"
#include "compiler/ref/reference.h"
#include "golden/isa.h"
#include "tests/unit/quantized_forward.h"
#include "tests/unit/small_model.h"

static const mx_config config = {.dim = 24, .hidden_dim = 40, .n_layers = 2, .n_heads = 6, .n_kv_heads = 2,
                                 .head_dim = 4, .vocab_size = TEST_VOCAB, .context_length = 32,
                                 .rope_theta = 10000.0f, .rms_eps = 1e-5f};
enum { LENGTH = 30, SEQUENCES = 12, DEAD = 5 };

// Uneven channels, one of them dead.
static mx_model *uneven_model(void) {
  mx_model *m = test_model(&config, false, 44);
  for (uint32_t k = 0; k < config.dim; k += 3) m->layers[1].attn_norm.data[k] *= 30;
  m->layers[0].ffn_norm.data[DEAD] = 0;
  return m;
}

static mx_calibration text(void) {
  test_random r = {9};
  mx_calibration c = {.n_sequences = SEQUENCES, .n_tokens = SEQUENCES * LENGTH,
                      .starts = malloc((SEQUENCES + 1) * sizeof(uint32_t)), .tokens = malloc(SEQUENCES * LENGTH * sizeof(int32_t))};
  assert_true(c.starts && c.tokens);
  for (uint32_t i = 0; i <= SEQUENCES; i++) c.starts[i] = i * LENGTH;
  for (uint32_t i = 0; i < c.n_tokens; i++) c.tokens[i] = (int32_t)test_random_below(&r, TEST_VOCAB);
  return c;
}

static mx_quantize_options options_of(const char *methods, const char *weights, unsigned act_bits, const mx_calibration *c,
                                      unsigned threads) {
  mx_quantize_options o = {.act_bits = act_bits, .kv_bits = MX_BITS_8, .calibration = c, .threads = threads};
  mx_error e = {0};
  if (mx_weight_format_parse(weights, &o.weights, &e) || mx_methods_parse(methods, &o.methods, &e)) fail_msg("%s", e.text);
  return o;
}

static mx_model *folded(const char *methods, unsigned act_bits, const mx_calibration *c) {
  mx_model *m = uneven_model();
  mx_quantize_options o = options_of(methods, "mxint8:16", act_bits, c, 2);
  mx_error e = {0};
  if (mx_equalise_model(m, &o, &e)) fail_msg("%s", e.text);
  return m;
}

// Mean square of got - want over that of want.
static double distance(const float *got, const float *want, size_t n) {
  double off = 0, size = 0;
  for (size_t k = 0; k < n; k++) {
    off += ((double)got[k] - want[k]) * ((double)got[k] - want[k]);
    size += (double)want[k] * want[k];
  }
  return off / size;
}

// ---- folding ---------------------------------------------------------------------

static void test_folding(void **state) {
  (void)state;
  static const char *const lists[] = {"static=max", "static=search", "qsm", "qsm+all", "qsm+clip+all", "awq,static",
                                      "smoothquant+all,qsm+all"};
  mx_calibration c = text();
  mx_model *exact = uneven_model();
  float *want = test_float_logits(exact, &c, 2);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    mx_model *m = folded(lists[i], MX_BITS_8, &c);
    float *got = test_float_logits(m, &c, 2);
    double off = distance(got, want, (size_t)c.n_tokens * TEST_VOCAB);
    if (!(off < 1e-8)) fail_msg("%s: %g", lists[i], off);
    assert_true(m->layers[1].attn_norm.data[3] != exact->layers[1].attn_norm.data[3]);
    free(got);
    mx_model_free(m);
  }
  free(want);
  mx_model_free(exact);
  mx_calibration_free(&c);
}

// ---- ranges ----------------------------------------------------------------------

typedef struct {
  uint32_t n_tokens;
  float most[MX_INPUTS], least[MX_INPUTS];  // over channels and layers: their greatest magnitude
} ranges;

static void take_range(void *self, mx_input input, float *x, uint32_t cols) {
  ranges *r = self;
  for (uint32_t j = 0; j < cols; j++) {
    float most = 0;
    for (uint32_t t = 0; t < r->n_tokens; t++) most = fmaxf(most, fabsf(x[(size_t)t * cols + j]));
    if (most > 0) r->least[input] = fminf(r->least[input], most);  // 0: dead
    r->most[input] = fmaxf(r->most[input], most);
  }
}

static ranges ranges_of(const mx_model *m, const mx_calibration *c) {
  ranges r = {.n_tokens = c->n_tokens};
  for (int i = 0; i < MX_INPUTS; i++) r.least[i] = INFINITY;
  mx_forward f;
  mx_error e = {0};
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, c, 2, &f, &e), MX_OK);
  for (uint32_t i = 0; i < config.n_layers; i++) mx_forward_layer(&f, &m->layers[i], take_range, &r);
  mx_forward_norm(&f, &m->output_norm, MX_INPUT_HEAD);
  take_range(&r, MX_INPUT_HEAD, f.h, config.dim);
  mx_forward_free(&f);
  return r;
}

static void test_ranges(void **state) {
  (void)state;
  static const unsigned bits[] = {MX_BITS_8, MX_BITS_6, MX_BITS_4};
  static const float reach[] = {127, 31, 7};
  mx_calibration c = text();
  for (int b = 0; b < 3; b++) {
    float q = reach[b];
    mx_model *one = folded("static=max", bits[b], &c), *each = folded("qsm+all", bits[b], &c), *some = folded("qsm", bits[b], &c);
    ranges r = ranges_of(one, &c), s = ranges_of(each, &c), n = ranges_of(some, &c);
    for (int i = 0; i < MX_INPUTS; i++) {
      assert_true(r.most[i] <= q * 1.0001f && r.most[i] >= q * 0.9999f && r.least[i] < q * 0.9f);
      assert_true(s.most[i] <= q * 1.0001f);
      bool shared = i == MX_INPUT_WO;  // by the heads of a group: the others stay below
      assert_true(shared ? s.most[i] >= q * 0.9999f : s.least[i] >= q * 0.9999f);
      bool done = i != MX_INPUT_WO && i != MX_INPUT_DOWN;
      if (done) assert_true(n.least[i] >= q * 0.9999f && n.most[i] <= q * 1.0001f);
      else assert_true(fabsf(n.most[i] - q) > 0.01f * q);
    }
    mx_model_free(one);
    mx_model_free(each);
    mx_model_free(some);
  }
  mx_calibration_free(&c);
}

// ---- parts and sharing -------------------------------------------------------------

enum { FIRST = 16 };  // columns of the first part

static float part_most(const float *x, uint32_t tokens, uint32_t cols, uint32_t from, uint32_t to) {
  float most = 0;
  for (uint32_t t = 0; t < tokens; t++)
    for (uint32_t j = from; j < to; j++) most = fmaxf(most, fabsf(x[(size_t)t * cols + j]));
  return most;
}

static void check_parts(void *self, mx_input input, float *x, uint32_t cols) {
  float high = part_most(x, *(uint32_t *)self, cols, 0, FIRST), low = part_most(x, *(uint32_t *)self, cols, FIRST, cols);
  assert_true(high <= 127 * 1.0001f && low <= 7 * 1.0001f);
  if (input == MX_INPUT_WO) return;  // heads of both parts share steps
  assert_true(high >= 127 * 0.9999f && low >= 7 * 0.9999f);
}

static void test_parts(void **state) {
  (void)state;
  mx_model *m = uneven_model();
  mx_calibration c = text();
  mx_quantize_options o = options_of("static=search", "mxint8:16", MX_BITS_8, &c, 2);
  o.methods.fixed_search = false;
  mx_plan plan;
  mx_prefix none = {0};
  mx_source source = {.model = m};
  mx_equaliser q;
  mx_layer work;
  mx_forward f;
  mx_error e = {0};
  assert_int_equal(mx_plan_uniform(&config, &o.weights, (mx_act_format){MX_BITS_8, false}, &plan, &e), MX_OK);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) {
    mx_matrix_format *p = mx_plan_matrix(&plan, 0, i);
    p->n_parts = 2;
    p->part[1] = p->part[0];
    p->part[1].cols -= FIRST;
    p->part[0].cols = FIRST;
    p->part[1].acts.bits = MX_BITS_4;
  }
  assert_int_equal(mx_equaliser_new(&source, &c, &o.methods, &plan, &none, MX_BITS_8, 2, &q, &e), MX_OK);
  assert_int_equal(mx_source_layer(&source, 0, &work, &e), MX_OK);
  assert_int_equal(mx_equalise_layer(&q, 0, &m->layers[0], &work), MX_OK);
  assert_int_equal(mx_forward_new(&source, &c, 1, &f, &e), MX_OK);
  mx_forward_layer(&f, &work, check_parts, &c.n_tokens);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++)
    assert_true(mx_plan_matrix(&plan, 0, i)->part[0].acts.fixed && mx_plan_matrix(&plan, 0, i)->part[1].acts.fixed &&
                !mx_plan_matrix(&plan, 1, i)->part[0].acts.fixed);
  mx_forward_free(&f);
  mx_layer_free(&work);
  mx_equaliser_free(&q);
  mx_plan_free(&plan);
  mx_calibration_free(&c);
  mx_model_free(m);
}

// Scales that go through the online transform: x / s transformed is the
// transformed x over s. Heads of one value head: the same scale.
static void test_sharing(void **state) {
  (void)state;
  enum { N = 44 };
  test_random r = {3};
  float s[2][N], x[N], y[N], before[N];
  mx_equal_group g = {.input = MX_INPUT_DOWN, .cols = N, .transformed = true};
  for (int j = 0; j < N; j++) before[j] = s[0][j] = s[1][j] = 2 + test_random_float(&r);
  mx_equalise_share(&g, s[0]);
  mx_equalise_share_greatest(&g, s[1]);
  for (int k = 0; k < 2; k++) {
    for (int j = 0; j < N; j++) y[j] = x[j] = test_random_float(&r);
    for (int j = 0; j < N; j++) y[j] /= s[k][j];
    mx_hadamard_online(x, N);
    mx_hadamard_online(y, N);
    for (int j = 0; j < N; j++) assert_true(fabsf(y[j] - x[j] / s[k][j]) < 1e-5f && (k == 0 || s[k][j] >= before[j]));
  }
  assert_true(s[0][0] != s[0][1] && s[1][0] < 3 && s[0][0] < s[1][0]);
  mx_equal_group heads = {.input = MX_INPUT_WO, .cols = 24, .repeat = 3, .head_dim = 4};
  for (int j = 0; j < 24; j++) s[0][j] = s[1][j] = before[j];
  mx_equalise_share(&heads, s[0]);
  mx_equalise_share_greatest(&heads, s[1]);
  for (int j = 0; j < 24; j++) {
    int first = j / 12 * 12 + j % 4;
    assert_true(s[0][j] == s[0][first] && s[1][j] == s[1][first]);
    assert_true(s[1][first] == fmaxf(before[first], fmaxf(before[first + 4], before[first + 8])));
    assert_true(fabs(3 * log((double)s[0][first]) - log((double)before[first] * before[first + 4] * before[first + 8])) < 1e-5);
  }
}

// ---- search ----------------------------------------------------------------------

// The loss of the output matrix with the steps that `methods` chose.
static double head_loss(const char *methods) {
  mx_model *m = uneven_model();
  mx_calibration c = text();
  mx_quantize_options o = options_of(methods, "mxint8:16", MX_BITS_4, &c, 2);
  mx_plan plan;
  mx_prefix none = {0};
  mx_source source = {.model = m};
  mx_equaliser q;
  mx_matrix norm, output;
  mx_error e = {0};
  float ones[24];
  double loss = 0;
  assert_int_equal(mx_plan_uniform(&config, &o.weights, (mx_act_format){MX_BITS_4, false}, &plan, &e), MX_OK);
  assert_int_equal(mx_equaliser_new(&source, &c, &o.methods, &plan, &none, MX_BITS_8, 2, &q, &e), MX_OK);
  assert_int_equal(mx_source_head(&source, &norm, &output, &e), MX_OK);
  assert_int_equal(mx_equalise_head(&q, &m->output_norm, &norm, &output), MX_OK);
  assert_true(plan.head.part[0].acts.fixed && q.sample.inputs[MX_INPUT_HEAD].part[0].acts.fixed);
  mx_equal_group g = {.input = MX_INPUT_HEAD, .cols = config.dim, .n_consumers = 1, .consumers = {&output}, .gain = &norm};
  for (uint32_t j = 0; j < config.dim; j++) ones[j] = 1;
  assert_int_equal(mx_equalise_loss(&q, &g, ones, &loss), MX_OK);
  free(norm.data);
  free(output.data);
  mx_equaliser_free(&q);
  mx_plan_free(&plan);
  mx_calibration_free(&c);
  mx_model_free(m);
  return loss;
}

static void test_search(void **state) {
  (void)state;
  double whole = head_loss("static=max"), found = head_loss("static=search"), usual = head_loss("static");
  double channels = head_loss("qsm"), clipped = head_loss("qsm+clip");
  assert_true(found < whole && usual == found && found > 0);
  assert_true(clipped < channels && clipped > 0);
}

// ---- models ----------------------------------------------------------------------

static mx_qmodel *quantized(const char *methods, const char *weights, const mx_calibration *c, unsigned threads) {
  mx_model *m = uneven_model();
  mx_quantize_options o = options_of(methods, weights, MX_BITS_8, c, threads);
  mx_qmodel *q;
  mx_error e = {0};
  if (mx_quantize_model(m, &o, &q, &e)) fail_msg("%s, %s: %s", methods, weights, e.text);
  mx_model_free(m);
  return q;
}

static void expect_fixed(const mx_qmodel *q, bool all) {
  assert_true(q->output.acts.fixed);
  for (uint32_t i = 0; i < config.n_layers; i++) {
    const mx_qlayer *l = &q->layers[i];
    assert_true(l->wq.acts.fixed && l->wk.acts.fixed && l->wv.acts.fixed && l->w_gate.acts.fixed && l->w_up.acts.fixed);
    assert_true(l->wo.acts.fixed == all && l->w_down.acts.fixed == all);
  }
}

// At 8 bits static steps are about as good as blocks, and what is fixed is what
// was asked for.
static void test_models(void **state) {
  (void)state;
  static const char *const lists[] = {"rtn", "static=max", "static", "qsm+all", "qsm", "qsm+clip"};
  mx_calibration c = text();
  mx_model *m = uneven_model();
  float *want = test_float_logits(m, &c, 2);
  double dynamic = 0;
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    mx_qmodel *q = quantized(lists[i], "mxint8:16", &c, 2);
    if (i) expect_fixed(q, i < 4);
    float *got = test_quantized_logits(q, &c, 2);
    double off = distance(got, want, (size_t)c.n_tokens * TEST_VOCAB);
    if (!i) dynamic = off;
    if (!(off < 1.5 * dynamic)) fail_msg("%s: %g, with blocks %g", lists[i], off, dynamic);
    free(got);
    mx_qmodel_free(q);
  }
  free(want);
  mx_model_free(m);
  mx_calibration_free(&c);
}

static void test_same_bytes(void **state) {
  (void)state;
  static const char *const lists[] = {"static=search,gptq", "qsm+clip+all"};
  mx_calibration c = text();
  for (int i = 0; i < 2; i++) {
    mx_qmodel *a = quantized(lists[i], "int4:16", &c, 1), *b = quantized(lists[i], "int4:16", &c, 3);
    for (uint32_t l = 0; l < config.n_layers; l++) {
      assert_memory_equal(a->layers[l].ffn_norm.data, b->layers[l].ffn_norm.data, config.dim * sizeof(float));
      for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
        mx_qmatrix *x = mx_qlayer_matrix(&a->layers[l], k, NULL), *y = mx_qlayer_matrix(&b->layers[l], k, NULL);
        assert_memory_equal(x->codes, y->codes, (size_t)x->rows * x->cols);
        assert_memory_equal(x->scales, y->scales, (size_t)x->rows * mx_qmatrix_blocks(x) * sizeof *x->scales);
      }
    }
    mx_qmodel_free(a);
    mx_qmodel_free(b);
  }
  mx_calibration_free(&c);
}

static void refuse(mx_model *m, const char *weights, const mx_calibration *c, mx_status want, const char *says) {
  static const char *const lists[] = {"static=max", "qsm+all"};
  for (int i = 0; i < 2; i++) {
    mx_quantize_options o = options_of(lists[i], weights, MX_BITS_8, c, 1);
    mx_qmodel *q;
    mx_error e = {0};
    assert_int_equal(mx_quantize_model(m, &o, &q, &e), want);
    if (!strstr(e.text, says)) fail_msg("'%s' does not say '%s'", e.text, says);
  }
}

static void test_refusals(void **state) {
  (void)state;
  mx_model *m = uneven_model();
  mx_calibration c = text();
  refuse(m, "mxint4:16", NULL, MX_USAGE, "calibration");
  for (size_t k = 0; k < 40 * 24; k++) {
    m->layers[0].w_up.data[k] *= 1e5f;
    m->layers[0].w_gate.data[k] *= 1e5f;
  }
  refuse(m, "int4:16", &c, MX_LIMIT, "blk.0");
  for (size_t k = 0; k < 24 * 24; k++) m->layers[1].wo.data[k] = 3e37f;
  refuse(m, "mxint4:16", &c, MX_FORMAT, "blk.1");
  mx_calibration_free(&c);
  mx_model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_folding), cmocka_unit_test(test_ranges), cmocka_unit_test(test_parts),
      cmocka_unit_test(test_sharing), cmocka_unit_test(test_search), cmocka_unit_test(test_models),
      cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
