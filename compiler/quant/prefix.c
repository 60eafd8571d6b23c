#include "compiler/quant/prefix.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/forward.h"

enum { MOST_FOUND = 8 };               // ids, where their number is not given
static const float outlier_ratio = 64;  // eta of PrefixQuant's equation 3

static mx_status no_memory(mx_error *e) { return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the prefix"); }

void mx_prefix_free(mx_prefix *p) {
  free(p->tokens);
  free(p->keys);
  free(p->values);
  free(p->logits);
  *p = (mx_prefix){0};
}

// ---- outlier tokens ------------------------------------------------------------

typedef struct {
  int32_t id;
  uint32_t hits;  // as an outlier, over all sequences and layers
  float ratio;    // to the median, the greatest
} candidate;

// Positions 0 are BOS: they count as outliers, but propose no id.
typedef struct {
  const mx_calibration *text;
  candidate *ids;         // [vocab_size]
  float *largest;         // [tokens] magnitude of each at the input of w_down
  float *sorted;          // [tokens]
  double most;            // greatest over layers of the mean number in a sequence
  bool bos;               // position 0 is one in most sequences of a layer
  bool finite;
} survey;

static int by_magnitude(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

// Of x [n]; of an even number the lower.
static float median(const float *x, uint32_t n, float *sorted) {
  memcpy(sorted, x, n * sizeof *x);
  qsort(sorted, n, sizeof *sorted, by_magnitude);
  return sorted[(n - 1) / 2];
}

static void take_largest(survey *s, const float *x, uint32_t cols) {
  for (uint32_t t = 0; t < s->text->n_tokens; t++) {
    float most = 0;
    for (uint32_t j = 0; j < cols; j++) {
      float v = fabsf(x[(size_t)t * cols + j]);
      if (!(v <= FLT_MAX)) s->finite = false;
      most = v > most ? v : most;
    }
    s->largest[t] = most;
  }
}

// Adds the outliers of sequence i to *found, and to *bos whether position 0 is one.
static void survey_sequence(survey *s, uint32_t i, uint32_t *found, uint32_t *bos) {
  uint32_t start = s->text->starts[i], n = s->text->starts[i + 1] - start;
  float typical = fmaxf(median(s->largest + start, n, s->sorted), FLT_MIN);
  for (uint32_t t = 0; t < n; t++) {
    float ratio = s->largest[start + t] / typical;
    bool outlier = ratio > outlier_ratio;
    *found += outlier;
    if (!t) *bos += outlier;
    if (!t) continue;
    candidate *c = &s->ids[s->text->tokens[start + t]];
    c->hits += outlier;
    c->ratio = fmaxf(c->ratio, ratio);
  }
}

static void survey_layer(void *self, mx_input input, float *x, uint32_t cols) {
  survey *s = self;
  uint32_t n = s->text->n_sequences, found = 0, bos = 0;
  if (input != MX_INPUT_DOWN) return;
  take_largest(s, x, cols);
  for (uint32_t i = 0; i < n; i++)
    if (s->text->starts[i + 1] > s->text->starts[i]) survey_sequence(s, i, &found, &bos);
  s->most = fmax(s->most, (double)found / n);
  s->bos |= 2 * bos > n;
}

// All layers, in the model's own basis: no transform at run time spreads an
// outlier before it is seen.
static mx_status survey_model(const mx_model *model, survey *s, unsigned threads, mx_error *e) {
  const mx_source source = {.model = model};
  mx_forward f;
  mx_status status = mx_forward_new(&source, s->text, threads, &f, e);
  for (uint32_t i = 0; i < model->config.n_layers && !status; i++) {
    mx_layer l;
    status = mx_source_layer(&source, i, &l, e);
    if (!status) mx_forward_layer(&f, &l, survey_layer, s);
    mx_layer_free(&l);
    if (!status && !s->finite)
      status = mx_fail(e, MX_FORMAT, MX_NOWHERE, "blk.%u: the activations of the calibration text are not finite", i);
  }
  mx_forward_free(&f);
  return status;
}

// ---- choice --------------------------------------------------------------------

// Most hits first, then the greatest ratio.
static int by_rank(const void *a, const void *b) {
  const candidate *x = a, *y = b;
  if (x->hits != y->hits) return x->hits < y->hits ? 1 : -1;
  if (x->ratio < y->ratio || x->ratio > y->ratio) return x->ratio < y->ratio ? 1 : -1;
  return (x->id > y->id) - (x->id < y->id);
}

// How many of the ranked ids make the prefix; without `count`, the number of
// outliers in a sequence, but not a single id that is rare.
static uint32_t choose_number(const survey *s, uint32_t vocab_size, uint32_t count) {
  uint32_t seen = 0, hit = 0;
  for (uint32_t i = 0; i < vocab_size; i++) {
    seen += s->ids[i].ratio > 0;
    hit += s->ids[i].hits > 0;
  }
  if (count) return count < seen ? count : seen;
  if (hit == 1 && s->ids[0].hits < 0.1 * s->text->n_sequences) return 0;
  double wanted = fmin(ceil(s->most), MOST_FOUND);
  return hit < wanted ? hit : (uint32_t)wanted;
}

static mx_status choose(survey *s, int32_t bos, uint32_t vocab_size, uint32_t count, mx_prefix *out, mx_error *e) {
  qsort(s->ids, vocab_size, sizeof *s->ids, by_rank);
  uint32_t n = choose_number(s, vocab_size, count);
  if (!n && !s->bos) return MX_OK;
  out->tokens = malloc((n + (size_t)1) * sizeof *out->tokens);
  if (!out->tokens) return no_memory(e);
  for (uint32_t i = 0; i < n; i++) out->tokens[i] = s->ids[i].id;
  out->tokens[n] = bos;
  out->n = n + 1;
  return MX_OK;
}

static mx_status find_tokens(const mx_model *model, const mx_calibration *c, uint32_t count, unsigned threads,
                             mx_prefix *out, mx_error *e) {
  uint32_t vocab = model->config.vocab_size;
  survey s = {.text = c, .finite = true, .ids = calloc(vocab, sizeof *s.ids), .largest = calloc(c->n_tokens, sizeof(float)),
              .sorted = calloc(c->n_tokens, sizeof(float))};
  mx_status status = s.ids && s.largest && s.sorted ? MX_OK : no_memory(e);
  for (uint32_t i = 0; i < vocab && !status; i++) s.ids[i].id = (int32_t)i;
  if (!status) status = survey_model(model, &s, threads, e);
  if (!status) status = choose(&s, mx_tokenizer_bos(model->tokenizer), vocab, count, out, e);
  free(s.ids);
  free(s.largest);
  free(s.sorted);
  return status;
}

// ---- cache ---------------------------------------------------------------------

typedef struct {
  const mx_forward *f;
  mx_prefix *p;
  uint32_t layer;
} cache_task;

// At the input of wo, keys and values of the layer are as attention reads them.
static void keep_cache(void *self, mx_input input, float *x, uint32_t cols) {
  const cache_task *t = self;
  size_t size = (size_t)t->p->n * t->f->kv_dim;
  (void)x;
  (void)cols;
  if (input != MX_INPUT_WO) return;
  memcpy(t->p->keys + t->layer * size, t->f->k, size * sizeof(float));
  memcpy(t->p->values + t->layer * size, t->f->v, size * sizeof(float));
}

static mx_status keep_logits(const mx_source *source, mx_forward *f, mx_prefix *p, mx_error *e) {
  uint32_t vocab = f->config->vocab_size;
  mx_matrix norm = {0}, output = {0};
  float *all = malloc((size_t)p->n * vocab * sizeof *all);
  mx_status s = all ? mx_source_head(source, &norm, &output, e) : no_memory(e);
  if (!s) {
    mx_forward_norm(f, &norm, MX_INPUT_HEAD);
    mx_forward_multiply(f, &output, f->h, all);
    memcpy(p->logits, all + (size_t)(p->n - 1) * vocab, vocab * sizeof *all);
  }
  free(norm.data);
  free(output.data);
  free(all);
  return s;
}

static mx_status run_prefix(const mx_source *source, mx_forward *f, mx_prefix *p, mx_error *e) {
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < f->config->n_layers && !s; i++) {
    mx_layer l;
    s = mx_source_layer(source, i, &l, e);
    if (!s) mx_forward_layer(f, &l, keep_cache, &(cache_task){f, p, i});
    mx_layer_free(&l);
  }
  return s ? s : keep_logits(source, f, p, e);
}

static mx_status fill_cache(const mx_source *source, unsigned threads, mx_prefix *p, mx_error *e) {
  const mx_config *c = mx_source_config(source);
  uint32_t starts[2] = {0, p->n};
  const mx_calibration alone = {.n_sequences = 1, .n_tokens = p->n, .starts = starts, .tokens = p->tokens};
  size_t size = (size_t)c->n_layers * p->n * c->n_kv_heads * c->head_dim;
  p->keys = malloc(size * sizeof *p->keys);
  p->values = malloc(size * sizeof *p->values);
  p->logits = malloc(c->vocab_size * sizeof *p->logits);
  if (!p->keys || !p->values || !p->logits) return no_memory(e);
  mx_forward f;
  mx_status s = mx_forward_new(source, &alone, threads, &f, e);
  if (!s) s = run_prefix(source, &f, p, e);
  mx_forward_free(&f);
  return s;
}

static mx_status check_room(uint32_t n, uint32_t context, mx_error *e) {
  if (n < context) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "a prefix of %u tokens leaves no room in a context of %u", n, context);
}

mx_status mx_prefix_find(const mx_source *source, const mx_calibration *c, uint32_t count, unsigned threads, mx_prefix *out,
                         mx_error *e) {
  const mx_model *model = source->model;
  *out = (mx_prefix){0};
  if (!c->n_sequences) return mx_fail(e, MX_USAGE, MX_NOWHERE, "no calibration text to look for outlier tokens in");
  if (!model->tokenizer || mx_tokenizer_bos(model->tokenizer) < 0)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "a prefix ends in BOS, and the tokenizer has no BOS token");
  mx_status s = find_tokens(model, c, count, threads, out, e);
  if (!s && out->n) s = check_room(out->n, model->config.context_length, e);
  if (!s && out->n) s = fill_cache(source, threads, out, e);
  if (s) mx_prefix_free(out);
  return s;
}

// ---- text ----------------------------------------------------------------------

// Tokens of sequence i behind the prefix, its BOS dropped.
static uint32_t kept(const mx_calibration *c, uint32_t i, uint32_t room) {
  uint32_t n = c->starts[i + 1] - c->starts[i] - 1;
  return n < room ? n : room;
}

static mx_status allocate_text(const mx_calibration *c, const mx_prefix *p, uint32_t room, mx_calibration *out, mx_error *e) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < c->n_sequences; i++) {
    if (c->starts[i + 1] == c->starts[i] || c->tokens[c->starts[i]] != p->tokens[p->n - 1])
      return mx_fail(e, MX_USAGE, MX_NOWHERE, "sequence %u of the calibration text does not begin with BOS", i);
    total += p->n + kept(c, i, room);
  }
  out->starts = total > UINT32_MAX ? NULL : malloc((c->n_sequences + (size_t)1) * sizeof *out->starts);
  out->tokens = total > UINT32_MAX ? NULL : malloc((total ? total : 1) * sizeof *out->tokens);
  return out->starts && out->tokens ? MX_OK : no_memory(e);
}

mx_status mx_prefix_prepend(const mx_calibration *c, const mx_prefix *p, uint32_t context, mx_calibration *out, mx_error *e) {
  *out = (mx_calibration){.n_sequences = c->n_sequences, .n_prefix = p->n};
  mx_status s = check_room(p->n, context, e);
  if (!s) s = allocate_text(c, p, context - p->n, out, e);
  if (s) {
    mx_calibration_free(out);
    return s;
  }
  out->starts[0] = 0;
  for (uint32_t i = 0; i < c->n_sequences; i++) {
    uint32_t n = kept(c, i, context - p->n), at = out->n_tokens;
    memcpy(out->tokens + at, p->tokens, p->n * sizeof *p->tokens);
    memcpy(out->tokens + at + p->n, c->tokens + c->starts[i] + 1, n * sizeof *c->tokens);
    out->starts[i + 1] = out->n_tokens = at + p->n + n;
  }
  return MX_OK;
}
