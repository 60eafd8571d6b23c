#ifndef TEST_QUANTIZED_FORWARD_H
#define TEST_QUANTIZED_FORWARD_H
// Logits of models over many sequences, in floats (mx_forward): quickly, where
// the golden model's bits are not the point.
#include "compiler/quant/calibrate.h"
#include "compiler/quant/qmodel.h"

// Logits [c->n_tokens][vocab_size], that the caller frees, of a quantized model:
// weights as they were rounded, inputs and cache rounded as the device does, the
// model's prefix at the head of each sequence of c if c->n_prefix is not 0.
// Failure ends the test program.
float *test_quantized_logits(const mx_qmodel *q, const mx_calibration *c, unsigned threads);
// Of a model in FP32.
float *test_float_logits(const mx_model *m, const mx_calibration *c, unsigned threads);

// Mean -ln p(next token) over the sequences, prefix tokens aside.
double test_mean_nll(const float *logits, const mx_calibration *c, uint32_t vocab_size);
#endif
