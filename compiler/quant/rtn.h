#ifndef MX_QUANT_RTN_H
#define MX_QUANT_RTN_H
// Round to nearest: each block by itself.
#include "compiler/quant/qmodel.h"

// Quantize the matrix to the format; the caller owns out->codes, ->scales and
// ->zeros. MX formats take OCP's scale rule (MX v1.0, 6.3) and round ties to
// even codes; int4 takes the scale max|w| / 7, int4z the range of the group
// stretched to hold 0, over 15 steps. All elements are finite, as those of a
// loaded model are.
mx_status mx_quantize_rtn(const mx_matrix *m, const mx_weight_format *format, mx_qmatrix *out, mx_error *e);
#endif
