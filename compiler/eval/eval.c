#include "compiler/eval/eval.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/import/documents.h"

double mx_nll_of_logits(const float *logits, uint32_t n, int32_t target) {
  double largest = logits[0], sum = 0;
  for (uint32_t i = 1; i < n; i++)
    if (logits[i] > largest) largest = logits[i];
  for (uint32_t i = 0; i < n; i++) sum += exp(logits[i] - largest);
  return log(sum) + largest - logits[target];
}

// A sequence to score: BOS and n tokens, and its scores.
typedef struct {
  int32_t prev;            // token of the text before the first, or BOS
  uint32_t n;              // < context
  int32_t *tokens;         // [n + 1], BOS first
  double *nll;             // [1 + measures][n], while it is scored and folded
  bool scored;
} sequence;

typedef struct {
  const mx_scorer *scorer;
  const mx_tokenizer *tokenizer;
  const mx_eval_options *options;
  sequence *list;          // in the order of the text
  size_t n_list, capacity;
  uint64_t planned;        // tokens in the list
  double sum_nll;
  mx_eval_result result;
  mx_error *e;
  // Shared by the threads, under the lock:
  pthread_mutex_t lock;
  size_t taken, folded;    // sequences given to a thread; added to the result
} evaluation;

static bool finished(const evaluation *v) {
  return v->options->max_tokens && v->planned >= v->options->max_tokens;
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

static mx_status no_memory(evaluation *v) {
  return mx_fail(v->e, MX_LIMIT, MX_NOWHERE, "no memory for the sequences");
}

// Plans one sequence: BOS and ids [n], n < context. `prev` is the token of the
// text before ids[0], or BOS.
static mx_status plan_sequence(evaluation *v, int32_t prev, const int32_t *ids, uint32_t n) {
  uint64_t most = v->options->max_tokens ? v->options->max_tokens - v->planned : n;
  if (n > most) n = (uint32_t)most;
  if (v->n_list == v->capacity) {
    size_t capacity = v->capacity ? 2 * v->capacity : 64;
    sequence *grown = realloc(v->list, capacity * sizeof *grown);
    if (!grown) return no_memory(v);
    v->list = grown;
    v->capacity = capacity;
  }
  sequence *q = &v->list[v->n_list++];
  *q = (sequence){.prev = prev, .n = n};
  q->tokens = malloc((n + 1) * sizeof *q->tokens);
  if (!q->tokens) return no_memory(v);
  q->tokens[0] = mx_tokenizer_bos(v->tokenizer);
  memcpy(q->tokens + 1, ids, n * sizeof *ids);
  v->planned += n;
  return MX_OK;
}

// Adds the scores of a sequence to the result. Called in the order of the
// text, so that sums do not depend on the threads.
static mx_status fold(evaluation *v, sequence *q) {
  for (uint32_t i = 0; i < q->n; i++) {
    if (!isfinite(q->nll[i]))
      return mx_fail(v->e, MX_UNSUPPORTED, MX_NOWHERE,
                     "sequence %llu, token %u: the model gives id %d no finite probability",
                     (unsigned long long)v->result.sequences, i + 1, q->tokens[i + 1]);
    v->sum_nll += q->nll[i];
    v->result.bytes += token_bytes(v->tokenizer, i ? q->tokens[i] : q->prev, q->tokens[i + 1]);
  }
  v->result.tokens += q->n;
  v->result.sequences++;
  update_means(v);
  const mx_eval_options *o = v->options;
  if (o->receive) o->receive(o->receive_self, q->nll, q->n);
  free(q->nll);
  q->nll = NULL;
  if (o->progress) o->progress(o->progress_self, &v->result, (double)v->result.tokens / (double)v->planned);
  return MX_OK;
}

static mx_status score(const mx_scorer *scorer, sequence *q, uint32_t measures, mx_error *e) {
  q->nll = calloc((size_t)q->n * (1 + measures), sizeof *q->nll);
  if (!q->nll) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the scores of %u tokens", q->n);
  return scorer->score(scorer->self, q->tokens, q->n + 1, q->nll, e);
}

// Score sequences until none is left or one fails. Every thread runs this with
// a scorer of its own; the lock is open while a sequence is scored.
typedef struct { evaluation *v; const mx_scorer *scorer; } worker;
static void *score_list(void *argument) {
  const worker *w = argument;
  evaluation *v = w->v;
  pthread_mutex_lock(&v->lock);
  while (!v->e->status && v->taken < v->n_list) {
    sequence *q = &v->list[v->taken++];
    mx_error own = {0};
    pthread_mutex_unlock(&v->lock);
    mx_status s = score(w->scorer, q, v->options->measures, &own);
    pthread_mutex_lock(&v->lock);
    if (s && !v->e->status) *v->e = own;
    q->scored = !s;
    while (!v->e->status && v->folded < v->n_list && v->list[v->folded].scored)
      if (!fold(v, &v->list[v->folded])) v->folded++;
  }
  pthread_mutex_unlock(&v->lock);
  return NULL;
}

enum { MAX_THREADS = 64 };

static void score_all(evaluation *v) {
  pthread_t threads[MAX_THREADS];
  worker workers[MAX_THREADS];
  uint32_t n = 0, most = v->options->n_helpers < MAX_THREADS ? v->options->n_helpers : MAX_THREADS;
  for (; n < most; n++) {
    workers[n] = (worker){v, &v->options->helpers[n]};
    if (pthread_create(&threads[n], NULL, score_list, &workers[n])) break;  // fewer threads do
  }
  score_list(&(worker){v, v->scorer});
  for (uint32_t i = 0; i < n; i++) pthread_join(threads[i], NULL);
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

// Plans ids [count], tokens of one text from its start.
static mx_status plan_windows(evaluation *v, const int32_t *ids, size_t count) {
  size_t room = v->options->context - 1;
  int32_t prev = mx_tokenizer_bos(v->tokenizer);
  mx_status s = MX_OK;
  for (size_t at = 0; !s && at < count && !finished(v); at += room) {
    size_t n = count - at < room ? count - at : room;
    s = plan_sequence(v, prev, ids + at, (uint32_t)n);
    prev = ids[at + n - 1];
  }
  return s;
}

static mx_status plan_text(evaluation *v, const char *text, size_t len) {
  int32_t *ids;
  size_t count;
  mx_status s = tokenize(v, text, len, &ids, &count, v->e);
  if (!s) s = plan_windows(v, ids, count);
  free(ids);
  return s;
}

static mx_status plan_document(evaluation *v, const char *text, size_t len) {
  int32_t *ids;
  size_t count, room = v->options->context - 1;
  mx_status s = tokenize(v, text, len, &ids, &count, v->e);
  if (!s && !v->options->whole_documents && count > room) count = room;
  if (!s) s = plan_windows(v, ids, count);
  free(ids);
  return s;
}

static mx_status plan_documents(evaluation *v, const char *text, size_t len) {
  mx_document d;
  mx_status s = MX_OK;
  for (size_t at = 0; !s && !finished(v) && mx_document_next(text, len, v->options->split, &at, &d);)
    s = plan_document(v, d.text, d.len);
  return s;
}

static void free_list(evaluation *v) {
  for (size_t i = 0; i < v->n_list; i++) {
    free(v->list[i].tokens);
    free(v->list[i].nll);
  }
  free(v->list);
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
  evaluation v = {.scorer = scorer, .tokenizer = tokenizer, .options = options, .e = e,
                  .lock = PTHREAD_MUTEX_INITIALIZER};
  bool split = options->split && options->split[0];
  s = split ? plan_documents(&v, text, len) : plan_text(&v, text, len);
  if (!s) score_all(&v);
  free_list(&v);
  *result = v.result;
  if (!e->status && v.result.tokens == 0)
    mx_fail(e, MX_USAGE, MX_NOWHERE, "the text has no tokens to score");
  return e->status;
}
