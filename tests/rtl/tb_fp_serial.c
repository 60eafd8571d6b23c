// tb: top=fp_serial
// fp_serial against golden/fp32.h, golden/fn.h and golden/mxint.h: every
// operation over random operands and corners, loaded again when it asks for it; its
// cycles against sim/cycle/fp_time.h.
#include "golden/fn.h"
#include "golden/fp32.h"
#include "golden/mxint.h"
#include "sim/cycle/fp_time.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"

enum { CANON, ADD, MUL, MAX, FN, TERM, QUANT, ABOVE, OPS };
enum { VECTORS = 60000, LIMIT = 200 };

static tb_port *op, *sub, *fn, *frac, *bits, *hidden, *nan_in, *load_p, *load_q, *in, *busy, *swap, *gt, *y, *byte;

static void find_ports(void) {
  op = tb_find("op_i"), sub = tb_find("sub_i"), fn = tb_find("fn_i"), frac = tb_find("frac_i"), bits = tb_find("bits_i");
  hidden = tb_find("hidden_i"), nan_in = tb_find("nan_i"), load_p = tb_find("load_p_i"), load_q = tb_find("load_q_i");
  in = tb_find("in_i"), busy = tb_find("busy_o"), swap = tb_find("swap_o"), gt = tb_find("gt_o"), y = tb_find("y_o");
  byte = tb_find("byte_o");
}

static void load(tb_port *which, uint32_t value) {
  tb_put(which, 1), tb_put(in, value);
  tb_cycle();
  tb_put(which, 0), tb_put(in, tb_random());
  for (uint64_t i = which == load_p ? tb_random_below(3) : 0; i; i--) tb_cycle();
}

// Returns whether the operands p and q are wanted in the other order.
static bool finish(uint32_t p, uint32_t q, bool turned) {
  bool swaps = false;
  int cycles = 0;
  tb_eval();
  for (; tb_peek(busy); cycles++) {
    TB_CHECK(cycles < LIMIT, "operation %u does not end", (unsigned)tb_peek(op));
    swaps = tb_peek(swap);
    tb_cycle();
  }
  mx_fp_setting s = {.op = (mx_fp_op)tb_peek(op), .sub = tb_peek(sub), .hidden = tb_peek(hidden), .fn = (uint8_t)tb_peek(fn),
                     .bits = (uint8_t)tb_peek(bits), .turned = turned};
  mx_fp_time t = mx_fp_time_of(&s, p, q);
  TB_CHECK(cycles == (int)t.cycles && swaps == t.swap, "operation %u of %08X, %08X takes %d cycles (swap %d), expected %u (%d)",
           s.op, p, q, cycles, swaps, t.cycles, t.swap);
  return swaps;
}

static uint32_t run_two(unsigned code, uint32_t p, uint32_t q) {
  tb_put(op, code);
  load(load_p, p), load(load_q, q);
  if (finish(p, q, false)) {
    load(load_p, q), load(load_q, p);
    TB_CHECK(!finish(q, p, true), "the operands are wanted in another order twice");
  }
  return (uint32_t)tb_peek(y);
}

static uint32_t run_one(unsigned code, uint32_t p) {
  tb_put(op, code), tb_put(load_p, 1), tb_put(in, p);
  tb_cycle();
  tb_put(load_p, 0);
  finish(p, 0, false);
  return (uint32_t)tb_peek(y);
}

static void check_two(unsigned code) {
  uint32_t a = fp_random(), b = fp_random_near(a);
  bool minus = code == ADD && tb_random_below(2);
  tb_put(sub, minus);
  uint32_t got = run_two(code, a, b);
  uint32_t want = code == MUL ? mx_fp_mul(a, b) : code == MAX ? mx_fp_max(a, b) : minus ? mx_fp_sub(a, b) : mx_fp_add(a, b);
  TB_CHECK(got == want, "operation %u (sub %d) of %08X, %08X = %08X, expected %08X", code, minus, a, b, got, want);
}

static void check_one(unsigned code) {
  uint32_t a = fp_random();
  unsigned f = 1 + (unsigned)tb_random_below(3);
  if (code == FN && f == 1 && tb_random_below(4)) a = (a & 0x807FFFFF) | (uint32_t)(99 + tb_random_below(38)) << 23;
  tb_put(fn, f);
  uint32_t got = run_one(code, a), want = mx_fp_add(a, 0x80000000);
  if (code == FN) want = f == 1 ? mx_fp_exp2(a) : f == 2 ? mx_fp_recip(a) : mx_fp_rsqrt(a);
  TB_CHECK(got == want, "operation %u (fn %u) of %08X = %08X, expected %08X", code, f, a, got, want);
}

// A half as LOAD gives it: subnormals without the top bit.
static void check_half(void) {
  uint16_t h = (uint16_t)(tb_random() >> 48 & (tb_random_below(4) ? 0xFFFF : 0x83FF));
  uint32_t exp = h >> 10 & 31, wide = exp == 31 ? 255 : exp ? exp + 112 : 113;
  tb_put(hidden, exp != 0);
  uint32_t got = run_one(CANON, (uint32_t)(h & 0x8000) << 16 | wide << 23 | (uint32_t)(h & 0x3FF) << 13);
  tb_put(hidden, 1);
  TB_CHECK(got == mx_fp_from_f16(h), "half %04X is %08X, expected %08X", h, got, mx_fp_from_f16(h));
}

static void check_above(void) {
  uint32_t a = fp_random(), b = fp_random_near(a);
  run_two(ABOVE, a, b);
  bool number = (a & 0x7FFFFFFF) <= 0x7F800000, none = (b & 0x7FFFFFFF) > 0x7F800000;
  bool want = number && (none || mx_fp_gt(a, b));
  TB_CHECK(tb_peek(gt) == want, "%08X above %08X is %d", a, b, !want);
}

static void check_term(void) {
  int32_t dot = fp_random_dot();
  unsigned kind = (unsigned)tb_random_below(3), shift = (unsigned)tb_random_below(16);
  uint16_t h = (uint16_t)(tb_random() >> 48 & (tb_random_below(4) ? 0xFFFF : 0x83FF));
  uint16_t scale = kind == MX_SCALE_F16 ? h : fp_random_exp();
  uint8_t x_exp = fp_random_exp(), exp = kind ? (uint8_t)scale : 127;
  uint32_t q = 0;
  bool top = true, bad = kind == 1 && scale == 0xFF;
  if (kind == MX_SCALE_F16) {
    unsigned field = scale >> 10 & 31;
    exp = (uint8_t)(field ? field + 112 : 113), top = field != 0, bad = field == 31;
    q = (scale & 0x8000u) << 16 | (scale & 0x3FFu) << 13;
  }
  tb_put(frac, shift), tb_put(hidden, top), tb_put(nan_in, bad);
  uint32_t p = ((uint32_t)dot & 0x800000u) << 8 | (uint32_t)x_exp << 23 | ((uint32_t)dot & 0x7FFFFFu);
  uint32_t got = run_two(TERM, p, q | (uint32_t)exp << 23);
  tb_put(hidden, 1);
  uint32_t want = mx_fp_term(dot, (mx_scale_kind)kind, scale, x_exp, shift);
  TB_CHECK(got == want, "term(dot %d, kind %u, scale %04X, x_exp %u, frac %u) = %08X, expected %08X", dot, kind, scale,
           x_exp, shift, got, want);
}

static void check_quant(void) {
  enum { N = 16 };
  uint32_t v[N];
  int8_t want[N];
  unsigned code = (unsigned)tb_random_below(3);
  bool fixed = tb_random_below(2);
  uint32_t exp = (uint32_t)(100 + tb_random_below(60));
  for (unsigned i = 0; i < N; i++) v[i] = (fp_random() & 0x807FFFFF) | (exp - (uint32_t)tb_random_below(12)) << 23;
  uint8_t scale;
  if (fixed) mx_quantize_fixed(v, N, N, code, want, &scale);
  else mx_quantize_block(v, N, N, code, want, &scale);
  tb_put(bits, code);
  for (unsigned i = 0; i < N; i++) {
    run_two(QUANT, (uint32_t)scale << 23, v[i]);
    TB_CHECK((int8_t)tb_peek(byte) == want[i], "element %08X under scale %u, code %u: %d, expected %d", v[i], scale, code,
             (int8_t)tb_peek(byte), want[i]);
  }
}

void tb_main(void) {
  find_ports();
  tb_reset();
  tb_put(hidden, 1);
  for (int i = 0; i < VECTORS; i++) {
    check_two(ADD), check_two(ADD), check_two(MUL), check_two(MAX);
    check_one(CANON), check_one(FN);
    check_above(), check_term(), check_half();
    if (i % 16 == 0) check_quant();
  }
}
