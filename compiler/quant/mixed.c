#include "compiler/quant/mixed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/knapsack.h"
#include "compiler/quant/sensitivity.h"
#include "compiler/quant/side.h"
#include "golden/isa.h"
#include "golden/stream.h"

enum { WO = 3 };  // of mx_qlayer_matrix
enum { CHANNELS = 32, SPLITS = 3, FREE_MAX = 4, OPTIONS_MAX = FREE_MAX + 1 + SPLITS, CONSUMERS_MAX = 3 };

// What a matrix may become.
typedef struct {
  mx_weight_format weights;
  mx_act_format acts;
  uint32_t split;   // this many columns, the rest in the base formats; 0: all
} option;

// An input and the matrices that take it.
typedef struct {
  uint32_t layer;   // n_layers: the output matrix
  mx_input input;
  unsigned first, count;
} group;

typedef struct {
  const mx_config *config;
  const mx_methods *how;
  mx_plan *plan;
  option options[OPTIONS_MAX];
  uint32_t n_free;      // the first of the options, which each matrix takes by itself;
  uint32_t n_options;   // the rest are for all matrices of an input
  uint32_t n_matrices, n_groups;
  group *groups;        // [n_groups]
  mx_trial *trials;     // [n_matrices][n_options]
  mx_choice *choices;   // of all groups
  uint32_t *first;      // [n_groups + 1] into choices
  uint32_t *chosen;     // [n_groups]
} mixed;

// ---- matrices --------------------------------------------------------------------

static uint32_t matrix_rows(const mixed *m, uint32_t layer, unsigned index) {
  const mx_config *c = m->config;
  uint32_t q = c->n_heads * c->head_dim, kv = c->n_kv_heads * c->head_dim;
  const uint32_t rows[MX_QLAYER_MATRICES] = {q, kv, kv, c->dim, c->hidden_dim, c->hidden_dim, c->dim};
  return layer == c->n_layers ? c->vocab_size : rows[index];
}

static mx_matrix_format *planned(const mixed *m, uint32_t layer, unsigned index) {
  return layer == m->config->n_layers ? &m->plan->head : mx_plan_matrix(m->plan, layer, index);
}

static mx_trial *trial_of(const mixed *m, uint32_t layer, unsigned index, uint32_t o) {
  return &m->trials[((size_t)layer * MX_QLAYER_MATRICES + index) * m->n_options + o];
}

static uint64_t beats(const mx_matrix_format *f, uint32_t rows) {
  const mx_params *p = mx_params_find("sim");
  uint64_t sum = 0, groups = (rows + p->GROUP - 1) / p->GROUP;
  for (unsigned i = 0; i < f->n_parts; i++) {
    const mx_stream_format *s = &f->part[i].weights.stream;
    uint64_t blocks = (f->part[i].cols + mx_block_length(s) - 1) / mx_block_length(s);
    sum += groups * blocks * (mx_unit_bytes(p, s) / mx_beat_bytes(p));
  }
  return sum;
}

static uint64_t cost(const mixed *m, const mx_matrix_format *f, uint32_t rows) {
  return m->how->mixed_cycles ? beats(f, rows) : mx_matrix_format_bits(f, rows);
}

// Of the plan as it is; *weights: of all matrices.
static uint64_t plan_cost(const mixed *m, uint64_t *weights) {
  uint64_t sum = 0;
  *weights = 0;
  for (uint32_t i = 0; i < m->n_matrices; i++) {
    uint32_t layer = i / MX_QLAYER_MATRICES, rows = matrix_rows(m, layer, i % MX_QLAYER_MATRICES);
    const mx_matrix_format *f = planned(m, layer, i % MX_QLAYER_MATRICES);
    sum += cost(m, f, rows);
    for (unsigned k = 0; k < f->n_parts; k++) *weights += (uint64_t)rows * f->part[k].cols;
  }
  return sum;
}

// ---- options ---------------------------------------------------------------------

static mx_weight_format mxint(const char *name, unsigned block) {
  mx_weight_format f;
  mx_error never;
  mx_weight_format_parse(name, &f, &never);
  f.stream.block = block;
  return f;
}

static void list_formats(mixed *m, const mx_part_format *base, bool over) {
  static const char *const names[] = {"mxint8", "mxint6", "mxint4"};
  double bits = mx_weight_format_bits(&base->weights);
  m->options[m->n_options++] = (option){base->weights, base->acts, 0};
  for (int i = 0; i < 3; i++) {
    mx_weight_format f = mxint(names[i], base->weights.stream.block);
    double these = mx_weight_format_bits(&f);
    bool more = these > bits && f.stream.bits != MX_BITS_4;
    if (more || (over && these < bits)) m->options[m->n_options++] = (option){f, base->acts, 0};
  }
  m->n_free = m->n_options;
}

// None where the base is of 8 bits: they would cost nothing.
static void list_joint(mixed *m, const mx_part_format *base) {
  if (base->weights.stream.bits == MX_BITS_8) return;
  mx_weight_format wide = mxint("mxint8", base->weights.stream.block);
  mx_act_format acts = {MX_BITS_8, base->acts.fixed};
  uint32_t block = mx_block_length(&wide.stream), step = block > CHANNELS ? block : CHANNELS;
  if (base->acts.bits != MX_BITS_8) m->options[m->n_options++] = (option){wide, acts, 0};
  for (uint32_t i = 1; i <= SPLITS && m->how->mixed_channels; i++)
    m->options[m->n_options++] = (option){wide, acts, i * step};
}

// Not wanted (no parts) where a split has no sense.
static mx_matrix_format option_format(const mixed *m, uint32_t layer, unsigned index, const option *o) {
  const mx_part_format *base = &planned(m, layer, index)->part[0];
  if (!o->split) return mx_matrix_format_whole(base->cols, &o->weights, o->acts);
  if (o->split >= base->cols || (layer < m->config->n_layers && index == WO)) return (mx_matrix_format){0};
  mx_part_format rest = *base;
  rest.cols -= o->split;
  return (mx_matrix_format){2, {{o->split, o->weights, o->acts}, rest}};
}

static void list_trials(mixed *m) {
  for (uint32_t i = 0; i < m->n_matrices; i++)
    for (uint32_t o = 0; o < m->n_options; o++) {
      uint32_t layer = i / MX_QLAYER_MATRICES;
      unsigned index = i % MX_QLAYER_MATRICES;
      *trial_of(m, layer, index, o) =
          (mx_trial){.layer = layer, .index = index, .format = option_format(m, layer, index, &m->options[o])};
    }
}

static void list_groups(mixed *m) {
  for (uint32_t layer = 0; layer < m->config->n_layers; layer++)
    for (unsigned i = 0; i < MX_INPUT_HEAD; i++) {
      group *g = &m->groups[m->n_groups++];
      *g = (group){.layer = layer, .input = (mx_input)i};
      mx_input_consumers(g->input, &g->first, &g->count);
    }
  m->groups[m->n_groups++] = (group){m->config->n_layers, MX_INPUT_HEAD, 0, 1};
}

// ---- choices ---------------------------------------------------------------------

// A choice is a number whose digits, base n_free, are the options of the group's
// matrices; numbers beyond those are the joint options.
static uint32_t combinations(const mixed *m, const group *g) {
  uint32_t n = 1;
  for (unsigned i = 0; i < g->count; i++) n *= m->n_free;
  return n;
}

static uint32_t option_in(const mixed *m, const group *g, uint32_t choice, unsigned i) {
  uint32_t n = combinations(m, g);
  if (choice >= n) return choice - n + m->n_free;
  for (; i > 0; i--) choice /= m->n_free;
  return choice % m->n_free;
}

// Infinite loss where the choice has no sense.
static mx_choice rate(const mixed *m, const group *g, uint32_t choice) {
  mx_choice c = {0};
  for (unsigned i = 0; i < g->count; i++) {
    const mx_trial *t = trial_of(m, g->layer, g->first + i, option_in(m, g, choice, i));
    if (!t->format.n_parts) return (mx_choice){.loss = INFINITY};
    c.cost += cost(m, &t->format, matrix_rows(m, g->layer, g->first + i));
    c.loss += t->loss;
  }
  return c;
}

// Choices of a group that have a sense are the first of its numbers, as splits
// come in ascending order.
static void list_choices(mixed *m) {
  m->first[0] = 0;
  for (uint32_t g = 0; g < m->n_groups; g++) {
    uint32_t n = combinations(m, &m->groups[g]) + m->n_options - m->n_free, at = m->first[g];
    for (uint32_t k = 0; k < n; k++) {
      mx_choice c = rate(m, &m->groups[g], k);
      if (isfinite(c.loss)) m->choices[at++] = c;
    }
    m->first[g + 1] = at;
  }
}

static mx_status too_small(const mixed *m, uint64_t least, uint64_t weights, mx_error *e) {
  if (m->how->mixed_cycles)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "mixed=%.0fc: the least possible is %.0fc", m->how->budget, (double)least);
  double bits = ceil((double)least / (double)weights * 1000) / 1000;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "mixed=%g: the least possible is %.3f bits per weight", m->how->budget, bits);
}

// The budget in units of cost.
static mx_status find_budget(const mixed *m, uint64_t *out, mx_error *e) {
  uint64_t weights, least = mx_knapsack_least(m->choices, m->first, m->n_groups);
  plan_cost(m, &weights);
  double budget = floor(m->how->mixed_cycles ? m->how->budget : m->how->budget * (double)weights);
  *out = budget < 0x1p63 ? (uint64_t)budget : UINT64_MAX / 2;
  return *out < least ? too_small(m, least, weights, e) : MX_OK;
}

// 8-bit activations for matrices that were not of 8 bits and now all are.
static void widen(const mixed *m, const group *g, const mx_part_format *base) {
  bool all = base->weights.stream.bits != MX_BITS_8;
  for (unsigned k = 0; k < g->count; k++)
    all &= planned(m, g->layer, g->first + k)->part[0].weights.stream.bits == MX_BITS_8;
  for (unsigned k = 0; k < g->count && all; k++) planned(m, g->layer, g->first + k)->part[0].acts.bits = MX_BITS_8;
}

static void apply(const mixed *m) {
  const mx_part_format base = m->plan->head.part[0];
  for (uint32_t i = 0; i < m->n_groups; i++) {
    const group *g = &m->groups[i];
    for (unsigned k = 0; k < g->count; k++)
      *planned(m, g->layer, g->first + k) = trial_of(m, g->layer, g->first + k, option_in(m, g, m->chosen[i], k))->format;
    widen(m, g, &base);
  }
}

// ---- the plan --------------------------------------------------------------------

static mx_status allocate(mixed *m, mx_error *e) {
  size_t groups = (size_t)m->config->n_layers * MX_INPUT_HEAD + 1, each = 1;
  for (int i = 0; i < CONSUMERS_MAX; i++) each *= m->n_free;
  m->groups = calloc(groups, sizeof *m->groups);
  m->trials = calloc((size_t)m->n_matrices * m->n_options, sizeof *m->trials);
  m->choices = calloc(groups * (each + OPTIONS_MAX), sizeof *m->choices);
  m->first = calloc(groups + 1, sizeof *m->first);
  m->chosen = calloc(groups, sizeof *m->chosen);
  if (m->groups && m->trials && m->choices && m->first && m->chosen) return MX_OK;
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to choose formats");
}

static void release(mixed *m) {
  free(m->groups);
  free(m->trials);
  free(m->choices);
  free(m->first);
  free(m->chosen);
}

static void list_options(mixed *m) {
  uint64_t weights, all = plan_cost(m, &weights);
  double budget = m->how->mixed_cycles ? m->how->budget : m->how->budget * (double)weights;
  list_formats(m, &m->plan->head.part[0], (double)all > budget);
  list_joint(m, &m->plan->head.part[0]);
}

mx_status mx_mixed_plan(const mx_source *source, const mx_calibration *c, const mx_methods *how, unsigned threads,
                        mx_plan *plan, mx_error *e) {
  const mx_config *config = mx_source_config(source);
  mixed m = {.config = config, .how = how, .plan = plan, .n_matrices = config->n_layers * MX_QLAYER_MATRICES + 1};
  uint64_t budget = 0;
  list_options(&m);
  mx_status s = allocate(&m, e);
  if (!s) {
    list_groups(&m);
    list_trials(&m);
    list_choices(&m);  // without losses, to refuse a budget before they are measured
    s = find_budget(&m, &budget, e);
  }
  uint32_t n = m.n_matrices * m.n_options;
  if (!s && how->mixed_trace) s = mx_sensitivity_trace(source, c, threads, m.trials, n, e);
  else if (!s) s = mx_sensitivity_measure(source, c, threads, m.trials, n, e);
  if (!s) {
    list_choices(&m);
    s = mx_knapsack(m.choices, m.first, m.n_groups, budget, m.chosen, e);
  }
  if (!s) apply(&m);
  release(&m);
  return s;
}

// ---- order of channels -------------------------------------------------------------

typedef struct {
  const mx_weight_format *base;
  const mx_forward *f;
  mx_layer *layer;            // NULL: the output matrix
  const mx_matrix *output;
  double *residual, *hidden;  // [dim], [hidden_dim] sensitivities
  double *squares, *errors;   // [widest input]
  float *row;                 // [widest input]
} ranking;

static void mean_squares(const ranking *r, const float *x, uint32_t cols) {
  memset(r->squares, 0, cols * sizeof *r->squares);
  for (uint32_t t = 0; t < r->f->calibration->n_tokens; t++) {
    if (r->f->weight && !(r->f->weight[t] > 0)) continue;
    for (uint32_t i = 0; i < cols; i++) r->squares[i] += (double)x[(size_t)t * cols + i] * x[(size_t)t * cols + i];
  }
}

static void add_matrix(const ranking *r, const mx_matrix *w, double *to) {
  double all = 0;
  memset(r->errors, 0, w->cols * sizeof *r->errors);
  for (uint32_t k = 0; k < w->rows; k++) {
    const float *row = w->data + (size_t)k * w->cols;
    memcpy(r->row, row, w->cols * sizeof *row);
    mx_round_rtn(r->row, w->cols, r->base);
    for (uint32_t i = 0; i < w->cols; i++) {
      double d = (double)row[i] - r->row[i];
      r->errors[i] += d * d;
      all += r->squares[i] * (double)row[i] * row[i];
    }
  }
  for (uint32_t i = 0; i < w->cols && all > 0; i++) to[i] += r->squares[i] * r->errors[i] / all;
}

static void rank_input(void *self, mx_input input, float *x, uint32_t cols) {
  const ranking *r = self;
  unsigned first, count;
  if (input == MX_INPUT_WO) return;
  mean_squares(r, x, cols);
  mx_input_consumers(input, &first, &count);
  for (unsigned i = first; i < first + count; i++)
    add_matrix(r, mx_layer_matrix(r->layer, i), input == MX_INPUT_DOWN ? r->hidden : r->residual);
  if (input == MX_INPUT_HEAD) add_matrix(r, r->output, r->residual);
}

typedef struct {
  double key;
  uint32_t index;
} ranked;

static int compare(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->key != y->key) return x->key < y->key ? 1 : -1;
  return x->index < y->index ? -1 : 1;
}

// *out [n]: indices by descending key.
static mx_status sort(const double *keys, uint32_t n, uint32_t **out, mx_error *e) {
  ranked *ranks = malloc(n * sizeof *ranks);
  *out = malloc(n * sizeof **out);
  mx_status s = MX_OK;
  if (!ranks || !*out) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to order %u channels", n);
  for (uint32_t i = 0; i < n && !s; i++) ranks[i] = (ranked){keys[i], i};
  if (!s) qsort(ranks, n, sizeof *ranks, compare);
  for (uint32_t i = 0; i < n && !s; i++) (*out)[i] = ranks[i].index;
  free(ranks);
  return s;
}

static mx_status rank_layer(ranking *r, const mx_source *source, uint32_t index, mx_forward *f, mx_rotation *out, mx_error *e) {
  mx_layer l;
  uint32_t hidden = f->config->hidden_dim;
  mx_status s = mx_source_layer(source, index, &l, e);
  memset(r->hidden, 0, hidden * sizeof *r->hidden);
  r->layer = &l;
  if (!s) mx_forward_layer(f, &l, rank_input, r);
  if (!s) s = sort(r->hidden, hidden, &out->hidden[index], e);
  mx_layer_free(&l);
  return s;
}

static mx_status rank_head(ranking *r, const mx_source *source, mx_forward *f, mx_error *e) {
  mx_matrix norm, output;
  mx_status s = mx_source_head(source, &norm, &output, e);
  r->output = &output;
  if (!s) {
    mx_forward_norm(f, &norm, MX_INPUT_HEAD);
    rank_input(r, MX_INPUT_HEAD, f->h, f->config->dim);
  }
  free(norm.data);
  free(output.data);
  return s;
}

static mx_status start_ranking(ranking *r, const mx_config *c, mx_rotation *out, mx_error *e) {
  size_t widest = c->dim > c->hidden_dim ? c->dim : c->hidden_dim;
  r->residual = calloc(c->dim, sizeof *r->residual);
  r->hidden = calloc(c->hidden_dim, sizeof *r->hidden);
  r->squares = calloc(widest, sizeof *r->squares);
  r->errors = calloc(widest, sizeof *r->errors);
  r->row = calloc(widest, sizeof *r->row);
  out->hidden = calloc(c->n_layers, sizeof *out->hidden);
  if (r->residual && r->hidden && r->squares && r->errors && r->row && out->hidden) return MX_OK;
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to order channels");
}

mx_status mx_mixed_order(const mx_source *source, const mx_weight_format *base, const mx_calibration *c, unsigned threads,
                         mx_rotation *out, mx_error *e) {
  const mx_config *config = mx_source_config(source);
  mx_calibration sample = {0};
  mx_forward f = {0};
  ranking r = {.base = base, .f = &f};
  *out = (mx_rotation){0};
  mx_status s = mx_calibration_sample(c, MX_SENSITIVITY_TOKENS, &sample, e);
  if (!s) s = mx_forward_new(source, &sample, threads, &f, e);
  if (!s) s = start_ranking(&r, config, out, e);
  for (uint32_t i = 0; i < config->n_layers && !s; i++) s = rank_layer(&r, source, i, &f, out, e);
  if (!s) s = rank_head(&r, source, &f, e);
  if (!s) s = sort(r.residual, config->dim, &out->basis.order, e);
  free(r.residual);
  free(r.hidden);
  free(r.squares);
  free(r.errors);
  free(r.row);
  mx_forward_free(&f);
  mx_calibration_free(&sample);
  return s;
}
