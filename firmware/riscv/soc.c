#include "firmware/riscv/soc.h"

uint32_t soc_wait_for(uint32_t reg, uint32_t bits) {
  uint32_t begun = soc_read(MX_SOC_REG_TIME_LO), second = soc_read(MX_SOC_REG_CLOCK_HZ), found;
  do found = soc_read(reg) & bits;
  while (!found && soc_read(MX_SOC_REG_TIME_LO) - begun < second);
  return found;
}

void soc_put(const char *text) {
  for (; *text; text++) soc_send((uint8_t)*text);
}

void soc_put_hex(uint32_t value) {
  for (int shift = 28; shift >= 0; shift -= 4) {
    uint32_t digit = value >> shift & 15;
    soc_send((uint8_t)(digit + (digit < 10 ? '0' : 'a' - 10)));
  }
}
