#include "compiler/quant/quantize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/correct.h"
#include "compiler/quant/equalise.h"
#include "compiler/quant/gptq.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/rtn.h"
#include "compiler/quant/side.h"

// The places of mx_qlayer_matrix.
enum { WQ, WK, WV, WO, W_GATE, W_UP, W_DOWN };

typedef struct {
  const mx_quantize_options *o;
  mx_qmodel *out;
  bool equalised;          // the scale search is set up
  mx_equaliser equaliser;
  bool forwarded;          // rounding looks at inputs
  mx_forward forward;      // of the model quantized so far
  bool corrected;          // matrices aim at the outputs of the original
  mx_forward original;     // in step with `forward`, with weights before rounding
  mx_layer work;           // copy of the layer, scaled, then what was rounded
  uint32_t done;           // matrices
  mx_error *e;
} run;

static mx_status copy_matrix(const mx_matrix *from, mx_matrix *to, mx_error *e) {
  *to = (mx_matrix){from->rows, from->cols, NULL};
  mx_status s = mx_matrix_allocate(to, e);
  if (!s) memcpy(to->data, from->data, (size_t)to->rows * to->cols * sizeof *to->data);
  return s;
}

static mx_matrix *work_matrix(mx_layer *l, unsigned index) {
  mx_matrix *const matrices[MX_QLAYER_MATRICES] = {&l->wq, &l->wk, &l->wv, &l->wo, &l->w_gate, &l->w_up, &l->w_down};
  return matrices[index];
}

// ---- one matrix ----------------------------------------------------------------

// Q and K feed a softmax, so that their own output error says little: AWQ does
// not clip them.
static bool clips(const mx_methods *m, unsigned index) { return m->awq && m->clip && index != WQ && index != WK; }

static mx_status round_matrix(run *r, unsigned index, const char *name, const mx_matrix *m, const mx_hessian *h,
                              mx_qmatrix *out) {
  const mx_quantize_options *o = r->o;
  const mx_methods *how = &o->methods;
  bool clip = clips(how, index);
  if (how->gptq) {
    mx_gptq_options g = {.whole = how->gptq_whole, .order = how->gptq_order, .refine = how->gptq_refine,
                         .search = how->mse || clip};
    return mx_quantize_gptq(m, h, &o->weights, &g, o->threads, name, out, r->e);
  }
  if (!how->mse && !clip) return mx_quantize_rtn(m, &o->weights, out, r->e);
  mx_metric metric = how->metric_given && !clip ? how->metric : MX_METRIC_BLOCK;
  return mx_quantize_mse(m, &o->weights, h, metric, o->threads, out, r->e);
}

static void report(run *r, const char *name) {
  uint32_t all = r->out->config.n_layers * MX_QLAYER_MATRICES + 1;
  if (r->o->progress) r->o->progress(name, r->done, all);
  r->done++;
}

static void dequantize(const mx_qmatrix *q, mx_matrix *to) {
  for (uint32_t row = 0; row < q->rows; row++) mx_qmatrix_row(q, row, to->data + (size_t)row * q->cols);
}

// Rounds matrix `index` of the layer, from r->work to `out`; h may be NULL.
static mx_status round_one(run *r, uint32_t layer, unsigned index, const mx_hessian *h) {
  const char *name;
  char full[64];
  mx_qmatrix *out = mx_qlayer_matrix(&r->out->layers[layer], index, &name);
  mx_matrix *work = work_matrix(&r->work, index);
  snprintf(full, sizeof full, "blk.%u.%s", layer, name);
  report(r, full);
  mx_status s = mx_matrix_check_finite(work, full, MX_NOWHERE, r->e);
  if (!s) s = round_matrix(r, index, full, work, h, out);
  if (!s && r->forwarded) dequantize(out, work);
  return s;
}

// ---- one layer -----------------------------------------------------------------

// Rounds matrices first .. last, which share the input x [tokens][cols], and in
// the original model `aim`.
static mx_status round_group(run *r, uint32_t layer, unsigned first, unsigned last, const float *x, const float *aim) {
  const mx_forward *f = &r->forward;
  mx_hessian h = {0};
  const char *name;
  mx_qlayer_matrix(&r->out->layers[layer], first, &name);
  mx_status s = MX_OK;
  if (r->forwarded)
    s = mx_hessian_compute(x, f->calibration->n_tokens, work_matrix(&r->work, first)->cols, f->threads, name, &h, r->e);
  for (unsigned i = first; i <= last && !s && r->corrected; i++)
    s = mx_correct_weights(work_matrix(&r->work, i), aim, x, f->calibration->n_tokens, &h, f->threads, name, r->e);
  for (unsigned i = first; i <= last && !s; i++) s = round_one(r, layer, i, r->forwarded ? &h : NULL);
  free(h.sum);
  return s;
}

// Steps of a layer, between which its matrices are rounded. None does anything
// where no activations are wanted.
static void attention_inputs(mx_forward *f, const mx_layer *w, bool wanted) {
  if (!wanted) return;
  mx_forward_multiply(f, &w->wq, f->h, f->q);
  mx_forward_multiply(f, &w->wk, f->h, f->k);
  mx_forward_multiply(f, &w->wv, f->h, f->v);
  mx_forward_attend(f);
}

static void gate_inputs(mx_forward *f, const mx_layer *w, bool wanted) {
  if (!wanted) return;
  mx_forward_multiply(f, &w->w_gate, f->h, f->gate);
  mx_forward_multiply(f, &w->w_up, f->h, f->up);
  mx_forward_gate(f);
}

// Rounds wo or w_down, whose input is x [tokens][cols], `aim` in the original.
static mx_status round_output(run *r, uint32_t layer, unsigned index, const float *x, const float *aim) {
  mx_matrix *w = work_matrix(&r->work, index);
  if (r->corrected) mx_forward_multiply(&r->original, w, aim, r->original.y);
  mx_status s = round_group(r, layer, index, index, x, aim);
  if (s) return s;
  if (r->forwarded) {
    mx_forward_multiply(&r->forward, w, x, r->forward.y);
    mx_forward_add(&r->forward);
  }
  if (r->corrected) mx_forward_add(&r->original);
  return MX_OK;
}

static void normalise(run *r, const mx_matrix *gain) {
  if (r->forwarded) mx_forward_norm(&r->forward, gain);
  if (r->corrected) mx_forward_norm(&r->original, gain);
}

static mx_status round_attention(run *r, uint32_t layer) {
  mx_forward *f = &r->forward, *o = &r->original;
  mx_layer *w = &r->work;
  normalise(r, &w->attn_norm);
  attention_inputs(o, w, r->corrected);
  mx_status s = round_group(r, layer, WQ, WV, f->h, o->h);
  if (s) return s;
  attention_inputs(f, w, r->forwarded);
  return round_output(r, layer, WO, f->mix, o->mix);
}

static mx_status round_feed_forward(run *r, uint32_t layer) {
  mx_forward *f = &r->forward, *o = &r->original;
  mx_layer *w = &r->work;
  normalise(r, &w->ffn_norm);
  gate_inputs(o, w, r->corrected);
  mx_status s = round_group(r, layer, W_GATE, W_UP, f->h, o->h);
  if (s) return s;
  gate_inputs(f, w, r->forwarded);
  return round_output(r, layer, W_DOWN, f->gate, o->gate);
}

static void free_work(mx_layer *l) {
  free(l->attn_norm.data);
  free(l->ffn_norm.data);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) free(work_matrix(l, i)->data);
  *l = (mx_layer){0};
}

// r->work = a copy of the layer, equalised.
static mx_status prepare_layer(run *r, const mx_layer *from) {
  mx_status s = copy_matrix(&from->attn_norm, &r->work.attn_norm, r->e);
  if (!s) s = copy_matrix(&from->ffn_norm, &r->work.ffn_norm, r->e);
  if (!s) s = mx_matrix_check_finite(&from->attn_norm, "attn_norm", MX_NOWHERE, r->e);
  if (!s) s = mx_matrix_check_finite(&from->ffn_norm, "ffn_norm", MX_NOWHERE, r->e);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++)
    s = copy_matrix(mx_layer_source(from, i), work_matrix(&r->work, i), r->e);
  return !s && r->equalised ? mx_equalise_layer(&r->equaliser, from, &r->work) : s;
}

static mx_status quantize_layer(run *r, const mx_layer *from, uint32_t index) {
  mx_status s = prepare_layer(r, from);
  mx_qlayer *to = &r->out->layers[index];
  if (!s) s = copy_matrix(&r->work.attn_norm, &to->attn_norm, r->e);
  if (!s) s = copy_matrix(&r->work.ffn_norm, &to->ffn_norm, r->e);
  if (!s) s = round_attention(r, index);
  if (!s) s = round_feed_forward(r, index);
  free_work(&r->work);
  return s;
}

static mx_status quantize_head(run *r, const mx_model *model) {
  mx_matrix output;
  mx_hessian h = {0};
  mx_forward *f = &r->forward;
  report(r, "output");
  mx_status s = copy_matrix(&model->output_norm, &r->out->output_norm, r->e);
  if (!s) s = copy_matrix(&model->output, &output, r->e);
  if (s) return s;
  if (r->equalised) s = mx_equalise_head(&r->equaliser, &model->output_norm, &r->out->output_norm, &output);
  if (!s && r->forwarded) {
    normalise(r, &r->out->output_norm);
    s = mx_hessian_compute(f->h, f->calibration->n_tokens, output.cols, f->threads, "output", &h, r->e);
  }
  if (!s && r->corrected)
    s = mx_correct_weights(&output, r->original.h, f->h, f->calibration->n_tokens, &h, f->threads, "output", r->e);
  if (!s) s = mx_matrix_check_finite(&output, "output", MX_NOWHERE, r->e);
  if (!s) s = round_matrix(r, MX_QLAYER_MATRICES, "output", &output, r->forwarded ? &h : NULL, &r->out->output);
  free(h.sum);
  free(output.data);
  return s;
}

// ---- the model -----------------------------------------------------------------

static mx_status start(run *r, const mx_model *model) {
  const mx_quantize_options *o = r->o;
  const mx_methods *m = &o->methods;
  if (!o->calibration) {
    if (!mx_methods_calibrated(m)) return MX_OK;
    return mx_fail(r->e, MX_USAGE, MX_NOWHERE, "this method needs a calibration text");
  }
  mx_status s = MX_OK;
  if (m->smoothquant || m->awq) {
    r->equalised = true;
    s = mx_equaliser_new(model, o->calibration, m, &o->weights, o->act_bits, o->kv_bits, o->threads, &r->equaliser, r->e);
  }
  r->forwarded = m->gptq || m->mse || m->correct || (m->awq && m->clip);
  if (!s && r->forwarded) s = mx_forward_new(model, o->calibration, o->threads, &r->forward, r->e);
  r->corrected = r->forwarded && m->correct;
  if (!s && r->corrected) s = mx_forward_new(model, o->calibration, o->threads, &r->original, r->e);
  r->forward.quantized = true;
  r->forward.act_bits = o->act_bits;
  r->forward.kv_bits = o->kv_bits;
  r->forward.block = mx_block_length(&o->weights.stream);
  return s;
}

static void finish(run *r) {
  if (r->equalised) mx_equaliser_free(&r->equaliser);
  if (r->forwarded) mx_forward_free(&r->forward);
  if (r->corrected) mx_forward_free(&r->original);
}

mx_status mx_quantize_model(mx_model *model, const mx_quantize_options *o, mx_qmodel **out, mx_error *e) {
  mx_status s = mx_qmodel_new(&model->config, out, e);
  if (s) return s;
  run r = {.o = o, .out = *out, .e = e};
  int blas = mx_blas_single();
  (*out)->act_bits = o->act_bits;
  (*out)->kv_bits = o->kv_bits;
  s = copy_matrix(&model->token_embd, &(*out)->token_embd, e);
  if (!s) s = start(&r, model);
  for (uint32_t i = 0; i < model->config.n_layers && !s; i++) s = quantize_layer(&r, &model->layers[i], i);
  if (!s) s = quantize_head(&r, model);
  finish(&r);
  mx_blas_restore(blas);
  (*out)->tokenizer = model->tokenizer;
  model->tokenizer = NULL;
  if (!s) return MX_OK;
  mx_qmodel_free(*out);
  *out = NULL;
  return s;
}

// ---- equalisation alone ----------------------------------------------------------

static mx_status keep_layer(run *r, mx_layer *l) {
  mx_status s = prepare_layer(r, l);
  if (!s) {
    memcpy(l->attn_norm.data, r->work.attn_norm.data, l->attn_norm.cols * sizeof(float));
    memcpy(l->ffn_norm.data, r->work.ffn_norm.data, l->ffn_norm.cols * sizeof(float));
  }
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++) {
    mx_matrix *to = work_matrix(l, i);
    memcpy(to->data, work_matrix(&r->work, i)->data, (size_t)to->rows * to->cols * sizeof(float));
  }
  free_work(&r->work);
  return s;
}

static mx_status keep_head(run *r, mx_model *model) {
  mx_matrix norm = {0}, output = {0};
  mx_status s = copy_matrix(&model->output_norm, &norm, r->e);
  if (!s) s = copy_matrix(&model->output, &output, r->e);
  if (!s) s = mx_equalise_head(&r->equaliser, &model->output_norm, &norm, &output);
  if (s) {
    free(norm.data);
    free(output.data);
    return s;
  }
  free(model->output_norm.data);
  if (!model->tied) free(model->output.data);
  model->tied = false;
  model->output_norm = norm;
  model->output = output;
  return MX_OK;
}

mx_status mx_equalise_model(mx_model *model, const mx_quantize_options *o, mx_error *e) {
  run r = {.o = o, .e = e};
  int blas = mx_blas_single();
  mx_status s = start(&r, model);
  for (uint32_t i = 0; i < model->config.n_layers && !s && r.equalised; i++) s = keep_layer(&r, &model->layers[i]);
  if (!s && r.equalised) s = keep_head(&r, model);
  finish(&r);
  mx_blas_restore(blas);
  return s;
}
