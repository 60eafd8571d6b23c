// sim/cycle/dot: leaps against single edges, and steady neither too long nor
// useless. tests/rtl/tb_cycle_dot.c holds the edges to the RTL.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/random.h"
#include "golden/isa.h"
#include "sim/cycle/dot.h"
#include "tests/unit/program.h"

enum { LEAPS = 8000, TRIED = 3000 };

typedef uint64_t (*steady_of)(const mx_cycle_dot *v, const mx_cycle_dot_in *in);

static uint64_t random_state;
static unsigned below(unsigned n) { return (unsigned)(mx_random_next(&random_state) % n); }

static bool same(mx_cycle_dot_out a, mx_cycle_dot_out b, bool x) {
  return a.cmd_ready == b.cmd_ready && a.busy == b.busy && a.s_ready == b.s_ready && a.took == b.took &&
         a.starved == b.starved && a.blocked == b.blocked && a.vm_valid == b.vm_valid && (!x || a.x_en == b.x_en);
}

// All of the state that tells.
static void assert_same_state(const mx_cycle_dot *a, const mx_cycle_dot *b) {
#define SAME(field) assert_int_equal(a->field, b->field)
  SAME(table_left), SAME(waits), SAME(active), SAME(handed), SAME(side_left), SAME(step), SAME(block_left);
  SAME(group_left), SAME(used), SAME(finals), SAME(out_active), SAME(vm_valid), SAME(token);
  SAME(out_groups), SAME(row), SAME(written);
#undef SAME
}

// Steps as many cycles as steady says, TRIED at most, and leaps to the same.
static void check_steady(mx_cycle_dot v, const mx_cycle_dot_in *in, steady_of steady, bool x) {
  uint64_t n = steady(&v, in);
  assert_true(n >= 1);
  if (n > TRIED) n = TRIED;
  uint64_t stop = 1 + below((unsigned)n);
  mx_cycle_dot leapt = v;
  mx_cycle_dot_leap(&leapt, in, stop);
  mx_cycle_dot_out o = mx_cycle_dot_look(&v, in);
  for (uint64_t i = 0; i < n; i++) {
    if (i == stop) assert_same_state(&leapt, &v);
    assert_true(same(o, mx_cycle_dot_look(&v, in), x));
    mx_cycle_dot_edge(&v, in);
  }
  if (stop == n) assert_same_state(&leapt, &v);
}

// A leap may also be longer than steady.
static void check_long_leap(mx_cycle_dot v, const mx_cycle_dot_in *in) {
  uint64_t n = below(300);
  mx_cycle_dot leapt = v;
  mx_cycle_dot_leap(&leapt, in, n);
  while (n--) mx_cycle_dot_edge(&v, in);
  assert_same_state(&leapt, &v);
}

// ---- random inputs ----

static void random_command(mx_cycle_dot_in *in, const mx_params *p) {
  in->cmd_valid = true;
  in->cmd_bits = (uint8_t)below(3), in->cmd_scale = (uint8_t)below(3), in->cmd_block = (uint8_t)below(4);
  in->cmd_zero = p->ZERO_POINT && below(2), in->cmd_planar = below(3) == 0;
  in->cmd_tokens = (uint8_t)below(p->TOKENS), in->cmd_x = (uint16_t)(16 * below(4096));
  in->cmd_groups = (uint16_t)below(6), in->cmd_blocks = (uint16_t)below(below(2) ? 3 : 12);
}

// Out of 8: how often each input is set.
static struct { unsigned stream, vmem, table; } pace;

static void random_pace(void) {
  static const unsigned often[] = {8, 8, 7, 4, 1};
  pace.stream = often[below(5)], pace.vmem = often[below(5)];
  pace.table = below(3) == 0;
}

static void random_inputs(mx_cycle_dot_in *in, const mx_params *p) {
  if (below(300) == 0) random_pace();
  if (in->cmd_valid) in->cmd_valid = below(4) != 0;
  else if (below(8) == 0) random_command(in, p);
  in->s_valid = below(8) < pace.stream, in->vm_ready = below(8) < pace.vmem;
  in->tbl_we = below(32) < pace.table;
}

static void leap_random(const mx_params *p) {
  mx_cycle_dot v;
  mx_cycle_dot_in in = {0};
  random_pace();
  mx_cycle_dot_open(&v, p);
  for (int i = 0; i < LEAPS; i++) {
    if (below(3)) random_inputs(&in, p);
    check_steady(v, &in, mx_cycle_dot_steady, true);
    check_steady(v, &in, mx_cycle_dot_steady_but_x, false);
    check_long_leap(v, &in);
    uint64_t n = mx_cycle_dot_steady_but_x(&v, &in);
    if (n > 1 && below(2)) n = 1 + below(n > 600 ? 600 : (unsigned)n);
    bool accepted = in.cmd_valid && mx_cycle_dot_look(&v, &in).cmd_ready;
    mx_cycle_dot_leap(&v, &in, n > 600 ? 1 + below(600) : n);
    if (accepted) in.cmd_valid = false;
    if (below(2000) == 0) mx_cycle_dot_reset(&v);
  }
}

static const mx_params *params_of(unsigned bus, unsigned rows, unsigned tokens, unsigned group, bool rich) {
  static mx_params p;
  p = (mx_params){.BUS_BITS = bus, .ROWS = rows, .TOKENS = tokens, .GROUP = group, .CODEBOOK = rich, .ZERO_POINT = rich};
  return &p;
}

static void test_leaps(void **unused) {
  (void)unused;
  random_state = test_seed();
  for (const mx_params *p = mx_param_sets; p->name; p++) leap_random(p);
  leap_random(params_of(64, 2, 8, 16, true));
  leap_random(params_of(128, 4, 1, 64, true));
  leap_random(params_of(32, 1, 1, 64, false));
}

// ---- use ----

// 64 groups of 128 blocks of 32 codes with E8M0 scales and no stall.
static uint64_t leaps_of_product(const mx_params *p, unsigned tokens, uint64_t *cycles) {
  mx_cycle_dot v;
  mx_cycle_dot_in in = {.cmd_valid = true, .cmd_bits = MX_BITS_4, .cmd_scale = 1, .cmd_block = 1, .cmd_groups = 64,
                        .cmd_blocks = 128, .cmd_tokens = (uint8_t)(tokens - 1), .s_valid = true, .vm_ready = true};
  uint64_t leaps = 0;
  mx_cycle_dot_open(&v, p);
  for (*cycles = 0; !*cycles || mx_cycle_dot_look(&v, &in).busy; leaps++) {
    uint64_t n = mx_cycle_dot_steady_but_x(&v, &in);
    mx_cycle_dot_leap(&v, &in, n);
    in.cmd_valid = false;
    *cycles += n;
  }
  return leaps;
}

static void test_product_takes_few_leaps(void **unused) {
  (void)unused;
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (unsigned tokens = 1; tokens <= p->TOKENS; tokens *= 2) {
      uint64_t cycles, leaps = leaps_of_product(p, tokens, &cycles), most = 64 * 8 + 16;
      uint64_t unit = p->GROUP / mx_beat_bytes(p) + p->GROUP * 32 * 4 / p->BUS_BITS;
      // Where words leave faster than results come, vm_valid falls after each.
      bool dense = 32 / mx_lanes(p) <= tokens * p->ROWS;
      print_message("%s, %u tokens: %.1f leaps for each row group\n", p->name, tokens, (double)leaps / 64);
      assert_true(leaps <= (dense ? most : most + 64 * 2 * p->GROUP));
      assert_in_range(cycles, 64 * 128 * unit, 64 * 128 * unit + 64 * p->GROUP);
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_leaps), cmocka_unit_test(test_product_takes_few_leaps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
