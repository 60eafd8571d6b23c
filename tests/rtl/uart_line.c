#include "tests/rtl/uart_line.h"

enum { ONE = 256 };  // a cycle

void uart_line_open(uart_line *l, unsigned clocks_per_bit, int permille) {
  *l = (uart_line){.to = tb_find("rx_i"), .from = tb_find("tx_o"), .bit_time = (uint64_t)clocks_per_bit * ONE};
  l->sent_time = (uint64_t)((int64_t)l->bit_time * (1000 + permille) / 1000);
  tb_put(l->to, 1);
}

void uart_line_send(uart_line *l, uint8_t byte, bool broken) {
  TB_CHECK(l->out_tail < UART_LINE_BYTES, "the test sends too much at once");
  l->broken[l->out_tail] = broken;
  l->out[l->out_tail++] = byte;
}

// Start bit, 8 bits, stop bit; one more of 1 after a broken byte.
static void send(uart_line *l) {
  if (!l->sending && l->out_head == l->out_tail) {
    l->out_head = l->out_tail = 0;
    return;
  }
  if (!l->sending) l->out_at = l->now;
  l->sending = true;
  uint64_t bit = (l->now - l->out_at) / l->sent_time;
  bool broken = l->broken[l->out_head];
  if (bit >= (broken ? 12 : 10)) {
    l->sending = false;
    l->out_head++;
    send(l);
    return;
  }
  unsigned level = bit == 0 ? 0 : bit <= 8 ? l->out[l->out_head] >> (bit - 1) & 1 : bit == 9 ? !broken : 1;
  tb_put(l->to, level);
}

// Samples in the middle of each bit.
static void receive(uart_line *l) {
  unsigned level = (unsigned)tb_peek(l->from);
  if (!l->receiving && !level) {
    l->receiving = true;
    l->in_bit = l->in_byte = 0;
    l->in_at = l->now + l->bit_time / 2;
  }
  if (!l->receiving || l->now < l->in_at) return;
  l->in_at += l->bit_time;
  if (l->in_bit == 0) TB_CHECK(!level, "a start bit is too short");
  else if (l->in_bit <= 8) l->in_byte |= level << (l->in_bit - 1);
  else TB_CHECK(level, "a stop bit is 0");
  if (l->in_bit++ < 9) return;
  l->receiving = false;
  TB_CHECK(l->in_count < UART_LINE_BYTES, "too much arrives");
  l->in[l->in_count++] = (uint8_t)l->in_byte;
}

void uart_line_step(uart_line *l) {
  send(l);
  receive(l);
  l->now += ONE;
}
