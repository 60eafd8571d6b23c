#include "compiler/synth/geometry.h"

#include "compiler/synth/synth.h"

static void set_format(mx_qmatrix *m, const mx_geometry_options *o) {
  m->format = o->weights;
  m->acts = o->acts;
}

mx_status mx_synth_geometry(const mx_geometry_options *o, mx_qmodel **out, mx_error *e) {
  const mx_synth_options shape = {.shape = o->shape, .layers = o->layers};
  mx_config config;
  bool tied;
  *out = NULL;
  mx_status s = mx_synth_config(&shape, &config, &tied, e);
  if (!s) s = mx_qmodel_new(&config, out, e);
  if (s) return s;
  mx_qmodel *q = *out;
  q->kv_bits = o->kv_bits;
  for (uint32_t i = 0; i < config.n_layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) set_format(mx_qlayer_matrix(&q->layers[i], k, NULL), o);
  set_format(&q->output, o);
  s = mx_synth_tokenizer(config.vocab_size, &q->tokenizer, e);
  if (!s) return MX_OK;
  mx_qmodel_free(q);
  *out = NULL;
  return s;
}
