#ifndef MX_CYCLE_DOT_STATE_H
#define MX_CYCLE_DOT_STATE_H
// What dot.c and dot_leap.c both ask of a dot array's state.
#include "sim/cycle/dot.h"

enum {
  DOT_STAGES = 12,      // from the last step of a line to mx_dot_out
  DOT_TABLE_CYCLES = 16,
};

static inline bool dot_last_block(const mx_cycle_dot *v) { return v->block_left == 1; }
static inline uint32_t dot_depth(const mx_cycle_dot *v) { return 2 * v->entries; }

static inline bool dot_ends_line(const mx_cycle_dot_work *w, uint32_t step) {
  return ((step | w->planar) & (w->line - 1)) == w->line - 1;
}

static inline bool dot_is_finish(const mx_cycle_dot *v) {
  return v->step == v->now.steps - 1 && dot_last_block(v) && v->group_left == 1;
}

// No step may be made: no room for a result, or its command not taken.
static inline bool dot_held_up(const mx_cycle_dot *v) {
  if (v->side_left || !dot_ends_line(&v->now, v->step)) return false;
  return (dot_last_block(v) && v->used == dot_depth(v)) || (!v->handed && dot_is_finish(v));
}

static inline bool dot_needs_beat(const mx_cycle_dot *v) {
  return v->side_left || (v->now.needs >> (v->step & 3) & 1);
}

static inline bool dot_takes_beat(const mx_cycle_dot *v) {
  return v->side_left || (v->now.takes >> (v->step & 3) & 1);
}

// mx_dot_out takes the running command in this cycle.
static inline bool dot_hands_over(const mx_cycle_dot *v) { return v->active && !v->handed && !v->out_active; }

// Rows of the group of `row`, and of those after it, that `written` entries
// hold. With planar codes the last of an odd number is one row: the other
// slices' rows come after the entry that goes with it.
static inline uint32_t dot_rows_written(const mx_cycle_dot *v, uint32_t written) {
  return v->out_planar ? ((written & ~1u) << v->row_bits) + (written & 1) : written << v->row_bits;
}

// Of the first n rows of a group, those that are the last of their entry.
static inline uint32_t dot_entries_freed(const mx_cycle_dot *v, uint32_t n) {
  if (!v->out_planar) return n >> v->row_bits;
  uint32_t pair = 2u << v->row_bits, rest = n & (pair - 1);
  return n / 2 >> v->row_bits << 1 | (rest + 2 > pair ? rest + 2 - pair : 0);
}
#endif
