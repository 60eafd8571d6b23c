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
#include "compiler/quant/hadamard.h"
#include "tests/unit/small_model.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_orders), cmocka_unit_test(test_orthogonal), cmocka_unit_test(test_runs),
      cmocka_unit_test(test_apply),  cmocka_unit_test(test_signs),      cmocka_unit_test(test_serial),
      cmocka_unit_test(test_serial_broken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
