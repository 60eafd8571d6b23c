#ifndef MX_GPTQ_H
#define MX_GPTQ_H
// GPTQ (Frantar et al., arXiv 2210.17323, algorithm 1; gptq.py) for block formats.
//
// With H the sum of x x^T over calibration inputs, damped, and U the upper
// Cholesky factor of H^-1 (H^-1 = U^T U), blocks b of columns are rounded in
// turn, and what the rounding loses is made up for in the columns R that follow:
//   E = (W_b - Q(W_b)) U_bb^-1,   W_R -= E U_bR
// As published by default: damping 0.01 of the mean diagonal, no order, scales
// from the current W on entering a block (its groupsize). Differences:
//   whole   (`gptq=block`) a block is rounded at once, without compensation
//           inside: Sharify et al., arXiv 2405.07135, after their dmx-compressor's
//           layer_reconstruction.py (microblock = block of the format).
//   column  (`gptq=column`, our default) columns of a block are rounded one by
//           one, each with what those before it lost made up for, the scale
//           staying as on entry. A column that grows past the scale clips.
//   search  each block tries the sides of side.h and keeps the one of least
//           sum of E^2, which is the growth of the output error when all later
//           columns could still compensate without rounding. Ours.
//   order   blocks by descending mean of diag(H), columns within a block by
//           descending diag(H): gptq.py's act-order as far as it leaves blocks
//           contiguous, since scales belong to contiguous columns. Codes go back
//           to the places of their columns, so nothing is permuted at run time.
//   rows    formats by row have their step fixed before the first column: that of
//           rounding to nearest, or with `search` the one of side.h with the least
//           sum of ((W - Q(W)) / U_ii)^2. Columns are taken in the stream's blocks.
//   parts   with two formats in a matrix (mx_matrix_format) the blocks of both
//           take turns in one order, each with its own format and length.
//   refine  afterwards codes change one at a time, scales staying, while that
//           lowers the output error d H d^T, H damped: coordinate descent
//           (as QuantEase, Behdin et al., arXiv 2309.01885), from GPTQ's result.
//   dead    columns whose input was never nonzero are rounded to nearest, where
//           gptq.py sets them to 0: other text might use them.
// If H is not positive definite the damping is raised tenfold up to 1.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/qmodel.h"

typedef struct {
  bool whole, search, order, refine;
  double damping;  // 0: 0.01
} mx_gptq_options;

// As mx_quantize_rtn. h has m->cols columns. MX_UNSUPPORTED: H stays singular
// with the largest damping; `name` names the matrix.
mx_status mx_quantize_gptq(const mx_matrix *m, const mx_hessian *h, const mx_matrix_format *format,
                           const mx_gptq_options *o, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e);
#endif
