#include "model.h"

#include "random.h"

#include <stdlib.h>
#include <string.h>

struct attention_shape model_attention(const struct model_config *c)
{
    return (struct attention_shape){c->context, c->heads, c->kv_heads, c->dim / c->heads};
}

static size_t fused_qkv(const struct model_config *c)
{
    struct attention_shape s = model_attention(c);
    return qkv_width(&s);
}

static size_t layer_size(const struct model_config *c)
{
    return 2 * c->dim + fused_qkv(c) * c->dim + c->dim * c->dim + 3 * c->hidden * c->dim;
}

struct layer_offsets model_layer(const struct model_config *c, size_t layer)
{
    struct layer_offsets o;
    o.attn_norm = c->vocab * c->dim + layer * layer_size(c);
    o.qkv = o.attn_norm + c->dim;
    o.attn_out = o.qkv + fused_qkv(c) * c->dim;
    o.ffn_norm = o.attn_out + c->dim * c->dim;
    o.gate_up = o.ffn_norm + c->dim;
    o.down = o.gate_up + 2 * c->hidden * c->dim;
    return o;
}

size_t model_output_norm(const struct model_config *c)
{
    return model_layer(c, c->layers).attn_norm;
}

size_t model_parameters(const struct model_config *c)
{
    return model_output_norm(c) + c->dim;
}

static void fill_normal(real *p, size_t count, double deviation, uint64_t *state)
{
    for (size_t i = 0; i < count; i++)
        p[i] = (real)(random_normal(state) * deviation);
}

static void fill_ones(real *p, size_t count)
{
    for (size_t i = 0; i < count; i++)
        p[i] = 1;
}

void model_initialise(real *parameters, const struct model_config *c, uint64_t seed)
{
    uint64_t state = seed;
    double into = 0.5 / sqrt((double)c->dim);
    // The branches added to the residual stream start small, so that depth does not inflate it.
    double out_of = into / sqrt(2.0 * (double)c->layers);
    fill_normal(parameters, c->vocab * c->dim, 0.02, &state);
    for (size_t l = 0; l < c->layers; l++) {
        struct layer_offsets o = model_layer(c, l);
        fill_ones(parameters + o.attn_norm, c->dim);
        fill_normal(parameters + o.qkv, fused_qkv(c) * c->dim, into, &state);
        fill_normal(parameters + o.attn_out, c->dim * c->dim, out_of, &state);
        fill_ones(parameters + o.ffn_norm, c->dim);
        fill_normal(parameters + o.gate_up, 2 * c->hidden * c->dim, into, &state);
        fill_normal(parameters + o.down, c->dim * c->hidden, out_of, &state);
    }
    fill_ones(parameters + model_output_norm(c), c->dim);
}

// What one layer keeps for its backward pass; rows = sequences * context.
struct layer_state {
    real *input;         // [rows][dim], the residual stream on entry
    real *attn_inverse;  // [rows]
    real *attn_normed;   // [rows][dim]
    real *qkv;           // [rows][fused], rotated
    real *probabilities; // [sequences][heads][context][context]
    real *attended;      // [rows][dim]
    real *middle;        // [rows][dim], the residual stream between attention and FFN
    real *ffn_inverse;   // [rows]
    real *ffn_normed;    // [rows][dim]
    real *gate_up;       // [rows][2 * hidden]
    real *activated;     // [rows][hidden]
};

struct workspace {
    struct model_config config;
    size_t sequences;
    size_t rows;
    struct layer_state *layers;
    real *rope;           // [context][head_dim]
    real *output;         // [rows][dim], the residual stream after the last layer
    real *output_inverse; // [rows]
    real *output_normed;  // [rows][dim]
    real *logits;         // [rows][vocab]
    real *d_stream;       // [rows][dim], gradient of the residual stream
    real *d_narrow;       // [rows][dim]
    real *d_branch;       // [rows][dim]
    real *d_qkv;          // [rows][fused]
    real *d_activated;    // [rows][hidden]
    real *d_gate_up;      // [rows][2 * hidden]
    real *d_scores;       // [context][context]
    real *memory;         // the one allocation behind all of the above
};

// Hands out parts of an allocation; with memory == NULL it only counts.
struct arena {
    real *memory;
    size_t used;
};

static real *take(struct arena *a, size_t count)
{
    real *p = a->memory ? a->memory + a->used : NULL;
    a->used += (count + 15) / 16 * 16; // 64-byte steps, for whole cache lines
    return p;
}

static void take_layer(struct layer_state *s, struct arena *a, const struct workspace *w)
{
    const struct model_config *c = &w->config;
    s->input = take(a, w->rows * c->dim);
    s->attn_inverse = take(a, w->rows);
    s->attn_normed = take(a, w->rows * c->dim);
    s->qkv = take(a, w->rows * fused_qkv(c));
    s->probabilities = take(a, w->sequences * c->heads * c->context * c->context);
    s->attended = take(a, w->rows * c->dim);
    s->middle = take(a, w->rows * c->dim);
    s->ffn_inverse = take(a, w->rows);
    s->ffn_normed = take(a, w->rows * c->dim);
    s->gate_up = take(a, w->rows * 2 * c->hidden);
    s->activated = take(a, w->rows * c->hidden);
}

static void take_all(struct workspace *w, struct arena *a)
{
    const struct model_config *c = &w->config;
    for (size_t l = 0; l < c->layers; l++)
        take_layer(&w->layers[l], a, w);
    w->rope = take(a, c->context * (c->dim / c->heads));
    w->output = take(a, w->rows * c->dim);
    w->output_inverse = take(a, w->rows);
    w->output_normed = take(a, w->rows * c->dim);
    w->logits = take(a, w->rows * c->vocab);
    w->d_stream = take(a, w->rows * c->dim);
    w->d_narrow = take(a, w->rows * c->dim);
    w->d_branch = take(a, w->rows * c->dim);
    w->d_qkv = take(a, w->rows * fused_qkv(c));
    w->d_activated = take(a, w->rows * c->hidden);
    w->d_gate_up = take(a, w->rows * 2 * c->hidden);
    w->d_scores = take(a, c->context * c->context);
}

struct workspace *workspace_new(const struct model_config *c, size_t sequences)
{
    struct workspace *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->config = *c;
    w->sequences = sequences;
    w->rows = sequences * c->context;
    w->layers = calloc(c->layers, sizeof *w->layers);
    struct arena arena = {NULL, 0};
    if (w->layers)
        take_all(w, &arena);
    w->memory = aligned_alloc(64, arena.used * sizeof(real));
    if (!w->layers || !w->memory) {
        workspace_free(w);
        return NULL;
    }
    arena = (struct arena){w->memory, 0};
    take_all(w, &arena);
    struct attention_shape s = model_attention(c);
    rope_table(w->rope, &s, c->rope_theta);
    return w;
}

void workspace_free(struct workspace *w)
{
    if (!w)
        return;
    free(w->memory);
    free(w->layers);
    free(w);
}

real *workspace_logits(struct workspace *w)
{
    return w->logits;
}

// The seed of one dropout mask: each of the 2 * layers branches has its own.
static uint32_t branch_seed(uint32_t seed, size_t branch)
{
    return seed + (uint32_t)(branch + 1) * 0x9e3779b9u;
}

static void attention_block_forward(struct workspace *w, size_t layer, const real *parameters,
                                    real dropout, uint32_t seed)
{
    const struct model_config *c = &w->config;
    struct layer_state *s = &w->layers[layer];
    struct layer_offsets o = model_layer(c, layer);
    struct attention_shape shape = model_attention(c);
    size_t fused = fused_qkv(c);
    rmsnorm_forward(s->attn_normed, s->attn_inverse, s->input, parameters + o.attn_norm, w->rows,
                    c->dim, (real)c->norm_epsilon);
    linear_forward((struct matrix){s->qkv, fused}, (struct matrix){s->attn_normed, c->dim},
                   parameters + o.qkv, w->rows, c->dim, fused);
    for (size_t i = 0; i < w->sequences; i++) {
        real *qkv = s->qkv + i * c->context * fused;
        rope_apply(qkv, w->rope, &shape, 1);
        attention_forward(s->attended + i * c->context * c->dim,
                          s->probabilities + i * c->heads * c->context * c->context, qkv, &shape);
    }
    linear_forward((struct matrix){w->d_branch, c->dim}, (struct matrix){s->attended, c->dim},
                   parameters + o.attn_out, w->rows, c->dim, c->dim);
    memcpy(s->middle, s->input, w->rows * c->dim * sizeof(real));
    dropout_add(s->middle, w->d_branch, w->rows * c->dim, dropout, branch_seed(seed, 2 * layer));
}

// Writes the layer's result to output[rows][dim], the input of the next layer.
static void ffn_block_forward(struct workspace *w, size_t layer, const real *parameters,
                              real *output, real dropout, uint32_t seed)
{
    const struct model_config *c = &w->config;
    struct layer_state *s = &w->layers[layer];
    struct layer_offsets o = model_layer(c, layer);
    rmsnorm_forward(s->ffn_normed, s->ffn_inverse, s->middle, parameters + o.ffn_norm, w->rows,
                    c->dim, (real)c->norm_epsilon);
    linear_forward((struct matrix){s->gate_up, 2 * c->hidden},
                   (struct matrix){s->ffn_normed, c->dim}, parameters + o.gate_up, w->rows, c->dim,
                   2 * c->hidden);
    swiglu_forward(s->activated, s->gate_up, w->rows, c->hidden);
    linear_forward((struct matrix){w->d_branch, c->dim}, (struct matrix){s->activated, c->hidden},
                   parameters + o.down, w->rows, c->hidden, c->dim);
    memcpy(output, s->middle, w->rows * c->dim * sizeof(real));
    dropout_add(output, w->d_branch, w->rows * c->dim, dropout, branch_seed(seed, 2 * layer + 1));
}

void model_forward(struct workspace *w, const real *parameters, const uint32_t *tokens,
                   real dropout, uint32_t dropout_seed)
{
    const struct model_config *c = &w->config;
    for (size_t r = 0; r < w->rows; r++)
        memcpy(w->layers[0].input + r * c->dim, parameters + tokens[r] * c->dim,
               c->dim * sizeof(real));
    for (size_t l = 0; l < c->layers; l++) {
        real *output = l + 1 < c->layers ? w->layers[l + 1].input : w->output;
        attention_block_forward(w, l, parameters, dropout, dropout_seed);
        ffn_block_forward(w, l, parameters, output, dropout, dropout_seed);
    }
    rmsnorm_forward(w->output_normed, w->output_inverse, w->output,
                    parameters + model_output_norm(c), w->rows, c->dim, (real)c->norm_epsilon);
    linear_forward((struct matrix){w->logits, c->vocab}, (struct matrix){w->output_normed, c->dim},
                   parameters, w->rows, c->dim, c->vocab);
}

void model_loss(struct workspace *w, real *loss, const uint32_t *targets, real scale)
{
    cross_entropy(loss, w->logits, targets, w->rows, w->config.vocab, scale);
}

static void ffn_block_backward(struct workspace *w, size_t layer, const real *parameters,
                               real *gradient, real dropout, uint32_t seed)
{
    const struct model_config *c = &w->config;
    struct layer_state *s = &w->layers[layer];
    struct layer_offsets o = model_layer(c, layer);
    dropout_backward(w->d_branch, w->d_stream, w->rows * c->dim, dropout,
                     branch_seed(seed, 2 * layer + 1));
    linear_backward((struct matrix){w->d_activated, c->hidden}, gradient + o.down,
                    (struct matrix){w->d_branch, c->dim}, (struct matrix){s->activated, c->hidden},
                    parameters + o.down, w->rows, c->hidden, c->dim);
    swiglu_backward(w->d_gate_up, w->d_activated, s->gate_up, w->rows, c->hidden);
    linear_backward((struct matrix){w->d_narrow, c->dim}, gradient + o.gate_up,
                    (struct matrix){w->d_gate_up, 2 * c->hidden},
                    (struct matrix){s->ffn_normed, c->dim}, parameters + o.gate_up, w->rows,
                    c->dim, 2 * c->hidden);
    rmsnorm_backward(w->d_stream, gradient + o.ffn_norm, w->d_narrow, s->middle, s->ffn_inverse,
                     parameters + o.ffn_norm, w->rows, c->dim);
}

static void attention_block_backward(struct workspace *w, size_t layer, const real *parameters,
                                     real *gradient, real dropout, uint32_t seed)
{
    const struct model_config *c = &w->config;
    struct layer_state *s = &w->layers[layer];
    struct layer_offsets o = model_layer(c, layer);
    struct attention_shape shape = model_attention(c);
    size_t fused = fused_qkv(c);
    dropout_backward(w->d_branch, w->d_stream, w->rows * c->dim, dropout,
                     branch_seed(seed, 2 * layer));
    linear_backward((struct matrix){w->d_narrow, c->dim}, gradient + o.attn_out,
                    (struct matrix){w->d_branch, c->dim}, (struct matrix){s->attended, c->dim},
                    parameters + o.attn_out, w->rows, c->dim, c->dim);
    for (size_t i = 0; i < w->sequences; i++) {
        real *d_qkv = w->d_qkv + i * c->context * fused;
        attention_backward(d_qkv, w->d_narrow + i * c->context * c->dim,
                           s->probabilities + i * c->heads * c->context * c->context,
                           s->qkv + i * c->context * fused, w->d_scores, &shape);
        rope_apply(d_qkv, w->rope, &shape, -1);
    }
    linear_backward((struct matrix){w->d_narrow, c->dim}, gradient + o.qkv,
                    (struct matrix){w->d_qkv, fused}, (struct matrix){s->attn_normed, c->dim},
                    parameters + o.qkv, w->rows, c->dim, fused);
    rmsnorm_backward(w->d_stream, gradient + o.attn_norm, w->d_narrow, s->input, s->attn_inverse,
                     parameters + o.attn_norm, w->rows, c->dim);
}

void model_backward(struct workspace *w, const real *parameters, real *gradient,
                    const uint32_t *tokens, real dropout, uint32_t dropout_seed)
{
    const struct model_config *c = &w->config;
    linear_backward((struct matrix){w->d_narrow, c->dim}, gradient,
                    (struct matrix){w->logits, c->vocab},
                    (struct matrix){w->output_normed, c->dim}, parameters, w->rows, c->dim,
                    c->vocab);
    memset(w->d_stream, 0, w->rows * c->dim * sizeof(real));
    rmsnorm_backward(w->d_stream, gradient + model_output_norm(c), w->d_narrow, w->output,
                     w->output_inverse, parameters + model_output_norm(c), w->rows, c->dim);
    for (size_t l = c->layers; l-- > 0;) {
        ffn_block_backward(w, l, parameters, gradient, dropout, dropout_seed);
        attention_block_backward(w, l, parameters, gradient, dropout, dropout_seed);
    }
    // The embedding is tied to the head: its gradient has this second part.
    for (size_t r = 0; r < w->rows; r++)
        for (size_t i = 0; i < c->dim; i++)
            gradient[tokens[r] * c->dim + i] += w->d_stream[r * c->dim + i];
}
