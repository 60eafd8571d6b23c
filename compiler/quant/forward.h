#ifndef MX_FORWARD_H
#define MX_FORWARD_H
// All calibration tokens through a model one layer at a time, so that memory
// holds the activations of one layer. Steps are separate, so that a matrix can
// be quantized between two of them.
#include <stdbool.h>

#include "compiler/quant/calibrate.h"
#include "compiler/quant/source.h"

// What a layer's matrices take in, in this order; MX_INPUT_HEAD is the output matrix's.
typedef enum { MX_INPUT_ATTN, MX_INPUT_WO, MX_INPUT_FFN, MX_INPUT_DOWN, MX_INPUT_HEAD, MX_INPUTS } mx_input;

// T tokens, sequence after sequence. The caller may write the arrays.
typedef struct {
  const mx_config *config;
  const mx_calibration *calibration;
  unsigned threads;
  // As the device rounds: matrix inputs to `inputs`, keys and values to kv_bits,
  // queries to 8 bits. (Attention weights, which it rounds to 8 bits, stay FP32.)
  // Inputs of a prefix's tokens stay as they are.
  bool quantized;
  mx_matrix_format inputs[MX_INPUTS];  // of the layer at hand
  unsigned kv_bits;            // MX_BITS_ code
  mx_online online;            // transforms at run time, rounded or not
  const float *prefix_keys, *prefix_values;  // [calibration->n_prefix][kv_dim] of the layer
                               // at hand, as in mx_prefix; they replace those computed; or NULL
  float *weight;               // [T] how much a token counts; 0 for a prefix; NULL: all 1
  float *attention;            // [T] if not NULL: what a token got of the last mx_forward_attend,
                               // attention weights summed over heads and queries
  const float *q_norm, *k_norm;  // [head_dim] gains of the layer at hand, or NULL
  uint32_t q_dim, kv_dim;
  float *x;           // [T][dim] residual stream
  float *h;           // [T][dim] input of wq, wk, wv, of w_gate, w_up, and of output
  float *q, *mix;     // [T][q_dim]; mix is the input of wo
  float *k, *v;       // [T][kv_dim]
  float *gate, *up;   // [T][hidden_dim]; gate becomes the input of w_down
  float *y;           // [T][dim] to be added to x
  float *cosines, *sines;  // [longest sequence][head_dim / 2]
  float *scores;      // [threads][longest][longest]
} mx_forward;

// x begins as the embeddings of the tokens. The caller frees with
// mx_forward_free, after an error too. MX_LIMIT: no memory; MX_USAGE: a token
// outside the vocabulary.
mx_status mx_forward_new(const mx_source *source, const mx_calibration *c, unsigned threads, mx_forward *out, mx_error *e);
void mx_forward_free(mx_forward *f);

// Memory for all but x, between layers: gives it back; takes it again, zeroed.
void mx_forward_release(mx_forward *f);
mx_status mx_forward_reserve(mx_forward *f, mx_error *e);

// Takes the keys and values of the layer to come from the prefix (n = 0: none).
void mx_forward_set_prefix(mx_forward *f, const mx_prefix *p, uint32_t layer);

void mx_forward_norm(mx_forward *f, const mx_matrix *gain, mx_input input);     // h from x
void mx_forward_multiply(const mx_forward *f, const mx_matrix *w, const float *in, float *out);
void mx_forward_attend(mx_forward *f, const mx_layer *l);                       // mix from q, k, v; l: norms of its heads
void mx_forward_gate(mx_forward *f);                                            // gate from gate, up
void mx_forward_add(mx_forward *f);                                             // x += y
void mx_forward_round(const mx_forward *f, float *x, uint32_t cols, mx_input input);  // x [T][cols], if `quantized`

// A whole layer; `observer` (may be NULL) sees the input [T][cols] of each group.
typedef void (*mx_forward_observer)(void *self, mx_input input, float *x, uint32_t cols);
void mx_forward_layer(mx_forward *f, const mx_layer *l, mx_forward_observer observer, void *self);

// Rounds x [n] in place to what blocks of `block` elements of MXINT keep of it;
// a block with an infinity or NaN becomes NaN.
void mx_round_mxint(float *x, uint32_t n, uint32_t block, unsigned bits);
// One token's input x [n] to its format.
void mx_round_input(float *x, uint32_t n, const mx_matrix_format *format);
#endif
