#ifndef MX_MIXED_H
#define MX_MIXED_H
// Mixed precision: which matrices, and which groups of their input channels, get
// more bits, under a budget of bits per weight or of cycles.
//
// Each matrix keeps the base format or takes mxint8 or mxint6 of its block; also
// formats below the base where that is over the budget, mxint4 included. What a
// choice loses is measured, or comes from the Hessian (sensitivity.h); losses of
// different matrices are taken to add up. The choice is a multiple-choice knapsack
// (knapsack.h) whose items are inputs with all matrices that take them.
//   bits    storage of all quantized matrices, all that belongs to blocks and rows
//           included, over their weights (mx_matrix_format_bits)
//   cycles  beats of the weight streams for one token on set `sim`, which reads
//           one a cycle
// Where activations are narrower than 8 bits, an input whose matrices all became
// mxint8 comes in 8 bits.
//
// With channels, an input's first 32, 64 or 96 channels (multiples of the block)
// may be mxint8 with 8-bit activations in all its matrices, the rest in the base
// formats, in an order of channels that brings the ones first where that counts. In
// the attention's output a channel belongs to a head, so wo is not divided.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/method.h"
#include "compiler/quant/plan.h"
#include "compiler/quant/source.h"

// The order of channels, by descending mean square of the channel times the energy
// of its weights' rounding error to `base`, summed over the matrices that take it,
// each over the same of its weights themselves: one for the residual stream of the
// whole model, out->basis.order, and one for each layer's hidden channels,
// out->hidden. The caller frees them (mx_rotation_free), after an error too.
mx_status mx_mixed_order(const mx_source *source, const mx_weight_format *base, const mx_calibration *c, unsigned threads,
                         mx_rotation *out, mx_error *e);

// Changes the uniform `plan`, whose formats are the base, within the budget.
// MX_USAGE: the budget is below the least possible, which the message names.
mx_status mx_mixed_plan(const mx_source *source, const mx_calibration *c, const mx_methods *how, unsigned threads,
                        mx_plan *plan, mx_error *e);
#endif
