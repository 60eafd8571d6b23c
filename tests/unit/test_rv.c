// sim/soc/rv: the instruction-set model alone. (Lockstep with the core, and each
// instruction's edge values: tests/rtl/tb_mx_rv.c.)
#include "sim/soc/rv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 64 };

typedef struct { uint32_t word[WORDS]; } memory;

static bool transfer(void *context, mx_rv_transfer *t) {
  memory *m = context;
  if (t->address >= 4 * WORDS) return false;
  uint32_t *word = &m->word[t->address / 4];
  if (t->strobes == 15) *word = t->data;
  else if (!t->strobes) t->data = *word;
  return true;
}

// Sum of 1..10: a loop with a branch backward, and its result in memory.
static void runs_a_program(void **state) {
  (void)state;
  memory m = {{
      0x00a00093,  //     addi x1, x0, 10
      0x00000113,  //     addi x2, x0, 0
      0x00110133,  // 1:  add  x2, x2, x1
      0xfff08093,  //     addi x1, x1, -1
      0xfe009ce3,  //     bne  x1, x0, 1b
      0x08202023,  //     sw   x2, 128(x0)
  }};
  mx_rv rv = {.memory = transfer, .context = &m};
  mx_rv_reset(&rv, 0);
  for (int i = 0; i < 2 + 30 + 1; i++) assert_false(mx_rv_step(&rv, 0).trapped);
  assert_int_equal(rv.pc, 24);
  assert_int_equal(m.word[32], 55);
}

static void check_trap(uint32_t insn, uint32_t cause, uint32_t value) {
  memory m = {{0, insn}};
  mx_rv rv = {.memory = transfer, .context = &m, .mtvec = 0x40, .x = {[1] = 0x1000}};
  mx_rv_reset(&rv, 4);
  rv.mstatus |= 8;
  mx_rv_step_result r = mx_rv_step(&rv, 0);
  assert_true(r.trapped);
  assert_int_equal(r.rd, 0);
  assert_int_equal(rv.mcause, cause);
  assert_int_equal(rv.mepc, 4);
  assert_int_equal(rv.mtval, value);
  assert_int_equal(rv.pc, 0x40);
  assert_int_equal(rv.mstatus, 0x1880);
}

static void traps(void **state) {
  (void)state;
  check_trap(0x0020006f, MX_RV_JUMP_MISALIGNED, 6);        // jal x0, .+2
  check_trap(0x00000000, MX_RV_ILLEGAL, 0);
  check_trap(0x02208133, MX_RV_ILLEGAL, 0);                // mul, without M
  check_trap(0xf1409073, MX_RV_ILLEGAL, 0);                // csrw mhartid, x1
  check_trap(0x00100073, MX_RV_BREAKPOINT, 0);
  check_trap(0x00109103, MX_RV_LOAD_MISALIGNED, 0x1001);   // lh x2, 1(x1)
  check_trap(0x0000a103, MX_RV_LOAD_ERROR, 0x1000);        // lw x2, 0(x1)
  check_trap(0x0020a123, MX_RV_STORE_MISALIGNED, 0x1002);  // sw x2, 2(x1)
  check_trap(0x0020a023, MX_RV_STORE_ERROR, 0x1000);       // sw x2, 0(x1)
  check_trap(0x00000073, MX_RV_CALL, 0);
}

static void fetch_fails(void **state) {
  (void)state;
  memory m = {{0}};
  mx_rv rv = {.memory = transfer, .context = &m, .mtvec = 0x40};
  mx_rv_reset(&rv, 0x2000);
  assert_true(mx_rv_step(&rv, 0).trapped);
  assert_int_equal(rv.mcause, MX_RV_FETCH_ERROR);
  assert_int_equal(rv.mtval, 0x2000);
}

static uint32_t interrupt_of(uint32_t pending, uint32_t enabled, uint32_t insn) {
  memory m = {{insn}};
  mx_rv rv = {.memory = transfer, .context = &m, .mtvec = 0x40};
  mx_rv_reset(&rv, 0);
  rv.mstatus |= 8;
  rv.mie = enabled;
  return mx_rv_step(&rv, pending).trapped ? rv.mcause : 0;
}

static void interrupts(void **state) {
  (void)state;
  const uint32_t all = MX_RV_EXTERNAL | MX_RV_SOFTWARE | MX_RV_TIMER, nop = 0x13, wfi = 0x10500073;
  assert_int_equal(interrupt_of(all, all, nop), 0x8000000b);
  assert_int_equal(interrupt_of(all, MX_RV_SOFTWARE | MX_RV_TIMER, nop), 0x80000003);
  assert_int_equal(interrupt_of(MX_RV_TIMER, all, nop), 0x80000007);
  assert_int_equal(interrupt_of(MX_RV_TIMER, MX_RV_EXTERNAL, nop), 0);
  assert_int_equal(interrupt_of(all, all, wfi), 0);  // after it
}

// Whatever is executed, x0 stays 0, and pc and addresses are of words.
static uint64_t random_state = 1;
static uint32_t random32(void) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random_state >> 32);
}

static bool anything(void *context, mx_rv_transfer *t) {
  (void)context;
  assert_int_equal(t->address % 4, 0);
  static const uint8_t opcodes[] = {0x37, 0x17, 0x6f, 0x67, 0x63, 0x03, 0x23, 0x13, 0x33, 0x0f, 0x73};
  if (!t->strobes) t->data = random32();
  if (t->fetch) t->data = (t->data & ~0x7fu) | opcodes[random32() % sizeof opcodes];
  return random32() % 16 != 0;
}

static void anything_goes(void **state) {
  (void)state;
  mx_rv rv = {.memory = anything, .mul_div = true};
  mx_rv_reset(&rv, 0);
  for (int i = 0; i < 300000; i++) {
    mx_rv_step(&rv, random32());
    assert_int_equal(rv.x[0], 0);
    assert_int_equal(rv.pc % 4, 0);
    assert_int_equal(rv.mstatus & ~0x88u, 0x1800);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(runs_a_program), cmocka_unit_test(traps),         cmocka_unit_test(fetch_fails),
      cmocka_unit_test(interrupts),     cmocka_unit_test(anything_goes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
