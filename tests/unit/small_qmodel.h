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

mx_config test_shape_config(const test_shape *s);

// The caller frees these.
mx_qmodel *test_qmodel(const test_shape *s, uint64_t seed);
mx_image *test_compile(const mx_qmodel *q, const char *set, uint32_t context);

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
