// The dot array over many cycles at once.
//
// Of two things that change outputs (the sequencer, results on their way to VMEM)
// each says how long it does not.
#include "sim/cycle/dot.h"
#include "sim/cycle/dot_state.h"

enum {
  LATENCY = DOT_STAGES + 2,  // from the last step of a row to vm_valid
  WORTH = 8,                 // cycles from which on a jump is quicker than edges
};

static uint64_t min64(uint64_t a, uint64_t b) { return a < b ? a : b; }

// A beat of scales or a step in this cycle, and in those after it.
static bool flows(const mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  return v->active && in->s_valid && !dot_held_up(v);
}

// ---- distances, in cycles of flow ----

static uint64_t unit_cycles(const mx_cycle_dot *v) { return (uint64_t)v->now.side + v->now.steps; }
static uint64_t to_unit_end(const mx_cycle_dot *v) { return (uint64_t)v->side_left + v->now.steps - v->step; }
static uint64_t to_group_end(const mx_cycle_dot *v) { return to_unit_end(v) + (v->block_left - 1u) * unit_cycles(v); }

static uint64_t to_finish(const mx_cycle_dot *v) {
  return to_group_end(v) + (v->group_left - 1ull) * v->now.blocks * unit_cycles(v);
}

// Steps of a line before the first that ends a row.
static uint32_t before_end(const mx_cycle_dot *v) { return v->now.line - 1 - v->now.planar; }

static uint64_t to_line_end(const mx_cycle_dot *v) {
  uint32_t at = v->step & (v->now.line - 1), end = before_end(v);
  return v->side_left + (at < end ? end - at : 0);
}

static uint64_t to_result(const mx_cycle_dot *v) {
  return dot_last_block(v) ? to_line_end(v) : to_group_end(v) - v->now.steps + before_end(v);
}

// Entries of the group that its last block has yet to end.
static uint32_t results_left(const mx_cycle_dot *v) {
  if (!dot_last_block(v)) return v->entries;
  uint32_t mask = v->now.line - 1, lines = v->step >> v->now.line_bits;
  return v->entries - (v->now.planar ? 2 * lines + ((v->step & mask) == mask) : lines);
}

// Steps from one that ends a row to the n-th after it, or less: of a planar pair
// the second follows the first at once.
static uint64_t to_next_result(const mx_cycle_dot *v, uint32_t n) {
  return v->now.planar ? (uint64_t)(n / 2) * v->now.line + n % 2 : (uint64_t)n * v->now.line;
}

// No step before has to wait for room. Entries that become free are not counted.
static uint64_t to_full(const mx_cycle_dot *v) {
  uint32_t room = dot_depth(v) - v->used;
  if (room < results_left(v)) return to_result(v) + to_next_result(v, room);
  if (v->group_left == 1) return UINT64_MAX;
  return to_group_end(v) + v->now.blocks * unit_cycles(v) - v->now.steps + before_end(v);
}

// ---- steady ----

// s_ready and took; with x also x_en.
static uint64_t beats_steady(const mx_cycle_dot *v, bool x) {
  bool every = v->now.takes == 0xf;
  if (v->side_left) return every && !x ? UINT64_MAX : v->side_left;
  if (every) return x && v->now.side ? v->now.steps - v->step : UINT64_MAX;
  unsigned phase = v->step & 3;
  return v->now.takes == 0x7 && phase < 3 ? 3 - phase : 1;
}

static uint64_t flow_steady(const mx_cycle_dot *v, bool x) {
  uint64_t n = min64(to_finish(v) - !v->handed, to_full(v));
  return min64(n, beats_steady(v, x));
}

// The results' own steadiness covers all that ends a hold-up but a row that leaves.
static uint64_t held_steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  if (dot_hands_over(v)) return 1;
  return v->vm_valid && in->vm_ready ? v->out_tokens - v->token + 1u : UINT64_MAX;
}

static uint64_t run_steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in, bool x) {
  if (in->cmd_valid && !v->waits) return 1;
  if (!v->active) return !v->waits ? UINT64_MAX : in->tbl_we ? 1 : v->table_left + 1u;
  if (dot_held_up(v)) return held_steady(v, in);
  if (in->s_valid) return flow_steady(v, x);
  return dot_needs_beat(v) ? UINT64_MAX : 1;
}

// Words of the row that leaves and of those behind it, with `more` entries.
static uint64_t words_left(const mx_cycle_dot *v, uint32_t more) {
  uint64_t written = dot_rows_written(v, v->written + more), asked = (uint64_t)v->out_groups * v->group;
  uint64_t rows = min64(written, asked);
  return v->out_tokens - v->token + 1u + (rows > v->row ? rows - v->row : 0) * (v->out_tokens + 1u);
}

// An entry must be written two cycles before the last word leaves.
static uint64_t words_steady(const mx_cycle_dot *v) {
  uint64_t n = words_left(v, 0);
  uint32_t more = 0;
  for (unsigned wait = 0; v->finals && wait < DOT_STAGES; wait++) {
    if (!(v->finals >> (DOT_STAGES - 1 - wait) & 1)) continue;
    if (wait + 2 > n) break;
    n = words_left(v, ++more);
  }
  return n;
}

// What is written waits for mx_dot_out.
static bool fetches(const mx_cycle_dot *v) {
  return v->out_active && !v->vm_valid && (!v->out_groups || v->row < dot_rows_written(v, v->written));
}

static uint64_t out_steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  if (v->vm_valid) return in->vm_ready ? words_steady(v) : UINT64_MAX;
  if (fetches(v)) return 1;
  if (!v->out_active && v->written) return 2;
  for (unsigned stage = DOT_STAGES; v->finals && stage > 0; stage--)
    if (v->finals >> (stage - 1) & 1) return LATENCY - stage;
  return flows(v, in) ? to_result(v) + LATENCY : UINT64_MAX;
}

static uint64_t steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in, bool x) {
  uint64_t n = run_steady(v, in, x);
  return n > 1 ? min64(n, out_steady(v, in)) : n;
}

uint64_t mx_cycle_dot_steady(const mx_cycle_dot *v, const mx_cycle_dot_in *in) { return steady(v, in, true); }
uint64_t mx_cycle_dot_steady_but_x(const mx_cycle_dot *v, const mx_cycle_dot_in *in) { return steady(v, in, false); }

// ---- leap ----

// Cycles that jump can do: no result ends, arrives or is fetched into an empty
// output, no command moves.
static uint64_t run_span(const mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  if ((in->cmd_valid && !v->waits) || dot_hands_over(v)) return 0;
  if (!v->active) return !v->waits ? UINT64_MAX : in->tbl_we ? 0 : v->table_left;
  if (dot_held_up(v)) return held_steady(v, in);
  if (!in->s_valid) return dot_needs_beat(v) ? UINT64_MAX : 0;
  return to_result(v);
}

static uint64_t span(const mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  if (v->finals || fetches(v)) return 0;
  uint64_t n = run_span(v, in);
  return v->vm_valid && in->vm_ready ? min64(n, words_left(v, 0)) : n;
}

static void flow_jump(mx_cycle_dot *v, uint64_t n) {
  // Within a group: 32 bits do.
  uint32_t unit = (uint32_t)unit_cycles(v), at = unit - (uint32_t)to_unit_end(v) + (uint32_t)n;
  v->block_left = (uint16_t)(v->block_left - at / unit);
  at %= unit;
  v->side_left = at < v->now.side ? v->now.side - at : 0;
  v->step = at < v->now.side ? 0 : at - v->now.side;
}

static void out_jump(mx_cycle_dot *v, uint64_t n) {
  uint32_t tokens = v->out_tokens + 1u, words = v->token + (uint32_t)n, rows = words / tokens;
  bool ends = n == words_left(v, 0);
  rows -= ends;
  v->token = (uint8_t)(ends ? v->out_tokens : words % tokens);
  v->used -= dot_entries_freed(v, v->row + rows) - dot_entries_freed(v, v->row);
  for (v->row += rows; v->row >= v->group; v->row -= v->group) {
    v->out_groups--;
    v->written -= v->entries;
  }
  if (ends) v->vm_valid = false, v->out_active = v->out_groups != 0;
}

// n is at most span and at least WORTH.
static void jump(mx_cycle_dot *v, const mx_cycle_dot_in *in, uint64_t n) {
  if (flows(v, in)) flow_jump(v, n);
  if (v->vm_valid && in->vm_ready) out_jump(v, n);
  if (v->codebook && in->tbl_we) v->table_left = DOT_TABLE_CYCLES;
  else v->table_left = v->table_left > n ? (uint8_t)(v->table_left - n) : 0;
}

void mx_cycle_dot_leap(mx_cycle_dot *v, const mx_cycle_dot_in *in, uint64_t n) {
  while (n) {
    uint64_t k = n < WORTH ? 0 : min64(n, span(v, in));
    if (k < WORTH) mx_cycle_dot_edge(v, in), k = 1;
    else jump(v, in, k);
    n -= k;
  }
}
