#ifndef MX_SENSITIVITY_H
#define MX_SENSITIVITY_H
// What a model loses when one of its matrices takes a format, all else FP32.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/plan.h"
#include "compiler/quant/source.h"

typedef struct {
  uint32_t layer;           // n_layers: the output matrix
  unsigned index;           // of mx_qlayer_matrix; 0 for the output matrix
  mx_matrix_format format;  // n_parts 0: not wanted
  double loss;              // result
} mx_trial;

// Tokens of the calibration text that are looked at.
enum { MX_SENSITIVITY_TOKENS = 2048 };

// Both set the loss of each trial [n]; weights are rounded to nearest. MX_FORMAT: a
// loss is not finite; MX_LIMIT: no memory.
//
// Measured: the mean over tokens of the Kullback-Leibler divergence, in nats, of
// the next token's distribution from that of the FP32 model; the matrix's input is
// rounded too. The rest of the model runs for every trial, so that time grows with
// the square of the number of layers; memory holds two sets of activations and a
// float per token and vocabulary entry.
mx_status mx_sensitivity_measure(const mx_source *source, const mx_calibration *c, unsigned threads, mx_trial *trials,
                                 uint32_t n, mx_error *e);

// By the Hessian: HAWQ-V2 (Dong et al., arXiv 1911.03852, 3.1) takes the mean trace
// of a layer's Hessian times the squared perturbation |Q(W) - W|^2. Here H is the
// Hessian of the matrix's own output error, the mean of x x^T over its inputs, which
// is known, so that the error needs no mean trace: the loss is tr(dW H dW^T), dW =
// Q(W) - W. (Over tr(W H W^T), the loss chose worse formats for the shipped model.)
// One pass of the model; blind to the rounding of inputs.
mx_status mx_sensitivity_trace(const mx_source *source, const mx_calibration *c, unsigned threads, mx_trial *trials,
                               uint32_t n, mx_error *e);
#endif
