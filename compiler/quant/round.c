#include "compiler/quant/round.h"

#include "compiler/quant/gptq.h"
#include "compiler/quant/rtn.h"

static mx_status round_part(const mx_matrix *m, const mx_part_format *p, const mx_methods *how, bool clip,
                            const mx_hessian *h, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e) {
  if (how->gptq) {
    mx_gptq_options g = {.whole = how->gptq_whole, .order = how->gptq_order, .refine = how->gptq_refine,
                         .search = how->mse || clip};
    return mx_quantize_gptq(m, h, &p->weights, &g, threads, name, out, e);
  }
  if (!how->mse && !clip) return mx_quantize_rtn(m, &p->weights, out, e);
  mx_metric metric = how->metric_given && !clip ? how->metric : h ? MX_METRIC_BLOCK : MX_METRIC_PLAIN;
  return mx_quantize_mse(m, &p->weights, h, metric, threads, out, e);
}

mx_status mx_round_matrix(const mx_matrix *m, const mx_matrix_format *format, const mx_methods *how, bool clip,
                          const mx_hessian *h, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e) {
  mx_status s = round_part(m, &format->part[0], how, clip, h, threads, name, out, e);
  out->acts = format->part[0].acts;
  return s;
}
