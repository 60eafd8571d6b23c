#ifndef MX_TOP_PROGRAM_H
#define MX_TOP_PROGRAM_H
// Programs for tests of the whole device: a builder over one memory image, and
// random programs whose result does not depend on the units' timing.
#include <stdbool.h>
#include <stdint.h>

#include "golden/isa.h"
#include "golden/params.h"

// The test memory.
enum {
  TOP_PROGRAM = 0x00000,
  TOP_MICROCODE = 0x10000,
  TOP_DATA = 0x20000,     // read by LOAD
  TOP_DATA_BYTES = 0x40000,
  TOP_WEIGHTS = 0x60000,  // read by STREAM
  TOP_WEIGHTS_BYTES = 0x40000,
  TOP_STORED = 0xa0000,   // written by STORE
  TOP_STORED_BYTES = 0x20000,
  TOP_CACHE = 0xc0000,    // written by PUT*
  TOP_CACHE_BYTES = 0x40000,
  TOP_MEMORY = 0x100000,
  TOP_MICROPROGRAMS = 8,
};

typedef struct {
  const mx_params *params;
  uint8_t *memory;            // [TOP_MEMORY]
  uint32_t length;            // instructions so far
  uint32_t a[MX_AREGS];       // as they will be when the next instruction runs
  unsigned entry[TOP_MICROPROGRAMS];
  bool quantizes[TOP_MICROPROGRAMS];
  bool overlap;               // units work side by side, each in its own part of VMEM
} top_program;

// An empty program; args[i] will be A[i + 1].
void top_begin(top_program *t, const mx_params *p, uint8_t *memory, const uint32_t args[MX_ARGS]);
// Instruction with the wait bits given and no field set yet.
mx_insn top_insn(unsigned op, unsigned waits);
void top_put(mx_insn *in, unsigned field, uint64_t value);  // fails the test if it does not fit
void top_append(top_program *t, mx_insn in);                // keeps t->a for ARG outside loops
void top_simple(top_program *t, unsigned op, unsigned waits);
void top_ident(top_program *t);
// LOAD, STORE, UCODE of `count` items with no A registers.
void top_copy(top_program *t, unsigned op, uint32_t addr, uint32_t at, uint32_t count, unsigned format);
void top_word(uint8_t *memory, uint32_t addr, uint32_t value);
// Fill the readable parts of the memory at random.
void top_fill(uint8_t *memory);

// Instructions that give every on-chip memory known contents, microprograms
// included.
void top_prologue(top_program *t);
// Random instructions, then HALT.
void top_random(top_program *t, unsigned instructions);
#endif
