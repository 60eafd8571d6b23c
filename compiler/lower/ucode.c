// The vector programs. Registers U0..U7 are parameters, U8.. scratch; each
// program states its parameters. Lengths that the model fixes are immediates.
#include "compiler/lower/lowering.h"

enum { ADD = MX_UOP_ADD, SUB = MX_UOP_SUB, MUL = MX_UOP_MUL, MOV = MX_UOP_MOV };

typedef struct { unsigned bcast, fn, red; } modifiers;
static const modifiers plain = {0, 0, 0}, broadcast = {1, 0, 0};

static uint32_t field(unsigned f, uint32_t value) { return value << (f % 256); }

static void word(mx_lowering *l, uint32_t w) {
  if (l->ucode.n_words < MX_MAX_UCODE) l->ucode.words[l->ucode.n_words] = w;
  l->ucode.n_words++;
}

static void vec(mx_lowering *l, unsigned op, unsigned dst, unsigned a, unsigned b, unsigned n, modifiers m) {
  word(l, op << MX_UOP_LSB | field(MX_UF_VEC_dst, dst) | field(MX_UF_VEC_a, a) | field(MX_UF_VEC_b, b) |
              field(MX_UF_VEC_n, n) | field(MX_UF_VEC_bcast, m.bcast) | field(MX_UF_VEC_fn, m.fn) | field(MX_UF_VEC_red, m.red));
}

static void quant(mx_lowering *l, unsigned dst, unsigned a, unsigned bank, unsigned n, mx_quant_step q) {
  if (!q.on) return;
  word(l, (uint32_t)MX_UOP_QUANT << MX_UOP_LSB | field(MX_UF_QUANT_dst, dst) | field(MX_UF_QUANT_a, a) |
              field(MX_UF_QUANT_bank, bank) | field(MX_UF_QUANT_n, n) | field(MX_UF_QUANT_bits, q.bits) |
              field(MX_UF_QUANT_block, q.block) | field(MX_UF_QUANT_fixed, q.fixed));
}

static void immediate(mx_lowering *l, uint32_t op, unsigned d, unsigned a, uint32_t value) {
  word(l, op << MX_UOP_LSB | field(MX_UF_IMM_d, d) | field(MX_UF_IMM_a, a) | field(MX_UF_IMM_imm, value & 0xffff));
}

static void li(mx_lowering *l, unsigned d, uint32_t value) { immediate(l, MX_UOP_LI, d, 0, value); }
static void addi(mx_lowering *l, unsigned d, unsigned a, uint32_t value) { immediate(l, MX_UOP_ADDI, d, a, value); }
static void loop(mx_lowering *l, unsigned d, uint32_t target) { immediate(l, MX_UOP_LOOPU, d, 0, target); }
static void end(mx_lowering *l) { word(l, 0); }
static uint32_t here(const mx_lowering *l) { return l->ucode.n_words; }

static void addu(mx_lowering *l, unsigned d, unsigned a, unsigned b) {
  word(l, (uint32_t)MX_UOP_ADDU << MX_UOP_LSB | field(MX_UF_REG_d, d) | field(MX_UF_REG_a, a) | field(MX_UF_REG_b, b));
}

static uint32_t constant(const mx_lowering *l, mx_constant k) { return mx_value_addr(l, l->p->constants) + k; }

// U0 x, U1 gain, U2 y, U3 n, U4 XMEM and U5 bank, if quantized: y = x * rsqrt(sum x^2 * (1/n) + eps) * gain
static void write_norm(mx_lowering *l, mx_quant_step q) {
  li(l, 8, 1);
  li(l, 9, constant(l, MX_K_INV_DIM));
  li(l, 10, constant(l, MX_K_EPS));
  li(l, 11, constant(l, MX_K_SCRATCH));
  vec(l, MUL, 11, 0, 0, 3, (modifiers){.red = MX_RED_SUM});
  vec(l, MUL, 11, 11, 9, 8, broadcast);
  vec(l, ADD, 11, 11, 10, 8, (modifiers){.bcast = 1, .fn = MX_FN_RSQRT});
  vec(l, MUL, 2, 0, 11, 3, broadcast);
  vec(l, MUL, 2, 2, 1, 3, plain);
  quant(l, 4, 2, 5, 3, q);
  end(l);
}

// U0 first halves of heads, U1 gain of a head, in halves, U3 n, words from the first
// halves to the second ones, U5 heads; in place: as the norm, a head at a time, its
// sum of squares being that of the first half plus that of the second
static void write_head_norm(mx_lowering *l) {
  li(l, 8, l->p->attention.half);
  li(l, 9, constant(l, MX_K_INV_HEAD));
  li(l, 10, constant(l, MX_K_EPS));
  li(l, 11, constant(l, MX_K_SCRATCH));
  addi(l, 12, 11, 1);
  li(l, 13, 1);
  addu(l, 14, 0, 3);
  addu(l, 15, 1, 8);
  uint32_t top = here(l);
  vec(l, MUL, 11, 0, 0, 8, (modifiers){.red = MX_RED_SUM});
  vec(l, MUL, 12, 14, 14, 8, (modifiers){.red = MX_RED_SUM});
  vec(l, ADD, 11, 11, 12, 13, broadcast);
  vec(l, MUL, 11, 11, 9, 13, broadcast);
  vec(l, ADD, 11, 11, 10, 13, (modifiers){.bcast = 1, .fn = MX_FN_RSQRT});
  vec(l, MUL, 0, 0, 11, 8, broadcast);
  vec(l, MUL, 14, 14, 11, 8, broadcast);
  vec(l, MUL, 0, 0, 1, 8, plain);
  vec(l, MUL, 14, 14, 15, 8, plain);
  addu(l, 0, 0, 8);
  addu(l, 14, 14, 8);
  loop(l, 5, top);
  end(l);
}

// U0 row, U1 dst, U2 copies, U3 address of a factor: each copy = row * factor
static void write_spread(mx_lowering *l) {
  li(l, 8, l->p->attention.half);
  uint32_t top = here(l);
  vec(l, MUL, 1, 0, 3, 8, broadcast);
  addu(l, 1, 1, 8);
  loop(l, 2, top);
  end(l);
}

// U0 source, U1 destination, U2 address of a factor, U3 n: destination = source * factor
static void write_factor(mx_lowering *l) {
  vec(l, MUL, 1, 0, 2, 3, broadcast);
  end(l);
}

// U0 first halves, then second halves; U1 cos, U2 sin, U3 n, U4 4 * n scratch:
// first = first * cos - second * sin; second = first * sin + second * cos
static void write_rope(mx_lowering *l) {
  addu(l, 8, 0, 3);   // second halves
  addu(l, 9, 4, 3);
  addu(l, 10, 9, 3);
  addu(l, 11, 10, 3);
  vec(l, MUL, 4, 0, 1, 3, plain);
  vec(l, MUL, 9, 8, 2, 3, plain);
  vec(l, MUL, 10, 0, 2, 3, plain);
  vec(l, MUL, 11, 8, 1, 3, plain);
  vec(l, SUB, 0, 4, 9, 3, plain);
  vec(l, ADD, 8, 10, 11, 3, plain);
  end(l);
}

// The same head by head: U1 cos and U2 sin of one head, U4 scratch of four
// halves, U5 heads.
static void write_rope_heads(mx_lowering *l) {
  li(l, 8, l->p->attention.half);
  addu(l, 9, 0, 3);
  addu(l, 10, 4, 8);
  addu(l, 11, 10, 8);
  addu(l, 12, 11, 8);
  uint32_t top = here(l);
  vec(l, MUL, 4, 0, 1, 8, plain);
  vec(l, MUL, 10, 9, 2, 8, plain);
  vec(l, MUL, 11, 0, 2, 8, plain);
  vec(l, MUL, 12, 9, 1, 8, plain);
  vec(l, SUB, 0, 4, 10, 8, plain);
  vec(l, ADD, 9, 11, 12, 8, plain);
  addu(l, 0, 0, 8);
  addu(l, 9, 9, 8);
  loop(l, 5, top);
  end(l);
}

// U0 first half of the first head, U1 XMEM, U2 words from head to head, U3
// heads, U4 words from a first half to its second, U5 bank
static void write_heads(mx_lowering *l, mx_quant_step q, uint32_t stride) {
  li(l, 8, l->p->attention.half);
  uint32_t top = here(l);
  quant(l, 1, 0, 5, 8, q);
  addu(l, 9, 0, 4);
  addi(l, 10, 1, l->p->attention.k_pad);
  quant(l, 10, 9, 5, 8, q);
  addu(l, 0, 0, 2);
  addi(l, 1, 1, stride);
  loop(l, 3, top);
  end(l);
}

// U0 values, U1 XMEM, U2 words from head to head (its length), U3 heads, U5 bank
static void write_values(mx_lowering *l, mx_quant_step q, uint32_t stride) {
  uint32_t top = here(l);
  quant(l, 1, 0, 5, 2, q);
  addu(l, 0, 0, 2);
  addi(l, 1, 1, stride);
  loop(l, 3, top);
  end(l);
}

// U0 scores, U1 XMEM, U2 value scales, U3 tokens, U4 1/sum, 4 words apart, U5
// words from token to token, U6 positions; causal: of the first token, one more
// for each after it. Scores are in units of log2.
static void write_softmax(mx_lowering *l, bool causal) {
  li(l, 8, 0);  // bank
  li(l, 9, 1);
  li(l, 10, constant(l, MX_K_SCRATCH));
  uint32_t top = here(l);
  vec(l, MOV, 10, 0, 0, 6, (modifiers){.red = MX_RED_MAX});
  vec(l, SUB, 0, 0, 10, 6, (modifiers){.bcast = 1, .fn = MX_FN_EXP2});
  vec(l, MOV, 10, 0, 0, 6, (modifiers){.red = MX_RED_SUM});
  vec(l, MOV, 4, 10, 10, 9, (modifiers){.fn = MX_FN_RECIP});
  vec(l, MUL, 0, 0, 2, 6, plain);
  quant(l, 1, 0, 8, 6, (mx_quant_step){.on = true, .bits = MX_BITS_8, .block = 1});
  addu(l, 0, 0, 5);
  addi(l, 4, 4, 4);
  addi(l, 8, 8, 1);
  if (causal) addi(l, 6, 6, 1);
  loop(l, 3, top);
  end(l);
}

// U0 mixed values, U1 dst, U2 1/sum, 4 words apart, U3 columns, U4 words from
// column to column in the source, U5 in the destination
static void write_gather(mx_lowering *l) {
  li(l, 8, 2 * l->p->attention.half);
  uint32_t top = here(l);
  vec(l, MUL, 1, 0, 2, 8, broadcast);
  addu(l, 0, 0, 4);
  addu(l, 1, 1, 5);
  addi(l, 2, 2, 4);
  loop(l, 3, top);
  end(l);
}

// The same in place, then quantized: U1 XMEM, U5 bank of the first column;
// columns go `stride` elements apart, or with 0 to successive banks.
static void write_gather_quant(mx_lowering *l, mx_quant_step q, uint32_t stride) {
  li(l, 8, 2 * l->p->attention.half);
  uint32_t top = here(l);
  vec(l, MUL, 0, 0, 2, 8, broadcast);
  quant(l, 1, 0, 5, 8, q);
  addu(l, 0, 0, 4);
  if (stride) addi(l, 1, 1, stride);
  else addi(l, 5, 5, 1);
  addi(l, 2, 2, 4);
  loop(l, 3, top);
  end(l);
}

// U0 source, U1 XMEM, U3 n, U5 bank
static void write_quant(mx_lowering *l, mx_quant_step q) {
  quant(l, 1, 0, 5, 3, q);
  end(l);
}

// U0 y, U1 x, U3 n: x = x + y
static void write_add(mx_lowering *l) {
  vec(l, ADD, 1, 1, 0, 3, plain);
  end(l);
}

// U0 y, U1 x, U3 n: x = x * y
static void write_mul(mx_lowering *l) {
  vec(l, MUL, 1, 1, 0, 3, plain);
  end(l);
}

// U0 source, U1 destination, elsewhere, U2 w, U3 pairs, U4 tail, U5 vectors:
// mx_butterflies
static void write_butterfly(mx_lowering *l) {
  uint32_t vector = here(l);
  addi(l, 8, 3, 0);
  uint32_t pair = here(l);
  addu(l, 9, 0, 2);
  addu(l, 10, 1, 2);
  vec(l, ADD, 1, 0, 9, 2, plain);
  vec(l, SUB, 10, 0, 9, 2, plain);
  addu(l, 0, 9, 2);
  addu(l, 1, 10, 2);
  loop(l, 8, pair);
  vec(l, MOV, 1, 0, 0, 4, plain);
  addu(l, 0, 0, 4);
  addu(l, 1, 1, 4);
  loop(l, 5, vector);
  end(l);
}

// U0 gate, U1 up, U2 y, U3 n, U4 XMEM and U5 bank, if quantized: y = gate / (1 + exp(-gate)) * up
static void write_silu(mx_lowering *l, mx_quant_step q) {
  li(l, 8, constant(l, MX_K_NEG_LOG2E));
  li(l, 9, constant(l, MX_K_ONE));
  vec(l, MUL, 2, 0, 8, 3, (modifiers){.bcast = 1, .fn = MX_FN_EXP2});
  vec(l, ADD, 2, 2, 9, 3, (modifiers){.bcast = 1, .fn = MX_FN_RECIP});
  vec(l, MUL, 2, 2, 0, 3, plain);
  vec(l, MUL, 2, 2, 1, 3, plain);
  quant(l, 4, 2, 5, 3, q);
  end(l);
}

// U0 logits, U1 index, U3 n
static void write_argmax(mx_lowering *l) {
  vec(l, MOV, 1, 0, 0, 3, (modifiers){.red = MX_RED_ARGMAX});
  end(l);
}

static void write_program(mx_lowering *l, const mx_ucode_entry *e) {
  switch (e->kind) {
    case MX_UC_NORM: write_norm(l, e->quant); break;
    case MX_UC_HEAD_NORM: write_head_norm(l); break;
    case MX_UC_SPREAD: write_spread(l); break;
    case MX_UC_FACTOR: write_factor(l); break;
    case MX_UC_ROPE: write_rope(l); break;
    case MX_UC_ROPE_HEADS: write_rope_heads(l); break;
    case MX_UC_HEADS: write_heads(l, e->quant, e->stride); break;
    case MX_UC_VALUES: write_values(l, e->quant, e->stride); break;
    case MX_UC_SOFTMAX: write_softmax(l, false); break;
    case MX_UC_CAUSAL: write_softmax(l, true); break;
    case MX_UC_GATHER: write_gather(l); break;
    case MX_UC_GATHER_QUANT: write_gather_quant(l, e->quant, e->stride); break;
    case MX_UC_QUANT: write_quant(l, e->quant); break;
    case MX_UC_ADD: write_add(l); break;
    case MX_UC_MUL: write_mul(l); break;
    case MX_UC_SILU: write_silu(l, e->quant); break;
    case MX_UC_BUTTERFLY: write_butterfly(l); break;
    case MX_UC_ARGMAX: write_argmax(l); break;
  }
}

static bool same_step(mx_quant_step a, mx_quant_step b) {
  return a.on == b.on && a.fixed == b.fixed && a.bits == b.bits && a.block == b.block;
}

uint32_t mx_ucode_entry_of(mx_lowering *l, mx_ucode_kind kind, mx_quant_step quant_step, uint32_t stride) {
  mx_ucode *u = &l->ucode;
  for (uint32_t i = 0; i < u->n_entries; i++) {
    const mx_ucode_entry *e = &u->entries[i];
    if (e->kind == kind && same_step(e->quant, quant_step) && e->stride == stride) return e->entry;
  }
  uint32_t most = l->params->UCODE_WORDS;
  mx_ucode_entry e = {kind, quant_step, stride, u->n_words};
  write_program(l, &e);
  if (u->n_entries == MX_MAX_ENTRIES || u->n_words > most)
    mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "the vector programs need %u words, the control store of %s has %u", u->n_words,
            l->params->name, most);
  else
    u->entries[u->n_entries++] = e;
  return e.entry;
}
