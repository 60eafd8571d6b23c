#ifndef MX_CYCLE_MOVE_H
#define MX_CYCLE_MOVE_H
// Twin of mx_move (contract: sim/cycle/README.md).
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

typedef struct {
  uint32_t mem_size;
  bool cmd_valid;
  uint8_t cmd_op, cmd_format, cmd_block, cmd_bank;  // opcode of isa.def
  uint32_t cmd_addr, cmd_row, cmd_stride;
  uint16_t cmd_count, cmd_blocks, cmd_at;
  bool req_ready, r_valid;             // of mx_read
  bool w_ready, w_idle;                // of mx_write
  bool mr_ready, mw_ready, pr_ready;   // of mx_vmem and mx_xmem
} mx_cycle_move_in;

// Which of these depend on inputs in the same cycle stands beside
// mx_cycle_move_look.
typedef struct {
  bool cmd_ready, busy;
  uint8_t fault;
  bool req_valid;
  uint32_t req_addr;
  uint8_t req_len;       // beats - 1
  bool w_valid;
  uint32_t w_addr;
  bool mr_valid, mw_valid, pr_valid;
  bool uc_we;
  uint16_t uc_addr;
  uint32_t uc_from;      // bytes: memory address of the word written
} mx_cycle_move_out;

typedef struct mx_cycle_move mx_cycle_move;

void mx_cycle_move_open(mx_cycle_move *v, const mx_params *p);
void mx_cycle_move_reset(mx_cycle_move *v);
mx_cycle_move_out mx_cycle_move_look(const mx_cycle_move *v, const mx_cycle_move_in *in);
void mx_cycle_move_edge(mx_cycle_move *v, const mx_cycle_move_in *in);
uint64_t mx_cycle_move_steady(const mx_cycle_move *v, const mx_cycle_move_in *in);
void mx_cycle_move_leap(mx_cycle_move *v, const mx_cycle_move_in *in, uint64_t n);
#endif
