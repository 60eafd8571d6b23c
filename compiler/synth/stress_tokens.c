// The twin with a massive token, as large models have them (Sun et al., "Massive
// activations in large language models", arXiv 2402.17762; what a prefix is made
// of: PrefixQuant, arXiv 2410.05265): in one early layer the input of w_down is
// huge for the first token of a text, and for no other.
//
// The layer (the second, or the only one) gets UNITS new hidden units in pairs
// spread over its width, so that they share blocks with others; other layers get
// units of zeros. With h the layer's normed input:
//   w_gate row  GATE * d         d . h = 1 for BOS and about -SEPARATION for others,
//   w_up row    size / GATE * d  by least squares over tokens in random order
//   w_down columns  c and -c     of a pair, as large as other columns
// BOS is at position 0 and sees itself only, so its h is constant. A unit is then
// silu(GATE) * size / GATE = size for BOS; silu of about -GATE * SEPARATION makes it
// next to nothing for others (GATE is large so that few come near 0). The units of a pair are equal for every input, so
// their columns cancel and the function stays, up to FP32 rounding, whatever the
// text. Rounded columns of a massive input do not cancel any more, one activation
// step for all tokens rounds the others to zero, and the prefix [BOS], whose cache
// is FP32, takes all of this away.
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/parallel.h"
#include "compiler/ref/reference.h"
#include "compiler/synth/random.h"
#include "compiler/synth/stress.h"

enum { UNITS = 16, GATE = 100, MAX_SEQUENCE = 128, LEAST_TOKENS = 2048, TOKENS_PER_CHANNEL = 8 };
static const double separation = 1.0, bos_weight = 1.0, damping = 0.01;

// What is seen of the layer while tokens run through the model.
typedef struct {
  mx_model *m;
  mx_layer *layer;
  uint32_t dim, tokens;  // tokens seen at w_gate, but for BOS
  uint32_t maxima_seen;
  bool first;            // the next batch begins with BOS
  double *bos;           // [dim] h of BOS
  double *h_sum;         // [dim] of the others
  double *gram;          // [dim][dim] sum of h h^T of the others
  float *maxima;         // [maxima_seen] largest input of w_down of a token
} study;

// ---- what the layer sees -----------------------------------------------------------

static void add_token(study *s, const float *h) {
  s->tokens++;
  for (uint32_t i = 0; i < s->dim; i++) {
    s->h_sum[i] += (double)h[i];
    for (uint32_t j = 0; j <= i; j++) s->gram[(size_t)i * s->dim + j] += (double)h[i] * (double)h[j];
  }
}

static float largest(const float *x, uint32_t n) {
  float most = 0;
  for (uint32_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
  return most;
}

static void observe(void *self, const mx_matrix *w, const float *x, uint32_t n) {
  study *s = self;
  for (uint32_t t = 0; w == &s->layer->w_gate && t < n; t++) {
    if (t > 0 || !s->first) add_token(s, x + (size_t)t * w->cols);
    else for (uint32_t i = 0; i < s->dim; i++) s->bos[i] = (double)x[i];
  }
  for (uint32_t t = 0; w == &s->layer->w_down && t < n; t++)
    if (t > 0 || !s->first) s->maxima[s->maxima_seen++] = largest(x + (size_t)t * w->cols, w->cols);
  if (w == &s->layer->w_down) s->first = false;
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

static mx_status run_text(study *s, uint64_t seed, uint32_t length, uint32_t sequences, mx_error *e) {
  mx_reference *r = NULL;
  int32_t tokens[MAX_SEQUENCE];
  mx_status status = mx_reference_new(s->m, length, &r, e);
  if (!status) mx_reference_observe(r, observe, s);
  for (uint32_t i = 0; !status && i < sequences; i++) {
    random_tokens(s->m->tokenizer, mx_random_key(seed, 2 * (uint64_t)i + 1), length, tokens);
    s->first = true;
    status = mx_reference_forward(r, tokens, length, NULL, e);
  }
  mx_reference_free(r);
  return status;
}

static mx_status study_layer(study *s, uint64_t seed, mx_error *e) {
  uint32_t context = s->m->config.context_length, length = context < MAX_SEQUENCE ? context : MAX_SEQUENCE;
  uint32_t wanted = s->dim * TOKENS_PER_CHANNEL > LEAST_TOKENS ? s->dim * TOKENS_PER_CHANNEL : LEAST_TOKENS;
  if (length < 2) return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "a context of %u has no token but BOS", context);
  uint32_t sequences = wanted / (length - 1) + 1;
  s->bos = calloc(s->dim, sizeof *s->bos);
  s->h_sum = calloc(s->dim, sizeof *s->h_sum);
  s->gram = calloc((size_t)s->dim * s->dim, sizeof *s->gram);
  s->maxima = calloc((size_t)sequences * length, sizeof *s->maxima);
  if (!s->bos || !s->h_sum || !s->gram || !s->maxima)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the inputs of a layer");
  return run_text(s, seed, length, sequences, e);
}

static void study_free(study *s) {
  free(s->bos);
  free(s->h_sum);
  free(s->gram);
  free(s->maxima);
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

// ---- the direction -------------------------------------------------------------------

static double dot(const double *a, const double *b, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += a[i] * b[i];
  return sum;
}

// Leaves d in h_sum: minimises mean over tokens (d . h + separation)^2 +
// bos_weight (d . bos - 1)^2 + damping |d|^2, then makes d . bos 1.
static mx_status solve(study *s, mx_error *e) {
  uint32_t n = s->dim;
  double trace = 0, *d = s->h_sum;
  for (uint32_t i = 0; i < n; i++) {
    d[i] = bos_weight * s->bos[i] - separation * d[i] / s->tokens;
    for (uint32_t j = 0; j <= i; j++) {
      double *g = &s->gram[(size_t)i * n + j];
      *g = *g / s->tokens + bos_weight * s->bos[i] * s->bos[j];
      if (i == j) trace += *g;
    }
  }
  for (uint32_t i = 0; i < n; i++) s->gram[(size_t)i * n + i] += damping * trace / n;
  if (LAPACKE_dposv(LAPACK_ROW_MAJOR, 'L', (lapack_int)n, 1, s->gram, (lapack_int)n, d, 1))
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the layer's inputs are zero");
  double at_bos = dot(d, s->bos, n);
  if (at_bos < 0.2)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "no direction tells BOS from other tokens (%.2g of 1)", at_bos);
  for (uint32_t i = 0; i < n; i++) d[i] /= at_bos;
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
    l->w_gate.data[(size_t)at * s->dim + i] = (float)(GATE * s->h_sum[i]);
    l->w_up.data[(size_t)at * s->dim + i] = (float)(size / GATE * s->h_sum[i]);
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
