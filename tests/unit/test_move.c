// The move instructions of the golden machine against models written from
// golden/isa.def: LOAD, STORE, PUTROW, PUTCOL, PUTEXP, UCODE. What the PUT
// instructions append is read back by mx_code_read and multiplied by MATMUL.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/fp32.h"
#include "tests/unit/program.h"

enum { MEM_BYTES = 1 << 17, DATA_AT = 8192 };

static test_random generator;
static uint32_t below(uint32_t bound) { return test_random_below(&generator, bound); }
static uint32_t random_u32(void) { return test_random_u32(&generator); }

static int seed(void **state) {
  (void)state;
  generator.state = test_seed();
  return 0;
}

static void for_each_set(void (*check)(test_device *d), uint32_t runs) {
  for (const mx_params *s = mx_param_sets; s->name; s++) {
    test_device d = test_device_new(s->name, MEM_BYTES);
    for (uint32_t run = 0; run < test_runs(runs); run++) check(&d);
    test_device_free(&d);
  }
}

static void fill_vmem(test_device *d) {
  for (uint32_t i = 0; i < d->params->VMEM_WORDS; i++) d->machine->vec.vmem[i] = random_u32();
}

static void fill_memory(test_device *d) {
  for (uint32_t i = DATA_AT; i < d->mem_size; i++) d->memory[i] = (uint8_t)random_u32();
}

static void fill_xmem(test_device *d) {
  uint32_t n = d->params->TOKENS * d->params->XMEM_ELEMS;
  for (uint32_t i = 0; i < n; i++) d->machine->vec.xmem[i] = (int8_t)random_u32();
  for (uint32_t i = 0; i < n / 16; i++) d->machine->vec.xexp[i] = (uint8_t)(110 + below(30));
}

static uint32_t aligned(const test_device *d, uint32_t bytes) {  // a place for so many
  uint32_t beat = mx_beat_bytes(d->params);
  return DATA_AT + beat * below((d->mem_size - DATA_AT - bytes) / beat);
}

// ---- LOAD and STORE --------------------------------------------------------------

static uint32_t bits_of_float(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static uint32_t loaded(const uint8_t *at, unsigned format) {
  uint32_t half = (uint32_t)at[0] + 256u * at[1], exponent = half >> 10 & 31;
  double fraction = half & 1023, sign = half >> 15 ? -1 : 1;
  switch (format) {
    case 0: return half + 65536u * (at[2] + 256u * at[3]);
    case 1:
      if ((half & 0x7f80) == 0) return (half & 0x8000) << 16;
      return (half & 0x7fff) > 0x7f80 ? MX_FP_NAN : half << 16;
    case 2: return at[0] == 255 ? MX_FP_NAN : at[0] == 0 ? 0 : bits_of_float((float)ldexp(1, at[0] - 127));
    default:
      if (exponent == 31 && fraction > 0) return MX_FP_NAN;
      if (exponent == 31) return bits_of_float((float)(sign * INFINITY));
      return bits_of_float((float)(sign * (exponent ? ldexp(1024 + fraction, (int)exponent - 25) : ldexp(fraction, -24))));
  }
}

static void check_load(test_device *d) {
  static const uint32_t sizes[4] = {4, 2, 1, 2};
  unsigned format = below(4);
  uint32_t count = below(400), a = random_u32(), n = random_u32(), dst = below(65536), words = d->params->VMEM_WORDS;
  static uint32_t expected[1 << 16];
  fill_vmem(d);
  fill_memory(d);
  uint32_t addr = aligned(d, 2048);
  memcpy(expected, d->machine->vec.vmem, words * 4);
  for (uint32_t i = 0; i < count; i++)
    expected[(dst + i) % 65536 % words] = loaded(d->memory + addr + i * sizes[format], format);
  test_begin(d, 0);
  test_set(d, 3, a);
  test_set(d, 4, n);
  test_add(d, INSN(LOAD, F(LOAD, a, 3), F(LOAD, n, 4), F(LOAD, format, format), F(LOAD, addr, addr - a),
                   F(LOAD, dst, dst), F(LOAD, count, (count - n) & 0xffff)));
  test_run_clean(d, 0, 0);
  assert_memory_equal(d->machine->vec.vmem, expected, words * 4);
}

// Every 16-bit pattern of the two half formats and every E8M0 code.
static void test_load_all_values(void **state) {
  (void)state;
  for (unsigned format = 1; format < 4; format++) {
    test_device d = test_device_new("large", 2 * MEM_BYTES);
    for (uint32_t i = 0; i < 65536; i++) {
      d.memory[DATA_AT + 2 * i] = (uint8_t)i;
      d.memory[DATA_AT + 2 * i + 1] = (uint8_t)(i >> 8);
    }
    for (uint32_t part = 0; part < 4; part++) {
      uint32_t addr = DATA_AT + part * 32768;
      test_begin(&d, 0);
      test_add(&d, INSN(LOAD, F(LOAD, format, format), F(LOAD, addr, addr), F(LOAD, count, 16384)));
      test_run_clean(&d, 0, 0);
      for (uint32_t i = 0; i < 16384; i++)
        assert_int_equal(d.machine->vec.vmem[i], loaded(d.memory + addr + i * (format == 2 ? 1 : 2), format));
    }
    test_device_free(&d);
  }
}

static void check_store(test_device *d) {
  uint32_t count = below(400), a = random_u32(), n = random_u32(), src = below(65536), addr = aligned(d, 2048);
  static uint8_t expected[MEM_BYTES];
  fill_vmem(d);
  fill_memory(d);
  memcpy(expected + DATA_AT, d->memory + DATA_AT, MEM_BYTES - DATA_AT);
  for (uint32_t i = 0; i < 4 * count; i++)
    expected[addr + i] = (uint8_t)(d->machine->vec.vmem[(src + i / 4) % 65536 % d->params->VMEM_WORDS] >> (i % 4 * 8));
  test_begin(d, 0);
  test_set(d, 3, a);
  test_set(d, 4, n);
  test_add(d, INSN(STORE, F(STORE, a, 3), F(STORE, n, 4), F(STORE, addr, addr - a), F(STORE, src, src),
                   F(STORE, count, (count - n) & 0xffff)));
  test_run_clean(d, 0, 0);
  assert_memory_equal(d->memory + DATA_AT, expected + DATA_AT, MEM_BYTES - DATA_AT);
}

static void test_load(void **state) { (void)state; for_each_set(check_load, 40); }
static void test_store(void **state) { (void)state; for_each_set(check_store, 40); }

// ---- PUTROW, PUTCOL, PUTEXP --------------------------------------------------------

typedef struct {
  mx_stream_format f;
  uint32_t bank, x, addr, a, number;  // number: A[r], position of the row or column
} place;

static place random_place(const test_device *d, bool column) {
  place p = {.f = {.bits = below(2) * 2, .block = below(4)}, .bank = below(d->params->TOKENS), .x = 16 * below(4096),
             .a = random_u32(), .number = random_u32()};
  if (column) p.f.planar = p.f.bits == 0;
  else p.f.scale = MX_SCALE_E8M0;
  p.addr = aligned(d, 70000);
  return p;
}

static int8_t x_at(const test_device *d, uint32_t bank, uint32_t elem) {
  uint32_t elems = d->params->XMEM_ELEMS;
  return d->machine->vec.xmem[bank * elems + elem % 65536 % elems];
}

static uint8_t exp_at(const test_device *d, uint32_t bank, uint32_t elem) {
  uint32_t elems = d->params->XMEM_ELEMS;
  return d->machine->vec.xexp[bank * (elems / 16) + elem % 65536 % elems / 16];
}

static uint32_t code_of(int8_t x, const mx_stream_format *f) { return (uint32_t)x & (f->bits ? 255 : 15); }

static mx_insn putrow(const place *p, uint32_t blocks) {
  return INSN(PUTROW, F(PUTROW, a, 3), F(PUTROW, r, 4), F(PUTROW, bits, p->f.bits), F(PUTROW, block, p->f.block),
              F(PUTROW, bank, p->bank), F(PUTROW, addr, p->addr - p->a), F(PUTROW, x, p->x), F(PUTROW, blocks, blocks));
}

static mx_insn putcol(const place *p, uint32_t count, uint32_t stride) {
  return INSN(PUTCOL, F(PUTCOL, a, 3), F(PUTCOL, r, 4), F(PUTCOL, bits, p->f.bits), F(PUTCOL, block, p->f.block),
              F(PUTCOL, bank, p->bank), F(PUTCOL, addr, p->addr - p->a), F(PUTCOL, x, p->x), F(PUTCOL, count, count),
              F(PUTCOL, stride, stride));
}

static void run_put(test_device *d, const place *p, mx_insn in) {
  test_begin(d, 0);
  test_set(d, 3, p->a);
  test_set(d, 4, p->number);
  test_add(d, in);
  test_run_clean(d, 0, 0);
}

// Writing the row by mx_code_write into the former memory must give the same.
static void check_putrow(test_device *d) {
  place p = random_place(d, false);
  static uint8_t expected[MEM_BYTES];
  uint32_t blocks = below(5), row = p.number % d->params->GROUP, unit_bytes = mx_unit_bytes(d->params, &p.f);
  fill_memory(d);
  fill_xmem(d);
  memcpy(expected, d->memory, MEM_BYTES);
  for (uint32_t b = 0; b < blocks; b++) {
    uint8_t *unit = expected + p.addr + b * unit_bytes;
    uint32_t length = 16u << p.f.block;
    unit[row] = exp_at(d, p.bank, p.x + b * length);
    for (uint32_t i = 0; i < length; i++)
      mx_code_write(d->params, &p.f, unit, row, i, code_of(x_at(d, p.bank, p.x + b * length + i), &p.f));
  }
  run_put(d, &p, putrow(&p, blocks));
  assert_memory_equal(d->memory + DATA_AT, expected + DATA_AT, MEM_BYTES - DATA_AT);
}

static void check_putcol(test_device *d) {
  place p = random_place(d, true);
  static uint8_t expected[MEM_BYTES];
  uint32_t count = below(3 * d->params->GROUP + 1), unit_bytes = mx_unit_bytes(d->params, &p.f);
  uint32_t stride = unit_bytes + mx_beat_bytes(d->params) * below(4), col = p.number % (16u << p.f.block);
  if (!p.f.bits) count -= count % 2;
  fill_memory(d);
  fill_xmem(d);
  memcpy(expected, d->memory, MEM_BYTES);
  for (uint32_t i = 0; i < count; i++)
    mx_code_write(d->params, &p.f, expected + p.addr + i / d->params->GROUP * stride, i % d->params->GROUP, col,
                  code_of(x_at(d, p.bank, p.x + i), &p.f));
  run_put(d, &p, putcol(&p, count, stride));
  assert_memory_equal(d->memory + DATA_AT, expected + DATA_AT, MEM_BYTES - DATA_AT);
}

static void check_putexp(test_device *d) {
  place p = random_place(d, false);
  static uint8_t expected[MEM_BYTES];
  uint32_t addr = DATA_AT + below(MEM_BYTES - DATA_AT);  // any alignment
  fill_memory(d);
  fill_xmem(d);
  memcpy(expected, d->memory, MEM_BYTES);
  expected[addr] = exp_at(d, p.bank, p.x);
  run_put(d, &p, INSN(PUTEXP, F(PUTEXP, a, 3), F(PUTEXP, bank, p.bank), F(PUTEXP, addr, addr - p.a), F(PUTEXP, x, p.x)));
  assert_memory_equal(d->memory + DATA_AT, expected + DATA_AT, MEM_BYTES - DATA_AT);
}

static void test_putrow(void **state) { (void)state; for_each_set(check_putrow, 40); }
static void test_putcol(void **state) { (void)state; for_each_set(check_putcol, 40); }
static void test_putexp(void **state) { (void)state; for_each_set(check_putexp, 20); }

// ---- a cache: append, then multiply --------------------------------------------------

enum { MOST_POSITIONS = 40, MOST_LENGTH = 256 };
typedef struct { int8_t x[MOST_POSITIONS][MOST_LENGTH]; uint8_t exponents[MOST_POSITIONS][16]; } history;

static int nibble(int8_t x) { return ((x & 15) ^ 8) - 8; }
static int element(int8_t x, const mx_stream_format *f) { return f->bits ? x : nibble(x); }

static void remember(const test_device *d, const place *p, history *h, uint32_t position, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) h->x[position][i] = x_at(d, p->bank, p->x + i);
  for (uint32_t i = 0; i < length / 16; i++) h->exponents[position][i] = exp_at(d, p->bank, p->x + 16 * i);
}

// Keys: positions are rows; scores = keys times x.
static void check_key_cache(test_device *d) {
  static history h;
  place p = random_place(d, false);
  uint32_t blocks = 1 + below(2), length = 16u << p.f.block, positions = 1 + below(MOST_POSITIONS);
  uint32_t group = d->params->GROUP, unit = mx_unit_bytes(d->params, &p.f), groups = (positions + group - 1) / group;
  for (p.number = 0; p.number < positions; p.number++) {
    fill_xmem(d);
    remember(d, &p, &h, p.number, blocks * length);
    p.addr = DATA_AT + p.number / group * blocks * unit;
    run_put(d, &p, putrow(&p, blocks));
  }
  fill_xmem(d);
  test_begin(d, 0);
  test_add(d, INSN(STREAM, F(STREAM, addr, DATA_AT), F(STREAM, segments, 1), F(STREAM, units, groups * blocks), F(STREAM, unit16, unit / 16)));
  test_add(d, INSN(MATMUL, F(MATMUL, bits, p.f.bits), F(MATMUL, scale, MX_SCALE_E8M0), F(MATMUL, block, p.f.block),
                   F(MATMUL, frac, 8), F(MATMUL, groups, groups), F(MATMUL, blocks, blocks)));
  test_run_clean(d, 0, 0);
  for (uint32_t position = 0; position < positions; position++) {
    uint32_t acc = 0;
    for (uint32_t b = 0; b < blocks; b++) {
      int sum = 0;
      for (uint32_t i = b * length; i < (b + 1) * length; i++) sum += element(h.x[position][i], &p.f) * x_at(d, 0, i);
      acc = mx_fp_add(acc, mx_fp_term(sum, MX_SCALE_E8M0, h.exponents[position][b * length / 16], exp_at(d, 0, b * length), 8));
    }
    assert_int_equal(d->machine->vec.vmem[position], acc);
  }
}

// Values: positions are columns; the mix = values times weights in x.
static void check_value_cache(test_device *d) {
  static history h;
  place p = random_place(d, true);
  memset(d->memory + DATA_AT, 0, MEM_BYTES - DATA_AT);
  uint32_t length = 16u << p.f.block, positions = 1 + below(MOST_POSITIONS), count = 2 * (1 + below(50));
  uint32_t group = d->params->GROUP, unit = mx_unit_bytes(d->params, &p.f), groups = (count + group - 1) / group;
  uint32_t columns = (positions + length - 1) / length, stride = columns * unit;
  for (p.number = 0; p.number < positions; p.number++) {
    fill_xmem(d);
    remember(d, &p, &h, p.number, count);
    p.addr = DATA_AT + p.number / length * unit;
    run_put(d, &p, putcol(&p, count, stride));
  }
  fill_xmem(d);
  test_begin(d, 0);
  test_add(d, INSN(STREAM, F(STREAM, addr, DATA_AT), F(STREAM, segments, groups), F(STREAM, units, columns), F(STREAM, unit16, unit / 16),
                   F(STREAM, stride, stride)));
  test_add(d, INSN(MATMUL, F(MATMUL, bits, p.f.bits), F(MATMUL, planar, p.f.planar), F(MATMUL, block, p.f.block),
                   F(MATMUL, frac, 8), F(MATMUL, groups, groups), F(MATMUL, blocks, columns)));
  test_run_clean(d, 0, 0);
  for (uint32_t row = 0; row < count; row++) {
    uint32_t acc = 0;
    for (uint32_t b = 0; b < columns; b++) {
      int sum = 0;
      for (uint32_t i = b * length; i < (b + 1) * length && i < positions; i++) sum += element(h.x[i][row], &p.f) * x_at(d, 0, i);
      acc = mx_fp_add(acc, mx_fp_term(sum, MX_SCALE_NONE, 0, exp_at(d, 0, b * length), 8));
    }
    assert_int_equal(d->machine->vec.vmem[row], acc);
  }
}

static void test_key_cache(void **state) { (void)state; for_each_set(check_key_cache, 12); }
static void test_value_cache(void **state) { (void)state; for_each_set(check_value_cache, 12); }

// ---- UCODE ----------------------------------------------------------------------------

static void check_ucode(test_device *d) {
  static uint32_t expected[1024];
  uint32_t count = below(300), dst = below(65536), addr = aligned(d, 2048), words = d->params->UCODE_WORDS;
  fill_memory(d);
  memcpy(expected, d->machine->vec.ucode, words * 4);
  for (uint32_t i = 0; i < count; i++) expected[(dst + i) % words] = test_peek(d, addr + 4 * i);
  test_begin(d, 0);
  test_add(d, INSN(UCODE, F(UCODE, addr, addr), F(UCODE, dst, dst), F(UCODE, count, count)));
  test_run_clean(d, 0, 0);
  assert_memory_equal(d->machine->vec.ucode, expected, words * 4);
}

static void test_ucode(void **state) { (void)state; for_each_set(check_ucode, 20); }

// ---- faults -----------------------------------------------------------------------------

// The instruction alone in a memory of 64 KiB faults, at its own address.
static void check_fault(mx_insn in, unsigned expected) {
  test_device d = test_device_new("sim", 65536);
  test_begin(&d, 0);
  test_add(&d, in);
  unsigned fault = test_run(&d, 0, 0);
  if (fault != expected || d.machine->pc != (expected ? 16u : 32u))
    fail_msg("%s: fault %u at 0x%x, expected %u", mx_op_find(in.word[0] & 31)->name, fault, d.machine->pc, expected);
  test_device_free(&d);
}

#define LOAD_AT(addr_, count_) INSN(LOAD, F(LOAD, addr, addr_), F(LOAD, count, count_))
#define STORE_AT(addr_, count_) INSN(STORE, F(STORE, addr, addr_), F(STORE, count, count_))
#define UCODE_AT(addr_, count_) INSN(UCODE, F(UCODE, addr, addr_), F(UCODE, count, count_))
#define PUTROW_AT(addr_, blocks_) INSN(PUTROW, F(PUTROW, bits, 2), F(PUTROW, addr, addr_), F(PUTROW, blocks, blocks_))
#define PUTCOL_AT(addr_, count_, stride_) \
  INSN(PUTCOL, F(PUTCOL, bits, 2), F(PUTCOL, addr, addr_), F(PUTCOL, count, count_), F(PUTCOL, stride, stride_))

static void test_align(void **state) {
  (void)state;
  check_fault(LOAD_AT(8, 1), MX_FAULT_ALIGN);
  check_fault(STORE_AT(8, 1), MX_FAULT_ALIGN);
  check_fault(UCODE_AT(4, 1), MX_FAULT_ALIGN);
  check_fault(PUTROW_AT(1, 1), MX_FAULT_ALIGN);
  check_fault(PUTCOL_AT(15, 1, 256), MX_FAULT_ALIGN);
  check_fault(PUTCOL_AT(16, 1, 8), MX_FAULT_ALIGN);
  check_fault(INSN(PUTEXP, F(PUTEXP, addr, 4097)), MX_FAULT_NONE);
}

static void test_range(void **state) {
  (void)state;
  check_fault(LOAD_AT(65536 - 64, 16), MX_FAULT_NONE);
  check_fault(LOAD_AT(65536 - 64, 17), MX_FAULT_RANGE);
  check_fault(LOAD_AT(65536 - 16, 1), MX_FAULT_NONE);
  check_fault(LOAD_AT(0xfffffff0, 8), MX_FAULT_RANGE);
  check_fault(STORE_AT(65536 - 64, 16), MX_FAULT_NONE);
  check_fault(STORE_AT(65536 - 64, 17), MX_FAULT_RANGE);
  check_fault(STORE_AT(0xfffffff0, 8), MX_FAULT_RANGE);
  check_fault(UCODE_AT(65536 - 64, 16), MX_FAULT_NONE);
  check_fault(UCODE_AT(65536 - 64, 17), MX_FAULT_RANGE);
  check_fault(PUTROW_AT(65536 - 272, 1), MX_FAULT_NONE);
  check_fault(PUTROW_AT(65536 - 272, 2), MX_FAULT_RANGE);
  check_fault(PUTROW_AT(65536 - 256, 1), MX_FAULT_NONE);  // row 0 lies below the end
  check_fault(PUTCOL_AT(65536 - 256, 16, 256), MX_FAULT_NONE);
  check_fault(PUTCOL_AT(65536 - 256, 17, 256), MX_FAULT_RANGE);
  check_fault(INSN(PUTEXP, F(PUTEXP, addr, 65535)), MX_FAULT_NONE);
  check_fault(INSN(PUTEXP, F(PUTEXP, addr, 65536)), MX_FAULT_RANGE);
}

// An instruction that moves nothing touches nothing, wherever it points.
static void test_zero_counts(void **state) {
  (void)state;
  check_fault(LOAD_AT(0xffffffff, 0), MX_FAULT_NONE);
  check_fault(STORE_AT(0xffffffff, 0), MX_FAULT_NONE);
  check_fault(UCODE_AT(0xffffffff, 0), MX_FAULT_NONE);
  check_fault(PUTROW_AT(0xffffffff, 0), MX_FAULT_NONE);
  check_fault(PUTCOL_AT(0xffffffff, 0, 1), MX_FAULT_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_load),      cmocka_unit_test(test_load_all_values), cmocka_unit_test(test_store),
      cmocka_unit_test(test_putrow),    cmocka_unit_test(test_putcol),          cmocka_unit_test(test_putexp),
      cmocka_unit_test(test_key_cache), cmocka_unit_test(test_value_cache),     cmocka_unit_test(test_ucode),
      cmocka_unit_test(test_align),     cmocka_unit_test(test_range),           cmocka_unit_test(test_zero_counts),
  };
  return cmocka_run_group_tests(tests, seed, NULL);
}
