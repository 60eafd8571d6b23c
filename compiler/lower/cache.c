// Keys and values of a prefix, where and as PUTROW, PUTCOL and PUTEXP would
// have put them, with the logits and the choice after it.
#include <string.h>

#include "compiler/import/bytes.h"
#include "compiler/lower/lowering.h"
#include "golden/mxint.h"

enum { MOST_HEAD = 128 };

static uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Half a key, as write_heads of ucode.c quantizes it, to the units from `unit` on.
static void put_half_key(const mx_lowering *l, const uint32_t *x, uint32_t row, uint8_t *unit) {
  const mx_attention *a = &l->p->attention;
  uint32_t length = mx_block_length(&a->k);
  int8_t q[MX_BLOCK_MAX];
  for (uint32_t from = 0; from < a->half; from += length, unit += a->k_unit) {
    uint32_t n = a->half - from < length ? a->half - from : length;
    mx_quantize_block(x + from, n, length, a->k.bits, q, unit + mx_scale_offset(l->params, &a->k, row));
    for (uint32_t i = 0; i < length; i++) mx_code_write(l->params, &a->k, unit, row, i, (uint32_t)q[i]);
  }
}

// Pairs of the head are interleaved; on the device first elements lie apart from second ones.
static void put_key(const mx_lowering *l, const float *head, uint32_t position, uint8_t *cache) {
  const mx_attention *a = &l->p->attention;
  uint32_t row = position % l->params->GROUP, x[MOST_HEAD / 2] = {0};
  uint8_t *units = cache + (size_t)(position / l->params->GROUP) * a->k_blocks * a->k_unit;
  for (uint32_t second = 0; second < 2; second++) {
    for (uint32_t i = 0; i < a->half; i++) x[i] = bits_of(head[2 * i + second]);
    put_half_key(l, x, row, units + (size_t)second * (a->k_blocks / 2) * a->k_unit);
  }
}

static void put_value(const mx_lowering *l, const float *head, uint32_t position, uint8_t *cache, uint8_t *scale) {
  const mx_attention *a = &l->p->attention;
  uint32_t group = l->params->GROUP, length = mx_block_length(&a->v), n = 2 * a->half, x[MOST_HEAD] = {0};
  uint8_t *column = cache + (size_t)(position / length) * a->v_unit;
  int8_t q[MX_BLOCK_MAX];
  for (uint32_t i = 0; i < n; i++) x[i] = bits_of(head[i]);
  mx_quantize_block(x, n, a->v_pad, a->v.bits, q, scale);
  for (uint32_t d = 0; d < n; d++)
    mx_code_write(l->params, &a->v, column + (size_t)(d / group) * a->v_columns * a->v_unit, d % group, position % length, (uint32_t)q[d]);
}

// The device's ARGMAX: the first of the greatest, NaN below everything.
static uint32_t argmax(const float *x, uint32_t n) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++)
    if (x[i] > x[best] || (x[best] != x[best] && x[i] == x[i])) best = i;
  return best;
}

void mx_fill_prefix(const mx_lowering *l, uint8_t *memory) {
  const mx_prefix *p = &l->model->prefix;
  const mx_config *c = &l->model->config;
  const mx_memory_map *m = &l->map;
  uint32_t kv_heads = c->n_kv_heads;
  for (uint32_t head = 0; head < c->n_layers * kv_heads; head++)
    for (uint32_t i = 0; i < p->n; i++) {
      size_t at = (((size_t)(head / kv_heads) * p->n + i) * kv_heads + head % kv_heads) * c->head_dim;
      put_key(l, p->keys + at, i, memory + m->k_cache + (size_t)head * m->k_head);
      put_value(l, p->values + at, i, memory + m->v_cache + (size_t)head * m->v_head,
                memory + m->v_scales + (size_t)head * m->v_scales_head + i);
    }
  for (uint32_t i = 0; i < c->vocab_size; i++) mx_store_u32(memory + m->logits + 4 * (size_t)i, bits_of(p->logits[i]));
  uint32_t rows = mx_choice_rows(l) ? mx_choice_rows(l) : c->vocab_size;
  for (uint32_t at = 0; at < c->vocab_size; at += rows)
    mx_store_u32(memory + m->result + 4 * (at / rows), argmax(p->logits + at, c->vocab_size - at < rows ? c->vocab_size - at : rows));
}
