// Writing the trained model in the formats others read. Return 0, or -1 with a message.
#ifndef TRAIN_EXPORT_H
#define TRAIN_EXPORT_H

#include "model.h"
#include "tokenizer.h"

// GGUF version 3: matrices F16, norm gains F32, tokenizer included. Written to path.tmp, then
// renamed.
int export_gguf(const char *path, const struct model_config *c, const real *parameters,
                const struct tokenizer *t);

// llama2.c's legacy checkpoint (version 0, F32) and its tokenizer file. Parameters are written
// as given: round them to binary16 first to get the twin of the GGUF.
int export_llama2c(const char *model_path, const char *tokenizer_path,
                   const struct model_config *c, const real *parameters,
                   const struct tokenizer *t);

#endif
