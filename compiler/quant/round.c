#include "compiler/quant/round.h"

#include "compiler/quant/codebook.h"
#include "compiler/quant/gptq.h"
#include "compiler/quant/rtn.h"

static mx_status fit_tables(const mx_matrix *m, const mx_hessian *h, bool search, unsigned threads,
                            mx_matrix_format *f, mx_error *e) {
  mx_status s = MX_OK;
  for (uint32_t i = 0, first = 0; i < f->n_parts && !s; first += f->part[i++].cols)
    if (f->part[i].weights.fitted)
      s = mx_codebook_fit(m, first, f->part[i].cols, h, search, threads, &f->part[i].weights, e);
  return s;
}

mx_status mx_round_matrix(const mx_matrix *m, const mx_matrix_format *format, const mx_methods *how, bool clip,
                          const mx_hessian *h, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e) {
  mx_matrix_format f = *format;
  bool search = how->mse || clip;
  *out = (mx_qmatrix){.rows = m->rows, .cols = m->cols};
  mx_status s = fit_tables(m, h, search, threads, &f, e);
  if (s) return s;
  if (how->gptq) {
    mx_gptq_options g = {.whole = how->gptq_whole, .order = how->gptq_order, .refine = how->gptq_refine, .search = search};
    return mx_quantize_gptq(m, h, &f, &g, threads, name, out, e);
  }
  if (!search) return mx_quantize_rtn(m, &f, out, e);
  mx_metric metric = how->metric_given && !clip ? how->metric : h ? MX_METRIC_BLOCK : MX_METRIC_PLAIN;
  return mx_quantize_mse(m, &f, h, metric, threads, out, e);
}
