#ifndef MX_FP32_H
#define MX_FP32_H
// FP32 arithmetic as bit patterns: the definition that every engine meets.
// golden/README.md, "FP32", is the text of it. In short: round to nearest
// even; subnormal inputs count as zeros of their sign; a result that is below
// 2^-126 after rounding is a zero of its sign; every NaN result is MX_FP_NAN.
// No function here has a failure, an allocation or a state.
#include <stdbool.h>
#include <stdint.h>

#define MX_FP_SIGN 0x80000000u
#define MX_FP_INF 0x7F800000u
#define MX_FP_NAN 0x7FC00000u
#define MX_FP_ONE 0x3F800000u

// a + b and a - b. An exact zero sum is +0, except (-0) + (-0) = -0.
uint32_t mx_fp_add(uint32_t a, uint32_t b);
uint32_t mx_fp_sub(uint32_t a, uint32_t b);
uint32_t mx_fp_mul(uint32_t a, uint32_t b);

// The larger of a and b: NaN if either is NaN; +0 is larger than -0.
uint32_t mx_fp_max(uint32_t a, uint32_t b);

// a > b as IEEE compares: false if either is NaN, and zeros are equal.
// An argmax that replaces its best value when mx_fp_gt(new, best) keeps the
// first of equals, skips NaN, and never leaves a NaN that came first.
bool mx_fp_gt(uint32_t a, uint32_t b);

// Conversions to FP32. All are exact, except that BF16 subnormals and the
// E8M0 code 0x00 (2^-127) become zeros. F16 subnormals convert exactly.
uint32_t mx_fp_from_bf16(uint16_t a);
uint32_t mx_fp_from_f16(uint16_t a);
uint32_t mx_fp_from_e8m0(uint8_t a);

// How the 16-bit scale of a weight block reads.
typedef enum {
  MX_SCALE_NONE = 0,  // 1, whatever the bits say
  MX_SCALE_E8M0 = 1,  // 2^(bits 7..0 - 127); 0xFF is NaN
  MX_SCALE_F16 = 2,   // an IEEE half, sign and subnormals included; Inf is NaN
} mx_scale_kind;

// One block's addend to the accumulator, rounded once:
//   dot * scale * 2^(x_exp - 127) * 2^-frac
// dot    exact integer dot product, |dot| <= 2^22
// x_exp  E8M0 exponent of the activation block; 0xFF is NaN
// frac   0..15, fraction bits of the two element formats together
// An exact zero is +0 whatever the signs; NaN scales win over it.
uint32_t mx_fp_term(int32_t dot, mx_scale_kind kind, uint16_t scale, uint8_t x_exp, unsigned frac);

#endif
