#ifndef MX_REFERENCE_H
#define MX_REFERENCE_H
// FP32 inference of a model in plain IEEE arithmetic with OpenBLAS: what the
// quantized engines are measured against. Results depend on OpenBLAS's order of
// additions in the last bits; nothing bit-exact rests on them.
#include <stdint.h>

#include "compiler/import/model.h"
#include "golden/error.h"

typedef struct mx_reference mx_reference;

// Room for sequences of `context` positions of `model`, which must outlive
// *out; the caller frees *out. Memory: 8 * context * n_layers * n_kv_heads *
// head_dim bytes for keys and values, and some for work. MX_USAGE: context is
// 0 or over 2^24; MX_LIMIT: no memory.
mx_status mx_reference_new(const mx_model *model, uint32_t context, mx_reference **out,
                           mx_error *e);
void mx_reference_free(mx_reference *r);  // NULL is allowed

// Runs tokens [n] at positions pos .. pos + n - 1; the keys and values of
// positions below `pos` are those of the calls before. Writes logits
// [n][vocab_size], row i after tokens[i], unless that is NULL. MX_USAGE: a
// token outside the vocabulary or a position outside the context; the state is
// then as before.
mx_status mx_reference_extend(mx_reference *r, const int32_t *tokens, uint32_t n, uint32_t pos,
                              float *logits, mx_error *e);

// One token; logits [vocab_size].
mx_status mx_reference_step(mx_reference *r, int32_t token, uint32_t pos, float *logits,
                            mx_error *e);

// A whole sequence from position 0; logits [n][vocab_size].
mx_status mx_reference_forward(mx_reference *r, const int32_t *tokens, uint32_t n, float *logits,
                               mx_error *e);

// mx_scorer.score (compiler/eval/eval.h) with an mx_reference as `self`:
// nll [n - 1]. The last token is not run, so n <= context + 1.
mx_status mx_reference_score(void *reference, const int32_t *tokens, uint32_t n, double *nll,
                             mx_error *e);

// Called before each matrix product with its matrix (a member of the model) and
// its input x [n][w->cols], n tokens: what calibration collects. NULL: none.
typedef void (*mx_reference_observer)(void *self, const mx_matrix *w, const float *x, uint32_t n);
void mx_reference_observe(mx_reference *r, mx_reference_observer observer, void *self);

// Called after each layer with the residual stream x [n][dim] of n tokens, the
// first of them at position `pos`. NULL: none.
typedef void (*mx_reference_tap)(void *self, uint32_t layer, const float *x, uint32_t n, uint32_t pos);
void mx_reference_tap_layers(mx_reference *r, mx_reference_tap tap, void *self);
#endif
