// compiler/quant: calibration text to sequences, sums over inputs, and the
// layer-wise forward pass against mx_reference.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/forward.h"
#include "compiler/quant/parallel.h"
#include "compiler/ref/reference.h"
#include "golden/isa.h"
#include "golden/mxint.h"
#include "tests/unit/small_model.h"

// ---- sequences ---------------------------------------------------------------

static void repeat(char *out, const char *words, unsigned times) {
  *out = 0;
  for (unsigned i = 0; i < times; i++) strcat(out, words);
}

static mx_status read_text(const char *text, const mx_calibration_options *o, mx_calibration *c, mx_error *e) {
  mx_tokenizer *t = test_tokenizer();
  *e = (mx_error){0};
  mx_status s = mx_calibration_read(t, text, strlen(text), o, c, e);
  mx_tokenizer_free(t);
  return s;
}

static void check_sequences(const mx_calibration *c, uint32_t context) {
  assert_int_equal(c->starts[0], 0);
  assert_int_equal(c->starts[c->n_sequences], c->n_tokens);
  for (uint32_t i = 0; i < c->n_sequences; i++) {
    assert_in_range(c->starts[i + 1] - c->starts[i], 2, context);
    assert_int_equal(c->tokens[c->starts[i]], 1);  // BOS
  }
}

static void test_windows(void **state) {
  (void)state;
  char text[4096];
  repeat(text, "the hen and the toad ", 20);
  mx_calibration c;
  mx_error e;
  mx_calibration_options o = {.context = 16};
  assert_int_equal(read_text(text, &o, &c, &e), MX_OK);
  check_sequences(&c, 16);
  for (uint32_t i = 0; i + 1 < c.n_sequences; i++) assert_int_equal(c.starts[i + 1] - c.starts[i], 16);
  mx_calibration_free(&c);
}

static void test_documents(void **state) {
  (void)state;
  char text[4096] = " <cut>";
  repeat(text + 6, " the hen and the toad and the rat and the\n<cut>", 8);
  mx_calibration c, one;
  mx_error e;
  mx_calibration_options o = {.context = 16, .split = "<cut>"};
  assert_int_equal(read_text(text, &o, &c, &e), MX_OK);
  check_sequences(&c, 16);
  uint32_t each = c.n_sequences / 8;  // the same document eight times
  assert_int_equal(c.n_sequences, 8 * each);
  for (uint32_t i = each; i < c.n_sequences; i++)
    assert_int_equal(c.starts[i + 1] - c.starts[i], c.starts[i - each + 1] - c.starts[i - each]);
  o.split = "";  // no documents: the marker is text
  assert_int_equal(read_text(text, &o, &one, &e), MX_OK);
  assert_true(one.n_tokens > c.n_tokens - c.n_sequences);
  mx_calibration_free(&one);
  mx_calibration_free(&c);
}

static void test_choice(void **state) {
  (void)state;
  char text[4096];
  repeat(text, "the hen and the toad ", 60);
  mx_calibration all, c, again, other;
  mx_error e;
  mx_calibration_options o = {.context = 8};
  assert_int_equal(read_text(text, &o, &all, &e), MX_OK);
  o.max_tokens = 100;
  assert_int_equal(read_text(text, &o, &c, &e), MX_OK);
  assert_int_equal(read_text(text, &o, &again, &e), MX_OK);
  o.seed = 7;
  assert_int_equal(read_text(text, &o, &other, &e), MX_OK);
  check_sequences(&c, 8);
  assert_in_range(c.n_tokens, 93, 100);
  assert_int_equal(c.n_tokens, again.n_tokens);
  assert_memory_equal(c.tokens, again.tokens, c.n_tokens * sizeof *c.tokens);
  assert_true(c.n_tokens != other.n_tokens || memcmp(c.tokens, other.tokens, c.n_tokens * sizeof *c.tokens));
  mx_calibration sample;
  assert_int_equal(mx_calibration_sample(&all, 50, &sample, &e), MX_OK);
  check_sequences(&sample, 8);
  assert_in_range(sample.n_tokens, 30, 60);
  mx_calibration *const lists[] = {&all, &c, &again, &other, &sample};
  for (int i = 0; i < 5; i++) mx_calibration_free(lists[i]);
}

static void test_too_short(void **state) {
  (void)state;
  static const char *const texts[] = {"", " \n ", "the hen", "x<cut> <cut>"};
  for (int i = 0; i < 4; i++) {
    mx_calibration c;
    mx_error e;
    mx_calibration_options o = {.context = 16, .split = "<cut>"};
    assert_int_equal(read_text(texts[i], &o, &c, &e), MX_USAGE);
    assert_non_null(strstr(e.text, "at least 64"));
    mx_calibration_free(&c);
    o.context = 1;
    assert_int_equal(read_text(texts[i], &o, &c, &e), MX_USAGE);
    mx_calibration_free(&c);
  }
}

// ---- sums --------------------------------------------------------------------

static float *random_floats(size_t n, uint64_t seed) {
  test_random r = {seed};
  float *x = malloc(n * sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n; i++) x[i] = test_random_float(&r);
  return x;
}

static void test_hessian(void **state) {
  (void)state;
  enum { TOKENS = 70, N = 131 };
  float *x = random_floats(TOKENS * N, 3);
  mx_hessian h, again;
  mx_error e = {0};
  assert_int_equal(mx_hessian_compute(x, NULL, TOKENS, N, 1, "m", &h, &e), MX_OK);
  assert_int_equal(mx_hessian_compute(x, NULL, TOKENS, N, 3, "m", &again, &e), MX_OK);
  assert_memory_equal(h.sum, again.sum, N * N * sizeof *h.sum);
  for (uint32_t i = 0; i < N; i++)
    for (uint32_t k = 0; k < N; k++) {
      double sum = 0;
      for (uint32_t t = 0; t < TOKENS; t++) sum += (double)x[t * N + i] * x[t * N + k];
      assert_true(fabs(sum - h.sum[i * N + k]) < 1e-4);
    }
  free(h.sum);
  free(again.sum);
  x[5 * N + 17] = NAN;
  assert_int_equal(mx_hessian_compute(x, NULL, TOKENS, N, 1, "m", &h, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "m: input 17"));
  free(h.sum);
  free(x);
}

static void test_magnitudes(void **state) {
  (void)state;
  static const float x[6] = {1, -4, 0, -3, 2, 0};
  float max[3], mean[3];
  mx_channel_magnitudes(x, NULL, 2, 3, max, mean);
  static const float want_max[3] = {3, 4, 0}, want_mean[3] = {2, 3, 0};
  assert_memory_equal(max, want_max, sizeof max);
  assert_memory_equal(mean, want_mean, sizeof mean);
}

// ---- forward -----------------------------------------------------------------

static mx_calibration random_sequences(uint32_t count, uint32_t longest, uint64_t seed) {
  test_random r = {seed};
  mx_calibration c = {.n_sequences = count, .starts = malloc((count + 1) * sizeof(uint32_t)),
                      .tokens = malloc(count * longest * sizeof(int32_t))};
  assert_true(c.starts && c.tokens);
  for (uint32_t i = 0; i < count; i++) {
    c.starts[i] = c.n_tokens;
    for (uint32_t n = 2 + test_random_below(&r, longest - 1); n; n--)
      c.tokens[c.n_tokens++] = (int32_t)test_random_below(&r, TEST_VOCAB);
  }
  c.starts[count] = c.n_tokens;
  return c;
}

static float *layerwise_logits(const mx_model *m, mx_forward *f) {
  for (uint32_t i = 0; i < m->config.n_layers; i++) mx_forward_layer(f, &m->layers[i], NULL, NULL);
  mx_forward_norm(f, &m->output_norm, MX_INPUT_HEAD);
  float *logits = malloc((size_t)f->calibration->n_tokens * TEST_VOCAB * sizeof *logits);
  assert_non_null(logits);
  mx_forward_multiply(f, &m->output, f->h, logits);
  return logits;
}

static void test_forward(void **state) {
  (void)state;
  mx_model *m = test_model(&test_small_config, false, 11);
  mx_calibration c = random_sequences(20, 16, 5);
  mx_forward f;
  mx_reference *ref;
  mx_error e = {0};
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &c, 2, &f, &e), MX_OK);
  assert_int_equal(mx_reference_new(m, 16, &ref, &e), MX_OK);
  float *got = layerwise_logits(m, &f), want[16 * TEST_VOCAB];
  for (uint32_t i = 0; i < c.n_sequences; i++) {
    uint32_t n = c.starts[i + 1] - c.starts[i];
    assert_int_equal(mx_reference_forward(ref, c.tokens + c.starts[i], n, want, &e), MX_OK);
    for (uint32_t k = 0; k < n * TEST_VOCAB; k++)
      assert_true(fabsf(got[(size_t)c.starts[i] * TEST_VOCAB + k] - want[k]) < 1e-4f);
  }
  free(got);
  mx_reference_free(ref);
  mx_forward_free(&f);
  mx_calibration_free(&c);
  mx_model_free(m);
}

// Bytes do not depend on threads; 8-bit rounding changes little, 4-bit more.
static void test_forward_rounded(void **state) {
  (void)state;
  mx_model *m = test_model(&test_small_config, true, 12);
  mx_calibration c = random_sequences(30, 16, 6);
  float *logits[4];
  mx_error e = {0};
  int blas = mx_blas_single();
  for (unsigned i = 0; i < 4; i++) {
    mx_forward f;
    assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &c, 1 + i % 2, &f, &e), MX_OK);
    f.quantized = i > 0;
    f.kv_bits = i == 3 ? MX_BITS_4 : MX_BITS_8;
    for (unsigned k = 0; k < MX_INPUTS; k++)
      f.inputs[k] = (mx_matrix_format){1, {{.weights.stream.block = 0, .acts.bits = f.kv_bits}}};
    if (i == 2) f.threads = 1;
    logits[i] = layerwise_logits(m, &f);
    mx_forward_free(&f);
  }
  mx_blas_restore(blas);
  size_t n = (size_t)c.n_tokens * TEST_VOCAB;
  assert_memory_equal(logits[1], logits[2], n * sizeof **logits);
  double off[4] = {0}, scale = 0;
  for (size_t k = 0; k < n; k++) {
    scale += (double)logits[0][k] * logits[0][k];
    for (int i = 1; i < 4; i++) off[i] += pow((double)logits[i][k] - logits[0][k], 2);
  }
  assert_true(off[1] > 0 && off[1] < 0.01 * scale);
  assert_true(off[3] > 10 * off[1] && off[3] < scale);
  for (unsigned i = 0; i < 4; i++) free(logits[i]);
  mx_calibration_free(&c);
  mx_model_free(m);
}

static void test_bad_token(void **state) {
  (void)state;
  mx_model *m = test_model(&test_small_config, true, 12);
  mx_calibration c = random_sequences(2, 16, 6);
  c.tokens[1] = TEST_VOCAB;
  mx_forward f;
  mx_error e = {0};
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &c, 1, &f, &e), MX_USAGE);
  mx_forward_free(&f);
  mx_calibration_free(&c);
  mx_model_free(m);
}

// The rounding of activations is the definition's, for values of all sizes.
static void test_round_is_golden(void **state) {
  (void)state;
  test_random r = {77};
  for (int trial = 0; trial < 20000; trial++) {
    static const unsigned codes[] = {MX_BITS_4, MX_BITS_6, MX_BITS_8};
    unsigned bits = codes[trial % 3];
    uint32_t v[32], n = 1 + test_random_below(&r, 32), base = test_random_below(&r, 256);
    float x[32];
    int8_t q[32];
    uint8_t scale;
    for (uint32_t i = 0; i < n; i++) {
      uint32_t exponent = base + test_random_below(&r, 12);
      // Few significant bits make ties.
      uint32_t fraction = test_random_below(&r, 1u << 23) & (trial & 1 ? 0x7fffff : 0x7c0000);
      v[i] = test_random_below(&r, 2) << 31 | (exponent > 255 ? 255 : exponent) << 23 | fraction;
    }
    memcpy(x, v, n * sizeof *x);
    mx_round_mxint(x, n, 32, bits);
    mx_quantize_block(v, n, 32, bits, q, &scale);
    float step = ldexpf(1, scale - 127 - (int)mx_fraction_bits(bits));
    for (uint32_t i = 0; i < n; i++) {
      float want = q[i] * step;
      if (scale == 0xff) assert_true(isnan(x[i]));
      else assert_memory_equal(&x[i], &want, sizeof want);
    }
  }
}

static void test_round_mxint(void **state) {
  (void)state;
  float x[5] = {1.0f, 0.126f, -1.99f, 0, 3.0f}, bad[2] = {1, INFINITY};
  static const float want[5] = {1.0f, 0.25f, -1.75f, 0, 3.0f};  // steps of 1/4, then of 1/2
  mx_round_mxint(x, 5, 4, MX_BITS_4);
  assert_memory_equal(x, want, sizeof x);
  mx_round_mxint(bad, 2, 4, MX_BITS_4);
  assert_true(isnan(bad[0]) && isnan(bad[1]));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_windows),  cmocka_unit_test(test_documents),  cmocka_unit_test(test_choice),
      cmocka_unit_test(test_too_short), cmocka_unit_test(test_hessian),   cmocka_unit_test(test_magnitudes),
      cmocka_unit_test(test_forward),  cmocka_unit_test(test_forward_rounded), cmocka_unit_test(test_bad_token),
      cmocka_unit_test(test_round_mxint), cmocka_unit_test(test_round_is_golden)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
