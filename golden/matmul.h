#ifndef MX_MATMUL_H
#define MX_MATMUL_H
// Shared by the paths of MATMUL: matmul.c defines, matmul_simd.c and, on hosts
// without its instructions, matmul_fast.c hurry.
#include "golden/machine.h"

enum { MX_MAX_BLOCK = 128, MX_MAX_GROUP = 64, MX_MAX_TOKENS = 16 };

typedef uint32_t mx_accumulators[MX_MAX_GROUP][MX_MAX_TOKENS];  // [row][token], FP32 bits

// Activations of a block of one token, from XMEM element `elem` on (a block may
// wrap at the end of the bank), to x[n]; returns the scale of the block.
uint8_t mx_gather_x(const mx_machine *m, uint32_t token, uint32_t elem, uint32_t n, int8_t *x);

// Scale of a row of a unit, as mx_fp_term takes it.
uint16_t mx_read_scale(const mx_params *p, const mx_stream_format *f, const uint8_t *unit, uint32_t row);

// Adds the unit's terms to acc, as the defining path does.
void mx_add_unit_fast(const mx_machine *m, const mx_matmul *mm, const uint8_t *unit, uint32_t block, mx_accumulators acc);

// The whole product with m->simd; false, and nothing done, if there is none or
// activations wrap at the end of XMEM.
bool mx_matmul_simd(mx_machine *m, const mx_matmul *mm, unsigned *fault);
#endif
