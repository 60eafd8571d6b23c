#ifndef MX_CYCLE_DOT_H
#define MX_CYCLE_DOT_H
// Twin of mx_dot (contract: sim/cycle/README.md).
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

typedef struct {
  bool cmd_valid;
  uint8_t cmd_bits, cmd_scale, cmd_block, cmd_tokens;  // tokens - 1
  bool cmd_zero, cmd_codebook, cmd_planar;
  uint16_t cmd_x, cmd_groups, cmd_blocks;
  bool tbl_we;
  bool s_valid;
  bool vm_ready;
  bool add_stop;  // SharedAdd: of mx_vec
} mx_cycle_dot_in;

typedef struct {
  bool cmd_ready, busy;
  bool s_ready;                 // may depend on s_valid, add_stop
  bool took, starved, blocked;  // may depend on the same
  bool x_en;                    // XMEM read; may depend on the same
  bool vm_valid;                // VMEM write asked for
  bool add_idle;                // SharedAdd: to mx_vec
} mx_cycle_dot_out;

typedef struct mx_cycle_dot mx_cycle_dot;

void mx_cycle_dot_open(mx_cycle_dot *v, const mx_params *p);
void mx_cycle_dot_reset(mx_cycle_dot *v);
mx_cycle_dot_out mx_cycle_dot_look(const mx_cycle_dot *v, const mx_cycle_dot_in *in);
void mx_cycle_dot_edge(mx_cycle_dot *v, const mx_cycle_dot_in *in);
uint64_t mx_cycle_dot_steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in);
void mx_cycle_dot_leap(mx_cycle_dot *v, const mx_cycle_dot_in *in, uint64_t n);
#endif
