#ifndef MX_ROTATE_H
#define MX_ROTATE_H
// Rotation: orthogonal transforms folded into the weights, so that activations
// lose their outlier channels (QuaRot, Ashkboos et al., arXiv 2404.00456;
// SpinQuant's R1 .. R4, Liu et al., arXiv 2405.16406; without learning).
//   R1  the basis of the residual stream (basis.h); norm gains are first folded
//       into the matrices that follow them, and become 1
//   R2  within each value head: rows of wv, columns of wo, without signs, in runs
//       of the largest known order that divides head_dim
//   R3  online, queries and keys after RoPE (hadamard.h); wq carries the factor
//       1 / (2 m) of each segment of m pairs
//   R4  online, input of w_down (hadamard.h); w_down carries the inverse
// A basis of an order alone (no Hadamard) serves channel reordering (mixed.h):
// gains are then reordered, not folded.
#include "compiler/quant/qmodel.h"

typedef struct {
  mx_basis basis;
  bool values;           // R2
  mx_online online;      // R3, R4
  uint32_t **hidden;     // [n_layers]: order of each layer's hidden channels (channel i
                         // is the order[i]-th of the original), or NULL; owned; may be NULL
} mx_rotation;

// Basis of Hadamard blocks of the largest order that divides dim (hadamard.h).
void mx_rotation_new(const mx_config *c, bool values, mx_online online, uint64_t seed, mx_rotation *out);
void mx_rotation_free(mx_rotation *r, const mx_config *c);

// In place, of copies; `index` is the layer's. Folded products are rounded to
// FP32 once per transform. MX_UNSUPPORTED: the online transform of a hidden width
// that is no multiple of 4, or of heads over 128; MX_LIMIT: no memory.
mx_status mx_rotate_layer(const mx_rotation *r, const mx_config *c, uint32_t index, mx_layer *l, mx_error *e);
mx_status mx_rotate_embedding(const mx_rotation *r, mx_matrix *embedding, mx_error *e);
mx_status mx_rotate_head(const mx_rotation *r, mx_matrix *norm, mx_matrix *output, mx_error *e);
#endif
