#ifndef TEST_UART_LINE_H
#define TEST_UART_LINE_H
// The other end of a serial line, bit by bit: sends bytes to rx_i, takes bytes
// from tx_o. Call step once per cycle, before tb_cycle.
#include "tests/rtl/tb.h"

enum { UART_LINE_BYTES = 8192 };

typedef struct {
  tb_port *to, *from;              // rx_i and tx_o of the module
  uint64_t bit_time, sent_time;    // of the module, of what is sent: 1/256 cycles
  uint8_t out[UART_LINE_BYTES], in[UART_LINE_BYTES];
  bool broken[UART_LINE_BYTES];    // this byte goes out with a stop bit of 0
  unsigned out_head, out_tail, in_count;
  uint64_t now, out_at;            // 1/256 cycles; when out[out_head] began
  bool sending, receiving;
  uint64_t in_at;
  unsigned in_bit, in_byte;
} uart_line;

// `permille`: by how much this end is slower than ClocksPerBit.
void uart_line_open(uart_line *l, unsigned clocks_per_bit, int permille);
void uart_line_step(uart_line *l);
void uart_line_send(uart_line *l, uint8_t byte, bool broken);
static inline bool uart_line_idle(const uart_line *l) { return l->out_head == l->out_tail && !l->sending && !l->receiving; }
#endif
