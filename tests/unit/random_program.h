#ifndef TEST_RANDOM_PROGRAM_H
#define TEST_RANDOM_PROGRAM_H
// Random programs for tests of time: those of tests/rtl/top_program.h, long
// streams, and some that fault. No result is looked at.
#include "sim/memory_time.h"
#include "tests/rtl/top_program.h"

enum { TEST_KINDS = 4 };  // of programs

void test_random_seed(uint64_t seed);
uint32_t test_below(uint32_t n);

// Fill memory[TOP_MEMORY] with a program at TOP_PROGRAM for args[MX_ARGS], which are
// filled too. kind: 0 all instructions, 1 long streams, 2 one that faults, 3 as 0
// with a random bit of an instruction inverted.
void test_random_program(const mx_params *p, unsigned kind, uint8_t *memory, uint32_t *args);

// Memories of all kinds; without random stalls unless `stalls`.
mx_memory_options test_random_memory(bool stalls);
#endif
