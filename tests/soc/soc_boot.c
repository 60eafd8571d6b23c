// The boot ROM of tests of the system on chip: waits for the flash chip, copies the
// firmware to RAM and jumps to it. It checks nothing and says nothing.
#include <stdint.h>

enum {
#define SOCFLASH(name, offset, bytes, text) FLASH_##name = offset,
#define SOCHEAD(name, offset, text) HEAD_##name = offset,
#define SOCREG(name, offset, access, text) SYS_##name = offset,
#include "firmware/soc.def"
};
#define SOCREGION(name, base, bytes, text) static const uint32_t name##_BASE = base, name##_SIZE = bytes;
#include "firmware/soc.def"

static uint32_t load(uint32_t addr) { return *(volatile uint32_t *)addr; }

__asm__(".section .text.start\n .globl _start\n_start: lui sp, 0x10004\n j boot\n");

void __attribute__((noreturn)) boot(void);
void __attribute__((noreturn)) boot(void) {
  while (!(load(SYSTEM_BASE + SYS_FLASH_STATUS) & 3)) continue;
  uint32_t head = FLASH_BASE + FLASH_FIRMWARE, copy = load(head + HEAD_COPY);
  for (uint32_t i = 0; i < copy && i < RAM_SIZE; i += 4) *(volatile uint32_t *)(RAM_BASE + i) = load(head + HEAD_END + i);
  __asm__ volatile("jr %0" : : "r"(RAM_BASE));
  __builtin_unreachable();
}
