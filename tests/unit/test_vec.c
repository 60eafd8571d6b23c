// golden/vec: directed microprograms: what the compiler will run (RMSNorm,
// softmax, argmax, QUANT), and each rule of golden/vec.h at its edge.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "golden/fp32.h"
#include "golden/mxint.h"
#include "golden/vec.h"

#define INF MX_FP_INF
#define NEG MX_FP_SIGN
#define NAN_ MX_FP_NAN
#define ONE MX_FP_ONE

enum { WORDS = 1024, ELEMS = 512, TOKENS = 2, STORE = 64, WRITES = 2048 };

// ---- a small machine, its program, and what it wrote ----

typedef struct { mx_space space; uint32_t address, value; } event;

static uint32_t vmem[WORDS], store[STORE];
static int8_t xmem[TOKENS * ELEMS];
static uint8_t xexp[TOKENS * ELEMS / 16];
static event events[WRITES];
static unsigned event_count, program_end;

static void record(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  assert_ptr_equal(self, events);
  assert_int_equal(unit, MX_UNIT_VEC);
  assert_true(event_count < WRITES);
  events[event_count++] = (event){space, address, value};
}

static const mx_params params = {
    .VMEM_WORDS = WORDS, .XMEM_ELEMS = ELEMS, .TOKENS = TOKENS, .UCODE_WORDS = STORE};
static const mx_observer observer = {.write = record, .self = events};
static mx_vec_state s;

static int begin(void **state) {
  (void)state;
  s = (mx_vec_state){.params = &params, .vmem = vmem, .xmem = xmem, .xexp = xexp, .ucode = store,
                     .observer = &observer};
  memset(vmem, 0, sizeof vmem);
  memset(xmem, 0, sizeof xmem);
  memset(xexp, 0, sizeof xexp);
  event_count = program_end = 0;
  return 0;
}

static uint32_t field(unsigned name, uint32_t value) { return value << (name % 256); }
static void emit(uint32_t word) { store[program_end++] = word; }
static uint32_t code(unsigned op) { return (uint32_t)op << MX_UOP_LSB; }

static void imm(unsigned op, unsigned d, unsigned a, unsigned value) {
  emit(code(op) | field(MX_UF_IMM_d, d) | field(MX_UF_IMM_a, a) |
       field(MX_UF_IMM_imm, value & 0xFFFF));
}
static void li(unsigned d, unsigned value) { imm(MX_UOP_LI, d, 0, value); }
static void end(void) { emit(code(MX_UOP_END)); }

typedef struct { unsigned op, dst, a, b, n, bcast, fn, red; } vector;

static uint32_t vector_word(vector v) {
  return code(v.op) | field(MX_UF_VEC_dst, v.dst) | field(MX_UF_VEC_a, v.a) |
         field(MX_UF_VEC_b, v.b) | field(MX_UF_VEC_n, v.n) | field(MX_UF_VEC_bcast, v.bcast) |
         field(MX_UF_VEC_fn, v.fn) | field(MX_UF_VEC_red, v.red);
}
#define VECTOR(...) emit(vector_word((vector){__VA_ARGS__}))

static void run(void) {
  end();
  assert_int_equal(mx_vec_run(&s, 0), MX_FAULT_NONE);
}

static uint32_t bits_of(double value) {
  float f = (float)value;
  uint32_t u;
  memcpy(&u, &f, sizeof u);
  return u;
}

static double value_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static void fill(uint32_t at, const uint32_t *v, size_t n) {
  for (size_t i = 0; i < n; i++) vmem[at + i] = v[i];
}

static double sample(unsigned i) { return sin(1 + 3.7 * i) * (1 + i % 5); }

static void check_near(uint32_t bits, double expected) {
  if (!(fabs(value_of(bits) - expected) <= 1e-6 * fabs(expected) + 1e-12))
    fail_msg("%.9g, expected %.9g", value_of(bits), expected);
}

// ---- programs as the compiler writes them ----

enum { X = 0, G = 256, S = 512 };  // vectors and a scalar

static void rms_norm(void **state) {
  (void)state;
  enum { N = 100 };
  double squares = 0;
  for (unsigned i = 0; i < N; i++) {
    vmem[X + i] = bits_of(sample(i));
    vmem[G + i] = bits_of(1 + 0.01 * i);
    squares += sample(i) * sample(i);
  }
  vmem[S + 1] = bits_of(1.0 / N);
  vmem[S + 2] = bits_of(1e-5);
  li(0, X), li(1, G), li(2, S), li(3, S + 1), li(4, S + 2), li(5, N), li(6, 1);
  VECTOR(MX_UOP_MUL, .dst = 2, .a = 0, .b = 0, .n = 5, .red = MX_RED_SUM);
  VECTOR(MX_UOP_MUL, .dst = 2, .a = 2, .b = 3, .n = 6, .bcast = 1);
  VECTOR(MX_UOP_ADD, .dst = 2, .a = 2, .b = 4, .n = 6, .bcast = 1, .fn = MX_FN_RSQRT);
  VECTOR(MX_UOP_MUL, .dst = 0, .a = 0, .b = 2, .n = 5, .bcast = 1);
  VECTOR(MX_UOP_MUL, .dst = 0, .a = 0, .b = 1, .n = 5);
  run();
  double scale = 1 / sqrt(squares / N + 1e-5);
  for (unsigned i = 0; i < N; i++) check_near(vmem[X + i], sample(i) * scale * (1 + 0.01 * i));
}

static void softmax(void **state) {
  (void)state;
  enum { N = 37 };
  double greatest = -1e30, total = 0, sum = 0;
  for (unsigned i = 0; i < N; i++) {
    vmem[X + i] = bits_of(sample(i));
    greatest = fmax(greatest, value_of(vmem[X + i]));
  }
  for (unsigned i = 0; i < N; i++) total += exp(value_of(vmem[X + i]) - greatest);
  vmem[S + 1] = bits_of(log2(exp(1)));
  li(0, X), li(2, S), li(3, S + 1), li(5, N), li(6, 1);
  VECTOR(MX_UOP_MOV, .dst = 2, .a = 0, .n = 5, .red = MX_RED_MAX);
  VECTOR(MX_UOP_SUB, .dst = 0, .a = 0, .b = 2, .n = 5, .bcast = 1);
  VECTOR(MX_UOP_MUL, .dst = 0, .a = 0, .b = 3, .n = 5, .bcast = 1, .fn = MX_FN_EXP2);
  VECTOR(MX_UOP_MOV, .dst = 2, .a = 0, .n = 5, .red = MX_RED_SUM);
  VECTOR(MX_UOP_MOV, .dst = 2, .a = 2, .n = 6, .fn = MX_FN_RECIP);
  VECTOR(MX_UOP_MUL, .dst = 0, .a = 0, .b = 2, .n = 5, .bcast = 1);
  double reference[N];
  for (unsigned i = 0; i < N; i++)
    reference[i] = exp(value_of(vmem[X + i]) - greatest) / total;
  run();
  for (unsigned i = 0; i < N; i++) {
    check_near(vmem[X + i], reference[i]);
    sum += value_of(vmem[X + i]);
  }
  assert_true(fabs(sum - 1) < 1e-6);
}

// ---- reductions ----

static uint32_t reduce(unsigned red, const uint32_t *v, unsigned n) {
  begin(NULL);
  fill(X, v, n);
  vmem[S + 1] = 0xDEADBEEF;
  li(0, X), li(1, S + 1), li(2, n);
  VECTOR(MX_UOP_MOV, .dst = 1, .a = 0, .n = 2, .red = red);
  run();
  assert_int_equal(event_count, 1);
  assert_int_equal(events[0].address, S + 1);
  assert_int_equal(events[0].value, vmem[S + 1]);
  return vmem[S + 1];
}
#define REDUCE(red, ...) \
  reduce(red, (const uint32_t[]){__VA_ARGS__}, \
         sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void argmax(void **state) {
  (void)state;
  assert_int_equal(REDUCE(MX_RED_ARGMAX, ONE, 0x40000000, 0x40000000, ONE), 1);    // the first
  assert_int_equal(REDUCE(MX_RED_ARGMAX, NEG | INF, NEG, 0, 1), 1);                // zeros equal
  assert_int_equal(REDUCE(MX_RED_ARGMAX, NAN_, NEG | INF, NAN_), 1);
  assert_int_equal(REDUCE(MX_RED_ARGMAX, NAN_, 0xFFFFFFFF, 0x7F800001), 0);        // none at all
  assert_int_equal(REDUCE(MX_RED_ARGMAX, ONE, NAN_, 0x40000000, NAN_), 2);
  assert_int_equal(REDUCE(MX_RED_ARGMAX, NEG | INF, NAN_), 0);
  assert_int_equal(REDUCE(MX_RED_ARGMAX, NEG | 1, 0x007FFFFF, 0x00800000), 2);     // subnormals
  assert_int_equal(REDUCE(MX_RED_ARGMAX, NEG | 0x40000000, NEG | ONE), 1);
  assert_int_equal(reduce(MX_RED_ARGMAX, NULL, 0), 0);
}

static void max(void **state) {
  (void)state;
  assert_int_equal(REDUCE(MX_RED_MAX, NEG, 0, NEG), 0);
  assert_int_equal(REDUCE(MX_RED_MAX, NEG, NEG | 1), NEG);
  assert_int_equal(REDUCE(MX_RED_MAX, NEG | 1), NEG);
  assert_int_equal(REDUCE(MX_RED_MAX, NEG | INF, NEG | ONE, 0xC0000000), NEG | ONE);
  assert_int_equal(REDUCE(MX_RED_MAX, INF, 0x7F800001, ONE), NAN_);
  assert_int_equal(reduce(MX_RED_MAX, NULL, 0), NEG | INF);
}

static uint32_t tree_sum(const uint32_t *v, unsigned n) {
  uint32_t p[16] = {0};
  for (unsigned i = 0; i < n; i++) p[i % 16] = mx_fp_add(p[i % 16], v[i]);
  for (unsigned j = 0; j < 8; j++) p[j] = mx_fp_add(p[j], p[j + 8]);
  for (unsigned j = 0; j < 4; j++) p[j] = mx_fp_add(p[j], p[j + 4]);
  return mx_fp_add(mx_fp_add(p[0], p[2]), mx_fp_add(p[1], p[3]));
}

static void sum(void **state) {
  (void)state;
  uint32_t v[80];
  for (unsigned i = 0; i < 80; i++) v[i] = bits_of(sample(i) * pow(2, i % 30));
  for (unsigned n = 0; n <= 80; n++) assert_int_equal(reduce(MX_RED_SUM, v, n), tree_sum(v, n));
  assert_int_equal(REDUCE(MX_RED_SUM, NEG, NEG), 0);          // partial sums begin at +0
  assert_int_equal(REDUCE(MX_RED_SUM, 0x007FFFFF), 0);        // subnormals read as zero
  assert_int_equal(REDUCE(MX_RED_SUM, INF, NEG | INF), NAN_);
}

// ---- vector form ----

static void no_elements(void **state) {
  (void)state;
  li(0, X);
  VECTOR(MX_UOP_ADD, .dst = 0, .a = 0, .b = 0, .n = 1);
  emit(code(MX_UOP_QUANT) | field(MX_UF_QUANT_n, 1) | field(MX_UF_QUANT_bits, MX_BITS_8));
  run();
  assert_int_equal(event_count, 0);
}

static void mov_keeps_every_bit(void **state) {
  (void)state;
  static const uint32_t v[] = {1, NEG | 0x007FFFFF, 0xFFFFFFFF, 0x7F800001, 0x12345678};
  fill(X, v, 5);
  li(0, X), li(1, G), li(2, 5);
  VECTOR(MX_UOP_MOV, .dst = 1, .a = 0, .n = 2);
  run();
  assert_memory_equal(&vmem[G], v, sizeof v);
}

static void check_products(unsigned from, unsigned to) {
  assert_int_equal(event_count, 12);
  for (unsigned i = 0; i < 12; i++) {
    assert_int_equal(events[i].address, (to + i) % WORDS);
    assert_int_equal(events[i].value, bits_of(9.0 * ((from + i) % WORDS)));
  }
}

static void addresses_align_and_wrap(void **state) {
  for (unsigned half = 0; half < 2; half++) {
    begin(state);
    for (unsigned i = 0; i < WORDS; i++) vmem[i] = bits_of(i);
    li(0, half ? 203 : 0x10000 - 8 + 3);         // aligned WORDS - 8; wraps at 2^16
    li(1, half ? 3 * WORDS - 1 : WORDS + 101);   // aligned WORDS - 4; wraps at WORDS
    li(2, 12), li(3, 5 * WORDS + 9);
    VECTOR(MX_UOP_MUL, .dst = 1, .a = 0, .b = 3, .n = 2, .bcast = 1);  // b: word 9, not aligned
    run();
    if (half) check_products(200, WORDS - 4);
    else check_products(WORDS - 8, 100);
  }
}

static void broadcast_is_read_once(void **state) {
  (void)state;
  for (unsigned i = 0; i < 8; i++) vmem[i] = bits_of(i + 2);
  li(0, 0), li(1, 8), li(2, 1);
  VECTOR(MX_UOP_MUL, .dst = 0, .a = 0, .b = 2, .n = 1, .bcast = 1);  // by element 1
  run();
  for (unsigned i = 0; i < 8; i++) assert_int_equal(vmem[i], bits_of(3.0 * (i + 2)));
}

// ---- registers and control ----

static void registers_and_loops(void **state) {
  (void)state;
  s.u[7] = 5;
  li(0, 0xFFFF);
  imm(MX_UOP_ADDI, 1, 0, 3);  // 2
  emit(code(MX_UOP_ADDU) | field(MX_UF_REG_d, 2) | field(MX_UF_REG_a, 1) | field(MX_UF_REG_b, 7));
  li(3, 4);
  imm(MX_UOP_ADDI, 4, 4, 10);          // word 4
  imm(MX_UOP_LOOPU, 3, 0, 4 + STORE);  // modulo the control store
  run();
  assert_int_equal(s.u[1], 2);
  assert_int_equal(s.u[2], 7);
  assert_int_equal(s.u[3], 0);
  assert_int_equal(s.u[4], 40);
  assert_int_equal(mx_vec_run(&s, 3), MX_FAULT_NONE);  // U keep their values
  assert_int_equal(s.u[4], 80);
}

static void program_wraps(void **state) {
  (void)state;
  store[STORE - 1] = code(MX_UOP_LI) | field(MX_UF_IMM_d, 9) | 77;
  store[0] = code(MX_UOP_END);
  assert_int_equal(mx_vec_run(&s, 2 * STORE - 1), MX_FAULT_NONE);
  assert_int_equal(s.u[9], 77);
}

static void faults(void **state) {
  (void)state;
  const uint32_t bad[] = {
      code(0x06), code(0x07), code(0x0d), code(0x1f),
      code(MX_UOP_END) | 1, code(MX_UOP_LI) | 1u << 24, code(MX_UOP_ADDU) | 1,
      code(MX_UOP_LOOPU) | field(MX_UF_IMM_a, 1),
      code(MX_UOP_QUANT) | 1, code(MX_UOP_QUANT) | 4,
      code(MX_UOP_QUANT) | field(MX_UF_QUANT_bits, 3),
      code(MX_UOP_MOV) | 4, code(MX_UOP_MAX) | 1u << 26,
      vector_word((vector){MX_UOP_ADD, .red = MX_RED_SUM}),
      vector_word((vector){MX_UOP_SUB, .red = MX_RED_SUM})};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    begin(NULL);
    s.u[0] = 16;
    li(9, 1);
    emit(bad[i]);
    li(9, 2);
    end();
    if (mx_vec_run(&s, 0) != MX_FAULT_UCODE) fail_msg("%08" PRIx32 " is no fault", bad[i]);
    assert_int_equal(s.u[9], 1);
    assert_int_equal(event_count, 0);
  }
}

static void watchdog(void **state) {
  (void)state;
  li(0, 5);
  imm(MX_UOP_ADDI, 0, 0, 2);
  imm(MX_UOP_LOOPU, 0, 0, 1);  // U0 rises by 1 a turn
  end();
  assert_int_equal(mx_vec_run(&s, 0), MX_FAULT_NONE);  // 2^16 - 5 turns
  store[1] = code(MX_UOP_ADDI) | 1;                    // now it stays
  assert_int_equal(mx_vec_run(&s, 0), MX_FAULT_WATCHDOG);
}

// ---- QUANT ----

static void check_quant(bool fixed) {
  begin(NULL);
  enum { N = 40, BLOCK = 32, AT = ELEMS - 32 };
  for (unsigned i = 0; i < N; i++) vmem[X + i] = bits_of(sample(i));
  for (unsigned i = N; i < 64; i++) vmem[X + i] = INF;  // not part of it
  memset(xexp, 0xAA, sizeof xexp);
  li(0, X + 2), li(1, ELEMS + AT + 7), li(2, 5), li(3, N);  // bank 5 is 1, both addresses align
  emit(code(MX_UOP_QUANT) | field(MX_UF_QUANT_a, 0) | field(MX_UF_QUANT_dst, 1) |
       field(MX_UF_QUANT_bank, 2) | field(MX_UF_QUANT_n, 3) | field(MX_UF_QUANT_bits, MX_BITS_6) |
       field(MX_UF_QUANT_block, 1) | field(MX_UF_QUANT_fixed, fixed));
  run();
  unsigned e = 0;
  for (unsigned b = 0; b < 2; b++) {
    int8_t q[BLOCK];
    uint8_t scale;
    unsigned at = ELEMS + (AT + b * BLOCK) % ELEMS;  // the second block wraps to the start
    (fixed ? mx_quantize_fixed : mx_quantize_block)(&vmem[X + b * BLOCK], b ? N - BLOCK : BLOCK, BLOCK, MX_BITS_6, q,
                                                    &scale);
    for (unsigned i = 0; i < BLOCK; i++, e++) {
      assert_int_equal(events[e].space, MX_SPACE_XMEM);
      assert_int_equal(events[e].address, at + i);
      assert_int_equal(events[e].value, (uint8_t)q[i]);
      assert_int_equal(xmem[at + i], q[i]);
    }
    assert_int_equal(events[e].space, MX_SPACE_XEXP);
    assert_int_equal(events[e].address, at / 16);
    assert_int_equal(events[e++].value, scale);
    assert_int_equal(xexp[at / 16], scale);
    assert_int_equal(xexp[at / 16 + 1], 0xAA);  // one scale a block
  }
  assert_int_equal(event_count, e);
  assert_int_equal(xexp[ELEMS / 16], fixed ? 131 : 129);  // of samples 32 to 39
}

static void quant_blocks_in_order(void **state) {
  (void)state;
  check_quant(false);
  check_quant(true);
}

static void no_observer(void **state) {
  (void)state;
  s.observer = NULL;
  li(0, X), li(1, 4);
  VECTOR(MX_UOP_MOV, .dst = 0, .a = 0, .n = 1);
  run();
  assert_int_equal(event_count, 0);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup(f, begin)
  const struct CMUnitTest tests[] = {
      TEST(rms_norm), TEST(softmax), TEST(argmax), TEST(max), TEST(sum), TEST(no_elements),
      TEST(mov_keeps_every_bit), TEST(addresses_align_and_wrap), TEST(broadcast_is_read_once),
      TEST(registers_and_loops), TEST(program_wraps), TEST(faults), TEST(watchdog),
      TEST(quant_blocks_in_order), TEST(no_observer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
