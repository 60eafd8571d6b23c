// compiler/quant: the quantization methods, by what each promises.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/correct.h"
#include "compiler/quant/gptq.h"
#include "compiler/quant/quantize.h"
#include "compiler/quant/rtn.h"
#include "compiler/quant/side.h"
#include "compiler/ref/reference.h"
#include "golden/isa.h"
#include "tests/unit/small_model.h"

static const char *const formats[] = {"mxint4:16", "mxint6:16", "mxint8:32", "int4:32", "int4z:16", "mxfp4:32",
                                      "codebook:32", "int8row:32", "int4row:16"};
enum { N_FORMATS = 9, N_BLOCK_FORMATS = 7, ROWS = 40, COLS = 84, TOKENS = 300 };

static mx_weight_format format_of(const char *name) {
  mx_weight_format f;
  mx_error e = {0};
  if (mx_weight_format_parse(name, &f, &e)) fail_msg("%s", e.text);
  return f;
}

// ---- names -------------------------------------------------------------------

static void test_names(void **state) {
  (void)state;
  mx_methods m;
  mx_error e = {0};
  assert_int_equal(mx_methods_parse("rtn", &m, &e), MX_OK);
  assert_true(m.rtn && !m.gptq && !mx_methods_calibrated(&m));
  assert_int_equal(mx_methods_parse("mse", &m, &e), MX_OK);
  assert_true(m.mse && !mx_methods_calibrated(&m));
  assert_int_equal(mx_methods_parse("mse=diagonal", &m, &e), MX_OK);
  assert_true(m.metric == MX_METRIC_DIAGONAL && mx_methods_calibrated(&m));
  assert_int_equal(mx_methods_parse("smoothquant=0.25+all,awq=noclip,gptq=block+order,mse", &m, &e), MX_OK);
  assert_true(m.smoothquant && m.alpha == 0.25 && m.smoothquant_all && !m.smoothquant_search && m.awq && !m.clip &&
              m.gptq && m.gptq_whole && m.gptq_order && m.mse);
  assert_int_equal(mx_methods_parse("gptq+refine,smoothquant", &m, &e), MX_OK);
  assert_true(m.gptq && m.gptq_refine && !m.gptq_whole && m.smoothquant && m.alpha == 0.5);
}

static void test_bad_names(void **state) {
  (void)state;
  static const char *const lists[] = {"", ",", "rtn,", ",rtn", "rtm", "RTN", "rtn=1", "gptq,gptq", "rtn,gptq", "mse,rtn",
                                      "smoothquant=1.5", "smoothquant=-0.1", "smoothquant=nan", "smoothquant=0.5x",
                                      "awq=clips", "gptq=", "gptq=row", "gptq+", "mse=block,gptq", "rtn gptq",
                                      "smoothquantsmoothquantsmoothquant"};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    mx_methods m;
    mx_error e = {0};
    if (mx_methods_parse(lists[i], &m, &e) != MX_USAGE) fail_msg("'%s' was taken", lists[i]);
  }
}

// ---- one matrix ----------------------------------------------------------------

typedef struct {
  mx_matrix w;     // [ROWS][COLS]
  float *x;        // [TOKENS][COLS] correlated inputs with some large channels
  mx_hessian h;
} problem;

static problem make_problem(uint64_t seed) {
  test_random r = {seed};
  problem p = {.w = {ROWS, COLS, malloc(ROWS * COLS * sizeof(float))}, .x = malloc(TOKENS * COLS * sizeof(float))};
  assert_true(p.w.data && p.x);
  for (size_t i = 0; i < ROWS * COLS; i++) p.w.data[i] = test_random_float(&r) * test_random_float(&r);
  for (size_t t = 0; t < TOKENS; t++)
    for (size_t j = 0; j < COLS; j++)
      p.x[t * COLS + j] = (j ? 0.8f * p.x[t * COLS + j - 1] : 0) + test_random_float(&r) * (j % 9 ? 1 : 4);
  mx_error e = {0};
  assert_int_equal(mx_hessian_compute(p.x, NULL, TOKENS, COLS, 1, "w", &p.h, &e), MX_OK);
  return p;
}

static void free_problem(problem *p) {
  free(p->w.data);
  free(p->x);
  free(p->h.sum);
}

// Sum over rows of d M d^T, d = weights minus what they became, M by the metric.
static double error_of(const problem *p, const mx_qmatrix *q, mx_metric metric) {
  uint32_t length = mx_block_length(&q->format.stream);
  double sum = 0;
  for (uint32_t r = 0; r < ROWS; r++) {
    double d[COLS];
    for (uint32_t i = 0; i < COLS; i++) d[i] = (double)p->w.data[r * COLS + i] - mx_qmatrix_value(q, r, i);
    for (uint32_t i = 0; i < COLS; i++)
      for (uint32_t k = 0; k < COLS; k++) {
        bool counts = metric == MX_METRIC_BLOCK ? i / length == k / length : i == k;
        if (counts) sum += d[i] * d[k] * (metric == MX_METRIC_PLAIN ? 1 : (double)p->h.sum[i * COLS + k]);
      }
  }
  return sum;
}

static double output_error(const problem *p, const mx_qmatrix *q) {
  double sum = 0;
  for (uint32_t r = 0; r < ROWS; r++)
    for (uint32_t t = 0; t < TOKENS; t++) {
      double y = 0;
      for (uint32_t i = 0; i < COLS; i++)
        y += ((double)p->w.data[r * COLS + i] - mx_qmatrix_value(q, r, i)) * p->x[t * COLS + i];
      sum += y * y;
    }
  return sum;
}

static mx_matrix_format whole(const mx_weight_format *f) {
  return mx_matrix_format_whole(COLS, f, (mx_act_format){MX_BITS_8, false});
}

static mx_qmatrix rtn_of_parts(const problem *p, const mx_matrix_format *f) {
  mx_qmatrix q;
  mx_error e = {0};
  assert_int_equal(mx_quantize_rtn(&p->w, f, &q, &e), MX_OK);
  return q;
}

static mx_qmatrix rtn_of(const problem *p, const mx_weight_format *f) {
  mx_matrix_format one = whole(f);
  return rtn_of_parts(p, &one);
}

static mx_qmatrix gptq_of_parts(const problem *p, const mx_matrix_format *f, mx_gptq_options o, unsigned threads) {
  mx_qmatrix q;
  mx_error e = {0};
  if (mx_quantize_gptq(&p->w, &p->h, f, &o, threads, "w", &q, &e)) fail_msg("%s", e.text);
  return q;
}

static mx_qmatrix gptq_of(const problem *p, const mx_weight_format *f, mx_gptq_options o, unsigned threads) {
  mx_matrix_format one = whole(f);
  return gptq_of_parts(p, &one, o, threads);
}

static void assert_same(const mx_qmatrix *a, const mx_qmatrix *b) {
  size_t sides = (size_t)a->rows * mx_qmatrix_blocks(a);
  assert_memory_equal(a->codes, b->codes, (size_t)a->rows * a->cols);
  assert_memory_equal(a->format.table, b->format.table, sizeof a->format.table);
  if (a->steps) assert_memory_equal(a->steps, b->steps, a->rows * sizeof *a->steps);
  else assert_memory_equal(a->scales, b->scales, sides * sizeof *a->scales);
  if (!a->steps) assert_memory_equal(a->zeros, b->zeros, sides);
  assert_int_equal(a->rest != NULL, b->rest != NULL);
  if (a->rest) assert_same(a->rest, b->rest);
}

static void test_sides(void **state) {
  (void)state;
  test_random r = {77};
  for (int i = 0; i < N_BLOCK_FORMATS * 50; i++) {
    mx_weight_format f = format_of(formats[i % N_BLOCK_FORMATS]);
    float w[16], rounded[16];
    int8_t codes[16];
    mx_side s = {0};
    for (int k = 0; k < 16; k++) w[k] = ldexpf(test_random_float(&r), i % 7 ? 0 : -126);
    if (i < N_BLOCK_FORMATS) memset(w, 0, sizeof w);
    mx_rtn_block(w, 16, &f, codes, &s.scale, &s.zero);
    s = mx_side_of(&f, s.scale, s.zero);
    memcpy(rounded, w, sizeof w);
    mx_round_rtn(rounded, 16, &f);
    for (int k = 0; k < 16; k++) {
      assert_int_equal(mx_side_code(&s, &f, w[k]), codes[k]);
      assert_true(mx_side_value(&s, &f, codes[k]) == rounded[k]);
    }
  }
}

static void test_mse(void **state) {
  (void)state;
  problem p = make_problem(31);
  for (int i = 0; i < N_FORMATS; i++)
    for (int metric = 0; metric < 3; metric++) {
      mx_weight_format f = format_of(formats[i]);
      mx_matrix_format one = whole(&f);
      mx_qmatrix rtn = rtn_of(&p, &f), mse, again;
      mx_error e = {0};
      assert_int_equal(mx_quantize_mse(&p.w, &one, &p.h, (mx_metric)metric, 1, &mse, &e), MX_OK);
      assert_int_equal(mx_quantize_mse(&p.w, &one, &p.h, (mx_metric)metric, 3, &again, &e), MX_OK);
      assert_same(&mse, &again);
      double before = error_of(&p, &rtn, (mx_metric)metric), after = error_of(&p, &mse, (mx_metric)metric);
      if (after > before * (1 + 1e-6)) fail_msg("%s, metric %d: %g, rtn %g", formats[i], metric, after, before);
      if (f.stream.bits == MX_BITS_4) assert_true(after < before);
      mx_qmatrix_free(&rtn);
      mx_qmatrix_free(&mse);
      mx_qmatrix_free(&again);
    }
  free_problem(&p);
}

static const mx_gptq_options variants[] = {{.whole = true}, {0}, {.order = true}, {.search = true},
                                           {.whole = true, .order = true, .search = true},
                                           {.order = true, .search = true, .refine = true}};
enum { N_VARIANTS = sizeof variants / sizeof *variants };

static void test_gptq_beats_rtn(void **state) {
  (void)state;
  problem p = make_problem(32);
  for (int i = 0; i < N_FORMATS; i++)
    for (int v = 0; v < N_VARIANTS; v++) {
      mx_weight_format f = format_of(formats[i]);
      mx_qmatrix rtn = rtn_of(&p, &f), q = gptq_of(&p, &f, variants[v], 1), again = gptq_of(&p, &f, variants[v], 3);
      double before = output_error(&p, &rtn), after = output_error(&p, &q);
      if (!(after < 0.95 * before)) fail_msg("%s, variant %d: %g, rtn %g", formats[i], v, after, before);
      assert_same(&q, &again);
      mx_qmatrix_free(&rtn);
      mx_qmatrix_free(&q);
      mx_qmatrix_free(&again);
    }
  free_problem(&p);
}

// Two formats in a matrix, also of unequal block lengths and by row.
static mx_matrix_format split(const char *a, const char *b, uint32_t at) {
  return (mx_matrix_format){2, {{at, format_of(a), {MX_BITS_8, false}}, {COLS - at, format_of(b), {MX_BITS_6, false}}}};
}

static void test_parts(void **state) {
  (void)state;
  static const char *const pairs[][2] = {{"mxint8:32", "mxint4:32"}, {"mxint4:16", "int4:32"}, {"int8row", "mxfp4:16"},
                                         {"mxint6:16", "int4row:32"}};
  problem p = make_problem(41);
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    mx_matrix_format f = split(pairs[i][0], pairs[i][1], 32);
    mx_qmatrix rtn = rtn_of_parts(&p, &f), mse, again;
    double before = output_error(&p, &rtn);
    mx_error e = {0};
    assert_int_equal(mx_quantize_mse(&p.w, &f, &p.h, MX_METRIC_BLOCK, 1, &mse, &e), MX_OK);
    assert_int_equal(mx_quantize_mse(&p.w, &f, &p.h, MX_METRIC_BLOCK, 3, &again, &e), MX_OK);
    assert_same(&mse, &again);
    assert_int_equal(mx_qmatrix_cols(&mse), COLS);
    for (int v = 0; v < N_VARIANTS; v++) {
      mx_qmatrix q = gptq_of_parts(&p, &f, variants[v], 1), same = gptq_of_parts(&p, &f, variants[v], 3);
      double after = output_error(&p, &q);
      if (!(after < 0.95 * before)) fail_msg("%s and %s, variant %d: %g, rtn %g", pairs[i][0], pairs[i][1], v, after, before);
      assert_same(&q, &same);
      assert_int_equal(q.rest->acts.bits, MX_BITS_6);
      mx_qmatrix_free(&q);
      mx_qmatrix_free(&same);
    }
    mx_qmatrix_free(&rtn);
    mx_qmatrix_free(&mse);
    mx_qmatrix_free(&again);
  }
  free_problem(&p);
}

// The same format in both parts is the format in one: no loss stays behind at
// the border.
static void test_parts_are_one(void **state) {
  (void)state;
  problem p = make_problem(42);
  for (int i = 0; i < N_BLOCK_FORMATS; i++)
    for (int v = 0; v < N_VARIANTS; v++) {
      mx_matrix_format f = split(formats[i], formats[i], 32);
      mx_qmatrix two = gptq_of_parts(&p, &f, variants[v], 1), one = gptq_of(&p, &f.part[0].weights, variants[v], 1);
      for (uint32_t r = 0; r < ROWS; r++)
        for (uint32_t c = 0; c < COLS; c++) assert_true(mx_qmatrix_value(&two, r, c) == mx_qmatrix_value(&one, r, c));
      mx_qmatrix_free(&two);
      mx_qmatrix_free(&one);
    }
  free_problem(&p);
}

static void test_refine_lowers(void **state) {
  (void)state;
  problem p = make_problem(33);
  mx_weight_format f = format_of("mxint4:32");
  mx_qmatrix plain = gptq_of(&p, &f, (mx_gptq_options){0}, 1), refined = gptq_of(&p, &f, (mx_gptq_options){.refine = true}, 1);
  assert_true(output_error(&p, &refined) < output_error(&p, &plain));
  size_t sides = ROWS * mx_qmatrix_blocks(&plain);
  assert_memory_equal(plain.scales, refined.scales, sides * sizeof *plain.scales);
  mx_qmatrix_free(&plain);
  mx_qmatrix_free(&refined);
  free_problem(&p);
}

// Nothing to make up for: inputs that do not correlate.
static void test_gptq_diagonal(void **state) {
  (void)state;
  problem p = make_problem(34);
  for (uint32_t i = 0; i < COLS; i++)
    for (uint32_t k = 0; k < COLS; k++) p.h.sum[i * COLS + k] = i == k ? (float)(1 + i % 7) : 0;
  for (int i = 0; i < N_FORMATS; i++)
    for (int v = 0; v < 3; v++) {
      mx_weight_format f = format_of(formats[i]);
      mx_qmatrix rtn = rtn_of(&p, &f), q = gptq_of(&p, &f, variants[v], 2);
      assert_same(&rtn, &q);
      mx_qmatrix_free(&rtn);
      mx_qmatrix_free(&q);
    }
  free_problem(&p);
}

static void test_dead_channels(void **state) {
  (void)state;
  problem p = make_problem(35);
  for (uint32_t t = 0; t < TOKENS; t++)
    for (uint32_t i = 0; i < COLS; i += 5) p.x[t * COLS + i] = 0;
  free(p.h.sum);
  mx_error e = {0};
  assert_int_equal(mx_hessian_compute(p.x, NULL, TOKENS, COLS, 1, "w", &p.h, &e), MX_OK);
  mx_weight_format f = format_of("mxint4:16");
  for (int v = 0; v < N_VARIANTS; v++) {
    mx_qmatrix rtn = rtn_of(&p, &f), q = gptq_of(&p, &f, variants[v], 1);
    assert_true(output_error(&p, &q) < output_error(&p, &rtn));
    uint32_t kept = 0;  // dead columns are rounded, not dropped
    for (uint32_t r = 0; r < ROWS; r++) kept += q.codes[r * COLS + 5] != 0;
    assert_true(kept > ROWS / 3);
    mx_qmatrix_free(&rtn);
    mx_qmatrix_free(&q);
  }
  memset(p.h.sum, 0, COLS * COLS * sizeof *p.h.sum);  // everything is dead
  mx_qmatrix rtn = rtn_of(&p, &f), q = gptq_of(&p, &f, (mx_gptq_options){0}, 1);
  assert_same(&rtn, &q);
  mx_qmatrix_free(&rtn);
  mx_qmatrix_free(&q);
  free_problem(&p);
}

// Rank 1: only damping makes it definite. Not finite: one error.
static void test_singular(void **state) {
  (void)state;
  problem p = make_problem(36);
  for (uint32_t i = 0; i < COLS; i++)
    for (uint32_t k = 0; k < COLS; k++) p.h.sum[i * COLS + k] = 1e6f;
  mx_weight_format f = format_of("mxint4:32");
  mx_qmatrix q = gptq_of(&p, &f, (mx_gptq_options){0}, 1);
  mx_qmatrix_free(&q);
  for (uint32_t i = 0; i < COLS; i++) p.h.sum[i * COLS + (i + 1) % COLS] = 1e12f;  // indefinite, damped or not
  for (uint32_t i = 0; i < COLS; i++) p.h.sum[(i + 1) % COLS * COLS + i] = 1e12f;
  mx_error e = {0};
  mx_gptq_options o = {0};
  mx_matrix_format one = whole(&f);
  assert_int_equal(mx_quantize_gptq(&p.w, &p.h, &one, &o, 1, "blk.0.x", &q, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, "blk.0.x"));
  mx_qmatrix_free(&q);
  free_problem(&p);
}

// Sum over tokens and rows of (W x - V xq)^2.
static double missed(const mx_matrix *w, const float *x, const mx_matrix *v, const float *xq) {
  double sum = 0;
  for (uint32_t t = 0; t < TOKENS; t++)
    for (uint32_t r = 0; r < ROWS; r++) {
      double y = 0;
      for (uint32_t i = 0; i < COLS; i++)
        y += (double)w->data[r * COLS + i] * x[t * COLS + i] - (double)v->data[r * COLS + i] * xq[t * COLS + i];
      sum += y * y;
    }
  return sum;
}

// Inputs that shrank and lost a channel: the weights make up for it. Inputs
// that are as they were: the weights stay.
static void test_correct(void **state) {
  (void)state;
  problem p = make_problem(37);
  mx_matrix v = {ROWS, COLS, malloc(ROWS * COLS * sizeof(float))};
  float *x = malloc(TOKENS * COLS * sizeof *x);
  assert_true(v.data && x);
  memcpy(v.data, p.w.data, ROWS * COLS * sizeof *x);
  mx_error e = {0};
  assert_int_equal(mx_correct_weights(&v, p.x, p.x, NULL, TOKENS, &p.h, 2, "w", &e), MX_OK);
  assert_memory_equal(v.data, p.w.data, ROWS * COLS * sizeof *x);
  for (uint32_t i = 0; i < TOKENS * COLS; i++) x[i] = p.x[i] * 1.1f + (i % COLS == 4 ? 3 * p.x[i + 1] : 0);
  double before = missed(&p.w, x, &v, p.x);
  assert_int_equal(mx_correct_weights(&v, x, p.x, NULL, TOKENS, &p.h, 2, "w", &e), MX_OK);
  assert_true(missed(&p.w, x, &v, p.x) < 0.1 * before);
  memset(p.h.sum, 0, COLS * COLS * sizeof *x);  // no input: nothing to do
  assert_int_equal(mx_correct_weights(&v, x, p.x, NULL, TOKENS, &p.h, 2, "w", &e), MX_OK);
  free(v.data);
  free(x);
  free_problem(&p);
}

// ---- models ----------------------------------------------------------------------

static const mx_config config = {.dim = 24, .hidden_dim = 40, .n_layers = 2, .n_heads = 6, .n_kv_heads = 2,
                                 .head_dim = 4, .vocab_size = TEST_VOCAB, .context_length = 32,
                                 .rope_theta = 10000.0f, .rms_eps = 1e-5f};

static mx_calibration random_sequences(uint32_t count, uint32_t length, uint64_t seed) {
  test_random r = {seed};
  mx_calibration c = {.n_sequences = count, .n_tokens = count * length, .starts = malloc((count + 1) * sizeof(uint32_t)),
                      .tokens = malloc(count * length * sizeof(int32_t))};
  assert_true(c.starts && c.tokens);
  for (uint32_t i = 0; i <= count; i++) c.starts[i] = i * length;
  for (uint32_t i = 0; i < c.n_tokens; i++) c.tokens[i] = (int32_t)test_random_below(&r, TEST_VOCAB);
  return c;
}

static mx_quantize_options options_of(const char *methods, const mx_calibration *c, unsigned threads) {
  mx_quantize_options o = {.weights = format_of("mxint4:16"), .act_bits = MX_BITS_8, .kv_bits = MX_BITS_8,
                           .calibration = c, .threads = threads};
  mx_error e = {0};
  if (mx_methods_parse(methods, &o.methods, &e)) fail_msg("%s", e.text);
  return o;
}

static void logits_of(const mx_model *m, const int32_t *tokens, uint32_t n, float *out) {
  mx_reference *ref;
  mx_error e = {0};
  assert_int_equal(mx_reference_new(m, 32, &ref, &e), MX_OK);
  assert_int_equal(mx_reference_forward(ref, tokens, n, out, &e), MX_OK);
  mx_reference_free(ref);
}

// Scales fold into the model without changing what it computes, and they do
// something; a dead channel survives.
static void test_folding(void **state) {
  (void)state;
  static const char *const lists[] = {"smoothquant", "smoothquant=0.9+all", "smoothquant=search+all", "awq=noclip",
                                      "smoothquant=0.3,awq"};
  mx_calibration c = random_sequences(12, 20, 9);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    mx_config with_norms = config;
    with_norms.head_norms = i % 2;
    mx_model *m = test_model(&with_norms, i % 2, 40 + i);
    for (uint32_t k = 0; k < config.dim; k += 3) m->layers[1].attn_norm.data[k] *= 30;
    m->layers[0].ffn_norm.data[5] = 0;
    float before[20 * TEST_VOCAB], after[20 * TEST_VOCAB], gain = m->layers[1].attn_norm.data[3];
    logits_of(m, c.tokens, 20, before);
    mx_quantize_options o = options_of(lists[i], &c, 2);
    mx_error e = {0};
    if (mx_equalise_model(m, &o, &e)) fail_msg("%s", e.text);
    logits_of(m, c.tokens, 20, after);
    for (int k = 0; k < 20 * TEST_VOCAB; k++)
      if (!(fabsf(before[k] - after[k]) < 2e-3f * fmaxf(1, fabsf(before[k]))))
        fail_msg("%s: logit %d was %g, is %g", lists[i], k, (double)before[k], (double)after[k]);
    assert_true(m->layers[1].attn_norm.data[3] != gain);
    mx_model_free(m);
  }
  mx_calibration_free(&c);
}

static void assert_same_models(mx_qmodel *a, mx_qmodel *b) {
  assert_same(&a->output, &b->output);
  for (uint32_t i = 0; i < config.n_layers; i++) {
    assert_memory_equal(a->layers[i].attn_norm.data, b->layers[i].attn_norm.data, config.dim * sizeof(float));
    assert_memory_equal(a->layers[i].ffn_norm.data, b->layers[i].ffn_norm.data, config.dim * sizeof(float));
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++)
      assert_same(mx_qlayer_matrix(&a->layers[i], k, NULL), mx_qlayer_matrix(&b->layers[i], k, NULL));
  }
}

static void test_same_bytes(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"mxint4:16", "rtn"}, {"mxint4:16", "mse"}, {"mxint4:16", "gptq"}, {"mxint4:16", "awq"}, {"mxint4:16", "correct"},
      {"mxint4:16", "smoothquant=search,awq,correct,gptq+order+refine,mse"}, {"codebook:16", "awq,gptq"},
      {"codebook:32", "mse"}, {"int4row", "awq,gptq,mse"}, {"mxint4:16", "mixed=6,gptq"},
      {"mxint4:16", "mixed=6+trace+channels,awq,gptq+order+refine"}};
  mx_calibration c = random_sequences(20, 30, 10);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mx_qmodel *q[2];
    for (unsigned k = 0; k < 2; k++) {
      mx_model *m = test_model(&config, true, 50);
      mx_quantize_options o = options_of(cases[i][1], &c, 1 + 2 * k);
      o.weights = format_of(cases[i][0]);
      mx_error e = {0};
      if (mx_quantize_model(m, &o, &q[k], &e)) fail_msg("%s: %s", cases[i][1], e.text);
      mx_model_free(m);
    }
    assert_same_models(q[0], q[1]);
    mx_qmodel_free(q[0]);
    mx_qmodel_free(q[1]);
  }
  mx_calibration_free(&c);
}

static void expect_refusal(mx_model *m, const char *methods, const mx_calibration *c, mx_status want, const char *text) {
  mx_quantize_options o = options_of(methods, c, 1);
  mx_qmodel *q;
  mx_error e = {0};
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), want);
  assert_null(q);
  if (!strstr(e.text, text)) fail_msg("%s: '%s' does not say '%s'", methods, e.text, text);
  mx_model_free(m);
}

static void test_refusals(void **state) {
  (void)state;
  static const char *const lists[] = {"rtn", "mse", "smoothquant", "awq", "gptq"};
  mx_calibration c = random_sequences(4, 30, 10);
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    if (i > 1) expect_refusal(test_model(&config, true, 50), lists[i], NULL, MX_USAGE, "calibration");
    mx_model *m = test_model(&config, true, 50);
    m->layers[1].w_up.data[7] = NAN;
    expect_refusal(m, lists[i], i ? &c : NULL, MX_FORMAT, i == 2 || i == 3 ? "" : "blk.1.ffn_up");
    m = test_model(&config, true, 50);
    m->layers[0].ffn_norm.data[3] = INFINITY;
    expect_refusal(m, lists[i], i ? &c : NULL, MX_FORMAT, "");
  }
  mx_calibration_free(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),          cmocka_unit_test(test_bad_names),     cmocka_unit_test(test_sides),
      cmocka_unit_test(test_mse),            cmocka_unit_test(test_gptq_beats_rtn), cmocka_unit_test(test_refine_lowers),
      cmocka_unit_test(test_gptq_diagonal),  cmocka_unit_test(test_dead_channels), cmocka_unit_test(test_singular),
      cmocka_unit_test(test_correct),        cmocka_unit_test(test_parts),         cmocka_unit_test(test_parts_are_one),
            cmocka_unit_test(test_folding),
        cmocka_unit_test(test_same_bytes),    cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
