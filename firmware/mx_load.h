#ifndef MX_LOAD_H
#define MX_LOAD_H
// A program image (golden/image.h) that lies in memory, checked and taken apart in place.
#include "firmware/mx_runtime.h"

typedef enum {
  MX_LOAD_OK = 0,
  MX_LOAD_NONE,     // it does not begin as an image does
  MX_LOAD_SIZE,     // its size cannot be
  MX_LOAD_DAMAGED,  // wrong checksum
  MX_LOAD_PARTS,    // its sections do not fit
} mx_load_status;

// A sentence; never NULL.
const char *mx_load_text(mx_load_status s);

typedef struct {
  mx_facts facts;
  const uint8_t *memory, *tokenizer;  // at multiples of 4; tokenizer NULL: there is none
  uint32_t memory_bytes, tokenizer_bytes;
} mx_loaded;

// The CRC register (mx_frame_crc) after words[count] of a flash chip or memory.
typedef uint32_t mx_crc_words(uint32_t crc, const uint8_t *words, uint32_t count);
mx_crc_words mx_load_crc;  // by the processor

// Check the image at `image`, a multiple of 4, in a place of room bytes. Reads all of it,
// most of it with `crc`: mx_load_crc, or what the board has for it.
mx_load_status mx_load_check(const uint8_t *image, uint32_t room, mx_crc_words *crc, mx_loaded *out);
#endif
