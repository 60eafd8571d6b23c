// tb: name=mx_soc_memory_32 top=mx_soc_memory_top dir=tests/rtl params=BusBits=32
// tb: name=mx_soc_memory_64 top=mx_soc_memory_top dir=tests/rtl params=BusBits=64
// The processor's words and the accelerator's bursts and writes in one SDRAM: each
// in its half, compared with a reference; how long the processor waits beside a
// stream without pause, and what it costs the stream.
#include <stdio.h>
#include <string.h>

#include "tests/rtl/sdram_pins.h"
#include "tests/rtl/tb.h"

enum { BEAT = TB_BusBits / 8, PERIOD_PS = 20000, HALF = 1 << 18, QUEUE = 64, BURST = 16 };
static const uint64_t Base = 0x80000000;

static struct {
  tb_port *ready, *valid, *done, *addr, *wstrb, *wdata, *rdata, *error;
  tb_port *arvalid, *arready, *araddr, *arlen, *rvalid, *rd, *rlast;
  tb_port *awvalid, *awready, *awaddr, *wvalid, *wready, *wd, *ws, *bvalid;
} p;

static void find_ports(void) {
  p.ready = tb_find("ready_o"), p.valid = tb_find("cpu_valid_i"), p.done = tb_find("cpu_ready_o");
  p.addr = tb_find("cpu_addr_i"), p.wstrb = tb_find("cpu_wstrb_i"), p.wdata = tb_find("cpu_wdata_i");
  p.rdata = tb_find("cpu_rdata_o"), p.error = tb_find("cpu_error_o");
  p.arvalid = tb_find("m_axi_arvalid_i"), p.arready = tb_find("m_axi_arready_o"), p.araddr = tb_find("m_axi_araddr_i");
  p.arlen = tb_find("m_axi_arlen_i"), p.rvalid = tb_find("m_axi_rvalid_o"), p.rd = tb_find("m_axi_rdata_o");
  p.rlast = tb_find("m_axi_rlast_o"), p.awvalid = tb_find("m_axi_awvalid_i"), p.awready = tb_find("m_axi_awready_o");
  p.awaddr = tb_find("m_axi_awaddr_i"), p.wvalid = tb_find("m_axi_wvalid_i"), p.wready = tb_find("m_axi_wready_o");
  p.wd = tb_find("m_axi_wdata_i"), p.ws = tb_find("m_axi_wstrb_i"), p.bvalid = tb_find("m_axi_bvalid_o");
}

static mx_sdram_chip *chip;
static uint8_t *reference;  // processor's half, accelerator's half

// ---- processor -------------------------------------------------------------------------

static struct { bool busy, bad; uint32_t addr, data, strobes; uint64_t from; } cpu;
static struct { uint64_t count, longest, refused; } cpu_seen;

static void cpu_ask(bool far) {
  cpu.bad = far;
  cpu.addr = far ? 0x82000000 + 4 * (uint32_t)tb_random_below(1000) : (uint32_t)Base + 4 * (uint32_t)tb_random_below(HALF / 4);
  cpu.strobes = tb_random_below(2) ? (uint32_t)tb_random_below(16) : 0;
  cpu.data = (uint32_t)tb_random();
  cpu.busy = true;
  cpu.from = tb_cycles();
}

static void cpu_take(void) {
  TB_CHECK(cpu.busy, "an answer that the processor did not ask for");
  TB_CHECK(tb_peek(p.error) == cpu.bad, "0x%08x: error %lu", cpu.addr, tb_peek(p.error));
  uint64_t waited = tb_cycles() - cpu.from;
  uint8_t *at = cpu.bad ? NULL : reference + (cpu.addr - Base);
  uint32_t want;
  if (at && !cpu.strobes) {
    memcpy(&want, at, 4);
    TB_CHECK(tb_peek(p.rdata) == want, "0x%08x: %08lx, expected %08x", cpu.addr, tb_peek(p.rdata), want);
  }
  for (unsigned i = 0; at && i < 4; i++)
    if (cpu.strobes >> i & 1) at[i] = (uint8_t)(cpu.data >> 8 * i);
  if (waited > cpu_seen.longest) cpu_seen.longest = waited;
  cpu_seen.count++;
  cpu_seen.refused += cpu.bad;
  cpu.busy = false;
}

// ---- accelerator -----------------------------------------------------------------------

static struct { uint64_t at; unsigned beats; } bursts[QUEUE], asked;
static unsigned first, count, beat;
static bool asking, storing, answering;
static uint64_t store_at, store_data, beats_seen, writes_seen;
static unsigned store_strobes;

static void ask_burst(uint64_t at, unsigned beats) { asked.at = at, asked.beats = beats, asking = true; }

static void random_burst(void) {
  unsigned beats = 1 + (unsigned)tb_random_below(BURST);
  ask_burst(HALF + tb_random_below((HALF - BURST * BEAT) / (BURST * BEAT)) * BURST * BEAT, beats);
}

static bool pending(uint64_t at) {
  for (unsigned i = 0; i < count; i++)
    if (at >= bursts[(first + i) % QUEUE].at && at < bursts[(first + i) % QUEUE].at + BURST * BEAT) return true;
  return asking && at >= asked.at && at < asked.at + BURST * BEAT;
}

static void ask_store(void) {
  store_at = HALF + tb_random_below(HALF / BEAT) * BEAT;
  if (pending(store_at)) return;
  store_data = tb_random();
  store_strobes = (unsigned)tb_random() & ((1 << BEAT) - 1);
  storing = true;
}

static void take_beat(void) {
  TB_CHECK(count, "data that the accelerator did not ask for");
  uint64_t at = bursts[first % QUEUE].at + beat * (uint64_t)BEAT, want = 0;
  memcpy(&want, reference + at, BEAT);
  TB_CHECK(tb_peek(p.rd) == want, "0x%lx: %lx, expected %lx; %s", at, tb_peek(p.rd), want, chip->error);
  bool last = ++beat == bursts[first % QUEUE].beats;
  TB_CHECK(tb_peek(p.rlast) == last, "0x%lx: wrong last", at);
  if (last) first++, count--, beat = 0;
  beats_seen++;
}

static void put(void) {
  tb_put(p.valid, cpu.busy), tb_put(p.addr, cpu.addr), tb_put(p.wstrb, cpu.strobes), tb_put(p.wdata, cpu.data);
  tb_put(p.arvalid, asking), tb_put(p.araddr, Base + asked.at), tb_put(p.arlen, asked.beats - 1);
  tb_put(p.awvalid, storing), tb_put(p.wvalid, storing), tb_put(p.awaddr, Base + store_at);
  tb_put(p.wd, store_data), tb_put(p.ws, store_strobes);
  tb_eval();
}

static void step(void) {
  put();
  bool ar = asking && tb_peek(p.arready), w = storing && tb_peek(p.awready) && tb_peek(p.wready);
  if (tb_peek(p.rvalid)) take_beat();
  if (tb_peek(p.bvalid)) TB_CHECK(answering, "an answer to no write of the accelerator");
  if (tb_peek(p.bvalid)) answering = false, writes_seen++;
  if (tb_peek(p.done)) cpu_take();
  sdram_pins_cycle();
  TB_CHECK(!chip->error[0], "%s", chip->error);
  if (ar) bursts[(first + count++) % QUEUE].at = asked.at, bursts[(first + count - 1) % QUEUE].beats = asked.beats, asking = false;
  if (!w) return;
  for (unsigned i = 0; i < BEAT; i++)
    if (store_strobes >> i & 1) reference[store_at + i] = (uint8_t)(store_data >> 8 * i);
  storing = false, answering = true;
}

static void drain(void) {
  for (unsigned i = 0; i < 5000 && (cpu.busy || asking || storing || answering || count); i++) step();
  TB_CHECK(!cpu.busy && !asking && !storing && !answering && !count, "requests stay unanswered");
}

// ---- traffic ---------------------------------------------------------------------------

static void traffic(void) {
  for (unsigned i = 0, a = 0, b = 0, c = 0; i < 100000; i++) {
    if (i % 500 == 0) a = (unsigned)tb_random_below(101), b = (unsigned)tb_random_below(101), c = (unsigned)tb_random_below(101);
    if (!cpu.busy && tb_random_below(100) < a) cpu_ask(tb_random_below(50) == 0);
    if (!asking && count < 4 && tb_random_below(100) < b) random_burst();
    if (!storing && !answering && tb_random_below(100) < c) ask_store();
    step();
  }
  drain();
  TB_CHECK(cpu_seen.count > 1000 && cpu_seen.refused > 10 && beats_seen > 10000 && writes_seen > 1000, "too little was tried");
}

// The accelerator reads without pause; the processor asks as often as it can.
static double stream(bool beside) {
  memset(&cpu_seen, 0, sizeof cpu_seen);
  uint64_t from = beats_seen, at = HALF;
  for (unsigned i = 0; i < 50000; i++) {
    if (!asking) ask_burst(at, BURST), at = HALF + (at + BURST * BEAT) % HALF;
    if (beside && !cpu.busy) cpu_ask(false);
    step();
  }
  double share = (double)(beats_seen - from) * TB_BusBits / 16 / 50000;
  drain();
  return share;
}

void tb_main(void) {
  find_ports();
  sdram_pins_open(&(sdram_pins_board){.period_ps = PERIOD_PS, .phase_ps = PERIOD_PS / 2});
  chip = sdram_pins_power_up(mx_sdram_find("is42s16160g-7"));
  reference = malloc(2 * HALF);
  TB_CHECK(reference, "out of memory");
  for (uint32_t i = 0; i < 2 * HALF; i++) reference[i] = *sdram_pins_byte(i);
  put();
  tb_reset();
  while (!tb_peek(p.ready)) step();
  traffic();
  double alone = stream(false), beside = stream(true);
  printf("stream: %.1f %% of the pins' cycles; beside %lu words of the processor, which wait at most %lu cycles, %.1f %%\n",
         100 * alone, cpu_seen.count, cpu_seen.longest, 100 * beside);
  TB_CHECK(alone > 0.97, "a stream alone uses %.1f %%", 100 * alone);
  TB_CHECK(beside > 0.5, "a stream beside the processor uses %.1f %%", 100 * beside);
  TB_CHECK(cpu_seen.longest < 16 * TB_BusBits / 16 * 2 + 60, "the processor waits for %lu cycles", cpu_seen.longest);
  sdram_pins_close();
  free(reference);
}
