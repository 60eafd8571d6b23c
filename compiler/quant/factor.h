#ifndef MX_QUANT_FACTOR_H
#define MX_QUANT_FACTOR_H
// GPTQ's factor of an inverse Hessian, in parallel parts that do not depend on
// the number of threads.
#include <stdbool.h>
#include <stdint.h>

#include "golden/error.h"

// u [n][n] = the upper U with U^T U = H^-1, rounded to FP32; below its diagonal u
// is not written. H is positive definite; its upper triangle is in a [n][n], which
// is used up. *definite tells whether it was; if not, u is of no use. With J the
// order reversed and J H J = L L^T, U = J L^-1 J: one Cholesky factorization and
// one triangular inverse, n^3 / 3 multiply-adds together, half of what potrf, potri
// and potrf take. MX_LIMIT: no memory for threads x n x 128 doubles.
mx_status mx_inverse_factor(double *a, uint32_t n, unsigned threads, float *u, bool *definite, mx_error *e);
#endif
