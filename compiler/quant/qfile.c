// The .mxq file: one walk over the model that either reads or writes, so that
// the two can not disagree.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "compiler/import/bytes.h"
#include "compiler/quant/qmodel.h"

enum { HEADER_BYTES = 16, FORMAT_BYTES = 60 };

typedef struct {
  bool writing;
  mx_bytes in;       // reading
  uint8_t *out;      // writing
  size_t used, capacity;
  mx_error *e;
} transfer;

static mx_status out_of_memory(transfer *t) {
  return mx_fail(t->e, MX_LIMIT, MX_NOWHERE, "no memory for the quantized model");
}

static mx_status put(transfer *t, const void *data, size_t n) {
  if (t->used + n > t->capacity) {
    size_t capacity = 2 * (t->used + n);
    uint8_t *grown = realloc(t->out, capacity);
    if (!grown) return out_of_memory(t);
    t->out = grown;
    t->capacity = capacity;
  }
  memcpy(t->out + t->used, data, n);
  t->used += n;
  return MX_OK;
}

static mx_status get(transfer *t, void *data, size_t n, const char *what) {
  const uint8_t *from;
  mx_status s = mx_bytes_take(&t->in, n, what, &from, t->e);
  if (!s) memcpy(data, from, n);
  return s;
}

// Bytes that have no byte order.
static mx_status move_bytes(transfer *t, void *data, size_t n, const char *what) {
  return t->writing ? put(t, data, n) : get(t, data, n, what);
}

static mx_status move_u32(transfer *t, uint32_t *v, const char *what) {
  uint8_t b[4];
  if (t->writing) {
    mx_store_u32(b, *v);
    return put(t, b, sizeof b);
  }
  return mx_bytes_u32(&t->in, what, v, t->e);
}

static mx_status move_u16s(transfer *t, uint16_t *v, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint8_t b[2] = {(uint8_t)v[i], (uint8_t)(v[i] >> 8)};
    mx_status s = move_bytes(t, b, 2, "scale");
    if (s) return s;
    v[i] = mx_load_u16(b);
  }
  return MX_OK;
}

static mx_status move_f32s(transfer *t, float *v, size_t n, const char *what) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &v[i], sizeof bits);
    mx_status s = move_u32(t, &bits, what);
    if (s) return s;
    v[i] = mx_float_of_bits(bits);
  }
  return MX_OK;
}

// No more memory than the file has bytes for.
static mx_status room(transfer *t, uint64_t bytes, const char *what) {
  if (t->writing || bytes <= mx_bytes_left(&t->in)) return MX_OK;
  return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s needs %llu bytes, the file has %zu left", what,
                 (unsigned long long)bytes, mx_bytes_left(&t->in));
}

static mx_status move_matrix(transfer *t, mx_matrix *m, const char *name) {
  size_t n = (size_t)m->rows * m->cols;
  mx_loc at = mx_bytes_loc(&t->in);
  mx_status s = room(t, 4 * (uint64_t)n, name);
  if (!s && !t->writing) s = mx_matrix_allocate(m, t->e);
  if (!s) s = move_f32s(t, m->data, n, name);
  if (!s && !t->writing) s = mx_matrix_check_finite(m, name, at, t->e);
  return s;
}

static bool format_valid(const uint32_t v[7]) {
  return v[0] <= 2 && v[1] <= MX_SCALE_F16 && v[2] <= 1 && v[3] <= 3 && v[4] <= 1 && v[6] <= v[4] && v[5] <= 7 &&
         (!v[4] || (v[0] == 0 && !v[2])) && (v[1] != MX_SCALE_NONE || (!v[2] && !v[4] && !v[5]));
}

static mx_status move_format(transfer *t, mx_weight_format *f) {
  uint32_t v[7] = {f->stream.bits, (uint32_t)f->stream.scale, f->stream.zero, f->stream.block, f->codebook, f->frac, f->fitted};
  mx_status s = MX_OK;
  for (int i = 0; i < 7 && !s; i++) s = move_u32(t, &v[i], "weight format");
  if (!s) s = move_bytes(t, f->table, sizeof f->table, "decode table");
  if (s) return s;
  if (!format_valid(v)) return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "a weight format that no device has");
  f->stream = (mx_stream_format){.bits = v[0], .scale = (mx_scale_kind)v[1], .zero = v[2], .block = v[3]};
  f->codebook = v[4];
  f->frac = v[5];
  f->fitted = v[6];
  return MX_OK;
}

static mx_status move_acts(transfer *t, mx_act_format *a) {
  uint32_t bits = a->bits, fixed = a->fixed;
  mx_status s = move_u32(t, &bits, "activation format");
  if (!s) s = move_u32(t, &fixed, "activation format");
  if (!s && (bits > 2 || fixed > 1))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "an activation format that no device has");
  *a = (mx_act_format){bits, fixed};
  return s;
}

static mx_status check_codes(transfer *t, const mx_qmatrix *q, const char *name) {
  int high = q->format.codebook ? 15 : (1 << (mx_code_bits(&q->format.stream) - 1)) - 1;
  int low = q->format.codebook ? 0 : -high - 1;
  for (size_t i = 0; i < (size_t)q->rows * q->cols; i++)
    if (q->codes[i] < low || q->codes[i] > high)
      return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: code %d, expected %d to %d", name, q->codes[i], low, high);
  return MX_OK;
}

static mx_status check_scales(transfer *t, const mx_qmatrix *q, size_t n, const char *name) {
  for (size_t i = 0; i < n && q->format.stream.scale == MX_SCALE_E8M0; i++)
    if (q->scales[i] > 255)
      return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: E8M0 scale %u, expected at most 255", name, q->scales[i]);
  return MX_OK;
}

static mx_status move_elements(transfer *t, mx_qmatrix *q, const char *name) {
  size_t sides = (size_t)q->rows * mx_qmatrix_blocks(q);
  mx_status s = move_bytes(t, q->codes, (size_t)q->rows * q->cols, name);
  if (!s && !t->writing) s = check_codes(t, q, name);
  if (s || q->steps) return s ? s : move_f32s(t, q->steps, q->rows, name);
  s = move_u16s(t, q->scales, sides);
  if (!s && q->format.stream.zero) s = move_bytes(t, q->zeros, sides, name);
  return !s && !t->writing ? check_scales(t, q, sides, name) : s;
}

// A part of `cols_left` columns at most; where no other follows, of just so many.
static mx_status move_part(transfer *t, mx_qmatrix *q, uint32_t cols_left, bool last, const char *name) {
  uint32_t cols = q->cols, rows = q->rows;
  mx_weight_format f = q->format;
  mx_act_format acts = q->acts;
  mx_status s = move_u32(t, &cols, "columns");
  if (!s) s = move_format(t, &f);
  if (!s) s = move_acts(t, &acts);
  if (!s && (cols > cols_left || (cols == cols_left) != last || !cols || (!last && cols % mx_block_length(&f.stream))))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: a part of %u columns of %u", name, cols, cols_left);
  if (!s) s = room(t, (uint64_t)rows * cols, name);
  if (!s && !t->writing) s = mx_qmatrix_allocate(q, rows, cols, &f, t->e);
  q->acts = acts;
  return s ? s : move_elements(t, q, name);
}

static mx_status move_qmatrix(transfer *t, mx_qmatrix *q, const char *name) {
  uint32_t parts = q->rest ? 2 : 1, cols = t->writing ? mx_qmatrix_cols(q) : q->cols;
  mx_status s = move_u32(t, &parts, "parts");
  if (!s && (parts < 1 || parts > MX_PARTS))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: %u parts, expected 1 or 2", name, parts);
  if (!s) s = move_part(t, q, cols, parts == 1, name);
  if (s || parts == 1) return s;
  if (!t->writing && !(q->rest = calloc(1, sizeof *q->rest))) return out_of_memory(t);
  q->rest->rows = q->rows;
  return move_part(t, q->rest, cols - q->cols, true, name);
}

static mx_status move_layer(transfer *t, mx_qlayer *l) {
  mx_status s = move_matrix(t, &l->attn_norm, "attn_norm");
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++) {
    const char *name;
    mx_qmatrix *m = mx_qlayer_matrix(l, i, &name);
    s = move_qmatrix(t, m, name);
  }
  return s ? s : move_matrix(t, &l->ffn_norm, "ffn_norm");
}

static mx_status move_config(transfer *t, mx_config *c) {
  uint32_t *const words[] = {&c->dim, &c->hidden_dim, &c->n_layers, &c->n_heads, &c->n_kv_heads, &c->head_dim,
                             &c->vocab_size, &c->context_length};
  mx_status s = MX_OK;
  for (unsigned i = 0; i < sizeof words / sizeof *words && !s; i++) s = move_u32(t, words[i], "config");
  if (!s) s = move_f32s(t, &c->rope_theta, 1, "config");
  return s ? s : move_f32s(t, &c->rms_eps, 1, "config");
}

static mx_status move_tokenizer(transfer *t, mx_tokenizer **tokenizer) {
  uint32_t bytes = t->writing ? (uint32_t)mx_tokenizer_write(*tokenizer, NULL, 0) : 0;
  mx_status s = move_u32(t, &bytes, "tokenizer size");
  if (!s) s = room(t, bytes, "tokenizer");
  uint8_t *buffer = s ? NULL : malloc(bytes ? bytes : 1);
  if (!buffer) return s ? s : out_of_memory(t);
  mx_loc at = mx_bytes_loc(&t->in);
  if (t->writing) mx_tokenizer_write(*tokenizer, buffer, bytes);
  s = move_bytes(t, buffer, bytes, "tokenizer");
  if (!s && !t->writing) s = mx_tokenizer_read(buffer, bytes, at, tokenizer, t->e);
  free(buffer);
  return s;
}

static mx_status move_basis(transfer *t, mx_basis *b, uint32_t dim) {
  uint32_t low = (uint32_t)b->seed, high = (uint32_t)(b->seed >> 32), ordered = b->order != NULL;
  mx_status s = move_u32(t, &b->hadamard, "basis");
  if (!s) s = move_u32(t, &low, "basis");
  if (!s) s = move_u32(t, &high, "basis");
  if (!s) s = move_u32(t, &ordered, "basis");
  b->seed = (uint64_t)high << 32 | low;
  mx_loc at = mx_bytes_loc(&t->in);
  if (!s && ordered > 1) s = mx_fail(t->e, MX_FORMAT, at, "an order of channels marked %u, expected 0 or 1", ordered);
  if (!s && ordered) s = room(t, 4ull * dim, "basis");
  if (!s && ordered && !t->writing && !(b->order = calloc(dim, sizeof *b->order))) return out_of_memory(t);
  for (uint32_t i = 0; i < dim && ordered && !s; i++) s = move_u32(t, &b->order[i], "basis");
  return s ? s : mx_basis_check(b, dim, at, t->e);
}

static mx_status move_array(transfer *t, float **v, size_t n, const char *what) {
  mx_status s = room(t, 4 * (uint64_t)n, what);
  if (!s && !t->writing && !(*v = calloc(n, sizeof **v))) return out_of_memory(t);
  return s ? s : move_f32s(t, *v, n, what);
}

static mx_status move_prefix(transfer *t, mx_prefix *p, const mx_config *c) {
  mx_status s = move_u32(t, &p->n, "prefix");
  if (s || !p->n) return s;
  if (p->n >= c->context_length)
    return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "a prefix of %u tokens in a context of %u", p->n, c->context_length);
  size_t cache = (size_t)c->n_layers * p->n * c->n_kv_heads * c->head_dim;
  s = room(t, 4ull * p->n, "prefix");
  if (!s && !t->writing && !(p->tokens = calloc(p->n, sizeof *p->tokens))) return out_of_memory(t);
  for (uint32_t i = 0; i < p->n && !s; i++) {
    uint32_t id = (uint32_t)p->tokens[i];
    s = move_u32(t, &id, "prefix");
    if (!s && id >= c->vocab_size) s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "prefix token %u of %u", id, c->vocab_size);
    p->tokens[i] = (int32_t)id;
  }
  if (!s) s = move_array(t, &p->keys, cache, "prefix keys");
  if (!s) s = move_array(t, &p->values, cache, "prefix values");
  return s ? s : move_array(t, &p->logits, c->vocab_size, "prefix logits");
}

static mx_status move_switches(transfer *t, mx_qmodel *q) {
  uint32_t kv = q->kv_bits, online = (uint32_t)(q->online.down | q->online.qk << 1);
  mx_status s = move_u32(t, &kv, "KV format");
  if (!s) s = move_u32(t, &online, "online transforms");
  if (!s && (kv > 2 || kv == 1 || online > 3))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "a KV format or transform that no device has");
  q->kv_bits = kv;
  q->online = (mx_online){.down = online & 1, .qk = online >> 1 & 1};
  return s;
}

static mx_status move_rest(transfer *t, mx_qmodel *q) {
  mx_status s = move_switches(t, q);
  if (!s) s = move_basis(t, &q->basis, q->config.dim);
  if (!s) s = move_tokenizer(t, &q->tokenizer);
  if (!s) s = move_prefix(t, &q->prefix, &q->config);
  if (!s) s = move_matrix(t, &q->token_embd, "token_embd");
  for (uint32_t i = 0; i < q->config.n_layers && !s; i++) s = move_layer(t, &q->layers[i]);
  if (!s) s = move_matrix(t, &q->output_norm, "output_norm");
  return s ? s : move_qmatrix(t, &q->output, "output");
}

static mx_status check_header(const mx_file *f, const char *path, mx_error *e) {
  if (f->size_bytes < HEADER_BYTES || memcmp(f->data, "MXQ2", 4))
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 0}, "no quantized model (mxf quantize makes them): expected MXQ2");
  if (mx_load_u64(f->data + 8) != f->size_bytes)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 8}, "%zu bytes, expected %llu: truncated?", f->size_bytes,
                   (unsigned long long)mx_load_u64(f->data + 8));
  uint32_t crc = (uint32_t)crc32_z(0, f->data + 8, f->size_bytes - 8);
  if (crc != mx_load_u32(f->data + 4))
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 4}, "checksum 0x%08x, expected 0x%08x: the file is damaged", crc,
                   mx_load_u32(f->data + 4));
  return MX_OK;
}

static mx_status read_body(transfer *t, mx_qmodel **out) {
  mx_config config;
  mx_loc at = mx_bytes_loc(&t->in);
  mx_status s = move_config(t, &config);
  if (!s) s = mx_config_check(&config, at, t->e);
  uint64_t layer_least = 8ull * config.dim + MX_QLAYER_MATRICES * FORMAT_BYTES;
  if (!s) s = room(t, config.n_layers * layer_least, "layers");
  if (!s) s = mx_qmodel_new(&config, out, t->e);
  if (!s) s = move_rest(t, *out);
  if (!s && mx_bytes_left(&t->in))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%zu bytes after the last matrix", mx_bytes_left(&t->in));
  return s;
}

mx_status mx_qmodel_read(const char *path, mx_qmodel **out, mx_error *e) {
  mx_file file;
  *out = NULL;
  mx_status s = mx_file_map(path, &file, e);
  if (s) return s;
  s = check_header(&file, path, e);
  transfer t = {.in = {file.data, file.size_bytes, HEADER_BYTES, path}, .e = e};
  if (!s) s = read_body(&t, out);
  mx_file_unmap(&file);
  if (s) {
    mx_qmodel_free(*out);
    *out = NULL;
  }
  return s;
}

static mx_status write_file(const char *path, const uint8_t *data, size_t n, mx_error *e) {
  char temporary[4096];
  if ((size_t)snprintf(temporary, sizeof temporary, "%s.%ld.part", path, (long)getpid()) >= sizeof temporary)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "the path is too long");
  FILE *f = fopen(temporary, "wb");
  if (!f) return mx_fail(e, MX_IO, (mx_loc){temporary, 0}, "cannot create: %s", strerror(errno));
  bool bad = fwrite(data, 1, n, f) != n;
  bad |= fclose(f) != 0;
  if (!bad && !rename(temporary, path)) return MX_OK;
  mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot write: %s", strerror(errno));
  remove(temporary);
  return e->status;
}

mx_status mx_qmodel_write(const char *path, const mx_qmodel *q, mx_error *e) {
  mx_qmodel copy = *q;  // the walk takes non-const pointers; writing changes nothing
  transfer t = {.writing = true, .e = e};
  uint8_t header[HEADER_BYTES] = "MXQ2";
  mx_status s = put(&t, header, sizeof header);
  if (!s) s = move_config(&t, &copy.config);
  if (!s) s = move_rest(&t, &copy);
  if (!s) {
    mx_store_u32(t.out + 8, (uint32_t)t.used);
    mx_store_u32(t.out + 12, (uint32_t)((uint64_t)t.used >> 32));
    mx_store_u32(t.out + 4, (uint32_t)crc32_z(0, t.out + 8, t.used - 8));
    s = write_file(path, t.out, t.used, e);
  }
  free(t.out);
  return s;
}
