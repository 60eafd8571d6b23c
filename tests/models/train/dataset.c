#include "dataset.h"

#include "random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Makes room for one more document of `tokens` tokens.
static int reserve(struct documents *d, size_t tokens)
{
    size_t used = d->count ? d->starts[d->count] : 0;
    uint32_t *grown = realloc(d->tokens, (used + tokens) * sizeof *grown);
    if (!grown)
        return -1;
    d->tokens = grown;
    size_t *starts = realloc(d->starts, (d->count + 2) * sizeof *starts);
    if (!starts)
        return -1;
    d->starts = starts;
    d->starts[d->count] = used;
    return 0;
}

static int append(struct documents *d, const struct tokenizer *t, const char *text, size_t length)
{
    if (reserve(d, tokenizer_bound(length)) != 0)
        return -1;
    size_t start = d->starts[d->count];
    size_t n = tokenizer_encode(t, text, length, d->tokens + start);
    if (n == SIZE_MAX)
        return -1;
    d->starts[++d->count] = start + n;
    d->bytes += length;
    return 0;
}

int documents_load(struct documents *d, const struct tokenizer *t, const char *path)
{
    *d = (struct documents){0};
    FILE *f = fopen(path, "r");
    if (!f) {
        perror(path);
        return -1;
    }
    char *line = NULL;
    size_t capacity = 0;
    int failed = 0;
    while (!failed && getline(&line, &capacity, f) > 0) {
        size_t length = strcspn(line, "\n");
        line[length] = '\0';
        if (strcmp(line, "<|end|>") != 0)
            failed = append(d, t, line, length);
    }
    free(line);
    fclose(f);
    if (failed || !d->count) {
        fprintf(stderr, "%s: error: %s\n", path, failed ? "out of memory" : "no documents");
        documents_free(d);
        return -1;
    }
    return 0;
}

void documents_free(struct documents *d)
{
    free(d->tokens);
    free(d->starts);
    *d = (struct documents){0};
}

static void shuffle_epoch(struct sampler *s, uint64_t epoch)
{
    uint64_t state = s->seed ^ (epoch + 1) * 0xd1342543de82ef95u;
    s->epoch = epoch;
    s->offset = (size_t)random_below(&state, s->context);
    for (size_t i = 0; i < s->windows; i++) {
        size_t j = (size_t)random_below(&state, i + 1);
        s->order[i] = s->order[j];
        s->order[j] = (uint32_t)i;
    }
}

int sampler_init(struct sampler *s, const struct documents *d, size_t context, uint64_t seed)
{
    size_t length = d->starts[d->count] + 2 * d->count;
    *s = (struct sampler){.length = length, .context = context, .seed = seed};
    if (length < 2 * context)
        return -1;
    s->windows = length / context - 1; // one fewer, to leave room for the offset
    s->stream = malloc(length * sizeof *s->stream);
    s->order = malloc(s->windows * sizeof *s->order);
    if (!s->stream || !s->order) {
        sampler_free(s);
        return -1;
    }
    uint32_t *out = s->stream;
    for (size_t i = 0; i < d->count; i++) {
        *out++ = TOKEN_BOS;
        for (size_t j = d->starts[i]; j < d->starts[i + 1]; j++)
            *out++ = d->tokens[j];
        *out++ = TOKEN_EOS;
    }
    shuffle_epoch(s, 0);
    return 0;
}

void sampler_free(struct sampler *s)
{
    free(s->stream);
    free(s->order);
    *s = (struct sampler){0};
}

void sampler_window(struct sampler *s, uint64_t index, uint32_t *inputs, uint32_t *targets)
{
    if (index / s->windows != s->epoch)
        shuffle_epoch(s, index / s->windows);
    size_t start = s->offset + s->order[index % s->windows] * s->context;
    memcpy(targets, s->stream + start, s->context * sizeof *targets);
    inputs[0] = TOKEN_BOS;
    memcpy(inputs + 1, targets, (s->context - 1) * sizeof *inputs);
}
