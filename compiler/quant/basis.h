#ifndef MX_BASIS_H
#define MX_BASIS_H
// The basis of the residual stream. A model stays the same function when its
// residual stream x is replaced by Q x, Q orthogonal, and Q folded into every
// matrix that reads or writes it: Q = P H D, with
//   D  random signs (SpinQuant's and QuaRot's randomised Hadamard): channel i
//      changes its sign if bit 63 of the i-th number of random.h from `seed` is set,
//   H  block diagonal, normalised Hadamard matrices of order `hadamard` (hadamard.h),
//   P  an order of the channels: channel i is the order[i]-th of H D x.
#include <stddef.h>  // size_t
#include <stdint.h>

#include "golden/error.h"

typedef struct {
  uint32_t hadamard;  // order of the blocks; divides dim; 0: neither H nor D
  uint64_t seed;      // of the signs
  uint32_t *order;    // [dim], a permutation; owned; NULL: none
} mx_basis;

// y [dim] = Q x [dim]; x and y apart. For comparisons with the original model.
// Computed in double, rounded once.
void mx_basis_apply(const mx_basis *b, uint32_t dim, const float *x, float *y);

// MX_FORMAT, located by `at`: an order of Hadamard matrices that is not known or
// does not divide dim, or an `order` that is no permutation.
mx_status mx_basis_check(const mx_basis *b, uint32_t dim, mx_loc at, mx_error *e);

// Serial form, little endian: u32 hadamard, seed low, seed high, u32 1 if an
// order follows, else 0, u32 order[dim]. Writes it to `out` unless that is NULL;
// returns its bytes.
size_t mx_basis_write(const mx_basis *b, uint32_t dim, uint8_t *out);

// The basis of `dim` channels in bytes [n], which it fills. The caller frees
// out->order (NULL after an error). MX_FORMAT: another length, or what
// mx_basis_check finds.
mx_status mx_basis_read(const uint8_t *bytes, size_t n, uint32_t dim, mx_basis *out, mx_error *e);
#endif
