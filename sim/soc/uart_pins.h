#ifndef MX_SIM_UART_PINS_H
#define MX_SIM_UART_PINS_H
// The other end of a serial line (8N1), bit by bit: bytes go out in the order
// given, what arrives waits to be taken.
#include <stdbool.h>
#include <stdint.h>

enum { MX_UART_PINS_BYTES = 4096 };  // held each way; a power of two

typedef struct {
  uint64_t bit_time;               // cycles of a bit in 1/256
  uint8_t out[MX_UART_PINS_BYTES], in[MX_UART_PINS_BYTES];
  uint32_t out_head, out_tail, in_head, in_tail;
  uint64_t now, out_at, in_at;     // 1/256 cycles
  bool sending, receiving;
  unsigned in_bit, in_byte;
  const char *error;               // NULL, or what was wrong on the line first
} mx_uart_pins;

void mx_uart_pins_open(mx_uart_pins *u, uint32_t clock_hz, uint32_t baud);

// One cycle, with the level that the chip sends; returns the level to the chip.
bool mx_uart_pins_step(mx_uart_pins *u, bool from_chip);

uint32_t mx_uart_pins_room(const mx_uart_pins *u);     // bytes that may be sent now
void mx_uart_pins_send(mx_uart_pins *u, uint8_t byte);  // with room only
int mx_uart_pins_take(mx_uart_pins *u);                 // a byte that arrived, or -1
#endif
