#include <inttypes.h>
#include <stdio.h>   // snprintf
#include <stdlib.h>
#include <string.h>

#include "compiler/import/bytes.h"
#include "compiler/import/gguf.h"
#include "compiler/import/llama2c.h"

enum { METADATA_AT = 16 };  // where the number of keys stands

static bool equals(mx_gguf_string s, const char *text) {
  return s.length_bytes == strlen(text) && memcmp(s.text, text, (size_t)s.length_bytes) == 0;
}

static uint64_t value_at(const mx_gguf *g, const char *key) {
  const mx_gguf_kv *kv = mx_gguf_find(g, key);
  return kv ? kv->value_at_bytes : METADATA_AT;
}

static mx_status expect_string(const mx_gguf *g, const char *key, bool required,
                               const char *expected, mx_error *e) {
  mx_gguf_string v = {expected, strlen(expected)};
  mx_status s = mx_gguf_get_string(g, key, required, &v, e);
  if (!s && !equals(v, expected))
    s = mx_fail(e, MX_UNSUPPORTED, mx_gguf_loc(g, value_at(g, key)),
                "%s is '%s'; only '%s' is supported", key, mx_gguf_printable(v).text, expected);
  return s;
}

// ---- configuration -------------------------------------------------------------

// Keys of the architecture, such as "llama.block_count", by the part after the dot.
typedef struct { const mx_gguf *g; const char *architecture; mx_error *e; } keys;
enum { KEY_BYTES = 64 };

static const char *full(const keys *k, const char *name, char key[KEY_BYTES]) {
  snprintf(key, KEY_BYTES, "%s.%s", k->architecture, name);
  return key;
}

static mx_loc loc_of(const keys *k, const char *name) {
  char key[KEY_BYTES];
  return mx_gguf_loc(k->g, value_at(k->g, full(k, name, key)));
}

static mx_status get_u32(const keys *k, const char *name, bool required, uint32_t *out) {
  char key[KEY_BYTES];
  return mx_gguf_get_u32(k->g, full(k, name, key), required, out, k->e);
}

static mx_status get_f32(const keys *k, const char *name, bool required, float *out) {
  char key[KEY_BYTES];
  return mx_gguf_get_f32(k->g, full(k, name, key), required, out, k->e);
}

// Refuses a value other than `expected`, which it has when absent.
static mx_status expect_u32(const keys *k, const char *name, uint32_t expected) {
  uint32_t v = expected;
  mx_status s = get_u32(k, name, false, &v);
  if (!s && v != expected)
    s = mx_fail(k->e, MX_UNSUPPORTED, loc_of(k, name), "%s.%s is %u; only %u is supported", k->architecture, name, v, expected);
  return s;
}

static mx_status read_sizes(const keys *k, mx_config *c) {
  mx_status s = get_u32(k, "embedding_length", true, &c->dim);
  if (!s) s = get_u32(k, "feed_forward_length", true, &c->hidden_dim);
  if (!s) s = get_u32(k, "block_count", true, &c->n_layers);
  if (!s) s = get_u32(k, "attention.head_count", true, &c->n_heads);
  if (!s) s = get_u32(k, "context_length", true, &c->context_length);
  c->n_kv_heads = c->n_heads;
  return s ? s : get_u32(k, "attention.head_count_kv", false, &c->n_kv_heads);
}

// The vocabulary's size is what the embedding has rows; a key may repeat it.
static mx_status read_vocab_size(const keys *k, mx_config *c) {
  const mx_gguf_tensor *embd = mx_gguf_find_tensor(k->g, "token_embd.weight");
  if (!embd)
    return mx_fail(k->e, MX_FORMAT, mx_gguf_loc(k->g, METADATA_AT),
                   "tensor 'token_embd.weight' is missing");
  c->vocab_size = embd->dims[1] > UINT32_MAX ? UINT32_MAX : (uint32_t)embd->dims[1];
  uint32_t stated = c->vocab_size;
  mx_status s = get_u32(k, "vocab_size", false, &stated);
  if (!s && stated != c->vocab_size)
    s = mx_fail(k->e, MX_FORMAT, loc_of(k, "vocab_size"), "%s.vocab_size is %u; token_embd.weight has %u rows", k->architecture,
                stated, c->vocab_size);
  return s;
}

static mx_status read_head_dim(const keys *k, mx_config *c) {
  char key[KEY_BYTES];
  bool given = mx_gguf_find(k->g, full(k, "attention.key_length", key)) != NULL;
  if (!given && (c->n_heads == 0 || c->dim % c->n_heads))
    return mx_fail(k->e, MX_FORMAT, loc_of(k, "attention.head_count"),
                   "the embedding length %u is no multiple of %u heads", c->dim, c->n_heads);
  if (!given) c->head_dim = c->dim / c->n_heads;
  mx_status s = get_u32(k, "attention.key_length", false, &c->head_dim);
  if (!s) s = expect_u32(k, "attention.value_length", c->head_dim);
  return s ? s : expect_u32(k, "rope.dimension_count", c->head_dim);
}

static mx_status refuse_variants(const keys *k) {
  float scale = 1.0f;
  char key[KEY_BYTES];
  mx_status s = expect_string(k->g, full(k, "rope.scaling.type", key), false, "none", k->e);
  if (!s) s = expect_u32(k, "expert_count", 0);
  if (!s) s = get_f32(k, "rope.scale_linear", false, &scale);
  if (!s && scale != 1.0f)
    s = mx_fail(k->e, MX_UNSUPPORTED, loc_of(k, "rope.scale_linear"), "RoPE is scaled by %g; only unscaled RoPE is supported",
                (double)scale);
  return s;
}

// Qwen3 is Llama with norms of query and key heads.
static mx_status read_architecture(const mx_gguf *g, mx_config *c, mx_error *e) {
  mx_gguf_string v;
  mx_status s = mx_gguf_get_string(g, "general.architecture", true, &v, e);
  if (s) return s;
  c->head_norms = equals(v, "qwen3");
  if (c->head_norms || equals(v, "llama")) return MX_OK;
  return mx_fail(e, MX_UNSUPPORTED, mx_gguf_loc(g, value_at(g, "general.architecture")),
                 "general.architecture is '%s'; only 'llama' and 'qwen3' are supported", mx_gguf_printable(v).text);
}

static mx_status read_config(const mx_gguf *g, mx_config *c, mx_error *e) {
  *c = (mx_config){.rope_theta = 10000.0f};
  mx_status s = read_architecture(g, c, e);
  keys k = {g, mx_config_architecture(c), e};
  if (!s) s = refuse_variants(&k);
  if (!s) s = read_sizes(&k, c);
  if (!s) s = read_head_dim(&k, c);
  if (!s) s = read_vocab_size(&k, c);
  if (!s) s = get_f32(&k, "rope.freq_base", false, &c->rope_theta);
  if (!s) s = get_f32(&k, "attention.layer_norm_rms_epsilon", true, &c->rms_eps);
  return s ? s : mx_config_check(c, mx_gguf_loc(g, METADATA_AT), e);
}

// ---- tensors ---------------------------------------------------------------------

static mx_status check_shape(const mx_gguf *g, const mx_gguf_tensor *t, const mx_matrix *m,
                             const char *name, mx_error *e) {
  const uint64_t *d = t->dims;
  if (d[0] == m->cols && d[1] == m->rows && d[2] == 1 && d[3] == 1) return MX_OK;
  return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, t->at_bytes),
                 "tensor '%s' has shape [%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
                 "]; expected [%u %u 1 1], fastest first",
                 name, d[0], d[1], d[2], d[3], m->cols, m->rows);
}

static mx_status find_matrix(const mx_gguf *g, const mx_matrix *m, const char *name, mx_stored *out, mx_error *e) {
  const mx_gguf_tensor *t = mx_gguf_find_tensor(g, name);
  if (!t)
    return mx_fail(e, MX_FORMAT, mx_gguf_loc(g, 8), "tensor '%s' is missing; expected [%u %u]",
                   name, m->cols, m->rows);
  mx_status s = check_shape(g, t, m, name, e);
  mx_element type = t->type == MX_GGML_F32 ? MX_ELEMENT_F32 : t->type == MX_GGML_F16 ? MX_ELEMENT_F16 : MX_ELEMENT_BF16;
  *out = (mx_stored){.type = type, .at_bytes = t->data_at_bytes};
  return s;
}

static mx_status find_matrices(const mx_gguf *g, mx_model *m, mx_error *e) {
  mx_status s = mx_model_store(m, g->data, g->path, e);
  for (uint32_t i = 0; !s && i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *matrix = mx_model_matrix(m, i, name);
    s = find_matrix(g, matrix, name, &m->stored[i], e);
    // RoPE of Llama files turns pairs side by side, that of Qwen3 files does not.
    bool turned = strstr(name, ".attn_q") || strstr(name, ".attn_k");
    if (m->config.head_norms && turned) m->stored[i].halves = m->config.head_dim;
  }
  return s;
}

static int compare_names(const void *a, const void *b) {
  return strcmp(a, b);
}

// Names the first tensor of the file that is not in `names` [count], sorted.
static mx_status report_unknown(const mx_gguf *g, const char (*names)[MX_MATRIX_NAME_BYTES],
                                uint32_t count, const char *model, mx_error *e) {
  for (uint64_t i = 0; i < g->n_tensors; i++) {
    mx_gguf_string n = g->tensors[i].name;
    char text[MX_MATRIX_NAME_BYTES] = {0};
    if (n.length_bytes < sizeof text) memcpy(text, n.text, (size_t)n.length_bytes);
    bool known = strlen(text) == n.length_bytes &&  // no NUL inside
                 bsearch(text, names, count, sizeof *names, compare_names);
    if (!known)
      return mx_fail(e, MX_UNSUPPORTED, mx_gguf_loc(g, g->tensors[i].at_bytes),
                     "tensor '%s' is no part of a plain %s model", mx_gguf_printable(n).text, model);
  }
  return MX_OK;
}

// Refuses tensors beside the model's: to leave out a bias would go unnoticed.
static mx_status refuse_unknown_tensors(const mx_gguf *g, const mx_model *m, mx_error *e) {
  uint32_t count = mx_model_matrix_count(m);
  if (g->n_tensors == count) return MX_OK;
  char(*names)[MX_MATRIX_NAME_BYTES] = calloc(count, sizeof *names);
  if (!names) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u names", count);
  for (uint32_t i = 0; i < count; i++) mx_model_matrix(m, i, names[i]);
  qsort(names, count, sizeof *names, compare_names);
  mx_status s = report_unknown(g, (const char(*)[MX_MATRIX_NAME_BYTES])names, count,
                               m->config.head_norms ? "Qwen3" : "Llama", e);
  free(names);
  return s;
}

// ---- tokenizer -------------------------------------------------------------------

static mx_status fill_pieces(const mx_gguf *g, uint32_t vocab_size, mx_piece *pieces,
                             mx_error *e) {
  const mx_gguf_kv *texts, *scores, *types;
  mx_status s = mx_gguf_get_array(g, "tokenizer.ggml.tokens", true, MX_GGUF_STRING, vocab_size,
                                  &texts, e);
  if (!s)
    s = mx_gguf_get_array(g, "tokenizer.ggml.scores", true, MX_GGUF_F32, vocab_size, &scores, e);
  if (!s)
    s = mx_gguf_get_array(g, "tokenizer.ggml.token_type", false, MX_GGUF_I32, vocab_size, &types,
                          e);
  if (s) return s;
  const uint8_t *text = g->data + texts->value_at_bytes;
  for (uint32_t i = 0; i < vocab_size; i++) {
    uint64_t n = mx_load_u64(text);
    if (n > INT32_MAX)
      return mx_fail(e, MX_LIMIT, mx_gguf_loc(g, texts->at_bytes), "token %u has %" PRIu64 " bytes",
                     i, n);
    const uint8_t *score = g->data + scores->value_at_bytes + 4 * (uint64_t)i;
    uint32_t type = types ? mx_load_u32(g->data + types->value_at_bytes + 4 * (uint64_t)i) : 1;
    pieces[i] = (mx_piece){(const char *)text + 8, (uint32_t)n,
                           mx_float_of_bits(mx_load_u32(score)),
                           (mx_piece_type)(type <= MX_PIECE_BYTE ? type : 0)};
    text += 8 + n;
  }
  return MX_OK;
}

static mx_status read_token_id(const mx_gguf *g, const char *key, int32_t *out, mx_error *e) {
  uint32_t id = (uint32_t)*out;
  mx_status s = mx_gguf_get_u32(g, key, false, &id, e);
  *out = id > INT32_MAX ? INT32_MAX : (int32_t)id;
  return s;
}

static mx_status check_tokenizer_model(const mx_gguf *g, mx_error *e) {
  mx_gguf_string model, pre = {"", 0};
  mx_status s = mx_gguf_get_string(g, "tokenizer.ggml.model", true, &model, e);
  if (s || equals(model, "llama")) return s;
  s = mx_gguf_get_string(g, "tokenizer.ggml.pre", false, &pre, e);
  if (s) return s;
  return mx_fail(e, MX_UNSUPPORTED, mx_gguf_loc(g, value_at(g, "tokenizer.ggml.model")),
                 "tokenizer.ggml.model is '%s'%s%s%s; only 'llama' (SentencePiece) is supported", mx_gguf_printable(model).text,
                 pre.length_bytes ? " (" : "", mx_gguf_printable(pre).text, pre.length_bytes ? ")" : "");
}

static mx_status read_own_tokenizer(const mx_gguf *g, uint32_t vocab_size, mx_tokenizer **out,
                                    mx_error *e) {
  mx_tokenizer_config c = {vocab_size, 1, 2, 0, true};
  mx_status s = check_tokenizer_model(g, e);
  if (!s) s = read_token_id(g, "tokenizer.ggml.bos_token_id", &c.bos, e);
  if (!s) s = read_token_id(g, "tokenizer.ggml.eos_token_id", &c.eos, e);
  if (!s) s = read_token_id(g, "tokenizer.ggml.unknown_token_id", &c.unk, e);
  if (!s)
    s = mx_gguf_get_bool(g, "tokenizer.ggml.add_space_prefix", false, &c.add_space_prefix, e);
  if (s) return s;
  mx_piece *pieces = calloc(vocab_size, sizeof *pieces);
  if (!pieces) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u tokens", vocab_size);
  s = fill_pieces(g, vocab_size, pieces, e);
  mx_loc at = mx_gguf_loc(g, value_at(g, "tokenizer.ggml.tokens"));
  if (!s) s = mx_tokenizer_new(pieces, &c, at, out, e);
  free(pieces);
  return s;
}

// ---- model -----------------------------------------------------------------------

static void name_format(const mx_gguf *g, mx_model *m) {
  bool f32 = false, f16 = false, bf16 = false;
  for (uint64_t i = 0; i < g->n_tensors; i++) {
    f32 |= g->tensors[i].type == MX_GGML_F32;
    f16 |= g->tensors[i].type == MX_GGML_F16;
    bf16 |= g->tensors[i].type == MX_GGML_BF16;
  }
  snprintf(m->format, sizeof m->format, "GGUF version %u (%s)%s", g->version,
           bf16 && f16 ? "BF16, F16, F32"
           : bf16      ? (f32 ? "BF16, F32" : "BF16")
           : f16       ? (f32 ? "F16, F32" : "F16")
                       : "F32",
           m->config.head_norms ? ", RoPE pairs put side by side" : "");
}

static mx_status fill_model(const mx_gguf *g, const char *tokenizer_path, mx_model *m,
                            mx_error *e) {
  name_format(g, m);
  mx_status s = find_matrices(g, m, e);
  if (!s) s = refuse_unknown_tensors(g, m, e);
  if (s) return s;
  if (tokenizer_path)
    return mx_llama2c_tokenizer_load(tokenizer_path, m->config.vocab_size, &m->tokenizer, e);
  return read_own_tokenizer(g, m->config.vocab_size, &m->tokenizer, e);
}

static mx_status open_parsed(const mx_gguf *g, const char *tokenizer_path, mx_model **out,
                             mx_error *e) {
  mx_config c;
  mx_status s = read_config(g, &c, e);
  if (!s && c.n_layers > g->n_tensors)
    s = mx_fail(e, MX_FORMAT, loc_of(&(keys){g, mx_config_architecture(&c), e}, "block_count"),
                "%u layers; the file has %" PRIu64 " tensors", c.n_layers, g->n_tensors);
  if (s) return s;
  mx_model *m;
  s = mx_model_new(&c, !mx_gguf_find_tensor(g, "output.weight"), &m, e);
  if (!s) s = fill_model(g, tokenizer_path, m, e);
  if (s) mx_model_free(m);
  else *out = m;
  return s;
}

mx_status mx_gguf_open(const uint8_t *data, size_t size, const char *path,
                       const char *tokenizer_path, mx_model **out, mx_error *e) {
  *out = NULL;
  mx_gguf g;
  mx_status s = mx_gguf_parse(data, size, path, &g, e);
  if (!s) s = open_parsed(&g, tokenizer_path, out, e);
  mx_gguf_free(&g);
  return s;
}
