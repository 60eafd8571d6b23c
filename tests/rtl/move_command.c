#include "tests/rtl/move_command.h"

#include "golden/isa.h"
#include "tests/rtl/tb.h"

static bool percent(unsigned p) { return tb_random_below(100) < p; }
static uint32_t below(uint32_t n) { return (uint32_t)tb_random_below(n); }

move_command move_command_random(const mx_params *p, uint32_t memory, uint32_t mem_size) {
  static const unsigned ops[] = {MX_OP_LOAD, MX_OP_STORE, MX_OP_PUTROW, MX_OP_PUTCOL, MX_OP_PUTEXP, MX_OP_UCODE};
  uint32_t beat = mx_beat_bytes(p);
  move_command c = {.op = ops[below(6)], .block = below(4), .bank = below(p->TOKENS), .row = (uint32_t)tb_random()};
  bool put = c.op == MX_OP_PUTROW || c.op == MX_OP_PUTCOL;
  c.format = put ? 2 * below(2) : below(4);
  c.addr = below(memory) / beat * beat;
  if (percent(20)) c.addr = below(8) * beat;  // again and again
  c.count = below(percent(50) ? 8 : 150);
  if (c.op == MX_OP_PUTCOL) c.count &= ~1u;
  c.blocks = below(6);
  c.at = (uint32_t)tb_random() & (put || c.op == MX_OP_PUTEXP ? 0xfff0 : 0xffff);
  c.stride = (percent(20) ? 0u - below(10) : below(300)) * beat;
  if (c.op == MX_OP_PUTEXP) c.addr += below(beat);
  if (percent(2)) c.addr += 1 + below(beat - 1);
  if (percent(2)) c.stride += 1 + below(beat - 1);
  if (percent(2)) c.addr = 0u - below(4) * beat;
  if (percent(2)) c.addr = mem_size - below(20) * beat;
  return c;
}
