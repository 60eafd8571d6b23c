// tb: name=mx_xmem_tiny  top=mx_xmem params=BusBits=32,Rows=1,Tokens=1,VecLanes=1,XmemElems=256
// tb: name=mx_xmem_small top=mx_xmem params=BusBits=64,Rows=1,Tokens=2,VecLanes=2,XmemElems=512
// tb: name=mx_xmem_large top=mx_xmem params=BusBits=256,Rows=2,Tokens=4,VecLanes=4,XmemElems=1024
// Random traffic on all ports against two arrays, and the cycle model's arbitration.
#include <stdio.h>

#include "sim/cycle/onchip.h"
#include "tests/rtl/tb.h"

enum { LANES = TB_BusBits / (4 * TB_Rows), ELEMS = TB_XmemElems, SCALES = ELEMS / 16, CYCLES = 100000 };

static uint8_t elem[TB_Tokens][ELEMS], scale[TB_Tokens][SCALES];

static struct {
  tb_port *xw_valid, *xw_bank, *xw_addr, *xw_mask, *xw_data, *xe_valid, *xe_bank, *xe_addr, *xe_data, *x_en, *x_addr,
      *x_data, *e_en, *e_addr, *e_data, *pr_valid, *pr_ready, *pr_bank, *pr_addr, *pr_data, *pr_exp;
} port;

static void find_ports(void) {
  port.xw_valid = tb_find("xw_valid_i"), port.xw_bank = tb_find("xw_bank_i"), port.xw_addr = tb_find("xw_addr_i");
  port.xw_mask = tb_find("xw_mask_i"), port.xw_data = tb_find("xw_data_i"), port.xe_valid = tb_find("xe_valid_i");
  port.xe_bank = tb_find("xe_bank_i"), port.xe_addr = tb_find("xe_addr_i"), port.xe_data = tb_find("xe_data_i");
  port.x_en = tb_find("x_en_i"), port.x_addr = tb_find("x_addr_i"), port.x_data = tb_find("x_data_o");
  port.e_en = tb_find("e_en_i"), port.e_addr = tb_find("e_addr_i"), port.e_data = tb_find("e_data_o");
  port.pr_valid = tb_find("pr_valid_i"), port.pr_ready = tb_find("pr_ready_o"), port.pr_bank = tb_find("pr_bank_i");
  port.pr_addr = tb_find("pr_addr_i"), port.pr_data = tb_find("pr_data_o"), port.pr_exp = tb_find("pr_exp_o");
}

static unsigned put_random(tb_port *p, unsigned below) {
  unsigned v = (unsigned)tb_random_below(below);
  tb_put(p, v);
  return v;
}

// One cycle's reads, and what they must return in the next.
typedef struct {
  bool x, e, move;
  unsigned x_word, e_place, bank, element;
} reads;

static reads put_reads(void) {
  reads r = {0};
  r.x = put_random(port.x_en, 2);
  r.e = put_random(port.e_en, 4) == 1;
  tb_put(port.e_en, r.e);
  r.x_word = put_random(port.x_addr, 65536) % (ELEMS / LANES);
  r.e_place = put_random(port.e_addr, 65536) % SCALES;
  r.move = put_random(port.pr_valid, 2);
  r.bank = put_random(port.pr_bank, 16) % TB_Tokens;
  r.element = put_random(port.pr_addr, 65536) % ELEMS;
  return r;
}

static void check_bytes(const char *what, const tb_port *p, unsigned at, const uint8_t *expected, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    unsigned got = (unsigned)tb_peek_bits(p, 8 * (at + i), 8);
    TB_CHECK(got == expected[i], "%s, byte %u: expected %02x, got %02x", what, at + i, expected[i], got);
  }
}

static void check_reads(const reads *r) {
  for (unsigned t = 0; t < TB_Tokens; t++) {
    if (r->x) check_bytes("x_data", port.x_data, LANES * t, &elem[t][r->x_word * LANES], LANES);
    if (r->e) check_bytes("e_data", port.e_data, t, &scale[t][r->e_place], 1);
  }
  if (!r->move) return;
  check_bytes("pr_data", port.pr_data, 0, &elem[r->bank][r->element / LANES * LANES], LANES);
  check_bytes("pr_exp", port.pr_exp, 0, &scale[r->bank][r->element / 16], 1);
}

// Writes that do not meet a read of the same cycle, whose result is not defined.
static void put_writes(const reads *r) {
  unsigned bank = put_random(port.xw_bank, 16) % TB_Tokens;
  unsigned addr = (unsigned)tb_random_below(65536) & ~(TB_VecLanes - 1u);
  unsigned word = addr % ELEMS / LANES;
  bool clash = (r->x && word == r->x_word) || (r->move && word == r->element / LANES);
  tb_put(port.xw_addr, addr);
  unsigned mask = put_random(port.xw_mask, 1u << TB_VecLanes);
  uint64_t data = tb_random();
  tb_put(port.xw_data, data);
  bool valid = put_random(port.xw_valid, 2) && !clash;
  tb_put(port.xw_valid, valid);
  for (unsigned i = 0; valid && i < TB_VecLanes; i++)
    if (mask >> i & 1) elem[bank][addr % ELEMS + i] = (uint8_t)(data >> 8 * i);

  unsigned e_bank = put_random(port.xe_bank, 16) % TB_Tokens, e_place = put_random(port.xe_addr, 65536) % SCALES;
  unsigned byte = put_random(port.xe_data, 256);
  bool e_clash = (r->e && e_place == r->e_place) || (r->move && e_place == r->element / 16);
  bool e_valid = put_random(port.xe_valid, 2) && !e_clash;
  tb_put(port.xe_valid, e_valid);
  if (e_valid) scale[e_bank][e_place] = (uint8_t)byte;
}

void tb_main(void) {
  find_ports();
  for (int i = 0; i < CYCLES; i++) {
    reads r = put_reads();
    tb_eval();
    TB_CHECK(tb_peek(port.pr_ready) == !(r.x || r.e), "pr_ready is wrong");
    TB_CHECK(tb_peek(port.pr_ready) == mx_cycle_xmem_pr_ready(r.x || r.e), "pr_ready of the twin is wrong");
    r.move = r.move && !(r.x || r.e);
    put_writes(&r);
    tb_cycle();
    check_reads(&r);
  }
}
