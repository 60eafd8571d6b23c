#ifndef MX_SIM_SOC_FLASH_H
#define MX_SIM_SOC_FLASH_H
// The contents of the flash chip of firmware/soc.def, put together from files.
#include <stddef.h>
#include <stdint.h>

#include "golden/error.h"

// Paths; NULL: that part stays erased.
typedef struct {
  const char *bitstream;
  const char *firmware;  // build/firmware/main.ARCH.bin; its checksum and board are filled in
  const char *image;     // checked as mxf run does
  const char *board;     // up to 4 characters of SYSTEM's BOARD that the firmware is for; NULL: any
} mx_flash_parts;

// Bytes [first, first + size) of the chip, from the first part to the end of the last;
// all ones between them. MX_FORMAT, MX_LIMIT: a part is not what it should be, or does not
// fit its place. The caller frees *bytes.
mx_status mx_flash_build(const mx_flash_parts *parts, uint8_t **bytes, uint32_t *first, size_t *size, mx_error *e);
#endif
