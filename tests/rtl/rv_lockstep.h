#ifndef MX_TESTS_RV_LOCKSTEP_H
#define MX_TESTS_RV_LOCKSTEP_H
// rtl/soc/mx_rv beside sim/soc/rv, instruction by instruction: order and values
// of what is written to registers and control registers, transfers, pc. The
// user supplies what answers the bus, and when.
#include "sim/soc/rv.h"

typedef struct {
  mx_rv_memory *memory;  // the answer to each transfer of the core
  void *context;
  unsigned (*wait)(void *context);       // cycles from request to answer, at least 1
  uint32_t (*interrupts)(void *context); // level of the lines in this cycle, bits as in mip
  // After each instruction, or NULL; cycles: from its beginning to that of the next.
  void (*retired)(void *context, const mx_rv *model, const mx_rv_step_result *r, unsigned cycles);
  bool expect_fault;  // the core has a planted fault: a difference ends the program in success
} rv_environment;

void rv_open(const rv_environment *e, bool mul_div, uint32_t reset_pc, uint32_t hart_id, unsigned cycle_bits);
void rv_cycle(void);
const mx_rv *rv_model(void);  // one instruction behind the core
uint64_t rv_steps(void);      // instructions and interrupts so far
#endif
