#ifndef MX_GRAPH_H
#define MX_GRAPH_H
// Making operators and values, for graph.c and attention.c. Operators are
// appended in program order; a value lives from its first use to its last.
#include "compiler/lower/lowering.h"

// A value of `tokens` parts of `stride` words (rounded up to 4) or elements (to 16).
int32_t mx_new_vmem(mx_lowering *l, uint32_t tokens, uint32_t stride, const char *name);
int32_t mx_new_xmem(mx_lowering *l, uint32_t tokens, uint32_t stride, const char *name);

// An operator of all tokens of the batch.
mx_operator *mx_new_operator(mx_lowering *l, mx_operator_kind kind, int32_t layer, const char *name);
void mx_input(mx_lowering *l, mx_operator *op, int32_t value);
void mx_output(mx_lowering *l, mx_operator *op, int32_t value);

// ---- inputs of matrices, quantized: a value for each part of the columns -------------

typedef struct { int32_t part[MX_PARTS]; } mx_activation;

mx_activation mx_new_activation(mx_lowering *l, const mx_qmatrix *w, const char *name);
void mx_quantize_into(mx_lowering *l, int32_t layer, const char *name, int32_t v, const mx_qmatrix *w, mx_activation x);

// Load a norm's gain; early, so that the norm need not wait.
int32_t mx_load_gain(mx_lowering *l, int32_t layer, const char *name, const mx_matrix *gain);
// The same of the gain of heads, of which first elements of all pairs come first.
int32_t mx_load_head_gain(mx_lowering *l, int32_t layer, const char *name, const mx_matrix *gain);
// RMS norm of x by a loaded gain, quantized for the products with `w`.
mx_activation mx_norm(mx_lowering *l, int32_t layer, const char *name, int32_t x, int32_t gain, const mx_qmatrix *w);

// ---- matrix products ----------------------------------------------------------------

// Rows of a product, in the order of the stream (tile_heads: see mx_resident).
typedef struct { uint32_t row, rows, tile_heads; } mx_tile_rows;

// A new value: rows of w times x.
int32_t mx_matmul(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *w, mx_activation x, mx_tile_rows tile);
// y = y + w times x, all rows, in tiles.
void mx_matmul_add(mx_lowering *l, int32_t layer, const char *name, const char *add_name, const mx_qmatrix *w, mx_activation x,
                   int32_t y);

// To be called for each product, when it is the last operator: what was in use since
// the products before it stays where it is, so that it can begin while the vector
// unit is still at that (schedule.c).
void mx_keep_for_product(mx_lowering *l);

// Four tiles of a batch may be in the vector memory at once, beside what lives long.
enum { MX_TILE_SHARE = 16 };  // of the vector memory for one

// ---- stages -----------------------------------------------------------------------

// The stages go from v to another value and back; returns where they end.
int32_t mx_online_hadamard(mx_lowering *l, int32_t layer, const char *name, int32_t v, uint32_t n, uint32_t vectors, bool halves);

typedef struct { int32_t q_cos, q_sin, k_cos, k_sin; } mx_rope_values;

mx_status mx_plan_attention(mx_lowering *l);
// From the normed input to that of wo.
mx_activation mx_attend(mx_lowering *l, int32_t i, mx_activation h, const mx_rope_values *r);
mx_rope_values mx_rope_rows(mx_lowering *l);  // of the position, or of every token's
#endif
