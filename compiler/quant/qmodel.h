#ifndef MX_QMODEL_H
#define MX_QMODEL_H
// A quantized model: what `mxf quantize` writes and `mxf compile` reads.
//
// File (.mxq), little endian:
//   0   char[4] "MXQ1"; 4 u32 CRC-32 of all bytes from offset 8; 8 u64 file size
//   16  config: u32 dim, hidden_dim, n_layers, n_heads, n_kv_heads, head_dim,
//       vocab_size, context_length; f32 rope_theta, rms_eps
//   56  u32 act_bits, kv_bits (MX_BITS_ codes)
//   64  u32 tokenizer bytes, tokenizer (serial form of tokenizer.h)
//   then token_embd; per layer attn_norm, the matrices in the order of
//   mx_qlayer_matrix, ffn_norm; output_norm; output. FP32 ones are f32[rows][cols],
//   quantized ones as u32 bits, scale, zero, block, codebook, frac, i8 table[16],
//   i8 codes[rows][cols], u16 scales[rows][blocks], i8 zeros[rows][blocks] if zero.
#include "compiler/import/model.h"
#include "compiler/quant/format.h"

typedef struct {
  uint32_t rows, cols;
  mx_weight_format format;
  int8_t *codes;     // [rows][cols]: signed codes, or 0 .. 15 with a codebook
  uint16_t *scales;  // [rows][blocks]: E8M0 byte or FP16
  int8_t *zeros;     // [rows][blocks]; 0 without zero points
} mx_qmatrix;

typedef struct {
  mx_matrix attn_norm, ffn_norm;  // [1][dim]
  mx_qmatrix wq, wk, wv, wo, w_gate, w_up, w_down;
} mx_qlayer;

typedef struct {
  mx_config config;
  unsigned act_bits, kv_bits;     // MX_BITS_ codes
  mx_matrix token_embd;           // [vocab_size][dim], FP32
  mx_qlayer *layers;              // [n_layers]
  mx_matrix output_norm;          // [1][dim]
  mx_qmatrix output;              // [vocab_size][dim]
  mx_tokenizer *tokenizer;
} mx_qmodel;

static inline uint32_t mx_qmatrix_blocks(const mx_qmatrix *q) {
  uint32_t length = mx_block_length(&q->format.stream);
  return (q->cols + length - 1) / length;
}
mx_status mx_qmatrix_allocate(mx_qmatrix *q, uint32_t rows, uint32_t cols, const mx_weight_format *f, mx_error *e);

// What a quantized element stands for, in double; for reports and tests.
double mx_qmatrix_value(const mx_qmatrix *q, uint32_t row, uint32_t col);

// A model of the shapes in config, matrices empty. The caller frees *out.
mx_status mx_qmodel_new(const mx_config *config, mx_qmodel **out, mx_error *e);
void mx_qmodel_free(mx_qmodel *q);  // NULL is allowed

// The quantized matrices of a layer, in file order.
enum { MX_QLAYER_MATRICES = 7 };
mx_qmatrix *mx_qlayer_matrix(mx_qlayer *l, unsigned index, const char **name);
const mx_matrix *mx_layer_source(const mx_layer *l, unsigned index);

mx_status mx_qmodel_read(const char *path, mx_qmodel **out, mx_error *e);
mx_status mx_qmodel_write(const char *path, const mx_qmodel *q, mx_error *e);
#endif
