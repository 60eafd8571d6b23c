// tb: name=mx_stream_32  top=mx_stream_top dir=tests/rtl params=BusBits=32,BurstBeats=8,Reads=2,StreamFifoBeats=32,StreamQueue=4
// tb: name=mx_stream_serial top=mx_stream_top dir=tests/rtl params=BusBits=32,BurstBeats=8,Reads=2,StreamFifoBeats=32,StreamQueue=4,Serial=1
// tb: name=mx_stream_64  top=mx_stream_top dir=tests/rtl params=BusBits=64,BurstBeats=16,Reads=4,StreamFifoBeats=128,StreamQueue=8
// tb: name=mx_stream_128 top=mx_stream_top dir=tests/rtl params=BusBits=128,BurstBeats=16,Reads=8,StreamFifoBeats=256,StreamQueue=8
// tb: name=mx_stream_256 top=mx_stream_top dir=tests/rtl params=BusBits=256,BurstBeats=16,Reads=8,StreamFifoBeats=256,StreamQueue=8
// mx_stream and mx_read against a list of the beats that commands ask for:
// random traffic of all three clients, rate, faults, stop.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "golden/isa.h"  // MX_FAULT_
#include "tests/rtl/axi_memory.h"
#include "tests/rtl/tb.h"

#ifndef TB_Serial
#define TB_Serial 0  // 1: slower, and the range of a segment is checked request by request
#endif

enum { BEAT = TB_BusBits / 8, MEMORY = 1 << 18, EXPECTED = 1 << 16, COMMANDS = 400, PATIENCE = 200000 };

typedef struct { uint32_t addr, segments, beats, stride; } command;

// One of the clients 0 and 2: bursts asked for, oldest first.
typedef struct {
  unsigned bit;                  // of other_valid_i; r_valid_o has it at 2 * bit
  bool asking;
  uint32_t addr, beats;          // of the request on the ports
  uint32_t expected[EXPECTED];   // addresses of beats, by `asked` and `got`
  unsigned asked, got;
} other_client;

static struct {
  tb_port *rst, *stop, *idle, *empty, *read_fault, *stream_fault, *mem_base, *mem_size;
  tb_port *cmd_valid, *cmd_ready, *cmd_addr, *cmd_segments, *cmd_beats, *cmd_stride;
  tb_port *s_valid, *s_ready, *s_data;
  tb_port *other_valid, *other_ready, *other_addr, *other_len, *r_valid, *r_data;
} port;

static axi_memory *memory;
static uint32_t mem_size;
static uint32_t expected[EXPECTED];  // addresses of the stream's beats, by `pushed` and `taken`
static unsigned pushed, taken;
static unsigned stream_fault, read_fault;  // the last that was reported
static other_client other[2] = {{.bit = 0}, {.bit = 1}};
static command next;
static bool next_valid, others_on;
static unsigned take_percent = 100;

static bool percent(unsigned p) { return tb_random_below(100) < p; }

static void open_ports(void) {
  port.rst = tb_find("rst_ni"), port.stop = tb_find("stop_i"), port.idle = tb_find("idle_o");
  port.empty = tb_find("empty_o"), port.read_fault = tb_find("read_fault_o");
  port.stream_fault = tb_find("stream_fault_o");
  port.mem_base = tb_find("mem_base_i"), port.mem_size = tb_find("mem_size_i");
  port.cmd_valid = tb_find("cmd_valid_i"), port.cmd_ready = tb_find("cmd_ready_o");
  port.cmd_addr = tb_find("cmd_addr_i"), port.cmd_segments = tb_find("cmd_segments_i");
  port.cmd_beats = tb_find("cmd_seg_beats_i"), port.cmd_stride = tb_find("cmd_stride_i");
  port.s_valid = tb_find("s_valid_o"), port.s_ready = tb_find("s_ready_i"), port.s_data = tb_find("s_data_o");
  port.other_valid = tb_find("other_valid_i"), port.other_ready = tb_find("other_ready_o");
  port.other_addr = tb_find("other_addr_i"), port.other_len = tb_find("other_len_i");
  port.r_valid = tb_find("r_valid_o"), port.r_data = tb_find("r_data_o");
}

static void check_beat(const tb_port *data, uint32_t addr, const char *who) {
  const uint8_t *bytes = axi_memory_bytes(memory) + addr;
  for (unsigned i = 0; i < BEAT; i += 4) {
    uint32_t want, got = (uint32_t)tb_peek_bits(data, 8 * i, 32);
    memcpy(&want, bytes + i, 4);
    TB_CHECK(got == want, "%s: beat of 0x%x, byte %u: got %08x, expected %08x", who, addr, i, got, want);
  }
}

// Appends the beats of a command up to its first bad segment.
static void expect(const command *c) {
  if (c->addr % BEAT || c->stride % BEAT) return;
  for (uint32_t s = 0; s < c->segments; s++) {
    uint32_t at = c->addr + s * c->stride;
    if ((uint64_t)at + (uint64_t)c->beats * BEAT > mem_size) return;
    for (uint32_t b = 0; b < c->beats; b++) {
      TB_CHECK(pushed - taken < EXPECTED, "the test's list is too short");
      expected[pushed++ % EXPECTED] = at + b * BEAT;
    }
  }
}

// ---- one cycle ----

// They come before the stream: asked for more, they would leave it nothing.
static void drive_other(other_client *o) {
  if (!o->asking && others_on && percent(TB_Serial ? 1 : 4) && o->asked - o->got < EXPECTED - 256) {
    uint32_t beats = 1 + (uint32_t)tb_random_below(TB_BurstBeats);
    uint32_t first = (uint32_t)tb_random_below(TB_BurstBeats - beats + 1);
    uint32_t window = (uint32_t)tb_random_below((TB_Serial ? mem_size : MEMORY) / (TB_BurstBeats * BEAT));
    o->asking = true;
    o->beats = beats;
    o->addr = (window * TB_BurstBeats + first) * BEAT;
  }
  tb_put_bits(port.other_valid, o->bit, 1, o->asking);
  tb_put_bits(port.other_addr, 32 * o->bit, 32, o->addr);
  tb_put_bits(port.other_len, 8 * o->bit, 8, o->beats - 1);
}

static void sample_other(other_client *o) {
  if (tb_peek_bits(port.r_valid, 2 * o->bit, 1)) {
    TB_CHECK(o->got < o->asked, "client %u got a beat it did not ask for", 2 * o->bit);
    check_beat(port.r_data, o->expected[o->got++ % EXPECTED], o->bit ? "client 2" : "client 0");
  }
  if (!o->asking || !tb_peek_bits(port.other_ready, o->bit, 1)) return;
  o->asking = false;
  for (uint32_t b = 0; b < o->beats; b++) o->expected[o->asked++ % EXPECTED] = o->addr + b * BEAT;
}

static void drive_command(void) {
  tb_put(port.cmd_valid, next_valid);
  tb_put(port.cmd_addr, next_valid ? next.addr : (uint32_t)tb_random());
  tb_put(port.cmd_segments, next.segments);
  tb_put(port.cmd_beats, next.beats);
  tb_put(port.cmd_stride, next.stride);
  tb_put(port.s_ready, percent(take_percent));
}

static void sample_stream(void) {
  if (tb_peek(port.stream_fault)) stream_fault = (unsigned)tb_peek(port.stream_fault);
  if (tb_peek(port.read_fault)) read_fault = (unsigned)tb_peek(port.read_fault);
  if (tb_peek(port.empty)) TB_CHECK(pushed == taken, "empty_o with %u beats to come", pushed - taken);
  if (tb_peek(port.s_valid) && tb_peek(port.s_ready)) {
    TB_CHECK(taken < pushed, "a beat that no command asked for");
    check_beat(port.s_data, expected[taken++ % EXPECTED], "stream");
  }
  if (next_valid && tb_peek(port.cmd_ready)) {
    expect(&next);
    next_valid = false;
  }
}

static void cycle(void) {
  axi_memory_drive(memory);
  drive_command();
  drive_other(&other[0]);
  drive_other(&other[1]);
  tb_eval();
  axi_memory_sample(memory);
  sample_stream();
  sample_other(&other[0]);
  sample_other(&other[1]);
  tb_cycle();
}

static void give(command c) {
  next = c;
  next_valid = true;
  for (int i = 0; next_valid; i++) {
    TB_CHECK(i < PATIENCE, "a command is never accepted");
    cycle();
  }
}

static void drain(void) {
  others_on = false;
  for (int i = 0; !tb_peek(port.empty) || !tb_peek(port.idle) || other[0].asking || other[1].asking; i++) {
    TB_CHECK(i < PATIENCE, "the stream never becomes empty; %u beats to come", pushed - taken);
    cycle();
  }
  TB_CHECK(pushed == taken, "%u beats are missing", pushed - taken);
  TB_CHECK(other[0].asked == other[0].got && other[1].asked == other[1].got, "beats of other clients are missing");
}

static void reset(void) {
  TB_CHECK(axi_memory_idle(memory), "reset with reads on their way");
  tb_put(port.cmd_valid, 0);
  tb_put(port.other_valid, 0);
  tb_put(port.stop, 0);
  next_valid = other[0].asking = other[1].asking = false;
  tb_reset();
  pushed = taken;
  other[0].got = other[0].asked, other[1].got = other[1].asked;
  stream_fault = read_fault = MX_FAULT_NONE;
}

// ---- tests ----

static void random_timing(void) {
  unsigned least = 1 + (unsigned)tb_random_below(20);
  axi_memory_set_timing(memory, (axi_timing){.latency_min = least,
                                             .latency_max = least + (unsigned)tb_random_below(20),
                                             .gap = (unsigned)tb_random_below(60) * (unsigned)tb_random_below(2),
                                             .stall = (unsigned)tb_random_below(80) * (unsigned)tb_random_below(2)});
  take_percent = percent(50) ? 100 : 10 + (unsigned)tb_random_below(90);
}

// A command within the memory; strides may be negative, or 0.
static command random_command(void) {
  command c = {.segments = (uint32_t)tb_random_below(6), .beats = (uint32_t)tb_random_below(percent(50) ? 4 : 80)};
  uint32_t step = c.beats + (uint32_t)tb_random_below(20);
  uint32_t last = c.segments ? (c.segments - 1) * step : 0, room = mem_size / BEAT - last - c.beats;
  uint32_t low = (uint32_t)tb_random_below(room + 1);
  if (percent(10)) low = room;  // up to the last beat
  bool down = percent(30);
  c.addr = (low + (down ? last : 0)) * BEAT;
  c.stride = (down ? -step : step) * BEAT;
  return c;
}

static void test_random(void) {
  for (int i = 0; i < COMMANDS; i++) {
    if (i % 20 == 0) random_timing();
    others_on = i / 40 % 2;
    give(random_command());
    if (percent(10)) drain();
  }
  drain();
}

static uint64_t beats_in(unsigned cycles) {
  unsigned before = taken;
  for (unsigned i = 0; i < cycles; i++) cycle();
  return taken - before;
}

// Waits for the first beat, then counts bubbles.
static uint64_t test_rate(uint32_t segments, uint32_t beats, unsigned latency) {
  axi_memory_set_timing(memory, (axi_timing){.latency_min = latency, .latency_max = latency});
  take_percent = 100;
  for (int i = 0; i < 4; i++) give((command){.segments = segments, .beats = beats, .stride = beats * BEAT});
  unsigned total = 4 * segments * beats, before = taken;
  uint64_t start = tb_cycles();
  while (taken == before) {
    TB_CHECK(tb_cycles() - start < PATIENCE, "no first beat");
    cycle();
  }
  uint64_t left = total - (taken - before), got = beats_in((unsigned)left);
  drain();
  return 1000 * got / left;
}

static void test_rates(void) {
  unsigned covered = (TB_Reads - 1) * TB_BurstBeats;
  uint64_t quick = test_rate(1, 1024, 2), slow = test_rate(1, 1024, covered - 4), parts = test_rate(64, 16, 4);
  uint64_t small = test_rate(400, 1, 2);
  printf("rate per mille: %" PRIu64 " latency 2, %" PRIu64 " latency %u, %" PRIu64 " segments of 16, %" PRIu64
         " segments of 1 beat\n", quick, slow, covered - 4, parts, small);
  if (TB_Serial) return;
  TB_CHECK(quick == 1000, "bubbles in a long segment");
  TB_CHECK(slow >= (TB_Reads > 2 ? 990 : 900), "latency is not covered");
  TB_CHECK(parts == 1000, "bubbles between segments");
}

// A command that must fault, behind a good one that must still arrive.
static void test_fault(command bad, unsigned fault, const char *what) {
  give((command){.addr = 0, .segments = 2, .beats = 3, .stride = 4 * BEAT});
  give(bad);
  for (int i = 0; i < (TB_Serial ? 2000 : 200); i++) cycle();
  TB_CHECK(stream_fault == fault, "%s: fault %u, expected %u", what, stream_fault, fault);
  TB_CHECK(pushed == taken, "%s: %u good beats are missing", what, pushed - taken);
  next = (command){.segments = 1, .beats = 1};
  next_valid = true;
  uint64_t bursts = axi_memory_counts(memory).read_bursts;
  for (int i = 0; i < 50; i++) cycle();
  TB_CHECK(axi_memory_counts(memory).read_bursts == bursts, "%s: reads go on after the fault", what);
  reset();
}

static void test_faults(void) {
  uint32_t top = mem_size / BEAT * BEAT;
  take_percent = 100;
  test_fault((command){.addr = BEAT + 1, .segments = 1, .beats = 1}, MX_FAULT_ALIGN, "address");
  test_fault((command){.addr = BEAT / 2, .segments = 1, .beats = 1}, MX_FAULT_ALIGN, "address");
  test_fault((command){.segments = 1, .beats = 1, .stride = BEAT + BEAT / 2}, MX_FAULT_ALIGN, "stride");
  test_fault((command){.addr = top + 1, .segments = 1, .beats = 1}, MX_FAULT_ALIGN, "address, before range");
  test_fault((command){.addr = top, .segments = 1, .beats = 1}, MX_FAULT_RANGE, "behind the memory");
  if (!TB_Serial) test_fault((command){.addr = top - BEAT, .segments = 1, .beats = 2}, MX_FAULT_RANGE, "across the end");
  test_fault((command){.addr = 0u - BEAT, .segments = 1, .beats = 2}, MX_FAULT_RANGE, "across 2^32");
  if (!TB_Serial) test_fault((command){.addr = 0, .segments = 1, .beats = UINT32_MAX / BEAT}, MX_FAULT_RANGE, "all of 2^32");
  test_fault((command){.addr = top - 4 * BEAT, .segments = 4, .beats = 2, .stride = 2 * BEAT}, MX_FAULT_RANGE,
             "third segment");
  test_fault((command){.addr = 2 * BEAT, .segments = 4, .beats = 1, .stride = 0u - BEAT}, MX_FAULT_RANGE,
             "below 0");
}

// No check for commands without beats.
static void test_nothing(void) {
  give((command){.addr = 1, .segments = 0, .beats = 5, .stride = 3});
  give((command){.addr = 0xfffffff1u, .segments = 7, .beats = 0, .stride = 3});
  drain();
  TB_CHECK(!stream_fault, "a command without beats faults");
}

static void test_bus_error(void) {
  axi_memory_fail(memory, 10 * BEAT, 11 * BEAT);
  give((command){.addr = 0, .segments = 1, .beats = 10});
  drain();
  TB_CHECK(!read_fault, "bus error where there was none");
  give((command){.addr = 0, .segments = 1, .beats = 11});
  drain();
  TB_CHECK(read_fault == MX_FAULT_BUS_READ, "fault %u, expected BUS_READ", read_fault);
  axi_memory_fail(memory, 0, 0);
  reset();
}

static void test_stop(void) {
  random_timing();
  others_on = true;
  give((command){.addr = 0, .segments = 1, .beats = 400});
  for (uint64_t i = tb_random_below(60); i; i--) cycle();
  tb_put(port.stop, 1);
  cycle();
  uint64_t bursts = axi_memory_counts(memory).read_bursts;
  for (int i = 0; !tb_peek(port.idle); i++) {
    TB_CHECK(i < PATIENCE, "stop never ends");
    cycle();
  }
  for (int i = 0; i < 50; i++) cycle();
  TB_CHECK(axi_memory_counts(memory).read_bursts - bursts <= 1, "reads begin after stop_i");
  others_on = false;
  reset();
}

void tb_main(void) {
  open_ports();
  uint64_t base = (tb_random() & 0xffffffffff) >> 12 << 12;
  if (base > (UINT64_C(1) << 40) - MEMORY) base = 0xfffff000;
  mem_size = MEMORY - BEAT * (uint32_t)tb_random_below(100) - (uint32_t)tb_random_below(BEAT);
  memory = axi_memory_new(&(axi_memory_config){.base = base, .size = MEMORY, .bus_bits = TB_BusBits, .reads = true,
                                               .window_beats = TB_BurstBeats, .most_reads = TB_Reads});
  for (size_t i = 0; i < MEMORY; i++) axi_memory_bytes(memory)[i] = (uint8_t)tb_random();
  tb_put(port.mem_base, base);
  tb_put(port.mem_size, mem_size);
  reset();
  test_rates();
  test_nothing();
  test_random();
  test_faults();
  for (int i = 0; i < 10; i++) test_stop();
  test_bus_error();
  test_random();
  axi_counts c = axi_memory_counts(memory);
  printf("%" PRIu64 " beats in %" PRIu64 " bursts, at most %u outstanding\n", c.read_beats, c.read_bursts, c.most_reads);
  axi_memory_free(memory);
}
