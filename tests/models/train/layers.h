// The layers of a Llama block, each with its backward pass.
//
// Activations are row-major [rows][width], one row a token; rows = sequences * context.
// Weights are row-major [outputs][inputs], as in GGUF (ne[0] = inputs, the fastest).
// A backward function adds to weight gradients and says for each activation gradient whether
// it is overwritten or added to.
#ifndef TRAIN_LAYERS_H
#define TRAIN_LAYERS_H

#include "real.h"

#include <stdint.h>

// A target that is not scored: padding at the end of a short window.
#define IGNORED_TARGET UINT32_MAX

// y[rows][outputs] = x[rows][inputs] * w^T
void linear_forward(struct matrix y, struct matrix x, const real *w, size_t rows, size_t inputs,
                    size_t outputs);

// dx = dy * w (overwritten);  dw += dy^T * x
void linear_backward(struct matrix dx, real *dw, struct matrix dy, struct matrix x, const real *w,
                     size_t rows, size_t inputs, size_t outputs);

// y = x * inverse_rms * gain, with inverse_rms[rows] kept for the backward pass.
void rmsnorm_forward(real *y, real *inverse_rms, const real *x, const real *gain, size_t rows,
                     size_t width, real epsilon);

// dx is added to; dgain is added to.
void rmsnorm_backward(real *dx, real *dgain, const real *dy, const real *x,
                      const real *inverse_rms, const real *gain, size_t rows, size_t width);

// gate_up is [rows][2 * hidden]: the gate half, then the up half.  h = silu(gate) * up
void swiglu_forward(real *h, const real *gate_up, size_t rows, size_t hidden);

// d_gate_up is overwritten.
void swiglu_backward(real *d_gate_up, const real *dh, const real *gate_up, size_t rows,
                     size_t hidden);

// y[i] += drop(x[i]): each element is kept with probability 1 - rate and then scaled by
// 1 / (1 - rate). The mask is a hash of (seed, i), so backward recomputes it.
void dropout_add(real *y, const real *x, size_t count, real rate, uint32_t seed);

// dx[i] = mask(i) * dy[i], the mask of dropout_add with the same seed.
void dropout_backward(real *dx, const real *dy, size_t count, real rate, uint32_t seed);

// loss[rows] = -log softmax(logits)[target], in nats; 0 for IGNORED_TARGET.
// logits[rows][vocab] is replaced by its gradient times scale.
void cross_entropy(real *loss, real *logits, const uint32_t *targets, size_t rows, size_t vocab,
                   real scale);

#endif
