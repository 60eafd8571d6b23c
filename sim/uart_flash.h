#ifndef MX_UART_FLASH_H
#define MX_UART_FLASH_H
// The constant part of an image in the flash of a board behind a serial line.
#include <stddef.h>

#include "firmware/mx_serial_host.h"

// Whether the flash holds memory[stored] and zeros up to `bytes` (golden/flash.h): by
// its record, and some of its words. If not, or if the line fails, a sentence about
// it goes to problem[size].
bool mx_uart_flash_holds(mx_serial_host *h, uint32_t build_id, const uint8_t *memory, uint32_t stored, uint32_t bytes,
                         char *problem, size_t size);
#endif
