// tb: top=fp_max_clocked dir=tests/rtl
// fp_max against mx_fp_max and mx_fp_gt.
#include "golden/fp32.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"

enum { VECTORS = 2000000 };

void tb_main(void) {
  tb_port *a = tb_find("a_i"), *b = tb_find("b_i"), *y = tb_find("y_o"), *gt = tb_find("gt_o");
  for (int i = 0; i < VECTORS; i++) {
    uint32_t va = fp_random(), vb = fp_random_near(va);
    tb_put(a, va);
    tb_put(b, vb);
    tb_cycle();
    uint32_t max = (uint32_t)tb_peek(y);
    bool greater = tb_peek(gt);
    TB_CHECK(max == mx_fp_max(va, vb), "max(%08X, %08X) = %08X, expected %08X", va, vb, max, mx_fp_max(va, vb));
    TB_CHECK(greater == mx_fp_gt(va, vb), "%08X > %08X is %d, expected %d", va, vb, greater, mx_fp_gt(va, vb));
  }
}
