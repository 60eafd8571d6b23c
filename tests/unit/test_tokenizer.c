// The tokenizer against known answers, a naive encoder, and hostile bytes.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/import/tokenizer.h"
#include "tests/unit/small_model.h"

#define SP "\xe2\x96\x81"

static mx_piece piece(const char *text, float score, mx_piece_type type) {
  return (mx_piece){text, (uint32_t)strlen(text), score, type};
}

static int32_t id_of(const mx_tokenizer *t, const char *text) {
  int32_t id = mx_tokenizer_find(t, text, strlen(text));
  if (id < 0) fail_msg("no piece '%s'", text);
  return id;
}

static size_t encode(const mx_tokenizer *t, const char *text, size_t len, bool bos,
                     int32_t **ids) {
  size_t capacity = mx_tokenizer_max_tokens(len), count;
  mx_error e = {0};
  *ids = malloc(capacity * sizeof **ids);
  assert_non_null(*ids);
  if (mx_tokenizer_encode(t, text, len, bos, *ids, capacity, &count, &e)) fail_msg("%s", e.text);
  return count;
}

// Decodes ids after BOS; the caller frees the text.
static char *decode(const mx_tokenizer *t, const int32_t *ids, size_t count, size_t *len) {
  char *text = malloc(64 * count + 1);
  assert_non_null(text);
  *len = 0;
  int32_t prev = mx_tokenizer_bos(t);
  for (size_t i = 0; i < count; i++) {
    size_t n;
    assert_int_equal(mx_tokenizer_decode(t, prev, ids[i], text + *len, 64, &n), MX_OK);
    *len += n;
    prev = ids[i];
  }
  text[*len] = 0;
  return text;
}

// Expects the tokens of `text` to be `pieces`, ended by NULL.
static void check_encoding(const mx_tokenizer *t, const char *text, const char *const *pieces) {
  int32_t *ids;
  size_t count = encode(t, text, strlen(text), false, &ids), i = 0;
  for (; pieces[i]; i++)
    if (i >= count || ids[i] != id_of(t, pieces[i]))
      fail_msg("'%s': token %zu is not '%s'", text, i, pieces[i]);
  assert_int_equal(count, i);
  free(ids);
}

// ---- known answers -------------------------------------------------------------------

static void test_known_encodings(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer();
  // "he" is better than "th": t-he never becomes "the", " t" and "he" do not join.
  check_encoding(t, "the", (const char *[]){SP "the", NULL});
  check_encoding(t, "thethe", (const char *[]){SP "the", "the", NULL});
  check_encoding(t, "and re", (const char *[]){SP "and", SP, "re", NULL});
  check_encoding(t, " a", (const char *[]){SP, SP "a", NULL});
  check_encoding(t, "\xc3\xa9", (const char *[]){SP, "\xc3\xa9", NULL});
  check_encoding(t, "Z\n", (const char *[]){SP, "<0x5A>", "<0x0A>", NULL});
  check_encoding(t, "\xe2\x82\xac", (const char *[]){SP, "<0xE2>", "<0x82>", "<0xAC>", NULL});
  check_encoding(t, "", (const char *[]){NULL});
  check_encoding(t, "<s>", (const char *[]){SP, "<0x3C>", "<0x73>", "<0x3E>", NULL});
  mx_tokenizer_free(t);
}

static void test_bos_and_capacity(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer();
  int32_t ids[3] = {-9, -9, -9};
  size_t count;
  mx_error e = {0};
  assert_int_equal(mx_tokenizer_encode(t, "the", 3, true, ids, 2, &count, &e), MX_OK);
  assert_int_equal(count, 2);
  assert_int_equal(ids[0], 1);
  assert_int_equal(mx_tokenizer_encode(t, "the or", 6, true, ids, 2, &count, &e), MX_LIMIT);
  assert_int_equal(count, 4);
  assert_int_equal(ids[2], -9);
  e = (mx_error){0};
  assert_int_equal(mx_tokenizer_encode(t, "", 0, true, ids, 2, &count, &e), MX_OK);
  assert_int_equal(count, 1);
  mx_tokenizer_free(t);
}

static void check_decoding(const mx_tokenizer *t, int32_t prev, int32_t id, const char *expected,
                           size_t expected_len) {
  char buf[16];
  size_t len;
  assert_int_equal(mx_tokenizer_decode(t, prev, id, buf, sizeof buf, &len), MX_OK);
  assert_int_equal(len, expected_len);
  assert_memory_equal(buf, expected, len);
}

static void test_decoding(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer();
  int32_t the = id_of(t, SP "the"), space = id_of(t, SP);
  check_decoding(t, 1, the, "the", 3);
  check_decoding(t, -1, the, "the", 3);
  check_decoding(t, 5, the, " the", 4);
  check_decoding(t, 1, space, "", 0);
  check_decoding(t, 5, space, " ", 1);
  check_decoding(t, 1, id_of(t, "<0x00>"), "\0", 1);
  check_decoding(t, 1, id_of(t, "<0xFF>"), "\xff", 1);
  for (int32_t id = 0; id < 3; id++) check_decoding(t, 5, id, "", 0);
  char buf[4];
  size_t len;
  assert_int_equal(mx_tokenizer_decode(t, 5, the, buf, 3, &len), MX_LIMIT);
  assert_int_equal(len, 4);
  assert_int_equal(mx_tokenizer_decode(t, 5, -1, buf, 4, &len), MX_USAGE);
  assert_int_equal(mx_tokenizer_decode(t, 5, TEST_VOCAB, buf, 4, &len), MX_USAGE);
  mx_tokenizer_free(t);
}

static mx_tokenizer *build(const mx_piece *pieces, mx_tokenizer_config c) {
  mx_tokenizer *t;
  mx_error e = {0};
  if (mx_tokenizer_new(pieces, &c, MX_NOWHERE, &t, &e)) fail_msg("%s", e.text);
  return t;
}

static void test_ties_go_left(void **state) {
  (void)state;
  const mx_piece pieces[] = {piece("a", 0, MX_PIECE_NORMAL), piece("aa", 1, MX_PIECE_NORMAL),
                             piece("aaa", 2, MX_PIECE_NORMAL)};
  mx_tokenizer *t = build(pieces, (mx_tokenizer_config){3, -1, -1, -1, false});
  check_encoding(t, "aaa", (const char *[]){"aaa", NULL});
  check_encoding(t, "aaaa", (const char *[]){"aaa", "a", NULL});
  check_encoding(t, "aaaaa", (const char *[]){"aaa", "aa", NULL});
  mx_tokenizer_free(t);
}

static void test_equal_pieces(void **state) {
  (void)state;
  const mx_piece pieces[] = {piece("a", 0, MX_PIECE_NORMAL), piece("b", 0, MX_PIECE_NORMAL),
                             piece("a", 0, MX_PIECE_NORMAL)};
  mx_tokenizer *t = build(pieces, (mx_tokenizer_config){3, -1, -1, -1, false});
  assert_int_equal(mx_tokenizer_find(t, "a", 1), 2);  // the last
  mx_tokenizer_free(t);
}

static void test_user_pieces(void **state) {
  (void)state;
  const mx_piece pieces[] = {piece("a", 0, MX_PIECE_NORMAL),   piece(SP, 0, MX_PIECE_NORMAL),
                             piece("<x>", 0, MX_PIECE_USER),   piece("<x><x>", 0, MX_PIECE_USER),
                             piece("b", 0, MX_PIECE_NORMAL),   piece("<", 0, MX_PIECE_NORMAL)};
  mx_tokenizer *t = build(pieces, (mx_tokenizer_config){6, -1, -1, -1, true});
  check_encoding(t, "a<x>b", (const char *[]){SP, "a", "<x>", SP, "b", NULL});
  check_encoding(t, "<x><x><x>", (const char *[]){"<x><x>", "<x>", NULL});
  check_encoding(t, "<<x>", (const char *[]){SP, "<", "<x>", NULL});
  mx_tokenizer_free(t);
}

static void test_bytes_without_pieces(void **state) {
  (void)state;
  const mx_piece pieces[] = {piece("a", 0, MX_PIECE_NORMAL), piece("<unk>", 0, MX_PIECE_UNKNOWN)};
  mx_tokenizer *t = build(pieces, (mx_tokenizer_config){2, -1, -1, 1, false});
  check_encoding(t, "a?", (const char *[]){"a", "<unk>", NULL});
  mx_tokenizer_free(t);
  t = build(pieces, (mx_tokenizer_config){2, -1, -1, -1, false});
  int32_t ids[8];
  size_t count;
  mx_error e = {0};
  assert_int_equal(mx_tokenizer_encode(t, "a?", 2, false, ids, 8, &count, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, "0x3f"));
  e = (mx_error){0};
  assert_int_equal(mx_tokenizer_encode(t, "a", 1, true, ids, 8, &count, &e), MX_UNSUPPORTED);
  mx_tokenizer_free(t);
}

// ---- against a naive encoder ---------------------------------------------------------

typedef struct {
  size_t start, length;
} span;

static bool continues(char c) {
  return ((uint8_t)c & 0xc0) == 0x80;
}

// Every byte begins a character, but for continuation bytes with room in front.
static size_t cut(const char *text, size_t len, span *spans) {
  static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
  size_t n = 0;
  for (size_t at = 0; at < len; at++) {
    span *last = n ? &spans[n - 1] : NULL;
    if (last && continues(text[at]) && last->length < lengths[(uint8_t)text[last->start] >> 4])
      last->length++;
    else
      spans[n++] = (span){at, 1};
  }
  return n;
}

// Joins the best pair of spans, the leftmost of equals; false when there is none.
static bool join_best(const mx_tokenizer *t, const char *text, span *spans, size_t *n) {
  size_t best = SIZE_MAX;
  float best_score = -INFINITY;
  for (size_t i = 0; i + 1 < *n; i++) {
    int32_t id =
        mx_tokenizer_find(t, text + spans[i].start, spans[i].length + spans[i + 1].length);
    if (id < 0) continue;
    float score = mx_tokenizer_piece(t, id).score;
    if (best != SIZE_MAX && score <= best_score) continue;
    best = i;
    best_score = score;
  }
  if (best == SIZE_MAX) return false;
  spans[best].length += spans[best + 1].length;
  memmove(spans + best + 1, spans + best + 2, (*n - best - 2) * sizeof *spans);
  (*n)--;
  return true;
}

// Tokens of text, in which spaces are escaped already, to ids; the number.
static size_t encode_naively(const mx_tokenizer *t, const char *text, size_t len, int32_t *ids) {
  span *spans = malloc((len + 1) * sizeof *spans);
  assert_non_null(spans);
  size_t n = cut(text, len, spans), count = 0;
  while (join_best(t, text, spans, &n)) {}
  for (size_t i = 0; i < n; i++) {
    int32_t id = mx_tokenizer_find(t, text + spans[i].start, spans[i].length);
    if (id >= 0) ids[count++] = id;
    for (size_t k = 0; id < 0 && k < spans[i].length; k++) {
      char name[8];
      snprintf(name, sizeof name, "<0x%02X>", (uint8_t)text[spans[i].start + k]);
      ids[count++] = id_of(t, name);
    }
  }
  free(spans);
  return count;
}

// All bytes, and random pieces over a small alphabet with few different scores.
static mx_tokenizer *random_tokenizer(test_random *r) {
  enum { PIECES = 200, LONGEST = 6 };
  static const char *const letters[] = {"a", "b", "\xc3\xa9", "\xe2\x82\xac", SP};
  static char texts[PIECES][3 * LONGEST + 1], bytes[256][8];
  mx_piece pieces[256 + PIECES];
  for (unsigned b = 0; b < 256; b++) {
    snprintf(bytes[b], sizeof bytes[b], "<0x%02X>", b);
    pieces[b] = piece(bytes[b], 0, MX_PIECE_BYTE);
  }
  for (int i = 0; i < PIECES; i++) {
    texts[i][0] = 0;
    for (uint32_t n = 1 + test_random_below(r, LONGEST); n; n--)
      strcat(texts[i], letters[test_random_below(r, 5)]);
    pieces[256 + i] = piece(texts[i], (float)test_random_below(r, 20), MX_PIECE_NORMAL);
  }
  return build(pieces, (mx_tokenizer_config){256 + PIECES, -1, -1, -1, false});
}

static size_t random_text(test_random *r, char *text, size_t most) {
  static const char *const parts[] = {"a", "b", "a", "b", "\xc3\xa9", "\xe2\x82\xac", SP,
                                      "c", "\xc3", "\xf0", "\xe2\x96"};
  size_t len = 0;
  for (uint32_t n = test_random_below(r, 60); n; n--) {
    const char *part = parts[test_random_below(r, 11)];
    if (len + strlen(part) > most) break;
    memcpy(text + len, part, strlen(part));
    len += strlen(part);
  }
  return len;
}

static void test_against_naive_encoder(void **state) {
  (void)state;
  test_random r = {2024};
  for (int i = 0; i < 40; i++) {
    mx_tokenizer *t = random_tokenizer(&r);
    for (int k = 0; k < 50; k++) {
      char text[256];
      int32_t expected[256], *ids;
      size_t len = random_text(&r, text, sizeof text);
      size_t n = encode_naively(t, text, len, expected);
      size_t count = encode(t, text, len, false, &ids);
      assert_int_equal(count, n);
      assert_memory_equal(ids, expected, n * sizeof *ids);
      free(ids);
    }
    mx_tokenizer_free(t);
  }
}

// ---- any bytes -----------------------------------------------------------------------

static void check_round_trip(const mx_tokenizer *t, const char *text, size_t len) {
  int32_t *ids;
  size_t count = encode(t, text, len, false, &ids), back_len;
  char *back = decode(t, ids, count, &back_len);
  assert_int_equal(back_len, len);
  assert_memory_equal(back, text, len);
  free(ids);
  free(back);
}

static void test_any_bytes_round_trip(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer();
  test_random r = {99};
  static const char likely[] = " \xc0\xe0\xf0\xff\x80theand";
  for (int i = 0; i < 2000; i++) {
    char text[48];
    size_t len = test_random_below(&r, sizeof text);
    for (size_t k = 0; k < len; k++)
      text[k] = test_random_below(&r, 3) ? likely[test_random_below(&r, sizeof likely - 1)]
                                         : (char)test_random_u32(&r);
    char *exact = (char *)test_exact_copy(text, len);
    check_round_trip(t, exact, len);
    free(exact);
  }
  mx_tokenizer_free(t);
}

static void test_long_texts(void **state) {
  (void)state;
  enum { BYTES = 1 << 20 };
  mx_tokenizer *t = test_tokenizer();
  char *text = malloc(BYTES);
  assert_non_null(text);
  memset(text, 'e', BYTES);
  check_round_trip(t, text, BYTES);
  for (int i = 0; i < BYTES; i++) text[i] = "the and "[i % 8];
  check_round_trip(t, text, BYTES);
  for (int i = 0; i < BYTES; i++) text[i] = "\xc0 "[i % 2];
  check_round_trip(t, text, BYTES);
  free(text);
  mx_tokenizer_free(t);
}

// ---- construction and the serial form --------------------------------------------------

static void check_refused(const mx_piece *pieces, mx_tokenizer_config c, const char *text) {
  mx_tokenizer *t;
  mx_error e = {0};
  assert_int_equal(mx_tokenizer_new(pieces, &c, (mx_loc){"f", 77}, &t, &e), MX_FORMAT);
  assert_null(t);
  assert_int_equal(e.offset_bytes, 77);
  if (!strstr(e.text, text)) fail_msg("'%s' lacks '%s'", e.text, text);
}

static void test_refusals(void **state) {
  (void)state;
  mx_piece p[] = {piece("a", 0, MX_PIECE_NORMAL), piece("b", 0, MX_PIECE_NORMAL)};
  check_refused(p, (mx_tokenizer_config){0, -1, -1, -1, true}, "0 tokens");
  check_refused(p, (mx_tokenizer_config){2, 2, -1, -1, true}, "BOS token is 2");
  check_refused(p, (mx_tokenizer_config){2, -1, -2, -1, true}, "EOS token is -2");
  check_refused(p, (mx_tokenizer_config){2, -1, -1, 9, true}, "unknown token is 9");
  p[1].score = NAN;
  check_refused(p, (mx_tokenizer_config){2, -1, -1, -1, true}, "score of token 1 is NaN");
  p[1] = piece("b", 0, (mx_piece_type)0);
  check_refused(p, (mx_tokenizer_config){2, -1, -1, -1, true}, "token 1 has type 0");
}

static uint8_t *serialise(const mx_tokenizer *t, size_t *size) {
  *size = mx_tokenizer_write(t, NULL, 0);
  uint8_t *data = malloc(*size);
  assert_non_null(data);
  assert_int_equal(mx_tokenizer_write(t, data, *size), *size);
  return data;
}

static void test_serial_round_trip(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer(), *back;
  mx_error e = {0};
  size_t size, again_size;
  uint8_t *data = serialise(t, &size);
  assert_int_equal(mx_tokenizer_read(data, size, MX_NOWHERE, &back, &e), MX_OK);
  uint8_t *again = serialise(back, &again_size);
  assert_int_equal(size, again_size);
  assert_memory_equal(data, again, size);
  check_encoding(back, "the and", (const char *[]){SP "the", SP "and", NULL});
  mx_tokenizer_free(t);
  mx_tokenizer_free(back);
  free(data);
  free(again);
}

static void test_serial_trailing_byte(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer(), *back;
  size_t size = mx_tokenizer_write(t, NULL, 0);
  uint8_t *data = calloc(size + 1, 1);
  assert_non_null(data);
  mx_tokenizer_write(t, data, size);
  mx_tokenizer_free(t);
  mx_error e = {0};
  assert_int_equal(mx_tokenizer_read(data, size + 1, MX_NOWHERE, &back, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "1 bytes after"));
  free(data);
}

static void test_serial_truncations(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer(), *back;
  size_t size;
  uint8_t *data = serialise(t, &size);
  mx_tokenizer_free(t);
  for (size_t n = 0; n < size; n++) {
    uint8_t *exact = test_exact_copy(data, n);
    mx_error e = {0};
    assert_int_equal(mx_tokenizer_read(exact, n, (mx_loc){"f", 1000}, &back, &e), MX_FORMAT);
    assert_null(back);
    assert_in_range(e.offset_bytes, 1000, 1000 + n);
    free(exact);
  }
  free(data);
}

static void test_serial_bit_flips(void **state) {
  (void)state;
  mx_tokenizer *t = test_tokenizer(), *back;
  size_t size;
  uint8_t *data = serialise(t, &size);
  mx_tokenizer_free(t);
  for (size_t bit = 0; bit < 8 * size; bit += bit < 8 * 64 ? 1 : 7) {
    data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    mx_error e = {0};
    if (mx_tokenizer_read(data, size, MX_NOWHERE, &back, &e)) assert_true(e.text[0]);
    mx_tokenizer_free(back);
    data[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  free(data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_encodings),   cmocka_unit_test(test_bos_and_capacity),
      cmocka_unit_test(test_decoding),          cmocka_unit_test(test_ties_go_left),
      cmocka_unit_test(test_equal_pieces),      cmocka_unit_test(test_user_pieces),
      cmocka_unit_test(test_bytes_without_pieces),
      cmocka_unit_test(test_against_naive_encoder),
      cmocka_unit_test(test_any_bytes_round_trip),
      cmocka_unit_test(test_long_texts),        cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_serial_round_trip), cmocka_unit_test(test_serial_trailing_byte),
      cmocka_unit_test(test_serial_truncations),
      cmocka_unit_test(test_serial_bit_flips),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
