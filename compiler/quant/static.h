#ifndef MX_STATIC_H
#define MX_STATIC_H
// Static activation steps. A matrix's input becomes x / s, rounded to integers
// -Q .. Q (127, 31, 7) without looking at it (QUANT with `fixed`); s is folded
// like the scales of equalise.h: into the norm gain or the rows that make the
// input, and into the columns that take it. What lies outside saturates.
//   static  one s for the input, of each part if it has two (PrefixQuant's
//           static activations, arXiv 2410.05265): the greatest magnitude on the
//           calibration text / Q, times a factor with `search`: 0.25 to 0.95 in
//           steps of 0.1, then the best +- 0.05 in steps of 0.01. As published
//           but for the loss, here the module's (theirs: the decoder block's),
//           and that the whole range is among the candidates. Without option
//           it searches, which measured better.
//   qsm     s per channel, the channel's greatest magnitude / Q: quantization
//           step migration (MergeQuant, Wang et al., arXiv 2503.07654).
//           Steps of channels that share a producer are the greatest of theirs.
//           `clip`: times a factor of the group, 0.5 to 1 in steps of 0.05,
//           with the least loss. The factor and its loss are ours; the paper's
//           dimension reconstruction is not done.
// A channel that is 0 all over the text takes the mean step of the others; no
// step is below 2^-16 of the greatest.
#include "compiler/quant/equalise.h"

// Chooses s for the group, folds it and makes the plan's input fixed. MX_FORMAT:
// activations are not finite; MX_LIMIT: no memory, or a folded weight beyond
// what its format's scales reach.
mx_status mx_static_group(mx_equaliser *q, mx_equal_group *g);
#endif
