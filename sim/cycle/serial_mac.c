// Twin of mx_serial_mac: a weight per cycle.
#include "sim/cycle/serial.h"

enum { LAST_ROW = MX_SERIAL_ROWS - 1, NIBBLES = 8, FOUR = 0, SIX = 1 };

static bool planar(const mx_serial_dot_command *c) { return c->bits == FOUR && c->planar; }
static bool done(const mx_serial_mac *v, const mx_serial_dot_command *c) { return !c->blocks || !c->groups || v->done; }

mx_serial_mac_out mx_serial_mac_look(const mx_serial_mac *v, const mx_serial_dot_command *c, bool run, bool s_valid,
                                     bool line_take) {
  bool wants = run && !done(v, c) && !v->ends, ends = v->nibble == NIBBLES - 1, line = v->ends && !v->en;
  return (mx_serial_mac_out){.line_valid = line, .s_ready = wants && ends, .took = wants && s_valid && ends,
                             .starved = wants && !s_valid, .blocked = line && !line_take, .done = done(v, c)};
}

static int8_t code_of(const mx_serial_mac *v, const mx_serial_dot_command *c, uint8_t nibble) {
  if (c->bits == FOUR) return (int8_t)((nibble ^ 8) - 8);
  if (c->bits != SIX) return (int8_t)(nibble << 4 | v->low);
  uint8_t six = (uint8_t)(v->part & 2 ? nibble << 2 | v->low >> 2 : (nibble & 3) << 4 | v->low);
  return (int8_t)((six ^ 32) - 32);
}

// The registers before the multipliers, and the sums behind them.
static void edge_products(mx_serial_mac *v, const mx_serial_dot_command *c, bool whole, bool clear, int8_t code, bool step) {
  int32_t product = (int8_t)v->weight * (int8_t)v->x_data[v->odd_lane];
  if (clear) v->even = v->odd = 0;
  else if (v->en & 1) v->even += product;
  else if (v->en) v->odd += product;
  v->odd_lane = v->elem & 1;
  if (step) v->weight = (uint8_t)code;
  v->en = step && whole && !v->scales ? (planar(c) && v->part & 1 ? 2 : 1) : 0;
}

static void edge_scales(mx_serial_mac *v, const mx_serial_dot_command *c, bool step, uint8_t nibble) {
  bool wide = c->scale & 2;
  uint8_t byte = (uint8_t)(nibble << 4 | v->low);
  uint16_t scale = v->scale_mem[v->row];
  if (step && v->scales && v->part & 1) {
    uint16_t *at = &v->scale_mem[(wide ? v->elem >> 1 : v->elem) & LAST_ROW];
    *at = (uint16_t)(wide && v->elem & 1 ? (*at & 0xff) | byte << 8 : (*at & 0xff00) | byte);
  }
  v->scale = scale;
}

static void edge_place(mx_serial_mac *v, const mx_serial_dot_command *c, bool step, bool next, bool end_elem) {
  if (!step) return;
  bool stays = !v->scales && c->bits == SIX ? v->part & 2 : v->part & 1;
  v->nibble = (v->nibble + 1) & (NIBBLES - 1);
  v->part = stays ? 0 : v->part + 1;
  if (!next) return;
  v->elem = end_elem ? 0 : v->elem + 1;
  if (!end_elem) return;
  if (!v->scales) v->ends = true;
  v->scales = false;
}

static void take_line(mx_serial_mac *v, const mx_serial_dot_command *c) {
  bool unit = v->row == LAST_ROW, group = unit && v->block == c->blocks;
  if (v->second || !planar(c)) v->ends = false;
  v->second = planar(c) && !v->second;
  v->row = (v->row + 1) & LAST_ROW;
  if (unit) {
    v->scales = c->scale;
    v->block++;
    v->x = (uint8_t)(v->x + (1u << c->block)) & 127;
  }
  if (!group) return;
  if (v->group == c->groups) v->done = true;
  v->block = 1;
  v->group++;
  v->x = c->x >> 4 & 127;
}

static void rest(mx_serial_mac *v, const mx_serial_dot_command *c) {
  v->scales = c->scale;
  v->ends = v->second = v->done = false;
  v->nibble = v->part = v->elem = v->row = 0;
  v->x = c->x >> 4 & 127;
  v->block = v->group = 1;
}

void mx_serial_mac_edge(mx_serial_mac *v, const mx_serial_dot_command *c, bool run, bool s_valid, uint32_t s_data,
                        bool line_take, const int8_t *elems, const uint8_t *scales) {
  static const uint8_t last_of[4] = {15, 31, 63, 127};
  bool step = run && !done(v, c) && !v->ends && s_valid;
  uint8_t nibble = s_data >> 4 * v->nibble & 15;
  bool whole = v->scales ? v->part & 1 : c->bits == FOUR || v->part;
  bool next = step && whole && !(planar(c) && !v->scales && !(v->part & 1));
  bool end_elem = v->elem == (v->scales ? (c->scale & 2 ? 31 : 15) : last_of[c->block]);
  uint32_t word = ((uint32_t)(v->x + (v->elem >> 4)) * 8 + (v->elem >> 1 & 7)) % (MX_SERIAL_XMEM / 2);
  edge_products(v, c, whole, !run || (line_take && (v->second || !planar(c))), code_of(v, c, nibble), step);
  edge_scales(v, c, step, nibble);
  if (run) {
    v->e_data = scales[v->x];
    for (int i = 0; i < 2; i++) v->x_data[i] = (uint8_t)elems[2 * word + (uint32_t)i];
  }
  edge_place(v, c, step, next, end_elem);
  if (step) v->low = nibble;
  if (line_take) take_line(v, c);
  if (!run) rest(v, c);
}
