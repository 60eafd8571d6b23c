// From the quantized model to the operators and values of a program.
#include <stdlib.h>
#include <string.h>

#include "compiler/lower/graph.h"

// Room for one more element in an array of n.
static void *grown(void *array, uint32_t n, size_t size) {
  if (n & (n - 1)) return array;  // doubled at powers of two
  array = realloc(array, (n ? 2 * (size_t)n : 1) * size);
  if (!array) abort();  // a few kilobytes
  return array;
}

static int32_t new_value(mx_lowering *l, mx_value value, const char *name) {
  mx_program *p = l->p;
  p->values = grown(p->values, p->n_values, sizeof *p->values);
  value.first = UINT32_MAX;
  snprintf(value.name, sizeof value.name, "%s", name);
  p->values[p->n_values] = value;
  return (int32_t)p->n_values++;
}

int32_t mx_new_vmem(mx_lowering *l, uint32_t tokens, uint32_t stride, const char *name) {
  stride = mx_round_up(stride, 4);
  return new_value(l, (mx_value){.space = MX_VALUE_VMEM, .tokens = tokens, .stride = stride, .size = tokens * stride}, name);
}

int32_t mx_new_xmem(mx_lowering *l, uint32_t tokens, uint32_t stride, const char *name) {
  stride = mx_round_up(stride, 16);
  return new_value(l, (mx_value){.space = MX_VALUE_XMEM, .tokens = tokens, .stride = stride, .size = stride}, name);
}

mx_operator *mx_new_operator(mx_lowering *l, mx_operator_kind kind, int32_t layer, const char *name) {
  mx_program *p = l->p;
  p->ops = grown(p->ops, p->n_ops, sizeof *p->ops);
  mx_operator *op = &p->ops[p->n_ops++];
  *op = (mx_operator){.kind = kind, .layer = layer, .tokens = p->batch};
  for (int i = 0; i < MX_MAX_INPUTS; i++) op->in[i] = MX_NO_VALUE;
  for (int i = 0; i < MX_MAX_OUTPUTS; i++) op->out[i] = MX_NO_VALUE;
  snprintf(op->name, sizeof op->name, "%s", name);
  return op;
}

static void use(mx_lowering *l, int32_t *slots, int32_t value) {
  while (*slots != MX_NO_VALUE) slots++;
  *slots = value;
  mx_value *v = &l->p->values[value];
  if (v->first == UINT32_MAX) v->first = l->p->n_ops - 1;
  v->used = v->last = l->p->n_ops - 1;
}

void mx_input(mx_lowering *l, mx_operator *op, int32_t value) { use(l, op->in, value); }
void mx_output(mx_lowering *l, mx_operator *op, int32_t value) { use(l, op->out, value); }

static uint32_t tokens_of(const mx_lowering *l, int32_t value) { return l->p->values[value].tokens; }
static uint32_t block_of(const mx_qmatrix *w) { return mx_block_length(&w->format.stream); }

// The most rows of a tile.
static uint32_t most_rows(const mx_lowering *l) {
  uint32_t rows = l->params->VMEM_WORDS / MX_TILE_SHARE / l->p->batch / l->params->GROUP * l->params->GROUP;
  return rows > l->params->GROUP ? rows : l->params->GROUP;
}

// y = y + x, n elements of y from `into` on.
static void add(mx_lowering *l, int32_t layer, const char *name, int32_t y, uint32_t into, int32_t x, uint32_t n) {
  mx_operator *op = mx_new_operator(l, MX_OPR_ADD, layer, name);
  op->tokens = tokens_of(l, x);
  op->n = n;
  op->into = into;
  mx_input(l, op, x);
  mx_input(l, op, y);
  mx_output(l, op, y);
}

// ---- inputs of matrices, quantized ----------------------------------------------

static mx_activation new_activation(mx_lowering *l, uint32_t tokens, const mx_qmatrix *w, const char *name) {
  mx_activation x = {{MX_NO_VALUE, MX_NO_VALUE}};
  int n = 0;
  for (const mx_qmatrix *part = w; part; part = part->rest)
    x.part[n++] = mx_new_xmem(l, tokens, mx_round_up(part->cols, block_of(part)), name);
  return x;
}

mx_activation mx_new_activation(mx_lowering *l, const mx_qmatrix *w, const char *name) {
  return new_activation(l, l->p->batch, w, name);
}

void mx_quantize_into(mx_lowering *l, int32_t layer, const char *name, int32_t v, const mx_qmatrix *w, mx_activation x) {
  uint32_t from = 0;
  int n = 0;
  for (const mx_qmatrix *part = w; part; from += part->cols, part = part->rest) {
    mx_operator *op = mx_new_operator(l, MX_OPR_QUANT, layer, name);
    op->tokens = tokens_of(l, v);
    op->weight = part;
    op->n = part->cols;
    op->from = from;
    mx_input(l, op, v);
    mx_output(l, op, x.part[n++]);
  }
}

static int32_t load_gain(mx_lowering *l, int32_t layer, const char *name, const mx_matrix *gain, bool of_heads) {
  mx_operator *op = mx_new_operator(l, MX_OPR_GAIN, layer, name);
  int32_t g = mx_new_vmem(l, 1, gain->cols, "gain");
  op->stored = mx_resident_index(l, (mx_resident){.kind = MX_RESIDENT_GAIN, .gain = gain, .tile_heads = of_heads});
  op->n = gain->cols;
  op->tokens = 1;
  mx_output(l, op, g);
  return g;
}

int32_t mx_load_gain(mx_lowering *l, int32_t layer, const char *name, const mx_matrix *gain) {
  return load_gain(l, layer, name, gain, false);
}

int32_t mx_load_head_gain(mx_lowering *l, int32_t layer, const char *name, const mx_matrix *gain) {
  return load_gain(l, layer, name, gain, true);
}

static mx_activation norm(mx_lowering *l, int32_t layer, const char *name, int32_t x, int32_t gain, const mx_qmatrix *w,
                          uint32_t token, uint32_t tokens) {
  mx_operator *op = mx_new_operator(l, MX_OPR_NORM, layer, name);
  uint32_t dim = l->model->config.dim;
  // What is quantized at once is in nobody's way.
  int32_t y = mx_new_vmem(l, w->rest ? tokens : 1, dim, "normed");
  mx_activation out = new_activation(l, tokens, w, "normed");
  op->token = token;
  op->tokens = tokens;
  op->n = dim;
  mx_input(l, op, x);
  mx_input(l, op, gain);
  mx_input(l, op, l->p->constants);
  mx_output(l, op, y);
  if (w->rest) return mx_quantize_into(l, layer, name, y, w, out), out;
  op->weight = w;
  mx_output(l, op, out.part[0]);
  return out;
}

mx_activation mx_norm(mx_lowering *l, int32_t layer, const char *name, int32_t x, int32_t gain, const mx_qmatrix *w) {
  return norm(l, layer, name, x, gain, w, 0, l->p->batch);
}

// ---- matrix products ----------------------------------------------------------------

static uint32_t stored(mx_lowering *l, mx_resident_kind kind, const mx_qmatrix *part, mx_tile_rows tile) {
  return mx_resident_index(l, (mx_resident){.kind = kind, .weight = part, .tile_heads = tile.tile_heads});
}

void mx_keep_for_product(mx_lowering *l) {
  mx_program *p = l->p;
  uint32_t now = p->n_ops - 1, since = p->products[p->n_products++ % MX_KEPT_PRODUCTS];
  p->products[(p->n_products - 1) % MX_KEPT_PRODUCTS] = now;
  for (uint32_t i = 0; i < p->n_values && p->keeps; i++)
    if (p->values[i].first != UINT32_MAX && p->values[i].used >= since) p->values[i].last = now;
}

// Rows of y from `into` on.
static void product(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *part, int32_t x, mx_tile_rows tile,
                    int32_t y, uint32_t into) {
  mx_operator *op = mx_new_operator(l, MX_OPR_MATMUL, layer, name);
  op->stored = stored(l, MX_RESIDENT_MATRIX, part, tile);
  op->weight = part;
  op->row = tile.row;
  op->n = tile.rows;
  op->into = into;
  op->tokens = tokens_of(l, x);
  mx_input(l, op, x);
  mx_output(l, op, y);
  mx_keep_for_product(l);
}

static void scale_rows(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *part, mx_tile_rows tile, int32_t y,
                       uint32_t into) {
  mx_operator *op = mx_new_operator(l, MX_OPR_STEPS, layer, name);
  int32_t steps = mx_new_vmem(l, 1, tile.rows, "steps");
  op->stored = stored(l, MX_RESIDENT_STEPS, part, tile);
  op->row = tile.row;
  op->n = tile.rows;
  op->tokens = 1;
  mx_output(l, op, steps);
  op = mx_new_operator(l, MX_OPR_SCALE, layer, name);
  op->n = tile.rows;
  op->into = into;
  op->tokens = tokens_of(l, y);
  mx_input(l, op, steps);
  mx_input(l, op, y);
  mx_output(l, op, y);
}

static int32_t new_rows(mx_lowering *l, mx_activation x, mx_tile_rows tile, const char *name) {
  return mx_new_vmem(l, tokens_of(l, x.part[0]), mx_round_up(tile.rows, l->params->GROUP), name);
}

// Both parts first, so that the dot array need not wait for the vector unit.
static void matmul_into(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *w, mx_activation x, mx_tile_rows tile,
                        int32_t y, uint32_t into) {
  int32_t z = w->rest ? new_rows(l, x, tile, name) : MX_NO_VALUE;
  product(l, layer, name, w, x.part[0], tile, y, into);
  if (w->rest) product(l, layer, name, w->rest, x.part[1], tile, z, 0);
  if (mx_weight_format_by_row(&w->format)) scale_rows(l, layer, name, w, tile, y, into);
  if (w->rest && mx_weight_format_by_row(&w->rest->format)) scale_rows(l, layer, name, w->rest, tile, z, 0);
  if (w->rest) add(l, layer, name, y, into, z, tile.rows);
}

int32_t mx_matmul(mx_lowering *l, int32_t layer, const char *name, const mx_qmatrix *w, mx_activation x, mx_tile_rows tile) {
  int32_t y = new_rows(l, x, tile, name);
  matmul_into(l, layer, name, w, x, tile, y, 0);
  return y;
}

// The tile of up to `rows` rows at `row` of w.
static mx_tile_rows tile_at(const mx_qmatrix *w, uint32_t row, uint32_t rows) {
  return (mx_tile_rows){row, w->rows - row < rows ? w->rows - row : rows, 0};
}

void mx_matmul_add(mx_lowering *l, int32_t layer, const char *name, const char *add_name, const mx_qmatrix *w, mx_activation x,
                   int32_t y) {
  uint32_t rows = most_rows(l);
  for (uint32_t row = 0; row < w->rows; row += rows) {
    mx_tile_rows tile = tile_at(w, row, rows);
    add(l, layer, add_name, y, row, mx_matmul(l, layer, name, w, x, tile), tile.rows);
  }
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

int32_t mx_online_hadamard(mx_lowering *l, int32_t layer, const char *name, int32_t v, uint32_t n, uint32_t vectors, bool halves) {
  mx_operator *op = mx_new_operator(l, MX_OPR_HADAMARD, layer, name);
  int32_t other = mx_new_vmem(l, tokens_of(l, v), n, "butterflies");
  mx_butterflies stage;
  uint32_t stages = 0;
  op->n = n;
  op->vectors = vectors;
  op->halves = halves;
  mx_input(l, op, v);
  mx_output(l, op, v);
  mx_output(l, op, other);
  while (mx_hadamard_stage(op, stages, &stage)) stages++;
  return stages % 2 ? other : v;
}

// ---- feed forward ----------------------------------------------------------------------

// Rows of a tile of gate and up: a part of them that leaves the dot array work
// while the vector unit is at the tile before; two tiles of each must fit.
static uint32_t gate_tile(const mx_lowering *l, const mx_qmatrix *down) {
  enum { TILES = 4, LEAST_ROWS = 128 };  // shorter ones cost more than they hide
  uint32_t unit = block_of(down) > l->params->GROUP ? block_of(down) : l->params->GROUP;
  uint32_t rows = mx_round_up((l->model->config.hidden_dim + TILES - 1) / TILES, unit), most = most_rows(l) / unit * unit;
  if (rows < LEAST_ROWS) rows = LEAST_ROWS;
  if (rows > most) rows = most;
  return rows > unit ? rows : unit;
}

// y or, when it is quantized at once, out: rows `into` .. of silu(gate) * up.
static void silu(mx_lowering *l, int32_t i, int32_t gate, int32_t up, uint32_t rows, uint32_t into, int32_t y, int32_t out,
                 const mx_qmatrix *down) {
  mx_operator *op = mx_new_operator(l, MX_OPR_SILU, i, "ffn_silu");
  op->n = rows;
  op->into = into;
  mx_input(l, op, gate);
  mx_input(l, op, up);
  mx_input(l, op, l->p->constants);
  mx_output(l, op, y);
  if (out == MX_NO_VALUE) return;
  op->weight = down;
  mx_output(l, op, out);
}

static mx_activation gated(mx_lowering *l, int32_t i, mx_activation h) {
  const mx_qlayer *w = &l->model->layers[i];
  bool online = l->model->online.down, fused = !online && !w->w_down.rest;
  uint32_t hidden = l->model->config.hidden_dim, rows = gate_tile(l, &w->w_down);
  mx_activation out = mx_new_activation(l, &w->w_down, "gated");
  int32_t y = fused ? mx_new_vmem(l, 1, rows, "gated") : mx_new_vmem(l, l->p->batch, hidden, "gated");
  for (uint32_t row = 0; row < hidden; row += rows) {
    mx_tile_rows tile = tile_at(&w->w_gate, row, rows);
    int32_t gate = mx_matmul(l, i, "ffn_gate", &w->w_gate, h, tile);
    int32_t up = mx_matmul(l, i, "ffn_up", &w->w_up, h, tile);
    silu(l, i, gate, up, tile.rows, row, y, fused ? out.part[0] : MX_NO_VALUE, &w->w_down);
  }
  if (online) y = mx_online_hadamard(l, i, "ffn_hadamard", y, hidden, 1, false);
  if (!fused) mx_quantize_into(l, i, "ffn_quant", y, &w->w_down, out);
  return out;
}

// ---- the whole -------------------------------------------------------------------------

// Logits of a tile, at `from` of v, to memory.
static void store_logits(mx_lowering *l, int32_t v, uint32_t from, mx_tile_rows tile) {
  mx_operator *op = mx_new_operator(l, MX_OPR_LOGITS, -1, "logits");
  op->n = tile.rows;
  op->from = from;
  op->into = tile.row;
  mx_input(l, op, v);
}

// Choice `which` of n logits.
static void choose(mx_lowering *l, int32_t logits, uint32_t n, int32_t choices, uint32_t which) {
  mx_operator *op = mx_new_operator(l, MX_OPR_ARGMAX, -1, "argmax");
  op->n = n;
  op->into = which;
  op->tokens = 1;
  mx_input(l, op, logits);
  mx_output(l, op, choices);
}

// All logits in the vector memory, then one choice. Tiles, so that logits go to
// memory while others are made. Returns the choice.
static int32_t whole_logits(mx_lowering *l, mx_activation h) {
  enum { TILES = 8, LEAST_ROWS = 512 };
  const mx_qmatrix *w = &l->model->output;
  uint32_t vocab = w->rows, rows = mx_round_up((vocab + TILES - 1) / TILES, l->params->GROUP);
  int32_t logits = mx_new_vmem(l, 1, mx_round_up(vocab, l->params->GROUP), "output"), choice = mx_new_vmem(l, 1, 1, "argmax");
  if (rows < LEAST_ROWS) rows = LEAST_ROWS;
  for (uint32_t row = 0; row < vocab; row += rows) {
    mx_tile_rows tile = tile_at(w, row, rows);
    matmul_into(l, -1, "output", w, h, tile, logits, row);
    store_logits(l, logits, row, tile);
  }
  choose(l, logits, vocab, choice, 0);
  return choice;
}

// Tiles that come and go, each with its choice. Returns the choices.
static int32_t tiled_logits(mx_lowering *l, mx_activation h) {
  const mx_qmatrix *w = &l->model->output;
  uint32_t rows = mx_choice_rows(l);
  int32_t choices = mx_new_vmem(l, 1, mx_choice_count(l), "argmax");
  for (uint32_t row = 0; row < w->rows; row += rows) {
    mx_tile_rows tile = tile_at(w, row, rows);
    int32_t logits = mx_matmul(l, -1, "output", w, h, tile);
    store_logits(l, logits, 0, tile);
    choose(l, logits, tile.rows, choices, row / rows);
  }
  return choices;
}

// The logits after the batch's last token, and the choice.
static void head(mx_lowering *l, int32_t x, int32_t gain) {
  const mx_qmodel *m = l->model;
  mx_activation h = norm(l, -1, "output_norm", x, gain, &m->output, l->p->batch - 1, 1);
  for (int i = 0; i < MX_KEPT_PRODUCTS; i++) l->p->products[i] = l->p->n_ops;  // x makes room for the logits
  int32_t choices = l->tiled_choice ? tiled_logits(l, h) : whole_logits(l, h);
  mx_operator *op = mx_new_operator(l, MX_OPR_RESULT, -1, "result");
  op->n = mx_choice_count(l);
  mx_input(l, op, choices);
}

static int32_t prologue(mx_lowering *l, mx_rope_values *r) {
  uint32_t dim = l->model->config.dim;
  mx_operator *op = mx_new_operator(l, MX_OPR_CONSTANTS, -1, "constants");
  l->p->constants = mx_new_vmem(l, 1, MX_K_WORDS, "constants");
  mx_output(l, op, l->p->constants);
  op = mx_new_operator(l, MX_OPR_EMBED, -1, "token_embd");
  int32_t x = l->p->residual = mx_new_vmem(l, l->p->batch, dim, "x");
  op->n = dim;
  mx_output(l, op, x);
  *r = mx_rope_rows(l);
  return x;
}

static void layers(mx_lowering *l, int32_t x, const mx_rope_values *r) {
  const mx_qmodel *m = l->model;
  int32_t last = (int32_t)m->config.n_layers - 1, gain = mx_load_gain(l, 0, "attn_norm", &m->layers[0].attn_norm);
  for (int32_t i = 0; i <= last; i++) {
    const mx_qlayer *w = &m->layers[i];
    mx_activation h = mx_norm(l, i, "attn_norm", x, gain, &w->wq);
    h = mx_attend(l, i, h, r);
    gain = mx_load_gain(l, i, "ffn_norm", &w->ffn_norm);
    mx_matmul_add(l, i, "attn_output", "attn_residual", &w->wo, h, x);
    h = mx_norm(l, i, "ffn_norm", x, gain, &w->w_gate);
    mx_activation y = gated(l, i, h);
    gain = i < last ? mx_load_gain(l, i + 1, "attn_norm", &w[1].attn_norm) : mx_load_gain(l, -1, "output_norm", &m->output_norm);
    mx_matmul_add(l, i, "ffn_down", "ffn_residual", &w->w_down, y, x);
  }
  if (l->p->batch > 1) mx_new_operator(l, MX_OPR_SKIP, -1, "skip");
  head(l, x, gain);
}

mx_status mx_build_graph(mx_lowering *l, uint32_t batch) {
  l->p->batch = batch;
  mx_status s = mx_plan_attention(l);
  if (s) return s;
  size_t most = MX_MAX_RESIDENTS_PER_LAYER * ((size_t)l->model->config.n_layers + 1);
  if (!l->stored) l->stored = calloc(most, sizeof *l->stored);
  if (!l->stored) return mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the graph");
  mx_rope_values r;
  int32_t x = prologue(l, &r);
  layers(l, x, &r);
  mx_value *constants = &l->p->values[l->p->constants];
  constants->first = 0;
  constants->last = l->p->n_ops - 1;  // they outlive the program
  return MX_OK;
}

// ---- printed ---------------------------------------------------------------------------

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
    fprintf(to, " %%%d:%s[%u]", slots[i], l->p->values[slots[i]].name, l->p->values[slots[i]].size);
}

void mx_print_graph(const mx_lowering *l, FILE *to) {
  for (uint32_t i = 0; i < l->p->n_ops; i++) {
    const mx_operator *op = &l->p->ops[i];
    fprintf(to, "%4u ", i);
    if (op->layer >= 0) fprintf(to, "layer %d ", op->layer);
    fprintf(to, "%s = %s", op->name, operator_name(op->kind));
    if (op->kind == MX_OPR_MATMUL) fprintf(to, " %ux%u", op->n, op->weight->cols);
    print_values(l, op->in, MX_MAX_INPUTS, to);
    fprintf(to, " ->");
    print_values(l, op->out, MX_MAX_OUTPUTS, to);
    fputc('\n', to);
  }
}
