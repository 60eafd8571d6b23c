// The .mxq file: one walk over the model that either reads or writes it.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/qparts.h"

enum { FORMAT_BYTES = 60 };

typedef mx_transfer transfer;

static mx_status out_of_memory(transfer *t) {
  return mx_fail(t->e, MX_LIMIT, MX_NOWHERE, "no memory for the quantized model");
}

static mx_status move_matrix(transfer *t, mx_matrix *m, const char *name) {
  size_t n = (size_t)m->rows * m->cols;
  mx_loc at = mx_bytes_loc(&t->in);
  mx_status s = mx_transfer_room(t, 4 * (uint64_t)n, name);
  if (!s && !t->writing) s = mx_matrix_allocate(m, t->e);
  if (!s) s = mx_move_f32s(t, m->data, n, name);
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
  for (int i = 0; i < 7 && !s; i++) s = mx_move_u32(t, &v[i], "weight format");
  if (!s) s = mx_move_bytes(t, f->table, sizeof f->table, "decode table");
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
  mx_status s = mx_move_u32(t, &bits, "activation format");
  if (!s) s = mx_move_u32(t, &fixed, "activation format");
  if (!s && (bits > 2 || fixed > 1))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "an activation format that no device has");
  *a = (mx_act_format){bits, fixed};
  return s;
}

mx_status mx_move_part_format(transfer *t, mx_weight_format *f, mx_act_format *a) {
  mx_status s = move_format(t, f);
  return s ? s : move_acts(t, a);
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

static mx_status move_finite(mx_transfer *t, float *v, size_t n, const char *what) {
  mx_status s = mx_move_f32s(t, v, n, what);
  for (size_t i = 0; i < n && !s; i++)
    if (!isfinite(v[i])) s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: value %zu is not finite", what, i);
  return s;
}

static mx_status move_elements(transfer *t, mx_qmatrix *q, const char *name) {
  size_t sides = (size_t)q->rows * mx_qmatrix_blocks(q);
  mx_status s = mx_move_bytes(t, q->codes, (size_t)q->rows * q->cols, name);
  if (!s && !t->writing) s = check_codes(t, q, name);
  if (s || q->steps) return s ? s : move_finite(t, q->steps, q->rows, name);
  s = mx_move_u16s(t, q->scales, sides, name);
  if (!s && q->format.stream.zero) s = mx_move_bytes(t, q->zeros, sides, name);
  return !s && !t->writing ? check_scales(t, q, sides, name) : s;
}

// A part of `cols_left` columns at most; where no other follows, of just so many.
static mx_status move_part(transfer *t, mx_qmatrix *q, uint32_t cols_left, bool last, const char *name) {
  uint32_t cols = q->cols, rows = q->rows;
  mx_weight_format f = q->format;
  mx_act_format acts = q->acts;
  mx_status s = mx_move_u32(t, &cols, "columns");
  if (!s) s = mx_move_part_format(t, &f, &acts);
  if (!s && (cols > cols_left || (cols == cols_left) != last || !cols || (!last && cols % mx_block_length(&f.stream))))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: a part of %u columns of %u", name, cols, cols_left);
  if (!s) s = mx_transfer_room(t, (uint64_t)rows * cols, name);
  if (!s && !t->writing) s = mx_qmatrix_allocate(q, rows, cols, &f, t->e);
  q->acts = acts;
  return s ? s : move_elements(t, q, name);
}

static mx_status move_qmatrix(transfer *t, mx_qmatrix *q, const char *name) {
  uint32_t parts = q->rest ? 2 : 1, cols = t->writing ? mx_qmatrix_cols(q) : q->cols;
  mx_status s = mx_move_u32(t, &parts, "parts");
  if (!s && (parts < 1 || parts > MX_PARTS))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s: %u parts, expected 1 or 2", name, parts);
  if (!s) s = move_part(t, q, cols, parts == 1, name);
  if (s || parts == 1) return s;
  if (!t->writing && !(q->rest = calloc(1, sizeof *q->rest))) return out_of_memory(t);
  q->rest->rows = q->rows;
  return move_part(t, q->rest, cols - q->cols, true, name);
}

mx_status mx_move_layer(transfer *t, mx_qlayer *l) {
  mx_status s = move_matrix(t, &l->attn_norm, "attn_norm");
  for (unsigned i = 0; i < MX_QLAYER_MATRICES && !s; i++) {
    const char *name;
    mx_qmatrix *m = mx_qlayer_matrix(l, i, &name);
    s = move_qmatrix(t, m, name);
  }
  if (!s) s = move_matrix(t, &l->ffn_norm, "ffn_norm");
  if (!s && l->q_norm.rows) s = move_matrix(t, &l->q_norm, "attn_q_norm");
  return s || !l->k_norm.rows ? s : move_matrix(t, &l->k_norm, "attn_k_norm");
}

static mx_status move_config(transfer *t, mx_config *c) {
  uint32_t *const words[] = {&c->dim, &c->hidden_dim, &c->n_layers, &c->n_heads, &c->n_kv_heads, &c->head_dim,
                             &c->vocab_size, &c->context_length};
  mx_status s = MX_OK;
  for (unsigned i = 0; i < sizeof words / sizeof *words && !s; i++) s = mx_move_u32(t, words[i], "config");
  if (!s) s = mx_move_f32s(t, &c->rope_theta, 1, "config");
  return s ? s : mx_move_f32s(t, &c->rms_eps, 1, "config");
}

static mx_status move_tokenizer(transfer *t, mx_tokenizer **tokenizer) {
  uint32_t bytes = t->writing ? (uint32_t)mx_tokenizer_write(*tokenizer, NULL, 0) : 0;
  mx_status s = mx_move_u32(t, &bytes, "tokenizer size");
  if (!s) s = mx_transfer_room(t, bytes, "tokenizer");
  uint8_t *buffer = s ? NULL : malloc(bytes ? bytes : 1);
  if (!buffer) return s ? s : out_of_memory(t);
  mx_loc at = mx_bytes_loc(&t->in);
  if (t->writing) mx_tokenizer_write(*tokenizer, buffer, bytes);
  s = mx_move_bytes(t, buffer, bytes, "tokenizer");
  if (!s && !t->writing) s = mx_tokenizer_read(buffer, bytes, at, tokenizer, t->e);
  free(buffer);
  return s;
}

mx_status mx_move_basis(transfer *t, mx_basis *b, uint32_t dim) {
  uint32_t low = (uint32_t)b->seed, high = (uint32_t)(b->seed >> 32), ordered = b->order != NULL;
  mx_status s = mx_move_u32(t, &b->hadamard, "basis");
  if (!s) s = mx_move_u32(t, &low, "basis");
  if (!s) s = mx_move_u32(t, &high, "basis");
  if (!s) s = mx_move_u32(t, &ordered, "basis");
  b->seed = (uint64_t)high << 32 | low;
  mx_loc at = mx_bytes_loc(&t->in);
  if (!s && ordered > 1) s = mx_fail(t->e, MX_FORMAT, at, "an order of channels marked %u, expected 0 or 1", ordered);
  if (!s && ordered) s = mx_transfer_room(t, 4ull * dim, "basis");
  if (!s && ordered && !t->writing && !(b->order = calloc(dim, sizeof *b->order))) return out_of_memory(t);
  for (uint32_t i = 0; i < dim && ordered && !s; i++) s = mx_move_u32(t, &b->order[i], "basis");
  return s ? s : mx_basis_check(b, dim, at, t->e);
}

static mx_status move_array(transfer *t, float **v, size_t n, const char *what) {
  mx_status s = mx_transfer_room(t, 4 * (uint64_t)n, what);
  if (!s && !t->writing && !(*v = calloc(n, sizeof **v))) return out_of_memory(t);
  return s ? s : move_finite(t, *v, n, what);
}

mx_status mx_move_prefix(transfer *t, mx_prefix *p, const mx_config *c) {
  mx_status s = mx_move_u32(t, &p->n, "prefix");
  if (s || !p->n) return s;
  if (p->n >= c->context_length)
    return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "a prefix of %u tokens in a context of %u", p->n, c->context_length);
  size_t cache = (size_t)c->n_layers * p->n * c->n_kv_heads * c->head_dim;
  s = mx_transfer_room(t, 4ull * p->n, "prefix");
  if (!s && !t->writing && !(p->tokens = calloc(p->n, sizeof *p->tokens))) return out_of_memory(t);
  for (uint32_t i = 0; i < p->n && !s; i++) {
    uint32_t id = (uint32_t)p->tokens[i];
    s = mx_move_u32(t, &id, "prefix");
    if (!s && id >= c->vocab_size) s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "prefix token %u of %u", id, c->vocab_size);
    p->tokens[i] = (int32_t)id;
  }
  if (!s) s = move_array(t, &p->keys, cache, "prefix keys");
  if (!s) s = move_array(t, &p->values, cache, "prefix values");
  return s ? s : move_array(t, &p->logits, c->vocab_size, "prefix logits");
}

static mx_status move_switches(transfer *t, mx_qmodel *q) {
  uint32_t kv = q->kv_bits, switches = (uint32_t)(q->online.down | q->online.qk << 1) | q->config.head_norms << 2;
  mx_status s = mx_move_u32(t, &kv, "KV format");
  if (!s) s = mx_move_u32(t, &switches, "switches");
  if (!s && (kv > 2 || kv == 1 || switches > 7))
    s = mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "a KV format or transform that no device has");
  q->kv_bits = kv;
  q->online = (mx_online){.down = switches & 1, .qk = switches >> 1 & 1};
  if (!s && !t->writing) mx_qmodel_set_head_norms(q, switches >> 2 & 1);
  return s;
}

static mx_status move_rest(transfer *t, mx_qmodel *q) {
  mx_status s = move_switches(t, q);
  if (!s) s = mx_move_basis(t, &q->basis, q->config.dim);
  if (!s) s = move_tokenizer(t, &q->tokenizer);
  if (!s) s = mx_move_prefix(t, &q->prefix, &q->config);
  if (!s) s = move_matrix(t, &q->token_embd, "token_embd");
  for (uint32_t i = 0; i < q->config.n_layers && !s; i++) s = mx_move_layer(t, &q->layers[i]);
  if (!s) s = move_matrix(t, &q->output_norm, "output_norm");
  return s ? s : move_qmatrix(t, &q->output, "output");
}

static mx_status read_body(transfer *t, mx_qmodel **out) {
  mx_config config = {0};
  mx_loc at = mx_bytes_loc(&t->in);
  mx_status s = move_config(t, &config);
  if (!s) s = mx_config_check(&config, at, t->e);
  uint64_t layer_least = 8ull * config.dim + MX_QLAYER_MATRICES * FORMAT_BYTES;
  if (!s) s = mx_transfer_room(t, config.n_layers * layer_least, "layers");
  if (!s) s = mx_qmodel_new(&config, out, t->e);
  if (!s) s = move_rest(t, *out);
  return s ? s : mx_transfer_at_end(t, "the last matrix");
}

mx_status mx_qmodel_read(const char *path, mx_qmodel **out, mx_error *e) {
  transfer t;
  *out = NULL;
  mx_status s = mx_transfer_open(&t, path, "MXQ2", "quantized model (mxf quantize makes them)", e);
  if (!s) s = read_body(&t, out);
  mx_transfer_close(&t);
  if (s) {
    mx_qmodel_free(*out);
    *out = NULL;
  }
  return s;
}

mx_status mx_qmodel_write(const char *path, const mx_qmodel *q, mx_error *e) {
  mx_qmodel copy = *q;  // the walk takes non-const pointers; writing changes nothing
  transfer t;
  mx_status s = mx_transfer_create(&t, path, "MXQ2", e);
  if (!s) s = move_config(&t, &copy.config);
  if (!s) s = move_rest(&t, &copy);
  return mx_transfer_finish(&t, s);
}
