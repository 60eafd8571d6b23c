#ifndef MX_MSE_H
#define MX_MSE_H
// Block scales by search instead of by rule: of the sides that side.h proposes,
// each block takes the one with the least squared error, and of equal ones that
// of rounding to nearest. What the error is weighed by:
//   PLAIN     nothing:           sum of d^2, d = weight minus what it rounds to
//   DIAGONAL  mean square input: sum of H_ii d_i^2 (as SqueezeLLM's sensitivity)
//   BLOCK     the block's part of the Hessian: d^T H_bb d, the squared error that
//             the block alone makes in the output over the calibration text.
//             In formats by row, the sum of this over the blocks of the stream.
//             This is AWQ's clip search (Lin et al., arXiv 2306.00978, 3.2 and
//             auto_clip.py: 10 shrink factors down to 0.5 on 512 tokens) with the
//             scales that a block format has, on all tokens.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/qmodel.h"

typedef enum { MX_METRIC_PLAIN, MX_METRIC_DIAGONAL, MX_METRIC_BLOCK } mx_metric;

// As mx_quantize_rtn; h [m->cols] may be NULL, which means MX_METRIC_PLAIN.
mx_status mx_quantize_mse(const mx_matrix *m, const mx_matrix_format *format, const mx_hessian *h, mx_metric metric,
                          unsigned threads, mx_qmatrix *out, mx_error *e);
#endif
