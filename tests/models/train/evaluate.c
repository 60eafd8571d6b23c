#include "evaluate.h"

#include "half.h"
#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EVALUATE_SEQUENCES = 4 };

static void round_range(real *p, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++)
        p[i] = (real)half_to_float(half_from_float((float)p[i]));
}

void round_to_half(real *parameters, const struct model_config *c)
{
    size_t start = 0;
    for (size_t l = 0; l < c->layers; l++) {
        struct layer_offsets o = model_layer(c, l);
        round_range(parameters, start, o.attn_norm);
        round_range(parameters, o.qkv, o.ffn_norm);
        start = o.gate_up;
    }
    round_range(parameters, start, model_output_norm(c));
}

// A few windows gathered for one forward pass.
struct window_batch {
    const struct model_config *config;
    const real *parameters;
    struct workspace *workspace;
    uint32_t *inputs;  // [EVALUATE_SEQUENCES][context]
    uint32_t *targets; // [EVALUATE_SEQUENCES][context]
    real *losses;      // [EVALUATE_SEQUENCES * context]
    size_t filled;     // windows
    struct score *score;
};

static int batch_init(struct window_batch *b, const struct model_config *c,
                      const real *parameters, struct score *score)
{
    size_t rows = EVALUATE_SEQUENCES * c->context;
    *b = (struct window_batch){.config = c, .parameters = parameters, .score = score};
    b->workspace = workspace_new(c, EVALUATE_SEQUENCES);
    b->inputs = calloc(rows, sizeof *b->inputs);
    b->targets = calloc(rows, sizeof *b->targets);
    b->losses = calloc(rows, sizeof *b->losses);
    return b->workspace && b->inputs && b->targets && b->losses ? 0 : -1;
}

static void batch_free(struct window_batch *b)
{
    workspace_free(b->workspace);
    free(b->inputs);
    free(b->targets);
    free(b->losses);
}

static void score_batch(struct window_batch *b)
{
    size_t context = b->config->context;
    for (size_t i = b->filled * context; i < EVALUATE_SEQUENCES * context; i++) {
        b->inputs[i] = TOKEN_BOS;
        b->targets[i] = IGNORED_TARGET;
    }
    model_forward(b->workspace, b->parameters, b->inputs, 0, 0);
    model_loss(b->workspace, b->losses, b->targets, 1);
    for (size_t i = 0; i < b->filled * context; i++) {
        b->score->nats += (double)b->losses[i];
        b->score->tokens += b->targets[i] != IGNORED_TARGET;
    }
    b->filled = 0;
}

// Window over tokens[start..count), of which the first `seen` were scored before.
static void add_window(struct window_batch *b, const uint32_t *tokens, size_t count, size_t seen)
{
    size_t context = b->config->context;
    uint32_t *inputs = b->inputs + b->filled * context;
    uint32_t *targets = b->targets + b->filled * context;
    inputs[0] = TOKEN_BOS;
    for (size_t i = 0; i < context; i++) {
        targets[i] = i >= seen && i < count ? tokens[i] : IGNORED_TARGET;
        if (i + 1 < context)
            inputs[i + 1] = i < count ? tokens[i] : TOKEN_BOS;
    }
    if (++b->filled == EVALUATE_SEQUENCES)
        score_batch(b);
}

int evaluate(struct score *score, const struct model_config *c, const real *parameters,
             const struct documents *d, size_t stride)
{
    *score = (struct score){.bytes = d->bytes};
    struct window_batch b;
    int failed = batch_init(&b, c, parameters, score);
    for (size_t i = 0; !failed && i < d->count; i++) {
        const uint32_t *tokens = d->tokens + d->starts[i];
        size_t count = d->starts[i + 1] - d->starts[i];
        size_t scored = 0;
        for (size_t start = 0; scored < count; start += stride) {
            add_window(&b, tokens + start, count - start, scored - start);
            scored = start + c->context;
        }
    }
    if (!failed && b.filled)
        score_batch(&b);
    batch_free(&b);
    return failed;
}

double bits_per_byte(const struct score *s)
{
    return s->nats / log(2.0) / (double)s->bytes;
}

double perplexity(const struct score *s)
{
    return exp(s->nats / (double)s->tokens);
}

static uint32_t pick(const real *logits, size_t vocab, double temperature, uint64_t *state)
{
    size_t best = 0;
    for (size_t i = 1; i < vocab; i++)
        if (logits[i] > logits[best])
            best = i;
    if (temperature <= 0)
        return (uint32_t)best;
    double sum = 0;
    for (size_t i = 0; i < vocab; i++)
        sum += exp((double)(logits[i] - logits[best]) / temperature);
    double left = random_unit(state) * sum;
    for (size_t i = 0; i < vocab; i++) {
        left -= exp((double)(logits[i] - logits[best]) / temperature);
        if (left < 0)
            return (uint32_t)i;
    }
    return (uint32_t)best;
}

static void print_token(const struct tokenizer *t, uint32_t id)
{
    char text[PIECE_LIMIT + 1];
    fwrite(text, 1, tokenizer_decode(t, id, text), stdout);
}

int sample_text(const struct model_config *c, const real *parameters, const struct tokenizer *t,
                const char *prompt, size_t tokens, double temperature, uint64_t seed)
{
    struct workspace *w = workspace_new(c, 1);
    size_t bound = tokenizer_bound(strlen(prompt));
    uint32_t *ids = calloc(1 + bound + c->context, sizeof *ids);
    size_t count = ids ? tokenizer_encode(t, prompt, strlen(prompt), ids + 1) : SIZE_MAX;
    if (!w || count == SIZE_MAX) {
        workspace_free(w);
        free(ids);
        return -1;
    }
    ids[0] = TOKEN_BOS;
    count++;
    printf("%s", prompt);
    // The whole window is recomputed for each token: slow but with nothing to go wrong.
    for (; tokens > 0 && count < c->context; tokens--, count++) {
        model_forward(w, parameters, ids, 0, 0);
        const real *logits = workspace_logits(w) + (count - 1) * c->vocab;
        ids[count] = pick(logits, c->vocab, temperature, &seed);
        if (ids[count] == TOKEN_EOS)
            break;
        print_token(t, ids[count]);
    }
    printf("\n");
    workspace_free(w);
    free(ids);
    return 0;
}
