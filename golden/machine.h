#ifndef MX_MACHINE_H
#define MX_MACHINE_H
// The golden executor: runs a program against a memory, one instruction after
// another, in the arithmetic of README.md. It defines what every engine does;
// engines may overlap instructions, but must leave the same writes per unit.
#include "golden/isa.h"
#include "golden/observe.h"
#include "golden/params.h"
#include "golden/simd.h"
#include "golden/stream.h"
#include "golden/vec.h"

typedef struct { uint32_t addr, bytes; } mx_segment;

// Tells when a run reaches certain instructions: look(self, i) just before the
// one at address pcs[i] executes.
typedef struct {
  const uint32_t *pcs;     // [n], ascending
  uint32_t n;              // 0: nobody looks
  void (*look)(void *self, uint32_t i);
  void *self;
} mx_probe;

// All state of the device. `memory` is the caller's; the rest is owned.
typedef struct {
  const mx_params *params;
  uint8_t *memory;         // [mem_size], addressed relative to MEM_BASE
  uint32_t mem_size;
  uint32_t a[MX_AREGS];
  int8_t table[16];        // decode table
  mx_vec_state vec;        // VMEM, XMEM, scales, control store, U registers
  mx_segment *segments;    // streamed and not yet consumed, oldest first
  uint32_t n_segments, capacity;
  uint32_t pc;             // of the instruction executing or at fault
  uint32_t fault_address;  // memory address at fault, where one is
  uint64_t instructions;   // executed since the last start
  uint64_t stream_bytes;   // consumed by MATMUL since the last start
  mx_probe probe;          // the caller's; at first nobody looks
  mx_observer observer;    // called for every write; `write` may be NULL
  bool plain;              // take the defining paths, never the fast ones
  const mx_simd *simd;     // the host's best; NULL: portable C
  int8_t *x_order;         // [TOKENS * XMEM_ELEMS], work of matmul_simd.c
  mx_simd_block *x_blocks; // [TOKENS * XMEM_ELEMS / 16], the same
} mx_machine;

// NULL when memory is short.
mx_machine *mx_machine_new(const mx_params *p, uint8_t *memory, uint32_t mem_size);
void mx_machine_free(mx_machine *m);

// Run the program at byte `program` of the memory until HALT or a fault;
// args[i] becomes A[i + 1]. Returns a MX_FAULT_ code; m->pc tells where.
unsigned mx_machine_run(mx_machine *m, uint32_t program, const uint32_t args[MX_ARGS]);

// Execute one instruction other than HALT and LOOP (which need the program).
unsigned mx_machine_step(mx_machine *m, const mx_insn *in);

// True if the parameter set refuses the instruction (fault ILLEGAL).
bool mx_insn_illegal(const mx_params *p, const mx_insn *in);

// The stream format a MATMUL expects.
mx_stream_format mx_matmul_format(const mx_insn *in);

// MATMUL, in matmul.c. `values` are the fields with A registers applied.
typedef struct {
  mx_stream_format format;
  bool codebook;
  unsigned frac, tokens;   // tokens: 1 .. TOKENS
  uint16_t x, dst, stride, groups, blocks;
} mx_matmul;
unsigned mx_matmul_run(mx_machine *m, const mx_matmul *mm);

// Moves, in move.c: LOAD, STORE, PUTROW, PUTCOL, PUTEXP, UCODE.
unsigned mx_move_run(mx_machine *m, const mx_insn *in);

// Take the next `bytes` of the stream; returns where they are (in the memory,
// or gathered in scratch[bytes]), or NULL if the stream ends before.
const uint8_t *mx_stream_take(mx_machine *m, uint32_t bytes, uint8_t *scratch);

// Architectural writes; each tells the observer.
void mx_write_vmem(mx_machine *m, mx_unit unit, uint32_t addr, uint32_t value);

static inline uint32_t mx_areg(const mx_machine *m, unsigned index) { return index ? m->a[index] : 0; }
#endif
