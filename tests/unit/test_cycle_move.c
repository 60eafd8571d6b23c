// sim/cycle/move: leaps against single edges, and steady neither too long nor
// useless. tests/rtl/tb_cycle_move.c holds the edges to the RTL.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/quant/random.h"
#include "golden/isa.h"
#include "sim/cycle/move.h"
#include "tests/unit/program.h"

enum { LEAPS = 30000, TRIED = 300, MEMORY = 1 << 16 };

static uint64_t random_state;
static unsigned below(unsigned n) { return (unsigned)(mx_random_next(&random_state) % n); }

static void assert_same_outputs(mx_cycle_move_out a, mx_cycle_move_out b) {
#define SAME(field) assert_int_equal(a.field, b.field)
  SAME(cmd_ready), SAME(busy), SAME(fault), SAME(req_valid), SAME(req_addr), SAME(req_len), SAME(w_valid);
  SAME(w_addr), SAME(mr_valid), SAME(mw_valid), SAME(pr_valid), SAME(uc_we), SAME(uc_addr), SAME(uc_from);
#undef SAME
}

static void assert_same_state(const mx_cycle_move *a, const mx_cycle_move *b) {
#define SAME(field) assert_int_equal(a->field, b->field)
  SAME(load.write), SAME(load.align_bad), SAME(load.told), SAME(load.left), SAME(load.addr), SAME(load.offset);
  SAME(load.from), SAME(load.requests), SAME(load.at), SAME(load.end), SAME(load.free), SAME(load.stored);
  SAME(load.fetched), SAME(out.scale), SAME(out.active), SAME(out.halted), SAME(out.arrive), SAME(out.complete);
  SAME(out.valid), SAME(out.byte), SAME(out.fault), SAME(out.count), SAME(out.line), SAME(out.base), SAME(out.w_last);
#undef SAME
}

// Steps as many cycles as steady says, TRIED at most, and leaps to the same.
static void check_steady(mx_cycle_move v, const mx_cycle_move_in *in) {
  uint64_t n = mx_cycle_move_steady(&v, in);
  assert_true(n >= 1);
  if (n > TRIED) n = TRIED;
  uint64_t stop = 1 + below((unsigned)n);
  mx_cycle_move leapt = v;
  mx_cycle_move_leap(&leapt, in, stop);
  mx_cycle_move_out o = mx_cycle_move_look(&v, in);
  for (uint64_t i = 0; i < n; i++) {
    if (i == stop) assert_same_state(&leapt, &v);
    assert_same_outputs(o, mx_cycle_move_look(&v, in));
    mx_cycle_move_edge(&v, in);
  }
  if (stop == n) assert_same_state(&leapt, &v);
}

// A leap may also be longer than steady.
static void check_long_leap(mx_cycle_move v, const mx_cycle_move_in *in) {
  uint64_t n = below(300);
  mx_cycle_move leapt = v;
  mx_cycle_move_leap(&leapt, in, n);
  while (n--) mx_cycle_move_edge(&v, in);
  assert_same_state(&leapt, &v);
}

// ---- random inputs ----

static void random_command(mx_cycle_move_in *in, const mx_params *p) {
  static const uint8_t ops[] = {MX_OP_LOAD, MX_OP_STORE, MX_OP_PUTROW, MX_OP_PUTCOL, MX_OP_PUTEXP, MX_OP_UCODE};
  uint32_t beat = mx_beat_bytes(p);
  in->cmd_valid = true;
  in->cmd_op = ops[below(6)];
  bool put = in->cmd_op == MX_OP_PUTROW || in->cmd_op == MX_OP_PUTCOL;
  in->cmd_format = (uint8_t)(put ? 2 * below(2) : below(4));
  in->cmd_block = (uint8_t)below(4);
  in->cmd_addr = below(MEMORY) / beat * beat + (below(50) ? 0 : 4);
  in->cmd_row = below(MEMORY), in->cmd_stride = below(100) * beat;
  in->cmd_count = (uint16_t)(below(150) & ~1u), in->cmd_blocks = (uint16_t)below(6), in->cmd_at = (uint16_t)below(1024);
}

static void random_inputs(mx_cycle_move_in *in, const mx_params *p, unsigned outstanding) {
  if (in->cmd_valid) in->cmd_valid = below(4) != 0;
  else if (below(8) == 0) random_command(in, p);
  in->req_ready = outstanding < 40 && below(3), in->r_valid = outstanding && below(3);
  in->w_ready = below(3), in->w_idle = below(3);
  in->mr_ready = below(4), in->mw_ready = below(4), in->pr_ready = below(4);
  if (below(500) == 0) in->mem_size = MEMORY - below(2000);
}

static void leap_random(const mx_params *p) {
  mx_cycle_move v;
  mx_cycle_move_in in = {.mem_size = MEMORY};
  unsigned outstanding = 0;
  mx_cycle_move_open(&v, p);
  for (int i = 0; i < LEAPS; i++) {
    random_inputs(&in, p, outstanding);
    check_steady(v, &in);
    if (!in.r_valid) check_long_leap(v, &in);
    uint64_t n = mx_cycle_move_steady(&v, &in), most = in.r_valid ? outstanding : 100;
    mx_cycle_move_out o = mx_cycle_move_look(&v, &in);
    n = 1 + below((unsigned)(n < most ? n : most));
    mx_cycle_move_leap(&v, &in, n);
    if (in.r_valid) outstanding -= (unsigned)n;
    if (o.req_valid && in.req_ready) outstanding += o.req_len + 1u;
    if (in.cmd_valid && o.cmd_ready) in.cmd_valid = false;
    if (v.out.halted || v.load.told || below(2000) == 0) mx_cycle_move_reset(&v), outstanding = 0;
  }
}

static void test_leaps(void **unused) {
  (void)unused;
  random_state = test_seed();
  for (const mx_params *p = mx_param_sets; p->name; p++) leap_random(p);
}

// ---- use ----

static unsigned leaps_of(const mx_params *p, mx_cycle_move_in in) {
  mx_cycle_move v;
  unsigned leaps = 0;
  mx_cycle_move_open(&v, p);
  for (bool more = true; more; leaps++) {
    uint64_t n = mx_cycle_move_steady(&v, &in);
    mx_cycle_move_leap(&v, &in, n);
    in.cmd_valid = false;
    more = mx_cycle_move_look(&v, &in).busy;
  }
  return leaps;
}

// A beat takes two or three leaps to build, hold and write; one waits as long
// as nothing comes.
static void test_work_takes_few_leaps(void **unused) {
  (void)unused;
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    mx_cycle_move_in in = {.mem_size = MEMORY, .cmd_valid = true, .cmd_op = MX_OP_STORE, .cmd_count = 1024,
                           .mr_ready = true, .w_ready = true, .w_idle = true};
    unsigned beats = 4096 / mx_beat_bytes(p);
    assert_in_range(leaps_of(p, in), beats, 3 * beats + 4);
  }
}

static void test_waits_are_one_leap(void **unused) {
  (void)unused;
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    mx_cycle_move v;
    mx_cycle_move_in in = {.mem_size = MEMORY, .cmd_valid = true, .cmd_op = MX_OP_LOAD, .cmd_count = 4, .w_idle = true};
    mx_cycle_move_open(&v, p);
    assert_true(mx_cycle_move_steady(&v, &in) == 1);
    mx_cycle_move_edge(&v, &in);
    in.cmd_valid = false;
    assert_true(mx_cycle_move_look(&v, &in).req_valid);
    assert_true(mx_cycle_move_steady(&v, &in) == UINT64_MAX);
    in.req_ready = true;
    assert_true(mx_cycle_move_steady(&v, &in) == 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_leaps), cmocka_unit_test(test_work_takes_few_leaps),
                                     cmocka_unit_test(test_waits_are_one_leap)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
