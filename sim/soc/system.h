#ifndef MX_SIM_SOC_SYSTEM_H
#define MX_SIM_SOC_SYSTEM_H
// Model of the SYSTEM registers of firmware/soc.def: UART, timer, interrupts, facts of
// the board. It knows no time of its own: the caller says in which clock cycle it is.
#include <stdbool.h>
#include <stdint.h>

#include "firmware/mx_soc.h"

enum { MX_SOC_UART_FIFO = 64 };  // bytes that wait to be read
enum { MX_SOC_COPY_CYCLES = 18 };
enum { MX_SOC_SIM_FLASH_SEEN = MX_SOC_SIM_FLASH_BYTES - MX_SOC_SIM_BITSTREAM_BYTES };  // FLASH_BYTES of board SIM

typedef struct {
  uint32_t clock_hz, memory_bytes, board;
  uint32_t flash_status;         // FLASH_STATUS; opened as ready
  uint32_t flash_bytes;          // of region FLASH; opened as board SIM has it
  bool accel_irq;                // the caller's: level of the accelerator's interrupt
  void (*send)(void *self, uint8_t byte);  // the caller's: of the UART, which always has room
  // The caller's: the word of region FLASH at offset `from` to address `to` of the SDRAM (0:
  // nowhere). False: the bus answers with an error. NULL: it always does.
  bool (*copy)(void *self, uint32_t from, uint32_t to, uint32_t *word);
  void *self;
  uint32_t copy_from, copy_to, copy_crc;
  uint64_t copied;               // words so far, which take MX_SOC_COPY_CYCLES each
  uint64_t compare;
  uint32_t irq_enable, led, time_hi;
  uint8_t fifo[MX_SOC_UART_FIFO];
  uint32_t first, count;
  bool lost;
} mx_soc_system;

// As after reset; memory_bytes: of the SDRAM, initialized.
void mx_soc_system_open(mx_soc_system *s, uint32_t clock_hz, uint32_t memory_bytes);

// False: there is no register, or it is not written; a bus error.
bool mx_soc_system_read(mx_soc_system *s, uint32_t offset, uint64_t cycle, uint32_t *value);
bool mx_soc_system_write(mx_soc_system *s, uint32_t offset, uint32_t value);
// What a read would give, without effect.
bool mx_soc_system_peek(const mx_soc_system *s, uint32_t offset, uint64_t cycle, uint32_t *value);

// A byte arrives at the UART; lost if none can wait any more.
void mx_soc_system_receive(mx_soc_system *s, uint8_t byte);

// Levels of the processor's interrupts.
static inline uint32_t mx_soc_system_pending(const mx_soc_system *s) {
  return (uint32_t)s->accel_irq * MX_SOC_IRQ_ACCEL + (uint32_t)(s->count != 0) * MX_SOC_IRQ_UART;
}
static inline bool mx_soc_system_external(const mx_soc_system *s) { return mx_soc_system_pending(s) & s->irq_enable; }
static inline bool mx_soc_system_timer(const mx_soc_system *s, uint64_t cycle) { return cycle >= s->compare; }
#endif
