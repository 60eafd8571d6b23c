// The boot ROM: brings the firmware from the flash chip to RAM and runs it. What is wrong
// is said on the serial line; a key tries again.
#include "firmware/mx_frame.h"  // mx_frame_crc_word
#include "firmware/riscv/soc.h"

enum { STACK_BYTES = 256 };  // of this program, at the end of RAM

static uint32_t head(uint32_t word) { return *soc_word(MX_SOC_FLASH + MX_SOC_FLASH_FIRMWARE + word); }

// The firmware to RAM; NULL, or what is wrong.
static const char *load(void) {
  uint32_t state = soc_wait_for(MX_SOC_REG_FLASH_STATUS, MX_SOC_FLASH_READY | MX_SOC_FLASH_SILENT);
  if (state != MX_SOC_FLASH_READY) return "the flash chip does not answer";
  uint32_t bytes = head(MX_SOC_HEAD_BYTES), copy = head(MX_SOC_HEAD_COPY), board = head(MX_SOC_HEAD_BOARD), crc = MX_CRC_BEGIN;
  if (head(MX_SOC_HEAD_MAGIC) != MX_SOC_FIRMWARE_MAGIC) return "no firmware in the flash chip";
  if ((bytes | copy) % 4 || !copy || copy > bytes || bytes > MX_SOC_FLASH_FIRMWARE_BYTES - MX_SOC_HEAD_END || copy > MX_SOC_RAM_BYTES - STACK_BYTES)
    return "firmware of impossible size";
  if (board && board != soc_read(MX_SOC_REG_BOARD)) return "firmware of another board";
  for (uint32_t i = 0; i < bytes; i += 4) {
    uint32_t word = head(MX_SOC_HEAD_END + i);
    crc = mx_frame_crc_word(crc, word);
    if (i < copy) *soc_word(MX_SOC_RAM + i) = word;
  }
  return ~crc == head(MX_SOC_HEAD_CRC) ? 0 : "damaged firmware: wrong checksum";
}

// One that was pressed before does not count.
static void wait_for_key(void) {
  while (soc_receive() >= 0) {}
  soc_put("; a key tries again\r\n");
  while (soc_receive() < 0) {}
}

void program_main(void) {
  for (const char *problem; (problem = load());) {
    soc_put("mxforge boot: ");
    soc_put(problem);
    wait_for_key();
  }
  ((void (*)(void))MX_SOC_RAM)();
  __builtin_unreachable();
}

void program_trapped(uint32_t cause, uint32_t pc, uint32_t value) {
  soc_put(soc_is_bus_error(cause) ? "mxforge boot: bus error at " : "mxforge boot: trap at ");
  soc_put_hex(soc_is_bus_error(cause) ? value : pc);
  wait_for_key();
  program_main();
}
