#ifndef TEST_SDRAM_PINS_H
#define TEST_SDRAM_PINS_H
// An SDRAM chip at the sdram_* ports of the module under test.
#include "sim/soc/sdram_chip.h"

typedef struct {
  uint32_t period_ps;
  uint32_t phase_ps;  // of the chip's clock after the module's
  bool fast;          // port fast_i has an edge at each of the module's clock and one between, as the chip
  bool tied;          // CKE, CS and the byte masks are, on the board
  uint32_t delay_ps;  // of clock and data together, from the module to the chip and back
} sdram_pins_board;

void sdram_pins_open(const sdram_pins_board *board);

// Another chip, which has just been powered up.
mx_sdram_chip *sdram_pins_power_up(const mx_sdram_params *params);

// A cycle of both clocks, in place of tb_cycle.
void sdram_pins_cycle(void);

// Byte `address` of the controller's order where it knows 1024 bytes of a row: those
// that a larger chip has besides stay unused.
uint8_t *sdram_pins_byte(uint32_t address);
void sdram_pins_close(void);
#endif
