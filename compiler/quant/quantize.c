#include "compiler/quant/quantize.h"

#include <stdio.h>
#include <string.h>

#include "compiler/quant/rtn.h"

static mx_status copy_matrix(const mx_matrix *from, mx_matrix *to, mx_error *e) {
  mx_status s = mx_matrix_allocate(to, e);
  if (!s) memcpy(to->data, from->data, (size_t)to->rows * to->cols * sizeof *to->data);
  return s;
}

static mx_status quantize_layer(const mx_layer *from, mx_qlayer *to, uint32_t index, uint32_t layers,
                                const mx_quantize_options *o, mx_error *e) {
  mx_status s = copy_matrix(&from->attn_norm, &to->attn_norm, e);
  if (!s) s = copy_matrix(&from->ffn_norm, &to->ffn_norm, e);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++) {
    const char *name;
    char full[64];
    mx_qmatrix *m = mx_qlayer_matrix(to, i, &name);
    snprintf(full, sizeof full, "blk.%u.%s", index, name);
    if (o->progress) o->progress(full, index * MX_QLAYER_MATRICES + i, layers * MX_QLAYER_MATRICES + 1);
    s = mx_quantize_rtn(mx_layer_source(from, i), &o->weights, m, e);
  }
  return s;
}

mx_status mx_quantize_model(mx_model *model, const mx_quantize_options *o, mx_qmodel **out, mx_error *e) {
  uint32_t layers = model->config.n_layers;
  mx_status s = mx_qmodel_new(&model->config, out, e);
  if (s) return s;
  mx_qmodel *q = *out;
  q->act_bits = o->act_bits;
  q->kv_bits = o->kv_bits;
  s = copy_matrix(&model->token_embd, &q->token_embd, e);
  if (!s) s = copy_matrix(&model->output_norm, &q->output_norm, e);
  for (uint32_t i = 0; i < layers && !s; i++) s = quantize_layer(&model->layers[i], &q->layers[i], i, layers, o, e);
  if (!s && o->progress) o->progress("output", layers * MX_QLAYER_MATRICES, layers * MX_QLAYER_MATRICES + 1);
  if (!s) s = mx_quantize_rtn(&model->output, &o->weights, &q->output, e);
  q->tokenizer = model->tokenizer;
  model->tokenizer = NULL;
  if (!s) return MX_OK;
  mx_qmodel_free(q);
  *out = NULL;
  return s;
}
