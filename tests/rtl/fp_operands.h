#ifndef MX_FP_OPERANDS_H
#define MX_FP_OPERANDS_H
// Random FP32 operands with the corners that uniform bits seldom meet.
#include <stdint.h>

// One operand of any kind.
uint32_t fp_random(void);
// A second operand: related to `a` half of the time (near its exponent, equal,
// opposite, a few ulp away), so that sums cancel and comparisons are close.
uint32_t fp_random_near(uint32_t a);

// For scaled partial sums: an integer dot product, |dot| <= 2^22, and an E8M0
// exponent, mostly near the bias, where results are in range.
int32_t fp_random_dot(void);
uint8_t fp_random_exp(void);
#endif
