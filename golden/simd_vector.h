// Part of simd_avx512.c and simd_avx2.c: the vector unit's kernels.

enum { SUMS = MX_SUM_PARTIALS / LANES };

// ---- functions: fn.c in lanes ----------------------------------------------------

// The table of fn.c by columns: c0, and c1 << 12 | c2.
static const uint32_t constant[MX_FN_BANKS * MX_FN_SEGMENTS] = {
#define SEGMENT(c0_, c1_, c2_) c0_,
#include "golden/fn_table.def"
#undef SEGMENT
};
static const uint32_t slopes[MX_FN_BANKS * MX_FN_SEGMENTS] = {
#define SEGMENT(c0_, c1_, c2_) (uint32_t)(c1_) << 12 | (c2_),
#include "golden/fn_table.def"
#undef SEGMENT
};

static inline ints core(ints bank, ints v) {
  ints at = bank * MX_FN_SEGMENTS + (v >> 17), d = v & 0x1FFFF;
  ints both = gather(slopes, at);
  ints slope = (both >> 12) + ((both & 0xFFF) * (d >> 4) >> 14);
  // slope * d >> 15 in two products of 26 bits.
  ints rise = ((slope >> 9) * d + ((slope & 511) * d >> 9)) >> 6;
  return (gather(constant, at) + rise) >> 3;
}

static inline ints pack(ints sign, ints biased, ints m) {
  biased += m >> 24;
  ints r = sign | biased << 23 | (m & 0x7FFFFF);
  r = choose(biased >= 255, sign | (int32_t)MX_FP_INF, r);
  return choose(biased <= 0, sign, r);
}

static inline ints exponents(ints v) { return (v >> 23) & 0xFF; }
static inline ints mirrored(ints v) { return (~v & 0x7FFFFF) << 1 | 1; }

static inline ints exp2_of(ints v) {
  ints e = exponents(v), negative = v < 0;
  // |v| in units of 2^-24: the significand has 8 bits of room on the left.
  ints wide = ((v & 0x7FFFFF) | 0x800000) << 8;
  ints halves = shift_right(wide, (133 - e) & 31);
  ints t = choose(e == 134, wide, (ints)(((words)halves + 1) >> 1));
  t = choose(e >= 103, t, all(0));
  ints whole = (ints)((words)t >> 24), part = t & 0xFFFFFF;
  whole = choose(negative, (part != 0) - whole, whole);
  part = choose(negative, -part & 0xFFFFFF, part);
  ints r = pack(all(0), whole + 127, core(all(MX_BANK_EXP2), part));
  r = choose(e >= 135, ~negative & (int32_t)MX_FP_INF, r);
  return choose(is_nan(v), all((int32_t)MX_FP_NAN), r);
}

static inline ints recip_of(ints v) {
  ints e = exponents(v), sign = v & (int32_t)MX_FP_SIGN;
  ints r = pack(sign, 253 - e, core(all(MX_BANK_RECIP), mirrored(v)));
  r = choose(e == 0, sign | (int32_t)MX_FP_INF, r);
  r = choose(e == 255, sign, r);
  return choose(is_nan(v), all((int32_t)MX_FP_NAN), r);
}

static inline ints rsqrt_of(ints v) {
  ints e = exponents(v), sign = v & (int32_t)MX_FP_SIGN;
  ints bank = MX_BANK_RSQRT_ODD - (e & 1);
  ints r = pack(all(0), 190 - ((e + 1) >> 1), core(bank, mirrored(v)));
  r = choose(e == 255, all(0), r);
  r = choose(sign != 0, all((int32_t)MX_FP_NAN), r);
  r = choose(e == 0, sign | (int32_t)MX_FP_INF, r);
  return choose(is_nan(v), all((int32_t)MX_FP_NAN), r);
}

// ---- elements ----------------------------------------------------------------------

// Ascending as signed integers, -0 just below +0; not for NaN.
static inline ints order(ints v) { return v ^ ((v >> 31) & 0x7FFFFFFF); }
static inline ints flush(ints v) { return choose(exponents(v) == 0, v & (int32_t)MX_FP_SIGN, v); }

static inline ints max_of(ints a, ints b) {
  ints nan = is_nan(a) | is_nan(b);
  a = flush(a);
  b = flush(b);
  return choose(nan, all((int32_t)MX_FP_NAN), choose(order(a) > order(b), a, b));
}

static inline ints operate(unsigned op, ints a, ints b) {
  switch (op) {
    case MX_UOP_ADD: return one_nan((ints)((floats)a + (floats)b));
    case MX_UOP_SUB: return one_nan((ints)((floats)a - (floats)b));
    case MX_UOP_MUL: return one_nan((ints)((floats)a * (floats)b));
    case MX_UOP_MAX: return max_of(a, b);
    default: return a;
  }
}

static inline ints function(unsigned fn, ints v) {
  switch (fn) {
    case MX_FN_EXP2: return exp2_of(v);
    case MX_FN_RECIP: return recip_of(v);
    case MX_FN_RSQRT: return rsqrt_of(v);
    default: return v;
  }
}

// ---- reductions ----------------------------------------------------------------------

typedef struct {
  floats sum[SUMS];   // partial sums of vec.c
  ints greatest;      // MAX: FP32; ARGMAX: order of the lane's greatest
  ints index;         // ARGMAX: where that is
} reduction;

static inline reduction reduction_begin(unsigned red) {
  return (reduction){.greatest = all((int32_t)(red == MX_RED_MAX ? MX_FP_SIGN | MX_FP_INF : MX_FP_SIGN))};
}

// Elements i .. of the vector; lanes outside `valid` hold nothing.
static inline void reduce(reduction *r, unsigned red, uint32_t i, ints v, ints valid) {
  if (red == MX_RED_SUM) {
    floats *s = &r->sum[i / LANES % SUMS];
    *s = (floats)choose(valid, (ints)(*s + (floats)v), (ints)*s);
  } else if (red == MX_RED_MAX) {
    r->greatest = choose(valid, max_of(r->greatest, v), r->greatest);
  } else {
    ints number = choose(exponents(v) == 0, all(0), v);  // zeros are equal
    ints better = valid & ~is_nan(v) & (order(number) > r->greatest);
    r->greatest = choose(better, order(number), r->greatest);
    r->index = choose(better, load(lane_numbers) + (int32_t)i, r->index);
  }
}

static uint32_t sum_end(const reduction *r) {
  uint32_t s[MX_SUM_PARTIALS];
  memcpy(s, r->sum, sizeof s);
  for (unsigned w = MX_SUM_PARTIALS / 2; w; w /= 2)
    for (unsigned j = 0; j < w; j++) s[j] = mx_fp_add(s[j], s[j + w]);
  return s[0];
}

static uint32_t max_end(const reduction *r) {
  uint32_t greatest = MX_FP_SIGN | MX_FP_INF;
  for (int i = 0; i < LANES; i++) greatest = mx_fp_max(greatest, (uint32_t)r->greatest[i]);
  return greatest;
}

static uint32_t argmax_end(const reduction *r) {
  int best = 0;
  for (int i = 1; i < LANES; i++)
    if (r->greatest[i] > r->greatest[best] || (r->greatest[i] == r->greatest[best] && r->index[i] < r->index[best])) best = i;
  return (uint32_t)r->index[best];
}

static uint32_t reduction_end(const reduction *r, unsigned red) {
  return red == MX_RED_SUM ? sum_end(r) : red == MX_RED_MAX ? max_end(r) : argmax_end(r);
}

// ---- a microinstruction ----------------------------------------------------------------

// Lanes below n.
static inline ints below(uint32_t n) {
  static const int32_t edge[2 * LANES] = {[0 ... LANES - 1] = -1};
  return load(edge + (n < LANES ? LANES - n : 0));
}

static inline ints load_some(const uint32_t *p, uint32_t n) {
  if (n >= LANES) return load(p);
  uint32_t some[LANES] = {0};
  memcpy(some, p, 4 * n);
  return load(some);
}

static inline void store_some(uint32_t *p, ints v, uint32_t n) {
  if (n >= LANES) store(p, v);
  else memcpy(p, &v, 4 * n);
}

static void vector(const mx_simd_vector *v) {
  reduction r = reduction_begin(v->red);
  ints scalar = all(v->broadcast ? (int32_t)v->b[0] : 0);
  for (uint32_t i = 0; i < v->n; i += LANES) {
    uint32_t n = v->n - i;
    ints b = v->broadcast || v->op == MX_UOP_MOV ? scalar : load_some(v->b + i, n);
    ints y = function(v->fn, operate(v->op, load_some(v->a + i, n), b));
    if (v->red == MX_RED_NONE) store_some(v->dst + i, y, n);
    else reduce(&r, v->red, i, y, below(n));
  }
  if (v->red != MX_RED_NONE) v->dst[0] = reduction_end(&r, v->red);
}

// ---- quantization --------------------------------------------------------------------

static uint32_t greatest_exponent(const uint32_t *v, uint32_t n) {
  ints greatest = all(0);
  for (uint32_t i = 0; i < n; i += LANES) {
    ints size = load(v + i) & 0x7FFFFFFF;
    greatest = choose(size > greatest, size, greatest);
  }
  int32_t most = 0;
  for (int i = 0; i < LANES; i++) most = greatest[i] > most ? greatest[i] : most;
  return (uint32_t)most >> 23;
}

static bool quantize(const uint32_t *v, uint32_t block, unsigned bits_code, bool fixed, int8_t *q, uint8_t *scale) {
  int32_t f = (int32_t)mx_fraction_bits(bits_code), most = mx_element_max(bits_code);
  int32_t e = (int32_t)greatest_exponent(v, block), exponent = fixed ? 127 : 254 + f - e;  // of the factor
  if (e == 255 || exponent > 254) return false;
  // A sum of 1.5 * 2^23 has the integer, rounded, in its lowest bits.
  floats factor = (floats)all(exponent << 23), magic = (floats)all(0x4B400000);
  floats limit = (floats)to_floats(all(most));
  for (uint32_t i = 0; i < block; i += LANES) {
    floats x = (floats)load(v + i) * factor;
    x = (floats)choose(x > limit, (ints)limit, (ints)x);
    x = (floats)choose(x < -limit, (ints)-limit, (ints)x);
    narrow(q + i, (ints)(x + magic) - (ints)magic);
  }
  *scale = (uint8_t)(fixed ? 127 + f : e);
  return true;
}
