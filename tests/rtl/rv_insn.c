#include "tests/rtl/rv_insn.h"

#include <string.h>

#include "tests/rtl/tb.h"

#define F3 0x0000707f
#define F7 0xfe00707f
#define ALL 0xffffffff
const rv_insn rv_insns[] = {
    {"lui", RV_U, 0x37, 0x7f, 0},          {"auipc", RV_U, 0x17, 0x7f, 0},
    {"jal", RV_J, 0x6f, 0x7f, 0},          {"jalr", RV_I, 0x67, F3, 0},
    {"beq", RV_B, 0x0063, F3, 0},          {"bne", RV_B, 0x1063, F3, 0},
    {"blt", RV_B, 0x4063, F3, 0},          {"bge", RV_B, 0x5063, F3, 0},
    {"bltu", RV_B, 0x6063, F3, 0},         {"bgeu", RV_B, 0x7063, F3, 0},
    {"lb", RV_I, 0x0003, F3, 0},           {"lh", RV_I, 0x1003, F3, 0},
    {"lw", RV_I, 0x2003, F3, 0},           {"lbu", RV_I, 0x4003, F3, 0},
    {"lhu", RV_I, 0x5003, F3, 0},          {"sb", RV_S, 0x0023, F3, 0},
    {"sh", RV_S, 0x1023, F3, 0},           {"sw", RV_S, 0x2023, F3, 0},
    {"addi", RV_I, 0x0013, F3, 0},         {"slti", RV_I, 0x2013, F3, 0},
    {"sltiu", RV_I, 0x3013, F3, 0},        {"xori", RV_I, 0x4013, F3, 0},
    {"ori", RV_I, 0x6013, F3, 0},          {"andi", RV_I, 0x7013, F3, 0},
    {"slli", RV_SHIFT, 0x1013, F7, 0},     {"srli", RV_SHIFT, 0x5013, F7, 0},
    {"srai", RV_SHIFT, 0x40005013, F7, 0}, {"add", RV_R, 0x0033, F7, 0},
    {"sub", RV_R, 0x40000033, F7, 0},      {"sll", RV_R, 0x1033, F7, 0},
    {"slt", RV_R, 0x2033, F7, 0},          {"sltu", RV_R, 0x3033, F7, 0},
    {"xor", RV_R, 0x4033, F7, 0},          {"srl", RV_R, 0x5033, F7, 0},
    {"sra", RV_R, 0x40005033, F7, 0},      {"or", RV_R, 0x6033, F7, 0},
    {"and", RV_R, 0x7033, F7, 0},          {"fence", RV_FENCE, 0x000f, F3, 0},
    {"fence.i", RV_FENCE, 0x100f, F3, 0},  {"ecall", RV_EXACT, 0x00000073, ALL, 0},
    {"ebreak", RV_EXACT, 0x00100073, ALL, 0}, {"mret", RV_EXACT, 0x30200073, ALL, 0},
    {"wfi", RV_EXACT, 0x10500073, ALL, 0}, {"csrrw", RV_CSR, 0x1073, F3, 0},
    {"csrrs", RV_CSR, 0x2073, F3, 0},      {"csrrc", RV_CSR, 0x3073, F3, 0},
    {"csrrwi", RV_CSR_IMM, 0x5073, F3, 0}, {"csrrsi", RV_CSR_IMM, 0x6073, F3, 0},
    {"csrrci", RV_CSR_IMM, 0x7073, F3, 0}, {"mul", RV_R, 0x02000033, F7, 1},
    {"mulh", RV_R, 0x02001033, F7, 1},     {"mulhsu", RV_R, 0x02002033, F7, 1},
    {"mulhu", RV_R, 0x02003033, F7, 1},    {"div", RV_R, 0x02004033, F7, 1},
    {"divu", RV_R, 0x02005033, F7, 1},     {"rem", RV_R, 0x02006033, F7, 1},
    {"remu", RV_R, 0x02007033, F7, 1},
};
const unsigned rv_insn_count = sizeof rv_insns / sizeof *rv_insns;

int rv_find(uint32_t insn, bool mul_div) {
  for (unsigned i = 0; i < rv_insn_count; i++)
    if ((insn & rv_insns[i].mask) == rv_insns[i].match && (mul_div || !rv_insns[i].mul_div)) return (int)i;
  return -1;
}

unsigned rv_named(const char *name) {
  for (unsigned i = 0; i < rv_insn_count; i++)
    if (!strcmp(rv_insns[i].name, name)) return i;
  tb_fail("the test names an unknown instruction '%s'", name);
}

static uint32_t branch_bits(uint32_t v) {
  return (v >> 12 & 1) << 31 | (v >> 5 & 63) << 25 | (v >> 1 & 15) << 8 | (v >> 11 & 1) << 7;
}

static uint32_t jump_bits(uint32_t v) {
  return (v >> 20 & 1) << 31 | (v >> 1 & 1023) << 21 | (v >> 11 & 1) << 20 | (v >> 12 & 255) << 12;
}

uint32_t rv_encode(const rv_insn *i, unsigned rd, unsigned rs1, unsigned rs2, uint32_t imm) {
  uint32_t d = rd << 7, s1 = rs1 << 15, s2 = rs2 << 20;
  switch (i->format) {
    case RV_R: return i->match | d | s1 | s2;
    case RV_I:
    case RV_CSR:
    case RV_CSR_IMM:
    case RV_FENCE: return i->match | d | s1 | imm << 20;
    case RV_SHIFT: return i->match | d | s1 | (imm & 31) << 20;
    case RV_S: return i->match | s1 | s2 | (imm & 31) << 7 | (imm >> 5 & 127) << 25;
    case RV_B: return i->match | s1 | s2 | branch_bits(imm);
    case RV_U: return i->match | d | imm << 12;
    case RV_J: return i->match | d | jump_bits(imm);
    default: return i->match;
  }
}
