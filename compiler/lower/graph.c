// From the quantized model to the operators and values of one token.
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"

static int32_t new_value(mx_lowering *l, mx_value_space space, uint32_t size, const char *name) {
  mx_value *v = &l->values[l->n_values];
  *v = (mx_value){.space = space, .size = size, .first = UINT32_MAX};
  snprintf(v->name, sizeof v->name, "%s", name);
  return (int32_t)l->n_values++;
}

static int32_t vmem(mx_lowering *l, uint32_t words, const char *name) {
  return new_value(l, MX_VALUE_VMEM, mx_round_up(words, 4), name);
}

static int32_t xmem(mx_lowering *l, uint32_t elements, const char *name) {
  return new_value(l, MX_VALUE_XMEM, mx_round_up(elements, 16), name);
}

static mx_operator *new_op(mx_lowering *l, mx_operator_kind kind, int32_t layer, const char *name) {
  mx_operator *op = &l->ops[l->n_ops++];
  *op = (mx_operator){.kind = kind, .layer = layer};
  for (int i = 0; i < MX_MAX_INPUTS; i++) op->in[i] = MX_NO_VALUE;
  for (int i = 0; i < MX_MAX_OUTPUTS; i++) op->out[i] = MX_NO_VALUE;
  snprintf(op->name, sizeof op->name, "%s", name);
  return op;
}

static void use(mx_lowering *l, int32_t *slots, int32_t value) {
  while (*slots != MX_NO_VALUE) slots++;
  *slots = value;
  mx_value *v = &l->values[value];
  if (v->first == UINT32_MAX) v->first = l->n_ops - 1;
  v->last = l->n_ops - 1;
}

static void input(mx_lowering *l, mx_operator *op, int32_t value) { use(l, op->in, value); }
static void output(mx_lowering *l, mx_operator *op, int32_t value) { use(l, op->out, value); }

static uint32_t rows_padded(const mx_lowering *l, uint32_t rows) { return mx_round_up(rows, l->params->GROUP); }

static uint32_t block_of(const mx_qmatrix *w) { return mx_block_length(&w->format.stream); }

// y = y + x, n elements.
static void add(mx_lowering *l, int32_t layer, const char *name, int32_t y, int32_t x, uint32_t n) {
  mx_operator *op = new_op(l, MX_OPR_ADD, layer, name);
  op->n = n;
  input(l, op, x);
  input(l, op, y);
  output(l, op, y);
}

// ---- inputs of matrices, quantized ----------------------------------------------

// A value for each part of the columns.
typedef struct { int32_t part[MX_PARTS]; } activation;

static int32_t activation_value(mx_lowering *l, const mx_qmatrix *part, const char *name) {
  return xmem(l, mx_round_up(part->cols, block_of(part)), name);
}

static activation quantize(mx_lowering *l, int32_t layer, const char *name, int32_t v, const mx_qmatrix *w, const char *value) {
  activation x = {{MX_NO_VALUE, MX_NO_VALUE}};
  uint32_t from = 0;
  int n = 0;
  for (const mx_qmatrix *part = w; part; from += part->cols, part = part->rest) {
    mx_operator *op = new_op(l, MX_OPR_QUANT, layer, name);
    op->weight = part;
    op->n = part->cols;
    op->from = from;
    input(l, op, v);
    output(l, op, x.part[n++] = activation_value(l, part, value));
  }
  return x;
}

// In the program that made v, the operator added last.
static activation quantize_fused(mx_lowering *l, mx_operator *op, const mx_qmatrix *w, const char *value) {
  activation x = {{activation_value(l, w, value), MX_NO_VALUE}};
  op->weight = w;
  output(l, op, x.part[0]);
  return x;
}

// RMS norm of x by the gain, quantized for the products with `w`.
static activation norm(mx_lowering *l, int32_t layer, const char *name, int32_t x, const mx_matrix *gain, const mx_qmatrix *w) {
  uint32_t dim = l->model->config.dim;
  mx_operator *load = new_op(l, MX_OPR_GAIN, layer, name);
  int32_t g = vmem(l, dim, "gain");
  load->gain = gain;
  load->n = dim;
  output(l, load, g);
  mx_operator *op = new_op(l, MX_OPR_NORM, layer, name);
  int32_t y = vmem(l, dim, "normed");
  op->n = dim;
  input(l, op, x);
  input(l, op, g);
  input(l, op, l->constants);
  output(l, op, y);
  return w->rest ? quantize(l, layer, name, y, w, "normed") : quantize_fused(l, op, w, "normed");
}

// ---- matrix products ----------------------------------------------------------------

static int32_t product(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *part, int32_t x, bool split_heads) {
  mx_operator *op = new_op(l, MX_OPR_MATMUL, layer, name);
  op->weight = part;
  op->n = part->rows;
  op->split_heads = split_heads;
  int32_t y = vmem(l, rows_padded(l, part->rows), name);
  input(l, op, x);
  output(l, op, y);
  return y;
}

static void scale_rows(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *part, int32_t y, bool split_heads) {
  mx_operator *op = new_op(l, MX_OPR_STEPS, layer, name);
  int32_t steps = vmem(l, part->rows, "steps");
  op->weight = part;
  op->n = part->rows;
  op->split_heads = split_heads;
  output(l, op, steps);
  op = new_op(l, MX_OPR_SCALE, layer, name);
  op->n = part->rows;
  input(l, op, steps);
  input(l, op, y);
  output(l, op, y);
}

// Both parts first, so that the dot array need not wait for the vector unit.
static int32_t matmul(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *w, activation x, bool split_heads) {
  int32_t y = product(l, layer, name, w, x.part[0], split_heads), z = MX_NO_VALUE;
  if (w->rest) z = product(l, layer, name, w->rest, x.part[1], split_heads);
  if (mx_weight_format_by_row(&w->format)) scale_rows(l, layer, name, w, y, split_heads);
  if (w->rest && mx_weight_format_by_row(&w->rest->format)) scale_rows(l, layer, name, w->rest, z, split_heads);
  if (w->rest) add(l, layer, name, y, z, w->rows);
  return y;
}

// ---- online Hadamard transforms --------------------------------------------------------

bool mx_hadamard_stage(const mx_operator *op, uint32_t index, mx_butterflies *out) {
  if (op->halves && !index) return *out = (mx_butterflies){op->n / 2, 1, 0, 1}, true;
  uint32_t length = op->n / op->vectors, shift = index - op->halves;
  if (shift > 16 || 8u << shift > length) return false;
  *out = (mx_butterflies){.w = 4u << shift, .pairs = length / (8u << shift), .tail = length % (8u << shift), .vectors = op->vectors};
  if (out->tail) return true;
  out->pairs *= out->vectors;  // without gaps it is one run
  out->vectors = 1;
  return true;
}

// The stages go from v to another value and back; returns where they end.
static int32_t hadamard(mx_lowering *l, int32_t layer, const char *name, int32_t v, uint32_t n, uint32_t vectors, bool halves) {
  mx_operator *op = new_op(l, MX_OPR_HADAMARD, layer, name);
  int32_t other = vmem(l, n, "butterflies");
  mx_butterflies stage;
  uint32_t stages = 0;
  op->n = n;
  op->vectors = vectors;
  op->halves = halves;
  input(l, op, v);
  output(l, op, v);
  output(l, op, other);
  while (mx_hadamard_stage(op, stages, &stage)) stages++;
  return stages % 2 ? other : v;
}

// Rotated heads, transformed if the model says so; returns where they are.
static int32_t rope(mx_lowering *l, int32_t layer, const char *name, int32_t v, int32_t cosines, int32_t sines, uint32_t heads) {
  mx_operator *op = new_op(l, MX_OPR_ROPE, layer, name);
  op->n = heads * l->attention.half;
  int32_t products = vmem(l, 4 * op->n, "rotated");
  input(l, op, v);
  input(l, op, cosines);
  input(l, op, sines);
  output(l, op, products);
  output(l, op, v);
  return l->model->online.qk ? hadamard(l, layer, name, v, 2 * op->n, 2 * heads, true) : v;
}

static int32_t spread(mx_lowering *l, const char *name, int32_t row, uint32_t selector) {
  const mx_config *c = &l->model->config;
  mx_operator *op = new_op(l, MX_OPR_SPREAD, -1, name);
  op->selector = selector;
  op->n = selector & 2 ? c->n_heads : c->n_kv_heads;
  int32_t v = vmem(l, op->n * l->attention.half, name);
  input(l, op, row);
  input(l, op, l->constants);
  output(l, op, v);
  return v;
}

typedef struct { int32_t q_cos, q_sin, k_cos, k_sin; } rope_values;
typedef struct { int32_t q, scores, p, inverse, mixed, attention; } attention_values;

static int32_t quant_heads(mx_lowering *l, mx_operator_kind kind, int32_t layer, const char *name, int32_t v, uint32_t elements) {
  mx_operator *op = new_op(l, kind, layer, name);
  int32_t x = xmem(l, elements, name);
  input(l, op, v);
  output(l, op, x);
  return x;
}

static void scores(mx_lowering *l, int32_t layer, uint32_t head, uint32_t pass, attention_values *v) {
  const mx_attention *a = &l->attention;
  mx_operator *op = new_op(l, MX_OPR_SCORES, layer, "attn_scores");
  op->head = head;
  op->pass = pass;
  v->scores = vmem(l, a->tokens * a->scores_stride, "scores");
  input(l, op, v->q);
  output(l, op, v->scores);
}

static void softmax(mx_lowering *l, int32_t layer, uint32_t head, uint32_t pass, attention_values *v) {
  const mx_attention *a = &l->attention;
  mx_operator *load = new_op(l, MX_OPR_V_SCALES, layer, "attn_v_scales");
  int32_t scales = vmem(l, l->context, "v scales");
  load->head = head;
  output(l, load, scales);
  mx_operator *op = new_op(l, MX_OPR_SOFTMAX, layer, "attn_softmax");
  op->head = head;
  op->pass = pass;
  v->p = xmem(l, mx_round_up(l->context, 32), "weights");
  v->inverse = vmem(l, 4 * a->tokens, "1 / sum");
  input(l, op, v->scores);
  input(l, op, scales);
  input(l, op, l->constants);
  output(l, op, v->p);
  output(l, op, v->inverse);
}

static void mix(mx_lowering *l, int32_t layer, uint32_t head, uint32_t pass, attention_values *v) {
  const mx_attention *a = &l->attention;
  mx_operator *op = new_op(l, MX_OPR_MIX, layer, "attn_mix");
  op->head = head;
  op->pass = pass;
  v->mixed = vmem(l, a->tokens * a->mix_stride, "mixed");
  input(l, op, v->p);
  output(l, op, v->mixed);
}

static void gather(mx_lowering *l, int32_t layer, uint32_t head, uint32_t pass, const attention_values *v) {
  mx_operator *op = new_op(l, MX_OPR_GATHER, layer, "attn_gather");
  op->head = head;
  op->pass = pass;
  input(l, op, v->mixed);
  input(l, op, v->inverse);
  output(l, op, v->attention);
}

// Heads in turn. The scores of the next head come before the mix of this one,
// so that the dot array works while the vector unit does the softmax.
static void attend(mx_lowering *l, int32_t layer, int32_t q, int32_t attention) {
  uint32_t passes = l->attention.passes, total = l->model->config.n_kv_heads * passes;
  attention_values now = {.q = q, .attention = attention}, next = now;
  scores(l, layer, 0, 0, &now);
  for (uint32_t i = 0; i < total; i++) {
    softmax(l, layer, i / passes, i % passes, &now);
    if (i + 1 < total) scores(l, layer, (i + 1) / passes, (i + 1) % passes, &next);
    mix(l, layer, i / passes, i % passes, &now);
    gather(l, layer, i / passes, i % passes, &now);
    now = next;
  }
}

static void attention_block(mx_lowering *l, int32_t i, int32_t x, const rope_values *r) {
  const mx_config *c = &l->model->config;
  const mx_attention *a = &l->attention;
  const mx_qlayer *w = &l->model->layers[i];
  activation h = norm(l, i, "attn_norm", x, &w->attn_norm, &w->wq);
  int32_t k = matmul(l, i, "attn_k", &w->wk, h, true);
  int32_t v = matmul(l, i, "attn_v", &w->wv, h, false);
  int32_t q = matmul(l, i, "attn_q", &w->wq, h, true);
  k = rope(l, i, "rope_k", k, r->k_cos, r->k_sin, c->n_kv_heads);
  int32_t kx = quant_heads(l, MX_OPR_QUANT_K, i, "k", k, c->n_kv_heads * 2 * a->k_pad);
  int32_t vx = quant_heads(l, MX_OPR_QUANT_V, i, "v", v, c->n_kv_heads * a->v_pad);
  for (uint32_t head = 0; head < c->n_kv_heads; head++) {
    mx_operator *op = new_op(l, MX_OPR_PUT_KV, i, "attn_put_kv");
    op->head = head;
    input(l, op, kx);
    input(l, op, vx);
  }
  q = rope(l, i, "rope_q", q, r->q_cos, r->q_sin, c->n_heads);
  int32_t qx = quant_heads(l, MX_OPR_QUANT_Q, i, "q", q, c->n_kv_heads * a->passes * 2 * a->k_pad);
  int32_t attention = vmem(l, c->n_heads * c->head_dim, "attention");
  attend(l, i, qx, attention);
  activation ax = quantize(l, i, "attn_quant", attention, &w->wo, "attention");
  add(l, i, "attn_residual", x, matmul(l, i, "attn_output", &w->wo, ax, false), c->dim);
}

static activation gated(mx_lowering *l, int32_t i, int32_t gate, int32_t up, const mx_qmatrix *down) {
  const mx_config *c = &l->model->config;
  bool online = l->model->online.down;
  mx_operator *op = new_op(l, MX_OPR_SILU, i, "ffn_silu");
  int32_t y = vmem(l, c->hidden_dim, "gated");
  op->n = c->hidden_dim;
  input(l, op, gate);
  input(l, op, up);
  input(l, op, l->constants);
  output(l, op, y);
  if (!online && !down->rest) return quantize_fused(l, op, down, "gated");
  if (online) y = hadamard(l, i, "ffn_hadamard", y, c->hidden_dim, 1, false);
  return quantize(l, i, "ffn_quant", y, down, "gated");
}

static void feed_forward(mx_lowering *l, int32_t i, int32_t x) {
  const mx_qlayer *w = &l->model->layers[i];
  activation h = norm(l, i, "ffn_norm", x, &w->ffn_norm, &w->w_gate);
  int32_t gate = matmul(l, i, "ffn_gate", &w->w_gate, h, false);
  int32_t up = matmul(l, i, "ffn_up", &w->w_up, h, false);
  activation y = gated(l, i, gate, up, &w->w_down);
  add(l, i, "ffn_residual", x, matmul(l, i, "ffn_down", &w->w_down, y, false), l->model->config.dim);
}

static void head(mx_lowering *l, int32_t x) {
  const mx_qmodel *m = l->model;
  activation h = norm(l, -1, "output_norm", x, &m->output_norm, &m->output);
  int32_t logits = matmul(l, -1, "output", &m->output, h, false);
  mx_operator *op = new_op(l, MX_OPR_ARGMAX, -1, "argmax");
  int32_t index = vmem(l, 4, "argmax");
  op->n = m->config.vocab_size;
  input(l, op, logits);
  output(l, op, index);
  op = new_op(l, MX_OPR_RESULT, -1, "result");
  op->n = m->config.vocab_size;
  input(l, op, logits);
  input(l, op, index);
}

static int32_t prologue(mx_lowering *l, rope_values *r) {
  mx_operator *op = new_op(l, MX_OPR_CONSTANTS, -1, "constants");
  l->constants = vmem(l, MX_K_WORDS, "constants");
  output(l, op, l->constants);
  op = new_op(l, MX_OPR_EMBED, -1, "token_embd");
  int32_t x = l->residual = vmem(l, l->model->config.dim, "x");
  op->n = l->model->config.dim;
  output(l, op, x);
  op = new_op(l, MX_OPR_ROPE_ROW, -1, "rope_row");
  int32_t row = vmem(l, 2 * l->attention.half, "rope row");
  op->n = 2 * l->attention.half;
  output(l, op, row);
  r->k_sin = spread(l, "k_sin", row, 0);
  r->k_cos = spread(l, "k_cos", row, 1);
  r->q_sin = spread(l, "q_sin", row, 2);
  r->q_cos = spread(l, "q_cos", row, 3);
  return x;
}

// Block of the key cache: the least padding of half a head, then the nearest to 32.
static unsigned key_block(uint32_t half) { return mx_round_up(half, 16) < mx_round_up(half, 32) ? 0 : 1; }

static mx_status plan_attention(mx_lowering *l) {
  const mx_config *c = &l->model->config;
  const mx_params *p = l->params;
  mx_attention *a = &l->attention;
  if (c->head_dim % 8 || c->head_dim > 128)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "heads of %u: expected a multiple of 8 up to 128", c->head_dim);
  unsigned kv = l->model->kv_bits, v_block = 0;
  while ((16u << v_block) < c->head_dim) v_block++;
  a->half = c->head_dim / 2;
  a->group = c->n_heads / c->n_kv_heads;
  a->tokens = a->group < p->TOKENS ? a->group : p->TOKENS;
  a->passes = (a->group + a->tokens - 1) / a->tokens;
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

mx_status mx_build_graph(mx_lowering *l) {
  mx_status s = mx_check_model(l);
  if (!s) s = plan_attention(l);
  if (s) return s;
  const mx_config *c = &l->model->config;
  size_t per_head = (size_t)c->n_kv_heads * (1 + 5 * (size_t)l->attention.passes);
  size_t most = 32 + c->n_layers * (84 + per_head);
  l->ops = calloc(most, sizeof *l->ops);
  l->values = calloc(2 * most, sizeof *l->values);
  if (!l->ops || !l->values) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the graph");
  rope_values r;
  int32_t x = prologue(l, &r);
  for (uint32_t i = 0; i < c->n_layers; i++) {
    attention_block(l, (int32_t)i, x, &r);
    feed_forward(l, (int32_t)i, x);
  }
  head(l, x);
  mx_value *constants = &l->values[l->constants];
  constants->first = 0;
  constants->last = l->n_ops - 1;  // they outlive the token
  return MX_OK;
}

static const char *operator_name(mx_operator_kind kind) {
  static const char *const names[] = {
#define X(name, text) #name,
      MX_OPERATORS(X)
#undef X
  };
  return names[kind];
}

static void print_values(const mx_lowering *l, const int32_t *slots, int n, FILE *to) {
  for (int i = 0; i < n && slots[i] != MX_NO_VALUE; i++)
    fprintf(to, " %%%d:%s[%u]", slots[i], l->values[slots[i]].name, l->values[slots[i]].size);
}

void mx_print_graph(const mx_lowering *l, FILE *to) {
  for (uint32_t i = 0; i < l->n_ops; i++) {
    const mx_operator *op = &l->ops[i];
    fprintf(to, "%4u ", i);
    if (op->layer >= 0) fprintf(to, "layer %d ", op->layer);
    fprintf(to, "%s = %s", op->name, operator_name(op->kind));
    if (op->weight) fprintf(to, " %ux%u", op->weight->rows, op->weight->cols);
    print_values(l, op->in, MX_MAX_INPUTS, to);
    fprintf(to, " ->");
    print_values(l, op->out, MX_MAX_OUTPUTS, to);
    fputc('\n', to);
  }
}
