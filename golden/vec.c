#include "golden/vec.h"

#include "golden/fn.h"
#include "golden/fp32.h"
#include "golden/mxint.h"
#include "golden/vec_fast.h"

#define NEGATIVE_INFINITY (MX_FP_SIGN | MX_FP_INF)

static uint16_t reg(const mx_vec_state *s, uint32_t word, unsigned field) {
  return s->u[mx_uget(word, field)];
}

static uint32_t read_word(const mx_vec_state *s, uint32_t address) {
  return s->vmem[(address & 0xFFFF) % s->params->VMEM_WORDS];
}

static void write_word(mx_vec_state *s, uint32_t address, uint32_t value) {
  uint32_t at = (address & 0xFFFF) % s->params->VMEM_WORDS;
  s->vmem[at] = value;
  mx_observe(s->observer, MX_UNIT_VEC, MX_SPACE_VMEM, at, value);
}

static bool hurry(const mx_vec_state *s) { return s->simd && !(s->observer && s->observer->write); }

static uint32_t apply_op(unsigned op, uint32_t a, uint32_t b) {
  switch (op) {
    case MX_UOP_ADD: return mx_fp_add(a, b);
    case MX_UOP_SUB: return mx_fp_sub(a, b);
    case MX_UOP_MUL: return mx_fp_mul(a, b);
    case MX_UOP_MAX: return mx_fp_max(a, b);
    default: return a;
  }
}

static uint32_t apply_fn(unsigned fn, uint32_t x) {
  switch (fn) {
    case MX_FN_EXP2: return mx_fp_exp2(x);
    case MX_FN_RECIP: return mx_fp_recip(x);
    case MX_FN_RSQRT: return mx_fp_rsqrt(x);
    default: return x;
  }
}

// A reduction under way. Only the members of its kind count.
typedef struct {
  unsigned kind;
  uint32_t partial[MX_SUM_PARTIALS];
  uint32_t greatest;
  uint32_t index;
} reduction;

static reduction reduction_begin(unsigned kind) {
  return (reduction){.kind = kind, .greatest = kind == MX_RED_MAX ? NEGATIVE_INFINITY : MX_FP_NAN};
}

static bool is_nan(uint32_t a) { return (a & ~MX_FP_SIGN) > MX_FP_INF; }

static void reduction_add(reduction *r, uint32_t i, uint32_t x) {
  uint32_t *partial = &r->partial[i % MX_SUM_PARTIALS];
  switch (r->kind) {
    case MX_RED_SUM: *partial = mx_fp_add(*partial, x); break;
    case MX_RED_MAX: r->greatest = mx_fp_max(r->greatest, x); break;
    case MX_RED_ARGMAX:
      if (mx_fp_gt(x, r->greatest) || (is_nan(r->greatest) && !is_nan(x))) {
        r->greatest = x;
        r->index = i;
      }
      break;
    default: break;
  }
}

static uint32_t reduction_end(reduction *r) {
  if (r->kind == MX_RED_ARGMAX) return r->index;
  if (r->kind == MX_RED_MAX) return r->greatest;
  for (unsigned w = MX_SUM_PARTIALS / 2; w; w /= 2)
    for (unsigned j = 0; j < w; j++) r->partial[j] = mx_fp_add(r->partial[j], r->partial[j + w]);
  return r->partial[0];
}

static void run_vector(mx_vec_state *s, uint32_t word) {
  unsigned op = word >> MX_UOP_LSB;
  unsigned fn = mx_uget(word, MX_UF_VEC_fn);
  bool bcast = mx_uget(word, MX_UF_VEC_bcast);
  uint32_t a = reg(s, word, MX_UF_VEC_a) & ~3u;
  uint32_t b = reg(s, word, MX_UF_VEC_b);
  uint32_t dst = reg(s, word, MX_UF_VEC_dst);
  uint32_t n = reg(s, word, MX_UF_VEC_n);
  reduction red = reduction_begin(mx_uget(word, MX_UF_VEC_red));
  const mx_vec_operands o = {op, fn, red.kind, bcast, a, bcast ? b : b & ~3u, red.kind ? dst : dst & ~3u, n};
  if (hurry(s) && mx_vec_fast_vector(s, &o)) return;
  uint32_t scalar = read_word(s, b);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t y = bcast ? scalar : read_word(s, (b & ~3u) + i);
    uint32_t r = apply_fn(fn, apply_op(op, read_word(s, a + i), y));
    if (red.kind == MX_RED_NONE)
      write_word(s, (dst & ~3u) + i, r);
    else
      reduction_add(&red, i, r);
  }
  if (red.kind != MX_RED_NONE) write_word(s, dst, reduction_end(&red));
}

// One block's elements and scale; dst is a multiple of 16.
static void write_block(mx_vec_state *s, uint32_t bank, uint32_t dst, uint32_t block,
                        const int8_t *q, uint8_t scale) {
  uint32_t elems = s->params->XMEM_ELEMS;
  for (uint32_t i = 0; i < block; i++) {
    uint32_t at = bank * elems + ((dst + i) & 0xFFFF) % elems;
    s->xmem[at] = q[i];
    mx_observe(s->observer, MX_UNIT_VEC, MX_SPACE_XMEM, at, (uint8_t)q[i]);
  }
  uint32_t at = (bank * elems + (dst & 0xFFFF) % elems) / 16;
  s->xexp[at] = scale;
  mx_observe(s->observer, MX_UNIT_VEC, MX_SPACE_XEXP, at, scale);
}

static void run_quant(mx_vec_state *s, uint32_t word) {
  unsigned bits = mx_uget(word, MX_UF_QUANT_bits);
  bool fixed = mx_uget(word, MX_UF_QUANT_fixed);
  uint32_t block = 16u << mx_uget(word, MX_UF_QUANT_block);
  uint32_t a = reg(s, word, MX_UF_QUANT_a) & ~3u;
  uint32_t dst = reg(s, word, MX_UF_QUANT_dst) & ~15u;
  uint32_t bank = reg(s, word, MX_UF_QUANT_bank) % s->params->TOKENS;
  uint32_t n = reg(s, word, MX_UF_QUANT_n);
  if (hurry(s) && mx_vec_fast_quant(s, &(mx_vec_quant){bits, fixed, block, a, dst, bank, n})) return;
  for (uint32_t done = 0; done < n; done += block) {
    uint32_t v[MX_BLOCK_MAX];
    int8_t q[MX_BLOCK_MAX];
    uint8_t scale;
    uint32_t count = n - done < block ? n - done : block;
    for (uint32_t i = 0; i < count; i++) v[i] = read_word(s, a + done + i);
    if (fixed) mx_quantize_fixed(v, count, block, bits, q, &scale);
    else mx_quantize_block(v, count, block, bits, q, &scale);
    write_block(s, bank, dst + done, block, q, scale);
  }
}

// Executes a legal microinstruction other than END; returns the next address.
static uint32_t step(mx_vec_state *s, uint32_t word, uint32_t pc) {
  uint16_t *d = &s->u[mx_uget(word, MX_UF_IMM_d)];
  uint16_t imm = (uint16_t)mx_uget(word, MX_UF_IMM_imm);
  switch (word >> MX_UOP_LSB) {
    case MX_UOP_LI: *d = imm; break;
    case MX_UOP_ADDI: *d = (uint16_t)(reg(s, word, MX_UF_IMM_a) + imm); break;
    case MX_UOP_ADDU:
      *d = (uint16_t)(reg(s, word, MX_UF_REG_a) + reg(s, word, MX_UF_REG_b));
      break;
    case MX_UOP_LOOPU:
      *d = (uint16_t)(*d - 1);
      if (*d) return imm;
      break;
    case MX_UOP_QUANT: run_quant(s, word); break;
    default: run_vector(s, word); break;
  }
  return pc + 1;
}

unsigned mx_vec_run(mx_vec_state *s, unsigned entry) {
  uint32_t pc = entry;
  for (uint32_t count = 0; count < MX_VEC_WATCHDOG; count++) {
    uint32_t word = s->ucode[pc % s->params->UCODE_WORDS];
    if (mx_ucode_illegal(word)) return MX_FAULT_UCODE;
    if (word >> MX_UOP_LSB == MX_UOP_END) return MX_FAULT_NONE;
    pc = step(s, word, pc);
  }
  return MX_FAULT_WATCHDOG;
}
