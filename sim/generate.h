#ifndef MX_GENERATE_H
#define MX_GENERATE_H
// From a prompt to text, over anything that takes tokens.
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/import/tokenizer.h"
#include "firmware/mx_runtime.h"  // mx_stop
#include "golden/error.h"
#include "golden/image.h"

// Who takes tokens and who gets the text.
typedef struct {
  void *self;
  // Feed the first *taken of tokens[count], of the prompt or a generated one; with
  // the last of them *next becomes the choice of what follows.
  mx_status (*feed)(void *self, const uint32_t *tokens, uint32_t count, bool prompt, uint32_t *taken, uint32_t *next, mx_error *e);
  // Text as it comes, prompt included, in pieces [bytes]; may be NULL.
  void (*emit)(void *self, const char *text, size_t bytes);
  const char *stop;  // generating ends when the generated text holds this; NULL: nothing does
} mx_generator;

typedef struct {
  int32_t *tokens;            // [n_tokens]: BOS if there is one, prompt, generated
  uint32_t n_prompt, n_tokens;
  char *text;                 // [text_bytes] and a NUL: prompt and generated
  size_t text_bytes;
  mx_stop stop;
} mx_generation;

// Run prompt[length] and generate at most max_tokens. MX_LIMIT: the prompt does
// not fit the context, less the image's prefix. MX_UNSUPPORTED: the image has a
// prefix and the tokenizer no BOS that ends it. The caller frees *out with mx_generation_free, also
// after an error.
mx_status mx_generate(const mx_image *image, const mx_tokenizer *tokenizer, const char *prompt, size_t length,
                      uint32_t max_tokens, const mx_generator *g, mx_generation *out, mx_error *e);
void mx_generation_free(mx_generation *g);

// The tokens as an array, and the text as a string, cut to whole UTF-8.
json_t *mx_generation_ids_json(const mx_generation *g);
json_t *mx_generation_text_json(const mx_generation *g);

const char *mx_stop_text(mx_stop stop);  // "length", "end-token", "context", "stop-text"
#endif
