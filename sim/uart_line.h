#ifndef MX_UART_LINE_H
#define MX_UART_LINE_H
// A serial line of the host, raw, as the bytes that firmware/mx_serial_host.h wants.
#include "firmware/mx_serial_host.h"
#include "golden/error.h"

typedef struct {
  int fd;
  uint8_t bytes[4096];  // that arrived
  uint32_t first, count;
} mx_uart_line;

// Open `path` with `baud` bits per second, 8 data bits, no parity, one stop bit, no
// flow control. MX_IO: the system refuses. MX_UNSUPPORTED: it has no such speed.
mx_status mx_uart_line_open(mx_uart_line *u, const char *path, uint32_t baud, mx_error *e);
void mx_uart_line_close(mx_uart_line *u);

// `u` must outlive it.
mx_line mx_uart_line_of(mx_uart_line *u);
#endif
