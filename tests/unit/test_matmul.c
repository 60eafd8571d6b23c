// MATMUL, TABLE and STREAM of the golden machine against a model in plain
// loops, written from golden/isa.def: every format and parameter set, streams
// cut into segments anyhow, addresses that wrap.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/fp32.h"
#include "tests/unit/program.h"

enum { MEM_BYTES = 1 << 20, DATA_AT = 4096, MOST_BYTES = 4 * 4 * 64 * 131 };

static test_random generator;
static uint32_t below(uint32_t bound) { return test_random_below(&generator, bound); }

// ---- a product and what it must give -----------------------------------------------

typedef struct {
  mx_stream_format f;
  bool codebook;
  uint32_t frac, tokens, groups, blocks, x, dst, stride;
} product;

// A value of 4, 6 or 8 bits, two's complement.
static int from_code(uint32_t code, int bits) { return code >= 1u << (bits - 1) ? (int)code - (1 << bits) : (int)code; }

// Weights go to the multipliers as bytes, so a difference wraps.
static int weight(const test_device *d, const product *p, const uint8_t *unit, uint32_t row, uint32_t i) {
  uint32_t code = mx_code_read(d->params, &p->f, unit, row, i);
  int w = p->codebook ? d->machine->table[code] : from_code(code, (int)mx_code_bits(&p->f));
  if (p->f.zero) w -= from_code(unit[mx_zero_offset(d->params, &p->f, row)], 8);
  return from_code((uint32_t)w & 255, 8);
}

static uint16_t scale_of(const test_device *d, const product *p, const uint8_t *unit, uint32_t row) {
  const uint8_t *at = unit + mx_scale_offset(d->params, &p->f, row);
  if (p->f.scale == MX_SCALE_NONE) return 0;
  return p->f.scale == MX_SCALE_E8M0 ? at[0] : (uint16_t)(at[0] + 256 * at[1]);
}

static uint32_t result(const test_device *d, const product *p, const uint8_t *group, uint32_t row, uint32_t t) {
  uint32_t acc = 0, length = 16u << p->f.block, elems = d->params->XMEM_ELEMS;
  for (uint32_t b = 0; b < p->blocks; b++) {
    const uint8_t *unit = group + b * mx_unit_bytes(d->params, &p->f);
    uint32_t first = (p->x + b * length) % 65536 % elems;
    int sum = 0;
    for (uint32_t i = 0; i < length; i++)
      sum += weight(d, p, unit, row, i) * d->machine->vec.xmem[t * elems + (p->x + b * length + i) % 65536 % elems];
    uint8_t x_exp = d->machine->vec.xexp[t * (elems / 16) + first / 16];
    acc = mx_fp_add(acc, mx_fp_term(sum, p->f.scale, scale_of(d, p, unit, row), x_exp, p->frac));
  }
  return acc;
}

static void expect(const test_device *d, const product *p, const uint8_t *stream, uint32_t *vmem) {
  uint32_t group_bytes = p->blocks * mx_unit_bytes(d->params, &p->f), rows = d->params->GROUP;
  for (uint32_t r = 0; p->blocks && r < p->groups * rows; r++)
    for (uint32_t t = 0; t < p->tokens; t++)
      vmem[(p->dst + t * p->stride + r) % 65536 % d->params->VMEM_WORDS] =
          result(d, p, stream + r / rows * group_bytes, r % rows, t);
}

// ---- a device with random contents, and the program ----------------------------------

static product random_product(const mx_params *s) {
  product p = {.f = {.bits = below(3), .scale = (mx_scale_kind)below(3), .zero = s->ZERO_POINT && below(3) == 0, .block = below(4)},
               .frac = below(16), .tokens = 1 + below(s->TOKENS), .groups = below(4), .blocks = below(5),
               .x = 16 * below(4096), .dst = below(65536), .stride = below(3) ? 4 * s->GROUP + below(99) : below(65536)};
  if (below(3) == 0) p.f.bits = MX_BITS_4;
  if (p.f.bits == MX_BITS_4 && s->CODEBOOK) p.codebook = below(2);
  if (p.f.bits == MX_BITS_4 && !p.codebook && below(3) == 0) p.f.planar = true, p.f.zero = false, p.f.scale = MX_SCALE_NONE;
  return p;
}

// Of scales and activations: with the centre at 70 their terms are about 2^-126,
// at 190 about 2^127.
static uint32_t exponent_centre = 125;
static uint8_t random_exponent(void) {
  return (uint8_t)(below(20) ? exponent_centre - 15 + below(30) : below(2) ? 255 : below(256));
}

static void fill_chip(test_device *d) {
  uint32_t n = d->params->TOKENS * d->params->XMEM_ELEMS;
  for (uint32_t i = 0; i < n; i++) d->machine->vec.xmem[i] = (int8_t)test_random_u32(&generator);
  for (uint32_t i = 0; i < n / 16; i++) d->machine->vec.xexp[i] = random_exponent();
  for (uint32_t i = 0; i < d->params->VMEM_WORDS; i++) d->machine->vec.vmem[i] = test_random_u32(&generator);
}

static void fill_stream(const mx_params *s, const product *p, uint8_t *stream, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) stream[i] = (uint8_t)test_random_u32(&generator);
  uint32_t unit = mx_unit_bytes(s, &p->f);
  if (p->f.scale == MX_SCALE_E8M0)
    for (uint32_t at = 0; at < bytes; at++)
      if (at % unit < s->GROUP) stream[at] = random_exponent();
}

// Adds STREAM with fields less than meant by what the registers hold; only
// their low 16 bits count in the counts.
static void add_stream(test_device *d, uint32_t addr, uint32_t segments, uint32_t units, uint32_t unit16, uint32_t stride) {
  uint32_t a = test_random_u32(&generator), n = test_random_u32(&generator), u = test_random_u32(&generator);
  test_set(d, 3, a);
  test_set(d, 4, n);
  test_set(d, 5, u);
  test_add(d, INSN(STREAM, F(STREAM, a, 3), F(STREAM, n, 4), F(STREAM, u, 5), F(STREAM, addr, addr - a),
                   F(STREAM, segments, (segments - n) & 0xffff), F(STREAM, units, (units - u) & 0xffff),
                   F(STREAM, unit16, unit16), F(STREAM, stride, stride)));
}

static bool at_the_end;  // of the memory, so that a checker sees reads beyond it

// The bytes in pieces of a random size, with gaps between them.
static void place_stream(test_device *d, const uint8_t *stream, uint32_t bytes) {
  uint32_t beat = mx_beat_bytes(d->params), grain = beat > 16 ? beat : 16, pieces = bytes / grain, k = 1 + below(64);
  while (pieces % k) k--;
  if (at_the_end) {
    uint32_t at = MEM_BYTES - bytes;
    memcpy(d->memory + at, stream, bytes);
    add_stream(d, at, 1, 1, bytes / 16, 0);
    return;
  }
  uint32_t piece = k * grain, stride = piece + beat * below(4), half = bytes / piece / 2;
  for (uint32_t at = 0, i = 0; at < bytes; at += piece, i++) memcpy(d->memory + DATA_AT + i * stride, stream + at, piece);
  uint32_t units = k % 2 ? 1 : 2;  // a segment of one or of two units
  add_stream(d, DATA_AT, half, units, piece / 16 / units, stride);
  add_stream(d, DATA_AT + half * stride, bytes / piece - half, units, piece / 16 / units, stride);
}

static void add_table(test_device *d) {
  int8_t table[16];
  for (unsigned half = 2; half-- > 0;) {
    uint64_t entries = (uint64_t)test_random_u32(&generator) << 32 | test_random_u32(&generator);
    for (unsigned i = 0; i < 8; i++) table[8 * half + i] = (int8_t)from_code((uint32_t)(entries >> (8 * i)) & 255, 8);
    test_add(d, INSN(TABLE, F(TABLE, half, half), F(TABLE, entries, entries)));
  }
  memcpy(d->machine->table, table, sizeof table);  // for the model; TABLE writes the same
}

static mx_insn matmul(const product *p, uint32_t n, uint32_t k) {
  return INSN(MATMUL, F(MATMUL, n, 6), F(MATMUL, k, 7), F(MATMUL, bits, p->f.bits), F(MATMUL, scale, p->f.scale),
              F(MATMUL, zero, p->f.zero), F(MATMUL, codebook, p->codebook), F(MATMUL, planar, p->f.planar),
              F(MATMUL, block, p->f.block), F(MATMUL, frac, p->frac), F(MATMUL, x, p->x),
              F(MATMUL, groups, (p->groups - n) & 0xffff), F(MATMUL, dst, p->dst), F(MATMUL, stride, p->stride),
              F(MATMUL, blocks, (p->blocks - k) & 0xffff), F(MATMUL, tokens, p->tokens - 1));
}

static void fail_word(const product *p, const char *set, const char *path, uint32_t at, uint32_t got, uint32_t want) {
  fail_msg("%s, %s path, bits %u scale %u zero %d codebook %d planar %d block %u groups %u blocks %u tokens %u: "
           "word %u is %08x, expected %08x", set, path, p->f.bits, (unsigned)p->f.scale, p->f.zero, p->codebook, p->f.planar,
           16u << p->f.block, p->groups, p->blocks, p->tokens, at, got, want);
}

static void check_product(test_device *d, const product *p) {
  static uint8_t stream[MOST_BYTES];
  static uint32_t expected[1 << 16], before[1 << 16];
  uint32_t bytes = p->groups * p->blocks * mx_unit_bytes(d->params, &p->f), words = d->params->VMEM_WORDS;
  fill_chip(d);
  fill_stream(d->params, p, stream, bytes);
  test_begin(d, 0);
  if (p->codebook) add_table(d);
  if (bytes) place_stream(d, stream, bytes);
  test_set(d, 6, test_random_u32(&generator));
  test_set(d, 7, test_random_u32(&generator));
  const uint32_t n = test_peek(d, d->at - 28), k = test_peek(d, d->at - 12);  // `add` of the two ARGs
  test_add(d, matmul(p, n, k));
  memcpy(before, d->machine->vec.vmem, words * sizeof *before);
  memcpy(expected, before, sizeof expected);
  expect(d, p, stream, expected);
  const mx_simd *const *levels = mx_simd_levels();
  for (int path = 0; path < 4; path++) {  // plain, portable, then the host's levels
    const mx_simd *simd = path < 2 ? NULL : *levels;
    if (path >= 2 && !simd) break;
    levels += path >= 2;
    memcpy(d->machine->vec.vmem, before, words * sizeof *before);
    d->machine->plain = path == 0;
    d->machine->simd = simd;
    d->at -= path ? MX_INSTRUCTION_BYTES : 0;  // the HALT of the run before
    test_run_clean(d, 0, 0);
    assert_int_equal(d->machine->stream_bytes, bytes);
    for (uint32_t i = 0; i < words; i++)
      if (d->machine->vec.vmem[i] != expected[i])
        fail_word(p, d->params->name, simd ? simd->name : path ? "portable" : "plain", i, d->machine->vec.vmem[i], expected[i]);
  }
}

static void test_products(void **state) {
  (void)state;
  for (const mx_params *s = mx_param_sets; s->name; s++) {
    test_device d = test_device_new(s->name, MEM_BYTES);
    for (uint32_t run = 0; run < test_runs(90); run++) {
      static const uint32_t centres[] = {125, 125, 125, 70, 50, 190};
      exponent_centre = centres[below(6)];
      product p = random_product(s);
      check_product(&d, &p);
    }
    test_device_free(&d);
  }
  exponent_centre = 125;
}

// Each format once, so that none is left to chance.
static void test_each_format(void **state) {
  (void)state;
  test_device d = test_device_new("large", MEM_BYTES);
  for (unsigned index = 0; index < 3 * 3 * 2 * 4 * 2; index++) {
    product p = {.f = {.bits = index % 3, .scale = (mx_scale_kind)(index / 3 % 3), .zero = index / 9 % 2, .block = index / 18 % 4},
                 .codebook = index / 72, .frac = 12, .tokens = 3, .groups = 1, .blocks = 2, .stride = 64};
    if (!p.codebook || !p.f.bits) check_product(&d, &p);
  }
  test_device_free(&d);
}

static void test_at_the_end(void **state) {
  (void)state;
  test_device d = test_device_new("sim", MEM_BYTES);
  at_the_end = true;
  for (unsigned index = 0; index < 3 * 4; index++) {
    product p = {.f = {.bits = index % 3, .scale = MX_SCALE_E8M0, .block = index / 3}, .frac = 12, .tokens = 1, .groups = 1,
                 .blocks = 2};
    check_product(&d, &p);
  }
  at_the_end = false;
  test_device_free(&d);
}

// ---- corners ----------------------------------------------------------------------

// One group of `blocks` blocks of 16 in MXINT8, every weight 64 (1.0), every x 64.
static void ones(test_device *d, uint32_t blocks) {
  memset(d->memory + DATA_AT, 64, blocks * (16 + 256));
  for (uint32_t b = 0; b < blocks; b++) memset(d->memory + DATA_AT + b * (16 + 256), 127, 16);
  memset(d->machine->vec.xmem, 64, d->params->XMEM_ELEMS);
  memset(d->machine->vec.xexp, 127, d->params->XMEM_ELEMS / 16);
}

static const product one_group = {.f = {.bits = MX_BITS_8, .scale = MX_SCALE_E8M0, .block = 0}, .frac = 12, .tokens = 1,
                                  .groups = 1, .blocks = 2, .dst = 100};

static void begin_ones(test_device *d, uint32_t blocks) {
  *d = test_device_new("sim", MEM_BYTES);
  ones(d, blocks);
  test_begin(d, 0);
  test_add(d, INSN(STREAM, F(STREAM, addr, DATA_AT), F(STREAM, segments, 1), F(STREAM, units, blocks), F(STREAM, unit16, 17)));
}

static void test_by_hand(void **state) {
  (void)state;
  test_device d;
  begin_ones(&d, 2);
  d.memory[DATA_AT + 1] = 128;                   // row 1, block 0: times 2
  d.memory[DATA_AT + 2] = 255;                   // row 2: NaN
  d.memory[DATA_AT + 16 + 3 * 16] = 0x80;        // row 3, element 0: -2.0
  d.memory[DATA_AT + 272 + 16 + 4 * 16 + 15] = 0;  // row 4, last element
  test_add(&d, matmul(&one_group, 0, 0));
  test_run_clean(&d, 0, 0);
  static const uint32_t expected[6] = {0x42000000, 0x42400000, MX_FP_NAN, 0x41E80000, 0x41F80000, 0x42000000};
  for (int i = 0; i < 6; i++) assert_int_equal(d.machine->vec.vmem[100 + i], expected[i]);  // 32 48 NaN 29 31 32
  test_device_free(&d);
}

// A sum that fell to -0 becomes +0 by a term that is 0, whatever its scale's sign.
static void test_zero_terms(void **state) {
  (void)state;
  test_device d = test_device_new("sim", MEM_BYTES);
  static const product p = {.f = {.bits = MX_BITS_8, .scale = MX_SCALE_F16}, .tokens = 1, .groups = 1, .blocks = 3};
  static const uint8_t exponents[3] = {1, 1, 127};
  static const int8_t elements[3] = {2, -3, 0};  // times the scales: -2, 1.875, 0
  static const uint16_t scales[3] = {0xBC00, 0xB900, 0xBC00};  // -1, -0.625, -1
  for (uint32_t b = 0; b < 3; b++) {
    uint8_t *unit = d.memory + DATA_AT + b * (32 + 256);
    for (uint32_t row = 0; row < 16; row++) {
      unit[2 * row] = (uint8_t)scales[b];
      unit[2 * row + 1] = (uint8_t)(scales[b] >> 8);
      unit[32 + 16 * row] = 1;
    }
    d.machine->vec.xmem[16 * b] = elements[b];
    d.machine->vec.xexp[b] = exponents[b];
  }
  test_begin(&d, 0);
  test_add(&d, INSN(STREAM, F(STREAM, addr, DATA_AT), F(STREAM, segments, 1), F(STREAM, units, 3), F(STREAM, unit16, 18)));
  test_add(&d, matmul(&p, 0, 0));
  const mx_simd *const *l = mx_simd_levels();
  for (int path = 0; path < 4; path++) {
    d.machine->plain = path == 0;
    d.machine->simd = path < 2 ? NULL : *l++;
    if (path >= 2 && !d.machine->simd) break;
    d.at -= path ? MX_INSTRUCTION_BYTES : 0;
    d.machine->vec.vmem[0] = 1;
    test_run_clean(&d, 0, 0);
    assert_int_equal(d.machine->vec.vmem[0], 0);
  }
  test_device_free(&d);
}

typedef struct { uint32_t addresses[256], n; } writes;

static void note_write(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  writes *w = self;
  (void)value;
  if (unit != MX_UNIT_DOT) return;
  assert_int_equal(space, MX_SPACE_VMEM);
  w->addresses[w->n++ % 256] = address;
}

// Results leave row by row, the tokens of a row one after another.
static void test_order_of_writes(void **state) {
  (void)state;
  test_device d;
  begin_ones(&d, 4);
  writes w = {.n = 0};
  d.machine->observer = (mx_observer){note_write, &w};
  product p = one_group;
  p.groups = p.tokens = 2;
  p.dst = 65530;
  p.stride = 1000;
  test_add(&d, matmul(&p, 0, 0));
  test_run_clean(&d, 0, 0);
  assert_int_equal(w.n, 64);
  for (uint32_t i = 0; i < 64; i++) assert_int_equal(w.addresses[i], (65530 + i / 2 + i % 2 * 1000) % 65536 % d.machine->params->VMEM_WORDS);
  test_device_free(&d);
}

static void test_nothing_to_do(void **state) {
  (void)state;
  for (int groups = 0; groups < 2; groups++) {
    test_device d;
    begin_ones(&d, 2);
    product p = one_group;
    p.groups = (uint32_t)groups;
    p.blocks = groups ? 0 : 2;
    d.machine->vec.vmem[100] = 0x12345678;
    test_add(&d, matmul(&p, 0, 0));
    uint32_t at = d.at;
    assert_int_equal(test_run(&d, 0, 0), MX_FAULT_STREAM);  // it took nothing
    assert_int_equal(d.machine->pc, at);
    assert_int_equal(d.machine->vec.vmem[100], 0x12345678);
    assert_int_equal(d.machine->stream_bytes, 0);
    test_device_free(&d);
  }
}

static void test_starved(void **state) {
  (void)state;
  test_device d;
  begin_ones(&d, 1);
  uint32_t at = d.at;
  test_add(&d, matmul(&one_group, 0, 0));
  assert_int_equal(test_run(&d, 0, 0), MX_FAULT_WATCHDOG);
  assert_int_equal(d.machine->pc, at);
  test_device_free(&d);
}

static void test_leftover(void **state) {
  (void)state;
  test_device d;
  begin_ones(&d, 3);
  test_add(&d, matmul(&one_group, 0, 0));
  uint32_t at = d.at;
  assert_int_equal(test_run(&d, 0, 0), MX_FAULT_STREAM);
  assert_int_equal(d.machine->pc, at);
  assert_int_equal(d.machine->vec.vmem[100], 0x42000000);
  test_begin(&d, 0);  // the next run begins with an empty stream
  test_run_clean(&d, 0, 0);
  test_device_free(&d);
}

// The table of a half stays until it is written again, over programs too.
static void test_table(void **state) {
  (void)state;
  test_device d = test_device_new("sim", 4096);
  test_begin(&d, 0);
  test_add(&d, INSN(TABLE, F(TABLE, half, 0), F(TABLE, entries, 0x0706050403028001)));
  test_run_clean(&d, 0, 0);
  test_begin(&d, 0);
  test_add(&d, INSN(TABLE, F(TABLE, half, 1), F(TABLE, entries, 0xff0e0d0c0b0a0908)));
  test_run_clean(&d, 0, 0);
  static const int8_t expected[16] = {1, -128, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, -1};
  assert_memory_equal(d.machine->table, expected, 16);
  test_device_free(&d);
}

static int seed(void **state) {
  (void)state;
  generator.state = test_seed();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),         cmocka_unit_test(test_table),       cmocka_unit_test(test_products),
      cmocka_unit_test(test_each_format),     cmocka_unit_test(test_starved),     cmocka_unit_test(test_leftover),
      cmocka_unit_test(test_zero_terms),      cmocka_unit_test(test_at_the_end),
      cmocka_unit_test(test_order_of_writes), cmocka_unit_test(test_nothing_to_do),
  };
  return cmocka_run_group_tests(tests, seed, NULL);
}
