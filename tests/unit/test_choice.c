// Vocabularies beyond the vector memory: logits come in tiles, each with a choice
// of its own, and what the runtime makes of these is the ARGMAX over all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "compiler/lower/lower.h"
#include "firmware/mx_runtime.h"
#include "golden/fp32.h"
#include "sim/session.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"

static test_random generator;

static bool is_nan(uint32_t x) { return (x & 0x7fffffff) > 0x7f800000; }

// ARGMAX as golden/ucode.def has it.
static uint32_t argmax(const uint32_t *x, uint32_t n) {
  uint32_t best = 0;
  for (uint32_t i = 1; i < n; i++)
    if (mx_fp_gt(x[i], x[best]) || (is_nan(x[best]) && !is_nan(x[i]))) best = i;
  return best;
}

// ---- the runtime's part ------------------------------------------------------------

enum { MOST = 200, RESULT = 0, LOGITS = 4 * MOST, BYTES = 8 * MOST };
typedef struct { uint8_t memory[BYTES]; uint32_t reach; } device;

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  const device *d = self;
  if (addr > d->reach || bytes > d->reach - addr) return false;
  memcpy(to, d->memory + addr, bytes);
  return true;
}

// Logits as a device leaves them with their choices.
static void put_logits(device *d, const uint32_t *x, uint32_t n, uint32_t rows) {
  for (uint32_t i = 0; i < n; i++) mx_store_u32(d->memory + LOGITS + 4 * i, x[i]);
  for (uint32_t at = 0; at < n; at += rows)
    mx_store_u32(d->memory + RESULT + 4 * (at / rows), argmax(x + at, n - at < rows ? n - at : rows));
}

static mx_driver_status choice(device *d, uint32_t n, uint32_t rows, uint32_t *next) {
  mx_runtime rt = {.memory = {.self = d, .get = get},
                   .facts = {.result_addr = RESULT, .logits_addr = LOGITS, .vocab_size = n, .choice_rows = rows}};
  return mx_runtime_choice(&rt, next);
}

// Few values, so that many are equal: numbers, zeros of both signs, subnormals,
// infinities, NaN of either sign.
static uint32_t random_logit(uint32_t kinds) {
  static const uint32_t values[] = {0x7fc00000, 0xffc00001, 0x7f800001, 0xff800000, 0xff7fffff, 0xbf800000, 0x80800000, 0x80000000,
                                    0x807fffff, 0x00000001, 0x00000000, 0x00800000, 0x3f800000, 0x3f800001, 0x7f7fffff, 0x7f800000};
  return values[test_random_below(&generator, kinds)];
}

static void test_tiles_of_words(void **state) {
  (void)state;
  for (uint32_t run = 0; run < test_runs(4000); run++) {
    device d = {.reach = BYTES};
    uint32_t x[MOST], n = 1 + test_random_below(&generator, MOST), rows = 1 + test_random_below(&generator, 40), next = 99999;
    uint32_t kinds = 1 + test_random_below(&generator, 16);
    for (uint32_t i = 0; i < n; i++) x[i] = random_logit(kinds);
    put_logits(&d, x, n, rows);
    assert_int_equal(choice(&d, n, rows, &next), MX_DRIVER_OK);
    assert_int_equal(next, argmax(x, n));
  }
}

static void test_memory_out_of_reach(void **state) {
  (void)state;
  device d = {.reach = LOGITS + 4 * 20};
  uint32_t next;
  mx_store_u32(d.memory + 4, 2);  // the second tile's: logit 18
  assert_int_equal(choice(&d, 30, 16, &next), MX_DRIVER_OK);
  mx_store_u32(d.memory + 4, 9);  // of which there is no memory
  assert_int_equal(choice(&d, 30, 16, &next), MX_DRIVER_MEMORY);
  d.reach = 4;  // nor of choices
  assert_int_equal(choice(&d, 30, 16, &next), MX_DRIVER_MEMORY);
}

// ---- a compiled model --------------------------------------------------------------

enum { VOCAB = TEST_LARGE_VOCAB, TOKENS = 12, BOS = 1 };

static mx_image *compile(const mx_qmodel *q, const char *set) {
  mx_compile_options o = {.params = mx_params_find(set)};
  mx_image *image;
  mx_error e = {0};
  if (mx_compile(q, &o, &image, &e)) fail_msg("%s: %s", set, e.text);
  return image;
}

static mx_session open_session(const mx_image *image) {
  static const mx_engine_options none = {0};
  mx_session s;
  mx_error e = {0};
  if (mx_session_open(&s, image, "golden", &none, &e) || mx_session_begin(&s, &e)) fail_msg("%s", e.text);
  return s;
}

static void read_logits(const mx_session *s, uint32_t logits[VOCAB]) {
  const mx_memory_port *m = &s->runtime.memory;
  for (uint32_t i = 0; i < VOCAB; i++) {
    uint8_t word[4];
    assert_true(m->get(m->self, s->image->logits_addr + 4 * i, word, 4));
    logits[i] = mx_load_u32(word);
  }
}

static uint32_t token_at(uint32_t i) { return i ? 260 + i * 977 % (VOCAB - 260) : BOS; }

// Logits after each token, whose choices must be theirs.
static void run_tokens(const mx_image *image, uint32_t logits[TOKENS][VOCAB]) {
  mx_session s = open_session(image);
  mx_error e = {0};
  for (uint32_t i = 0; i < TOKENS; i++) {
    uint32_t next = VOCAB;
    assert_int_equal(mx_session_token(&s, token_at(i), &next, &e), MX_OK);
    read_logits(&s, logits[i]);
    assert_int_equal(next, argmax(logits[i], VOCAB));
  }
  mx_session_close(&s);
}

// As many at once as the image can.
static void run_batches(const mx_image *image, uint32_t logits[TOKENS][VOCAB]) {
  static uint32_t got[VOCAB];
  uint32_t tokens[TOKENS], next = VOCAB, programs = 0;
  mx_session s = open_session(image);
  mx_error e = {0};
  for (uint32_t i = 0; i < TOKENS; i++) tokens[i] = token_at(i);
  uint32_t count = image->batch_tokens ? TOKENS / image->batch_tokens * image->batch_tokens : TOKENS;
  for (uint32_t i = 0, n; i < count; i += n, programs++) assert_int_equal(mx_session_feed(&s, tokens + i, count - i, &n, &next, &e), MX_OK);
  if (image->batch_tokens) assert_int_equal(programs, count / image->batch_tokens);
  read_logits(&s, got);
  assert_memory_equal(got, logits[count - 1], sizeof got);
  assert_int_equal(next, argmax(got, VOCAB));
  mx_session_close(&s);
}

static void check_sets(const char *weights) {
  static uint32_t want[TOKENS][VOCAB], got[TOKENS][VOCAB];
  mx_qmodel *q = test_large_vocabulary(weights);
  mx_image *image = compile(q, "sim");
  assert_int_equal(image->choice_rows, 0);  // there they fit
  run_tokens(image, want);
  mx_image_free(image);
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    image = compile(q, p->name);
    assert_int_equal(image->choice_rows, p->VMEM_WORDS < VOCAB ? p->VMEM_WORDS / 8 : 0);
    run_tokens(image, got);
    assert_memory_equal(got, want, sizeof got);
    run_batches(image, want);
    mx_image_free(image);
  }
  mx_qmodel_free(q);
}

static void test_sets_agree(void **state) {
  (void)state;
  check_sets("mxint4");
  check_sets("int8row");  // with steps of rows
}

// A prefix's logits are in the image with the choices of their tiles.
static void test_prefix(void **state) {
  (void)state;
  mx_qmodel *q = test_large_vocabulary("mxint8");
  mx_prefix p = {.n = 1, .tokens = calloc(1, sizeof(int32_t)), .keys = calloc(16, sizeof(float)), .values = calloc(16, sizeof(float)),
                 .logits = calloc(VOCAB, sizeof(float))};
  assert_true(p.tokens && p.keys && p.values && p.logits);
  p.tokens[0] = BOS;
  for (uint32_t i = 0; i < VOCAB; i++) p.logits[i] = test_random_float(&generator);
  p.logits[5000] = p.logits[8999] = 2;  // in two tiles
  q->prefix = p;
  mx_image *image = compile(q, "tiny");
  assert_true(image->choice_rows);
  mx_session s = open_session(image);
  mx_error e = {0};
  uint32_t next;
  assert_int_equal(mx_session_token(&s, BOS, &next, &e), MX_OK);
  assert_int_equal(next, 5000);
  mx_session_close(&s);
  mx_image_free(image);
  mx_qmodel_free(q);
}

int main(void) {
  generator.state = test_seed();
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tiles_of_words), cmocka_unit_test(test_memory_out_of_reach),
                                     cmocka_unit_test(test_sets_agree), cmocka_unit_test(test_prefix)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
