// tb: name=mx_sdram_50  top=mx_sdram dir=rtl/soc params=BusBits=32,DataBits=16,Rate=1,Masked=1,ClockHz=50000000,CasLatency=2,ReadDelay=0
// tb: name=mx_sdram_133 top=mx_sdram dir=rtl/soc params=BusBits=64,DataBits=16,Rate=1,Masked=1,ClockHz=133000000,CasLatency=3,ReadDelay=1
// tb: name=mx_sdram_double top=mx_sdram_double_top dir=tests/rtl params=BusBits=32,DataBits=32,Rate=2,Masked=1,ClockHz=50000000,CasLatency=2,ReadDelay=2
// tb: name=mx_sdram_wide top=mx_sdram dir=rtl/soc params=BusBits=32,DataBits=32,Rate=1,Masked=0,ClockHz=50000000,CasLatency=2,ReadDelay=0,ColumnBits=8,RowBits=11
// tb: name=mx_sdram_wide64 top=mx_sdram dir=rtl/soc params=BusBits=64,DataBits=32,Rate=1,Masked=0,ClockHz=100000000,CasLatency=3,ReadDelay=1,ColumnBits=8,RowBits=11
// Random bursts and writes against a reference, on chips of four makers; every
// command is checked by the chip's model (sim/soc/sdram_chip.h). A weight stream
// must keep the data pins busy. Chips that want more than the controller knows
// of must be noticed.
#include <stdio.h>
#include <string.h>

#include "tests/rtl/sdram_pins.h"
#include "tests/rtl/tb.h"

enum { BEAT = TB_BusBits / 8, CYCLES = TB_BusBits / TB_DataBits, STROBES = (1 << BEAT) - 1, QUEUE = 1024, KEPT = 1 << 20 };
enum { WIDE = TB_DataBits / TB_Rate == 32, BYTES = WIDE ? 8 << 20 : 32 << 20 };
enum { PERIOD_PS = (int)(1000000000000 / TB_ClockHz), CHIP_PS = PERIOD_PS / TB_Rate };
enum { PHASE_PS = TB_Rate == 2 ? PERIOD_PS / 4 : TB_ReadDelay ? PERIOD_PS - 1000 : PERIOD_PS / 2 };

static const char *const chips[] = {WIDE ? "em638325-6" : "is42s16160g-7", WIDE ? NULL : "w9825g6kh-6", WIDE ? NULL : "as4c32m16sb-7"};

static struct {
  tb_port *ready, *arvalid, *arready, *araddr, *arlen, *arid, *rvalid, *rdata, *rresp, *rlast, *rid;
  tb_port *awvalid, *awready, *awaddr, *awid, *wvalid, *wready, *wdata, *wstrb, *bvalid, *bresp, *bid;
} p;

static void find_ports(void) {
#define AXI(name, way) p.name = tb_find(#name "_" way)
  AXI(ready, "o"), AXI(arvalid, "i"), AXI(arready, "o"), AXI(araddr, "i"), AXI(arlen, "i"), AXI(arid, "i");
  AXI(rvalid, "o"), AXI(rdata, "o"), AXI(rresp, "o"), AXI(rlast, "o"), AXI(rid, "o");
  AXI(awvalid, "i"), AXI(awready, "o"), AXI(awaddr, "i"), AXI(awid, "i");
  AXI(wvalid, "i"), AXI(wready, "o"), AXI(wdata, "i"), AXI(wstrb, "i"), AXI(bvalid, "o"), AXI(bresp, "o"), AXI(bid, "o");
#undef AXI
}

static const mx_sdram_chip *chip;
static uint8_t *reference;

// ---- the master ------------------------------------------------------------------------

typedef struct { uint64_t address, accepted; uint32_t beats; bool id, bad; } burst;
static burst bursts[QUEUE];
static unsigned first, count, beat;        // of bursts; beat of the first
static burst asked, write;                 // on AR, on AW and W
static bool asking, writing, answering;    // answering: B is due
static uint64_t write_data;
static unsigned write_strobes;
static struct { uint64_t bursts, beats, writes, refused, fastest; } seen;

static void put_requests(void) {
  tb_put(p.arvalid, asking), tb_put(p.araddr, asked.address), tb_put(p.arlen, asked.beats - 1), tb_put(p.arid, asked.id);
  tb_put(p.awvalid, writing), tb_put(p.wvalid, writing), tb_put(p.awaddr, write.address), tb_put(p.awid, write.id);
  tb_put(p.wdata, write_data), tb_put(p.wstrb, write_strobes);
  tb_eval();
}

static void take_beat(void) {
  TB_CHECK(count, "data that nobody asked for");
  burst *b = &bursts[first % QUEUE];
  uint64_t at = b->address + (uint64_t)beat * BEAT, got = tb_peek(p.rdata), want = 0;
  if (beat == 0 && tb_cycles() - b->accepted < seen.fastest) seen.fastest = tb_cycles() - b->accepted;
  if (!b->bad) memcpy(&want, reference + at, BEAT);
  TB_CHECK(b->bad || got == want, "read of 0x%lx: %lx, expected %lx; %s", at, got, want, chip->error);
  TB_CHECK(tb_peek(p.rresp) == (b->bad ? 3 : 0), "read of 0x%lx answers %lu", at, tb_peek(p.rresp));
  TB_CHECK(tb_peek(p.rid) == b->id, "read of 0x%lx: wrong ID", at);
  TB_CHECK(tb_peek(p.rlast) == (beat + 1 == b->beats), "read of 0x%lx: wrong last", at);
  seen.beats++;
  seen.refused += b->bad;
  if (++beat == b->beats) beat = 0, first++, count--;
}

static void take_answer(void) {
  TB_CHECK(answering, "an answer to no write");
  TB_CHECK(tb_peek(p.bresp) == (write.bad ? 3 : 0), "write of 0x%lx answers %lu", write.address, tb_peek(p.bresp));
  TB_CHECK(tb_peek(p.bid) == write.id, "write of 0x%lx: wrong ID", write.address);
  answering = false;
  seen.writes++;
}

static void store(void) {
  for (unsigned i = 0; i < BEAT && !write.bad; i++)
    if (write_strobes >> i & 1) reference[write.address + i] = (uint8_t)(write_data >> 8 * i);
}

static void step(void) {
  put_requests();
  bool ar = asking && tb_peek(p.arready), w = writing && tb_peek(p.awready);
  TB_CHECK(tb_peek(p.awready) == tb_peek(p.wready), "AW and W are not taken together");
  if (tb_peek(p.rvalid)) take_beat();
  if (tb_peek(p.bvalid)) take_answer();
  TB_CHECK(!w || !answering, "a write is taken before the answer to the one before");
  if (w) store();
  sdram_pins_cycle();
  if (ar) {
    asked.accepted = tb_cycles();
    bursts[(first + count++) % QUEUE] = asked, asking = false, seen.bursts++;
  }
  if (w) writing = false, answering = true;
}

static void sound(void) { TB_CHECK(!chip->error[0], "%s", chip->error); }

static void start(const mx_sdram_params *params) {
  chip = sdram_pins_power_up(params);
  asking = writing = answering = false;
  count = beat = 0;
  put_requests();
  tb_reset();
  for (unsigned i = 0; i < 50000 && !tb_peek(p.ready); i++) step();
  TB_CHECK(tb_peek(p.ready), "does not start up");
}

static void drain(void) {
  for (unsigned i = 0; i < 20000 && (asking || writing || answering || count); i++) step();
  TB_CHECK(!asking && !writing && !answering && !count, "requests stay unanswered");
}

// ---- random traffic --------------------------------------------------------------------

static bool overlap(const burst *a, const burst *b) {
  return a->address < b->address + (uint64_t)b->beats * BEAT && b->address < a->address + (uint64_t)a->beats * BEAT;
}

// Some rows of all banks again and again; sometimes beyond the chip->
static burst somewhere(uint32_t longest) {
  uint64_t row = tb_random_below(4) ? tb_random_below(12) * 1024 : tb_random_below(KEPT / 1024) * 1024;
  burst b = {.address = row + tb_random_below(1024 / BEAT) * BEAT, .id = tb_random() & 1};
  if (tb_random_below(50) == 0) b.address += BYTES << tb_random_below(3), b.bad = true;
  uint64_t room = (4096 - b.address % 4096) / BEAT;
  if (longest > room) longest = (uint32_t)room;
  b.beats = 1 + (uint32_t)tb_random_below(longest);
  return b;
}

static void maybe_read(unsigned percent) {
  if (asking || count > 4 || tb_random_below(100) >= percent) return;
  asked = somewhere(tb_random_below(10) ? 16 : 256);
  if (!((writing || answering) && overlap(&asked, &write))) asking = true;
}

static void maybe_write(unsigned percent) {
  if (writing || answering || tb_random_below(100) >= percent) return;
  write = somewhere(1);
  write_data = tb_random();
  write_strobes = (unsigned)tb_random() & STROBES;
  if (asking && overlap(&asked, &write)) return;
  for (unsigned i = 0; i < count; i++)
    if (overlap(&bursts[(first + i) % QUEUE], &write)) return;
  writing = true;
}

static void traffic(unsigned cycles) {
  for (unsigned i = 0, reads = 50, writes = 50; i < cycles; i++) {
    if (i % 1000 == 0) reads = (unsigned)tb_random_below(101), writes = (unsigned)tb_random_below(101);
    maybe_read(reads);
    maybe_write(writes);
    step();
    sound();
  }
  drain();
}

// From a burst's acceptance to its first beat, in an open row: as the module's header says.
static void latency(void) {
  seen.fastest = UINT64_MAX;
  for (unsigned i = 0; i < 4; i++) {
    asked = (burst){.address = 64 * i, .beats = 1}, asking = true;
    drain();
  }
  unsigned least = (TB_CasLatency + TB_Rate - 1) / TB_Rate + TB_ReadDelay + CYCLES + 2;
  TB_CHECK(seen.fastest == least, "the first beat comes after %lu cycles, expected %u", seen.fastest, least);
}

static void run_chip(const char *name) {
  const mx_sdram_params *params = mx_sdram_find(name);
  memset(&seen, 0, sizeof seen);
  start(params);
  for (uint32_t i = 0; i < KEPT; i++) reference[i] = *sdram_pins_byte(i);
  traffic(60000);
  latency();
  for (uint32_t i = 0; i < KEPT; i++)
    TB_CHECK(reference[i] == *sdram_pins_byte(i), "byte 0x%x is %02x in the chip, expected %02x", i, *sdram_pins_byte(i), reference[i]);
  sound();
  TB_CHECK(seen.bursts > 500 && seen.writes > 500 && seen.refused > 10, "too little was tried");
  printf("%s: %lu bursts, %lu beats, %lu writes, %lu rows opened\n", name, seen.bursts, seen.beats, seen.writes,
         chip->counts.activates);
}

// ---- a weight stream ---------------------------------------------------------------------

// Bursts of 16 beats one after the other: the share of the chip's cycles with data on the pins.
static double stream(unsigned cycles, unsigned writes) {
  start(mx_sdram_find(chips[0]));
  for (uint32_t i = 0; i < KEPT; i++) reference[i] = *sdram_pins_byte(i);
  uint64_t next = 0, columns = chip->counts.columns;
  for (unsigned i = 0; i < cycles; i++) {
    if (!asking) asked = (burst){.address = next, .beats = 16}, asking = true, next = (next + 16 * BEAT) % (KEPT / 2);
    if (!writing && !answering && tb_random_below(1000) < writes) {
      write = (burst){.address = KEPT / 2 + tb_random_below(KEPT / 16) * BEAT, .beats = 1};
      write_data = tb_random(), write_strobes = STROBES, writing = true;
    }
    step();
  }
  sound();
  double used = (double)(chip->counts.columns - columns) / cycles / TB_Rate;
  drain();
  return used;
}

// Writes without end do not keep reads waiting.
static void crowd(void) {
  start(mx_sdram_find(chips[0]));
  for (uint32_t i = 0; i < KEPT; i++) reference[i] = *sdram_pins_byte(i);
  uint64_t before = seen.bursts;
  for (unsigned i = 0; i < 20000; i++) {
    if (!asking) asked = (burst){.address = 0, .beats = 1}, asking = true;
    if (!writing && !answering) write = (burst){.address = 4096 + i % 64 * BEAT, .beats = 1}, write_strobes = STROBES, writing = true;
    step();
  }
  drain();
  TB_CHECK(seen.bursts - before > 20000 / (17 * 12), "%lu reads beside writes in 20000 cycles", seen.bursts - before);
}

// ---- chips that want more ----------------------------------------------------------------

static mx_sdram_params strict;

static void expect_violation(const char *rule) {
  start(&strict);
  for (uint32_t i = 0; i < KEPT; i++) reference[i] = *sdram_pins_byte(i);
  for (unsigned i = 0; i < 60000 && !chip->error[0]; i++) {
    maybe_read(50);
    maybe_write(50);
    step();
  }
  TB_CHECK(strstr(chip->error, rule), "no violation of %s was found: %s", rule, chip->error);
  drain();
}

static void plant(const char *rule, size_t field, uint32_t value) {
  strict = *mx_sdram_find(chips[0]);
  memcpy((char *)&strict + field, &value, sizeof value);
  expect_violation(rule);
}

static void violations(void) {
#define PLANT(rule, field, value) plant(rule, offsetof(mx_sdram_params, field), value)
  uint32_t cycle = PERIOD_PS;
  PLANT("tRCD", rcd_ps, 21000 + cycle);
  PLANT("tRP", rp_ps, 21000 + cycle);
  PLANT("tRAS", ras_ps, 2000000);
  PLANT("tRC", rc_ps, 2000000);
  PLANT("tRFC", rfc_ps, 66000 + cycle);
  PLANT("tWR", wr_ps, 15000 + 2 * cycle);
  PLANT("tRRD", rrd_ps, 2000000);
  PLANT("tMRD", mrd_ck, 1000);
  PLANT("power-up", power_up_us, 250);
  PLANT("start-up wants", init_refreshes, 9);
  PLANT("clock period", tck_ps[TB_CasLatency], CHIP_PS + 1);
  strict = *mx_sdram_find(chips[0]);
  strict.refresh_rows = 64, strict.refresh_us = 450;  // in the ratio of 8192 and 57600
  expect_violation("refreshes in");
#undef PLANT
}

void tb_main(void) {
  find_ports();
  sdram_pins_open(&(sdram_pins_board){.period_ps = PERIOD_PS, .phase_ps = PHASE_PS, .fast = TB_Rate == 2,
                                       .tied = !TB_Masked, .delay_ps = TB_Rate == 2 ? 4500 : 0});
  reference = malloc(KEPT);
  TB_CHECK(reference, "out of memory");
  for (unsigned i = 0; i < sizeof chips / sizeof *chips && chips[i]; i++) run_chip(chips[i]);
  double alone = stream(100000, 0), beside = stream(100000, 3);
  printf("stream: data in %.2f %% of the cycles; with 3 writes in 1000 cycles %.2f %%\n", 100 * alone, 100 * beside);
  TB_CHECK(alone > (CYCLES == 1 ? 0.965 : 0.97), "a stream uses %.2f %% of the pins", 100 * alone);
  TB_CHECK(beside > 0.90, "a stream beside writes uses %.2f %% of the pins", 100 * beside);
  crowd();
  violations();
  sdram_pins_close();
  free(reference);
}
