// Runs the stages, then makes the image.
#include "compiler/lower/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"

static mx_status fill_memory(mx_lowering *l, mx_image *image) {
  image->memory_bytes = l->map.initial_bytes;
  image->memory = calloc(image->memory_bytes, 1);
  if (!image->memory) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for an image of %u bytes", image->memory_bytes);
  return mx_fill_memory(l, image->memory);
}

static mx_status fill_notes(const mx_lowering *l, mx_image *image) {
  image->notes = calloc(l->n_steps + 1, sizeof *image->notes);
  if (!image->notes) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for notes");
  mx_note *note = &image->notes[image->n_notes++];
  note->addr = l->map.init_program;
  snprintf(note->text, sizeof note->text, "init");
  for (uint32_t i = 0; i < l->n_steps; i++) {
    const mx_operator *op = &l->ops[l->steps[i].op];
    if (i && l->steps[i].op == l->steps[i - 1].op) continue;
    note = &image->notes[image->n_notes++];
    note->addr = l->map.token_program + i * MX_INSTRUCTION_BYTES;
    if (op->layer >= 0) snprintf(note->text, sizeof note->text, "layer %d %s", op->layer, op->name);
    else snprintf(note->text, sizeof note->text, "%s", op->name);
  }
  return MX_OK;
}

static mx_status fill_tokenizer(const mx_lowering *l, mx_image *image) {
  image->tokenizer_bytes = (uint32_t)mx_tokenizer_write(l->model->tokenizer, NULL, 0);
  image->tokenizer = malloc(image->tokenizer_bytes);
  if (!image->tokenizer) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the tokenizer");
  mx_tokenizer_write(l->model->tokenizer, image->tokenizer, image->tokenizer_bytes);
  return MX_OK;
}

// Nothing for the model's own basis.
static mx_status fill_basis(const mx_lowering *l, mx_image *image) {
  const mx_basis *b = &l->model->basis;
  uint32_t dim = l->model->config.dim;
  if (!b->hadamard && !b->order) return MX_OK;
  image->basis_bytes = (uint32_t)mx_basis_write(b, dim, NULL);
  image->basis = malloc(image->basis_bytes);
  if (!image->basis) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the basis");
  mx_basis_write(b, dim, image->basis);
  return MX_OK;
}

static mx_status make_image(mx_lowering *l, mx_image *image) {
  const mx_memory_map *m = &l->map;
  int32_t bos = mx_tokenizer_bos(l->model->tokenizer), eos = mx_tokenizer_eos(l->model->tokenizer);
  *image = (mx_image){.params = l->params, .mem_bytes = m->end, .init_entry = m->init_program,
                      .token_entry = m->token_program, .result_addr = m->result, .logits_addr = m->logits,
                      .vocab_size = l->model->config.vocab_size, .context_length = l->context,
                      .bos_id = (uint32_t)bos, .eos_id = (uint32_t)eos,
                      .prefix_tokens = l->model->prefix.n};
  mx_status s = fill_memory(l, image);
  if (!s) s = fill_notes(l, image);
  if (!s) s = fill_tokenizer(l, image);
  if (!s) s = fill_basis(l, image);
  return s ? s : mx_fill_info(l, image);
}

// Emission runs twice: the memory map needs the program's length, and the
// program the map. The number of steps does not depend on addresses.
static mx_status lower(mx_lowering *l) {
  mx_status s = mx_build_graph(l);
  if (!s) s = mx_tile(l);
  if (!s) s = mx_allocate_values(l);
  if (!s) s = mx_emit(l);
  if (!s) s = mx_map_memory(l, l->n_steps);
  if (!s) s = mx_emit(l);
  return s ? s : mx_schedule(l);
}

static void print_form(const mx_lowering *l, const mx_compile_options *o) {
  if (o->form == MX_EMIT_GRAPH) mx_print_graph(l, o->to);
  if (o->form == MX_EMIT_TILES) mx_print_tiles(l, o->to);
  if (o->form == MX_EMIT_SCHEDULE) mx_print_schedule(l, o->to);
}

mx_status mx_compile(const mx_qmodel *model, const mx_compile_options *o, mx_image **out, mx_error *e) {
  mx_lowering *l = calloc(1, sizeof *l);
  mx_image *image = calloc(1, sizeof *image);
  mx_status s = MX_OK;
  if (!l || !image) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory");
  else {
    *l = (mx_lowering){.model = model, .params = o->params, .e = e,
                       .context = o->context ? o->context : model->config.context_length};
    s = lower(l);
    if (!s) print_form(l, o);
    if (!s) s = make_image(l, image);
    free(l->ops);
    free(l->values);
    free(l->steps);
  }
  free(l);
  if (s) mx_image_free(image);
  *out = s ? NULL : image;
  return s;
}
