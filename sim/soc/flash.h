#ifndef MX_SIM_SOC_FLASH_H
#define MX_SIM_SOC_FLASH_H
// The contents of the flash chip of firmware/soc.def, put together from files.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "golden/error.h"

// A board of firmware/soc.def.
typedef struct {
  char name[24];             // "colorlight-i5"
  uint32_t word;             // SYSTEM's BOARD
  uint32_t chip_bytes;       // of the flash chip, a power of two
  uint32_t bitstream_bytes;  // of these, at the beginning; region FLASH begins behind them
} mx_flash_board;

// MX_USAGE: there is none of that name, where case, '-' and '_' are all the same.
mx_status mx_flash_board_find(const char *name, mx_flash_board *out, mx_error *e);
// A line for each, indented.
void mx_flash_board_list(FILE *to);

// Paths; NULL: that part stays erased.
typedef struct {
  const char *bitstream;
  const char *firmware;  // build/firmware/main.ARCH.bin; its checksum and board are filled in
  const char *image;     // checked as mxf run does
  mx_flash_board board;  // where they belong; the firmware is for boards of this word, 0: for any
} mx_flash_parts;

// Bytes [first, first + size) of the chip, from the first part to the end of the last;
// all ones between them. MX_FORMAT, MX_LIMIT: a part is not what it should be, or does not
// fit its place. The caller frees *bytes.
mx_status mx_flash_build(const mx_flash_parts *files, uint8_t **bytes, uint32_t *first, size_t *size, mx_error *e);
#endif
