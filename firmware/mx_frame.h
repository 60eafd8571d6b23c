#ifndef MX_FRAME_H
#define MX_FRAME_H
// The frames of mx_frame.def: numbers, checksum, and the way between a frame's
// bytes and the line's. For both ends; no heap, no library. What runs for each byte is
// inline: a small processor has a few hundred cycles for it.
#include <stdbool.h>
#include <stdint.h>

enum {
#define FRAME(name, value, text) MX_FRAME_##name = value,
#define FACT(name, index, text) MX_FACT_##name = index,
#include "firmware/mx_frame.def"
  MX_FACTS
};

// The CRC register after `byte`; it begins as MX_CRC_BEGIN and travels inverted,
// lowest byte first.
#define MX_CRC_BEGIN UINT32_MAX
extern const uint32_t mx_frame_crc_table[16];  // the register after half a byte
static inline uint32_t mx_frame_crc(uint32_t crc, uint8_t byte) {
  crc ^= byte;
  crc = crc >> 4 ^ mx_frame_crc_table[crc & 15];
  return crc >> 4 ^ mx_frame_crc_table[crc & 15];
}
uint32_t mx_frame_crc_word(uint32_t crc, uint32_t word);  // after four, the lowest first

static inline uint8_t mx_frame_byte(uint32_t word, uint32_t i) { return (uint8_t)(word >> 8 * (i & 3)); }
static inline uint32_t mx_frame_space(uint8_t tag) { return tag >> MX_FRAME_SPACE_LSB & 3; }
static inline uint8_t mx_frame_seq(uint8_t tag) { return (uint8_t)(tag >> MX_FRAME_SEQ_LSB); }

// What arrives: bytes of the line in, bytes of a frame out.
typedef struct { bool open, escaped; } mx_unframer;
typedef enum { MX_BYTE_NONE, MX_BYTE_FLAG, MX_BYTE_DATA } mx_frame_event;

// FLAG: a frame begins. DATA: *byte is the frame's next. NONE: nothing yet, or
// outside of a frame. Whoever has a whole frame clears `open`.
static inline mx_frame_event mx_unframe(mx_unframer *u, uint8_t *byte) {
  if (*byte == MX_FRAME_FLAG) return *u = (mx_unframer){.open = true}, MX_BYTE_FLAG;
  if (!u->open) return MX_BYTE_NONE;
  if (*byte == MX_FRAME_ESCAPE) return u->escaped = true, MX_BYTE_NONE;
  if (u->escaped) *byte ^= MX_FRAME_FLIP, u->escaped = false;
  return MX_BYTE_DATA;
}

// What is sent: calls `send` for each byte of the line.
typedef struct {
  void *self;
  void (*send)(void *self, uint8_t byte);
  uint32_t crc;
} mx_framer;

void mx_frame_begin(mx_framer *f);
void mx_frame_put(mx_framer *f, uint8_t byte);
void mx_frame_put_word(mx_framer *f, uint32_t word);
void mx_frame_put_crc(mx_framer *f);  // of what was put since the last, or since begin
#endif
