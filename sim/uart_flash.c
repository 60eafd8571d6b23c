#include "sim/uart_flash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "golden/flash.h"

enum { SPOTS = 24 };  // words that are compared, of equal parts of the constants

static bool get(mx_serial_host *h, uint32_t addr, uint32_t *words, uint32_t count, char *problem, size_t size) {
  mx_serial_status s = mx_serial_get(h, addr, words, count);
  if (s == MX_SERIAL_REFUSED) snprintf(problem, size, "the board's flash does not answer: is there a chip, and is it the board's?");
  else if (s) snprintf(problem, size, "reading the board's flash: %s", mx_serial_text(s));
  return !s;
}

static bool is_record(const uint32_t *r) {
  uint32_t own[MX_FLASH_RECORD_WORDS];
  mx_flash_record_seal(r, own);
  return r[MX_FLASH_MAGIC_WORD] == MX_FLASH_MAGIC && r[MX_FLASH_RECORD_CRC_WORD] == own[MX_FLASH_RECORD_CRC_WORD];
}

static bool same_record(const uint32_t *there, const uint32_t *expected, char *problem, size_t size) {
  if (!is_record(there)) {
    snprintf(problem, size, "the board's flash holds no image: write the file that mxf flash --constants makes to its end");
    return false;
  }
  if (!memcmp(there, expected, 4 * MX_FLASH_RECORD_WORDS)) return true;
  snprintf(problem, size, "the board's flash holds another image, of %" PRIu32 " bytes with checksum %08" PRIx32 ", expected %" PRIu32
           " with %08" PRIx32 ": write the file that mxf flash --constants makes of this one",
           there[MX_FLASH_BYTES_WORD], there[MX_FLASH_CRC_WORD], expected[MX_FLASH_BYTES_WORD], expected[MX_FLASH_CRC_WORD]);
  return false;
}

static uint32_t word_at(const uint8_t *memory, uint32_t stored, uint32_t addr) {
  uint32_t word = 0;
  for (uint32_t i = 0; i < 4; i++)
    if (addr + i < stored) word |= (uint32_t)memory[addr + i] << 8 * i;
  return word;
}

// The first and the last word, and one within each part.
static uint32_t spot(uint32_t i, uint32_t words) {
  if (i == 0 || i == SPOTS - 1) return i ? words - 1 : 0;
  uint32_t part = words / SPOTS;
  return part ? i * part + i * 2654435761u % part : i % words;
}

bool mx_uart_flash_holds(mx_serial_host *h, uint32_t build_id, const uint8_t *memory, uint32_t stored, uint32_t bytes,
                         char *problem, size_t size) {
  uint32_t expected[MX_FLASH_RECORD_WORDS], there[MX_FLASH_RECORD_WORDS], from = h->flash_bytes - bytes;
  uint32_t words = (bytes - MX_FLASH_RECORD_BYTES) / 4;
  mx_flash_record(build_id, memory, stored, bytes, expected);
  if (!get(h, h->flash_bytes - MX_FLASH_RECORD_BYTES, there, MX_FLASH_RECORD_WORDS, problem, size)) return false;
  if (!same_record(there, expected, problem, size)) return false;
  for (uint32_t i = 0; i < SPOTS; i++) {
    uint32_t addr = 4 * spot(i, words), word, should = word_at(memory, stored, addr);
    if (!get(h, from + addr, &word, 1, problem, size)) return false;
    if (word == should) continue;
    snprintf(problem, size, "the board's flash is damaged: the word at 0x%" PRIx32 " is %08" PRIx32 ", expected %08" PRIx32
             "; write it again", from + addr, word, should);
    return false;
  }
  return true;
}
