#ifndef MX_MODEL_H
#define MX_MODEL_H
// A Llama or Qwen3 model in memory, in FP32, whatever file it came from.
//
// One layer, with x[dim] the residual stream and norm(v, g) = g * v /
// sqrt(mean(v^2) + rms_eps):
//   h = norm(x, attn_norm); q = wq h, k = wk h, v = wv h;
//   with `head_norms` each head of q becomes norm(head, q_norm), of k norm(head, k_norm);
//   RoPE on q and k;
//   x += wo attention(q, k, v), query head i using KV head
//        i / (n_heads / n_kv_heads), scores scaled by 1/sqrt(head_dim), causal;
//   h = norm(x, ffn_norm); x += w_down (silu(w_gate h) * (w_up h)).
// logits = output norm(x, output_norm).
// RoPE turns the pair (2i, 2i+1) of each head by position * rope_theta^(-2i/head_dim).
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>

#include "compiler/import/bytes.h"
#include "compiler/import/elements.h"
#include "compiler/import/tokenizer.h"
#include "golden/error.h"

typedef struct {
  uint32_t dim;             // width of the residual stream
  uint32_t hidden_dim;      // width of the feed-forward layer
  uint32_t n_layers;
  uint32_t n_heads;         // query heads, a multiple of n_kv_heads
  uint32_t n_kv_heads;
  uint32_t head_dim;        // even
  uint32_t vocab_size;
  uint32_t context_length;  // positions the model was trained for
  float rope_theta;
  float rms_eps;
  uint32_t head_norms;      // 1: query and key heads have RMS norms (Qwen3), else 0
} mx_config;

// Its name in GGUF.
static inline const char *mx_config_architecture(const mx_config *c) { return c->head_norms ? "qwen3" : "llama"; }

typedef struct {
  uint32_t rows, cols;
  float *data;  // [rows][cols]; a product reduces along cols
} mx_matrix;

// The matrices of a layer: field, name in GGUF after "blk.N.", rows, cols, with
// q = n_heads * head_dim and kv = n_kv_heads * head_dim.
#define MX_LAYER_MATRICES(X)              \
  X(attn_norm, "attn_norm", 1, dim)       \
  X(wq, "attn_q", q, dim)                 \
  X(wk, "attn_k", kv, dim)                \
  X(wv, "attn_v", kv, dim)                \
  X(wo, "attn_output", dim, q)            \
  X(ffn_norm, "ffn_norm", 1, dim)         \
  X(w_gate, "ffn_gate", hidden, dim)      \
  X(w_up, "ffn_up", hidden, dim)          \
  X(w_down, "ffn_down", dim, hidden)

// Those that a layer has besides with `head_norms`.
#define MX_HEAD_NORMS(X)                   \
  X(q_norm, "attn_q_norm", 1, head_dim)    \
  X(k_norm, "attn_k_norm", 1, head_dim)

typedef struct {
#define MX_FIELD(field, name, rows, cols) mx_matrix field;
  MX_LAYER_MATRICES(MX_FIELD)
  MX_HEAD_NORMS(MX_FIELD)  // without rows and data where there are none
#undef MX_FIELD
} mx_layer;

#define MX_COUNT(field, name, rows, cols) +1
enum { MX_LAYER_MATRIX_COUNT = 0 MX_LAYER_MATRICES(MX_COUNT), MX_HEAD_NORM_COUNT = 0 MX_HEAD_NORMS(MX_COUNT) };
#undef MX_COUNT

// Where a matrix's elements are in the model's file. Files whose RoPE turns the
// pair (i, i + head_dim / 2), as Qwen3's, have the rows of wq and wk and the gains of
// their norms in another order: of each `halves` = head_dim rows or elements first
// those that are here even ones, then the odd ones. mx_model_fetch undoes this.
typedef struct {
  mx_element type;
  uint64_t at_bytes;
  uint32_t halves;  // 0: as here
} mx_stored;

// Weights are in memory, or in a mapped file, then all `data` are NULL and
// mx_model_fetch converts them one matrix at a time.
typedef struct {
  mx_config config;
  mx_matrix token_embd;     // [vocab_size][dim]
  mx_layer *layers;         // [n_layers]
  mx_matrix output_norm;    // [1][dim]
  mx_matrix output;         // [vocab_size][dim]; token_embd's data when `tied`
  bool tied;
  mx_tokenizer *tokenizer;  // owned; NULL only in models made by mx_model_new
  char format[64];          // what the file was, for people: "GGUF v3 (F32 F16)"
  mx_stored *stored;        // [mx_model_matrix_count], owned; NULL: weights in memory
  const uint8_t *bytes;     // of the file, where there is `stored`
  char *path;               // of the file, for errors; owned
  mx_file file;             // mapped by mx_model_open, else empty
} mx_model;

enum { MX_MATRIX_NAME_BYTES = 48 };

// Loads the model file at `path` (GGUF or llama2.c, told apart by content) and
// its tokenizer: GGUF files carry one, which the file at `tokenizer_path`
// (llama2.c's tokenizer.bin) replaces unless that is NULL; llama2.c models need
// it. The caller frees *out. MX_FORMAT, MX_UNSUPPORTED and MX_IO errors name
// file, offset, what was expected and what was found; MX_USAGE: a tokenizer
// is needed. A weight that is infinite or NaN is MX_FORMAT.
mx_status mx_model_load(const char *path, const char *tokenizer_path, mx_model **out,
                        mx_error *e);
void mx_model_free(mx_model *m);  // NULL is allowed

// The same, but weights stay in the mapped file and are not looked at: that they
// are finite is checked by mx_model_fetch.
mx_status mx_model_open(const char *path, const char *tokenizer_path, mx_model **out,
                        mx_error *e);

// A copy of matrix `index` (mx_model_matrix), wherever its weights are. The
// caller frees out->data, which is NULL after an error. MX_FORMAT, with the file
// offset: an element is not finite.
mx_status mx_model_fetch(const mx_model *m, uint32_t index, mx_matrix *out, mx_error *e);

// mx_model_fetch of the rows ids [n] of the embedding: out [n][dim].
mx_status mx_model_fetch_rows(const mx_model *m, const int32_t *ids, uint32_t n, mx_matrix *out, mx_error *e);

// All weights to memory.
mx_status mx_model_convert(mx_model *m, mx_error *e);

// Places in mx_model_matrix: matrix k of MX_LAYER_MATRICES of a layer; the
// output matrix, which is the embedding in a tied model; its norm; matrix k of
// MX_HEAD_NORMS of a layer.
static inline uint32_t mx_model_layer_index(uint32_t layer, uint32_t k) { return 1 + MX_LAYER_MATRIX_COUNT * layer + k; }
static inline uint32_t mx_model_norm_index(const mx_model *m) { return mx_model_layer_index(m->config.n_layers, 0); }
static inline uint32_t mx_model_output_index(const mx_model *m) { return m->tied ? 0 : mx_model_norm_index(m) + 1; }
static inline uint32_t mx_model_head_norm_index(const mx_model *m, uint32_t layer, uint32_t k) {
  return mx_model_norm_index(m) + (m->tied ? 1 : 2) + MX_HEAD_NORM_COUNT * layer + k;
}

// Refuses (MX_FORMAT, or MX_LIMIT for sizes over 2^24) a configuration that no
// model can have; `at` locates it in the error.
mx_status mx_config_check(const mx_config *config, mx_loc at, mx_error *e);

// A model with every matrix's rows and cols set, and data NULL. The caller has
// checked the configuration and that n_layers is no larger than its input
// justifies; it frees *out.
mx_status mx_model_new(const mx_config *config, bool tied, mx_model **out, mx_error *e);

// Sets m->stored, places yet to be filled in: weights are in `bytes` of the file
// `path`, which outlive the model or are m->file's.
mx_status mx_model_store(mx_model *m, const uint8_t *bytes, const char *path, mx_error *e);

// Sets m->data to rows * cols floats, uninitialised (freed with the model).
mx_status mx_matrix_allocate(mx_matrix *m, mx_error *e);

// Points `output` at token_embd's data in a tied model, once that is there.
void mx_model_tie(mx_model *m);

// MX_FORMAT if an element of the matrix is not finite; `at` is where data[0][0]
// lies in the file.
mx_status mx_matrix_check_finite(const mx_matrix *m, const char *name, mx_loc at, mx_error *e);

// Number of matrices with data of their own: 2 + 9 * n_layers, 1 if !tied, and
// 2 * n_layers with head_norms.
uint32_t mx_model_matrix_count(const mx_model *m);

// Matrix `index` < mx_model_matrix_count: token_embd, the layers' in the order
// of MX_LAYER_MATRICES, output_norm, output, the layers' MX_HEAD_NORMS. Writes
// its name in GGUF, such as "blk.0.attn_q.weight", to `name`.
mx_matrix *mx_model_matrix(const mx_model *m, uint32_t index, char name[MX_MATRIX_NAME_BYTES]);
#endif
