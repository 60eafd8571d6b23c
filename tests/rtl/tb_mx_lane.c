// tb: name=mx_lane_single top=density_top dir=boards params=Variant=3,Chain=1,Rows=1,Step=12
// tb: name=mx_lane_chain  top=density_top dir=boards params=Variant=3,Chain=2,Rows=2,Step=12
// tb: name=mx_lane_long   top=density_top dir=boards params=Variant=3,Chain=8,Rows=1,Step=12
// tb: name=mx_lane_share  top=density_top dir=boards params=Variant=4,Chain=2,Rows=2,Step=12
// tb: name=mx_lane_share3 top=density_top dir=boards params=Variant=4,Chain=2,Rows=3,Step=11
// tb: name=mx_lane_pair   top=density_top dir=boards params=Variant=5,Chain=2,Rows=1,Step=12
// Dot products of 4-bit weights and 8-bit activations against plain sums: all
// products in each lane, extremes, and random operands, one dot per cycle.
#include <string.h>

#include "tests/rtl/tb.h"

enum { LANES = 32, SUM_BITS = 17, RANDOM = 200000, EXTREME = 20000 };

typedef struct {
  int8_t w[TB_Rows][LANES];
  int8_t x[LANES];
} operands;

static tb_port *port_w, *port_x, *port_y;
static operands before;   // those whose result is due with the next cycle
static bool pending;

static void put(const operands *o) {
  for (unsigned r = 0; r < TB_Rows; r++)
    for (unsigned i = 0; i < LANES; i++)
      tb_put_bits(port_w, 4 * (LANES * r + i), 4, (uint64_t)o->w[r][i] & 15);
  for (unsigned i = 0; i < LANES; i++) tb_put_bits(port_x, 8 * i, 8, (uint8_t)o->x[i]);
}

static void check(const operands *o) {
  for (unsigned r = 0; r < TB_Rows; r++) {
    int sum = 0;
    for (unsigned i = 0; i < LANES; i++) sum += o->w[r][i] * o->x[i];
    uint64_t expected = (uint64_t)sum & ((1u << SUM_BITS) - 1), got = tb_peek_bits(port_y, SUM_BITS * r, SUM_BITS);
    TB_CHECK(got == expected, "row %u: %05llX, expected %05llX = %d; first lane %d * %d", r,
             (unsigned long long)got, (unsigned long long)expected, sum, o->w[r][0], o->x[0]);
  }
}

// A dot per cycle; results come two cycles after the operands.
static void dot(const operands *o) {
  put(o);
  tb_cycle();
  if (pending) check(&before);
  before = *o;
  pending = true;
}

// All products of a row in a lane while the other lanes hold zeros or, random,
// numbers; other rows of weights are random.
static void all_products(unsigned lane, unsigned row, bool random) {
  operands o = {0};
  for (unsigned k = 0; k < 4096; k++) {
    if (random && k % 64 == 0)
      for (unsigned i = 0; i < LANES; i++) {
        o.x[i] = (int8_t)(tb_random_below(256) - 128);
        for (unsigned r = 0; r < TB_Rows; r++) o.w[r][i] = (int8_t)(tb_random_below(16) - 8);
      }
    for (unsigned r = 0; r < TB_Rows; r++) o.w[r][lane] = (int8_t)(tb_random_below(16) - 8);
    o.w[row][lane] = (int8_t)((int)(k & 15) - 8);
    o.x[lane] = (int8_t)((int)(k >> 4) - 128);
    dot(&o);
  }
}

static void random_dots(int count, bool extreme) {
  static const int8_t w_edge[] = {-8, -8, -1, 0, 1, 7}, x_edge[] = {-128, -128, -1, 0, 1, 127};
  operands o;
  for (int n = 0; n < count; n++) {
    for (unsigned i = 0; i < LANES; i++) {
      o.x[i] = extreme ? x_edge[tb_random_below(6)] : (int8_t)(tb_random_below(256) - 128);
      for (unsigned r = 0; r < TB_Rows; r++)
        o.w[r][i] = extreme ? w_edge[tb_random_below(6)] : (int8_t)(tb_random_below(16) - 8);
    }
    dot(&o);
  }
}

// The largest and the smallest sum there is.
static void bounds(void) {
  operands o;
  memset(o.w, -8, sizeof o.w);
  memset(o.x, -128, sizeof o.x);
  dot(&o);
  memset(o.x, 127, sizeof o.x);
  dot(&o);
}

void tb_main(void) {
  port_w = tb_find("w_i");
  port_x = tb_find("x_i");
  port_y = tb_find("y_o");
  for (unsigned lane = 0; lane < LANES; lane++)
    for (unsigned row = 0; row < TB_Rows; row++) {
      all_products(lane, row, false);
      all_products(lane, row, true);
    }
  bounds();
  random_dots(EXTREME, true);
  random_dots(RANDOM, false);
  bounds();
  dot(&before);  // brings out the last result
}
