#include "sim/soc/system.h"

#include "firmware/mx_frame.h"  // mx_frame_crc_word

enum { NONE = 1u << 31 };

void mx_soc_system_open(mx_soc_system *s, uint32_t clock_hz, uint32_t memory_bytes) {
  static const char board[4] = {'m', 'x', 'v', 'p'};
  *s = (mx_soc_system){.clock_hz = clock_hz, .memory_bytes = memory_bytes, .flash_status = MX_SOC_FLASH_READY,
                       .flash_bytes = MX_SOC_SIM_FLASH_SEEN, .compare = UINT64_MAX};
  for (int i = 0; i < 4; i++) s->board |= (uint32_t)board[i] << 8 * i;
}

void mx_soc_system_receive(mx_soc_system *s, uint8_t byte) {
  if (s->count == MX_SOC_UART_FIFO) s->lost = true;
  else s->fifo[(s->first + s->count++) % MX_SOC_UART_FIFO] = byte;
}

bool mx_soc_system_peek(const mx_soc_system *s, uint32_t offset, uint64_t cycle, uint32_t *value) {
  switch (offset) {
    case MX_SOC_REG_UART_DATA: *value = s->count ? s->fifo[s->first] : NONE; return true;
    case MX_SOC_REG_UART_STATUS: *value = MX_SOC_UART_ROOM | (s->count ? MX_SOC_UART_ARRIVED : 0u) | (s->lost ? MX_SOC_UART_LOST : 0u); return true;
    case MX_SOC_REG_TIME_LO: *value = (uint32_t)cycle; return true;
    case MX_SOC_REG_TIME_HI: *value = s->time_hi; return true;
    case MX_SOC_REG_COMPARE_LO: *value = (uint32_t)s->compare; return true;
    case MX_SOC_REG_COMPARE_HI: *value = (uint32_t)(s->compare >> 32); return true;
    case MX_SOC_REG_IRQ_ENABLE: *value = s->irq_enable; return true;
    case MX_SOC_REG_IRQ_STATUS: *value = mx_soc_system_pending(s); return true;
    case MX_SOC_REG_CLOCK_HZ: *value = s->clock_hz; return true;
    case MX_SOC_REG_MEMORY_BYTES: *value = s->memory_bytes; return true;
    case MX_SOC_REG_FLASH_STATUS: *value = s->flash_status; return true;
    case MX_SOC_REG_FLASH_BYTES: *value = s->flash_bytes; return true;
    case MX_SOC_REG_LED: *value = s->led; return true;
    case MX_SOC_REG_BOARD: *value = s->board; return true;
    case MX_SOC_REG_COPY_CRC: *value = s->copy_crc; return true;
    default: return false;
  }
}

bool mx_soc_system_read(mx_soc_system *s, uint32_t offset, uint64_t cycle, uint32_t *value) {
  if (!mx_soc_system_peek(s, offset, cycle, value)) return false;
  if (offset == MX_SOC_REG_TIME_LO) s->time_hi = (uint32_t)(cycle >> 32);
  if (offset == MX_SOC_REG_UART_STATUS) s->lost = false;
  if (offset == MX_SOC_REG_UART_DATA && s->count) {
    s->first = (s->first + 1) % MX_SOC_UART_FIFO;
    s->count--;
  }
  return true;
}

static bool copy_word(mx_soc_system *s) {
  uint32_t word;
  if ((s->copy_from | s->copy_to) % 4 || !s->copy || !s->copy(s->self, s->copy_from, s->copy_to, &word)) return false;
  s->copy_crc = mx_frame_crc_word(s->copy_crc, word);
  s->copy_from += 4;
  if (s->copy_to) s->copy_to += 4;
  s->copied++;
  return true;
}

static bool copy_words(mx_soc_system *s, uint32_t words) {
  bool ok = words && words <= UINT16_MAX;
  for (uint32_t i = 0; i < words && ok; i++) ok = copy_word(s);
  return ok;
}

bool mx_soc_system_write(mx_soc_system *s, uint32_t offset, uint32_t value) {
  switch (offset) {
    case MX_SOC_REG_UART_DATA:
      if (s->send) s->send(s->self, (uint8_t)value);
      return true;
    case MX_SOC_REG_COMPARE_LO: s->compare = (s->compare & ~(uint64_t)UINT32_MAX) | value; return true;
    case MX_SOC_REG_COMPARE_HI: s->compare = (s->compare & UINT32_MAX) | (uint64_t)value << 32; return true;
    case MX_SOC_REG_IRQ_ENABLE: s->irq_enable = value & (MX_SOC_IRQ_ACCEL | MX_SOC_IRQ_UART); return true;
    case MX_SOC_REG_LED: s->led = value & 0xff; return true;
    case MX_SOC_REG_COPY_FROM: s->copy_from = value; return true;
    case MX_SOC_REG_COPY_TO: s->copy_to = value; return true;
    case MX_SOC_REG_COPY_CRC: s->copy_crc = value; return true;
    case MX_SOC_REG_COPY_WORDS: return copy_words(s, value);
    default: return false;
  }
}
