// Weights streaming while nothing else happens: a loop over cycles that touches
// memory, mx_read, mx_stream and the dot array alone, and the dot array only when
// its outputs change.
#include "sim/cycle/dot_state.h"
#include "sim/cycle/leap.h"

static inline uint64_t min64(uint64_t a, uint64_t b) { return a < b ? a : b; }

// The dot array runs behind: `taken` beats or `passed` cycles are not in its state
// yet. Quiet: beats are all it waits for, and cycles without one change nothing.
typedef struct {
  bool quiet, s_ready, starves, blocked, writes;
  uint64_t left;      // beats (quiet) or cycles until its outputs may change
  uint64_t pending;   // of these, not in its state
  // For a listener: with a MATMUL at work beats of scales, then of codes, to come of the
  // unit, where each step takes a beat; without, the class of these cycles.
  bool active, every;
  uint32_t scales, codes;
  mx_cycle_class idle;
} behind;

typedef struct {
  uint64_t cycles, read, took, starved, blocked, progress;  // progress: 1 + the last cycle of it
} tally;

enum {
  WORTH = 8,                        // cycles from which on the loop is quicker than steps
  RESULT_CYCLES = DOT_STAGES + 2,   // from the last beat of a result to its write: no longer quiet
};

// ---- the dot array -----------------------------------------------------------------

static bool is_quiet(const mx_cycle_dot *v, const mx_cycle_dot_out *o) {
  return o->s_ready && !v->vm_valid && !v->finals && !v->table_left && !dot_hands_over(v) &&
         (v->out_active ? v->out_groups && v->row >= dot_rows_written(v, v->written) : !v->written);
}

// Bring the state up to date.
static void settle(mx_cycle *c, behind *b) {
  if (b->pending) mx_cycle_dot_leap(&c->dot, &c->dot_in, b->pending);
  b->pending = 0;
}

static void plan_account(const mx_cycle *c, behind *b) {
  const mx_cycle_dot *v = &c->dot;
  b->active = v->active;
  b->every = v->now.takes == 0xf;
  b->scales = v->side_left;
  b->codes = v->now.steps - v->step;
  if (!v->active) b->idle = mx_cycle_class_idle(c);
}

// What the dot array does from now on. False: another unit must see it first.
static bool plan(mx_cycle *c, behind *b, bool s_valid) {
  settle(c, b);
  c->dot_in.s_valid = s_valid;
  mx_cycle_dot_out o = mx_cycle_dot_look(&c->dot, &c->dot_in);
  if (o.busy != c->dot_out.busy || o.cmd_ready != c->dot_out.cmd_ready || (o.vm_valid && c->vec_out.busy)) return false;
  b->writes = o.vm_valid;
  b->quiet = is_quiet(&c->dot, &o);
  if (b->quiet) c->dot_in.s_valid = true;
  b->left = mx_cycle_dot_steady_but_x(&c->dot, &c->dot_in);
  if (b->quiet && b->left <= RESULT_CYCLES) {
    b->quiet = false;
    c->dot_in.s_valid = s_valid;
    b->left = mx_cycle_dot_steady_but_x(&c->dot, &c->dot_in);
  } else if (b->quiet) {
    b->left -= RESULT_CYCLES;
  }
  b->s_ready = o.s_ready;
  b->blocked = o.blocked;
  b->starves = b->quiet || o.starved;
  if (c->listener.tell) plan_account(c, b);
  return true;
}

// ---- the vector unit -----------------------------------------------------------------

// It computes on while weights stream; its `pending` cycles are not in its state yet.
typedef struct { uint64_t left, pending; bool progress; } vec_behind;

static bool plan_vec(mx_cycle *c, vec_behind *v) {
  if (v->pending) mx_cycle_vec_leap(&c->vec, &c->vec_in, v->pending);
  v->pending = 0;
  mx_cycle_vec_out o = mx_cycle_vec_look(&c->vec, &c->vec_in);
  if (o.busy != c->vec_out.busy || o.cmd_ready != c->vec_out.cmd_ready || o.fault) return false;
  v->progress = o.progress;
  v->left = mx_cycle_vec_alone(&c->vec, &c->vec_in);
  return true;
}

// ---- when, and how long --------------------------------------------------------------

static bool needs_more(const mx_cycle *c);

static bool others_rest(const mx_cycle *c) {
  const mx_cycle_move_out *m = &c->move_out;
  if (c->reset || c->clears || c->memory.options.stall_percent || c->memory.options.per) return false;
  if (m->w_valid || m->mr_valid || m->mw_valid || m->pr_valid || !c->move_in.w_idle) return false;
  if (c->memory.out.bvalid || c->seq.fetch.req_valid) return false;
  if (needs_more(c)) return false;
  return !(c->dot_out.vm_valid && c->vec_out.busy) && !c->stream_out.fault;
}

static uint64_t others_steady(const mx_cycle *c, uint64_t n) {
  if (!others_rest(c)) return 0;
  n = min64(n, mx_cycle_seq_steady(&c->seq, &c->seq_in, &c->seq_out));
  if (n > 1) n = min64(n, mx_cycle_move_steady(&c->move, &c->move_in));
  return n > 1 ? min64(n, mx_cycle_csr_steady(&c->csr, &c->bus, &c->csr_in)) : n;
}

// ---- the loop ----------------------------------------------------------------------

// A request is accepted by mx_read, or the splitter is free for the next segment.
static void request(mx_cycle *c, bool fires) {
  mx_cycle_stream *s = &c->stream;
  mx_cycle_read *r = &c->read;
  if (fires) {
    bool last = mx_cycle_burst_last(&s->burst, s->window, s->high);
    r->owner[r->tail++ % MX_CYCLE_READS] = MX_CYCLE_STREAM;
    r->araddr = (c->csr.mem_base + (s->burst.at << s->beat_bits)) & 0xffffffffff;
    r->arbeats = mx_cycle_burst_beats(&s->burst, s->window, last);
  }
  mx_cycle_stream_commands(s, fires);
}

// The beat offered is taken.
static inline void take_beat(mx_memory_time *m) {
  bool last = m->reads.at[m->reads.first].beats == 1;
  m->out.rvalid = false;
  mx_memory_time_take(m, 1);
  if (!last) return;
  mx_memory_time_tell(m, MX_BURST_READ_LAST, m->reads.at[m->reads.first].addr, 0);
  m->reads.first = (m->reads.first + 1) % MX_MEMORY_QUEUE;
  m->reads.count--;
}

static void offer_beat(mx_memory_time *m) {
  const mx_memory_burst *b = &m->reads.at[m->reads.first];
  if (!m->reads.count || m->cycle < mx_memory_time_next(m)) return;
  m->out.rvalid = true;
  mx_memory_time_begin(m);
  m->out.rlast = b->beats == 1;
  m->out.raddr = b->addr;
  m->out.rresp = mx_memory_response(m, b->addr);
}

// One cycle of mx_stream, mx_read and the memory; took: the dot array takes a beat.
static inline void stream_cycle(mx_cycle *c, bool took) {
  mx_cycle_stream *s = &c->stream;
  mx_cycle_read *r = &c->read;
  mx_memory_time *m = &c->memory;
  bool accepts = r->arvalid && m->out.arready, comes = m->out.rvalid, last = comes && m->out.rlast;
  bool fire = s->burst.active && s->free >= s->window && (!r->arvalid || accepts) && mx_cycle_fifo_ready(&r->order);
  m->cycle++;
  if (accepts) mx_memory_time_read(m, r->araddr, r->arbeats);
  if (comes) take_beat(m);
  if (last) r->head++;
  if (last || fire || mx_cycle_fifo_moves(&r->order)) mx_cycle_fifo_edge(&r->order, fire, last);
  r->arvalid = fire || (r->arvalid && !accepts);
  if (fire || !s->burst.active || mx_cycle_fifo_moves(&s->queue)) request(c, fire);
  mx_cycle_fifo_edge(&s->data, comes, took);
  s->free += took;
  m->out.arready = m->reads.count < m->options.outstanding;
  offer_beat(m);
}

// Cycles in which beats come (or not) and are taken (or not) and nothing else moves.
static inline uint64_t run_length(const mx_cycle *c, bool took, uint64_t most) {
  const mx_cycle_stream *s = &c->stream;
  const mx_memory_time *m = &c->memory;
  bool comes = m->out.rvalid;
  if ((c->read.arvalid && !m->out.arready) || mx_cycle_fifo_moves(&s->data)) return 1;
  if (s->burst.active && s->free >= s->window && mx_cycle_fifo_ready(&c->read.order)) return 1;
  if (s->queue.count && (!s->burst.active || mx_cycle_fifo_moves(&s->queue))) return 1;
  if (comes && m->out.rlast) return 1;
  uint64_t n = min64(most, mx_cycle_fifo_steady(&s->data, comes, took));
  if (took && s->burst.active && s->free < s->window) n = min64(n, s->window - s->free);
  if (n == 1) return 1;
  if (comes) return min64(n, mx_memory_time_row(m));
  if (!m->reads.count) return c->read.arvalid ? 1 : n;  // its first beat is not known yet
  uint64_t next = mx_memory_time_next(m);
  return next > m->cycle + 1 ? min64(n, next - m->cycle) : 1;
}

// n >= 2 of them. A request that is on AR is accepted in the first.
static void run(mx_cycle *c, bool took, uint64_t n) {
  mx_cycle_stream *s = &c->stream;
  mx_memory_time *m = &c->memory;
  bool comes = m->out.rvalid;
  if (c->read.arvalid) {
    m->cycle++;
    mx_memory_time_read(m, c->read.araddr, c->read.arbeats);
    m->cycle--;
    c->read.arvalid = false;
  }
  if (mx_cycle_fifo_moves(&c->read.order)) mx_cycle_fifo_edge(&c->read.order, false, false);
  if (comes) mx_memory_time_take(m, n), m->out.rvalid = false;
  m->cycle += n;
  mx_cycle_fifo_leap(&s->data, comes, took, n);
  if (took) s->free += (uint32_t)n;
  m->out.arready = m->reads.count < m->options.outstanding;
  offer_beat(m);
}

// Whether others must see the next cycle: a fault, a beat without memory or for
// another, or room for the STREAM that waits to be issued.
static bool needs_more(const mx_cycle *c) {
  const mx_memory_time_out *m = &c->memory.out;
  if (m->rvalid && (m->rresp || mx_cycle_read_owner(&c->read) != MX_CYCLE_STREAM)) return true;
  if (c->seq_out.stream_valid && (c->stream_out.cmd_ready || mx_cycle_fifo_ready(&c->stream.queue))) return true;
  return mx_cycle_stream_bad(&c->stream, c->csr.mem_size);
}

// The move unit waits for the bus, and in this cycle gets it.
static bool move_gets_bus(const mx_cycle *c) {
  return c->move_out.req_valid && mx_cycle_read_room(&c->read, c->memory.out.arready, false);
}

// The others' n cycles, and what was counted.
static void finish(mx_cycle *c, const tally *t) {
  const uint32_t mine = 1u << MX_EVENT_READ_BEATS | 1u << MX_EVENT_DOT_BUSY | 1u << MX_EVENT_DOT_STARVED |
                        1u << MX_EVENT_DOT_BLOCKED;
  mx_cycle_csr *v = &c->csr;
  uint64_t begin = v->cycle;
  c->csr_in.events &= ~mine;
  c->csr_in.progress = c->seq_out.starting;
  mx_cycle_move_leap(&c->move, &c->move_in, t->cycles);
  mx_cycle_seq_leap(&c->seq, &c->seq_in, &c->seq_out, t->cycles);
  mx_cycle_csr_leap(v, &c->bus, &c->csr_in, t->cycles);
  v->events[MX_EVENT_READ_BEATS] += t->read;
  v->events[MX_EVENT_DOT_BUSY] += t->took;
  v->events[MX_EVENT_DOT_STARVED] += t->starved;
  v->events[MX_EVENT_DOT_BLOCKED] += t->blocked;
  if (t->progress && v->progress < begin + t->progress - 1) v->progress = begin + t->progress - 1;
  c->cycle += t->cycles;
}

// The dot array's beats, the vector unit's cycles and the tally of k cycles that are alike.
static void count(mx_cycle *c, behind *b, vec_behind *v, tally *t, bool valid, bool took, uint64_t k) {
  bool comes = c->memory.out.rvalid;
  t->read += comes ? k : 0;
  t->took += took ? k : 0;
  t->starved += !valid && b->starves ? k : 0;
  t->blocked += b->blocked ? k : 0;
  if (!b->quiet || took) b->left -= k, b->pending += k;
  v->left -= k;
  v->pending += k;
  t->cycles += k;
  if (took || comes || b->writes || v->progress) t->progress = t->cycles;
}

// ---- accounting --------------------------------------------------------------------

static void tell(mx_cycle *c, uint64_t from, uint64_t n, mx_cycle_class reason) {
  uint8_t busy = (uint8_t)((c->ports.busy & ~MX_BUSY_STREAM) | (mx_cycle_stream_empty(&c->stream) ? 0 : MX_BUSY_STREAM));
  mx_cycle_interval i = {.from = from, .count = n, .issued = c->issued, .matmul = c->matmul, .busy = busy, .dot = reason};
  c->listener.tell(c->listener.self, &i);
}

// n beats are worked on.
static void tell_work(mx_cycle *c, behind *b, uint64_t from, uint64_t n) {
  if (!b->every) {
    tell(c, from, n, b->scales ? MX_CYCLE_SCALES : MX_CYCLE_CODES);
    return;
  }
  while (n) {
    bool scales = b->scales;
    uint32_t *left = scales ? &b->scales : &b->codes, k = (uint32_t)min64(n, *left);
    tell(c, from, k, scales ? MX_CYCLE_SCALES : MX_CYCLE_CODES);
    from += k;
    n -= k;
    *left -= k;
    if (b->codes) continue;
    b->scales = c->dot.now.side;
    b->codes = c->dot.now.steps;
  }
}

// k cycles that are alike, from `from` on. Only streams ask for the bus, but others may
// have asked before.
static void account(mx_cycle *c, behind *b, uint64_t from, bool valid, uint64_t k) {
  if (!mx_cycle_seq_busy(&c->seq)) return;
  bool others = c->read.order.count && mx_cycle_read_owner(&c->read) != MX_CYCLE_STREAM;
  if (b->blocked) tell(c, from, k, MX_CYCLE_BLOCKED);
  else if (!valid && b->starves) tell(c, from, k, mx_cycle_class_starved(c, others, false));
  else if (b->active) tell_work(c, b, from, k);
  else tell(c, from, k, b->idle);
}

// ---- all of it -----------------------------------------------------------------------

uint64_t mx_cycle_flow(mx_cycle *c, uint64_t most) {
  uint64_t n = others_steady(c, most);
  behind b = {0};
  vec_behind v = {0};
  tally t = {0};
  const mx_cycle_dot_in seen = c->dot_in;
  if (n < WORTH) return 0;
  if (!c->vec_out.busy) c->dot_in.vm_ready = true;
  if (c->listener.tell) mx_cycle_follow(c);
  bool valid = c->stream_out.s_valid, going = plan(c, &b, valid) && plan_vec(c, &v);
  while (going && t.cycles < n && !move_gets_bus(c)) {
    bool now = mx_cycle_fifo_valid(&c->stream.data);
    if ((!b.left || (!b.quiet && now != valid)) && !plan(c, &b, now)) break;
    if (!v.left && !plan_vec(c, &v)) break;
    valid = now;
    bool took = now && b.s_ready;
    uint64_t k = run_length(c, took, min64(min64(n - t.cycles, v.left), took || !b.quiet ? b.left : UINT64_MAX));
    if (c->listener.tell) account(c, &b, c->cycle + t.cycles, now, k);
    count(c, &b, &v, &t, now, took, k);
    if (k > 1) run(c, took, k);
    else stream_cycle(c, took);
    going = !needs_more(c);
  }
  settle(c, &b);
  if (v.pending) mx_cycle_vec_leap(&c->vec, &c->vec_in, v.pending);
  if (t.cycles) finish(c, &t);
  else c->dot_in = seen;
  return t.cycles;
}
