#ifndef MX_QUANT_PARALLEL_H
#define MX_QUANT_PARALLEL_H
// Work in threads with results that do not depend on their number: a task has
// its own fixed part of the output, and sums inside it have a fixed order.
// OpenBLAS splits products by the number of its threads, so it gets one, and
// the parts are made here.
#include <stdint.h>

enum { MX_PARALLEL_MAX = 64 };

// Calls task(self, i, worker) for each i < n, worker < threads <=
// MX_PARALLEL_MAX telling the calls apart that run at the same time; 0 threads
// count as 1.
typedef void (*mx_task)(void *self, uint32_t i, unsigned worker);
void mx_parallel(uint32_t n, unsigned threads, mx_task task, void *self);

// OpenBLAS to one thread; returns how many it had, for mx_blas_restore.
int mx_blas_single(void);
void mx_blas_restore(int threads);

static inline uint32_t mx_chunks(uint32_t n, uint32_t size) { return n / size + (n % size != 0); }
#endif
