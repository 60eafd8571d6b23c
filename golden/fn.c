#include "golden/fn.h"

#include <stdbool.h>

#include "golden/fp32.h"

static const mx_fn_coef table[MX_FN_BANKS * MX_FN_SEGMENTS] = {
#define SEGMENT(c0_, c1_, c2_) {c0_, c1_, c2_},
#include "golden/fn_table.def"
#undef SEGMENT
};

const mx_fn_coef *mx_fn_segment(mx_fn_bank bank, uint32_t v) {
  return &table[(unsigned)bank * MX_FN_SEGMENTS + (v >> 17)];
}

uint32_t mx_fn_core(const mx_fn_coef *segment, uint32_t v) {
  uint32_t d = v & 0x1FFFF;                                    // 17 bits, unit 2^-24
  uint32_t slope = segment->c1 + (segment->c2 * (d >> 4) >> 14);  // 18 bits, unit 2^-18
  uint32_t rise = (uint32_t)((uint64_t)slope * d >> 15);       // 20 bits, unit 2^-27
  return (segment->c0 + rise) >> 3;
}

static uint32_t core(mx_fn_bank bank, uint32_t v) {
  return mx_fn_core(mx_fn_segment(bank, v), v);
}

static uint32_t exponent(uint32_t a) { return a >> 23 & 0xFF; }
static bool is_nan(uint32_t a) { return (a & ~MX_FP_SIGN) > MX_FP_INF; }

// m * 2^(biased - 150 + 1) for m from 2^23 to 2^24: m = 2^24 is the next
// power of two. Out of range: infinity or a zero of the sign.
static uint32_t pack(uint32_t sign, int biased, uint32_t m) {
  biased += (int)(m >> 24);
  if (biased >= 255) return sign | MX_FP_INF;
  if (biased <= 0) return sign;
  return sign | (uint32_t)biased << 23 | (m & 0x7FFFFF);
}

// The fraction turned round, so that every bank is an increasing convex
// function of v: v * 2^-24 = 2 - 1.f - 2^-24.
static uint32_t mirrored(uint32_t a) { return (~a & 0x7FFFFF) << 1 | 1; }

uint32_t mx_fp_exp2(uint32_t a) {
  if (is_nan(a)) return MX_FP_NAN;
  uint32_t e = exponent(a);
  bool negative = a & MX_FP_SIGN;
  if (e >= 135) return negative ? 0 : MX_FP_INF;  // |a| >= 256

  // |a| in units of 2^-24, rounded half up; below 2^-24 it is 0.
  uint64_t wide = (uint64_t)((a & 0x7FFFFF) | 0x800000) << 9;  // unit 2^(e - 159)
  unsigned right = 134 - e;
  int64_t fixed = right < 32 ? (int64_t)(((wide >> right) + 1) >> 1) : 0;
  if (negative) fixed = -fixed;
  int whole = (int)(fixed >> 24);
  return pack(0, whole + 127, core(MX_BANK_EXP2, (uint32_t)fixed & 0xFFFFFF));
}

uint32_t mx_fp_recip(uint32_t a) {
  if (is_nan(a)) return MX_FP_NAN;
  uint32_t sign = a & MX_FP_SIGN;
  uint32_t e = exponent(a);
  if (e == 0) return sign | MX_FP_INF;
  if (e == 255) return sign;
  return pack(sign, 253 - (int)e, core(MX_BANK_RECIP, mirrored(a)));
}

uint32_t mx_fp_rsqrt(uint32_t a) {
  if (is_nan(a)) return MX_FP_NAN;
  uint32_t sign = a & MX_FP_SIGN;
  uint32_t e = exponent(a);
  if (e == 0) return sign | MX_FP_INF;
  if (sign) return MX_FP_NAN;
  if (e == 255) return 0;
  // An odd biased exponent is an even power of two.
  mx_fn_bank bank = e & 1 ? MX_BANK_RSQRT_EVEN : MX_BANK_RSQRT_ODD;
  return pack(0, 190 - (int)((e + 1) / 2), core(bank, mirrored(a)));
}
