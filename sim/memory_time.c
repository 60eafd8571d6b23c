#include "sim/memory_time.h"

#include <stddef.h>

enum {
  MOST_ACCESSES = 256 * 32 / 4 + 2,  // of a burst: beats, bytes of a beat, of an access
  NEAR_CYCLES = 16,                  // so far counting is quicker than a division
};

// ---- queues and chance -------------------------------------------------------------

static mx_memory_burst *front(mx_memory_queue *q) { return &q->at[q->first]; }

static void push(mx_memory_queue *q, mx_memory_burst b) {
  q->at[(q->first + q->count++) % MX_MEMORY_QUEUE] = b;
}

static void pop(mx_memory_queue *q) {
  q->first = (q->first + 1) % MX_MEMORY_QUEUE;
  q->count--;
}

// True in stall_percent of the calls. xorshift64*.
static bool stall(mx_memory_time *m) {
  if (!m->options.stall_percent) return false;
  m->random ^= m->random >> 12;
  m->random ^= m->random << 25;
  m->random ^= m->random >> 27;
  return (m->random * 0x2545f4914f6cdd1dull >> 32) % 100 < m->options.stall_percent;
}

static bool may_move_beat(const mx_memory_time *m) { return !m->options.per || m->credit >= m->options.per; }

// ---- the chip ----------------------------------------------------------------------

// A cycle and when it begins; counted on to the first that begins at or after `ps`.
typedef struct { uint64_t cycle, ps; } instant;

static inline void count_on(instant *t, uint64_t period, uint64_t ps) {
  if (ps > t->ps + NEAR_CYCLES * period) {
    t->cycle = (ps + period - 1) / period;
    t->ps = t->cycle * period;
  }
  for (; t->ps < ps; t->ps += period) t->cycle++;
}

// When the beats are there, asked for now, not in this cycle: with the last of the
// accesses that hold each.
static void plan_beats(mx_memory_time *m, const mx_memory_burst *b) {
  uint64_t end[MOST_ACCESSES], at = b->addr - m->base, now = m->cycle, period = m->period_ps;
  uint32_t bits = m->dram.access_bits, beat_bytes = m->beat_bytes, beats = b->beats, place = m->beat_first + m->beat_count;
  uint64_t first = at >> bits, last = (at + (uint64_t)beats * beat_bytes - 1) >> bits;
  uint8_t why[MOST_ACCESSES];
  instant t = {now, now * period};
  mx_dram_read(&m->dram, t.ps, first << bits, (uint32_t)(last - first + 1), end, m->reasons ? why : NULL);
  for (uint32_t i = 0; i < beats; i++) {
    at += beat_bytes;
    count_on(&t, period, end[((at - 1) >> bits) - first]);
    m->beat_ready[(place + i) % MX_MEMORY_BEATS] = t.cycle > now ? t.cycle : now + 1;
    if (m->reasons) m->beat_why[(place + i) % MX_MEMORY_BEATS] = why[((at - 1) >> bits) - first];
  }
  m->beat_count += beats;
}

// Cycle at which the chip has a beat that is written now.
static uint64_t write_beat(mx_memory_time *m, uint64_t addr) {
  uint64_t end = 0, bits = m->dram.access_bits;
  instant t = {m->cycle, m->cycle * m->period_ps};
  for (uint64_t at = addr >> bits; at <= (addr + m->beat_bytes - 1) >> bits; at++)
    end = mx_dram_access(&m->dram, m->cycle * m->period_ps, at << bits, true);
  count_on(&t, m->period_ps, end);
  return t.cycle > m->cycle ? t.cycle : m->cycle + 1;
}

// ---- reads -------------------------------------------------------------------------

void mx_memory_time_read(mx_memory_time *m, uint64_t addr, uint32_t beats) {
  mx_memory_burst b = {.addr = addr, .beats = beats, .ready = m->cycle + m->options.latency};
  push(&m->reads, b);
  mx_memory_time_tell(m, MX_BURST_READ, addr, beats * m->beat_bytes);
  if (m->options.chip) plan_beats(m, &b);
}

static void finish_beat(mx_memory_time *m) {
  mx_memory_burst *b = front(&m->reads);
  m->out.rvalid = false;
  m->credit -= m->options.per;
  if (m->options.chip) {
    m->beat_first = (m->beat_first + 1) % MX_MEMORY_BEATS;
    m->beat_count--;
  }
  b->addr += m->beat_bytes;
  if (--b->beats) return;
  mx_memory_time_tell(m, MX_BURST_READ_LAST, b->addr, 0);
  pop(&m->reads);
}

static bool beat_is_here(const mx_memory_time *m) {
  if (!m->reads.count) return false;
  return m->cycle >= (m->options.chip ? m->beat_ready[m->beat_first] : m->reads.at[m->reads.first].ready);
}

static void offer_beat(mx_memory_time *m) {
  const mx_memory_burst *b = front(&m->reads);
  mx_memory_time_out *o = &m->out;
  if (o->rvalid) return;  // valid stays until it is taken
  o->rvalid = beat_is_here(m) && may_move_beat(m) && !stall(m);
  if (!o->rvalid) return;
  mx_memory_time_begin(m);
  o->raddr = b->addr;
  o->rresp = mx_memory_response(m, b->addr);
  o->rlast = b->beats == 1;
}

// ---- writes ------------------------------------------------------------------------

static void write_to_chip(mx_memory_time *m, uint64_t addr) {
  if (m->options.chip && mx_dram_writable(m->options.chip)) m->written = write_beat(m, addr - m->base);
}

// The oldest data beat meets the oldest address, where both are here.
static void join_write(mx_memory_time *m) {
  m->join.valid = m->writes.count && m->w_count;
  if (!m->join.valid) return;
  mx_memory_burst *b = front(&m->writes);
  m->join = (mx_memory_join){true, mx_memory_holds(m, b->addr), b->beats == 1, b->addr};
  if (!m->join.inside) b->response = mx_memory_response(m, b->addr);
  write_to_chip(m, b->addr);
  mx_memory_time_tell(m, MX_BURST_WRITE, b->addr, m->beat_bytes);
  b->addr += m->beat_bytes;
  m->w_count--;
  if (--b->beats) return;
  uint64_t ready = m->options.chip ? m->written : m->cycle + m->options.latency;
  push(&m->responses, (mx_memory_burst){.ready = ready, .response = b->response});
  pop(&m->writes);
}

static void offer_response(mx_memory_time *m) {
  const mx_memory_burst *b = front(&m->responses);
  if (m->out.bvalid) return;
  m->out.bvalid = m->responses.count && m->cycle >= b->ready && !stall(m);
  if (m->out.bvalid) m->out.bresp = b->response;
}

// ---- clock -------------------------------------------------------------------------

void mx_memory_time_open(mx_memory_time *m, const mx_memory_options *options, uint64_t base, uint32_t size,
                         uint32_t beat_bytes) {
  *m = (mx_memory_time){.options = *options, .base = base, .size = size, .beat_bytes = beat_bytes,
                        .random = options->stall_seed * 0x9e3779b97f4a7c15ull + 0x1234567};
  if (!options->chip) return;
  mx_dram_open(&m->dram, options->chip);
  m->period_ps = 1000000000 / options->clock_khz;
}

void mx_memory_time_sample(mx_memory_time *m, const mx_memory_time_in *in) {
  m->cycle++;
  if (in->arvalid && m->out.arready) mx_memory_time_read(m, in->araddr, in->arbeats);
  if (m->out.rvalid && in->rready) finish_beat(m);
  if (in->awvalid && m->out.awready) push(&m->writes, (mx_memory_burst){.addr = in->awaddr, .beats = in->awbeats});
  if (in->wvalid && m->out.wready) {
    m->w_count++;
    m->credit -= m->options.per;
  }
  if (m->out.bvalid && in->bready) {
    m->out.bvalid = false;
    mx_memory_time_tell(m, MX_BURST_WRITE_ANSWER, 0, 0);
    pop(&m->responses);
  }
  join_write(m);
}

void mx_memory_time_drive(mx_memory_time *m) {
  const mx_memory_options *o = &m->options;
  m->credit += o->beats;
  if (m->credit > o->per + o->beats) m->credit = o->per + o->beats;  // nothing is saved up in idle cycles
  m->out.arready = m->reads.count < o->outstanding && !stall(m);
  m->out.awready = m->writes.count + m->responses.count < o->outstanding && !stall(m);
  m->out.wready = m->w_count < o->outstanding && may_move_beat(m) && !stall(m);
  offer_beat(m);
  offer_response(m);
}

// ---- leaps -------------------------------------------------------------------------

static bool transfers(const mx_memory_time *m, const mx_memory_time_in *in) {
  const mx_memory_time_out *o = &m->out;
  return (in->arvalid && o->arready) || (in->awvalid && o->awready) || (in->wvalid && o->wready) ||
         (o->bvalid && in->bready) || (m->writes.count && m->w_count);
}

// The ready outputs are what the next drive makes of the queues.
static bool settled(const mx_memory_time *m) {
  const mx_memory_options *o = &m->options;
  return m->out.arready == (m->reads.count < o->outstanding) &&
         m->out.awready == (m->writes.count + m->responses.count < o->outstanding) &&
         m->out.wready == (m->w_count < o->outstanding);
}

uint64_t mx_memory_time_row(const mx_memory_time *m) {
  const mx_memory_burst *b = &m->reads.at[m->reads.first];
  uint64_t n = b->beats - 1;
  if (!n || !mx_memory_holds(m, b->addr + n * m->beat_bytes)) return 1;
  if (!m->options.chip) return n;
  for (uint64_t i = 1; i <= n; i++)
    if (m->beat_ready[(m->beat_first + i) % MX_MEMORY_BEATS] > m->cycle + i) return i;
  return n;
}

void mx_memory_time_take(mx_memory_time *m, uint64_t n) {
  mx_memory_burst *b = front(&m->reads);
  b->addr += n * m->beat_bytes;
  b->beats -= (uint32_t)n;
  if (!m->options.chip) return;
  m->beat_first = (m->beat_first + (uint32_t)n) % MX_MEMORY_BEATS;
  m->beat_count -= (uint32_t)n;
}

static uint64_t until(const mx_memory_time *m, uint64_t ready) { return ready > m->cycle + 1 ? ready - m->cycle : 1; }

uint64_t mx_memory_time_steady(const mx_memory_time *m, const mx_memory_time_in *in) {
  uint64_t n = UINT64_MAX;
  if (m->options.stall_percent || transfers(m, in) || !settled(m)) return 1;
  if (m->options.per && (m->reads.count || m->credit < m->options.per)) return 1;
  if (m->out.rvalid) n = in->rready ? mx_memory_time_row(m) : UINT64_MAX;
  else if (m->reads.count) n = until(m, m->options.chip ? m->beat_ready[m->beat_first] : m->reads.at[m->reads.first].ready);
  if (m->out.bvalid || !m->responses.count) return n;
  uint64_t response = until(m, m->responses.at[m->responses.first].ready);
  return n < response ? n : response;
}

void mx_memory_time_leap(mx_memory_time *m, const mx_memory_time_in *in, uint64_t n) {
  if (n > 1 && m->options.per) m->credit = m->options.per + m->options.beats;
  if (n > 1 && m->out.rvalid && in->rready) mx_memory_time_take(m, n - 1);
  if (!n) return;
  m->cycle += n - 1;
  mx_memory_time_sample(m, in);
  mx_memory_time_drive(m);
}
