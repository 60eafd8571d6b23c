#include "sim/soc/uart_pins.h"

enum { ONE = 256, MASK = MX_UART_PINS_BYTES - 1 };

void mx_uart_pins_open(mx_uart_pins *u, uint32_t clock_hz, uint32_t baud) {
  *u = (mx_uart_pins){.bit_time = (uint64_t)clock_hz * ONE / baud};
}

uint32_t mx_uart_pins_room(const mx_uart_pins *u) { return MX_UART_PINS_BYTES - (u->out_tail - u->out_head); }

void mx_uart_pins_send(mx_uart_pins *u, uint8_t byte) { u->out[u->out_tail++ & MASK] = byte; }

int mx_uart_pins_take(mx_uart_pins *u) { return u->in_head == u->in_tail ? -1 : u->in[u->in_head++ & MASK]; }

// Start bit, 8 bits, stop bit.
static bool send(mx_uart_pins *u) {
  if (!u->sending) {
    if (u->out_head == u->out_tail) return true;
    u->sending = true;
    u->out_at = u->now;
  }
  uint64_t bit = (u->now - u->out_at) / u->bit_time;
  if (bit == 0) return false;
  if (bit <= 8) return u->out[u->out_head & MASK] >> (bit - 1) & 1;
  if (bit == 10) u->sending = false, u->out_head++;
  return true;
}

// Samples in the middle of each bit.
static void receive(mx_uart_pins *u, bool level) {
  if (!u->receiving) {
    if (level) return;
    u->receiving = true;
    u->in_bit = u->in_byte = 0;
    u->in_at = u->now + u->bit_time / 2;
  }
  if (u->now < u->in_at) return;
  u->in_at += u->bit_time;
  if (u->in_bit == 0 && level) u->error = "serial line: a start bit is too short";
  else if (u->in_bit >= 1 && u->in_bit <= 8) u->in_byte |= (unsigned)level << (u->in_bit - 1);
  else if (u->in_bit == 9 && !level) u->error = "serial line: a stop bit is 0";
  if (u->in_bit++ < 9) return;
  u->receiving = false;
  if (u->in_tail - u->in_head == MX_UART_PINS_BYTES) u->error = "serial line: nobody takes what arrives";
  else u->in[u->in_tail++ & MASK] = (uint8_t)u->in_byte;
}

bool mx_uart_pins_step(mx_uart_pins *u, bool from_chip) {
  u->now += ONE;
  receive(u, from_chip);
  return send(u);
}
