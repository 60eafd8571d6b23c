#ifndef MX_SIM_INPUT_H
#define MX_SIM_INPUT_H
// What run and verify read before an engine starts: image, tokenizer, prompt.
#include "compiler/import/bytes.h"  // mx_file
#include "compiler/import/tokenizer.h"
#include "golden/image.h"
#include "sim/options.h"

typedef struct {
  mx_image *image;
  mx_tokenizer *tokenizer;
  mx_file file;        // of --prompt-file
  const char *prompt;  // [prompt_bytes]
  size_t prompt_bytes;
} mx_sim_input;

// The caller closes *in, also after an error. `a` must outlive it.
mx_status mx_sim_open(const mx_sim_arguments *a, mx_sim_input *in, mx_error *e);
void mx_sim_close(mx_sim_input *in);
#endif
