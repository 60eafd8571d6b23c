// Twin of mx_serial_move: an element at a time.
#include "sim/cycle/serial.h"

static bool ucode(const mx_serial_move_command *c) { return c->op == MX_OP_UCODE; }
static bool loads(const mx_serial_move_command *c) { return c->op == MX_OP_LOAD || ucode(c); }
static uint8_t format_of(const mx_serial_move_command *c) { return ucode(c) ? 0 : c->format; }
static bool nibbles(const mx_serial_move_command *c) { return !(c->format & 2); }
static bool by_two(const mx_serial_move_command *c) { return !loads(c) && c->op != MX_OP_STORE && nibbles(c); }
static uint16_t count_of(const mx_serial_move_command *c) { return c->op == MX_OP_PUTROW ? c->blocks : c->count; }
static uint32_t block_mask(const mx_serial_move_command *c) { return (16u << c->block) - 1; }

static bool done(const mx_serial_move *v, const mx_serial_move_command *c) {
  return c->op != MX_OP_PUTEXP && (c->op == MX_OP_PUTROW ? v->block : v->index) == count_of(c);
}

// ---- where a byte of PUT* lies ----

static bool codes(const mx_serial_move *v, const mx_serial_move_command *c) {
  return (c->op == MX_OP_PUTROW && !v->scale) || c->op == MX_OP_PUTCOL;
}
static uint32_t log_line(const mx_serial_move_command *c) {
  return 4u + c->block - (c->op == MX_OP_PUTROW && nibbles(c));
}

static uint32_t offset(const mx_serial_move *v, const mx_serial_move_command *c) {
  bool row = c->op == MX_OP_PUTROW, half = nibbles(c), is_short = row && half;
  uint32_t line = row ? c->row & 15 : half ? v->index >> 1 & 7 : v->index & 15;
  uint32_t column = row ? (half ? v->index >> 1 & 63 : v->index & 127) : c->row & 127;
  if (!codes(v, c)) return row ? line : 0;
  return (line << log_line(c) & 0x7ff) | (column & block_mask(c) >> is_short);
}

// ---- outputs ----

static bool misaligned(const mx_serial_move_command *c) {
  return (c->op != MX_OP_PUTEXP && c->addr & 3) || (c->op == MX_OP_PUTCOL && c->stride & 3);
}
static bool some(const mx_serial_move_command *c) { return c->op == MX_OP_PUTEXP || count_of(c); }

static void look_onchip(const mx_serial_move *v, const mx_serial_move_command *c, bool r_valid, mx_serial_move_out *o) {
  bool store = c->op == MX_OP_STORE, word = v->state == MX_MOVE_DATA && r_valid;
  o->mr_scratch = v->state == MX_MOVE_PART;
  o->mr_valid = (v->state == MX_MOVE_READ && store) || o->mr_scratch;
  o->mw_valid = (word && !ucode(c)) || v->state == MX_MOVE_ELEMENT;
  o->mw_scratch = v->state == MX_MOVE_DATA && format_of(c);
  o->format = v->state == MX_MOVE_ELEMENT ? format_of(c) : 0;
  o->part = v->index & 3;
  o->pr_valid = v->state == MX_MOVE_READ && !store;
  o->uc_we = word && ucode(c);
}

mx_serial_move_out mx_serial_move_look(const mx_serial_move *v, const mx_serial_move_command *c, bool r_valid, bool req_bad) {
  bool words = loads(c) || c->op == MX_OP_STORE;
  mx_serial_move_out o = {
      .busy = v->state != MX_MOVE_IDLE, .ready = v->state == MX_MOVE_IDLE,
      .req_valid = v->state == MX_MOVE_REQUEST || v->state == MX_MOVE_SEND, .req_write = v->state == MX_MOVE_SEND,
      .req_probe = v->dry, .req_addr = v->place | (words ? 3 : 0), .at = (uint16_t)(c->at + v->index),
      .store = c->op == MX_OP_STORE, .nibbles = nibbles(c), .byte = codes(v, c) ? v->index & 1 : 255,
  };
  o.strobes = (uint8_t)(o.store ? 15 : 1 << (v->place & 3));
  if (v->state == MX_MOVE_BEGIN && some(c) && misaligned(c)) o.fault = MX_FAULT_ALIGN;
  if (req_bad) o.fault = MX_FAULT_RANGE;
  look_onchip(v, c, r_valid, &o);
  return o;
}

// ---- the edge ----

static uint32_t step_of(const mx_serial_move *v, const mx_serial_move_command *c) {
  if (v->state == MX_MOVE_BEGIN) return c->addr;
  if (c->op == MX_OP_PUTCOL) return c->stride;
  if (c->op == MX_OP_PUTROW) return v->scale ? 16 : 16u << log_line(c);
  return 4;
}

static bool beat_ends(const mx_serial_move *v, uint8_t format) {
  return !format || (v->index & 1 && (format & 1 || v->index & 2));
}
static bool beat_starts(const mx_serial_move *v, uint8_t format) {
  return !format || !(v->index & 1 || (v->index & 2 && !(format & 1)));
}

static bool moves(const mx_serial_move *v, const mx_serial_move_command *c, bool block_end) {
  if (v->state == MX_MOVE_BEGIN) return true;
  if (v->state != MX_MOVE_ADVANCE) return false;
  bool group_end = ((v->index & 15u) | by_two(c)) == 15;
  return c->op == MX_OP_STORE || (loads(c) && beat_ends(v, format_of(c))) || (c->op == MX_OP_PUTCOL && group_end) ||
         (c->op == MX_OP_PUTROW && (v->scale || block_end));
}

static void edge_walk(mx_serial_move *v, const mx_serial_move_command *c) {
  bool idle = v->state == MX_MOVE_IDLE, ended = v->state == MX_MOVE_NEXT && done(v, c), row = c->op == MX_OP_PUTROW;
  bool advance = v->state == MX_MOVE_ADVANCE, block_end = !(~((uint32_t)v->index | by_two(c)) & block_mask(c)), scale = v->scale;
  v->place = v->base + offset(v, c);
  if (idle || ended) v->base = 0;
  else if (moves(v, c, block_end)) v->base += step_of(v, c);
  if (idle || v->state == MX_MOVE_BEGIN) v->index = 0;
  else if (advance && !(row && scale)) v->index = (uint16_t)(v->index + (by_two(c) ? 2 : 1));
  if (idle) v->block = 0;
  else if (advance && !scale && block_end) v->block++;
  if (idle) v->scale = row;
  else if (advance) v->scale = row && !scale && block_end;
  if (idle) v->dry = loads(c);
  else if (ended) v->dry = false;
}

static mx_serial_move_state after_next(const mx_serial_move *v, const mx_serial_move_command *c) {
  if (done(v, c)) return v->dry ? MX_MOVE_BEGIN : MX_MOVE_IDLE;
  if (!loads(c)) return MX_MOVE_READ;
  return v->dry || beat_starts(v, format_of(c)) ? MX_MOVE_REQUEST : MX_MOVE_PART;
}

static mx_serial_move_state next_state(const mx_serial_move *v, const mx_serial_move_command *c, const mx_serial_move_in *in) {
  switch (v->state) {
    case MX_MOVE_IDLE: return in->cmd_valid ? MX_MOVE_BEGIN : MX_MOVE_IDLE;
    case MX_MOVE_BEGIN: return !some(c) ? MX_MOVE_IDLE : misaligned(c) ? MX_MOVE_HALT : MX_MOVE_NEXT;
    case MX_MOVE_NEXT: return after_next(v, c);
    case MX_MOVE_REQUEST:
      if (in->req_bad) return MX_MOVE_HALT;
      return !in->req_ready ? MX_MOVE_REQUEST : v->dry ? MX_MOVE_ADVANCE : MX_MOVE_DATA;
    case MX_MOVE_DATA: return !in->r_valid ? MX_MOVE_DATA : format_of(c) ? MX_MOVE_PART : MX_MOVE_ADVANCE;
    case MX_MOVE_PART: return MX_MOVE_ELEMENT;
    case MX_MOVE_ELEMENT: return in->mw_ready ? MX_MOVE_ADVANCE : MX_MOVE_ELEMENT;
    case MX_MOVE_READ: return MX_MOVE_SEND;
    case MX_MOVE_SEND:
      if (in->req_bad) return MX_MOVE_HALT;
      return !in->req_ready ? MX_MOVE_SEND : c->op == MX_OP_PUTEXP ? MX_MOVE_IDLE : MX_MOVE_ADVANCE;
    case MX_MOVE_ADVANCE: return MX_MOVE_NEXT;
    default: return MX_MOVE_HALT;
  }
}

void mx_serial_move_edge(mx_serial_move *v, const mx_serial_move_command *c, const mx_serial_move_in *in) {
  mx_serial_move_state next = next_state(v, c, in);
  edge_walk(v, c);
  v->state = next;
}
