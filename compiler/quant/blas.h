#ifndef MX_QUANT_BLAS_H
#define MX_QUANT_BLAS_H
// The routines of OpenBLAS and LAPACK that quantization uses, with the time spent
// in them: arguments are those of cblas_* and LAPACKE_*_work.
#include <cblas.h>
#include <lapacke.h>

void mx_sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
              const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);
void mx_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
              const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);
void mx_dtrsm(CBLAS_LAYOUT layout, CBLAS_SIDE side, CBLAS_UPLO uplo, CBLAS_TRANSPOSE ta, CBLAS_DIAG diag, int m, int n,
              double alpha, const double *a, int lda, double *b, int ldb);
lapack_int mx_dpotrf(int layout, char uplo, lapack_int n, double *a, lapack_int lda);
lapack_int mx_dposv(int layout, char uplo, lapack_int n, lapack_int n_rhs, double *a, lapack_int lda, double *b,
                    lapack_int ldb);

// Seconds in these since the program began, summed over threads.
double mx_blas_seconds(void);
#endif
