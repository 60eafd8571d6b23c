#include "tests/rtl/uart_line.h"

void uart_line_open(uart_line *l, unsigned clocks_per_bit, int permille) {
  *l = (uart_line){.to = tb_find("rx_i"), .from = tb_find("tx_o")};
  mx_uart_pins_open(&l->pins, (uint64_t)clocks_per_bit * MX_UART_PINS_CYCLE, permille);
  tb_put(l->to, 1);
}

void uart_line_send(uart_line *l, uint8_t byte, bool broken) {
  TB_CHECK(mx_uart_pins_room(&l->pins), "the test sends too much at once");
  mx_uart_pins_send(&l->pins, byte, broken);
}

void uart_line_step(uart_line *l) {
  tb_put(l->to, mx_uart_pins_step(&l->pins, tb_peek(l->from)));
  TB_CHECK(!l->pins.error, "%s", l->pins.error);
  for (int byte; (byte = mx_uart_pins_take(&l->pins)) >= 0;) {
    TB_CHECK(l->in_count < UART_LINE_BYTES, "too much arrives");
    l->in[l->in_count++] = (uint8_t)byte;
  }
}
