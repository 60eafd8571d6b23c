#ifndef MX_STATIC_H
#define MX_STATIC_H
// Static activation steps. A matrix's input becomes x / s, rounded to integers
// without looking at it (QUANT with `fixed`); s is folded like the scales of
// equalise.h: into the norm gain or the rows that make the input, and into the
// columns that take it.
//   static  one s for the input (PrefixQuant's static activations: arXiv
//           2410.05265, with its grid search of the factor)
//   qsm     s per channel: quantization step migration (MergeQuant, Wang et al.,
//           arXiv 2503.07654); `clip`: a clip ratio searched per group, ours
#include "compiler/quant/equalise.h"

// Chooses s for the group, folds it and makes the plan's input fixed.
mx_status mx_static_group(mx_equaliser *q, mx_equal_group *g);
#endif
