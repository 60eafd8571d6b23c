// Checkpoints: everything a run needs to go on, in the byte order and floats of this machine.
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "optimizer.h"

// What stands in front of the arrays parameters, first, second.
struct checkpoint_header {
    char magic[8];
    uint64_t parameters;
    uint64_t step;
    uint64_t seed;
    struct model_config config;
    struct optimizer_options options;
};

// Writes path.tmp and renames it, so that a stop at any moment leaves a whole file.
// Return 0, or -1 with a message on stderr.
int checkpoint_save(const struct optimizer *o, uint64_t seed, const char *path);
int checkpoint_read_header(struct checkpoint_header *h, const char *path);

// Fills an optimizer made for the same configuration; moments are skipped if they are NULL.
int checkpoint_load(struct optimizer *o, const char *path);

#endif
