// The comparison of an image with its model in FP32, against figures worked out
// here from an observer's view of the device and plain softmax sums; and scores
// of an image with a prefix, against the machine run by hand.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "compiler/eval/compare.h"
#include "compiler/import/bytes.h"
#include "compiler/ref/reference.h"
#include "tests/unit/small_model.h"
#include "tests/unit/small_qmodel.h"

enum { DIM = 32, LAYERS = 3, TOKENS = 40, CONTEXT = 48 };

static const test_shape shape = {.heads = 4, .kv_heads = 2, .head_dim = 8, .dim = DIM, .hidden = 48, .layers = LAYERS,
                                 .context = CONTEXT, .weights = "mxint4", .act_bits = 2, .kv_bits = 2};

typedef struct {
  mx_qmodel *q;
  mx_model *model;
  mx_image *image;
  int32_t tokens[TOKENS];
} fixture;

static fixture make(void) {
  fixture f = {.q = test_qmodel(&shape, 5)};
  f.model = test_dequantized(f.q);
  f.image = test_compile(f.q, "sim", CONTEXT);
  test_random r = {11};
  for (int i = 0; i < TOKENS; i++) f.tokens[i] = (int32_t)test_random_below(&r, TEST_VOCAB);
  return f;
}

static void drop(fixture *f) {
  mx_qmodel_free(f->q);
  mx_model_free(f->model);
  mx_image_free(f->image);
}

static void succeed(mx_status s, const mx_error *e) {
  if (s) fail_msg("%s", e->text);
}

// ---- what the device and the reference do, by themselves ---------------------------------

typedef struct {
  float logits[TOKENS][TEST_VOCAB], x[TOKENS][LAYERS][DIM];
} course;

// Follows x through the writes of the vector unit; x after a layer is what it
// holds after the layer's second addition.
typedef struct {
  const mx_image *image;
  const mx_machine *machine;
  uint32_t first;
  float (*x)[DIM];
} watcher;

static void watch(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  const watcher *w = self;
  unsigned layer;
  if (unit != MX_UNIT_VEC || space != MX_SPACE_VMEM || address < w->first || address >= w->first + DIM) return;
  const char *note = mx_image_note(w->image, w->machine->pc);
  if (sscanf(note, "layer %u", &layer) == 1 && strstr(note, "ffn_residual"))
    w->x[layer][address - w->first] = mx_float_of_bits(value);
}

static void run_program(mx_machine *m, uint32_t entry, uint32_t token, uint32_t position) {
  assert_int_equal(mx_machine_run(m, entry, (const uint32_t[MX_ARGS]){token, position}), MX_FAULT_NONE);
}

static void read_logits(const mx_image *image, const uint8_t *memory, float *to) {
  for (uint32_t k = 0; k < TEST_VOCAB; k++) to[k] = mx_float_of_bits(mx_load_u32(memory + image->logits_addr + 4 * k));
}

// Tokens at positions `at` .. of the device, by the defining paths.
static void run_device(const mx_image *image, const int32_t *tokens, uint32_t n, uint32_t at, course *c) {
  json_t *info = json_loads(image->info, 0, NULL);
  uint8_t *memory = calloc(image->mem_bytes, 1);
  assert_non_null(memory);
  memcpy(memory, image->memory, image->memory_bytes);
  mx_machine *m = mx_machine_new(image->params, memory, image->mem_bytes);
  watcher w = {image, m, (uint32_t)json_integer_value(json_object_get(info, "residual_word")), NULL};
  m->plain = true;
  run_program(m, image->init_entry, 0, 0);
  m->observer = (mx_observer){watch, &w};
  for (uint32_t i = 0; i < n; i++) {
    w.x = c->x[i];
    run_program(m, image->token_entry, (uint32_t)tokens[i], at + i);
    read_logits(image, memory, c->logits[i]);
  }
  mx_machine_free(m);
  free(memory);
  json_decref(info);
}

static void tap(void *self, uint32_t layer, const float *x, uint32_t n, uint32_t pos) {
  course *c = self;
  for (uint32_t t = 0; t < n; t++) memcpy(c->x[pos + t][layer], x + t * DIM, DIM * sizeof *x);
}

static void run_reference(const fixture *f, course *c) {
  mx_reference *r;
  mx_error e = {0};
  succeed(mx_reference_new(f->model, CONTEXT, &r, &e), &e);
  mx_reference_tap_layers(r, tap, c);
  succeed(mx_reference_forward(r, f->tokens, TOKENS - 1, c->logits[0], &e), &e);
  mx_reference_free(r);
}

// The tap's last layer leads to the logits.
static void test_tap(void **state) {
  (void)state;
  static course c;
  fixture f = make();
  run_reference(&f, &c);
  for (uint32_t t = 0; t < TOKENS - 1; t++) {
    const float *x = c.x[t][LAYERS - 1];
    double squares = 0, logit = 0;
    for (int i = 0; i < DIM; i++) squares += (double)x[i] * x[i];
    double scale = 1 / sqrt(squares / DIM + f.model->config.rms_eps);
    for (int i = 0; i < DIM; i++) logit += x[i] * scale * f.model->output_norm.data[i] * f.model->output.data[7 * DIM + i];
    assert_true(fabs(logit - c.logits[t][7]) < 1e-4);
  }
  drop(&f);
}

// ---- comparison ------------------------------------------------------------------------

static long double probability(const float *logits, uint32_t id) {
  long double sum = 0;
  for (uint32_t i = 0; i < TEST_VOCAB; i++) sum += expl((long double)logits[i] - logits[id]);
  return 1 / sum;
}

static double divergence(const float *p, const float *q) {
  long double kl = 0;
  for (uint32_t i = 0; i < TEST_VOCAB; i++) {
    long double pi = probability(p, i);
    kl += pi * logl(pi / probability(q, i));
  }
  return (double)kl;
}

static uint32_t favourite(const float *logits) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < TEST_VOCAB; i++) best = logits[i] > logits[best] ? i : best;
  return best;
}

static double snr(const course *p, const course *q, uint32_t layer, const uint32_t *order) {
  long double signal = 0, noise = 0;
  for (uint32_t t = 0; t < TOKENS - 1; t++)
    for (uint32_t i = 0; i < DIM; i++) {
      long double x = p->x[t][layer][order ? order[i] : i], difference = x - q->x[t][layer][i];
      signal += x * x;
      noise += difference * difference;
    }
  return (double)(10 * log10l(signal / noise));
}

static void check_near(double got, double expected) {
  if (!(fabs(got - expected) <= 1e-9 + 1e-5 * fabs(expected))) fail_msg("%.9g, expected %.9g", got, expected);
}

static void check_result(const fixture *f, const mx_comparison *r, const course *p, const course *q, const uint32_t *order) {
  double kl = 0, nll = 0, agreeing = 0, worst = 0, ratios = 0;
  uint32_t worst_token = 0, worst_layer = 0;
  for (uint32_t t = 0; t < TOKENS - 1; t++) {
    double d = divergence(p->logits[t], q->logits[t]);
    kl += d;
    nll -= (double)logl(probability(p->logits[t], (uint32_t)f->tokens[t + 1]));
    agreeing += favourite(p->logits[t]) == favourite(q->logits[t]);
    if (d > worst) worst = d, worst_token = t;
  }
  check_near(r->mean_kl, kl / (TOKENS - 1));
  check_near(r->worst_kl, worst);
  check_near(r->reference_nll, nll / (TOKENS - 1));
  check_near(r->agreement, agreeing / (TOKENS - 1));
  assert_int_equal(r->worst_token, worst_token);
  assert_int_equal(r->n_layers, LAYERS);
  for (uint32_t layer = 0; layer < LAYERS; layer++) {
    check_near(r->snr_db[layer], snr(p, q, layer, order));
    ratios += r->snr_db[layer];
    if (r->snr_db[layer] < r->snr_db[worst_layer]) worst_layer = layer;
  }
  check_near(r->mean_snr_db, ratios / LAYERS);
  assert_int_equal(r->worst_layer, worst_layer);
}

static void compare(const fixture *f, const uint32_t *order) {
  static course p, q;
  static double rows[TOKENS * (4 + 2 * LAYERS)];
  mx_compare *c;
  mx_compare_scorer *s;
  mx_error e = {0};
  succeed(mx_compare_new(f->image, f->model, CONTEXT, &c, &e), &e);
  succeed(mx_compare_scorer_new(c, &s, &e), &e);
  assert_int_equal(mx_compare_measures(c), 3 + 2 * LAYERS);
  succeed(mx_compare_score(s, f->tokens, TOKENS, rows, &e), &e);
  mx_compare_receive(c, rows, TOKENS - 1);
  run_reference(f, &p);
  run_device(f->image, f->tokens, TOKENS - 1, 0, &q);
  for (uint32_t t = 0; t < TOKENS - 1; t++)
    check_near(rows[t], -(double)logl(probability(q.logits[t], (uint32_t)f->tokens[t + 1])));
  check_result(f, mx_compare_result(c), &p, &q, order);
  mx_compare_scorer_free(s);
  mx_compare_free(c);
}

static void test_comparison(void **state) {
  (void)state;
  fixture f = make();
  compare(&f, NULL);
  drop(&f);
}

// An image that says that its channels stand in another order than the model's.
static void test_basis(void **state) {
  (void)state;
  fixture f = make();
  uint32_t order[DIM];
  f.image->basis_bytes = 16 + 4 * DIM;
  f.image->basis = calloc(f.image->basis_bytes, 1);
  mx_store_u32(f.image->basis + 12, 1);
  for (uint32_t i = 0; i < DIM; i++) mx_store_u32(f.image->basis + 16 + 4 * i, order[i] = (5 * i + 3) % DIM);
  compare(&f, order);
  drop(&f);
}

static void refuse(const fixture *f, const mx_model *model, mx_status status, const char *text) {
  mx_compare *c;
  mx_error e = {0};
  assert_int_equal(mx_compare_new(f->image, model, CONTEXT, &c, &e), status);
  assert_null(c);
  if (!strstr(e.text, text)) fail_msg("'%s', expected '%s'", e.text, text);
}

static void test_refusals(void **state) {
  (void)state;
  fixture f = make();
  mx_model other = *f.model;
  other.config.dim = 2 * DIM;
  refuse(&f, &other, MX_USAGE, "64 channels");
  other = *f.model;
  other.config.n_layers = LAYERS + 1;
  refuse(&f, &other, MX_USAGE, "4 layers");
  uint32_t notes = f.image->n_notes;
  f.image->n_notes /= 8;
  refuse(&f, f.model, MX_FORMAT, "where a layer ends");
  f.image->n_notes = notes;
  f.image->basis = calloc(f.image->basis_bytes = 20, 1);
  refuse(&f, f.model, MX_FORMAT, "");
  strcpy(f.image->info, "{}");
  refuse(&f, f.model, MX_FORMAT, "where its residual stream is");
  drop(&f);
}

// ---- prefix ------------------------------------------------------------------------------

enum { PREFIX = 3 };

static float *random_floats(test_random *r, size_t n) {
  float *x = calloc(n, sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n; i++) x[i] = test_random_float(r);
  return x;
}

static void add_prefix(fixture *f) {
  test_random r = {3};
  mx_prefix *p = &f->q->prefix;
  size_t width = shape.kv_heads * shape.head_dim;
  p->n = PREFIX;
  p->tokens = calloc(PREFIX, sizeof *p->tokens);
  assert_non_null(p->tokens);
  p->tokens[PREFIX - 1] = mx_tokenizer_bos(f->q->tokenizer);
  p->keys = random_floats(&r, LAYERS * PREFIX * width);
  p->values = random_floats(&r, LAYERS * PREFIX * width);
  p->logits = random_floats(&r, TEST_VOCAB);
  mx_image_free(f->image);
  f->image = test_compile(f->q, "sim", CONTEXT);
  assert_int_equal(f->image->prefix_tokens, PREFIX);
}

// BOS takes the logits of the prefix, the others run after it; a second
// sequence finds all as the first did.
static void test_prefix(void **state) {
  (void)state;
  static course q;
  fixture f = make();
  mx_golden_scorer *s;
  mx_error e = {0};
  double nll[CONTEXT];
  add_prefix(&f);
  run_device(f.image, f.tokens + 1, TOKENS - 2, PREFIX, &q);
  succeed(mx_golden_scorer_new(f.image, &s, &e), &e);
  assert_int_equal(mx_golden_scorer_room(f.image), CONTEXT - PREFIX + 1);
  for (int again = 0; again < 2; again++) {
    succeed(mx_golden_scorer_score(s, f.tokens, TOKENS, nll, &e), &e);
    for (uint32_t i = 0; i + 1 < TOKENS; i++) {
      const float *logits = i ? q.logits[i - 1] : f.q->prefix.logits;
      check_near(nll[i], -(double)logl(probability(logits, (uint32_t)f.tokens[i + 1])));
    }
  }
  mx_golden_scorer_free(s);
  drop(&f);
}

static void test_room(void **state) {
  (void)state;
  fixture f = make();
  mx_golden_scorer *s;
  mx_error e = {0};
  const float *logits;
  add_prefix(&f);
  succeed(mx_golden_scorer_new(f.image, &s, &e), &e);
  for (uint32_t i = 0; i < CONTEXT - PREFIX + 1; i++) succeed(mx_golden_scorer_step(s, 5, i, &logits, &e), &e);
  assert_int_equal(mx_golden_scorer_step(s, 5, CONTEXT - PREFIX + 1, &logits, &e), MX_LIMIT);
  mx_golden_scorer_free(s);
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tap),    cmocka_unit_test(test_comparison), cmocka_unit_test(test_basis),
      cmocka_unit_test(test_refusals), cmocka_unit_test(test_prefix),   cmocka_unit_test(test_room),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
