#include "compiler/quant/parallel.h"

#include <cblas.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct {
  uint32_t n;
  atomic_uint_fast32_t taken;
  mx_task task;
  void *self;
} queue;

typedef struct {
  queue *q;
  unsigned index;
} worker;

static void *work(void *argument) {
  const worker *w = argument;
  queue *q = w->q;
  for (uint_fast32_t i; (i = atomic_fetch_add(&q->taken, 1)) < q->n;) q->task(q->self, (uint32_t)i, w->index);
  return NULL;
}

void mx_parallel(uint32_t n, unsigned threads, mx_task task, void *self) {
  pthread_t ids[MX_PARALLEL_MAX];
  worker workers[MX_PARALLEL_MAX];
  queue q = {.n = n, .task = task, .self = self};
  unsigned most = threads < n ? threads : (unsigned)n, started = 1;
  for (; started < most; started++) {
    workers[started] = (worker){&q, started};
    if (pthread_create(&ids[started], NULL, work, &workers[started])) break;  // fewer threads do
  }
  workers[0] = (worker){&q, 0};
  work(&workers[0]);
  for (unsigned i = 1; i < started; i++) pthread_join(ids[i], NULL);
}

int mx_blas_single(void) {
  int before = openblas_get_num_threads();
  openblas_set_num_threads(1);
  return before;
}

void mx_blas_restore(int threads) { openblas_set_num_threads(threads); }
