// sim/cycle: the vector unit's twin in leaps. Leaps are equal to steps, steady
// promises no more than steps hold, and leaps are long.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "golden/isa.h"
#include "sim/cycle/vec.h"

enum { LEAPS = 20000, LONG = 20000 };  // LONG: cycles looked at of a steady time

static uint64_t random_state = 1;

static uint32_t below(uint32_t n) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % n);
}

static const mx_params variants[] = {
    {.VEC_LANES = 1, .UCODE_WORDS = 64},
    {.VEC_LANES = 2, .UCODE_WORDS = 64},
    {.VEC_LANES = 4, .UCODE_WORDS = 64},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

// ---- random work: any microinstructions, endless loops too ----

static uint32_t random_word(void) {
  static const uint8_t ops[] = {MX_UOP_END,   MX_UOP_LI,    MX_UOP_LI,  MX_UOP_ADDI, MX_UOP_ADDU,
                                MX_UOP_LOOPU, MX_UOP_QUANT, MX_UOP_MOV, MX_UOP_ADD,  MX_UOP_SUB,
                                MX_UOP_MUL,   MX_UOP_MUL,   MX_UOP_MAX};
  uint32_t op = ops[below(sizeof ops)], word = op << MX_UOP_LSB, bits = below(1u << 24);
  switch (below(30) ? op : 31) {
    case MX_UOP_END: return word;
    case MX_UOP_LI:
    case MX_UOP_ADDI: return word | (bits & (below(20) ? 0x00FF00FF : 0x00FFFFFF));
    case MX_UOP_ADDU: return word | (bits & 0x00FFF000);
    case MX_UOP_LOOPU: return word | (bits & 0x00F0003F);
    case MX_UOP_QUANT: return word | (bits & 0x00FFFFD8);
    case 31: return below(0x7FFFFFFF) << 1;
    default: return word | (bits & 0x00FFFFF8);
  }
}

static void random_inputs(mx_cycle_vec_in *in) {
  in->cmd_valid = below(5);
  in->cmd_entry = (uint16_t)below(64);
  for (unsigned i = 0; i < 8; i++) in->cmd_u[i] = (uint16_t)below(below(10) ? 300 : 0x10000);
  in->uc_we = !below(10);
  in->uc_addr = (uint16_t)below(64);
  in->uc_data = random_word();
}

static void open_random(mx_cycle_vec *v, const mx_params *p) {
  mx_cycle_vec_open(v, p);
  for (unsigned i = 0; i < 64; i++) v->store[i] = random_word();
}

static void copy(mx_cycle_vec *to, const mx_cycle_vec *from) { memcpy(to, from, sizeof *to); }

static void assert_look(const mx_cycle_vec *v, const mx_cycle_vec_in *in, const mx_cycle_vec_out *expected) {
  mx_cycle_vec_out out = mx_cycle_vec_look(v, in);
  assert_memory_equal(&out, expected, sizeof out);
}

static uint64_t at_most(uint64_t n, uint64_t limit) { return n < limit ? n : limit; }

// Leaps v by k <= n cycles and compares with as many edges.
static void leap(mx_cycle_vec *v, const mx_cycle_vec_in *in, uint64_t n) {
  static mx_cycle_vec steps;
  copy(&steps, v);
  uint64_t k = below(3) ? n : 1 + below((uint32_t)n);
  mx_cycle_vec_leap(v, in, k);
  for (uint64_t i = 0; i < k; i++) mx_cycle_vec_edge(&steps, in);
  assert_memory_equal(v, &steps, sizeof steps);
}

// ---- tests ----

static void leaps_are_steps(void **unused) {
  (void)unused;
  static mx_cycle_vec v, steps;
  mx_cycle_vec_in in;
  for (unsigned variant = 0; variant < VARIANTS; variant++) {
    open_random(&v, &variants[variant]);
    for (unsigned i = 0; i < LEAPS; i++) {
      random_inputs(&in);
      mx_cycle_vec_out out = mx_cycle_vec_look(&v, &in);
      uint64_t n = at_most(mx_cycle_vec_steady(&v, &in), LONG);
      assert_true(n >= 1);
      copy(&steps, &v);
      for (uint64_t c = 0; c < n; c++, mx_cycle_vec_edge(&steps, &in)) assert_look(&steps, &in, &out);
      leap(&v, &in, n);
      if (!below(300)) mx_cycle_vec_reset(&v);
    }
  }
}

static mx_cycle_vec_out without_memory(mx_cycle_vec_out out) {
  out.ra_en = out.rb_en = out.vm_valid = out.xw_valid = false;
  return out;
}

static void leaps_alone_are_steps(void **unused) {
  (void)unused;
  static mx_cycle_vec v, steps;
  mx_cycle_vec_in in;
  for (unsigned variant = 0; variant < VARIANTS; variant++) {
    open_random(&v, &variants[variant]);
    for (unsigned i = 0; i < LEAPS / 4; i++) {
      random_inputs(&in);
      mx_cycle_vec_out out = without_memory(mx_cycle_vec_look(&v, &in));
      uint64_t n = at_most(mx_cycle_vec_alone(&v, &in), LONG);
      assert_true(n >= at_most(mx_cycle_vec_steady(&v, &in), LONG));
      if (below(2)) n = 1 + below((uint32_t)n);
      copy(&steps, &v);
      for (uint64_t c = 0; c < n; c++, mx_cycle_vec_edge(&steps, &in)) {
        mx_cycle_vec_out now = without_memory(mx_cycle_vec_look(&steps, &in));
        assert_memory_equal(&now, &out, sizeof out);
      }
      mx_cycle_vec_leap(&v, &in, n);
      assert_memory_equal(&v, &steps, sizeof v);
    }
  }
}

// Leaps and cycles from a command's acceptance to the end of its program.
static unsigned count_leaps(mx_cycle_vec *v, uint32_t word, unsigned n, uint64_t *cycles) {
  mx_cycle_vec_in in = {.cmd_valid = true, .cmd_u = {(uint16_t)n}};
  unsigned leaps = 0;
  v->store[0] = word;
  v->store[1] = (uint32_t)MX_UOP_END << MX_UOP_LSB;
  while (!mx_cycle_vec_look(v, &in).busy) mx_cycle_vec_edge(v, &in);
  in.cmd_valid = false;
  *cycles = 0;
  for (; mx_cycle_vec_look(v, &in).busy; leaps++) {
    uint64_t some = mx_cycle_vec_steady(v, &in);
    mx_cycle_vec_leap(v, &in, some);
    *cycles += some;
  }
  return leaps;
}

// MUL takes 10 + ceil(n / lanes) cycles, END 2.
static void leaps_are_long(void **unused) {
  (void)unused;
  static mx_cycle_vec v;
  for (unsigned variant = 0; variant < VARIANTS; variant++) {
    const mx_params *p = &variants[variant];
    mx_cycle_vec_open(&v, p);
    uint64_t groups = 4096 / p->VEC_LANES, cycles;
    unsigned leaps = count_leaps(&v, (uint32_t)MX_UOP_MUL << MX_UOP_LSB, 4096, &cycles);
    assert_int_equal(cycles, 12 + groups);
    assert_true(leaps <= 10);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(leaps_are_steps),
      cmocka_unit_test(leaps_alone_are_steps),
      cmocka_unit_test(leaps_are_long),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
