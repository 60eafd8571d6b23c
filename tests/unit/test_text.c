// The firmware's tokenizer against the compiler's: the same tokens and bytes for the
// shipped model's vocabulary, for random ones made to be hostile, and for random texts;
// damaged sections are refused or harmless.
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/import/model.h"
#include "firmware/mx_text.h"
#include "golden/bytes.h"
#include "tests/unit/program.h"
#include "tests/unit/small_model.h"

static test_random generator;

typedef struct { mx_tokenizer *host; uint8_t *section; size_t bytes; mx_text text; } both;

static both open_both(mx_tokenizer *t) {
  both b = {.host = t, .bytes = mx_tokenizer_write(t, NULL, 0)};
  b.section = malloc(b.bytes);  // exact, so that sanitizers see every step outside
  assert_non_null(b.section);
  mx_tokenizer_write(t, b.section, b.bytes);
  assert_int_equal(mx_text_open(&b.text, b.section, (uint32_t)b.bytes), MX_TEXT_OK);
  return b;
}

static void close_both(both *b) {
  mx_tokenizer_free(b->host);
  free(b->section);
}

static mx_text_status encode_text(const mx_text *t, const void *text, size_t len, bool bos, uint32_t *ids, uint32_t capacity, uint32_t *count) {
  uint32_t bytes = mx_text_work_bytes(t, (uint32_t)len);
  void *work = malloc(bytes);
  assert_non_null(work);
  mx_text_status s = mx_text_encode(t, text, (uint32_t)len, bos, ids, capacity, count, work, bytes);
  if (bytes) assert_int_equal(mx_text_encode(t, text, (uint32_t)len, bos, ids, capacity, count, work, bytes - 1), MX_TEXT_TOO_LONG);
  *count = 0;
  if (!s) s = mx_text_encode(t, text, (uint32_t)len, bos, ids, capacity, count, work, bytes);
  free(work);
  return s;
}

static void compare_encoding(const both *b, const char *text, size_t len, bool bos) {
  size_t capacity = mx_tokenizer_max_tokens(len), want_count;
  int32_t *want = malloc(capacity * sizeof *want);
  uint32_t *got = malloc(capacity * sizeof *got), count;
  assert_true(want && got);
  mx_error e = {0};
  mx_status ws = mx_tokenizer_encode(b->host, text, len, bos, want, capacity, &want_count, &e);
  mx_text_status gs = encode_text(&b->text, text, len, bos, got, (uint32_t)capacity, &count);
  if (!ws != !gs) fail_msg("host: %s, firmware: %s", ws ? e.text : "fine", mx_text_sentence(gs));
  if (!ws) assert_int_equal(count, want_count);
  if (!ws) assert_memory_equal(got, want, count * sizeof *got);
  if (!ws && count) assert_int_equal(encode_text(&b->text, text, len, bos, got, count - 1, &(uint32_t){0}), MX_TEXT_TOO_MANY);
  free(want);
  free(got);
}

typedef struct { uint8_t bytes[4096]; size_t n; } sink;

static void put(void *self, uint8_t byte) {
  sink *s = self;
  assert_true(s->n < sizeof s->bytes);
  s->bytes[s->n++] = byte;
}

static void compare_decoding(const both *b, int32_t prev, int32_t id) {
  static sink got;
  static char want[4096];
  size_t n;
  got.n = 0;
  mx_text_decode(&b->text, prev, id, put, &got);
  assert_int_equal(mx_tokenizer_decode(b->host, prev, id, want, sizeof want, &n), MX_OK);
  assert_int_equal(got.n, n);
  assert_memory_equal(got.bytes, want, n);
}

static void compare_every_decoding(const both *b) {
  int32_t n = (int32_t)mx_tokenizer_vocab_size(b->host);
  for (int32_t id = 0; id < n; id++) {
    compare_decoding(b, -1, id);
    compare_decoding(b, mx_tokenizer_bos(b->host), id);
    compare_decoding(b, (int32_t)test_random_below(&generator, (uint32_t)n), id);
  }
}

// ---- the shipped vocabulary --------------------------------------------------------

static both shipped(void) {
  mx_model *m;
  mx_error e = {0};
  if (mx_model_open("tests/models/kjv.gguf", NULL, &m, &e)) fail_msg("%s", e.text);
  mx_tokenizer *t = m->tokenizer;
  m->tokenizer = NULL;
  mx_model_free(m);
  return open_both(t);
}

static void shipped_vocabulary_agrees(void **state) {
  (void)state;
  both b = shipped();
  mx_file f;
  mx_error e = {0};
  if (mx_file_map("tests/models/heldout.txt", &f, &e)) fail_msg("%s", e.text);
  compare_every_decoding(&b);
  for (int i = 0; i < 150; i++) {
    size_t len = test_random_below(&generator, 300), at = test_random_below(&generator, (uint32_t)(f.size_bytes - len));
    compare_encoding(&b, (const char *)f.data + at, len, i % 2);
  }
  compare_encoding(&b, (const char *)f.data, 4000, true);
  mx_file_unmap(&f);
  close_both(&b);
}

static void random_bytes_agree(void **state) {
  (void)state;
  both b = shipped();
  for (int i = 0; i < 300; i++) {
    char text[64];
    size_t len = test_random_below(&generator, sizeof text);
    for (size_t k = 0; k < len; k++) text[k] = (char)test_random_u32(&generator);
    compare_encoding(&b, text, len, i % 2);
  }
  close_both(&b);
}

// ---- random vocabularies -----------------------------------------------------------

// Parts of texts and of pieces: whole characters, broken ones, spaces in both forms.
static const char *const parts[] = {"a", "b", "a", "b", " ", "\xe2\x96\x81", "\xc3\xa9", "\xe2\x96", "\x81", "\xff", "<0x41>", "\xf0\x9f\x98\x80"};

static size_t random_text(char *to, size_t most) {
  size_t n = 0;
  for (uint32_t left = test_random_below(&generator, (uint32_t)most); left--;) {
    const char *part = parts[test_random_below(&generator, sizeof parts / sizeof *parts)];
    memcpy(to + n, part, strlen(part));
    n += strlen(part);
  }
  return n;
}

static float random_score(void) {
  static const float few[] = {0, -0.0f, -1, 2, INFINITY, -INFINITY, FLT_TRUE_MIN, -FLT_TRUE_MIN};
  return test_random_below(&generator, 2) ? few[test_random_below(&generator, 8)] : test_random_float(&generator);
}

static int32_t random_id(uint32_t vocab) { return (int32_t)test_random_below(&generator, vocab + 1) - 1; }

static both random_vocabulary(void) {
  enum { MOST = 400, TEXT = 24 * 8 };
  static char texts[MOST][TEXT], names[256][8];
  static mx_piece pieces[MOST + 256];
  uint32_t n = 1 + test_random_below(&generator, MOST), bytes = test_random_below(&generator, 2) ? 256 : 0;
  bool users = test_random_below(&generator, 2);
  for (uint32_t i = 0; i < n; i++) {
    mx_piece_type type = (mx_piece_type)(1 + test_random_below(&generator, 6));
    if (type == MX_PIECE_USER && !users) type = MX_PIECE_NORMAL;
    pieces[i] = (mx_piece){texts[i], (uint32_t)random_text(texts[i], i % 8 ? 4 : 16), random_score(), type};
  }
  for (uint32_t i = 0; i < bytes; i++) {
    snprintf(names[i], sizeof names[i], "<0x%02X>", i);
    pieces[n + i] = (mx_piece){names[i], 6, random_score(), MX_PIECE_BYTE};
  }
  mx_tokenizer_config c = {n + bytes, random_id(n), random_id(n), random_id(n), test_random_below(&generator, 2)};
  mx_tokenizer *t;
  mx_error e = {0};
  if (mx_tokenizer_new(pieces, &c, MX_NOWHERE, &t, &e)) fail_msg("%s", e.text);
  return open_both(t);
}

static void random_vocabularies_agree(void **state) {
  (void)state;
  for (int round = 0; round < 300; round++) {
    both b = random_vocabulary();
    char text[60 * 8];
    compare_every_decoding(&b);
    for (int i = 0; i < 20; i++) compare_encoding(&b, text, random_text(text, 60), false);
    compare_encoding(&b, text, random_text(text, 60), true);
    close_both(&b);
  }
}

// ---- damage ------------------------------------------------------------------------

static void use(const mx_text *t) {
  char text[40 * 8];
  uint32_t ids[400], count;
  sink *s = malloc(sizeof *s);
  assert_non_null(s);
  for (uint32_t id = 0; id < t->vocab_size && id < 50; id++) {
    s->n = 0;
    if (t->longest <= sizeof s->bytes) mx_text_decode(t, -1, (int32_t)id, put, s);
  }
  encode_text(t, text, random_text(text, 40), true, ids, 400, &count);
  free(s);
}

static void damaged_sections_do_no_harm(void **state) {
  (void)state;
  uint32_t opened = 0, refused = 0;
  for (int round = 0; round < 400; round++) {
    both b = random_vocabulary();
    for (uint32_t k = 1 + test_random_below(&generator, 3); k--;) {
      size_t head = MX_TOKENS_HEADER_BYTES + 4 * (size_t)b.text.vocab_size, most = k % 2 ? b.bytes : head;
      b.section[test_random_below(&generator, (uint32_t)most)] ^= (uint8_t)(1u << test_random_below(&generator, 8));
    }
    mx_text t;
    bool ok = !mx_text_open(&t, b.section, (uint32_t)b.bytes);
    if (ok) use(&t);
    *(ok ? &opened : &refused) += 1;
    close_both(&b);
  }
  assert_true(opened > 20 && refused > 20);
}

static void truncated_sections_are_refused(void **state) {
  (void)state;
  both b = open_both(test_tokenizer());
  for (uint32_t n = 0; n < b.bytes; n++) {
    uint8_t *exact = malloc(n ? n : 1);
    memcpy(exact, b.section, n);
    mx_text t;
    assert_int_equal(mx_text_open(&t, exact, n), MX_TEXT_BAD);
    free(exact);
  }
  mx_store_u32(b.section + MX_TOKENS_VERSION_AT, 1);
  assert_int_equal(mx_text_open(&b.text, b.section, (uint32_t)b.bytes), MX_TEXT_BAD);
  close_both(&b);
}

static void every_status_has_a_sentence(void **state) {
  (void)state;
  for (int s = MX_TEXT_OK; s <= MX_TEXT_NO_BOS; s++) assert_string_not_equal(mx_text_sentence((mx_text_status)s), "unknown status");
  assert_string_equal(mx_text_sentence((mx_text_status)99), "unknown status");
}

int main(void) {
  generator.state = test_seed();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(shipped_vocabulary_agrees),   cmocka_unit_test(random_bytes_agree),
      cmocka_unit_test(random_vocabularies_agree),   cmocka_unit_test(damaged_sections_do_no_harm),
      cmocka_unit_test(truncated_sections_are_refused), cmocka_unit_test(every_status_has_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
