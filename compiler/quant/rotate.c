#include "compiler/quant/rotate.h"

#include <stdlib.h>
#include <string.h>

#include "compiler/quant/hadamard.h"

void mx_rotation_new(const mx_config *c, bool values, mx_online online, uint64_t seed, mx_rotation *out) {
  *out = (mx_rotation){.basis = {.hadamard = mx_hadamard_order(c->dim), .seed = seed}, .values = values, .online = online};
}

void mx_rotation_free(mx_rotation *r, const mx_config *c) {
  for (uint32_t i = 0; i < c->n_layers && r->hidden; i++) free(r->hidden[i]);
  free(r->hidden);
  free(r->basis.order);
  *r = (mx_rotation){0};
}

// ---- linear maps of rows and columns -------------------------------------------

// y [n] = the map of x [n], apart.
typedef void (*map_function)(const void *self, uint32_t n, const float *x, float *y);
typedef struct {
  map_function of;
  const void *self;
} map;

static void map_basis(const void *self, uint32_t n, const float *x, float *y) { mx_basis_apply(self, n, x, y); }

static void map_order(const void *self, uint32_t n, const float *x, float *y) {
  const uint32_t *order = self;
  for (uint32_t i = 0; i < n; i++) y[i] = x[order[i]];
}

// Each head of *self elements by normalised Hadamard matrices.
static void map_heads(const void *self, uint32_t n, const float *x, float *y) {
  uint32_t order = mx_hadamard_order(*(const uint32_t *)self);
  double run[MX_HADAMARD_MAX];
  for (uint32_t at = 0; at < n; at += order) {
    for (uint32_t i = 0; i < order; i++) run[i] = x[at + i];
    mx_hadamard_transform(run, order, order);
    for (uint32_t i = 0; i < order; i++) y[at + i] = (float)run[i];
  }
}

// The inverse's transpose of the online transform, which is it over its order.
static void map_online(const void *self, uint32_t n, const float *x, float *y) {
  (void)self;
  memcpy(y, x, n * sizeof *y);
  mx_hadamard_online(y, n);
  for (uint32_t at = 0, size; at < n; at += size) {
    size = mx_hadamard_segment(n, at);
    for (uint32_t i = at; i < at + size; i++) y[i] *= 4.0f / (float)size;
  }
}

static mx_status no_memory(mx_error *e) { return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to rotate a matrix"); }

static mx_status map_rows(mx_matrix *m, map by, mx_error *e) {
  float *copy = malloc(m->cols * sizeof *copy);
  if (!copy) return no_memory(e);
  for (uint32_t row = 0; row < m->rows; row++) {
    float *at = m->data + (size_t)row * m->cols;
    memcpy(copy, at, m->cols * sizeof *copy);
    by.of(by.self, m->cols, copy, at);
  }
  free(copy);
  return MX_OK;
}

enum { PANEL = 16 };  // columns at a time: a cache line of each row

// Columns [n] of m from `first`; work [2][PANEL][rows].
static void map_panel(mx_matrix *m, map by, uint32_t first, uint32_t n, float *work) {
  float *before = work, *after = work + (size_t)PANEL * m->rows;
  for (size_t row = 0; row < m->rows; row++)
    for (uint32_t i = 0; i < n; i++) before[i * (size_t)m->rows + row] = m->data[row * m->cols + first + i];
  for (uint32_t i = 0; i < n; i++) by.of(by.self, m->rows, before + i * (size_t)m->rows, after + i * (size_t)m->rows);
  for (size_t row = 0; row < m->rows; row++)
    for (uint32_t i = 0; i < n; i++) m->data[row * m->cols + first + i] = after[i * (size_t)m->rows + row];
}

static mx_status map_columns(mx_matrix *m, map by, mx_error *e) {
  float *work = malloc(2 * (size_t)PANEL * m->rows * sizeof *work);
  if (!work) return no_memory(e);
  for (uint32_t at = 0; at < m->cols; at += PANEL) map_panel(m, by, at, m->cols - at < PANEL ? m->cols - at : PANEL, work);
  free(work);
  return MX_OK;
}

// ---- the residual stream (R1) ----------------------------------------------------

static void fold_gain(const mx_matrix *gain, mx_matrix *m) {
  for (size_t row = 0; row < m->rows; row++)
    for (uint32_t i = 0; i < m->cols; i++) m->data[row * m->cols + i] *= gain->data[i];
}

// The matrices [n] that follow a norm, and its gain.
static mx_status rotate_readers(const mx_basis *b, mx_matrix *gain, mx_matrix *const *readers, unsigned n, mx_error *e) {
  map by = {map_basis, b};
  mx_status s = MX_OK;
  for (unsigned i = 0; i < n && !s; i++) {
    if (b->hadamard) fold_gain(gain, readers[i]);
    s = map_rows(readers[i], by, e);
  }
  for (uint32_t i = 0; i < gain->cols && b->hadamard; i++) gain->data[i] = 1;
  return s || b->hadamard ? s : map_rows(gain, by, e);
}

static mx_status rotate_stream(const mx_basis *b, mx_layer *l, mx_error *e) {
  mx_matrix *const attention[] = {&l->wq, &l->wk, &l->wv}, *const feed_forward[] = {&l->w_gate, &l->w_up};
  mx_status s = rotate_readers(b, &l->attn_norm, attention, 3, e);
  if (!s) s = map_columns(&l->wo, (map){map_basis, b}, e);
  if (!s) s = rotate_readers(b, &l->ffn_norm, feed_forward, 2, e);
  return s ? s : map_columns(&l->w_down, (map){map_basis, b}, e);
}

static bool moves(const mx_basis *b) { return b->hadamard || b->order; }

// ---- inside a layer (R2, R3, R4, hidden channels) --------------------------------

static mx_status rotate_values(uint32_t head_dim, mx_layer *l, mx_error *e) {
  mx_status s = map_columns(&l->wv, (map){map_heads, &head_dim}, e);
  return s ? s : map_rows(&l->wo, (map){map_heads, &head_dim}, e);
}

static mx_status order_hidden(const uint32_t *order, mx_layer *l, mx_error *e) {
  mx_status s = map_columns(&l->w_gate, (map){map_order, order}, e);
  if (!s) s = map_columns(&l->w_up, (map){map_order, order}, e);
  return s ? s : map_rows(&l->w_down, (map){map_order, order}, e);
}

// Queries and keys are transformed both, so that products grow by 2 m, m the
// pairs of a segment. RoPE turns within a pair, whose two rows get one factor.
static float growth_of_pair(const mx_config *c, uint32_t pair) {
  uint32_t half = c->head_dim / 2, at = 0, m = 1;
  for (; half % 4 == 0 && at <= pair; at += m * 4) m = mx_hadamard_segment(half, at) / 4;
  return (float)(2 * m);
}

static void scale_queries(const mx_config *c, mx_matrix *wq) {
  for (uint32_t row = 0; row < wq->rows; row++) {
    float growth = growth_of_pair(c, row % c->head_dim / 2);
    for (uint32_t i = 0; i < wq->cols; i++) wq->data[(size_t)row * wq->cols + i] /= growth;
  }
}

// A norm after wq would take the factors out again.
static void scale_query_gains(const mx_config *c, mx_matrix *gain) {
  for (uint32_t i = 0; i < gain->cols; i++) gain->data[i] /= growth_of_pair(c, i / 2);
}

static mx_status check_online(const mx_online *o, const mx_config *c, mx_error *e) {
  if (o->down && c->hidden_dim % 4)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "rotate+down of %u hidden channels, no multiple of 4", c->hidden_dim);
  if (o->qk && c->head_dim > 128)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "rotate+qk of heads of %u, more than 128", c->head_dim);
  return MX_OK;
}

// ---- the model -----------------------------------------------------------------

mx_status mx_rotate_layer(const mx_rotation *r, const mx_config *c, uint32_t index, mx_layer *l, mx_error *e) {
  mx_status s = check_online(&r->online, c, e);
  if (!s && moves(&r->basis)) s = rotate_stream(&r->basis, l, e);
  if (!s && r->values) s = rotate_values(c->head_dim, l, e);
  if (!s && r->hidden && r->hidden[index]) s = order_hidden(r->hidden[index], l, e);
  if (!s && r->online.down) s = map_rows(&l->w_down, (map){map_online, NULL}, e);
  if (!s && r->online.qk && c->head_norms) scale_query_gains(c, &l->q_norm);
  else if (!s && r->online.qk) scale_queries(c, &l->wq);
  return s;
}

mx_status mx_rotate_embedding(const mx_rotation *r, mx_matrix *embedding, mx_error *e) {
  return moves(&r->basis) ? map_rows(embedding, (map){map_basis, &r->basis}, e) : MX_OK;
}

mx_status mx_rotate_head(const mx_rotation *r, mx_matrix *norm, mx_matrix *output, mx_error *e) {
  return moves(&r->basis) ? rotate_readers(&r->basis, norm, &output, 1, e) : MX_OK;
}
