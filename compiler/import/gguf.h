#ifndef MX_GGUF_H
#define MX_GGUF_H
// GGUF, versions 2 and 3, little endian:
//   "GGUF", u32 version, u64 tensor_count, u64 kv_count,
//   per key: string key, u32 type, value
//     (string: u64 bytes, text; array: u32 type, u64 count, elements),
//   per tensor: string name, u32 n_dims, u64 dims[n_dims] (fastest first),
//     u32 type, u64 offset from the data section (a multiple of the alignment),
//   padding to general.alignment (32 unless given), data section.
// The container is read by gguf.c, Llama models in it by gguf_llama.c.
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>

#include "compiler/import/model.h"

// ---- container ---------------------------------------------------------------

typedef struct {
  const char *text;  // in the file's bytes, not NUL-terminated
  uint64_t length_bytes;
} mx_gguf_string;

typedef enum {
  MX_GGUF_U8, MX_GGUF_I8, MX_GGUF_U16, MX_GGUF_I16, MX_GGUF_U32, MX_GGUF_I32, MX_GGUF_F32,
  MX_GGUF_BOOL, MX_GGUF_STRING, MX_GGUF_ARRAY, MX_GGUF_U64, MX_GGUF_I64, MX_GGUF_F64,
  MX_GGUF_TYPES
} mx_gguf_type;

typedef struct {
  mx_gguf_string key;         // the first member: entries are sorted by it
  mx_gguf_type type;          // of the value, or of the elements of an array
  bool is_array;
  uint64_t count;             // elements; 1 without is_array
  uint64_t at_bytes;          // file offset of the key
  uint64_t value_at_bytes;    // file offset of the (first) value
} mx_gguf_kv;

enum { MX_GGUF_MAX_DIMS = 4 };

typedef struct {
  mx_gguf_string name;              // the first member: tensors are sorted by it
  uint64_t dims[MX_GGUF_MAX_DIMS];  // fastest first; 1 past n_dims
  uint32_t type;                    // MX_GGML_F32, _F16 or _BF16
  uint64_t at_bytes;                // file offset of the tensor info
  uint64_t data_at_bytes;           // file offset of the first element
  uint64_t size_bytes;
} mx_gguf_tensor;

enum { MX_GGML_F32 = 0, MX_GGML_F16 = 1, MX_GGML_BF16 = 30 };

typedef struct {
  const uint8_t *data;      // the whole file, borrowed
  size_t size_bytes;
  const char *path;         // names the file in errors, borrowed
  uint32_t version;
  mx_gguf_kv *kvs;          // [n_kvs], by key
  uint64_t n_kvs;
  mx_gguf_tensor *tensors;  // [n_tensors], by name
  uint64_t n_tensors;
} mx_gguf;

bool mx_gguf_detect(const uint8_t *data, size_t size);

// Reads the structure of the GGUF file in data [size], which must outlive *out.
// On success every string, array and tensor lies within the file, keys and
// names are unique, tensors do not overlap, and elements are F32, F16 or BF16
// (others: MX_UNSUPPORTED with the tensor's name and type). Otherwise
// MX_FORMAT, or MX_UNSUPPORTED for versions other than 2 and 3, with the
// offset; *out is then empty. Memory is in proportion to `size`.
mx_status mx_gguf_parse(const uint8_t *data, size_t size, const char *path, mx_gguf *out,
                        mx_error *e);
void mx_gguf_free(mx_gguf *g);

// The entry, or NULL.
const mx_gguf_kv *mx_gguf_find(const mx_gguf *g, const char *key);
const mx_gguf_tensor *mx_gguf_find_tensor(const mx_gguf *g, const char *name);

// Read the value of `key` into *out. Without the key *out keeps its value when
// `required` is false; else MX_FORMAT, as for a value of another kind. An
// integer may have any integer type that holds its value.
mx_status mx_gguf_get_u32(const mx_gguf *g, const char *key, bool required, uint32_t *out,
                          mx_error *e);
mx_status mx_gguf_get_f32(const mx_gguf *g, const char *key, bool required, float *out,
                          mx_error *e);
mx_status mx_gguf_get_bool(const mx_gguf *g, const char *key, bool required, bool *out,
                           mx_error *e);
mx_status mx_gguf_get_string(const mx_gguf *g, const char *key, bool required,
                             mx_gguf_string *out, mx_error *e);
// Sets *out to the array `key` of `count` elements of `type`, or to NULL without
// the key when `required` is false. Other lengths or types: MX_FORMAT.
mx_status mx_gguf_get_array(const mx_gguf *g, const char *key, bool required, mx_gguf_type type,
                            uint64_t count, const mx_gguf_kv **out, mx_error *e);

static inline mx_loc mx_gguf_loc(const mx_gguf *g, uint64_t at_bytes) {
  return (mx_loc){g->path, at_bytes};
}

// A string from the file, made fit for an error message: cut to 64 bytes, with
// '?' for what is not printable ASCII.
typedef struct {
  char text[65];
} mx_gguf_label;
mx_gguf_label mx_gguf_printable(mx_gguf_string s);

// ---- Llama models ------------------------------------------------------------

// Reads a model of architecture "llama" from the GGUF file in data [size], which
// must outlive *out: its weights stay there (mx_model.stored). `path` names it in
// errors. Its tokenizer comes from `tokenizer_path` (a tokenizer.bin) unless that
// is NULL. Refuses what would change the result silently: unknown tensors, RoPE
// scaling, experts. The caller frees *out.
mx_status mx_gguf_open(const uint8_t *data, size_t size, const char *path,
                       const char *tokenizer_path, mx_model **out, mx_error *e);
#endif
