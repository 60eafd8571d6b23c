#ifndef TEST_SMALL_QMODEL_H
#define TEST_SMALL_QMODEL_H
// Small random quantized models and their images. Failure to build one ends
// the test program.
#include "compiler/lower/lower.h"
#include "compiler/quant/qmodel.h"

typedef struct {
  uint32_t heads, kv_heads, head_dim, dim, hidden, layers, context;
  const char *weights;       // "mxint8"
  unsigned act_bits, kv_bits;
} test_shape;

// Models made from now on have norms of query and key heads.
extern bool test_head_norms;

mx_config test_shape_config(const test_shape *s);

// The caller frees these.
mx_qmodel *test_qmodel(const test_shape *s, uint64_t seed);
mx_image *test_compile(const mx_qmodel *q, const char *set, uint32_t context);

// One whose logits do not fit the vector memories of tiny and small, with norms of
// heads, a tied embedding and mx_synth_tokenizer's vocabulary.
enum { TEST_LARGE_VOCAB = 9001 };
mx_qmodel *test_large_vocabulary(const char *weights);

// The same model with its weights in other formats.
typedef struct {
  const char *first, *rest;    // weight formats of the parts, blocks named; rest NULL: one part
  unsigned rest_act_bits;
  bool fixed;                  // inputs are integers; gains and weights are scaled to suit
  mx_online online;
} test_variant;
mx_qmodel *test_variant_qmodel(const test_shape *s, const test_variant *v, uint64_t seed);

// The FP32 model whose weights are what the quantized ones stand for, online
// transforms undone. It takes no tokenizer.
mx_model *test_dequantized(const mx_qmodel *q);
#endif
