#include "sim/cycle/vec.h"

#include <string.h>

#include "golden/isa.h"

enum { IDLE, RUN };
enum { OPERANDS = 4, START = 5 };            // cycles since the fetch: StN, and first of StRun of mx_vec_seq
enum { FN_LATENCY = 6, QUANT_LATENCY = 3 };  // of fp_fn; from read_b_o to x_valid_o

static const mx_cycle_vec_span never = {UINT32_MAX, UINT32_MAX};

// ---- spans ----

static bool in_span(const mx_cycle_vec *v, mx_cycle_vec_span s, uint32_t t) {
  uint32_t at = t - s.first;
  return at <= s.last - s.first && (at & (v->period - 1)) < v->width;
}

// The next cycle in which in_span may change; one too many after the last.
static uint32_t span_change(const mx_cycle_vec *v, mx_cycle_vec_span s) {
  if (v->t < s.first) return s.first;
  if (v->t > s.last) return UINT32_MAX;
  if (v->width == v->period) return s.last + 1;
  uint32_t at = (v->t - s.first) & (v->period - 1);
  return v->t - at + (at < v->width ? v->width : v->period);
}

static uint32_t min(uint32_t a, uint32_t b) { return a < b ? a : b; }

static bool is_quant(const mx_cycle_vec *v) { return v->insn >> MX_UOP_LSB == MX_UOP_QUANT; }

// The outputs of cycle t of a microinstruction, and until when they stay.
static void show(mx_cycle_vec *v) {
  bool last = v->t == v->done, operands = v->t == OPERANDS;
  v->phase = RUN;
  v->out = (mx_cycle_vec_out){
      .busy = true,
      .progress = last && !v->end_fault,
      .ra_en = in_span(v, v->read_a, v->t),
      .rb_en = in_span(v, v->read_b, v->t) || (v->bcast && operands),
      .fault = last ? v->end_fault : MX_FAULT_NONE,
  };
  bool write = in_span(v, v->write, v->t), quant = is_quant(v);
  v->out.vm_valid = write && !quant;
  v->out.xw_valid = write && quant;
  v->next = last ? v->t + 1 : v->done;
  if (operands) v->next = START;
  if (v->t < OPERANDS && v->bcast) v->next = OPERANDS;
  v->next = min(v->next, span_change(v, v->read_a));
  v->next = min(v->next, span_change(v, v->read_b));
  v->next = min(v->next, span_change(v, v->write));
}

// ---- decoding ----

static unsigned op_latency(unsigned op) {
  return op == MX_UOP_MUL ? 3 : op == MX_UOP_ADD || op == MX_UOP_SUB ? 4 : 0;
}

// Cycles from the last result (or, for no element, the start) to the end.
static uint32_t reduction(const mx_cycle_vec *v, unsigned red, bool empty) {
  static const uint8_t sum[] = {54, 40, 34};
  switch (red) {
    case MX_RED_NONE: return 0;
    case MX_RED_SUM: return sum[v->lane_bits] - (empty ? 3u : 0u);
    default: return (1u << v->lane_bits) + 1;
  }
}

// MOV .. MAX: a group of lanes each `period` cycles.
static void plan_vector(mx_cycle_vec *v, unsigned op, uint32_t n) {
  unsigned red = mx_uget(v->insn, MX_UF_VEC_red), lanes = 1u << v->lane_bits;
  bool fn = mx_uget(v->insn, MX_UF_VEC_fn) != MX_FN_NONE;
  v->bcast = mx_uget(v->insn, MX_UF_VEC_bcast);
  v->period = fn ? lanes : 1;
  v->done = START + reduction(v, red, !n);
  if (n) {
    uint32_t length = ((n - 1) >> v->lane_bits) * v->period;  // from first to last group
    uint32_t latency = 2 + op_latency(op) + (fn ? FN_LATENCY + (lanes > 1 ? lanes : 0) : 0);
    v->done += length + latency;
    v->read_a = (mx_cycle_vec_span){START, START + length};
    if (op != MX_UOP_MOV && !v->bcast) v->read_b = v->read_a;
    if (red == MX_RED_NONE) v->write = (mx_cycle_vec_span){START + latency, v->done};
  }
  if (red != MX_RED_NONE) v->write = (mx_cycle_vec_span){v->done, v->done};
}

// QUANT: a block is read through port A, then through port B.
static void plan_quant(mx_cycle_vec *v, uint32_t n) {
  v->done = START;
  if (!n) return;
  unsigned block = mx_uget(v->insn, MX_UF_QUANT_block);
  uint32_t blocks = (n + (16u << block) - 1) >> (4 + block);
  v->width = 16u << block >> v->lane_bits;
  v->period = 2 * v->width;
  uint32_t second = START + v->width, last = START + blocks * v->period - 1;
  v->read_a = (mx_cycle_vec_span){START, last - v->width};
  v->read_b = (mx_cycle_vec_span){second, last};
  v->write = (mx_cycle_vec_span){second + QUANT_LATENCY, last + QUANT_LATENCY};
  v->done = last + QUANT_LATENCY;
}

// StFetch is entered: the control store holds what will be read.
static void fetch(mx_cycle_vec *v) {
  v->insn = v->store[v->pc & v->store_mask];
  v->t = 0;
  v->bcast = false;
  v->period = v->width = 1;
  v->read_a = v->read_b = v->write = never;
  v->end_fault = mx_ucode_illegal(v->insn) ? MX_FAULT_UCODE : MX_FAULT_NONE;
  unsigned op = v->insn >> MX_UOP_LSB, n = v->u[mx_uget(v->insn, MX_UF_VEC_n)];
  if (v->end_fault) v->done = 1;
  else if (op >= MX_UOP_MOV) plan_vector(v, op, n);
  else if (op == MX_UOP_QUANT) plan_quant(v, n);
  else v->done = op == MX_UOP_ADDU ? 3 : op == MX_UOP_ADDI || op == MX_UOP_LOOPU ? 2 : 1;
  show(v);
}

// ---- the end of a microinstruction ----

static void stop(mx_cycle_vec *v) {
  v->phase = IDLE;
  v->loaded = 0;
  v->out = (mx_cycle_vec_out){0};
}

// What a legal microinstruction does to U and the address of the next.
static void retire(mx_cycle_vec *v) {
  uint16_t *d = &v->u[mx_uget(v->insn, MX_UF_IMM_d)];
  uint16_t a = v->u[mx_uget(v->insn, MX_UF_IMM_a)], imm = (uint16_t)v->insn;
  v->pc++;
  switch (v->insn >> MX_UOP_LSB) {
    case MX_UOP_LI: *d = imm; break;
    case MX_UOP_ADDI: *d = (uint16_t)(a + imm); break;
    case MX_UOP_ADDU: *d = (uint16_t)(a + v->u[mx_uget(v->insn, MX_UF_REG_b)]); break;
    case MX_UOP_LOOPU:
      if (--*d) v->pc = imm;
      break;
    default: break;
  }
}

static void change(mx_cycle_vec *v) {
  if (v->t <= v->done) {
    show(v);
  } else if (v->end_fault || v->insn >> MX_UOP_LSB == MX_UOP_END) {
    stop(v);
  } else {
    retire(v);
    fetch(v);
  }
}

// ---- the twin ----

static unsigned log2_of(uint32_t power) { return power <= 1 ? 0 : 1 + log2_of(power / 2); }

void mx_cycle_vec_open(mx_cycle_vec *v, const mx_params *p) {
  memset(v, 0, sizeof *v);
  v->lane_bits = (uint8_t)log2_of(p->VEC_LANES);
  v->store_mask = (uint16_t)(p->UCODE_WORDS - 1);
  stop(v);
}

// U is written in the cycle of a reset too. (U0..U7 of a command that is being
// loaded do not matter: it comes anew.)
void mx_cycle_vec_reset(mx_cycle_vec *v) {
  if (v->phase == RUN && v->t == v->done && !v->end_fault) retire(v);
  stop(v);
}

mx_cycle_vec_out mx_cycle_vec_look(const mx_cycle_vec *v, const mx_cycle_vec_in *in) {
  (void)in;
  return v->out;
}

static void load_command(mx_cycle_vec *v, const mx_cycle_vec_in *in, uint64_t n) {
  if (!in->cmd_valid) {
    stop(v);
    return;
  }
  for (; n && v->loaded < 8; n--, v->loaded++) v->u[v->loaded] = in->cmd_u[v->loaded];
  v->out.cmd_ready = v->loaded == 7;
  if (v->loaded < 8) return;
  v->pc = in->cmd_entry;
  fetch(v);
}

void mx_cycle_vec_edge(mx_cycle_vec *v, const mx_cycle_vec_in *in) { mx_cycle_vec_leap(v, in, 1); }

uint64_t mx_cycle_vec_steady(const mx_cycle_vec *v, const mx_cycle_vec_in *in) {
  if (v->phase == RUN) return v->next - v->t;
  if (in->cmd_valid) return v->loaded < 7 ? 7u - v->loaded : 1;
  return v->loaded == 7 ? 1 : UINT64_MAX;
}

uint64_t mx_cycle_vec_alone(const mx_cycle_vec *v, const mx_cycle_vec_in *in) {
  if (v->phase != RUN) return mx_cycle_vec_steady(v, in);
  return v->t < v->done ? v->done - v->t : 1;
}

void mx_cycle_vec_leap(mx_cycle_vec *v, const mx_cycle_vec_in *in, uint64_t n) {
  if (in->uc_we) v->store[in->uc_addr & v->store_mask] = in->uc_data;
  if (v->phase == RUN) {
    v->t += (uint32_t)n;
    if (v->t >= v->next) change(v);
  } else {
    load_command(v, in, n);
  }
}
