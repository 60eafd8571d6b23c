#ifndef MX_PACK_H
#define MX_PACK_H
// A quantized matrix as the weight stream eats it (golden/stream.h).
#include "compiler/quant/qmodel.h"

// Writes groups * blocks units of a matrix, or of a part of one, to out, groups = ceil(rows / GROUP). Padding
// rows and columns have code and scale 0 (zero point 0).
// row_of[r] names the matrix row that stream row r < rows carries; NULL: r.
void mx_pack_matrix(const mx_params *p, const mx_qmatrix *q, const uint32_t *row_of, uint8_t *out);
#endif
