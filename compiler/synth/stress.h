#ifndef MX_STRESS_H
#define MX_STRESS_H
// Twins of a model that compute the same function in FP32 and are hard to
// quantize, in the two ways in which large models are: see stress_channels.c
// and stress_tokens.c. What a method repairs of a twin's loss can be measured
// without a large model.
#include "compiler/import/model.h"

enum { MX_STRESS_CHANNELS_STRENGTH = 100, MX_STRESS_TOKENS_STRENGTH = 1000 };  // defaults

// Turns m into its twin with outlier channels, the largest `strength` > 1 times
// their neighbours. A tied output matrix becomes one of its own. MX_LIMIT: no memory.
mx_status mx_stress_channels(mx_model *m, double strength, uint64_t seed, mx_error *e);

// Turns m into its twin in which BOS has massive inputs of w_down in one early
// layer, `strength` > 1 times the largest input of the median token, and
// delimiters about a quarter of that; hidden_dim grows. Runs the model on 16384
// tokens or more, half of them one by one. MX_UNSUPPORTED: no BOS, or nothing in
// the layer tells it from other tokens. MX_LIMIT: no memory. m is of no use after
// an error.
mx_status mx_stress_tokens(mx_model *m, double strength, uint64_t seed, mx_error *e);
#endif
