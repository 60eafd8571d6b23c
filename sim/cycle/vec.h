#ifndef MX_CYCLE_VEC_H
#define MX_CYCLE_VEC_H
// Twin of mx_vec (contract: sim/cycle/README.md). The state holds the control
// store and U registers, which decide what runs; VMEM's data do not.
//
// When a microinstruction is fetched, its whole course is fixed: a few numbers say
// when it reads, writes and ends. Between two changes of the outputs an edge only
// counts.
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

typedef struct {
  bool cmd_valid;
  uint16_t cmd_entry;
  uint16_t cmd_u[8];
  bool uc_we;
  uint16_t uc_addr;
  uint32_t uc_data;
} mx_cycle_vec_in;

// All from the state alone.
typedef struct {
  bool cmd_ready, busy, progress;
  bool ra_en, rb_en;   // VMEM reads
  bool vm_valid;       // VMEM write
  bool xw_valid;       // XMEM write
  uint8_t fault;
} mx_cycle_vec_out;

enum { MX_CYCLE_STORE = 1024 };  // words of the largest control store

// The first `width` of every `period` cycles, from first to last. None: both are
// UINT32_MAX.
typedef struct {
  uint32_t first, last;
} mx_cycle_vec_span;

typedef struct {
  // Cycles are counted from the fetch on. `out` stays until `next`.
  uint32_t t, next;
  mx_cycle_vec_out out;
  uint8_t phase;
  uint8_t loaded;  // idle: of U0..U7
  // The microinstruction.
  bool bcast;        // reads a scalar
  uint8_t end_fault;
  uint16_t pc;
  uint32_t insn, done;     // done: its last cycle
  uint32_t period, width;  // powers of two
  mx_cycle_vec_span read_a, read_b, write;
  // Parameters.
  uint8_t lane_bits;  // log2 VEC_LANES
  uint16_t store_mask;

  uint16_t u[16];
  uint32_t store[MX_CYCLE_STORE];
} mx_cycle_vec;

void mx_cycle_vec_open(mx_cycle_vec *v, const mx_params *p);
// A control store write in the same cycle: mx_cycle_vec_edge with uc_we and
// without cmd_valid, after the reset.
void mx_cycle_vec_reset(mx_cycle_vec *v);
mx_cycle_vec_out mx_cycle_vec_look(const mx_cycle_vec *v, const mx_cycle_vec_in *in);
void mx_cycle_vec_edge(mx_cycle_vec *v, const mx_cycle_vec_in *in);
uint64_t mx_cycle_vec_steady(const mx_cycle_vec *v, const mx_cycle_vec_in *in);
void mx_cycle_vec_leap(mx_cycle_vec *v, const mx_cycle_vec_in *in, uint64_t n);
// As mx_cycle_vec_steady, but for ra_en, rb_en, vm_valid and xw_valid, which may
// change meanwhile: for times in which nobody else wants VMEM. A leap may be so
// long.
uint64_t mx_cycle_vec_alone(const mx_cycle_vec *v, const mx_cycle_vec_in *in);
#endif
