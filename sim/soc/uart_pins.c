#include "sim/soc/uart_pins.h"

enum { MASK = MX_UART_PINS_BYTES - 1, BROKEN = 0x100 };

void mx_uart_pins_open(mx_uart_pins *u, uint64_t bit_time, int permille) {
  *u = (mx_uart_pins){.bit_time = bit_time, .sent_time = (uint64_t)((int64_t)bit_time * (1000 + permille) / 1000)};
}

uint32_t mx_uart_pins_room(const mx_uart_pins *u) { return MX_UART_PINS_BYTES - (u->out_tail - u->out_head); }

void mx_uart_pins_send(mx_uart_pins *u, uint8_t byte, bool broken) {
  u->out[u->out_tail++ & MASK] = (uint16_t)(byte | (broken ? BROKEN : 0));
}

int mx_uart_pins_take(mx_uart_pins *u) { return u->in_head == u->in_tail ? -1 : u->in[u->in_head++ & MASK]; }

static void fail(mx_uart_pins *u, const char *error) {
  if (!u->error) u->error = error;
}

// Start bit, 8 bits, stop bit; after a broken byte the line is 1 for two bits more.
static bool send(mx_uart_pins *u) {
  unsigned byte = u->out[u->out_head & MASK];
  uint64_t bits = byte & BROKEN ? 12 : 10, bit = u->sending ? (u->now - u->out_at) / u->sent_time : bits;
  if (u->sending && bit >= bits) {
    u->sending = false;
    byte = u->out[++u->out_head & MASK];
  }
  if (!u->sending) {
    if (!mx_uart_pins_sends(u)) return true;
    u->sending = true;
    u->out_at = u->now;
    bit = 0;
  }
  if (bit == 0) return false;
  if (bit <= 8) return byte >> (bit - 1) & 1;
  return bit > 9 || !(byte & BROKEN);
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
  if (u->in_bit == 0 && level) fail(u, "serial line: a start bit is too short");
  else if (u->in_bit >= 1 && u->in_bit <= 8) u->in_byte |= (unsigned)level << (u->in_bit - 1);
  else if (u->in_bit == 9 && !level) fail(u, "serial line: a stop bit is 0");
  if (u->in_bit++ < 9) return;
  u->receiving = false;
  if (u->in_tail - u->in_head == MX_UART_PINS_BYTES) fail(u, "serial line: nobody takes what arrives");
  else u->in[u->in_tail++ & MASK] = (uint8_t)u->in_byte;
}

bool mx_uart_pins_step(mx_uart_pins *u, bool from_chip) {
  bool level = send(u);
  receive(u, from_chip);
  u->now += MX_UART_PINS_CYCLE;
  return level;
}
