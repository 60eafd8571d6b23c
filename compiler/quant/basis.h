#ifndef MX_BASIS_H
#define MX_BASIS_H
// The basis of the residual stream. A model stays the same function when its
// residual stream x is replaced by Q x, Q orthogonal, and Q folded into every
// matrix that reads or writes it: Q = P H D, with
//   D  random signs (SpinQuant's and QuaRot's randomised Hadamard),
//   H  block diagonal, normalised Hadamard matrices of order `hadamard`,
//   P  an order of the channels: channel i is the order[i]-th of H D x.
#include <stdint.h>

typedef struct {
  uint32_t hadamard;  // order of the blocks; divides dim; 0: neither H nor D
  uint64_t seed;      // of the signs
  uint32_t *order;    // [dim], a permutation; owned; NULL: none
} mx_basis;

// y [dim] = Q x [dim]; x and y apart. For comparisons with the original model.
void mx_basis_apply(const mx_basis *b, uint32_t dim, const float *x, float *y);
#endif
