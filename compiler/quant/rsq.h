#ifndef MX_RSQ_H
#define MX_RSQ_H
// Tokens weighed by their importance in the Hessian (RSQ, Sung et al., arXiv
// 2503.01820, section 4.3 and its code): attention concentration, the attention
// that a token gets, summed over heads and over queries (itself and those after
// it). In each sequence it is mapped linearly to [r_min, 1] and divided by the
// mean: H = sum of r / mean(r) x x^T. r_min = 0.005 as in the published script
// (the paper names 0.01 as best with rotation).
// Ours: tokens of a prefix count 0 and are left out of the range and the mean.
#include "compiler/quant/forward.h"

// Makes mx_forward_attend keep what mx_rsq_weigh needs. f owns it. MX_LIMIT: no memory.
mx_status mx_rsq_begin(mx_forward *f, mx_error *e);

// Sets f->weight from the attention of the layer whose mx_forward_attend ran last
// (0 for a prefix). RSQ does this before it rounds any matrix of a layer, with
// those of the layers before it rounded. MX_LIMIT: no memory.
mx_status mx_rsq_weigh(mx_forward *f, mx_error *e);
#endif
