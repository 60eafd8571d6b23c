// MATMUL at the host's speed in portable C, for hosts without a level of simd.h.
// The bits are those of matmul.c, since
//   - integer dot products do not depend on order;
//   - with every scale in SAFE range a term is a normal float, exact or rounded
//     once by the host's multiplication, as mx_fp_term rounds it once;
//   - the host's addition of normal floats is mx_fp_add where the sum is normal or
//     zero (a sum so small that it is subnormal is exact).
// Where a scale is out of range or a sum is neither, the defining functions are
// called. This file needs IEEE floats, rounding to nearest, and no
// contraction or excess precision.
#include <float.h>
#include <math.h>
#include <string.h>

#include "golden/fp32.h"
#include "golden/matmul.h"

_Static_assert(FLT_EVAL_METHOD == 0, "floats must be evaluated as floats");

enum { SAFE_LOW = -80, SAFE_HIGH = 80 };  // exponent of scale * 2^(x_exp - 127) * 2^-frac

static float power_of_two(int exponent) {
  uint32_t bits = (uint32_t)(exponent + 127) << 23;
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static float float_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static uint32_t bits_of(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

// The bytes of a line in order; where slices interleave, gathered in buffer.
static const uint8_t *line_bytes(const mx_params *p, const mx_stream_format *f, const uint8_t *unit, uint32_t line,
                                 uint8_t buffer[MX_MAX_BLOCK]) {
  uint32_t n = mx_block_length(f) * (f->planar ? 8 : mx_code_bits(f)) / 8, start = line / p->ROWS * n;
  const uint8_t *codes = unit + mx_code_bit_offset(p, f, 0, 0, 0) / 8;
  if (p->ROWS == 1) return codes + start;
  uint32_t part = p->BUS_BITS / 8 / p->ROWS;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = start + i;
    buffer[i] = codes[at / part * mx_beat_bytes(p) + line % p->ROWS * part + at % part];
  }
  return buffer;
}

static int8_t low_nibble(uint8_t byte) { return (int8_t)((int8_t)(uint8_t)(byte << 4) >> 4); }
static int8_t high_nibble(uint8_t byte) { return (int8_t)((int8_t)byte >> 4); }

static void unpack6(const uint8_t *line, uint32_t n, int8_t *w) {
  for (uint32_t i = 0; i < n; i += 4, line += 3) {
    uint32_t bits = (uint32_t)line[0] | (uint32_t)line[1] << 8 | (uint32_t)line[2] << 16;
    for (uint32_t k = 0; k < 4; k++) w[i + k] = (int8_t)((int32_t)(bits << (26 - 6 * k)) >> 26);
  }
}

// Weights of a row: w[B]. Two codes of a byte land half a block apart, and x is
// laid out to match (order_x).
static void unpack_row(const mx_machine *m, const mx_matmul *mm, const uint8_t *unit, uint32_t row, int8_t *w) {
  const mx_stream_format *f = &mm->format;
  uint32_t n = mx_block_length(f), half = n / 2;
  uint8_t buffer[MX_MAX_BLOCK];
  const uint8_t *line = line_bytes(m->params, f, unit, f->planar ? row / 2 : row, buffer);
  if (f->bits == MX_BITS_8) memcpy(w, line, n);
  else if (f->bits == MX_BITS_6) unpack6(line, n, w);
  else if (f->planar)
    for (uint32_t i = 0; i < n; i++) w[i] = row & 1 ? high_nibble(line[i]) : low_nibble(line[i]);
  else if (mm->codebook)
    for (uint32_t i = 0; i < half; i++) {
      w[i] = m->table[line[i] & 15];
      w[half + i] = m->table[line[i] >> 4];
    }
  else
    for (uint32_t i = 0; i < half; i++) {
      w[i] = low_nibble(line[i]);
      w[half + i] = high_nibble(line[i]);
    }
  if (!f->zero) return;
  int zero = (int8_t)unit[mx_zero_offset(m->params, f, row)];
  for (uint32_t i = 0; i < n; i++) w[i] = (int8_t)(uint8_t)(w[i] - zero);
}

static void order_x(const mx_stream_format *f, int8_t *x) {
  uint32_t n = mx_block_length(f);
  int8_t copy[MX_MAX_BLOCK];
  if (f->bits != MX_BITS_4 || f->planar) return;
  memcpy(copy, x, n);
  for (uint32_t i = 0; i < n / 2; i++) {
    x[i] = copy[2 * i];
    x[n / 2 + i] = copy[2 * i + 1];
  }
}

static int32_t dot(const int8_t *w, const int8_t *x, uint32_t n) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += w[i] * x[i];
  return sum;
}

// scale * 2^x_exponent as a float; false if it is out of the safe range.
static bool factor(mx_scale_kind kind, uint16_t scale, int x_exponent, float *out) {
  int exponent = x_exponent;
  if (kind == MX_SCALE_E8M0) exponent += scale - 127;
  if (exponent < SAFE_LOW || exponent > SAFE_HIGH || (kind == MX_SCALE_E8M0 && scale == 0xff)) return false;
  *out = power_of_two(exponent);
  if (kind != MX_SCALE_F16) return true;
  *out *= float_of(mx_fp_from_f16(scale));
  return isfinite(*out);
}

// acc + dot * scale ..., at the host's speed where that is safe.
static uint32_t add_term(uint32_t acc, int32_t product, const mx_matmul *mm, uint16_t scale, uint8_t x_exp) {
  float f;
  if (x_exp != 0xff && factor(mm->format.scale, scale, x_exp - 127 - (int)mm->frac, &f)) {
    float sum = float_of(acc) + ((float)product * f + 0.0f);  // 0 times a negative scale is +0
    if (isnormal(sum) || sum == 0) return bits_of(sum);
  }
  return mx_fp_add(acc, mx_fp_term(product, mm->format.scale, scale, x_exp, mm->frac));
}

void mx_add_unit_fast(const mx_machine *m, const mx_matmul *mm, const uint8_t *unit, uint32_t block, mx_accumulators acc) {
  uint32_t n = mx_block_length(&mm->format);
  int8_t x[MX_MAX_TOKENS][MX_MAX_BLOCK], w[MX_MAX_BLOCK];
  uint8_t x_exp[MX_MAX_TOKENS];
  for (uint32_t t = 0; t < mm->tokens; t++) {
    x_exp[t] = mx_gather_x(m, t, mm->x + block * n, n, x[t]);
    order_x(&mm->format, x[t]);
  }
  for (uint32_t row = 0; row < m->params->GROUP; row++) {
    uint16_t scale = mx_read_scale(m->params, &mm->format, unit, row);
    unpack_row(m, mm, unit, row, w);
    for (uint32_t t = 0; t < mm->tokens; t++) acc[row][t] = add_term(acc[row][t], dot(w, x[t], n), mm, scale, x_exp[t]);
  }
}
