// Images with a prefix: their memory is what a device leaves that has run the
// prefix's tokens, and texts go on from there as they do on that device.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "compiler/lower/lowering.h"
#include "golden/machine.h"
#include "golden/mxint.h"
#include "sim/generate.h"
#include "sim/verify.h"
#include "tests/unit/small_model.h"
#include "tests/unit/small_qmodel.h"

enum { BOS = 1, MOST = 48, AFTER = 6 };  // tokens before and after the prefix's end

static const test_variant transformed = {"mxint8:16", NULL, 0, false, {false, true}};
static const test_shape shapes[] = {
    {4, 2, 16, 40, 72, 2, 64, "mxint8", MX_BITS_8, MX_BITS_8}, {6, 2, 24, 48, 64, 1, 64, "mxint8", MX_BITS_8, MX_BITS_4},
    {3, 1, 64, 48, 48, 2, 64, "mxint8", MX_BITS_8, MX_BITS_4}, {2, 2, 40, 48, 48, 1, 64, "mxint8", MX_BITS_8, MX_BITS_8},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

// ---- a device that runs tokens -------------------------------------------------------

typedef struct { const mx_image *image; mx_machine *machine; uint8_t *memory; } device;

static device open_device(const mx_image *image) {
  device d = {.image = image, .memory = calloc(image->mem_bytes, 1)};
  assert_non_null(d.memory);
  memcpy(d.memory, image->memory, image->memory_bytes);
  d.machine = mx_machine_new(image->params, d.memory, image->mem_bytes);
  const uint32_t none[MX_ARGS] = {0};
  assert_int_equal(mx_machine_run(d.machine, image->init_entry, none), MX_FAULT_NONE);
  return d;
}

static void close_device(device *d) {
  mx_machine_free(d->machine);
  free(d->memory);
}

static int32_t token_at(uint32_t i, uint32_t n) { return (int32_t)(i + 1 == n ? BOS : 3 + i * 53 % (TEST_VOCAB - 3)); }

static void run_tokens(device *d, uint32_t from, uint32_t to, uint32_t n) {
  for (uint32_t i = from; i < to; i++) {
    const uint32_t args[MX_ARGS] = {(uint32_t)token_at(i, n), i};
    assert_int_equal(mx_machine_run(d->machine, d->image->token_entry, args), MX_FAULT_NONE);
  }
}

// ---- what is in its caches ---------------------------------------------------------------

static float element(const mx_params *p, const mx_stream_format *f, const uint8_t *unit, uint32_t row, uint32_t i, uint8_t scale) {
  uint32_t bits = mx_code_bits(f), code = mx_code_read(p, f, unit, row, i);
  int value = code >> (bits - 1) ? (int)code - (1 << bits) : (int)code;
  return (float)ldexp(value, scale - 127 - (int)mx_fraction_bits(f->bits));
}

static void read_head(const mx_lowering *l, const uint8_t *memory, uint32_t head, uint32_t position, float *key, float *value) {
  const mx_attention *a = &l->p->attention;
  const mx_params *p = l->params;
  uint32_t block = mx_block_length(&a->k), row = position % p->GROUP;
  const uint8_t *k = memory + l->map.k_cache + head * l->map.k_head + position / p->GROUP * a->k_blocks * a->k_unit;
  const uint8_t *v = memory + l->map.v_cache + head * l->map.v_head + position / 32 * a->v_unit;
  uint8_t scale = memory[l->map.v_scales + head * l->map.v_scales_head + position];
  for (uint32_t i = 0; i < 2 * a->half; i++) {
    uint32_t at = i % 2 * a->k_pad + i / 2;  // second elements after all first ones
    const uint8_t *unit = k + at / block * a->k_unit;
    key[i] = element(p, &a->k, unit, row, at % block, unit[mx_scale_offset(p, &a->k, row)]);
    value[i] = element(p, &a->v, v + i / p->GROUP * a->v_columns * a->v_unit, i % p->GROUP, position % 32, scale);
  }
}

static mx_prefix read_prefix(const mx_lowering *l, const uint8_t *memory, uint32_t n) {
  const mx_config *c = &l->model->config;
  uint32_t kv = c->n_kv_heads * c->head_dim;
  mx_prefix p = {n, calloc(n, sizeof(int32_t)), calloc((size_t)c->n_layers * n * kv, sizeof(float)),
                 calloc((size_t)c->n_layers * n * kv, sizeof(float)), calloc(c->vocab_size, sizeof(float))};
  assert_true(p.tokens && p.keys && p.values && p.logits);
  for (uint32_t i = 0; i < n; i++) p.tokens[i] = token_at(i, n);
  for (uint32_t head = 0; head < c->n_layers * c->n_kv_heads; head++)
    for (uint32_t i = 0; i < n; i++) {
      size_t at = (((size_t)(head / c->n_kv_heads) * n + i) * c->n_kv_heads + head % c->n_kv_heads) * c->head_dim;
      read_head(l, memory, head, i, p.keys + at, p.values + at);
    }
  for (uint32_t i = 0; i < c->vocab_size; i++) p.logits[i] = mx_float_of_bits(mx_load_u32(memory + l->map.logits + 4 * i));
  return p;
}

// The map of the model's image.
static mx_prefix find_prefix(const mx_qmodel *q, const device *d, uint32_t n) {
  mx_error e = {0};
  mx_lowering l = {.model = q, .params = d->image->params, .e = &e, .context = d->image->context_length};
  if (mx_lower(&l)) fail_msg("%s", e.text);
  assert_int_equal(l.map.logits, d->image->logits_addr);
  mx_prefix p = read_prefix(&l, d->memory, n);
  mx_lowering_clear(&l);
  return p;
}

// ---- the comparison -------------------------------------------------------------------------

static void check_prefix(const test_shape *s, const char *set, uint32_t n) {
  mx_qmodel *q = test_variant_qmodel(s, &transformed, 4);
  mx_image *plain = test_compile(q, set, 0);
  device ran = open_device(plain);
  run_tokens(&ran, 0, n, n);
  q->prefix = find_prefix(q, &ran, n);
  mx_image *prefixed = test_compile(q, set, 0);
  assert_int_equal(prefixed->prefix_tokens, n);
  assert_int_equal(prefixed->mem_bytes, plain->mem_bytes);
  device begun = open_device(prefixed);
  assert_memory_equal(begun.memory, ran.memory, plain->mem_bytes);
  run_tokens(&ran, n, n + AFTER, n);
  run_tokens(&begun, n, n + AFTER, n);
  assert_memory_equal(begun.memory, ran.memory, plain->mem_bytes);
  close_device(&ran);
  close_device(&begun);
  mx_image_free(plain);
  mx_image_free(prefixed);
  mx_qmodel_free(q);
}

// Within a row group and a block of positions, at their edges, and beyond.
static void check_caches(void) {
  static const uint32_t lengths[] = {1, 5, 16, 33, MOST};
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (int i = 0; i < N_SHAPES; i++)
      for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k += 1 + (size_t)(i % 2)) check_prefix(&shapes[i], p->name, lengths[k]);
}

static void test_caches(void **state) {
  (void)state;
  check_caches();
  test_head_norms = true;
  check_caches();
  test_head_norms = false;
}

// ---- driver and generation ---------------------------------------------------------------------

static mx_image *prefixed_image(uint32_t n, uint32_t context) {
  mx_qmodel *q = test_variant_qmodel(&shapes[0], &transformed, 4);
  mx_image *plain = test_compile(q, "sim", 0);
  device ran = open_device(plain);
  run_tokens(&ran, 0, n, n);
  q->prefix = find_prefix(q, &ran, n);
  mx_image *image = test_compile(q, "sim", context);
  close_device(&ran);
  mx_image_free(plain);
  mx_qmodel_free(q);
  return image;
}

static void test_session(void **state) {
  (void)state;
  static const mx_engine_options none = {0};
  mx_image *image = prefixed_image(5, 0);
  uint32_t stored = mx_load_u32(image->memory + image->result_addr), next[2][4], first = 0;
  mx_session s;
  mx_error e = {0};
  assert_int_equal(mx_session_open(&s, image, "golden", &none, &e), MX_OK);
  assert_int_equal(mx_session_begin(&s, &e), MX_OK);
  assert_int_equal(mx_session_token(&s, 7, &first, &e), MX_USAGE);
  assert_non_null(strstr(e.text, "token of beginning"));
  for (int text = 0; text < 2; text++) {  // the second time results have been overwritten
    e = (mx_error){0};
    assert_int_equal(mx_session_token(&s, BOS, &first, &e), MX_OK);
    assert_false(s.ran);
    assert_int_equal(first, stored);
    assert_int_equal(s.runtime.position, 5);
    for (uint32_t i = 0; i < 4; i++) assert_int_equal(mx_session_token(&s, 20 + i, &next[text][i], &e), MX_OK);
    assert_true(s.ran);
    assert_int_equal(s.runtime.position, 9);
    mx_runtime_rewind(&s.runtime);
  }
  assert_memory_equal(next[0], next[1], sizeof next[0]);
  mx_session_close(&s);
  mx_image_free(image);
}

static mx_status session_token(void *self, const uint32_t *tokens, uint32_t count, bool prompt, uint32_t *taken, uint32_t *next, mx_error *e) {
  (void)prompt;
  return mx_session_feed(self, tokens, count, taken, next, e);
}

static mx_status generate(mx_image *image, const char *prompt, uint32_t most, mx_generation *out, uint32_t *position, mx_error *e) {
  static const mx_engine_options none = {0};
  mx_session s;
  mx_tokenizer *t = test_tokenizer();
  mx_generator g = {.self = &s, .feed = session_token};
  assert_int_equal(mx_session_open(&s, image, "golden", &none, e), MX_OK);
  assert_int_equal(mx_session_begin(&s, e), MX_OK);
  mx_status status = mx_generate(image, t, prompt, strlen(prompt), most, &g, out, e);
  *position = s.runtime.position;
  mx_session_close(&s);
  mx_tokenizer_free(t);
  return status;
}

// Without a prompt BOS is the text: nothing but what follows is run.
static void test_generation(void **state) {
  (void)state;
  mx_image *image = prefixed_image(5, 12);
  mx_generation out;
  mx_error e = {0};
  uint32_t position;
  image->eos_id = UINT32_MAX;  // what a random model chooses
  assert_int_equal(generate(image, "", 3, &out, &position, &e), MX_OK);
  assert_int_equal(out.n_prompt, 1);
  assert_int_equal(out.tokens[1], mx_load_u32(image->memory + image->result_addr));
  assert_int_equal(out.n_tokens, 4);
  assert_int_equal(position, 7);
  mx_generation_free(&out);
  assert_int_equal(generate(image, "", 100, &out, &position, &e), MX_OK);
  assert_int_equal(out.stop, MX_STOP_CONTEXT);
  assert_int_equal(position, 12);
  assert_int_equal(out.n_tokens, 9);  // BOS, seven in positions 5 to 11, and the choice after them
  mx_generation_free(&out);
  assert_int_equal(generate(image, "aaaaaaaaaaaaaaaaa", 1, &out, &position, &e), MX_LIMIT);
  assert_non_null(strstr(e.text, "and a prefix"));
  mx_generation_free(&out);
  e = (mx_error){0};
  image->bos_id = 9;  // a tokenizer of another model
  assert_int_equal(generate(image, "", 1, &out, &position, &e), MX_UNSUPPORTED);
  mx_generation_free(&out);
  mx_image_free(image);
}

static void test_verify(void **state) {
  (void)state;
  static const mx_engine_options none = {0};
  mx_image *image = prefixed_image(5, 0);
  mx_verify *v;
  mx_error e = {0};
  uint32_t next;
  assert_int_equal(mx_verify_open(image, "golden", &none, &v, &e), MX_OK);
  assert_int_equal(mx_verify_begin(v, &e), MX_OK);
  assert_int_equal(mx_verify_token(v, BOS, &next, &e), MX_OK);
  assert_int_equal(mx_verify_token(v, next, &next, &e), MX_OK);
  assert_int_equal(mx_verify_get_counts(v)->programs, 2);
  mx_verify_close(v);
  mx_image_free(image);
}

// ---- refusals ---------------------------------------------------------------------------------

static void check_refused(mx_qmodel *q, uint32_t context, mx_status status, const char *words) {
  mx_compile_options o = {.params = mx_params_find("sim"), .context = context};
  mx_image *image;
  mx_error e = {0};
  assert_int_equal(mx_compile(q, &o, &image, &e), status);
  if (!strstr(e.text, words)) fail_msg("'%s' lacks '%s'", e.text, words);
}

static void test_refusals(void **state) {
  (void)state;
  mx_qmodel *q = test_qmodel(&shapes[0], 4);
  q->prefix = (mx_prefix){.n = 3, .tokens = calloc(3, sizeof(int32_t))};
  check_refused(q, 3, MX_LIMIT, "a prefix of 3 tokens leaves no room in a context of 3");
  check_refused(q, 40, MX_UNSUPPORTED, "ends with token 0");
  mx_qmodel_free(q);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_caches), cmocka_unit_test(test_session), cmocka_unit_test(test_generation),
                                     cmocka_unit_test(test_verify), cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
