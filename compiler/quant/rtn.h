#ifndef MX_QUANT_RTN_H
#define MX_QUANT_RTN_H
// Round to nearest: each block by itself.
#include "compiler/quant/qmodel.h"

// Quantize the matrix to the format; the caller frees *out with mx_qmatrix_free,
// after an error too. MX formats take OCP's scale rule (MX v1.0, 6.3) and round
// ties to even codes; int4 takes the scale max|w| / 7, int4z the range of the
// group stretched to hold 0, over 15 steps; int4row and int8row the step
// max|w| / 7 or / 127. All elements are finite, as those of a loaded model are.
mx_status mx_quantize_rtn(const mx_matrix *m, const mx_matrix_format *format, mx_qmatrix *out, mx_error *e);

// One block w [n], n <= the format's block length, to codes [n] and its side;
// not for formats by row.
void mx_rtn_block(const float *w, uint32_t n, const mx_weight_format *f, int8_t *codes, uint16_t *scale, int8_t *zero);

// The step of a row w [n] in a format by row; 0 if the row is, or a step would
// be subnormal.
float mx_rtn_step(const float *w, uint32_t n, const mx_weight_format *f);

// Index of the table's entry nearest to x, entries in any order; of two equally
// near, the even one (roundTiesToEven), the lower one if that does not decide.
int8_t mx_nearest_code(const int8_t table[16], float x);

// IEEE half nearest to x >= 0, at most the greatest finite one; and back, with sign.
uint16_t mx_half_from_float(float x);
float mx_half_to_float(uint16_t h);
#endif
