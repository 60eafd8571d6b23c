// The number type of the trainer: float, or double for the gradient test (-DTRAIN_DOUBLE),
// where finite differences would drown in single-precision rounding.
#ifndef TRAIN_REAL_H
#define TRAIN_REAL_H

#include <cblas.h>
#include <math.h>
#include <stddef.h>

#ifdef TRAIN_DOUBLE
typedef double real;
#define real_gemm cblas_dgemm
#define real_exp exp
#define real_log log
#define real_sqrt sqrt
#else
typedef float real;
#define real_gemm cblas_sgemm
#define real_exp expf
#define real_log logf
#define real_sqrt sqrtf
#endif

// A row-major matrix or a view of one: element (r, c) is at p[r * ld + c].
struct matrix {
    real *p;
    size_t ld;
};

enum transpose { AS_IS, TRANSPOSED };

// c[m][n] = alpha * op(a)[m][k] * op(b)[k][n] + beta * c[m][n]
static inline void matmul(struct matrix c, struct matrix a, enum transpose ta, struct matrix b,
                          enum transpose tb, size_t m, size_t n, size_t k, real alpha, real beta)
{
    real_gemm(CblasRowMajor, ta == TRANSPOSED ? CblasTrans : CblasNoTrans,
              tb == TRANSPOSED ? CblasTrans : CblasNoTrans, (int)m, (int)n, (int)k, alpha, a.p,
              (int)a.ld, b.p, (int)b.ld, beta, c.p, (int)c.ld);
}

#endif
