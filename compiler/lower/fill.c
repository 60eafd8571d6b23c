// The memory section: constants, embedding, tables, weights, programs.
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
      [MX_K_INV_HEAD] = c->head_norms ? 1.0f / (float)c->head_dim : 0,
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
  uint32_t half = l->p->attention.half;
  for (uint32_t position = 0; position < l->context; position++) {
    uint8_t *at = memory + l->map.rope + (size_t)position * l->map.rope_row;
    for (uint32_t i = 0; i < half; i++) {
      double angle = position * pow(l->model->config.rope_theta, -(double)i / half);
      store_float(at + 4 * i, (float)cos(angle));
      store_float(at + 4 * (half + i), (float)sin(angle));
    }
  }
}

static uint32_t *row_order(const mx_lowering *l, const mx_resident *s) {
  uint32_t *row_of = malloc(s->weight->rows * sizeof *row_of);
  for (uint32_t r = 0; row_of && r < s->weight->rows; r++) row_of[r] = mx_resident_row(l, s, r);
  return row_of;
}

static mx_status fill_rows(const mx_lowering *l, const mx_resident *s, uint8_t *at) {
  uint32_t *row_of = row_order(l, s);
  if (!row_of) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory");
  if (s->kind == MX_RESIDENT_MATRIX) mx_pack_matrix(l->params, s->weight, row_of, at);
  else for (uint32_t r = 0; r < s->weight->rows; r++) store_float(at + 4 * r, s->weight->steps[row_of[r]]);
  free(row_of);
  return MX_OK;
}

static void fill_gain(const mx_resident *s, uint8_t *at) {
  const float *gain = s->gain->data;
  uint32_t n = s->gain->cols;
  if (!s->tile_heads) store_floats(at, gain, n);
  else for (uint32_t i = 0; i < n; i++) store_float(at + 4 * (i / 2 + i % 2 * (n / 2)), gain[i]);
}

static mx_status fill_stored(const mx_lowering *l, uint8_t *memory) {
  mx_status status = MX_OK;
  for (uint32_t i = 0; i < l->n_stored && !status; i++) {
    const mx_resident *s = &l->stored[i];
    if (s->kind == MX_RESIDENT_GAIN) fill_gain(s, memory + s->addr);
    else status = fill_rows(l, s, memory + s->addr);
  }
  return status;
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
  for (int k = 0; k < MX_PROGRAMS; k++)
    for (uint32_t i = 0; i < l->programs[k].n_steps; i++)
      fill_program(&l->programs[k].steps[i].insn, 1, memory + l->map.programs[k] + i * MX_INSTRUCTION_BYTES);
  for (uint32_t i = 0; i < l->ucode.n_words; i++) mx_store_u32(memory + l->map.ucode + 4 * i, l->ucode.words[i]);
  return MX_OK;
}

mx_status mx_fill_memory(mx_lowering *l, uint8_t *memory) {
  fill_constants(l, memory);
  if (!l->model->token_embd.data) return fill_programs(l, memory);
  fill_embedding(l, memory);
  fill_rope(l, memory);
  if (l->model->prefix.n) mx_fill_prefix(l, memory);
  mx_status s = fill_stored(l, memory);
  return s ? s : fill_programs(l, memory);
}
