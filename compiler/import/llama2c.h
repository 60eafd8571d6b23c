#ifndef MX_LLAMA2C_H
#define MX_LLAMA2C_H
// llama2.c's files: models in the legacy format (version 0) and tokenizer.bin.
//
// Model, little endian, no magic:
//   int32 dim, hidden_dim, n_layers, n_heads, n_kv_heads, vocab_size, seq_len;
//   a negative vocab_size says that the classifier has weights of its own
//   float32 token_embd [vocab_size][dim], then per kind for all layers:
//   attn_norm, wq, wk, wv, wo, ffn_norm, w_gate, w_down, w_up, then
//   output_norm [dim], two RoPE tables [seq_len][head_dim/2] (not used), and
//   the classifier [vocab_size][dim] if there is one.
// tokenizer.bin: int32 longest piece in bytes, then per token float32 score,
//   int32 length, text (spaces as spaces). BOS is 1, EOS 2, unknown 0.
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>

#include "compiler/import/model.h"

// Whether the bytes begin like a llama2.c model (also a newer, unsupported one).
bool mx_llama2c_detect(const uint8_t *data, size_t size);

// Reads a model from data [size], which must outlive *out: its weights stay there
// (mx_model.stored). `path` names it in errors. MX_USAGE without a
// tokenizer_path; MX_UNSUPPORTED for versions 1 and 2; MX_FORMAT unless the
// size is exactly what the header implies. The caller frees *out.
mx_status mx_llama2c_open(const uint8_t *data, size_t size, const char *path,
                          const char *tokenizer_path, mx_model **out, mx_error *e);

// Reads a tokenizer.bin of vocab_size tokens from data [size], which it fills
// exactly. The caller frees *out.
mx_status mx_llama2c_tokenizer(const uint8_t *data, size_t size, const char *path,
                               uint32_t vocab_size, mx_tokenizer **out, mx_error *e);

// The same from the file at `path`.
mx_status mx_llama2c_tokenizer_load(const char *path, uint32_t vocab_size, mx_tokenizer **out,
                                    mx_error *e);
#endif
