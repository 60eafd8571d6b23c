#ifndef MX_QUANT_FORMAT_H
#define MX_QUANT_FORMAT_H
// Number formats by name.
//
//   weights       mxint8 mxint6 mxint4   E8M0 scale per block (OCP MX; 4 and 6 bits by extension)
//                 int4 int4z             FP16 scale per group, int4z with a zero point
//                 mxfp4                  E2M1 codes through the decode table, E8M0 scale
//                 codebook               the same with a table fitted to the matrix
//                                        (codebook.h); parsing gives NF4's values
//                 int4row int8row        one FP32 step per row, codes -7 .. 7 or -127 .. 127
//   activations   mxint8 mxint6 mxint4
//   KV cache      mxint8 mxint4
// A weight name may end in ":B", B = 16, 32, 64 or 128 (32 otherwise); in formats
// by row it is the block of the stream and of the activations.
#include <stdbool.h>
#include <stdint.h>

#include "golden/error.h"
#include "golden/stream.h"

typedef struct {
  mx_stream_format stream;  // as it lies in the weight stream; never planar
  bool codebook;            // 4-bit codes index `table`
  bool fitted;              // the table is the matrix's own
  int8_t table[16];
  unsigned frac;            // fraction bits of the elements
} mx_weight_format;

// int4row, int8row: no scales in the stream.
static inline bool mx_weight_format_by_row(const mx_weight_format *f) { return f->stream.scale == MX_SCALE_NONE; }

// How a matrix's input comes: in MXINT blocks of the weights' block length, or,
// if `fixed`, as integers (QUANT with `fixed`), steps folded into the weights.
typedef struct {
  unsigned bits;  // MX_BITS_ code
  bool fixed;
} mx_act_format;

// Columns of a matrix may be in two parts, each with formats of its own: the
// first `cols` of the first part, the rest of the second.
enum { MX_PARTS = 2 };
typedef struct {
  uint32_t cols;           // of the part, a multiple of the block but in the last
  mx_weight_format weights;
  mx_act_format acts;
} mx_part_format;
typedef struct {
  unsigned n_parts;        // 1 or 2
  mx_part_format part[MX_PARTS];
} mx_matrix_format;

// One part with all columns.
static inline mx_matrix_format mx_matrix_format_whole(uint32_t cols, const mx_weight_format *w, mx_act_format acts) {
  return (mx_matrix_format){1, {{cols, *w, acts}}};
}

// MX_USAGE with the list of names if `name` is none of them.
mx_status mx_weight_format_parse(const char *name, mx_weight_format *out, mx_error *e);

// "mxint4:32" into text[16]; "other:32" for what mx_weight_format_parse never gives.
void mx_weight_format_name(const mx_weight_format *f, char text[16]);

// MX_BITS_ code of "mxint8" and so on; `allow_6` as the use permits.
mx_status mx_element_format_parse(const char *option, const char *name, bool allow_6, unsigned *bits, mx_error *e);

// Storage per weight, in bits, scales and zero points included; without the
// steps of formats by row, 32 bits over the row's length.
double mx_weight_format_bits(const mx_weight_format *f);

// Storage of a matrix, in bits, all that belongs to blocks and rows included.
uint64_t mx_matrix_format_bits(const mx_matrix_format *f, uint32_t rows);
#endif
