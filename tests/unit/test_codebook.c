// compiler/quant/codebook: tables fitted to a matrix.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/codebook.h"
#include "compiler/quant/round.h"
#include "compiler/quant/side.h"
#include "golden/isa.h"
#include "golden/mxint.h"
#include "tests/unit/program.h"

enum { ROWS = 70, COLS = 80 };

typedef struct {
  float w[ROWS * COLS], h[COLS * COLS];
  mx_matrix m;
  mx_hessian hessian;
} problem;

static problem *make_problem(uint64_t seed) {
  problem *p = calloc(1, sizeof *p);
  assert_non_null(p);
  test_random r = {seed};
  for (int i = 0; i < ROWS * COLS; i++)
    p->w[i] = 0.1f * (test_random_float(&r) + test_random_float(&r) + test_random_float(&r));
  for (int i = 0; i < COLS; i++) p->h[i * COLS + i] = 1 + (float)test_random_below(&r, 20);
  p->m = (mx_matrix){ROWS, COLS, p->w};
  p->hessian = (mx_hessian){COLS, p->h};
  return p;
}

static mx_weight_format format_of(const char *name) {
  mx_weight_format f;
  mx_error e = {0};
  assert_int_equal(mx_weight_format_parse(name, &f, &e), MX_OK);
  return f;
}

static mx_weight_format fitted(const problem *p, bool weighed, bool search, unsigned threads) {
  mx_weight_format f = format_of("codebook:16");
  mx_error e = {0};
  assert_int_equal(mx_codebook_fit(&p->m, 0, COLS, weighed ? &p->hessian : NULL, search, threads, &f, &e), MX_OK);
  return f;
}

// Weighed error with each block's scale by rule, or the best of side.h.
static double error_of(const problem *p, const mx_weight_format *f, bool weighed, bool search) {
  double sum = 0;
  for (int at = 0; at < ROWS * COLS; at += 16) {
    mx_side sides[MX_SIDES_MAX];
    uint32_t n = mx_side_candidates(p->w + at, 16, f, sides);
    double least = INFINITY;
    for (uint32_t s = 0; s < (search ? n : 1); s++) {
      double error = 0;
      for (int i = at; i < at + 16; i++) {
        double d = (double)p->w[i] - (double)mx_side_value(&sides[s], f, mx_side_code(&sides[s], f, p->w[i]));
        error += d * d * (weighed ? (double)p->h[i % COLS * (COLS + 1)] : 1);
      }
      least = fmin(least, error);
    }
    sum += least;
  }
  return sum;
}

static void assert_ascending(const int8_t table[16]) {
  for (int i = 1; i < 16; i++) assert_true(table[i] > table[i - 1]);
  assert_true(table[0] >= -127);
}

// No other table is better: not that of NF4 or E2M1, not one with any element
// elsewhere, not random ones.
static void test_best(void **state) {
  (void)state;
  problem *p = make_problem(3);
  mx_weight_format f = fitted(p, false, false, 1), other = format_of("codebook:16");
  double least = error_of(p, &f, false, false);
  assert_ascending(f.table);
  assert_true(least < 0.97 * error_of(p, &other, false, false));
  for (int i = 0; i < 16; i++)
    for (int v = -127; v <= 127; v += 3) {
      other = f;
      other.table[i] = (int8_t)v;
      assert_true(error_of(p, &other, false, false) >= least * (1 - 1e-5));
    }
  test_random r = {4};
  for (int run = 0; run < 200; run++) {
    for (int i = 0; i < 16; i++) other.table[i] = (int8_t)(f.table[i] + (int)test_random_below(&r, 7) - 3);
    assert_true(error_of(p, &other, false, false) >= least * (1 - 1e-5));
  }
  free(p);
}

static void test_weighed(void **state) {
  (void)state;
  problem *p = make_problem(5);
  for (int i = 0; i < COLS; i++) p->h[i * COLS + i] = i % 8 ? 1 : 3000;  // these have values of their own
  for (int i = 0; i < ROWS * COLS; i += 8) p->w[i] = (i / 8 % 2 ? 0.05f : -0.05f) * (1 + (float)(i / 16 % 3));
  mx_weight_format plain = fitted(p, false, false, 1), weighed = fitted(p, true, false, 1);
  assert_true(error_of(p, &weighed, true, false) < 0.9 * error_of(p, &plain, true, false));
  assert_true(error_of(p, &plain, false, false) < error_of(p, &weighed, false, false));
  free(p);
}

// Weights that sit on 16 points of the grid keep their values.
static void test_exact(void **state) {
  (void)state;
  static const int8_t points[16] = {-127, -90, -77, -60, -41, -33, -10, -2, 0, 7, 13, 29, 55, 80, 101, 126};
  problem *p = make_problem(6);
  test_random r = {7};
  for (int i = 0; i < ROWS * COLS; i++) p->w[i] = ldexpf(points[i % 16 ? test_random_below(&r, 16) : 15], -6 - i / 16 % 5);
  mx_weight_format f = fitted(p, true, false, 1);
  assert_memory_equal(f.table, points, sizeof points);
  assert_true(error_of(p, &f, false, false) == 0);
  free(p);
}

static void test_search(void **state) {
  (void)state;
  problem *p = make_problem(8);
  mx_weight_format by_rule = fitted(p, true, false, 1), searched = fitted(p, true, true, 1);
  assert_ascending(searched.table);
  assert_true(error_of(p, &searched, true, true) <= error_of(p, &by_rule, true, true));
  assert_true(error_of(p, &searched, true, true) < error_of(p, &by_rule, true, false));
  free(p);
}

static void test_threads(void **state) {
  (void)state;
  problem *p = make_problem(9);
  for (int search = 0; search < 2; search++) {
    mx_weight_format a = fitted(p, true, search, 1), b = fitted(p, true, search, 4);
    assert_memory_equal(a.table, b.table, sizeof a.table);
  }
  free(p);
}

static void test_nothing_to_fit(void **state) {
  (void)state;
  problem *p = make_problem(10);
  mx_weight_format start = format_of("codebook:16"), f;
  memset(p->h, 0, sizeof p->h);  // inputs that are all 0 weigh as none do
  f = fitted(p, true, true, 1);
  mx_weight_format plain = fitted(p, false, true, 1);
  assert_memory_equal(f.table, plain.table, sizeof f.table);
  memset(p->w, 0, sizeof p->w);
  f = fitted(p, false, true, 1);
  assert_memory_equal(f.table, start.table, sizeof f.table);
  free(p);
}

// Each rounding fits before it rounds, each part of a matrix by itself.
static void test_rounding(void **state) {
  (void)state;
  problem *p = make_problem(11);
  for (int i = 0; i < ROWS * COLS; i++)
    if (i % COLS < 32) p->w[i] = fabsf(p->w[i]);
  static const char *const methods[] = {"rtn", "mse", "gptq", "gptq,mse"};
  for (int i = 0; i < 4; i++) {
    mx_methods how;
    mx_error e = {0};
    mx_qmatrix q;
    mx_weight_format f = format_of("codebook:16");
    mx_matrix_format parts = {2, {{32, f, {MX_BITS_8, false}}, {COLS - 32, f, {MX_BITS_8, false}}}};
    assert_int_equal(mx_methods_parse(methods[i], &how, &e), MX_OK);
    assert_int_equal(mx_round_matrix(&p->m, &parts, &how, false, &p->hessian, 2, "w", &q, &e), MX_OK);
    assert_ascending(q.format.table);
    assert_ascending(q.rest->format.table);
    assert_true(q.format.table[2] > 0 && q.rest->format.table[2] < 0);
    for (int k = 0; k < ROWS * COLS; k++) {
      float step = ldexpf(1, q.scales[0] - 127);
      assert_true(step > 0 && fabs(mx_qmatrix_value(&q, (uint32_t)k / COLS, (uint32_t)k % COLS) - (double)p->w[k]) < 0.1);
    }
    mx_qmatrix_free(&q);
  }
  free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_best),   cmocka_unit_test(test_weighed), cmocka_unit_test(test_exact),
      cmocka_unit_test(test_search), cmocka_unit_test(test_threads), cmocka_unit_test(test_nothing_to_fit),
      cmocka_unit_test(test_rounding)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
