#include "compiler/eval/golden_scorer.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"
#include "golden/machine.h"

struct mx_golden_scorer {
  const mx_image *image;
  mx_machine *machine;
  uint8_t *memory;
  float *logits;        // [vocab_size]
  float *first;         // [vocab_size] after the prefix, if there is one
};

static mx_status run(mx_golden_scorer *s, uint32_t entry, uint32_t token, uint32_t position, mx_error *e) {
  const uint32_t args[MX_ARGS] = {token, position};
  unsigned fault = mx_machine_run(s->machine, entry, args);
  if (!fault) return MX_OK;
  return mx_fail(e, MX_DEVICE, MX_NOWHERE, "golden model: %s, at 0x%x (%s)", mx_fault_text(fault), s->machine->pc,
                 mx_image_note(s->image, s->machine->pc));
}

static void read_logits(const mx_golden_scorer *s, float *to) {
  for (uint32_t k = 0; k < s->image->vocab_size; k++)
    to[k] = mx_float_of_bits(mx_load_u32(s->memory + s->image->logits_addr + 4 * k));
}

mx_status mx_golden_scorer_new(const mx_image *image, mx_golden_scorer **out, mx_error *e) {
  mx_golden_scorer *s = calloc(1, sizeof *s);
  *out = s;
  if (s) {
    s->image = image;
    s->memory = calloc(image->mem_bytes, 1);
    s->logits = calloc(image->vocab_size, sizeof *s->logits);
    s->first = calloc(image->vocab_size, sizeof *s->first);
    if (s->memory) s->machine = mx_machine_new(image->params, s->memory, image->mem_bytes);
  }
  if (!s || !s->logits || !s->first || !s->machine) {
    mx_golden_scorer_free(s);
    *out = NULL;
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the golden model");
  }
  memcpy(s->memory, image->memory, image->memory_bytes);
  read_logits(s, s->first);  // a token overwrites them
  mx_status status = run(s, image->init_entry, 0, 0, e);
  if (!status) return MX_OK;
  mx_golden_scorer_free(s);
  *out = NULL;
  return status;
}

void mx_golden_scorer_free(mx_golden_scorer *s) {
  if (!s) return;
  mx_machine_free(s->machine);
  free(s->memory);
  free(s->logits);
  free(s->first);
  free(s);
}

// Position of the sequence's first token.
static uint32_t origin(const mx_image *image) { return image->prefix_tokens ? image->prefix_tokens - 1 : 0; }

uint32_t mx_golden_scorer_room(const mx_image *image) { return image->context_length - origin(image); }

mx_machine *mx_golden_scorer_machine(mx_golden_scorer *s) { return s->machine; }

mx_status mx_golden_scorer_step(mx_golden_scorer *s, int32_t token, uint32_t i, const float **logits, mx_error *e) {
  *logits = s->first;
  if (i == 0 && s->image->prefix_tokens) return MX_OK;
  *logits = s->logits;
  if (i >= mx_golden_scorer_room(s->image))
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "token %u of a sequence, and the image has room for %u", i + 1,
                   mx_golden_scorer_room(s->image));
  mx_status status = run(s, s->image->token_entry, (uint32_t)token, origin(s->image) + i, e);
  if (!status) read_logits(s, s->logits);
  return status;
}

mx_status mx_golden_scorer_score(void *self, const int32_t *tokens, uint32_t n, double *nll, mx_error *e) {
  mx_golden_scorer *s = self;
  for (uint32_t i = 0; i + 1 < n; i++) {
    const float *logits;
    mx_status status = mx_golden_scorer_step(s, tokens[i], i, &logits, e);
    if (status) return status;
    nll[i] = mx_nll_of_logits(logits, s->image->vocab_size, tokens[i + 1]);
  }
  return MX_OK;
}
