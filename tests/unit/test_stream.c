// golden/stream: the layout of a unit against the text of stream.h, followed
// step by step, for every format and parameter set; codes written and read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/isa.h"
#include "golden/stream.h"
#include "tests/unit/program.h"

enum { MAX_BITS = 64 * 131 * 8 };

// Which code bit lies at a bit of the code section.
typedef struct { int row, code, bit; } place;
static place section[MAX_BITS];
static place slices[4][MAX_BITS];

typedef void (*check)(const mx_params *p, const mx_stream_format *f);

static void for_each_format(check run) {
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (unsigned index = 0; index < 3 * 3 * 2 * 2 * 4; index++) {
      mx_stream_format f = {.bits = index % 3, .scale = (mx_scale_kind)(index / 3 % 3), .zero = index / 9 % 2,
                            .planar = index / 18 % 2, .block = index / 36};
      if (!f.planar || f.bits == MX_BITS_4) run(p, &f);
    }
}

static int bits_of(const mx_stream_format *f) { return f->bits == 0 ? 4 : f->bits == 1 ? 6 : 8; }

// One line appended to the bits of its slice; returns the new length.
static int append_line(place *slice, int used, const mx_stream_format *f, int line) {
  int length = 16 << f->block, bits = bits_of(f);
  for (int i = 0; i < length; i++)
    for (int half = 0; half < (f->planar ? 2 : 1); half++)
      for (int k = 0; k < bits; k++) slice[used++] = (place){f->planar ? 2 * line + half : line, i, k};
  return used;
}

// The code section in stream order; returns its bits.
static int lay_out(const mx_params *p, const mx_stream_format *f) {
  int used[4] = {0}, n = 0, n_slices = (int)p->ROWS, width = (int)(p->BUS_BITS / p->ROWS);
  int lines = (int)p->GROUP / (f->planar ? 2 : 1);
  for (int q = 0; q < lines; q++) used[q % n_slices] = append_line(slices[q % n_slices], used[q % n_slices], f, q);
  for (int beat = 0; beat * width < used[0]; beat++)
    for (int s = 0; s < n_slices; s++)
      for (int k = 0; k < width; k++) section[n++] = slices[s][beat * width + k];
  for (int s = 0; s < n_slices; s++) assert_int_equal(used[s] % width, 0);  // no beat is left open
  return n;
}

static void check_layout(const mx_params *p, const mx_stream_format *f) {
  int n = lay_out(p, f), side = (f->scale == MX_SCALE_F16 ? 2 : f->scale == MX_SCALE_E8M0 ? 1 : 0) + f->zero;
  int codes_at = (int)p->GROUP * side;
  assert_int_equal(n, (int)p->GROUP * (16 << f->block) * bits_of(f));
  assert_int_equal(mx_unit_bytes(p, f), codes_at + n / 8);
  assert_int_equal(mx_unit_bytes(p, f) % 16, 0);
  assert_int_equal(mx_unit_bytes(p, f) % (p->BUS_BITS / 8), 0);
  assert_int_equal(codes_at % (int)(p->BUS_BITS / 8), 0);  // codes begin with a beat
  for (int at = 0; at < n; at++) {
    place c = section[at];
    uint32_t got = mx_code_bit_offset(p, f, (uint32_t)c.row, (uint32_t)c.code, (uint32_t)c.bit);
    if (got != (uint32_t)(8 * codes_at + at))
      fail_msg("%s bits %u planar %d block %u: bit %d of code %d of row %d is at %u, expected %d", p->name, f->bits,
               f->planar, f->block, c.bit, c.code, c.row, got, 8 * codes_at + at);
  }
}

// Row 0 first; scales, then zero points, then codes, with no gap between them.
static void check_sides(const mx_params *p, const mx_stream_format *f) {
  uint32_t at = 0, step = f->scale == MX_SCALE_NONE ? 0 : f->scale == MX_SCALE_E8M0 ? 1 : 2;
  for (uint32_t row = 0; row < p->GROUP && step; row++, at += step) assert_int_equal(mx_scale_offset(p, f, row), at);
  for (uint32_t row = 0; row < p->GROUP && f->zero; row++, at++) assert_int_equal(mx_zero_offset(p, f, row), at);
  assert_int_equal(mx_code_bit_offset(p, f, 0, 0, 0), 8 * at);
}

static test_random generator;

// Codes come back, and writing one leaves every other bit of the unit alone.
static void check_round_trip(const mx_params *p, const mx_stream_format *f) {
  uint32_t bytes = mx_unit_bytes(p, f), length = mx_block_length(f), mask = (1u << bits_of(f)) - 1;
  uint8_t *unit = malloc(bytes), *codes = calloc(p->GROUP, length), *before = malloc(bytes);
  assert_true(unit && codes && before);
  for (uint32_t i = 0; i < bytes; i++) unit[i] = (uint8_t)test_random_u32(&generator);
  memcpy(before, unit, bytes);
  for (uint32_t n = 0; n < p->GROUP * length; n++) {
    codes[n] = (uint8_t)(test_random_u32(&generator) & mask);
    mx_code_write(p, f, unit, n / length, n % length, codes[n] | ~mask);  // bits above the code do not matter
  }
  for (uint32_t n = 0; n < p->GROUP * length; n++)
    assert_int_equal(mx_code_read(p, f, unit, n / length, n % length), codes[n]);
  assert_memory_equal(unit, before, mx_code_bit_offset(p, f, 0, 0, 0) / 8);
  memcpy(before, unit, bytes);
  uint32_t row = test_random_below(&generator, p->GROUP), i = test_random_below(&generator, length);
  mx_code_write(p, f, unit, row, i, ~(uint32_t)codes[row * length + i]);
  mx_code_write(p, f, unit, row, i, codes[row * length + i]);
  assert_memory_equal(unit, before, bytes);
  free(unit);
  free(codes);
  free(before);
}

static void check_lengths(const mx_params *p, const mx_stream_format *f) {
  (void)p;
  assert_int_equal(mx_code_bits(f), bits_of(f));
  assert_int_equal(mx_block_length(f), 16 << f->block);
}

static void test_layout(void **state) { (void)state; for_each_format(check_layout); }
static void test_sides(void **state) { (void)state; for_each_format(check_sides); }
static void test_lengths(void **state) { (void)state; for_each_format(check_lengths); }
static void test_round_trip(void **state) {
  (void)state;
  generator.state = test_seed();
  for_each_format(check_round_trip);
}

// What params.def promises of every set, on which the layout rests.
static void test_params(void **state) {
  (void)state;
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    const uint32_t powers[] = {p->TOKENS, p->VMEM_WORDS, p->XMEM_ELEMS, p->UCODE_WORDS, p->STREAM_FIFO_BEATS,
                               p->STREAM_QUEUE, p->BURST_BEATS, p->READS, p->GROUP};
    for (size_t i = 0; i < sizeof powers / sizeof *powers; i++) assert_int_equal(powers[i] & (powers[i] - 1), 0);
    assert_int_equal(p->GROUP % (p->BUS_BITS / 8), 0);
    assert_int_equal(p->GROUP % (2 * p->ROWS), 0);
    assert_int_equal(mx_lanes(p), p->BUS_BITS / (4 * p->ROWS));
    assert_int_equal(mx_beat_bytes(p), p->BUS_BITS / 8);
    assert_ptr_equal(mx_params_find(p->name), p);
    for (const mx_params *q = mx_param_sets; q != p; q++) assert_int_not_equal(q->build_id, p->build_id);
  }
  assert_null(mx_params_find("none"));
  assert_null(mx_params_find(""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_params),  cmocka_unit_test(test_lengths),    cmocka_unit_test(test_layout),
      cmocka_unit_test(test_sides),   cmocka_unit_test(test_round_trip),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
