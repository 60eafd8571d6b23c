#ifndef MX_HADAMARD_H
#define MX_HADAMARD_H
// Hadamard transforms: the ones that are folded, of any order that is known,
// and the ones that the vector unit does at run time.
//
// Known orders are 2^k c, the Kronecker product of Sylvester's matrix of order
// 2^k and a core of order c (Paley, "On orthogonal matrices", 1933):
//   c = 1
//   c = q + 1, q prime, q = 3 mod 4         H = I + S, S = [0 1; -1 J] (Paley I)
//   c = 2 (q + 1), q prime, q = 1 mod 4     H = S x [1 1; 1 -1] + I x [1 -1; -1 -1],
//                                           S = [0 1; 1 J] (Paley II)
// J[i][k] is the Legendre symbol of i - k modulo q. Of several cores that make
// an order, the smallest serves. Signs and order of rows follow from this, and
// files depend on them (basis.h).
#include <stdint.h>

// Orders beyond this are not used.
enum { MX_HADAMARD_MAX = 8192 };

// The largest known order that divides n > 0; at least 1.
uint32_t mx_hadamard_order(uint32_t n);

// x [n] in place: every run of `order` elements, a known order that divides n,
// times the normalised matrix: element (a, i) of a run is x[a c + i], a < 2^k.
void mx_hadamard_transform(double *x, uint32_t n, uint32_t order);

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
