#include "compiler/import/elements.h"

#include "compiler/import/bytes.h"

static float float_of_half(uint16_t h) {
  uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, mantissa = h & 1023u;
  if (exponent == 31) return mx_float_of_bits(sign | 0x7f800000u | mantissa << 13);
  if (exponent > 0) return mx_float_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
  float magnitude = (float)mantissa * 0x1p-24f;  // zero or subnormal, exact
  return sign ? -magnitude : magnitude;
}

void mx_elements_read(mx_element type, const uint8_t *from, size_t n, float *out) {
  if (type == MX_ELEMENT_F32)
    for (size_t i = 0; i < n; i++) out[i] = mx_float_of_bits(mx_load_u32(from + 4 * i));
  else if (type == MX_ELEMENT_F16)
    for (size_t i = 0; i < n; i++) out[i] = float_of_half(mx_load_u16(from + 2 * i));
  else
    for (size_t i = 0; i < n; i++) out[i] = mx_float_of_bits((uint32_t)mx_load_u16(from + 2 * i) << 16);
}
