#ifndef MX_SIMD_H
#define MX_SIMD_H
// The host's vector instructions for MATMUL and the vector unit. A level is a
// set of kernels compiled for one instruction set; the bits of each are those
// of the defining functions (fp32.h, fn.h, mxint.h, matmul.c, vec.c) for every
// input, which tests/unit/test_simd.c checks level by level.
//
// The kernels compute with the host's floats. They run between mx_simd_enter
// and mx_simd_leave, which make subnormal operands zeros and flush results
// below 2^-126 after rounding, as README.md, "FP32" demands. What is left for
// the kernels is the one pattern of NaN.
#include <stdbool.h>
#include <stddef.h>  // NULL
#include <stdint.h>

#include "golden/fp32.h"

// A vector microinstruction without address arithmetic. Nothing that an element
// writes is read by a later element.
typedef struct {
  unsigned op, fn, red;  // MX_UOP_, MX_FN_, MX_RED_
  bool broadcast;        // b[0] is the other operand of every element
  uint32_t n;
  const uint32_t *a, *b;  // [n], FP32 bits; b [1] with broadcast
  uint32_t *dst;          // [n]; with a reduction [1]
} mx_simd_vector;

// How the lines of a unit (stream.h) hold its codes.
typedef enum { MX_SIMD_4, MX_SIMD_PLANAR, MX_SIMD_6, MX_SIMD_8 } mx_simd_form;

// What the kernels want to know of a block of activations.
typedef struct {
  int32_t offset;  // its sum times -8 where codes have MX_SIMD_4, else times -128
  // Bits of a float that, by the kind of the weights' scale, is for
  //   none  2^(x_exp - 127 - frac)
  //   E8M0  (x_exp - 127 - frac) << 23, which added to scale << 23 makes the factor
  //   F16   as for none, a factor
  // or what makes the outcome no positive number (F16: a NaN) where that may
  // not be used: x_exp is NaN, or the power is out of the floats or, for F16,
  // out of 2^-80 .. 2^80.
  int32_t factor;
} mx_simd_block;

// Units of a row group that lie one after another. Weights are taken as w + 128 or
// w + 8, so that they are unsigned; `offset` sets that right.
typedef struct {
  mx_simd_form form;
  uint32_t block, rows;    // block length; rows of the unit, a multiple of 16
  uint32_t units, unit_bytes;  // how many, and from one to the next
  const uint8_t *lines;    // of the first unit: lines one after another; 4 bytes beyond the last may be read
  uint32_t line_bytes;
  const uint8_t *decode;   // [16], table entry + 128; NULL: codes are two's complement
  const uint8_t *scales;   // as in the stream
  mx_scale_kind scale;
  const int8_t *zeros;     // [rows] zero points, or NULL
  unsigned frac, tokens;
  const int8_t *x;         // activations of the first block, then the others, as matmul_simd.c orders them
  uint32_t x_stride;       // elements from token to token
  const mx_simd_block *blocks;  // [units][tokens]
  const uint8_t *x_exp;    // scale of the first block; of the others block / 16 further each
  uint32_t x_exp_stride;   // from token to token
  uint32_t *sums;          // [tokens][rows], FP32 bits, but a NaN may have any pattern
} mx_simd_units;

typedef struct {
  const char *name;
  void (*vector)(const mx_simd_vector *v);
  // One block of mx_quantize_block or mx_quantize_fixed: v, q [block]; false,
  // and nothing written, if its exponents are left to those functions.
  bool (*quantize)(const uint32_t *v, uint32_t block, unsigned bits, bool fixed, int8_t *q, uint8_t *scale);
  void (*add_units)(const mx_simd_units *u);
} mx_simd;

// Levels that this host can run, best first; ends with NULL.
const mx_simd *const *mx_simd_levels(void);

// Set the thread's float environment for the kernels; leave restores what
// enter returned.
unsigned mx_simd_enter(void);
void mx_simd_leave(unsigned environment);

extern const mx_simd mx_simd_avx512, mx_simd_avx2;  // x86-64 only
#endif
