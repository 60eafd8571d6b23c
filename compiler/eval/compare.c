#include "compiler/eval/compare.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"
#include "compiler/quant/basis.h"
#include "compiler/ref/reference.h"

enum { CHUNK = 32 };  // tokens that the reference runs ahead

// Rows of measures after the scores; then signal and noise of each layer.
enum { ROW_NLL, ROW_REFERENCE_NLL, ROW_KL, ROW_AGREES, ROW_LAYERS };

struct mx_compare {
  const mx_image *image;
  const mx_model *model;
  uint32_t context, dim, n_layers, residual;  // residual: VMEM word
  mx_basis basis;
  uint32_t *pcs;         // [n_layers]: first instruction after the layer
  uint64_t tokens;       // received
  double reference_nll, kl, agreeing, *signal, *noise;  // sums; [n_layers]
  mx_comparison result;
};

struct mx_compare_scorer {
  const mx_compare *c;
  mx_reference *reference;
  mx_golden_scorer *golden;
  float *logits;         // [CHUNK][vocab_size] of the reference
  float *x;              // [n_layers][CHUNK][dim], of the reference in the image's basis
  uint32_t at;           // token of the chunk that the image runs
  double *rows;          // of the sequence, from that token on
  uint32_t stride;       // from row to row
};

// ---- what the image says ------------------------------------------------------------

static mx_status lacks(const char *what, mx_error *e) {
  return mx_fail(e, MX_FORMAT, MX_NOWHERE, "the image does not say %s: compile it again", what);
}

// 0 to 2^16, or -1 if the description has no such number.
static int32_t number(const json_t *info, const char *key) {
  const json_t *value = json_object_get(info, key);
  json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
  return n >= 0 && n <= 65536 ? (int32_t)n : -1;
}

static mx_status read_info(mx_compare *c, mx_error *e) {
  json_t *info = json_loads(c->image->info, 0, NULL);
  int32_t word = number(info, "residual_word"), dim = number(info, "dim"), layers = number(info, "n_layers");
  json_decref(info);
  if (word < 0 || dim <= 0 || layers <= 0 || (uint32_t)(word + dim) > c->image->params->VMEM_WORDS)
    return lacks("where its residual stream is", e);
  c->residual = (uint32_t)word;
  c->dim = (uint32_t)dim;
  c->n_layers = (uint32_t)layers;
  return MX_OK;
}

// The instruction after the last one of "layer N ffn_residual".
static mx_status find_layer_ends(mx_compare *c, mx_error *e) {
  for (uint32_t layer = 0; layer < c->n_layers; layer++) {
    char text[sizeof c->image->notes->text];
    uint32_t i = c->image->n_notes;
    snprintf(text, sizeof text, "layer %u ffn_residual", layer);
    while (i > 0 && strcmp(c->image->notes[i - 1].text, text)) i--;
    if (i == 0 || i == c->image->n_notes) return lacks("where a layer ends", e);
    c->pcs[layer] = c->image->notes[i].addr;
    if (layer && c->pcs[layer] <= c->pcs[layer - 1]) return lacks("where layers end, in their order", e);
  }
  return MX_OK;
}

static mx_status check_shapes(const mx_compare *c, mx_error *e) {
  const mx_config *m = &c->model->config;
  if (m->vocab_size == c->image->vocab_size && m->dim == c->dim && m->n_layers == c->n_layers) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE,
                 "the reference has %u tokens, %u channels and %u layers, the image %u, %u and %u: not the same model",
                 m->vocab_size, m->dim, m->n_layers, c->image->vocab_size, c->dim, c->n_layers);
}

static mx_status read_image(mx_compare *c, mx_error *e) {
  mx_status s = read_info(c, e);
  if (!s) s = check_shapes(c, e);
  if (!s) s = find_layer_ends(c, e);
  if (!s && c->image->basis) s = mx_basis_read(c->image->basis, c->image->basis_bytes, c->dim, &c->basis, e);
  return s;
}

// ---- construction -------------------------------------------------------------------

mx_status mx_compare_new(const mx_image *image, const mx_model *model, uint32_t context, mx_compare **out, mx_error *e) {
  mx_compare *c = *out = calloc(1, sizeof *c);
  uint32_t n = model->config.n_layers;
  if (c) {
    *c = (mx_compare){.image = image, .model = model, .context = context};
    c->pcs = calloc(n, sizeof *c->pcs);
    c->signal = calloc(n, sizeof *c->signal);
    c->noise = calloc(n, sizeof *c->noise);
    c->result.snr_db = calloc(n, sizeof *c->result.snr_db);
  }
  mx_status s = MX_OK;
  if (!c || !c->pcs || !c->signal || !c->noise || !c->result.snr_db)
    s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a comparison of %u layers", n);
  if (!s) s = read_image(c, e);
  if (!s) return MX_OK;
  mx_compare_free(c);
  *out = NULL;
  return s;
}

void mx_compare_free(mx_compare *c) {
  if (!c) return;
  free(c->basis.order);
  free(c->pcs);
  free(c->signal);
  free(c->noise);
  free(c->result.snr_db);
  free(c);
}

// ---- the residual stream --------------------------------------------------------------

static float *residual_of(const mx_compare_scorer *s, uint32_t layer, uint32_t t) {
  return s->x + ((size_t)layer * CHUNK + t) * s->c->dim;
}

static void keep_residual(void *self, uint32_t layer, const float *x, uint32_t n, uint32_t pos) {
  mx_compare_scorer *s = self;
  (void)pos;
  for (uint32_t t = 0; t < n; t++) mx_basis_apply(&s->c->basis, s->c->dim, x + (size_t)t * s->c->dim, residual_of(s, layer, t));
}

static void look(void *self, uint32_t layer) {
  const mx_compare_scorer *s = self;
  const uint32_t *word = mx_golden_scorer_machine(s->golden)->vec.vmem + s->c->residual;
  const float *x = residual_of(s, layer, s->at);
  double signal = 0, noise = 0;
  for (uint32_t i = 0; i < s->c->dim; i++) {
    double difference = (double)x[i] - (double)mx_float_of_bits(word[i]);
    signal += (double)x[i] * x[i];
    noise += difference * difference;
  }
  s->rows[(size_t)(ROW_LAYERS + 2 * layer) * s->stride] = signal;
  s->rows[(size_t)(ROW_LAYERS + 2 * layer + 1) * s->stride] = noise;
}

// ---- scorers --------------------------------------------------------------------------

mx_status mx_compare_scorer_new(const mx_compare *c, mx_compare_scorer **out, mx_error *e) {
  mx_compare_scorer *s = *out = calloc(1, sizeof *s);
  mx_status status = MX_OK;
  if (s) {
    s->c = c;
    s->logits = calloc((size_t)CHUNK * c->image->vocab_size, sizeof *s->logits);
    s->x = calloc((size_t)c->n_layers * CHUNK * c->dim, sizeof *s->x);
  }
  if (!s || !s->logits || !s->x) status = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a comparison");
  if (!status) status = mx_reference_new(c->model, c->context, &s->reference, e);
  if (!status) status = mx_golden_scorer_new(c->image, &s->golden, e);
  if (!status) {
    mx_reference_tap_layers(s->reference, keep_residual, s);
    mx_golden_scorer_machine(s->golden)->probe = (mx_probe){c->pcs, c->n_layers, look, s};
    return MX_OK;
  }
  mx_compare_scorer_free(s);
  *out = NULL;
  return status;
}

void mx_compare_scorer_free(mx_compare_scorer *s) {
  if (!s) return;
  mx_reference_free(s->reference);
  mx_golden_scorer_free(s->golden);
  free(s->logits);
  free(s->x);
  free(s);
}

static uint32_t greatest(const float *logits, uint32_t n) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}

// Rows of one token: p, q [n] logits of the reference and of the image.
static void measure(const mx_compare_scorer *s, const float *p, const float *q, uint32_t n, int32_t target) {
  double p_nll = mx_nll_of_logits(p, n, target), q_nll = mx_nll_of_logits(q, n, target), kl = 0;
  // ln p(i) = p[i] - p[target] - p_nll, and so for q.
  double p_shift = p[target] + p_nll, q_shift = q[target] + q_nll;
  for (uint32_t i = 0; i < n; i++) {
    double ln_p = p[i] - p_shift;
    kl += exp(ln_p) * (ln_p - (q[i] - q_shift));
  }
  s->rows[(size_t)ROW_NLL * s->stride] = q_nll;
  s->rows[(size_t)ROW_REFERENCE_NLL * s->stride] = p_nll;
  s->rows[(size_t)ROW_KL * s->stride] = kl > 0 ? kl : 0;  // below only by rounding
  s->rows[(size_t)ROW_AGREES * s->stride] = greatest(p, n) == greatest(q, n);
}

mx_status mx_compare_score(void *self, const int32_t *tokens, uint32_t n, double *rows, mx_error *e) {
  mx_compare_scorer *s = self;
  uint32_t vocab = s->c->image->vocab_size;
  mx_status status = MX_OK;
  s->stride = n - 1;
  for (uint32_t i = 0; i + 1 < n && !status; i++) {
    uint32_t ahead = n - 1 - i < CHUNK ? n - 1 - i : CHUNK;
    const float *q;
    s->at = i % CHUNK;
    s->rows = rows + i;
    if (s->at == 0) status = mx_reference_extend(s->reference, tokens + i, ahead, i, s->logits, e);
    if (!status) status = mx_golden_scorer_step(s->golden, tokens[i], i, &q, e);
    if (!status) measure(s, s->logits + (size_t)s->at * vocab, q, vocab, tokens[i + 1]);
  }
  return status;
}

// ---- sums -----------------------------------------------------------------------------

uint32_t mx_compare_measures(const mx_compare *c) { return ROW_LAYERS - 1 + 2 * c->n_layers; }

void mx_compare_receive(void *self, const double *rows, uint32_t n) {
  mx_compare *c = self;
  for (uint32_t i = 0; i < n; i++) {
    double kl = rows[(size_t)ROW_KL * n + i];
    c->reference_nll += rows[(size_t)ROW_REFERENCE_NLL * n + i];
    c->kl += kl;
    c->agreeing += rows[(size_t)ROW_AGREES * n + i];
    if (kl > c->result.worst_kl) {
      c->result.worst_kl = kl;
      c->result.worst_token = c->tokens + i;
    }
    for (uint32_t layer = 0; layer < c->n_layers; layer++) {
      c->signal[layer] += rows[(size_t)(ROW_LAYERS + 2 * layer) * n + i];
      c->noise[layer] += rows[(size_t)(ROW_LAYERS + 2 * layer + 1) * n + i];
    }
  }
  c->tokens += n;
}

const mx_comparison *mx_compare_result(mx_compare *c) {
  mx_comparison *r = &c->result;
  double sum = 0;
  r->reference_nll = c->reference_nll / (double)c->tokens;
  r->mean_kl = c->kl / (double)c->tokens;
  r->agreement = c->agreeing / (double)c->tokens;
  r->n_layers = c->n_layers;
  for (uint32_t i = 0; i < c->n_layers; i++) {
    r->snr_db[i] = c->noise[i] > 0 ? 10 * log10(c->signal[i] / c->noise[i]) : INFINITY;
    sum += r->snr_db[i];
    if (r->snr_db[i] < r->snr_db[r->worst_layer]) r->worst_layer = i;
  }
  r->mean_snr_db = sum / c->n_layers;
  return r;
}
