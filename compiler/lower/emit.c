// Operators to instructions, each with what it reads and writes on chip and in
// the caches, so that schedule.c can tell hazards.
#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"
#include "golden/mxint.h"

// Address registers of the token program.
enum {
  A_ZERO, A_TOKEN, A_POSITION,
  A_LENGTH = 5,     // positions so far, this one included
  A_K_GROUPS,       // row groups of the key cache in use
  A_K_UNITS,        // and their stream units
  A_V_COLUMNS,      // position blocks of the value cache in use
  A_K_OFFSET,       // bytes to this position's row group
  A_V_OFFSET,       // bytes to this position's block
  A_EMBEDDING,      // bytes to the token's row
  A_ROPE,           // bytes to the position's row
};

static mx_step *new_step(mx_lowering *l, unsigned op, uint32_t index) {
  if (l->n_steps == l->steps_capacity) {
    uint32_t capacity = l->steps_capacity ? 2 * l->steps_capacity : 1024;
    mx_step *grown = realloc(l->steps, capacity * sizeof *grown);
    if (!grown) abort();  // a few kilobytes
    l->steps = grown;
    l->steps_capacity = capacity;
  }
  mx_step *s = &l->steps[l->n_steps++];
  *s = (mx_step){.insn = {{op}}, .unit = (mx_unit)mx_op_find(op)->unit, .op = index};
  return s;
}

static void put(mx_lowering *l, mx_step *s, unsigned f, uint64_t value) {
  if (mx_put(&s->insn, f, value)) return;
  mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "operator %u (%s): %llu does not fit a field of %s", s->op, l->ops[s->op].name,
          (unsigned long long)value, mx_op_find(s->insn.word[0] & 0x1f)->name);
}

static void touch(mx_step *s, mx_place place, bool write, uint32_t low, uint32_t size) {
  if (s->n_accesses < MX_MAX_ACCESSES) s->access[s->n_accesses++] = (mx_access){place, write, low, low + size};
  else abort();  // the longest list is known here
}

static void touch_value(const mx_lowering *l, mx_step *s, bool write, int32_t value) {
  const mx_value *v = &l->values[value];
  touch(s, v->space == MX_VALUE_VMEM ? MX_AT_VMEM : MX_AT_XMEM, write, v->addr, v->size);
}

static void touch_operands(const mx_lowering *l, mx_step *s) {
  const mx_operator *op = &l->ops[s->op];
  for (int i = 0; i < MX_MAX_INPUTS && op->in[i] != MX_NO_VALUE; i++) touch_value(l, s, false, op->in[i]);
  for (int i = 0; i < MX_MAX_OUTPUTS && op->out[i] != MX_NO_VALUE; i++) touch_value(l, s, true, op->out[i]);
}

// ---- prologue --------------------------------------------------------------------

typedef struct { unsigned d, a; uint32_t add, shift, mul; } argument;

static unsigned log2_of(uint32_t power) {
  unsigned n = 0;
  while (power >> (n + 1)) n++;
  return n;
}

static void emit_arguments(mx_lowering *l, uint32_t index) {
  const mx_attention *a = &l->attention;
  uint32_t group = l->params->GROUP;
  const argument list[] = {
      {A_LENGTH, A_POSITION, 1, 0, 1},
      {A_K_GROUPS, A_POSITION, group, log2_of(group), 1},
      {A_K_UNITS, A_POSITION, group, log2_of(group), a->k_blocks},
      {A_V_COLUMNS, A_POSITION, 32, 5, 1},
      {A_K_OFFSET, A_POSITION, 0, log2_of(group), a->k_blocks * a->k_unit},
      {A_V_OFFSET, A_POSITION, 0, 5, a->v_unit},
      {A_EMBEDDING, A_TOKEN, 0, 0, l->map.embedding_row},
      {A_ROPE, A_POSITION, 0, 0, l->map.rope_row},
  };
  for (unsigned i = 0; i < sizeof list / sizeof *list; i++) {
    mx_step *s = new_step(l, MX_OP_ARG, index);
    put(l, s, MX_F_ARG_d, list[i].d);
    put(l, s, MX_F_ARG_a, list[i].a);
    put(l, s, MX_F_ARG_add, list[i].add);
    put(l, s, MX_F_ARG_shift, list[i].shift);
    put(l, s, MX_F_ARG_mask, UINT32_MAX);
    put(l, s, MX_F_ARG_mul, list[i].mul);
  }
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

static mx_step *vec(mx_lowering *l, uint32_t index, uint32_t entry, const uint32_t u[6], unsigned areg) {
  static const unsigned fields[6] = {MX_F_VEC_u0, MX_F_VEC_u1, MX_F_VEC_u2, MX_F_VEC_u3, MX_F_VEC_u4, MX_F_VEC_u5};
  mx_step *s = new_step(l, MX_OP_VEC, index);
  put(l, s, MX_F_VEC_entry, entry);
  put(l, s, MX_F_VEC_r, areg);
  for (int i = 0; i < 6; i++) put(l, s, fields[i], u[i]);
  touch_operands(l, s);
  return s;
}

static const mx_quant_step unquantized = {0};

// How the input of a part is quantized; w NULL: not here.
static mx_quant_step step_of(const mx_qmatrix *w) {
  return w ? (mx_quant_step){true, w->acts.fixed, w->acts.bits, w->format.stream.block} : unquantized;
}

static mx_quant_step step_in_blocks(unsigned bits, unsigned block) { return (mx_quant_step){true, false, bits, block}; }

// Address of the quantized form, where the operator makes one.
static uint32_t quantized_addr(const mx_lowering *l, const mx_operator *op) {
  return op->weight ? mx_value_addr(l, op->out[1]) : 0;
}

static void emit_norm(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_NORM, step_of(op->weight), 0);
  vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->in[1]), mx_value_addr(l, op->out[0]),
                                 op->n, quantized_addr(l, op)}, 0);
}

static void emit_spread(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  uint32_t row = mx_value_addr(l, op->in[0]) + (op->selector & 1 ? 0 : mx_round_up(l->attention.half, 4));
  uint32_t factor = mx_value_addr(l, l->constants) + (op->selector & 2 ? MX_K_Q_SCALE : MX_K_ONE);
  vec(l, i, mx_ucode_entry_of(l, MX_UC_SPREAD, unquantized, 0),
      (uint32_t[6]){row, mx_value_addr(l, op->out[0]), op->n, factor}, 0);
}

static void emit_rope(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  vec(l, i, mx_ucode_entry_of(l, MX_UC_ROPE, unquantized, 0),
      (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->in[1]), mx_value_addr(l, op->in[2]), op->n,
                    mx_value_addr(l, op->out[0])}, 0);
}

// Query head t of each group goes to bank t mod tokens, in the region of its pass.
static void emit_quant_q(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_attention *a = &l->attention;
  const mx_config *c = &l->model->config;
  uint32_t region = 2 * a->k_pad;
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_HEADS, step_in_blocks(MX_BITS_8, a->k.block), a->passes * region);
  for (uint32_t t = 0; t < a->group; t++)
    vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]) + t * a->half,
                                   mx_value_addr(l, op->out[0]) + t / a->tokens * region, a->group * a->half,
                                   c->n_kv_heads, c->n_heads * a->half, t % a->tokens}, 0);
}

static void emit_quant_k(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_attention *a = &l->attention;
  uint32_t heads = l->model->config.n_kv_heads;
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_HEADS, step_in_blocks(l->model->kv_bits, a->k.block), 2 * a->k_pad);
  vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]), a->half, heads, heads * a->half, 0}, 0);
}

static void emit_quant_v(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  uint32_t pad = l->attention.v_pad;
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_VALUES, step_in_blocks(l->model->kv_bits, log2_of(pad) - 4), pad);
  vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]), l->model->config.head_dim,
                                 l->model->config.n_kv_heads, 0, 0}, 0);
}

static uint32_t tokens_of(const mx_lowering *l, const mx_operator *op) {
  const mx_attention *a = &l->attention;
  uint32_t left = a->group - op->pass * a->tokens;
  return left < a->tokens ? left : a->tokens;
}

static void emit_softmax(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  vec(l, i, mx_ucode_entry_of(l, MX_UC_SOFTMAX, unquantized, 0),
      (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]), mx_value_addr(l, op->in[1]),
                    tokens_of(l, op), mx_value_addr(l, op->out[1]), l->attention.scores_stride}, A_LENGTH);
  touch_value(l, &l->steps[l->n_steps - 1], true, op->in[0]);  // softmax works in place
}

static void emit_gather(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_attention *a = &l->attention;
  uint32_t first_head = op->head * a->group + op->pass * a->tokens;
  vec(l, i, mx_ucode_entry_of(l, MX_UC_GATHER, unquantized, 0),
      (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]) + first_head * 2 * a->half,
                    mx_value_addr(l, op->in[1]), tokens_of(l, op), a->mix_stride}, 0);
}

static void emit_silu(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_SILU, step_of(op->weight), 0);
  vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]), mx_value_addr(l, op->in[1]), mx_value_addr(l, op->out[0]),
                                 op->n, quantized_addr(l, op)}, 0);
}

// QUANT, ADD, SCALE and ARGMAX: from the input to the (other) operand.
static void emit_simple(mx_lowering *l, uint32_t i, mx_ucode_kind kind) {
  const mx_operator *op = &l->ops[i];
  uint32_t entry = mx_ucode_entry_of(l, kind, step_of(op->weight), 0);
  vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->in[0]) + op->from, mx_value_addr(l, op->out[0]), 0, op->n}, 0);
}

static void emit_hadamard(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  uint32_t entry = mx_ucode_entry_of(l, MX_UC_BUTTERFLY, unquantized, 0);
  mx_butterflies b;
  for (uint32_t k = 0; mx_hadamard_stage(op, k, &b); k++)
    vec(l, i, entry, (uint32_t[6]){mx_value_addr(l, op->out[k % 2]), mx_value_addr(l, op->out[1 - k % 2]), b.w, b.pairs, b.tail,
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
  touch_operands(l, s);
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

static void emit_matmul(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_weight_format *f = &op->weight->format;
  if (f->codebook) emit_table(l, i, f->table);
  mx_step *s = stream(l, i, op->weight_addr, mx_unit_bytes(l->params, &f->stream));
  // A segment per row group, so that neither count outgrows 16 bits.
  put(l, s, MX_F_STREAM_segments, op->groups);
  put(l, s, MX_F_STREAM_units, op->blocks);
  put(l, s, MX_F_STREAM_stride, (uint64_t)op->blocks * mx_unit_bytes(l->params, &f->stream));
  s = product(l, i, &f->stream, f->frac + mx_fraction_bits(op->weight->acts.bits), mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]));
  put(l, s, MX_F_MATMUL_codebook, f->codebook);
  put(l, s, MX_F_MATMUL_groups, op->groups);
  put(l, s, MX_F_MATMUL_blocks, op->blocks);
}

static uint32_t cache_head(const mx_lowering *l, const mx_operator *op) {
  return (uint32_t)op->layer * l->model->config.n_kv_heads + op->head;
}

static void emit_scores(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_attention *a = &l->attention;
  uint32_t addr = l->map.k_cache + cache_head(l, op) * l->map.k_head;
  mx_step *s = stream(l, i, addr, a->k_unit);
  put(l, s, MX_F_STREAM_segments, 1);
  put(l, s, MX_F_STREAM_u, A_K_UNITS);
  touch(s, MX_AT_MEMORY, false, addr, l->map.k_head);
  uint32_t x = mx_value_addr(l, op->in[0]) + (op->head * a->passes + op->pass) * 2 * a->k_pad;
  s = product(l, i, &a->k, a->frac, x, mx_value_addr(l, op->out[0]));
  put(l, s, MX_F_MATMUL_n, A_K_GROUPS);
  put(l, s, MX_F_MATMUL_blocks, a->k_blocks);
  put(l, s, MX_F_MATMUL_tokens, tokens_of(l, op) - 1);
  put(l, s, MX_F_MATMUL_stride, a->scores_stride);
}

static void emit_mix(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_attention *a = &l->attention;
  uint32_t addr = l->map.v_cache + cache_head(l, op) * l->map.v_head;
  mx_step *s = stream(l, i, addr, a->v_unit);
  put(l, s, MX_F_STREAM_segments, a->v_row_groups);
  put(l, s, MX_F_STREAM_u, A_V_COLUMNS);
  put(l, s, MX_F_STREAM_stride, a->v_columns * a->v_unit);
  touch(s, MX_AT_MEMORY, false, addr, l->map.v_head);
  s = product(l, i, &a->v, a->frac, mx_value_addr(l, op->in[0]), mx_value_addr(l, op->out[0]));
  put(l, s, MX_F_MATMUL_groups, a->v_row_groups);
  put(l, s, MX_F_MATMUL_k, A_V_COLUMNS);
  put(l, s, MX_F_MATMUL_tokens, tokens_of(l, op) - 1);
  put(l, s, MX_F_MATMUL_stride, a->mix_stride);
}

// ---- caches ----------------------------------------------------------------------------

static void emit_put_kv(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const mx_attention *a = &l->attention;
  const mx_memory_map *m = &l->map;
  uint32_t head = cache_head(l, op), bits = l->model->kv_bits;
  uint32_t vx = mx_value_addr(l, op->in[1]) + op->head * a->v_pad;
  mx_step *s = new_step(l, MX_OP_PUTROW, i);
  put(l, s, MX_F_PUTROW_addr, m->k_cache + head * m->k_head);
  put(l, s, MX_F_PUTROW_a, A_K_OFFSET);
  put(l, s, MX_F_PUTROW_r, A_POSITION);
  put(l, s, MX_F_PUTROW_bits, bits);
  put(l, s, MX_F_PUTROW_block, a->k.block);
  put(l, s, MX_F_PUTROW_x, mx_value_addr(l, op->in[0]) + op->head * 2 * a->k_pad);
  put(l, s, MX_F_PUTROW_blocks, a->k_blocks);
  touch_operands(l, s);
  touch(s, MX_AT_MEMORY, true, m->k_cache + head * m->k_head, m->k_head);
  s = new_step(l, MX_OP_PUTCOL, i);
  put(l, s, MX_F_PUTCOL_addr, m->v_cache + head * m->v_head);
  put(l, s, MX_F_PUTCOL_a, A_V_OFFSET);
  put(l, s, MX_F_PUTCOL_r, A_POSITION);
  put(l, s, MX_F_PUTCOL_bits, bits);
  put(l, s, MX_F_PUTCOL_block, a->v.block);
  put(l, s, MX_F_PUTCOL_x, vx);
  put(l, s, MX_F_PUTCOL_count, 2 * a->half);
  put(l, s, MX_F_PUTCOL_stride, a->v_columns * a->v_unit);
  touch_operands(l, s);
  touch(s, MX_AT_MEMORY, true, m->v_cache + head * m->v_head, m->v_head);
  s = new_step(l, MX_OP_PUTEXP, i);
  put(l, s, MX_F_PUTEXP_addr, m->v_scales + head * m->v_scales_head);
  put(l, s, MX_F_PUTEXP_a, A_POSITION);
  put(l, s, MX_F_PUTEXP_x, vx);
  touch_operands(l, s);
  touch(s, MX_AT_MEMORY, true, m->v_scales + head * m->v_scales_head, m->v_scales_head);
}

static void emit_v_scales(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  uint32_t addr = l->map.v_scales + cache_head(l, op) * l->map.v_scales_head;
  mx_step *s = load(l, i, addr, A_ZERO, mx_value_addr(l, op->out[0]), 0, MX_LOAD_E8M0);
  put(l, s, MX_F_LOAD_n, A_LENGTH);
  touch_operands(l, s);
  touch(s, MX_AT_MEMORY, false, addr, l->map.v_scales_head);
}

static void emit_result(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  const uint32_t addr[2] = {l->map.logits, l->map.result}, count[2] = {op->n, 1};
  for (int k = 0; k < 2; k++) {
    mx_step *s = new_step(l, MX_OP_STORE, i);
    put(l, s, MX_F_STORE_addr, addr[k]);
    put(l, s, MX_F_STORE_src, mx_value_addr(l, op->in[k]));
    put(l, s, MX_F_STORE_count, count[k]);
    touch_operands(l, s);
  }
  new_step(l, MX_OP_HALT, i);
}

static void emit_load_op(mx_lowering *l, uint32_t i, uint32_t addr, unsigned areg, unsigned format) {
  const mx_operator *op = &l->ops[i];
  touch_operands(l, load(l, i, addr, areg, mx_value_addr(l, op->out[0]), op->n, format));
}

static void emit_op(mx_lowering *l, uint32_t i) {
  const mx_operator *op = &l->ops[i];
  switch (op->kind) {
    case MX_OPR_CONSTANTS: emit_constants(l, i); break;
    case MX_OPR_EMBED: emit_load_op(l, i, l->map.embedding, A_EMBEDDING, l->map.embedding_format); break;
    case MX_OPR_ROPE_ROW: emit_load_op(l, i, l->map.rope, A_ROPE, MX_LOAD_F32); break;
    case MX_OPR_GAIN: emit_load_op(l, i, op->weight_addr, A_ZERO, MX_LOAD_F32); break;
    case MX_OPR_STEPS: emit_load_op(l, i, op->weight_addr, A_ZERO, MX_LOAD_F32); break;
    case MX_OPR_SPREAD: emit_spread(l, i); break;
    case MX_OPR_NORM: emit_norm(l, i); break;
    case MX_OPR_MATMUL: emit_matmul(l, i); break;
    case MX_OPR_ROPE: emit_rope(l, i); break;
    case MX_OPR_QUANT_Q: emit_quant_q(l, i); break;
    case MX_OPR_QUANT_K: emit_quant_k(l, i); break;
    case MX_OPR_QUANT_V: emit_quant_v(l, i); break;
    case MX_OPR_PUT_KV: emit_put_kv(l, i); break;
    case MX_OPR_SCORES: emit_scores(l, i); break;
    case MX_OPR_V_SCALES: emit_v_scales(l, i); break;
    case MX_OPR_SOFTMAX: emit_softmax(l, i); break;
    case MX_OPR_MIX: emit_mix(l, i); break;
    case MX_OPR_GATHER: emit_gather(l, i); break;
    case MX_OPR_QUANT: emit_simple(l, i, MX_UC_QUANT); break;
    case MX_OPR_ADD: emit_simple(l, i, MX_UC_ADD); break;
    case MX_OPR_SCALE: emit_simple(l, i, MX_UC_MUL); break;
    case MX_OPR_HADAMARD: emit_hadamard(l, i); break;
    case MX_OPR_SILU: emit_silu(l, i); break;
    case MX_OPR_ARGMAX: emit_simple(l, i, MX_UC_ARGMAX); break;
    case MX_OPR_RESULT: emit_result(l, i); break;
  }
}

mx_status mx_emit(mx_lowering *l) {
  l->n_steps = 0;
  for (uint32_t i = 0; i < l->n_ops; i++) emit_op(l, i);
  return l->e->status;
}

mx_status mx_build_init_program(mx_lowering *l, mx_insn *out, uint32_t capacity, uint32_t *n) {
  uint32_t kept = l->n_steps;
  mx_step *s = new_step(l, MX_OP_IDENT, 0);
  put(l, s, MX_F_IDENT_build_id, l->params->build_id);
  s = new_step(l, MX_OP_UCODE, 0);
  put(l, s, MX_F_UCODE_addr, l->map.ucode);
  put(l, s, MX_F_UCODE_count, l->ucode.n_words);
  load(l, 0, l->map.constants, A_ZERO, mx_value_addr(l, l->constants), MX_K_WORDS, MX_LOAD_F32);
  new_step(l, MX_OP_HALT, 0);
  *n = l->n_steps - kept;
  for (uint32_t i = 0; i < *n && i < capacity; i++) out[i] = l->steps[kept + i].insn;
  l->n_steps = kept;
  return l->e->status;
}
