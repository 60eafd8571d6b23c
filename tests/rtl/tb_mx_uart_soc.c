// tb: top=mx_uart_soc set=tiny params=ClocksPerBit=4,ClockHz=1000000 dir=tests/rtl gen=mx_frame_pkg
// A model on the Verilated accelerator behind the Verilated bridge, driven by the
// firmware's host end over the bits of the line: its tokens are those of the image,
// on a clean line and on one that drops, flips and doubles bytes.
#include <string.h>

#include "sim/session.h"
#include "tests/rtl/axi_memory.h"
#include "tests/rtl/uart_device.h"
#include "tests/unit/toy_image.h"

enum { TOKENS = 4, MEMORY = 1 << 20 };

static axi_memory *memory;
static uart_device device;

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
  uart_line_step(&device.line);
  settle_memory();
  tb_eval();
  axi_memory_sample(memory);
  tb_cycle();
}

static void require(bool ok, const char *what) { uart_device_require(&device, ok, what); }

static void run(const mx_image *image, unsigned noise) {
  uart_device_open(&device, TB_ClocksPerBit, TB_ClockHz, step);
  device.noise = noise;
  const mx_serial_host *host = &device.host;
  require(mx_serial_open(&device.host) == MX_SERIAL_OK, "the board does not answer");
  TB_CHECK(host->clock_hz == TB_ClockHz && host->memory_bytes == MEMORY && host->memory_base == 0 && host->flash_bytes == 0,
           "the board's facts are wrong");
  mx_runtime rt = uart_device_runtime(&device);
  rt.facts = mx_facts_of(image);
  uint8_t got[TOY_MEMORY];
  require(rt.memory.put(&device, 0, image->memory, TOY_MEMORY), "cannot load");
  require(rt.memory.get(&device, 0, got, TOY_MEMORY) && !memcmp(got, image->memory, TOY_MEMORY), "memory is not what was loaded");
  uart_device_run_toy(&device, &rt, TOKENS);
}

void tb_main(void) {
  find_ports();
  memory = axi_memory_new(&(axi_memory_config){.size = MEMORY, .bus_bits = 32, .reads = true, .writes = true});
  axi_memory_set_timing(memory, (axi_timing){.latency_min = 2, .latency_max = 9, .gap = 10, .stall = 10});
  mx_image *image = toy_image("tiny");
  uart_line_open(&device.line, TB_ClocksPerBit, 0);
  tb_reset();
  run(image, 0);
  TB_CHECK(device.host.retries == 0, "%lu repetitions on a clean line", (unsigned long)device.host.retries);
  run(image, 5);
  TB_CHECK(device.host.retries > 0, "no repetitions on a noisy line");
  mx_image_free(image);
  axi_memory_free(memory);
}
