// golden/mxint: directed blocks for each rule, and random blocks against the
// definition written out in double arithmetic. MX_SEED=n repeats a run.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/isa.h"
#include "golden/mxint.h"

#define ONE 0x3F800000u
#define INF 0x7F800000u
#define NEG 0x80000000u

enum { PAST = 3, UNTOUCHED = 0x55 };  // bytes beyond the block, and their value

typedef struct {
  int8_t q[MX_BLOCK_MAX + PAST];
  uint8_t scale;
} result;

static result quantize(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits) {
  result r;
  memset(&r, UNTOUCHED, sizeof r);
  mx_quantize_block(v, n, block, bits, r.q, &r.scale);
  for (uint32_t i = block; i < block + PAST; i++) assert_int_equal(r.q[i], UNTOUCHED);
  return r;
}

static result quantize_fixed(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits) {
  result r;
  memset(&r, UNTOUCHED, sizeof r);
  mx_quantize_fixed(v, n, block, bits, r.q, &r.scale);
  for (uint32_t i = block; i < block + PAST; i++) assert_int_equal(r.q[i], UNTOUCHED);
  return r;
}

static uint32_t bits_of(double value) {
  float f = (float)value;
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

static void constants(void **state) {
  (void)state;
  static const int expected[3][2] = {{2, 7}, {4, 31}, {6, 127}};
  for (unsigned bits = MX_BITS_4; bits <= MX_BITS_8; bits++) {
    assert_int_equal(mx_fraction_bits(bits), expected[bits][0]);
    assert_int_equal(mx_element_max(bits), expected[bits][1]);
  }
}

static void zeros(void **state) {
  (void)state;
  static const uint32_t v[] = {0, NEG, 1, 0x007FFFFF, NEG | 0x007FFFFF};  // and subnormals
  for (unsigned bits = MX_BITS_4; bits <= MX_BITS_8; bits++) {
    result r = quantize(v, 5, 16, bits);
    assert_int_equal(r.scale, 0);
    for (int i = 0; i < 16; i++) assert_int_equal(r.q[i], 0);
  }
  assert_int_equal(quantize(v, 0, 16, MX_BITS_8).scale, 0);
}

static void infinities_and_nans(void **state) {
  (void)state;
  static const uint32_t bad[] = {INF, NEG | INF, 0x7FC00000, 0x7F800001, 0xFFFFFFFF};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    uint32_t v[16] = {ONE, NEG | ONE};
    v[15] = bad[i];
    result r = quantize(v, 16, 32, MX_BITS_8);
    assert_int_equal(r.scale, 0xFF);
    for (int k = 0; k < 32; k++) assert_int_equal(r.q[k], 0);
    assert_int_equal(quantize(v, 15, 32, MX_BITS_8).scale, 127);  // beyond n: not looked at
  }
}

// Elements of a block whose greatest exponent is that of 1.0.
static void check_elements(unsigned bits, const double *v, const int *q, uint32_t n) {
  uint32_t words[MX_BLOCK_MAX] = {ONE};
  for (uint32_t i = 0; i < n; i++) words[i + 1] = bits_of(v[i]);
  result r = quantize(words, n + 1, 32, bits);
  assert_int_equal(r.scale, 127);
  assert_int_equal(r.q[0], 1 << mx_fraction_bits(bits));
  for (uint32_t i = 0; i < n; i++)
    if (r.q[i + 1] != q[i])
      fail_msg("bits %u: %g became %d, expected %d", bits, v[i], r.q[i + 1], q[i]);
  for (uint32_t i = n + 1; i < 32; i++) assert_int_equal(r.q[i], 0);
}

static void rounding_and_saturation(void **state) {
  (void)state;
  static const double v8[] = {0.5 / 64, 1.5 / 64, 2.5 / 64, -0.5 / 64, -1.5 / 64, 0.5 / 64 + 1e-9,
                              126.5 / 64, 127.4 / 64, 127.5 / 64, 1.99999988, -1.99999988, 1e-30,
                              0.25 / 64, 63.5 / 64};
  static const int q8[] = {0, 2, 2, 0, -2, 1, 126, 127, 127, 127, -127, 0, 0, 64};
  check_elements(MX_BITS_8, v8, q8, 14);
  static const double v6[] = {0.5 / 16, 1.5 / 16, -2.5 / 16, 30.5 / 16, 31.5 / 16, -1.9999};
  static const int q6[] = {0, 2, -2, 30, 31, -31};
  check_elements(MX_BITS_6, v6, q6, 6);
  static const double v4[] = {0.5 / 4, 1.5 / 4, 2.5 / 4, 6.5 / 4, 7.5 / 4, -1.9999, 0.124, 0.126};
  static const int q4[] = {0, 2, 2, 6, 7, -7, 0, 1};
  check_elements(MX_BITS_4, v4, q4, 8);
}

static void ends_of_the_range(void **state) {
  (void)state;
  static const uint32_t small[] = {0x00800000, NEG | 0x00FFFFFF, 0x007FFFFF};  // 2^-126 and about
  result r = quantize(small, 3, 16, MX_BITS_8);
  assert_int_equal(r.scale, 1);
  assert_int_equal(r.q[0], 64);
  assert_int_equal(r.q[1], -127);
  assert_int_equal(r.q[2], 0);
  static const uint32_t large[] = {0x7F7FFFFF, 0x7F000000, 0x00800000};
  r = quantize(large, 3, 16, MX_BITS_4);
  assert_int_equal(r.scale, 254);
  assert_int_equal(r.q[0], 7);
  assert_int_equal(r.q[1], 4);
  assert_int_equal(r.q[2], 0);
}

// ---- the definition in doubles, exact here ----

static double value_of(uint32_t v) {
  float f;
  memcpy(&f, &v, sizeof f);
  return fpclassify(f) == FP_SUBNORMAL ? 0 : f;
}

static void check_block(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits) {
  static const int fraction[] = {2, 4, 6}, limit[] = {7, 31, 127};
  double greatest = 0;
  bool finite = true;
  for (uint32_t i = 0; i < n; i++) {
    finite = finite && isfinite(value_of(v[i]));
    greatest = fmax(greatest, fabs(value_of(v[i])));
  }
  int e = !finite ? 128 : greatest > 0 ? ilogb(greatest) : -127;
  result r = quantize(v, n, block, bits);
  assert_int_equal(r.scale, e + 127);
  for (uint32_t i = 0; i < block; i++) {
    double q = !finite || i >= n ? 0 : nearbyint(ldexp(value_of(v[i]), fraction[bits] - e));
    q = fmin(fmax(q, -limit[bits]), limit[bits]);
    if (r.q[i] != (int)q)
      fail_msg("element %u of %u, bits %u: %08" PRIx32 " became %d, expected %d", (unsigned)i,
               (unsigned)n, bits, v[i], r.q[i], (int)q);
  }
}

static double rounded(uint32_t v, int limit) { return fmin(fmax(nearbyint(value_of(v)), -limit), limit); }

static void check_fixed_block(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits) {
  static const int scale[] = {129, 131, 133}, limit[] = {7, 31, 127};
  bool finite = true;
  for (uint32_t i = 0; i < n; i++) finite = finite && isfinite(value_of(v[i]));
  result r = quantize_fixed(v, n, block, bits);
  assert_int_equal(r.scale, finite ? scale[bits] : 0xFF);
  for (uint32_t i = 0; i < block; i++) {
    int q = finite && i < n ? (int)rounded(v[i], limit[bits]) : 0;
    if (r.q[i] != q)
      fail_msg("fixed element %u of %u, bits %u: %08" PRIx32 " became %d, expected %d", (unsigned)i, (unsigned)n,
               bits, v[i], r.q[i], q);
  }
}

static uint64_t random_state;

static uint32_t random32(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random_state >> 32);
}

static uint32_t random_value(uint32_t kind) {
  uint32_t x = random32();
  switch (kind) {
    case 0: return x;
    case 1: return (x & 0x807FFFFF) | (120 + random32() % 8) << 23;
    case 2: return (x & 0x80780000) | (120 + random32() % 8) << 23;  // many ties
    case 3: return x & 0x81FFFFFF;
    case 4: return (x & 0x80780000) | (124 + random32() % 12) << 23;  // ties of integers
    default: return random32() % 50 ? (x & 0x807F0000) | 127u << 23 : x | INF;
  }
}

static void random_blocks(void **state) {
  (void)state;
  const char *text = getenv("MX_SEED");
  unsigned long long seed = text ? strtoull(text, NULL, 0) : 1;
  printf("repeat: MX_SEED=%llu\n", seed);
  random_state = seed;
  for (int i = 0; i < 30000; i++) {
    uint32_t block = 16u << random32() % 4, n = random32() % (block + 1), kind = random32() % 6;
    uint32_t v[MX_BLOCK_MAX];
    for (uint32_t k = 0; k < n; k++) v[k] = random_value(kind);
    check_block(v, n, block, random32() % 3);
    check_fixed_block(v, n, block, random32() % 3);
  }
}

// ---- fixed ----

static void check_fixed(unsigned bits, const double *v, const int *q, uint32_t n) {
  static const int scale[] = {129, 131, 133};
  uint32_t words[MX_BLOCK_MAX];
  for (uint32_t i = 0; i < n; i++) words[i] = bits_of(v[i]);
  result r = quantize_fixed(words, n, 32, bits);
  assert_int_equal(r.scale, scale[bits]);
  for (uint32_t i = 0; i < n; i++)
    if (r.q[i] != q[i]) fail_msg("bits %u: %g became %d, expected %d", bits, v[i], r.q[i], q[i]);
  for (uint32_t i = n; i < 32; i++) assert_int_equal(r.q[i], 0);
}

static void fixed_rounds_and_saturates(void **state) {
  (void)state;
  static const double v4[] = {2.5, -3.5, 1e9, 0.4, -0.0, 0.5, -0.5, 0.50000006, 1.5, -1.5, 6.5, 7.49, 7.5, -7.5, -1e9,
                              8, -8, 15.9, 3e38, -3e38, 1e-30, 16777216, -33554434, 1e-42};
  static const int q4[] = {2, -4, 7, 0, 0, 0, 0, 1, 2, -2, 6, 7, 7, -7, -7, 7, -7, 7, 7, -7, 0, 7, -7, 0};
  check_fixed(MX_BITS_4, v4, q4, sizeof q4 / sizeof *q4);
  static const double v6[] = {30.5, -30.5, 31.5, -31.5, 32, 4.5, -5.5, 0.25, 63, -4e9};
  static const int q6[] = {30, -30, 31, -31, 31, 4, -6, 0, 31, -31};
  check_fixed(MX_BITS_6, v6, q6, sizeof q6 / sizeof *q6);
  static const double v8[] = {126.5, -126.5, 127.5, -127.5, 125.5, 128, -128, 63.5, 64.5, 1e9, -16777218, 0.5, 0.75};
  static const int q8[] = {126, -126, 127, -127, 126, 127, -127, 64, 64, 127, -127, 0, 1};
  check_fixed(MX_BITS_8, v8, q8, sizeof q8 / sizeof *q8);
}

// The scale does not depend on what the block holds, unless it is no number.
static void fixed_scale(void **state) {
  (void)state;
  static const uint32_t zeros[16] = {0, NEG, 1, NEG | 0x007FFFFF};
  static const uint32_t bad[] = {INF, NEG | INF, 0x7FC00000, 0x7F800001, 0xFFFFFFFF};
  for (unsigned bits = MX_BITS_4; bits <= MX_BITS_8; bits++) {
    check_fixed_block(zeros, 16, 16, bits);
    check_fixed_block(zeros, 0, 16, bits);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
      uint32_t v[16] = {bits_of(126.5), bits_of(-127.5)};
      v[15] = bad[i];
      result r = quantize_fixed(v, 16, 32, bits);
      assert_int_equal(r.scale, 0xFF);
      for (int k = 0; k < 32; k++) assert_int_equal(r.q[k], 0);
      check_fixed_block(v, 15, 32, bits);  // beyond n: not looked at
    }
  }
}

// Every exponent, alone, with the fractions about a tie at every place.
static void fixed_every_exponent(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 3 * 512 * 23; i++) {
    uint32_t bits = i % 3, signed_exponent = i / 3 % 512 << 23, place = 1u << i / (3 * 512) % 23;
    uint32_t v[] = {signed_exponent, signed_exponent | place, signed_exponent | (place - 1),
                    signed_exponent | (0x007FFFFF & ~(place - 1))};
    for (unsigned k = 0; k < 4; k++) check_fixed_block(&v[k], 1, 16, bits);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(constants),
      cmocka_unit_test(zeros),
      cmocka_unit_test(infinities_and_nans),
      cmocka_unit_test(rounding_and_saturation),
      cmocka_unit_test(ends_of_the_range),
      cmocka_unit_test(random_blocks),
      cmocka_unit_test(fixed_rounds_and_saturates),
      cmocka_unit_test(fixed_scale),
      cmocka_unit_test(fixed_every_exponent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
