#include "tests/unit/gguf_writer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"

enum { ALIGNMENT = 32 };

void test_put(test_buffer *b, const void *data, size_t size) {
  uint8_t *grown = realloc(b->data, b->size + size + 1);
  if (!grown) abort();
  b->data = grown;
  if (size) memcpy(b->data + b->size, data, size);
  b->size += size;
}

void test_put_u32(test_buffer *b, uint32_t v) {
  uint8_t p[4];
  mx_store_u32(p, v);
  test_put(b, p, sizeof p);
}

void test_put_u64(test_buffer *b, uint64_t v) {
  test_put_u32(b, (uint32_t)v);
  test_put_u32(b, (uint32_t)(v >> 32));
}

static uint32_t bits_of(float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}

void test_put_f32(test_buffer *b, float v) {
  test_put_u32(b, bits_of(v));
}

static void put_string(test_buffer *b, const char *text, size_t size) {
  test_put_u64(b, size);
  test_put(b, text, size);
}

static void pad(test_buffer *b) {
  static const uint8_t zeros[ALIGNMENT];
  test_put(b, zeros, -b->size % ALIGNMENT);
}

static void put_key(gguf_writer *w, const char *key, mx_gguf_type type) {
  put_string(&w->kvs, key, strlen(key));
  test_put_u32(&w->kvs, type);
  w->n_kvs++;
}

void gguf_u32(gguf_writer *w, const char *key, uint32_t v) {
  put_key(w, key, MX_GGUF_U32);
  test_put_u32(&w->kvs, v);
}

void gguf_f32(gguf_writer *w, const char *key, float v) {
  put_key(w, key, MX_GGUF_F32);
  test_put_f32(&w->kvs, v);
}

void gguf_bool(gguf_writer *w, const char *key, int v) {
  uint8_t byte = (uint8_t)v;
  put_key(w, key, MX_GGUF_BOOL);
  test_put(&w->kvs, &byte, 1);
}

void gguf_string(gguf_writer *w, const char *key, const char *v) {
  put_key(w, key, MX_GGUF_STRING);
  put_string(&w->kvs, v, strlen(v));
}

void gguf_array(gguf_writer *w, const char *key, mx_gguf_type type, uint64_t count) {
  put_key(w, key, MX_GGUF_ARRAY);
  test_put_u32(&w->kvs, type);
  test_put_u64(&w->kvs, count);
}

// Normal numbers and zeros only: the weights of tests are.
static uint16_t half_of(float v) {
  uint32_t bits = bits_of(v), exponent = bits >> 23 & 255;
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  if (exponent < 113) return sign;
  return (uint16_t)(sign | (exponent - 112) << 10 | (bits >> 13 & 1023));
}

static void put_element(test_buffer *b, float v, uint32_t type) {
  uint16_t bits = type == MX_GGML_F16 ? half_of(v) : (uint16_t)(bits_of(v) >> 16);
  uint8_t p[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
  if (type == MX_GGML_F32) test_put_f32(b, v);
  else test_put(b, p, sizeof p);
}

void gguf_tensor(gguf_writer *w, const char *name, const mx_matrix *m, uint32_t type) {
  pad(&w->data);
  put_string(&w->infos, name, strlen(name));
  test_put_u32(&w->infos, m->rows == 1 ? 1 : 2);
  test_put_u64(&w->infos, m->cols);
  if (m->rows > 1) test_put_u64(&w->infos, m->rows);
  test_put_u32(&w->infos, type);
  test_put_u64(&w->infos, w->data.size);
  for (size_t i = 0; i < (size_t)m->rows * m->cols; i++) put_element(&w->data, m->data[i], type);
  w->n_tensors++;
}

test_buffer gguf_finish(gguf_writer *w) {
  test_buffer b = {0};
  test_put(&b, "GGUF", 4);
  test_put_u32(&b, 3);
  test_put_u64(&b, w->n_tensors);
  test_put_u64(&b, w->n_kvs);
  test_put(&b, w->kvs.data, w->kvs.size);
  test_put(&b, w->infos.data, w->infos.size);
  pad(&b);
  test_put(&b, w->data.data, w->data.size);
  free(w->kvs.data);
  free(w->infos.data);
  free(w->data.data);
  *w = (gguf_writer){0};
  return b;
}

static void put_config(gguf_writer *w, const mx_config *c) {
  gguf_string(w, "general.architecture", "llama");
  gguf_u32(w, "general.alignment", ALIGNMENT);
  gguf_u32(w, "llama.embedding_length", c->dim);
  gguf_u32(w, "llama.feed_forward_length", c->hidden_dim);
  gguf_u32(w, "llama.block_count", c->n_layers);
  gguf_u32(w, "llama.attention.head_count", c->n_heads);
  gguf_u32(w, "llama.attention.head_count_kv", c->n_kv_heads);
  gguf_u32(w, "llama.attention.key_length", c->head_dim);
  gguf_u32(w, "llama.attention.value_length", c->head_dim);
  gguf_u32(w, "llama.rope.dimension_count", c->head_dim);
  gguf_u32(w, "llama.vocab_size", c->vocab_size);
  gguf_u32(w, "llama.context_length", c->context_length);
  gguf_f32(w, "llama.rope.freq_base", c->rope_theta);
  gguf_f32(w, "llama.attention.layer_norm_rms_epsilon", c->rms_eps);
}

static void put_tokenizer(gguf_writer *w, const mx_tokenizer *t) {
  const mx_tokenizer_config *c = mx_tokenizer_get_config(t);
  gguf_string(w, "tokenizer.ggml.model", "llama");
  gguf_u32(w, "tokenizer.ggml.bos_token_id", (uint32_t)c->bos);
  gguf_u32(w, "tokenizer.ggml.eos_token_id", (uint32_t)c->eos);
  gguf_u32(w, "tokenizer.ggml.unknown_token_id", (uint32_t)c->unk);
  gguf_bool(w, "tokenizer.ggml.add_space_prefix", c->add_space_prefix);
  gguf_array(w, "tokenizer.ggml.tokens", MX_GGUF_STRING, c->vocab_size);
  for (uint32_t i = 0; i < c->vocab_size; i++) {
    mx_piece p = mx_tokenizer_piece(t, (int32_t)i);
    put_string(&w->kvs, p.text, p.length_bytes);
  }
  gguf_array(w, "tokenizer.ggml.scores", MX_GGUF_F32, c->vocab_size);
  for (uint32_t i = 0; i < c->vocab_size; i++)
    test_put_f32(&w->kvs, mx_tokenizer_piece(t, (int32_t)i).score);
  gguf_array(w, "tokenizer.ggml.token_type", MX_GGUF_I32, c->vocab_size);
  for (uint32_t i = 0; i < c->vocab_size; i++)
    test_put_u32(&w->kvs, (uint32_t)mx_tokenizer_piece(t, (int32_t)i).type);
}

test_buffer gguf_of_model(const mx_model *m, uint32_t type) {
  gguf_writer w = {0};
  put_config(&w, &m->config);
  if (m->tokenizer) put_tokenizer(&w, m->tokenizer);
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *matrix = mx_model_matrix(m, i, name);
    gguf_tensor(&w, name, matrix, matrix->rows == 1 ? MX_GGML_F32 : type);
  }
  return gguf_finish(&w);
}
