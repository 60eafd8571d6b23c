#include "sim/soc/rv.h"

enum { MIE = 1 << 3, MPIE = 1 << 7, MPP = 3 << 11 };  // of mstatus
enum { LINES = MX_RV_SOFTWARE | MX_RV_TIMER | MX_RV_EXTERNAL, WFI = 0x10500073 };

// ---- fields and immediates ----

static uint32_t bits(uint32_t v, unsigned msb, unsigned lsb) { return v >> lsb & (~0u >> (31 - (msb - lsb))); }
// The lowest n bits of v, as a signed number.
static uint32_t extend(uint32_t v, unsigned n) {
  uint32_t sign = 1u << (n - 1);
  v &= sign | (sign - 1);
  return (v ^ sign) - sign;
}
static unsigned rd_of(uint32_t i) { return bits(i, 11, 7); }
static unsigned rs1_of(uint32_t i) { return bits(i, 19, 15); }
static unsigned rs2_of(uint32_t i) { return bits(i, 24, 20); }
static unsigned funct3_of(uint32_t i) { return bits(i, 14, 12); }
static unsigned funct7_of(uint32_t i) { return bits(i, 31, 25); }

static uint32_t imm_i(uint32_t i) { return extend(bits(i, 31, 20), 12); }
static uint32_t imm_s(uint32_t i) { return extend(bits(i, 31, 25) << 5 | bits(i, 11, 7), 12); }
static uint32_t imm_b(uint32_t i) {
  return extend(bits(i, 31, 31) << 12 | bits(i, 7, 7) << 11 | bits(i, 30, 25) << 5 | bits(i, 11, 8) << 1, 13);
}
static uint32_t imm_j(uint32_t i) {
  return extend(bits(i, 31, 31) << 20 | bits(i, 19, 12) << 12 | bits(i, 20, 20) << 11 | bits(i, 30, 21) << 1, 21);
}
static uint32_t imm_u(uint32_t i) { return i & 0xfffff000; }

// ---- traps ----

static void trap(mx_rv *m, mx_rv_step_result *r, uint32_t cause, uint32_t value) {
  r->trapped = true;
  m->mcause = cause;
  m->mepc = r->pc;
  m->mtval = value;
  m->mstatus = MPP | (m->mstatus & MIE ? MPIE : 0);
  m->pc = m->mtvec;
}

// External, then software, then timer.
static void interrupt(mx_rv *m, mx_rv_step_result *r, uint32_t ready) {
  uint32_t code = ready & MX_RV_EXTERNAL ? 11 : ready & MX_RV_SOFTWARE ? 3 : 7;
  trap(m, r, 0x80000000 | code, 0);
}

static void illegal(mx_rv *m, mx_rv_step_result *r) { trap(m, r, MX_RV_ILLEGAL, 0); }

static void write_rd(mx_rv *m, mx_rv_step_result *r, uint32_t value) {
  r->rd = rd_of(r->insn);
  r->rd_value = value;
  if (r->rd) m->x[r->rd] = value;
}

// ---- arithmetic ----

static uint32_t less_signed(uint32_t a, uint32_t b) { return (a ^ 0x80000000) < (b ^ 0x80000000); }

static uint32_t shift_right_arithmetic(uint32_t a, unsigned n) {
  return a >> n | (a >> 31 && n ? ~0u << (32 - n) : 0);
}

// OP and OP-IMM; alternate: SUB for ADD, SRA for SRL.
static uint32_t arithmetic(unsigned funct3, bool alternate, uint32_t a, uint32_t b) {
  switch (funct3) {
    case 0: return alternate ? a - b : a + b;
    case 1: return a << (b & 31);
    case 2: return less_signed(a, b);
    case 3: return a < b;
    case 4: return a ^ b;
    case 5: return alternate ? shift_right_arithmetic(a, b & 31) : a >> (b & 31);
    case 6: return a | b;
    default: return a & b;
  }
}

// Upper half of the product of the numbers that a and b stand for.
static uint32_t product_high(uint32_t a, bool a_signed, uint32_t b, bool b_signed) {
  uint32_t high = (uint32_t)((uint64_t)a * b >> 32);
  if (a_signed && a >> 31) high -= b;
  if (b_signed && b >> 31) high -= a;
  return high;
}

static uint32_t magnitude(uint32_t v) { return v >> 31 ? 0 - v : v; }

static uint32_t quotient(uint32_t a, uint32_t b) {
  if (b == 0) return ~0u;
  uint32_t q = magnitude(a) / magnitude(b);
  return (a ^ b) >> 31 ? 0 - q : q;
}

static uint32_t remainder_of(uint32_t a, uint32_t b) {
  if (b == 0) return a;
  uint32_t r = magnitude(a) % magnitude(b);
  return a >> 31 ? 0 - r : r;
}

static uint32_t multiply_divide(unsigned funct3, uint32_t a, uint32_t b) {
  switch (funct3) {
    case 0: return a * b;
    case 1: return product_high(a, true, b, true);
    case 2: return product_high(a, true, b, false);
    case 3: return product_high(a, false, b, false);
    case 4: return quotient(a, b);
    case 5: return b ? a / b : ~0u;
    case 6: return remainder_of(a, b);
    default: return b ? a % b : a;
  }
}

static void op(mx_rv *m, mx_rv_step_result *r) {
  unsigned funct3 = funct3_of(r->insn), funct7 = funct7_of(r->insn);
  uint32_t a = m->x[rs1_of(r->insn)], b = m->x[rs2_of(r->insn)];
  if (funct7 == 1 && m->mul_div) write_rd(m, r, multiply_divide(funct3, a, b));
  else if (funct7 == 0) write_rd(m, r, arithmetic(funct3, false, a, b));
  else if (funct7 == 0x20 && (funct3 == 0 || funct3 == 5)) write_rd(m, r, arithmetic(funct3, true, a, b));
  else illegal(m, r);
}

static void op_imm(mx_rv *m, mx_rv_step_result *r) {
  unsigned funct3 = funct3_of(r->insn), funct7 = funct7_of(r->insn);
  bool arithmetic_right = funct3 == 5 && funct7 == 0x20;
  if ((funct3 == 1 || funct3 == 5) && funct7 != 0 && !arithmetic_right) illegal(m, r);
  else write_rd(m, r, arithmetic(funct3, arithmetic_right, m->x[rs1_of(r->insn)], imm_i(r->insn)));
}

// ---- jumps ----

// False: the target is misaligned, and the trap is taken.
static bool jump(mx_rv *m, mx_rv_step_result *r, uint32_t target) {
  if (target % 4) trap(m, r, MX_RV_JUMP_MISALIGNED, target);
  else m->pc = target;
  return target % 4 == 0;
}

static void jump_and_link(mx_rv *m, mx_rv_step_result *r, uint32_t target) {
  if (jump(m, r, target)) write_rd(m, r, r->pc + 4);
}

static void branch(mx_rv *m, mx_rv_step_result *r) {
  uint32_t a = m->x[rs1_of(r->insn)], b = m->x[rs2_of(r->insn)];
  switch (funct3_of(r->insn)) {
    case 0: r->taken = a == b; break;
    case 1: r->taken = a != b; break;
    case 4: r->taken = less_signed(a, b); break;
    case 5: r->taken = !less_signed(a, b); break;
    case 6: r->taken = a < b; break;
    case 7: r->taken = a >= b; break;
    default: illegal(m, r); return;
  }
  if (r->taken) jump(m, r, r->pc + imm_b(r->insn));
}

// ---- loads and stores ----

static bool transfer(mx_rv *m, mx_rv_step_result *r, uint32_t address, unsigned strobes, uint32_t data) {
  r->transferred = true;
  r->transfer = (mx_rv_transfer){.address = address & ~3u, .strobes = strobes, .data = data};
  return m->memory(m->context, &r->transfer);
}

static void load(mx_rv *m, mx_rv_step_result *r) {
  unsigned funct3 = funct3_of(r->insn), size = 1u << (funct3 & 3);
  uint32_t address = m->x[rs1_of(r->insn)] + imm_i(r->insn);
  if (size == 8 || funct3 == 6) illegal(m, r);
  else if (address % size) trap(m, r, MX_RV_LOAD_MISALIGNED, address);
  else if (!transfer(m, r, address, 0, 0)) trap(m, r, MX_RV_LOAD_ERROR, address);
  else {
    uint32_t value = r->transfer.data >> 8 * (address % 4);
    write_rd(m, r, size == 4 ? value : funct3 & 4 ? bits(value, 8 * size - 1, 0) : extend(value, 8 * size));
  }
}

static void store(mx_rv *m, mx_rv_step_result *r) {
  unsigned funct3 = funct3_of(r->insn), size = 1u << (funct3 & 3);
  uint32_t address = m->x[rs1_of(r->insn)] + imm_s(r->insn), value = m->x[rs2_of(r->insn)];
  unsigned strobes = ((1u << size) - 1) << address % 4 & 15;
  uint32_t on_lanes = size == 1 ? (value & 0xff) * 0x01010101u : size == 2 ? (value & 0xffff) * 0x00010001u : value;
  if (funct3 > 2) illegal(m, r);
  else if (address % size) trap(m, r, MX_RV_STORE_MISALIGNED, address);
  else if (!transfer(m, r, address, strobes, on_lanes)) trap(m, r, MX_RV_STORE_ERROR, address);
}

// ---- control registers ----

static bool csr_read(const mx_rv *m, unsigned csr, uint32_t *value) {
  switch (csr) {
    case MX_RV_MSTATUS: *value = m->mstatus; return true;
    case MX_RV_MIE: *value = m->mie; return true;
    case MX_RV_MTVEC: *value = m->mtvec; return true;
    case MX_RV_MSCRATCH: *value = m->mscratch; return true;
    case MX_RV_MEPC: *value = m->mepc; return true;
    case MX_RV_MCAUSE: *value = m->mcause; return true;
    case MX_RV_MTVAL: *value = m->mtval; return true;
    case MX_RV_MIP: *value = m->mip & LINES; return true;
    case MX_RV_MCYCLE: *value = (uint32_t)m->mcycle; return true;
    case MX_RV_MCYCLEH: *value = (uint32_t)(m->mcycle >> 32); return true;
    case MX_RV_MHARTID: *value = m->hart_id; return true;
    default: return false;
  }
}

// Writes to mip and mcycle have no effect.
static void csr_write(mx_rv *m, unsigned csr, uint32_t value) {
  switch (csr) {
    case MX_RV_MSTATUS: m->mstatus = MPP | (value & (MIE | MPIE)); break;
    case MX_RV_MIE: m->mie = value & LINES; break;
    case MX_RV_MTVEC: m->mtvec = value & ~3u; break;
    case MX_RV_MSCRATCH: m->mscratch = value; break;
    case MX_RV_MEPC: m->mepc = value & ~3u; break;
    case MX_RV_MCAUSE: m->mcause = value & 0x8000000f; break;
    case MX_RV_MTVAL: m->mtval = value; break;
    default: break;
  }
}

static void csr_access(mx_rv *m, mx_rv_step_result *r) {
  unsigned csr = bits(r->insn, 31, 20), funct3 = funct3_of(r->insn), rs1 = rs1_of(r->insn);
  uint32_t old, operand = funct3 & 4 ? rs1 : m->x[rs1];
  bool exchange = (funct3 & 3) == 1, writes = exchange || rs1 != 0, read_only = csr >> 10 == 3;
  if (!csr_read(m, csr, &old) || (writes && read_only)) {
    illegal(m, r);
    return;
  }
  write_rd(m, r, old);
  if (!writes) return;
  r->csr = csr;
  csr_write(m, csr, exchange ? operand : (funct3 & 3) == 2 ? old | operand : old & ~operand);
}

static void machine_return(mx_rv *m) {
  m->mstatus = MPP | MPIE | (m->mstatus & MPIE ? MIE : 0);
  m->pc = m->mepc;
}

static void system_insn(mx_rv *m, mx_rv_step_result *r) {
  if (funct3_of(r->insn) % 4 != 0) csr_access(m, r);
  else switch (r->insn) {
      case 0x00000073: trap(m, r, MX_RV_CALL, 0); break;
      case 0x00100073: trap(m, r, MX_RV_BREAKPOINT, 0); break;
      case 0x30200073: machine_return(m); break;
      case WFI: break;
      default: illegal(m, r);
    }
}

// ---- a step ----

static void execute(mx_rv *m, mx_rv_step_result *r) {
  uint32_t i = r->insn, rs1 = m->x[rs1_of(i)];
  m->pc = r->pc + 4;
  switch (i & 0x7f) {
    case 0x37: write_rd(m, r, imm_u(i)); break;
    case 0x17: write_rd(m, r, r->pc + imm_u(i)); break;
    case 0x6f: jump_and_link(m, r, r->pc + imm_j(i)); break;
    case 0x67:
      if (funct3_of(i) == 0) jump_and_link(m, r, (rs1 + imm_i(i)) & ~1u);
      else illegal(m, r);
      break;
    case 0x63: branch(m, r); break;
    case 0x03: load(m, r); break;
    case 0x23: store(m, r); break;
    case 0x13: op_imm(m, r); break;
    case 0x33: op(m, r); break;
    case 0x0f:  // FENCE, FENCE.I
      if (funct3_of(i) > 1) illegal(m, r);
      break;
    case 0x73: system_insn(m, r); break;
    default: illegal(m, r);
  }
}

unsigned mx_rv_cycles(const mx_rv_step_result *r) {
  unsigned funct3 = funct3_of(r->insn);
  if (r->trapped) return 8;
  switch (r->insn & 0x7f) {
    case 0x03: case 0x23: return 6;
    case 0x63: return r->taken ? 5 : 4;
    case 0x67: case 0x6f: return 4;
    case 0x73: return r->insn == WFI ? 3 : 5;
    case 0x33:
      if (funct7_of(r->insn) == 1) return funct3 & 4 ? 39 : 7;
      return funct3 == 0 || funct3 > 5 || funct3 == 4 ? 3 : 4;
    case 0x13: return funct3 == 0 || funct3 > 5 || funct3 == 4 ? 3 : 4;
    default: return 3;
  }
}

void mx_rv_reset(mx_rv *m, uint32_t pc) {
  m->pc = pc;
  m->mstatus = MPP;
  m->mie = m->mcause = 0;
  m->mcycle = 0;
}

mx_rv_step_result mx_rv_step(mx_rv *m, uint32_t pending) {
  mx_rv_step_result r = {.pc = m->pc};
  mx_rv_transfer fetch = {.fetch = true, .address = m->pc};
  bool fetched = m->memory(m->context, &fetch);
  if (fetched) r.insn = fetch.data;
  uint32_t ready = m->mstatus & MIE ? pending & m->mie : 0;
  if (ready && r.insn != WFI) interrupt(m, &r, ready);
  else if (!fetched) trap(m, &r, MX_RV_FETCH_ERROR, r.pc);
  else execute(m, &r);
  return r;
}
