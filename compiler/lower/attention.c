// The operators of attention. A token's query heads that share a KV head are
// columns of one product; of a batch, the tokens of one query head are.
#include "compiler/lower/graph.h"

// ---- geometry ------------------------------------------------------------------

// Block of the key cache: the least padding of half a head, then the nearest to 32.
static unsigned key_block(uint32_t half) { return mx_round_up(half, 16) < mx_round_up(half, 32) ? 0 : 1; }

// Heads of a tile: as many as divide them all and let a batch's tile fit; `unit` of
// them stay together. The same for all programs, since rows are stored by tiles.
static uint32_t tile_of(const mx_lowering *l, uint32_t heads, uint32_t unit) {
  uint32_t head_dim = l->model->config.head_dim, most = l->params->VMEM_WORDS / MX_TILE_SHARE / l->params->TOKENS / head_dim;
  for (uint32_t tile = heads / unit * unit; tile >= unit; tile -= unit)
    if (tile <= most && heads % tile == 0 && tile * head_dim % l->params->GROUP == 0) return tile;
  return heads;
}

static void plan_columns(mx_lowering *l) {
  mx_attention *a = &l->p->attention;
  uint32_t columns = l->p->batch > 1 ? 1 : a->group;  // query heads in one product
  if (columns > l->params->TOKENS) columns = l->params->TOKENS;
  a->tokens = l->p->batch > 1 ? l->p->batch : columns;
  a->passes = (a->group + columns - 1) / columns;
}

mx_status mx_plan_attention(mx_lowering *l) {
  const mx_config *c = &l->model->config;
  const mx_params *p = l->params;
  mx_attention *a = &l->p->attention;
  if (c->head_dim % 8 || c->head_dim > 128)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "heads of %u: expected a multiple of 8 up to 128", c->head_dim);
  unsigned kv = l->model->kv_bits, v_block = 0;
  while ((16u << v_block) < c->head_dim) v_block++;
  a->half = c->head_dim / 2;
  a->group = c->n_heads / c->n_kv_heads;
  plan_columns(l);
  a->q_tile = tile_of(l, c->n_heads, a->group);
  a->k_tile = tile_of(l, c->n_kv_heads, 1);
  a->k = (mx_stream_format){.bits = kv, .scale = MX_SCALE_E8M0, .block = key_block(a->half)};
  a->v = (mx_stream_format){.bits = kv, .planar = kv == MX_BITS_4, .block = 1};
  a->k_pad = mx_round_up(a->half, mx_block_length(&a->k));
  a->k_blocks = 2 * a->k_pad / mx_block_length(&a->k);
  a->k_unit = mx_unit_bytes(p, &a->k);
  a->v_unit = mx_unit_bytes(p, &a->v);
  a->k_row_groups = mx_round_up(l->context, p->GROUP) / p->GROUP;
  a->v_row_groups = mx_round_up(c->head_dim, p->GROUP) / p->GROUP;
  a->v_columns = mx_round_up(l->context, 32) / 32;
  a->v_pad = 16u << v_block;
  a->scores_stride = mx_round_up(l->context, p->GROUP);
  a->mix_stride = a->v_row_groups * p->GROUP;
  a->frac = 6 + 2 * kv + 2;  // MXINT8 times the cache's element
  return MX_OK;
}

// ---- rotation -----------------------------------------------------------------------

static int32_t spread(mx_lowering *l, const char *name, int32_t row, uint32_t selector) {
  const mx_config *c = &l->model->config;
  mx_operator *op = mx_new_operator(l, MX_OPR_SPREAD, -1, name);
  op->selector = selector;
  op->n = selector & 2 ? c->n_heads : c->n_kv_heads;
  int32_t v = mx_new_vmem(l, 1, op->n * l->p->attention.half, name);
  mx_input(l, op, row);
  mx_input(l, op, l->p->constants);
  mx_output(l, op, v);
  return v;
}

static int32_t query_row(mx_lowering *l, int32_t row) {
  mx_operator *op = mx_new_operator(l, MX_OPR_Q_ROW, -1, "q_row");
  op->n = 2 * l->p->attention.half;
  int32_t v = mx_new_vmem(l, l->p->batch, op->n, "q row");
  mx_input(l, op, row);
  mx_input(l, op, l->p->constants);
  mx_output(l, op, v);
  return v;
}

mx_rope_values mx_rope_rows(mx_lowering *l) {
  mx_operator *op = mx_new_operator(l, MX_OPR_ROPE_ROW, -1, "rope_row");
  int32_t row = mx_new_vmem(l, l->p->batch, 2 * l->p->attention.half, "rope row");
  op->n = 2 * l->p->attention.half;
  mx_output(l, op, row);
  if (l->p->batch > 1) return (mx_rope_values){.q_cos = query_row(l, row), .k_cos = row};
  mx_rope_values r;
  r.k_sin = spread(l, "k_sin", row, 0);
  r.k_cos = spread(l, "k_cos", row, 1);
  r.q_sin = spread(l, "q_sin", row, 2);
  r.q_cos = spread(l, "q_cos", row, 3);
  return r;
}

// The gain of heads' norms, loaded early; MX_NO_VALUE: they have none.
static int32_t head_gain(mx_lowering *l, int32_t layer, const char *name, const mx_matrix *gain) {
  return l->model->config.head_norms ? mx_load_head_gain(l, layer, name, gain) : MX_NO_VALUE;
}

// RMS norms of the heads of a tile, in place.
static void norm_heads(mx_lowering *l, int32_t layer, const char *name, int32_t v, int32_t gain, uint32_t heads) {
  if (gain == MX_NO_VALUE) return;
  mx_operator *op = mx_new_operator(l, MX_OPR_HEAD_NORM, layer, name);
  op->n = heads * l->p->attention.half;
  mx_input(l, op, v);
  mx_input(l, op, gain);
  mx_input(l, op, l->p->constants);
  mx_output(l, op, v);
}

// Rotated heads, transformed if the model says so; returns where they are.
static int32_t rope(mx_lowering *l, int32_t layer, const char *name, int32_t v, int32_t cosines, int32_t sines, uint32_t heads) {
  mx_operator *op = mx_new_operator(l, MX_OPR_ROPE, layer, name);
  bool by_head = l->p->batch > 1;  // a row for a token, instead of copies for every head
  uint32_t half = l->p->attention.half;
  op->n = heads * half;
  int32_t products = mx_new_vmem(l, 1, by_head ? 4 * half : 4 * op->n, "rotated");
  mx_input(l, op, v);
  mx_input(l, op, cosines);
  if (!by_head) mx_input(l, op, sines);
  mx_output(l, op, products);
  mx_output(l, op, v);
  return l->model->online.qk ? mx_online_hadamard(l, layer, name, v, 2 * op->n, 2 * heads, true) : v;
}

// ---- keys, values, queries -------------------------------------------------------------

// Heads `head` .. of the tile v to their places in x.
static void quant_heads(mx_lowering *l, mx_operator_kind kind, int32_t layer, const char *name, int32_t v, int32_t x, uint32_t head,
                        uint32_t heads) {
  mx_operator *op = mx_new_operator(l, kind, layer, name);
  op->head = head;
  op->n = heads;
  mx_input(l, op, v);
  mx_output(l, op, x);
}

static mx_tile_rows head_rows(const mx_lowering *l, uint32_t head, uint32_t heads, bool halves) {
  uint32_t head_dim = l->model->config.head_dim;
  return (mx_tile_rows){head * head_dim, heads * head_dim, halves ? heads : 0};
}

static void keys(mx_lowering *l, int32_t i, mx_activation h, const mx_rope_values *r, int32_t kx) {
  uint32_t tile = l->p->attention.k_tile;
  int32_t gain = head_gain(l, i, "k_norm", &l->model->layers[i].k_norm);
  for (uint32_t head = 0; head < l->model->config.n_kv_heads; head += tile) {
    int32_t k = mx_matmul(l, i, "attn_k", &l->model->layers[i].wk, h, head_rows(l, head, tile, true));
    norm_heads(l, i, "k_norm", k, gain, tile);
    k = rope(l, i, "rope_k", k, r->k_cos, r->k_sin, tile);
    quant_heads(l, MX_OPR_QUANT_K, i, "k", k, kx, head, tile);
  }
}

static void values(mx_lowering *l, int32_t i, mx_activation h, int32_t vx) {
  uint32_t tile = l->p->attention.k_tile;
  for (uint32_t head = 0; head < l->model->config.n_kv_heads; head += tile) {
    int32_t v = mx_matmul(l, i, "attn_v", &l->model->layers[i].wv, h, head_rows(l, head, tile, false));
    quant_heads(l, MX_OPR_QUANT_V, i, "v", v, vx, head, tile);
  }
}

static void put_kv(mx_lowering *l, int32_t i, int32_t kx, int32_t vx, uint32_t head, uint32_t heads) {
  for (uint32_t t = 0; t < l->p->batch && heads; t++) {
    mx_operator *op = mx_new_operator(l, MX_OPR_PUT_KV, i, "attn_put_kv");
    op->token = t;
    op->tokens = 1;
    op->head = head;
    op->n = heads;
    mx_input(l, op, kx);
    mx_input(l, op, vx);
  }
}

// Keys and values go to the cache meanwhile, a share with every tile.
static void queries(mx_lowering *l, int32_t i, mx_activation h, const mx_rope_values *r, int32_t kx, int32_t vx, int32_t qx) {
  uint32_t tile = l->p->attention.q_tile, heads = l->model->config.n_heads, kv_heads = l->model->config.n_kv_heads;
  int32_t gain = head_gain(l, i, "q_norm", &l->model->layers[i].q_norm);
  for (uint32_t head = 0; head < heads; head += tile) {
    int32_t q = mx_matmul(l, i, "attn_q", &l->model->layers[i].wq, h, head_rows(l, head, tile, true));
    uint32_t from = head * kv_heads / heads, to = (head + tile) * kv_heads / heads;
    put_kv(l, i, kx, vx, from, to - from);
    norm_heads(l, i, "q_norm", q, gain, tile);
    q = rope(l, i, "rope_q", q, r->q_cos, r->q_sin, tile);
    quant_heads(l, MX_OPR_QUANT_Q, i, "q", q, qx, head, tile);
  }
}

// ---- heads ---------------------------------------------------------------------------------

typedef struct { int32_t q, scores, scales, p, inverse, mixed, attention; } attention_values;

static mx_operator *head_operator(mx_lowering *l, mx_operator_kind kind, int32_t layer, const char *name, uint32_t index) {
  mx_operator *op = mx_new_operator(l, kind, layer, name);
  op->head = index / l->p->attention.passes;
  op->pass = index % l->p->attention.passes;
  return op;
}

static void load_scales(mx_lowering *l, int32_t layer, uint32_t index, attention_values *v) {
  mx_operator *op = head_operator(l, MX_OPR_V_SCALES, layer, "attn_v_scales", index);
  v->scales = mx_new_vmem(l, 1, l->context, "v scales");
  mx_output(l, op, v->scales);
}

static void scores(mx_lowering *l, int32_t layer, uint32_t index, attention_values *v) {
  const mx_attention *a = &l->p->attention;
  mx_operator *op = head_operator(l, MX_OPR_SCORES, layer, "attn_scores", index);
  v->scores = mx_new_vmem(l, 1, a->tokens * a->scores_stride, "scores");
  mx_input(l, op, v->q);
  mx_output(l, op, v->scores);
  mx_keep_for_product(l);
}

static void softmax(mx_lowering *l, int32_t layer, uint32_t index, attention_values *v) {
  mx_operator *op = head_operator(l, MX_OPR_SOFTMAX, layer, "attn_softmax", index);
  v->p = mx_new_xmem(l, 1, mx_round_up(l->context, 32), "weights");
  v->inverse = mx_new_vmem(l, 1, 4 * l->p->attention.tokens, "1 / sum");
  mx_input(l, op, v->scores);
  mx_input(l, op, v->scales);
  mx_input(l, op, l->p->constants);
  mx_output(l, op, v->p);
  mx_output(l, op, v->inverse);
}

static void mix(mx_lowering *l, int32_t layer, uint32_t index, attention_values *v) {
  const mx_attention *a = &l->p->attention;
  mx_operator *op = head_operator(l, MX_OPR_MIX, layer, "attn_mix", index);
  v->mixed = mx_new_vmem(l, 1, a->tokens * a->mix_stride, "mixed");
  mx_input(l, op, v->p);
  mx_output(l, op, v->mixed);
  mx_keep_for_product(l);
}

// wo: whose input is made of the heads one by one; NULL: they go side by side.
static void gather(mx_lowering *l, int32_t layer, uint32_t index, const attention_values *v, const mx_qmatrix *wo) {
  mx_operator *op = head_operator(l, MX_OPR_GATHER, layer, "attn_gather", index);
  op->weight = wo;
  mx_input(l, op, v->mixed);
  mx_input(l, op, v->inverse);
  mx_output(l, op, v->attention);
}

// Heads in turn. The scores of the next head come before the mix of this one,
// so that the dot array works while the vector unit does the softmax.
static void attend(mx_lowering *l, int32_t layer, int32_t q, int32_t attention, const mx_qmatrix *wo) {
  uint32_t passes = l->p->attention.passes, total = l->model->config.n_kv_heads * passes;
  attention_values now = {.q = q, .attention = attention}, next = now;
  load_scales(l, layer, 0, &now);
  scores(l, layer, 0, &now);
  for (uint32_t i = 0; i < total; i++) {
    softmax(l, layer, i, &now);
    next.scales = now.scales;
    if (i + 1 < total && (i + 1) % passes == 0) load_scales(l, layer, i + 1, &next);
    if (i + 1 < total) scores(l, layer, i + 1, &next);
    mix(l, layer, i, &now);
    gather(l, layer, i, &now, wo);
    now = next;
  }
}

// Blocks of wo's input that lie within heads can be made head by head.
static bool heads_in_blocks(const mx_lowering *l, const mx_qmatrix *wo) {
  return !wo->rest && l->model->config.head_dim % mx_block_length(&wo->format.stream) == 0;
}

mx_activation mx_attend(mx_lowering *l, int32_t i, mx_activation h, const mx_rope_values *r) {
  const mx_config *c = &l->model->config;
  const mx_attention *a = &l->p->attention;
  const mx_qmatrix *wo = &l->model->layers[i].wo;
  bool fused = heads_in_blocks(l, wo);
  uint32_t batch = l->p->batch;
  int32_t kx = mx_new_xmem(l, batch, c->n_kv_heads * 2 * a->k_pad, "k"), vx = mx_new_xmem(l, batch, c->n_kv_heads * a->v_pad, "v");
  int32_t qx = mx_new_xmem(l, batch, c->n_kv_heads * a->passes * 2 * a->k_pad, "q");
  keys(l, i, h, r, kx);
  values(l, i, h, vx);
  queries(l, i, h, r, kx, vx, qx);
  mx_activation ax = mx_new_activation(l, wo, "attention");
  int32_t attention = fused ? ax.part[0] : mx_new_vmem(l, batch, c->n_heads * c->head_dim, "attention");
  attend(l, i, qx, attention, fused ? wo : NULL);
  if (!fused) mx_quantize_into(l, i, "attn_quant", attention, wo, ax);
  return ax;
}
