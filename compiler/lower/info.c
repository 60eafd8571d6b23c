// The description in the image, as JSON.
#include <jansson.h>

#include "compiler/lower/lowering.h"
#include "compiler/quant/describe.h"

mx_status mx_fill_info(const mx_lowering *l, mx_image *image) {
  const mx_config *c = &l->model->config;
  const struct { const char *name; uint32_t value; } numbers[] = {
      {"dim", c->dim},           {"hidden_dim", c->hidden_dim},   {"n_layers", c->n_layers},
      {"n_heads", c->n_heads},   {"n_kv_heads", c->n_kv_heads},   {"head_dim", c->head_dim},
      {"instructions", l->p->n_steps}, {"ucode_words", l->ucode.n_words}, {"vmem_words", l->p->vmem_used},
      {"xmem_elements", l->p->xmem_used}, {"residual_word", mx_value_addr(l, l->p->residual)},  // VMEM, up to output_norm
  };
  json_t *o = mx_qmodel_describe(l->model);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers && o; i++)
    json_object_set_new(o, numbers[i].name, json_integer(numbers[i].value));
  image->info = o ? json_dumps(o, JSON_COMPACT) : NULL;
  json_decref(o);
  return image->info ? MX_OK : mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the description");
}
