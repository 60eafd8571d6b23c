#ifndef MX_SMOOTHQUANT_H
#define MX_SMOOTHQUANT_H
// SmoothQuant (Xiao et al., arXiv 2211.10438, section 4, equation 4;
// smoothquant/smooth.py): s_j = max|X_j|^alpha / max|W_j|^(1 - alpha), alpha 0.5
// by default, max|W_j| over all matrices that share the input, both at least
// 1e-5. As there, inputs of wq, wk, wv and of w_gate, w_up; `+all` adds wo and
// w_down. Ours: the output matrix too, since it is quantized here; `search`
// takes the alpha of 0, 0.1 .. 1, or no scaling, that has the least loss
// (equalise.h); channels that are always zero keep s = 1.
#include "compiler/quant/equalise.h"

void mx_smoothquant_scales(const mx_equal_group *g, double alpha, float *s);  // s [cols]

// Chooses s and folds it.
mx_status mx_smoothquant_group(mx_equaliser *q, mx_equal_group *g);
#endif
