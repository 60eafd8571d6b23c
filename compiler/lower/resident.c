// What of the model lies in the device's memory: each part of a matrix once,
// whatever programs and tiles read it.
#include "compiler/lower/lowering.h"

static bool same(const mx_resident *a, const mx_resident *b) {
  return a->kind == b->kind && a->weight == b->weight && a->gain == b->gain;
}

uint32_t mx_resident_index(mx_lowering *l, mx_resident what) {
  for (uint32_t i = 0; i < l->n_stored; i++)
    if (same(&l->stored[i], &what)) return i;
  l->stored[l->n_stored] = what;
  return l->n_stored++;
}

uint64_t mx_resident_bytes(const mx_lowering *l, const mx_resident *s) {
  if (s->kind == MX_RESIDENT_GAIN) return 4ull * s->gain->cols * s->gain->rows;
  if (s->kind == MX_RESIDENT_STEPS) return 4ull * s->weight->rows;
  uint64_t groups = mx_round_up(s->weight->rows, l->params->GROUP) / l->params->GROUP;
  return groups * mx_qmatrix_blocks(s->weight) * mx_unit_bytes(l->params, &s->weight->format.stream);
}

uint32_t mx_resident_row(const mx_lowering *l, const mx_resident *s, uint32_t r) {
  uint32_t half = l->p->attention.half, tile = s->tile_heads * 2 * half;
  if (!tile) return r;
  uint32_t in_tile = r % tile, second = in_tile / (tile / 2), in_half = in_tile % (tile / 2);
  return r / tile * tile + in_half / half * 2 * half + in_half % half * 2 + second;
}
