// compiler/quant: names of formats, and rounding to nearest against a search
// in double arithmetic through all values that a block could hold.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/quantize.h"
#include "compiler/quant/rtn.h"
#include "compiler/quant/side.h"
#include "golden/isa.h"
#include "tests/unit/program.h"

static test_random generator;
static const char *const bases[] = {"mxint8", "mxint6", "mxint4", "int4", "int4z", "mxfp4", "codebook", "int4row", "int8row"};
enum { N_BASES = 9, N_BLOCK_BASES = 7 };

static mx_weight_format format_of(const char *name) {
  mx_weight_format f;
  mx_error e = {0};
  if (mx_weight_format_parse(name, &f, &e)) fail_msg("%s: %s", name, e.text);
  return f;
}

// ---- names -----------------------------------------------------------------------

static void test_names(void **state) {
  (void)state;
  static const double code_bits[N_BASES] = {8, 6, 4, 4, 4, 4, 4, 4, 8},
                      side_bits[N_BASES] = {8, 8, 8, 16, 24, 8, 8, 0, 0};
  for (int i = 0; i < N_BASES; i++)
    for (unsigned block = 16; block <= 128; block *= 2) {
      char name[16], back[16];
      snprintf(name, sizeof name, "%s:%u", bases[i], block);
      mx_weight_format f = format_of(name);
      mx_weight_format_name(&f, back);
      assert_string_equal(name, back);
      assert_int_equal(mx_block_length(&f.stream), block);
      assert_true(fabs(mx_weight_format_bits(&f) - code_bits[i] - side_bits[i] / block) < 1e-12);
      assert_false(f.stream.planar);
    }
  mx_weight_format plain = format_of("int4z");
  assert_int_equal(mx_block_length(&plain.stream), 32);
  char text[16];
  plain.stream.bits = MX_BITS_8;  // nobody makes these
  mx_weight_format_name(&plain, text);
  assert_string_equal(text, "other:32");
}

static void test_bad_names(void **state) {
  (void)state;
  static const char *const names[] = {"", ":", ":32", "mxint", "mxint9", "MXINT8", "mxint8:", "mxint8:8", "mxint8:256", "mxint8:032",
                                      "mxint8:32 ", "mxint8:32:32", "int4 ", "int4zz", "mxint8:+32", "mxint8:-1", "mxint88"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    mx_weight_format f;
    mx_error e = {0};
    if (mx_weight_format_parse(names[i], &f, &e) != MX_USAGE) fail_msg("'%s' was taken", names[i]);
    for (int k = 0; k < N_BASES; k++) assert_non_null(strstr(e.text, bases[k]));
  }
}

static void test_element_names(void **state) {
  (void)state;
  unsigned bits = 9;
  mx_error e = {0};
  assert_int_equal(mx_element_format_parse("--acts", "mxint8", true, &bits, &e), MX_OK);
  assert_int_equal(bits, MX_BITS_8);
  assert_int_equal(mx_element_format_parse("--acts", "mxint6", true, &bits, &e), MX_OK);
  assert_int_equal(bits, MX_BITS_6);
  assert_int_equal(mx_element_format_parse("--kv", "mxint4", false, &bits, &e), MX_OK);
  assert_int_equal(bits, MX_BITS_4);
  assert_int_equal(mx_element_format_parse("--kv", "mxint6", false, &bits, &e), MX_USAGE);
  assert_non_null(strstr(e.text, "--kv 'mxint6'"));
  e = (mx_error){0};
  assert_int_equal(mx_element_format_parse("--acts", "mxint4:32", true, &bits, &e), MX_USAGE);
}

// ---- what a block must become -------------------------------------------------------

static double half_value(unsigned h) {
  return h < 1024 ? ldexp(h, -24) : ldexp(1024 + (h & 1023), (int)(h >> 10) - 25);
}

// The finite half nearest to x >= 0, by trying all.
static double nearest_half(double x) {
  double best = 0;
  for (unsigned h = 0; h < 0x7c00; h++)
    if (fabs(half_value(h) - x) < fabs(best - x)) best = half_value(h);
  return best;
}

static double scale_value(const mx_qmatrix *q, size_t side) {
  if (q->format.stream.scale == MX_SCALE_F16) return half_value(q->scales[side]);
  return q->scales[side] == 255 ? NAN : ldexp(1, q->scales[side] - 127);
}

typedef struct { double low, high, greatest; } range;  // low <= 0 <= high

static range range_of(const float *w, uint32_t n) {
  range r = {0};
  for (uint32_t i = 0; i < n; i++) {
    r.low = fmin(r.low, w[i]);
    r.high = fmax(r.high, w[i]);
    r.greatest = fmax(r.greatest, fabs(w[i]));
  }
  return r;
}

static bool close_to(double got, double want, double x) { return fabs(got - x) <= fabs(want - x) + 1e-6 * fabs(want); }

static void check_scale(const mx_qmatrix *q, size_t side, range r) {
  double scale = scale_value(q, side), step = -1;
  int largest = q->format.fitted ? 0 : 2;  // exponent of the greatest element
  if (q->format.codebook) step = r.greatest > 0 ? fmax(ldexp(1, ilogb(r.greatest) - largest), ldexp(1, -127)) : ldexp(1, -127);
  else if (q->format.stream.scale == MX_SCALE_E8M0)
    step = r.greatest >= ldexp(1, -126) ? ldexp(1, ilogb(r.greatest)) : ldexp(1, -127);
  if (step > 0 && scale != step) fail_msg("scale %g, expected %g for %g", scale, step, r.greatest);
  if (step > 0) return;
  double exact = q->format.stream.zero ? (r.high - r.low) / 15 : r.greatest / 7;
  if (!close_to(scale, nearest_half(exact), exact)) fail_msg("scale %.9g for %.9g", scale, exact);
  double zero = q->zeros[side] + 8;
  if (scale > 0 && q->format.stream.zero && zero > 0 && zero < 15) assert_true(fabs(-r.low / scale - zero) <= 0.5 + 1e-5);
}

// The element nearest to x among all codes; of two, the one of an even code.
static double nearest_element(const mx_qmatrix *q, double x, int zero) {
  int half = 1 << (mx_code_bits(&q->format.stream) - 1), low = q->format.codebook ? 0 : -half;
  bool symmetric = q->format.stream.scale == MX_SCALE_E8M0 && !q->format.codebook;
  int best = 0;
  double best_value = NAN;
  for (int code = low + symmetric; code < low + 2 * half; code++) {
    double v = q->format.codebook ? q->format.table[code] : code - zero;
    if (isnan(best_value) || fabs(v - x) < fabs(best_value - x) ||
        (fabs(v - x) == fabs(best_value - x) && best % 2 && code % 2 == 0))
      best = code, best_value = v;
  }
  return best_value;
}

static void check_element(const mx_qmatrix *q, size_t side, uint32_t row, uint32_t col, double w) {
  double got = mx_qmatrix_value(q, row, col), step = scale_value(q, side) * ldexp(1, -(int)q->format.frac);
  int code = q->codes[(size_t)row * q->cols + col];
  if (step == 0) {
    assert_true(got == 0);
    return;
  }
  bool mx = q->format.stream.scale == MX_SCALE_E8M0;
  if (mx && !q->format.codebook && fabs(w) < ldexp(1, -126)) w = 0;  // subnormals read as zero
  double want = nearest_element(q, w / step, q->zeros[side]) * step;
  if (mx ? got != want : !close_to(got, want, w))
    fail_msg("%.9g became %.9g (code %d, step %g, zero %d), nearest is %.9g", w, got, code, step, q->zeros[side], want);
}

static void check_matrix(const mx_matrix *m, const char *format) {
  mx_weight_format f = format_of(format);
  mx_qmatrix q;
  mx_error e = {0};
  mx_matrix_format one = mx_matrix_format_whole(m->cols, &f, (mx_act_format){MX_BITS_8, false});
  assert_int_equal(mx_quantize_rtn(m, &one, &q, &e), MX_OK);
  uint32_t length = mx_block_length(&f.stream), blocks = (m->cols + length - 1) / length;
  assert_int_equal(mx_qmatrix_blocks(&q), blocks);
  for (uint32_t row = 0; row < m->rows; row++)
    for (uint32_t b = 0; b < blocks; b++) {
      uint32_t first = b * length, n = m->cols - first < length ? m->cols - first : length;
      check_scale(&q, (size_t)row * blocks + b, range_of(m->data + (size_t)row * m->cols + first, n));
      for (uint32_t i = first; i < first + n; i++)
        check_element(&q, (size_t)row * blocks + b, row, i, m->data[(size_t)row * m->cols + i]);
    }
  mx_qmatrix_free(&q);
}

// ---- matrices ------------------------------------------------------------------------

// Values of a block as they come, or nasty: one sign, grids with ties, zeros,
// exponents far apart, subnormals, the greatest.
static void fill(float *w, uint32_t n) {
  uint32_t kind = test_random_below(&generator, 8);
  float size = ldexpf(1, (int)test_random_below(&generator, 30) - 15), sign = test_random_below(&generator, 2) ? -1 : 1;
  for (uint32_t i = 0; i < n; i++) {
    float x = test_random_float(&generator);
    switch (kind) {
      case 0: w[i] = size * fabsf(x) * sign; break;
      case 1: w[i] = size * rintf(x * 64) / 32; break;
      case 2: w[i] = test_random_below(&generator, 4) ? 0 : size * x; break;
      case 3: w[i] = ldexpf(x, (int)test_random_below(&generator, 60) - 40); break;
      case 4: w[i] = 0; break;
      case 5: w[i] = x * 0x1p-120f * ldexpf(1, -(int)test_random_below(&generator, 25)); break;
      case 6: w[i] = x * 3e38f; break;
      default: w[i] = size * x; break;
    }
  }
}

static void test_nearest(void **state) {
  (void)state;
  for (uint32_t run = 0; run < test_runs(4); run++)
    for (int i = 0; i < N_BLOCK_BASES; i++)
      for (unsigned block = 16; block <= 128; block *= 2) {
        float data[2 * 300];
        mx_matrix m = {2, 1 + test_random_below(&generator, 300), data};
        for (uint32_t at = 0; at < 2 * m.cols; at += 16) fill(data + at, 2 * m.cols - at < 16 ? 2 * m.cols - at : 16);
        char name[16];
        snprintf(name, sizeof name, "%s:%u", bases[i], block);
        check_matrix(&m, name);
      }
}

// Steps by row: the greatest element is the greatest code, all others are the
// nearest, ties to even; rows that are 0 have step 0, also in two parts.
static void check_row(const mx_qmatrix *q, const float *w, uint32_t row) {
  int most = q->format.stream.bits == MX_BITS_4 ? 7 : 127;
  float greatest = (float)range_of(w, q->cols).greatest, step = greatest / (float)most;
  if (step < 0x1p-126f) step = 0;
  assert_true(q->steps[row] == step);
  for (uint32_t i = 0; i < q->cols; i++) {
    double want = step > 0 ? fmin(fmax(rint((double)(w[i] / step)), -most), most) : 0;
    assert_true(mx_qmatrix_value(q, row, i) == want * (double)step);
  }
}

static void test_rows(void **state) {
  (void)state;
  for (uint32_t run = 0; run < test_runs(20); run++) {
    enum { ROWS = 3 };
    float data[ROWS * 300], row_floats[300];
    mx_weight_format narrow = format_of("int4row:16"), wide = format_of("int8row");
    mx_matrix m = {ROWS, 33 + test_random_below(&generator, 267), data};
    for (uint32_t at = 0; at < ROWS * m.cols; at += 16) fill(data + at, ROWS * m.cols - at < 16 ? ROWS * m.cols - at : 16);
    if (run % 4 == 0) memset(data, 0, m.cols * sizeof *data);
    mx_matrix_format f = {2, {{32, wide, {MX_BITS_8, false}}, {m.cols - 32, narrow, {MX_BITS_6, false}}}};
    mx_qmatrix q;
    mx_error e = {0};
    assert_int_equal(mx_quantize_rtn(&m, &f, &q, &e), MX_OK);
    assert_int_equal(q.rest->acts.bits, MX_BITS_6);
    assert_int_equal(mx_qmatrix_bits(&q), ROWS * (32 * 8 + 32 + (m.cols - 32) * 4 + 32));
    for (uint32_t r = 0; r < ROWS; r++) {
      check_row(&q, data + r * m.cols, r);
      check_row(q.rest, data + r * m.cols + 32, r);
      memcpy(row_floats, data + r * m.cols, m.cols * sizeof *data);
      mx_round_parts(row_floats, m.cols, &f);
      for (uint32_t i = 0; i < m.cols; i++) assert_true(row_floats[i] == (float)mx_qmatrix_value(&q, r, i));
    }
    mx_qmatrix_free(&q);
  }
}

// A table in any order; the nearest by trying all in double.
static void test_unsorted_table(void **state) {
  (void)state;
  for (uint32_t run = 0; run < test_runs(200); run++) {
    int8_t table[16];
    for (int i = 0; i < 16; i++) table[i] = (int8_t)((int)test_random_below(&generator, 255) - 127);
    double x = run % 2 ? (double)test_random_float(&generator) * 150 : test_random_below(&generator, 512) / 2.0 - 128;
    int code = mx_nearest_code(table, (float)x), evens = 0;
    for (int i = 0; i < 16; i++) {
      double here = fabs((float)x - (double)table[i]), got = fabs((float)x - (double)table[code]);
      assert_true(got <= here);
      evens += here == got && i % 2 == 0;
    }
    if (evens) assert_int_equal(code % 2, 0);
  }
}

// 16 values in one block, and the codes that they must have.
static void check_codes(const char *format, const float w[16], const int8_t codes[16], uint16_t scale, int zero) {
  mx_weight_format f = format_of(format);
  mx_matrix m = {1, 16, (float *)(uintptr_t)w};
  mx_qmatrix q;
  mx_error e = {0};
  mx_matrix_format one = mx_matrix_format_whole(m.cols, &f, (mx_act_format){MX_BITS_8, false});
  assert_int_equal(mx_quantize_rtn(&m, &one, &q, &e), MX_OK);
  assert_int_equal(q.scales[0], scale);
  assert_int_equal(q.zeros[0], zero);
  for (int i = 0; i < 16; i++)
    if (q.codes[i] != codes[i]) fail_msg("%s: %g became %d, expected %d", format, (double)w[i], q.codes[i], codes[i]);
  mx_qmatrix_free(&q);
}

// E2M1 has 0 0.5 1 1.5 2 3 4 6, codes 0 to 7; the midpoints go to even codes.
static void test_mxfp4_ties(void **state) {
  (void)state;
  const float w[16] = {6, 0.25f, 0.75f, 1.25f, 1.75f, 2.5f, 3.5f, 5, -0.25f, -0.75f, -1.25f, -1.75f, -2.5f, -3.5f, -5, 7};
  const int8_t codes[16] = {7, 0, 2, 2, 4, 4, 6, 6, 0, 10, 10, 12, 12, 14, 14, 7};
  check_codes("mxfp4:16", w, codes, 127, 0);
}

static void test_by_hand(void **state) {
  (void)state;
  const float w[16] = {1.75f, 1.0f, 0.5f, 0.25f, 0.125f, 0.375f, 0.625f, -0.125f, -0.375f, -1.99f, 0, -0.0f, 1.99f, 0.1249f, 1e-30f, -2};
  // The block's exponent is 1: steps of 0.5 with two fraction bits, ties to even.
  const int8_t mxint4[16] = {4, 2, 1, 0, 0, 1, 1, 0, -1, -4, 0, 0, 4, 0, 0, -4};
  check_codes("mxint4:16", w, mxint4, 128, 0);
  const float levels[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const int8_t int4z[16] = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
  check_codes("int4z:16", levels, int4z, 0x3c00, -8);
  const int8_t int4[16] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};  // the scale is 15 / 7
  check_codes("int4:16", levels, int4, 0x4049, 0);
  const float negative[16] = {-15, -14, -1, -2};
  const int8_t below_zero[16] = {-8, -7, 6, 5, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};
  check_codes("int4z:16", negative, below_zero, 0x3c00, 7);
}

static void test_zero_blocks(void **state) {
  (void)state;
  const float w[16] = {0};
  const int8_t codes[16] = {0};
  for (int i = 0; i < N_BLOCK_BASES - 1; i++) {
    char name[16];
    snprintf(name, sizeof name, "%s:16", bases[i]);
    check_codes(name, w, codes, 0, 0);
  }
}

// In the formats with E8M0 scales by mx_quantize_block, NaN is a scale of its own.
static void test_not_finite(void **state) {
  (void)state;
  const int8_t codes[16] = {0};
  const float infinite[16] = {1, -2, INFINITY}, nan[16] = {[15] = NAN};
  for (int i = 0; i < 3; i++) {
    char name[16];
    snprintf(name, sizeof name, "%s:16", bases[i]);
    check_codes(name, infinite, codes, 255, 0);
    check_codes(name, nan, codes, 255, 0);
  }
}

// ---- whole models -----------------------------------------------------------------------

static uint32_t calls;
static void count_calls(const mx_progress *p) {
  assert_int_equal(p->matrix, calls++);
  assert_int_equal(p->matrices, 2 * 7 + 1);
  assert_int_equal(p->layer, p->matrix / 7);
  assert_true(p->done < p->total && (p->done > 0) == (p->matrix > 0));
  if (p->matrix == 8) assert_string_equal(p->name, "blk.1.attn_k");
  if (p->matrix == 14) assert_string_equal(p->name, "output");
}

static void test_model_matrices(void **state) {
  (void)state;
  mx_model *m = test_model(&test_small_config, false, 5);
  const mx_tokenizer *tokenizer = m->tokenizer;
  mx_quantize_options o = {.weights = format_of("int4z:16"), .act_bits = MX_BITS_6, .kv_bits = MX_BITS_4, .progress = count_calls};
  mx_qmodel *q;
  mx_error e = {0};
  calls = 0;
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), MX_OK);
  assert_int_equal(calls, 15);
  assert_ptr_equal(q->tokenizer, tokenizer);
  assert_null(m->tokenizer);
  assert_int_equal(q->layers[1].w_up.acts.bits, MX_BITS_6);
  assert_int_equal(q->kv_bits, MX_BITS_4);
  assert_memory_equal(q->token_embd.data, m->token_embd.data, sizeof(float) * TEST_VOCAB * 8);
  assert_memory_equal(q->layers[1].ffn_norm.data, m->layers[1].ffn_norm.data, sizeof(float) * 8);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) {
    const mx_matrix *from = mx_layer_source(&m->layers[1], i);
    const mx_qmatrix *to = mx_qlayer_matrix(&q->layers[1], i, NULL);
    assert_int_equal(to->rows, from->rows);
    assert_int_equal(to->cols, from->cols);
    for (uint32_t k = 0; k < from->rows * from->cols; k++)  // 15 steps for a range of at most 2
      assert_true(fabs(mx_qmatrix_value(to, k / from->cols, k % from->cols) - from->data[k]) <= 2.0 / 15 / 2 + 1e-3);
  }
  mx_qmodel_free(q);
  mx_model_free(m);
}

static int seed(void **state) {
  (void)state;
  generator.state = test_seed();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),       cmocka_unit_test(test_bad_names),   cmocka_unit_test(test_element_names),
      cmocka_unit_test(test_by_hand),     cmocka_unit_test(test_mxfp4_ties),  cmocka_unit_test(test_zero_blocks),
      cmocka_unit_test(test_not_finite),  cmocka_unit_test(test_nearest),     cmocka_unit_test(test_model_matrices),
      cmocka_unit_test(test_rows),        cmocka_unit_test(test_unsorted_table),
  };
  return cmocka_run_group_tests(tests, seed, NULL);
}
