#ifndef TEST_UART_DEVICE_H
#define TEST_UART_DEVICE_H
// A host on the bits of a simulated serial line: the firmware's end of the line, and
// the device and its memory behind it as the runtime wants them.
#include "firmware/mx_runtime.h"
#include "firmware/mx_serial_host.h"
#include "tests/rtl/uart_line.h"

typedef struct {
  uart_line line;
  mx_serial_host host;
  uint32_t offset;     // of the device's memory in the board's
  unsigned noise;      // of 10000 bytes each way, so many are dropped, flipped, doubled
  bool failed;         // an access did, since it was opened
  unsigned taken;      // of line.in
  void (*step)(void);  // a cycle
  uint32_t cycles_per_ms;
} uart_device;

// The line idle, and a host that asked nothing yet.
void uart_device_open(uart_device *d, unsigned clocks_per_bit, uint32_t clock_hz, void (*step)(void));

// What the runtime needs but the facts; uses d as long as it lives.
mx_runtime uart_device_runtime(uart_device *d);

// `ok`, and no access failed; else the test ends with `what`.
void uart_device_require(const uart_device *d, bool ok, const char *what);

// The toy image's initial program and `count` tokens from BOS on, which must be right.
void uart_device_run_toy(uart_device *d, mx_runtime *rt, unsigned count);
#endif
