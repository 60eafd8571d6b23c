// Runs the stages, then fills the memory section of the image.
#include "compiler/lower/lower.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"
#include "compiler/lower/lowering.h"
#include "compiler/lower/pack.h"

static void store_float(uint8_t *at, float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  mx_store_u32(at, bits);
}

static void store_floats(uint8_t *at, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) store_float(at + 4 * i, x[i]);
}

// x is a half exactly (memory.c has looked).
static uint16_t half_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffffu;
  int exponent = (int)(magnitude >> 23) - 127;
  if (!magnitude) return (uint16_t)sign;
  if (exponent >= -14) return (uint16_t)(sign | (uint32_t)((exponent + 15) << 10) | (magnitude >> 13 & 1023));
  return (uint16_t)(sign | ((magnitude & 0x7fffff) | 0x800000) >> (-exponent - 1));
}

static void fill_constants(const mx_lowering *l, uint8_t *memory) {
  const mx_config *c = &l->model->config;
  const double log2e = 1.4426950408889634;
  float k[MX_K_WORDS] = {
      [MX_K_INV_DIM] = 1.0f / (float)c->dim,
      [MX_K_EPS] = c->rms_eps,
      [MX_K_NEG_LOG2E] = (float)-log2e,
      [MX_K_ONE] = 1,
      [MX_K_Q_SCALE] = (float)(log2e / sqrt(c->head_dim)),
  };
  store_floats(memory + l->map.constants, k, MX_K_WORDS);
}

static void fill_embedding(const mx_lowering *l, uint8_t *memory) {
  const mx_matrix *m = &l->model->token_embd;
  for (uint32_t row = 0; row < m->rows; row++) {
    uint8_t *at = memory + l->map.embedding + (size_t)row * l->map.embedding_row;
    const float *x = m->data + (size_t)row * m->cols;
    if (l->map.embedding_format == MX_LOAD_F32) store_floats(at, x, m->cols);
    else
      for (uint32_t i = 0; i < m->cols; i++) {
        uint16_t h = half_bits(x[i]);
        at[2 * i] = (uint8_t)h;
        at[2 * i + 1] = (uint8_t)(h >> 8);
      }
  }
}

static void fill_rope(const mx_lowering *l, uint8_t *memory) {
  uint32_t half = l->attention.half;
  for (uint32_t position = 0; position < l->context; position++) {
    uint8_t *at = memory + l->map.rope + (size_t)position * l->map.rope_row;
    for (uint32_t i = 0; i < half; i++) {
      double angle = position * pow(l->model->config.rope_theta, -(double)i / half);
      store_float(at + 4 * i, (float)cos(angle));
      store_float(at + 4 * (half + i), (float)sin(angle));
    }
  }
}

// Stream row r of a product whose heads are split: first elements of all pairs
// of all heads, then second ones.
static uint32_t *split_rows(const mx_lowering *l, uint32_t rows) {
  uint32_t half = l->attention.half, *row_of = malloc(rows * sizeof *row_of);
  for (uint32_t r = 0; row_of && r < rows; r++) {
    uint32_t second = r / (rows / 2), in_half = r % (rows / 2);
    row_of[r] = in_half / half * 2 * half + in_half % half * 2 + second;
  }
  return row_of;
}

static mx_status fill_weights(const mx_lowering *l, uint8_t *memory) {
  for (uint32_t i = 0; i < l->n_ops; i++) {
    const mx_operator *op = &l->ops[i];
    if (op->kind == MX_OPR_GAIN) store_floats(memory + op->weight_addr, op->gain->data, op->n);
    if (op->kind != MX_OPR_MATMUL) continue;
    uint32_t *row_of = op->split_heads ? split_rows(l, op->weight->rows) : NULL;
    if (op->split_heads && !row_of) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory");
    mx_pack_matrix(l->params, op->weight, row_of, memory + op->weight_addr);
    free(row_of);
  }
  return MX_OK;
}

static void fill_program(const mx_insn *insns, uint32_t n, uint8_t *at) {
  for (uint32_t i = 0; i < n; i++)
    for (int w = 0; w < 4; w++) mx_store_u32(at + i * MX_INSTRUCTION_BYTES + 4 * w, insns[i].word[w]);
}

static mx_status fill_programs(mx_lowering *l, uint8_t *memory) {
  mx_insn init[16];
  uint32_t n;
  mx_status s = mx_build_init_program(l, init, 16, &n);
  if (s) return s;
  fill_program(init, n, memory + l->map.init_program);
  for (uint32_t i = 0; i < l->n_steps; i++)
    fill_program(&l->steps[i].insn, 1, memory + l->map.token_program + i * MX_INSTRUCTION_BYTES);
  for (uint32_t i = 0; i < l->ucode.n_words; i++) mx_store_u32(memory + l->map.ucode + 4 * i, l->ucode.words[i]);
  return MX_OK;
}

static mx_status fill_memory(mx_lowering *l, mx_image *image) {
  image->memory_bytes = l->map.initial_bytes;
  image->memory = calloc(image->memory_bytes, 1);
  if (!image->memory) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for an image of %u bytes", image->memory_bytes);
  fill_constants(l, image->memory);
  fill_embedding(l, image->memory);
  fill_rope(l, image->memory);
  mx_status s = fill_weights(l, image->memory);
  return s ? s : fill_programs(l, image->memory);
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

static mx_status fill_info(const mx_lowering *l, mx_image *image) {
  static const char *const elements[] = {"mxint4", "mxint6", "mxint8"};
  char weights[16];
  mx_weight_format_name(&l->model->layers[0].wq.format, weights);
  const mx_config *c = &l->model->config;
  json_t *o = json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "weights", weights, "acts",
                        elements[l->model->layers[0].wq.acts.bits], "kv", elements[l->model->kv_bits], "dim", c->dim, "hidden_dim",
                        c->hidden_dim, "n_layers", c->n_layers, "n_heads", c->n_heads, "n_kv_heads", c->n_kv_heads,
                        "head_dim", c->head_dim, "instructions", l->n_steps, "ucode_words", l->ucode.n_words,
                        "vmem_words", l->vmem_used, "xmem_elements", l->xmem_used);
  image->info = o ? json_dumps(o, JSON_COMPACT) : NULL;
  json_decref(o);
  return image->info ? MX_OK : mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the description");
}

static mx_status make_image(mx_lowering *l, mx_image *image) {
  const mx_memory_map *m = &l->map;
  int32_t bos = mx_tokenizer_bos(l->model->tokenizer), eos = mx_tokenizer_eos(l->model->tokenizer);
  *image = (mx_image){.params = l->params, .mem_bytes = m->end, .init_entry = m->init_program,
                      .token_entry = m->token_program, .result_addr = m->result, .logits_addr = m->logits,
                      .vocab_size = l->model->config.vocab_size, .context_length = l->context,
                      .bos_id = (uint32_t)bos, .eos_id = (uint32_t)eos};
  mx_status s = fill_memory(l, image);
  if (!s) s = fill_notes(l, image);
  if (!s) s = fill_tokenizer(l, image);
  return s ? s : fill_info(l, image);
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
