#ifndef MX_COMPARE_H
#define MX_COMPARE_H
// A program image against its model in FP32, token by token on the same text:
//   KL divergence      sum over the vocabulary of p ln(p / q) in nats, p of the
//                      FP32 model, q of the image, after the same tokens
//   agreement          share of tokens after which both favour the same next one
//   signal to noise    of the residual stream x after each layer:
//                      10 log10(sum x^2 / sum (x - y)^2) dB, y the image's; sums
//                      over all channels and tokens that the image ran (with a
//                      prefix it does not run the first token of a sequence).
//                      x is taken to the basis of the image.
#include <stdint.h>

#include "compiler/eval/eval.h"
#include "compiler/eval/golden_scorer.h"
#include "compiler/import/model.h"

// Means are over the scored tokens.
typedef struct {
  double reference_nll;      // mean, nats per token
  double mean_kl, worst_kl;  // nats
  uint64_t worst_token;      // scored tokens before the one whose KL is worst
  double agreement;          // 0 to 1
  uint32_t n_layers;
  double *snr_db;            // [n_layers]; infinite where nothing differs
  double mean_snr_db;
  uint32_t worst_layer;
} mx_comparison;

typedef struct mx_compare mx_compare;                // what all threads share
typedef struct mx_compare_scorer mx_compare_scorer;  // one thread's

// Borrows image and model, which must be of one shape (MX_USAGE) with sequences
// of up to `context` tokens. MX_FORMAT: the image does not say where its residual
// stream is. The caller frees *out, after its scorers.
mx_status mx_compare_new(const mx_image *image, const mx_model *model, uint32_t context, mx_compare **out, mx_error *e);
void mx_compare_free(mx_compare *c);  // NULL is allowed

// A scorer for mx_compare_score; the caller frees *out.
mx_status mx_compare_scorer_new(const mx_compare *c, mx_compare_scorer **out, mx_error *e);
void mx_compare_scorer_free(mx_compare_scorer *s);  // NULL is allowed

// For mx_scorer; self is the mx_compare_scorer. Scores are the image's.
mx_status mx_compare_score(void *self, const int32_t *tokens, uint32_t n, double *rows, mx_error *e);

// For mx_eval_options: measures, and receive with the mx_compare as its self.
uint32_t mx_compare_measures(const mx_compare *c);
void mx_compare_receive(void *self, const double *rows, uint32_t n);

// After an evaluation; the result stays the mx_compare's.
const mx_comparison *mx_compare_result(mx_compare *c);
#endif
