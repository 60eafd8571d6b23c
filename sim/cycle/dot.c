// The dot array cycle by cycle: mx_dot_ctrl, the pipeline's valid bits,
// mx_dot_out and the decode table.
#include "sim/cycle/dot.h"

#include "golden/isa.h"
#include "sim/cycle/dot_state.h"

static uint8_t log2_of(uint32_t n) {
  uint8_t bits = 0;
  while (n >> bits > 1) bits++;
  return bits;
}

void mx_cycle_dot_open(mx_cycle_dot *v, const mx_params *p) {
  *v = (mx_cycle_dot){.row_bits = log2_of(p->ROWS), .lanes = (uint8_t)mx_lanes(p),
                      .side_beats = (uint8_t)(p->GROUP / mx_beat_bytes(p)), .codebook = p->CODEBOOK != 0,
                      .group = p->GROUP, .entries = p->GROUP / p->ROWS};
  mx_cycle_dot_reset(v);
}

void mx_cycle_dot_reset(mx_cycle_dot *v) {
  *v = (mx_cycle_dot){.row_bits = v->row_bits, .lanes = v->lanes, .side_beats = v->side_beats, .codebook = v->codebook,
                      .group = v->group, .entries = v->entries,
                      .table_left = v->codebook ? DOT_TABLE_CYCLES : 0};
}

mx_cycle_dot_out mx_cycle_dot_look(const mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  mx_cycle_dot_out o = {.cmd_ready = !v->waits, .busy = v->waits || v->active || v->out_active,
                        .vm_valid = v->vm_valid};
  if (!v->active) return o;
  bool needs = dot_needs_beat(v);
  o.blocked = dot_held_up(v);
  if (o.blocked) return o;
  o.s_ready = needs && dot_takes_beat(v);
  o.took = o.s_ready && in->s_valid;
  o.starved = needs && !in->s_valid;
  o.x_en = !v->side_left && (in->s_valid || !needs);
  return o;
}

// ---- commands ----

// Seldom called: kept out of the edge, whose registers it would need.
#define SELDOM __attribute__((noinline, cold))

SELDOM static void accept(mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  bool four = in->cmd_bits == MX_BITS_4, six = in->cmd_bits == MX_BITS_6;
  uint32_t halves = (32u / v->lanes) << in->cmd_block;  // of an XMEM word, in a block
  bool half_only = v->lanes == 32 && (in->cmd_block == 0 || (in->cmd_x & 16));
  bool full = four && !in->cmd_planar && !half_only;
  mx_cycle_dot_work w = {.needs = six ? 0x7 : 0xf, .takes = six ? 0x7 : four && !full ? 0xa : 0xf,
                         .planar = four && in->cmd_planar, .tokens = in->cmd_tokens,
                         .groups = in->cmd_groups, .blocks = in->cmd_blocks};
  uint32_t chunks = full ? halves / 2 : halves;
  w.line = w.planar ? 2 * chunks : chunks;
  w.line_bits = log2_of(w.line);
  w.steps = chunks * v->entries;
  w.side = v->side_beats * ((in->cmd_scale & 2u ? 2u : in->cmd_scale) + in->cmd_zero);
  v->next = w;
  v->waits = true;
}

SELDOM static void start(mx_cycle_dot *v) {
  v->waits = false;
  v->now = v->next;
  v->active = v->now.groups && v->now.blocks;
  v->handed = !v->active;
  v->side_left = v->now.side;
  v->step = 0;
  v->block_left = v->now.blocks;
  v->group_left = v->now.groups;
}

// ---- steps ----

SELDOM static void end_unit(mx_cycle_dot *v) {
  v->step = 0;
  v->side_left = v->now.side;
  if (--v->block_left) return;
  v->block_left = v->now.blocks;
  v->group_left--;
}

// Moves on by a beat of scales or a step; true with the last step of all.
static bool advance(mx_cycle_dot *v) {
  if (v->side_left) {
    v->side_left--;
    return false;
  }
  if (dot_last_block(v) && dot_ends_line(&v->now, v->step)) v->finals |= 1, v->used++;
  bool finish = dot_is_finish(v);
  if (++v->step == v->now.steps) end_unit(v);
  return finish;
}

static void run_edge(mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  if (v->active && !dot_held_up(v) && (in->s_valid || !dot_needs_beat(v)) && advance(v)) v->active = false;
  if (v->waits && !v->active && !v->table_left) start(v);
}

// ---- results ----

static void fetch(mx_cycle_dot *v) {
  v->vm_valid = true;
  v->token = 0;
  if (++v->row < v->group) return;
  v->row = 0;
  v->out_groups--;
  v->written -= v->entries;
}

// True if an entry becomes free.
static bool out_edge(mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  if (v->vm_valid) {
    if (!in->vm_ready) return false;
    if (v->token != v->out_tokens) {
      v->token++;
      return false;
    }
    v->vm_valid = false;
  }
  if (!v->out_groups) v->out_active = false;
  if (!v->out_groups || v->row >= dot_rows_written(v, v->written)) return false;
  bool frees = dot_entries_freed(v, v->row + 1) != dot_entries_freed(v, v->row);
  fetch(v);
  return frees;
}

SELDOM static void hand_over(mx_cycle_dot *v) {
  v->handed = true;
  v->out_active = true;
  v->out_groups = v->now.groups;
  v->out_tokens = v->now.tokens;
  v->out_planar = v->now.planar;
}

// The sequencer sees the results' state before the edge, and the other way
// round; a command is handed over only while the one before has left nothing.
static void work_edge(mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  bool hands_over = dot_hands_over(v), arrives = v->finals >> (DOT_STAGES - 1) & 1;
  bool frees = v->out_active && out_edge(v, in);
  v->written += arrives;
  v->finals = (uint16_t)(v->finals << 1 & ((1 << DOT_STAGES) - 1));
  run_edge(v, in);
  v->used -= frees;
  if (hands_over) hand_over(v);
}

void mx_cycle_dot_edge(mx_cycle_dot *v, const mx_cycle_dot_in *in) {
  bool accepts = in->cmd_valid && !v->waits;
  if (v->active || v->waits || v->out_active) work_edge(v, in);
  if (accepts) accept(v, in);
  if (v->codebook && in->tbl_we) v->table_left = DOT_TABLE_CYCLES;
  else if (v->table_left) v->table_left--;
}
