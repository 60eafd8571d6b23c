// One training step: gradient of a batch in parallel shards, clipping, AdamW.
#ifndef TRAIN_OPTIMIZER_H
#define TRAIN_OPTIMIZER_H

#include "model.h"

#include <stdatomic.h>

// A batch is SHARDS groups of SHARD_SEQUENCES sequences. Threads take shards as they become
// free; each shard has its own gradient and these are added in shard order, so the result does
// not depend on the number of threads or on their timing.
enum { SHARDS = 8, SHARD_SEQUENCES = 2, THREAD_LIMIT = 4 };
enum { BATCH_SEQUENCES = SHARDS * SHARD_SEQUENCES };

struct optimizer_options {
    double peak_rate;     // learning rate after warm-up
    double final_rate;    // at the last step
    double weight_decay;  // on matrices, not on norm gains
    double dropout;       // on both branches of each layer
    double clip;          // gradient norm
    uint64_t warmup_steps;
    uint64_t steps;
    unsigned threads;
};

struct optimizer {
    struct model_config config;
    struct optimizer_options options;
    real *parameters; // [model_parameters]
    real *first;      // AdamW moments, [model_parameters]
    real *second;
    real *gradients; // [SHARDS][model_parameters]
    real *losses;    // [BATCH_SEQUENCES * context], nats
    struct workspace *workspaces[THREAD_LIMIT];
    uint64_t step; // steps done

    // The step in progress.
    const uint32_t *inputs;
    const uint32_t *targets;
    atomic_uint next_shard;
    atomic_uint next_thread;
};

// Allocates everything; parameters are not initialised, the moments are zero. Returns 0 or -1.
int optimizer_init(struct optimizer *o, const struct model_config *c,
                   const struct optimizer_options *options);
void optimizer_free(struct optimizer *o);

// The learning rate of the step after `step` steps: linear warm-up, then half a cosine.
double optimizer_rate(const struct optimizer_options *o, uint64_t step);

// inputs, targets: [BATCH_SEQUENCES][context]. Returns the mean loss in nats per token.
double optimizer_step(struct optimizer *o, const uint32_t *inputs, const uint32_t *targets);

#endif
