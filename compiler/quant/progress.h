#ifndef MX_QUANT_PROGRESS_H
#define MX_QUANT_PROGRESS_H
// How much of a quantization is done, by work and not by number of matrices.
// Work is estimated in multiply-adds of OpenBLAS; what runs outside of it counts
// as many as take the same time.
#include "compiler/import/model.h"
#include "compiler/quant/method.h"

typedef struct {
  const char *name;            // of the step to come
  uint32_t matrix, matrices;   // rounded so far, of
  uint32_t layer, layers;      // layer == layers: the output matrix
  double done, skipped, total; // work; `skipped` of `done` was taken from an earlier run
} mx_progress;

typedef struct {
  const mx_config *config;
  const mx_methods *methods;
  double tokens;  // of the calibration; 0: none
} mx_work;

// Choosing the scales of a layer's inputs (or, with `head`, of the output matrix).
double mx_work_scales(const mx_work *w, bool head);
// Rounding matrix `index` of mx_qlayer_matrix, MX_QLAYER_MATRICES for the output,
// with what must be computed before: Hessian, activations.
double mx_work_matrix(const mx_work *w, unsigned index);
double mx_work_layer(const mx_work *w);  // both, of all a layer's matrices
double mx_work_total(const mx_work *w);
#endif
