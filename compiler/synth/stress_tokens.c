// The twin with massive tokens, as large models have them (Sun et al., "Massive
// activations in large language models", arXiv 2402.17762: the first token and
// delimiters, 1e2 to 1e4 times the median; PrefixQuant, arXiv 2410.05265): in one
// early layer the input of w_down is huge for BOS and large for punctuation.
//
// The layer (the second, or the only one) gets UNITS new hidden units in pairs
// spread over its width, so that they share blocks with others; other layers get
// units of zeros. With h the layer's normed input:
//   w_gate row  GATE * d         d . h = 1 for BOS, about delimiter for delimiters
//   w_up row    size / GATE * d  and at most about -separation for all others
//   w_down columns  c and -c     of a pair, as large as other columns
// A unit is silu(GATE * d . h) * size / GATE * d . h: size for BOS, delimiter^2 of
// it for a delimiter and next to nothing where d . h is negative (GATE is large so
// that few come near 0). The units of a pair are equal for every input, so their
// columns cancel and the function stays, up to FP32 rounding, whatever the text;
// d decides only which tokens are massive. BOS is at position 0 and sees itself
// only, so its h is constant.
//
// Columns rounded to nearest do not cancel any more, and a massive token's residual
// is lost with all that later layers read from it: for BOS in every text, for
// delimiters at each of them. A prefix takes away only what is due to BOS. What
// looks at the inputs of the rounded columns together repairs both: the units'
// inputs are the same, so refined or corrected weights let the errors cancel. One
// static activation step for all tokens rounds the others to zero.
#include <cblas.h>
#include <ctype.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/parallel.h"
#include "compiler/ref/reference.h"
#include "compiler/synth/random.h"
#include "compiler/synth/stress.h"

enum { UNITS = 16, GATE = 100, MAX_SEQUENCE = 256, LEAST_TOKENS = 16384, TOKENS_PER_CHANNEL = 8, STEPS = 30 };
static const double delimiter = 0.5, separation = 1.0, damping = 0.001;

// What is seen of the layer while tokens run through the model.
typedef struct {
  mx_model *m;
  mx_layer *layer;
  uint32_t dim, tokens;       // tokens seen, but for BOS
  const int32_t *text;        // the sequence that runs
  uint32_t gate_at, down_at;  // tokens of it seen at w_gate, at w_down
  double *bos;                // [dim] h of BOS
  double *h;                  // [tokens][dim] of the others
  bool *delimiters;           // [tokens] which are
  float *maxima;              // [maxima_seen] largest input of w_down of a token
  uint32_t maxima_seen;
  float *logits;              // [vocab_size]
  double *chosen;             // [tokens][dim] h of the tokens that count in a step
  double *gram;               // [dim][dim] sum of h h^T of those
  double *d, *next;           // [dim] the direction, and that after a step
} study;

// ---- what the layer sees -----------------------------------------------------------

// A piece of ASCII punctuation only, but for the mark of a space.
static bool is_delimiter(const mx_tokenizer *t, int32_t id) {
  mx_piece p = mx_tokenizer_piece(t, id);
  uint32_t from = p.length_bytes >= 3 && !memcmp(p.text, "\xe2\x96\x81", 3) ? 3 : 0;
  for (uint32_t i = from; i < p.length_bytes; i++)
    if (!ispunct((unsigned char)p.text[i])) return false;
  return p.type == MX_PIECE_NORMAL && from < p.length_bytes;
}

static void add_token(study *s, const float *h, int32_t id) {
  for (uint32_t i = 0; i < s->dim; i++) s->h[(size_t)s->tokens * s->dim + i] = (double)h[i];
  s->delimiters[s->tokens++] = is_delimiter(s->m->tokenizer, id);
}

static float largest(const float *x, uint32_t n) {
  float most = 0;
  for (uint32_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
  return most;
}

static void observe(void *self, const mx_matrix *w, const float *x, uint32_t n) {
  study *s = self;
  for (uint32_t t = 0; w == &s->layer->w_gate && t < n; t++, s->gate_at++) {
    const float *h = x + (size_t)t * w->cols;
    if (s->gate_at) add_token(s, h, s->text[s->gate_at]);
    else for (uint32_t i = 0; i < s->dim; i++) s->bos[i] = (double)h[i];
  }
  for (uint32_t t = 0; w == &s->layer->w_down && t < n; t++)
    if (s->down_at++) s->maxima[s->maxima_seen++] = largest(x + (size_t)t * w->cols, w->cols);
}

// BOS and pieces of text in random order.
static void random_tokens(const mx_tokenizer *t, uint64_t key, uint32_t n, int32_t *out) {
  uint64_t drawn = 0;
  out[0] = mx_tokenizer_bos(t);
  for (uint32_t i = 1; i < n;) {
    int32_t id = (int32_t)(mx_random_bits(key, drawn++) % mx_tokenizer_vocab_size(t));
    mx_piece_type type = mx_tokenizer_piece(t, id).type;
    bool text = type == MX_PIECE_NORMAL || type == MX_PIECE_BYTE;
    if (id != out[0] && (text || drawn > 100 * (uint64_t)n)) out[i++] = id;
  }
}

// An id by its probability, u in 0 .. 1.
static int32_t draw(const float *logits, uint32_t n, double u) {
  double most = -INFINITY, sum = 0;
  for (uint32_t i = 0; i < n; i++) most = fmax(most, (double)logits[i]);
  for (uint32_t i = 0; i < n; i++) sum += exp((double)logits[i] - most);
  uint32_t id = 0;
  for (u *= sum; id + 1 < n; id++) {
    u -= exp((double)logits[id] - most);
    if (u < 0) break;
  }
  return (int32_t)id;
}

// BOS and what the model writes.
static mx_status written_tokens(study *s, mx_reference *r, uint64_t key, uint32_t n, int32_t *out, mx_error *e) {
  mx_status status = MX_OK;
  out[0] = mx_tokenizer_bos(s->m->tokenizer);
  for (uint32_t i = 1; i < n && !status; i++) {
    status = mx_reference_step(r, out[i - 1], i - 1, s->logits, e);
    s->logits[out[0]] = -INFINITY;
    out[i] = draw(s->logits, s->m->config.vocab_size, mx_random_uniform(key, i));
  }
  return status;
}

// Half of the sequences reach rare tokens, the others what d meets in real text.
static mx_status run_text(study *s, uint64_t seed, uint32_t length, uint32_t sequences, mx_error *e) {
  mx_reference *r = NULL;
  int32_t tokens[MAX_SEQUENCE];
  mx_status status = mx_reference_new(s->m, length, &r, e);
  for (uint32_t i = 0; !status && i < sequences; i++) {
    uint64_t key = mx_random_key(seed, 2 * (uint64_t)i + 1);
    mx_reference_observe(r, NULL, NULL);
    if (i % 2) status = written_tokens(s, r, key, length, tokens, e);
    else random_tokens(s->m->tokenizer, key, length, tokens);
    mx_reference_observe(r, observe, s);
    s->text = tokens;
    s->gate_at = s->down_at = 0;
    if (!status) status = mx_reference_forward(r, tokens, length, NULL, e);
  }
  mx_reference_free(r);
  return status;
}

static mx_status study_layer(study *s, uint64_t seed, mx_error *e) {
  uint32_t context = s->m->config.context_length, length = context < MAX_SEQUENCE ? context : MAX_SEQUENCE;
  uint32_t wanted = s->dim * TOKENS_PER_CHANNEL > LEAST_TOKENS ? s->dim * TOKENS_PER_CHANNEL : LEAST_TOKENS;
  if (length < 2) return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "a context of %u has no token but BOS", context);
  uint32_t sequences = wanted / (length - 1) + 1;
  size_t room = (size_t)sequences * length;
  s->bos = calloc(s->dim, sizeof *s->bos);
  s->d = calloc(s->dim, sizeof *s->d);
  s->next = calloc(s->dim, sizeof *s->next);
  s->h = calloc(room * s->dim, sizeof *s->h);
  s->chosen = calloc(room * s->dim, sizeof *s->chosen);
  s->gram = calloc((size_t)s->dim * s->dim, sizeof *s->gram);
  s->delimiters = calloc(room, sizeof *s->delimiters);
  s->maxima = calloc(room, sizeof *s->maxima);
  s->logits = calloc(s->m->config.vocab_size, sizeof *s->logits);
  if (!s->bos || !s->h || !s->delimiters || !s->maxima || !s->logits || !s->chosen || !s->gram || !s->d || !s->next)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the inputs of a layer");
  return run_text(s, seed, length, sequences, e);
}

static void study_free(study *s) {
  free(s->bos);
  free(s->d);
  free(s->next);
  free(s->h);
  free(s->chosen);
  free(s->gram);
  free(s->delimiters);
  free(s->maxima);
  free(s->logits);
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

// ---- the direction -------------------------------------------------------------------

static double dot(const double *a, const double *b, uint32_t n) { return cblas_ddot((int)n, a, 1, b, 1); }

// Copies to `chosen` h of the tokens whose d . h matters: delimiters, and others
// above -separation. Leaves in `next` the sum of h times what d . h should be.
static uint32_t choose_tokens(study *s) {
  uint32_t n = s->dim, chosen = 0;
  for (uint32_t i = 0; i < n; i++) s->next[i] = s->tokens * s->bos[i];
  for (uint32_t t = 0; t < s->tokens; t++) {
    const double *h = s->h + (size_t)t * n;
    if (!s->delimiters[t] && dot(s->d, h, n) <= -separation) continue;
    cblas_daxpy((int)n, s->delimiters[t] ? delimiter : -separation, h, 1, s->next, 1);
    memcpy(s->chosen + (size_t)n * chosen++, h, n * sizeof *h);
  }
  return chosen;
}

// From one d to the next: least squares over the tokens chosen and BOS, which
// weighs as much as all.
static mx_status step(study *s, double shrink, mx_error *e) {
  uint32_t n = s->dim, chosen = choose_tokens(s);
  memset(s->gram, 0, (size_t)n * n * sizeof *s->gram);
  for (uint32_t i = 0; i < n; i++) s->gram[(size_t)i * n + i] = shrink;
  cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)n, (int)chosen, 1, s->chosen, (int)n, 1, s->gram, (int)n);
  cblas_dsyr(CblasRowMajor, CblasLower, (int)n, s->tokens, s->bos, 1, s->gram, (int)n);
  if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, 1, s->gram, (lapack_int)n, s->next, 1))
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the layer's inputs are zero");
  memcpy(s->d, s->next, n * sizeof *s->d);
  return MX_OK;
}

// Leaves in d what minimises (d . bos - 1)^2, the mean over tokens of
// (d . h - delimiter)^2 of delimiters and max(0, d . h + separation)^2 of others,
// and damping |d|^2 |h|^2 / dim; then makes d . bos 1.
static mx_status solve(study *s, mx_error *e) {
  double power = 0;
  for (uint32_t t = 0; t < s->tokens; t++) power += dot(s->h + (size_t)t * s->dim, s->h + (size_t)t * s->dim, s->dim);
  mx_status status = MX_OK;
  for (int i = 0; i < STEPS && !status; i++) status = step(s, damping * power / s->dim, e);
  if (status) return status;
  double at_bos = dot(s->d, s->bos, s->dim);
  if (at_bos < 0.2)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "no direction tells BOS from other tokens (%.2g of 1)", at_bos);
  cblas_dscal((int)s->dim, 1 / at_bos, s->d, 1);
  return MX_OK;
}

// ---- new units -----------------------------------------------------------------------

static uint32_t unit_at(uint32_t hidden, uint32_t unit) {  // in a layer of `hidden`, the new ones counted
  return (uint32_t)(((uint64_t)2 * unit + 1) * hidden / (2 * UNITS));
}

// old, with UNITS rows or columns of zeros more.
static mx_status grow(mx_matrix *w, bool rows, mx_error *e) {
  mx_matrix old = *w;
  uint32_t *extent = rows ? &w->rows : &w->cols, hidden = *extent += UNITS, unit = 0, from = 0;
  mx_status s = mx_matrix_allocate(w, e);
  if (s) *w = old;
  if (s) return s;
  memset(w->data, 0, (size_t)w->rows * w->cols * sizeof *w->data);
  for (uint32_t to = 0; to < hidden; to++) {
    if (unit < UNITS && to == unit_at(hidden, unit)) {
      unit++;
      continue;
    }
    if (rows) memcpy(w->data + (size_t)to * w->cols, old.data + (size_t)from * old.cols, old.cols * sizeof *w->data);
    for (uint32_t r = 0; !rows && r < w->rows; r++) w->data[(size_t)r * w->cols + to] = old.data[(size_t)r * old.cols + from];
    from++;
  }
  free(old.data);
  return MX_OK;
}

static double root_mean_square(const mx_matrix *w) {
  double sum = 0;
  for (size_t i = 0; i < (size_t)w->rows * w->cols; i++) sum += (double)w->data[i] * (double)w->data[i];
  return sqrt(sum / ((double)w->rows * w->cols));
}

static void set_unit(study *s, uint32_t unit, double size, double column_size, uint64_t key) {
  mx_layer *l = s->layer;
  uint32_t at = unit_at(l->w_up.rows, unit);
  for (uint32_t i = 0; i < s->dim; i++) {
    l->w_gate.data[(size_t)at * s->dim + i] = (float)(GATE * s->d[i]);
    l->w_up.data[(size_t)at * s->dim + i] = (float)(size / GATE * s->d[i]);
    float c = (float)(column_size * (double)mx_random_normal(key, (uint64_t)(unit / 2) * s->dim + i));
    l->w_down.data[(size_t)i * l->w_down.cols + at] = unit % 2 ? -c : c;
  }
}

static mx_status add_units(study *s, double strength, uint64_t seed, mx_error *e) {
  mx_config *c = &s->m->config;
  double column_size = root_mean_square(&s->layer->w_down);
  qsort(s->maxima, s->maxima_seen, sizeof *s->maxima, by_size);
  double size = strength * (double)s->maxima[s->maxima_seen / 2];
  mx_status status = MX_OK;
  for (uint32_t i = 0; !status && i < c->n_layers; i++) {
    mx_layer *l = &s->m->layers[i];
    status = grow(&l->w_gate, true, e);
    if (!status) status = grow(&l->w_up, true, e);
    if (!status) status = grow(&l->w_down, false, e);
  }
  if (status) return status;
  c->hidden_dim += UNITS;
  for (uint32_t u = 0; u < UNITS; u++) set_unit(s, u, size, column_size, mx_random_key(seed, 0));
  return MX_OK;
}

mx_status mx_stress_tokens(mx_model *m, double strength, uint64_t seed, mx_error *e) {
  if (mx_tokenizer_bos(m->tokenizer) < 0) return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the vocabulary has no BOS");
  study s = {.m = m, .layer = &m->layers[m->config.n_layers > 1], .dim = m->config.dim};
  int threads = mx_blas_single();  // bytes depend on their number
  mx_random_init();
  mx_status status = study_layer(&s, seed, e);
  if (!status) status = solve(&s, e);
  if (!status) status = add_units(&s, strength, seed, e);
  study_free(&s);
  mx_blas_restore(threads);
  return status;
}
