// The whole device over many cycles at once: as long as no output of any unit
// changes that another looks at.
#include "sim/cycle/leap.h"

static uint64_t min64(uint64_t a, uint64_t b) { return a < b ? a : b; }

static bool bus_moves(const mx_cycle *c) {
  const mx_memory_time_out *m = &c->memory.out;
  return mx_cycle_read_moves(&c->read, m->arready, m->rvalid && m->rlast, c->client) ||
         mx_cycle_write_moves(&c->write, m->awready, m->wready, m->bvalid, c->move_out.w_valid && c->move_in.w_ready);
}

// The vector unit's accesses to VMEM matter only to who else wants it.
static uint64_t vec_steady(const mx_cycle *c) {
  bool alone = !c->vmem_in.mr_valid && !c->vmem_in.mw_valid && !c->vmem_in.dw_valid;
  return alone ? mx_cycle_vec_alone(&c->vec, &c->vec_in) : mx_cycle_vec_steady(&c->vec, &c->vec_in);
}

static uint64_t dot_steady(const mx_cycle *c) {
  bool exact = c->move_out.pr_valid || c->listener.tell;  // scales read no XMEM: that tells them from codes
  return exact ? mx_cycle_dot_steady(&c->dot, &c->dot_in) : mx_cycle_dot_steady_but_x(&c->dot, &c->dot_in);
}

static uint64_t steady(const mx_cycle *c, uint64_t n) {
  if (c->reset || c->clears || bus_moves(c)) return 1;
  n = min64(n, mx_cycle_seq_steady(&c->seq, &c->seq_in, &c->seq_out));
  if (n > 1) n = min64(n, mx_memory_time_steady(&c->memory, &c->memory_in));
  if (n > 1) n = min64(n, mx_cycle_stream_steady(&c->stream, &c->stream_in));
  if (n > 1) n = min64(n, dot_steady(c));
  if (n > 1) n = min64(n, vec_steady(c));
  if (n > 1) n = min64(n, mx_cycle_move_steady(&c->move, &c->move_in));
  return n > 1 ? min64(n, mx_cycle_csr_steady(&c->csr, &c->bus, &c->csr_in)) : n;
}

uint64_t mx_cycle_leap(mx_cycle *c, uint64_t most) {
  if (c->params->SERIAL) return mx_cycle_serial_leap(c, most);
  uint64_t n = mx_cycle_flow(c, most);
  if (n) return n;
  n = steady(c, most);
  if (n <= 1) {
    mx_cycle_edge(c);
    return 1;
  }
  if (c->listener.tell) mx_cycle_account(c, n);
  mx_cycle_stream_leap(&c->stream, &c->stream_in, n);
  mx_cycle_dot_leap(&c->dot, &c->dot_in, n);
  mx_cycle_vec_leap(&c->vec, &c->vec_in, n);
  mx_cycle_move_leap(&c->move, &c->move_in, n);
  mx_cycle_seq_leap(&c->seq, &c->seq_in, &c->seq_out, n);
  mx_cycle_csr_leap(&c->csr, &c->bus, &c->csr_in, n);
  mx_memory_time_leap(&c->memory, &c->memory_in, n);
  c->cycle += n;
  return n;
}
