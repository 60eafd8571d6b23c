#ifndef MX_CALIBRATE_H
#define MX_CALIBRATE_H
// Calibration text to token sequences, and the sums over inputs of a matrix
// that the methods need.
#include <stdbool.h>

#include "compiler/import/model.h"

typedef struct {
  uint32_t n_sequences, n_tokens;
  uint32_t *starts;  // [n_sequences + 1], index of the first token of each
  int32_t *tokens;   // [n_tokens], each sequence from its BOS
  uint32_t n_prefix; // tokens at the head of each sequence that are a prefix (prefix.h)
} mx_calibration;

typedef struct {
  uint32_t context;     // tokens in a sequence with BOS, at most; >= 2
  const char *split;    // marker between documents; NULL or "": one text
  uint32_t max_tokens;  // no more than this many, BOS included; 0: all
  uint64_t seed;        // chooses the sequences where there are more
} mx_calibration_options;

// Fewer tokens than this tell nothing about a model.
enum { MX_CALIBRATION_LEAST = 64 };

// Text [len] as mxf eval --split --whole reads it: documents at each marker,
// white space around them dropped, cut into runs of context - 1 tokens. The
// caller frees *out with mx_calibration_free, after an error too. MX_USAGE: the
// text is too short; or what the tokenizer reports.
mx_status mx_calibration_read(const mx_tokenizer *tokenizer, const char *text, size_t len,
                              const mx_calibration_options *o, mx_calibration *out, mx_error *e);
void mx_calibration_free(mx_calibration *c);

// Whole sequences of `c`, evenly spread, about max_tokens together and at least
// one. The caller frees *out.
mx_status mx_calibration_sample(const mx_calibration *c, uint32_t max_tokens, mx_calibration *out, mx_error *e);

// Sum of weight x x^T over tokens: GPTQ's Hessian up to a factor.
typedef struct {
  uint32_t n;
  float *sum;  // [n][n], symmetric
} mx_hessian;

// Of x [tokens][n], weight [tokens] >= 0 or NULL: all 1. The caller frees out->sum. MX_FORMAT: an input is not
// finite; `name` names the matrix.
mx_status mx_hessian_compute(const float *x, const float *weight, uint32_t tokens, uint32_t n, unsigned threads,
                             const char *name, mx_hessian *out, mx_error *e);

// Per channel of x [tokens][n]: greatest and mean magnitude, [n] each, of the
// tokens whose weight is not 0.
void mx_channel_magnitudes(const float *x, const float *weight, uint32_t tokens, uint32_t n, float *max, float *mean);
#endif
