// compiler/quant: mixed precision. The knapsack against all combinations, the
// losses against a model that was changed, the plan against its budget.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/knapsack.h"
#include "compiler/quant/mixed.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/sensitivity.h"
#include "compiler/quant/side.h"
#include "compiler/ref/reference.h"
#include "golden/isa.h"
#include "tests/unit/small_model.h"

// ---- knapsack --------------------------------------------------------------------

enum { ITEMS = 5, CHOICES = 4 };

typedef struct {
  mx_choice choices[ITEMS * CHOICES];
  uint32_t first[ITEMS + 1], n;
} instance;

static instance random_instance(test_random *r, uint64_t most, uint64_t factor) {
  instance in = {.n = 1 + test_random_below(r, ITEMS)};
  for (uint32_t i = 0; i < in.n; i++) {
    in.first[i + 1] = in.first[i] + 1 + test_random_below(r, CHOICES);
    for (uint32_t k = in.first[i]; k < in.first[i + 1]; k++)
      in.choices[k] = (mx_choice){7 + factor * (test_random_u32(r) % most), test_random_below(r, 50) / 7.0};
  }
  return in;
}

static void sums(const instance *in, const uint32_t *chosen, uint64_t *cost, double *loss) {
  *cost = 0;
  *loss = 0;
  for (uint32_t i = 0; i < in->n; i++) {
    assert_true(chosen[i] < in->first[i + 1] - in->first[i]);
    *cost += in->choices[in->first[i] + chosen[i]].cost;
    *loss += in->choices[in->first[i] + chosen[i]].loss;
  }
}

// Least loss of all combinations within the budget.
static double least_loss(const instance *in, uint64_t budget) {
  double least = INFINITY;
  for (uint32_t k = 0; k < 1u << (2 * ITEMS); k++) {
    uint32_t chosen[ITEMS];
    bool valid = true;
    uint64_t cost;
    double loss;
    for (uint32_t i = 0; i < in->n; i++) {
      chosen[i] = k >> (2 * i) & 3;
      valid &= chosen[i] < in->first[i + 1] - in->first[i];
    }
    if (!valid) continue;
    sums(in, chosen, &cost, &loss);
    if (cost <= budget && loss < least) least = loss;
  }
  return least;
}

static void test_knapsack(void **state) {
  (void)state;
  test_random r = {5};
  for (int run = 0; run < 400; run++) {
    instance in = random_instance(&r, 30, run % 3 ? 1 : 1000003);
    uint64_t least = mx_knapsack_least(in.choices, in.first, in.n), cost;
    uint64_t budget = least + (run % 3 ? 1 : 1000003) * (uint64_t)test_random_below(&r, 80);
    uint32_t chosen[ITEMS];
    double loss;
    mx_error e = {0};
    assert_int_equal(mx_knapsack(in.choices, in.first, in.n, budget, chosen, &e), MX_OK);
    sums(&in, chosen, &cost, &loss);
    assert_true(cost <= budget);
    assert_true(fabs(loss - least_loss(&in, budget)) < 1e-9);
    assert_int_equal(mx_knapsack(in.choices, in.first, in.n, least - 1, chosen, &e), MX_USAGE);
  }
}

// Costs without a common divisor that is of use: as good as the best for a
// budget that is smaller by the steps.
static void test_knapsack_steps(void **state) {
  (void)state;
  test_random r = {6};
  for (int run = 0; run < 30; run++) {
    instance in = random_instance(&r, 1u << 30, 1);
    uint64_t least = mx_knapsack_least(in.choices, in.first, in.n), cost;
    uint64_t slack = test_random_u32(&r), steps = (in.n + 1) * (slack / MX_KNAPSACK_STEPS + 1);
    uint32_t chosen[ITEMS];
    double loss;
    mx_error e = {0};
    assert_int_equal(mx_knapsack(in.choices, in.first, in.n, least + slack, chosen, &e), MX_OK);
    sums(&in, chosen, &cost, &loss);
    assert_true(cost <= least + slack);
    assert_true(loss >= least_loss(&in, least + slack) - 1e-9);
    if (slack > steps) assert_true(loss <= least_loss(&in, least + slack - steps) + 1e-9);
  }
}

// ---- models ----------------------------------------------------------------------

static const mx_config config = {.dim = 64, .hidden_dim = 72, .n_layers = 2, .n_heads = 4, .n_kv_heads = 2,
                                 .head_dim = 8, .vocab_size = TEST_VOCAB, .context_length = 32,
                                 .rope_theta = 10000.0f, .rms_eps = 1e-5f};
enum { SEQUENCES = 8, LENGTH = 20, WO = 3, W_DOWN = 6 };

static mx_weight_format format_of(const char *name) {
  mx_weight_format f;
  mx_error e = {0};
  assert_int_equal(mx_weight_format_parse(name, &f, &e), MX_OK);
  return f;
}

static mx_calibration random_text(void) {
  test_random r = {9};
  mx_calibration c = {.n_sequences = SEQUENCES, .n_tokens = SEQUENCES * LENGTH,
                      .starts = malloc((SEQUENCES + 1) * sizeof(uint32_t)), .tokens = malloc(SEQUENCES * LENGTH * sizeof(int32_t))};
  assert_true(c.starts && c.tokens);
  for (uint32_t i = 0; i <= SEQUENCES; i++) c.starts[i] = i * LENGTH;
  for (uint32_t i = 0; i < SEQUENCES * LENGTH; i++) c.tokens[i] = (int32_t)test_random_below(&r, TEST_VOCAB);
  return c;
}

static mx_plan uniform(const char *weights, unsigned acts) {
  mx_plan p;
  mx_error e = {0};
  mx_weight_format f = format_of(weights);
  assert_int_equal(mx_plan_uniform(&config, &f, (mx_act_format){acts, false}, &p, &e), MX_OK);
  return p;
}

static mx_status mix(const mx_model *m, const char *method, unsigned threads, mx_plan *plan, mx_error *e) {
  mx_calibration c = random_text();
  mx_source source = {.model = m};
  mx_methods how;
  *e = (mx_error){0};
  if (mx_methods_parse(method, &how, e)) fail_msg("%s", e->text);
  int blas = mx_blas_single();
  mx_status s = mx_mixed_plan(&source, &c, &how, threads, plan, e);
  mx_blas_restore(blas);
  mx_calibration_free(&c);
  return s;
}

static mx_plan mixed(const mx_model *m, const char *weights, unsigned acts, const char *method, unsigned threads) {
  mx_plan p = uniform(weights, acts);
  mx_error e;
  if (mix(m, method, threads, &p, &e)) fail_msg("%s: %s", method, e.text);
  return p;
}

// Matrix k of the plan, the output matrix last.
static const mx_matrix_format *format_at(const mx_plan *p, uint32_t k) {
  return k == 2 * MX_QLAYER_MATRICES ? &p->head : &p->layers[k];
}

static double plan_bits(const mx_plan *p) {
  static const uint32_t rows[] = {32, 16, 16, 64, 72, 72, 64};
  double bits = 0, weights = 0;
  for (uint32_t k = 0; k <= 2 * MX_QLAYER_MATRICES; k++) {
    mx_qmatrix q;
    mx_error e = {0};
    uint32_t n = k == 2 * MX_QLAYER_MATRICES ? TEST_VOCAB : rows[k % MX_QLAYER_MATRICES];
    assert_int_equal(mx_qmatrix_allocate_parts(&q, n, format_at(p, k), &e), MX_OK);
    bits += (double)mx_qmatrix_bits(&q);
    weights += (double)n * mx_qmatrix_cols(&q);
    mx_qmatrix_free(&q);
  }
  return bits / weights;
}

static void test_budget(void **state) {
  (void)state;
  static const struct { const char *base, *method; double budget; } cases[] = {
      {"mxint4", "mixed=4.5", 4.5}, {"mxint4", "mixed=5.5+trace", 5.5}, {"int4z:16", "mixed=6+trace", 6},
      {"int4row", "mixed=5+trace", 5}, {"mxint8", "mixed=5+trace", 5}, {"mxint4:64", "mixed=4.7+trace+channels", 4.7},
      {"codebook", "mixed=5+trace", 5}, {"mxint4", "mixed=20+trace", 20}};
  mx_model *m = test_model(&config, false, 12);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    mx_plan p = mixed(m, cases[i].base, MX_BITS_8, cases[i].method, 2);
    double bits = plan_bits(&p);
    if (bits > cases[i].budget || (bits < cases[i].budget - 0.2 && bits < 8.24))
      fail_msg("%s with %s: %g bits", cases[i].base, cases[i].method, bits);
    mx_plan_free(&p);
  }
  mx_model_free(m);
}

static void test_too_small(void **state) {
  (void)state;
  static const struct { const char *base, *method, *text; } cases[] = {
      {"mxint4", "mixed=4", "4.264"}, {"mxint8", "mixed=3.5+trace", "4.264"}, {"mxint4:16", "mixed=100c+trace", "mixed=100c"}};
  mx_model *m = test_model(&config, false, 12);
  for (size_t i = 0; i < 3; i++) {
    mx_plan p = uniform(cases[i].base, MX_BITS_8);
    mx_error e;
    assert_int_equal(mix(m, cases[i].method, 1, &p, &e), MX_USAGE);
    if (!strstr(e.text, cases[i].text) || !strstr(e.text, "least possible")) fail_msg("%s", e.text);
    mx_plan_free(&p);
  }
  mx_model_free(m);
}

// On set sim a row of 4-bit codes is a beat, of 6 bits one and a half, of 8 two,
// and 16 rows' scales are one.
static void test_cycles(void **state) {
  (void)state;
  mx_model *m = test_model(&config, false, 12);
  mx_plan p = mixed(m, "mxint4", MX_BITS_8, "mixed=3500c+trace", 1);
  static const uint32_t groups[] = {2, 1, 1, 4, 5, 5, 4};
  uint32_t beats = 0;
  for (uint32_t k = 0; k <= 2 * MX_QLAYER_MATRICES; k++) {
    const mx_matrix_format *f = format_at(&p, k);
    uint32_t n = k == 2 * MX_QLAYER_MATRICES ? 18 : groups[k % MX_QLAYER_MATRICES];
    beats += n * ((f->part[0].cols + 31) / 32) * (1 + 4 * mx_code_bits(&f->part[0].weights.stream));
  }
  if (beats > 3500 || beats < 3200) fail_msg("%u beats", beats);
  mx_plan_free(&p);
  mx_model_free(m);
}

static void scale(mx_matrix *w, float by) {
  for (uint32_t k = 0; k < w->rows * w->cols; k++) w->data[k] *= by;
}

// A matrix whose noise the logits show, in a model where no other adds much to the
// residual stream, or one whose blocks have an outlier each, gets bits where
// they are scarce.
static void test_sensitive(void **state) {
  (void)state;
  static const char *const methods[] = {"mixed=4.7", "mixed=4.7+trace"};
  for (int i = 0; i < 2; i++) {
    mx_model *m = test_model(&config, false, 13);
    unsigned index = i ? WO : W_DOWN;
    for (unsigned k = 0; k < MX_QLAYER_MATRICES && !i; k++) {
      scale(mx_layer_matrix(&m->layers[0], k), 0.1f);
      scale(mx_layer_matrix(&m->layers[1], k), k == W_DOWN ? 10 : 0.1f);
    }
    mx_matrix *w = mx_layer_matrix(&m->layers[1], index);
    for (uint32_t k = 0; k < w->rows * w->cols && i; k++) w->data[k] *= k % 32 == 5 ? 90 : 10;
    mx_plan p = mixed(m, "mxint4", MX_BITS_8, methods[i], 2);
    if (mx_plan_matrix(&p, 1, index)->part[0].weights.stream.bits == MX_BITS_4) fail_msg("%s", methods[i]);
    mx_plan_free(&p);
    mx_model_free(m);
  }
}

static void test_threads(void **state) {
  (void)state;
  static const char *const methods[] = {"mixed=5", "mixed=5+trace", "mixed=5+channels"};
  mx_model *m = test_model(&config, false, 14);
  for (int i = 0; i < 3; i++) {
    mx_plan a = mixed(m, "mxint4", MX_BITS_4, methods[i], 1), b = mixed(m, "mxint4", MX_BITS_4, methods[i], 3);
    for (uint32_t k = 0; k <= 2 * MX_QLAYER_MATRICES; k++) {
      assert_int_equal(format_at(&a, k)->n_parts, format_at(&b, k)->n_parts);
      for (unsigned j = 0; j < format_at(&a, k)->n_parts; j++) {
        const mx_part_format *x = &format_at(&a, k)->part[j], *y = &format_at(&b, k)->part[j];
        assert_true(x->cols == y->cols && x->weights.stream.bits == y->weights.stream.bits && x->acts.bits == y->acts.bits);
      }
    }
    mx_plan_free(&a);
    mx_plan_free(&b);
  }
  mx_model_free(m);
}

// ---- losses ------------------------------------------------------------------------

static void logits_of(const mx_model *m, const int32_t *tokens, float *out) {
  mx_reference *ref;
  mx_error e = {0};
  assert_int_equal(mx_reference_new(m, 32, &ref, &e), MX_OK);
  assert_int_equal(mx_reference_forward(ref, tokens, LENGTH, out, &e), MX_OK);
  mx_reference_free(ref);
}

static double divergence(const float *a, const float *b) {
  double za = 0, zb = 0, sum = 0;
  for (int i = 0; i < TEST_VOCAB; i++) {
    za += exp((double)a[i]);
    zb += exp((double)b[i]);
  }
  for (int i = 0; i < TEST_VOCAB; i++) sum += exp((double)a[i]) / za * ((double)a[i] - log(za) - b[i] + log(zb));
  return sum;
}

// Divergence of the whole text's distributions when w of m is rounded.
static double brute_loss(const mx_model *m, mx_matrix *w, const mx_weight_format *f) {
  static float before[LENGTH * TEST_VOCAB], after[LENGTH * TEST_VOCAB];
  mx_calibration c = random_text();
  size_t n = (size_t)w->rows * w->cols;
  float *kept = malloc(n * sizeof *kept);
  assert_non_null(kept);
  double sum = 0;
  for (uint32_t s = 0; s < SEQUENCES; s++) {
    logits_of(m, c.tokens + s * LENGTH, before);
    memcpy(kept, w->data, n * sizeof *kept);
    for (uint32_t r = 0; r < w->rows; r++) mx_round_rtn(w->data + (size_t)r * w->cols, w->cols, f);
    logits_of(m, c.tokens + s * LENGTH, after);
    memcpy(w->data, kept, n * sizeof *kept);
    for (int t = 0; t < LENGTH; t++) sum += divergence(before + t * TEST_VOCAB, after + t * TEST_VOCAB);
  }
  free(kept);
  mx_calibration_free(&c);
  return sum / (SEQUENCES * LENGTH);
}

// Inputs of 8 bits add a little to the loss of 4-bit weights.
static void test_measure(void **state) {
  (void)state;
  mx_model *m = test_model(&config, false, 15);
  mx_calibration c = random_text();
  mx_source source = {.model = m};
  mx_weight_format f = format_of("mxint4:32");
  mx_trial trials[4] = {{.layer = 0, .index = WO}, {.layer = 1, .index = 0}, {.layer = 1, .index = W_DOWN}, {.layer = 2}};
  mx_matrix *matrices[4] = {&m->layers[0].wo, &m->layers[1].wq, &m->layers[1].w_down, &m->output};
  for (int i = 0; i < 4; i++) trials[i].format = mx_matrix_format_whole(matrices[i]->cols, &f, (mx_act_format){MX_BITS_8, false});
  mx_error e = {0};
  int blas = mx_blas_single();
  assert_int_equal(mx_sensitivity_measure(&source, &c, 2, trials, 4, &e), MX_OK);
  mx_blas_restore(blas);
  for (int i = 0; i < 4; i++) {
    double want = brute_loss(m, matrices[i], &f);
    if (!(fabs(trials[i].loss - want) < 0.3 * want)) fail_msg("trial %d: %g, expected %g", i, trials[i].loss, want);
  }
  mx_calibration_free(&c);
  mx_model_free(m);
}

static void test_not_finite(void **state) {
  (void)state;
  static const char *const methods[] = {"mixed=5", "mixed=5+trace"};
  for (int i = 0; i < 2; i++) {
    mx_model *m = test_model(&config, false, 15);
    for (uint32_t k = 0; k < 64; k++) m->layers[1].ffn_norm.data[k] = 3e38f;
    mx_plan p = uniform("mxint4", MX_BITS_8);
    mx_error e;
    assert_int_equal(mix(m, methods[i], 1, &p, &e), MX_FORMAT);
    mx_plan_free(&p);
    mx_model_free(m);
  }
}

// ---- channels ----------------------------------------------------------------------

static void assert_permutation(const uint32_t *order, uint32_t n) {
  bool seen[128] = {false};
  for (uint32_t i = 0; i < n; i++) {
    assert_true(order[i] < n && !seen[order[i]]);
    seen[order[i]] = true;
  }
}

static void test_order(void **state) {
  (void)state;
  mx_model *m = test_model(&config, false, 16);
  mx_calibration c = random_text();
  mx_source source = {.model = m};
  mx_weight_format f = format_of("mxint4");
  mx_rotation r;
  mx_error e = {0};
  for (uint32_t l = 0; l < 2; l++) {
    m->layers[l].attn_norm.data[41] = m->layers[l].ffn_norm.data[41] = m->output_norm.data[41] = 20;
    for (uint32_t i = 0; i < 64; i++) m->layers[l].w_up.data[(50 + l) * 64 + i] *= 30;
  }
  int blas = mx_blas_single();
  assert_int_equal(mx_mixed_order(&source, &f, &c, 2, &r, &e), MX_OK);
  mx_blas_restore(blas);
  assert_int_equal(r.basis.hadamard, 0);
  assert_permutation(r.basis.order, 64);
  assert_int_equal(r.basis.order[0], 41);
  for (uint32_t l = 0; l < 2; l++) {
    assert_permutation(r.hidden[l], 72);
    assert_int_equal(r.hidden[l][0], 50 + l);
    free(r.hidden[l]);
  }
  free(r.hidden);
  free(r.basis.order);
  mx_calibration_free(&c);
  mx_model_free(m);
}

// With large channels in front and little to spend, their part gets the bits.
static void test_splits(void **state) {
  (void)state;
  mx_model *m = test_model(&config, false, 17);
  for (uint32_t l = 0; l < 2; l++)
    for (uint32_t i = 0; i < 32; i++) m->layers[l].attn_norm.data[i] = m->layers[l].ffn_norm.data[i] = 12;
  mx_plan p = mixed(m, "mxint4", MX_BITS_4, "mixed=5.2+channels", 2);
  uint32_t split = 0;
  for (uint32_t l = 0; l < 2; l++)
    for (unsigned input = 0; input < MX_INPUT_HEAD; input++) {
      unsigned first, count;
      mx_input_consumers((mx_input)input, &first, &count);
      for (unsigned i = first; i < first + count; i++) {
        const mx_matrix_format *f = mx_plan_matrix(&p, l, i), *other = mx_plan_matrix(&p, l, first);
        assert_int_equal(f->n_parts, other->n_parts);
        for (unsigned k = 0; k < f->n_parts; k++) {
          assert_int_equal(f->part[k].cols, other->part[k].cols);
          assert_int_equal(f->part[k].acts.bits, other->part[k].acts.bits);
        }
        if (f->n_parts == 1) continue;
        split++;
        assert_true(i != WO && f->part[0].cols % 32 == 0 && f->part[0].acts.bits == MX_BITS_8);
        assert_true(f->part[0].weights.stream.bits == MX_BITS_8 && f->part[1].acts.bits == MX_BITS_4);
      }
    }
  assert_true(split > 0);
  mx_plan_free(&p);
  mx_model_free(m);
}

// ---- report ------------------------------------------------------------------------

static void test_print(void **state) {
  (void)state;
  mx_plan p = uniform("mxint4", MX_BITS_4);
  mx_weight_format wide = format_of("mxint8"), base = format_of("mxint4");
  p.head = (mx_matrix_format){2, {{32, wide, {MX_BITS_8, false}}, {32, base, {MX_BITS_4, true}}}};
  FILE *f = tmpfile();
  assert_non_null(f);
  mx_plan_print(&p, f);
  rewind(f);
  char line[200];
  int lines = 0;
  while (fgets(line, sizeof line, f)) {
    if (lines == 7) assert_string_equal(line, "blk.1.attn_q          4.250  mxint4:32 x mxint4, 64 columns\n");
    lines++;
  }
  assert_int_equal(lines, 15);
  assert_string_equal(line, "output                6.250  mxint8:32 x mxint8, 32 columns  mxint4:32 x int4, 32 columns\n");
  fclose(f);
  mx_plan_free(&p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_knapsack), cmocka_unit_test(test_knapsack_steps), cmocka_unit_test(test_budget),
      cmocka_unit_test(test_too_small), cmocka_unit_test(test_cycles), cmocka_unit_test(test_sensitive),
      cmocka_unit_test(test_threads), cmocka_unit_test(test_measure), cmocka_unit_test(test_not_finite),
      cmocka_unit_test(test_order), cmocka_unit_test(test_splits), cmocka_unit_test(test_print)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
