#include "tests/unit/small_qmodel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/hadamard.h"
#include "compiler/quant/quantize.h"
#include "compiler/synth/synth.h"
#include "golden/isa.h"
#include "golden/mxint.h"
#include "tests/unit/small_model.h"

static void require(bool ok, const char *what, const mx_error *e) {
  if (ok) return;
  fprintf(stderr, "test helper: %s failed: %s\n", what, e->text);
  abort();
}

bool test_head_norms;

mx_config test_shape_config(const test_shape *s) {
  return (mx_config){.dim = s->dim, .hidden_dim = s->hidden, .n_layers = s->layers, .n_heads = s->heads,
                     .n_kv_heads = s->kv_heads, .head_dim = s->head_dim, .vocab_size = TEST_VOCAB,
                     .context_length = s->context, .rope_theta = 10000.0f, .rms_eps = 1e-5f, .head_norms = test_head_norms};
}

// Rows of a length around 1, as those of trained models; norms as they are.
static void shrink(mx_model *m) {
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    mx_matrix *w = mx_model_matrix(m, i, name);
    float factor = w->rows == 1 ? 1 : sqrtf(3.0f / (float)w->cols);
    for (size_t k = 0; k < (size_t)w->rows * w->cols; k++) w->data[k] *= factor;
  }
}

mx_qmodel *test_qmodel(const test_shape *s, uint64_t seed) {
  mx_config config = test_shape_config(s);
  mx_model *m = test_model(&config, seed % 2, seed);
  shrink(m);
  mx_quantize_options o = {.act_bits = s->act_bits, .kv_bits = s->kv_bits};
  mx_qmodel *q;
  mx_error e = {0};
  require(!mx_weight_format_parse(s->weights, &o.weights, &e), "the format", &e);
  require(!mx_quantize_model(m, &o, &q, &e), "mx_quantize_model", &e);
  mx_model_free(m);
  return q;
}

mx_image *test_compile(const mx_qmodel *q, const char *set, uint32_t context) {
  mx_compile_options o = {.params = mx_params_find(set), .context = context};
  mx_image *image;
  mx_error e = {0};
  require(!mx_compile(q, &o, &image, &e), "mx_compile", &e);
  return image;
}

mx_qmodel *test_large_vocabulary(const char *weights) {
  const mx_config c = {.dim = 32, .hidden_dim = 32, .n_layers = 1, .n_heads = 2, .n_kv_heads = 1, .head_dim = 16,
                       .vocab_size = TEST_LARGE_VOCAB, .context_length = 40, .rope_theta = 10000, .rms_eps = 1e-5f, .head_norms = 1};
  mx_model *m = test_model(&c, true, 3);
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_8};
  mx_qmodel *q;
  mx_error e = {0};
  require(!mx_synth_tokenizer(TEST_LARGE_VOCAB, &m->tokenizer, &e), "mx_synth_tokenizer", &e);
  require(!mx_weight_format_parse(weights, &o.weights, &e), "the format", &e);
  require(!mx_quantize_model(m, &o, &q, &e), "mx_quantize_model", &e);
  mx_model_free(m);
  return q;
}

// The sources are matrices of the layer, which is not const.
static mx_matrix *matrix_of(mx_layer *l, unsigned k) { return (mx_matrix *)(uintptr_t)mx_layer_source(l, k); }

// Query rows by what the transform of queries and keys multiplies scores with.
static void scale_pairs(const mx_config *c, mx_matrix *wq, bool divide) {
  uint32_t half = c->head_dim / 2;
  for (uint32_t row = 0; row < wq->rows; row++) {
    uint32_t pair = row % c->head_dim / 2, at = 0;
    while (at + mx_hadamard_segment(half, at) <= pair) at += mx_hadamard_segment(half, at);
    float factor = (float)(mx_hadamard_segment(half, at) / 4 * 2);
    for (uint32_t k = 0; k < wq->cols; k++) wq->data[(size_t)row * wq->cols + k] *= divide ? 1 / factor : factor;
  }
}

// The same factors where the norm after wq would take them out.
static void scale_pair_gains(const mx_config *c, mx_matrix *gain, bool divide) {
  mx_matrix column = {gain->cols, 1, gain->data};
  scale_pairs(c, &column, divide);
}

static void copy(const mx_matrix *from, mx_matrix *to, mx_error *e) {
  require(!mx_matrix_allocate(to, e), "mx_matrix_allocate", e);
  memcpy(to->data, from->data, (size_t)to->rows * to->cols * sizeof *to->data);
}

static void dequantize(const mx_qmatrix *from, mx_matrix *to, mx_error *e) {
  require(!mx_matrix_allocate(to, e), "mx_matrix_allocate", e);
  for (size_t i = 0; i < (size_t)to->rows * to->cols; i++)
    to->data[i] = (float)mx_qmatrix_value(from, (uint32_t)(i / to->cols), (uint32_t)(i % to->cols));
}

// Online transforms are symmetric, and their own inverse up to a factor: 2 m for
// pairs of a segment of m pairs, m for others.
static void undo_online(const mx_qmodel *q, mx_layer *l) {
  const mx_config *c = &q->config;
  for (uint32_t r = 0; r < c->dim && q->online.down; r++) mx_hadamard_online(l->w_down.data + (size_t)r * c->hidden_dim, c->hidden_dim);
  if (q->online.qk && c->head_norms) scale_pair_gains(c, &l->q_norm, false);
  else if (q->online.qk) scale_pairs(c, &l->wq, false);
}

mx_model *test_dequantized(const mx_qmodel *q) {
  mx_model *m;
  mx_error e = {0};
  require(!mx_model_new(&q->config, false, &m, &e), "mx_model_new", &e);
  copy(&q->token_embd, &m->token_embd, &e);
  copy(&q->output_norm, &m->output_norm, &e);
  dequantize(&q->output, &m->output, &e);
  for (uint32_t i = 0; i < q->config.n_layers; i++) {
    mx_qlayer *from = &q->layers[i];
    copy(&from->attn_norm, &m->layers[i].attn_norm, &e);
    copy(&from->ffn_norm, &m->layers[i].ffn_norm, &e);
    if (q->config.head_norms) {
      copy(&from->q_norm, &m->layers[i].q_norm, &e);
      copy(&from->k_norm, &m->layers[i].k_norm, &e);
    }
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++)  // the sources are matrices of m
      dequantize(mx_qlayer_matrix(from, k, NULL), matrix_of(&m->layers[i], k), &e);
    undo_online(q, &m->layers[i]);
  }
  return m;
}

// ---- variants ------------------------------------------------------------------------

static void scale(mx_matrix *w, float factor) {
  for (size_t i = 0; i < (size_t)w->rows * w->cols; i++) w->data[i] *= factor;
}

// Integers need inputs of more than 1; those of the norms and of the gated
// values are about 1, and transformed ones larger.
static void scale_inputs(mx_model *m, bool down) {
  const float in = 16, gated = down ? 8 : 16;  // more saturates, less loses bits
  for (uint32_t i = 0; i < m->config.n_layers; i++) {
    mx_layer *l = &m->layers[i];
    scale(&l->attn_norm, in);
    for (unsigned k = 0; k < 3; k++) scale(matrix_of(l, k), 1 / in);
    scale(&l->wv, in);
    scale(&l->wo, 1 / in);
    scale(&l->ffn_norm, in);
    scale(&l->w_gate, 1 / in);
    scale(&l->w_up, gated / in);
    scale(&l->w_down, 1 / gated);
  }
  scale(&m->output_norm, in);
  scale(&m->output, 1 / in);
}

static void fold_online(const mx_model *m, mx_online online) {
  const mx_config *c = &m->config;
  for (uint32_t i = 0; i < c->n_layers; i++) {
    mx_matrix *down = &m->layers[i].w_down;
    for (uint32_t r = 0; r < c->dim && online.down; r++) {
      float *row = down->data + (size_t)r * down->cols;
      mx_hadamard_online(row, down->cols);
      for (uint32_t at = 0, size; at < down->cols; at += size) {
        size = mx_hadamard_segment(down->cols, at);
        for (uint32_t k = at; k < at + size; k++) row[k] /= (float)(size / 4);
      }
    }
    if (online.qk && c->head_norms) scale_pair_gains(c, &m->layers[i].q_norm, true);
    else if (online.qk) scale_pairs(c, &m->layers[i].wq, true);
  }
}

static int nearest_code(const mx_weight_format *f, float x) {
  int most = mx_element_max(f->stream.bits), best = 0;
  if (!f->codebook) {
    int q = (int)nearbyintf(x);
    return q > most ? most : q < -most ? -most : q;
  }
  for (int i = 1; i < 16; i++)
    if (fabsf(x - f->table[i]) < fabsf(x - f->table[best])) best = i;
  return best;
}

static float greatest(const float *x, uint32_t n) {
  float most = 0;
  for (uint32_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
  return most;
}

// x [n] with elements in units of `unit`.
static void round_run(const mx_weight_format *f, const float *x, uint32_t n, float unit, int8_t *codes) {
  for (uint32_t i = 0; i < n; i++) codes[i] = (int8_t)nearest_code(f, unit > 0 ? x[i] / unit : 0);
}

static void round_row(mx_qmatrix *q, uint32_t row, const float *x) {
  const mx_weight_format *f = &q->format;
  uint32_t length = mx_block_length(&f->stream), blocks = mx_qmatrix_blocks(q);
  int8_t *codes = q->codes + (size_t)row * q->cols;
  if (q->steps) {
    q->steps[row] = greatest(x, q->cols) / (float)mx_element_max(f->stream.bits);
    round_run(f, x, q->cols, q->steps[row], codes);
    return;
  }
  for (uint32_t b = 0; b < blocks; b++) {
    uint32_t n = b + 1 < blocks ? length : q->cols - b * length;
    float most = greatest(x + b * length, n);
    int exponent = most > 0 ? ilogbf(most) : -127;
    q->scales[(size_t)row * blocks + b] = (uint16_t)(exponent + 127);
    round_run(f, x + b * length, n, ldexpf(1, exponent - (int)f->frac), codes + b * length);
  }
}

// Every matrix gets another table: between -127 and 127, as far apart as chance wills.
static void random_table(mx_weight_format *f, test_random *r) {
  for (int i = 0; i < 16; i++) f->table[i] = (int8_t)(-120 + 16 * i + (int)test_random_below(r, 12) - 6);
}

static mx_part_format part_format(const char *name, uint32_t cols, unsigned act_bits, bool fixed, test_random *r) {
  mx_part_format p = {.cols = cols, .acts = {act_bits, fixed}};
  mx_error e = {0};
  require(!mx_weight_format_parse(name, &p.weights, &e), "the format", &e);
  if (p.weights.fitted) random_table(&p.weights, r);
  return p;
}

static void requantize(const mx_matrix *w, const test_shape *s, const test_variant *v, test_random *r, mx_qmatrix *q) {
  mx_error e = {0};
  mx_matrix_format f = {1, {part_format(v->first, w->cols, s->act_bits, v->fixed, r)}};
  if (v->rest) {
    uint32_t block = mx_block_length(&f.part[0].weights.stream), cols = (w->cols / 3 + block - 1) / block * block;
    f.n_parts = 2;
    f.part[0].cols = cols;
    f.part[1] = part_format(v->rest, w->cols - cols, v->rest_act_bits, v->fixed, r);
  }
  mx_qmatrix_free(q);
  require(!mx_qmatrix_allocate_parts(q, w->rows, &f, &e), "mx_qmatrix_allocate_parts", &e);
  for (uint32_t row = 0; row < w->rows; row++) {
    const float *x = w->data + (size_t)row * w->cols;
    for (mx_qmatrix *part = q; part; x += part->cols, part = part->rest) round_row(part, row, x);
  }
}

static void take_gain(mx_matrix *to, const mx_matrix *from) { memcpy(to->data, from->data, from->cols * sizeof *from->data); }

mx_qmodel *test_variant_qmodel(const test_shape *s, const test_variant *v, uint64_t seed) {
  mx_qmodel *q = test_qmodel(s, seed);
  mx_model *m = test_dequantized(q);
  test_random r = {seed + 1};
  q->online = v->online;
  if (v->fixed) scale_inputs(m, v->online.down);
  fold_online(m, v->online);
  for (uint32_t i = 0; i < q->config.n_layers; i++) {
    take_gain(&q->layers[i].attn_norm, &m->layers[i].attn_norm);
    take_gain(&q->layers[i].ffn_norm, &m->layers[i].ffn_norm);
    if (q->config.head_norms) take_gain(&q->layers[i].q_norm, &m->layers[i].q_norm);
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++)
      requantize(matrix_of(&m->layers[i], k), s, v, &r, mx_qlayer_matrix(&q->layers[i], k, NULL));
  }
  take_gain(&q->output_norm, &m->output_norm);
  requantize(&m->output, s, v, &r, &q->output);
  mx_model_free(m);
  return q;
}
