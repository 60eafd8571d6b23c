#ifndef MX_QUANTIZE_H
#define MX_QUANTIZE_H
// A whole model to low-bit formats, layer by layer.
//
// With calibration, two streams of activations go through the model: that of
// the original model, from which SmoothQuant and AWQ take their magnitudes, as
// their published codes do; and that of the quantized one, in which every
// matrix is rounded as soon as its input, made by the rounded matrices before
// it with rounded activations, is known: GPTQ's --true-sequential. A layer is
// worked on in a copy; of the activations, memory holds one layer's.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/method.h"
#include "compiler/quant/qmodel.h"

typedef struct {
  mx_weight_format weights;  // of every matrix but the embedding, which stays FP32
  unsigned act_bits, kv_bits;  // MX_BITS_ codes
  uint64_t seed;             // of a rotation's signs
  mx_methods methods;        // all zero: round to nearest
  const mx_calibration *calibration;  // NULL: none
  unsigned threads;          // 0: one; bytes do not depend on it
  // Called before each matrix with its name; may be NULL.
  void (*progress)(const char *name, uint32_t done, uint32_t of);
} mx_quantize_options;

// Takes the tokenizer out of `model`, which stays as it is otherwise. The
// caller frees *out. MX_USAGE: a method needs calibration; MX_FORMAT: a weight
// or an activation is not finite.
mx_status mx_quantize_model(mx_model *model, const mx_quantize_options *o, mx_qmodel **out, mx_error *e);

// Folds the scales of SmoothQuant and AWQ into the model's own matrices, and
// rounds nothing: logits stay, up to FP32 rounding. An output matrix shared
// with the embedding becomes one of its own.
mx_status mx_equalise_model(mx_model *model, const mx_quantize_options *o, mx_error *e);
#endif
