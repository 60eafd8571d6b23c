// Runs the stages, then makes the image.
#include "compiler/lower/lower.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"

static mx_status fill_memory(mx_lowering *l, mx_image *image) {
  image->memory_bytes = l->model->token_embd.data ? l->map.initial_bytes : l->map.embedding;
  image->memory = calloc(image->memory_bytes, 1);
  if (!image->memory) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for an image of %u bytes", image->memory_bytes);
  return mx_fill_memory(l, image->memory);
}

static void note_program(const mx_program *p, uint32_t addr, mx_image *image) {
  for (uint32_t i = 0; i < p->n_steps; i++) {
    const mx_operator *op = &p->ops[p->steps[i].op];
    if (i && p->steps[i].op == p->steps[i - 1].op) continue;
    mx_note *note = &image->notes[image->n_notes++];
    note->addr = addr + i * MX_INSTRUCTION_BYTES;
    const char *batch = p->batch > 1 ? "batch, " : "";
    if (op->layer >= 0) snprintf(note->text, sizeof note->text, "%slayer %d %s", batch, op->layer, op->name);
    else snprintf(note->text, sizeof note->text, "%s%s", batch, op->name);
  }
}

static mx_status fill_notes(const mx_lowering *l, mx_image *image) {
  size_t most = 1;
  for (int k = 0; k < MX_PROGRAMS; k++) most += l->programs[k].n_steps;
  image->notes = calloc(most, sizeof *image->notes);
  if (!image->notes) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for notes");
  mx_note *note = &image->notes[image->n_notes++];
  note->addr = l->map.init_program;
  snprintf(note->text, sizeof note->text, "init");
  for (int k = 0; k < MX_PROGRAMS; k++) note_program(&l->programs[k], l->map.programs[k], image);
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
                      .token_entry = m->programs[MX_TOKEN_PROGRAM], .result_addr = m->result, .logits_addr = m->logits,
                      .vocab_size = l->model->config.vocab_size, .context_length = l->context,
                      .bos_id = (uint32_t)bos, .eos_id = (uint32_t)eos,
                      .prefix_tokens = l->model->prefix.n, .choice_rows = mx_choice_rows(l)};
  if (l->programs[MX_BATCH_PROGRAM].n_steps) {
    image->batch_entry = m->programs[MX_BATCH_PROGRAM];
    image->batch_tokens = l->params->TOKENS;
    image->batch_rows_addr = m->batch_rows;
    image->embedding_addr = m->embedding;
    image->embedding_row_bytes = m->embedding_row;
  }
  mx_status s = fill_memory(l, image);
  if (!s) s = fill_notes(l, image);
  if (!s) s = fill_tokenizer(l, image);
  if (!s) s = fill_basis(l, image);
  return s ? s : mx_fill_info(l, image);
}

static void free_program(mx_program *p) {
  free(p->ops);
  free(p->values);
  free(p->steps);
  *p = (mx_program){0};
}

void mx_lowering_clear(mx_lowering *l) {
  for (int k = 0; k < MX_PROGRAMS; k++) free_program(&l->programs[k]);
  free(l->stored);
  l->stored = NULL;
}

static mx_status build(mx_lowering *l, int index, uint32_t batch, bool keeps) {
  l->p = &l->programs[index];
  free_program(l->p);
  l->p->keeps = keeps;
  mx_status s = mx_build_graph(l, batch);
  if (!s) s = mx_tile(l);
  if (!s) s = mx_allocate_values(l);
  return s ? s : mx_emit(l);
}

// An attempt, of whose failure nothing stays.
static bool fits(mx_lowering *l, bool keeps, bool tiled_choice) {
  mx_error *e = l->e, own = {0};
  l->e = &own;
  l->tiled_choice = tiled_choice;
  mx_status s = build(l, MX_TOKEN_PROGRAM, 1, keeps);
  l->e = e;
  return !s;
}

// With all logits at once, if there is room for that, and with products that may
// begin early, if there is.
static mx_status build_token(mx_lowering *l) {
  if (fits(l, true, false) || fits(l, false, false) || fits(l, true, true)) return MX_OK;
  return build(l, MX_TOKEN_PROGRAM, 1, false);
}

// Not there where the device takes one token at a time, or has no room for more.
static void build_batch(mx_lowering *l) {
  mx_error *e = l->e, own = {0};
  mx_ucode ucode = l->ucode;
  uint32_t n_stored = l->n_stored;
  if (l->params->TOKENS == 1) return;
  l->e = &own;
  if (build(l, MX_BATCH_PROGRAM, l->params->TOKENS, true)) {
    free_program(l->p);
    l->ucode = ucode;
    l->n_stored = n_stored;
  }
  l->p = &l->programs[MX_TOKEN_PROGRAM];
  l->e = e;
}

// Emission runs twice: the memory map needs the programs' lengths, and programs
// the map. The number of steps does not depend on addresses.
mx_status mx_lower(mx_lowering *l) {
  mx_status s = mx_check_model(l);
  if (!s) s = build_token(l);
  if (s) return s;
  build_batch(l);
  s = mx_map_memory(l);
  for (int k = MX_PROGRAMS - 1; k >= 0 && !s; k--) {
    l->p = &l->programs[k];
    if (!l->p->n_steps) continue;
    s = mx_emit(l);
    if (!s) s = mx_schedule(l);
  }
  l->p = &l->programs[MX_TOKEN_PROGRAM];
  return s;
}

static void print_form(mx_lowering *l, const mx_compile_options *o) {
  void (*const print[])(const mx_lowering *, FILE *) = {
      [MX_EMIT_GRAPH] = mx_print_graph, [MX_EMIT_TILES] = mx_print_tiles, [MX_EMIT_SCHEDULE] = mx_print_schedule};
  static const char *const names[MX_PROGRAMS] = {"token", "batch"};
  if (o->form >= sizeof print / sizeof *print || !print[o->form]) return;
  for (int k = MX_PROGRAMS - 1; k >= 0; k--) {
    l->p = &l->programs[k];
    if (l->p->n_steps) fprintf(o->to, "%s program\n", names[k]), print[o->form](l, o->to);
  }
}

mx_status mx_compile(const mx_qmodel *model, const mx_compile_options *o, mx_image **out, mx_error *e) {
  mx_lowering *l = calloc(1, sizeof *l);
  mx_image *image = calloc(1, sizeof *image);
  mx_status s = MX_OK;
  if (!l || !image) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory");
  else {
    *l = (mx_lowering){.model = model, .params = o->params, .e = e,
                       .context = o->context ? o->context : model->config.context_length};
    s = mx_lower(l);
    if (!s) print_form(l, o);
    if (!s) s = make_image(l, image);
    mx_lowering_clear(l);
  }
  free(l);
  if (s) mx_image_free(image);
  *out = s ? NULL : image;
  return s;
}
