#ifndef MX_MIXED_H
#define MX_MIXED_H
// Mixed precision: which matrices, and which groups of their input channels, get
// more bits, under a budget of bits per weight or of cycles.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/method.h"
#include "compiler/quant/plan.h"
#include "compiler/quant/source.h"

// With `channels`, the order of channels in which the first columns of a matrix
// are the ones worth more bits. out->basis.order and out->hidden; owned by the
// caller (mx_rotation_free).
mx_status mx_mixed_order(const mx_source *source, const mx_calibration *c, unsigned threads, mx_rotation *out, mx_error *e);

// Changes the uniform `plan` within the budget. `base` are its formats.
mx_status mx_mixed_plan(const mx_source *source, const mx_calibration *c, const mx_methods *how, unsigned kv_bits,
                        unsigned threads, mx_plan *plan, mx_error *e);
#endif
