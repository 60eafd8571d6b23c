#include "tests/unit/random_program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/rtl/tb.h"

// ---- what top_program.c asks of a bench --------------------------------------------

static uint64_t random_state = 1;

void test_random_seed(uint64_t seed) { random_state = seed ? seed : 1; }

uint64_t tb_random(void) {
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return random_state * 0x2545f4914f6cdd1dull;
}

uint64_t tb_random_below(uint64_t n) { return (tb_random() >> 16) % n; }
uint32_t test_below(uint32_t n) { return (uint32_t)tb_random_below(n); }

void tb_fail(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  vfprintf(stderr, fmt, ap);
  va_end(ap);
  fputc('\n', stderr);
  abort();
}

// ---- programs ----------------------------------------------------------------------

// MATMULs over more beats than the FIFO holds, some of them queued ahead.
static void streams(top_program *t) {
  uint32_t formats[] = {0, 1, 2};
  for (int i = 0; i < 6; i++) {
    uint32_t blocks = 1 + test_below(20), groups = 1 + test_below(12), bits = formats[test_below(3)], scale = test_below(3);
    uint32_t code_bytes = bits == 0 ? 16 : bits == 1 ? 24 : 32;  // of a row's block of 32
    uint32_t unit = t->params->GROUP * (code_bytes + scale), segments = test_below(2) ? groups : 1;
    mx_insn in = top_insn(MX_OP_STREAM, 0);
    top_put(&in, MX_F_STREAM_addr, TOP_WEIGHTS + 64 * test_below(64));
    top_put(&in, MX_F_STREAM_segments, segments);
    top_put(&in, MX_F_STREAM_units, blocks * groups / segments);
    top_put(&in, MX_F_STREAM_unit16, unit / 16);
    top_put(&in, MX_F_STREAM_stride, 64 * test_below(200));
    top_append(t, in);
    in = top_insn(MX_OP_MATMUL, test_below(8));
    top_put(&in, MX_F_MATMUL_bits, bits);
    top_put(&in, MX_F_MATMUL_scale, scale);
    top_put(&in, MX_F_MATMUL_planar, bits == 0 && scale == 0 && test_below(2));
    top_put(&in, MX_F_MATMUL_block, 1);
    top_put(&in, MX_F_MATMUL_groups, groups);
    top_put(&in, MX_F_MATMUL_blocks, blocks);
    top_put(&in, MX_F_MATMUL_tokens, test_below(t->params->TOKENS));
    top_append(t, in);
    if (!test_below(3)) top_random(t, 1), t->length--;  // without its HALT
  }
  top_simple(t, MX_OP_HALT, 0);
}

static void copy_or_stream(top_program *t, uint32_t addr, uint32_t stride) {
  static const unsigned copies[] = {MX_OP_LOAD, MX_OP_STORE, MX_OP_UCODE};
  if (test_below(2)) {
    top_copy(t, copies[test_below(3)], addr, 0, 64, 0);
    return;
  }
  mx_insn in = top_insn(MX_OP_STREAM, 0);
  top_put(&in, MX_F_STREAM_addr, addr);
  top_put(&in, MX_F_STREAM_segments, 2);
  top_put(&in, MX_F_STREAM_units, 4);
  top_put(&in, MX_F_STREAM_unit16, 1 + test_below(3));
  top_put(&in, MX_F_STREAM_stride, stride);
  top_append(t, in);
  if (!test_below(3)) return;
  in = top_insn(MX_OP_MATMUL, 0);
  top_put(&in, MX_F_MATMUL_groups, 4);
  top_put(&in, MX_F_MATMUL_blocks, 4);
  top_append(t, in);
}

// Addresses beyond memory, misaligned, data left over or missing, no HALT.
static void faults(top_program *t) {
  static const uint32_t addresses[] = {TOP_MEMORY - 256, TOP_MEMORY - 64, TOP_WEIGHTS + 1, TOP_WEIGHTS, UINT32_MAX - 63};
  copy_or_stream(t, addresses[test_below(5)], test_below(2) ? 256 : 257);
  top_simple(t, MX_OP_FENCE, 7);
  if (test_below(4)) top_simple(t, MX_OP_HALT, 0);
}

static void flip_bit(top_program *t) {
  uint32_t at = TOP_PROGRAM + test_below(MX_INSTRUCTION_BYTES * t->length);
  t->memory[at] = (uint8_t)(t->memory[at] ^ 1u << test_below(8));
}

void test_random_program(const mx_params *p, unsigned kind, uint8_t *memory, uint32_t *args) {
  top_program t;
  memset(memory, 0, TOP_MICROCODE);
  top_fill(memory);
  for (int i = 0; i < MX_ARGS; i++) args[i] = (uint32_t)tb_random();
  top_begin(&t, p, memory, args);
  t.overlap = test_below(2);
  top_ident(&t);
  top_prologue(&t);
  if (kind == 1) streams(&t);
  else if (kind == 2) faults(&t);
  else top_random(&t, 30);
  if (kind == 3) flip_bit(&t);
}

// ---- memories ----------------------------------------------------------------------

mx_memory_options test_random_memory(bool stalls) {
  mx_memory_options o = MX_MEMORY_DEFAULTS;
  unsigned chips = 0;
  while (mx_dram_name(chips)) chips++;
  o.outstanding = 1 + test_below(16);
  if (test_below(3)) {
    o.chip = mx_dram_find(mx_dram_name(test_below(chips)));
    o.clock_khz = 1000 * (20 + test_below(400));
  } else {
    o.latency = 1 + test_below(60);
    if (!test_below(3)) o.beats = 1 + test_below(4), o.per = o.beats + test_below(8);
  }
  if (stalls && test_below(2)) o.stall_percent = test_below(70), o.stall_seed = tb_random();
  return o;
}
