#ifndef MX_TB_VEC_PROGRAM_H
#define MX_TB_VEC_PROGRAM_H
// Random microprograms for tests of the vector unit: all operations, functions
// and reductions, lengths 0 and up, wrapping addresses, loops, all formats of
// QUANT, faults. None has results that golden/vec.h leaves open.
#include <stdint.h>

#include "golden/isa.h"

enum { VEC_PROGRAM_WORDS = 120 };

typedef struct {
  uint32_t word[VEC_PROGRAM_WORDS];
  unsigned words;
  uint16_t u[8];  // of its command
} vec_program;

static inline uint32_t vec_field(unsigned name, uint32_t value) { return value << (name % 256); }
static inline uint32_t vec_code(unsigned op) { return (uint32_t)op << MX_UOP_LSB; }

void vec_emit(vec_program *p, uint32_t word);
void vec_emit_imm(vec_program *p, unsigned op, unsigned d, unsigned a, unsigned imm);

// A program for control store word `base` and a VMEM of `vmem_words`. It uses
// what its predecessor left in U8 as an address.
void vec_random_program(vec_program *p, unsigned base, unsigned vmem_words);
#endif
