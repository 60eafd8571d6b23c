// tb: top=fp_add
// fp_add against mx_fp_add and mx_fp_sub.
#include "golden/fp32.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"

enum { LATENCY = 4, VECTORS = 2000000 };

typedef struct {
  uint32_t a, b;
  bool sub;
} operands;

void tb_main(void) {
  tb_port *a = tb_find("a_i"), *b = tb_find("b_i"), *sub = tb_find("sub_i"), *y = tb_find("y_o");
  operands sent[LATENCY];
  for (int i = 0; i < VECTORS + LATENCY - 1; i++) {
    operands o = {.a = fp_random(), .sub = tb_random() >> 63};
    o.b = fp_random_near(o.a);
    sent[i % LATENCY] = o;
    tb_put(a, o.a);
    tb_put(b, o.b);
    tb_put(sub, o.sub);
    tb_cycle();
    if (i < LATENCY - 1) continue;
    operands r = sent[(i + 1) % LATENCY];
    uint32_t want = r.sub ? mx_fp_sub(r.a, r.b) : mx_fp_add(r.a, r.b);
    uint32_t got = (uint32_t)tb_peek(y);
    TB_CHECK(got == want, "%08X %c %08X = %08X, expected %08X", r.a, r.sub ? '-' : '+', r.b, got, want);
  }
}
