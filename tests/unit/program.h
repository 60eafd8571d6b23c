#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H
// A golden machine with a memory of its own, and programs for it, built
// instruction by instruction.
#include "golden/machine.h"
#include "tests/unit/small_model.h"  // test_random

// The seed of this run: MX_SEED, or 1. Says on stdout how to repeat the run.
uint64_t test_seed(void);

// Runs of a random test: MX_RUNS, or `usual`.
uint32_t test_runs(uint32_t usual);

// A field of an instruction with its value; INSN fails the program if it does
// not fit.
typedef struct { unsigned field; uint64_t value; } test_field;
mx_insn test_insn(unsigned op, size_t n, const test_field *fields);
#define F(op, name, value) {MX_F_##op##_##name, (uint64_t)(value)}
#define INSN(op, ...) \
  test_insn(MX_OP_##op, sizeof((test_field[]){__VA_ARGS__}) / sizeof(test_field), (test_field[]){__VA_ARGS__})
#define HALT test_insn(MX_OP_HALT, 0, NULL)

typedef struct {
  const mx_params *params;
  mx_machine *machine;
  uint8_t *memory;      // [mem_size], exactly, so that a checker sees accesses beyond
  uint32_t mem_size;
  uint32_t entry, at;   // of the program; of its next instruction
} test_device;

// A device of the parameter set, its memory zero; test_device_free frees it.
test_device test_device_new(const char *set, uint32_t mem_size);
void test_device_free(test_device *d);

// Begin a program at `entry`, with IDENT; add an instruction to it; add HALT
// and run it with A[1], A[2] = a1, a2. test_run returns the fault.
void test_begin(test_device *d, uint32_t entry);
void test_add(test_device *d, mx_insn in);
void test_set(test_device *d, unsigned areg, uint32_t value);  // adds an ARG
unsigned test_run(test_device *d, uint32_t a1, uint32_t a2);

// Run with HALT at the end and fail the program on a fault.
void test_run_clean(test_device *d, uint32_t a1, uint32_t a2);

void test_poke(test_device *d, uint32_t addr, uint32_t word);
uint32_t test_peek(const test_device *d, uint32_t addr);

// A random FP32 of moderate size: sign, exponent 127 +- range, any fraction.
uint32_t test_random_fp(test_random *r, uint32_t range);
#endif
