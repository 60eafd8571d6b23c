#include "sim/cycle/fetch.h"

enum { INSTRUCTION_BITS = 4, LINE_BYTES = 64 };  // bytes as a power of two; of a line at most

void mx_cycle_fetch_open(mx_cycle_fetch *v, const mx_params *p) {
  uint32_t unit_bytes = p->BUS_BITS > 128 ? p->BUS_BITS / 8 : 16, unit_beats = unit_bytes * 8 / p->BUS_BITS;
  uint32_t window = p->BURST_BEATS / unit_beats, line = LINE_BYTES / unit_bytes;
  if (window < line) line = window;
  *v = (mx_cycle_fetch){.unit_bits = (uint32_t)__builtin_ctz(unit_bytes), .unit_beats = unit_beats, .line_units = line,
                        .depth = 2 * line * unit_beats, .half_beats = p->BUS_BITS > 128};
}

void mx_cycle_fetch_reset(mx_cycle_fetch *v) {
  v->active = v->req_valid = v->out_valid = false;
  v->asked = v->write = v->read = 0;
}

// ---- requests ----

typedef struct { bool in_range, start; uint32_t units; } request;

static request plan(const mx_cycle_fetch *v, const mx_cycle_fetch_in *in) {
  uint32_t probe = v->single ? v->next : v->next | (v->line_units - 1);
  request r = {.in_range = probe < in->mem_size >> v->unit_bits,
               .units = v->single ? 1 : v->line_units - (v->next & (v->line_units - 1))};
  r.start = v->active && !v->req_valid && !v->end && r.in_range && v->asked - v->read <= v->depth / 2 && !in->stop &&
            !in->go_valid;
  return r;
}

static void edge_request(mx_cycle_fetch *v, const mx_cycle_fetch_in *in, bool go) {
  request r = plan(v, in);
  bool fire = v->req_valid && in->req_ready, flush = in->stop || in->go_valid;
  if (!flush && v->active && !v->req_valid && !r.in_range) {
    v->end = v->single;
    v->single = true;
  }
  if (flush) v->single = v->end = false;
  if (in->stop || go) v->active = !in->stop;
  if (go) v->next = in->go_addr >> (v->unit_bits - INSTRUCTION_BITS);
  else if (fire) v->next = (v->next + v->req_units) & (UINT32_MAX >> v->unit_bits);
  if (r.start) {
    v->req_units = r.units;
    v->asked += r.units * v->unit_beats;
  }
  if (r.start || fire) v->req_valid = r.start;
}

// ---- the buffer ----

static bool fills(const mx_cycle_fetch *v, const mx_cycle_fetch_in *in, bool pop) {
  return v->read != v->write && (!v->out_valid || pop) && !in->stop && !in->go_valid && !in->r_valid;
}

static void edge_buffer(mx_cycle_fetch *v, const mx_cycle_fetch_in *in, bool go) {
  bool pop = in->word_ready && (v->half || !v->half_beats), fill = fills(v, in, pop);
  bool flush = in->stop || in->go_valid;
  if (go) v->half = in->go_addr & 1;
  else if (v->out_valid && in->word_ready) v->half = !v->half;
  v->write += in->r_valid;
  if (flush) v->read = v->write;
  else v->read += fill;
  v->out_valid = !flush && (fill || (v->out_valid && !pop));
}

void mx_cycle_fetch_edge(mx_cycle_fetch *v, const mx_cycle_fetch_in *in) {
  bool go = in->go_valid && mx_cycle_fetch_idle(v);
  edge_request(v, in, go);  // reads read, which the buffer changes; the buffer reads nothing of it
  edge_buffer(v, in, go);
}

bool mx_cycle_fetch_moves(const mx_cycle_fetch *v, const mx_cycle_fetch_in *in) {
  bool pop = in->word_ready && (v->half || !v->half_beats), flush = in->stop || in->go_valid;
  if (in->r_valid || (v->req_valid && in->req_ready) || fills(v, in, pop)) return true;
  if (v->out_valid && (in->word_ready || flush)) return true;
  if (flush) return v->read != v->write || v->single || v->end || (in->stop ? v->active : mx_cycle_fetch_idle(v));
  request r = plan(v, in);
  return r.start || (v->active && !v->req_valid && !r.in_range && !v->end);
}
