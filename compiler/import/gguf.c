#include "compiler/import/gguf.h"

#include <inttypes.h>
#include <stdio.h>   // snprintf
#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"

enum { MIN_KV_BYTES = 13, MIN_TENSOR_BYTES = 32, DEFAULT_ALIGNMENT = 32 };

static const struct {
  const char *name;
  uint8_t size_bytes;  // 0: not of fixed size
} value_types[MX_GGUF_TYPES] = {
    [MX_GGUF_U8] = {"u8", 1},    [MX_GGUF_I8] = {"i8", 1},         [MX_GGUF_U16] = {"u16", 2},
    [MX_GGUF_I16] = {"i16", 2},  [MX_GGUF_U32] = {"u32", 4},       [MX_GGUF_I32] = {"i32", 4},
    [MX_GGUF_F32] = {"f32", 4},  [MX_GGUF_BOOL] = {"bool", 1},     [MX_GGUF_STRING] = {"string", 0},
    [MX_GGUF_ARRAY] = {"array", 0}, [MX_GGUF_U64] = {"u64", 8},    [MX_GGUF_I64] = {"i64", 8},
    [MX_GGUF_F64] = {"f64", 8},
};

// Names of tensor types, for errors only.
static const char *tensor_type_name(uint32_t type) {
  static const char *const names[] = {
      "F32",  "F16",  "Q4_0", "Q4_1", NULL,   NULL,     "Q5_0",    "Q5_1",    "Q8_0",   "Q8_1",
      "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K",   "IQ2_XXS", "IQ2_XS",  "IQ3_XXS", "IQ1_S",
      "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8", "I16", "I32",    "I64",     "F64",    "IQ1_M",
      "BF16", NULL,   NULL,   NULL,   "TQ1_0", "TQ2_0", NULL,      NULL,      NULL,     "MXFP4"};
  const char *name = type < sizeof names / sizeof *names ? names[type] : NULL;
  return name ? name : "unknown to this tool";
}

static uint64_t element_bytes(uint32_t type) {
  if (type == MX_GGML_F32) return 4;
  return type == MX_GGML_F16 || type == MX_GGML_BF16 ? 2 : 0;
}

mx_gguf_label mx_gguf_printable(mx_gguf_string s) {
  mx_gguf_label label = {{0}};
  for (uint64_t i = 0; i < s.length_bytes && i < sizeof label.text - 1; i++)
    label.text[i] = s.text[i] >= ' ' && s.text[i] <= '~' ? s.text[i] : '?';
  return label;
}

// ---- reading the structure ---------------------------------------------------

static mx_status take_string(mx_bytes *b, const char *what, mx_gguf_string *out, mx_error *e) {
  const uint8_t *p = NULL;
  uint64_t n = 0;
  mx_status s = mx_bytes_u64(b, what, &n, e);
  if (!s) s = mx_bytes_take(b, n, what, &p, e);
  *out = (mx_gguf_string){(const char *)p, n};
  return s;
}

static mx_status take_strings(mx_bytes *b, uint64_t count, mx_error *e) {
  mx_gguf_string ignored;
  mx_status s = MX_OK;
  for (uint64_t i = 0; !s && i < count; i++) s = take_string(b, "a string", &ignored, e);
  return s;
}

static mx_status take_type(mx_bytes *b, mx_gguf_type *out, mx_error *e) {
  mx_loc at = mx_bytes_loc(b);
  uint32_t type = 0;
  mx_status s = mx_bytes_u32(b, "a value type", &type, e);
  if (!s && type >= MX_GGUF_TYPES)
    return mx_fail(e, MX_FORMAT, at, "value type %u; types are 0 to %d", type, MX_GGUF_TYPES - 1);
  *out = (mx_gguf_type)type;
  return s;
}

static mx_status take_array_head(mx_bytes *b, mx_gguf_kv *kv, mx_error *e) {
  mx_loc at = mx_bytes_loc(b);
  kv->is_array = true;
  mx_status s = take_type(b, &kv->type, e);
  if (!s && kv->type == MX_GGUF_ARRAY)
    return mx_fail(e, MX_UNSUPPORTED, at, "key '%s' holds an array of arrays",
                   mx_gguf_printable(kv->key).text);
  if (!s) s = mx_bytes_u64(b, "an array's length", &kv->count, e);
  return s;
}

static mx_status take_values(mx_bytes *b, const mx_gguf_kv *kv, mx_error *e) {
  if (kv->type == MX_GGUF_STRING) return take_strings(b, kv->count, e);
  uint64_t size = value_types[kv->type].size_bytes;
  const uint8_t *ignored;
  if (kv->count > UINT64_MAX / size)
    return mx_fail(e, MX_FORMAT, mx_bytes_loc(b), "an array of %" PRIu64 " elements", kv->count);
  return mx_bytes_take(b, kv->count * size, "a value", &ignored, e);
}

static mx_status take_kv(mx_bytes *b, mx_gguf_kv *kv, mx_error *e) {
  *kv = (mx_gguf_kv){.count = 1, .at_bytes = b->at};
  mx_status s = take_string(b, "a key", &kv->key, e);
  if (!s) s = take_type(b, &kv->type, e);
  if (!s && kv->type == MX_GGUF_ARRAY) s = take_array_head(b, kv, e);
  kv->value_at_bytes = b->at;
  return s ? s : take_values(b, kv, e);
}

static mx_status take_dims(mx_bytes *b, mx_gguf_tensor *t, mx_error *e) {
  mx_loc at = mx_bytes_loc(b);
  uint32_t n_dims = 0;
  mx_status s = mx_bytes_u32(b, "a number of dimensions", &n_dims, e);
  if (!s && (n_dims < 1 || n_dims > MX_GGUF_MAX_DIMS))
    return mx_fail(e, MX_FORMAT, at, "tensor '%s' has %u dimensions; 1 to %d are allowed",
                   mx_gguf_printable(t->name).text, n_dims, MX_GGUF_MAX_DIMS);
  for (uint32_t i = 0; i < MX_GGUF_MAX_DIMS; i++) t->dims[i] = 1;
  for (uint32_t i = 0; !s && i < n_dims; i++) s = mx_bytes_u64(b, "a dimension", &t->dims[i], e);
  return s;
}

// Sets t->size_bytes, which does not pass the size of the file.
static mx_status size_tensor(const mx_bytes *b, mx_gguf_tensor *t, mx_error *e) {
  mx_loc at = {b->path, t->at_bytes};
  t->size_bytes = element_bytes(t->type);
  if (t->size_bytes == 0)
    return mx_fail(e, MX_UNSUPPORTED, at,
                   "tensor '%s' has type %u (%s); F32, F16 and BF16 are read",
                   mx_gguf_printable(t->name).text, t->type, tensor_type_name(t->type));
  for (int i = 0; i < MX_GGUF_MAX_DIMS; i++) {
    if (t->dims[i] == 0)
      return mx_fail(e, MX_FORMAT, at, "tensor '%s' has no elements",
                     mx_gguf_printable(t->name).text);
    if (t->dims[i] > b->size_bytes / t->size_bytes)
      return mx_fail(e, MX_FORMAT, at, "tensor '%s' is larger than the file's %zu bytes",
                     mx_gguf_printable(t->name).text, b->size_bytes);
    t->size_bytes *= t->dims[i];
  }
  return MX_OK;
}

// Leaves the offset within the data section in data_at_bytes.
static mx_status take_tensor(mx_bytes *b, mx_gguf_tensor *t, mx_error *e) {
  *t = (mx_gguf_tensor){.at_bytes = b->at};
  mx_status s = take_string(b, "a tensor's name", &t->name, e);
  if (!s) s = take_dims(b, t, e);
  if (!s) s = mx_bytes_u32(b, "a tensor's type", &t->type, e);
  if (!s) s = mx_bytes_u64(b, "a tensor's offset", &t->data_at_bytes, e);
  return s ? s : size_tensor(b, t, e);
}

static mx_status take_header(mx_bytes *b, mx_gguf *g, mx_error *e) {
  const uint8_t *magic = NULL;
  mx_status s = mx_bytes_take(b, 4, "the magic", &magic, e);
  if (!s && memcmp(magic, "GGUF", 4))
    return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, 0), "no GGUF file: the magic is missing");
  if (!s) s = mx_bytes_u32(b, "the version", &g->version, e);
  if (!s && g->version != 2 && g->version != 3)
    return mx_fail(e, MX_UNSUPPORTED, mx_gguf_loc(g, 4),
                   "GGUF version 0x%x%s; versions 2 and 3 are read", g->version,
                   g->version & 0xffff ? "" : " (big endian?)");
  if (!s) s = mx_bytes_u64(b, "the number of tensors", &g->n_tensors, e);
  if (!s) s = mx_bytes_u64(b, "the number of keys", &g->n_kvs, e);
  return s;
}

// `count` zeroed entries of `size` bytes, which take at least `least` bytes each
// in the rest of the file; one more, so that none is no failure.
static mx_status allocate(const mx_bytes *b, const char *what, uint64_t count, uint64_t least,
                          size_t size, void **out, mx_error *e) {
  *out = NULL;
  if (count > mx_bytes_left(b) / least)
    return mx_fail(e, MX_FORMAT, mx_bytes_loc(b), "%" PRIu64 " %s do not fit in %zu bytes", count,
                   what, mx_bytes_left(b));
  *out = calloc((size_t)count + 1, size);
  if (*out) return MX_OK;
  return mx_fail(e, MX_LIMIT, mx_bytes_loc(b), "no memory for %" PRIu64 " %s", count, what);
}

static mx_status take_entries(mx_bytes *b, mx_gguf *g, mx_error *e) {
  void *p;
  mx_status s = allocate(b, "keys", g->n_kvs, MIN_KV_BYTES, sizeof *g->kvs, &p, e);
  g->kvs = p;
  for (uint64_t i = 0; !s && i < g->n_kvs; i++) s = take_kv(b, &g->kvs[i], e);
  if (s) return s;
  s = allocate(b, "tensors", g->n_tensors, MIN_TENSOR_BYTES, sizeof *g->tensors, &p, e);
  g->tensors = p;
  for (uint64_t i = 0; !s && i < g->n_tensors; i++) s = take_tensor(b, &g->tensors[i], e);
  return s;
}

// ---- checks across entries ---------------------------------------------------

static int compare_strings(mx_gguf_string a, mx_gguf_string b) {
  uint64_t n = a.length_bytes < b.length_bytes ? a.length_bytes : b.length_bytes;
  int order = n ? memcmp(a.text, b.text, (size_t)n) : 0;
  if (order) return order;
  return (a.length_bytes > b.length_bytes) - (a.length_bytes < b.length_bytes);
}

static int compare_u64(uint64_t a, uint64_t b) {
  return (a > b) - (a < b);
}

static int kvs_by_key(const void *a, const void *b) {
  const mx_gguf_kv *x = a, *y = b;
  int order = compare_strings(x->key, y->key);
  return order ? order : compare_u64(x->at_bytes, y->at_bytes);
}

static int tensors_by_name(const void *a, const void *b) {
  const mx_gguf_tensor *x = a, *y = b;
  int order = compare_strings(x->name, y->name);
  return order ? order : compare_u64(x->at_bytes, y->at_bytes);
}

static int tensors_by_data(const void *a, const void *b) {
  const mx_gguf_tensor *x = a, *y = b;
  return compare_u64(x->data_at_bytes, y->data_at_bytes);
}

static mx_status sort_kvs(mx_gguf *g, mx_error *e) {
  qsort(g->kvs, (size_t)g->n_kvs, sizeof *g->kvs, kvs_by_key);
  for (uint64_t i = 1; i < g->n_kvs; i++) {
    mx_gguf_string key = g->kvs[i].key;
    if (compare_strings(g->kvs[i - 1].key, key) == 0)
      return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, g->kvs[i].at_bytes),
                     "key '%s' is there twice, first at 0x%" PRIx64, mx_gguf_printable(key).text,
                     g->kvs[i - 1].at_bytes);
  }
  return MX_OK;
}

static mx_status sort_tensors(mx_gguf *g, mx_error *e) {
  qsort(g->tensors, (size_t)g->n_tensors, sizeof *g->tensors, tensors_by_name);
  for (uint64_t i = 1; i < g->n_tensors; i++) {
    mx_gguf_string name = g->tensors[i].name;
    if (compare_strings(g->tensors[i - 1].name, name) == 0)
      return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, g->tensors[i].at_bytes),
                     "tensor '%s' is there twice, first at 0x%" PRIx64,
                     mx_gguf_printable(name).text, g->tensors[i - 1].at_bytes);
  }
  return MX_OK;
}

static mx_status check_overlap(mx_gguf *g, mx_error *e) {
  qsort(g->tensors, (size_t)g->n_tensors, sizeof *g->tensors, tensors_by_data);
  for (uint64_t i = 1; i < g->n_tensors; i++) {
    const mx_gguf_tensor *a = &g->tensors[i - 1], *b = &g->tensors[i];
    if (b->data_at_bytes - a->data_at_bytes < a->size_bytes)
      return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, b->at_bytes),
                     "tensors '%s' and '%s' overlap at 0x%" PRIx64,
                     mx_gguf_printable(a->name).text, mx_gguf_printable(b->name).text,
                     b->data_at_bytes);
  }
  return MX_OK;
}

// Turns the offset of `t` into one from the start of the file.
static mx_status place_tensor(const mx_gguf *g, mx_gguf_tensor *t, uint64_t data_at,
                              uint32_t alignment, mx_error *e) {
  mx_loc at = mx_gguf_loc(g, t->at_bytes);
  uint64_t room = g->size_bytes - data_at;
  if (t->data_at_bytes % alignment)
    return mx_fail(e, MX_FORMAT, at,
                   "tensor '%s' is at data offset %" PRIu64 ", no multiple of %u",
                   mx_gguf_printable(t->name).text, t->data_at_bytes, alignment);
  if (t->data_at_bytes > room || t->size_bytes > room - t->data_at_bytes)
    return mx_fail(e, MX_FORMAT, at,
                   "tensor '%s' takes %" PRIu64 " bytes at data offset %" PRIu64
                   "; the data section has %" PRIu64 " bytes",
                   mx_gguf_printable(t->name).text, t->size_bytes, t->data_at_bytes, room);
  t->data_at_bytes += data_at;
  return MX_OK;
}

static mx_status place_tensors(mx_gguf *g, uint64_t infos_end, mx_error *e) {
  uint32_t alignment = DEFAULT_ALIGNMENT;
  mx_status s = mx_gguf_get_u32(g, "general.alignment", false, &alignment, e);
  if (s) return s;
  if (alignment == 0 || alignment & (alignment - 1))
    return mx_fail(e, MX_FORMAT,
                   mx_gguf_loc(g, mx_gguf_find(g, "general.alignment")->value_at_bytes),
                   "general.alignment is %u, no power of two", alignment);
  uint64_t data_at = infos_end + (-infos_end & (alignment - 1));
  if (g->n_tensors && data_at > g->size_bytes)
    return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, infos_end),
                   "the data section would begin at 0x%" PRIx64 "; the file has %zu bytes",
                   data_at, g->size_bytes);
  for (uint64_t i = 0; !s && i < g->n_tensors; i++)
    s = place_tensor(g, &g->tensors[i], data_at, alignment, e);
  return s;
}

bool mx_gguf_detect(const uint8_t *data, size_t size) {
  return size >= 4 && memcmp(data, "GGUF", 4) == 0;
}

mx_status mx_gguf_parse(const uint8_t *data, size_t size, const char *path, mx_gguf *out,
                        mx_error *e) {
  *out = (mx_gguf){.data = data, .size_bytes = size, .path = path};
  mx_bytes b = {data, size, 0, path};
  mx_status s = take_header(&b, out, e);
  if (!s) s = take_entries(&b, out, e);
  if (!s) s = sort_kvs(out, e);
  if (!s) s = place_tensors(out, b.at, e);
  if (!s) s = check_overlap(out, e);
  if (!s) s = sort_tensors(out, e);
  if (s) mx_gguf_free(out);
  return s;
}

void mx_gguf_free(mx_gguf *g) {
  free(g->kvs);
  free(g->tensors);
  *g = (mx_gguf){0};
}

// ---- look-up -------------------------------------------------------------------

// For bsearch: a string and an entry, which begins with its key or name.
static int compare_entry(const void *wanted, const void *entry) {
  return compare_strings(*(const mx_gguf_string *)wanted, *(const mx_gguf_string *)entry);
}

const mx_gguf_kv *mx_gguf_find(const mx_gguf *g, const char *key) {
  mx_gguf_string wanted = {key, strlen(key)};
  return bsearch(&wanted, g->kvs, (size_t)g->n_kvs, sizeof *g->kvs, compare_entry);
}

const mx_gguf_tensor *mx_gguf_find_tensor(const mx_gguf *g, const char *name) {
  mx_gguf_string wanted = {name, strlen(name)};
  return bsearch(&wanted, g->tensors, (size_t)g->n_tensors, sizeof *g->tensors, compare_entry);
}

// Sets *kv to the entry, or to NULL when it may be absent and is.
static mx_status find_value(const mx_gguf *g, const char *key, bool required,
                            const mx_gguf_kv **kv, mx_error *e) {
  *kv = mx_gguf_find(g, key);
  if (*kv || !required) return MX_OK;
  return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, 16), "key '%s' is missing", key);
}

static mx_status wrong_type(const mx_gguf *g, const mx_gguf_kv *kv, const char *expected,
                            mx_error *e) {
  return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, kv->at_bytes),
                 "key '%s' has type %s%s; expected %s", mx_gguf_printable(kv->key).text,
                 kv->is_array ? "array of " : "", value_types[kv->type].name, expected);
}

// The integer at p, or -1 if it is negative or over INT64_MAX or none.
static int64_t integer_at(mx_gguf_type type, const uint8_t *p) {
  switch (type) {
    case MX_GGUF_U8: return *p;
    case MX_GGUF_I8: return *p <= INT8_MAX ? *p : -1;
    case MX_GGUF_U16: return mx_load_u16(p);
    case MX_GGUF_I16: return mx_load_u16(p) <= INT16_MAX ? mx_load_u16(p) : -1;
    case MX_GGUF_U32: return mx_load_u32(p);
    case MX_GGUF_I32: return mx_load_u32(p) <= INT32_MAX ? (int64_t)mx_load_u32(p) : -1;
    case MX_GGUF_U64:
    case MX_GGUF_I64: return mx_load_u64(p) <= INT64_MAX ? (int64_t)mx_load_u64(p) : -1;
    default: return -1;
  }
}

mx_status mx_gguf_get_u32(const mx_gguf *g, const char *key, bool required, uint32_t *out,
                          mx_error *e) {
  const mx_gguf_kv *kv;
  mx_status s = find_value(g, key, required, &kv, e);
  if (s || !kv) return s;
  int64_t v = kv->is_array ? -1 : integer_at(kv->type, g->data + kv->value_at_bytes);
  if (v < 0 || v > UINT32_MAX) return wrong_type(g, kv, "an integer from 0 to 2^32 - 1", e);
  *out = (uint32_t)v;
  return MX_OK;
}

mx_status mx_gguf_get_f32(const mx_gguf *g, const char *key, bool required, float *out,
                          mx_error *e) {
  const mx_gguf_kv *kv;
  mx_status s = find_value(g, key, required, &kv, e);
  if (s || !kv) return s;
  if (kv->is_array || kv->type != MX_GGUF_F32) return wrong_type(g, kv, "f32", e);
  *out = mx_float_of_bits(mx_load_u32(g->data + kv->value_at_bytes));
  return MX_OK;
}

mx_status mx_gguf_get_bool(const mx_gguf *g, const char *key, bool required, bool *out,
                           mx_error *e) {
  const mx_gguf_kv *kv;
  mx_status s = find_value(g, key, required, &kv, e);
  if (s || !kv) return s;
  uint8_t v = g->data[kv->value_at_bytes];
  if (kv->is_array || kv->type != MX_GGUF_BOOL || v > 1)
    return wrong_type(g, kv, "bool (0 or 1)", e);
  *out = v == 1;
  return MX_OK;
}

mx_status mx_gguf_get_string(const mx_gguf *g, const char *key, bool required,
                             mx_gguf_string *out, mx_error *e) {
  const mx_gguf_kv *kv;
  mx_status s = find_value(g, key, required, &kv, e);
  if (s || !kv) return s;
  if (kv->is_array || kv->type != MX_GGUF_STRING) return wrong_type(g, kv, "string", e);
  const uint8_t *p = g->data + kv->value_at_bytes;
  *out = (mx_gguf_string){(const char *)p + 8, mx_load_u64(p)};
  return MX_OK;
}

mx_status mx_gguf_get_array(const mx_gguf *g, const char *key, bool required, mx_gguf_type type,
                            uint64_t count, const mx_gguf_kv **out, mx_error *e) {
  mx_status s = find_value(g, key, required, out, e);
  const mx_gguf_kv *kv = *out;
  if (s || !kv) return s;
  if (!kv->is_array || kv->type != type) {
    char expected[32];
    snprintf(expected, sizeof expected, "array of %s", value_types[type].name);
    return wrong_type(g, kv, expected, e);
  }
  if (kv->count == count) return MX_OK;
  return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, kv->at_bytes),
                 "key '%s' has %" PRIu64 " elements; expected %" PRIu64, key, kv->count, count);
}
