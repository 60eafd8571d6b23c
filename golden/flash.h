#ifndef MX_FLASH_H
#define MX_FLASH_H
// The constant part of an image in a serial flash, for boards whose writable memory
// is small: everything below the image's results (logits_addr, result_addr), which
// no program writes. It lies at the end of the flash, and writable memory follows on
// the bus, so the device sees one memory. Its last bytes, which images leave free,
// are a record of what it is.
#include "golden/image.h"

enum {
  MX_FLASH_ALIGN = 4096,       // the constant part is a multiple of it, as MEM_BASE is
  MX_FLASH_RECORD_BYTES = 64,  // the last of it
};

// Little-endian words of the record; the others are ones.
enum {
  MX_FLASH_MAGIC_WORD,     // "MXFL"
  MX_FLASH_BUILD_WORD,     // build id of the device
  MX_FLASH_BYTES_WORD,     // constant bytes, record included
  MX_FLASH_CRC_WORD,       // CRC-32 (zlib's) of what precedes the record
  MX_FLASH_RECORD_CRC_WORD,  // CRC-32 of the words above
  MX_FLASH_RECORD_WORDS,
};
#define MX_FLASH_MAGIC 0x4c46584du

// Bytes of the constant part.
uint32_t mx_flash_constant_bytes(const mx_image *image);

// MX_UNSUPPORTED: the constant part has another size than MX_FLASH_ALIGN's multiples,
// or its last bytes are in use.
mx_status mx_flash_check(const mx_image *image, mx_error *e);

// The record of a constant part of `bytes`, of which memory[stored] is given; zeros follow.
void mx_flash_record(uint32_t build_id, const uint8_t *memory, uint32_t stored, uint32_t bytes,
                     uint32_t record[MX_FLASH_RECORD_WORDS]);

// Fill in the record's own checksum, of its other words, which are in `words`.
void mx_flash_record_seal(const uint32_t words[MX_FLASH_RECORD_WORDS], uint32_t record[MX_FLASH_RECORD_WORDS]);

// Write the constant part with its record.
mx_status mx_flash_write(const char *path, const mx_image *image, mx_error *e);
#endif
