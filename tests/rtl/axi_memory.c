#include "tests/rtl/axi_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { QUEUE = 64, MOST_BYTES = 128, RESP_SLVERR = 2, BOUNDARY = 4096 };

// A first-in first-out queue of indices into an array of QUEUE entries.
typedef struct { unsigned head, count; } ring;
static unsigned ring_at(const ring *r, unsigned i) { return (r->head + i) % QUEUE; }
static unsigned ring_push(ring *r) { return ring_at(r, r->count++); }
static void ring_pop(ring *r) {
  r->head = ring_at(r, 1);
  r->count--;
}

// The payload of a channel in the last cycle, if it was stalled.
typedef struct { bool stalled; uint8_t payload[2 * MOST_BYTES]; } watch;

typedef struct { uint64_t address, due, beats; } burst;  // no padding: compared as bytes
typedef struct { uint8_t data[MOST_BYTES]; uint64_t strobe; } write_data;
typedef struct { uint64_t due; unsigned resp; } response;

typedef struct { tb_port *valid, *ready, *addr, *len, *size, *type, *id; } address_ports;

struct axi_memory {
  axi_memory_config config;
  axi_timing timing;
  axi_counts counts;
  uint8_t *bytes;
  size_t fail_from, fail_to;
  void (*on_write)(void *, size_t, uint8_t);
  void *context;
  unsigned beat_bytes;
  uint64_t now;

  tb_port *rst;
  address_ports ar_ports, aw_ports;
  tb_port *rvalid, *rready, *rdata, *rresp, *rlast, *rid;
  tb_port *wvalid, *wready, *wdata, *wstrb, *wlast;
  tb_port *bvalid, *bready, *bresp, *bid;
  watch ar_watch, aw_watch, w_watch;

  ring ar, aw, w, b;
  burst reads[QUEUE], addresses[QUEUE];
  write_data data[QUEUE];
  response responses[QUEUE];
  unsigned read_beat;    // next beat of the oldest burst
  bool r_shown, b_shown; // valid is set and stays until taken
  unsigned writes_open;  // addresses or data accepted, not yet answered
};

static bool percent(unsigned p) { return tb_random_below(100) < p; }

static uint64_t due(const axi_memory *m) {
  unsigned span = m->timing.latency_max - m->timing.latency_min + 1;
  return m->now + m->timing.latency_min + tb_random_below(span);
}

static tb_port *port(const char *channel, const char *name) {
  char text[64];
  snprintf(text, sizeof text, "m_axi_%s%s", channel, name);
  return tb_find(text);
}

static address_ports find_address_ports(const char *channel) {
  return (address_ports){
      .valid = port(channel, "valid_o"), .ready = port(channel, "ready_i"),
      .addr = port(channel, "addr_o"),   .len = port(channel, "len_o"),
      .size = port(channel, "size_o"),   .type = port(channel, "burst_o"),
      .id = port(channel, "id_o")};
}

axi_memory *axi_memory_new(const axi_memory_config *config) {
  axi_memory *m = calloc(1, sizeof *m);
  uint8_t *bytes = calloc(config->size ? config->size : 1, 1);
  if (!m || !bytes) tb_fail("out of memory");
  *m = (axi_memory){.config = *config, .bytes = bytes, .beat_bytes = config->bus_bits / 8};
  m->timing = (axi_timing){.latency_min = 1, .latency_max = 1};
  m->rst = tb_find("rst_ni");
  if (config->reads) {
    m->ar_ports = find_address_ports("ar");
    m->rvalid = port("r", "valid_i"), m->rready = port("r", "ready_o");
    m->rdata = port("r", "data_i"), m->rresp = port("r", "resp_i");
    m->rlast = port("r", "last_i"), m->rid = port("r", "id_i");
  }
  if (config->writes) {
    m->aw_ports = find_address_ports("aw");
    m->wvalid = port("w", "valid_o"), m->wready = port("w", "ready_i");
    m->wdata = port("w", "data_o"), m->wstrb = port("w", "strb_o"), m->wlast = port("w", "last_o");
    m->bvalid = port("b", "valid_i"), m->bready = port("b", "ready_o");
    m->bresp = port("b", "resp_i"), m->bid = port("b", "id_i");
  }
  return m;
}

void axi_memory_free(axi_memory *m) {
  if (m) free(m->bytes);
  free(m);
}

uint8_t *axi_memory_bytes(axi_memory *m) { return m->bytes; }
void axi_memory_set_timing(axi_memory *m, axi_timing timing) { m->timing = timing; }
axi_counts axi_memory_counts(const axi_memory *m) { return m->counts; }

void axi_memory_fail(axi_memory *m, size_t from, size_t to) {
  m->fail_from = from;
  m->fail_to = to;
}

void axi_memory_on_write(axi_memory *m, void (*call)(void *, size_t, uint8_t), void *context) {
  m->on_write = call;
  m->context = context;
}

bool axi_memory_idle(const axi_memory *m) { return !m->ar.count && !m->writes_open && !m->b.count; }

static unsigned answer(const axi_memory *m, size_t offset) {
  bool bad = offset < m->fail_to && offset + m->beat_bytes > m->fail_from && m->fail_from != m->fail_to;
  return bad ? RESP_SLVERR + (unsigned)tb_random_below(2) : 0;
}

// ---- what the memory puts on the bus ----

static void drive_read(axi_memory *m) {
  const burst *b = &m->reads[m->ar.head];
  if (!m->r_shown) m->r_shown = m->ar.count && m->now >= b->due && !percent(m->timing.gap);
  tb_put(m->ar_ports.ready, m->ar.count < QUEUE && !percent(m->timing.stall));
  tb_put(m->rvalid, m->r_shown);
  tb_put(m->rid, 0);
  size_t offset = m->r_shown ? (size_t)(b->address - m->config.base) + m->read_beat * m->beat_bytes : 0;
  for (unsigned i = 0; i < m->beat_bytes; i += 4) {
    uint32_t word = (uint32_t)tb_random();  // unless a beat is shown
    if (m->r_shown) memcpy(&word, m->bytes + offset + i, 4);
    tb_put_bits(m->rdata, 8 * i, 32, word);
  }
  tb_put(m->rresp, m->r_shown ? answer(m, offset) : tb_random_below(4));
  tb_put(m->rlast, m->r_shown ? m->read_beat + 1 == b->beats : tb_random_below(2));
}

static void drive_write(axi_memory *m) {
  const response *b = &m->responses[m->b.head];
  if (!m->b_shown) m->b_shown = m->b.count && m->now >= b->due && !percent(m->timing.gap);
  tb_put(m->aw_ports.ready, m->aw.count < QUEUE && !percent(m->timing.stall));
  tb_put(m->wready, m->w.count < QUEUE && !percent(m->timing.stall));
  tb_put(m->bvalid, m->b_shown);
  tb_put(m->bid, 0);
  tb_put(m->bresp, m->b_shown ? b->resp : tb_random_below(4));
}

void axi_memory_drive(axi_memory *m) {
  m->now++;
  if (m->config.reads) drive_read(m);
  if (m->config.writes) drive_write(m);
}

// ---- what the module puts on the bus ----

// AXI: valid and payload stay until the transfer.
static void check_stable(watch *w, const char *channel, bool valid, bool ready, const void *payload, size_t size) {
  if (w->stalled) {
    TB_CHECK(valid, "AXI %s: valid was withdrawn before ready", channel);
    TB_CHECK(!memcmp(w->payload, payload, size), "AXI %s: payload changed while stalled", channel);
  }
  w->stalled = valid && !ready;
  if (w->stalled) memcpy(w->payload, payload, size);
}

static void check_burst(const axi_memory *m, const address_ports *p, const burst *b, const char *channel) {
  uint64_t base = m->config.base, bytes = b->beats * m->beat_bytes;
  uint64_t window = m->config.window_beats ? m->config.window_beats * m->beat_bytes : BOUNDARY;
  TB_CHECK(1u << tb_peek(p->size) == m->beat_bytes, "AXI %s: size %u", channel, (unsigned)tb_peek(p->size));
  TB_CHECK(tb_peek(p->type) == 1, "AXI %s: burst type is not INCR", channel);
  TB_CHECK(tb_peek(p->id) == 0, "AXI %s: ID is not 0", channel);
  TB_CHECK(b->address % m->beat_bytes == 0, "AXI %s: address 0x%" PRIx64 " is not aligned", channel, b->address);
  TB_CHECK(b->address >= base && b->address + bytes <= base + m->config.size,
           "AXI %s: 0x%" PRIx64 " + %" PRIu64 " is outside the memory", channel, b->address, bytes);
  TB_CHECK(b->address / BOUNDARY == (b->address + bytes - 1) / BOUNDARY,
           "AXI %s: 0x%" PRIx64 " + %" PRIu64 " crosses 4096 bytes", channel, b->address, bytes);
  TB_CHECK((b->address - base) / window == (b->address + bytes - 1 - base) / window,
           "AXI %s: 0x%" PRIx64 " + %" PRIu64 " crosses its window", channel, b->address, bytes);
}

// True if an address moves; fills *b.
static bool sample_address(axi_memory *m, const address_ports *p, watch *w, const char *channel, burst *b) {
  bool valid = tb_peek(p->valid), ready = tb_peek(p->ready);
  *b = (burst){.address = tb_peek(p->addr), .beats = tb_peek(p->len) + 1};
  check_stable(w, channel, valid, ready, b, sizeof *b);
  if (valid) check_burst(m, p, b, channel);
  b->due = due(m);
  return valid && ready;
}

static void note_most(unsigned *most, unsigned now, unsigned limit, const char *what) {
  if (now > *most) *most = now;
  TB_CHECK(!limit || now <= limit, "AXI: %u %s outstanding, more than %u", now, what, limit);
}

static void sample_read(axi_memory *m) {
  burst b;
  if (m->r_shown && tb_peek(m->rready)) {
    m->r_shown = false;
    m->counts.read_beats++;
    if (++m->read_beat == m->reads[m->ar.head].beats) {
      m->read_beat = 0;
      ring_pop(&m->ar);
    }
  }
  if (sample_address(m, &m->ar_ports, &m->ar_watch, "AR", &b)) {
    m->reads[ring_push(&m->ar)] = b;
    m->counts.read_bursts++;
    note_most(&m->counts.most_reads, m->ar.count, m->config.most_reads, "reads");
  }
}

static void sample_data(axi_memory *m) {
  write_data d = {0};
  for (unsigned i = 0; i < m->beat_bytes; i += 4) {
    uint32_t word = (uint32_t)tb_peek_bits(m->wdata, 8 * i, 32);
    memcpy(d.data + i, &word, 4);
  }
  d.strobe = tb_peek_bits(m->wstrb, 0, m->beat_bytes);
  bool valid = tb_peek(m->wvalid), ready = tb_peek(m->wready);
  check_stable(&m->w_watch, "W", valid, ready, &d, sizeof d);
  TB_CHECK(!valid || tb_peek(m->wlast), "AXI W: WLAST is not set on a single beat");
  if (valid && ready) m->data[ring_push(&m->w)] = d;
}

// Writes the oldest beat once its address and data are here.
static void commit(axi_memory *m) {
  const burst *a = &m->addresses[m->aw.head];
  const write_data *d = &m->data[m->w.head];
  size_t offset = (size_t)(a->address - m->config.base);
  unsigned resp = answer(m, offset);
  for (unsigned i = 0; i < m->beat_bytes && !resp; i++) {
    if (!(d->strobe >> i & 1)) continue;
    m->bytes[offset + i] = d->data[i];
    if (m->on_write) m->on_write(m->context, offset + i, d->data[i]);
  }
  m->responses[ring_push(&m->b)] = (response){.due = due(m), .resp = resp};
  m->counts.writes++;
  ring_pop(&m->aw);
  ring_pop(&m->w);
}

static void sample_write(axi_memory *m) {
  burst b;
  if (m->b_shown && tb_peek(m->bready)) {
    m->b_shown = false;
    ring_pop(&m->b);
  }
  if (sample_address(m, &m->aw_ports, &m->aw_watch, "AW", &b)) {
    TB_CHECK(b.beats == 1, "AXI AW: %u beats; only single beats are expected", (unsigned)b.beats);
    m->addresses[ring_push(&m->aw)] = b;
  }
  sample_data(m);
  while (m->aw.count && m->w.count && m->b.count < QUEUE) commit(m);
  unsigned waiting = m->aw.count > m->w.count ? m->aw.count : m->w.count;
  m->writes_open = waiting;
  note_most(&m->counts.most_writes, waiting + m->b.count, m->config.most_writes, "writes");
}

void axi_memory_sample(axi_memory *m) {
  if (!tb_peek(m->rst)) {
    m->ar_watch.stalled = m->aw_watch.stalled = m->w_watch.stalled = false;
    return;
  }
  if (m->config.reads) sample_read(m);
  if (m->config.writes) sample_write(m);
}
