// Quantized model files (.mxq): what is written is read again; what is cut,
// flipped or lies about its sizes is an error, with the checksum made right so
// that the parser itself meets it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "compiler/quant/quantize.h"
#include "golden/isa.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"

enum { CONFIG_AT = 16, KV_AT = 56, ONLINE_AT = 60, BASIS_AT = 64, TOKENIZER_AT = 80 };  // without an order of channels

typedef struct { uint8_t *bytes; size_t size; char path[TEST_PATH_BYTES]; mx_qmodel *model; } fixture;

static test_random generator;

static mx_qmodel *small_qmodel(const char *format, bool tied) {
  const mx_config config = {.dim = 24, .hidden_dim = 40, .n_layers = 2, .n_heads = 4, .n_kv_heads = 2, .head_dim = 8,
                            .vocab_size = TEST_VOCAB, .context_length = 16, .rope_theta = 10000, .rms_eps = 1e-5f};
  mx_model *m = test_model(&config, tied, 3);
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_4};
  mx_qmodel *q;
  mx_error e = {0};
  assert_int_equal(mx_weight_format_parse(format, &o.weights, &e), MX_OK);
  assert_int_equal(mx_quantize_model(m, &o, &q, &e), MX_OK);
  mx_model_free(m);
  return q;
}

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  struct stat st;
  assert_true(f && !fstat(fileno(f), &st));
  *size = (size_t)st.st_size;
  uint8_t *bytes = malloc(*size);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *size, f), *size);
  fclose(f);
  return bytes;
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  mx_error e = {0};
  test_write_file("", 0, f->path);
  f->model = small_qmodel("int4z:16", false);
  assert_int_equal(mx_qmodel_write(f->path, f->model, &e), MX_OK);
  f->bytes = read_file(f->path, &f->size);
  generator.state = test_seed();
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  unlink(f->path);
  mx_qmodel_free(f->model);
  free(f->bytes);
  free(f);
  return 0;
}

// ---- round trip -------------------------------------------------------------------

static void compare_matrix(const mx_matrix *a, const mx_matrix *b) {
  assert_int_equal(a->rows, b->rows);
  assert_int_equal(a->cols, b->cols);
  assert_memory_equal(a->data, b->data, (size_t)a->rows * a->cols * sizeof(float));
}

static void compare_part(const mx_qmatrix *a, const mx_qmatrix *b) {
  size_t n = (size_t)a->rows * a->cols, sides = (size_t)a->rows * mx_qmatrix_blocks(a);
  assert_int_equal(a->rows, b->rows);
  assert_int_equal(a->cols, b->cols);
  assert_int_equal(a->format.stream.bits, b->format.stream.bits);
  assert_int_equal(a->format.stream.scale, b->format.stream.scale);
  assert_int_equal(a->format.stream.zero, b->format.stream.zero);
  assert_int_equal(a->format.stream.block, b->format.stream.block);
  assert_int_equal(a->format.codebook, b->format.codebook);
  assert_int_equal(a->format.frac, b->format.frac);
  assert_memory_equal(a->format.table, b->format.table, 16);
  assert_memory_equal(a->codes, b->codes, n);
  assert_int_equal(a->format.fitted, b->format.fitted);
  assert_int_equal(a->acts.bits, b->acts.bits);
  assert_int_equal(a->acts.fixed, b->acts.fixed);
  assert_int_equal(!a->steps, !b->steps);
  if (a->steps) {
    assert_memory_equal(a->steps, b->steps, a->rows * sizeof(float));
    assert_true(!b->scales && !b->zeros);
    return;
  }
  assert_memory_equal(a->scales, b->scales, 2 * sides);
  assert_memory_equal(a->zeros, b->zeros, sides);
}

static void compare_qmatrix(const mx_qmatrix *a, const mx_qmatrix *b) {
  compare_part(a, b);
  assert_int_equal(!a->rest, !b->rest);
  if (a->rest) compare_part(a->rest, b->rest);
}

static void compare_basis(const mx_basis *a, const mx_basis *b, uint32_t dim) {
  assert_int_equal(a->hadamard, b->hadamard);
  assert_true(a->seed == b->seed);
  assert_int_equal(!a->order, !b->order);
  if (a->order) assert_memory_equal(a->order, b->order, dim * sizeof *a->order);
}

static void compare_prefix(const mx_prefix *a, const mx_prefix *b, const mx_config *c) {
  size_t cache = (size_t)c->n_layers * a->n * c->n_kv_heads * c->head_dim;
  assert_int_equal(a->n, b->n);
  if (!a->n) return;
  assert_memory_equal(a->tokens, b->tokens, a->n * sizeof *a->tokens);
  assert_memory_equal(a->keys, b->keys, cache * sizeof(float));
  assert_memory_equal(a->values, b->values, cache * sizeof(float));
  assert_memory_equal(a->logits, b->logits, c->vocab_size * sizeof(float));
}

static void compare(const mx_qmodel *a, const mx_qmodel *b) {
  assert_memory_equal(&a->config, &b->config, sizeof a->config);
  assert_int_equal(a->kv_bits, b->kv_bits);
  assert_int_equal(a->online.down, b->online.down);
  assert_int_equal(a->online.qk, b->online.qk);
  compare_basis(&a->basis, &b->basis, a->config.dim);
  compare_prefix(&a->prefix, &b->prefix, &a->config);
  compare_matrix(&a->token_embd, &b->token_embd);
  compare_matrix(&a->output_norm, &b->output_norm);
  compare_qmatrix(&a->output, &b->output);
  for (uint32_t i = 0; i < a->config.n_layers; i++) {
    compare_matrix(&a->layers[i].attn_norm, &b->layers[i].attn_norm);
    compare_matrix(&a->layers[i].ffn_norm, &b->layers[i].ffn_norm);
    compare_matrix(&a->layers[i].q_norm, &b->layers[i].q_norm);  // of no elements where there are none
    compare_matrix(&a->layers[i].k_norm, &b->layers[i].k_norm);
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++)
      compare_qmatrix(mx_qlayer_matrix(&a->layers[i], k, NULL), mx_qlayer_matrix(&b->layers[i], k, NULL));
  }
  assert_int_equal(mx_tokenizer_vocab_size(a->tokenizer), mx_tokenizer_vocab_size(b->tokenizer));
}

// Written, read, compared, and written again; frees it.
static void check_round_trip(const fixture *f, mx_qmodel *from, const char *what) {
  mx_qmodel *to;
  mx_error e = {0};
  assert_int_equal(mx_qmodel_write(f->path, from, &e), MX_OK);
  assert_true(mx_file_begins(f->path, "MXQ2"));
  if (mx_qmodel_read(f->path, &to, &e)) fail_msg("%s: %s", what, e.text);
  compare(from, to);
  size_t n, again;
  uint8_t *first = read_file(f->path, &n);
  assert_int_equal(mx_qmodel_write(f->path, to, &e), MX_OK);
  uint8_t *second = read_file(f->path, &again);
  assert_int_equal(n, again);
  assert_memory_equal(first, second, n);
  free(first);
  free(second);
  mx_qmodel_free(from);
  mx_qmodel_free(to);
}

static void test_round_trip(void **state) {
  fixture *f = *state;
  static const char *const formats[] = {"mxint8", "mxint6:64", "mxint4:128", "int4:16", "int4z", "mxfp4"};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) check_round_trip(f, small_qmodel(formats[i], i % 2), formats[i]);
}

// ---- what a model may have beside -----------------------------------------------------

static void add_basis(mx_qmodel *q) {
  q->basis = (mx_basis){8, 0x123456789abcdef0, calloc(q->config.dim, sizeof(uint32_t))};
  for (uint32_t i = 0; i < q->config.dim; i++) q->basis.order[i] = i * 5 % q->config.dim;
}

static float *random_floats(size_t n) {
  float *x = calloc(n, sizeof *x);
  assert_non_null(x);
  for (size_t i = 0; i < n; i++) x[i] = test_random_float(&generator);
  return x;
}

static void add_prefix(mx_qmodel *q, uint32_t n) {
  const mx_config *c = &q->config;
  size_t cache = (size_t)c->n_layers * n * c->n_kv_heads * c->head_dim;
  q->prefix = (mx_prefix){n, calloc(n, sizeof(int32_t)), random_floats(cache), random_floats(cache), random_floats(c->vocab_size)};
  for (uint32_t i = 0; i < n; i++) q->prefix.tokens[i] = (int32_t)(TEST_VOCAB - 1 - i);
}

static mx_qmodel *rich_qmodel(const char *first, const char *rest) {
  const test_shape shape = {4, 2, 8, 24, 40, 2, 16, "mxint8", MX_BITS_6, MX_BITS_8};
  const test_variant variant = {first, rest, MX_BITS_8, true, {true, true}};
  mx_qmodel *q = test_variant_qmodel(&shape, &variant, 3);
  add_basis(q);
  add_prefix(q, 3);
  return q;
}

static void test_rich_round_trip(void **state) {
  fixture *f = *state;
  check_round_trip(f, rich_qmodel("int8row:16", "int4row:16"), "by row");
  check_round_trip(f, rich_qmodel("codebook:16", "mxint6:32"), "tables");
  check_round_trip(f, rich_qmodel("int4row:32", NULL), "one part");
  test_head_norms = true;
  check_round_trip(f, rich_qmodel("mxint8:16", "mxint4:32"), "norms of heads");
  test_head_norms = false;
  mx_qmodel *q = small_qmodel("mxint8", false);
  q->online.qk = true;  // each switch by itself
  check_round_trip(f, q, "queries and keys");
  q = small_qmodel("mxint8", false);
  add_prefix(q, 15);
  check_round_trip(f, q, "prefix");
}

// The fixture's file becomes that of a model with everything.
static void make_rich(fixture *f, size_t *basis, size_t *prefix) {
  mx_error e = {0};
  mx_qmodel_free(f->model);
  free(f->bytes);
  f->model = rich_qmodel("int8row:16", "mxint4:16");
  assert_int_equal(mx_qmodel_write(f->path, f->model, &e), MX_OK);
  f->bytes = read_file(f->path, &f->size);
  *basis = BASIS_AT;
  size_t tokenizer = BASIS_AT + 16 + 4 * 24;
  *prefix = tokenizer + 4 + mx_load_u32(f->bytes + tokenizer);
}

// ---- damage -----------------------------------------------------------------------

static void seal(uint8_t *bytes, size_t size) {
  if (size < 16) return;
  mx_store_u32(bytes + 8, (uint32_t)size);
  mx_store_u32(bytes + 12, 0);
  mx_store_u32(bytes + 4, (uint32_t)crc32_z(0, bytes + 8, size - 8));
}

// Status of reading these bytes as a file; on failure there must be a reason.
static mx_status read_bytes(const char *path, const uint8_t *bytes, size_t size, mx_error *e) {
  FILE *f = fopen(path, "r+b");  // "wb" makes some file systems wait for the disk
  assert_non_null(f);
  assert_int_equal(fwrite(bytes, 1, size, f), size);
  assert_int_equal(fflush(f), 0);
  assert_int_equal(ftruncate(fileno(f), (off_t)size), 0);
  fclose(f);
  mx_qmodel *q;
  *e = (mx_error){0};
  mx_status s = mx_qmodel_read(path, &q, e);
  assert_int_equal(s, e->status);
  if (s) {
    assert_null(q);
    assert_true(e->text[0]);
    assert_true(s == MX_LIMIT || !strcmp(e->path, path));
  }
  mx_qmodel_free(q);
  return s;
}

static void test_truncated(void **state) {
  fixture *f = *state;
  mx_error e;
  uint8_t *copy = malloc(f->size);
  assert_non_null(copy);
  for (size_t n = 0; n < f->size; n += n < 200 ? 1 : 1 + test_random_below(&generator, 150)) {
    assert_int_equal(read_bytes(f->path, f->bytes, n, &e), MX_FORMAT);  // as a broken copy leaves it
    memcpy(copy, f->bytes, n);
    seal(copy, n);
    assert_int_equal(read_bytes(f->path, copy, n, &e), MX_FORMAT);
  }
  free(copy);
}

static void test_appended(void **state) {
  fixture *f = *state;
  mx_error e;
  uint8_t *longer = calloc(f->size + 5, 1);
  assert_non_null(longer);
  memcpy(longer, f->bytes, f->size);
  assert_int_equal(read_bytes(f->path, longer, f->size + 5, &e), MX_FORMAT);
  seal(longer, f->size + 5);
  assert_int_equal(read_bytes(f->path, longer, f->size + 5, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "5 bytes after"));
  free(longer);
}

// Without a new checksum each flip is refused.
static void test_flipped(void **state) {
  fixture *f = *state;
  mx_error e;
  for (uint32_t run = 0; run < test_runs(150); run++) {
    uint32_t bit = run < 128 ? run : test_random_below(&generator, (uint32_t)f->size * 8);
    f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(read_bytes(f->path, f->bytes, f->size, &e), MX_FORMAT);
    f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

// With one, a flip is an error or another model; never more.
static void test_flipped_and_sealed(void **state) {
  fixture *f = *state;
  mx_error e;
  for (uint32_t run = 0; run < test_runs(1200); run++) {
    uint32_t bit = 8 * CONFIG_AT + (run < 600 ? run : test_random_below(&generator, (uint32_t)(f->size - CONFIG_AT) * 8));
    f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    seal(f->bytes, f->size);
    read_bytes(f->path, f->bytes, f->size, &e);
    f->bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static void check_u32(fixture *f, size_t at, uint32_t value, mx_status status) {
  mx_error e;
  uint32_t kept = mx_load_u32(f->bytes + at);
  mx_store_u32(f->bytes + at, value);
  seal(f->bytes, f->size);
  mx_status s = read_bytes(f->path, f->bytes, f->size, &e);
  if (s != status) fail_msg("0x%x at byte %zu: status %d (%s), expected %d", value, at, (int)s, e.text, (int)status);
  mx_store_u32(f->bytes + at, kept);
}

static void test_hostile_config(void **state) {
  fixture *f = *state;
  static const uint32_t values[] = {0, 1u << 24, (1u << 24) + 1, 0x7fffffff, 0x80000000, 0xffffffff};
  for (size_t at = CONFIG_AT; at < CONFIG_AT + 28; at += 4)
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
      mx_error e;
      uint32_t kept = mx_load_u32(f->bytes + at);
      mx_store_u32(f->bytes + at, values[i]);
      seal(f->bytes, f->size);
      mx_status s = read_bytes(f->path, f->bytes, f->size, &e);
      assert_true(s == MX_FORMAT || s == MX_LIMIT);
      mx_store_u32(f->bytes + at, kept);
    }
  check_u32(f, CONFIG_AT + 32, 0x7fc00000, MX_FORMAT);  // rope_theta
  check_u32(f, CONFIG_AT + 36, 0xbf800000, MX_FORMAT);  // rms_eps
  check_u32(f, KV_AT, 3, MX_FORMAT);
  check_u32(f, KV_AT, 1, MX_FORMAT);
  check_u32(f, KV_AT, 0, MX_OK);
  check_u32(f, ONLINE_AT, 3, MX_OK);
  check_u32(f, ONLINE_AT, 4, MX_FORMAT);          // it has no norms of heads
  check_u32(f, ONLINE_AT, 8, MX_FORMAT);
  check_u32(f, BASIS_AT, 8, MX_OK);
  check_u32(f, BASIS_AT, 7, MX_FORMAT);           // does not divide 24
  check_u32(f, BASIS_AT, 0xffffffff, MX_FORMAT);
  check_u32(f, BASIS_AT + 12, 2, MX_FORMAT);      // an order or none
  check_u32(f, BASIS_AT + 12, 1, MX_FORMAT);      // what follows is none
  check_u32(f, TOKENIZER_AT, 0, MX_FORMAT);
  check_u32(f, TOKENIZER_AT, 0xffffffff, MX_FORMAT);
}

static size_t prefix_at(const fixture *f) { return TOKENIZER_AT + 4 + mx_load_u32(f->bytes + TOKENIZER_AT); }

static size_t first_matrix(const fixture *f) {  // attn_q of layer 0
  return prefix_at(f) + 4 + 4 * 24 * TEST_VOCAB + 4 * 24;
}

static void test_hostile_format(void **state) {
  fixture *f = *state;
  size_t parts = first_matrix(f), at = parts + 8, acts = at + 44, codes = acts + 8;
  assert_int_equal(mx_load_u32(f->bytes + parts), 1);  // it is what the test thinks
  assert_int_equal(mx_load_u32(f->bytes + parts + 4), 24);
  assert_int_equal(mx_load_u32(f->bytes + at + 4), MX_SCALE_F16);
  static const uint32_t bad[7][3] = {{3, 4, 0xffffffff}, {0, 3, 4},     {2, 256, 0xffffffff}, {4, 5, 0xffffffff},
                                     {2, 1, 0x100},      {8, 16, 0xffffffff}, {1, 2, 0xffffffff}};
  for (size_t i = 0; i < 7; i++)
    for (int k = 0; k < 3; k++) check_u32(f, at + 4 * i, bad[i][k], MX_FORMAT);
  check_u32(f, parts, 0, MX_FORMAT);
  check_u32(f, parts, 2, MX_FORMAT);             // the first has all columns
  check_u32(f, parts, 3, MX_FORMAT);
  check_u32(f, parts + 4, 0, MX_FORMAT);
  check_u32(f, parts + 4, 16, MX_FORMAT);        // columns are missing
  check_u32(f, parts + 4, 0xfffffff0, MX_FORMAT);
  check_u32(f, acts, 3, MX_FORMAT);
  check_u32(f, acts, 0, MX_OK);
  check_u32(f, acts + 4, 1, MX_OK);
  check_u32(f, acts + 4, 2, MX_FORMAT);
  check_u32(f, codes, 0x08000000, MX_FORMAT);    // a code of 8 in 4 bits
  check_u32(f, codes, 0x000000f7, MX_FORMAT);    // and of -9
  check_u32(f, codes, 0x07f8f807, MX_OK);
  check_u32(f, parts - 4, 0x7f800000, MX_FORMAT);  // the last gain, infinite
}

static void test_hostile_extras(void **state) {
  fixture *f = *state;
  size_t basis, prefix;
  make_rich(f, &basis, &prefix);
  check_u32(f, basis + 16, 24, MX_FORMAT);  // channel 24 of 24
  check_u32(f, basis + 20, 0xffffffff, MX_FORMAT);
  assert_int_equal(mx_load_u32(f->bytes + prefix), 3);
  check_u32(f, prefix, 16, MX_FORMAT);      // as long as the context
  check_u32(f, prefix, 2, MX_FORMAT);       // what follows is shifted
  check_u32(f, prefix, 0, MX_FORMAT);
  check_u32(f, prefix, 0xffffffff, MX_FORMAT);
  check_u32(f, prefix + 4, TEST_VOCAB, MX_FORMAT);
  check_u32(f, prefix + 4, 0xffffffff, MX_FORMAT);
  check_u32(f, prefix + 4, 0, MX_OK);
  check_u32(f, prefix + 4 + 4 * 3, 0x7fc00000, MX_FORMAT);  // a key that is NaN
  size_t parts = prefix + 4 + 4 * 3 + 2 * 4 * 2 * 3 * 16 + 4 * TEST_VOCAB + 4 * 24 * TEST_VOCAB + 4 * 24;
  assert_int_equal(mx_load_u32(f->bytes + parts), 2);
  assert_int_equal(mx_load_u32(f->bytes + parts + 4), 16);
  check_u32(f, parts, 1, MX_FORMAT);
  check_u32(f, parts + 4, 8, MX_FORMAT);    // not a whole block
  check_u32(f, parts + 4, 24, MX_FORMAT);   // none are left
  check_u32(f, parts + 8, 1, MX_FORMAT);    // bits: codes of 8 bits in 6
  check_u32(f, parts + 16, 1, MX_FORMAT);   // zero points by row
  check_u32(f, parts + 24, 1, MX_FORMAT);   // a table by row
}

static void test_rich_damage(void **state) {
  size_t unused;
  make_rich(*state, &unused, &unused);
  test_truncated(state);
  make_rich(*state, &unused, &unused);
  test_flipped_and_sealed(state);
}

// A scale with E8M0 has one byte.
static void test_wide_scale(void **state) {
  fixture *f = *state;
  mx_qmodel *q = small_qmodel("mxint8", false);
  mx_error e = {0};
  q->layers[0].wk.scales[3] = 256 + 127;
  assert_int_equal(mx_qmodel_write(f->path, q, &e), MX_OK);
  mx_qmodel_free(q);
  assert_int_equal(mx_qmodel_read(f->path, &q, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "attn_k"));
}

// Layers cost more memory than their least bytes in a file: a small file that
// claims many must not get it.
static void test_many_layers(void **state) {
  fixture *f = *state;
  enum { BYTES = 4 << 20 };
  uint8_t *bytes = calloc(BYTES, 1);
  assert_non_null(bytes);
  memcpy(bytes, f->bytes, TOKENIZER_AT);
  static const uint32_t config[8] = {1, 1, BYTES - 100, 1, 1, 2, 1, 1};
  for (int i = 0; i < 8; i++) mx_store_u32(bytes + CONFIG_AT + 4 * i, config[i]);
  seal(bytes, BYTES);
  mx_error e;
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  assert_int_equal(read_bytes(f->path, bytes, BYTES, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "layers"));
  getrusage(RUSAGE_SELF, &after);
  assert_true(after.ru_maxrss - before.ru_maxrss < 100 << 10);  // KiB
  free(bytes);
}

// ---- files --------------------------------------------------------------------------

static void test_no_file(void **state) {
  fixture *f = *state;
  mx_error e = {0};
  mx_qmodel *q;
  assert_int_equal(mx_qmodel_read("/nonexistent/x.mxq", &q, &e), MX_IO);
  assert_null(q);
  assert_false(mx_file_begins("/nonexistent/x.mxq", "MXQ2"));
  e = (mx_error){0};
  assert_int_equal(mx_qmodel_read("/tmp", &q, &e), MX_IO);
  e = (mx_error){0};
  assert_int_equal(mx_qmodel_write("/nonexistent/x.mxq", f->model, &e), MX_IO);
  assert_true(e.text[0]);
}

// What can not be written leaves what is there, and nothing beside it.
static void test_failed_write(void **state) {
  fixture *f = *state;
  char directory[] = "/tmp/test_qfile.XXXXXX", inside[64];
  mx_error e = {0};
  assert_non_null(mkdtemp(directory));
  snprintf(inside, sizeof inside, "%s/x", directory);
  assert_int_equal(mkdir(inside, 0700), 0);  // a directory can not be renamed over
  assert_int_equal(mx_qmodel_write(inside, f->model, &e), MX_IO);
  assert_int_equal(rmdir(inside), 0);
  assert_int_equal(rmdir(directory), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(test_rich_round_trip), TEST(test_hostile_extras), TEST(test_rich_damage),
      TEST(test_round_trip), TEST(test_truncated),      TEST(test_appended),       TEST(test_flipped),
      TEST(test_flipped_and_sealed), TEST(test_hostile_config), TEST(test_hostile_format), TEST(test_wide_scale),
      TEST(test_many_layers), TEST(test_no_file),       TEST(test_failed_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
