#ifndef MX_QUANT_SIDE_H
#define MX_QUANT_SIDE_H
// The side information of one weight block, its scale and zero point, or of a row
// in formats by row, its step; and which ones are worth trying.
#include <math.h>

#include "compiler/quant/qmodel.h"

typedef struct {
  uint16_t scale;  // E8M0 byte or FP16; 0 in formats by row
  int8_t zero;
  float step;      // a code c stands for (element(c) - zero) * step
} mx_side;

// Columns that share a side, of a part of `cols`: a block's, or all.
static inline uint32_t mx_side_columns(const mx_weight_format *f, uint32_t cols) {
  return mx_weight_format_by_row(f) ? cols : mx_block_length(&f->stream);
}

// The side that a block w [n], in formats by row a row, takes by rounding to
// nearest (rtn.h).
mx_side mx_side_rtn(const float *w, uint32_t n, const mx_weight_format *f);

// Sides for w [n], the one of rounding to nearest first; returns their number.
//   E8M0   the shared exponent of OCP's rule, one less (finer, clips), one more
//   FP16   0.5 to 1 times the range in steps of 0.05; without zero points also
//          steps whose -8 stands for the greatest element, signs included (as
//          ggml's Q4_0)
//   step   1 to 0.525 times that of rounding to nearest, in steps of 0.025
enum { MX_SIDES_MAX = 20 };
uint32_t mx_side_candidates(const float *w, uint32_t n, const mx_weight_format *f, mx_side out[MX_SIDES_MAX]);

mx_side mx_side_of(const mx_weight_format *f, uint16_t scale, int8_t zero);

// Side b of a row of one part; b is 0 in formats by row.
mx_side mx_side_get(const mx_qmatrix *q, uint32_t row, uint32_t b);
void mx_side_set(mx_qmatrix *q, uint32_t row, uint32_t b, const mx_side *s);

// The code nearest to w: what mx_quantize_rtn gives for the same side.
int8_t mx_side_code(const mx_side *s, const mx_weight_format *f, float w);

static inline float mx_side_value(const mx_side *s, const mx_weight_format *f, int8_t code) {
  return (float)((f->codebook ? f->table[code & 15] : code) - s->zero) * s->step;
}

// Rounds w [n] in place to what rounding to nearest keeps of it.
void mx_round_rtn(float *w, uint32_t n, const mx_weight_format *f);

// The same with all columns of a matrix's row, part by part. In formats by row
// the step is that of rounding to nearest.
void mx_round_parts(float *w, uint32_t n, const mx_matrix_format *f);

// Storage, in bits, of all parts.
uint64_t mx_qmatrix_bits(const mx_qmatrix *q);

// Row of a quantized matrix, all parts, to floats [cols].
void mx_qmatrix_row(const mx_qmatrix *q, uint32_t row, float *out);

// Elements of block b of a row of `cols`: the last may be short.
static inline uint32_t mx_block_size(uint32_t cols, uint32_t length, uint32_t b) {
  return cols - b * length < length ? cols - b * length : length;
}
#endif
