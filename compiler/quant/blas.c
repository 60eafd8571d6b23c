#include "compiler/quant/blas.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

static atomic_uint_fast64_t spent_ns;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void spend(uint64_t since_ns) {
  atomic_fetch_add_explicit(&spent_ns, now_ns() - since_ns, memory_order_relaxed);
}

double mx_blas_seconds(void) { return 1e-9 * (double)atomic_load_explicit(&spent_ns, memory_order_relaxed); }

void mx_sgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha,
              const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc) {
  uint64_t since = now_ns();
  cblas_sgemm(layout, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  spend(since);
}

void mx_dgemm(CBLAS_LAYOUT layout, CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha,
              const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc) {
  uint64_t since = now_ns();
  cblas_dgemm(layout, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  spend(since);
}

void mx_dtrsm(CBLAS_LAYOUT layout, CBLAS_SIDE side, CBLAS_UPLO uplo, CBLAS_TRANSPOSE ta, CBLAS_DIAG diag, int m, int n,
              double alpha, const double *a, int lda, double *b, int ldb) {
  uint64_t since = now_ns();
  cblas_dtrsm(layout, side, uplo, ta, diag, m, n, alpha, a, lda, b, ldb);
  spend(since);
}

lapack_int mx_dpotrf(int layout, char uplo, lapack_int n, double *a, lapack_int lda) {
  uint64_t since = now_ns();
  lapack_int info = LAPACKE_dpotrf_work(layout, uplo, n, a, lda);
  spend(since);
  return info;
}

lapack_int mx_dposv(int layout, char uplo, lapack_int n, lapack_int n_rhs, double *a, lapack_int lda, double *b,
                    lapack_int ldb) {
  uint64_t since = now_ns();
  lapack_int info = LAPACKE_dposv_work(layout, uplo, n, n_rhs, a, lda, b, ldb);
  spend(since);
  return info;
}
