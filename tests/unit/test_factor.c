// The factor of an inverse: U^T U H = I, the same bits for any number of
// threads, and matrices that have none.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/factor.h"
#include "compiler/quant/parallel.h"
#include "tests/unit/small_model.h"

// A A^T / n + I / 8: upper triangle in h [n][n], NAN below it.
static double *positive_definite(uint32_t n, test_random *r) {
  float *a = malloc((size_t)n * n * sizeof *a);
  double *h = malloc((size_t)n * n * sizeof *h);
  assert_true(a && h);
  for (size_t i = 0; i < (size_t)n * n; i++) a[i] = test_random_float(r);
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < n; k++) {
      double sum = i == k ? 0.125 : 0;
      for (uint32_t t = 0; t < n && k >= i; t++) sum += (double)a[(size_t)i * n + t] * a[(size_t)k * n + t] / n;
      h[(size_t)i * n + k] = k >= i ? sum : NAN;
    }
  free(a);
  return h;
}

static float *factor_of(const double *h, uint32_t n, unsigned threads, bool expected) {
  size_t count = (size_t)n * n;
  double *a = malloc(count * sizeof *a);
  float *u = calloc(count, sizeof *u);
  bool definite;
  mx_error e = {0};
  assert_true(a && u);
  memcpy(a, h, count * sizeof *a);
  assert_int_equal(mx_inverse_factor(a, n, threads, u, &definite, &e), MX_OK);
  assert_int_equal(definite, expected);
  free(a);
  return u;
}

static double symmetric(const double *h, uint32_t n, uint32_t i, uint32_t k) {
  return h[(size_t)(i < k ? i : k) * n + (i < k ? k : i)];
}

// Greatest difference between U H U^T and the identity: U^-1 U^-T = H.
static double worst(const double *h, const float *u, uint32_t n) {
  double most = 0, *uh = calloc((size_t)n * n, sizeof *uh);
  assert_non_null(uh);
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t t = i; t < n; t++)
      for (uint32_t k = 0; k < n; k++) uh[(size_t)i * n + k] += u[(size_t)i * n + t] * symmetric(h, n, t, k);
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < n; k++) {
      double sum = i == k ? -1 : 0;
      for (uint32_t t = k; t < n; t++) sum += uh[(size_t)i * n + t] * u[(size_t)k * n + t];
      most = fmax(most, fabs(sum));
    }
  free(uh);
  return most;
}

static void test_inverse(void **state) {
  (void)state;
  static const uint32_t sizes[] = {1, 2, 33, 127, 128, 129, 300};
  test_random r = {31};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    uint32_t n = sizes[i];
    double *h = positive_definite(n, &r);
    float *u = factor_of(h, n, 1, true), *v = factor_of(h, n, 3, true);
    assert_memory_equal(u, v, (size_t)n * n * sizeof *u);
    double most = worst(h, u, n);
    if (!(most < 1e-4)) fail_msg("%u: off by %g", n, most);
    for (uint32_t k = 0; k < n; k++) assert_true(u[(size_t)k * n + k] > 0);
    free(h);
    free(u);
    free(v);
  }
}

// A direction of negative length, wherever it shows.
static void test_indefinite(void **state) {
  (void)state;
  test_random r = {32};
  for (uint32_t at = 0; at < 300; at += 60) {
    double *h = positive_definite(300, &r);
    h[at * 300 + at] = -1e-3;
    free(factor_of(h, 300, 2, false));
    free(h);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_inverse), cmocka_unit_test(test_indefinite)};
  mx_blas_single();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
