#ifndef MX_FN_H
#define MX_FN_H
// Functions on FP32 bit patterns, defined to the bit by a table and a
// quadratic in integers: golden/README.md, "Functions". The tables are in
// golden/fn_table.def. Errors against the correctly rounded result are at most
// 1 ulp over all inputs; inputs and results follow the rules of fp32.h.
#include <stdint.h>

// 2^a. exp2(+-0) = 1, exp2(+inf) = +inf, exp2(-inf) = +0.
uint32_t mx_fp_exp2(uint32_t a);

// 1/a. recip(+-0) = +-inf, recip(+-inf) = +-0.
uint32_t mx_fp_recip(uint32_t a);

// 1/sqrt(a). rsqrt(+-0) = +-inf, rsqrt(+inf) = +0, rsqrt(a < 0) = NaN.
uint32_t mx_fp_rsqrt(uint32_t a);

// The tables: one quadratic per 1/128 of a function's argument range.
typedef enum {
  MX_BANK_EXP2 = 0,        // 2^v / 2
  MX_BANK_RECIP = 1,       // 1 / (2 - v)
  MX_BANK_RSQRT_EVEN = 2,  // 1 / sqrt(2 - v)
  MX_BANK_RSQRT_ODD = 3,   // 1 / sqrt(2 * (2 - v))
} mx_fn_bank;

enum { MX_FN_BANKS = 4, MX_FN_SEGMENTS = 128 };

typedef struct {
  uint32_t c0;  // 27 bits, bit 26 always set; unit 2^-27; half a result ulp is included
  uint32_t c1;  // 18 bits, unit 2^-18
  uint32_t c2;  // 12 bits, unit 2^-12
} mx_fn_coef;

// The core that the three functions share: the bank's function at
// v * 2^-24, 0 <= v < 2^24, as an integer in units of 2^-24, from 2^23 to 2^24.
uint32_t mx_fn_core(const mx_fn_coef *segment, uint32_t v);
const mx_fn_coef *mx_fn_segment(mx_fn_bank bank, uint32_t v);

#endif
