// llama2.c import: a file written here from its definition, and damaged ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "compiler/import/llama2c.h"
#include "tests/unit/gguf_writer.h"
#include "tests/unit/small_model.h"

static const mx_config config = {.dim = 8,
                                 .hidden_dim = 12,
                                 .n_layers = 2,
                                 .n_heads = 4,
                                 .n_kv_heads = 2,
                                 .head_dim = 2,
                                 .vocab_size = TEST_VOCAB,
                                 .context_length = 16,
                                 .rope_theta = 10000.0f,
                                 .rms_eps = 1e-5f};

static void put_matrix(test_buffer *b, const mx_matrix *m) {
  for (size_t i = 0; i < (size_t)m->rows * m->cols; i++) test_put_f32(b, m->data[i]);
}

// The model as llama2.c's export.py writes version 0.
static test_buffer file_of(const mx_model *m) {
  const mx_config *c = &m->config;
  test_buffer b = {0};
  const uint32_t vocab = m->tied ? c->vocab_size : -c->vocab_size;
  const uint32_t header[] = {c->dim,        c->hidden_dim, c->n_layers,      c->n_heads,
                             c->n_kv_heads, vocab,         c->context_length};
  for (int i = 0; i < 7; i++) test_put_u32(&b, header[i]);
  put_matrix(&b, &m->token_embd);
#define ALL(field) \
  for (uint32_t i = 0; i < c->n_layers; i++) put_matrix(&b, &m->layers[i].field);
  ALL(attn_norm) ALL(wq) ALL(wk) ALL(wv) ALL(wo) ALL(ffn_norm) ALL(w_gate) ALL(w_down) ALL(w_up)
#undef ALL
  put_matrix(&b, &m->output_norm);
  for (uint32_t i = 0; i < c->context_length * c->head_dim; i++) test_put_f32(&b, -77.0f);
  if (!m->tied) put_matrix(&b, &m->output);
  return b;
}

// The tokenizer as llama2.c's tokenizer.py writes it.
static test_buffer tokenizer_file_of(const mx_tokenizer *t) {
  test_buffer b = {0};
  test_put_u32(&b, 27);
  for (int32_t i = 0; i < TEST_VOCAB; i++) {
    mx_piece p = mx_tokenizer_piece(t, i);
    test_buffer text = {0};
    for (uint32_t k = 0; k < p.length_bytes;) {
      bool space = p.length_bytes - k >= 3 && memcmp(p.text + k, "\xe2\x96\x81", 3) == 0;
      test_put(&text, space ? " " : p.text + k, 1);
      k += space ? 3 : 1;
    }
    test_put_f32(&b, p.score);
    test_put_u32(&b, (uint32_t)text.size);
    test_put(&b, text.data, text.size);
    free(text.data);
  }
  return b;
}

typedef struct {
  test_buffer model, tokenizer;
  char tokenizer_path[TEST_PATH_BYTES];
  mx_model *source;
} fixture;

static fixture make(bool tied) {
  fixture f = {.source = test_model(&config, tied, 21)};
  f.model = file_of(f.source);
  f.tokenizer = tokenizer_file_of(f.source->tokenizer);
  test_write_file(f.tokenizer.data, f.tokenizer.size, f.tokenizer_path);
  return f;
}

static void drop(fixture *f) {
  unlink(f->tokenizer_path);
  mx_model_free(f->source);
  free(f->model.data);
  free(f->tokenizer.data);
}

static mx_status load(const fixture *f, const uint8_t *data, size_t size, mx_model **m,
                      mx_error *e) {
  uint8_t *copy = test_exact_copy(data, size);
  *e = (mx_error){0};
  mx_status s = mx_llama2c_open(copy, size, "m.bin", f->tokenizer_path, m, e);
  if (!s && (s = mx_model_convert(*m, e))) mx_model_free(*m);
  free(copy);
  return s;
}

// ---- good files ------------------------------------------------------------------------

static void check_equal(const mx_model *a, const mx_model *b) {
  assert_memory_equal(&a->config, &b->config, sizeof a->config);
  assert_int_equal(a->tied, b->tied);
  for (uint32_t i = 0; i < mx_model_matrix_count(a); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *x = mx_model_matrix(a, i, name), *y = mx_model_matrix(b, i, name);
    if (memcmp(x->data, y->data, (size_t)x->rows * x->cols * sizeof *x->data))
      fail_msg("%s differs", name);
  }
  assert_ptr_equal(b->output.data == b->token_embd.data, b->tied);
}

static void check_same_tokenizer(const mx_tokenizer *a, const mx_tokenizer *b) {
  uint8_t x[8192], y[8192];
  size_t n = mx_tokenizer_write(a, x, sizeof x);
  assert_in_range(n, 1, sizeof x);
  assert_int_equal(mx_tokenizer_write(b, y, sizeof y), n);
  assert_memory_equal(x, y, n);
}

static void check_round_trip(bool tied) {
  fixture f = make(tied);
  mx_model *m;
  mx_error e;
  if (load(&f, f.model.data, f.model.size, &m, &e)) fail_msg("%s", e.text);
  check_equal(f.source, m);
  check_same_tokenizer(f.source->tokenizer, m->tokenizer);
  mx_model_free(m);
  drop(&f);
}

static void test_round_trip(void **state) {
  (void)state;
  check_round_trip(true);
  check_round_trip(false);
}

static void test_load_by_path(void **state) {
  (void)state;
  fixture f = make(true);
  char path[TEST_PATH_BYTES];
  mx_model *m;
  mx_error e = {0};
  test_write_file(f.model.data, f.model.size, path);
  assert_int_equal(mx_model_load(path, f.tokenizer_path, &m, &e), MX_OK);
  mx_model_free(m);
  assert_int_equal(mx_model_load(path, NULL, &m, &e), MX_USAGE);
  assert_non_null(strstr(e.text, "--tokenizer"));
  e = (mx_error){0};
  assert_int_equal(mx_model_load(path, "/nonexistent", &m, &e), MX_IO);
  assert_string_equal(e.path, "/nonexistent");
  unlink(path);
  drop(&f);
}

static void test_other_files_are_named(void **state) {
  (void)state;
  char path[TEST_PATH_BYTES];
  mx_model *m;
  mx_error e = {0};
  test_write_file("not a model, but long enough for a header", 41, path);
  assert_int_equal(mx_model_load(path, NULL, &m, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "neither a GGUF file"));
  unlink(path);
  e = (mx_error){0};
  test_write_file("", 0, path);
  assert_int_equal(mx_model_load(path, NULL, &m, &e), MX_FORMAT);
  unlink(path);
}

// ---- damaged models ----------------------------------------------------------------------

static void check_header_fault(const fixture *f, int word, uint32_t value, mx_status status,
                               const char *text) {
  uint8_t *copy = test_exact_copy(f->model.data, f->model.size);
  mx_store_u32(copy + 4 * word, value);
  mx_model *m;
  mx_error e;
  mx_status s = load(f, copy, f->model.size, &m, &e);
  if (s != status || !strstr(e.text, text))
    fail_msg("word %d = %u: status %d '%s', expected '%s'", word, value, (int)s, e.text, text);
  assert_null(m);
  free(copy);
}

static void test_header_faults(void **state) {
  (void)state;
  fixture f = make(true);
  check_header_fault(&f, 0, 0x616b3432, MX_UNSUPPORTED, "legacy version 0");
  for (int word = 0; word < 7; word++) {
    check_header_fault(&f, word, 0, MX_FORMAT, "not in 1 .. 2^24");
    check_header_fault(&f, word, 0x7fffffff, MX_FORMAT, "not in 1 .. 2^24");
    check_header_fault(&f, word, 0x80000000, MX_FORMAT, "not in 1 .. 2^24");
  }
  check_header_fault(&f, 0, 16, MX_FORMAT, "implies");
  check_header_fault(&f, 0, 9, MX_FORMAT, "no multiple of 4 heads");
  check_header_fault(&f, 0, 1 << 24, MX_FORMAT, "implies");
  check_header_fault(&f, 2, 3, MX_FORMAT, "implies");
  check_header_fault(&f, 2, 1 << 24, MX_FORMAT, "implies");
  check_header_fault(&f, 3, 8, MX_FORMAT, "RoPE needs an even one");
  check_header_fault(&f, 4, 3, MX_FORMAT, "do not share");
  check_header_fault(&f, 5, (uint32_t)-TEST_VOCAB, MX_FORMAT, "implies");
  check_header_fault(&f, 6, 17, MX_FORMAT, "implies");
  drop(&f);
}

static void test_size_must_match(void **state) {
  (void)state;
  fixture f = make(false);
  mx_model *m;
  mx_error e;
  for (size_t n = 0; n < f.model.size; n += n < 64 ? 1 : 997) {
    assert_int_equal(load(&f, f.model.data, n, &m, &e), MX_FORMAT);
    assert_null(m);
  }
  assert_int_equal(load(&f, f.model.data, f.model.size - 1, &m, &e), MX_FORMAT);
  test_put(&f.model, "x", 1);
  assert_int_equal(load(&f, f.model.data, f.model.size, &m, &e), MX_FORMAT);
  drop(&f);
}

// A header alone, whose sizes add up to 28 bytes modulo 2^64.
static void test_size_does_not_wrap(void **state) {
  (void)state;
  static const uint32_t header[] = {1 << 24, 11184127, 1 << 13, 2, 2, (1 << 24) - 1, 1 << 14};
  fixture f = make(true);
  uint8_t bytes[28];
  mx_model *m;
  mx_error e;
  for (int i = 0; i < 7; i++) mx_store_u32(bytes + 4 * i, header[i]);
  assert_int_equal(load(&f, bytes, sizeof bytes, &m, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "implies 18446744073709551615 bytes"));
  drop(&f);
}

static void test_non_finite_weights(void **state) {
  (void)state;
  fixture f = make(true);
  mx_model *m;
  mx_error e;
  mx_store_u32(f.model.data + 28 + 4 * 9, 0xff800000);
  assert_int_equal(load(&f, f.model.data, f.model.size, &m, &e), MX_FORMAT);
  assert_string_equal(e.text, "tensor 'token_embd.weight' holds -inf in row 1, column 1");
  assert_int_equal(e.offset_bytes, 28);
  drop(&f);
}

// ---- damaged tokenizers --------------------------------------------------------------------

static mx_status load_tokenizer(const uint8_t *data, size_t size, uint32_t vocab,
                                mx_error *e) {
  uint8_t *copy = test_exact_copy(data, size);
  mx_tokenizer *t;
  *e = (mx_error){0};
  mx_status s = mx_llama2c_tokenizer(copy, size, "tokenizer.bin", vocab, &t, e);
  mx_tokenizer_free(t);
  free(copy);
  return s;
}

static void test_tokenizer_faults(void **state) {
  (void)state;
  fixture f = make(true);
  const test_buffer *t = &f.tokenizer;
  mx_error e;
  assert_int_equal(load_tokenizer(t->data, t->size, TEST_VOCAB, &e), MX_OK);
  for (size_t n = 0; n < t->size; n++)
    assert_int_equal(load_tokenizer(t->data, n, TEST_VOCAB, &e), MX_FORMAT);
  assert_int_equal(load_tokenizer(t->data, t->size, TEST_VOCAB + 1, &e), MX_FORMAT);
  assert_int_equal(load_tokenizer(t->data, t->size, TEST_VOCAB - 1, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "is this its tokenizer?"));
  assert_int_equal(load_tokenizer(t->data, t->size, UINT32_MAX, &e), MX_FORMAT);
  mx_store_u32(t->data + 8, UINT32_MAX);  // the first token's length
  assert_int_equal(load_tokenizer(t->data, t->size, TEST_VOCAB, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "4294967295 bytes"));
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),         cmocka_unit_test(test_load_by_path),
      cmocka_unit_test(test_other_files_are_named), cmocka_unit_test(test_header_faults),
      cmocka_unit_test(test_size_must_match),    cmocka_unit_test(test_size_does_not_wrap),
      cmocka_unit_test(test_non_finite_weights),
      cmocka_unit_test(test_tokenizer_faults),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
