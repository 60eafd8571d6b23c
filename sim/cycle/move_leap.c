// The move unit over many cycles at once. At work its outputs change with every
// beat or two, so that a leap jumps only over rest.
#include "sim/cycle/move.h"
#include "sim/cycle/move_state.h"

static uint64_t min64(uint64_t a, uint64_t b) { return a < b ? a : b; }

// The state stays as it is for as long as the inputs do.
static bool load_rests(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  const mx_cycle_move_load *l = &v->load;
  if (!move_load_busy(v)) return true;
  if (move_load_fault(v, in) || (in->req_ready && move_req_valid(v, in))) return false;
  if (l->write && (l->ucode || in->mw_ready)) return false;
  if (l->fetched ? !l->write : l->stored) return false;
  return !in->r_valid || l->stored + l->fetched >= 2 * v->burst;
}

static bool store_rests(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  const mx_cycle_move_store *o = &v->out;
  if (o->fault || o->arrive || move_steps(v, in)) return false;
  return !o->valid || (move_w_in_range(v, in) ? !in->w_ready : o->halted);
}

static bool rests(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  return !(in->cmd_valid && move_cmd_ready(v, in)) && load_rests(v, in) && store_rests(v, in);
}

// ---- steady ----

// Cycles in which beats at hand feed the writes: to the end of the last of them,
// or of the one whose room allows the next request.
static uint64_t feed_steady(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  const mx_cycle_move_load *l = &v->load;
  if (!l->fetched) return 1;
  uint32_t beats = l->stored + 1u, per_beat = (1u << v->byte_bits) >> l->log_size;
  if (move_wants_beats(v, in) && l->free < v->burst && beats > (uint32_t)(v->burst - l->free))
    beats = v->burst - l->free;
  return min64(l->left, move_beat_left(v) + (beats - 1) * per_beat);
}

static uint64_t load_steady(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  const mx_cycle_move_load *l = &v->load;
  if (load_rests(v, in)) return UINT64_MAX;
  if (move_load_fault(v, in) || (in->req_ready && move_req_valid(v, in))) return 1;
  if (l->write) return l->ucode ? 1 : in->mw_ready ? feed_steady(v, in) : UINT64_MAX;
  return l->fetched ? 1 : l->stored ? 2 : 3;
}

// Steps of the beat that is being built.
static uint32_t beat_steps(const mx_cycle_move *v) {
  const mx_cycle_move_store *o = &v->out;
  if (o->store) {
    uint32_t words = ((1u << v->byte_bits) - o->byte) / 4;
    return words < o->count ? words : o->count;
  }
  if (!o->row || o->scale) return 1;
  uint32_t slice_bytes = 1u << v->slice_bits, in_slice = o->line >> v->row_bits << o->log_line | o->byte;
  uint32_t line = (1u << o->log_line) - o->byte, slice = slice_bytes - (in_slice & (slice_bytes - 1));
  return line < slice ? line : slice;
}

// Steps that the word kept serves.
static uint32_t held_steps(const mx_cycle_move *v) {
  uint32_t lanes = 1u << v->lane_bits, left = lanes - (v->out.at & (lanes - 1));
  return v->out.nibbles ? (left + 1) / 2 : left;
}

static uint64_t store_steady(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  const mx_cycle_move_store *o = &v->out;
  if (store_rests(v, in)) return UINT64_MAX;
  if (o->fault || o->valid || (o->arrive && o->complete)) return 1;
  if (!move_steps(v, in)) return UINT64_MAX;
  if (o->store || !v->lane_bits) return beat_steps(v);
  return move_held(v) ? min64(beat_steps(v), held_steps(v)) : 1;
}

uint64_t mx_cycle_move_steady(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  if (in->cmd_valid && move_cmd_ready(v, in)) return 1;
  return min64(load_steady(v, in), store_steady(v, in));
}

void mx_cycle_move_leap(mx_cycle_move *v, const mx_cycle_move_in *in, uint64_t n) {
  for (; n && !rests(v, in); n--) mx_cycle_move_edge(v, in);
}
