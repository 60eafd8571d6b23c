#ifndef MX_METHOD_H
#define MX_METHOD_H
// Which methods quantize a model: `mxf quantize --method a,b,c`.
//
//   rotate[+down][+qk]         Hadamard rotation (rotate.h), folded; also at run
//                              time before ffn_down, and of queries and keys
//   prefix[=N]                 outlier tokens in the cache from the start (prefix.h):
//                              N of them, or as many as are found, and BOS
//   mixed=BUDGET[+trace][+channels]  formats by matrix, and by channels (mixed.h)
//   static[=max|search]        one activation step per matrix input (static.h)
//   qsm[+clip][+all]           activation steps per channel (static.h)
//   rsq                        tokens weighed by the attention they get (rsq.h)
//   rtn                        round to nearest (rtn.h); the default
//   mse[=plain|diagonal|block] block scales by search (mse.h); `block` with
//                              calibration text, else `plain`, if not said
//   smoothquant[=A|search][+all]  equalisation (smoothquant.h), alpha A, 0.5
//   awq[=clip|noclip]          scale search (awq.h) and clip search (mse.h, block)
//   correct                    weights made to fit inputs that are off (correct.h)
//   gptq[=column|block][+order][+refine]  compensated rounding (gptq.h)
//
// They run in this order whatever the order of the list: rotate, prefix, mixed,
// smoothquant, awq, static or qsm, rsq, correct, then one rounding. A rotation
// changes what every other method sees; the prefix changes the activations;
// mixed decides the formats for which the scales are then searched; static
// steps are those of the scaled inputs; rsq only weighs tokens. Equalisation changes the weights and the inputs that rounding
// sees, so it comes first and GPTQ's Hessian is taken after it, on the scaled
// and rounded inputs. SmoothQuant and AWQ set the same degree of freedom, a
// scale per input channel: SmoothQuant moves activation outliers into the
// weights without looking at the formats, AWQ then searches around that point
// with the formats that will be used, and has "no change" among its candidates,
// so it never makes its loss worse; the other way round SmoothQuant would
// discard what AWQ found. mse with gptq means that GPTQ searches its scales, as
// does awq's clipping; rtn goes with equalisation only.
#include <stdbool.h>

#include "compiler/quant/mse.h"
#include "golden/error.h"

typedef struct {
  bool smoothquant, smoothquant_search, smoothquant_all;
  double alpha;
  bool awq, clip;
  bool rotate, rotate_down, rotate_qk;
  bool prefix;
  uint32_t prefix_tokens;        // 0: as many as are found
  bool mixed, mixed_trace, mixed_channels;
  bool mixed_cycles;             // the budget is cycles, else bits per weight
  double budget;
  bool fixed, fixed_search;      // `static`
  bool qsm, qsm_clip, qsm_all;
  bool rsq;
  bool correct;
  bool rtn, mse, gptq;
  bool metric_given;
  mx_metric metric;
  bool gptq_whole, gptq_order, gptq_refine;
} mx_methods;

// MX_USAGE: an unknown method or option, one twice, or two that exclude each other.
mx_status mx_methods_parse(const char *list, mx_methods *out, mx_error *e);

static inline bool mx_methods_calibrated(const mx_methods *m) {
  return m->smoothquant || m->awq || m->prefix || m->mixed || m->fixed || m->qsm || m->rsq || m->correct || m->gptq ||
         (m->metric_given && m->metric != MX_METRIC_PLAIN);
}
#endif
