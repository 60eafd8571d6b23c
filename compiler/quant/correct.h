#ifndef MX_CORRECT_H
#define MX_CORRECT_H
// Weights for inputs that are already off.
//
// What a matrix takes in, in the quantized model, is xq and not the x of the
// original. GPTQ aims at W xq; here the aim is W x: the least-squares weights
// W + D, D = W (sum of (x - xq) xq^T) (H + damping)^-1, H the sum of xq xq^T,
// are what is rounded, so that a matrix makes up for the losses before it as
// far as they can be seen in xq. The damping draws D towards 0. The aim is that
// of "asymmetric calibration" (GPTAQ, Li et al., arXiv 2504.02692); this way of
// reaching it, a solve before any rounding method, is ours.
#include "compiler/quant/calibrate.h"

// w [rows][cols] becomes W + D; x, xq [tokens][cols], weight [tokens] or
// NULL; h of xq with the same weights. MX_UNSUPPORTED:
// H is singular in spite of the damping; `name` names the matrix.
mx_status mx_correct_weights(mx_matrix *w, const float *x, const float *xq, const float *weight, uint32_t tokens,
                             const mx_hessian *h, unsigned threads, const char *name, mx_error *e);
#endif
