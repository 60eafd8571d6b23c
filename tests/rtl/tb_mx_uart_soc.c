// tb: top=mx_uart_soc set=tiny params=ClocksPerBit=4,ClockHz=1000000 dir=tests/rtl gen=mx_frame_pkg
// A model on the Verilated accelerator behind the Verilated bridge, driven by the
// firmware's host end over the bits of the line: its tokens are those of the image,
// on a clean line and on one that drops, flips and doubles bytes.
#include <string.h>

#include "firmware/mx_runtime.h"
#include "firmware/mx_serial_host.h"
#include "sim/session.h"
#include "tests/rtl/axi_memory.h"
#include "tests/rtl/uart_line.h"
#include "tests/unit/toy_image.h"

enum { CYCLES_PER_MS = 1000, TOKENS = 4, MEMORY = 1 << 20, PATIENCE_MS = 20, LINE_BYTES = 10 * TB_ClocksPerBit };

static axi_memory *memory;
static uart_line line;
static mx_serial_host host;
static unsigned noise;  // of 10000 bytes each way
static unsigned taken;  // of line.in
static bool failed;

static struct {
  tb_port *awvalid, *awready, *awaddr, *wvalid, *wready, *wdata, *bvalid, *arvalid, *arready, *araddr, *rvalid, *rdata;
} m;

static void find_ports(void) {
#define PORT(name, way) m.name = tb_find("mem_axi_" #name way)
  PORT(awvalid, "_o"); PORT(awready, "_i"); PORT(awaddr, "_o"); PORT(wvalid, "_o"); PORT(wready, "_i"); PORT(wdata, "_o");
  PORT(bvalid, "_i"); PORT(arvalid, "_o"); PORT(arready, "_i"); PORT(araddr, "_o"); PORT(rvalid, "_i"); PORT(rdata, "_i");
#undef PORT
}

// The bridge's way to memory: an answer a few cycles after address and data.
static void settle_memory(void) {
  static unsigned delay;
  bool write = tb_peek(m.awvalid) && tb_peek(m.wvalid), read = tb_peek(m.arvalid);
  uint8_t *bytes = axi_memory_bytes(memory);
  tb_put(m.bvalid, 0), tb_put(m.rvalid, 0), tb_put(m.awready, 0), tb_put(m.wready, 0), tb_put(m.arready, 0);
  if (!write && !read) {
    if (delay && --delay == 0) tb_put(m.bvalid, 1), tb_put(m.rvalid, 1);
    return;
  }
  delay = 1 + (unsigned)tb_random_below(5);
  tb_put(m.awready, write), tb_put(m.wready, write), tb_put(m.arready, read);
  uint64_t addr = tb_peek(write ? m.awaddr : m.araddr);
  TB_CHECK(addr + 4 <= MEMORY, "the bridge goes to %lX", addr);
  for (unsigned i = 0; i < 4; i++) {
    if (write) bytes[addr + i] = (uint8_t)tb_peek_bits(m.wdata, 8 * i, 8);
    tb_put_bits(m.rdata, 8 * i, 8, bytes[addr + i]);
  }
}

static void step(void) {
  axi_memory_drive(memory);
  uart_line_step(&line);
  settle_memory();
  tb_eval();
  axi_memory_sample(memory);
  tb_cycle();
}

// ---- the line ------------------------------------------------------------------------

// How often a byte passes: 0, 1 or 2 times; or changed.
static unsigned disturb(uint8_t *byte) {
  uint64_t chance = tb_random_below(10000);
  if (chance < noise) return 0;
  if (chance < 2 * noise) *byte ^= (uint8_t)(1u << tb_random_below(8));
  return chance >= 2 * noise && chance < 3 * noise ? 2 : 1;
}

static bool send(void *self, const uint8_t *bytes, uint32_t count) {
  (void)self;
  while (line.out_head != line.out_tail) step();
  step();
  for (uint32_t i = 0; i < count; i++) {
    uint8_t byte = bytes[i];
    for (unsigned n = disturb(&byte); n; n--) uart_line_send(&line, byte, false);
  }
  return true;
}

static int receive(void *self, uint32_t timeout_ms) {
  (void)self;
  for (uint64_t i = 0; i < (uint64_t)timeout_ms * CYCLES_PER_MS + 1 && taken == line.in_count; i++) step();
  if (taken == line.in_count) return MX_LINE_SILENT;
  uint8_t byte = line.in[taken++];
  if (taken == line.in_count) taken = line.in_count = 0;
  return disturb(&byte) ? byte : MX_LINE_SILENT;
}

static uint32_t now_ms(void *self) {
  (void)self;
  return (uint32_t)(tb_cycles() / CYCLES_PER_MS);
}

// ---- the device ----------------------------------------------------------------------

static bool good(mx_serial_status s) {
  if (s) failed = true;
  return !s;
}

static uint32_t read_register(void *self, uint32_t offset) {
  uint32_t value = UINT32_MAX;
  return good(mx_serial_read_csr(self, offset, &value)) ? value : UINT32_MAX;
}

static void write_register(void *self, uint32_t offset, uint32_t value) { good(mx_serial_write_csr(self, offset, value)); }

static bool wait(void *self, uint32_t polls) {
  bool interrupt;
  return good(mx_serial_wait(self, 20, &interrupt)) && polls < 100;
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  uint32_t words[TOY_MEMORY / 4];
  memcpy(words, from, bytes);
  return good(mx_serial_put(self, addr, words, bytes / 4));
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  uint32_t words[TOY_MEMORY / 4];
  bool ok = good(mx_serial_get(self, addr, words, bytes / 4));
  memcpy(to, words, bytes);
  return ok;
}

static void require(bool ok, const char *what) {
  TB_CHECK(ok && !failed, "%s; %lu requests, %lu repeated", what, (unsigned long)host.requests, (unsigned long)host.retries);
}

static void run(const mx_image *image) {
  host = (mx_serial_host){.line = {NULL, send, receive, now_ms}, .byte_ns = LINE_BYTES * 1000000 / CYCLES_PER_MS,
                          .patience_ms = PATIENCE_MS, .tries = 20};
  require(mx_serial_open(&host) == MX_SERIAL_OK, "the board does not answer");
  TB_CHECK(host.clock_hz == TB_ClockHz && host.memory_bytes == MEMORY && host.memory_base == 0, "the board's facts are wrong");
  mx_runtime rt = {.device.mmio = {&host, read_register, write_register, wait}, .memory = {&host, put, get},
                   .memory_base = host.memory_base, .max_polls = 1000, .facts = mx_facts_of(image)};
  uint8_t got[TOY_MEMORY];
  require(put(&host, 0, image->memory, TOY_MEMORY), "cannot load");
  require(get(&host, 0, got, TOY_MEMORY) && !memcmp(got, image->memory, TOY_MEMORY), "memory is not what was loaded");
  require(mx_runtime_begin(&rt) == MX_DRIVER_OK, "the initial program fails");
  uint32_t token = TOY_BOS;
  for (unsigned i = 0; i < TOKENS; i++) {
    uint32_t next = 99;
    require(mx_runtime_token(&rt, token, &next) == MX_DRIVER_OK, "a token fails");
    TB_CHECK(next == toy_next(token), "after %u comes %u, expected %u", token, next, toy_next(token));
    token = next;
  }
}

void tb_main(void) {
  find_ports();
  memory = axi_memory_new(&(axi_memory_config){.size = MEMORY, .bus_bits = 32, .reads = true, .writes = true});
  axi_memory_set_timing(memory, (axi_timing){.latency_min = 2, .latency_max = 9, .gap = 10, .stall = 10});
  mx_image *image = toy_image("tiny");
  uart_line_open(&line, TB_ClocksPerBit, 0);
  tb_reset();
  run(image);
  TB_CHECK(host.retries == 0, "%lu repetitions on a clean line", (unsigned long)host.retries);
  noise = 5;
  run(image);
  TB_CHECK(host.retries > 0, "no repetitions on a noisy line");
  mx_image_free(image);
  axi_memory_free(memory);
}
