#include "tests/rtl/vec_program.h"

#include <stdbool.h>
#include <string.h>

#include "golden/vec.h"
#include "tests/rtl/tb.h"

static vec_program *program;    // that is being made
static unsigned vmem_size;      // words
static bool taken[MX_UREGS];    // registers with a meaning in it
static bool touched[MX_UREGS];  // and those that it has written

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }
static bool one_in(unsigned n) { return !below(n); }

void vec_emit(vec_program *p, uint32_t word) {
  TB_CHECK(p->words < VEC_PROGRAM_WORDS, "the microprogram is too long");
  p->word[p->words++] = word;
}

void vec_emit_imm(vec_program *p, unsigned op, unsigned d, unsigned a, unsigned imm) {
  vec_emit(p, vec_code(op) | vec_field(MX_UF_IMM_d, d) | vec_field(MX_UF_IMM_a, a) |
                  vec_field(MX_UF_IMM_imm, imm & 0xFFFF));
}

static void emit(uint32_t word) { vec_emit(program, word); }

static unsigned free_register(void) {
  unsigned r;
  do r = below(MX_UREGS);
  while (taken[r]);
  taken[r] = true;
  return r;
}

// A register that holds `value`: from the command, or made in the program.
static unsigned operand(unsigned value) {
  unsigned r = free_register();
  if (r < 8 && !touched[r] && one_in(2)) {
    program->u[r] = (uint16_t)value;
  } else if (one_in(3)) {
    unsigned part = below(0x10000);
    vec_emit_imm(program, MX_UOP_LI, r, below(16), part);
    vec_emit_imm(program, MX_UOP_ADDI, r, r, value - part);
  } else if (one_in(3)) {
    unsigned part = below(0x10000), other = free_register();
    vec_emit_imm(program, MX_UOP_LI, r, 0, part);
    vec_emit_imm(program, MX_UOP_LI, other, 0, value - part);
    emit(vec_code(MX_UOP_ADDU) | vec_field(MX_UF_REG_d, r) | vec_field(MX_UF_REG_a, r) |
         vec_field(MX_UF_REG_b, other));
    taken[other] = false;
    touched[other] = true;
  } else {
    vec_emit_imm(program, MX_UOP_LI, r, 0, value);
  }
  touched[r] = true;
  return r;
}

static unsigned random_length(void) {
  switch (below(40)) {
    case 0: return below(vmem_size + 100);
    case 1: return 0;
    case 2: return 16 * (1 + below(8));
    default: return below(71);
  }
}

static unsigned random_address(unsigned near) {
  switch (below(6)) {
    case 0: return near;
    case 1: return near + 4 * below(40);
    case 2: return 0x10000 - below(80);
    case 3: return vmem_size - below(80);
    default: return below(0x10000);
  }
}

// Hardware reads ahead of its writes: golden/vec.h.
static bool overlaps(unsigned dst, unsigned source, unsigned n) {
  unsigned distance = ((dst & ~3u) - (source & ~3u)) % vmem_size;
  return distance > 0 && distance < MX_VEC_OVERLAP && distance < n;
}

static const unsigned vector_ops[] = {MX_UOP_MOV, MX_UOP_ADD, MX_UOP_SUB, MX_UOP_MUL, MX_UOP_MAX};

typedef struct {
  unsigned reg[4];  // registers that a loop around it may advance
  unsigned regs;
  uint32_t word;
} body;

static body random_vector(void) {
  unsigned n = random_length(), op, red, a, b, dst;
  do {
    op = vector_ops[below(5)];
    red = one_in(2) ? MX_RED_NONE : below(4);
  } while (red == MX_RED_SUM && (op == MX_UOP_ADD || op == MX_UOP_SUB));
  do {
    a = random_address(0);
    b = random_address(a);
    dst = random_address(one_in(2) ? a : b);
  } while (red == MX_RED_NONE && (overlaps(dst, a, n) || overlaps(dst, b, n)));
  body y = {.regs = 3, .reg = {operand(a), operand(b), operand(dst)}};
  y.reg[3] = operand(n);
  y.word = vec_code(op) | vec_field(MX_UF_VEC_a, y.reg[0]) | vec_field(MX_UF_VEC_b, y.reg[1]) |
           vec_field(MX_UF_VEC_dst, y.reg[2]) | vec_field(MX_UF_VEC_n, y.reg[3]) |
           vec_field(MX_UF_VEC_bcast, below(2)) | vec_field(MX_UF_VEC_fn, one_in(2) ? 0 : below(4)) |
           vec_field(MX_UF_VEC_red, red);
  return y;
}

static body random_quant(void) {
  body y = {.regs = 2};
  y.reg[0] = operand(random_address(0));
  y.reg[1] = operand(random_address(0));
  y.reg[2] = operand(one_in(4) ? below(0x10000) : below(16));
  y.reg[3] = operand(random_length());
  y.word = vec_code(MX_UOP_QUANT) | vec_field(MX_UF_QUANT_a, y.reg[0]) | vec_field(MX_UF_QUANT_dst, y.reg[1]) |
           vec_field(MX_UF_QUANT_bank, y.reg[2]) | vec_field(MX_UF_QUANT_n, y.reg[3]) |
           vec_field(MX_UF_QUANT_bits, below(3)) | vec_field(MX_UF_QUANT_block, below(4)) |
           vec_field(MX_UF_QUANT_fixed, below(2));
  return y;
}

// One vector or QUANT microinstruction, perhaps in a loop that advances it.
static void random_step(unsigned base) {
  body y = one_in(3) ? random_quant() : random_vector();
  if (one_in(3)) {
    unsigned counter = operand(1 + below(4));
    unsigned start = base + program->words, step = one_in(2) ? 4 * below(64) : below(300) * 4;
    emit(y.word);
    for (unsigned i = 0; i < y.regs; i++) vec_emit_imm(program, MX_UOP_ADDI, y.reg[i], y.reg[i], step);
    vec_emit_imm(program, MX_UOP_LOOPU, counter, 0, start);
    taken[counter] = false;
  } else {
    emit(y.word);
  }
  for (unsigned i = 0; i < 4; i++) taken[y.reg[i]] = false;
}

static uint32_t random_illegal(void) {
  switch (below(6)) {
    case 0: return vec_code(6 + below(2)) | (uint32_t)below(1 << 24);
    case 1: return vec_code(0x0d + below(19)) | (uint32_t)below(1 << 24);
    case 2: return vec_code(MX_UOP_LI + below(12) % 4) | 1u << (24 + below(3));
    case 3: return vec_code(MX_UOP_QUANT) | vec_field(MX_UF_QUANT_bits, 3);
    case 4: return vec_code(MX_UOP_ADD + below(2)) | vec_field(MX_UF_VEC_red, MX_RED_SUM);
    default: {
      static const uint32_t words[] = {
          MX_UOP_END << MX_UOP_LSB | 1u << 5, MX_UOP_LOOPU << MX_UOP_LSB | 1u << 17,
          MX_UOP_ADDU << MX_UOP_LSB | 1u << 11, MX_UOP_QUANT << MX_UOP_LSB | 1,
          MX_UOP_QUANT << MX_UOP_LSB | 4, (uint32_t)MX_UOP_MUL << MX_UOP_LSB | 1,
          (uint32_t)MX_UOP_MAX << MX_UOP_LSB | 1u << 26};
      return words[below(sizeof words / sizeof *words)];
    }
  }
}

void vec_random_program(vec_program *p, unsigned base, unsigned vmem_words) {
  program = p;
  vmem_size = vmem_words;
  memset(taken, 0, sizeof taken);
  memset(touched, 0, sizeof touched);
  taken[8] = true;  // keeps a value from one program to the next
  program->words = 0;
  for (unsigned i = 0; i < 8; i++) program->u[i] = (uint16_t)tb_random();
  for (unsigned steps = 1 + below(4); steps; steps--) random_step(base);
  unsigned n = operand(below(9));  // U8, of an earlier program, is the address
  emit(vec_code(MX_UOP_MOV) | vec_field(MX_UF_VEC_a, 8) | vec_field(MX_UF_VEC_dst, 8) | vec_field(MX_UF_VEC_n, n));
  vec_emit_imm(program, MX_UOP_LI, 8, 0, below(0x10000));
  emit(one_in(8) ? random_illegal() : vec_code(MX_UOP_END));
}
