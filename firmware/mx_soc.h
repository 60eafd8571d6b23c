#ifndef MX_SOC_H
#define MX_SOC_H
// The names of soc.def: MX_SOC_ROM and MX_SOC_ROM_BYTES, MX_SOC_REG_UART_DATA (an offset),
// MX_SOC_SIM_FLASH_BYTES and _BITSTREAM_BYTES, MX_SOC_FLASH_IMAGE and its _BYTES, MX_SOC_HEAD_MAGIC.
enum {
#define SOCREGION(name, base, bytes, text) MX_SOC_##name = base, MX_SOC_##name##_BYTES = bytes,
#include "firmware/soc.def"
#define SOCREG(name, offset, access, text) MX_SOC_REG_##name = offset,
#include "firmware/soc.def"
#define SOCBOARD(name, word, flash, bitstream, text) MX_SOC_##name##_FLASH_BYTES = flash, MX_SOC_##name##_BITSTREAM_BYTES = bitstream,
#include "firmware/soc.def"
#define SOCFLASH(name, offset, bytes, text) MX_SOC_FLASH_##name = offset, MX_SOC_FLASH_##name##_BYTES = bytes,
#include "firmware/soc.def"
#define SOCHEAD(name, offset, text) MX_SOC_HEAD_##name = offset,
#include "firmware/soc.def"
};

enum { MX_SOC_FIRMWARE_MAGIC = 0x5746584d };  // "MXFW"
// Bits of registers.
enum { MX_SOC_UART_ROOM = 1, MX_SOC_UART_ARRIVED = 2, MX_SOC_UART_LOST = 4 };
enum { MX_SOC_FLASH_READY = 1, MX_SOC_FLASH_SILENT = 2 };
enum { MX_SOC_IRQ_ACCEL = 1, MX_SOC_IRQ_UART = 2 };
#endif
