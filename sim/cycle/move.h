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

// LOAD and UCODE. Memory is counted in beats.
typedef struct {
  bool ucode, write, align_bad, told;
  uint8_t log_size;        // bytes of an element
  uint16_t left, addr;     // elements not yet taken; place of the one written
  uint32_t offset, from;   // of the next element in its beat; address of the one written
  bool requests;           // mx_burst has a run
  uint64_t at, end;        // of the run
  uint8_t free;            // beats of the FIFO neither held nor promised
  uint8_t stored;          // in the FIFO's memory
  bool fetched;            // and at its output
} mx_cycle_move_load;

// STORE and PUT*: names as in mx_move_store.
typedef struct {
  bool store, row, col, nibbles, scale;
  bool active, halted, arrive, complete, valid;
  uint8_t log_line, byte, fault;
  uint16_t count;
  uint32_t line, stride, base;  // stride, base: in beats
  bool kept;                    // an XMEM word is, that of element `word` << lane_bits
  uint16_t at, word;            // XMEM element of the next step
  uint32_t w_addr, w_last;      // address of the beat; of its last byte
} mx_cycle_move_store;

struct mx_cycle_move {
  // Of the parameters.
  uint8_t byte_bits, slice_bits, row_bits, burst;  // burst: beats of LOAD's requests
  uint8_t lane_bits;  // of an XMEM word that is kept; 0: none is
  uint32_t group;
  mx_cycle_move_load load;
  mx_cycle_move_store out;
};

void mx_cycle_move_open(mx_cycle_move *v, const mx_params *p);
void mx_cycle_move_reset(mx_cycle_move *v);
// On inputs depend: cmd_ready on cmd_op, w_idle; busy on w_idle; fault,
// req_valid and w_valid on mem_size; mr_valid and pr_valid on mem_size, w_ready.
// What goes with a valid is 0 without it.
mx_cycle_move_out mx_cycle_move_look(const mx_cycle_move *v, const mx_cycle_move_in *in);
void mx_cycle_move_edge(mx_cycle_move *v, const mx_cycle_move_in *in);
uint64_t mx_cycle_move_steady(const mx_cycle_move *v, const mx_cycle_move_in *in);
void mx_cycle_move_leap(mx_cycle_move *v, const mx_cycle_move_in *in, uint64_t n);
#endif
