#ifndef MX_GOLDEN_BYTES_H
#define MX_GOLDEN_BYTES_H
// Little-endian numbers in bytes. Freestanding.
#include <stdint.h>

static inline uint16_t mx_load_u16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

static inline uint32_t mx_load_u32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t mx_load_u64(const uint8_t *p) { return mx_load_u32(p) | (uint64_t)mx_load_u32(p + 4) << 32; }

// The same for p at a multiple of 4: one load where the machine is little-endian, which
// counts on processors that load words from aligned addresses only.
static inline uint32_t mx_load_aligned_u32(const uint8_t *p) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  uint32_t v;
  __builtin_memcpy(&v, __builtin_assume_aligned(p, 4), sizeof v);
  return v;
#else
  return mx_load_u32(p);
#endif
}

static inline void mx_store_u32(uint8_t *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> 8 * i);
}

static inline void mx_store_u64(uint8_t *p, uint64_t v) {
  mx_store_u32(p, (uint32_t)v);
  mx_store_u32(p + 4, (uint32_t)(v >> 32));
}
#endif
