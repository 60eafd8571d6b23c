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
#include <signal.h>  // sig_atomic_t

#include "compiler/quant/calibrate.h"
#include "compiler/quant/method.h"
#include "compiler/quant/progress.h"
#include "compiler/quant/qmodel.h"

typedef struct {
  mx_weight_format weights;  // of every matrix but the embedding, which stays FP32
  unsigned act_bits, kv_bits;  // MX_BITS_ codes
  uint64_t seed;             // of a rotation's signs
  mx_methods methods;        // all zero: round to nearest
  const mx_calibration *calibration;  // NULL: none
  unsigned threads;          // 0: one; bytes do not depend on it
  void (*progress)(const mx_progress *p);  // called before each step; may be NULL
  void (*note)(const char *text);          // what the user should know; may be NULL
  // Folder that keeps finished layers, so that the same call goes on after an
  // interruption (state.h); NULL: none. To be removed (mx_state_remove) once the
  // result is safe.
  const char *state;
  bool restart;                            // takes nothing from the folder
  // Looked at before each matrix: once it is not 0, MX_INTERRUPTED. NULL: never.
  const volatile sig_atomic_t *interrupted;
} mx_quantize_options;

// Takes the tokenizer out of `model`, which stays as it is otherwise; its weights
// may be in memory or in their file. The caller frees *out. MX_USAGE: a method
// needs calibration; MX_FORMAT: a weight or an activation is not finite;
// MX_INTERRUPTED: the tokenizer stays, the folder `state` has what is finished.
mx_status mx_quantize_model(mx_model *model, const mx_quantize_options *o, mx_qmodel **out, mx_error *e);

// Folds the scales of SmoothQuant and AWQ into the model's own matrices, and
// rounds nothing: logits stay, up to FP32 rounding. An output matrix shared
// with the embedding becomes one of its own. MX_UNSUPPORTED: methods that change
// the basis.
mx_status mx_equalise_model(mx_model *model, const mx_quantize_options *o, mx_error *e);
#endif
