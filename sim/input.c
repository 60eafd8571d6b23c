#include "sim/input.h"

#include <string.h>

static mx_status open_tokenizer(const char *path, mx_sim_input *in, mx_error *e) {
  if (!in->image->tokenizer_bytes)
    return mx_fail(e, MX_UNSUPPORTED, (mx_loc){path, 0}, "the image holds no tokenizer, so it takes no text");
  if (mx_tokenizer_read(in->image->tokenizer, in->image->tokenizer_bytes, (mx_loc){path, 0}, &in->tokenizer, e))
    return e->status;
  if (mx_tokenizer_vocab_size(in->tokenizer) > in->image->vocab_size)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 0}, "the tokenizer has more tokens than the model");
  return MX_OK;
}

static mx_status open_prompt(const mx_sim_arguments *a, mx_sim_input *in, mx_error *e) {
  in->prompt = a->prompt;
  in->prompt_bytes = strlen(a->prompt);
  if (!a->prompt_file) return MX_OK;
  if (mx_file_map(a->prompt_file, &in->file, e)) return e->status;
  in->prompt = in->file.data ? (const char *)in->file.data : "";
  in->prompt_bytes = in->file.size_bytes;
  return MX_OK;
}

mx_status mx_sim_open(const mx_sim_arguments *a, mx_sim_input *in, mx_error *e) {
  *in = (mx_sim_input){0};
  if (mx_image_read(a->image, &in->image, e) || open_tokenizer(a->image, in, e)) return e->status;
  return open_prompt(a, in, e);
}

void mx_sim_close(mx_sim_input *in) {
  if (in->file.data) mx_file_unmap(&in->file);
  mx_tokenizer_free(in->tokenizer);
  mx_image_free(in->image);
  *in = (mx_sim_input){0};
}
