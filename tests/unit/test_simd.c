// The kernels of golden/simd.h, level by level, against the defining functions:
// the vector unit with and without them leaves the same memories, bit for bit,
// on random and on corner values. tests/unit/test_matmul.c holds the kernel of
// MATMUL to its model the same way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/mxint.h"
#include "golden/vec.h"
#include "tests/unit/program.h"

enum { WORDS = 256, ELEMS = 256, BANKS = 2, STORE = 4 };

static const mx_params params = {.VMEM_WORDS = WORDS, .XMEM_ELEMS = ELEMS, .TOKENS = BANKS, .UCODE_WORDS = STORE};
static test_random generator;
static uint32_t below(uint32_t bound) { return test_random_below(&generator, bound); }

// ---- values ------------------------------------------------------------------------

static uint32_t corner(void) {
  static const uint32_t list[] = {
      0x00000000, 0x80000000, 0x00000001, 0x807FFFFF, 0x007FFFFF, 0x00800000, 0x80800000, 0x00800001, 0x00FFFFFE,
      0x00FFFFFF, 0x3F000000, 0x3F000001, 0x3F7FFFFF, 0x3F800000, 0xBF800000, 0x3F800001, 0x33800000, 0xB3000001,
      0x33800001, 0x7F7FFFFF, 0xFF7FFFFF, 0x73000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001,
      0xFFFFFFFF, 0x7FFFFFFF, 0x42FFFFFF, 0x43000000, 0xC2FC0000, 0xC2FC0001, 0x437FFFFF, 0x43800000, 0xC3800000,
      0x7E800000, 0x7E800001, 0x40200000, 0x42FD0000, 0x33000000, 0x337FFFFF, 0x4B000000, 0x4B400000, 0x4EFFFFFF};
  return list[below(sizeof list / sizeof *list)];
}

// `kind` is drawn once per vector, so that vectors of all kinds of values occur.
static uint32_t value(uint32_t kind) {
  switch (kind) {
    case 0: return test_random_u32(&generator);
    case 1: return corner();
    case 2: return below(8) ? test_random_fp(&generator, 12) : corner();
    case 3: return (test_random_u32(&generator) & 0x81FFFFFF);  // about 2^-126
    case 4: return test_random_fp(&generator, 3);
    default: return (test_random_u32(&generator) & 0x807FFFFF) | (250 + below(5)) << 23;  // about 2^127
  }
}

static void fill(uint32_t *v, uint32_t n) {
  uint32_t kind = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (i % 32 == 0) kind = below(6);
    v[i] = value(kind);
  }
}

// ---- the vector unit with and without a level ----------------------------------------

typedef struct {
  uint32_t vmem[WORDS], store[STORE];
  int8_t xmem[BANKS * ELEMS];
  uint8_t xexp[BANKS * ELEMS / 16];
  uint16_t u[MX_UREGS];
} unit;

static void run(unit *m, const mx_simd *simd) {
  mx_vec_state s = {.params = &params, .vmem = m->vmem, .xmem = m->xmem, .xexp = m->xexp, .ucode = m->store, .simd = simd};
  memcpy(s.u, m->u, sizeof s.u);
  assert_int_equal(mx_vec_run(&s, 0), MX_FAULT_NONE);
}

static void check_level(const unit *before, const mx_simd *simd) {
  unit defined = *before, fast = *before;
  run(&defined, NULL);
  run(&fast, simd);
  for (uint32_t i = 0; i < WORDS; i++)
    if (fast.vmem[i] != defined.vmem[i])
      fail_msg("%s, microinstruction %08x, U0..U3 %u %u %u %u: word %u (from %08x) is %08x, expected %08x", simd->name,
               before->store[0], before->u[0], before->u[1], before->u[2], before->u[3], i, before->vmem[i], fast.vmem[i],
               defined.vmem[i]);
  assert_memory_equal(fast.xmem, defined.xmem, sizeof fast.xmem);
  assert_memory_equal(fast.xexp, defined.xexp, sizeof fast.xexp);
}

static void check(const unit *before) {
  for (const mx_simd *const *l = mx_simd_levels(); *l; l++) check_level(before, *l);
}

static uint32_t field(unsigned name, uint32_t x) { return x << (name % 256); }

// U0 dst, U1 a, U2 b, U3 n.
static uint32_t vector_word(unsigned op, unsigned fn, unsigned red, bool broadcast) {
  return (uint32_t)op << MX_UOP_LSB | field(MX_UF_VEC_dst, 0) | field(MX_UF_VEC_a, 1) | field(MX_UF_VEC_b, 2) |
         field(MX_UF_VEC_n, 3) | field(MX_UF_VEC_fn, fn) | field(MX_UF_VEC_red, red) | field(MX_UF_VEC_bcast, broadcast);
}

static void check_vector(unsigned op, unsigned fn, unsigned red, uint32_t runs) {
  for (uint32_t i = 0; i < runs; i++) {
    unit m = {.store = {vector_word(op, fn, red, below(2))}};
    fill(m.vmem, WORDS);
    bool wild = below(8) == 0;  // addresses that wrap, operands that overlap
    m.u[0] = (uint16_t)(wild ? test_random_u32(&generator) : 160 + below(8));
    m.u[1] = (uint16_t)(wild ? test_random_u32(&generator) : 4 * below(3));
    m.u[2] = (uint16_t)(wild ? test_random_u32(&generator) : below(3) ? 80 + below(5) : m.u[0]);
    m.u[3] = (uint16_t)(wild ? below(300) : below(81));
    if (below(4) == 0) m.u[0] = m.u[1];
    check(&m);
  }
}

static void test_vectors(void **state) {
  (void)state;
  for (unsigned op = MX_UOP_MOV; op <= MX_UOP_MAX; op++)
    for (unsigned fn = 0; fn < 4; fn++)
      for (unsigned red = 0; red < 4; red++)
        if (red != MX_RED_SUM || (op != MX_UOP_ADD && op != MX_UOP_SUB)) check_vector(op, fn, red, test_runs(150));
}

// Words [WORDS] of one sign and exponent: extreme fractions and random ones.
static void some_of(uint32_t top, uint32_t *v) {
  for (uint32_t i = 0; i < WORDS; i++) {
    uint32_t fraction = i < 8 ? i : i < 16 ? 0x7FFFFF - (i - 8) : test_random_u32(&generator) & 0x7FFFFF;
    v[i] = top << 23 | fraction;
  }
}

// Every exponent of both signs; with MX_EXHAUSTIVE every word.
static void test_functions(void **state) {
  (void)state;
  bool every = getenv("MX_EXHAUSTIVE");
  uint32_t rounds = every ? (1u << 23) / WORDS : test_runs(1);
  for (unsigned fn = MX_FN_EXP2; fn <= MX_FN_RSQRT; fn++)
    for (uint32_t top = 0; top < 512; top++)
      for (uint32_t round = 0; round < rounds; round++) {
        unit m = {.store = {vector_word(MX_UOP_MOV, fn, MX_RED_NONE, false)}, .u = {0, 0, 0, WORDS}};
        some_of(top, m.vmem);
        for (uint32_t i = 0; i < WORDS && every; i++) m.vmem[i] = top << 23 | (round * WORDS + i);
        check(&m);
      }
}

static void test_functions_at_corners(void **state) {
  (void)state;
  for (unsigned fn = 0; fn < 4; fn++)
    for (uint32_t i = 0; i < test_runs(50); i++) {
      unit m = {.store = {vector_word(MX_UOP_MOV, fn, MX_RED_NONE, false)}, .u = {0, 0, 0, WORDS}};
      for (uint32_t k = 0; k < WORDS; k++) m.vmem[k] = corner() + below(3) - 1;
      check(&m);
    }
}

// Equal greatest elements, zeros of both signs, NaN: the first wins.
static void test_argmax_ties(void **state) {
  (void)state;
  static const uint32_t few[] = {0, 0x80000000, 0x80000001, 0x3F800000, 0x3F800000, 0x7FC00000, 0xFF800000};
  for (uint32_t i = 0; i < test_runs(500); i++) {
    unit m = {.store = {vector_word(MX_UOP_MOV, 0, MX_RED_ARGMAX, false)}, .u = {200, 0, 0, (uint16_t)below(100)}};
    uint32_t from = below(7), kinds = 1 + below(7 - from);
    for (uint32_t k = 0; k < 100; k++) m.vmem[k] = few[from + below(kinds)];
    check(&m);
  }
}

// ---- quantization ------------------------------------------------------------------

static void test_quant(void **state) {
  (void)state;
  for (uint32_t i = 0; i < test_runs(6000); i++) {
    // U0 XMEM element, U1 words, U2 bank, U3 elements
    unit m = {.store = {(uint32_t)MX_UOP_QUANT << MX_UOP_LSB | field(MX_UF_QUANT_dst, 0) | field(MX_UF_QUANT_a, 1) |
                        field(MX_UF_QUANT_bank, 2) | field(MX_UF_QUANT_n, 3) | field(MX_UF_QUANT_bits, below(3)) |
                        field(MX_UF_QUANT_block, below(4)) | field(MX_UF_QUANT_fixed, below(2))}};
    uint32_t kind = below(6);
    for (uint32_t k = 0; k < WORDS; k++) m.vmem[k] = value(kind == 1 && below(4) ? 4 : kind);
    if (kind == 4)  // halves, so that ties occur
      for (uint32_t k = 0; k < WORDS; k++) m.vmem[k] &= 0xFFF00000;
    m.u[0] = (uint16_t)(below(4) ? 16 * below(4) : test_random_u32(&generator));
    m.u[1] = (uint16_t)(below(4) ? below(60) : test_random_u32(&generator));
    m.u[2] = (uint16_t)below(5);
    m.u[3] = (uint16_t)below(200);
    check(&m);
  }
}

// The kernel itself must be reached: most blocks are its own work.
static void test_kernel_is_used(void **state) {
  (void)state;
  for (const mx_simd *const *l = mx_simd_levels(); *l; l++) {
    uint32_t v[32];
    int8_t q[32], expected[32];
    uint8_t scale, expected_scale;
    for (int i = 0; i < 32; i++) v[i] = test_random_fp(&generator, 3);
    unsigned environment = mx_simd_enter();
    bool done = (*l)->quantize(v, 32, MX_BITS_8, false, q, &scale);
    mx_simd_leave(environment);
    assert_true(done);
    mx_quantize_block(v, 32, 32, MX_BITS_8, expected, &expected_scale);
    assert_memory_equal(q, expected, sizeof q);
    assert_int_equal(scale, expected_scale);
  }
}

// The host's float environment is left as it was.
static void test_environment(void **state) {
  (void)state;
  volatile float tiny = 1e-38f;
  unit m = {.store = {vector_word(MX_UOP_ADD, 0, 0, false)}, .u = {0, 0, 0, 64}};
  check(&m);
  assert_true(tiny / 4 > 0);
}

static int seed(void **state) {
  (void)state;
  generator.state = test_seed();
  return 0;
}

int main(void) {
  for (const mx_simd *const *l = mx_simd_levels(); *l; l++) printf("level %s\n", (*l)->name);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_vectors),     cmocka_unit_test(test_functions), cmocka_unit_test(test_functions_at_corners),
      cmocka_unit_test(test_argmax_ties), cmocka_unit_test(test_quant),     cmocka_unit_test(test_kernel_is_used),
      cmocka_unit_test(test_environment),
  };
  return cmocka_run_group_tests(tests, seed, NULL);
}
