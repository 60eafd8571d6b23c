#ifndef MX_SIM_SOC_FLASH_CHIP_H
#define MX_SIM_SOC_FLASH_CHIP_H
// A serial NOR flash at its pins, for test programs that clock a design: reads,
// identification, status, power-down and the QE bit of Winbond's W25Q128JV (revision
// F); no erasing or programming. SPI mode 0, plain edges. What the datasheet forbids
// is a violation, kept as a sentence.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  const uint8_t *contents;  // [bytes], kept by the caller
  uint32_t bytes;           // a power of two; addresses count modulo it
  uint8_t id[3];            // manufacturer, type, capacity
  bool quad_enabled;        // QE at power-on
  bool asleep;              // in power-down from the start
  unsigned continuous;      // lines of a continuous read (2, 4) that the chip was left in; 0: none
  uint64_t busy_ns;         // so long after power-on it is busy
} mx_flash_chip_config;

typedef struct {
  bool cs_n, sck;
  unsigned drives, level;  // bit i: IOi is driven by the host; to this
} mx_flash_pins;

typedef struct mx_flash_chip mx_flash_chip;

// NULL: out of memory. Time 0 is power-on.
mx_flash_chip *mx_flash_chip_new(const mx_flash_chip_config *config);
void mx_flash_chip_free(mx_flash_chip *chip);

// The host's pins at a time, which never goes back. To be called whenever they
// change. Returns the levels of IO0..IO3; what nobody drives is 1.
unsigned mx_flash_chip_drive(mx_flash_chip *chip, uint64_t now_ns, mx_flash_pins pins);

// The first violation; NULL: none.
const char *mx_flash_chip_violation(const mx_flash_chip *chip);

// So far: commands that were begun (a continuous read counts), edges of the clock.
typedef struct { uint64_t commands, clocks; } mx_flash_chip_counts;
mx_flash_chip_counts mx_flash_chip_count(const mx_flash_chip *chip);
#endif
