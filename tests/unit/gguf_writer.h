#ifndef TEST_GGUF_WRITER_H
#define TEST_GGUF_WRITER_H
// Builds GGUF files in memory for tests.
#include <stddef.h>  // size_t
#include <stdint.h>

#include "compiler/import/gguf.h"

// Bytes that grow; zeroed is empty. The owner frees data.
typedef struct {
  uint8_t *data;
  size_t size;
} test_buffer;

void test_put(test_buffer *b, const void *data, size_t size);
void test_put_u32(test_buffer *b, uint32_t v);
void test_put_u64(test_buffer *b, uint64_t v);
void test_put_f32(test_buffer *b, float v);

// A file in the making; zeroed is empty.
typedef struct {
  test_buffer kvs, infos, data;
  uint64_t n_kvs, n_tensors;
} gguf_writer;

void gguf_u32(gguf_writer *w, const char *key, uint32_t v);
void gguf_f32(gguf_writer *w, const char *key, float v);
void gguf_bool(gguf_writer *w, const char *key, int v);
void gguf_string(gguf_writer *w, const char *key, const char *v);
void gguf_array(gguf_writer *w, const char *key, mx_gguf_type type, uint64_t count);  // head only

// A tensor of type MX_GGML_F32, _F16 or _BF16 from floats [rows][cols], written
// as one-dimensional when rows is 1. F16 and BF16 truncate the mantissa.
void gguf_tensor(gguf_writer *w, const char *name, const mx_matrix *m, uint32_t type);

// The file; frees what the writer holds. The caller frees data.
test_buffer gguf_finish(gguf_writer *w);

// The model as a GGUF file, matrices with more than one row in `type`, norms in
// F32. The caller frees data.
test_buffer gguf_of_model(const mx_model *m, uint32_t type);
#endif
