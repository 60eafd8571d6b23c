// Moves between memory and the on-chip memories: LOAD, STORE, PUTROW, PUTCOL,
// PUTEXP, UCODE.
#include "golden/fp32.h"
#include "golden/machine.h"

static unsigned write_byte(mx_machine *m, uint32_t addr, uint8_t value) {
  m->fault_address = addr;
  if (addr >= m->mem_size) return MX_FAULT_RANGE;
  m->memory[addr] = value;
  mx_observe(&m->observer, MX_UNIT_MOVE, MX_SPACE_MEM, addr, value);
  return MX_FAULT_NONE;
}

static bool misaligned(const mx_machine *m, uint32_t addr) { return addr % mx_beat_bytes(m->params) != 0; }

// Whole beats that cover `bytes` at addr lie within the memory.
static bool beats_fit(mx_machine *m, uint32_t addr, uint32_t bytes) {
  uint32_t beat = mx_beat_bytes(m->params);
  m->fault_address = addr;
  return (uint64_t)addr + (bytes + beat - 1) / beat * beat <= m->mem_size;
}

static uint32_t load_bytes(unsigned format) {
  return format == MX_LOAD_F32 ? 4 : format == MX_LOAD_E8M0 ? 1 : 2;
}

static uint32_t load_value(const uint8_t *at, unsigned format) {
  switch (format) {
    case MX_LOAD_F32: return mx_load_u32(at);
    case MX_LOAD_E8M0: return mx_fp_from_e8m0(at[0]);
    case MX_LOAD_BF16: return mx_fp_from_bf16(mx_load_u16(at));
    default: return mx_fp_from_f16(mx_load_u16(at));
  }
}

static unsigned run_load(mx_machine *m, const mx_insn *in) {
  uint32_t addr = (uint32_t)mx_get(in, MX_F_LOAD_addr) + mx_areg(m, (unsigned)mx_get(in, MX_F_LOAD_a));
  uint16_t count = (uint16_t)(mx_get(in, MX_F_LOAD_count) + mx_areg(m, (unsigned)mx_get(in, MX_F_LOAD_n)));
  unsigned format = (unsigned)mx_get(in, MX_F_LOAD_format);
  uint32_t dst = (uint32_t)mx_get(in, MX_F_LOAD_dst), size = load_bytes(format);
  if (!count) return MX_FAULT_NONE;
  if (misaligned(m, addr)) return MX_FAULT_ALIGN;
  if (!beats_fit(m, addr, count * size)) return MX_FAULT_RANGE;
  uint32_t words = m->params->VMEM_WORDS, first = dst % words;
  if (!m->observer.write && first + count <= words)
    for (uint32_t i = 0; i < count; i++) m->vec.vmem[first + i] = load_value(m->memory + addr + i * size, format);
  else
    for (uint32_t i = 0; i < count; i++)
      mx_write_vmem(m, MX_UNIT_MOVE, (uint16_t)(dst + i), load_value(m->memory + addr + i * size, format));
  return MX_FAULT_NONE;
}

static unsigned run_store(mx_machine *m, const mx_insn *in) {
  uint32_t addr = (uint32_t)mx_get(in, MX_F_STORE_addr) + mx_areg(m, (unsigned)mx_get(in, MX_F_STORE_a));
  uint16_t count = (uint16_t)(mx_get(in, MX_F_STORE_count) + mx_areg(m, (unsigned)mx_get(in, MX_F_STORE_n)));
  uint32_t src = (uint32_t)mx_get(in, MX_F_STORE_src);
  unsigned fault = MX_FAULT_NONE;
  if (count && misaligned(m, addr)) return MX_FAULT_ALIGN;
  if (!m->observer.write && (uint64_t)addr + 4u * count <= m->mem_size) {
    for (uint32_t i = 0; i < count; i++)
      mx_store_u32(m->memory + addr + 4 * i, m->vec.vmem[(uint16_t)(src + i) & (m->params->VMEM_WORDS - 1)]);
    return fault;
  }
  for (uint32_t i = 0; i < 4u * count && !fault; i++) {
    uint32_t word = m->vec.vmem[(uint16_t)(src + i / 4) & (m->params->VMEM_WORDS - 1)];
    fault = write_byte(m, addr + i, (uint8_t)(word >> (8 * (i % 4))));
  }
  return fault;
}

static uint8_t x_code(const mx_machine *m, uint32_t bank, uint32_t elem, unsigned bits) {
  const mx_params *p = m->params;
  uint8_t byte = (uint8_t)m->vec.xmem[bank * p->XMEM_ELEMS + ((uint16_t)elem & (p->XMEM_ELEMS - 1))];
  return bits == MX_BITS_4 ? byte & 15 : byte;
}

static uint8_t x_scale(const mx_machine *m, uint32_t bank, uint32_t elem) {
  const mx_params *p = m->params;
  return m->vec.xexp[(bank * p->XMEM_ELEMS + ((uint16_t)elem & (p->XMEM_ELEMS - 1))) / 16];
}

// One block of one row of a unit: its scale, then its codes in ascending order.
static unsigned put_block(mx_machine *m, const mx_stream_format *f, uint32_t unit, uint32_t row, uint32_t bank, uint32_t x) {
  unsigned fault = write_byte(m, unit + mx_scale_offset(m->params, f, row), x_scale(m, bank, x));
  uint32_t step = f->bits == MX_BITS_4 ? 2 : 1;
  for (uint32_t i = 0; i < mx_block_length(f) && !fault; i += step) {
    uint8_t byte = x_code(m, bank, x + i, f->bits);
    if (step == 2) byte = (uint8_t)(byte | x_code(m, bank, x + i + 1, f->bits) << 4);
    fault = write_byte(m, unit + mx_code_bit_offset(m->params, f, row, i, 0) / 8, byte);
  }
  return fault;
}

static unsigned run_putrow(mx_machine *m, const mx_insn *in) {
  mx_stream_format f = {.bits = (unsigned)mx_get(in, MX_F_PUTROW_bits), .scale = MX_SCALE_E8M0,
                        .block = (unsigned)mx_get(in, MX_F_PUTROW_block)};
  uint32_t addr = (uint32_t)mx_get(in, MX_F_PUTROW_addr) + mx_areg(m, (unsigned)mx_get(in, MX_F_PUTROW_a));
  uint32_t row = mx_areg(m, (unsigned)mx_get(in, MX_F_PUTROW_r)) & (m->params->GROUP - 1);
  uint32_t bank = (uint32_t)mx_get(in, MX_F_PUTROW_bank), x = (uint32_t)mx_get(in, MX_F_PUTROW_x);
  uint32_t blocks = (uint32_t)mx_get(in, MX_F_PUTROW_blocks);
  unsigned fault = MX_FAULT_NONE;
  if (blocks && misaligned(m, addr)) return MX_FAULT_ALIGN;
  for (uint32_t b = 0; b < blocks && !fault; b++)
    fault = put_block(m, &f, addr + b * mx_unit_bytes(m->params, &f), row, bank, x + b * mx_block_length(&f));
  return fault;
}

static unsigned run_putcol(mx_machine *m, const mx_insn *in) {
  unsigned bits = (unsigned)mx_get(in, MX_F_PUTCOL_bits);
  mx_stream_format f = {.bits = bits, .planar = bits == MX_BITS_4, .block = (unsigned)mx_get(in, MX_F_PUTCOL_block)};
  uint32_t addr = (uint32_t)mx_get(in, MX_F_PUTCOL_addr) + mx_areg(m, (unsigned)mx_get(in, MX_F_PUTCOL_a));
  uint32_t stride = (uint32_t)mx_get(in, MX_F_PUTCOL_stride), group = m->params->GROUP;
  uint32_t col = mx_areg(m, (unsigned)mx_get(in, MX_F_PUTCOL_r)) & (mx_block_length(&f) - 1);
  uint32_t bank = (uint32_t)mx_get(in, MX_F_PUTCOL_bank), x = (uint32_t)mx_get(in, MX_F_PUTCOL_x);
  uint32_t count = (uint32_t)mx_get(in, MX_F_PUTCOL_count), step = f.planar ? 2 : 1;
  unsigned fault = MX_FAULT_NONE;
  if (count && (misaligned(m, addr) || misaligned(m, stride))) return MX_FAULT_ALIGN;
  for (uint32_t d = 0; d < count && !fault; d += step) {
    uint8_t byte = x_code(m, bank, x + d, bits);
    if (f.planar) byte = (uint8_t)(byte | x_code(m, bank, x + d + 1, bits) << 4);
    uint32_t unit = addr + d / group * stride;
    fault = write_byte(m, unit + mx_code_bit_offset(m->params, &f, d % group, col, 0) / 8, byte);
  }
  return fault;
}

static unsigned run_putexp(mx_machine *m, const mx_insn *in) {
  uint32_t addr = (uint32_t)mx_get(in, MX_F_PUTEXP_addr) + mx_areg(m, (unsigned)mx_get(in, MX_F_PUTEXP_a));
  uint8_t scale = x_scale(m, (uint32_t)mx_get(in, MX_F_PUTEXP_bank), (uint32_t)mx_get(in, MX_F_PUTEXP_x));
  return write_byte(m, addr, scale);
}

static unsigned run_ucode(mx_machine *m, const mx_insn *in) {
  uint32_t addr = (uint32_t)mx_get(in, MX_F_UCODE_addr), dst = (uint32_t)mx_get(in, MX_F_UCODE_dst);
  uint32_t count = (uint32_t)mx_get(in, MX_F_UCODE_count);
  if (!count) return MX_FAULT_NONE;
  if (misaligned(m, addr)) return MX_FAULT_ALIGN;
  if (!beats_fit(m, addr, 4 * count)) return MX_FAULT_RANGE;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t at = (dst + i) & (m->params->UCODE_WORDS - 1), word = mx_load_u32(m->memory + addr + 4 * i);
    m->vec.ucode[at] = word;
    mx_observe(&m->observer, MX_UNIT_MOVE, MX_SPACE_UCODE, at, word);
  }
  return MX_FAULT_NONE;
}

unsigned mx_move_run(mx_machine *m, const mx_insn *in) {
  switch (in->word[0] & 0x1f) {
    case MX_OP_LOAD: return run_load(m, in);
    case MX_OP_STORE: return run_store(m, in);
    case MX_OP_PUTROW: return run_putrow(m, in);
    case MX_OP_PUTCOL: return run_putcol(m, in);
    case MX_OP_PUTEXP: return run_putexp(m, in);
    case MX_OP_UCODE: return run_ucode(m, in);
    default: return MX_FAULT_ILLEGAL;
  }
}
