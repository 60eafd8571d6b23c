// Rotary position embedding and causal grouped-query attention, with backward passes.
#ifndef TRAIN_ATTENTION_H
#define TRAIN_ATTENTION_H

#include "real.h"

struct attention_shape {
    size_t context;  // tokens in a sequence
    size_t heads;    // query heads
    size_t kv_heads; // key/value heads; query head h reads kv head h / (heads / kv_heads)
    size_t head_dim; // even
};

// Width of a row of the fused projection: [q: heads*head_dim | k: kv_heads*head_dim | v: same].
static inline size_t qkv_width(const struct attention_shape *s)
{
    return (s->heads + 2 * s->kv_heads) * s->head_dim;
}

// Rotations as [context][head_dim / 2] pairs (cos, sin): pair i of position t turns by
// t * theta^(-2i / head_dim).
void rope_table(real *table, const struct attention_shape *s, double theta);

// Rotates the q and k parts of qkv[context][qkv_width] in place; pair i is elements 2i and 2i+1.
// direction is +1, or -1 for the backward pass (the inverse rotation).
void rope_apply(real *qkv, const real *table, const struct attention_shape *s, real direction);

// One sequence. out[context][heads * head_dim]; qkv is already rotated.
// probabilities[heads][context][context] is kept for the backward pass.
void attention_forward(real *out, real *probabilities, const real *qkv,
                       const struct attention_shape *s);

// One sequence. d_qkv[context][qkv_width] is overwritten (still rotated).
// scratch holds [context][context].
void attention_backward(real *d_qkv, const real *d_out, const real *probabilities,
                        const real *qkv, real *scratch, const struct attention_shape *s);

#endif
