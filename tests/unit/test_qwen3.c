// Qwen3 files: written here in their own order, in which RoPE turns the pairs
// (i, i + head_dim / 2), they compute what that order says; their tokenizer is refused.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/import/gguf.h"
#include "compiler/import/llama2c.h"
#include "compiler/ref/reference.h"
#include "tests/unit/gguf_writer.h"
#include "tests/unit/small_model.h"

static const mx_config config = {.dim = 12, .hidden_dim = 20, .n_layers = 2, .n_heads = 4, .n_kv_heads = 2, .head_dim = 8,
                                 .vocab_size = TEST_VOCAB, .context_length = 32, .rope_theta = 1000000.0f, .rms_eps = 1e-6f,
                                 .head_norms = 1};

// ---- files -----------------------------------------------------------------------

static void put_sizes(gguf_writer *w) {
  static const struct { const char *key; uint32_t value; } sizes[] = {
      {"block_count", 2}, {"context_length", 32}, {"embedding_length", 12}, {"feed_forward_length", 20},
      {"attention.head_count", 4}, {"attention.head_count_kv", 2}, {"attention.key_length", 8}, {"attention.value_length", 8}};
  char key[64];
  gguf_string(w, "general.architecture", "qwen3");
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    snprintf(key, sizeof key, "qwen3.%s", sizes[i].key);
    gguf_u32(w, key, sizes[i].value);
  }
  gguf_f32(w, "qwen3.rope.freq_base", config.rope_theta);
  gguf_f32(w, "qwen3.attention.layer_norm_rms_epsilon", config.rms_eps);
  gguf_string(w, "tokenizer.ggml.model", "gpt2");
  gguf_string(w, "tokenizer.ggml.pre", "qwen2");
}

// The tensors of m as they are; `without` is left out.
static test_buffer file_of(const mx_model *m, uint32_t type, const char *without) {
  gguf_writer w = {0};
  put_sizes(&w);
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *t = mx_model_matrix(m, i, name);
    if (!without || strcmp(name, without)) gguf_tensor(&w, name, t, t->rows == 1 ? MX_GGML_F32 : type);
  }
  return gguf_finish(&w);
}

// llama2.c's file for the tokenizer that stands in for the model's own.
static void tokenizer_file(char path[TEST_PATH_BYTES]) {
  test_buffer b = {0};
  test_put_u32(&b, 8);
  for (int i = 0; i < TEST_VOCAB; i++) {
    char text[16];
    int n = i < 3 || i >= 259 ? snprintf(text, sizeof text, "<%d>", i) : snprintf(text, sizeof text, "<0x%02X>", i - 3);
    test_put_f32(&b, -(float)i);
    test_put_u32(&b, (uint32_t)n);
    test_put(&b, text, (size_t)n);
  }
  test_write_file(b.data, b.size, path);
  free(b.data);
}

static mx_status load(const test_buffer *file, const char *tokenizer, mx_model **out, mx_error *e) {
  *e = (mx_error){0};
  mx_status s = mx_gguf_open(file->data, file->size, "x.gguf", tokenizer, out, e);
  if (!s && (s = mx_model_convert(*out, e))) {
    mx_model_free(*out);
    *out = NULL;
  }
  return s;
}

// ---- the plain computation, in the file's order ------------------------------------

enum { TOKENS = 9, HEAD = 8, HALF = HEAD / 2, Q = 32, KV = 16, DIM = 12, HIDDEN = 20 };
static const int32_t tokens[TOKENS] = {1, 270, 3, 3, 99, 265, 279, 42, 7};

static void apply(const mx_matrix *w, const double *x, double *y) {
  for (uint32_t r = 0; r < w->rows; r++) {
    y[r] = 0;
    for (uint32_t i = 0; i < w->cols; i++) y[r] += (double)w->data[(size_t)r * w->cols + i] * x[i];
  }
}

static void norm(const mx_matrix *gain, const double *x, double *y) {
  double mean = 0;
  for (uint32_t i = 0; i < gain->cols; i++) mean += x[i] * x[i] / gain->cols;
  for (uint32_t i = 0; i < gain->cols; i++) y[i] = x[i] / sqrt(mean + (double)config.rms_eps) * (double)gain->data[i];
}

// Each head normed, then turned: element i with element i + HALF.
static void finish_heads(const mx_matrix *gain, double *x, uint32_t heads, uint32_t position) {
  for (uint32_t h = 0; h < heads; h++, x += HEAD) {
    norm(gain, x, x);
    for (uint32_t i = 0; i < HALF; i++) {
      double angle = position * pow((double)config.rope_theta, -2.0 * i / HEAD), a = x[i], b = x[i + HALF];
      x[i] = a * cos(angle) - b * sin(angle);
      x[i + HALF] = b * cos(angle) + a * sin(angle);
    }
  }
}

static void attend(double q[Q], double k[TOKENS][KV], double v[TOKENS][KV], uint32_t t, double mix[Q]) {
  for (uint32_t h = 0; h < 4; h++) {
    double weight[TOKENS], sum = 0;
    for (uint32_t u = 0; u <= t; u++) {
      double score = 0;
      for (uint32_t i = 0; i < HEAD; i++) score += q[h * HEAD + i] * k[u][h / 2 * HEAD + i];
      sum += weight[u] = exp(score / sqrt(HEAD));
    }
    for (uint32_t i = 0; i < HEAD; i++) {
      mix[h * HEAD + i] = 0;
      for (uint32_t u = 0; u <= t; u++) mix[h * HEAD + i] += weight[u] / sum * v[u][h / 2 * HEAD + i];
    }
  }
}

static void attention(const mx_layer *l, double x[TOKENS][DIM]) {
  static double q[TOKENS][Q], k[TOKENS][KV], v[TOKENS][KV];
  for (uint32_t t = 0; t < TOKENS; t++) {
    double h[DIM], mix[Q], y[DIM];
    norm(&l->attn_norm, x[t], h);
    apply(&l->wq, h, q[t]);
    apply(&l->wk, h, k[t]);
    apply(&l->wv, h, v[t]);
    finish_heads(&l->q_norm, q[t], 4, t);
    finish_heads(&l->k_norm, k[t], 2, t);
    attend(q[t], k, v, t, mix);
    apply(&l->wo, mix, y);
    for (uint32_t i = 0; i < DIM; i++) x[t][i] += y[i];
  }
}

static void feed_forward(const mx_layer *l, double x[DIM]) {
  double h[DIM], gate[HIDDEN], up[HIDDEN], y[DIM];
  norm(&l->ffn_norm, x, h);
  apply(&l->w_gate, h, gate);
  apply(&l->w_up, h, up);
  for (uint32_t i = 0; i < HIDDEN; i++) gate[i] *= up[i] / (1 + exp(-gate[i]));
  apply(&l->w_down, gate, y);
  for (uint32_t i = 0; i < DIM; i++) x[i] += y[i];
}

static void plain_logits(const mx_model *m, double out[TOKENS][TEST_VOCAB]) {
  double x[TOKENS][DIM], h[DIM];
  for (uint32_t t = 0; t < TOKENS; t++)
    for (uint32_t i = 0; i < DIM; i++) x[t][i] = (double)m->token_embd.data[tokens[t] * DIM + (int)i];
  for (uint32_t k = 0; k < config.n_layers; k++) {
    attention(&m->layers[k], x);
    for (uint32_t t = 0; t < TOKENS; t++) feed_forward(&m->layers[k], x[t]);
  }
  for (uint32_t t = 0; t < TOKENS; t++) {
    norm(&m->output_norm, x[t], h);
    apply(&m->output, h, out[t]);
  }
}

// ---- tests -----------------------------------------------------------------------------

// What the file's type keeps of each weight.
static void truncate_weights(mx_model *m, uint32_t type) {
  uint32_t keep = type == MX_GGML_F32 ? ~0u : type == MX_GGML_F16 ? ~0x1fffu : ~0xffffu;
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    mx_matrix *w = mx_model_matrix(m, i, name);
    for (size_t k = 0; k < (size_t)w->rows * w->cols && w->rows > 1; k++) {
      uint32_t bits;
      memcpy(&bits, &w->data[k], sizeof bits);
      bits &= keep;
      memcpy(&w->data[k], &bits, sizeof bits);
      if (type == MX_GGML_F16 && fabsf(w->data[k]) < 0x1p-14f) w->data[k] = 0;
    }
  }
}

static void check_type(uint32_t type, bool tied, const char *tokenizer) {
  static double want[TOKENS][TEST_VOCAB];
  static float got[TOKENS * TEST_VOCAB];
  mx_model *m = test_model(&config, tied, 5), *back;
  test_buffer file = file_of(m, type, NULL);
  mx_error e;
  mx_reference *r;
  if (load(&file, tokenizer, &back, &e)) fail_msg("%s", e.text);
  assert_memory_equal(&back->config, &config, sizeof config);
  assert_non_null(strstr(back->format, "RoPE pairs put side by side"));
  truncate_weights(m, type);
  plain_logits(m, want);
  assert_int_equal(mx_reference_new(back, TOKENS, &r, &e), MX_OK);
  assert_int_equal(mx_reference_forward(r, tokens, TOKENS, got, &e), MX_OK);
  for (uint32_t i = 0; i < TOKENS * TEST_VOCAB; i++)
    if (!(fabs(want[i / TEST_VOCAB][i % TEST_VOCAB] - (double)got[i]) < 1e-4)) fail_msg("logit %u differs", i);
  mx_reference_free(r);
  mx_model_free(m);
  mx_model_free(back);
  free(file.data);
}

static void test_files(void **state) {
  (void)state;
  static const uint32_t types[] = {MX_GGML_F32, MX_GGML_F16, MX_GGML_BF16};
  char path[TEST_PATH_BYTES];
  tokenizer_file(path);
  for (int i = 0; i < 6; i++) check_type(types[i / 2], i % 2, path);
  remove(path);
}

static void test_tokenizer_refused(void **state) {
  (void)state;
  mx_model *m = test_model(&config, true, 5), *back;
  test_buffer file = file_of(m, MX_GGML_F32, NULL);
  mx_error e;
  assert_int_equal(load(&file, NULL, &back, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, "tokenizer.ggml.model is 'gpt2' (qwen2); only 'llama' (SentencePiece) is supported"));
  mx_model_free(m);
  free(file.data);
}

static void test_tensors_missing(void **state) {
  (void)state;
  static const char *const names[] = {"blk.0.attn_q_norm.weight", "blk.1.attn_k_norm.weight", "blk.1.attn_q.weight"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    mx_model *m = test_model(&config, true, 5), *back;
    test_buffer file = file_of(m, MX_GGML_F32, names[i]);
    mx_error e;
    assert_int_equal(load(&file, NULL, &back, &e), MX_FORMAT);
    if (!strstr(e.text, names[i]) || !strstr(e.text, "is missing")) fail_msg("'%s'", e.text);
    mx_model_free(m);
    free(file.data);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_tokenizer_refused),
                                     cmocka_unit_test(test_tensors_missing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
