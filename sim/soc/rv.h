#ifndef MX_SIM_SOC_RV_H
#define MX_SIM_SOC_RV_H
// Instruction-set model of rtl/soc/mx_rv: RV32I, optional M, Zicsr, machine
// mode. It follows the RISC-V manuals (unprivileged 20191213, privileged
// 20211203) and knows no time; where they leave a choice it makes that of
// mx_rv.sv's header. Integers only.
#include <stdbool.h>
#include <stdint.h>

// A transfer as the bus has it: a word's address, strobes of the bytes that are
// written (0: a read), and data on their lanes.
typedef struct {
  bool fetch;  // of an instruction
  uint32_t address;
  unsigned strobes;
  uint32_t data;  // written, or filled in by a read
} mx_rv_transfer;

// Memory: does the transfer, or returns false for a bus error.
typedef bool mx_rv_memory(void *context, mx_rv_transfer *t);

enum {
  MX_RV_MSTATUS = 0x300, MX_RV_MIE = 0x304, MX_RV_MTVEC = 0x305, MX_RV_MSCRATCH = 0x340, MX_RV_MEPC = 0x341,
  MX_RV_MCAUSE = 0x342, MX_RV_MTVAL = 0x343, MX_RV_MIP = 0x344, MX_RV_MCYCLE = 0xb00, MX_RV_MCYCLEH = 0xb80,
  MX_RV_MHARTID = 0xf14,
};
// Bits of mie and mip.
enum { MX_RV_SOFTWARE = 1 << 3, MX_RV_TIMER = 1 << 7, MX_RV_EXTERNAL = 1 << 11 };
// mcause of exceptions.
enum {
  MX_RV_JUMP_MISALIGNED = 0, MX_RV_FETCH_ERROR = 1, MX_RV_ILLEGAL = 2, MX_RV_BREAKPOINT = 3,
  MX_RV_LOAD_MISALIGNED = 4, MX_RV_LOAD_ERROR = 5, MX_RV_STORE_MISALIGNED = 6, MX_RV_STORE_ERROR = 7,
  MX_RV_CALL = 11,
};

typedef struct {
  uint32_t pc, x[32];
  uint32_t mstatus, mie, mtvec, mscratch, mepc, mcause, mtval;
  uint32_t mip;     // what a read of mip gives; set by the user
  uint64_t mcycle;  // what a read gives; set by the user
  uint32_t hart_id;
  bool mul_div;     // has the M extension
  mx_rv_memory *memory;
  void *context;
} mx_rv;

// What a step did.
typedef struct {
  uint32_t pc, insn;    // insn: 0 if it could not be fetched
  bool trapped;         // mcause, mepc and mtval of the model say why
  unsigned rd;          // register that was written; 0: none
  uint32_t rd_value;
  unsigned csr;         // control register that was written; 0: none
  bool taken;           // a branch that was
  bool transferred;     // a load or store reached the bus
  mx_rv_transfer transfer;
} mx_rv_step_result;

void mx_rv_reset(mx_rv *m, uint32_t pc);
// One instruction; or, if `pending` (bits as in mip) holds an enabled interrupt
// and the instruction is not WFI, the entry of its handler. WFI does not wait.
mx_rv_step_result mx_rv_step(mx_rv *m, uint32_t pending);
// Clock cycles that mx_rv with MulDiv, FastShift and FastMul takes for what a step did,
// where each transfer takes two.
unsigned mx_rv_cycles(const mx_rv_step_result *r);
#endif
