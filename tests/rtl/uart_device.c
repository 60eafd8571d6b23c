#include "tests/rtl/uart_device.h"

#include <string.h>

#include "tests/unit/toy_image.h"

enum { PATIENCE_MS = 20, TRIES = 20, WAIT_MS = 20, MOST_BYTES = 1 << 16 };

// ---- the line ------------------------------------------------------------------------

// How often a byte passes: 0, 1 or 2 times; or changed.
static unsigned disturb(const uart_device *d, uint8_t *byte) {
  uint64_t chance = tb_random_below(10000);
  unsigned noise = d->noise;
  if (chance < noise) return 0;
  if (chance < 2 * noise) *byte ^= (uint8_t)(1u << tb_random_below(8));
  return chance >= 2 * noise && chance < 3 * noise ? 2 : 1;
}

static bool send(void *self, const uint8_t *bytes, uint32_t count) {
  uart_device *d = self;
  while (uart_line_sends(&d->line)) d->step();
  d->step();
  for (uint32_t i = 0; i < count; i++) {
    uint8_t byte = bytes[i];
    for (unsigned n = disturb(d, &byte); n; n--) uart_line_send(&d->line, byte, false);
  }
  return true;
}

static int receive(void *self, uint32_t timeout_ms) {
  uart_device *d = self;
  uart_line *line = &d->line;
  for (uint64_t i = 0; i < (uint64_t)timeout_ms * d->cycles_per_ms + 1 && d->taken == line->in_count; i++) d->step();
  if (d->taken == line->in_count) return MX_LINE_SILENT;
  uint8_t byte = line->in[d->taken++];
  if (d->taken == line->in_count) d->taken = line->in_count = 0;
  return disturb(d, &byte) ? byte : MX_LINE_SILENT;
}

static uint32_t now_ms(void *self) {
  return (uint32_t)(tb_cycles() / ((uart_device *)self)->cycles_per_ms);
}

// ---- the device ----------------------------------------------------------------------

static bool good(uart_device *d, mx_serial_status s) {
  if (s) d->failed = true;
  return !s;
}

static uint32_t read_register(void *self, uint32_t offset) {
  uart_device *d = self;
  uint32_t value = UINT32_MAX;
  return good(d, mx_serial_read_csr(&d->host, offset, &value)) ? value : UINT32_MAX;
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  uart_device *d = self;
  good(d, mx_serial_write_csr(&d->host, offset, value));
}

static bool wait(void *self, uint32_t polls) {
  uart_device *d = self;
  bool interrupt;
  return good(d, mx_serial_wait(&d->host, WAIT_MS, &interrupt)) && polls < 100;
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  uart_device *d = self;
  uint32_t words[MOST_BYTES / 4];
  memcpy(words, from, bytes);
  return good(d, mx_serial_put(&d->host, d->offset + addr, words, bytes / 4));
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  uart_device *d = self;
  uint32_t words[MOST_BYTES / 4];
  bool ok = good(d, mx_serial_get(&d->host, d->offset + addr, words, bytes / 4));
  memcpy(to, words, bytes);
  return ok;
}

void uart_device_open(uart_device *d, unsigned clocks_per_bit, uint32_t clock_hz, void (*step)(void)) {
  *d = (uart_device){.step = step, .cycles_per_ms = clock_hz / 1000};
  uart_line_open(&d->line, clocks_per_bit, 0);
  d->host = (mx_serial_host){.line = {d, send, receive, now_ms}, .byte_ns = 10 * clocks_per_bit * 1000000 / d->cycles_per_ms,
                             .patience_ms = PATIENCE_MS, .tries = TRIES};
}

mx_runtime uart_device_runtime(uart_device *d) {
  return (mx_runtime){.device.mmio = {d, read_register, write_register, wait}, .memory = {d, put, get},
                      .memory_base = d->host.memory_base + d->offset, .max_polls = 1000};
}

// ---- checks --------------------------------------------------------------------------

void uart_device_require(const uart_device *d, bool ok, const char *what) {
  TB_CHECK(ok && !d->failed, "%s; %lu requests, %lu repeated", what, (unsigned long)d->host.requests, (unsigned long)d->host.retries);
}

void uart_device_run_toy(uart_device *d, mx_runtime *rt, unsigned count) {
  uart_device_require(d, mx_runtime_begin(rt) == MX_DRIVER_OK, "the initial program fails");
  uint32_t token = TOY_BOS;
  for (unsigned i = 0; i < count; i++) {
    uint32_t next = 99;
    uart_device_require(d, mx_runtime_token(rt, token, &next) == MX_DRIVER_OK, "a token fails");
    TB_CHECK(next == toy_next(token), "after %u comes %u, expected %u", token, next, toy_next(token));
    token = next;
  }
}
