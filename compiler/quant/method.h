#ifndef MX_METHOD_H
#define MX_METHOD_H
// Which methods quantize a model: `mxf quantize --method a,b,c`.
//
//   rtn                        round to nearest (rtn.h); the default
//   mse[=plain|diagonal|block] block scales by search (mse.h); `block` with
//                              calibration text, else `plain`, if not said
//   smoothquant[=A|search][+all]  equalisation (smoothquant.h), alpha A, 0.5
//   awq[=clip|noclip]          scale search (awq.h) and clip search (mse.h, block)
//   correct                    weights made to fit inputs that are off (correct.h)
//   gptq[=column|block][+order][+refine]  compensated rounding (gptq.h)
//
// They run in this order whatever the order of the list: smoothquant, awq,
// correct, then one rounding. Equalisation changes the weights and the inputs that rounding
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
  bool correct;
  bool rtn, mse, gptq;
  bool metric_given;
  mx_metric metric;
  bool gptq_whole, gptq_order, gptq_refine;
} mx_methods;

// MX_USAGE: an unknown method or option, one twice, or two that exclude each other.
mx_status mx_methods_parse(const char *list, mx_methods *out, mx_error *e);

static inline bool mx_methods_calibrated(const mx_methods *m) {
  return m->smoothquant || m->awq || m->correct || m->gptq || (m->metric_given && m->metric != MX_METRIC_PLAIN);
}
#endif
