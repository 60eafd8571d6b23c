#include "compiler/quant/source.h"

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
  free(l->q_norm.data);
  free(l->k_norm.data);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) free(mx_layer_matrix(l, i)->data);
  *l = (mx_layer){0};
}

static mx_status fetch_head_norms(const mx_model *m, uint32_t layer, mx_layer *out, mx_error *e) {
  mx_status s = mx_model_fetch(m, mx_model_head_norm_index(m, layer, 0), &out->q_norm, e);
  return s ? s : mx_model_fetch(m, mx_model_head_norm_index(m, layer, 1), &out->k_norm, e);
}

mx_status mx_source_layer(const mx_source *s, uint32_t index, mx_layer *out, mx_error *e) {
  mx_matrix *const to[] = {
#define ADDRESS(field, name, rows, cols) &out->field,
      MX_LAYER_MATRICES(ADDRESS)
#undef ADDRESS
  };
  *out = (mx_layer){0};
  mx_status status = MX_OK;
  for (uint32_t k = 0; k < MX_LAYER_MATRIX_COUNT && !status; k++)
    status = mx_model_fetch(s->model, mx_model_layer_index(index, k), to[k], e);
  if (!status && s->model->config.head_norms) status = fetch_head_norms(s->model, index, out, e);
  return !status && s->rotation ? mx_rotate_layer(s->rotation, mx_source_config(s), index, out, e) : status;
}

mx_status mx_source_embedding(const mx_source *s, mx_matrix *out, mx_error *e) {
  mx_status status = mx_model_fetch(s->model, 0, out, e);
  return !status && s->rotation ? mx_rotate_embedding(s->rotation, out, e) : status;
}

mx_status mx_source_embed(const mx_source *s, const int32_t *ids, uint32_t n, mx_matrix *out, mx_error *e) {
  mx_status status = mx_model_fetch_rows(s->model, ids, n, out, e);
  return !status && s->rotation ? mx_rotate_embedding(s->rotation, out, e) : status;
}

mx_status mx_source_head(const mx_source *s, mx_matrix *norm, mx_matrix *output, mx_error *e) {
  *norm = *output = (mx_matrix){0};
  mx_status status = mx_model_fetch(s->model, mx_model_norm_index(s->model), norm, e);
  if (!status) status = mx_model_fetch(s->model, mx_model_output_index(s->model), output, e);
  return !status && s->rotation ? mx_rotate_head(s->rotation, norm, output, e) : status;
}
