#ifndef MX_QUANTIZE_H
#define MX_QUANTIZE_H
// A whole model to low-bit formats, matrix by matrix.
#include "compiler/quant/qmodel.h"

typedef struct {
  mx_weight_format weights;  // of every matrix but the embedding, which stays FP32
  unsigned act_bits, kv_bits;
  // Called before each matrix with its name; may be NULL.
  void (*progress)(const char *name, uint32_t done, uint32_t of);
} mx_quantize_options;

// Takes the tokenizer out of `model`. The caller frees *out.
mx_status mx_quantize_model(mx_model *model, const mx_quantize_options *o, mx_qmodel **out, mx_error *e);
#endif
