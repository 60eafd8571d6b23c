// Operators to instructions, each with what it reads and writes on chip and in
// the caches, so that schedule.c can tell hazards.
#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"
#include "golden/mxint.h"

// Address registers. A batch is at A_POSITION and the positions after it.
enum {
  A_ZERO, A_TOKEN, A_POSITION,
  A_MORE,           // batch: 1: the last, whose logits are wanted
  A_LENGTH = 5,     // positions so far, the (first) one of this run included
  A_K_GROUPS,       // row groups of the key cache in use
  A_K_UNITS,        // and their stream units
  A_V_COLUMNS,      // position blocks of the value cache in use
  A_K_OFFSET,       // bytes to this position's row group
  A_V_OFFSET,       // bytes to this position's block
  A_EMBEDDING,      // bytes to the token's row
  A_ROPE,           // bytes to the position's row
  A_END,            // positions when the run is done
  A_ROW,            // position of a token of the batch
};

static mx_step *new_step(mx_lowering *l, unsigned op, uint32_t index) {
  if (l->p->n_steps == l->p->steps_capacity) {
    uint32_t capacity = l->p->steps_capacity ? 2 * l->p->steps_capacity : 1024;
    mx_step *grown = realloc(l->p->steps, capacity * sizeof *grown);
    if (!grown) abort();  // a few kilobytes
    l->p->steps = grown;
    l->p->steps_capacity = capacity;
  }
  mx_step *s = &l->p->steps[l->p->n_steps++];
  *s = (mx_step){.insn = {{op}}, .unit = (mx_unit)mx_op_find(op)->unit, .op = index};
  return s;
}

static void put(mx_lowering *l, mx_step *s, unsigned f, uint64_t value) {
  if (mx_put(&s->insn, f, value)) return;
  mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "operator %u (%s): %llu does not fit a field of %s", s->op, l->p->ops[s->op].name,
          (unsigned long long)value, mx_op_find(s->insn.word[0] & 0x1f)->name);
}

static void touch_banks(mx_step *s, mx_place place, bool write, uint32_t banks, uint32_t low, uint32_t size) {
  if (s->n_accesses < MX_MAX_ACCESSES) s->access[s->n_accesses++] = (mx_access){place, write, banks, low, low + size};
  else abort();  // the longest list is known here
}

static void touch(mx_step *s, mx_place place, bool write, uint32_t low, uint32_t size) {
  touch_banks(s, place, write, UINT32_MAX, low, size);
}

// n words or elements from `from` on of a value's part for a token.
static void touch_part(const mx_lowering *l, mx_step *s, bool write, int32_t value, uint32_t token, uint32_t from, uint32_t n) {
  const mx_value *v = &l->p->values[value];
  bool xmem = v->space == MX_VALUE_XMEM;
  uint32_t banks = xmem && v->tokens > 1 ? 1u << token : UINT32_MAX;
  touch_banks(s, xmem ? MX_AT_XMEM : MX_AT_VMEM, write, banks, mx_value_at(l, value, token) + from, n);
}

static void touch_value(const mx_lowering *l, mx_step *s, bool write, int32_t value, uint32_t token) {
  const mx_value *v = &l->p->values[value];
  if (v->tokens > 1) touch_part(l, s, write, value, token, 0, v->stride);
  else touch_part(l, s, write, value, 0, 0, v->size);
}

static void touch_all(const mx_lowering *l, mx_step *s, bool write, int32_t value) {
  for (uint32_t t = 0; t < l->p->values[value].tokens; t++) touch_value(l, s, write, value, t);
}

static void touch_operands(const mx_lowering *l, mx_step *s, uint32_t token) {
  const mx_operator *op = &l->p->ops[s->op];
  for (int i = 0; i < MX_MAX_INPUTS && op->in[i] != MX_NO_VALUE; i++) touch_value(l, s, false, op->in[i], token);
  for (int i = 0; i < MX_MAX_OUTPUTS && op->out[i] != MX_NO_VALUE; i++) touch_value(l, s, true, op->out[i], token);
}

// ---- prologue --------------------------------------------------------------------

typedef struct { unsigned d, a; uint32_t add, shift, mul; } argument;

static unsigned log2_of(uint32_t power) {
  unsigned n = 0;
  while (power >> (n + 1)) n++;
  return n;
}

static void emit_argument(mx_lowering *l, uint32_t index, argument x) {
  mx_step *s = new_step(l, MX_OP_ARG, index);
  put(l, s, MX_F_ARG_d, x.d);
  put(l, s, MX_F_ARG_a, x.a);
  put(l, s, MX_F_ARG_add, x.add);
  put(l, s, MX_F_ARG_shift, x.shift);
  put(l, s, MX_F_ARG_mask, UINT32_MAX);
  put(l, s, MX_F_ARG_mul, x.mul);
}

static void emit_arguments(mx_lowering *l, uint32_t index) {
  const mx_attention *a = &l->p->attention;
  uint32_t group = l->params->GROUP, more = l->p->batch - 1;
  const argument list[] = {
      {A_LENGTH, A_POSITION, 1, 0, 1},
      {A_K_GROUPS, A_POSITION, more + group, log2_of(group), 1},
      {A_K_UNITS, A_POSITION, more + group, log2_of(group), a->k_blocks},
      {A_V_COLUMNS, A_POSITION, more + 32, 5, 1},
      {A_K_OFFSET, A_POSITION, 0, log2_of(group), a->k_blocks * a->k_unit},
      {A_V_OFFSET, A_POSITION, 0, 5, a->v_unit},
      {A_EMBEDDING, A_TOKEN, 0, 0, l->map.embedding_row},
      {A_ROPE, A_POSITION, 0, 0, l->map.rope_row},
      {A_END, A_POSITION, more + 1, 0, 1},
  };
  for (unsigned i = 0; i < sizeof list / sizeof *list; i++) emit_argument(l, index, list[i]);
}

static void emit_constants(mx_lowering *l, uint32_t index) {
  mx_step *s = new_step(l, MX_OP_IDENT, index);
  put(l, s, MX_F_IDENT_build_id, l->params->build_id);
  emit_arguments(l, index);  // the constants themselves are loaded by the init program
}

static mx_step *load(mx_lowering *l, uint32_t index, uint32_t addr, unsigned areg, uint32_t dst, uint32_t count, unsigned format) {
  mx_step *s = new_step(l, MX_OP_LOAD, index);
  put(l, s, MX_F_LOAD_addr, addr);
  put(l, s, MX_F_LOAD_a, areg);
  put(l, s, MX_F_LOAD_dst, dst);
  put(l, s, MX_F_LOAD_count, count);
  put(l, s, MX_F_LOAD_format, format);
  return s;
}

// ---- vector programs ---------------------------------------------------------------

static mx_step *vec(mx_lowering *l, uint32_t index, uint32_t token, uint32_t entry, const uint32_t u[6], unsigned areg) {
  static const unsigned fields[6] = {MX_F_VEC_u0, MX_F_VEC_u1, MX_F_VEC_u2, MX_F_VEC_u3, MX_F_VEC_u4, MX_F_VEC_u5};
  mx_step *s = new_step(l, MX_OP_VEC, index);
  put(l, s, MX_F_VEC_entry, entry);
  put(l, s, MX_F_VEC_r, areg);
  for (int i = 0; i < 6; i++) put(l, s, fields[i], u[i]);
  touch_operands(l, s, token);
  return s;
}

static const mx_quant_step unquantized = {0};

// How the input of a part is quantized; w NULL: not here.
static mx_quant_step step_of(const mx_qmatrix *w) {
  return w ? (mx_quant_step){true, w->acts.fixed, w->acts.bits, w->format.stream.block} : unquantized;
}

static mx_quant_step step_in_blocks(unsigned bits, unsigned block) { return (mx_quant_step){true, false, bits, block}; }

// Where the quantized form goes and its bank, where the operator makes one.
typedef struct { uint32_t addr, bank; } quantized;
static quantized quantized_at(const mx_lowering *l, const mx_operator *op, uint32_t t) {
  if (!op->weight) return (quantized){0, 0};
  return (quantized){mx_value_addr(l, op->out[1]) + op->into, mx_value_bank(l, op->out[1], t)};
}

static void emit_norm(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  quantized q = quantized_at(l, op, t);
  vec(l, i, t, mx_ucode_entry_of(l, MX_UC_NORM, step_of(op->weight), 0),
      (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_addr(l, op->in[1]), mx_value_at(l, op->out[0], t), op->n, q.addr, q.bank},
      0);
}

static void emit_head_norm(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  vec(l, i, t, mx_ucode_entry_of(l, MX_UC_HEAD_NORM, unquantized, 0),
      (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_addr(l, op->in[1]), 0, op->n, 0, op->n / l->p->attention.half}, 0);
}

static void emit_spread(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  uint32_t row = mx_value_addr(l, op->in[0]) + (op->selector & 1 ? 0 : l->p->attention.half);
  uint32_t factor = mx_value_addr(l, l->p->constants) + (op->selector & 2 ? MX_K_Q_SCALE : MX_K_ONE);
  vec(l, i, 0, mx_ucode_entry_of(l, MX_UC_SPREAD, unquantized, 0),
      (uint32_t[6]){row, mx_value_addr(l, op->out[0]), op->n, factor}, 0);
}

static void emit_q_row(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  vec(l, i, t, mx_ucode_entry_of(l, MX_UC_FACTOR, unquantized, 0),
      (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_at(l, op->out[0], t), mx_value_addr(l, l->p->constants) + MX_K_Q_SCALE,
                    op->n}, 0);
}

static void emit_rope(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  uint32_t half = l->p->attention.half, cosines = mx_value_at(l, op->in[1], t);
  bool by_head = op->in[2] == MX_NO_VALUE;
  uint32_t u[6] = {mx_value_at(l, op->in[0], t), cosines, by_head ? cosines + half : mx_value_addr(l, op->in[2]), op->n,
                   mx_value_addr(l, op->out[0]), op->n / half};
  vec(l, i, t, mx_ucode_entry_of(l, by_head ? MX_UC_ROPE_HEADS : MX_UC_ROPE, unquantized, 0), u, 0);
}

// Query head t of each group goes to bank t mod tokens, in the region of its pass.
static void emit_quant_q_groups(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  uint32_t region = 2 * a->k_pad, first = op->head / a->group * a->passes * region;
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_HEADS, step_in_blocks(MX_BITS_8, a->k.block), a->passes * region);
  for (uint32_t t = 0; t < a->group; t++)
    vec(l, i, 0, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]) + t * a->half,
                                      mx_value_addr(l, op->out[0]) + first + t / a->tokens * region, a->group * a->half,
                                      op->n / a->group, op->n * a->half, t % a->tokens}, 0);
}

static void emit_quant_heads(mx_lowering *l, uint32_t i, uint32_t t, unsigned bits) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  uint32_t region = 2 * a->k_pad;
  vec(l, i, t, mx_ucode_entry_of(l, MX_UC_HEADS, step_in_blocks(bits, a->k.block), region),
      (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_addr(l, op->out[0]) + op->head * region, a->half, op->n, op->n * a->half,
                    mx_value_bank(l, op->out[0], t)}, 0);
}

static void emit_quant_v(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  uint32_t pad = l->p->attention.v_pad;
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_VALUES, step_in_blocks(l->model->kv_bits, log2_of(pad) - 4), pad);
  vec(l, i, t, entry, (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_addr(l, op->out[0]) + op->head * pad,
                                    l->model->config.head_dim, op->n, 0, mx_value_bank(l, op->out[0], t)}, 0);
}

// Columns of a product of attention.
static uint32_t columns_of(const mx_lowering *l, const mx_operator *op) {
  const mx_attention *a = &l->p->attention;
  if (l->p->batch > 1) return l->p->batch;
  uint32_t left = a->group - op->pass * a->tokens;
  return left < a->tokens ? left : a->tokens;
}

static void emit_softmax(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  vec(l, i, 0, mx_ucode_entry_of(l, l->p->batch > 1 ? MX_UC_CAUSAL : MX_UC_SOFTMAX, unquantized, 0),
      (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]), mx_value_addr(l, op->in[1]), columns_of(l, op),
                    mx_value_addr(l, op->out[1]), l->p->attention.scores_stride}, A_LENGTH);
  touch_value(l, &l->p->steps[l->p->n_steps - 1], true, op->in[0], 0);  // softmax works in place
}

// First query head of the columns.
static uint32_t first_head(const mx_lowering *l, const mx_operator *op) {
  const mx_attention *a = &l->p->attention;
  return op->head * a->group + op->pass * (l->p->batch > 1 ? 1 : a->tokens);
}

static void emit_gather(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  bool batch = l->p->batch > 1;
  uint32_t dim = 2 * a->half, to = mx_value_addr(l, op->out[0]) + first_head(l, op) * dim;
  uint32_t step = op->weight ? 0 : batch ? l->p->values[op->out[0]].stride : dim;
  uint32_t entry = op->weight ? mx_ucode_entry_of(l, MX_UC_GATHER_QUANT, step_of(op->weight), batch ? 0 : dim)
                              : mx_ucode_entry_of(l, MX_UC_GATHER, unquantized, 0);
  mx_step *s = vec(l, i, 0, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]), to, mx_value_addr(l, op->in[1]), columns_of(l, op),
                                                 a->mix_stride, step}, 0);
  if (op->weight) touch_value(l, s, true, op->in[0], 0);  // in place, before it is quantized
  for (uint32_t t = 1; t < l->p->batch; t++) touch_value(l, s, true, op->out[0], t);
}

static void emit_silu(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  quantized q = quantized_at(l, op, t);
  uint32_t y = mx_value_at(l, op->out[0], t) + (op->weight ? 0 : op->into);
  vec(l, i, t, mx_ucode_entry_of(l, MX_UC_SILU, step_of(op->weight), 0),
      (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_at(l, op->in[1], t), y, op->n, q.addr, q.bank}, 0);
}

// ADD, SCALE and ARGMAX: from the input to the (other) operand.
static void emit_simple(mx_lowering *l, uint32_t i, uint32_t t, mx_ucode_kind kind) {
  const mx_operator *op = &l->p->ops[i];
  vec(l, i, t, mx_ucode_entry_of(l, kind, unquantized, 0),
      (uint32_t[6]){mx_value_at(l, op->in[0], t), mx_value_at(l, op->out[0], t) + op->into, 0, op->n}, 0);
}

static void emit_quant(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  vec(l, i, t, mx_ucode_entry_of(l, MX_UC_QUANT, step_of(op->weight), 0),
      (uint32_t[6]){mx_value_at(l, op->in[0], t) + op->from, mx_value_addr(l, op->out[0]), 0, op->n, 0,
                    mx_value_bank(l, op->out[0], t)}, 0);
}

static void emit_hadamard(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_operator *op = &l->p->ops[i];
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_BUTTERFLY, unquantized, 0);
  mx_butterflies b;
  for (uint32_t k = 0; mx_hadamard_stage(op, k, &b); k++)
    vec(l, i, t, entry, (uint32_t[6]){mx_value_at(l, op->out[k % 2], t), mx_value_at(l, op->out[1 - k % 2], t), b.w, b.pairs, b.tail,
                                      b.vectors}, 0);
}

// ---- matrix products -----------------------------------------------------------------

static mx_step *stream(mx_lowering *l, uint32_t i, uint32_t addr, uint32_t unit_bytes) {
  mx_step *s = new_step(l, MX_OP_STREAM, i);
  put(l, s, MX_F_STREAM_addr, addr);
  put(l, s, MX_F_STREAM_unit16, unit_bytes / 16);
  return s;
}

static mx_step *product(mx_lowering *l, uint32_t i, const mx_stream_format *f, unsigned frac, uint32_t x, uint32_t dst) {
  mx_step *s = new_step(l, MX_OP_MATMUL, i);
  put(l, s, MX_F_MATMUL_bits, f->bits);
  put(l, s, MX_F_MATMUL_scale, (uint64_t)f->scale);
  put(l, s, MX_F_MATMUL_zero, f->zero);
  put(l, s, MX_F_MATMUL_planar, f->planar);
  put(l, s, MX_F_MATMUL_block, f->block);
  put(l, s, MX_F_MATMUL_frac, frac);
  put(l, s, MX_F_MATMUL_x, x);
  put(l, s, MX_F_MATMUL_dst, dst);
  return s;
}

static void emit_table(mx_lowering *l, uint32_t i, const int8_t table[16]) {
  for (unsigned half = 0; half < 2; half++) {
    uint64_t entries = 0;
    for (unsigned k = 0; k < 8; k++) entries |= (uint64_t)(uint8_t)table[8 * half + k] << (8 * k);
    mx_step *s = new_step(l, MX_OP_TABLE, i);
    put(l, s, MX_F_TABLE_half, half);
    put(l, s, MX_F_TABLE_entries, entries);
  }
}

static void touch_product(mx_lowering *l, mx_step *s, uint32_t n) {
  const mx_operator *op = &l->p->ops[s->op];
  for (uint32_t t = 0; t < op->tokens; t++) touch_part(l, s, true, op->out[0], t, op->into, n);
  const mx_value *x = &l->p->values[op->in[0]];
  touch_banks(s, MX_AT_XMEM, false, (2u << (op->tokens - 1)) - 1, x->addr, x->size);
}

static void emit_matmul(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  const mx_weight_format *f = &op->weight->format;
  uint32_t group_bytes = op->blocks * mx_unit_bytes(l->params, &f->stream);
  if (f->codebook) emit_table(l, i, f->table);
  mx_step *s = stream(l, i, l->stored[op->stored].addr + op->row / l->params->GROUP * group_bytes, mx_unit_bytes(l->params, &f->stream));
  // A segment per row group, so that neither count outgrows 16 bits.
  put(l, s, MX_F_STREAM_segments, op->groups);
  put(l, s, MX_F_STREAM_units, op->blocks);
  put(l, s, MX_F_STREAM_stride, group_bytes);
  s = product(l, i, &f->stream, f->frac + mx_fraction_bits(op->weight->acts.bits), mx_value_addr(l, op->in[0]),
              mx_value_addr(l, op->out[0]) + op->into);
  put(l, s, MX_F_MATMUL_codebook, f->codebook);
  put(l, s, MX_F_MATMUL_groups, op->groups);
  put(l, s, MX_F_MATMUL_blocks, op->blocks);
  put(l, s, MX_F_MATMUL_tokens, op->tokens - 1);
  if (op->tokens > 1) put(l, s, MX_F_MATMUL_stride, l->p->values[op->out[0]].stride);
  touch_product(l, s, op->groups * l->params->GROUP);
}

static uint32_t cache_head(const mx_lowering *l, const mx_operator *op) {
  return (uint32_t)op->layer * l->model->config.n_kv_heads + op->head;
}

static void emit_scores(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  uint32_t addr = l->map.k_cache + cache_head(l, op) * l->map.k_head;
  mx_step *s = stream(l, i, addr, a->k_unit);
  put(l, s, MX_F_STREAM_segments, 1);
  put(l, s, MX_F_STREAM_u, A_K_UNITS);
  touch(s, MX_AT_MEMORY, false, addr, l->map.k_head);
  uint32_t x = mx_value_addr(l, op->in[0]) + (op->head * a->passes + op->pass) * 2 * a->k_pad;
  s = product(l, i, &a->k, a->frac, x, mx_value_addr(l, op->out[0]));
  touch_all(l, s, false, op->in[0]);
  touch_value(l, s, true, op->out[0], 0);
  put(l, s, MX_F_MATMUL_n, A_K_GROUPS);
  put(l, s, MX_F_MATMUL_blocks, a->k_blocks);
  put(l, s, MX_F_MATMUL_tokens, columns_of(l, op) - 1);
  put(l, s, MX_F_MATMUL_stride, a->scores_stride);
}

static void emit_mix(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  uint32_t addr = l->map.v_cache + cache_head(l, op) * l->map.v_head;
  mx_step *s = stream(l, i, addr, a->v_unit);
  put(l, s, MX_F_STREAM_segments, a->v_row_groups);
  put(l, s, MX_F_STREAM_u, A_V_COLUMNS);
  put(l, s, MX_F_STREAM_stride, a->v_columns * a->v_unit);
  touch(s, MX_AT_MEMORY, false, addr, l->map.v_head);
  s = product(l, i, &a->v, a->frac, mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]));
  touch_operands(l, s, 0);
  put(l, s, MX_F_MATMUL_groups, a->v_row_groups);
  put(l, s, MX_F_MATMUL_k, A_V_COLUMNS);
  put(l, s, MX_F_MATMUL_tokens, columns_of(l, op) - 1);
  put(l, s, MX_F_MATMUL_stride, a->mix_stride);
}

// ---- caches ----------------------------------------------------------------------------

static void emit_put_key(mx_lowering *l, uint32_t i, uint32_t head, unsigned row) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  uint32_t cache = l->map.k_cache + ((uint32_t)op->layer * l->model->config.n_kv_heads + head) * l->map.k_head;
  mx_step *s = new_step(l, MX_OP_PUTROW, i);
  put(l, s, MX_F_PUTROW_addr, cache);
  put(l, s, MX_F_PUTROW_a, A_K_OFFSET);
  put(l, s, MX_F_PUTROW_r, row);
  put(l, s, MX_F_PUTROW_bits, l->model->kv_bits);
  put(l, s, MX_F_PUTROW_block, a->k.block);
  put(l, s, MX_F_PUTROW_bank, op->token);
  put(l, s, MX_F_PUTROW_x, mx_value_addr(l, op->in[0]) + head * 2 * a->k_pad);
  put(l, s, MX_F_PUTROW_blocks, a->k_blocks);
  touch_value(l, s, false, op->in[0], op->token);
  touch(s, MX_AT_MEMORY, true, cache, l->map.k_head);
}

static void emit_put_value(mx_lowering *l, uint32_t i, uint32_t head, unsigned row) {
  const mx_operator *op = &l->p->ops[i];
  const mx_attention *a = &l->p->attention;
  uint32_t index = (uint32_t)op->layer * l->model->config.n_kv_heads + head, x = mx_value_addr(l, op->in[1]) + head * a->v_pad;
  uint32_t cache = l->map.v_cache + index * l->map.v_head, scales = l->map.v_scales + index * l->map.v_scales_head;
  mx_step *s = new_step(l, MX_OP_PUTCOL, i);
  put(l, s, MX_F_PUTCOL_addr, cache);
  put(l, s, MX_F_PUTCOL_a, A_V_OFFSET);
  put(l, s, MX_F_PUTCOL_r, row);
  put(l, s, MX_F_PUTCOL_bits, l->model->kv_bits);
  put(l, s, MX_F_PUTCOL_block, a->v.block);
  put(l, s, MX_F_PUTCOL_bank, op->token);
  put(l, s, MX_F_PUTCOL_x, x);
  put(l, s, MX_F_PUTCOL_count, 2 * a->half);
  put(l, s, MX_F_PUTCOL_stride, a->v_columns * a->v_unit);
  touch_value(l, s, false, op->in[1], op->token);
  touch(s, MX_AT_MEMORY, true, cache, l->map.v_head);
  s = new_step(l, MX_OP_PUTEXP, i);
  put(l, s, MX_F_PUTEXP_addr, scales);
  put(l, s, MX_F_PUTEXP_a, row);
  put(l, s, MX_F_PUTEXP_bank, op->token);
  put(l, s, MX_F_PUTEXP_x, x);
  touch_value(l, s, false, op->in[1], op->token);
  touch(s, MX_AT_MEMORY, true, scales, l->map.v_scales_head);
}

static void emit_put_kv(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  unsigned row = op->token ? A_ROW : A_POSITION;
  if (op->token) emit_argument(l, i, (argument){A_ROW, A_POSITION, op->token, 0, 1});
  for (uint32_t head = op->head; head < op->head + op->n; head++) {
    emit_put_key(l, i, head, row);
    emit_put_value(l, i, head, row);
  }
}

static void emit_v_scales(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  uint32_t addr = l->map.v_scales + cache_head(l, op) * l->map.v_scales_head;
  mx_step *s = load(l, i, addr, A_ZERO, mx_value_addr(l, op->out[0]), 0, MX_LOAD_E8M0);
  put(l, s, MX_F_LOAD_n, A_END);
  touch_operands(l, s, 0);
  touch(s, MX_AT_MEMORY, false, addr, l->map.v_scales_head);
}

// ---- from and to memory ------------------------------------------------------------------

static void emit_store(mx_lowering *l, uint32_t i, uint32_t addr, uint32_t count) {
  const mx_operator *op = &l->p->ops[i];
  mx_step *s = new_step(l, MX_OP_STORE, i);
  put(l, s, MX_F_STORE_addr, addr + 4 * op->into);
  put(l, s, MX_F_STORE_src, mx_value_addr(l, op->in[0]) + op->from);
  put(l, s, MX_F_STORE_count, count);
  touch_part(l, s, false, op->in[0], 0, op->from, count);
}

static void emit_result(mx_lowering *l, uint32_t i) {
  emit_store(l, i, l->map.result, l->p->ops[i].n);
  new_step(l, MX_OP_HALT, i);
}

// Its target is set when all instructions have their places (schedule.c).
static void emit_skip(mx_lowering *l, uint32_t i) { put(l, new_step(l, MX_OP_LOOP, i), MX_F_LOOP_d, A_MORE); }

static void emit_load(mx_lowering *l, uint32_t i, uint32_t t, uint32_t addr, unsigned areg, unsigned format) {
  const mx_operator *op = &l->p->ops[i];
  touch_operands(l, load(l, i, addr, areg, mx_value_at(l, op->out[0], t), op->n, format), t);
}

static void emit_embed(mx_lowering *l, uint32_t i, uint32_t t) {
  const mx_memory_map *m = &l->map;
  if (l->p->batch > 1) emit_load(l, i, t, m->batch_rows + t * m->embedding_row, A_ZERO, m->embedding_format);
  else emit_load(l, i, t, m->embedding, A_EMBEDDING, m->embedding_format);
}

static void emit_stored(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->p->ops[i];
  emit_load(l, i, 0, l->stored[op->stored].addr + 4 * op->row, A_ZERO, MX_LOAD_F32);
}

static void emit_token(mx_lowering *l, uint32_t i, uint32_t t) {
  switch (l->p->ops[i].kind) {
    case MX_OPR_EMBED: emit_embed(l, i, t); break;
    case MX_OPR_ROPE_ROW: emit_load(l, i, t, l->map.rope + t * l->map.rope_row, A_ROPE, MX_LOAD_F32); break;
    case MX_OPR_Q_ROW: emit_q_row(l, i, t); break;
    case MX_OPR_NORM: emit_norm(l, i, t); break;
    case MX_OPR_HEAD_NORM: emit_head_norm(l, i, t); break;
    case MX_OPR_ROPE: emit_rope(l, i, t); break;
    case MX_OPR_QUANT_Q: emit_quant_heads(l, i, t, MX_BITS_8); break;
    case MX_OPR_QUANT_K: emit_quant_heads(l, i, t, l->model->kv_bits); break;
    case MX_OPR_QUANT_V: emit_quant_v(l, i, t); break;
    case MX_OPR_QUANT: emit_quant(l, i, t); break;
    case MX_OPR_ADD: emit_simple(l, i, t, MX_UC_ADD); break;
    case MX_OPR_SCALE: emit_simple(l, i, t, MX_UC_MUL); break;
    case MX_OPR_HADAMARD: emit_hadamard(l, i, t); break;
    case MX_OPR_SILU: emit_silu(l, i, t); break;
    default: break;  // all tokens at once: emit_op
  }
}

static void emit_op(mx_lowering *l, uint32_t i) {
  const mx_operator op = l->p->ops[i];
  switch (op.kind) {
    case MX_OPR_CONSTANTS: emit_constants(l, i); break;
    case MX_OPR_GAIN: emit_stored(l, i); break;
    case MX_OPR_STEPS: emit_stored(l, i); break;
    case MX_OPR_SPREAD: emit_spread(l, i); break;
    case MX_OPR_MATMUL: emit_matmul(l, i); break;
    case MX_OPR_PUT_KV: emit_put_kv(l, i); break;
    case MX_OPR_SCORES: emit_scores(l, i); break;
    case MX_OPR_V_SCALES: emit_v_scales(l, i); break;
    case MX_OPR_SOFTMAX: emit_softmax(l, i); break;
    case MX_OPR_MIX: emit_mix(l, i); break;
    case MX_OPR_GATHER: emit_gather(l, i); break;
    case MX_OPR_SKIP: emit_skip(l, i); break;
    case MX_OPR_LOGITS: emit_store(l, i, l->map.logits, op.n); break;
    case MX_OPR_ARGMAX: emit_simple(l, i, 0, MX_UC_ARGMAX); break;
    case MX_OPR_RESULT: emit_result(l, i); break;
    case MX_OPR_QUANT_Q:
      if (l->p->batch == 1) emit_quant_q_groups(l, i);
      else for (uint32_t t = 0; t < op.tokens; t++) emit_token(l, i, t);
      break;
    default:
      for (uint32_t t = op.token; t < op.token + op.tokens; t++) emit_token(l, i, t);
  }
}

mx_status mx_emit(mx_lowering *l) {
  l->p->n_steps = 0;
  for (uint32_t i = 0; i < l->p->n_ops; i++) emit_op(l, i);
  return l->e->status;
}

mx_status mx_build_init_program(mx_lowering *l, mx_insn *out, uint32_t capacity, uint32_t *n) {
  uint32_t kept = l->p->n_steps;
  mx_step *s = new_step(l, MX_OP_IDENT, 0);
  put(l, s, MX_F_IDENT_build_id, l->params->build_id);
  s = new_step(l, MX_OP_UCODE, 0);
  put(l, s, MX_F_UCODE_addr, l->map.ucode);
  put(l, s, MX_F_UCODE_count, l->ucode.n_words);
  load(l, 0, l->map.constants, A_ZERO, mx_value_addr(l, l->p->constants), MX_K_WORDS, MX_LOAD_F32);
  new_step(l, MX_OP_HALT, 0);
  *n = l->p->n_steps - kept;
  for (uint32_t i = 0; i < *n && i < capacity; i++) out[i] = l->p->steps[kept + i].insn;
  l->p->n_steps = kept;
  return l->e->status;
}
