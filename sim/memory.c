#include "sim/memory.h"

#include <string.h>

enum { RESP_OKAY = 0, RESP_DECERR = 3, BURST_INCR = 1, WINDOW_BYTES = 4096 };

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
static bool stall(mx_memory *m) {
  if (!m->options.stall_percent) return false;
  m->random ^= m->random >> 12;
  m->random ^= m->random << 25;
  m->random ^= m->random >> 27;
  return (m->random * 0x2545f4914f6cdd1dull >> 32) % 100 < m->options.stall_percent;
}

static bool may_move_beat(const mx_memory *m) { return !m->options.per || m->credit >= m->options.per; }

static bool holds(const mx_memory *m, uint64_t addr) {
  return addr >= m->base && addr - m->base < m->size && addr - m->base + m->beat_bytes <= m->size;
}

static void require(mx_memory *m, bool ok, const char *rule) {
  if (!ok && !m->violation) m->violation = rule;
}

static void check_burst(mx_memory *m, uint64_t addr, uint32_t beats) {
  require(m, addr % m->beat_bytes == 0, "a burst's address is not a multiple of the beat");
  require(m, addr % WINDOW_BYTES + (uint64_t)beats * m->beat_bytes <= WINDOW_BYTES, "a burst crosses 4096 bytes");
}

// ---- the chip ----------------------------------------------------------------------

// Cycle at which the chip is done with the accesses that cover a beat, asked for
// now. `last` is the access before it in the same burst, which may hold it already.
static uint64_t chip_beat(mx_memory *m, uint64_t addr, bool write, uint64_t *last, uint64_t before) {
  uint64_t access = m->dram.p->burst_bytes, period = 1000000000 / m->options.clock_khz;
  uint64_t done = before;
  for (uint64_t at = addr / access; at <= (addr + m->beat_bytes - 1) / access; at++) {
    if (at == *last) continue;
    *last = at;
    done = (mx_dram_access(&m->dram, m->cycle * period, at * access, write) + period - 1) / period;
  }
  return done > m->cycle ? done : m->cycle + 1;
}

static void plan_beats(mx_memory *m, const mx_memory_burst *b) {
  uint64_t last = UINT64_MAX, ready = 0;
  for (uint32_t i = 0; i < b->beats; i++) {
    ready = chip_beat(m, b->addr - m->base + (uint64_t)i * m->beat_bytes, false, &last, ready);
    m->beat_ready[(m->beat_first + m->beat_count++) % MX_MEMORY_BEATS] = ready;
  }
}

// ---- reads -------------------------------------------------------------------------

static void take_read(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  uint32_t beats = *p->m_axi_arlen_o + 1u;
  check_burst(m, *p->m_axi_araddr_o, beats);
  require(m, *p->m_axi_arburst_o == BURST_INCR, "a read burst is not of type INCR");
  mx_memory_burst b = {.addr = *p->m_axi_araddr_o, .beats = beats, .ready = m->cycle + m->options.latency};
  push(&m->reads, b);
  if (m->options.chip) plan_beats(m, &b);
}

static void finish_beat(mx_memory *m) {
  mx_memory_burst *b = front(&m->reads);
  m->r_offered = false;
  m->credit -= m->options.per;
  if (m->options.chip) {
    m->beat_first = (m->beat_first + 1) % MX_MEMORY_BEATS;
    m->beat_count--;
  }
  b->addr += m->beat_bytes;
  if (!--b->beats) pop(&m->reads);
}

static bool beat_is_here(const mx_memory *m) {
  if (!m->reads.count) return false;
  return m->cycle >= (m->options.chip ? m->beat_ready[m->beat_first] : m->reads.at[m->reads.first].ready);
}

static void offer_beat(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  const mx_memory_burst *b = front(&m->reads);
  if (m->r_offered) return;  // valid stays until it is taken
  m->r_offered = beat_is_here(m) && may_move_beat(m) && !stall(m);
  *p->m_axi_rvalid_i = m->r_offered;
  if (!m->r_offered) return;
  bool ok = holds(m, b->addr);
  *p->m_axi_rresp_i = ok ? RESP_OKAY : RESP_DECERR;
  *p->m_axi_rlast_i = b->beats == 1;
  if (ok) memcpy(p->m_axi_rdata_i, m->bytes + (b->addr - m->base), m->beat_bytes);
}

// ---- writes ------------------------------------------------------------------------

static void take_address(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  uint32_t beats = *p->m_axi_awlen_o + 1u;
  check_burst(m, *p->m_axi_awaddr_o, beats);
  push(&m->writes, (mx_memory_burst){.addr = *p->m_axi_awaddr_o, .beats = beats});
}

static void take_data(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  uint32_t i = (m->w_first + m->w_count++) % MX_MEMORY_QUEUE;
  memcpy(m->wdata[i], p->m_axi_wdata_o, m->beat_bytes);
  m->wstrb[i] = 0;
  for (uint32_t k = 0; k < (m->beat_bytes + 7) / 8; k++) m->wstrb[i] |= (uint32_t)p->m_axi_wstrb_o[k] << (8 * k);
  m->wlast[i] = *p->m_axi_wlast_o;
  m->credit -= m->options.per;
}

static void store_beat(mx_memory *m, uint64_t addr, uint32_t i) {
  uint32_t at = (uint32_t)(addr - m->base);
  for (uint32_t k = 0; k < m->beat_bytes; k++) {
    if (!(m->wstrb[i] >> k & 1)) continue;
    m->bytes[at + k] = m->wdata[i][k];
    mx_observe(&m->observer, MX_UNIT_MOVE, MX_SPACE_MEM, at + k, m->wdata[i][k]);
  }
}

// A flash is not written: such boards keep what changes in a RAM beside it.
static void write_to_chip(mx_memory *m, uint64_t addr) {
  uint64_t last = UINT64_MAX;
  if (m->options.chip && m->options.chip->row_bytes) m->written = chip_beat(m, addr - m->base, true, &last, 0);
}

// Write the oldest data beat to the oldest address, where both are here.
static void join_write(mx_memory *m) {
  if (!m->writes.count || !m->w_count) return;
  mx_memory_burst *b = front(&m->writes);
  uint32_t i = m->w_first;
  if (holds(m, b->addr)) store_beat(m, b->addr, i);
  else b->response = RESP_DECERR;
  write_to_chip(m, b->addr);
  b->addr += m->beat_bytes;
  b->beats--;
  require(m, m->wlast[i] == !b->beats, "WLAST does not mark the last beat");
  m->w_first = (m->w_first + 1) % MX_MEMORY_QUEUE;
  m->w_count--;
  if (b->beats) return;
  uint64_t ready = m->options.chip ? m->written : m->cycle + m->options.latency;
  push(&m->responses, (mx_memory_burst){.ready = ready, .response = b->response});
  pop(&m->writes);
}

static void offer_response(mx_memory *m) {
  const mx_memory_burst *b = front(&m->responses);
  if (m->b_offered) return;
  m->b_offered = m->responses.count && m->cycle >= b->ready && !stall(m);
  *m->ports->m_axi_bvalid_i = m->b_offered;
  if (m->b_offered) *m->ports->m_axi_bresp_i = b->response;
}

// ---- clock -------------------------------------------------------------------------

void mx_memory_open(mx_memory *m, const mx_rtl_ports *ports, const mx_memory_options *options, uint8_t *bytes,
                    uint64_t base, uint32_t size, uint32_t beat_bytes) {
  *m = (mx_memory){.ports = ports, .options = *options, .bytes = bytes, .base = base, .size = size,
                   .beat_bytes = beat_bytes, .random = options->stall_seed * 0x9e3779b97f4a7c15ull + 0x1234567};
  if (options->chip) mx_dram_open(&m->dram, options->chip);
  *ports->m_axi_arready_i = *ports->m_axi_rvalid_i = 0;
  *ports->m_axi_awready_i = *ports->m_axi_wready_i = *ports->m_axi_bvalid_i = 0;
}

void mx_memory_sample(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  m->cycle++;
  if (*p->m_axi_arvalid_o & *p->m_axi_arready_i) take_read(m);
  if (m->r_offered & *p->m_axi_rready_o) finish_beat(m);
  if (*p->m_axi_awvalid_o & *p->m_axi_awready_i) take_address(m);
  if (*p->m_axi_wvalid_o & *p->m_axi_wready_i) take_data(m);
  if (m->b_offered & *p->m_axi_bready_o) {
    m->b_offered = false;
    pop(&m->responses);
  }
  join_write(m);
}

void mx_memory_drive(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  const mx_memory_options *o = &m->options;
  m->credit += o->beats;
  if (m->credit > o->per + o->beats) m->credit = o->per + o->beats;  // nothing is saved up in idle cycles
  *p->m_axi_arready_i = m->reads.count < o->outstanding && !stall(m);
  *p->m_axi_awready_i = m->writes.count + m->responses.count < o->outstanding && !stall(m);
  *p->m_axi_wready_i = m->w_count < o->outstanding && may_move_beat(m) && !stall(m);
  offer_beat(m);
  offer_response(m);
}
