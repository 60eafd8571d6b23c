// The Llama model: parameters, forward and backward pass over a few sequences.
#ifndef TRAIN_MODEL_H
#define TRAIN_MODEL_H

#include "attention.h"
#include "layers.h"

#include <stdint.h>

struct model_config {
    size_t dim;      // heads * head_dim
    size_t layers;
    size_t heads;
    size_t kv_heads;
    size_t hidden;
    size_t vocab;
    size_t context;
    double norm_epsilon;
    double rope_theta;
};

// Where the tensors of one layer start in the parameter array, in elements.
// Gate and up, and q, k and v, are adjacent, so that each group is one product.
struct layer_offsets {
    size_t attn_norm; // [dim]
    size_t qkv;       // [(heads + 2 * kv_heads) * head_dim][dim]
    size_t attn_out;  // [dim][dim]
    size_t ffn_norm;  // [dim]
    size_t gate_up;   // [2 * hidden][dim]
    size_t down;      // [dim][hidden]
};

// The parameter array is: token embedding [vocab][dim] (also the output head), the layers in
// order, output norm [dim].
struct layer_offsets model_layer(const struct model_config *c, size_t layer);
size_t model_output_norm(const struct model_config *c);
size_t model_parameters(const struct model_config *c);
struct attention_shape model_attention(const struct model_config *c);

// Fills parameters[model_parameters(c)] from the seed.
void model_initialise(real *parameters, const struct model_config *c, uint64_t seed);

// Activations of `sequences` sequences, and scratch for the backward pass.
struct workspace;
struct workspace *workspace_new(const struct model_config *c, size_t sequences);
void workspace_free(struct workspace *w);

// The logits of the last model_forward, [sequences * context][vocab].
real *workspace_logits(struct workspace *w);

// Runs tokens[sequences * context] through the model. A dropout rate of 0 means none.
void model_forward(struct workspace *w, const real *parameters, const uint32_t *tokens,
                   real dropout, uint32_t dropout_seed);

// After model_forward: loss[rows] in nats; turns the logits into their gradient times scale.
void model_loss(struct workspace *w, real *loss, const uint32_t *targets, real scale);

// After model_loss: adds to gradient[model_parameters(c)]. Same tokens, rate and seed as forward.
void model_backward(struct workspace *w, const real *parameters, real *gradient,
                    const uint32_t *tokens, real dropout, uint32_t dropout_seed);

#endif
