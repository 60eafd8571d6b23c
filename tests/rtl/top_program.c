#include "tests/rtl/top_program.h"

#include "golden/machine.h"
#include "tests/rtl/tb.h"

enum {
  SLOT = 128,             // VMEM words; operands of the vector unit begin at such
  MOST_ELEMENTS = 64, MOST_GROUPS = 2, MOST_BLOCKS = 5,
  WAIT_ALL = MX_WAIT_DOT | MX_WAIT_VEC | MX_WAIT_MOVE,
  COUNTER = 12,           // A register of loops
};

static uint32_t below(uint32_t n) { return (uint32_t)tb_random_below(n); }

void top_begin(top_program *t, const mx_params *p, uint8_t *memory, const uint32_t args[MX_ARGS]) {
  *t = (top_program){.params = p, .memory = memory};
  for (unsigned i = 0; i < MX_ARGS; i++) t->a[i + 1] = args[i];
}

mx_insn top_insn(unsigned op, unsigned waits) { return (mx_insn){{op | waits << MX_WAIT_LSB, 0, 0, 0}}; }

void top_put(mx_insn *in, unsigned field, uint64_t value) {
  TB_CHECK(mx_put(in, field, value), "the test puts %lX into a field %u:%u", value, field / 256, field % 256);
}

void top_word(uint8_t *memory, uint32_t addr, uint32_t value) {
  for (unsigned i = 0; i < 4; i++) memory[addr + i] = (uint8_t)(value >> 8 * i);
}

void top_append(top_program *t, mx_insn in) {
  for (unsigned i = 0; i < 4; i++)
    top_word(t->memory, TOP_PROGRAM + MX_INSTRUCTION_BYTES * t->length + 4 * i, in.word[i]);
  t->length++;
}

void top_simple(top_program *t, unsigned op, unsigned waits) { top_append(t, top_insn(op, waits)); }

void top_ident(top_program *t) {
  mx_insn in = top_insn(MX_OP_IDENT, 0);
  top_put(&in, MX_F_IDENT_build_id, t->params->build_id);
  top_append(t, in);
}

void top_copy(top_program *t, unsigned op, uint32_t addr, uint32_t at, uint32_t count, unsigned format) {
  mx_insn in = top_insn(op, WAIT_ALL);
  top_put(&in, MX_F_LOAD_addr, addr);
  top_put(&in, MX_F_LOAD_dst, at);
  top_put(&in, MX_F_LOAD_count, count);
  if (op == MX_OP_LOAD) top_put(&in, MX_F_LOAD_format, format);
  top_append(t, in);
}

void top_fill(uint8_t *memory) {
  for (uint32_t i = 0; i < TOP_DATA_BYTES; i++) memory[TOP_DATA + i] = (uint8_t)tb_random();
  for (uint32_t i = 3; i < TOP_DATA_BYTES; i += 4)  // most words of moderate size
    if (below(8)) memory[TOP_DATA + i] = (uint8_t)(0x3c + below(8) + 128 * below(2));
  for (uint32_t i = 0; i < TOP_WEIGHTS_BYTES; i++) memory[TOP_WEIGHTS + i] = (uint8_t)tb_random();
}

// ---- microprograms ----
static uint32_t *micro_at;  // next word, and where they end
static uint32_t micro[1024];

static uint32_t uput(uint32_t word, unsigned field, uint32_t value) { return word | value << field % 256; }

static void uimm(unsigned op, unsigned d, unsigned a, uint32_t imm) {
  uint32_t word = uput(uput((uint32_t)op << MX_UOP_LSB, MX_UF_IMM_d, d), MX_UF_IMM_a, a);
  *micro_at++ = uput(word, MX_UF_IMM_imm, imm & 0xffff);
}

// VMEM part of a unit: 0 dot, 1 vec, 2 move; without overlap all share all.
static uint32_t part_words(const top_program *t) { return t->params->VMEM_WORDS / (t->overlap ? 4 : 1); }
static uint32_t part_start(const top_program *t, unsigned unit) { return t->overlap ? unit * part_words(t) : 0; }
static uint32_t vec_slot(const top_program *t) {
  return part_start(t, 1) + SLOT * below(part_words(t) / SLOT - 4);
}

// U8..U10 addresses, U11 a count, U12 an XMEM element, U13 a loop counter.
static void random_uop(top_program *t, unsigned number) {
  unsigned address[] = {0, 1, 2, 3, 8, 9, 10}, n = below(2) ? 11 : 4 + below(2);
  unsigned a = address[below(7)], b = address[below(7)], dst = address[below(7)];
  if (below(4) == 0) {
    t->quantizes[number] = true;
    uint32_t w = uput((uint32_t)MX_UOP_QUANT << MX_UOP_LSB, MX_UF_QUANT_dst, below(2) ? 12 : 7);
    w = uput(uput(uput(w, MX_UF_QUANT_a, a), MX_UF_QUANT_bank, below(2) ? 6 : 12), MX_UF_QUANT_n, n);
    *micro_at++ = uput(uput(w, MX_UF_QUANT_bits, below(3)), MX_UF_QUANT_block, below(4));
    return;
  }
  unsigned op = MX_UOP_MOV + below(5), red = below(3) ? 0 : 1 + below(3);
  if (red == MX_RED_SUM && (op == MX_UOP_ADD || op == MX_UOP_SUB)) op = MX_UOP_MUL;
  uint32_t w = uput(uput((uint32_t)op << MX_UOP_LSB, MX_UF_VEC_dst, dst), MX_UF_VEC_a, a);
  w = uput(uput(uput(w, MX_UF_VEC_b, b), MX_UF_VEC_n, n), MX_UF_VEC_bcast, below(2));
  *micro_at++ = uput(uput(w, MX_UF_VEC_fn, below(2) ? 0 : below(4)), MX_UF_VEC_red, red);
}

static void random_microprogram(top_program *t, unsigned number) {
  t->entry[number] = (unsigned)(micro_at - micro);
  t->quantizes[number] = false;
  for (unsigned r = 8; r <= 10; r++) uimm(MX_UOP_LI, r, 0, vec_slot(t));
  uimm(MX_UOP_LI, 11, 0, below(MOST_ELEMENTS + 1));
  uimm(MX_UOP_LI, 12, 0, below(65536));
  uimm(MX_UOP_LI, 13, 0, 1 + below(3));
  unsigned start = (unsigned)(micro_at - micro);
  for (unsigned i = 1 + below(4); i; i--) random_uop(t, number);
  uimm(MX_UOP_ADDI, 8, 8, SLOT);
  *micro_at++ = uput(uput(uput((uint32_t)MX_UOP_ADDU << MX_UOP_LSB, MX_UF_REG_d, 12), MX_UF_REG_a, 12), MX_UF_REG_b, 6);
  uimm(MX_UOP_LOOPU, 13, 0, start);
  uimm(MX_UOP_END, 0, 0, 0);
}

// Microprogram 0 fills a bank: QUANT to XMEM 0 .. U5 of bank U4 from VMEM 0.
static void fill_microprogram(top_program *t) {
  t->entry[0] = 0;
  uimm(MX_UOP_LI, 8, 0, 0);
  uint32_t w = uput((uint32_t)MX_UOP_QUANT << MX_UOP_LSB, MX_UF_QUANT_dst, 8);
  w = uput(uput(uput(w, MX_UF_QUANT_a, 8), MX_UF_QUANT_bank, 4), MX_UF_QUANT_n, 5);
  *micro_at++ = uput(w, MX_UF_QUANT_bits, MX_BITS_8);
  uimm(MX_UOP_END, 0, 0, 0);
}

static void random_table(top_program *t, unsigned half) {
  mx_insn in = top_insn(MX_OP_TABLE, MX_WAIT_DOT);
  top_put(&in, MX_F_TABLE_half, half);
  top_put(&in, MX_F_TABLE_entries, tb_random());
  top_append(t, in);
}

void top_prologue(top_program *t) {
  micro_at = micro;
  fill_microprogram(t);
  for (unsigned i = 1; i < TOP_MICROPROGRAMS; i++) random_microprogram(t, i);
  uint32_t words = (uint32_t)(micro_at - micro), most = t->params->UCODE_WORDS;
  TB_CHECK(words <= most, "%u words of microcode, room for %u", words, most);
  for (uint32_t i = 0; i < words; i++) top_word(t->memory, TOP_MICROCODE + 4 * i, micro[i]);
  top_copy(t, MX_OP_UCODE, TOP_MICROCODE, 0, words, 0);
  for (uint32_t at = 0; at < t->params->VMEM_WORDS; at += 4096) top_copy(t, MX_OP_LOAD, TOP_DATA + 4 * at, at, 4096, MX_LOAD_F32);
  for (uint32_t bank = 0; bank < t->params->TOKENS; bank++) {
    mx_insn in = top_insn(MX_OP_VEC, WAIT_ALL);
    top_put(&in, MX_F_VEC_u4, bank);
    top_put(&in, MX_F_VEC_u5, t->params->XMEM_ELEMS);
    top_append(t, in);
  }
  top_simple(t, MX_OP_FENCE, WAIT_ALL);  // the banks are filled from all parts of VMEM
  random_table(t, 0);
  random_table(t, 1);
}

// ---- random instructions ----
static unsigned waits(const top_program *t, unsigned needed) {
  return t->overlap ? needed | (below(4) ? 0 : below(8)) : WAIT_ALL;
}

// field_a names the A register that is added to the 32-bit field: the sum is `want`.
static void put_sum(const top_program *t, mx_insn *in, unsigned field, unsigned field_a, uint32_t want) {
  unsigned a = below(COUNTER);
  top_put(in, field_a, a);
  top_put(in, field, want - t->a[a]);
}
static void put_sum16(const top_program *t, mx_insn *in, unsigned field, unsigned field_a, uint32_t want) {
  unsigned a = below(COUNTER);
  top_put(in, field_a, a);
  top_put(in, field, (want - t->a[a]) & 0xffff);
}

static mx_insn random_matmul(const top_program *t) {
  mx_insn in;
  do {
    in = top_insn(MX_OP_MATMUL, 0);
    top_put(&in, MX_F_MATMUL_bits, below(3));
    top_put(&in, MX_F_MATMUL_scale, below(3));
    top_put(&in, MX_F_MATMUL_zero, below(4) == 0);
    top_put(&in, MX_F_MATMUL_codebook, below(4) == 0);
    top_put(&in, MX_F_MATMUL_planar, below(4) == 0);
    top_put(&in, MX_F_MATMUL_block, below(4));
  } while (mx_insn_illegal(t->params, &in));
  return in;
}

static void random_stream_and_matmul(top_program *t) {
  mx_insn in = random_matmul(t);
  mx_stream_format f = mx_matmul_format(&in);
  uint32_t groups = below(MOST_GROUPS + 1), blocks = below(MOST_BLOCKS + 1);
  uint32_t tokens = 1 + below(t->params->TOKENS), unit = mx_unit_bytes(t->params, &f);
  uint32_t units = below(2) ? blocks : groups * blocks, segments = units == blocks ? groups : 1;
  uint32_t stride = unit * units + 64 * below(4);
  in.word[0] |= waits(t, MX_WAIT_VEC) << MX_WAIT_LSB;
  put_sum16(t, &in, MX_F_MATMUL_groups, MX_F_MATMUL_n, groups);
  put_sum16(t, &in, MX_F_MATMUL_blocks, MX_F_MATMUL_k, blocks);
  top_put(&in, MX_F_MATMUL_frac, below(16));
  top_put(&in, MX_F_MATMUL_x, 16 * below(4096));
  top_put(&in, MX_F_MATMUL_tokens, tokens - 1);
  uint32_t rows = MOST_GROUPS * t->params->GROUP;
  enum { MOST_STRIDE = 128 };
  uint32_t most_words = (t->params->TOKENS - 1) * MOST_STRIDE + rows;
  top_put(&in, MX_F_MATMUL_stride, below(2) ? rows : below(MOST_STRIDE + 1));
  top_put(&in, MX_F_MATMUL_dst, part_start(t, 0) + below(part_words(t) - most_words));

  mx_insn stream = top_insn(MX_OP_STREAM, t->overlap ? below(8) : 0);
  uint32_t room = TOP_WEIGHTS_BYTES - (segments + 1) * (stride + unit * units);
  put_sum(t, &stream, MX_F_STREAM_addr, MX_F_STREAM_a, TOP_WEIGHTS + (below(room) & ~63u));
  put_sum16(t, &stream, MX_F_STREAM_segments, MX_F_STREAM_n, segments);
  put_sum16(t, &stream, MX_F_STREAM_units, MX_F_STREAM_u, units);
  top_put(&stream, MX_F_STREAM_unit16, unit / 16);
  top_put(&stream, MX_F_STREAM_stride, stride);
  top_append(t, stream);
  top_append(t, in);
}

static void random_vec(top_program *t) {
  unsigned number = 1 + below(TOP_MICROPROGRAMS - 1);
  mx_insn in = top_insn(MX_OP_VEC, waits(t, t->quantizes[number] ? MX_WAIT_DOT | MX_WAIT_MOVE : 0));
  top_put(&in, MX_F_VEC_entry, t->entry[number]);
  top_put(&in, MX_F_VEC_r, below(COUNTER));
  top_put(&in, MX_F_VEC_s, below(COUNTER));
  static const unsigned fields[] = {MX_F_VEC_u0, MX_F_VEC_u1, MX_F_VEC_u2, MX_F_VEC_u3};
  for (unsigned i = 0; i < 4; i++) top_put(&in, fields[i], vec_slot(t));
  top_put(&in, MX_F_VEC_u4, below(MOST_ELEMENTS + 1));
  top_put(&in, MX_F_VEC_u5, below(MOST_ELEMENTS + 1));
  top_append(t, in);
}

static void random_copy(top_program *t, unsigned op) {
  mx_insn in = top_insn(op, waits(t, 0));
  uint32_t from = op == MX_OP_LOAD ? TOP_DATA : TOP_STORED, bytes = op == MX_OP_LOAD ? TOP_DATA_BYTES : TOP_STORED_BYTES;
  put_sum(t, &in, MX_F_LOAD_addr, MX_F_LOAD_a, from + (below(bytes - 1024) & ~63u));
  put_sum16(t, &in, MX_F_LOAD_count, MX_F_LOAD_n, below(200));
  top_put(&in, MX_F_LOAD_dst, part_start(t, 2) + below(part_words(t) - 200));
  if (op == MX_OP_LOAD) top_put(&in, MX_F_LOAD_format, below(4));
  top_append(t, in);
}

static void random_put(top_program *t) {
  unsigned op = MX_OP_PUTROW + below(3), bits = below(2) ? MX_BITS_4 : MX_BITS_8;
  mx_insn in = top_insn(op, waits(t, MX_WAIT_VEC));
  uint32_t addr = TOP_CACHE + below(TOP_CACHE_BYTES / 2);
  put_sum(t, &in, MX_F_PUTROW_addr, MX_F_PUTROW_a, op == MX_OP_PUTEXP ? addr : addr & ~63u);
  top_put(&in, MX_F_PUTROW_bank, below(t->params->TOKENS));
  top_put(&in, MX_F_PUTROW_x, 16 * below(4096));
  if (op != MX_OP_PUTEXP) {
    top_put(&in, MX_F_PUTROW_r, below(COUNTER));
    top_put(&in, MX_F_PUTROW_bits, bits);
    top_put(&in, MX_F_PUTROW_block, below(4));
  }
  if (op == MX_OP_PUTROW) top_put(&in, MX_F_PUTROW_blocks, below(4));
  if (op == MX_OP_PUTCOL) {
    top_put(&in, MX_F_PUTCOL_count, 2 * below(40));
    top_put(&in, MX_F_PUTCOL_stride, 64 * below(80));
  }
  top_append(t, in);
}

// Sets an A register to something; keeps track of its value.
static void random_arg(top_program *t) {
  mx_insn in = top_insn(MX_OP_ARG, below(8));
  unsigned d = below(COUNTER), a = below(COUNTER), b = below(COUNTER), shift = below(32);
  uint32_t add = (uint32_t)tb_random(), mask = (uint32_t)tb_random() >> below(32), mul = (uint32_t)tb_random() >> below(32);
  top_put(&in, MX_F_ARG_d, d), top_put(&in, MX_F_ARG_a, a), top_put(&in, MX_F_ARG_b, b);
  top_put(&in, MX_F_ARG_shift, shift), top_put(&in, MX_F_ARG_add, add);
  top_put(&in, MX_F_ARG_mask, mask), top_put(&in, MX_F_ARG_mul, mul);
  top_append(t, in);
  if (d) t->a[d] = ((t->a[a] + add) >> shift & mask) * mul + t->a[b];
}

static void random_work(top_program *t) {
  switch (below(6)) {
    case 0: case 1: random_stream_and_matmul(t); break;
    case 2: random_vec(t); break;
    case 3: random_copy(t, MX_OP_LOAD); break;
    case 4: random_copy(t, MX_OP_STORE); break;
    default: random_put(t); break;
  }
}

static void random_loop(top_program *t) {
  mx_insn in = top_insn(MX_OP_ARG, 0);
  top_put(&in, MX_F_ARG_d, COUNTER);
  top_put(&in, MX_F_ARG_add, 1 + below(3));
  top_put(&in, MX_F_ARG_mask, 3);
  top_put(&in, MX_F_ARG_mul, 1);
  top_append(t, in);
  uint32_t target = t->length;
  for (unsigned i = 1 + below(4); i; i--) random_work(t);
  in = top_insn(MX_OP_LOOP, below(8));
  top_put(&in, MX_F_LOOP_d, COUNTER);
  top_put(&in, MX_F_LOOP_target, target);
  top_append(t, in);
}

void top_random(top_program *t, unsigned instructions) {
  for (unsigned i = 0; i < instructions; i++) {
    switch (below(16)) {
      case 0: random_arg(t); break;
      case 1: random_table(t, below(2)); break;
      case 2: random_loop(t); break;
      case 3: top_simple(t, MX_OP_FENCE, below(8)); break;
      case 4: top_ident(t); break;
      default: random_work(t); break;
    }
  }
  top_simple(t, MX_OP_HALT, 0);
}
