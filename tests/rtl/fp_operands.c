#include "tests/rtl/fp_operands.h"

#include "tests/rtl/tb.h"

static const uint32_t corners[] = {
    0x00000000, 0x00000001, 0x00400000, 0x007FFFFF,  // zero, subnormals
    0x00800000, 0x00800001, 0x00FFFFFF, 0x01000000,  // the smallest normals
    0x3F7FFFFF, 0x3F800000, 0x3F800001, 0x40000000,  // about one
    0x7E7FFFFF, 0x7F000000, 0x7F7FFFFE, 0x7F7FFFFF,  // the largest
    0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF,  // infinity, NaN
};

// Fractions of long runs: rounding carries, ties and exact results.
static uint32_t random_fraction(void) {
  uint32_t f = (uint32_t)(tb_random() >> 41);
  switch (tb_random_below(4)) {
    case 0: return f & 0x7FFFFFu << tb_random_below(24) & 0x7FFFFF;
    case 1: return (f | 0x7FFFFFu >> tb_random_below(24)) & 0x7FFFFF;
    default: return f;
  }
}

uint32_t fp_random(void) {
  uint32_t sign = (uint32_t)(tb_random() >> 63) << 31;
  if (!tb_random_below(16)) return sign | corners[tb_random_below(sizeof corners / sizeof *corners)];
  uint32_t e = (uint32_t)(tb_random_below(2) ? tb_random() >> 56 : 127 - 16 + tb_random_below(32));
  return sign | e << 23 | random_fraction();
}

uint32_t fp_random_near(uint32_t a) {
  uint32_t sign = (uint32_t)(tb_random() >> 63) << 31;
  switch (tb_random_below(6)) {
    case 0: return a ^ sign;
    case 1: return (a ^ sign) + (uint32_t)tb_random_below(8) - 4;
    case 2: {
      uint32_t e = (a >> 23) + (uint32_t)tb_random_below(60) - 30;
      return sign | (e & 0xFF) << 23 | random_fraction();
    }
    default: return fp_random();
  }
}

int32_t fp_random_dot(void) {
  static const int32_t dots[] = {0, 1, -1, 2, -2, 3, 1 << 22, -(1 << 22), (1 << 22) - 1, 127 * 127 * 32};
  if (!tb_random_below(4)) return dots[tb_random_below(sizeof dots / sizeof *dots)];
  int32_t size = (int32_t)(tb_random() >> (42 + tb_random_below(22)));  // up to 22 bits
  return tb_random() >> 63 ? -size : size;
}

uint8_t fp_random_exp(void) {
  static const uint8_t exps[] = {0, 1, 2, 126, 127, 128, 253, 254, 255};
  if (!tb_random_below(8)) return exps[tb_random_below(sizeof exps)];
  if (!tb_random_below(4)) return (uint8_t)(tb_random() >> 56);
  return (uint8_t)(107 + tb_random_below(40));
}
