#ifndef MX_RISCV_SOC_H
#define MX_RISCV_SOC_H
// What the programs for the processor of soc.def share: its registers, its line, its clock.
#include <stdbool.h>
#include <stdint.h>

#include "firmware/mx_soc.h"

// Where C begins (start.S). Neither returns.
_Noreturn void program_main(void);
_Noreturn void program_trapped(uint32_t cause, uint32_t pc, uint32_t value);

static inline volatile uint32_t *soc_word(uint32_t address) { return (volatile uint32_t *)address; }
static inline uint32_t soc_read(uint32_t reg) { return *soc_word(MX_SOC_SYSTEM + reg); }
static inline void soc_write(uint32_t reg, uint32_t value) { *soc_word(MX_SOC_SYSTEM + reg) = value; }

static inline void soc_send(uint8_t byte) { soc_write(MX_SOC_REG_UART_DATA, byte); }

// These are in RAM, for when the flash chip is missing.
void soc_put(const char *text);
void soc_put_hex(uint32_t value);  // 8 digits

// A byte that arrived, or something negative.
static inline int32_t soc_receive(void) { return (int32_t)soc_read(MX_SOC_REG_UART_DATA); }

// Wait, at most a second, until a register has a bit of `bits`; returns those that it has.
uint32_t soc_wait_for(uint32_t reg, uint32_t bits);

static inline bool soc_is_bus_error(uint32_t cause) { return cause == 1 || cause == 5 || cause == 7; }
#endif
