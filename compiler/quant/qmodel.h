#ifndef MX_QMODEL_H
#define MX_QMODEL_H
// A quantized model: what `mxf quantize` writes and `mxf compile` reads.
//
// File (.mxq), little endian:
//   0   char[4] "MXQ2"; 4 u32 CRC-32 of all bytes from offset 8; 8 u64 file size
//   16  config: u32 dim, hidden_dim, n_layers, n_heads, n_kv_heads, head_dim,
//       vocab_size, context_length; f32 rope_theta, rms_eps
//   56  u32 kv_bits (MX_BITS_ code), u32 switches: online transforms, bit 0 of ffn_down,
//       bit 1 of queries and keys; bit 2 config.head_norms
//   64  u32 hadamard, seed low, seed high of the basis, u32 1 if an order follows,
//       u32 order[dim]
//   then u32 tokenizer bytes, tokenizer (serial form of tokenizer.h)
//   u32 n_prefix; if not 0: u32 ids[n_prefix], f32 keys[n_layers][n_prefix][kv],
//       values the same, logits[vocab_size]
//   token_embd; per layer attn_norm, the matrices in the order of
//   mx_qlayer_matrix, ffn_norm, with head_norms q_norm and k_norm; output_norm;
//   output. FP32 ones are f32[rows][cols].
//   Quantized ones are u32 parts, then each part: u32 cols, u32 bits, scale, zero,
//   block, codebook, frac, fitted, i8 table[16], u32 bits and u32 fixed of its inputs, i8
//   codes[rows][cols], then f32 steps[rows] in formats by row, else u16
//   scales[rows][blocks], i8 zeros[rows][blocks] if zero.
#include "compiler/import/model.h"
#include "compiler/quant/basis.h"
#include "compiler/quant/format.h"

// A matrix, or the first part of one whose columns have two formats.
typedef struct mx_qmatrix {
  uint32_t rows, cols;       // of this part
  mx_weight_format format;
  mx_act_format acts;        // of the inputs
  int8_t *codes;     // [rows][cols]: signed codes, or 0 .. 15 with a codebook
  uint16_t *scales;  // [rows][blocks]: E8M0 byte or FP16; NULL in formats by row
  int8_t *zeros;     // [rows][blocks]; 0 without zero points; NULL in formats by row
  float *steps;      // [rows] in formats by row, else NULL
  struct mx_qmatrix *rest;   // the columns after these; owned; NULL: none
} mx_qmatrix;

typedef struct {
  mx_matrix attn_norm, ffn_norm;  // [1][dim]
  mx_matrix q_norm, k_norm;       // [1][head_dim] with config.head_norms, else of no rows
  mx_qmatrix wq, wk, wv, wo, w_gate, w_up, w_down;
} mx_qlayer;

// Hadamard transforms at run time (hadamard.h): of the input of ffn_down, and of
// each query and key head after RoPE. What they need of the weights is folded in.
typedef struct {
  bool down, qk;
} mx_online;

// Tokens that every text begins with: their keys and values are in the cache
// from the start, and text goes on at position n. The last one is BOS, which
// the text's own BOS then stands for.
typedef struct {
  uint32_t n;            // 0: none
  int32_t *tokens;       // [n]
  float *keys, *values;  // [n_layers][n][n_kv_heads * head_dim], keys after RoPE
                         // and online transform, pairs interleaved as in model.h
  float *logits;         // [vocab_size] after the last
} mx_prefix;

typedef struct {
  mx_config config;
  unsigned kv_bits;               // MX_BITS_ code
  mx_online online;
  mx_basis basis;                 // of the residual stream, against the original's
  mx_prefix prefix;
  mx_matrix token_embd;           // [vocab_size][dim], FP32
  mx_qlayer *layers;              // [n_layers]
  mx_matrix output_norm;          // [1][dim]
  mx_qmatrix output;              // [vocab_size][dim]
  mx_tokenizer *tokenizer;
} mx_qmodel;

// Blocks of this part.
static inline uint32_t mx_qmatrix_blocks(const mx_qmatrix *q) {
  uint32_t length = mx_block_length(&q->format.stream);
  return (q->cols + length - 1) / length;
}
// Columns of all parts.
static inline uint32_t mx_qmatrix_cols(const mx_qmatrix *q) { return q->cols + (q->rest ? q->rest->cols : 0); }

// One part, elements zero; or all parts of a format.
mx_status mx_qmatrix_allocate(mx_qmatrix *q, uint32_t rows, uint32_t cols, const mx_weight_format *f, mx_error *e);
mx_status mx_qmatrix_allocate_parts(mx_qmatrix *q, uint32_t rows, const mx_matrix_format *f, mx_error *e);
void mx_qmatrix_free(mx_qmatrix *q);  // what it holds, all parts; leaves it without data
// All parts' formats.
mx_matrix_format mx_qmatrix_format(const mx_qmatrix *q);

// What a quantized element stands for, in double; for reports and tests;
// col counts through all parts.
double mx_qmatrix_value(const mx_qmatrix *q, uint32_t row, uint32_t col);

// A model of the shapes in config, matrices empty. The caller frees *out.
mx_status mx_qmodel_new(const mx_config *config, mx_qmodel **out, mx_error *e);
void mx_qmodel_free(mx_qmodel *q);  // NULL is allowed
// Sets config.head_norms and the shapes of the norms.
void mx_qmodel_set_head_norms(mx_qmodel *q, bool head_norms);

// The quantized matrices of a layer, in file order.
enum { MX_QLAYER_MATRICES = 7 };
mx_qmatrix *mx_qlayer_matrix(mx_qlayer *l, unsigned index, const char **name);
const mx_matrix *mx_layer_source(const mx_layer *l, unsigned index);

mx_status mx_qmodel_read(const char *path, mx_qmodel **out, mx_error *e);
mx_status mx_qmodel_write(const char *path, const mx_qmodel *q, mx_error *e);
#endif
