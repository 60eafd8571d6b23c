#ifndef MX_EVAL_H
#define MX_EVAL_H
// Perplexity of an engine over a text.
//
// A sequence is BOS and tokens of the text, `context` tokens in all at most.
// Every token after BOS is scored by -ln p(token | all before it in its
// sequence); BOS is not scored, and no end token is added.
//   Without a split marker the whole text is tokenized once and cut, in order,
//   into runs of context - 1 tokens (the last may be shorter), each a sequence.
//   Each token of the text is scored once.
//   With a split marker the text is cut into documents at each occurrence of
//   the marker; ASCII white space around a document is dropped, and so are
//   empty documents. Each is tokenized by itself and is one sequence; tokens
//   past the context are dropped, or with `whole_documents` go on in further
//   sequences, so that each token of each document is scored once.
// mean NLL = sum of scores / scored tokens; perplexity = exp(mean NLL);
// bits per byte = sum of scores / ln 2 / bytes of text that the scored tokens
// stand for (the prefix space that the tokenizer adds is not counted, an
// unknown token counts as one byte). Sums are in double.
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>

#include "compiler/import/tokenizer.h"
#include "golden/error.h"

// An engine that scores a sequence from position 0:
//   nll[i] = -ln p(tokens[i + 1] | tokens[0 .. i]) for 0 <= i < n - 1.
// With `measures` in the options more rows of n - 1 numbers follow in nll, which
// mean what the scorer and the receiver of the rows agree on.
typedef struct {
  void *self;
  mx_status (*score)(void *self, const int32_t *tokens, uint32_t n, double *nll, mx_error *e);
} mx_scorer;

typedef struct {
  uint64_t sequences;       // scored
  uint64_t tokens;          // scored
  uint64_t bytes;           // of text that the scored tokens stand for
  double mean_nll;          // nats per token
  double perplexity;        // exp(mean_nll)
  double bits_per_byte;
} mx_eval_result;

typedef struct {
  uint32_t context;         // tokens in a sequence with BOS, >= 2
  const char *split;        // marker between documents; NULL or "": windows
  bool whole_documents;     // with `split`: score documents beyond the context too
  uint64_t max_tokens;      // stop after so many scored tokens; 0: all
  // More scorers of the same engine, each for a thread of its own; results do
  // not depend on their number.
  const mx_scorer *helpers;  // [n_helpers]
  uint32_t n_helpers;
  // Rows beside the scores, and who gets all rows [1 + measures][n] of the n
  // scored tokens of each sequence, in order.
  uint32_t measures;
  void (*receive)(void *self, const double *rows, uint32_t n);
  void *receive_self;
  // Called after each sequence, in order, with the result so far and the part of
  // the tokens that is done, 0 to 1; may be NULL.
  void (*progress)(void *self, const mx_eval_result *so_far, double done);
  void *progress_self;
} mx_eval_options;

// Evaluates text [len]. MX_USAGE: context < 2 or nothing to score;
// MX_UNSUPPORTED: the tokenizer has no BOS, or the engine gives a token no
// finite probability; else what the tokenizer or the scorer report.
mx_status mx_eval_text(const mx_scorer *scorer, const mx_tokenizer *tokenizer, const char *text,
                       size_t len, const mx_eval_options *options, mx_eval_result *result,
                       mx_error *e);

// -ln softmax(logits)[target] in double; logits [n].
double mx_nll_of_logits(const float *logits, uint32_t n, int32_t target);
#endif
