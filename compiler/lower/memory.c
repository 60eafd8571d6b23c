// Addresses: on-chip values by liveness (first fit), and the memory map.
#include <math.h>
#include <string.h>

#include "compiler/lower/lowering.h"
#include "golden/flash.h"

// ---- on-chip -------------------------------------------------------------------

static bool live_together(const mx_value *a, const mx_value *b) { return a->first <= b->last && b->first <= a->last; }

// The lowest address at which v collides with no earlier value of its space.
static uint32_t first_fit(const mx_lowering *l, uint32_t index) {
  const mx_value *v = &l->p->values[index];
  uint32_t addr = 0;
  for (uint32_t i = 0; i < index; i++) {
    const mx_value *o = &l->p->values[i];
    if (o->space != v->space || !live_together(o, v)) continue;
    if (addr < o->addr + o->size && o->addr < addr + v->size) {
      addr = o->addr + o->size;
      i = UINT32_MAX;  // again from the first, at the new address
    }
  }
  return addr;
}

static mx_status place(mx_lowering *l, uint32_t index, uint32_t *used, uint32_t capacity, const char *memory) {
  mx_value *v = &l->p->values[index];
  v->addr = first_fit(l, index);
  uint32_t end = v->addr + v->size;
  if (end > *used) *used = end;
  if (end <= capacity && end <= 65536) return MX_OK;
  return mx_fail(l->e, MX_LIMIT, MX_NOWHERE,
                 "%s of parameter set %s has room for %u, and '%s' (%u) would end at %u: %u too many; "
                 "a shorter --context or a larger set may do", memory, l->params->name, capacity, v->name, v->size, end, end - capacity);
}

mx_status mx_allocate_values(mx_lowering *l) {
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < l->p->n_values && !s; i++) {
    if (l->p->values[i].space == MX_VALUE_VMEM) s = place(l, i, &l->p->vmem_used, l->params->VMEM_WORDS, "the vector memory");
    else s = place(l, i, &l->p->xmem_used, l->params->XMEM_ELEMS, "the activation memory");
  }
  return s;
}

// ---- memory map ----------------------------------------------------------------

enum { ALIGN_BYTES = 64 };

typedef struct { uint64_t at; } cursor;

static uint32_t take(cursor *c, uint64_t bytes) {
  uint64_t at = (c->at + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
  c->at = at + bytes;
  return (uint32_t)at;
}

static bool is_half(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  int exponent = (int)(bits >> 23 & 255) - 127;
  if (!(bits & 0x7fffffffu)) return true;
  if (exponent > 15 || exponent < -24) return false;
  unsigned dropped = exponent < -14 ? (unsigned)(13 - 14 - exponent) : 13;
  return !(bits & ((1u << dropped) - 1));
}

static unsigned embedding_format(const mx_matrix *m) {
  if (!m->data) return MX_LOAD_F16;  // as trained models have it
  for (size_t i = 0; i < (size_t)m->rows * m->cols; i++)
    if (!is_half(m->data[i])) return MX_LOAD_F32;
  return MX_LOAD_F16;
}

static void map_stored(mx_lowering *l, cursor *c) {
  for (uint32_t i = 0; i < l->n_stored; i++) l->stored[i].addr = take(c, mx_resident_bytes(l, &l->stored[i]));
}

static void map_cache(mx_lowering *l, cursor *c) {
  const mx_attention *a = &l->p->attention;
  mx_memory_map *m = &l->map;
  uint64_t heads = (uint64_t)l->model->config.n_layers * l->model->config.n_kv_heads;
  m->k_head = mx_round_up(a->k_row_groups * a->k_blocks * a->k_unit, ALIGN_BYTES);
  m->v_head = mx_round_up(a->v_row_groups * a->v_columns * a->v_unit, ALIGN_BYTES);
  m->v_scales_head = mx_round_up(l->context, ALIGN_BYTES);
  m->k_cache = take(c, heads * m->k_head);
  m->v_cache = take(c, heads * m->v_head);
  m->v_scales = take(c, heads * m->v_scales_head);
}

mx_status mx_map_memory(mx_lowering *l) {
  mx_memory_map *m = &l->map;
  const mx_config *config = &l->model->config;
  cursor c = {0};
  m->embedding_format = embedding_format(&l->model->token_embd);
  m->embedding_row = mx_round_up(config->dim * (m->embedding_format == MX_LOAD_F16 ? 2 : 4), ALIGN_BYTES);
  m->rope_row = mx_round_up(2 * l->p->attention.half * 4, ALIGN_BYTES);
  m->init_program = take(&c, 16 * MX_INSTRUCTION_BYTES);
  for (int i = 0; i < MX_PROGRAMS; i++) m->programs[i] = take(&c, (uint64_t)l->programs[i].n_steps * MX_INSTRUCTION_BYTES);
  m->constants = take(&c, MX_K_WORDS * 4);
  m->ucode = take(&c, l->ucode.n_words * 4);
  m->embedding = take(&c, (uint64_t)m->embedding_row * config->vocab_size);
  m->rope = take(&c, (uint64_t)m->rope_row * l->context);
  map_stored(l, &c);
  m->initial_bytes = take(&c, 0);
  take(&c, MX_FLASH_RECORD_BYTES);
  c.at = (c.at + MX_FLASH_ALIGN - 1) / MX_FLASH_ALIGN * MX_FLASH_ALIGN;  // what programs write, from here on
  m->logits = take(&c, 4ull * config->vocab_size);
  m->result = take(&c, 4ull * mx_choice_count(l));
  if (l->programs[MX_BATCH_PROGRAM].n_steps) m->batch_rows = take(&c, (uint64_t)m->embedding_row * l->params->TOKENS);
  map_cache(l, &c);
  if (l->model->prefix.n) m->initial_bytes = take(&c, 0);  // its caches, logits and result
  c.at += ALIGN_BYTES;  // loads take whole beats
  m->end = take(&c, 0);
  if (c.at <= UINT32_MAX) return MX_OK;
  return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "the model needs %.2f GiB of device memory; the device addresses 4 GiB",
                 (double)c.at / (1u << 30));
}
