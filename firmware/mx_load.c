#include "firmware/mx_load.h"

#include "firmware/mx_frame.h"  // mx_frame_crc

const char *mx_load_text(mx_load_status s) {
  switch (s) {
    case MX_LOAD_OK: return "no error";
    case MX_LOAD_NONE: return "there is no program image in the flash chip";
    case MX_LOAD_SIZE: return "the program image in the flash chip has a size that cannot be";
    case MX_LOAD_DAMAGED: return "the program image in the flash chip is damaged: its checksum is wrong";
    case MX_LOAD_PARTS: return "the program image in the flash chip has sections that do not fit";
    default: return "unknown status";
  }
}

uint32_t mx_load_crc(uint32_t crc, const uint8_t *words, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) crc = mx_frame_crc_word(crc, mx_load_aligned_u32(words + 4 * i));
  return crc;
}

static uint32_t crc_of(const uint8_t *from, uint32_t bytes, mx_crc_words *of_words) {
  uint32_t crc = of_words(MX_CRC_BEGIN, from, bytes / 4);
  for (uint32_t i = bytes / 4 * 4; i < bytes; i++) crc = mx_frame_crc(crc, from[i]);
  return ~crc;
}

// The number of 64 bits at `at`, if it is at most `most`; else all ones.
static uint32_t small(const uint8_t *at, uint32_t most) {
  uint32_t low = mx_load_aligned_u32(at), high = mx_load_aligned_u32(at + 4);
  return high || low > most ? UINT32_MAX : low;
}

static bool take_section(const uint8_t *image, const uint8_t *entry, uint32_t size, mx_loaded *out) {
  uint32_t kind = mx_load_aligned_u32(entry), offset = small(entry + MX_IMAGE_SECTION_OFFSET_AT, size);
  uint32_t bytes = small(entry + MX_IMAGE_SECTION_SIZE_AT, size);
  if (offset > size || bytes > size - offset) return false;
  if (kind == MX_IMAGE_SECTION_MEMORY) out->memory = image + offset, out->memory_bytes = bytes;
  if (kind == MX_IMAGE_SECTION_TOKENIZER && bytes) out->tokenizer = image + offset, out->tokenizer_bytes = bytes;
  return offset % 4 == 0;
}

mx_load_status mx_load_check(const uint8_t *image, uint32_t room, mx_crc_words *crc, mx_loaded *out) {
  *out = (mx_loaded){0};
  if (room < MX_IMAGE_SECTIONS_AT || mx_facts_read(image, &out->facts)) return MX_LOAD_NONE;
  uint32_t size = small(image + MX_IMAGE_SIZE_AT, room), sections = mx_load_aligned_u32(image + MX_IMAGE_COUNT_AT);
  if (size == UINT32_MAX || size < MX_IMAGE_SECTIONS_AT) return MX_LOAD_SIZE;
  uint32_t said = mx_load_aligned_u32(image + MX_IMAGE_CRC_AT);
  if (crc_of(image + MX_IMAGE_SIZE_AT, size - MX_IMAGE_SIZE_AT, crc) != said) return MX_LOAD_DAMAGED;
  if (sections > MX_IMAGE_KINDS || sections * MX_IMAGE_SECTION_BYTES > size - MX_IMAGE_SECTIONS_AT) return MX_LOAD_PARTS;
  for (uint32_t i = 0; i < sections; i++)
    if (!take_section(image, image + MX_IMAGE_SECTIONS_AT + i * MX_IMAGE_SECTION_BYTES, size, out)) return MX_LOAD_PARTS;
  return out->memory && out->memory_bytes <= out->facts.mem_bytes ? MX_LOAD_OK : MX_LOAD_PARTS;
}
