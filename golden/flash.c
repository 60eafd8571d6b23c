#include "golden/flash.h"

#include <inttypes.h>
#include <string.h>
#include <zlib.h>  // crc32

#include "golden/bytes.h"
#include "golden/writer.h"

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

uint32_t mx_flash_constant_bytes(const mx_image *image) { return least(image->result_addr, image->logits_addr); }

mx_status mx_flash_check(const mx_image *image, mx_error *e) {
  uint32_t bytes = mx_flash_constant_bytes(image);
  if (!bytes || bytes % MX_FLASH_ALIGN)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                   "the image's constant part of %" PRIu32 " bytes is no multiple of %d, so it cannot lie in flash; compile it again",
                   bytes, MX_FLASH_ALIGN);
  for (uint32_t i = bytes - MX_FLASH_RECORD_BYTES; i < least(bytes, image->memory_bytes); i++)
    if (image->memory[i])
      return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the image has data at 0x%" PRIx32 ", where the flash's record goes", i);
  return MX_OK;
}

static uint32_t crc_of_zeros(uint32_t crc, uint32_t count) {
  static const uint8_t zeros[MX_FLASH_ALIGN];
  for (uint32_t n; count; count -= n) {
    n = least(count, sizeof zeros);
    crc = (uint32_t)crc32(crc, zeros, n);
  }
  return crc;
}

void mx_flash_record_seal(const uint32_t words[MX_FLASH_RECORD_WORDS], uint32_t record[MX_FLASH_RECORD_WORDS]) {
  uint8_t raw[4 * MX_FLASH_RECORD_CRC_WORD];
  for (unsigned i = 0; i < MX_FLASH_RECORD_CRC_WORD; i++) mx_store_u32(raw + 4 * i, record[i] = words[i]);
  record[MX_FLASH_RECORD_CRC_WORD] = (uint32_t)crc32(0, raw, sizeof raw);
}

void mx_flash_record(uint32_t build_id, const uint8_t *memory, uint32_t stored, uint32_t bytes,
                     uint32_t record[MX_FLASH_RECORD_WORDS]) {
  uint32_t covered = bytes - MX_FLASH_RECORD_BYTES, given = least(stored, covered);
  record[MX_FLASH_MAGIC_WORD] = MX_FLASH_MAGIC;
  record[MX_FLASH_BUILD_WORD] = build_id;
  record[MX_FLASH_BYTES_WORD] = bytes;
  record[MX_FLASH_CRC_WORD] = crc_of_zeros((uint32_t)crc32(0, memory, given), covered - given);
  mx_flash_record_seal(record, record);
}

static mx_status put_zeros(mx_writer *w, uint32_t count, mx_error *e) {
  static const uint8_t zeros[MX_FLASH_ALIGN];
  for (uint32_t n; count; count -= n) {
    n = least(count, sizeof zeros);
    if (mx_writer_put(w, zeros, n, e)) return e->status;
  }
  return MX_OK;
}

static mx_status put_record(mx_writer *w, const mx_image *image, uint32_t bytes, mx_error *e) {
  uint32_t record[MX_FLASH_RECORD_WORDS];
  uint8_t raw[MX_FLASH_RECORD_BYTES];
  memset(raw, 0xff, sizeof raw);
  mx_flash_record(image->params->build_id, image->memory, image->memory_bytes, bytes, record);
  for (unsigned i = 0; i < MX_FLASH_RECORD_WORDS; i++) mx_store_u32(raw + 4 * i, record[i]);
  return mx_writer_put(w, raw, sizeof raw, e);
}

mx_status mx_flash_write(const char *path, const mx_image *image, mx_error *e) {
  mx_writer *w;
  if (mx_flash_check(image, e) || mx_writer_open(path, &w, e)) return e->status;
  uint32_t bytes = mx_flash_constant_bytes(image), body = bytes - MX_FLASH_RECORD_BYTES, given = least(image->memory_bytes, body);
  mx_status s = mx_writer_put(w, image->memory, given, e);
  if (!s) s = put_zeros(w, body - given, e);
  if (!s) s = put_record(w, image, bytes, e);
  if (!s) return mx_writer_commit_plain(w, e);
  mx_writer_abort(w);
  return s;
}
