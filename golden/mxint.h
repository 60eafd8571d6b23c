#ifndef MX_MXINT_H
#define MX_MXINT_H
// MXINT quantization: a block of FP32 values to integers with one scale.
#include <stdint.h>

enum { MX_BLOCK_MAX = 128 };  // elements of the longest block

// With E the greatest biased exponent of the block (subnormals read as zero):
//   E = 0    every value is zero: scale 0, elements 0
//   E = 255  an infinity or NaN is among them: scale 0xFF, elements 0
//   else     scale = E = e + 127, and element i is
//            clamp(round(v[i] * 2^(F - e)), -Q, Q), meaning element * 2^(e - F)
// round is to nearest, ties to even, of the exact value. The exponent is not
// raised when the greatest value rounds past Q: it saturates. -Q - 1 never
// occurs, and a negative value that rounds to zero is plain 0.
//   bits         F   Q
//   MX_BITS_4    2   7
//   MX_BITS_6    4   31
//   MX_BITS_8    6   127
// v      FP32 bits, v[0 .. n)
// block  length B of the block, n <= B; elements n .. B - 1 are zeros
// q      receives B elements; scale one byte
void mx_quantize_block(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits, int8_t *q,
                       uint8_t *scale);

// Fixed: element i is clamp(round(v[i]), -Q, Q) and scale is 127 + F, so that
// it means just that integer; with an infinity or NaN among v as above. For
// activations whose step was folded into weights and gains.
void mx_quantize_fixed(const uint32_t *v, uint32_t n, uint32_t block, unsigned bits, int8_t *q,
                       uint8_t *scale);

static inline unsigned mx_fraction_bits(unsigned bits) { return 2 * bits + 2; }
static inline int mx_element_max(unsigned bits) { return (2 << mx_fraction_bits(bits)) - 1; }
#endif
