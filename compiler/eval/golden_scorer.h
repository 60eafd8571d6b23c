#ifndef MX_GOLDEN_SCORER_H
#define MX_GOLDEN_SCORER_H
// Scores sequences with the device's own arithmetic: a program image on the
// golden executor. With a prefix in the image, the first token of a sequence
// (BOS) is not run: it stands for the prefix, whose keys, values and logits are
// in the image's memory, and the others follow at the positions after it.
#include "compiler/eval/eval.h"
#include "golden/image.h"
#include "golden/machine.h"

typedef struct mx_golden_scorer mx_golden_scorer;

// Borrows the image. Runs its init program. The caller frees *out.
mx_status mx_golden_scorer_new(const mx_image *image, mx_golden_scorer **out, mx_error *e);
void mx_golden_scorer_free(mx_golden_scorer *s);  // NULL is allowed

// Tokens of a sequence that the image has room for, its first one included.
uint32_t mx_golden_scorer_room(const mx_image *image);

// Token i of a sequence, after those before it; *logits [vocab_size] after it
// stay until the next call. MX_LIMIT: no room; MX_DEVICE: a fault.
mx_status mx_golden_scorer_step(mx_golden_scorer *s, int32_t token, uint32_t i, const float **logits, mx_error *e);

// The machine, for a probe; the scorer keeps it.
mx_machine *mx_golden_scorer_machine(mx_golden_scorer *s);

// For mx_scorer; self is the mx_golden_scorer.
mx_status mx_golden_scorer_score(void *self, const int32_t *tokens, uint32_t n, double *nll, mx_error *e);
#endif
