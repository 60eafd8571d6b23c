#include "firmware/mx_frame.h"

const uint32_t mx_frame_crc_table[16] = {
    0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
    0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

uint32_t mx_frame_crc_word(uint32_t crc, uint32_t word) {
  crc ^= word;
  for (int i = 0; i < 8; i++) crc = crc >> 4 ^ mx_frame_crc_table[crc & 15];
  return crc;
}

void mx_frame_begin(mx_framer *f) {
  f->crc = MX_CRC_BEGIN;
  f->send(f->self, MX_FRAME_FLAG);
}

static void send(const mx_framer *f, uint8_t byte) {
  bool special = byte == MX_FRAME_FLAG || byte == MX_FRAME_ESCAPE;
  if (special) f->send(f->self, MX_FRAME_ESCAPE);
  f->send(f->self, special ? byte ^ MX_FRAME_FLIP : byte);
}

void mx_frame_put(mx_framer *f, uint8_t byte) {
  f->crc = mx_frame_crc(f->crc, byte);
  send(f, byte);
}

void mx_frame_put_word(mx_framer *f, uint32_t word) {
  for (uint32_t i = 0; i < 4; i++) mx_frame_put(f, mx_frame_byte(word, i));
}

void mx_frame_put_crc(mx_framer *f) {
  for (uint32_t i = 0; i < MX_FRAME_CRC_BYTES; i++) send(f, mx_frame_byte(~f->crc, i));
  f->crc = MX_CRC_BEGIN;
}
