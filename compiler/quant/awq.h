#ifndef MX_AWQ_H
#define MX_AWQ_H
// AWQ's scale search (Lin et al., arXiv 2306.00978, section 3.2;
// awq/quantize/auto_scale.py): with a_c the mean |x_c| over calibration tokens,
// s = max(a^r, 1e-4) / sqrt(max s * min s), r = 0, 1/20 .. 19/20; the s of least
// loss (equalise.h) is folded. r = 0 is no scaling, so the loss never grows.
// Differences: wo is scaled with grouped heads too, heads that share a value
// head sharing s; activations are rounded in the loss, as they will be; the
// output matrix is scaled; channels that are always zero keep s = 1.
// Its clip search is mse.h with the BLOCK metric, q and k skipped.
#include "compiler/quant/equalise.h"

enum { MX_AWQ_GRID = 20 };
void mx_awq_scales(const mx_equal_group *g, double ratio, float *s);  // s [cols]

// Chooses s and folds it.
mx_status mx_awq_group(mx_equaliser *q, mx_equal_group *g);
#endif
