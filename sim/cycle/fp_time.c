#include "sim/cycle/fp_time.h"

#include "golden/fn.h"
#include "golden/fp32.h"

// Bits are numbered as in fp_serial.sv less 2: a significand has its top bit at
// 31, a result is shifted to have it at 32.
enum {
  TOP = 32, FAR = 31,  // places from which on the other operand is lost
  ROUND = 2, SUM = 2, PRODUCT = 5, FIRST_ALIGN = 1,
  LOOK_UP = 4, RAISE = 13,  // of a function: to its slope; the rest of its argument up
  QUANT_ALIGN = 17,
};

static int exponent(uint32_t a) { return (int)(a >> 23 & 255); }
static uint64_t significand(uint32_t a, bool hidden) { return ((uint64_t)(a & 0x7fffff) | (uint64_t)hidden << 23) << 8; }

// Norm, Round1 and Round2 of `value`, its top bit at `top` at the end.
static uint32_t finish(uint64_t value, int top) {
  if (!value) return 1 + ROUND;
  return 1 + (uint32_t)(top - (63 - __builtin_clzll(value))) + ROUND;
}

// ---- sums ----

static uint64_t sum_of(uint64_t p, uint64_t q, int shift, bool minus) {
  uint64_t moved = q >> shift;
  if (!minus) return p + moved;
  if (moved > p) return moved - p;
  return p - moved - (moved << shift != q);
}

static mx_fp_time time_add(const mx_fp_setting *s, uint32_t p, uint32_t q) {
  int shift = exponent(p) - exponent(q);
  if (shift < 0) return (mx_fp_time){1, true};
  bool far = shift >= FAR || !exponent(q), minus = (p ^ q ^ (uint32_t)s->sub << 31) & MX_FP_SIGN;
  uint64_t a = significand(p, true), sum = far ? a : sum_of(a, significand(q, true), shift, minus);
  return (mx_fp_time){FIRST_ALIGN + (far ? 0 : (uint32_t)shift) + SUM + finish(sum, TOP), false};
}

// ---- products: 48 bits, of which 35 are kept ----

static mx_fp_time time_product(uint64_t a, uint64_t b) {
  return (mx_fp_time){PRODUCT + finish(a * b >> 13, TOP + 2), false};
}

static mx_fp_time time_term(const mx_fp_setting *s, uint32_t p, uint32_t q) {
  uint32_t low = p & 0x7fffff, size = p & MX_FP_SIGN ? 0x800000 - low : low;
  return time_product(size, significand(q, s->hidden) >> 8);
}

// ---- order ----

// Whether p stays in its place, the greater.
static bool keeps_first(uint32_t p, uint32_t q) {
  int ep = exponent(p), eq = exponent(q);
  bool reaches = ep > eq || (ep == eq && (!eq || (p & 0x7fffff) >= (q & 0x7fffff)));
  bool negative = p & MX_FP_SIGN;
  return (p ^ q) & MX_FP_SIGN ? q & MX_FP_SIGN : reaches != negative;
}

static mx_fp_time time_max(const mx_fp_setting *s, uint32_t p, uint32_t q) {
  if (!s->turned && !keeps_first(p, q)) return (mx_fp_time){1, true};
  return (mx_fp_time){1 + finish(significand(p, true), TOP), false};
}

// ---- functions ----

static uint32_t end_exp2(uint32_t p) {
  if (exponent(p) > 133) return 1 + ROUND;       // out of range: the sum is complemented
  if (exponent(p) <= 102) return 2 + ROUND;      // the argument is lost: 1, from below
  uint64_t wide = (uint64_t)((p & 0x7fffff) | 0x800000) << 9;
  int64_t v = (int64_t)(((wide >> (134 - exponent(p))) + 1) >> 1);
  if (p & MX_FP_SIGN) v = -v;
  uint32_t fraction = (uint32_t)v & 0xffffff;
  return (mx_fn_core(mx_fn_segment(MX_BANK_EXP2, fraction), fraction) >> 24 ? 1 : 2) + ROUND;
}

static uint32_t end_root(uint32_t p, unsigned fn) {
  mx_fn_bank bank = fn == 2 ? MX_BANK_RECIP : exponent(p) & 1 ? MX_BANK_RSQRT_EVEN : MX_BANK_RSQRT_ODD;
  uint32_t v = (~p & 0x7fffff) << 1 | 1;
  return (mx_fn_core(mx_fn_segment(bank, v), v) >> 24 ? 1 : 2) + ROUND;
}

static mx_fp_time time_fn(const mx_fp_setting *s, uint32_t p) {
  bool exp2 = !(s->fn & 2);
  int shift = 133 - exponent(p);
  uint32_t align = !exp2 ? 6 : shift < 0 || shift >= FAR ? 0 : (uint32_t)shift;
  uint32_t end = exp2 ? end_exp2(p) : end_root(p, s->fn);
  return (mx_fp_time){1 + FIRST_ALIGN + align + LOOK_UP + RAISE + PRODUCT + SUM + end, false};
}

// ---- rounding to integers ----

static mx_fp_time time_quant(const mx_fp_setting *s, uint32_t p, uint32_t q) {
  int shift = exponent(p) - exponent(q);
  if (shift < 0 || shift >= FAR || !exponent(q)) return (mx_fp_time){FIRST_ALIGN + 1 + ROUND, false};
  uint32_t rest = 1 + QUANT_ALIGN + 2 * (2u - s->bits) + 1 + ROUND;
  return (mx_fp_time){FIRST_ALIGN + (uint32_t)shift + rest, false};
}

mx_fp_time mx_fp_time_of(const mx_fp_setting *s, uint32_t p, uint32_t q) {
  switch (s->op) {
    case MX_FP_ADD: return time_add(s, p, q);
    case MX_FP_MUL: return time_product(significand(p, true) >> 8, significand(q, true) >> 8);
    case MX_FP_MAX: return time_max(s, p, q);
    case MX_FP_FN: return time_fn(s, p);
    case MX_FP_TERM: return time_term(s, p, q);
    case MX_FP_QUANT: return time_quant(s, p, q);
    case MX_FP_ABOVE: return (mx_fp_time){1, false};
    default: return (mx_fp_time){1 + finish(significand(p, s->hidden), TOP), false};
  }
}
