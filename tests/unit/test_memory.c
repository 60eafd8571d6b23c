// The AXI memory model in front of a small master: data, order, latency,
// bandwidth, stalls, error responses, and the protocol rules it checks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/memory.h"

enum { BEAT = 16, SIZE = 8192, BASE = 0x40000000, MOST_CYCLES = 100000 };

// The ports as plain variables; every one has room for the widest.
typedef struct {
#define PORT(type, name) uint64_t name[4];
#define BYTES(name) uint64_t name[4];
#include "sim/rtl_ports.def"
} wires;

typedef struct {
  wires w;
  mx_rtl_ports ports;
  mx_memory memory;
  uint8_t bytes[SIZE];
  uint64_t cycle;
} bench;

static bench b;

static void open_bench(const mx_memory_options *o) {
  memset(&b, 0, sizeof b);
#define PORT(type, name) b.ports.name = (type *)(void *)b.w.name;
#define BYTES(name) b.ports.name = (uint8_t *)b.w.name;
#include "sim/rtl_ports.def"
  for (int i = 0; i < SIZE; i++) b.bytes[i] = (uint8_t)(i ^ i >> 8);
  mx_memory_open(&b.memory, &b.ports, o, b.bytes, BASE, SIZE, BEAT);
  *b.ports.m_axi_arburst_o = 1;
  *b.ports.m_axi_wlast_o = 1;
  *b.ports.m_axi_rready_o = *b.ports.m_axi_bready_o = 1;
}

static void cycle(void) {
  mx_memory_sample(&b.memory);
  mx_memory_drive(&b.memory);
  b.cycle++;
  assert_true(b.cycle < MOST_CYCLES);
}

// Ask for a burst and wait until it is accepted.
static void ask(uint64_t addr, unsigned beats) {
  *b.ports.m_axi_arvalid_o = 1;
  *b.ports.m_axi_araddr_o = addr;
  *b.ports.m_axi_arlen_o = (uint8_t)(beats - 1);
  while (!*b.ports.m_axi_arready_i) cycle();
  cycle();
  *b.ports.m_axi_arvalid_o = 0;
}

// Wait for the next beat, which must be bytes from offset on; returns its cycle.
static uint64_t expect_beat(uint32_t offset, bool last) {
  while (!*b.ports.m_axi_rvalid_i) cycle();
  uint64_t at = b.cycle;
  assert_int_equal(*b.ports.m_axi_rresp_i, 0);
  assert_int_equal(*b.ports.m_axi_rlast_i, last);
  assert_memory_equal(b.ports.m_axi_rdata_i, b.bytes + offset, BEAT);
  cycle();
  return at;
}

// Write one beat; returns the response.
static uint8_t write_beat(uint64_t addr, uint8_t value, uint16_t strobes) {
  bool address = false, data = false;
  memset(b.ports.m_axi_wdata_o, value, BEAT);
  memcpy(b.ports.m_axi_wstrb_o, &strobes, sizeof strobes);
  *b.ports.m_axi_awaddr_o = addr;
  while (!address || !data) {
    *b.ports.m_axi_awvalid_o = !address;
    *b.ports.m_axi_wvalid_o = !data;
    address = address || *b.ports.m_axi_awready_i;
    data = data || *b.ports.m_axi_wready_i;
    cycle();
  }
  *b.ports.m_axi_awvalid_o = *b.ports.m_axi_wvalid_o = 0;
  while (!*b.ports.m_axi_bvalid_i) cycle();
  uint8_t response = *b.ports.m_axi_bresp_i;
  cycle();
  return response;
}

static void reads_come_in_order(void **state) {
  (void)state;
  open_bench(&(mx_memory_options){.latency = 10, .outstanding = 4});
  ask(BASE + 0x100, 2);
  ask(BASE + 0x40, 1);
  uint64_t first = expect_beat(0x100, false);
  assert_int_equal(expect_beat(0x110, true), first + 1);
  assert_int_equal(expect_beat(0x40, true), first + 2);
  assert_null(b.memory.violation);
}

static void latency_is_kept(void **state) {
  (void)state;
  open_bench(&(mx_memory_options){.latency = 33, .outstanding = 4});
  cycle();  // ready is given from the first edge on
  uint64_t asked = b.cycle;
  ask(BASE, 1);
  assert_int_equal(expect_beat(0, true) - asked, 33 + 1);
}

static void bandwidth_is_kept(void **state) {
  (void)state;
  open_bench(&(mx_memory_options){.latency = 1, .outstanding = 4, .beats = 2, .per = 5});
  ask(BASE, 100);
  uint64_t first = expect_beat(0, false), last = 0;
  for (uint32_t i = 1; i < 100; i++) last = expect_beat(16 * i, i == 99);
  assert_in_range(last - first, 99 * 5 / 2 - 5, 99 * 5 / 2 + 5);
}

static void outstanding_is_bounded(void **state) {
  (void)state;
  open_bench(&(mx_memory_options){.latency = 50, .outstanding = 2});
  ask(BASE, 1);
  ask(BASE, 1);
  assert_false(*b.ports.m_axi_arready_i);
  expect_beat(0, true);
  assert_true(*b.ports.m_axi_arready_i);
}

static void strobes_choose_bytes(void **state) {
  (void)state;
  open_bench(&(mx_memory_options){.latency = 3, .outstanding = 2});
  uint8_t before[BEAT];
  memcpy(before, b.bytes + 0x200, BEAT);
  assert_int_equal(write_beat(BASE + 0x200, 0xee, 0x8001), 0);
  assert_int_equal(b.bytes[0x200], 0xee);
  assert_int_equal(b.bytes[0x20f], 0xee);
  assert_memory_equal(b.bytes + 0x201, before + 1, BEAT - 2);
}

static void outside_gives_errors(void **state) {
  (void)state;
  static const uint64_t outside[] = {BASE + SIZE, BASE - BEAT, 0, 0xfffffffff0};
  open_bench(&(mx_memory_options){.latency = 3, .outstanding = 2});
  for (int i = 0; i < 4; i++) {
    ask(outside[i], 1);
    while (!*b.ports.m_axi_rvalid_i) cycle();
    assert_int_equal(*b.ports.m_axi_rresp_i, 3);
    cycle();
    assert_int_equal(write_beat(outside[i], 1, 0xffff), 3);
  }
  ask(BASE + SIZE - BEAT, 1);
  expect_beat(SIZE - BEAT, true);
}

// Under stalls nothing is lost, and what is offered stays until it is taken.
static void stalls_lose_nothing(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 8; seed++) {
    uint32_t percent = (uint32_t)(11 * seed);
    open_bench(&(mx_memory_options){.latency = 2, .outstanding = 3, .stall_percent = percent, .stall_seed = seed});
    for (uint32_t i = 0; i < 50; i++) {
      uint32_t at = 16 * (i * 37 % 500);
      ask(BASE + at, 1);
      while (!*b.ports.m_axi_rvalid_i) cycle();
      *b.ports.m_axi_rready_o = 0;
      for (uint32_t k = 0; k < i % 5; k++) {
        cycle();
        assert_true(*b.ports.m_axi_rvalid_i);
      }
      *b.ports.m_axi_rready_o = 1;
      expect_beat(at, true);
      assert_int_equal(write_beat(BASE + at, (uint8_t)i, 0xffff), 0);
      assert_int_equal(b.bytes[at + 7], i);
    }
    assert_null(b.memory.violation);
  }
}

static void seeds_repeat(void **state) {
  (void)state;
  uint64_t cycles[3];
  for (uint64_t i = 0; i < 3; i++) {
    open_bench(&(mx_memory_options){.latency = 2, .outstanding = 3, .stall_percent = 50, .stall_seed = i == 2 ? 8 : 7});
    ask(BASE, 200);
    for (uint32_t k = 0; k < 200; k++) expect_beat(16 * k, k == 199);
    cycles[i] = b.cycle;
  }
  assert_int_equal(cycles[0], cycles[1]);
  assert_int_not_equal(cycles[0], cycles[2]);
}

static void rules_are_checked(void **state) {
  (void)state;
  static const mx_memory_options o = {.latency = 1, .outstanding = 4};
  open_bench(&o);
  ask(BASE + 4, 1);
  assert_non_null(strstr(b.memory.violation, "multiple of the beat"));
  open_bench(&o);
  ask(BASE + 4096 - BEAT, 2);
  assert_non_null(strstr(b.memory.violation, "4096"));
  open_bench(&o);
  *b.ports.m_axi_arburst_o = 0;
  ask(BASE, 1);
  assert_non_null(strstr(b.memory.violation, "INCR"));
  open_bench(&o);
  *b.ports.m_axi_wlast_o = 0;
  write_beat(BASE, 0, 0);
  assert_non_null(strstr(b.memory.violation, "WLAST"));
}

static void count(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  assert_int_equal(unit, MX_UNIT_MOVE);
  assert_int_equal(space, MX_SPACE_MEM);
  assert_int_equal(address, 0x300 + (*(uint32_t *)self == 0 ? 1 : 9));
  assert_int_equal(value, 0x77);
  ++*(uint32_t *)self;
}

static void writes_are_observed_byte_by_byte(void **state) {
  (void)state;
  uint32_t n = 0;
  open_bench(&(mx_memory_options){.latency = 1, .outstanding = 4});
  b.memory.observer = (mx_observer){count, &n};
  write_beat(BASE + 0x300, 0x77, 0x0202);
  assert_int_equal(n, 2);
}

// Beats come when the chip says, accesses shared by two beats once.
static void chip_times_beats(void **state) {
  (void)state;
  static const char *const chips[] = {"ddr3-1066:16", "ddr4-2400:64", "qspi-48"};
  for (int c = 0; c < 3; c++) {
    const mx_dram_params *chip = mx_dram_find(chips[c]);
    mx_dram alone;
    mx_dram_open(&alone, chip);
    open_bench(&(mx_memory_options){.chip = chip, .clock_khz = 100000, .outstanding = 4});
    cycle();
    ask(BASE + 0x80, 8);
    uint64_t accepted = b.memory.time.cycle, done = 0, period = 10000;
    for (uint32_t at = 0x80, next = 0x80; at < 0x100; at += BEAT) {
      for (; next < at + BEAT; next += chip->burst_bytes)
        done = (mx_dram_access(&alone, accepted * period, next, false) + period - 1) / period;
      uint64_t before = b.memory.time.cycle, came;
      while (!*b.ports.m_axi_rvalid_i) cycle();
      came = b.memory.time.cycle;
      assert_int_equal(came, done > before ? done : before);
      expect_beat(at, at == 0xf0);
    }
    assert_null(b.memory.violation);
  }
}

static void chip_times_writes(void **state) {
  (void)state;
  const mx_dram_params *chip = mx_dram_find("ddr3-1066:16");
  open_bench(&(mx_memory_options){.chip = chip, .clock_khz = 100000, .outstanding = 4});
  cycle();
  uint64_t before = b.memory.time.cycle;
  assert_int_equal(write_beat(BASE + 0x40, 0x11, 0xffff), 0);
  uint64_t least_ps = chip->rcd_ps + chip->cwl_ps + chip->path_ps;
  assert_in_range(b.memory.time.cycle - before, least_ps / 10000, least_ps / 10000 + 6);
  assert_int_equal(b.memory.time.dram.bytes, chip->burst_bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_come_in_order),    cmocka_unit_test(latency_is_kept),
      cmocka_unit_test(bandwidth_is_kept),      cmocka_unit_test(outstanding_is_bounded),
      cmocka_unit_test(strobes_choose_bytes),   cmocka_unit_test(outside_gives_errors),
      cmocka_unit_test(stalls_lose_nothing),    cmocka_unit_test(seeds_repeat),
      cmocka_unit_test(rules_are_checked),      cmocka_unit_test(writes_are_observed_byte_by_byte),
      cmocka_unit_test(chip_times_beats),       cmocka_unit_test(chip_times_writes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
