#include "golden/mxint.h"

static uint32_t exponent(uint32_t v) { return v >> 23 & 0xFF; }

static uint32_t greatest_exponent(const uint32_t *v, uint32_t n) {
  uint32_t greatest = 0;
  for (uint32_t i = 0; i < n; i++)
    if (exponent(v[i]) > greatest) greatest = exponent(v[i]);
  return greatest;
}

// x / 2^n to nearest, ties to even; x < 2^24.
static uint32_t shift_round(uint32_t x, uint32_t n) {
  if (n > 24) return 0;  // below one half
  uint32_t whole = x >> n, rest = x & ((1u << n) - 1), half = 1u << (n - 1);
  return whole + (rest > half || (rest == half && (whole & 1)));
}

// |v| * 2^(F - e) = significand * 2^(exponent - 150 + F - (E - 127)), E the
// scale byte. Exponents above E saturate.
static int8_t quantize(uint32_t v, uint32_t scale, unsigned bits) {
  if (!exponent(v)) return 0;
  uint32_t significand = (v & 0x007FFFFFu) | 0x00800000u;
  int size = mx_element_max(bits);
  if (exponent(v) <= scale) {
    int rounded = (int)shift_round(significand, scale - exponent(v) + 23 - mx_fraction_bits(bits));
    if (rounded < size) size = rounded;
  }
  return (int8_t)(v >> 31 ? -size : size);
}

static void quantize_all(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits, int8_t *q, uint8_t scale) {
  for (uint32_t i = 0; i < block; i++) q[i] = i < n && scale != 0xFF ? quantize(v[i], scale, bits) : 0;
}

void mx_quantize_block(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits, int8_t *q,
                       uint8_t *scale) {
  *scale = (uint8_t)greatest_exponent(v, n);
  quantize_all(v, n, block, bits, q, *scale);
}

void mx_quantize_fixed(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits, int8_t *q, uint8_t *scale) {
  *scale = greatest_exponent(v, n) == 0xFF ? 0xFF : (uint8_t)(127 + mx_fraction_bits(bits));
  quantize_all(v, n, block, bits, q, *scale);
}
