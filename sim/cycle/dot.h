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
} mx_cycle_dot_in;

typedef struct {
  bool cmd_ready, busy;
  bool s_ready;                 // may depend on s_valid
  bool took, starved, blocked;  // may depend on the same
  bool x_en;                    // XMEM read; may depend on the same
  bool vm_valid;                // VMEM write asked for
} mx_cycle_dot_out;

typedef struct mx_cycle_dot mx_cycle_dot;

// A MATMUL as the sequencer sees it. A unit is `side` beats of scales and zero
// points, then `steps` steps, one per chunk of codes; a line ends with each
// multiple of `line` steps, and with planar codes also a step before.
typedef struct {
  uint8_t needs, takes;  // bit (step mod 4): the step needs a beat, ends a beat
  bool planar;
  uint8_t tokens;        // - 1
  uint16_t groups, blocks;
  uint8_t line_bits;     // of line, a power of two
  uint32_t side, steps, line;
} mx_cycle_dot_work;

struct mx_cycle_dot {
  // Of the parameters.
  uint8_t row_bits, lanes, side_beats;  // row_bits: of ROWS; side_beats: with one byte a row
  bool codebook;
  uint32_t group, entries;  // entries: GROUP / ROWS

  // mx_dot_table: cycles in which no MATMUL starts.
  uint8_t table_left;

  // mx_dot_ctrl.
  bool waits, active, handed;
  mx_cycle_dot_work next, now;    // waiting, running
  uint32_t side_left, step;       // in the unit
  uint16_t block_left, group_left;
  uint32_t used;                  // entries of the buffer of results

  // Lines in the pipeline that end a row: bit i is stage i + 1.
  uint16_t finals;

  // mx_dot_out. `written` counts entries from the group of `row` on.
  bool out_active, out_planar, vm_valid;
  uint8_t out_tokens, token;
  uint16_t out_groups;
  uint32_t row, written;
};

void mx_cycle_dot_open(mx_cycle_dot *v, const mx_params *p);
void mx_cycle_dot_reset(mx_cycle_dot *v);
mx_cycle_dot_out mx_cycle_dot_look(const mx_cycle_dot *v, const mx_cycle_dot_in *in);
void mx_cycle_dot_edge(mx_cycle_dot *v, const mx_cycle_dot_in *in);
uint64_t mx_cycle_dot_steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in);
// The same without x_en, which may change meanwhile: for when nobody else wants
// XMEM. leap is right for any n.
uint64_t mx_cycle_dot_steady_but_x(const mx_cycle_dot *v, const mx_cycle_dot_in *in);
void mx_cycle_dot_leap(mx_cycle_dot *v, const mx_cycle_dot_in *in, uint64_t n);
#endif
