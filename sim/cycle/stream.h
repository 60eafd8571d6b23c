#ifndef MX_CYCLE_STREAM_H
#define MX_CYCLE_STREAM_H
// Twin of mx_stream with mx_stream_run, mx_burst and their FIFOs. Addresses are
// in beats within, in bytes outside.
#include "golden/isa.h"  // MX_FAULT_*
#include "golden/params.h"
#include "sim/cycle/fifo.h"

// ---- mx_burst ----

typedef struct {
  bool active;
  uint32_t at;   // beat at which the request begins
  uint64_t end;  // the beat after the run, not modulo
} mx_cycle_burst;

// Of windows of `window` beats; high: mask of a beat's address.
static inline bool mx_cycle_burst_last(const mx_cycle_burst *b, uint32_t window, uint32_t high) {
  uint32_t low = window - 1, end = (uint32_t)b->end & high, first = b->at & ~low;
  return end & low ? first == (end & ~low) : ((first + window) & high) == end;
}

static inline uint32_t mx_cycle_burst_beats(const mx_cycle_burst *b, uint32_t window, bool last) {
  uint32_t end = last ? (uint32_t)b->end : 0;
  return ((end - b->at - 1) & (window - 1)) + 1;
}

// ---- mx_stream ----

enum { MX_CYCLE_STREAM_QUEUE = 16 };

typedef struct { uint32_t addr, stride, beats; uint16_t segments; bool bad; } mx_cycle_stream_command;

typedef struct {
  uint32_t mem_size;
  bool cmd_valid;
  uint16_t cmd_segments;
  uint32_t cmd_addr, cmd_seg_beats, cmd_stride;
  bool req_ready, r_valid;  // of mx_read
  bool s_ready;             // of mx_dot
} mx_cycle_stream_in;

// All from the state and mem_size, but cmd_ready also from cmd_segments and
// cmd_seg_beats.
typedef struct {
  bool empty, cmd_ready, req_valid, s_valid;
  uint8_t fault;
  uint32_t req_addr, req_beats;
} mx_cycle_stream_out;

typedef struct {
  uint32_t beat_bits, high, window, fifo_beats;  // high: mask of a beat's address
  mx_cycle_fifo queue;
  mx_cycle_stream_command command[MX_CYCLE_STREAM_QUEUE];
  uint32_t head, tail;      // of command, counting on
  bool later;               // the head's first segment has been started
  uint32_t addr, segments;  // of the next segment, and how many, when later
  mx_cycle_burst burst;
  uint32_t free;            // beats of the FIFO neither held nor promised
  mx_cycle_fifo data;
  bool told;
} mx_cycle_stream;

void mx_cycle_stream_open(mx_cycle_stream *v, const mx_params *p);
void mx_cycle_stream_reset(mx_cycle_stream *v);
mx_cycle_stream_out mx_cycle_stream_look(const mx_cycle_stream *v, const mx_cycle_stream_in *in);
void mx_cycle_stream_edge(mx_cycle_stream *v, const mx_cycle_stream_in *in);
// The part of the edge that mx_stream and mx_burst make, without a new command: fires:
// the request is accepted.
void mx_cycle_stream_commands(mx_cycle_stream *v, bool fires);
static inline bool mx_cycle_stream_empty(const mx_cycle_stream *v) {
  return v->queue.count == 0 && !v->burst.active && v->free == v->fifo_beats;
}
// Whether a fault is told, or was.
bool mx_cycle_stream_bad(const mx_cycle_stream *v, uint32_t mem_size);
uint64_t mx_cycle_stream_steady(const mx_cycle_stream *v, const mx_cycle_stream_in *in);
void mx_cycle_stream_leap(mx_cycle_stream *v, const mx_cycle_stream_in *in, uint64_t n);
#endif
