#ifndef MX_SEQ_MODEL_H
#define MX_SEQ_MODEL_H
// A second statement of what the sequencer does, for tb_mx_seq: random
// programs, and the command that each instruction must become.
#include <stdbool.h>
#include <stdint.h>

#include "golden/isa.h"

enum { SEQ_MAX_INSTRUCTIONS = 256 };
// How a program ends: a fault code, or one of
enum { SEQ_RUNS = 32, SEQ_HALTED = 0 };

typedef struct { unsigned tokens, codebook, zero_point, bus_bits; uint32_t build_id; } seq_params;

// Final values of what A registers change.
typedef struct {
  uint32_t addr, row, stride, seg_beats, value;  // value: of A[d], by ARG or LOOP
  uint16_t count, blocks, u[8];
} seq_command;

typedef struct {
  seq_params params;
  mx_insn code[SEQ_MAX_INSTRUCTIONS];
  unsigned length;           // instructions
  uint32_t program, mem_size;
  bool leftover;             // the stream is not empty at HALT
  uint32_t a[MX_AREGS];
  uint32_t pc, last_pc;      // of the next and of the last issued instruction
  uint32_t end;
  mx_insn insn;              // at pc, and what it becomes
  seq_command command;
} seq_model;

void seq_model_random(seq_model *m, const seq_params *p, uint32_t alignment);
uint8_t seq_model_byte(const seq_model *m, uint32_t addr);
void seq_model_start(seq_model *m, const uint32_t args[MX_ARGS]);
void seq_model_step(seq_model *m);   // the instruction at pc has issued
int seq_model_unit(const seq_model *m);  // 0 stream, 1 dot, 2 vec, 3 move, -1 none
#endif
