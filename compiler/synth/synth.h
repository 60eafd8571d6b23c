#ifndef MX_SYNTH_H
#define MX_SYNTH_H
// Models of well-known shapes with random weights: for the cost of a model in
// time and memory where its weights do not matter.
//
// Matrices are normal with deviation 1 / sqrt(cols), wo and w_down less by
// sqrt(2 n_layers), so that the residual stream stays within a small factor of
// where it began; rows and columns differ in size by some ten percent. Norm
// gains lie around 1, and one channel in 64 has a gain of 4 to 32: activations
// with outlier channels, as trained models have them. The vocabulary is <unk>,
// <s>, </s>, the 256 bytes, a space, and pieces that text never gives.
#include "compiler/import/model.h"

typedef struct {
  const char *shape;
  uint32_t layers;   // 0: the shape's
  uint64_t seed;
  uint32_t type;     // of the file's matrices: MX_GGML_F32 or MX_GGML_F16
  unsigned threads;  // 0: one; bytes do not depend on it
} mx_synth_options;

// MX_USAGE: no such shape.
mx_status mx_synth_config(const mx_synth_options *o, mx_config *out, bool *tied, mx_error *e);

// Writes the model as GGUF. Memory: some 20 MB beside the vocabulary.
mx_status mx_synth_write(const char *path, const mx_synth_options *o, mx_error *e);

// <unk>, <s>, </s>, 256 bytes, a space, and others up to vocab_size, at least
// 260 (else MX_USAGE). The caller frees *out.
mx_status mx_synth_tokenizer(uint32_t vocab_size, mx_tokenizer **out, mx_error *e);

// "llama2-7b, ...": the names for people.
const char *mx_synth_shapes(void);
#endif
