#ifndef MX_GEOMETRY_H
#define MX_GEOMETRY_H
// Quantized models of well-known shapes without weights: sizes and formats of every
// matrix, but no codes, which is all that the compiler needs to make programs.
#include "compiler/quant/qmodel.h"

typedef struct {
  const char *shape;         // as in synth.h
  uint32_t layers;           // 0: the shape's
  mx_weight_format weights;  // of every matrix
  mx_act_format acts;        // of every matrix's inputs
  unsigned kv_bits;          // MX_BITS_ code
} mx_geometry_options;

// MX_USAGE: no such shape; MX_UNSUPPORTED: one that mx_config cannot express. The caller frees *out.
mx_status mx_synth_geometry(const mx_geometry_options *o, mx_qmodel **out, mx_error *e);
#endif
