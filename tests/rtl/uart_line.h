#ifndef TEST_UART_LINE_H
#define TEST_UART_LINE_H
// The other end of a serial line, bit by bit: sends bytes to rx_i, takes bytes
// from tx_o. Call step once per cycle, before tb_cycle.
#include "sim/soc/uart_pins.h"
#include "tests/rtl/tb.h"

enum { UART_LINE_BYTES = MX_UART_PINS_BYTES };

typedef struct {
  tb_port *to, *from;             // rx_i and tx_o of the module
  mx_uart_pins pins;
  uint8_t in[UART_LINE_BYTES];    // what arrived
  unsigned in_count;
} uart_line;

// `permille`: by how much this end is slower than ClocksPerBit.
void uart_line_open(uart_line *l, unsigned clocks_per_bit, int permille);
void uart_line_step(uart_line *l);
void uart_line_send(uart_line *l, uint8_t byte, bool broken);  // broken: with a stop bit of 0
static inline bool uart_line_sends(const uart_line *l) { return mx_uart_pins_sends(&l->pins); }
static inline bool uart_line_idle(const uart_line *l) { return !uart_line_sends(l) && !l->pins.receiving; }
#endif
