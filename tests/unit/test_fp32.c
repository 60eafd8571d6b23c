// golden/fp32: directed vectors for every rule, then a random comparison with
// the host's arithmetic. Repeat a run with MX_SEED=n or the seed as argument.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/fp32.h"

enum { RANDOM_PAIRS = 4000000 };

#define INF MX_FP_INF
#define NEG MX_FP_SIGN
#define NAN_ MX_FP_NAN
#define ONE MX_FP_ONE

static uint64_t seed = 1, state;

static uint64_t random64(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545F4914F6CDD1Dull;
}

typedef struct {
  uint32_t a, b, y;
} vector;

static void check(const char *name, uint32_t (*f)(uint32_t, uint32_t), const vector *v, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t y = f(v[i].a, v[i].b);
    if (y != v[i].y)
      fail_msg("%s(%08X, %08X) = %08X, expected %08X", name, (unsigned)v[i].a, (unsigned)v[i].b,
               (unsigned)y, (unsigned)v[i].y);
  }
}
#define COUNT(v) (sizeof(v) / sizeof *(v))
#define CHECK(f, v) check(#f, f, v, COUNT(v))

static void add_vectors(void **state_) {
  (void)state_;
  static const vector v[] = {
      {ONE, ONE, 0x40000000},                  // 1 + 1
      {ONE, 0x33800000, ONE},                  // 1 + 2^-24: a tie, to even
      {0x3F800001, 0x33800000, 0x3F800002},    // a tie, to even upwards
      {ONE, 0x33800001, 0x3F800001},           // just above the tie
      {ONE, 0xB3000000, ONE},                  // 1 - 2^-25: a tie, to even
      {ONE, 0xB3000001, 0x3F7FFFFF},           // just beyond it
      {ONE, 0xB3800000, 0x3F7FFFFF},           // 1 - 2^-24, exact
      {ONE, 0x00800000, ONE},                  // far below the last bit
      {ONE, 0x80800000, ONE},
      {0x3F7FFFFF, 0x33000000, ONE},           // rounding carries into the exponent
      {ONE, 0xBF7FFFFF, 0x33800000},           // cancellation
      {0x7F7FFFFF, 0x73000000, INF},           // max + half an ulp: overflow
      {0x7F7FFFFF, 0x72FFFFFF, 0x7F7FFFFF},    // less than half: not
      {0x7F7FFFFF, 0x7F7FFFFF, INF},
      {0x00800001, 0x80800000, 0},             // 2^-149, flushed
      {0x80800001, 0x00800000, NEG},           // with the sign of the sum
      {0x00800000, 0x00800000, 0x01000000},
      {0x00800000, 0x007FFFFF, 0x00800000},    // a subnormal operand is zero
      {0x007FFFFF, 0x007FFFFF, 0},
      {0x807FFFFF, 0x80000001, NEG},           // (-0) + (-0)
      {0, 0, 0}, {0, NEG, 0}, {NEG, 0, 0}, {NEG, NEG, NEG},
      {0xBF800000, ONE, 0},                    // exact zero: +0
      {NEG, 0xBF800000, 0xBF800000}, {0, ONE, ONE},
      {INF, ONE, INF}, {INF, INF, INF}, {INF, NEG | INF, NAN_}, {NEG | INF, 0x7F7FFFFF, NEG | INF},
      {0x7F800001, ONE, NAN_}, {ONE, 0xFFFFFFFF, NAN_}, {0xFF800001, INF, NAN_},
  };
  CHECK(mx_fp_add, v);
  static const vector differences[] = {
      {ONE, ONE, 0}, {0, 0, 0}, {NEG, 0, NEG}, {0, NEG, 0}, {INF, INF, NAN_},
      {ONE, NAN_, NAN_}, {0x40000000, ONE, ONE}, {INF, NEG | INF, INF},
  };
  CHECK(mx_fp_sub, differences);
}

static void mul_vectors(void **state_) {
  (void)state_;
  static const vector v[] = {
      {ONE, ONE, ONE}, {0xBF800000, ONE, 0xBF800000}, {0xC0000000, 0xC0000000, 0x40800000},
      {0x3F800001, 0x3F800001, 0x3F800002},        // 1 + 2^-22 + 2^-46: down
      {0x3F800001, 0x3FC00000, 0x3FC00002},        // a tie, to even
      {0x3F800003, 0x3FC00000, 0x3FC00004},        // a tie, to even
      {0x3FFFFFFF, 0x3FFFFFFF, 0x407FFFFE},
      {0x3FFFFFFF, 0x3F800001, 0x40000000},        // rounding carries into the exponent
      {0x7F7FFFFF, 0x3F800001, INF}, {0x7F000000, 0x40000000, INF},
      {0x7F000000, 0xC0000000, NEG | INF},
      {0x00800000, 0x3F800000, 0x00800000},
      {0x00FFFFFE, 0x3F000001, 0x00800000},        // below 2^-126, rounds up to it: kept
      {0x00FFFFFF, 0x3F000000, 0},                 // below after rounding, though exact: zero
      {0x80800000, 0x3F7FFFFF, NEG},
      {0x00800000, 0x00800000, 0}, {0x80800000, 0x00800000, NEG},
      {0x007FFFFF, 0x7F7FFFFF, 0},                 // a subnormal operand is zero
      {0x807FFFFF, 0x7F7FFFFF, NEG}, {0x007FFFFF, INF, NAN_},
      {0, ONE, 0}, {NEG, ONE, NEG}, {NEG, NEG, 0},
      {INF, 0, NAN_}, {NEG, INF, NAN_}, {INF, NEG | INF, NEG | INF}, {INF, 0x00800000, INF},
      {NAN_, 0, NAN_}, {0x7F800001, ONE, NAN_}, {ONE, 0xFFC00001, NAN_},
  };
  CHECK(mx_fp_mul, v);
}

static uint32_t gt(uint32_t a, uint32_t b) { return mx_fp_gt(a, b); }

static void order_vectors(void **state_) {
  (void)state_;
  static const vector larger[] = {
      {ONE, 0x40000000, 0x40000000}, {0xBF800000, 0xC0000000, 0xBF800000}, {ONE, 0xC0000000, ONE},
      {0, NEG, 0}, {NEG, 0, 0}, {NEG, NEG, NEG},
      {0x007FFFFF, NEG, 0}, {0x80000001, 0x807FFFFF, NEG}, {0x007FFFFF, 0x00800000, 0x00800000},
      {0x80800000, 0x807FFFFF, NEG},
      {INF, 0x7F7FFFFF, INF}, {NEG | INF, 0xFF7FFFFF, 0xFF7FFFFF},
      {NAN_, ONE, NAN_}, {NEG | INF, 0xFF800001, NAN_}, {0x7FFFFFFF, NAN_, NAN_},
  };
  CHECK(mx_fp_max, larger);
  static const vector greater[] = {
      {0x40000000, ONE, 1}, {ONE, 0x40000000, 0}, {ONE, ONE, 0}, {0xBF800000, 0xC0000000, 1},
      {0, NEG, 0}, {NEG, 0, 0}, {0x007FFFFF, 0, 0}, {0x00800000, 0x007FFFFF, 1},
      {0x807FFFFF, 0x80800000, 1}, {INF, 0x7F7FFFFF, 1}, {0, NEG | INF, 1},
      {NAN_, 0, 0}, {INF, NAN_, 0}, {NAN_, NAN_, 0}, {NAN_, NEG | INF, 0},
  };
  CHECK(gt, greater);
}

static uint32_t from_bf16(uint32_t a, uint32_t unused) { (void)unused; return mx_fp_from_bf16((uint16_t)a); }
static uint32_t from_f16(uint32_t a, uint32_t unused) { (void)unused; return mx_fp_from_f16((uint16_t)a); }
static uint32_t from_e8m0(uint32_t a, uint32_t unused) { (void)unused; return mx_fp_from_e8m0((uint8_t)a); }

static void conversion_vectors(void **state_) {
  (void)state_;
  static const vector bf16[] = {
      {0x3F80, 0, ONE}, {0x8000, 0, NEG}, {0x007F, 0, 0}, {0x8001, 0, NEG}, {0x0080, 0, 0x00800000},
      {0xFF7F, 0, 0xFF7F0000}, {0x7F80, 0, INF}, {0xFF80, 0, NEG | INF}, {0x7F81, 0, NAN_}, {0xFFFF, 0, NAN_},
  };
  CHECK(from_bf16, bf16);
  static const vector f16[] = {
      {0x0000, 0, 0}, {0x8000, 0, NEG}, {0x3C00, 0, ONE}, {0xC000, 0, 0xC0000000}, {0x7BFF, 0, 0x477FE000},
      {0x0400, 0, 0x38800000}, {0x03FF, 0, 0x387FC000}, {0x0001, 0, 0x33800000}, {0x8001, 0, 0xB3800000},
      {0x0200, 0, 0x38000000}, {0x7C00, 0, INF}, {0xFC00, 0, NEG | INF}, {0x7C01, 0, NAN_}, {0xFE00, 0, NAN_},
  };
  CHECK(from_f16, f16);
  static const vector e8m0[] = {{0, 0, 0}, {1, 0, 0x00800000}, {127, 0, ONE}, {254, 0, 0x7F000000}, {255, 0, NAN_}};
  CHECK(from_e8m0, e8m0);
}

// Every half against its definition.
static void all_halves(void **state_) {
  (void)state_;
  for (uint32_t h = 0; h < 0x7C00; h++) {
    int e = (int)(h >> 10);
    float f = ldexpf((float)((h & 0x3FF) + (e ? 0x400 : 0)), (e ? e : 1) - 25);
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    assert_int_equal(mx_fp_from_f16((uint16_t)h), bits);
    assert_int_equal(mx_fp_from_f16((uint16_t)(h | 0x8000)), bits | NEG);
  }
}

typedef struct {
  int32_t dot;
  mx_scale_kind kind;
  uint16_t scale;
  uint8_t x_exp;
  unsigned frac;
  uint32_t y;
} term;

static void term_vectors(void **state_) {
  (void)state_;
  static const term v[] = {
      {1, MX_SCALE_NONE, 0xFFFF, 127, 0, ONE},             // the scale is not read
      {-3, MX_SCALE_NONE, 0, 127, 12, 0xBA400000},         // -3 * 2^-12
      {516128, MX_SCALE_E8M0, 127, 127, 12, 0x42FC0400},   // a block of 32 times 127 * 127
      {1 << 22, MX_SCALE_E8M0, 254, 104, 0, 0x7E800000},   // 2^(22 + 127 - 23)
      {1, MX_SCALE_E8M0, 254, 127, 0, 0x7F000000},
      {2, MX_SCALE_E8M0, 254, 127, 0, INF},
      {-2, MX_SCALE_E8M0, 254, 127, 0, NEG | INF},
      {1, MX_SCALE_E8M0, 1, 127, 0, 0x00800000},
      {1, MX_SCALE_E8M0, 1, 126, 0, 0},                    // 2^-127: flushed
      {-1, MX_SCALE_E8M0, 0, 127, 0, NEG},                 // with its sign
      {2, MX_SCALE_E8M0, 0, 127, 0, 0x00800000},           // the scale alone is not flushed
      {1, MX_SCALE_E8M0, 0x7F7F, 127, 0, ONE},             // bits 15..8 are not read
      {0, MX_SCALE_E8M0, 254, 254, 0, 0},
      {0, MX_SCALE_E8M0, 255, 127, 0, NAN_}, {1, MX_SCALE_NONE, 0, 255, 0, NAN_},
      {0, MX_SCALE_NONE, 0, 255, 0, NAN_},
      {1, MX_SCALE_F16, 0x3C00, 127, 0, ONE}, {1, MX_SCALE_F16, 0xBC00, 127, 0, 0xBF800000},
      {1, MX_SCALE_F16, 0x0001, 127, 0, 0x33800000},       // subnormal half, exact
      {-3, MX_SCALE_F16, 0x83FF, 127, 0, 0x393FD000},
      {5, MX_SCALE_F16, 0x0000, 127, 0, 0}, {-5, MX_SCALE_F16, 0x0000, 127, 0, 0},  // exact zero: +0
      {0, MX_SCALE_F16, 0x8000, 127, 0, 0},
      {1, MX_SCALE_F16, 0x7C00, 127, 0, NAN_}, {0, MX_SCALE_F16, 0xFC01, 127, 0, NAN_},
      {0x200001, MX_SCALE_F16, 0x3E80, 127, 0, 0x4A500006},  // times 1.625: a tie, down to even
      {0x200003, MX_SCALE_F16, 0x3E80, 127, 0, 0x4A500014},  // a tie, up to even
      {4194303, MX_SCALE_F16, 0x3FFF, 127, 0, 0x4AFFDFFC},
  };
  for (size_t i = 0; i < COUNT(v); i++) {
    uint32_t y = mx_fp_term(v[i].dot, v[i].kind, v[i].scale, v[i].x_exp, v[i].frac);
    if (y != v[i].y)
      fail_msg("term(%d, %d, %04X, %d, %u) = %08X, expected %08X", (int)v[i].dot,
               (int)v[i].kind, v[i].scale, v[i].x_exp, v[i].frac, (unsigned)y, (unsigned)v[i].y);
  }
}

// ---- the host's arithmetic, with the flush of this contract ----

static double value_of(uint32_t a) {
  if (!(a & INF)) a &= NEG;
  float f;
  memcpy(&f, &a, sizeof f);
  return (double)f;
}

// x exact or rounded to odd. Scaled away from the subnormals while it is
// rounded, so that the host's tininess does not matter.
static uint32_t round_host(double x) {
  if (isnan(x)) return NAN_;
  bool tiny = fabs(x) < 0x1p-100;
  float f = (float)(tiny ? x * 0x1p100 : x);
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  if (!tiny || f == 0) return bits;
  uint32_t e = bits >> 23 & 0xFF;
  return e <= 100 ? bits & NEG : bits - (100u << 23);
}

// The sum rounded to odd in 53 bits (two-sum gives the error of the rounded
// one), so that the second rounding is as if it were the only one.
static double add_to_odd(double a, double b) {
  volatile double s = a + b;
  if (!isfinite(s) || s == 0) return s;
  volatile double bb = s - a;
  double lost = (a - (s - bb)) + (b - bb);
  uint64_t bits;
  double r = s;
  memcpy(&bits, &r, sizeof bits);
  if (lost != 0 && !(bits & 1)) bits += (lost > 0) == (r > 0) ? 1 : UINT64_MAX;
  memcpy(&r, &bits, sizeof r);
  return r;
}

static uint32_t random_fraction(void) {
  uint32_t f = (uint32_t)(random64() >> 41);
  unsigned run = (unsigned)(random64() >> 40) % 24;
  switch (random64() >> 62) {
    case 0: return f << run & 0x7FFFFF;
    case 1: return (f | 0x7FFFFFu >> run) & 0x7FFFFF;
    default: return f;
  }
}

static uint32_t random_operand(uint32_t about) {
  uint32_t sign = (uint32_t)(random64() >> 32) & NEG;
  uint32_t e = (uint32_t)(random64() >> 56);
  if (random64() >> 63) e = ((about >> 23) + e % 64 - 32) & 0xFF;
  if (!(random64() >> 60)) e = random64() >> 63 ? 0 : 255;
  if (!(random64() >> 59)) return sign | e << 23;
  if (!(random64() >> 59)) return about ^ sign;
  return sign | e << 23 | random_fraction();
}

static void random_against_host(void **state_) {
  (void)state_;
  print_message("seed %llu (repeat with MX_SEED=%llu)\n", (unsigned long long)seed, (unsigned long long)seed);
  state = seed * 0x9E3779B97F4A7C15ull + 0x1234567;
  for (int i = 0; i < RANDOM_PAIRS; i++) {
    uint32_t a = random_operand(ONE), b = random_operand(a);
    double x = value_of(a), y = value_of(b);
    vector sum = {a, b, round_host(add_to_odd(x, y))};
    check("mx_fp_add", mx_fp_add, &sum, 1);
    vector difference = {a, b, round_host(add_to_odd(x, -y))};
    check("mx_fp_sub", mx_fp_sub, &difference, 1);
    vector product = {a, b, round_host(x * y)};  // exact in 48 bits
    check("mx_fp_mul", mx_fp_mul, &product, 1);
    vector order = {a, b, x > y};
    check("mx_fp_gt", gt, &order, 1);
  }
}

static void random_terms(void **state_) {
  (void)state_;
  state = seed * 0x9E3779B97F4A7C15ull + 0x7654321;
  for (int i = 0; i < RANDOM_PAIRS / 4; i++) {
    int32_t dot = (int32_t)(random64() >> (42 + random64() % 22)) * (random64() >> 63 ? -1 : 1);
    uint16_t half = (uint16_t)(random64() >> 48);
    uint8_t scale = (uint8_t)(random64() >> 56), x_exp = (uint8_t)(random64() >> 56);
    unsigned frac = (unsigned)(random64() >> 60);
    double x = ldexp(1, x_exp - 127 - (int)frac);
    double f16 = (half & 0x7C00) == 0x7C00 ? NAN : value_of(mx_fp_from_f16(half));
    double e8m0 = scale == 255 ? NAN : ldexp(1, scale - 127);
    if (x_exp == 255) x = NAN;
    // Each product is exact; an exact zero has no sign.
    uint32_t want_f16 = round_host(dot * f16 * x + 0.0);
    uint32_t want_e8m0 = round_host(dot * e8m0 * x + 0.0);
    uint32_t want_none = round_host(dot * x + 0.0);
    uint32_t y_f16 = mx_fp_term(dot, MX_SCALE_F16, half, x_exp, frac);
    uint32_t y_e8m0 = mx_fp_term(dot, MX_SCALE_E8M0, scale, x_exp, frac);
    uint32_t y_none = mx_fp_term(dot, MX_SCALE_NONE, half, x_exp, frac);
    if (y_f16 != want_f16 || y_e8m0 != want_e8m0 || y_none != want_none)
      fail_msg("term(dot %d, half %04X, e8m0 %d, x_exp %d, frac %u) = %08X %08X %08X, expected %08X %08X %08X",
               (int)dot, half, scale, x_exp, frac, (unsigned)y_f16, (unsigned)y_e8m0, (unsigned)y_none,
               (unsigned)want_f16, (unsigned)want_e8m0, (unsigned)want_none);
  }
}

int main(int argc, char **argv) {
  const char *text = argc > 1 ? argv[1] : getenv("MX_SEED");
  if (text) seed = strtoull(text, NULL, 0);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(add_vectors),   cmocka_unit_test(mul_vectors),        cmocka_unit_test(order_vectors),
      cmocka_unit_test(conversion_vectors), cmocka_unit_test(all_halves),    cmocka_unit_test(term_vectors),
      cmocka_unit_test(random_against_host), cmocka_unit_test(random_terms),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
