#ifndef MX_ROUND_H
#define MX_ROUND_H
// One matrix to its formats, by the rounding method that the list names; tables
// of fitted formats (codebook.h) are fitted first. Rounding to nearest and by least
// error work part by part, GPTQ makes up for the losses of one part in the other.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/method.h"
#include "compiler/quant/qmodel.h"

// h, of the inputs as the device rounds them, is NULL without calibration.
// `clip`: AWQ's clip search applies. The caller frees *out with mx_qmatrix_free,
// after an error too.
mx_status mx_round_matrix(const mx_matrix *m, const mx_matrix_format *format, const mx_methods *how, bool clip,
                          const mx_hessian *h, unsigned threads, const char *name, mx_qmatrix *out, mx_error *e);
#endif
