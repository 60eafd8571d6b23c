#ifndef TEST_SMALL_MODEL_H
#define TEST_SMALL_MODEL_H
// Small random models and tokenizers for unit tests. Failure to build one ends
// the test program.
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>

#include "compiler/import/model.h"

// A repeatable generator; seed it with anything but 0.
typedef struct {
  uint64_t state;
} test_random;

uint32_t test_random_u32(test_random *r);
float test_random_float(test_random *r);                     // uniform in [-1, 1)
uint32_t test_random_below(test_random *r, uint32_t bound);  // bound > 0

// <unk>, <s>, </s>, 256 byte pieces and a few pieces of English text:
// TEST_VOCAB in all. The caller frees it.
enum { TEST_VOCAB = 280 };
mx_tokenizer *test_tokenizer(void);

// 2 layers, width 8, 4 heads sharing 2 KV heads, TEST_VOCAB tokens.
extern const mx_config test_small_config;

// A model with random weights, and with test_tokenizer() when the vocabulary is
// TEST_VOCAB. The caller frees it.
mx_model *test_model(const mx_config *config, bool tied, uint64_t seed);

// Writes the bytes to a new temporary file and its name to path. The caller
// unlinks it.
enum { TEST_PATH_BYTES = 64 };
void test_write_file(const void *data, size_t size, char path[TEST_PATH_BYTES]);

// A malloc'd copy of exactly `size` bytes, so that a checker sees reads past it.
uint8_t *test_exact_copy(const void *data, size_t size);
#endif
