// Waits in compiled programs, judged by a checker that knows nothing of the
// compiler: it decodes the image, follows the microcode, works out what each
// instruction reads and writes, and asks that two instructions of different
// units that touch the same place have a wait between them. Units by themselves
// keep their order; a stream has been read when its MATMUL has finished.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/asm/asm.h"
#include "golden/machine.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"

enum { MOST_ACCESSES = 1024, MOST_INSNS = 4096 };
enum { PLACE_VMEM, PLACE_MEMORY, PLACE_TABLE, PLACE_BANK };  // PLACE_BANK + t: XMEM bank t

typedef struct { unsigned place; bool write; uint64_t low, high; } access;
typedef struct {
  mx_insn in;
  unsigned op, unit;
  uint32_t n;
  access list[MOST_ACCESSES];
  uint64_t stream_bytes;  // of a STREAM, and what a MATMUL eats
} insn;

typedef struct {
  const mx_image *image;
  const mx_params *p;
  uint32_t a[MX_AREGS];
  uint16_t u[MX_UREGS];
  uint32_t ucode[1024];
  insn *insns;
  uint32_t n;
} program;

static uint32_t get(const insn *x, unsigned field) { return (uint32_t)mx_get(&x->in, field); }

static void touch(insn *x, unsigned place, bool write, uint64_t low, uint64_t size) {
  if (!size) return;
  assert_true(x->n < MOST_ACCESSES);
  x->list[x->n++] = (access){place, write, low, low + size};
}

// On-chip ranges of compiled programs do not wrap.
static void touch_vmem(const program *g, insn *x, bool write, uint32_t low, uint32_t size) {
  assert_true(low + size <= g->p->VMEM_WORDS);
  touch(x, PLACE_VMEM, write, low, size);
}

static void touch_bank(const program *g, insn *x, bool write, uint32_t bank, uint32_t low, uint32_t size) {
  assert_true(low + size <= g->p->XMEM_ELEMS && bank < g->p->TOKENS);
  touch(x, PLACE_BANK + bank, write, low, size);
}

// ---- microcode ----------------------------------------------------------------------

static uint32_t ureg(const program *g, uint32_t word, unsigned field) { return g->u[mx_uget(word, field)]; }

static void touch_quant(program *g, insn *x, uint32_t w) {
  uint32_t block = 16u << mx_uget(w, MX_UF_QUANT_block), n = ureg(g, w, MX_UF_QUANT_n);
  touch_vmem(g, x, false, ureg(g, w, MX_UF_QUANT_a) / 4 * 4, n);
  touch_bank(g, x, true, ureg(g, w, MX_UF_QUANT_bank), ureg(g, w, MX_UF_QUANT_dst) / 16 * 16, (n + block - 1) / block * block);
}

// golden/vec.h: hardware reads up to 64 words ahead of what it writes.
static void check_overlap(const program *g, uint32_t dst, uint32_t source, uint32_t n) {
  uint32_t ahead = (dst - source) % g->p->VMEM_WORDS;
  assert_true(ahead == 0 || ahead >= n || ahead >= MX_VEC_OVERLAP);
}

static void touch_vector(program *g, insn *x, uint32_t w) {
  uint32_t n = ureg(g, w, MX_UF_VEC_n), a = ureg(g, w, MX_UF_VEC_a) / 4 * 4, b = ureg(g, w, MX_UF_VEC_b);
  uint32_t dst = ureg(g, w, MX_UF_VEC_dst);
  bool uses_b = w >> MX_UOP_LSB != MX_UOP_MOV, bcast = mx_uget(w, MX_UF_VEC_bcast), reduces = mx_uget(w, MX_UF_VEC_red);
  touch_vmem(g, x, false, a, n);
  if (uses_b) touch_vmem(g, x, false, bcast ? b : b / 4 * 4, bcast ? 1 : n);
  touch_vmem(g, x, true, reduces ? dst : dst / 4 * 4, reduces ? 1 : n);
  if (reduces) return;
  check_overlap(g, dst / 4 * 4, a, n);
  if (uses_b && !bcast) check_overlap(g, dst / 4 * 4, b / 4 * 4, n);
}

static void follow_microcode(program *g, insn *x) {
  static const unsigned fields[6] = {MX_F_VEC_u0, MX_F_VEC_u1, MX_F_VEC_u2, MX_F_VEC_u3, MX_F_VEC_u4, MX_F_VEC_u5};
  for (unsigned i = 0; i < 6; i++) g->u[i] = (uint16_t)get(x, fields[i]);
  g->u[6] = (uint16_t)g->a[get(x, MX_F_VEC_r)];
  g->u[7] = (uint16_t)g->a[get(x, MX_F_VEC_s)];
  for (uint32_t pc = get(x, MX_F_VEC_entry), steps = 0;; pc++, steps++) {
    assert_true(pc < g->p->UCODE_WORDS && steps < 10000);
    uint32_t w = g->ucode[pc], op = w >> MX_UOP_LSB, imm = mx_uget(w, MX_UF_IMM_imm);
    uint16_t *d = &g->u[mx_uget(w, MX_UF_IMM_d)];
    if (op == MX_UOP_END) return;
    if (op == MX_UOP_LI) *d = (uint16_t)imm;
    else if (op == MX_UOP_ADDI) *d = (uint16_t)(ureg(g, w, MX_UF_IMM_a) + imm);
    else if (op == MX_UOP_ADDU) *d = (uint16_t)(ureg(g, w, MX_UF_REG_a) + ureg(g, w, MX_UF_REG_b));
    else if (op == MX_UOP_QUANT) touch_quant(g, x, w);
    else if (op == MX_UOP_LOOPU) pc = --*d ? imm - 1 : pc;
    else touch_vector(g, x, w);
  }
}

// ---- instructions -------------------------------------------------------------------

static void touch_stream(program *g, insn *x) {
  uint32_t addr = get(x, MX_F_STREAM_addr) + g->a[get(x, MX_F_STREAM_a)], stride = get(x, MX_F_STREAM_stride);
  uint32_t n = get(x, MX_F_STREAM_segments) + g->a[get(x, MX_F_STREAM_n)];
  uint32_t bytes = (get(x, MX_F_STREAM_units) + g->a[get(x, MX_F_STREAM_u)]) * get(x, MX_F_STREAM_unit16) * 16;
  for (uint32_t i = 0; i < n; i++) touch(x, PLACE_MEMORY, false, addr + (uint64_t)i * stride, bytes);
  x->stream_bytes = (uint64_t)n * bytes;
}

static void touch_matmul(program *g, insn *x) {
  mx_stream_format f = mx_matmul_format(&x->in);
  uint32_t groups = get(x, MX_F_MATMUL_groups) + g->a[get(x, MX_F_MATMUL_n)];
  uint32_t blocks = get(x, MX_F_MATMUL_blocks) + g->a[get(x, MX_F_MATMUL_k)];
  for (uint32_t t = 0; t <= get(x, MX_F_MATMUL_tokens); t++) {
    touch_bank(g, x, false, t, get(x, MX_F_MATMUL_x), blocks * mx_block_length(&f));
    touch_vmem(g, x, true, get(x, MX_F_MATMUL_dst) + t * get(x, MX_F_MATMUL_stride), groups * g->p->GROUP);
  }
  if (get(x, MX_F_MATMUL_codebook)) touch(x, PLACE_TABLE, false, 0, 16);
  x->stream_bytes = (uint64_t)groups * blocks * mx_unit_bytes(g->p, &f);
}

static void touch_load(program *g, insn *x) {
  uint32_t addr = get(x, MX_F_LOAD_addr) + g->a[get(x, MX_F_LOAD_a)], format = get(x, MX_F_LOAD_format);
  uint32_t count = (get(x, MX_F_LOAD_count) + g->a[get(x, MX_F_LOAD_n)]) & 0xffff, beat = mx_beat_bytes(g->p);
  uint32_t bytes = count * (format == MX_LOAD_F32 ? 4 : format == MX_LOAD_E8M0 ? 1 : 2);
  touch(x, PLACE_MEMORY, false, addr, (bytes + beat - 1) / beat * beat);
  touch_vmem(g, x, true, get(x, MX_F_LOAD_dst), count);
}

static void touch_store(program *g, insn *x) {
  uint32_t count = (get(x, MX_F_STORE_count) + g->a[get(x, MX_F_STORE_n)]) & 0xffff;
  touch(x, PLACE_MEMORY, true, get(x, MX_F_STORE_addr) + g->a[get(x, MX_F_STORE_a)], 4 * count);
  touch_vmem(g, x, false, get(x, MX_F_STORE_src), count);
}

static void touch_putrow(program *g, insn *x) {
  mx_stream_format f = {.bits = get(x, MX_F_PUTROW_bits), .scale = MX_SCALE_E8M0, .block = get(x, MX_F_PUTROW_block)};
  uint32_t blocks = get(x, MX_F_PUTROW_blocks);
  touch_bank(g, x, false, get(x, MX_F_PUTROW_bank), get(x, MX_F_PUTROW_x), blocks * mx_block_length(&f));
  touch(x, PLACE_MEMORY, true, get(x, MX_F_PUTROW_addr) + g->a[get(x, MX_F_PUTROW_a)], blocks * mx_unit_bytes(g->p, &f));
}

static void touch_putcol(program *g, insn *x) {
  unsigned bits = get(x, MX_F_PUTCOL_bits);
  mx_stream_format f = {.bits = bits, .planar = bits == MX_BITS_4, .block = get(x, MX_F_PUTCOL_block)};
  uint32_t count = get(x, MX_F_PUTCOL_count), addr = get(x, MX_F_PUTCOL_addr) + g->a[get(x, MX_F_PUTCOL_a)];
  touch_bank(g, x, false, get(x, MX_F_PUTCOL_bank), get(x, MX_F_PUTCOL_x), count);
  for (uint32_t group = 0; group * g->p->GROUP < count; group++)
    touch(x, PLACE_MEMORY, true, addr + group * get(x, MX_F_PUTCOL_stride), mx_unit_bytes(g->p, &f));
}

static void touch_putexp(program *g, insn *x) {
  touch_bank(g, x, false, get(x, MX_F_PUTEXP_bank), get(x, MX_F_PUTEXP_x), 16);
  touch(x, PLACE_MEMORY, true, get(x, MX_F_PUTEXP_addr) + g->a[get(x, MX_F_PUTEXP_a)], 1);
}

static void run_arg(program *g, const insn *x) {
  uint32_t sum = g->a[get(x, MX_F_ARG_a)] + get(x, MX_F_ARG_add);
  uint32_t value = (sum >> get(x, MX_F_ARG_shift) & get(x, MX_F_ARG_mask)) * get(x, MX_F_ARG_mul) + g->a[get(x, MX_F_ARG_b)];
  if (get(x, MX_F_ARG_d)) g->a[get(x, MX_F_ARG_d)] = value;
}

static void decode(program *g, insn *x) {
  switch (x->op) {
    case MX_OP_ARG: run_arg(g, x); break;
    case MX_OP_TABLE: touch(x, PLACE_TABLE, true, get(x, MX_F_TABLE_half) * 8, 8); break;
    case MX_OP_STREAM: touch_stream(g, x); break;
    case MX_OP_MATMUL: touch_matmul(g, x); break;
    case MX_OP_VEC: follow_microcode(g, x); break;
    case MX_OP_LOAD: touch_load(g, x); break;
    case MX_OP_STORE: touch_store(g, x); break;
    case MX_OP_PUTROW: touch_putrow(g, x); break;
    case MX_OP_PUTCOL: touch_putcol(g, x); break;
    case MX_OP_PUTEXP: touch_putexp(g, x); break;
    case MX_OP_LOOP: assert_int_equal(--g->a[get(x, MX_F_LOOP_d)], 0); break;
    case MX_OP_IDENT: case MX_OP_HALT: case MX_OP_FENCE: break;
    default: fail_msg("compiled programs have no instruction %u", x->op);
  }
}

static uint32_t word_at(const mx_image *image, uint32_t addr) {
  return mx_load_u32(image->memory + addr);
}

// The control store as the init program leaves it.
static void load_microcode(program *g) {
  for (uint32_t at = g->image->init_entry;; at += MX_INSTRUCTION_BYTES) {
    insn x = {.in = {{word_at(g->image, at), word_at(g->image, at + 4), word_at(g->image, at + 8), word_at(g->image, at + 12)}}};
    unsigned op = x.in.word[0] & 31;
    if (op == MX_OP_HALT) return;
    for (uint32_t i = 0; op == MX_OP_UCODE && i < get(&x, MX_F_UCODE_count); i++)
      g->ucode[(get(&x, MX_F_UCODE_dst) + i) % g->p->UCODE_WORDS] = word_at(g->image, get(&x, MX_F_UCODE_addr) + 4 * i);
  }
}

// ARG3 is 1: all of a batch's program runs.
static void read_program(program *g, const mx_image *image, uint32_t entry, uint32_t token, uint32_t position) {
  insn *insns = g->insns;
  *g = (program){.image = image, .p = image->params, .insns = insns, .a = {0, token, position, 1}};
  load_microcode(g);
  for (uint32_t at = entry;; at += MX_INSTRUCTION_BYTES) {
    assert_true(g->n < MOST_INSNS);
    insn *x = &g->insns[g->n++];
    *x = (insn){.in = {{word_at(image, at), word_at(image, at + 4), word_at(image, at + 8), word_at(image, at + 12)}}};
    x->op = x->in.word[0] & 31;
    x->unit = mx_op_find(x->op)->unit;
    assert_false(mx_insn_illegal(g->p, &x->in));
    decode(g, x);
    if (x->op == MX_OP_HALT) return;
  }
}

// ---- the judgement -----------------------------------------------------------------------

static bool conflict(const insn *x, const insn *y) {
  for (uint32_t i = 0; i < x->n; i++)
    for (uint32_t k = 0; k < y->n; k++) {
      const access *a = &x->list[i], *b = &y->list[k];
      if (a->place == b->place && (a->write || b->write) && a->low < b->high && b->low < a->high) return true;
    }
  return false;
}

// done[i]: known to have finished when instruction `now` issues.
static void finish(const program *g, uint32_t now, bool *done) {
  unsigned wait = g->insns[now].in.word[0] >> MX_WAIT_LSB & 7;
  if (g->insns[now].op == MX_OP_HALT) wait = 7;
  if (g->insns[now].op == MX_OP_VEC) wait |= MX_WAIT_VEC;  // issues when the unit is idle
  uint32_t eaten = 0, streams = 0;  // MATMULs issued so far, which have that many streams
  for (uint32_t i = 0; i < now; i++) eaten += g->insns[i].op == MX_OP_MATMUL;
  for (uint32_t i = 0; i < now; i++) {
    unsigned unit = g->insns[i].unit;
    if (unit == MX_UNIT_STREAM) unit = streams++ < eaten ? MX_UNIT_DOT : MX_UNIT_STREAM;
    if (unit == MX_UNIT_DOT && (wait & MX_WAIT_DOT)) done[i] = true;
    if (unit == MX_UNIT_VEC && (wait & MX_WAIT_VEC)) done[i] = true;
    if (unit == MX_UNIT_MOVE && (wait & MX_WAIT_MOVE)) done[i] = true;
  }
}

// The first pair without a wait between them, or false.
static bool find_race(const program *g, uint32_t *first, uint32_t *second) {
  bool *done = calloc(g->n, 1), found = false;
  assert_non_null(done);
  for (uint32_t now = 0; now < g->n && !found; now++) {
    finish(g, now, done);
    for (uint32_t i = 0; i < now && !found; i++) {
      if (done[i] || g->insns[i].unit == g->insns[now].unit || g->insns[i].unit == MX_UNIT_SEQ) continue;
      found = conflict(&g->insns[i], &g->insns[now]);
      *first = i;
      *second = now;
    }
  }
  free(done);
  return found;
}

// Each MATMUL eats just its STREAM, and no stream beyond the queue is ahead.
static void check_streams(const program *g) {
  uint64_t bytes[64];
  uint32_t pushed = 0, popped = 0;
  for (uint32_t i = 0; i < g->n; i++) {
    if (g->insns[i].op == MX_OP_STREAM) bytes[pushed++ % 64] = g->insns[i].stream_bytes;
    if (g->insns[i].op == MX_OP_MATMUL) {
      assert_true(popped < pushed);
      assert_int_equal(g->insns[i].stream_bytes, bytes[popped++ % 64]);
    }
    assert_true(pushed - popped <= g->p->STREAM_QUEUE);
  }
  assert_int_equal(pushed, popped);
}

static void fail_race(const program *g, uint32_t first, uint32_t second) {
  char a[MX_ASM_TEXT_BYTES], b[MX_ASM_TEXT_BYTES];
  mx_dis_insn(&g->insns[first].in, g->p, a);
  mx_dis_insn(&g->insns[second].in, g->p, b);
  fail_msg("%s: no wait between %u (%s) and %u (%s)", g->p->name, first, a, second, b);
}

static const test_shape shapes[] = {
    {4, 4, 8, 32, 64, 2, 40, "mxint8", MX_BITS_8, MX_BITS_8},   {4, 2, 16, 40, 72, 2, 70, "mxint6:16", MX_BITS_6, MX_BITS_8},
    {6, 2, 24, 96, 100, 2, 64, "int4:64", MX_BITS_8, MX_BITS_4}, {4, 1, 32, 64, 96, 3, 50, "mxint4", MX_BITS_8, MX_BITS_4},
    {5, 1, 64, 64, 96, 2, 33, "mxfp4", MX_BITS_8, MX_BITS_8},
};
// All that a matrix can be.
static const struct { test_shape shape; test_variant variant; bool rich; } variants[] = {
    {{6, 2, 24, 96, 100, 2, 40, "mxint8", MX_BITS_8, MX_BITS_8}, {"int8row:32", "mxint4:16", MX_BITS_4, true, {true, true}}, false},
    {{4, 4, 40, 64, 76, 2, 70, "mxint8", MX_BITS_8, MX_BITS_4}, {"mxint6:16", NULL, 0, false, {true, false}}, false},
    {{4, 2, 16, 64, 128, 2, 70, "mxint8", MX_BITS_8, MX_BITS_8}, {"codebook:16", "codebook:32", MX_BITS_6, false, {false, true}}, true},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes, N_VARIANTS = sizeof variants / sizeof *variants };

static void check_model(mx_qmodel *q, const mx_params *p, program *g, void (*check)(program *g, const mx_image *image)) {
  mx_image *image = test_compile(q, p->name, 0);
  check(g, image);
  mx_image_free(image);
  mx_qmodel_free(q);
}

static void for_each_shape(void (*check)(program *g, const mx_image *image)) {
  program g = {.insns = calloc(MOST_INSNS, sizeof(insn))};
  assert_non_null(g.insns);
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    for (int i = 0; i < N_SHAPES; i++)
      if (p->CODEBOOK || strcmp(shapes[i].weights, "mxfp4")) check_model(test_qmodel(&shapes[i], 3), p, &g, check);
    check_model(test_large_vocabulary("int8row"), p, &g, check);
    for (int i = 0; i < N_VARIANTS; i++)
      if (p->CODEBOOK || !variants[i].rich)
        check_model(test_variant_qmodel(&variants[i].shape, &variants[i].variant, 3), p, &g, check);
  }
  free(g.insns);
}

static void for_each_image(void (*check)(program *g, const mx_image *image)) {
  for_each_shape(check);
  test_head_norms = true;
  for_each_shape(check);
  test_head_norms = false;
}

static void check_program(program *g, const mx_image *image, uint32_t entry, uint32_t position) {
  uint32_t first, second;
  read_program(g, image, entry, 259, position);
  check_streams(g);
  if (find_race(g, &first, &second)) fail_race(g, first, second);
}

static void check_image(program *g, const mx_image *image) {
  const uint32_t positions[] = {0, 1, 15, 16, 31, 32, image->context_length - 1};
  for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) check_program(g, image, image->token_entry, positions[i]);
  for (size_t i = 0; i < sizeof positions / sizeof *positions && image->batch_tokens; i++)
    if (positions[i] % image->batch_tokens == 0 && positions[i] + image->batch_tokens <= image->context_length)
      check_program(g, image, image->batch_entry, positions[i]);
}

static void test_no_races(void **state) {
  (void)state;
  for_each_image(check_image);
}

// Without its waits each image must race, and most single waits must matter:
// this tries the checker, and that the schedule does not wait for nothing.
static uint32_t tried, missed;

static void drop_waits(program *g, const mx_image *image) {
  uint32_t first, second;
  read_program(g, image, image->token_entry, 259, image->context_length - 1);
  for (uint32_t i = 0; i < g->n; i++) {
    uint32_t kept = g->insns[i].in.word[0];
    for (unsigned bit = MX_WAIT_LSB; bit <= MX_WAIT_MSB; bit++) {
      if (!(kept >> bit & 1)) continue;
      g->insns[i].in.word[0] = kept & ~(1u << bit);
      tried++;
      missed += !find_race(g, &first, &second);
    }
    g->insns[i].in.word[0] = kept;
  }
  for (uint32_t i = 0; i < g->n; i++) g->insns[i].in.word[0] &= ~(7u << MX_WAIT_LSB);
  assert_true(find_race(g, &first, &second));
}

static void test_waits_matter(void **state) {
  (void)state;
  tried = missed = 0;
  for_each_image(drop_waits);
  print_message("%u waits, %u of them to spare\n", tried, missed);
  assert_true(tried > 500 && missed * 4 < tried);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_races), cmocka_unit_test(test_waits_matter)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
