#include "compiler/eval/eval.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

double mx_nll_of_logits(const float *logits, uint32_t n, int32_t target) {
  double largest = logits[0], sum = 0;
  for (uint32_t i = 1; i < n; i++)
    if (logits[i] > largest) largest = logits[i];
  for (uint32_t i = 0; i < n; i++) sum += exp(logits[i] - largest);
  return log(sum) + largest - logits[target];
}

typedef struct {
  const mx_scorer *scorer;
  const mx_tokenizer *tokenizer;
  const mx_eval_options *options;
  int32_t *sequence;       // [context]
  double *nll;             // [context - 1]
  double sum_nll;
  mx_eval_result result;
} evaluation;

static bool finished(const evaluation *v) {
  return v->options->max_tokens && v->result.tokens >= v->options->max_tokens;
}

// Bytes of text that token `id` after `prev` stands for.
static size_t token_bytes(const mx_tokenizer *t, int32_t prev, int32_t id) {
  if (mx_tokenizer_piece(t, id).type == MX_PIECE_UNKNOWN) return 1;
  size_t n;
  (void)mx_tokenizer_decode(t, prev, id, NULL, 0, &n);  // only the length
  return n;
}

static void update_means(evaluation *v) {
  mx_eval_result *r = &v->result;
  r->mean_nll = v->sum_nll / (double)r->tokens;
  r->perplexity = exp(r->mean_nll);
  r->bits_per_byte = v->sum_nll / log(2) / (double)r->bytes;
}

// Scores one sequence: BOS and ids [n], n < context. `prev` is the token of the
// text before ids[0], or BOS.
static mx_status score_sequence(evaluation *v, int32_t prev, const int32_t *ids, uint32_t n,
                                mx_error *e) {
  uint64_t most = v->options->max_tokens ? v->options->max_tokens - v->result.tokens : n;
  if (n > most) n = (uint32_t)most;
  v->sequence[0] = mx_tokenizer_bos(v->tokenizer);
  memcpy(v->sequence + 1, ids, n * sizeof *ids);
  mx_status s = v->scorer->score(v->scorer->self, v->sequence, n + 1, v->nll, e);
  if (s) return s;
  for (uint32_t i = 0; i < n; i++) {
    if (!isfinite(v->nll[i]))
      return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                     "sequence %llu, token %u: the model gives id %d no finite probability",
                     (unsigned long long)v->result.sequences, i + 1, ids[i]);
    v->sum_nll += v->nll[i];
    v->result.bytes += token_bytes(v->tokenizer, i ? ids[i - 1] : prev, ids[i]);
  }
  v->result.tokens += n;
  v->result.sequences++;
  update_means(v);
  return MX_OK;
}

static void report(const evaluation *v, double done) {
  if (v->options->progress) v->options->progress(v->options->progress_self, &v->result, done);
}

// Sets *ids to the tokens of text [len] without BOS; the caller frees them.
static mx_status tokenize(const evaluation *v, const char *text, size_t len, int32_t **ids,
                          size_t *count, mx_error *e) {
  size_t capacity = mx_tokenizer_max_tokens(len);
  *ids = malloc(capacity * sizeof **ids);
  if (!*ids) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to tokenize %zu bytes", len);
  mx_status s = mx_tokenizer_encode(v->tokenizer, text, len, false, *ids, capacity, count, e);
  if (!s) return MX_OK;
  free(*ids);
  *ids = NULL;
  return s;
}

// Scores ids [count], tokens of one text from its start, sequence by sequence.
static mx_status score_windows(evaluation *v, const int32_t *ids, size_t count, bool progress,
                               mx_error *e) {
  size_t room = v->options->context - 1;
  int32_t prev = mx_tokenizer_bos(v->tokenizer);
  mx_status s = MX_OK;
  for (size_t at = 0; !s && at < count && !finished(v); at += room) {
    size_t n = count - at < room ? count - at : room;
    s = score_sequence(v, prev, ids + at, (uint32_t)n, e);
    prev = ids[at + n - 1];
    if (!s && progress) report(v, (double)(at + n) / (double)count);
  }
  return s;
}

static mx_status eval_whole(evaluation *v, const char *text, size_t len, mx_error *e) {
  int32_t *ids;
  size_t count;
  mx_status s = tokenize(v, text, len, &ids, &count, e);
  if (!s) s = score_windows(v, ids, count, true, e);
  free(ids);
  return s;
}

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static mx_status eval_document(evaluation *v, const char *text, size_t len, mx_error *e) {
  while (len && is_space(text[0])) {
    text++;
    len--;
  }
  while (len && is_space(text[len - 1])) len--;
  if (len == 0) return MX_OK;
  int32_t *ids;
  size_t count, room = v->options->context - 1;
  mx_status s = tokenize(v, text, len, &ids, &count, e);
  if (!s && !v->options->whole_documents && count > room) count = room;
  if (!s) s = score_windows(v, ids, count, false, e);
  free(ids);
  return s;
}

// Where `marker` begins in text [len] at or after `from`, or len.
static size_t find_marker(const char *text, size_t len, size_t from, const char *marker) {
  size_t n = strlen(marker);
  for (; len - from >= n; from++) {
    const char *hit = memchr(text + from, marker[0], len - from - n + 1);
    if (!hit) break;
    from = (size_t)(hit - text);
    if (memcmp(hit, marker, n) == 0) return from;
  }
  return len;
}

static mx_status eval_documents(evaluation *v, const char *text, size_t len, mx_error *e) {
  const char *marker = v->options->split;
  mx_status s = MX_OK;
  for (size_t at = 0; !s && at < len && !finished(v);) {
    size_t end = find_marker(text, len, at, marker);
    s = eval_document(v, text + at, end - at, e);
    if (!s && v->result.tokens) report(v, (double)end / (double)len);
    at = end + strlen(marker);
  }
  return s;
}

static mx_status check_options(const mx_tokenizer *t, const mx_eval_options *o, mx_error *e) {
  if (o->context < 2)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "a context of %u tokens; at least 2 are needed",
                   o->context);
  if (mx_tokenizer_bos(t) < 0)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the tokenizer has no BOS token");
  return MX_OK;
}

mx_status mx_eval_text(const mx_scorer *scorer, const mx_tokenizer *tokenizer, const char *text,
                       size_t len, const mx_eval_options *options, mx_eval_result *result,
                       mx_error *e) {
  *result = (mx_eval_result){0};
  mx_status s = check_options(tokenizer, options, e);
  if (s) return s;
  evaluation v = {.scorer = scorer, .tokenizer = tokenizer, .options = options};
  v.sequence = malloc(options->context * sizeof *v.sequence);
  v.nll = malloc(options->context * sizeof *v.nll);
  bool split = options->split && options->split[0];
  if (!v.sequence || !v.nll)
    s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a context of %u", options->context);
  else
    s = split ? eval_documents(&v, text, len, e) : eval_whole(&v, text, len, e);
  free(v.sequence);
  free(v.nll);
  *result = v.result;
  if (!s && v.result.tokens == 0)
    s = mx_fail(e, MX_USAGE, MX_NOWHERE, "the text has no tokens to score");
  return s;
}
