// Models written as GGUF and read back, with random weights, twins that are hard
// to quantize.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/export/gguf_write.h"
#include "compiler/import/bytes.h"
#include "compiler/ref/reference.h"
#include "compiler/synth/random.h"
#include "compiler/synth/stress.h"
#include "compiler/synth/synth.h"
#include "golden/fp32.h"
#include "tests/unit/small_model.h"

static void new_path(char path[TEST_PATH_BYTES]) { test_write_file("", 0, path); }

static float half_value(uint16_t h) { return mx_float_of_bits(mx_fp_from_f16(h)); }

// ---- halves ----------------------------------------------------------------------

static void half_of_every_half(void **state) {
  (void)state;
  for (uint32_t h = 0; h < 0x10000; h++)
    if ((h & 0x7fff) < 0x7c00) assert_int_equal(mx_half_of_float(half_value((uint16_t)h)), h);
}

// Between two neighbours: the nearer one, and the even one from the middle.
static void half_rounds_to_nearest_even(void **state) {
  (void)state;
  for (uint16_t h = 0; h < 0x7bff; h++) {
    float low = half_value(h), high = half_value((uint16_t)(h + 1)), middle = (low + high) / 2;
    assert_int_equal(mx_half_of_float(middle), h + (h & 1));
    assert_int_equal(mx_half_of_float(nextafterf(middle, 0)), h);
    assert_int_equal(mx_half_of_float(-nextafterf(middle, high)), 0x8000 | (h + 1));
  }
  assert_int_equal(mx_half_of_float(65519.0f), 0x7bff);
  assert_int_equal(mx_half_of_float(65520.0f), 0x7c00);
  assert_int_equal(mx_half_of_float(-1e30f), 0xfc00);
  assert_int_equal(mx_half_of_float(INFINITY), 0x7c00);
  assert_true((mx_half_of_float(NAN) & 0x7fff) > 0x7c00);
}

// ---- writing ---------------------------------------------------------------------

static void check_tokenizers(const mx_tokenizer *a, const mx_tokenizer *b) {
  uint8_t x[1 << 14], y[1 << 14];
  size_t n = mx_tokenizer_write(a, x, sizeof x);
  assert_true(n <= sizeof x);
  assert_int_equal(mx_tokenizer_write(b, y, sizeof y), n);
  assert_memory_equal(x, y, n);
}

static void check_models(const mx_model *a, const mx_model *b, uint32_t type) {
  assert_memory_equal(&a->config, &b->config, sizeof a->config);
  assert_int_equal(a->tied, b->tied);
  for (uint32_t i = 0; i < mx_model_matrix_count(a); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *x = mx_model_matrix(a, i, name), *y = mx_model_matrix(b, i, name);
    for (size_t k = 0; k < (size_t)x->rows * x->cols; k++) {
      bool whole = x->rows == 1 || type == MX_GGML_F32;
      float expected = whole ? x->data[k] : half_value(mx_half_of_float(x->data[k]));
      if (y->data[k] != expected) fail_msg("%s[%zu] differs", name, k);
    }
  }
  check_tokenizers(a->tokenizer, b->tokenizer);
}

static void check_round_trip(uint32_t type, bool tied, bool head_norms) {
  char path[TEST_PATH_BYTES];
  mx_config config = test_small_config;
  config.head_dim = 6;
  config.head_norms = head_norms;
  mx_model *m = test_model(&config, tied, 3), *back;
  mx_error e = {0};
  new_path(path);
  assert_int_equal(mx_gguf_write_model(path, m, "a name", type, &e), MX_OK);
  assert_int_equal(mx_model_load(path, NULL, &back, &e), MX_OK);
  check_models(m, back, type);
  mx_model_free(back);
  mx_model_free(m);
  unlink(path);
}

static void model_comes_back(void **state) {
  (void)state;
  for (int tied = 0; tied < 2; tied++) {
    check_round_trip(MX_GGML_F32, tied, false);
    check_round_trip(MX_GGML_F16, tied, false);
    check_round_trip(MX_GGML_F32, tied, true);
    check_round_trip(MX_GGML_F16, tied, true);
  }
}

static void value_beyond_the_type(void **state) {
  (void)state;
  static const float bad[] = {65520.0f, INFINITY, NAN};
  for (size_t i = 0; i < 3; i++) {
    char path[TEST_PATH_BYTES];
    mx_model *m = test_model(&test_small_config, false, 3);
    mx_error e = {0};
    new_path(path);
    m->layers[1].w_up.data[5] = bad[i];
    assert_int_equal(mx_gguf_write_model(path, m, "x", MX_GGML_F16, &e), MX_LIMIT);
    assert_non_null(strstr(e.text, "blk.1.ffn_up.weight"));
    assert_int_equal(access(path, F_OK), 0);  // what was there stays
    mx_file f;
    assert_int_equal(mx_file_map(path, &f, &(mx_error){0}), MX_OK);
    assert_int_equal(f.size_bytes, 0);
    mx_file_unmap(&f);
    mx_model_free(m);
    unlink(path);
  }
}

static void no_folder(void **state) {
  (void)state;
  mx_model *m = test_model(&test_small_config, false, 3);
  mx_error e = {0};
  assert_int_equal(mx_gguf_write_model("/nonexistent/x.gguf", m, "x", MX_GGML_F32, &e), MX_IO);
  mx_model_free(m);
}

// ---- random weights --------------------------------------------------------------

static mx_file synthesise(const mx_synth_options *o, char path[TEST_PATH_BYTES]) {
  mx_error e = {0};
  mx_file f;
  new_path(path);
  assert_int_equal(mx_synth_write(path, o, &e), MX_OK);
  assert_int_equal(mx_file_map(path, &f, &e), MX_OK);
  return f;
}

static bool same_bytes(const mx_synth_options *a, const mx_synth_options *b) {
  char x[TEST_PATH_BYTES], y[TEST_PATH_BYTES];
  mx_file f = synthesise(a, x), g = synthesise(b, y);
  bool same = f.size_bytes == g.size_bytes && !memcmp(f.data, g.data, f.size_bytes);
  mx_file_unmap(&f);
  mx_file_unmap(&g);
  unlink(x);
  unlink(y);
  return same;
}

static void bytes_by_seed_alone(void **state) {
  (void)state;
  const mx_synth_options one = {"tiny-test", 0, 1, MX_GGML_F16, 1}, three = {"tiny-test", 0, 1, MX_GGML_F16, 3},
                         other = {"tiny-test", 0, 2, MX_GGML_F16, 1};
  assert_true(same_bytes(&one, &three));
  assert_false(same_bytes(&one, &other));
}

static double root_mean_square(const mx_matrix *m) {
  double sum = 0;
  size_t n = (size_t)m->rows * m->cols;
  for (size_t i = 0; i < n; i++) sum += (double)m->data[i] * m->data[i];
  return sqrt(sum / (double)n);
}

static void weights_have_their_size(void **state) {
  (void)state;
  const mx_synth_options o = {"tiny-test", 3, 1, MX_GGML_F32, 1};
  char path[TEST_PATH_BYTES];
  mx_file f = synthesise(&o, path);
  mx_error e = {0};
  mx_model *m;
  assert_int_equal(mx_model_load(path, NULL, &m, &e), MX_OK);
  assert_int_equal(m->config.n_layers, 3);
  assert_true(fabs(root_mean_square(&m->output) * 8 - 1) < 0.1);
  assert_true(fabs(root_mean_square(&m->layers[2].w_up) * 8 - 1) < 0.1);
  assert_true(fabs(root_mean_square(&m->layers[2].wo) * 8 * sqrt(6) - 1) < 0.1);
  assert_memory_not_equal(m->layers[0].wq.data, m->layers[1].wq.data, 64);
  mx_model_free(m);
  mx_file_unmap(&f);
  unlink(path);
}

static void normal_numbers(void **state) {
  (void)state;
  enum { N = 100000 };
  double sum[5] = {0};
  mx_random_init();
  for (uint32_t i = 0; i < N; i++) {
    double v = (double)mx_random_normal(mx_random_key(5, 9), i);
    for (int k = 1; k < 5; k++) sum[k] += pow(v, k) / N;
  }
  assert_true(fabs(sum[1]) < 0.02);
  assert_true(fabs(sum[2] - 1) < 0.02);
  assert_true(fabs(sum[3]) < 0.05);
  assert_true(fabs(sum[4] - 3) < 0.15);
}

static void synthetic_tokenizer_takes_text(void **state) {
  (void)state;
  static const char text[] = "ab \xc3\xa9\xff";
  mx_tokenizer *t;
  mx_error e = {0};
  int32_t ids[16];
  size_t n;
  assert_int_equal(mx_synth_tokenizer(300, &t, &e), MX_OK);
  assert_int_equal(mx_tokenizer_encode(t, text, 6, true, ids, 16, &n, &e), MX_OK);
  assert_int_equal(ids[0], 1);
  char back[16], *at = back;
  for (size_t i = 1; i < n; i++) {
    size_t length;
    assert_int_equal(mx_tokenizer_decode(t, ids[i - 1], ids[i], at, 8, &length), MX_OK);
    at += length;
  }
  assert_int_equal(at - back, 6);
  assert_memory_equal(back, text, 6);
  mx_tokenizer_free(t);
  assert_int_equal(mx_synth_tokenizer(259, &t, &e), MX_USAGE);
}

static void shapes(void **state) {
  (void)state;
  mx_config c;
  bool tied;
  mx_synth_options o = {.shape = "llama2-7b", .layers = 4};
  assert_int_equal(mx_synth_config(&o, &c, &tied, &(mx_error){0}), MX_OK);
  assert_int_equal(c.n_layers, 4);
  o.shape = "qwen3-0.6b";
  assert_int_equal(mx_synth_config(&o, &c, &tied, &(mx_error){0}), MX_OK);
  assert_true(tied && c.head_norms);
  assert_int_equal(c.n_heads * c.head_dim, 2048);  // of 1024 channels
  o.shape = "qwen";
  assert_int_equal(mx_synth_config(&o, &c, &tied, &(mx_error){0}), MX_USAGE);
}

// ---- twins -----------------------------------------------------------------------

enum { SEQUENCE = 12 };

static const mx_config twin_config = {.dim = 192, .hidden_dim = 40, .n_layers = 3, .n_heads = 4, .n_kv_heads = 2,
                                      .head_dim = 8, .vocab_size = TEST_VOCAB, .context_length = 64,
                                      .rope_theta = 10000.0f, .rms_eps = 1e-5f};

// Largest inputs of a layer's w_down: of BOS, of the token at COMMA_AT, of the others.
enum { COMMA = 265, COMMA_AT = 8 };
typedef struct {
  const mx_matrix *down;
  float bos, comma, others;
} down_inputs;

static void watch_down(void *self, const mx_matrix *w, const float *x, uint32_t n) {
  down_inputs *d = self;
  for (size_t i = 0; w == d->down && i < (size_t)n * w->cols; i++) {
    size_t at = i / w->cols;
    float *most = at == 0 ? &d->bos : at == COMMA_AT ? &d->comma : &d->others;
    *most = fmaxf(*most, fabsf(x[i]));
  }
}

static void run(const mx_model *m, down_inputs *d, float *logits) {
  static const int32_t tokens[SEQUENCE] = {1, 262, 270, 4, 100, 33, 261, 275, COMMA, 8, 9, 262};
  mx_reference *r;
  mx_error e = {0};
  assert_int_equal(mx_reference_new(m, SEQUENCE, &r, &e), MX_OK);
  if (d) mx_reference_observe(r, watch_down, d);
  assert_int_equal(mx_reference_forward(r, tokens, SEQUENCE, logits, &e), MX_OK);
  mx_reference_free(r);
}

static void check_same_logits(const float *a, const float *b) {
  float most = 0, off = 0;
  for (int i = 0; i < SEQUENCE * TEST_VOCAB; i++) {
    most = fmaxf(most, fabsf(a[i]));
    off = fmaxf(off, fabsf(a[i] - b[i]));
  }
  if (off > 5e-5f * most) fail_msg("logits up to %g are off by %g", (double)most, (double)off);
}

static float column_ratio(const mx_matrix *w) {  // of the smallest and the largest column
  float least = INFINITY, most = 0;
  for (uint32_t c = 0; c < w->cols; c++) {
    float sum = 0;
    for (uint32_t r = 0; r < w->rows; r++) sum += fabsf(w->data[(size_t)r * w->cols + c]);
    least = fminf(least, sum);
    most = fmaxf(most, sum);
  }
  return most / least;
}

// Layers that add little, and up to layer 1's feed-forward part as little as `early`,
// so that a token's own embedding tells it from others there.
static mx_model *twin_model(bool tied, float early) {
  mx_model *m = test_model(&twin_config, tied, 11);
  for (uint32_t i = 0; i < m->config.n_layers; i++) {
    mx_matrix *w[] = {&m->layers[i].wo, &m->layers[i].w_down};
    for (uint32_t k = 0; k < 2; k++)
      for (size_t j = 0; j < (size_t)w[k]->rows * w[k]->cols; j++) w[k]->data[j] *= 2 * i + k < 3 ? early : 0.01f;
  }
  return m;
}

static void channels_keep_the_function(void **state) {
  (void)state;
  for (int tied = 0; tied < 2; tied++) {
    static float before[SEQUENCE * TEST_VOCAB], after[SEQUENCE * TEST_VOCAB];
    mx_model *m = twin_model(tied, 0.01f);
    run(m, NULL, before);
    assert_int_equal(mx_stress_channels(m, 100, 1, &(mx_error){0}), MX_OK);
    run(m, NULL, after);
    check_same_logits(before, after);
    const mx_matrix *outliers[] = {&m->layers[0].wq, &m->layers[1].wo, &m->layers[2].w_gate, &m->layers[0].w_down, &m->output};
    for (size_t i = 0; i < 5; i++) assert_true(column_ratio(outliers[i]) > 10);
    mx_model_free(m);
  }
}

// Makes piece COMMA a comma, and `bos` BOS or none.
static void change_tokenizer(mx_model *m, int32_t bos) {
  mx_tokenizer_config c = *mx_tokenizer_get_config(m->tokenizer);
  mx_piece pieces[TEST_VOCAB];
  mx_tokenizer *changed;
  for (int32_t i = 0; i < TEST_VOCAB; i++) pieces[i] = mx_tokenizer_piece(m->tokenizer, i);
  pieces[COMMA].text = "\xe2\x96\x81,";
  pieces[COMMA].length_bytes = 4;
  c.bos = bos;
  assert_int_equal(mx_tokenizer_new(pieces, &c, MX_NOWHERE, &changed, &(mx_error){0}), MX_OK);
  mx_tokenizer_free(m->tokenizer);
  m->tokenizer = changed;
}

static void tokens_keep_the_function(void **state) {
  (void)state;
  static float before[SEQUENCE * TEST_VOCAB], after[SEQUENCE * TEST_VOCAB];
  mx_model *m = twin_model(true, 0.0001f);
  change_tokenizer(m, 1);
  run(m, NULL, before);
  assert_int_equal(mx_stress_tokens(m, 100, 1, &(mx_error){0}), MX_OK);
  assert_true(m->config.hidden_dim > twin_config.hidden_dim);
  down_inputs stressed = {.down = &m->layers[1].w_down}, plain = {.down = &m->layers[2].w_down};
  run(m, &stressed, after);
  check_same_logits(before, after);
  assert_true(stressed.bos > 10 * stressed.others);
  assert_true(stressed.comma > 5 * stressed.others && stressed.comma < stressed.bos);
  run(m, &plain, after);
  assert_true(plain.bos < 20 * plain.others && plain.comma < 5 * plain.others);
  mx_model_free(m);
}

static void tokens_need_bos(void **state) {
  (void)state;
  mx_model *m = test_model(&twin_config, true, 11);
  change_tokenizer(m, -1);
  assert_int_equal(mx_stress_tokens(m, 1000, 1, &(mx_error){0}), MX_UNSUPPORTED);
  mx_model_free(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(half_of_every_half),    cmocka_unit_test(half_rounds_to_nearest_even),
      cmocka_unit_test(model_comes_back),      cmocka_unit_test(value_beyond_the_type),
      cmocka_unit_test(no_folder),             cmocka_unit_test(bytes_by_seed_alone),
      cmocka_unit_test(weights_have_their_size), cmocka_unit_test(normal_numbers),
      cmocka_unit_test(synthetic_tokenizer_takes_text), cmocka_unit_test(shapes),
      cmocka_unit_test(channels_keep_the_function), cmocka_unit_test(tokens_keep_the_function),
      cmocka_unit_test(tokens_need_bos),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
