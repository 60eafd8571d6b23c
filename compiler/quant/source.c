#include "compiler/quant/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mx_matrix *mx_layer_matrix(mx_layer *l, unsigned index) {
  mx_matrix *const matrices[MX_QLAYER_MATRICES] = {&l->wq, &l->wk, &l->wv, &l->wo, &l->w_gate, &l->w_up, &l->w_down};
  return matrices[index];
}

mx_status mx_matrix_copy(const mx_matrix *from, mx_matrix *to, mx_error *e) {
  *to = (mx_matrix){from->rows, from->cols, NULL};
  mx_status s = mx_matrix_allocate(to, e);
  if (!s) memcpy(to->data, from->data, (size_t)to->rows * to->cols * sizeof *to->data);
  return s;
}

void mx_layer_free(mx_layer *l) {
  free(l->attn_norm.data);
  free(l->ffn_norm.data);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) free(mx_layer_matrix(l, i)->data);
  *l = (mx_layer){0};
}

static mx_status copy_checked(const mx_matrix *from, uint32_t layer, const char *name, mx_matrix *to, mx_error *e) {
  char full[64];
  snprintf(full, sizeof full, "blk.%u.%s", layer, name);
  mx_status s = mx_matrix_check_finite(from, full, MX_NOWHERE, e);
  return s ? s : mx_matrix_copy(from, to, e);
}

mx_status mx_source_layer(const mx_source *s, uint32_t index, mx_layer *out, mx_error *e) {
  const mx_layer *from = &s->model->layers[index];
  *out = (mx_layer){0};
  mx_status status = copy_checked(&from->attn_norm, index, "attn_norm", &out->attn_norm, e);
  if (!status) status = copy_checked(&from->ffn_norm, index, "ffn_norm", &out->ffn_norm, e);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !status; i++) {
    static const char *const names[MX_QLAYER_MATRICES] = {"attn_q", "attn_k", "attn_v", "attn_output",
                                                          "ffn_gate", "ffn_up", "ffn_down"};
    status = copy_checked(mx_layer_source(from, i), index, names[i], mx_layer_matrix(out, i), e);
  }
  return !status && s->rotation ? mx_rotate_layer(s->rotation, mx_source_config(s), index, out, e) : status;
}

mx_status mx_source_embedding(const mx_source *s, mx_matrix *out, mx_error *e) {
  mx_status status = mx_matrix_check_finite(&s->model->token_embd, "token_embd", MX_NOWHERE, e);
  if (!status) status = mx_matrix_copy(&s->model->token_embd, out, e);
  return !status && s->rotation ? mx_rotate_embedding(s->rotation, out, e) : status;
}

mx_status mx_source_head(const mx_source *s, mx_matrix *norm, mx_matrix *output, mx_error *e) {
  *norm = *output = (mx_matrix){0};
  mx_status status = mx_matrix_check_finite(&s->model->output_norm, "output_norm", MX_NOWHERE, e);
  if (!status) status = mx_matrix_check_finite(&s->model->output, "output", MX_NOWHERE, e);
  if (!status) status = mx_matrix_copy(&s->model->output_norm, norm, e);
  if (!status) status = mx_matrix_copy(&s->model->output, output, e);
  return !status && s->rotation ? mx_rotate_head(s->rotation, norm, output, e) : status;
}
