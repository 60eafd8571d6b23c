#ifndef MX_HADAMARD_H
#define MX_HADAMARD_H
// Hadamard transforms: the ones that are folded, of any order that is known,
// and the ones that the vector unit does at run time.
#include <stdint.h>

// Online transform of x [n], n a multiple of 4, in place, not normalised. The
// vector unit's addresses are multiples of 4, so channels 4 j + c with equal c
// are transformed together. x is cut into segments of 4 m elements, m the
// largest power of two that fits what is left (500 = 256 + 128 + 64 + 32 + 16 +
// 4); in each, for w = 1, 2, 4 .. m / 2 and every pair of j without bit w and
// k = j + w: x[4 j + c], x[4 k + c] = x[4 j + c] + x[4 k + c], x[4 j + c] - x[4 k + c].
void mx_hadamard_online(float *x, uint32_t n);

// Elements (4 m) of the segment that begins at `at` of n.
uint32_t mx_hadamard_segment(uint32_t n, uint32_t at);

// Of a query or key head [head_dim] of interleaved pairs (model.h): first[i] and
// second[i] become their sum and difference, then first and second [head_dim / 2]
// are each transformed online if head_dim / 2 is a multiple of 4 (else not).
void mx_hadamard_online_head(float *head, uint32_t head_dim);
#endif
