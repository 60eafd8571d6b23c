#ifndef MX_TESTS_RV_CASES_H
#define MX_TESTS_RV_CASES_H
// Edge values of each instruction, with the results that the manual demands,
// and the cycles that mx_rv.sv's header promises.
#include <stdint.h>

// rd = a op b. b is a register or, by format, the immediate; of a load b is the
// word in memory and a its address; of a branch the result is 1 if it is taken.
typedef struct { const char *name; uint32_t a, b, result; } rv_case;
extern const rv_case rv_cases[];
extern const unsigned rv_case_count;

// A store of b to address a: strobes, and the lanes that they select.
typedef struct { const char *name; uint32_t a, b; unsigned strobes; uint32_t data; } rv_store_case;
extern const rv_store_case rv_store_cases[];
extern const unsigned rv_store_case_count;

// A control register that holds `old`, changed by `operand` (of which immediate
// forms take 5 bits): rd gets old, the register `result`.
typedef struct { const char *name; uint32_t old, operand, result; } rv_csr_case;
extern const rv_csr_case rv_csr_cases[];
extern const unsigned rv_csr_case_count;

// Cycles with transfers of 2 (shifts by 5 places), and with FastShift or FastMul.
typedef struct { const char *name; unsigned cycles, fast; } rv_cycle_case;
extern const rv_cycle_case rv_cycle_cases[];
extern const unsigned rv_cycle_case_count;
#endif
