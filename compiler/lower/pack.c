#include "compiler/lower/pack.h"

#include <string.h>

static void pack_row(const mx_params *p, const mx_qmatrix *q, uint32_t from, uint32_t block, uint32_t row, uint8_t *unit) {
  const mx_stream_format *f = &q->format.stream;
  uint32_t length = mx_block_length(f), first = block * length;
  size_t side = (size_t)from * mx_qmatrix_blocks(q) + block;
  uint8_t *scale = unit + mx_scale_offset(p, f, row);
  if (f->scale != MX_SCALE_NONE) scale[0] = (uint8_t)q->scales[side];
  if (f->scale == MX_SCALE_F16) scale[1] = (uint8_t)(q->scales[side] >> 8);
  if (f->zero) unit[mx_zero_offset(p, f, row)] = (uint8_t)q->zeros[side];
  for (uint32_t i = 0; i < length && first + i < q->cols; i++)
    mx_code_write(p, f, unit, row, i, (uint32_t)q->codes[(size_t)from * q->cols + first + i]);
}

void mx_pack_matrix(const mx_params *p, const mx_qmatrix *q, const uint32_t *row_of, uint8_t *out) {
  uint32_t unit_bytes = mx_unit_bytes(p, &q->format.stream), blocks = mx_qmatrix_blocks(q);
  uint32_t groups = (q->rows + p->GROUP - 1) / p->GROUP;
  memset(out, 0, (size_t)groups * blocks * unit_bytes);
  for (uint32_t r = 0; r < q->rows; r++) {
    uint32_t group = r / p->GROUP, from = row_of ? row_of[r] : r;
    for (uint32_t b = 0; b < blocks; b++)
      pack_row(p, q, from, b, r % p->GROUP, out + ((size_t)group * blocks + b) * unit_bytes);
  }
}
