#ifndef MX_SIM_UART_PINS_H
#define MX_SIM_UART_PINS_H
// The other end of a serial line (8N1), bit by bit: bytes go out in the order
// given, what arrives waits to be taken.
#include <stdbool.h>
#include <stdint.h>

enum { MX_UART_PINS_BYTES = 8192 };  // held each way; a power of two
enum { MX_UART_PINS_CYCLE = 256 };   // parts of a clock cycle in which times are counted

typedef struct {
  uint64_t bit_time, sent_time;    // of a bit that arrives, that is sent
  uint16_t out[MX_UART_PINS_BYTES];  // bit 8: its stop bit is 0
  uint8_t in[MX_UART_PINS_BYTES];
  uint32_t out_head, out_tail, in_head, in_tail;
  uint64_t now, out_at, in_at;     // out_at: when out[out_head] began
  bool sending, receiving;
  unsigned in_bit, in_byte;
  const char *error;               // NULL, or what was wrong on the line first
} mx_uart_pins;

// bit_time: of the chip, in parts of a cycle; `permille`: by how much this end sends slower.
void mx_uart_pins_open(mx_uart_pins *u, uint64_t bit_time, int permille);

// One cycle, with the level that the chip sends; returns the level to the chip.
bool mx_uart_pins_step(mx_uart_pins *u, bool from_chip);

uint32_t mx_uart_pins_room(const mx_uart_pins *u);  // bytes that may be sent now
void mx_uart_pins_send(mx_uart_pins *u, uint8_t byte, bool broken);  // with room only; broken: with a stop bit of 0
int mx_uart_pins_take(mx_uart_pins *u);             // a byte that arrived, or -1

// Whether bytes still wait to be sent, or one is on its way.
static inline bool mx_uart_pins_sends(const mx_uart_pins *u) { return u->out_head != u->out_tail; }
#endif
