// tb: name=fp_term top=fp_term
// tb: name=fp_term_power top=fp_term params=Half=0
// fp_term against mx_fp_term.
#include "golden/fp32.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"

enum { LATENCY = 3, VECTORS = 1000000 };
#ifdef TB_Half
enum { KINDS = 2 };  // without half scales
#else
enum { KINDS = 3 };
#endif

typedef struct {
  int32_t dot;
  mx_scale_kind kind;
  uint16_t scale;
  uint8_t x_exp;
  unsigned frac;
} operands;

static uint16_t random_half(void) {
  uint16_t h = (uint16_t)(tb_random() >> 48);
  if (!tb_random_below(4)) h &= 0x83FF;  // subnormals and zeros
  if (!tb_random_below(8)) h &= 0xFC01;
  return h;
}

static operands random_operands(void) {
  operands o = {.dot = fp_random_dot(), .kind = (mx_scale_kind)tb_random_below(KINDS)};
  o.scale = o.kind == MX_SCALE_F16 ? random_half() : (uint16_t)(fp_random_exp() | (tb_random() >> 56 << 8));
  o.x_exp = fp_random_exp();
  o.frac = (unsigned)tb_random_below(16);
  return o;
}

void tb_main(void) {
  tb_port *dot = tb_find("dot_i"), *kind = tb_find("kind_i"), *scale = tb_find("scale_i");
  tb_port *x_exp = tb_find("x_exp_i"), *frac = tb_find("frac_i"), *y = tb_find("y_o");
  operands sent[LATENCY];
  for (int i = 0; i < VECTORS + LATENCY - 1; i++) {
    operands o = random_operands();
    sent[i % LATENCY] = o;
    tb_put(dot, (uint64_t)o.dot & 0xFFFFFF);
    tb_put(kind, o.kind);
    tb_put(scale, o.scale);
    tb_put(x_exp, o.x_exp);
    tb_put(frac, o.frac);
    tb_cycle();
    if (i < LATENCY - 1) continue;
    operands r = sent[(i + 1) % LATENCY];
    uint32_t want = mx_fp_term(r.dot, r.kind, r.scale, r.x_exp, r.frac);
    uint32_t got = (uint32_t)tb_peek(y);
    TB_CHECK(got == want, "term(dot %d, kind %d, scale %04X, x_exp %d, frac %u) = %08X, expected %08X", r.dot,
             (int)r.kind, r.scale, r.x_exp, r.frac, got, want);
  }
}
