// Twin of mx_serial: VEC and MATMUL, an element or a line at a time. Names as there.
#include "sim/cycle/serial.h"

#include "golden/fn.h"
#include "golden/fp32.h"
#include "golden/mxint.h"

enum { SCRATCH = MX_SERIAL_VMEM, WORD_T = SCRATCH + 16, WORD_S = SCRATCH + 32 };
enum { LAST_PARTIAL = MX_SUM_PARTIALS - 1, TREE_END = 14 };

static uint8_t field(const mx_serial *v, unsigned lsb, uint32_t mask) { return (uint8_t)(v->insn >> lsb & mask); }
static uint8_t op_of(const mx_serial *v) { return (uint8_t)(v->insn >> MX_UOP_LSB); }
static bool is_quant(const mx_serial *v) { return op_of(v) == MX_UOP_QUANT; }
static bool is_loop(const mx_serial *v) { return op_of(v) == MX_UOP_LOOPU; }
static bool is_mov(const mx_serial *v) { return op_of(v) == MX_UOP_MOV; }
static bool is_vec(const mx_serial *v) { return op_of(v) >= MX_UOP_MOV && op_of(v) <= MX_UOP_MAX; }
static bool bcast(const mx_serial *v) { return field(v, 7, 1); }
static uint8_t fn_of(const mx_serial *v) { return field(v, 5, 3); }
static uint8_t bits_of(const mx_serial *v) { return field(v, 5, 3); }
static uint8_t red_of(const mx_serial *v) { return is_quant(v) ? MX_RED_NONE : field(v, 3, 3); }
static uint32_t block_mask(const mx_serial *v) { return (16u << field(v, 3, 3)) - 1; }
static bool ends_in_a(const mx_serial *v) {
  return v->state == MX_SERIAL_OPA && (op_of(v) == MX_UOP_ADDI || is_loop(v));
}
// ---- the place of an operand or result ----

// The second operand is read.
static bool other(const mx_serial *v) {
  return (v->state == MX_SERIAL_FIRST && v->turn) || (v->state == MX_SERIAL_SECOND && !v->turn);
}

static uint16_t sum_of(const mx_serial *v, const mx_serial_in *in) {
  if (v->dot) return (uint16_t)(in->dot.dst + v->index);
  uint16_t imm = is_loop(v) ? UINT16_MAX : (uint16_t)v->insn;
  switch (v->state) {
    case MX_SERIAL_DECODE: return imm;
    case MX_SERIAL_OPA: return (uint16_t)(v->u_read + imm);
    case MX_SERIAL_SCALAR: case MX_SERIAL_FINALWRITE: return v->u_read;
    case MX_SERIAL_OPB: return (uint16_t)(v->u_read + v->index);
    case MX_SERIAL_WRITE: return (uint16_t)((v->u_read & (is_quant(v) ? ~15u : ~3u)) + v->index);
    default: return (uint16_t)((v->u_read & ~3u) + v->index);
  }
}

static uint32_t partial(const mx_serial *v) {
  uint32_t i = v->index & LAST_PARTIAL, red = red_of(v);
  if (v->dot) return SCRATCH + v->row;
  if (v->phase == MX_PHASE_TREE) {
    uint32_t w = i < 8 ? 8 : i < 12 ? 4 : i < 14 ? 2 : 1, j = i == LAST_PARTIAL ? 0 : i & (w - 1);
    return SCRATCH + (other(v) ? j | w : j);
  }
  if (red == MX_RED_SUM || v->state == MX_SERIAL_CLEAR) return SCRATCH + i;
  bool index = v->state == MX_SERIAL_MARK || v->state == MX_SERIAL_FINAL;  // of ARGMAX
  return red == MX_RED_ARGMAX && index ? SCRATCH + 1 : SCRATCH;
}

static uint32_t vmem(uint32_t addr) { return addr & (MX_SERIAL_VMEM - 1); }

static uint32_t operand_place(const mx_serial *v, const mx_serial_in *in) {
  switch (v->phase) {
    case MX_PHASE_OP: return other(v) && bcast(v) && !is_quant(v) && !v->dot ? WORD_S : vmem(sum_of(v, in));
    case MX_PHASE_FUNC: return WORD_T;
    case MX_PHASE_REDUCE: case MX_PHASE_SUM: return other(v) ? partial(v) : WORD_T;
    case MX_PHASE_TREE: return partial(v);
    default: return vmem(sum_of(v, in));
  }
}

static uint32_t result_place(const mx_serial *v, const mx_serial_in *in) {
  switch (v->phase) {
    case MX_PHASE_OP: return (fn_of(v) && !is_mov(v)) || red_of(v) ? WORD_T : vmem(sum_of(v, in));
    case MX_PHASE_FUNC: return red_of(v) ? WORD_T : vmem(sum_of(v, in));
    case MX_PHASE_TERM: return !v->first ? WORD_T : v->last ? vmem(sum_of(v, in)) : partial(v);
    case MX_PHASE_SUM: return v->last ? vmem(sum_of(v, in)) : partial(v);
    default: return partial(v);
  }
}

static uint32_t place_of(const mx_serial *v, const mx_serial_in *in) {
  switch (v->state) {
    case MX_SERIAL_FIRST: case MX_SERIAL_SECOND: return operand_place(v, in);
    case MX_SERIAL_WRITE: return result_place(v, in);
    case MX_SERIAL_CLEAR: case MX_SERIAL_FINAL: case MX_SERIAL_MARK: return partial(v);
    case MX_SERIAL_COPY: return WORD_T;
    case MX_SERIAL_KEEP: return WORD_S;
    default: return vmem(sum_of(v, in));
  }
}

// ---- the floating-point unit ----

static bool bare_mov(const mx_serial *v) { return is_mov(v) && !fn_of(v) && v->phase == MX_PHASE_OP; }
static bool single(const mx_serial *v) { return v->phase == MX_PHASE_FUNC || (v->phase == MX_PHASE_OP && is_mov(v)); }
static bool scans(const mx_serial *v) {
  return is_quant(v) && !v->round && !v->dot && v->state == MX_SERIAL_SECOND;
}

static mx_fp_op element_op(const mx_serial *v) {
  switch (op_of(v)) {
    case MX_UOP_QUANT: return MX_FP_QUANT;
    case MX_UOP_MUL: return MX_FP_MUL;
    case MX_UOP_MAX: return MX_FP_MAX;
    case MX_UOP_MOV: return MX_FP_FN;
    default: return MX_FP_ADD;
  }
}

static mx_fp_op fp_op(const mx_serial *v) {
  uint8_t red = red_of(v);
  switch (v->phase) {
    case MX_PHASE_OP:
      return v->state == MX_SERIAL_CONVERT || v->state == MX_SERIAL_CONVERTED ? MX_FP_CANON : element_op(v);
    case MX_PHASE_FUNC: return MX_FP_FN;
    case MX_PHASE_REDUCE: return red == MX_RED_SUM ? MX_FP_ADD : red == MX_RED_ARGMAX ? MX_FP_ABOVE : MX_FP_MAX;
    case MX_PHASE_TERM: return MX_FP_TERM;
    default: return MX_FP_ADD;
  }
}

static void start(mx_serial *v, bool hidden, uint32_t q) {
  mx_serial_fp *f = &v->fp;
  mx_fp_setting s = {.op = f->op, .sub = v->phase == MX_PHASE_OP && op_of(v) == MX_UOP_SUB, .hidden = hidden,
                     .fn = fn_of(v), .bits = bits_of(v), .turned = v->turn};
  mx_fp_time t = mx_fp_time_of(&s, f->p, q);
  f->left = t.cycles;
  f->swaps = t.swap;
}

static uint32_t apply_fn(uint8_t fn, uint32_t a) {
  return fn == MX_FN_RECIP ? mx_fp_recip(a) : fn == MX_FN_RSQRT ? mx_fp_rsqrt(a) : mx_fp_exp2(a);
}

static bool above(uint32_t a, uint32_t b) {
  bool number = (a & ~MX_FP_SIGN) <= MX_FP_INF, none = (b & ~MX_FP_SIGN) > MX_FP_INF;
  return number && (none || mx_fp_gt(a, b));
}

static uint8_t rounded(const mx_serial *v, uint32_t element) {
  uint32_t pair[2] = {(uint32_t)v->max << 23, element};
  int8_t q[16];
  uint8_t scale;
  if (field(v, 7, 1)) mx_quantize_fixed(&element, 1, 16, bits_of(v), q, &scale);
  else mx_quantize_block(pair, 2, 16, bits_of(v), q, &scale);
  return (uint8_t)q[field(v, 7, 1) ? 0 : 1];
}

static void compute_two(mx_serial *v, uint32_t q) {
  mx_serial_fp *f = &v->fp;
  uint32_t a = v->turn ? q : f->p, b = v->turn ? f->p : q;
  switch (f->op) {
    case MX_FP_ADD: f->y = v->phase == MX_PHASE_OP && op_of(v) == MX_UOP_SUB ? mx_fp_sub(a, b) : mx_fp_add(a, b); break;
    case MX_FP_MUL: f->y = mx_fp_mul(a, b); break;
    case MX_FP_MAX: f->y = mx_fp_max(a, b); break;
    case MX_FP_ABOVE: f->gt = above(a, b); break;
    case MX_FP_QUANT:
      if (!v->dead && v->max != 255) f->byte = rounded(v, q);
      break;
    default: break;
  }
}

// The scale of a line comes as the second operand.
static void start_term(mx_serial *v, const mx_serial_dot_command *c) {
  mx_serial_fp *f = &v->fp;
  uint16_t h = v->mac.scale;
  bool half = c->scale & 2, low = !(h & 0x7c00);
  mx_scale_kind kind = half ? MX_SCALE_F16 : c->scale ? MX_SCALE_E8M0 : MX_SCALE_NONE;
  uint32_t fraction = half ? (uint32_t)(h & 0x3ff) << 13 : c->scale && (h & 255) == 255 ? 1u << 22 : 0;
  int32_t sum = (int32_t)((f->p & 0x7fffff) | (f->p & MX_FP_SIGN ? 0xff800000 : 0));
  start(v, !(half && low), fraction);
  f->y = mx_fp_term(sum, kind, h, f->p >> 23 & 255, c->frac);
  if (v->mac.block == 1 && !(f->y & ~MX_FP_SIGN)) f->y = 0;  // the first is a sum with +0
}

// An element of LOAD in the word read last.
static void start_convert(mx_serial *v, const mx_serial_move_out *m) {
  bool odd = m->part & 1, upper = m->format & 1 ? odd : m->part & 2;
  uint16_t half = (uint16_t)(upper ? v->data >> 16 : v->data);
  uint8_t byte = (uint8_t)(odd ? half >> 8 : half);
  bool hidden = m->format != MX_LOAD_F16 || half & 0x7c00;
  switch (m->format) {
    case MX_LOAD_BF16: v->fp.p = (uint32_t)half << 16; v->fp.y = mx_fp_from_bf16(half); break;
    case MX_LOAD_F16: v->fp.p = (uint32_t)(half & 0x3ff) << 13; v->fp.y = mx_fp_from_f16(half); break;
    default: v->fp.p = byte == 255 ? 1u << 22 : 0; v->fp.y = mx_fp_from_e8m0(byte); break;
  }
  start(v, hidden, 0);
}

static void load_first(mx_serial *v) {
  uint32_t sum = (uint32_t)(v->mac.second ? v->mac.odd : v->mac.even);
  if (v->phase == MX_PHASE_TERM) v->fp.p = (sum & 0x800000) << 8 | (uint32_t)v->mac.e_data << 23 | (sum & 0x7fffff);
  else v->fp.p = is_quant(v) && !v->dot ? (uint32_t)v->max << 23 : v->data;
  if (v->fp.op != MX_FP_FN) return;
  start(v, true, 0);
  v->fp.y = apply_fn(fn_of(v), v->fp.p);
}

static void edge_fp(mx_serial *v, const mx_serial_in *in) {
  mx_serial_fp *f = &v->fp;
  f->swap = f->swaps && f->left == 1;
  if (f->left) f->left--;
  if (v->state == MX_SERIAL_CONVERT && f->op == MX_FP_CANON) start_convert(v, &in->move);
  else if (v->state == MX_SERIAL_SECOND && !bare_mov(v) && !scans(v)) load_first(v);
  else if (v->state == MX_SERIAL_THIRD && v->phase == MX_PHASE_TERM) start_term(v, &in->dot);
  else if (v->state == MX_SERIAL_THIRD) {
    start(v, true, v->data);
    compute_two(v, v->data);
  }
}

// ---- outputs ----

static bool converts(const mx_serial_in *in) { return in->move.mw_valid && in->move.format; }
static bool takes_line(const mx_serial *v) { return v->dot && v->state == MX_SERIAL_THIRD && v->phase == MX_PHASE_TERM; }
static bool idle(const mx_serial *v) { return v->state == MX_SERIAL_IDLE || v->state >= MX_SERIAL_CONVERT; }

mx_serial_out mx_serial_look(const mx_serial *v, const mx_serial_in *in) {
  mx_serial_mac_out m = mx_serial_mac_look(&v->mac, &in->dot, v->dot, in->s_valid, takes_line(v));
  return (mx_serial_out){
      .ready = v->state == MX_SERIAL_IDLE && !v->go_dot && !v->go_vec, .dot_busy = v->dot || v->go_dot,
      .vec_busy = v->go_vec || v->bad || (!idle(v) && !v->dot),
      .progress = v->state == MX_SERIAL_NEXT || v->state == MX_SERIAL_FETCH,
      .s_ready = m.s_ready, .took = m.took, .starved = m.starved, .blocked = m.blocked,
      .vec_shift = v->state == MX_SERIAL_LOAD && v->index & 1,
      .dot_wrote = v->dot && v->state == MX_SERIAL_WRITE && place_of(v, in) < SCRATCH,
      .mw_ready = (v->state == MX_SERIAL_IDLE && !converts(in)) || (v->state == MX_SERIAL_CONVERTED && !v->fp.left),
      .fault = v->bad ? MX_FAULT_UCODE : MX_FAULT_NONE,
  };
}

// ---- what to do next ----

static mx_serial_state after_decode(const mx_serial *v) {
  if (mx_ucode_illegal(v->insn) || op_of(v) == MX_UOP_END) return MX_SERIAL_IDLE;
  if (op_of(v) == MX_UOP_LI) return MX_SERIAL_FETCH;
  if (is_vec(v)) return red_of(v) ? MX_SERIAL_CLEAR : bcast(v) ? MX_SERIAL_SCALAR : MX_SERIAL_COUNT;
  return is_quant(v) ? MX_SERIAL_COUNT : MX_SERIAL_OPA;
}

static bool starts_block(const mx_serial *v) { return !(v->index & block_mask(v)); }
static bool ends_block(const mx_serial *v) { return !(~v->index & block_mask(v)); }

static mx_serial_state after_count(const mx_serial *v) {
  if (v->index != v->u_read || (is_quant(v) && (v->round || !starts_block(v)))) return MX_SERIAL_FIRST;
  if (!is_vec(v) || !red_of(v)) return MX_SERIAL_FETCH;
  return red_of(v) == MX_RED_SUM ? MX_SERIAL_FIRST : MX_SERIAL_FINAL;
}

static mx_serial_state after_wait(const mx_serial *v) {
  if (v->fp.left) return MX_SERIAL_WAIT;
  if (v->fp.swap) return MX_SERIAL_FIRST;
  if (v->phase == MX_PHASE_REDUCE && red_of(v) == MX_RED_ARGMAX) return v->fp.gt ? MX_SERIAL_COPY : MX_SERIAL_NEXT;
  return MX_SERIAL_WRITE;
}

static mx_serial_state after_write(const mx_serial *v, const mx_serial_in *in) {
  if (v->dot) return v->phase == MX_PHASE_TERM && !v->first ? MX_SERIAL_FIRST : MX_SERIAL_LINE;
  if (is_quant(v)) return MX_SERIAL_NEXT;
  switch (v->phase) {
    case MX_PHASE_OP: case MX_PHASE_FUNC: return place_of(v, in) == WORD_T ? MX_SERIAL_FIRST : MX_SERIAL_NEXT;
    case MX_PHASE_TREE: return (v->index & LAST_PARTIAL) == TREE_END ? MX_SERIAL_FINAL : MX_SERIAL_FIRST;
    default: return red_of(v) == MX_RED_ARGMAX ? MX_SERIAL_MARK : MX_SERIAL_NEXT;
  }
}

static mx_serial_state after_line(const mx_serial *v, const mx_serial_in *in) {
  mx_serial_mac_out m = mx_serial_mac_look(&v->mac, &in->dot, v->dot, in->s_valid, false);
  return m.line_valid && v->fp.op == MX_FP_TERM ? MX_SERIAL_SECOND : m.done ? MX_SERIAL_IDLE : MX_SERIAL_LINE;
}

static mx_serial_state next_state(const mx_serial *v, const mx_serial_in *in) {
  switch (v->state) {
    case MX_SERIAL_IDLE:
      return v->go_dot ? MX_SERIAL_LINE : v->go_vec ? MX_SERIAL_LOAD : converts(in) ? MX_SERIAL_CONVERT : MX_SERIAL_IDLE;
    case MX_SERIAL_CONVERT: return v->fp.op == MX_FP_CANON ? MX_SERIAL_CONVERTED : MX_SERIAL_CONVERT;
    case MX_SERIAL_CONVERTED: return v->fp.left ? MX_SERIAL_CONVERTED : MX_SERIAL_IDLE;
    case MX_SERIAL_LOAD: return (v->index & 7) == 7 ? MX_SERIAL_FETCH : MX_SERIAL_LOAD;
    case MX_SERIAL_FETCH: return MX_SERIAL_DECODE;
    case MX_SERIAL_DECODE: return after_decode(v);
    case MX_SERIAL_OPA: return ends_in_a(v) ? MX_SERIAL_FETCH : MX_SERIAL_OPB;
    case MX_SERIAL_OPB: return MX_SERIAL_FETCH;
    case MX_SERIAL_CLEAR:
      return (v->index & LAST_PARTIAL) != LAST_PARTIAL ? MX_SERIAL_CLEAR : bcast(v) ? MX_SERIAL_SCALAR : MX_SERIAL_COUNT;
    case MX_SERIAL_SCALAR: return MX_SERIAL_KEEP;
    case MX_SERIAL_KEEP: return MX_SERIAL_COUNT;
    case MX_SERIAL_COUNT: return after_count(v);
    case MX_SERIAL_FIRST: return MX_SERIAL_SECOND;
    case MX_SERIAL_SECOND:
      return bare_mov(v) ? MX_SERIAL_WRITE : scans(v) ? MX_SERIAL_NEXT : single(v) ? MX_SERIAL_WAIT : MX_SERIAL_THIRD;
    case MX_SERIAL_THIRD: return MX_SERIAL_WAIT;
    case MX_SERIAL_WAIT: return after_wait(v);
    case MX_SERIAL_COPY: return MX_SERIAL_WRITE;
    case MX_SERIAL_WRITE: return after_write(v, in);
    case MX_SERIAL_MARK: return MX_SERIAL_NEXT;
    case MX_SERIAL_NEXT: return is_quant(v) && v->round && ends_block(v) && v->dead ? MX_SERIAL_FETCH : MX_SERIAL_COUNT;
    case MX_SERIAL_FINAL: return MX_SERIAL_FINALWRITE;
    case MX_SERIAL_FINALWRITE: return MX_SERIAL_FETCH;
    case MX_SERIAL_LINE: return after_line(v, in);
  }
  return MX_SERIAL_IDLE;
}

static bool next_turn(const mx_serial *v) {
  if (v->state == MX_SERIAL_WAIT && !v->fp.left) return v->fp.swap && !v->turn;
  return (v->state == MX_SERIAL_WAIT || v->state == MX_SERIAL_SECOND || v->state == MX_SERIAL_FIRST) && v->turn;
}

// ---- memories ----

static bool reads(const mx_serial *v) {
  switch (v->state) {
    case MX_SERIAL_FIRST: case MX_SERIAL_COPY: case MX_SERIAL_SCALAR: case MX_SERIAL_FINAL: return true;
    case MX_SERIAL_SECOND: return !single(v) && !(is_quant(v) && !v->dot) && v->phase != MX_PHASE_TERM;
    default: return false;
  }
}

static bool writes(const mx_serial *v) {
  switch (v->state) {
    case MX_SERIAL_WRITE: return !is_quant(v) || v->dot;
    case MX_SERIAL_CLEAR: case MX_SERIAL_KEEP: case MX_SERIAL_MARK: case MX_SERIAL_FINALWRITE: return true;
    default: return false;
  }
}

static uint32_t word_written(const mx_serial *v) {
  uint8_t red = red_of(v);
  if (v->state == MX_SERIAL_MARK) return v->index;
  if (v->state == MX_SERIAL_KEEP || v->state == MX_SERIAL_FINALWRITE) return v->data;
  if (v->state == MX_SERIAL_CLEAR)
    return v->index & LAST_PARTIAL || !(red & 2) ? 0 : red == MX_RED_ARGMAX ? 0xffc00000 : 0xff800000;
  return bare_mov(v) || (v->phase == MX_PHASE_REDUCE && red == MX_RED_ARGMAX) ? v->data : v->fp.y;
}

// What the move unit writes, with mw_ready.
static uint32_t word_moved(const mx_serial *v, const mx_serial_in *in) {
  return v->state == MX_SERIAL_IDLE ? in->mw_data : v->fp.y;
}

bool mx_serial_wrote(const mx_serial *v, const mx_serial_in *in, uint32_t *addr, uint32_t *word) {
  bool own = writes(v), moved = in->move.mw_valid && mx_serial_look(v, in).mw_ready && !in->move.mw_scratch;
  *addr = own ? place_of(v, in) : vmem(in->move.at);
  *word = own ? word_written(v) : word_moved(v, in);
  return own ? *addr < SCRATCH : moved;
}

static void edge_quant(mx_serial *v, const mx_serial_in *in) {
  uint8_t exp = (uint8_t)(v->data >> 23);
  bool fixed = field(v, 7, 1);
  if (scans(v) && starts_block(v)) v->max = fixed && exp != 255 ? (uint8_t)(129 + 2 * bits_of(v)) : exp;
  else if (scans(v) && !v->dead && (fixed ? exp == 255 : exp > v->max)) v->max = exp;
  if (!is_quant(v) || v->dot || v->state != MX_SERIAL_WRITE) return;
  uint32_t at = sum_of(v, in) & (MX_SERIAL_XMEM - 1);
  v->xmem[at] = v->dead || v->max == 255 ? 0 : (int8_t)v->fp.byte;
  if (starts_block(v)) v->xexp[at / 16] = v->max;
}

// The move unit's accesses, while this one is idle.
static void edge_moved(mx_serial *v, const mx_serial_in *in, bool mw_ready) {
  const mx_serial_move_out *m = &in->move;
  bool free = v->state == MX_SERIAL_IDLE || v->state == MX_SERIAL_CONVERTED;
  if (m->uc_we) v->store[in->uc_addr % MX_SERIAL_STORE] = in->uc_data;
  if (m->mw_valid && mw_ready)
    v->vmem[m->mw_scratch ? WORD_T : vmem(m->at)] = word_moved(v, in);
  else if (m->mr_valid && free && !m->mw_valid) v->data = v->vmem[m->mr_scratch ? WORD_T : vmem(m->at)];
  if (!m->pr_valid || v->dot) return;
  uint32_t at = m->at & (MX_SERIAL_XMEM - 1);
  for (uint32_t i = 0; i < 2; i++) v->mac.x_data[i] = (uint8_t)v->xmem[(at & ~1u) + i];
  v->mac.e_data = v->xexp[at / 16];
}

static void edge_memory(mx_serial *v, const mx_serial_in *in) {
  if (writes(v)) v->vmem[place_of(v, in)] = word_written(v);
  else if (reads(v)) v->data = v->vmem[place_of(v, in)];
}

static uint8_t u_index(const mx_serial *v, mx_serial_state next, bool turn) {
  bool second = (next == MX_SERIAL_FIRST && turn) || (next == MX_SERIAL_SECOND && !turn);
  switch (next) {
    case MX_SERIAL_OPA: return field(v, is_loop(v) ? 20 : 16, 15);
    case MX_SERIAL_OPB: case MX_SERIAL_SCALAR: return field(v, 12, 15);
    case MX_SERIAL_COUNT: return field(v, 8, 15);
    case MX_SERIAL_FIRST: case MX_SERIAL_SECOND: return field(v, second ? 12 : 16, 15);
    default: return field(v, 20, 15);
  }
}

static void edge_u(mx_serial *v, const mx_serial_in *in, mx_serial_state next, bool turn) {
  uint16_t read = v->u[u_index(v, next, turn)];
  uint32_t pair = (v->index & 6) == 6 ? in->acc : in->args;
  bool li = v->state == MX_SERIAL_DECODE && op_of(v) == MX_UOP_LI && !mx_ucode_illegal(v->insn);
  if (v->state == MX_SERIAL_LOAD) v->u[v->index & 7] = (uint16_t)(pair >> 16 * (v->index & 1));
  else if (ends_in_a(v) || v->state == MX_SERIAL_OPB || li) v->u[field(v, 20, 15)] = sum_of(v, in);
  v->u_read = read;
}

// ---- the edge ----

static void edge_pc(mx_serial *v, const mx_serial_in *in, mx_serial_state next) {
  bool taken = ends_in_a(v) && is_loop(v) && sum_of(v, in);
  if (v->state == MX_SERIAL_IDLE) v->pc = in->entry;
  else if (taken) v->pc = (uint16_t)v->insn;
  else if (v->state != MX_SERIAL_LOAD && v->state != MX_SERIAL_FETCH && next == MX_SERIAL_FETCH) v->pc++;
  v->pc %= MX_SERIAL_STORE;
}

static mx_serial_phase next_phase(const mx_serial *v) {
  switch (v->state) {
    case MX_SERIAL_LINE: return MX_PHASE_TERM;
    case MX_SERIAL_COUNT: return v->index == v->u_read && red_of(v) == MX_RED_SUM ? MX_PHASE_TREE : MX_PHASE_OP;
    case MX_SERIAL_WRITE:
      if (v->dot) return v->phase == MX_PHASE_TERM && !v->first ? MX_PHASE_SUM : MX_PHASE_TERM;
      if (v->phase == MX_PHASE_OP) return fn_of(v) && !is_mov(v) ? MX_PHASE_FUNC : MX_PHASE_REDUCE;
      return v->phase == MX_PHASE_FUNC ? MX_PHASE_REDUCE : v->phase;
    case MX_SERIAL_IDLE: case MX_SERIAL_FETCH: return MX_PHASE_OP;
    default: return v->phase;
  }
}

static uint16_t next_index(const mx_serial *v, const mx_serial_in *in) {
  bool end = v->index == v->u_read && red_of(v) == MX_RED_SUM, last = (v->index & LAST_PARTIAL) == LAST_PARTIAL, ends;
  switch (v->state) {
    case MX_SERIAL_IDLE: return 0;
    case MX_SERIAL_DECODE: return v->dot ? v->index : 0;
    case MX_SERIAL_COUNT: return end ? 0 : v->index;
    case MX_SERIAL_CLEAR: return last ? 0 : v->index + 1;
    case MX_SERIAL_OPA: return ends_in_a(v) ? v->index : v->u_read;
    case MX_SERIAL_NEXT:
      if (is_quant(v) && ends_block(v) && !v->round) return (uint16_t)(v->index & ~block_mask(v));
      return v->index + 1;
    case MX_SERIAL_LOAD: return v->index + 1;
    case MX_SERIAL_WRITE:
      ends = v->dot ? place_of(v, in) < SCRATCH : v->phase == MX_PHASE_TREE;
      return (uint16_t)(v->index + ends);
    default: return v->index;
  }
}

static void edge_round(mx_serial *v) {
  if (v->state == MX_SERIAL_DECODE) v->round = v->dead = false;
  else if (v->state == MX_SERIAL_NEXT && ends_block(v)) {
    v->round = !v->round;
    v->dead = false;
  } else if (v->state == MX_SERIAL_COUNT && v->index == v->u_read) v->dead = true;
}

static void edge_line(mx_serial *v, const mx_serial_in *in) {
  bool take = takes_line(v);
  if (!v->dot) v->first = false;
  if (take) {
    v->row = v->mac.row;
    v->last = v->mac.block == in->dot.blocks;
    v->first = v->mac.block == 1;
  }
  mx_serial_mac_edge(&v->mac, &in->dot, v->dot, in->s_valid, in->s_data, take, v->xmem, v->xexp);
}

void mx_serial_edge(mx_serial *v, const mx_serial_in *in) {
  mx_serial_out o = mx_serial_look(v, in);
  mx_serial_state state = v->state, next = next_state(v, in);
  mx_serial_phase phase = next_phase(v);
  bool turn = next_turn(v), bad = state == MX_SERIAL_DECODE && mx_ucode_illegal(v->insn);
  uint16_t index = next_index(v, in);
  mx_fp_op op = fp_op(v);
  edge_fp(v, in);
  edge_quant(v, in);
  edge_memory(v, in);
  edge_line(v, in);
  edge_moved(v, in, o.mw_ready);
  edge_round(v);
  edge_pc(v, in, next);
  edge_u(v, in, next, turn);  // what is read now, all before have used
  if (state == MX_SERIAL_FETCH) v->insn = v->store[v->pc];
  if (state == MX_SERIAL_IDLE) v->dot = v->go_dot;
  else if (state == MX_SERIAL_LINE && next == MX_SERIAL_IDLE) v->dot = false;
  v->go_dot = in->dot_valid && o.ready;
  v->go_vec = in->vec_valid && o.ready;
  v->bad = bad;
  v->turn = turn;
  v->index = index;
  v->phase = phase;
  v->state = next;
  v->fp.op = op;
}

void mx_serial_reset(mx_serial *v) {
  v->state = MX_SERIAL_IDLE;
  v->phase = MX_PHASE_OP;
  v->dot = v->turn = v->go_dot = v->go_vec = v->bad = false;
  v->index = 0;
  v->fp.left = 0;
  v->fp.swap = v->fp.swaps = false;
}
