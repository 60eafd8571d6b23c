#ifndef TEST_UP5K_BOARD_H
#define TEST_UP5K_BOARD_H
// mx_up5k's surroundings: a model of the flash chip at its pins, an image in it, and
// the host on the bits of its line. What clocks it is the test's.
#include "golden/image.h"
#include "sim/soc/flash_chip.h"
#include "tests/rtl/uart_device.h"

enum { UP5K_CHIP = 1 << 21, UP5K_FLASH = 1 << 24, UP5K_RAM = 1 << 16, UP5K_PROBLEM = 300 };  // bytes

typedef struct {
  unsigned clocks_per_bit;
  uint32_t clock_hz;        // that the system must tell
  uint32_t cycle_ns;
  void (*step)(void);       // a cycle, with uart_line_step and up5k_drive
  mx_image *image;
  uint8_t contents[UP5K_CHIP];
  mx_flash_chip *chip;      // NULL: the lines are 1
  uart_device device;
} up5k_board;

// The lines' levels with these pins.
unsigned up5k_drive(const up5k_board *b, uint64_t now_ns, mx_flash_pins pins);

// An image of a file, or the toy image if path is NULL, and the flash with it.
void up5k_load(up5k_board *b, const char *path);
// The end of the chip as mxf flash writes it.
void up5k_write_flash(up5k_board *b);

// Holds the contents.
mx_flash_chip_config up5k_chip(const up5k_board *b);

// A reset with this chip, or none, and what the host is told.
void up5k_power_on(up5k_board *b, const mx_flash_chip_config *config);
bool up5k_flash_holds(up5k_board *b, char problem[UP5K_PROBLEM]);

// The device ready for its first program, on a chip that holds the image. `noise` as
// in uart_device.
mx_runtime up5k_begin(up5k_board *b, const mx_flash_chip_config *config, unsigned noise);

// Tokens from BOS on, which must be the golden engine's. Returns the cycles of the last.
uint64_t up5k_run_beside_golden(up5k_board *b, unsigned tokens);

// The chip saw nothing that its datasheet forbids.
void up5k_sound(const up5k_board *b);

// Frees image and chip.
void up5k_close(up5k_board *b);
#endif
