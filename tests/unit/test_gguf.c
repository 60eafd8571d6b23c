// GGUF import: good files, one error for each fault, and files that lie.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "compiler/import/gguf.h"
#include "tests/unit/gguf_writer.h"
#include "tests/unit/small_model.h"

static test_buffer small_file(uint32_t type) {
  mx_model *m = test_model(&test_small_config, false, 7);
  test_buffer b = gguf_of_model(m, type);
  mx_model_free(m);
  return b;
}

// Loads an exact copy, so that a checker sees any read past the end.
static mx_status load(const uint8_t *data, size_t size, mx_model **m, mx_error *e) {
  uint8_t *copy = test_exact_copy(data, size);
  *e = (mx_error){0};
  mx_status s = mx_gguf_open(copy, size, "t.gguf", NULL, m, e);
  if (!s && (s = mx_model_convert(*m, e))) mx_model_free(*m);
  free(copy);
  return s;
}

// ---- good files ------------------------------------------------------------------

static float truncated(float v, uint32_t type) {
  uint32_t bits, keep = type == MX_GGML_F32 ? ~0u : type == MX_GGML_F16 ? ~0x1fffu : ~0xffffu;
  memcpy(&bits, &v, sizeof bits);
  float out = mx_float_of_bits(bits & keep);
  return type == MX_GGML_F16 && out < 0x1p-14f && out > -0x1p-14f ? 0 : out;
}

static void check_matrices(const mx_model *a, const mx_model *b, uint32_t type) {
  assert_int_equal(mx_model_matrix_count(a), mx_model_matrix_count(b));
  for (uint32_t i = 0; i < mx_model_matrix_count(a); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *x = mx_model_matrix(a, i, name), *y = mx_model_matrix(b, i, name);
    assert_int_equal(x->rows, y->rows);
    assert_int_equal(x->cols, y->cols);
    for (size_t k = 0; k < (size_t)x->rows * x->cols; k++) {
      float expected = x->rows == 1 ? x->data[k] : truncated(x->data[k], type);
      if (y->data[k] != expected) fail_msg("%s[%zu] differs", name, k);
    }
  }
}

static void check_round_trip(uint32_t type, bool tied) {
  mx_model *m = test_model(&test_small_config, tied, 3), *back;
  test_buffer b = gguf_of_model(m, type);
  mx_error e;
  if (load(b.data, b.size, &back, &e)) fail_msg("%s", e.text);
  assert_memory_equal(&m->config, &back->config, sizeof m->config);
  assert_int_equal(tied, back->tied);
  assert_ptr_equal(back->output.data == back->token_embd.data, tied);
  check_matrices(m, back, type);
  assert_int_equal(mx_tokenizer_vocab_size(back->tokenizer), TEST_VOCAB);
  mx_model_free(m);
  mx_model_free(back);
  free(b.data);
}

static void test_round_trip(void **state) {
  (void)state;
  static const uint32_t types[] = {MX_GGML_F32, MX_GGML_F16, MX_GGML_BF16};
  for (int i = 0; i < 3; i++) {
    check_round_trip(types[i], false);
    check_round_trip(types[i], true);
  }
}

static void test_half_values(void **state) {
  (void)state;
  static const struct {
    uint16_t half;
    float value;
  } cases[] = {{0x0000, 0.0f},       {0x3c00, 1.0f},        {0xc000, -2.0f},
               {0x7bff, 65504.0f},   {0x0400, 0x1p-14f},    {0x0001, 0x1p-24f},
               {0x83ff, -0x1.ff8p-15f}, {0x3555, 0x1.554p-2f}};
  uint8_t bytes[2];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bytes[0] = (uint8_t)cases[i].half;
    bytes[1] = (uint8_t)(cases[i].half >> 8);
    float v;
    mx_elements_read(MX_ELEMENT_F16, bytes, 1, &v);
    assert_true(v == cases[i].value);
  }
}

static void test_version_2_and_defaults(void **state) {
  (void)state;
  test_buffer b = small_file(MX_GGML_F32);
  mx_model *m;
  mx_error e;
  b.data[4] = 2;
  assert_int_equal(load(b.data, b.size, &m, &e), MX_OK);
  assert_string_equal(m->format, "GGUF version 2 (F32)");
  mx_model_free(m);
  free(b.data);
}

static void test_load_by_path(void **state) {
  (void)state;
  test_buffer b = small_file(MX_GGML_F16);
  char path[TEST_PATH_BYTES];
  mx_model *m;
  mx_error e = {0};
  test_write_file(b.data, b.size, path);
  assert_int_equal(mx_model_load(path, NULL, &m, &e), MX_OK);
  assert_string_equal(m->format, "GGUF version 3 (F16, F32)");
  mx_model_free(m);
  unlink(path);
  assert_int_equal(mx_model_load(path, NULL, &m, &e), MX_IO);
  assert_null(m);
  e = (mx_error){0};
  assert_int_equal(mx_model_load("/tmp", NULL, &m, &e), MX_IO);
  free(b.data);
}

// ---- one fault each --------------------------------------------------------------

// A change to the small file: `width` bytes of `value` written `delta` bytes
// after the end of the first occurrence of `anchor` ("" is the file's start).
// After a key stand u32 type and the value; after an array's key u32 9, u32
// element type, u64 count; after a tensor's name u32 n_dims, u64 dims, u32
// type, u64 offset.
typedef struct {
  const char *anchor;
  int delta;
  uint32_t width;
  uint64_t value;
  mx_status status;
  const char *text;  // part of the message
} fault;

static const fault faults[] = {
    {"", 0, 1, 'g', MX_FORMAT, "magic"},
    {"", 4, 4, 1, MX_UNSUPPORTED, "version 0x1;"},
    {"", 4, 4, 0x03000000, MX_UNSUPPORTED, "big endian"},
    {"", 8, 8, UINT64_MAX, MX_FORMAT, "do not fit"},
    {"", 8, 8, 200, MX_FORMAT, ""},
    {"", 16, 8, UINT64_MAX, MX_FORMAT, "do not fit"},
    {"", 16, 8, 400, MX_FORMAT, ""},
    {"", 24, 8, UINT64_MAX, MX_FORMAT, "a key needs"},
    {"general.architecture", 0, 4, 13, MX_FORMAT, "value type 13"},
    {"general.architecture", 0, 4, 4, MX_FORMAT, ""},
    {"general.architecture", 4, 8, UINT64_MAX - 7, MX_FORMAT, "a string needs"},
    {"general.architecture", 12, 1, '\n', MX_UNSUPPORTED, "'?lama'; only 'llama' and 'qwen3' are supported"},
    {"general.architectur", 0, 1, 'x', MX_FORMAT, "'general.architecture' is missing"},
    {"general.alignment", 4, 4, 0, MX_FORMAT, "no power of two"},
    {"general.alignment", 4, 4, 48, MX_FORMAT, "no power of two"},
    {"general.alignment", 4, 4, 0x80000000, MX_FORMAT, "data section would begin"},
    {"general.alignment", 4, 4, 64, MX_FORMAT, ""},
    {"llama.embedding_length", 4, 4, 0, MX_FORMAT, "is 0"},
    {"llama.embedding_length", 4, 4, 16, MX_FORMAT, "has shape [8 280 1 1]"},
    {"llama.embedding_length", 4, 4, UINT32_MAX, MX_LIMIT, "at most 2^24"},
    {"llama.embedding_length", 0, 4, 6, MX_FORMAT, "has type f32; expected an integer"},
    {"llama.block_count", 4, 4, UINT32_MAX, MX_LIMIT, "number of layers"},
    {"llama.block_count", 4, 4, 1 << 24, MX_FORMAT, "16777216 layers"},
    {"llama.block_count", 4, 4, 3, MX_FORMAT, "'blk.2.attn_norm.weight' is missing"},
    {"llama.block_count", 4, 4, 1, MX_UNSUPPORTED, "is no part of a plain Llama model"},
    {"llama.block_count", 4, 4, 0, MX_FORMAT, "is 0"},
    {"llama.block_coun", 0, 1, 'x', MX_FORMAT, "'llama.block_count' is missing"},
    {"attention.head_count", 4, 4, 3, MX_FORMAT, "do not share"},
    {"attention.head_count_kv", 4, 4, 0, MX_FORMAT, "is 0"},
    {"attention.key_length", 4, 4, 3, MX_UNSUPPORTED, "value_length is 2; only 3"},
    {"rope.dimension_count", 4, 4, 4, MX_UNSUPPORTED, "only 2 is supported"},
    {"llama.vocab_size", 4, 4, 279, MX_FORMAT, "token_embd.weight has 280 rows"},
    {"rope.freq_base", 4, 4, 0x7fc00000, MX_FORMAT, "RoPE base"},
    {"rms_epsilon", 4, 4, 0xbf800000, MX_FORMAT, "epsilon"},
    {"tokenizer.ggml.model", 12, 1, 'b', MX_UNSUPPORTED, "'blama'"},
    {"bos_token_id", 4, 4, 280, MX_FORMAT, "BOS token is 280"},
    {"eos_token_id", 4, 4, UINT32_MAX, MX_FORMAT, "EOS token"},
    {"add_space_prefix", 4, 1, 2, MX_FORMAT, "expected bool"},
    {"tokenizer.ggml.tokens", 4, 4, 9, MX_UNSUPPORTED, "array of arrays"},
    {"tokenizer.ggml.tokens", 8, 8, UINT64_MAX, MX_FORMAT, ""},
    {"tokenizer.ggml.token", 0, 1, 'x', MX_FORMAT, "'tokenizer.ggml.tokens' is missing"},
    {"tokenizer.ggml.scores", 8, 8, UINT64_MAX / 4 + 1, MX_FORMAT, "array of"},
    {"tokenizer.ggml.scores", 8, 8, UINT64_MAX, MX_FORMAT, "array of"},
    {"tokenizer.ggml.scores", 4, 4, 5, MX_FORMAT, "array of i32; expected array of f32"},
    {"tokenizer.ggml.scores", 16, 4, 0x7fc00000, MX_FORMAT, "score of token 0 is NaN"},
    {"tokenizer.ggml.token_type", 16, 4, 7, MX_FORMAT, "token 0 has type 0"},
    {"token_embd.weight", 0, 4, 0, MX_FORMAT, "has 0 dimensions"},
    {"token_embd.weight", 0, 4, 5, MX_FORMAT, "has 5 dimensions"},
    {"token_embd.weight", 4, 8, 0, MX_FORMAT, "no elements"},
    {"token_embd.weight", 4, 8, 1, MX_FORMAT, "expected [8 280 1 1]"},
    {"token_embd.weight", 4, 8, UINT64_MAX / 2, MX_FORMAT, "larger than the file"},
    {"token_embd.weight", 12, 8, 1ull << 61, MX_FORMAT, "larger than the file"},
    {"token_embd.weight", 12, 8, 1ull << 32, MX_FORMAT, "larger than the file"},
    {"token_embd.weight", 20, 4, 2, MX_UNSUPPORTED, "'token_embd.weight' has type 2 (Q4_0)"},
    {"token_embd.weight", 20, 4, 12345, MX_UNSUPPORTED, "unknown to this tool"},
    {"token_embd.weight", 24, 8, 4, MX_FORMAT, "no multiple of 32"},
    {"token_embd.weight", 24, 8, UINT64_MAX - 31, MX_FORMAT, "the data section has"},
    {"token_embd.weight", 24, 8, 64, MX_FORMAT, "overlap"},
    {"token_embd.weigh", 0, 1, 'x', MX_FORMAT, "'token_embd.weight' is missing"},
    {"blk.0.attn_", 0, 1, 'v', MX_FORMAT, ""},
    {"blk.0.attn_", 6, 4, 0, MX_FORMAT, ""},
    {"blk.1.attn_k.weigh", 0, 1, 'x', MX_FORMAT, "'blk.1.attn_k.weight' is missing"},
    {"blk.1.attn_k.weight", -8, 1, 'q', MX_FORMAT, "'blk.1.attn_q.weight' is there twice"},
    {"llama.context_lengt", -18, 8, 0, MX_FORMAT, ""},
    {"output.weigh", 0, 1, 'x', MX_FORMAT, ""},
};

static size_t find_end(const test_buffer *b, const char *anchor) {
  size_t n = strlen(anchor);
  for (size_t i = 0; i + n <= b->size; i++)
    if (memcmp(b->data + i, anchor, n) == 0) return i + n;
  fail_msg("no '%s' in the file", anchor);
  return 0;
}

static void check_fault(const fault *f) {
  test_buffer b = small_file(MX_GGML_F32);
  size_t at = (size_t)((ptrdiff_t)find_end(&b, f->anchor) + f->delta);
  for (uint32_t i = 0; i < f->width; i++) b.data[at + i] = (uint8_t)(f->value >> 8 * i);
  mx_model *m;
  mx_error e;
  mx_status s = load(b.data, b.size, &m, &e);
  if (s != f->status || (f->text[0] && !strstr(e.text, f->text)))
    fail_msg("'%s'%+d = %" PRIu64 ": status %d '%s'; expected %d '%s'", f->anchor, f->delta,
             f->value, (int)s, e.text, (int)f->status, f->text);
  assert_null(m);
  assert_string_equal(e.path[0] ? e.path : "t.gguf", "t.gguf");
  free(b.data);
}

static void test_faults(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) check_fault(&faults[i]);
}

static void test_offsets_in_errors(void **state) {
  (void)state;
  test_buffer b = small_file(MX_GGML_F32);
  size_t at = find_end(&b, "blk.1.ffn_up.weight");
  b.data[at + 20] = 3;  // type Q4_1
  mx_model *m;
  mx_error e;
  assert_int_equal(load(b.data, b.size, &m, &e), MX_UNSUPPORTED);
  assert_int_equal(e.offset_bytes, at - strlen("blk.1.ffn_up.weight") - 8);
  assert_string_equal(e.text,
                      "tensor 'blk.1.ffn_up.weight' has type 3 (Q4_1); F32, F16 and BF16 are read");
  free(b.data);
}

static void test_non_finite_weights(void **state) {
  (void)state;
  mx_model *source = test_model(&test_small_config, false, 7), *m;
  source->layers[1].w_gate.data[3 * 8 + 2] = mx_float_of_bits(0x7f800000);
  test_buffer b = gguf_of_model(source, MX_GGML_F32);
  mx_error e;
  assert_int_equal(load(b.data, b.size, &m, &e), MX_FORMAT);
  assert_string_equal(e.text, "tensor 'blk.1.ffn_gate.weight' holds inf in row 3, column 2");
  mx_model_free(source);
  free(b.data);
}

static void check_refused_key(const char *key, uint32_t value, const char *string) {
  mx_model *m;
  gguf_writer w = {0};
  gguf_string(&w, "general.architecture", "llama");
  if (string) gguf_string(&w, key, string);
  else gguf_u32(&w, key, value);
  test_buffer b = gguf_finish(&w);
  mx_error e;
  assert_int_equal(load(b.data, b.size, &m, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, key));
  free(b.data);
}

static void test_variants_are_refused(void **state) {
  (void)state;
  check_refused_key("llama.expert_count", 8, NULL);
  check_refused_key("llama.rope.scaling.type", 0, "linear");
}

static void check_wrong_types(const mx_gguf *g) {
  uint32_t u;
  float f;
  bool b;
  mx_gguf_string text;
  const mx_gguf_kv *kv;
  mx_error e[7] = {0};
  assert_int_equal(mx_gguf_get_u32(g, "string", true, &u, &e[0]), MX_FORMAT);
  assert_int_equal(mx_gguf_get_u32(g, "array", true, &u, &e[1]), MX_FORMAT);
  assert_int_equal(mx_gguf_get_f32(g, "u32", true, &f, &e[2]), MX_FORMAT);
  assert_int_equal(mx_gguf_get_bool(g, "u32", true, &b, &e[3]), MX_FORMAT);
  assert_int_equal(mx_gguf_get_string(g, "u32", true, &text, &e[4]), MX_FORMAT);
  assert_int_equal(mx_gguf_get_string(g, "array", true, &text, &e[5]), MX_FORMAT);
  assert_int_equal(mx_gguf_get_array(g, "array", true, MX_GGUF_STRING, 1, &kv, &e[6]), MX_FORMAT);
  assert_string_equal(e[4].text, "key 'u32' has type u32; expected string");
  assert_string_equal(e[6].text, "key 'array' has 0 elements; expected 1");
}

static void test_wrong_types(void **state) {
  (void)state;
  gguf_writer w = {0};
  gguf_string(&w, "string", "llama");
  gguf_array(&w, "array", MX_GGUF_STRING, 0);
  gguf_u32(&w, "u32", 1);
  test_buffer b = gguf_finish(&w);
  mx_gguf g;
  mx_error e = {0};
  assert_int_equal(mx_gguf_parse(b.data, b.size, "t.gguf", &g, &e), MX_OK);
  check_wrong_types(&g);
  mx_gguf_free(&g);
  free(b.data);
}

// ---- files that lie --------------------------------------------------------------

static size_t header_size(const test_buffer *b) {
  mx_gguf g;
  mx_error e = {0};
  assert_int_equal(mx_gguf_parse(b->data, b->size, "t.gguf", &g, &e), MX_OK);
  uint64_t first = UINT64_MAX;
  for (uint64_t i = 0; i < g.n_tensors; i++)
    if (g.tensors[i].data_at_bytes < first) first = g.tensors[i].data_at_bytes;
  mx_gguf_free(&g);
  return (size_t)first;
}

static void test_every_truncation(void **state) {
  (void)state;
  test_buffer b = small_file(MX_GGML_F16);
  size_t header = header_size(&b);
  for (size_t n = 0; n < b.size; n += n < header + 64 ? 1 : 97) {
    mx_model *m;
    mx_error e;
    if (!load(b.data, n, &m, &e)) fail_msg("a file cut to %zu of %zu bytes loads", n, b.size);
    assert_true(e.text[0]);
  }
  free(b.data);
}

// Each flipped file loads or gives an error with a text.
static void check_flips(const test_buffer *b, size_t header, test_random *r) {
  enum { FLIPS = 4000 };
  uint8_t *copy = test_exact_copy(b->data, b->size);
  for (int i = 0; i < FLIPS; i++) {
    uint32_t flips = 1 + test_random_below(r, 3);
    for (uint32_t k = 0; k < flips; k++) {
      uint32_t bit = test_random_below(r, (uint32_t)(8 * header));
      copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    mx_model *m;
    mx_error e = {0};
    if (mx_gguf_open(copy, b->size, "t.gguf", NULL, &m, &e) || mx_model_convert(m, &e)) assert_true(e.text[0]);
    mx_model_free(m);
    memcpy(copy, b->data, header);
  }
  free(copy);
}

static void test_bit_flips(void **state) {
  (void)state;
  const char *given = getenv("MX_TEST_SEED");
  uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
  print_message("bit flips: MX_TEST_SEED=%" PRIu64 "\n", seed);
  test_random r = {seed | 1ull << 63};
  test_buffer b = small_file(MX_GGML_F16);
  check_flips(&b, header_size(&b), &r);
  free(b.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),         cmocka_unit_test(test_half_values),
      cmocka_unit_test(test_version_2_and_defaults), cmocka_unit_test(test_load_by_path),
      cmocka_unit_test(test_faults),             cmocka_unit_test(test_offsets_in_errors),
      cmocka_unit_test(test_non_finite_weights), cmocka_unit_test(test_variants_are_refused),
      cmocka_unit_test(test_wrong_types),
      cmocka_unit_test(test_every_truncation),   cmocka_unit_test(test_bit_flips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
