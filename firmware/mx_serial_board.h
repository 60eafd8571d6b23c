#ifndef MX_SERIAL_BOARD_H
#define MX_SERIAL_BOARD_H
// The board's end of the serial line (mx_frame.def), for a processor on the board
// or a simulator; rtl/soc/mx_uart_bridge.sv does the same without a processor, with
// the same answers and accesses to the bit.
#include "firmware/mx_frame.h"

// What the board is; whoever supplies it keeps `self`. False: the access is refused.
typedef struct {
  void *self;
  void (*send)(void *self, uint8_t byte);
  bool (*read)(void *self, uint32_t space, uint32_t addr, uint32_t *word);  // SPACE_CSR or SPACE_MEMORY
  bool (*write)(void *self, uint32_t space, uint32_t addr, uint32_t word);
  // Wait for the interrupt, at most `periods` times WAIT_CLOCKS; true with the interrupt.
  bool (*wait)(void *self, uint32_t periods);
  uint32_t clock_hz, memory_base_256, memory_bytes, flash_bytes;  // facts of the board
} mx_board;

typedef enum { MX_BOARD_HEAD, MX_BOARD_HEAD_CRC, MX_BOARD_DATA, MX_BOARD_DATA_CRC } mx_board_field;

typedef struct {
  const mx_board *board;
  mx_framer out;
  mx_unframer in;
  mx_board_field field;   // that is arriving
  uint32_t at, crc;       // bytes of it that arrived; checksum so far
  bool bad, refused;      // a wrong checksum; an access of this request was refused
  uint8_t tag, count, last_seq;
  uint32_t addr, word;
} mx_serial_board;

// `board` must outlive it.
void mx_serial_board_open(mx_serial_board *s, const mx_board *board);

// Take a byte from the line; answers go through board->send before it returns.
void mx_serial_board_take(mx_serial_board *s, uint8_t byte);
#endif
