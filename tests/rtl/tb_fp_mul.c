// tb: top=fp_mul
// fp_mul against mx_fp_mul.
#include "golden/fp32.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"

enum { LATENCY = 3, VECTORS = 2000000 };

typedef struct {
  uint32_t a, b;
} operands;

void tb_main(void) {
  tb_port *a = tb_find("a_i"), *b = tb_find("b_i"), *y = tb_find("y_o");
  operands sent[LATENCY];
  for (int i = 0; i < VECTORS + LATENCY - 1; i++) {
    operands o = {fp_random(), fp_random()};
    // Half of the time, exponents whose sum is about that of the smallest or
    // the largest results.
    if (tb_random() >> 63) {
      uint32_t target = (tb_random() >> 63 ? 124u : 378u) + (uint32_t)tb_random_below(7);
      o.b = (o.b & 0x807FFFFF) | ((target - (o.a >> 23)) & 0xFF) << 23;
    }
    sent[i % LATENCY] = o;
    tb_put(a, o.a);
    tb_put(b, o.b);
    tb_cycle();
    if (i < LATENCY - 1) continue;
    operands r = sent[(i + 1) % LATENCY];
    uint32_t want = mx_fp_mul(r.a, r.b);
    uint32_t got = (uint32_t)tb_peek(y);
    TB_CHECK(got == want, "%08X * %08X = %08X, expected %08X", r.a, r.b, got, want);
  }
}
