#ifndef MX_CYCLE_MOVE_STATE_H
#define MX_CYCLE_MOVE_STATE_H
// What move.c and move_leap.c both ask of a move unit's state.
#include "golden/isa.h"
#include "sim/cycle/move.h"

static inline bool move_load_busy(const mx_cycle_move *v) { return v->load.left || v->load.write; }
static inline bool move_store_busy(const mx_cycle_move *v) {
  return v->out.active || v->out.arrive || v->out.valid;
}

static inline bool move_cmd_ready(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  bool load = in->cmd_op == MX_OP_LOAD || in->cmd_op == MX_OP_UCODE;
  return !move_load_busy(v) && !move_store_busy(v) && !v->out.halted && (!load || in->w_idle);
}

// ---- LOAD and UCODE ----

static inline bool move_load_in_range(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return v->load.end <= in->mem_size >> v->byte_bits;
}

static inline bool move_wants_beats(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return v->load.requests && move_load_in_range(v, in);
}

static inline bool move_req_valid(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return v->load.free >= v->burst && move_wants_beats(v, in);
}

static inline uint8_t move_load_fault(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  if (v->load.told) return MX_FAULT_NONE;
  if (v->load.requests && !move_load_in_range(v, in)) return MX_FAULT_RANGE;
  return v->load.align_bad ? MX_FAULT_ALIGN : MX_FAULT_NONE;
}

// An element of the output's beat goes to be written.
static inline bool move_takes(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return v->load.fetched && (!v->load.write || v->load.ucode || in->mw_ready);
}

// Elements that the beat at the FIFO's output has yet to give.
static inline uint32_t move_beat_left(const mx_cycle_move *v) {
  uint32_t n = ((1u << v->byte_bits) - v->load.offset) >> v->load.log_size;
  return n < v->load.left ? n : v->load.left;
}

// ---- STORE and PUT* ----

static inline bool move_w_in_range(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return v->out.w_last < in->mem_size;
}

static inline bool move_w_valid(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return v->out.valid && move_w_in_range(v, in);
}

// The beat is free for the bytes of a step.
static inline bool move_asks(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  if (!v->out.active || (v->out.arrive && v->out.complete)) return false;
  return !v->out.valid || (in->w_ready && move_w_in_range(v, in));
}

// The next step's code is in the XMEM word kept.
static inline bool move_held(const mx_cycle_move *v) {
  const mx_cycle_move_store *o = &v->out;
  return o->kept && !o->scale && (o->row || o->col) && o->at >> v->lane_bits == o->word;
}

static inline bool move_steps(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return (v->out.store ? in->mr_ready : in->pr_ready || move_held(v)) && move_asks(v, in);
}
#endif
