#include "tests/rtl/dot_matmul.h"

#include "golden/isa.h"
#include "tests/rtl/tb.h"

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }

dot_matmul dot_matmul_random(const mx_params *p) {
  dot_matmul m = {.frac = below(16), .x = 16 * below(4096), .groups = below(6), .dst = below(65536),
                  .stride = below(65536), .blocks = below(10), .tokens = below(p->TOKENS)};
  m.format.bits = below(3);
  m.format.scale = (mx_scale_kind)below(3);
  m.format.zero = p->ZERO_POINT && below(2);
  m.format.block = below(4);
  if (m.format.bits == MX_BITS_4) {
    m.codebook = p->CODEBOOK && below(2);
    m.format.planar = below(3) == 0;
  }
  if (below(4) == 0) m.groups = m.blocks = 1;  // results of several commands under way
  while (m.groups * m.blocks * (16u << m.format.block) > 1024) m.groups /= 2, m.blocks -= m.blocks / 3;
  return m;
}
