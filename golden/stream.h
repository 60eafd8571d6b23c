#ifndef MX_STREAM_H
#define MX_STREAM_H
// The weight stream: the order in which MATMUL eats bytes.
//
// A matrix [rows][blocks * B] is cut into groups of GROUP rows. The stream is
//   for each group: for each block along the reduction: one unit
// and a unit is
//   scales   GROUP * (0 | 1 | 2) bytes: none, E8M0, or FP16 little endian; row 0 of the group first
//   zeros    GROUP * (0 | 1) bytes: signed zero points
//   codes    GROUP rows of B codes, 4, 6 or 8 bits each, as follows.
// A *line* is the codes of one row, or with planar codes of the rows 2i and
// 2i+1 together. Line q lies in slice q mod ROWS; the lines of a slice follow
// one another without gaps, and beat j of the code section carries
// BUS_BITS / ROWS bits of each slice, slice 0 in the lowest bits. In a line
//   4 bits          code i at bits [4i+3 : 4i]
//   4 bits, planar  byte i: row 2i' in the low nibble, row 2i'+1 in the high
//   6 bits          code i at bits [6i+5 : 6i]
//   8 bits          code i at bits [8i+7 : 8i]
// little endian. Codes are two's complement unless a decode table is used.
// Rows beyond the matrix are padding: the device computes and writes them too.
#include <stdbool.h>
#include <stdint.h>

#include "golden/fp32.h"  // mx_scale_kind
#include "golden/params.h"

typedef struct {
  unsigned bits;        // MX_BITS_4, MX_BITS_6, MX_BITS_8
  mx_scale_kind scale;
  bool zero, planar;
  unsigned block;       // block length is 16 << block
} mx_stream_format;

// B.
static inline uint32_t mx_block_length(const mx_stream_format *f) { return 16u << f->block; }
// 4, 6 or 8.
uint32_t mx_code_bits(const mx_stream_format *f);
// Bytes of one unit; a multiple of 16 and of the beat.
uint32_t mx_unit_bytes(const mx_params *p, const mx_stream_format *f);
// Byte offsets within a unit, row < GROUP.
uint32_t mx_scale_offset(const mx_params *p, const mx_stream_format *f, uint32_t row);
uint32_t mx_zero_offset(const mx_params *p, const mx_stream_format *f, uint32_t row);
// Bit offset within a unit of bit k of code i < B of a row.
uint32_t mx_code_bit_offset(const mx_params *p, const mx_stream_format *f, uint32_t row, uint32_t i, uint32_t k);
// Raw code bits at that place; not sign-extended.
uint32_t mx_code_read(const mx_params *p, const mx_stream_format *f, const uint8_t *unit, uint32_t row, uint32_t i);
void mx_code_write(const mx_params *p, const mx_stream_format *f, uint8_t *unit, uint32_t row, uint32_t i, uint32_t code);
#endif
