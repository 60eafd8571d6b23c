// The twin with outlier channels.
//
// Between two linear maps, each channel may be multiplied by any f > 0 before
// and divided by it after:
//   norm gain * f            columns of the matrices behind it / f
//   rows of w_up * f         columns of w_down / f      (silu(gate) * up is linear in up)
//   rows of wv * f           columns of wo / f          (attention mixes positions, not
//                            channels; query heads that share a KV head share f)
// The function is the same up to FP32 rounding. f is log-normal for all channels;
// an outlier, one channel in 64 and at least one of each, gets strength / 10 to
// strength on top. Such channels take the scale of the blocks that they share
// with others, and their columns vanish beside those of others.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/synth/random.h"
#include "compiler/synth/stress.h"

enum { CHANNELS_PER_OUTLIER = 64 };
static const double spread = 0.5;  // deviation of ln f

typedef struct {
  mx_model *m;
  double strength;
  uint64_t seed, stream;  // of the factors made next
  double *f;              // [longest row]
} channels;

static void make_factors(channels *s, uint32_t n) {
  uint64_t key = mx_random_key(s->seed, s->stream++), pick = mx_random_key(s->seed, s->stream++);
  for (uint32_t i = 0; i < n; i++) s->f[i] = exp(spread * (double)mx_random_normal(key, i));
  for (uint32_t i = 0; i < 1 + n / CHANNELS_PER_OUTLIER; i++)
    s->f[mx_random_bits(pick, 2 * i) % n] = s->strength * pow(10, -mx_random_uniform(pick, 2 * i + 1));
}

static void multiply_rows(mx_matrix *w, const double *f) {
  for (uint32_t r = 0; r < w->rows; r++)
    for (uint32_t c = 0; c < w->cols; c++) {
      float *v = &w->data[(size_t)r * w->cols + c];
      *v = (float)(*v * f[r]);
    }
}

static void divide_columns(mx_matrix *w, const double *f) {
  for (uint32_t r = 0; r < w->rows; r++)
    for (uint32_t c = 0; c < w->cols; c++) {
      float *v = &w->data[(size_t)r * w->cols + c];
      *v = (float)(*v / f[c]);
    }
}

static void scale_norm(channels *s, mx_matrix *gain, mx_matrix *const *consumers, int n) {
  make_factors(s, gain->cols);
  for (uint32_t c = 0; c < gain->cols; c++) gain->data[c] = (float)(gain->data[c] * s->f[c]);
  for (int i = 0; i < n; i++) divide_columns(consumers[i], s->f);
}

static void scale_hidden(channels *s, mx_layer *l) {
  make_factors(s, l->w_up.rows);
  multiply_rows(&l->w_up, s->f);
  divide_columns(&l->w_down, s->f);
}

static void scale_values(channels *s, mx_layer *l) {
  const mx_config *c = &s->m->config;
  make_factors(s, l->wv.rows);
  multiply_rows(&l->wv, s->f);
  double *by_query = s->f + l->wv.rows;
  for (uint32_t i = 0; i < l->wo.cols; i++) {
    uint32_t kv_head = i / c->head_dim / (c->n_heads / c->n_kv_heads);
    by_query[i] = s->f[kv_head * c->head_dim + i % c->head_dim];
  }
  divide_columns(&l->wo, by_query);
}

static void scale_layer(channels *s, mx_layer *l) {
  scale_norm(s, &l->attn_norm, (mx_matrix *const[]){&l->wq, &l->wk, &l->wv}, 3);
  scale_values(s, l);
  scale_norm(s, &l->ffn_norm, (mx_matrix *const[]){&l->w_gate, &l->w_up}, 2);
  scale_hidden(s, l);
}

static mx_status untie(mx_model *m, mx_error *e) {
  if (!m->tied) return MX_OK;
  m->output.data = NULL;
  m->tied = false;
  mx_status s = mx_matrix_allocate(&m->output, e);
  if (!s) memcpy(m->output.data, m->token_embd.data, (size_t)m->output.rows * m->output.cols * sizeof *m->output.data);
  return s;
}

mx_status mx_stress_channels(mx_model *m, double strength, uint64_t seed, mx_error *e) {
  const mx_config *c = &m->config;
  size_t n = (size_t)c->dim + c->hidden_dim + 2 * (size_t)c->n_heads * c->head_dim;
  channels s = {.m = m, .strength = strength, .seed = seed, .f = calloc(n, sizeof *s.f)};
  if (!s.f) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %zu factors", n);
  mx_random_init();
  mx_status status = untie(m, e);
  for (uint32_t i = 0; !status && i < c->n_layers; i++) scale_layer(&s, &m->layers[i]);
  if (!status) scale_norm(&s, &m->output_norm, (mx_matrix *const[]){&m->output}, 1);
  free(s.f);
  return status;
}
