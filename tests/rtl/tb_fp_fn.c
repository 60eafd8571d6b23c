// tb: top=fp_fn
// fp_fn against mx_fp_exp2, mx_fp_recip and mx_fp_rsqrt.
#include "golden/fn.h"
#include "golden/fp32.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"

enum { LATENCY = 6, VECTORS = 2000000 };

typedef struct {
  unsigned fn;
  uint32_t a;
} operand;

// exp2's arguments lie between 2^-26 and 2^8 more often than not.
static operand random_operand(void) {
  operand o = {.fn = 1 + (unsigned)tb_random_below(3), .a = fp_random()};
  if (o.fn == 1 && tb_random_below(4))
    o.a = (o.a & 0x807FFFFF) | (uint32_t)(99 + tb_random_below(38)) << 23;
  return o;
}

static uint32_t expected(operand o) {
  return o.fn == 1 ? mx_fp_exp2(o.a) : o.fn == 2 ? mx_fp_recip(o.a) : mx_fp_rsqrt(o.a);
}

void tb_main(void) {
  static const char *const name[] = {"", "exp2", "recip", "rsqrt"};
  tb_port *fn = tb_find("fn_i"), *a = tb_find("a_i"), *y = tb_find("y_o");
  operand sent[LATENCY];
  for (int i = 0; i < VECTORS + LATENCY - 1; i++) {
    operand o = random_operand();
    sent[i % LATENCY] = o;
    tb_put(fn, o.fn);
    tb_put(a, o.a);
    tb_cycle();
    if (i < LATENCY - 1) continue;
    operand r = sent[(i + 1) % LATENCY];
    uint32_t want = expected(r), got = (uint32_t)tb_peek(y);
    TB_CHECK(got == want, "%s(%08X) = %08X, expected %08X", name[r.fn], r.a, got, want);
  }
}
