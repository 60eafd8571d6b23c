// compiler/quant/prefix.h: outlier tokens are found, their cache is what a text
// that begins with them would leave, and behind them activations are tame.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/forward.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/prefix.h"
#include "compiler/quant/quantize.h"
#include "golden/isa.h"
#include "tests/unit/quantized_forward.h"
#include "tests/unit/small_model.h"

static const mx_config config = {.dim = 24, .hidden_dim = 40, .n_layers = 2, .n_heads = 6, .n_kv_heads = 3,
                                 .head_dim = 4, .vocab_size = TEST_VOCAB, .context_length = 48,
                                 .rope_theta = 1e12f, .rms_eps = 1e-5f};
enum { BOS = 1, MASSIVE = 100, LENGTH = 40, SEQUENCES = 16 };

// ---- a model with an outlier token -----------------------------------------------

// Channels of the residual stream that carry meaning; the rest is random.
enum { IS_MASSIVE, SEES_BOS, IS_BOS, IS_OTHER, MEANINGS };

static void set(mx_matrix *m, uint32_t row, uint32_t col, float v) { m->data[row * m->cols + col] = v; }

static void clear_rows(mx_matrix *m, uint32_t rows) { memset(m->data, 0, (size_t)rows * m->cols * sizeof *m->data); }

static void clear_columns(mx_matrix *m, uint32_t cols) {
  for (uint32_t r = 0; r < m->rows; r++)
    for (uint32_t c = 0; c < cols; c++) m->data[r * m->cols + c] = 0;
}

static void mark_tokens(mx_matrix *embedding) {
  for (uint32_t t = 0; t < embedding->rows; t++) {
    for (uint32_t c = 0; c < MEANINGS; c++) set(embedding, t, c, 0);
    set(embedding, t, t == MASSIVE ? IS_MASSIVE : t == BOS ? IS_BOS : IS_OTHER, 4);
  }
}

// Head 0 of layer 0 looks at the massive token and BOS only, from the massive
// token, in pair 1, which RoPE hardly turns; it brings IS_BOS to SEES_BOS: half
// of it where the token is met first, a third where it was met before.
static void make_head(mx_layer *l) {
  uint32_t hd = config.head_dim;
  clear_rows(&l->wq, hd);
  clear_rows(&l->wk, hd);
  clear_rows(&l->wv, hd);
  set(&l->wq, 2, IS_MASSIVE, 10);
  set(&l->wk, 2, IS_OTHER, -10);
  set(&l->wv, 0, IS_BOS, 1);
  clear_rows(&l->wo, MEANINGS);
  clear_columns(&l->wo, hd);
  set(&l->wo, SEES_BOS, 0, 1);
}

// Hidden channel 0 of layer 0 is massive where the token is and sees much of BOS.
static void make_channel(mx_layer *l) {
  clear_columns(&l->w_gate, MEANINGS);
  clear_columns(&l->w_up, MEANINGS);
  clear_rows(&l->w_gate, 1);
  clear_rows(&l->w_up, 1);
  set(&l->w_gate, 0, SEES_BOS, 800);
  set(&l->w_gate, 0, IS_MASSIVE, -336);
  set(&l->w_up, 0, IS_MASSIVE, 500);
  clear_columns(&l->w_down, 1);
  set(&l->w_down, 8, 0, 1e-4f);
}

static mx_model *massive_model(void) {
  mx_model *m = test_model(&config, false, 71);
  mark_tokens(&m->token_embd);
  mx_layer *l = &m->layers[0];
  for (uint32_t c = 0; c < config.dim; c++) l->attn_norm.data[c] = l->ffn_norm.data[c] = 1;
  make_head(l);
  make_channel(l);
  return m;
}

// BOS itself is massive, and nothing else.
static mx_model *massive_bos_model(void) {
  mx_model *m = test_model(&config, false, 72);
  mark_tokens(&m->token_embd);
  mx_layer *l = &m->layers[0];
  for (uint32_t c = 0; c < config.dim; c++) l->ffn_norm.data[c] = 1;
  clear_rows(&l->wo, MEANINGS);
  make_channel(l);
  set(&l->w_gate, 0, IS_MASSIVE, 0);
  set(&l->w_gate, 0, IS_BOS, 100);
  set(&l->w_up, 0, IS_BOS, 100);
  return m;
}

// Each of `of` sequences has the massive token twice, the others not at all.
static mx_calibration text(uint32_t of, uint64_t seed) {
  test_random r = {seed};
  mx_calibration c = {.n_sequences = SEQUENCES, .n_tokens = SEQUENCES * LENGTH,
                      .starts = malloc((SEQUENCES + 1) * sizeof(uint32_t)), .tokens = malloc(SEQUENCES * LENGTH * sizeof(int32_t))};
  assert_true(c.starts && c.tokens);
  for (uint32_t i = 0; i <= SEQUENCES; i++) c.starts[i] = i * LENGTH;
  for (uint32_t i = 0; i < c.n_tokens; i++) c.tokens[i] = (int32_t)(MASSIVE + 1 + test_random_below(&r, TEST_VOCAB - MASSIVE - 1));
  for (uint32_t i = 0; i < SEQUENCES; i++) {
    c.tokens[i * LENGTH] = BOS;
    if (i < of) c.tokens[i * LENGTH + 3 + i] = c.tokens[i * LENGTH + 25] = MASSIVE;
  }
  return c;
}

static mx_prefix find(const mx_model *m, const mx_calibration *c, uint32_t count, unsigned threads) {
  mx_prefix p;
  mx_error e = {0};
  int blas = mx_blas_single();
  if (mx_prefix_find(&(mx_source){.model = m}, c, count, threads, &p, &e)) fail_msg("%s", e.text);
  mx_blas_restore(blas);
  return p;
}

// ---- the choice ------------------------------------------------------------------

static void expect_prefix(mx_model *m, uint32_t of, uint32_t count, uint32_t n, const int32_t *want) {
  mx_calibration c = text(of, 5);
  mx_prefix p = find(m, &c, count, 2);
  assert_int_equal(p.n, n);
  if (n) assert_memory_equal(p.tokens, want, n * sizeof *want);
  mx_prefix_free(&p);
  mx_calibration_free(&c);
}

static void test_found(void **state) {
  (void)state;
  mx_model *m = massive_model(), *bos = massive_bos_model(), *plain = test_model(&config, true, 73);
  expect_prefix(m, SEQUENCES, 0, 2, (const int32_t[]){MASSIVE, BOS});
  expect_prefix(m, 2, 0, 2, (const int32_t[]){MASSIVE, BOS});
  expect_prefix(m, 1, 0, 0, NULL);  // once in 16 texts: not worth a token
  expect_prefix(m, 0, 0, 0, NULL);
  expect_prefix(bos, 0, 0, 1, (const int32_t[]){BOS});
  expect_prefix(plain, SEQUENCES, 0, 0, NULL);
  mx_model_free(m);
  mx_model_free(bos);
  mx_model_free(plain);
}

static void test_count(void **state) {
  (void)state;
  mx_model *m = massive_model(), *plain = test_model(&config, true, 73);
  mx_calibration c = text(SEQUENCES, 5);
  mx_prefix a = find(m, &c, 3, 1), b = find(plain, &c, 2, 1);
  assert_int_equal(a.n, 4);
  assert_int_equal(a.tokens[0], MASSIVE);
  assert_int_equal(a.tokens[3], BOS);
  assert_int_equal(b.n, 3);
  assert_true(b.tokens[0] != b.tokens[1] && b.tokens[2] == BOS);
  mx_prefix_free(&a);
  mx_prefix_free(&b);
  mx_calibration_free(&c);
  mx_model_free(m);
  mx_model_free(plain);
}

// ---- what it leaves --------------------------------------------------------------

// A forward pass that takes the cache gives what one that computes it gives, and
// the stored logits are those after the prefix.
static void test_cache(void **state) {
  (void)state;
  mx_model *m = massive_model();
  mx_calibration c = text(SEQUENCES, 5), with;
  mx_prefix p = find(m, &c, 2, 2);
  mx_error e = {0};
  assert_int_equal(mx_prefix_prepend(&c, &p, config.context_length, &with, &e), MX_OK);
  float *want = test_float_logits(m, &with, 2);
  for (uint32_t k = 0; k < TEST_VOCAB; k++)
    assert_true(fabsf(want[(size_t)(p.n - 1) * TEST_VOCAB + k] - p.logits[k]) < 1e-4f);
  mx_forward f;
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &with, 2, &f, &e), MX_OK);
  float *got = malloc((size_t)with.n_tokens * TEST_VOCAB * sizeof *got);
  assert_non_null(got);
  for (uint32_t i = 0; i < config.n_layers; i++) {
    mx_forward_set_prefix(&f, &p, i);
    mx_forward_layer(&f, &m->layers[i], NULL, NULL);
  }
  mx_forward_norm(&f, &m->output_norm, MX_INPUT_HEAD);
  mx_forward_multiply(&f, &m->output, f.h, got);
  for (size_t k = 0; k < (size_t)with.n_tokens * TEST_VOCAB; k++) assert_true(fabsf(want[k] - got[k]) < 1e-3f);
  // It is the cache that counts.
  mx_forward g;
  assert_int_equal(mx_forward_new(&(mx_source){.model = m}, &with, 1, &g, &e), MX_OK);
  memset(p.values, 0, (size_t)config.n_layers * p.n * g.kv_dim * sizeof *p.values);
  mx_forward_set_prefix(&g, &p, 0);
  mx_forward_layer(&g, &m->layers[0], NULL, NULL);
  for (uint32_t k = 0; k < p.n * g.kv_dim; k++) assert_true(g.v[k] == 0);
  mx_forward_free(&g);
  mx_forward_free(&f);
  free(want);
  free(got);
  mx_prefix_free(&p);
  mx_calibration_free(&c);
  mx_calibration_free(&with);
  mx_model_free(m);
}

static void test_prepend(void **state) {
  (void)state;
  int32_t ids[3] = {7, 8, BOS};
  mx_prefix p = {.n = 3, .tokens = ids};
  uint32_t starts[4] = {0, 1, 4, 10};
  int32_t tokens[10] = {BOS, BOS, 20, 21, BOS, 30, 31, 32, 33, 34};
  mx_calibration c = {.n_sequences = 3, .n_tokens = 10, .starts = starts, .tokens = tokens}, out;
  static const int32_t want[] = {7, 8, BOS, 7, 8, BOS, 20, 21, 7, 8, BOS, 30, 31, 32, 33};
  static const uint32_t want_starts[] = {0, 3, 8, 15};
  mx_error e = {0};
  assert_int_equal(mx_prefix_prepend(&c, &p, 7, &out, &e), MX_OK);
  assert_int_equal(out.n_prefix, 3);
  assert_int_equal(out.n_tokens, 15);
  assert_memory_equal(out.starts, want_starts, sizeof want_starts);
  assert_memory_equal(out.tokens, want, sizeof want);
  mx_calibration_free(&out);
  assert_int_equal(mx_prefix_prepend(&c, &p, 3, &out, &e), MX_USAGE);
  e = (mx_error){0};
  tokens[4] = 5;
  assert_int_equal(mx_prefix_prepend(&c, &p, 7, &out, &e), MX_USAGE);
  assert_non_null(strstr(e.text, "sequence 2"));
}

// ---- quantized -------------------------------------------------------------------

typedef struct {
  double error;    // mean square of the logits, against FP32, over their mean square
  uint32_t n;      // tokens of the prefix
} quality;

// W8A8 with what `methods` says, against FP32 on the same tokens.
static quality measure(const char *methods, unsigned threads, mx_qmodel **keep) {
  mx_model *m = massive_model(), *exact = massive_model();
  mx_calibration c = text(SEQUENCES, 5), held = text(SEQUENCES, 6), with = held;
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_8, .calibration = &c, .threads = threads};
  mx_qmodel *q;
  mx_error e = {0};
  assert_int_equal(mx_weight_format_parse("mxint8:16", &o.weights, &e), MX_OK);
  assert_int_equal(mx_methods_parse(methods, &o.methods, &e), MX_OK);
  if (mx_quantize_model(m, &o, &q, &e)) fail_msg("%s", e.text);
  if (q->prefix.n) assert_int_equal(mx_prefix_prepend(&held, &q->prefix, config.context_length, &with, &e), MX_OK);
  float *want = test_float_logits(exact, &with, threads), *got = test_quantized_logits(q, &with, threads);
  double off = 0, size = 0;
  for (uint32_t i = 0; i < with.n_sequences; i++)
    for (size_t k = (with.starts[i] + (size_t)with.n_prefix) * TEST_VOCAB; k < (size_t)with.starts[i + 1] * TEST_VOCAB; k++) {
      off += ((double)got[k] - want[k]) * ((double)got[k] - want[k]);
      size += (double)want[k] * want[k];
    }
  quality r = {off / size, q->prefix.n};
  if (q->prefix.n) mx_calibration_free(&with);
  mx_calibration_free(&held);
  mx_calibration_free(&c);
  free(want);
  free(got);
  mx_model_free(m);
  mx_model_free(exact);
  if (keep) *keep = q;
  else mx_qmodel_free(q);
  return r;
}

// One step for all tokens loses the others where one is massive; behind the
// prefix none is.
static void test_static_needs_prefix(void **state) {
  (void)state;
  quality bare = measure("static=max", 2, NULL), prefixed = measure("prefix,static=max", 2, NULL);
  assert_int_equal(bare.n, 0);
  assert_int_equal(prefixed.n, 2);
  if (!(prefixed.error < 0.05 * bare.error)) fail_msg("%g with the prefix, %g without", prefixed.error, bare.error);
  assert_true(prefixed.error < 0.03);
}

// Scales that are folded into wv are those of the prefix's values too.
static void test_values_follow(void **state) {
  (void)state;
  static const char *const lists[] = {"prefix", "prefix,smoothquant=0.8+all", "prefix,static=max", "prefix,qsm+all", "prefix,awq=noclip,qsm+all"};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
    quality r = measure(lists[i], 2, NULL);
    assert_int_equal(r.n, 2);
    if (!(r.error < 0.05)) fail_msg("%s: %g", lists[i], r.error);
  }
}

static void test_same_bytes(void **state) {
  (void)state;
  mx_qmodel *q[2];
  for (unsigned i = 0; i < 2; i++) measure("prefix=2,static=search,gptq", 1 + 2 * i, &q[i]);
  size_t cache = (size_t)config.n_layers * q[0]->prefix.n * config.n_kv_heads * config.head_dim * sizeof(float);
  assert_int_equal(q[0]->prefix.n, q[1]->prefix.n);
  assert_memory_equal(q[0]->prefix.tokens, q[1]->prefix.tokens, q[0]->prefix.n * sizeof(int32_t));
  assert_memory_equal(q[0]->prefix.keys, q[1]->prefix.keys, cache);
  assert_memory_equal(q[0]->prefix.values, q[1]->prefix.values, cache);
  assert_memory_equal(q[0]->prefix.logits, q[1]->prefix.logits, TEST_VOCAB * sizeof(float));
  for (uint32_t l = 0; l < config.n_layers; l++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
      mx_qmatrix *a = mx_qlayer_matrix(&q[0]->layers[l], k, NULL), *b = mx_qlayer_matrix(&q[1]->layers[l], k, NULL);
      assert_memory_equal(a->codes, b->codes, (size_t)a->rows * a->cols);
      assert_memory_equal(a->scales, b->scales, (size_t)a->rows * mx_qmatrix_blocks(a) * sizeof *a->scales);
    }
  mx_qmodel_free(q[0]);
  mx_qmodel_free(q[1]);
}

// ---- refusals --------------------------------------------------------------------

static void refuse(mx_model *m, mx_calibration *c, uint32_t count, mx_status want, const char *says) {
  mx_prefix p;
  mx_error e = {0};
  assert_int_equal(mx_prefix_find(&(mx_source){.model = m}, c, count, 1, &p, &e), want);
  assert_non_null(strstr(e.text, says));
  assert_true(p.n == 0 && !p.tokens && !p.keys);
}

static void test_refusals(void **state) {
  (void)state;
  mx_model *m = massive_model();
  mx_calibration c = text(SEQUENCES, 5), none = {0};
  uint32_t zero = 0;
  none.starts = &zero;
  refuse(m, &none, 0, MX_USAGE, "no calibration text");
  c.tokens[9] = TEST_VOCAB;
  refuse(m, &c, 0, MX_USAGE, "vocabulary");
  c.tokens[9] = 9;
  m->config.context_length = 3;
  refuse(m, &c, 2, MX_USAGE, "no room");
  m->config.context_length = 48;
  m->layers[1].w_up.data[3] = INFINITY;
  refuse(m, &c, 0, MX_FORMAT, "blk.1.ffn_up");
  m->layers[1].w_up.data[3] = 3e38f;
  m->layers[1].w_gate.data[3] = 3e38f;
  refuse(m, &c, 0, MX_FORMAT, "blk.1");
  mx_tokenizer *t = m->tokenizer;
  m->tokenizer = NULL;
  refuse(m, &c, 0, MX_UNSUPPORTED, "no BOS");
  m->tokenizer = t;
  mx_calibration_free(&c);
  mx_model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_found),  cmocka_unit_test(test_count),         cmocka_unit_test(test_cache),
      cmocka_unit_test(test_prepend), cmocka_unit_test(test_static_needs_prefix),
      cmocka_unit_test(test_values_follow), cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
