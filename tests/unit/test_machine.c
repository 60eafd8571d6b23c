// The golden machine: sequencing (IDENT, ARG, LOOP, HALT), STREAM's faults,
// VEC, every way to be ILLEGAL with the address of the fault, and instruction
// words at random, which must not do anything but fault.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/fp32.h"
#include "tests/unit/program.h"

enum { MEM_BYTES = 65536, DATA_AT = 8192 };

static test_random generator;
static uint32_t random_u32(void) { return test_random_u32(&generator); }
static uint32_t below(uint32_t bound) { return test_random_below(&generator, bound); }

static int setup(void **state) {
  static test_device d;
  d = test_device_new("sim", MEM_BYTES);
  *state = &d;
  generator.state = test_seed();
  return 0;
}

static int teardown(void **state) {
  test_device_free(*state);
  return 0;
}

static void expect_fault(test_device *d, unsigned got, unsigned fault, uint32_t pc) {
  if (got != fault || d->machine->pc != pc)
    fail_msg("fault %u at 0x%x, expected %u at 0x%x", got, d->machine->pc, fault, pc);
}

// ---- ARG ------------------------------------------------------------------------

typedef struct { uint32_t d, a, b, shift, add, mask, mul; } arg;

static mx_insn arg_insn(const arg *x) {
  return INSN(ARG, F(ARG, d, x->d), F(ARG, a, x->a), F(ARG, b, x->b), F(ARG, shift, x->shift), F(ARG, add, x->add),
              F(ARG, mask, x->mask), F(ARG, mul, x->mul));
}

// A[d] = (((A[a] + add) >> shift) & mask) * mul + A[b], modulo 2^32.
static void arg_model(uint64_t a[16], const arg *x) {
  uint64_t sum = (a[x->a] + x->add) % 0x100000000;
  uint64_t value = ((sum >> x->shift & x->mask) * x->mul + a[x->b]) % 0x100000000;
  if (x->d) a[x->d] = value;
}

static void test_arg(void **state) {
  test_device *d = *state;
  for (uint32_t run = 0; run < test_runs(50); run++) {
    uint64_t a[16] = {0, random_u32(), random_u32()};
    uint32_t a1 = (uint32_t)a[1], a2 = (uint32_t)a[2];
    test_begin(d, 0);
    for (int i = 0; i < 40; i++) {
      arg x = {below(16), below(16), below(16), below(32), random_u32() >> below(32), random_u32() | below(2) * UINT32_MAX,
               random_u32() >> below(32)};
      arg_model(a, &x);
      test_add(d, arg_insn(&x));
    }
    test_run_clean(d, a1, a2);
    for (unsigned i = 0; i < 16; i++) assert_int_equal(mx_areg(d->machine, i), a[i]);
    assert_int_equal(d->machine->instructions, 41);
  }
}

// A[1..4] are the arguments and A[5..15] zero at each start.
static void test_start(void **state) {
  test_device *d = *state;
  const uint32_t args[MX_ARGS] = {11, 22, 33, 0xffffffff};
  test_begin(d, 4096);
  for (unsigned i = 5; i < 16; i++) test_set(d, i, 7);
  test_add(d, HALT);
  assert_int_equal(mx_machine_run(d->machine, 4096, args), MX_FAULT_NONE);
  assert_int_equal(d->machine->a[15], 7);
  test_begin(d, 4096);
  test_add(d, HALT);
  assert_int_equal(mx_machine_run(d->machine, 4096, args), MX_FAULT_NONE);
  for (unsigned i = 1; i < 16; i++) assert_int_equal(d->machine->a[i], i <= 4 ? args[i - 1] : 0);
}

// ---- LOOP -----------------------------------------------------------------------

static mx_insn loop(unsigned areg, uint32_t target) { return INSN(LOOP, F(LOOP, d, areg), F(LOOP, target, target)); }

// A nest of two: the inner body runs outer * inner times.
static void test_loop(void **state) {
  test_device *d = *state;
  const arg count = {.d = 7, .a = 7, .add = 1, .mask = UINT32_MAX, .mul = 1};
  test_begin(d, 4096);
  test_set(d, 5, 3);              // 1
  test_set(d, 6, 4);              // 2: the outer loop comes back here
  test_add(d, arg_insn(&count));  // 3: the inner one here
  test_add(d, loop(6, 3));
  test_add(d, loop(5, 2));
  test_run_clean(d, 0, 0);
  assert_int_equal(d->machine->a[7], 12);
  assert_int_equal(d->machine->a[5], 0);
}

// A register of 0 goes round: the first test sees 2^32 - 1.
static void test_loop_from_zero(void **state) {
  test_device *d = *state;
  test_begin(d, 0);
  test_add(d, loop(5, 3));  // taken
  test_add(d, HALT);
  test_set(d, 5, 1);        // 3
  test_add(d, loop(5, 2));  // not taken
  test_set(d, 6, 99);
  test_run_clean(d, 0, 0);
  assert_int_equal(d->machine->a[6], 99);
}

static void test_loop_leaves_memory(void **state) {
  test_device *d = *state;
  test_begin(d, 4096);
  test_set(d, 5, 2);
  test_add(d, loop(5, 3840));  // 4096 + 3840 * 16 = MEM_BYTES
  expect_fault(d, test_run(d, 0, 0), MX_FAULT_RANGE, MEM_BYTES);
}

static void test_endless(void **state) {
  test_device *d = *state;
  test_begin(d, 0);
  test_add(d, test_insn(MX_OP_LOOP, 2, (test_field[]){F(LOOP, d, 5), F(LOOP, target, 1)}));
  assert_int_equal(test_run(d, 0, 0), MX_FAULT_WATCHDOG);
}

// ---- programs that are none ---------------------------------------------------------

static void test_ident(void **state) {
  test_device *d = *state;
  const uint32_t args[MX_ARGS] = {0};
  uint32_t id = d->params->build_id;
  d->at = 0;
  test_add(d, INSN(IDENT, F(IDENT, build_id, id ^ 1)));
  expect_fault(d, test_run(d, 0, 0), MX_FAULT_BUILD_ID, 0);
  const mx_insn firsts[] = {HALT, INSN(FENCE, {MX_WAIT_MSB * 256 + MX_WAIT_LSB, 7}), loop(3, 0)};
  for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
    d->at = 64;
    test_add(d, firsts[i]);
    unsigned fault = mx_machine_run(d->machine, 64, args);
    expect_fault(d, fault, MX_FAULT_ILLEGAL, 64);
  }
  test_begin(d, 0);  // a second IDENT is checked too
  test_add(d, INSN(IDENT, F(IDENT, build_id, id)));
  test_add(d, INSN(IDENT, F(IDENT, build_id, id + 1)));
  expect_fault(d, test_run(d, 0, 0), MX_FAULT_BUILD_ID, 32);
}

static void test_entry(void **state) {
  test_device *d = *state;
  const uint32_t args[MX_ARGS] = {0};
  assert_int_equal(mx_machine_run(d->machine, 8, args), MX_FAULT_ALIGN);
  assert_int_equal(mx_machine_run(d->machine, MEM_BYTES, args), MX_FAULT_RANGE);
  assert_int_equal(mx_machine_run(d->machine, 0xfffffff0, args), MX_FAULT_RANGE);
  test_device large = test_device_new("large", 4096);  // a beat of 32 bytes
  assert_int_equal(mx_machine_run(large.machine, 16, args), MX_FAULT_ALIGN);
  test_device_free(&large);
  memset(d->memory, 0, 16);
  test_begin(d, MEM_BYTES - 32);  // no HALT before the memory ends
  test_add(d, INSN(FENCE, {MX_WAIT_MSB * 256 + MX_WAIT_LSB, 0}));
  unsigned fault = mx_machine_run(d->machine, MEM_BYTES - 32, args);
  expect_fault(d, fault, MX_FAULT_RANGE, MEM_BYTES);
}

// ---- ILLEGAL -----------------------------------------------------------------------

static void check_illegal(const char *set, mx_insn in, bool illegal) {
  test_device d = test_device_new(set, 4096);
  if (mx_insn_illegal(d.params, &in) != illegal)
    fail_msg("%s on %s: expected it to be %s", mx_op_find(in.word[0] & 31) ? mx_op_find(in.word[0] & 31)->name : "?", set,
             illegal ? "illegal" : "legal");
  test_begin(&d, 32);
  test_add(&d, in);
  unsigned fault = test_run(&d, 0, 0);
  if (illegal) expect_fault(&d, fault, MX_FAULT_ILLEGAL, 48);
  else assert_int_not_equal(fault, MX_FAULT_ILLEGAL);
  test_device_free(&d);
}

#define MATMUL_OF(...) INSN(MATMUL, __VA_ARGS__)

static void test_illegal_matmul(void **state) {
  (void)state;
  check_illegal("sim", MATMUL_OF(F(MATMUL, bits, 2)), false);
  check_illegal("sim", MATMUL_OF(F(MATMUL, bits, 3)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, scale, 3)), true);
  for (unsigned x = 0; x < 64; x++) check_illegal("sim", MATMUL_OF(F(MATMUL, x, x)), x % 16 != 0);
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    for (unsigned t = 0; t < 16; t++) check_illegal(p->name, MATMUL_OF(F(MATMUL, tokens, t)), t >= p->TOKENS);
    check_illegal(p->name, MATMUL_OF(F(MATMUL, codebook, 1)), !p->CODEBOOK);
    check_illegal(p->name, MATMUL_OF(F(MATMUL, zero, 1)), !p->ZERO_POINT);
    check_illegal(p->name, MATMUL_OF(F(MATMUL, planar, 1)), false);
  }
  check_illegal("sim", MATMUL_OF(F(MATMUL, codebook, 1), F(MATMUL, bits, 1)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, codebook, 1), F(MATMUL, bits, 2)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, planar, 1), F(MATMUL, bits, 1)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, planar, 1), F(MATMUL, bits, 2)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, planar, 1), F(MATMUL, scale, 1)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, planar, 1), F(MATMUL, zero, 1)), true);
  check_illegal("sim", MATMUL_OF(F(MATMUL, planar, 1), F(MATMUL, codebook, 1)), true);
}

static void test_illegal_puts(void **state) {
  (void)state;
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (unsigned bank = 0; bank < 16; bank++) {
      check_illegal(p->name, INSN(PUTROW, F(PUTROW, bank, bank)), bank >= p->TOKENS);
      check_illegal(p->name, INSN(PUTCOL, F(PUTCOL, bank, bank)), bank >= p->TOKENS);
      check_illegal(p->name, INSN(PUTEXP, F(PUTEXP, bank, bank)), bank >= p->TOKENS);
    }
  for (unsigned bits = 0; bits < 4; bits++) {
    check_illegal("sim", INSN(PUTROW, F(PUTROW, bits, bits)), bits % 2);
    check_illegal("sim", INSN(PUTCOL, F(PUTCOL, bits, bits)), bits % 2);
  }
  for (unsigned x = 0; x < 48; x++) {
    check_illegal("sim", INSN(PUTROW, F(PUTROW, x, x)), x % 16 != 0);
    check_illegal("sim", INSN(PUTCOL, F(PUTCOL, x, x)), x % 16 != 0);
    check_illegal("sim", INSN(PUTEXP, F(PUTEXP, x, x)), x % 16 != 0);
  }
  check_illegal("sim", INSN(PUTCOL, F(PUTCOL, bits, 0), F(PUTCOL, count, 3)), true);
  check_illegal("sim", INSN(PUTCOL, F(PUTCOL, bits, 2), F(PUTCOL, count, 3)), false);
}

static bool bit_in_a_field(const char *op, unsigned bit) {
  if (bit <= MX_WAIT_MSB) return true;
  for (const mx_field_info *f = mx_fields; f->op; f++)
    if (!strcmp(f->op, op) && f->lsb <= bit && bit <= f->msb) return true;
  return false;
}

// Every code without an instruction, and every bit without a field.
static void test_reserved(void **state) {
  (void)state;
  check_illegal("sim", loop(0, 0), true);
  for (unsigned code = 0; code < 32; code++)
    if (!mx_op_find(code)) check_illegal("sim", (mx_insn){{code}}, true);
  for (const mx_op_info *op = mx_ops; op->name; op++)
    for (unsigned bit = 0; bit < 128; bit++) {
      if (bit_in_a_field(op->name, bit)) continue;
      mx_insn in = {{op->code}};
      if (op->code == MX_OP_LOOP) mx_put(&in, MX_F_LOOP_d, 1);
      in.word[bit / 32] |= 1u << (bit % 32);
      check_illegal("sim", in, true);
    }
}

// ---- STREAM --------------------------------------------------------------------------

static mx_insn stream(uint32_t addr, uint32_t segments, uint32_t units, uint32_t unit16, uint32_t stride) {
  return INSN(STREAM, F(STREAM, addr, addr), F(STREAM, segments, segments), F(STREAM, units, units), F(STREAM, unit16, unit16),
              F(STREAM, stride, stride));
}

static void check_stream(const char *set, mx_insn in, unsigned expected, uint32_t left) {
  test_device d = test_device_new(set, MEM_BYTES);
  test_begin(&d, 0);
  test_add(&d, in);
  unsigned fault = test_run(&d, 0, 0);
  expect_fault(&d, fault, expected, expected == MX_FAULT_NONE || expected == MX_FAULT_STREAM ? 32 : 16);
  uint32_t bytes = 0;
  for (uint32_t i = 0; i < d.machine->n_segments; i++) bytes += d.machine->segments[i].bytes;
  if (fault == MX_FAULT_STREAM) assert_int_equal(bytes, left);
  test_device_free(&d);
}

static void test_stream_faults(void **state) {
  (void)state;
  check_stream("sim", stream(4096, 3, 2, 5, 512), MX_FAULT_STREAM, 480);
  check_stream("sim", stream(0, 0, 2, 5, 512), MX_FAULT_NONE, 0);       // no segments,
  check_stream("sim", stream(1, 1, 0, 5, 1), MX_FAULT_NONE, 0);         // or empty ones: nothing is looked at
  check_stream("sim", stream(0xfffffff1, 1, 1, 0, 1), MX_FAULT_NONE, 0);
  check_stream("sim", stream(8, 1, 1, 1, 0), MX_FAULT_ALIGN, 0);
  check_stream("sim", stream(16, 1, 1, 1, 8), MX_FAULT_ALIGN, 0);
  check_stream("large", stream(32, 1, 1, 1, 32), MX_FAULT_ALIGN, 0);    // half a beat
  check_stream("large", stream(32, 2, 2, 1, 32), MX_FAULT_STREAM, 64);
  check_stream("tiny", stream(4, 1, 1, 1, 4), MX_FAULT_STREAM, 16);
  check_stream("sim", stream(MEM_BYTES - 16, 1, 1, 1, 0), MX_FAULT_STREAM, 16);
  check_stream("sim", stream(MEM_BYTES - 16, 1, 2, 1, 0), MX_FAULT_RANGE, 0);
  check_stream("sim", stream(MEM_BYTES - 32, 3, 1, 1, 16), MX_FAULT_RANGE, 0);
  check_stream("sim", stream(0xfffffff0, 2, 1, 1, 16), MX_FAULT_RANGE, 0);
  check_stream("sim", stream(32, 2, 1, 1, 0xfffffff0), MX_FAULT_STREAM, 32);  // backwards
  check_stream("sim", stream(0, 1, 65535, 4095, 0), MX_FAULT_RANGE, 0);
  check_stream("sim", stream(0, 65535, 1, 1, 0), MX_FAULT_STREAM, 65535 * 16);
}

// Nobody eats what is queued for ever: the program hangs, and memory stays small.
static void test_stream_hoard(void **state) {
  test_device *d = *state;
  test_begin(d, 0);
  test_add(d, stream(0, 65535, 1, 1, 0));
  test_add(d, loop(5, 1));
  assert_int_equal(test_run(d, 0, 0), MX_FAULT_WATCHDOG);
  assert_true(d->machine->capacity <= 1u << 22);
}

// ---- VEC ------------------------------------------------------------------------------

static uint32_t uimm(unsigned op, unsigned d, unsigned a, uint32_t imm) {
  return op << MX_UOP_LSB | d << 20 | a << 16 | (imm & 0xffff);
}

// U0..U5 come from the fields, U6 and U7 from the low halves of registers; the
// others stay from command to command.
static void test_vec_parameters(void **state) {
  test_device *d = *state;
  const uint32_t words[] = {uimm(MX_UOP_ADDI, 8, 6, 1), uimm(MX_UOP_ADDI, 9, 9, 1), uimm(MX_UOP_END, 0, 0, 0)};
  for (unsigned i = 0; i < 3; i++) test_poke(d, DATA_AT + 4 * i, words[i]);
  test_begin(d, 0);
  test_add(d, INSN(UCODE, F(UCODE, addr, DATA_AT), F(UCODE, dst, 510), F(UCODE, count, 3)));  // wraps to word 0
  mx_insn in = INSN(VEC, F(VEC, entry, 510), F(VEC, r, 1), F(VEC, s, 2), F(VEC, u0, 10), F(VEC, u1, 11), F(VEC, u2, 12),
                    F(VEC, u3, 13), F(VEC, u4, 14), F(VEC, u5, 0xffff));
  test_add(d, in);
  test_add(d, in);
  test_run_clean(d, 0x12345678, 0xabcdffff);
  const uint16_t expected[10] = {10, 11, 12, 13, 14, 0xffff, 0x5678, 0xffff, 0x5679, 2};
  assert_memory_equal(d->machine->vec.u, expected, sizeof expected);
}

static void test_vec_faults(void **state) {
  test_device *d = *state;
  test_poke(d, DATA_AT, 0x1fu << MX_UOP_LSB);
  test_begin(d, 0);
  test_add(d, INSN(UCODE, F(UCODE, addr, DATA_AT), F(UCODE, count, 1)));
  uint32_t at = d->at;
  test_add(d, INSN(VEC, F(VEC, entry, 0)));
  expect_fault(d, test_run(d, 0, 0), MX_FAULT_UCODE, at);
  test_poke(d, DATA_AT, uimm(MX_UOP_LI, 0, 0, 2));
  test_poke(d, DATA_AT + 4, uimm(MX_UOP_LOOPU, 0, 0, 0));
  test_begin(d, 0);
  test_add(d, INSN(UCODE, F(UCODE, addr, DATA_AT), F(UCODE, count, 2)));
  test_add(d, INSN(VEC, F(VEC, entry, 0)));
  expect_fault(d, test_run(d, 0, 0), MX_FAULT_WATCHDOG, at);
}

static void test_fault_texts(void **state) {
  (void)state;
  for (unsigned code = 0; code < 12; code++) assert_true(strlen(mx_fault_text(code)) > 5);
  assert_string_equal(mx_fault_text(MX_FAULT_NONE), "no fault");
}

// ---- random words -----------------------------------------------------------------------

// Mostly legal ones, with counts that keep a run short.
static mx_insn random_insn(void) {
  mx_insn in = {{random_u32(), random_u32(), random_u32(), random_u32()}};
  const mx_op_info *op = mx_op_find(in.word[0] & 31);
  if (!op || below(8) == 0) return in;
  mx_insn clean = {{in.word[0] & 0xff}};
  for (const mx_field_info *f = mx_fields; f->op; f++) {
    unsigned field = f->msb * 256 + f->lsb;
    uint64_t value = mx_get(&in, field);
    bool small = strstr("segments units groups blocks count", f->name) || !strcmp(f->name, "addr");
    if (!strcmp(f->op, op->name)) mx_put(&clean, field, small ? value & 0x1ff : below(2) ? value : value & 0xf0);
  }
  return clean;
}

static void hostile_run(const char *set, uint32_t mem_size) {
  test_device d = test_device_new(set, mem_size);
  const uint32_t args[MX_ARGS] = {random_u32() & 0xff, random_u32() & 0xfff0, random_u32(), 1};
  for (uint32_t i = 0; i < d.params->UCODE_WORDS; i++)
    d.machine->vec.ucode[i] = below(3) ? uimm(below(14), below(16), below(16), random_u32()) & ~(3u << 3) : 0;
  test_begin(&d, 0);
  while (d.at + 16 <= mem_size) {
    mx_insn in = random_insn();
    if ((in.word[0] & 31) == MX_OP_LOOP || (in.word[0] & 31) == MX_OP_HALT) continue;
    test_add(&d, in);
  }
  for (uint32_t pc = 16; pc + 16 <= mem_size; pc += 16) {  // each instruction, whatever the one before did
    mx_insn in;
    for (unsigned i = 0; i < 4; i++) in.word[i] = test_peek(&d, pc + 4 * i);
    if ((in.word[0] & 31) == MX_OP_VEC && below(4)) continue;  // those may take long
    mx_machine_step(d.machine, &in);
    if (d.machine->n_segments > 1000) d.machine->n_segments = 0;
  }
  assert_true(mx_machine_run(d.machine, 0, args) <= MX_FAULT_STREAM);
  test_device_free(&d);
}

static void test_hostile(void **state) {
  (void)state;
  for (uint32_t run = 0; run < test_runs(15); run++)
    for (const mx_params *p = mx_param_sets; p->name; p++) hostile_run(p->name, 2048);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(test_arg),          TEST(test_start),          TEST(test_loop),         TEST(test_loop_from_zero),
      TEST(test_loop_leaves_memory), TEST(test_endless),  TEST(test_ident),        TEST(test_entry),
      TEST(test_illegal_matmul), TEST(test_illegal_puts), TEST(test_reserved),     TEST(test_stream_faults),
      TEST(test_stream_hoard), TEST(test_vec_parameters), TEST(test_vec_faults),   TEST(test_fault_texts),
      TEST(test_hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
