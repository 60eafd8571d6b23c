#include "tests/rtl/seq_model.h"

#include <string.h>

#include "tests/rtl/tb.h"

static unsigned op_of(const mx_insn *in) { return in->word[0] & 31; }
static uint32_t get(const mx_insn *in, unsigned field) { return (uint32_t)mx_get(in, field); }

// Legality, from the definition's text.
static bool matmul_legal(const mx_insn *in, const seq_params *p) {
  bool zero = get(in, MX_F_MATMUL_zero), codebook = get(in, MX_F_MATMUL_codebook);
  uint32_t bits = get(in, MX_F_MATMUL_bits), scale = get(in, MX_F_MATMUL_scale);
  if (bits == 3 || scale == 3 || get(in, MX_F_MATMUL_tokens) >= p->tokens) return false;
  if (codebook && (!p->codebook || bits)) return false;
  if (zero && !p->zero_point) return false;
  if (get(in, MX_F_MATMUL_planar) && (bits || scale || zero || codebook)) return false;
  return get(in, MX_F_MATMUL_x) % 16 == 0;
}

static bool put_legal(const mx_insn *in, const seq_params *p) {
  if (get(in, MX_F_PUTEXP_bank) >= p->tokens || get(in, MX_F_PUTEXP_x) % 16) return false;
  if (op_of(in) == MX_OP_PUTEXP) return true;
  uint32_t bits = get(in, MX_F_PUTROW_bits);
  if (bits == 1 || bits == 3) return false;
  return op_of(in) != MX_OP_PUTCOL || bits || get(in, MX_F_PUTCOL_count) % 2 == 0;
}

static bool legal(const mx_insn *in, const seq_params *p) {
  if (mx_reserved_bits_set(in)) return false;
  switch (op_of(in)) {
    case MX_OP_MATMUL: return matmul_legal(in, p);
    case MX_OP_PUTROW: case MX_OP_PUTCOL: case MX_OP_PUTEXP: return put_legal(in, p);
    case MX_OP_LOOP: return get(in, MX_F_LOOP_d) != 0;
    default: return true;
  }
}

// Random programs. A[12..15] count loops; nothing else in a program writes them.
enum { LOOP_REGISTER = 12, MAX_NESTING = 3, OPS = 15 };

static void put(mx_insn *in, unsigned field, uint64_t value) { mx_put(in, field, value); }

static void random_fields(mx_insn *in, unsigned op) {
  for (int i = 0; i < 4; i++) in->word[i] = 0;
  const char *name = mx_op_find(op)->name;
  for (const mx_field_info *f = mx_fields; f->op; f++)
    if (!strcmp(f->op, name)) {
      uint64_t mask = f->msb - f->lsb == 63 ? ~0ull : (1ull << (f->msb - f->lsb + 1)) - 1;
      put(in, f->msb * 256 + f->lsb, tb_random() >> tb_random_below(64) & mask);
    }
  in->word[0] |= op | (uint32_t)(tb_random_below(3) ? 0 : tb_random_below(8)) << MX_WAIT_LSB;
}

static void random_instruction(mx_insn *in, const seq_params *p) {
  static const uint8_t ops[] = {MX_OP_FENCE, MX_OP_ARG, MX_OP_ARG, MX_OP_TABLE, MX_OP_STREAM, MX_OP_MATMUL, MX_OP_VEC,
                                MX_OP_LOAD, MX_OP_STORE, MX_OP_PUTROW, MX_OP_PUTCOL, MX_OP_PUTEXP, MX_OP_UCODE};
  unsigned op = ops[tb_random_below(sizeof ops)];
  do {
    random_fields(in, op);
    if (op == MX_OP_ARG && get(in, MX_F_ARG_d) >= LOOP_REGISTER) put(in, MX_F_ARG_d, tb_random_below(LOOP_REGISTER));
    if (op == MX_OP_STREAM && p->bus_bits > 128) put(in, MX_F_STREAM_unit16, get(in, MX_F_STREAM_unit16) & ~1u);
    if (op == MX_OP_MATMUL) put(in, MX_F_MATMUL_x, get(in, MX_F_MATMUL_x) & ~15u), put(in, MX_F_MATMUL_tokens, 0);
    if (op >= MX_OP_PUTROW && op <= MX_OP_PUTEXP) put(in, MX_F_PUTEXP_x, get(in, MX_F_PUTEXP_x) & ~15u);
    if (op >= MX_OP_PUTROW && op <= MX_OP_PUTEXP) put(in, MX_F_PUTEXP_bank, tb_random_below(p->tokens));
  } while (!legal(in, p));
}

static mx_insn *append(seq_model *m) { return &m->code[m->length++]; }

static void ident(seq_model *m) {
  mx_insn *in = append(m);
  random_fields(in, MX_OP_IDENT);
  put(in, MX_F_IDENT_build_id, m->params.build_id);
}

static void random_block(seq_model *m, unsigned nesting) {
  for (uint64_t i = 1 + tb_random_below(8); i && m->length < SEQ_MAX_INSTRUCTIONS / 2; i--) {
    if (nesting == MAX_NESTING || tb_random_below(6)) {
      if (tb_random_below(16)) random_instruction(append(m), &m->params);
      else ident(m);
      continue;
    }
    mx_insn *in = append(m);  // A[counter] = 1 .. 4
    random_fields(in, MX_OP_ARG);
    put(in, MX_F_ARG_d, LOOP_REGISTER + nesting);
    put(in, MX_F_ARG_mask, 0);
    put(in, MX_F_ARG_b, 0);
    *append(m) = *in;
    in = &m->code[m->length - 1];
    put(in, MX_F_ARG_a, 0), put(in, MX_F_ARG_shift, 4), put(in, MX_F_ARG_mask, 7), put(in, MX_F_ARG_mul, 1);
    put(in, MX_F_ARG_add, 16 * (1 + tb_random_below(4)) + tb_random_below(16));
    uint32_t target = m->length;
    random_block(m, nesting + 1);
    in = append(m);
    random_fields(in, MX_OP_LOOP);
    put(in, MX_F_LOOP_d, LOOP_REGISTER + nesting), put(in, MX_F_LOOP_target, target);
  }
}

static void break_something(seq_model *m) {
  mx_insn *in = &m->code[tb_random_below(m->length)];
  switch (tb_random_below(6)) {
    case 0: in->word[0] = (in->word[0] & ~31u) | (uint32_t)tb_random_below(32); break;
    case 1: case 2: in->word[tb_random_below(4)] ^= 1u << tb_random_below(32); break;
    case 3: random_fields(in, (unsigned)tb_random_below(OPS)); break;
    case 4: random_fields(in, MX_OP_MATMUL); put(in, MX_F_MATMUL_x, 16); break;
    default: random_fields(in, MX_OP_PUTCOL); put(in, MX_F_PUTCOL_x, 32); break;
  }
}

void seq_model_random(seq_model *m, const seq_params *p, uint32_t alignment) {
  *m = (seq_model){.params = *p};
  ident(m);
  random_block(m, 0);
  bool off_the_end = tb_random_below(8) == 0;
  if (off_the_end && tb_random() & 1) {
    random_fields(append(m), MX_OP_LOOP);
    put(&m->code[m->length - 1], MX_F_LOOP_d, 1);
    put(&m->code[m->length - 1], MX_F_LOOP_target, tb_random() >> tb_random_below(32) & 0xffffffff);
  }
  if (!off_the_end) random_fields(append(m), MX_OP_HALT);
  if (tb_random_below(3) == 0) break_something(m);
  m->program = alignment * (uint32_t)tb_random_below(64);
  uint32_t end = m->program + MX_INSTRUCTION_BYTES * m->length;
  m->mem_size = (end + alignment - 1) / alignment * alignment;
  if (!off_the_end) m->mem_size += alignment * (uint32_t)tb_random_below(8);
  if (tb_random_below(32) == 0) m->program += 4 * (1 + (uint32_t)tb_random_below(alignment / 4 - 1));
  m->leftover = tb_random_below(16) == 0;
}

uint8_t seq_model_byte(const seq_model *m, uint32_t addr) {
  uint32_t at = addr - m->program;
  if (at >= MX_INSTRUCTION_BYTES * m->length) return (uint8_t)(addr * 37);
  return (uint8_t)(m->code[at / 16].word[at % 16 / 4] >> 8 * (at % 4));
}

// What the instruction at pc becomes, or how the program ends there.
static uint32_t a_of(const seq_model *m, unsigned field) { return m->a[get(&m->insn, field)]; }

static uint32_t arg_value(const seq_model *m) {
  const mx_insn *in = &m->insn;
  uint32_t x = (a_of(m, MX_F_ARG_a) + get(in, MX_F_ARG_add)) >> get(in, MX_F_ARG_shift) & get(in, MX_F_ARG_mask);
  return x * get(in, MX_F_ARG_mul) + a_of(m, MX_F_ARG_b);
}

static void make_stream(seq_model *m) {
  const mx_insn *in = &m->insn;
  seq_command *c = &m->command;
  c->addr = get(in, MX_F_STREAM_addr) + a_of(m, MX_F_STREAM_a);
  c->count = (uint16_t)(get(in, MX_F_STREAM_segments) + a_of(m, MX_F_STREAM_n));
  uint16_t units = (uint16_t)(get(in, MX_F_STREAM_units) + a_of(m, MX_F_STREAM_u));
  uint32_t bytes = units * get(in, MX_F_STREAM_unit16) * 16;
  c->seg_beats = bytes / (m->params.bus_bits / 8);
  c->stride = get(in, MX_F_STREAM_stride);
  if (c->count && bytes % (m->params.bus_bits / 8)) m->end = MX_FAULT_ALIGN;
}

static void make_matmul(seq_model *m) {
  m->command.count = (uint16_t)(get(&m->insn, MX_F_MATMUL_groups) + a_of(m, MX_F_MATMUL_n));
  m->command.blocks = (uint16_t)(get(&m->insn, MX_F_MATMUL_blocks) + a_of(m, MX_F_MATMUL_k));
}

static void make_vec(seq_model *m) {
  for (unsigned i = 0; i < 6; i++) m->command.u[i] = (uint16_t)(m->insn.word[1 + i / 2] >> 16 * (i % 2));
  m->command.u[6] = (uint16_t)a_of(m, MX_F_VEC_r);
  m->command.u[7] = (uint16_t)a_of(m, MX_F_VEC_s);
}

static void make_move(seq_model *m) {
  const mx_insn *in = &m->insn;
  unsigned op = op_of(in);
  seq_command *c = &m->command;
  c->addr = get(in, MX_F_LOAD_addr) + (op == MX_OP_UCODE ? 0 : a_of(m, MX_F_LOAD_a));
  c->count = (uint16_t)get(in, MX_F_LOAD_count);
  if (op == MX_OP_LOAD || op == MX_OP_STORE) c->count = (uint16_t)(c->count + a_of(m, MX_F_LOAD_n));
  c->row = a_of(m, MX_F_PUTROW_r);
}

static void make_command(seq_model *m) {
  switch (op_of(&m->insn)) {
    case MX_OP_STREAM: make_stream(m); break;
    case MX_OP_MATMUL: make_matmul(m); break;
    case MX_OP_VEC: make_vec(m); break;
    case MX_OP_ARG: m->command.value = arg_value(m); break;
    case MX_OP_LOOP: m->command.value = a_of(m, MX_F_LOOP_d) - 1; break;
    case MX_OP_HALT: if (m->leftover) m->end = MX_FAULT_STREAM; break;
    case MX_OP_IDENT: if (get(&m->insn, MX_F_IDENT_build_id) != m->params.build_id) m->end = MX_FAULT_BUILD_ID; break;
    default: if (seq_model_unit(m) == 3) make_move(m);
  }
}

static void examine(seq_model *m, bool first) {
  m->end = SEQ_RUNS;
  if (m->pc + (uint64_t)MX_INSTRUCTION_BYTES > m->mem_size) {
    m->end = MX_FAULT_RANGE;
    return;
  }
  for (uint32_t i = 0; i < 16; i++)
    m->insn.word[i / 4] = m->insn.word[i / 4] >> 8 | (uint32_t)seq_model_byte(m, m->pc + i) << 24;
  if (!legal(&m->insn, &m->params) || (first && op_of(&m->insn) != MX_OP_IDENT)) m->end = MX_FAULT_ILLEGAL;
  else make_command(m);
}

void seq_model_start(seq_model *m, const uint32_t args[MX_ARGS]) {
  for (unsigned i = 0; i < MX_AREGS; i++) m->a[i] = i && i <= MX_ARGS ? args[i - 1] : 0;
  m->pc = m->last_pc = m->program;
  uint32_t beat = m->params.bus_bits / 8, alignment = beat > 16 ? beat : 16;
  if (m->program % alignment) m->end = MX_FAULT_ALIGN;
  else examine(m, true);
}

void seq_model_step(seq_model *m) {
  uint32_t op = op_of(&m->insn), value = m->command.value, next = m->pc + MX_INSTRUCTION_BYTES;
  m->last_pc = m->pc;
  if (op == MX_OP_HALT) {
    m->end = SEQ_HALTED;
    return;
  }
  if (op == MX_OP_ARG && get(&m->insn, MX_F_ARG_d)) m->a[get(&m->insn, MX_F_ARG_d)] = value;
  if (op == MX_OP_LOOP) {
    m->a[get(&m->insn, MX_F_LOOP_d)] = value;
    if (value) next = m->program + MX_INSTRUCTION_BYTES * get(&m->insn, MX_F_LOOP_target);
  }
  m->pc = next;
  examine(m, false);
}

int seq_model_unit(const seq_model *m) {
  switch (op_of(&m->insn)) {
    case MX_OP_STREAM: return 0;
    case MX_OP_MATMUL: return 1;
    case MX_OP_VEC: return 2;
    case MX_OP_LOAD: case MX_OP_STORE: case MX_OP_PUTROW: case MX_OP_PUTCOL: case MX_OP_PUTEXP: case MX_OP_UCODE: return 3;
    default: return -1;
  }
}
