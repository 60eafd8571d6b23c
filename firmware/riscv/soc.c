#include "firmware/riscv/soc.h"

uint32_t soc_wait_for(uint32_t reg, uint32_t bits) {
  uint32_t begun = soc_read(MX_SOC_REG_TIME_LO), second = soc_read(MX_SOC_REG_CLOCK_HZ), found;
  do found = soc_read(reg) & bits;
  while (!found && soc_read(MX_SOC_REG_TIME_LO) - begun < second);
  return found;
}
