// What the operators and the device ask of a quantized model.
#include "compiler/lower/lowering.h"

static mx_status check_part(const mx_lowering *l, const mx_qmatrix *part, const char *name) {
  const mx_weight_format *f = &part->format;
  if (f->codebook && !l->params->CODEBOOK)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "%s: parameter set %s has no decode table (CODEBOOK = 0)", name,
                   l->params->name);
  if (f->stream.zero && !l->params->ZERO_POINT)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "%s: parameter set %s has no zero points (ZERO_POINT = 0)", name,
                   l->params->name);
  if (part->rest && part->cols % mx_block_length(&f->stream))
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "%s: a part of %u columns, expected a multiple of its block of %u", name,
                   part->cols, mx_block_length(&f->stream));
  return MX_OK;
}

static mx_status check_matrix(const mx_lowering *l, const mx_qmatrix *w, const char *name) {
  mx_status s = check_part(l, w, name);
  return s || !w->rest ? s : check_part(l, w->rest, name);
}

// What differs between the inputs that two matrices take, or NULL.
static const char *input_difference(const mx_qmatrix *a, const mx_qmatrix *b) {
  if (!a->rest != !b->rest || a->cols != b->cols) return "parts";
  if (a->format.stream.block != b->format.stream.block) return "blocks";
  if (a->acts.bits != b->acts.bits || a->acts.fixed != b->acts.fixed) return "activation formats";
  return a->rest ? input_difference(a->rest, b->rest) : NULL;
}

static mx_status check_shared(const mx_lowering *l, uint32_t layer, const mx_qmatrix *a, const mx_qmatrix *b) {
  const char *what = input_difference(a, b);
  if (!what) return MX_OK;
  return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "layer %u: matrices that share an input have different %s", layer, what);
}

static mx_status check_layer(const mx_lowering *l, uint32_t layer) {
  mx_qlayer *w = &l->model->layers[layer];
  mx_status s = check_shared(l, layer, &w->wq, &w->wk);
  if (!s) s = check_shared(l, layer, &w->wq, &w->wv);
  if (!s) s = check_shared(l, layer, &w->w_gate, &w->w_up);
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++) {
    const char *name;
    const mx_qmatrix *m = mx_qlayer_matrix(w, i, &name);
    s = check_matrix(l, m, name);
  }
  return s;
}

static mx_status check_prefix(const mx_lowering *l) {
  const mx_prefix *p = &l->model->prefix;
  if (!p->n) return MX_OK;
  if (p->n >= l->context)
    return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "a prefix of %u tokens leaves no room in a context of %u", p->n, l->context);
  int32_t bos = mx_tokenizer_bos(l->model->tokenizer), last = p->tokens[p->n - 1];
  if (bos >= 0 && last == bos) return MX_OK;
  return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "the prefix ends with token %d, expected the one that begins texts (%d)", last, bos);
}

mx_status mx_check_model(const mx_lowering *l) {
  const mx_config *c = &l->model->config;
  if (l->model->online.down && c->hidden_dim % 4)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "an online transform of %u channels: expected a multiple of 4", c->hidden_dim);
  mx_status s = check_prefix(l);
  for (uint32_t i = 0; i < c->n_layers && !s; i++) s = check_layer(l, i);
  return s ? s : check_matrix(l, &l->model->output, "output");
}
