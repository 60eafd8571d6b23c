// Scoring held-out documents, and sampling.
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "dataset.h"
#include "model.h"

struct score {
    double nats;   // total negative log-likelihood
    size_t tokens; // scored tokens: every document token, once; <s> and </s> are not scored
    size_t bytes;  // text bytes of the documents
};

// Rounds the matrices to binary16, as they ship; norm gains stay as they are.
void round_to_half(real *parameters, const struct model_config *c);

// Every document is read through windows of `context` tokens, the first always <s>, the
// windows `stride` apart (1 to context). A window scores the tokens that no window before it
// has: with stride == context all of its own, else the last `stride` (the first window: all).
int evaluate(struct score *score, const struct model_config *c, const real *parameters,
             const struct documents *d, size_t stride);

double bits_per_byte(const struct score *s);
double perplexity(const struct score *s); // per token

// Prints the prompt and up to `tokens` more, until </s>. Temperature 0 takes the likeliest.
int sample_text(const struct model_config *c, const real *parameters, const struct tokenizer *t,
                const char *prompt, size_t tokens, double temperature, uint64_t seed);

#endif
