// The move unit cycle by cycle: mx_move, mx_move_load, mx_move_store and
// mx_move_place.
#include "sim/cycle/move.h"

#include "sim/cycle/move_state.h"

static unsigned log2_of(uint32_t n) {
  unsigned bits = 0;
  while (n >> (bits + 1)) bits++;
  return bits;
}

void mx_cycle_move_open(mx_cycle_move *v, const mx_params *p) {
  unsigned byte_bits = log2_of(mx_beat_bytes(p)), row_bits = log2_of(p->ROWS);
  *v = (mx_cycle_move){.byte_bits = (uint8_t)byte_bits, .row_bits = (uint8_t)row_bits,
                       .slice_bits = (uint8_t)(byte_bits - row_bits),
                       .lane_bits = (uint8_t)(mx_lanes(p) > 8 ? log2_of(mx_lanes(p)) : 0),
                       .burst = (uint8_t)(p->BURST_BEATS < 8 ? p->BURST_BEATS : 8), .group = p->GROUP};
  mx_cycle_move_reset(v);
}

void mx_cycle_move_reset(mx_cycle_move *v) {
  v->load = (mx_cycle_move_load){.free = (uint8_t)(2 * v->burst)};
  v->out = (mx_cycle_move_store){0};
}

static uint32_t low_bits(const mx_cycle_move *v) { return (1u << v->byte_bits) - 1; }

// Beats of the next request: to the end of its window or of the run.
static uint32_t request_beats(const mx_cycle_move *v) {
  uint32_t window = v->burst - ((uint32_t)v->load.at & (v->burst - 1u));
  uint64_t left = v->load.end - v->load.at;
  return left < window ? (uint32_t)left : window;
}

mx_cycle_move_out mx_cycle_move_look(const mx_cycle_move *v, const mx_cycle_move_in *in) {
  const mx_cycle_move_load *l = &v->load;
  bool asks = move_asks(v, in);
  mx_cycle_move_out o = {.cmd_ready = move_cmd_ready(v, in),
                         .busy = move_load_busy(v) || move_store_busy(v) || !in->w_idle,
                         .fault = move_load_fault(v, in) | v->out.fault,
                         .req_valid = move_req_valid(v, in), .w_valid = move_w_valid(v, in),
                         .mr_valid = asks && v->out.store, .pr_valid = asks && !v->out.store && !move_held(v),
                         .mw_valid = l->write && !l->ucode, .uc_we = l->write && l->ucode};
  if (o.req_valid) o.req_addr = (uint32_t)(l->at << v->byte_bits), o.req_len = (uint8_t)(request_beats(v) - 1);
  if (o.w_valid) o.w_addr = v->out.w_last & ~low_bits(v);
  if (o.uc_we) o.uc_addr = l->addr & 0x3ff, o.uc_from = l->from;
  return o;
}

// ---- LOAD and UCODE ----

static void start_load(mx_cycle_move *v, const mx_cycle_move_in *in) {
  mx_cycle_move_load *l = &v->load;
  unsigned format = in->cmd_op == MX_OP_UCODE ? 0 : in->cmd_format;
  l->ucode = in->cmd_op == MX_OP_UCODE;
  l->log_size = format == 0 ? 2 : format == 2 ? 0 : 1;
  l->left = in->cmd_count;
  l->offset = 0;
  l->addr = in->cmd_at;
  l->from = in->cmd_addr;
  l->align_bad = in->cmd_count && (in->cmd_addr & low_bits(v));
  if (!in->cmd_count || l->align_bad) return;
  l->requests = true;
  l->at = in->cmd_addr >> v->byte_bits;
  l->end = l->at + ((((uint32_t)in->cmd_count << l->log_size) + low_bits(v)) >> v->byte_bits);
}

static void request(mx_cycle_move *v) {
  uint32_t beats = request_beats(v);
  v->load.free = (uint8_t)(v->load.free - beats);
  v->load.at += beats;
  v->load.requests = v->load.at != v->load.end;
}

// True if the beat is used up.
static bool take(mx_cycle_move *v) {
  mx_cycle_move_load *l = &v->load;
  bool ends = move_beat_left(v) == 1;
  l->offset = (l->offset + (1u << l->log_size)) & low_bits(v);
  l->left--;
  return ends;
}

static void load_edge(mx_cycle_move *v, const mx_cycle_move_in *in) {
  mx_cycle_move_load *l = &v->load;
  bool takes = move_takes(v, in), arrives = in->r_valid && l->stored + l->fetched < 2 * v->burst;
  if (move_load_fault(v, in)) l->told = true;
  if (in->req_ready && move_req_valid(v, in)) request(v);
  if (l->write && (l->ucode || in->mw_ready)) {
    l->write = false;
    l->addr++;
    l->from += 4;
  }
  if (takes) {
    l->write = true;
    if (take(v)) l->fetched = false, l->free++;
  }
  if (l->stored && !l->fetched) l->fetched = true, l->stored--;
  l->stored = (uint8_t)(l->stored + arrives);
}

// ---- STORE and PUT* ----

static void start_store(mx_cycle_move *v, const mx_cycle_move_in *in) {
  bool row = in->cmd_op == MX_OP_PUTROW, col = in->cmd_op == MX_OP_PUTCOL, exp = in->cmd_op == MX_OP_PUTEXP;
  bool nibbles = in->cmd_format == 0;
  unsigned log_line = (4u + in->cmd_block - (row && nibbles)) & 7, line_mask = (1u << log_line) - 1;
  uint32_t low = in->cmd_addr & low_bits(v), scales = v->group >> v->byte_bits;
  uint16_t count = row ? in->cmd_blocks : in->cmd_count;
  bool misaligned = (!exp && low) || (col && (in->cmd_stride & low_bits(v)));
  if (!exp && !count) return;
  if (misaligned) {
    v->out.halted = true;
    v->out.fault = MX_FAULT_ALIGN;
    return;
  }
  v->out = (mx_cycle_move_store){
      .store = in->cmd_op == MX_OP_STORE, .row = row, .col = col, .nibbles = nibbles, .scale = row, .active = true,
      .log_line = (uint8_t)log_line, .count = count, .line = row ? in->cmd_row & (v->group - 1) : 0,
      .at = in->cmd_at, .byte = (uint8_t)(col ? in->cmd_row & line_mask : exp ? low : 0), .base = in->cmd_addr >> v->byte_bits,
      .stride = col ? in->cmd_stride >> v->byte_bits : row ? (scales + (scales << log_line)) & 0x3ff : 1};
}

typedef struct { uint32_t beat, lane; } place;

// mx_move_place, behind the unit's scales with PUTROW.
static place code_place(const mx_cycle_move *v) {
  const mx_cycle_move_store *o = &v->out;
  uint32_t in_slice = o->line >> v->row_bits << o->log_line | o->byte, slice_bytes = 1u << v->slice_bits;
  uint32_t slice = o->line & ((1u << v->row_bits) - 1);
  return (place){(in_slice >> v->slice_bits) + (o->row ? v->group >> v->byte_bits : 0),
                 slice << v->slice_bits | (in_slice & (slice_bytes - 1))};
}

static place step_place(const mx_cycle_move *v) {
  const mx_cycle_move_store *o = &v->out;
  if (o->scale) return (place){o->line >> v->byte_bits, o->line & low_bits(v)};
  if (o->row || o->col) return code_place(v);
  return (place){0, o->byte | (o->store ? 3u : 0)};
}

static void step_row(mx_cycle_move *v, place at) {
  mx_cycle_move_store *o = &v->out;
  uint32_t slice_mask = (1u << v->slice_bits) - 1;
  if (o->scale) {
    o->complete = true;
    o->scale = false;
    return;
  }
  bool line_ends = o->byte == (1u << o->log_line) - 1;
  o->complete = line_ends || (at.lane & slice_mask) == slice_mask;
  o->byte = line_ends ? 0 : (uint8_t)(o->byte + 1);
  if (!line_ends) return;
  o->scale = true;
  o->base += o->stride;
  if (!--o->count) o->active = false;
}

static void step_col(mx_cycle_move *v) {
  mx_cycle_move_store *o = &v->out;
  uint16_t rows = o->nibbles ? 2 : 1;
  o->complete = true;
  if (o->count == rows) o->active = false;
  o->count = (uint16_t)(o->count - rows);
  if (++o->line < v->group / rows) return;
  o->line = 0;
  o->base += o->stride;
}

static void step_store(mx_cycle_move *v, place at) {
  mx_cycle_move_store *o = &v->out;
  if (!--o->count) o->active = false;
  o->complete = at.lane == low_bits(v) || !o->active;
  o->base += o->complete;
  o->byte = (uint8_t)((o->byte + 4u) & low_bits(v));
}

// The element is read, or taken from the word kept.
static void pass_element(mx_cycle_move *v) {
  mx_cycle_move_store *o = &v->out;
  if (!o->store && !move_held(v) && v->lane_bits) {
    o->kept = true;
    o->word = (uint16_t)(o->at >> v->lane_bits);
  }
  if (!o->scale) o->at = (uint16_t)(o->at + ((o->row || o->col) && o->nibbles ? 2 : 1));
}

static void step(mx_cycle_move *v) {
  mx_cycle_move_store *o = &v->out;
  place at = step_place(v);
  pass_element(v);
  o->w_last = (o->base + at.beat) << v->byte_bits | at.lane;
  if (o->row) step_row(v, at);
  else if (o->col) step_col(v);
  else if (o->store) step_store(v, at);
  else o->complete = true, o->active = false;
}

static void store_edge(mx_cycle_move *v, const mx_cycle_move_in *in) {
  mx_cycle_move_store *o = &v->out;
  bool steps = move_steps(v, in), fires = in->w_ready && move_w_valid(v, in);
  bool range_bad = o->valid && !move_w_in_range(v, in) && !o->halted;
  o->valid = (o->arrive && o->complete) || (o->valid && !fires);
  o->arrive = steps;
  o->fault = range_bad ? MX_FAULT_RANGE : MX_FAULT_NONE;
  if (range_bad) o->halted = true;
  if (steps) step(v);
}

void mx_cycle_move_edge(mx_cycle_move *v, const mx_cycle_move_in *in) {
  bool accepts = in->cmd_valid && move_cmd_ready(v, in);
  bool load = in->cmd_op == MX_OP_LOAD || in->cmd_op == MX_OP_UCODE;
  if (move_load_busy(v) || v->load.requests || in->r_valid) load_edge(v, in);
  if (move_store_busy(v) || v->out.fault) store_edge(v, in);
  if (accepts && load) start_load(v, in);
  if (accepts && !load) start_store(v, in);
}
