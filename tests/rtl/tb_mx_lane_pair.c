// tb: name=mx_lane_pair_all top=mx_lane_pair_clocked dir=tests/rtl
// Both products of every pair of weights with every pair of activations: 2^24
// cases, a proof by exhaustion (multipliers are what solvers are slow at).
#include "tests/rtl/tb.h"

static int signed_bits(unsigned value, unsigned bits) { return (int)(value ^ 1u << (bits - 1)) - (1 << (bits - 1)); }

static void check(tb_port *y, tb_port *carry, unsigned w, unsigned x) {
  int sum = signed_bits(w & 15, 4) * signed_bits(x & 255, 8) + signed_bits(w >> 4, 4) * signed_bits(x >> 8, 8);
  int got = signed_bits((unsigned)tb_peek(y), 13) + (int)tb_peek(carry);
  TB_CHECK(got == sum, "w %02X x %04X: %d, expected %d", w, x, got, sum);
}

void tb_main(void) {
  tb_port *w_port = tb_find("w_i"), *x_port = tb_find("x_i"), *y = tb_find("y_o"), *carry = tb_find("carry_o");
  for (unsigned w = 0; w < 256; w++) {
    tb_put(w_port, w);
    for (unsigned x = 0; x < 65536; x++) {
      tb_put(x_port, x);
      tb_eval();
      check(y, carry, w, x);
    }
  }
}
