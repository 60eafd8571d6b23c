#include "golden/fp32.h"

#define HIDDEN 0x00800000u     // leading one of a 24-bit significand
#define FRACTION 0x007FFFFFu

static uint32_t exponent(uint32_t a) { return a >> 23 & 0xFF; }
static bool is_nan(uint32_t a) { return (a & ~MX_FP_SIGN) > MX_FP_INF; }
static bool is_inf(uint32_t a) { return (a & ~MX_FP_SIGN) == MX_FP_INF; }

// Subnormal inputs read as zeros of their sign.
static uint32_t flush(uint32_t a) { return exponent(a) ? a : a & MX_FP_SIGN; }

// Significand of a normal number: value = significand * 2^(exponent - 150).
static uint32_t significand_of(uint32_t a) { return (a & FRACTION) | HIDDEN; }

// Position of the leading one; x != 0.
static int leading_one(uint64_t x) {
  int n = 0;
  for (int step = 32; step; step >>= 1)
    if (x >> step) {
      x >>= step;
      n += step;
    }
  return n;
}

// x / 2^n, with bit 0 set if anything was lost: rounds the same afterwards, as
// long as at least two bits below the rounding position remain.
static uint64_t shift_right_jam(uint64_t x, unsigned n) {
  if (n > 63) return x != 0;
  return x >> n | ((x & ((UINT64_C(1) << n) - 1)) != 0);
}

// The FP32 of magnitude * 2^exp with the given sign bit; magnitude != 0.
// Rounded to 24 bits first, as if the exponent had no bounds, then flushed.
static uint32_t round_pack(uint32_t sign, uint64_t magnitude, int exp) {
  int lead = leading_one(magnitude);
  int e = exp + lead;
  uint64_t m;
  if (lead <= 23) {
    m = magnitude << (23 - lead);
  } else {
    int drop = lead - 23;
    uint64_t half = UINT64_C(1) << (drop - 1);
    uint64_t rest = magnitude & (2 * half - 1);
    m = magnitude >> drop;
    if (rest > half || (rest == half && (m & 1))) m++;
    if (m == 2 * HIDDEN) {
      m = HIDDEN;
      e++;
    }
  }
  if (e < -126) return sign;
  if (e > 127) return sign | MX_FP_INF;
  return sign | (uint32_t)(e + 127) << 23 | ((uint32_t)m & FRACTION);
}

uint32_t mx_fp_add(uint32_t a, uint32_t b) {
  if (is_nan(a) || is_nan(b)) return MX_FP_NAN;
  a = flush(a);
  b = flush(b);
  if ((a & ~MX_FP_SIGN) < (b & ~MX_FP_SIGN)) {
    uint32_t t = a;
    a = b;
    b = t;
  }
  uint32_t sign = a & MX_FP_SIGN;
  bool differ = (a ^ b) & MX_FP_SIGN;
  if (is_inf(a)) return is_inf(b) && differ ? MX_FP_NAN : a;
  if (!exponent(b)) return exponent(a) ? a : a & b;  // a is the larger: both zero

  // 30 bits below the significand: the shifted operand keeps every bit that
  // can matter, and the sum stays within 55 bits.
  uint64_t large = (uint64_t)significand_of(a) << 30;
  uint64_t small = shift_right_jam((uint64_t)significand_of(b) << 30, exponent(a) - exponent(b));
  uint64_t sum = differ ? large - small : large + small;
  if (!sum) return 0;
  return round_pack(sign, sum, (int)exponent(a) - 150 - 30);
}

uint32_t mx_fp_sub(uint32_t a, uint32_t b) { return mx_fp_add(a, b ^ MX_FP_SIGN); }

uint32_t mx_fp_mul(uint32_t a, uint32_t b) {
  if (is_nan(a) || is_nan(b)) return MX_FP_NAN;
  a = flush(a);
  b = flush(b);
  uint32_t sign = (a ^ b) & MX_FP_SIGN;
  bool zero = !exponent(a) || !exponent(b);
  if (is_inf(a) || is_inf(b)) return zero ? MX_FP_NAN : sign | MX_FP_INF;
  if (zero) return sign;
  uint64_t product = (uint64_t)significand_of(a) * significand_of(b);
  return round_pack(sign, product, (int)exponent(a) + (int)exponent(b) - 300);
}

// Ascending with the value, for all but NaN; -0 is just below +0.
static uint32_t order(uint32_t a) { return a & MX_FP_SIGN ? ~a : a | MX_FP_SIGN; }

uint32_t mx_fp_max(uint32_t a, uint32_t b) {
  if (is_nan(a) || is_nan(b)) return MX_FP_NAN;
  a = flush(a);
  b = flush(b);
  return order(a) > order(b) ? a : b;
}

bool mx_fp_gt(uint32_t a, uint32_t b) {
  if (is_nan(a) || is_nan(b)) return false;
  a = flush(a);
  b = flush(b);
  bool both_zero = !((a | b) & ~MX_FP_SIGN);
  return order(a) > order(b) && !both_zero;
}

uint32_t mx_fp_from_bf16(uint16_t a) {
  uint32_t x = (uint32_t)a << 16;
  return is_nan(x) ? MX_FP_NAN : flush(x);
}

uint32_t mx_fp_from_f16(uint16_t a) {
  uint32_t sign = (uint32_t)(a & 0x8000u) << 16;
  uint32_t e = a >> 10 & 0x1F;
  uint32_t f = a & 0x3FFu;
  if (e == 31) return f ? MX_FP_NAN : sign | MX_FP_INF;
  if (e) return sign | (e + 112) << 23 | f << 13;
  return f ? round_pack(sign, f, -24) : sign;
}

uint32_t mx_fp_from_e8m0(uint8_t a) { return a == 0xFF ? MX_FP_NAN : (uint32_t)a << 23; }

// A block scale as +-significand * 2^exp; false if it is NaN.
typedef struct {
  uint32_t sign;
  uint32_t significand;  // at most 11 bits
  int exp;
} block_scale;

static bool read_scale(mx_scale_kind kind, uint16_t bits, block_scale *s) {
  *s = (block_scale){.significand = 1};
  if (kind == MX_SCALE_E8M0) {
    s->exp = (bits & 0xFF) - 127;
    return (bits & 0xFF) != 0xFF;
  }
  if (kind == MX_SCALE_F16) {
    int e = bits >> 10 & 0x1F;
    s->sign = (uint32_t)(bits & 0x8000u) << 16;
    s->significand = (bits & 0x3FFu) | (e ? 0x400u : 0);
    s->exp = (e ? e : 1) - 25;
    return e != 31;
  }
  return true;
}

uint32_t mx_fp_term(int32_t dot, mx_scale_kind kind, uint16_t scale, uint8_t x_exp, unsigned frac) {
  block_scale s;
  if (!read_scale(kind, scale, &s) || x_exp == 0xFF) return MX_FP_NAN;
  uint64_t size = dot < 0 ? -(uint64_t)dot : (uint64_t)dot;
  uint64_t product = size * s.significand;
  if (!product) return 0;
  uint32_t sign = dot < 0 ? s.sign ^ MX_FP_SIGN : s.sign;
  return round_pack(sign, product, s.exp + x_exp - 127 - (int)frac);
}
