#ifndef MX_RSQ_H
#define MX_RSQ_H
// Tokens weighed by their importance in the Hessian (RSQ, Sung et al., arXiv
// 2503.01820): attention concentration, the attention that a token gets from
// those after it.
#include "compiler/quant/forward.h"

// Sets f->weight from the attention of the layer whose mx_forward_attend ran last
// (0 for a prefix). Before the first layer: 1.
mx_status mx_rsq_weigh(mx_forward *f, mx_error *e);
#endif
