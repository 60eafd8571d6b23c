#include "compiler/quant/sensitivity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/blas.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/round.h"
#include "compiler/quant/side.h"

enum { CHUNK = 64 };  // tokens, or rows, of a task

// The places of mx_qlayer_matrix.
enum { WQ, WK, WV, WO, W_GATE, W_UP, W_DOWN };

typedef struct {
  const mx_source *source;
  unsigned threads;
  mx_calibration text;
  mx_trial *trials;
  uint32_t n;
  mx_matrix norm, output;
  mx_forward original;   // at the entry of the layer at hand
  mx_error *e;
} run;

static mx_status start(run *r, const mx_calibration *c) {
  mx_status s = mx_calibration_sample(c, MX_SENSITIVITY_TOKENS, &r->text, r->e);
  if (!s) s = mx_forward_new(r->source, &r->text, r->threads, &r->original, r->e);
  return s ? s : mx_source_head(r->source, &r->norm, &r->output, r->e);
}

static void finish(run *r) {
  mx_forward_free(&r->original);
  mx_calibration_free(&r->text);
  free(r->norm.data);
  free(r->output.data);
}

static uint32_t n_layers(const run *r) { return mx_source_config(r->source)->n_layers; }

// `to` becomes w rounded to the trial's format; the caller frees to->data.
static mx_status round_trial(const run *r, const mx_trial *t, const mx_matrix *w, mx_matrix *to) {
  const mx_methods nearest = {.rtn = true};
  mx_qmatrix q = {0};
  *to = (mx_matrix){.rows = w->rows, .cols = w->cols};
  mx_status s = mx_matrix_allocate(to, r->e);
  if (!s) s = mx_round_matrix(w, &t->format, &nearest, false, NULL, r->threads, "trial", &q, r->e);
  for (uint32_t row = 0; row < w->rows && !s; row++) mx_qmatrix_row(&q, row, to->data + (size_t)row * to->cols);
  mx_qmatrix_free(&q);
  return s;
}

static mx_status keep_loss(const run *r, mx_trial *t, double loss) {
  t->loss = loss > 0 ? loss : 0;
  if (isfinite(loss)) return MX_OK;
  return mx_fail(r->e, MX_FORMAT, MX_NOWHERE, "the activations of the calibration text are not finite");
}

// ---- measured --------------------------------------------------------------------

typedef struct {
  run r;
  mx_forward trial;
  float *known;      // [tokens][vocab] log probabilities of the FP32 model
  float *logits;     // [threads][CHUNK][vocab]
  float *input;      // [tokens][widest input], rounded
  double *losses;    // [tokens]
} measurement;

typedef struct {
  const measurement *m;
  const float *h;           // [tokens][dim]
  const mx_matrix *output;
  bool first;               // fills m->known
} head_task;

static void log_softmax(float *x, uint32_t n) {
  float largest = x[0];
  double sum = 0;
  for (uint32_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  for (uint32_t i = 0; i < n; i++) sum += (double)expf(x[i] - largest);
  float shift = largest + (float)log(sum);
  for (uint32_t i = 0; i < n; i++) x[i] -= shift;
}

static double divergence(const float *p, const float *q, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += (double)(expf(p[i]) * (p[i] - q[i]));
  return sum;
}

static void score_chunk(void *self, uint32_t i, unsigned worker) {
  const head_task *t = self;
  const measurement *m = t->m;
  uint32_t from = i * CHUNK, tokens = m->r.text.n_tokens, n = tokens - from < CHUNK ? tokens - from : CHUNK;
  uint32_t vocab = t->output->rows, dim = t->output->cols;
  float *logits = t->first ? m->known + (size_t)from * vocab : m->logits + (size_t)worker * CHUNK * vocab;
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)n, (int)vocab, (int)dim, 1, t->h + (size_t)from * dim,
           (int)dim, t->output->data, (int)dim, 0, logits, (int)vocab);
  for (uint32_t k = 0; k < n; k++) {
    log_softmax(logits + (size_t)k * vocab, vocab);
    m->losses[from + k] = divergence(m->known + (size_t)(from + k) * vocab, logits + (size_t)k * vocab, vocab);
  }
}

static void score(const measurement *m, const float *h, const mx_matrix *output, bool first) {
  head_task t = {m, h, output, first};
  mx_parallel(mx_chunks(m->r.text.n_tokens, CHUNK), m->r.threads, score_chunk, &t);
}

static double mean_loss(const measurement *m) {
  double sum = 0;
  uint32_t n = 0;
  for (uint32_t t = 0; t < m->r.text.n_tokens; t++) {
    if (m->trial.weight && !(m->trial.weight[t] > 0)) continue;
    sum += m->losses[t];
    n++;
  }
  return n ? sum / n : 0;
}

// The input x [tokens][cols] as the trial rounds it, in m->input.
static float *rounded_input(measurement *m, const mx_trial *t, mx_input input, const float *x, uint32_t cols) {
  mx_forward *f = &m->trial;
  memcpy(m->input, x, (size_t)m->r.text.n_tokens * cols * sizeof *x);
  f->quantized = true;
  f->inputs[input] = t->format;
  mx_forward_round(f, m->input, cols, input);
  f->quantized = false;
  return m->input;
}

static mx_input input_of(unsigned index) {
  return index <= WV ? MX_INPUT_ATTN : index == WO ? MX_INPUT_WO : index <= W_UP ? MX_INPUT_FFN : MX_INPUT_DOWN;
}

// A layer in which `rounded` stands for the trial's matrix.
typedef struct {
  measurement *m;
  mx_layer *layer;
  const mx_trial *trial;
  const mx_matrix *rounded;
} trial_layer;

static void multiply(const trial_layer *t, unsigned index, const float *in, float *out) {
  const mx_matrix *w = mx_layer_matrix(t->layer, index);
  bool here = t->trial->index == index;
  if (here) in = rounded_input(t->m, t->trial, input_of(index), in, w->cols);
  mx_forward_multiply(&t->m->trial, here ? t->rounded : w, in, out);
}

static void run_layer(const trial_layer *t) {
  mx_forward *f = &t->m->trial;
  mx_forward_norm(f, &t->layer->attn_norm, MX_INPUT_ATTN);
  multiply(t, WQ, f->h, f->q);
  multiply(t, WK, f->h, f->k);
  multiply(t, WV, f->h, f->v);
  mx_forward_attend(f, t->layer);
  multiply(t, WO, f->mix, f->y);
  mx_forward_add(f);
  mx_forward_norm(f, &t->layer->ffn_norm, MX_INPUT_FFN);
  multiply(t, W_GATE, f->h, f->gate);
  multiply(t, W_UP, f->h, f->up);
  mx_forward_gate(f);
  multiply(t, W_DOWN, f->gate, f->y);
  mx_forward_add(f);
}

static mx_status run_layers(const run *r, mx_forward *f, uint32_t from) {
  mx_status s = MX_OK;
  for (uint32_t i = from; i < n_layers(r) && !s; i++) {
    mx_layer l;
    s = mx_source_layer(r->source, i, &l, r->e);
    if (!s) mx_forward_layer(f, &l, NULL, NULL);
    mx_layer_free(&l);
  }
  return s;
}

static void enter(measurement *m) {
  memcpy(m->trial.x, m->r.original.x, (size_t)m->r.text.n_tokens * m->r.norm.cols * sizeof(float));
}

static mx_status measure_layer_trial(measurement *m, mx_layer *l, mx_trial *t) {
  mx_matrix rounded;
  trial_layer with = {m, l, t, &rounded};
  mx_status s = round_trial(&m->r, t, mx_layer_matrix(l, t->index), &rounded);
  if (!s) {
    enter(m);
    run_layer(&with);
    s = run_layers(&m->r, &m->trial, t->layer + 1);
  }
  if (!s) {
    mx_forward_norm(&m->trial, &m->r.norm, MX_INPUT_HEAD);
    score(m, m->trial.h, &m->r.output, false);
    s = keep_loss(&m->r, t, mean_loss(m));
  }
  free(rounded.data);
  return s;
}

static mx_status measure_layer(measurement *m, uint32_t layer) {
  run *r = &m->r;
  mx_layer l;
  mx_status s = mx_source_layer(r->source, layer, &l, r->e);
  for (uint32_t i = 0; i < r->n && !s; i++)
    if (r->trials[i].layer == layer && r->trials[i].format.n_parts) s = measure_layer_trial(m, &l, &r->trials[i]);
  if (!s) mx_forward_layer(&r->original, &l, NULL, NULL);
  mx_layer_free(&l);
  return s;
}

static mx_status measure_head(measurement *m) {
  run *r = &m->r;
  mx_status s = MX_OK;
  mx_forward_norm(&r->original, &r->norm, MX_INPUT_HEAD);
  for (uint32_t i = 0; i < r->n && !s; i++) {
    mx_trial *t = &r->trials[i];
    mx_matrix rounded;
    if (t->layer != n_layers(r) || !t->format.n_parts) continue;
    s = round_trial(r, t, &r->output, &rounded);
    if (!s) {
      score(m, rounded_input(m, t, MX_INPUT_HEAD, r->original.h, r->output.cols), &rounded, false);
      s = keep_loss(r, t, mean_loss(m));
    }
    free(rounded.data);
  }
  return s;
}

static mx_status start_measurement(measurement *m, const mx_calibration *c) {
  run *r = &m->r;
  mx_status s = start(r, c);
  if (!s) s = mx_forward_new(r->source, &r->text, r->threads, &m->trial, r->e);
  if (s) return s;
  const mx_config *config = mx_source_config(r->source);
  size_t tokens = r->text.n_tokens, widest = config->dim > config->hidden_dim ? config->dim : config->hidden_dim;
  if (m->trial.q_dim > widest) widest = m->trial.q_dim;
  m->known = calloc(tokens * r->output.rows, sizeof *m->known);
  m->logits = calloc((size_t)r->threads * CHUNK * r->output.rows, sizeof *m->logits);
  m->input = calloc(tokens * widest, sizeof *m->input);
  m->losses = calloc(tokens, sizeof *m->losses);
  if (!m->known || !m->logits || !m->input || !m->losses)
    return mx_fail(r->e, MX_LIMIT, MX_NOWHERE, "no memory to measure the loss on %u tokens", r->text.n_tokens);
  s = run_layers(r, &m->trial, 0);
  mx_forward_norm(&m->trial, &r->norm, MX_INPUT_HEAD);
  score(m, m->trial.h, &r->output, true);
  return s;
}

mx_status mx_sensitivity_measure(const mx_source *source, const mx_calibration *c, unsigned threads, mx_trial *trials,
                                 uint32_t n, mx_error *e) {
  threads = !threads ? 1 : threads > MX_PARALLEL_MAX ? MX_PARALLEL_MAX : threads;
  measurement m = {.r = {.source = source, .threads = threads, .trials = trials, .n = n, .e = e}};
  mx_status s = start_measurement(&m, c);
  for (uint32_t i = 0; i < n_layers(&m.r) && !s; i++) s = measure_layer(&m, i);
  if (!s) s = measure_head(&m);
  mx_forward_free(&m.trial);
  free(m.known);
  free(m.logits);
  free(m.input);
  free(m.losses);
  finish(&m.r);
  return s;
}

// ---- by the Hessian ----------------------------------------------------------------

typedef struct {
  run *r;
  mx_layer *layer;   // NULL: the output matrix
  uint32_t index;    // of the layer
  mx_status status;
} tracing;

typedef struct {
  const mx_matrix *w;
  const mx_hessian *h;
  float *products;   // [rows][cols]
  double *sums;      // [rows]
} form_task;

static void form_rows(void *self, uint32_t i, unsigned worker) {
  (void)worker;
  const form_task *t = self;
  uint32_t from = i * CHUNK, rows = t->w->rows - from < CHUNK ? t->w->rows - from : CHUNK, n = t->w->cols;
  const float *w = t->w->data + (size_t)from * n;
  float *p = t->products + (size_t)from * n;
  mx_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)n, (int)n, 1, w, (int)n, t->h->sum, (int)n, 0,
           p, (int)n);
  for (uint32_t r = 0; r < rows; r++) {
    t->sums[from + r] = 0;
    for (uint32_t k = 0; k < n; k++) t->sums[from + r] += (double)w[(size_t)r * n + k] * p[(size_t)r * n + k];
  }
}

// *out = tr(w H w^T).
static mx_status quadratic_form(const run *r, const mx_matrix *w, const mx_hessian *h, double *out) {
  form_task t = {w, h, malloc((size_t)w->rows * w->cols * sizeof(float)), calloc(w->rows, sizeof(double))};
  mx_status s = MX_OK;
  *out = 0;
  if (!t.products || !t.sums) s = mx_fail(r->e, MX_LIMIT, MX_NOWHERE, "no memory for a matrix");
  if (!s) mx_parallel(mx_chunks(w->rows, CHUNK), r->threads, form_rows, &t);
  for (uint32_t i = 0; i < w->rows && !s; i++) *out += t.sums[i];
  free(t.products);
  free(t.sums);
  return s;
}

static mx_status trace_trial(const run *r, mx_trial *t, const mx_matrix *w, const mx_hessian *h) {
  mx_matrix d;
  double lost = 0;
  mx_status s = round_trial(r, t, w, &d);
  for (size_t i = 0; i < (size_t)w->rows * w->cols && !s; i++) d.data[i] = w->data[i] - d.data[i];
  if (!s) s = quadratic_form(r, &d, h, &lost);
  if (!s) s = keep_loss(r, t, lost / r->text.n_tokens);
  free(d.data);
  return s;
}

static void trace_input(void *self, mx_input input, float *x, uint32_t cols) {
  tracing *t = self;
  run *r = t->r;
  mx_hessian h = {0};
  unsigned first, count;
  mx_input_consumers(input, &first, &count);
  if (!t->layer) first = 0, count = 1;
  if (!t->status)
    t->status = mx_hessian_compute(x, r->original.weight, r->text.n_tokens, cols, r->threads, "trial", &h, r->e);
  for (uint32_t i = 0; i < r->n && !t->status; i++) {
    mx_trial *trial = &r->trials[i];
    if (trial->layer != t->index || !trial->format.n_parts || trial->index < first || trial->index >= first + count) continue;
    t->status = trace_trial(r, trial, t->layer ? mx_layer_matrix(t->layer, trial->index) : &r->output, &h);
  }
  free(h.sum);
}

static mx_status trace_layer(run *r, uint32_t index) {
  mx_layer l;
  mx_status s = mx_source_layer(r->source, index, &l, r->e);
  tracing t = {r, &l, index, s};
  if (!s) mx_forward_layer(&r->original, &l, trace_input, &t);
  mx_layer_free(&l);
  return t.status;
}

mx_status mx_sensitivity_trace(const mx_source *source, const mx_calibration *c, unsigned threads, mx_trial *trials,
                               uint32_t n, mx_error *e) {
  threads = !threads ? 1 : threads > MX_PARALLEL_MAX ? MX_PARALLEL_MAX : threads;
  run r = {.source = source, .threads = threads, .trials = trials, .n = n, .e = e};
  mx_status s = start(&r, c);
  for (uint32_t i = 0; i < n_layers(&r) && !s; i++) s = trace_layer(&r, i);
  tracing head = {&r, NULL, n_layers(&r), s};
  if (!s) mx_forward_norm(&r.original, &r.norm, MX_INPUT_HEAD);
  if (!s) trace_input(&head, MX_INPUT_HEAD, r.original.h, r.output.cols);
  finish(&r);
  return head.status;
}
