#include "golden/stream.h"

#include "golden/isa.h"

uint32_t mx_code_bits(const mx_stream_format *f) {
  return f->bits == MX_BITS_4 ? 4 : f->bits == MX_BITS_6 ? 6 : 8;
}

static uint32_t scale_bytes(const mx_stream_format *f) { return (uint32_t)f->scale; }

static uint32_t codes_offset(const mx_params *p, const mx_stream_format *f) {
  return p->GROUP * (scale_bytes(f) + f->zero);
}

uint32_t mx_unit_bytes(const mx_params *p, const mx_stream_format *f) {
  return codes_offset(p, f) + p->GROUP * mx_block_length(f) * mx_code_bits(f) / 8;
}

uint32_t mx_scale_offset(const mx_params *p, const mx_stream_format *f, uint32_t row) {
  (void)p;
  return row * scale_bytes(f);
}

uint32_t mx_zero_offset(const mx_params *p, const mx_stream_format *f, uint32_t row) {
  return p->GROUP * scale_bytes(f) + row;
}

uint32_t mx_code_bit_offset(const mx_params *p, const mx_stream_format *f, uint32_t row, uint32_t i, uint32_t k) {
  uint32_t line = f->planar ? row / 2 : row;
  uint32_t line_bits = mx_block_length(f) * (f->planar ? 8 : mx_code_bits(f));
  uint32_t bit = f->planar ? 8 * i + 4 * (row & 1) + k : mx_code_bits(f) * i + k;
  uint32_t in_slice = line / p->ROWS * line_bits + bit;
  uint32_t slice_bits = p->BUS_BITS / p->ROWS;
  uint32_t beat = in_slice / slice_bits;
  return codes_offset(p, f) * 8 + beat * p->BUS_BITS + line % p->ROWS * slice_bits + in_slice % slice_bits;
}

uint32_t mx_code_read(const mx_params *p, const mx_stream_format *f, const uint8_t *unit, uint32_t row, uint32_t i) {
  uint32_t code = 0;
  for (uint32_t k = 0; k < mx_code_bits(f); k++) {
    uint32_t at = mx_code_bit_offset(p, f, row, i, k);
    code |= (uint32_t)(unit[at / 8] >> (at % 8) & 1) << k;
  }
  return code;
}

void mx_code_write(const mx_params *p, const mx_stream_format *f, uint8_t *unit, uint32_t row, uint32_t i, uint32_t code) {
  for (uint32_t k = 0; k < mx_code_bits(f); k++) {
    uint32_t at = mx_code_bit_offset(p, f, row, i, k);
    unsigned mask = 1u << (at % 8);
    unit[at / 8] = (uint8_t)((code >> k & 1) ? unit[at / 8] | mask : unit[at / 8] & ~mask);
  }
}
