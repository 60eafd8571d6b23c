#ifndef MX_TESTS_RV_INSN_H
#define MX_TESTS_RV_INSN_H
// The instructions of mx_rv, one line each: how they are encoded, for tests
// that make them, count them, and run each with edge values.
#include <stdbool.h>
#include <stdint.h>

typedef enum { RV_R, RV_I, RV_SHIFT, RV_S, RV_B, RV_U, RV_J, RV_CSR, RV_CSR_IMM, RV_FENCE, RV_EXACT } rv_format;

typedef struct {
  const char *name;
  rv_format format;
  uint32_t match, mask;
  bool mul_div;
} rv_insn;

extern const rv_insn rv_insns[];
extern const unsigned rv_insn_count;

// The index of a legal instruction in rv_insns, else -1.
int rv_find(uint32_t insn, bool mul_div);
// The index of a name, which must exist.
unsigned rv_named(const char *name);
// An encoding; imm as the assembler has it (RV_U: the upper 20 bits; RV_CSR:
// the register's number; RV_CSR_IMM: the same, with rs1 as the immediate).
uint32_t rv_encode(const rv_insn *i, unsigned rd, unsigned rs1, unsigned rs2, uint32_t imm);
#endif
