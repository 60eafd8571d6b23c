#include "tests/unit/small_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "test helper: %s failed\n", what);
  abort();
}

uint32_t test_random_u32(test_random *r) {
  r->state ^= r->state >> 12;  // xorshift64*
  r->state ^= r->state << 25;
  r->state ^= r->state >> 27;
  return (uint32_t)(r->state * 0x2545F4914F6CDD1Du >> 32);
}

float test_random_float(test_random *r) {
  return (float)(test_random_u32(r) >> 8) * 0x1p-23f - 1.0f;
}

uint32_t test_random_below(test_random *r, uint32_t bound) {
  return test_random_u32(r) % bound;
}

static mx_piece piece(const char *text, float score, mx_piece_type type) {
  return (mx_piece){text, (uint32_t)strlen(text), score, type};
}

mx_tokenizer *test_tokenizer(void) {
#define SP "\xe2\x96\x81"
  static const char *const words[] = {SP,  "e",  "t",   "a",  "o",   "h",    "n",
                                      "d", "r",  "\xc3\xa9", "he", "th", "the", "an",
                                      "and", "re", SP "t", SP "the", SP "a", SP "and", "or"};
#undef SP
  static char bytes[256][8];
  mx_piece pieces[TEST_VOCAB] = {piece("<unk>", 0, MX_PIECE_UNKNOWN),
                                 piece("<s>", 0, MX_PIECE_CONTROL),
                                 piece("</s>", 0, MX_PIECE_CONTROL)};
  for (unsigned b = 0; b < 256; b++) {
    snprintf(bytes[b], sizeof bytes[b], "<0x%02X>", b);
    pieces[3 + b] = piece(bytes[b], 0, MX_PIECE_BYTE);
  }
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    pieces[259 + i] = piece(words[i], -(float)i, MX_PIECE_NORMAL);
  const mx_tokenizer_config config = {TEST_VOCAB, 1, 2, 0, true};
  mx_tokenizer *t;
  mx_error e = {0};
  require(!mx_tokenizer_new(pieces, &config, MX_NOWHERE, &t, &e), "test_tokenizer");
  return t;
}

const mx_config test_small_config = {.dim = 8,
                                     .hidden_dim = 12,
                                     .n_layers = 2,
                                     .n_heads = 4,
                                     .n_kv_heads = 2,
                                     .head_dim = 2,
                                     .vocab_size = TEST_VOCAB,
                                     .context_length = 16,
                                     .rope_theta = 10000.0f,
                                     .rms_eps = 1e-5f};

mx_model *test_model(const mx_config *config, bool tied, uint64_t seed) {
  mx_model *m;
  mx_error e = {0};
  test_random r = {seed};
  require(!mx_model_new(config, tied, &m, &e), "mx_model_new");
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    mx_matrix *w = mx_model_matrix(m, i, name);
    require(!mx_matrix_allocate(w, &e), "mx_matrix_allocate");
    bool gain = w->rows == 1;
    for (size_t k = 0; k < (size_t)w->rows * w->cols; k++)
      w->data[k] = gain ? 1.0f + 0.5f * test_random_float(&r) : test_random_float(&r);
  }
  if (tied) mx_model_tie(m);
  if (config->vocab_size == TEST_VOCAB) m->tokenizer = test_tokenizer();
  return m;
}

void test_write_file(const void *data, size_t size, char path[TEST_PATH_BYTES]) {
  snprintf(path, TEST_PATH_BYTES, "/tmp/mxforge-test-XXXXXX");
  int fd = mkstemp(path);
  require(fd >= 0, "mkstemp");
  require(write(fd, data, size) == (ssize_t)size, "write");
  require(close(fd) == 0, "close");
}

uint8_t *test_exact_copy(const void *data, size_t size) {
  uint8_t *copy = malloc(size ? size : 1);
  require(copy, "malloc");
  memcpy(copy, data, size);
  return copy;
}
