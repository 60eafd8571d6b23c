#ifndef MX_GOLDEN_SCORER_H
#define MX_GOLDEN_SCORER_H
// Scores sequences with the device's own arithmetic: a program image on the
// golden executor.
#include "compiler/eval/eval.h"
#include "golden/image.h"

typedef struct mx_golden_scorer mx_golden_scorer;

// Borrows the image. Runs its init program. The caller frees *out.
mx_status mx_golden_scorer_new(const mx_image *image, mx_golden_scorer **out, mx_error *e);
void mx_golden_scorer_free(mx_golden_scorer *s);  // NULL is allowed

// For mx_scorer; self is the mx_golden_scorer.
mx_status mx_golden_scorer_score(void *self, const int32_t *tokens, uint32_t n, double *nll, mx_error *e);
#endif
