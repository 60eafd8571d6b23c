// What the dot array does with each cycle, and why it does nothing.
#include "sim/cycle/leap.h"

#include <stddef.h>

void mx_cycle_listen(mx_cycle *c, mx_cycle_listener listener) {
  c->listener = listener;
  c->memory.reasons = listener.tell != NULL;
  c->issued = c->matmul = c->matmul_next = UINT32_MAX;
  c->matmul_waited = false;
}

// The weights that the dot array waits for are on their way: why not here?
static mx_cycle_class of_chip(const mx_cycle *c) {
  const mx_memory_time *m = &c->memory;
  if (!m->options.chip || !m->reads.count || m->out.rvalid) return MX_CYCLE_STARVED_LATENCY;
  switch (m->beat_why[m->beat_first]) {
    case MX_DRAM_ROW: return MX_CYCLE_STARVED_ROW;
    case MX_DRAM_REFRESH: return MX_CYCLE_STARVED_REFRESH;
    default: return MX_CYCLE_STARVED_LATENCY;
  }
}

mx_cycle_class mx_cycle_class_starved(const mx_cycle *c, bool others, bool refused) {
  const mx_cycle_stream *s = &c->stream;
  if (mx_cycle_stream_empty(s)) return MX_CYCLE_STARVED_QUEUE;
  if (s->data.count) return MX_CYCLE_STARVED_LATENCY;  // within the FIFO
  bool asked = s->free != s->fifo_beats;
  if (others || (!asked && refused)) return MX_CYCLE_STARVED_BUS;
  return asked ? of_chip(c) : MX_CYCLE_STARVED_LATENCY;
}

static mx_cycle_class of_starved(const mx_cycle *c) {
  bool others = c->read.order.count && mx_cycle_read_owner(&c->read) != MX_CYCLE_STREAM;
  bool refused = c->stream_out.req_valid && c->client != MX_CYCLE_STREAM && c->client != MX_CYCLE_CLIENTS;
  return mx_cycle_class_starved(c, others, refused);
}

// No MATMUL is at work: for what does the next instruction wait?
static mx_cycle_class of_idle(const mx_cycle *c) {
  const mx_cycle_seq *q = &c->seq;
  if (!mx_cycle_seq_run(q) || q->state <= MX_SEQ_INIT) return MX_CYCLE_IDLE_START;
  if (q->state != MX_SEQ_ISSUE || c->seq_out.issue) return MX_CYCLE_IDLE_FETCH;
  bool vec = c->vec_out.busy && (q->waits & MX_WAIT_VEC || q->op == MX_OP_VEC);
  bool move = c->move_out.busy && (q->waits & MX_WAIT_MOVE || q->op >= MX_OP_LOAD);
  return vec ? MX_CYCLE_IDLE_VEC : move ? MX_CYCLE_IDLE_MOVE : MX_CYCLE_IDLE_OTHER;
}

mx_cycle_class mx_cycle_class_idle(const mx_cycle *c) {
  return c->dot_out.busy && !c->dot.waits ? MX_CYCLE_BLOCKED : of_idle(c);
}

static mx_cycle_class class_of(const mx_cycle *c) {
  const mx_cycle_dot_out *d = &c->dot_out;
  if (d->blocked) return MX_CYCLE_BLOCKED;
  if (d->starved) return of_starved(c);
  if (c->dot.active) return c->dot.side_left ? MX_CYCLE_SCALES : MX_CYCLE_CODES;
  return mx_cycle_class_idle(c);
}

void mx_cycle_follow(mx_cycle *c) {
  if (c->matmul_waited && !c->dot.waits) c->matmul = c->matmul_next;
  c->matmul_waited = c->dot.waits;
  if (!c->seq_out.issue) return;
  c->issued = c->ports.issue_pc;
  if (c->seq.op == MX_OP_MATMUL) c->matmul_next = c->issued;
}

void mx_cycle_account(mx_cycle *c, uint64_t n) {
  mx_cycle_follow(c);
  if (!mx_cycle_seq_busy(&c->seq)) return;
  mx_cycle_interval interval = {.from = c->cycle, .count = n, .issued = c->issued, .matmul = c->matmul,
                                .busy = c->ports.busy, .dot = c->params->SERIAL ? mx_cycle_serial_class(c) : class_of(c)};
  c->listener.tell(c->listener.self, &interval);
}
