#ifndef MX_GGUF_WRITE_H
#define MX_GGUF_WRITE_H
// Writes a Llama model as GGUF version 3, with the metadata and tensor names of
// llama.cpp's converter: what compiler/import/gguf_llama.c reads. Rows of
// attn_q and attn_k keep their order: pairs (2i, 2i+1) of RoPE side by side, as
// in model.h and in GGUF's architecture "llama".
#include "compiler/import/gguf.h"
#include "compiler/import/model.h"

// Where a model comes from: matrices in pieces of whole rows, so that memory
// never holds one. All pointers are borrowed.
typedef struct {
  const mx_config *config;
  bool tied;                      // no output matrix of its own
  const mx_tokenizer *tokenizer;  // of config->vocab_size pieces
  const char *name;               // general.name
  uint32_t type;                  // of the matrices, MX_GGML_F32 or MX_GGML_F16; gains are F32
  // Writes rows first .. first + n - 1 of matrix `index` (mx_model_matrix) to
  // out [n][cols].
  mx_status (*rows)(void *self, uint32_t index, uint32_t first, uint32_t n, float *out, mx_error *e);
  void *self;
} mx_gguf_source;

// Writes to a temporary file beside `path`, which takes its name once it is
// whole. MX_IO: the system refused; MX_LIMIT: a value is not finite in the
// tensor's type.
mx_status mx_gguf_write(const char *path, const mx_gguf_source *source, mx_error *e);

// The same of a model in memory, with its tokenizer.
mx_status mx_gguf_write_model(const char *path, const mx_model *m, const char *name, uint32_t type, mx_error *e);

// To IEEE half, ties to even; beyond 65504 infinity.
uint16_t mx_half_of_float(float v);
#endif
