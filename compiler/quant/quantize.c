#include "compiler/quant/quantize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/correct.h"
#include "compiler/quant/equalise.h"
#include "compiler/quant/mixed.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/prefix.h"
#include "compiler/quant/round.h"
#include "compiler/quant/rsq.h"
#include "compiler/quant/side.h"
#include "compiler/quant/state.h"

// The places of mx_qlayer_matrix.
enum { WQ, WK, WV, WO, W_GATE, W_UP, W_DOWN };

typedef struct {
  const mx_quantize_options *o;
  mx_qmodel *out;
  mx_source source;
  mx_rotation rotation;
  mx_calibration prefixed;  // the text with the prefix in front
  const mx_calibration *calibration;
  mx_plan plan;
  bool equalised;          // the scale search is set up
  mx_equaliser equaliser;
  bool forwarded;          // rounding looks at inputs
  mx_forward forward;      // of the model quantized so far
  bool corrected;          // matrices aim at the outputs of the original
  mx_forward original;     // in step with `forward`, with weights before rounding
  mx_layer work;           // copy of the layer, scaled, then what was rounded
  uint32_t done;           // matrices
  uint32_t taken;          // layers, from an earlier run
  mx_work work_of;         // for the progress
  double work_done, work_skipped;
  uint64_t key;            // of the state
  bool kept;               // choices of this run are in the state
  mx_error *e;
} run;

// ---- one matrix ----------------------------------------------------------------

// Q and K feed a softmax, so that their own output error says little: AWQ does
// not clip them.
static bool clips(const mx_methods *m, unsigned index) { return m->awq && m->clip && index != WQ && index != WK; }

static uint32_t layers(const run *r) { return mx_source_config(&r->source)->n_layers; }

// Before a step of `work`.
static mx_status begin(run *r, const char *name, uint32_t layer, double work) {
  uint32_t n = layers(r);
  mx_progress p = {name, r->done, n * MX_QLAYER_MATRICES + 1, layer, n, r->work_done, r->work_skipped, mx_work_total(&r->work_of)};
  if (r->o->progress) r->o->progress(&p);
  r->work_done += work;
  if (!r->o->interrupted || !*r->o->interrupted) return MX_OK;
  return mx_fail(r->e, MX_INTERRUPTED, MX_NOWHERE, "interrupted with %u of %u layers finished", layer, n);
}

static mx_status begin_matrix(run *r, const char *name, uint32_t layer, unsigned index) {
  mx_status s = begin(r, name, layer, mx_work_matrix(&r->work_of, index));
  r->done++;
  return s;
}

static mx_status begin_scales(run *r, uint32_t layer) {
  char name[32];
  if (layer < layers(r)) snprintf(name, sizeof name, "blk.%u scales", layer);
  else snprintf(name, sizeof name, "output scales");
  return r->equalised ? begin(r, name, layer, mx_work_scales(&r->work_of, layer == layers(r))) : MX_OK;
}

static void dequantize(const mx_qmatrix *q, mx_matrix *to) {
  for (uint32_t row = 0; row < q->rows; row++) mx_qmatrix_row(q, row, to->data + (size_t)row * to->cols);
}

// Rounds matrix `index` of the layer, from r->work to `out`; h may be NULL.
static mx_status round_one(run *r, uint32_t layer, unsigned index, const mx_hessian *h) {
  const char *name;
  char full[64];
  mx_qmatrix *out = mx_qlayer_matrix(&r->out->layers[layer], index, &name);
  mx_matrix *work = mx_layer_matrix(&r->work, index);
  snprintf(full, sizeof full, "blk.%u.%s", layer, name);
  mx_status s = begin_matrix(r, full, layer, index);
  if (!s) s = mx_matrix_check_finite(work, full, MX_NOWHERE, r->e);
  const mx_methods *m = &r->o->methods;
  if (!s) s = mx_round_matrix(work, mx_plan_matrix(&r->plan, layer, index), m, clips(m, index), h, r->o->threads, full, out, r->e);
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
    s = mx_hessian_compute(x, f->weight, f->calibration->n_tokens, mx_layer_matrix(&r->work, first)->cols, f->threads,
                           name, &h, r->e);
  for (unsigned i = first; i <= last && !s && r->corrected; i++)
    s = mx_correct_weights(mx_layer_matrix(&r->work, i), aim, x, f->weight, f->calibration->n_tokens, &h, f->threads, name, r->e);
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
  mx_forward_attend(f, w);
}

static void gate_inputs(mx_forward *f, const mx_layer *w, bool wanted) {
  if (!wanted) return;
  mx_forward_multiply(f, &w->w_gate, f->h, f->gate);
  mx_forward_multiply(f, &w->w_up, f->h, f->up);
  mx_forward_gate(f);
}

// Rounds wo or w_down, whose input is x [tokens][cols], `aim` in the original.
static mx_status round_output(run *r, uint32_t layer, unsigned index, const float *x, const float *aim) {
  mx_matrix *w = mx_layer_matrix(&r->work, index);
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

static void normalise(run *r, const mx_matrix *gain, mx_input input) {
  if (r->forwarded) mx_forward_norm(&r->forward, gain, input);
  if (r->corrected) mx_forward_norm(&r->original, gain, input);
}

// By the attention of the layer at hand, before any of its matrices is rounded.
static mx_status weigh_tokens(run *r) {
  if (!r->o->methods.rsq || !r->forwarded) return MX_OK;
  attention_inputs(&r->forward, &r->work, true);
  return mx_rsq_weigh(&r->forward, r->e);
}

static mx_status round_attention(run *r, uint32_t layer) {
  mx_forward *f = &r->forward, *o = &r->original;
  mx_layer *w = &r->work;
  normalise(r, &w->attn_norm, MX_INPUT_ATTN);
  mx_status s = weigh_tokens(r);
  if (s) return s;
  attention_inputs(o, w, r->corrected);
  s = round_group(r, layer, WQ, WV, f->h, o->h);
  if (s) return s;
  attention_inputs(f, w, r->forwarded);
  return round_output(r, layer, WO, f->mix, o->mix);
}

static mx_status round_feed_forward(run *r, uint32_t layer) {
  mx_forward *f = &r->forward, *o = &r->original;
  mx_layer *w = &r->work;
  normalise(r, &w->ffn_norm, MX_INPUT_FFN);
  gate_inputs(o, w, r->corrected);
  mx_status s = round_group(r, layer, W_GATE, W_UP, f->h, o->h);
  if (s) return s;
  gate_inputs(f, w, r->forwarded);
  return round_output(r, layer, W_DOWN, f->gate, o->gate);
}

// The scale search and the rounding take turns: only one of them has the
// activations of a layer in memory.
static mx_status reserve_passes(run *r) {
  mx_status s = r->forwarded ? mx_forward_reserve(&r->forward, r->e) : MX_OK;
  return !s && r->corrected ? mx_forward_reserve(&r->original, r->e) : s;
}

static void release_passes(run *r) {
  mx_forward_release(&r->forward);
  mx_forward_release(&r->original);
}

static mx_status equalise_layer(run *r, uint32_t index) {
  mx_layer original = {0};
  mx_status s = mx_forward_reserve(&r->equaliser.full, r->e);
  if (!s) s = mx_source_layer(&r->source, index, &original, r->e);
  if (!s) s = mx_equalise_layer(&r->equaliser, index, &original, &r->work);
  mx_forward_release(&r->equaliser.full);
  mx_layer_free(&original);
  return s;
}

// Scales of copies of output_norm and output.
static mx_status equalise_head(run *r, const mx_matrix *original_norm, mx_matrix *norm, mx_matrix *output) {
  mx_status s = mx_forward_reserve(&r->equaliser.full, r->e);
  if (!s) s = mx_equalise_head(&r->equaliser, original_norm, norm, output);
  mx_forward_release(&r->equaliser.full);
  return s;
}

// r->work = the layer, equalised.
static mx_status prepare_layer(run *r, uint32_t index) {
  mx_status s = begin_scales(r, index);
  if (!s) s = mx_source_layer(&r->source, index, &r->work, r->e);
  return !s && r->equalised ? equalise_layer(r, index) : s;
}

static void enter_layer(run *r, uint32_t index) {
  mx_forward *const passes[2] = {r->forwarded ? &r->forward : NULL, r->corrected ? &r->original : NULL};
  for (int i = 0; i < 2; i++) {
    if (!passes[i]) continue;
    mx_plan_inputs(&r->plan, index, passes[i]->inputs);
    mx_forward_set_prefix(passes[i], &r->out->prefix, index);
  }
}

static mx_status quantize_layer(run *r, uint32_t index) {
  mx_status s = prepare_layer(r, index);
  mx_qlayer *to = &r->out->layers[index];
  enter_layer(r, index);
  if (!s) s = reserve_passes(r);
  if (!s) s = mx_matrix_copy(&r->work.attn_norm, &to->attn_norm, r->e);
  if (!s) s = mx_matrix_copy(&r->work.ffn_norm, &to->ffn_norm, r->e);
  if (!s && r->work.q_norm.data) s = mx_matrix_copy(&r->work.q_norm, &to->q_norm, r->e);
  if (!s && r->work.k_norm.data) s = mx_matrix_copy(&r->work.k_norm, &to->k_norm, r->e);
  if (!s) s = round_attention(r, index);
  if (!s) s = round_feed_forward(r, index);
  release_passes(r);
  mx_layer_free(&r->work);
  return s;
}

static mx_status round_head(run *r, mx_matrix *output) {
  mx_hessian h = {0};
  mx_forward *f = &r->forward;
  mx_status s = MX_OK;
  if (r->forwarded) {
    f->inputs[MX_INPUT_HEAD] = r->plan.head;
    normalise(r, &r->out->output_norm, MX_INPUT_HEAD);
    s = mx_hessian_compute(f->h, f->weight, f->calibration->n_tokens, output->cols, f->threads, "output", &h, r->e);
  }
  if (!s && r->corrected)
    s = mx_correct_weights(output, r->original.h, f->h, f->weight, f->calibration->n_tokens, &h, f->threads, "output", r->e);
  if (!s) s = mx_matrix_check_finite(output, "output", MX_NOWHERE, r->e);
  if (!s)
    s = mx_round_matrix(output, &r->plan.head, &r->o->methods, clips(&r->o->methods, MX_QLAYER_MATRICES),
                        r->forwarded ? &h : NULL, r->o->threads, "output", &r->out->output, r->e);
  free(h.sum);
  return s;
}

static mx_status quantize_head(run *r) {
  mx_matrix output = {0}, norm = {0};
  mx_status s = begin_scales(r, layers(r));
  if (!s) s = mx_source_head(&r->source, &norm, &output, r->e);
  if (!s) s = mx_matrix_copy(&norm, &r->out->output_norm, r->e);
  if (!s && r->equalised) s = equalise_head(r, &norm, &r->out->output_norm, &output);
  if (!s) s = reserve_passes(r);
  if (!s) s = begin_matrix(r, "output", layers(r), MX_QLAYER_MATRICES);
  if (!s) s = round_head(r, &output);
  free(norm.data);
  free(output.data);
  return s;
}

// ---- the model -----------------------------------------------------------------

static mx_status choose_basis(run *r) {
  const mx_quantize_options *o = r->o;
  const mx_methods *m = &o->methods;
  mx_status s = MX_OK;
  if (m->rotate)
    mx_rotation_new(mx_source_config(&r->source), true, (mx_online){m->rotate_down, m->rotate_qk}, o->seed, &r->rotation);
  else if (m->mixed_channels)
    s = mx_mixed_order(&r->source, &o->weights, o->calibration, o->threads, &r->rotation, r->e);
  if (m->rotate || m->mixed_channels) r->source.rotation = &r->rotation;
  return s;
}

// The prefix in front of the text.
static mx_status put_prefix(run *r) {
  const mx_calibration *c = r->o->calibration;
  r->calibration = c;
  if (!r->out->prefix.n) return MX_OK;
  r->calibration = &r->prefixed;
  return mx_prefix_prepend(c, &r->out->prefix, mx_source_config(&r->source)->context_length, &r->prefixed, r->e);
}

static mx_status choose_prefix(run *r) {
  const mx_quantize_options *o = r->o;
  r->calibration = o->calibration;
  if (!o->methods.prefix) return MX_OK;
  mx_status s = mx_prefix_find(&r->source, o->calibration, o->methods.prefix_tokens, o->threads, &r->out->prefix, r->e);
  return s ? s : put_prefix(r);
}

static mx_status choose_formats(run *r) {
  const mx_quantize_options *o = r->o;
  mx_status s = mx_plan_uniform(mx_source_config(&r->source), &o->weights, (mx_act_format){o->act_bits, false}, &r->plan, r->e);
  if (s || !o->methods.mixed) return s;
  return mx_mixed_plan(&r->source, r->calibration, &o->methods, o->threads, &r->plan, r->e);
}

static mx_status start_passes(run *r) {
  const mx_quantize_options *o = r->o;
  const mx_methods *m = &o->methods;
  mx_status s = MX_OK;
  if (m->smoothquant || m->awq || m->fixed || m->qsm) {
    r->equalised = true;
    s = mx_equaliser_new(&r->source, r->calibration, m, &r->plan, &r->out->prefix, o->kv_bits, o->threads, &r->equaliser, r->e);
  }
  r->forwarded = o->calibration && (m->gptq || m->mse || m->correct || (m->awq && m->clip) || o->weights.fitted);
  if (!s && r->forwarded) s = mx_forward_new(&r->source, r->calibration, o->threads, &r->forward, r->e);
  if (!s && r->forwarded && m->rsq) s = mx_rsq_begin(&r->forward, r->e);
  r->corrected = r->forwarded && m->correct;
  if (!s && r->corrected) s = mx_forward_new(&r->source, r->calibration, o->threads, &r->original, r->e);
  r->forward.quantized = true;
  r->forward.kv_bits = o->kv_bits;
  mx_forward_release(&r->equaliser.full);
  release_passes(r);
  return s;
}

// What the methods choose before the first layer.
static mx_status choose(run *r) {
  mx_status s = choose_basis(r);
  if (!s) s = choose_prefix(r);
  return s ? s : choose_formats(r);
}

static mx_status check(const run *r) {
  if (r->o->calibration || !mx_methods_calibrated(&r->o->methods)) return MX_OK;
  return mx_fail(r->e, MX_USAGE, MX_NOWHERE, "this method needs a calibration text");
}

static mx_status start(run *r) {
  mx_status s = check(r);
  if (!s) s = choose(r);
  return s ? s : start_passes(r);
}

// ---- the state of an interrupted run ---------------------------------------------

static void note(const run *r, const char *text) {
  if (r->o->note) r->o->note(text);
}

static mx_state_parts parts_of(run *r) {
  return (mx_state_parts){r->out, &r->rotation, &r->plan,
                          {r->forwarded ? &r->forward : NULL, r->corrected ? &r->original : NULL,
                           r->equalised ? &r->equaliser.full : NULL, r->equalised ? &r->equaliser.sample : NULL}};
}

// Whether there is something to go on from; what does not fit is removed.
static mx_status look(run *r) {
  static const char *const texts[] = {
      [MX_STATE_OTHER] = "of another model, text, program or command line: starting anew",
      [MX_STATE_DAMAGED] = "damaged: starting anew"};
  mx_status s = mx_state_key(r->source.model, r->o, &r->key, r->e);
  if (s) return s;
  mx_state_fit fit = mx_state_look(r->o->state, r->key, &r->taken);
  r->kept = fit == MX_STATE_FITS && !r->o->restart && r->taken <= layers(r);
  if (!r->kept) r->taken = 0;
  if (!r->kept) mx_state_remove(r->o->state);
  if ((fit == MX_STATE_OTHER || fit == MX_STATE_DAMAGED) && !r->o->restart) {
    char text[512];
    snprintf(text, sizeof text, "the state in %s is %s", r->o->state, texts[fit]);
    note(r, text);
  }
  return mx_state_prepare(r->o->state, r->e);
}

static mx_status take_choices(run *r) {
  mx_state_parts p = parts_of(r);
  const mx_methods *m = &r->o->methods;
  mx_status s = mx_state_load_choices(r->o->state, &p, r->e);
  if (m->rotate || m->mixed_channels) r->source.rotation = &r->rotation;
  return s ? s : put_prefix(r);
}

static mx_status take_layers(run *r) {
  char text[64];
  mx_state_parts p = parts_of(r);
  if (!r->taken) return MX_OK;
  r->done = r->taken * MX_QLAYER_MATRICES;
  r->work_done = r->work_skipped = r->taken * mx_work_layer(&r->work_of);
  snprintf(text, sizeof text, "resuming after layer %u of %u", r->taken, layers(r));
  note(r, text);
  return mx_state_load_layers(r->o->state, r->taken, &p, r->e);
}

static mx_status keep_choices(run *r) {
  mx_state_parts p = parts_of(r);
  return mx_state_save_choices(r->o->state, r->key, &p, r->e);
}

static mx_status keep_finished(run *r, uint32_t index) {
  mx_state_parts p = parts_of(r);
  return r->o->state ? mx_state_save_layer(r->o->state, r->key, index, &p, r->e) : MX_OK;
}

// As start, from the state as far as it goes.
static mx_status resume(run *r) {
  mx_status s = check(r);
  if (!s) s = look(r);
  if (!s) s = r->kept ? take_choices(r) : choose(r);
  if (!s && !r->kept) s = keep_choices(r);
  if (!s) s = start_passes(r);
  return s ? s : take_layers(r);
}

// Only what a second attempt can use is kept.
static void leave_state(const run *r, mx_status s) {
  bool useful = !s || s == MX_INTERRUPTED || s == MX_LIMIT || s == MX_IO;
  if (r->key && !useful) mx_state_remove(r->o->state);
}

// What the image must know of the choices.
static void hand_over(run *r) {
  r->out->kv_bits = r->o->kv_bits;
  r->out->online = r->rotation.online;
  r->out->basis = r->rotation.basis;
  r->rotation.basis.order = NULL;
}

static void finish(run *r) {
  if (r->equalised) mx_equaliser_free(&r->equaliser);
  if (r->forwarded) mx_forward_free(&r->forward);
  if (r->corrected) mx_forward_free(&r->original);
  mx_calibration_free(&r->prefixed);
  mx_plan_free(&r->plan);
  mx_rotation_free(&r->rotation, mx_source_config(&r->source));
}

static mx_status quantize_layers(run *r) {
  mx_status s = MX_OK;
  for (uint32_t i = r->taken; i < layers(r) && !s; i++) {
    s = quantize_layer(r, i);
    if (!s) s = keep_finished(r, i);
  }
  return s;
}

mx_status mx_quantize_model(mx_model *model, const mx_quantize_options *o, mx_qmodel **out, mx_error *e) {
  mx_status s = mx_qmodel_new(&model->config, out, e);
  if (s) return s;
  run r = {.o = o, .out = *out, .source = {.model = model}, .e = e};
  r.work_of = (mx_work){&model->config, &o->methods, o->calibration ? o->calibration->n_tokens : 0};
  int blas = mx_blas_single();
  s = o->state ? resume(&r) : start(&r);
  if (!s) s = quantize_layers(&r);
  if (!s) s = quantize_head(&r);
  if (!s) s = mx_source_embedding(&r.source, &(*out)->token_embd, e);
  hand_over(&r);
  leave_state(&r, s);
  finish(&r);
  mx_blas_restore(blas);
  if (!s) {
    (*out)->tokenizer = model->tokenizer;
    model->tokenizer = NULL;
    return MX_OK;
  }
  mx_qmodel_free(*out);
  *out = NULL;
  return s;
}

// ---- equalisation alone ----------------------------------------------------------

static void keep(mx_matrix *to, mx_matrix *from) {
  memcpy(to->data, from->data, (size_t)to->rows * to->cols * sizeof(float));
}

static mx_status keep_layer(run *r, mx_layer *l, uint32_t index) {
  mx_status s = prepare_layer(r, index);
  if (!s) {
    keep(&l->attn_norm, &r->work.attn_norm);
    keep(&l->ffn_norm, &r->work.ffn_norm);
  }
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++) keep(mx_layer_matrix(l, i), mx_layer_matrix(&r->work, i));
  mx_layer_free(&r->work);
  return s;
}

static mx_status keep_head(run *r, mx_model *model) {
  mx_matrix norm = {0}, output = {0};
  mx_status s = mx_source_head(&r->source, &norm, &output, r->e);
  if (!s) s = equalise_head(r, &model->output_norm, &norm, &output);
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
  mx_qmodel none = {0};
  if (o->methods.rotate || o->methods.mixed_channels)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "equalisation alone keeps the model's basis: no rotate, no mixed+channels");
  run r = {.o = o, .out = &none, .source = {.model = model}, .e = e};
  r.work_of = (mx_work){&model->config, &o->methods, o->calibration ? o->calibration->n_tokens : 0};
  int blas = mx_blas_single();
  mx_status s = start(&r);
  for (uint32_t i = 0; i < model->config.n_layers && !s && r.equalised; i++) s = keep_layer(&r, &model->layers[i], i);
  if (!s && r.equalised) s = keep_head(&r, model);
  mx_prefix_free(&none.prefix);
  finish(&r);
  mx_blas_restore(blas);
  return s;
}
