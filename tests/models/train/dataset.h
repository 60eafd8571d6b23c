// Token streams for training and scoring.
#ifndef TRAIN_DATASET_H
#define TRAIN_DATASET_H

#include "tokenizer.h"

// The documents as tokens, without <s> and </s>, and their size as text.
struct documents {
    uint32_t *tokens; // all documents, one after the other
    size_t *starts;   // [count + 1], into tokens
    size_t count;
    size_t bytes; // text bytes, separators not counted
};

// Reads one document per line; lines "<|end|>" are skipped. Returns 0, or -1 with a message.
int documents_load(struct documents *d, const struct tokenizer *t, const char *path);
void documents_free(struct documents *d);

// Draws training windows: <s>, then `context` tokens of the stream
// <s> document </s> <s> document </s> ...
// Each epoch cuts the stream into consecutive windows at a random offset and shuffles them.
struct sampler {
    uint32_t *stream;
    size_t length;
    size_t context;
    uint64_t seed;
    uint64_t epoch; // whose order is in `order`
    size_t offset;
    uint32_t *order; // [windows]
    size_t windows;  // in an epoch
};

int sampler_init(struct sampler *s, const struct documents *d, size_t context, uint64_t seed);
void sampler_free(struct sampler *s);

// Window number `index` since the start of training: inputs[context] and targets[context].
void sampler_window(struct sampler *s, uint64_t index, uint32_t *inputs, uint32_t *targets);

#endif
