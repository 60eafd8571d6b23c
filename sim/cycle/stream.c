#include "sim/cycle/stream.h"

static uint32_t log2_of(uint32_t n) { return (uint32_t)__builtin_ctz(n); }

void mx_cycle_stream_open(mx_cycle_stream *v, const mx_params *p) {
  *v = (mx_cycle_stream){.beat_bits = log2_of(p->BUS_BITS / 8), .window = p->BURST_BEATS,
                         .fifo_beats = p->STREAM_FIFO_BEATS, .free = p->STREAM_FIFO_BEATS};
  v->high = UINT32_MAX >> v->beat_bits;
  mx_cycle_fifo_open(&v->queue, p->STREAM_QUEUE);
  mx_cycle_fifo_open(&v->data, p->STREAM_FIFO_BEATS);
}

void mx_cycle_stream_reset(mx_cycle_stream *v) {
  mx_cycle_fifo_open(&v->queue, v->queue.depth);
  mx_cycle_fifo_open(&v->data, v->data.depth);
  v->head = v->tail = 0;
  v->later = v->burst.active = v->told = false;
  v->free = v->fifo_beats;
}

static const mx_cycle_stream_command *head_of(const mx_cycle_stream *v) {
  return &v->command[v->head % MX_CYCLE_STREAM_QUEUE];
}

static bool in_range(const mx_cycle_stream *v, uint32_t mem_size) { return v->burst.end <= mem_size >> v->beat_bits; }
static bool range_bad(const mx_cycle_stream *v, uint32_t mem_size) { return v->burst.active && !in_range(v, mem_size); }
static bool head_valid(const mx_cycle_stream *v) { return mx_cycle_fifo_valid(&v->queue); }

static uint8_t fault_of(const mx_cycle_stream *v, uint32_t mem_size) {
  if (v->told) return MX_FAULT_NONE;
  if (range_bad(v, mem_size)) return MX_FAULT_RANGE;
  return head_valid(v) && head_of(v)->bad ? MX_FAULT_ALIGN : MX_FAULT_NONE;
}

static bool last_of(const mx_cycle_stream *v) { return mx_cycle_burst_last(&v->burst, v->window, v->high); }

static bool wants(const mx_cycle_stream *v, uint32_t mem_size) {
  return v->burst.active && v->free >= v->window && in_range(v, mem_size);
}

mx_cycle_stream_out mx_cycle_stream_look(const mx_cycle_stream *v, const mx_cycle_stream_in *in) {
  mx_cycle_stream_out o = {
      .empty = mx_cycle_stream_empty(v),
      .cmd_ready = mx_cycle_fifo_ready(&v->queue) || !in->cmd_segments || !in->cmd_seg_beats,
      .req_valid = wants(v, in->mem_size),
      .s_valid = mx_cycle_fifo_valid(&v->data),
      .fault = fault_of(v, in->mem_size),
  };
  if (!o.req_valid) return o;
  o.req_addr = v->burst.at << v->beat_bits;
  o.req_beats = mx_cycle_burst_beats(&v->burst, v->window, last_of(v));
  return o;
}

// ---- the edge ----

// A segment of the command at the head begins. Returns whether it is the last.
static bool start_segment(mx_cycle_stream *v) {
  const mx_cycle_stream_command *c = head_of(v);
  uint32_t addr = v->later ? v->addr : c->addr, segments = v->later ? v->segments : c->segments;
  v->burst = (mx_cycle_burst){true, addr, (uint64_t)addr + c->beats};
  v->addr = (addr + c->stride) & v->high;
  v->segments = segments - 1;
  v->later = segments != 1;
  if (segments != 1) return false;
  v->head++;
  return true;
}

static bool take_command(mx_cycle_stream *v, const mx_cycle_stream_in *in) {
  uint32_t low = (1u << v->beat_bits) - 1;
  if (!in->cmd_valid || !in->cmd_segments || !in->cmd_seg_beats || !mx_cycle_fifo_ready(&v->queue)) return false;
  v->command[v->tail++ % MX_CYCLE_STREAM_QUEUE] = (mx_cycle_stream_command){
      in->cmd_addr >> v->beat_bits, in->cmd_stride >> v->beat_bits, in->cmd_seg_beats & v->high, in->cmd_segments,
      (in->cmd_addr | in->cmd_stride) & low};
  return true;
}

static void request(mx_cycle_stream *v, bool last) {
  v->free -= mx_cycle_burst_beats(&v->burst, v->window, last);
  v->burst.at = ((v->burst.at | (v->window - 1)) + 1) & v->high;
  if (last) v->burst.active = false;
}

void mx_cycle_stream_commands(mx_cycle_stream *v, bool fires) {
  bool run = head_valid(v) && !head_of(v)->bad;
  if (fires) request(v, last_of(v));
  mx_cycle_fifo_edge(&v->queue, false, run && !v->burst.active && start_segment(v));
}

bool mx_cycle_stream_bad(const mx_cycle_stream *v, uint32_t mem_size) { return v->told || fault_of(v, mem_size); }

void mx_cycle_stream_edge(mx_cycle_stream *v, const mx_cycle_stream_in *in) {
  bool told = v->told || fault_of(v, in->mem_size);
  bool fire = in->req_ready && wants(v, in->mem_size), s_fire = in->s_ready && mx_cycle_fifo_valid(&v->data);
  bool ends = fire && last_of(v), run = head_valid(v) && !head_of(v)->bad;
  if (fire) request(v, ends);
  bool taken = run && !v->burst.active && start_segment(v);
  bool put = take_command(v, in);
  mx_cycle_fifo_edge(&v->queue, put, taken);
  mx_cycle_fifo_edge(&v->data, in->r_valid, in->s_ready);
  v->free += s_fire;
  v->told = told;
}

// ---- leaps ----

static bool moves(const mx_cycle_stream *v, const mx_cycle_stream_in *in) {
  if (in->req_ready && wants(v, in->mem_size)) return true;
  if (!v->burst.active && head_valid(v) && !head_of(v)->bad) return true;
  if (in->cmd_valid || fault_of(v, in->mem_size)) return true;
  return mx_cycle_fifo_moves(&v->queue) || mx_cycle_fifo_moves(&v->data);
}

uint64_t mx_cycle_stream_steady(const mx_cycle_stream *v, const mx_cycle_stream_in *in) {
  if (moves(v, in)) return 1;
  uint64_t n = mx_cycle_fifo_steady(&v->data, in->r_valid, in->s_ready);
  if (!in->s_ready || !mx_cycle_fifo_valid(&v->data)) return n;
  // Room grows: for the next request, and up to all of it.
  uint64_t room = v->burst.active && v->free < v->window ? v->window - v->free : v->fifo_beats - v->free;
  return n < room ? n : room;
}

void mx_cycle_stream_leap(mx_cycle_stream *v, const mx_cycle_stream_in *in, uint64_t n) {
  if (n == 1) {
    mx_cycle_stream_edge(v, in);
    return;
  }
  if (in->s_ready && mx_cycle_fifo_valid(&v->data)) v->free += (uint32_t)n;
  mx_cycle_fifo_leap(&v->data, in->r_valid, in->s_ready, n);
}
