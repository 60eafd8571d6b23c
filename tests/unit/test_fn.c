// golden/fn: directed vectors, and every result's distance from the correctly
// rounded one, over a sample of all inputs, or over all 2^32 of each function:
//   MX_EXHAUSTIVE=1 build/tests/test_fn
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/fn.h"
#include "golden/fp32.h"

// Prime, so that a sample meets every exponent, segment and low bit.
enum { SAMPLE_STRIDE = 1021 };

typedef struct {
  uint32_t a, y;
} vector;

#define INF MX_FP_INF
#define NEG MX_FP_SIGN

static void check(const char *name, uint32_t (*f)(uint32_t), const vector *v, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t y = f(v[i].a);
    if (y != v[i].y)
      fail_msg("%s(%08X) = %08X, expected %08X", name, (unsigned)v[i].a, (unsigned)y, (unsigned)v[i].y);
  }
}
#define CHECK(f, v) check(#f, f, v, sizeof(v) / sizeof *(v))

static void exp2_vectors(void **state) {
  (void)state;
  static const vector v[] = {
      {0x00000000, 0x3F800000}, {NEG, 0x3F800000},         // 2^+-0 = 1
      {0x00400000, 0x3F800000}, {0x807FFFFF, 0x3F800000},  // subnormals are zeros
      {0x3F800000, 0x40000000}, {0xBF800000, 0x3F000000},  // 2^+-1
      {0x42FE0000, 0x7F000000}, {0xC2FC0000, 0x00800000},  // 2^127, 2^-126
      {0x42FFFFFF, 0x7F7FFFA7},                            // the largest finite result
      {0x43000000, INF},        {0x437FFFFF, INF},         // 128 and up
      {0x43800000, INF},        {0x7F7FFFFF, INF},         {INF, INF},
      {0xC2FC0001, 0},          {0xC3000000, 0},           // below -126: +0
      {0xC37FFFFF, 0},          {0xC3800000, 0},           {NEG | INF, 0},
      {0x33000000, 0x3F800000}, {0xB2000000, 0x3F800000},  // 2^(tiny) = 1
      {0x3F000000, 0x3FB504F3}, {0xBF000000, 0x3F3504F3},  // sqrt(2), sqrt(1/2)
      {0x40490FDB, 0x410D331C}, {0xC0555555, 0x3DCB2FF6},  // 2^pi, 2^(-10/3)
      {0xC2FBFFFF, 0x0080002C},
      {0x7F800001, MX_FP_NAN},  {0xFFFFFFFF, MX_FP_NAN},
  };
  CHECK(mx_fp_exp2, v);
}

static void recip_vectors(void **state) {
  (void)state;
  static const vector v[] = {
      {0x00000000, INF},        {NEG, NEG | INF},          {0x007FFFFF, INF},
      {0x80000001, NEG | INF},  {INF, 0},                  {NEG | INF, NEG},
      {0x3F800000, 0x3F800000}, {0xBF800000, 0xBF800000},  // exact powers of two
      {0x40000000, 0x3F000000}, {0x00800000, 0x7E800000},
      {0x7E800000, 0x00800000}, {0x7E800001, 0},           // 2^-126 and below
      {0xFE800001, NEG},        {0x7F000000, 0},           {0x7F7FFFFF, 0},
      {0x40400000, 0x3EAAAAAA}, {0xC0400000, 0xBEAAAAAA},  // 1/3: one ulp below the nearest
      {0x41200000, 0x3DCCCCCD},                            // 1/10
      {0xBFFFFFFF, 0xBF000001}, {0x807FFFFF, NEG | INF},
      {0x7FC00000, MX_FP_NAN},  {0xFF800001, MX_FP_NAN},
  };
  CHECK(mx_fp_recip, v);
}

static void rsqrt_vectors(void **state) {
  (void)state;
  static const vector v[] = {
      {0x00000000, INF},        {NEG, NEG | INF},          {0x007FFFFF, INF},
      {0x807FFFFF, NEG | INF},  {INF, 0},                  {NEG | INF, MX_FP_NAN},
      {0x80800000, MX_FP_NAN},  {0xBF800000, MX_FP_NAN},
      {0x3F800000, 0x3F800000}, {0x40800000, 0x3F000000},  // 1, 1/sqrt(4)
      {0x3E800000, 0x40000000}, {0x00800000, 0x5F000000},  // 1/sqrt(2^-126) = 2^63
      {0x40000000, 0x3F3504F3}, {0x3F000000, 0x3FB504F3},
      {0x7F7FFFFF, 0x1F800000}, {0x40400000, 0x3F13CD3A},
      {0x7FC00000, MX_FP_NAN},  {0xFFC00000, MX_FP_NAN},
  };
  CHECK(mx_fp_rsqrt, v);
}

static long double value_of(uint32_t a) {
  float f;
  memcpy(&f, &a, sizeof f);
  return (long double)f;
}

// y != 0 and finite, to the nearest FP32 under the rules of golden/fp32.h.
static uint32_t nearest(long double y) {
  uint32_t sign = signbit(y) ? NEG : 0;
  int e;
  long double m = frexpl(fabsl(y), &e);           // 1/2 <= m < 1
  uint32_t q = (uint32_t)llrintl(ldexpl(m, 24));  // 2^23 .. 2^24
  int biased = e + 126 + (int)(q >> 24);
  if (biased >= 255) return sign | INF;
  return biased <= 0 ? sign : sign | (uint32_t)biased << 23 | (q & 0x7FFFFF);
}

// Neighbouring results have neighbouring numbers; zero is next to 2^-126.
static int64_t rank_of(uint32_t a) {
  int64_t size = a & ~NEG;
  if (size) size -= 0x7FFFFF;
  return a & NEG ? -size : size;
}

typedef struct {
  const char *name;
  uint32_t (*f)(uint32_t);
  long double (*exact)(long double);  // for inputs with a finite non-zero result
  uint32_t first, last;               // positive inputs whose exact result is one
  bool negative_too;
  int64_t bound;                      // on the distance from the nearest, in ulp
} subject;

static long double exact_recip(long double x) { return 1 / x; }
static long double exact_rsqrt(long double x) { return 1 / sqrtl(x); }

static const subject subjects[] = {
    {"exp2", mx_fp_exp2, exp2l, 0x00800000, 0x437FFFFF, true, 1},
    {"recip", mx_fp_recip, exact_recip, 0x00800000, 0x7F7FFFFF, true, 1},
    {"rsqrt", mx_fp_rsqrt, exact_rsqrt, 0x00800000, 0x7F7FFFFF, false, 1},
};

typedef struct {
  uint64_t inputs, not_nearest, falls;
  int64_t worst;
  double worst_real;  // |result - exact| in ulp of the result
  uint32_t worst_at, worst_real_at;
} tally;

static void measure_one(const subject *s, uint32_t a, uint32_t y, tally *t) {
  long double exact = s->exact(value_of(a));
  int64_t off = llabs(rank_of(y) - rank_of(nearest(exact)));
  t->inputs++;
  t->not_nearest += off != 0;
  if (off > t->worst) {
    t->worst = off;
    t->worst_at = a;
  }
  int biased = y >> 23 & 0xFF;
  if (biased == 0 || biased == 255) return;
  double real = (double)fabsl(ldexpl(value_of(y) - exact, 150 - biased));
  if (real > t->worst_real) {
    t->worst_real = real;
    t->worst_real_at = a;
  }
}

static void measure(const subject *s, uint32_t stride, tally *t) {
  for (uint32_t sign = 0; sign <= (s->negative_too ? NEG : 0); sign += NEG) {
    for (uint64_t a = s->first; a <= s->last; a += stride) {
      uint32_t x = (uint32_t)a | sign;
      uint32_t y = s->f(x);
      measure_one(s, x, y, t);
    }
    if (sign == NEG) break;
  }
}

// Everything outside first..last, by the rules.
static uint32_t rule(const subject *s, uint32_t a) {
  uint32_t sign = a & NEG, size = a & ~NEG;
  if (size > INF) return MX_FP_NAN;
  if (s->f == mx_fp_exp2) return size < s->first ? MX_FP_ONE : sign ? 0 : INF;
  if (size < s->first) return sign | INF;
  if (s->f == mx_fp_rsqrt) return sign ? MX_FP_NAN : 0;
  return sign;
}

static void check_rules(const subject *s, uint32_t stride) {
  for (uint64_t a = 0; a >> 32 == 0; a += stride) {
    uint32_t x = (uint32_t)a, size = x & ~NEG;
    bool inside = size >= s->first && size <= s->last && (s->negative_too || !(x & NEG));
    if (!inside && s->f(x) != rule(s, x))
      fail_msg("%s(%08X) = %08X, expected %08X", s->name, (unsigned)x, (unsigned)s->f(x),
               (unsigned)rule(s, x));
  }
}

static void error_bounds(void **state) {
  (void)state;
  const char *all = getenv("MX_EXHAUSTIVE");
  uint32_t stride = all && *all == '1' ? 1 : SAMPLE_STRIDE;
  for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
    const subject *s = &subjects[i];
    tally t = {0};
    check_rules(s, stride);
    measure(s, stride, &t);
    print_message("%-5s stride %u: %llu inputs, %llu not nearest (%.3f %%), at most %lld ulp off "
                  "(%08X); error at most %.4f ulp (%08X)\n",
                  s->name, (unsigned)stride, (unsigned long long)t.inputs,
                  (unsigned long long)t.not_nearest, 100.0 * (double)t.not_nearest / (double)t.inputs,
                  (long long)t.worst, (unsigned)t.worst_at, t.worst_real, (unsigned)t.worst_real_at);
    assert_true(t.inputs > 1000000);
    assert_in_range(t.worst, 0, s->bound);
  }
}

// Results of one bank never fall as v rises, at the seams of segments too.
static void core_is_monotone(void **state) {
  (void)state;
  for (unsigned bank = 0; bank < MX_FN_BANKS; bank++) {
    uint32_t before = 1u << 23;
    for (uint32_t v = 0; v >> 24 == 0; v++) {
      uint32_t y = mx_fn_core(mx_fn_segment((mx_fn_bank)bank, v), v);
      if (y < before || y > 1u << 24)
        fail_msg("bank %u, v %06X: %07X after %07X", bank, (unsigned)v, (unsigned)y, (unsigned)before);
      before = y;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exp2_vectors),  cmocka_unit_test(recip_vectors),
      cmocka_unit_test(rsqrt_vectors), cmocka_unit_test(error_bounds),
      cmocka_unit_test(core_is_monotone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
