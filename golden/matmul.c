// MATMUL: block dot products along the stream, in the order of README.md.
#include "golden/matmul.h"

#include "golden/fp32.h"

enum { MAX_UNIT_BYTES = MX_MAX_GROUP * (3 + MX_MAX_BLOCK) };

static int32_t sign_extend(uint32_t code, uint32_t bits) {
  uint32_t sign = 1u << (bits - 1);
  return (int32_t)(code ^ sign) - (int32_t)sign;
}

// Weights of one row of a unit, as the multipliers see them: w[B].
static void decode_row(const mx_machine *m, const mx_matmul *mm, const uint8_t *unit, uint32_t row, int8_t *w) {
  const mx_stream_format *f = &mm->format;
  int32_t zero = f->zero ? (int8_t)unit[mx_zero_offset(m->params, f, row)] : 0;
  for (uint32_t i = 0; i < mx_block_length(f); i++) {
    uint32_t code = mx_code_read(m->params, f, unit, row, i);
    int32_t value = mm->codebook ? m->table[code] : sign_extend(code, mx_code_bits(f));
    w[i] = (int8_t)(uint8_t)(value - zero);
  }
}

static int32_t dot(const int8_t *w, const int8_t *x, uint32_t n) {
  int32_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += w[i] * x[i];
  return sum;
}

uint16_t mx_read_scale(const mx_params *p, const mx_stream_format *f, const uint8_t *unit, uint32_t row) {
  const uint8_t *at = unit + mx_scale_offset(p, f, row);
  if (f->scale == MX_SCALE_NONE) return 0;
  if (f->scale == MX_SCALE_E8M0) return at[0];
  return mx_load_u16(at);
}

uint8_t mx_gather_x(const mx_machine *m, uint32_t token, uint32_t elem, uint32_t n, int8_t *x) {
  uint32_t mask = m->params->XMEM_ELEMS - 1;
  const int8_t *bank = m->vec.xmem + (size_t)token * m->params->XMEM_ELEMS;
  for (uint32_t i = 0; i < n; i++) x[i] = bank[(uint16_t)(elem + i) & mask];
  return m->vec.xexp[((size_t)token * m->params->XMEM_ELEMS + ((uint16_t)elem & mask)) / 16];
}

static void add_unit(const mx_machine *m, const mx_matmul *mm, const uint8_t *unit, uint32_t block, mx_accumulators acc) {
  const mx_stream_format *f = &mm->format;
  uint32_t n = mx_block_length(f);
  int8_t x[MX_MAX_TOKENS][MX_MAX_BLOCK], w[MX_MAX_BLOCK];
  uint8_t x_exp[MX_MAX_TOKENS];
  for (uint32_t t = 0; t < mm->tokens; t++) x_exp[t] = mx_gather_x(m, t, mm->x + block * n, n, x[t]);
  for (uint32_t row = 0; row < m->params->GROUP; row++) {
    decode_row(m, mm, unit, row, w);
    uint16_t scale = mx_read_scale(m->params, f, unit, row);
    for (uint32_t t = 0; t < mm->tokens; t++)
      acc[row][t] = mx_fp_add(acc[row][t], mx_fp_term(dot(w, x[t], n), f->scale, scale, x_exp[t], mm->frac));
  }
}

unsigned mx_matmul_run(mx_machine *m, const mx_matmul *mm) {
  uint32_t unit_bytes = mx_unit_bytes(m->params, &mm->format);
  uint8_t scratch[MAX_UNIT_BYTES];
  unsigned fault;
  if (!mm->blocks) return MX_FAULT_NONE;
  if (!m->plain && mx_matmul_simd(m, mm, &fault)) return fault;
  for (uint32_t group = 0; group < mm->groups; group++) {
    mx_accumulators acc = {0};
    for (uint32_t block = 0; block < mm->blocks; block++) {
      const uint8_t *unit = mx_stream_take(m, unit_bytes, scratch);
      if (!unit) return MX_FAULT_WATCHDOG;  // the device would wait for ever
      if (m->plain) add_unit(m, mm, unit, block, acc);
      else mx_add_unit_fast(m, mm, unit, block, acc);
    }
    for (uint32_t row = 0; row < m->params->GROUP; row++)
      for (uint32_t t = 0; t < mm->tokens; t++)
        mx_write_vmem(m, MX_UNIT_DOT, (uint16_t)(mm->dst + t * mm->stride + group * m->params->GROUP + row), acc[row][t]);
  }
  return MX_FAULT_NONE;
}
