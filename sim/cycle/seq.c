#include "sim/cycle/seq.h"

#include "golden/machine.h"  // mx_insn_illegal

enum {
  STOP_CYCLES = 8, CLEAR_CYCLES = 2,                     // of mx_control
  PASS_CYCLES = 33, STREAM_CYCLES = 16, ARG_CYCLES = 32, // of mx_arg's steps
  ARG_SLOT = 16, A_BITS = 32,
};

void mx_cycle_seq_open(mx_cycle_seq *v, const mx_params *p, mx_cycle_source source) {
  *v = (mx_cycle_seq){.params = p, .source = source, .words = p->BUS_BITS < 128 ? 128 / p->BUS_BITS : 1};
  mx_cycle_fetch_open(&v->fetch, p);
}

static void reset_fetch(mx_cycle_seq *v) {
  mx_cycle_fetch_reset(&v->fetch);
  v->demand.asked = false;
  v->demand.beat = 0;
}

void mx_cycle_seq_reset(mx_cycle_seq *v) {
  v->control = MX_CONTROL_IDLE;
  v->state = MX_SEQ_CLEAN;
  v->stop_count = v->taken = v->reg = v->count = 0;
  v->soft = v->done = v->fault = v->reg_busy = v->landed = v->range = false;
  v->error = 0;
  reset_fetch(v);
}

// ---- fields and registers ----

static unsigned nibble(const mx_cycle_seq *v, unsigned lsb) { return v->insn.word[0] >> lsb & 15; }
static uint32_t areg(const mx_cycle_seq *v, unsigned lsb) { return v->a[nibble(v, lsb)]; }

static bool needs_pass(const mx_cycle_seq *v) {
  uint32_t w = v->insn.word[0], r8 = w >> 8 & 15, r12 = w >> 12 & 15, r16 = w >> 16 & 15;
  switch (v->op) {
    case MX_OP_VEC: return w >> 18 & 255;
    case MX_OP_ARG: return r12 || r16;
    case MX_OP_STREAM: return r8 || r12 || r16;
    case MX_OP_MATMUL: case MX_OP_LOAD: case MX_OP_STORE: case MX_OP_PUTROW: case MX_OP_PUTCOL: return r8 || r12;
    case MX_OP_LOOP: case MX_OP_PUTEXP: return r8;
    default: return false;
  }
}

static void add_low(uint32_t *word, uint32_t value) { *word = (*word & 0xffff0000) | ((*word + value) & 0xffff); }
static void add_high(uint32_t *word, uint32_t value) { *word += value << 16; }

// What the pass leaves.
static void pass(mx_cycle_seq *v) {
  uint32_t *w = v->insn.word;
  switch (v->op) {
    case MX_OP_STREAM:
      w[1] += areg(v, 8);
      add_low(&w[2], areg(v, 12));
      add_high(&w[2], areg(v, 16));
      break;
    case MX_OP_MATMUL:
      add_high(&w[1], areg(v, 8));
      add_low(&w[3], areg(v, 12));
      break;
    case MX_OP_LOAD: case MX_OP_STORE:
      w[1] += areg(v, 8);
      add_high(&w[2], areg(v, 12));
      break;
    case MX_OP_PUTROW: case MX_OP_PUTCOL:
      w[1] += areg(v, 8);
      v->acc = areg(v, 12);
      break;
    case MX_OP_PUTEXP: w[1] += areg(v, 8); break;
    case MX_OP_ARG:
      w[1] += areg(v, 12);
      v->acc = areg(v, 16);
      break;
    case MX_OP_VEC: v->acc = (areg(v, 18) & 0xffff) | areg(v, 22) << 16; break;
    case MX_OP_LOOP: v->nonzero = --v->a[nibble(v, 8)] != 0; break;
    default: break;
  }
}

static void multiply(mx_cycle_seq *v) {
  const uint32_t *w = v->insn.word;
  if (v->op == MX_OP_STREAM) v->product = (w[2] >> 16) * (w[0] >> 20);
  else if (nibble(v, 8)) v->a[nibble(v, 8)] = (w[1] & w[2]) * w[3] + v->acc;
}

// The instruction is complete.
static void load(mx_cycle_seq *v, uint32_t addr) {
  uint8_t b[MX_INSTRUCTION_BYTES];
  v->source.bytes(v->source.self, addr, sizeof b, b);
  v->insn = mx_insn_load(b);
  v->op = v->insn.word[0] & 31;
  v->waits = v->op == MX_OP_HALT ? 7 : v->insn.word[0] >> MX_WAIT_LSB & 7;
  v->illegal = mx_insn_illegal(v->params, &v->insn);
  v->need = needs_pass(v);
}

// ---- what is seen ----

static uint8_t check_fault(const mx_cycle_seq *v) {
  if (v->params->SERIAL && !v->checked) return MX_FAULT_NONE;
  if (v->illegal || (v->first && v->op != MX_OP_IDENT)) return MX_FAULT_ILLEGAL;
  return v->op == MX_OP_IDENT && v->insn.word[1] != v->params->build_id ? MX_FAULT_BUILD_ID : MX_FAULT_NONE;
}

static uint32_t align(const mx_cycle_seq *v) { return v->params->BUS_BITS > 128 ? v->params->BUS_BITS / 8 : 16; }

static bool astray(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  return v->params->SERIAL ? v->pc_low != 0 : in->program % align(v) != 0;
}

static uint8_t fault_of(const mx_cycle_seq *v, const mx_cycle_seq_in *in, bool may_issue) {
  if (v->state == MX_SEQ_JUMP && astray(v, in)) return MX_FAULT_ALIGN;
  if (v->state == MX_SEQ_FETCH && v->range) return MX_FAULT_RANGE;
  if (v->state == MX_SEQ_CHECK) return check_fault(v);
  if (may_issue && v->op == MX_OP_HALT && !in->stream_empty) return MX_FAULT_STREAM;
  return may_issue && v->op == MX_OP_STREAM && mx_cycle_seq_odd(v) ? MX_FAULT_ALIGN : MX_FAULT_NONE;
}

static void command(const mx_cycle_seq *v, const mx_cycle_seq_in *in, mx_cycle_seq_out *o) {
  switch (v->op) {
    case MX_OP_STREAM:
      o->stream_valid = !mx_cycle_seq_odd(v);
      o->issue = o->stream_valid && in->stream_ready;
      break;
    case MX_OP_MATMUL:
      o->dot_valid = true;
      o->issue = in->dot_ready;
      break;
    case MX_OP_VEC:
      o->vec_valid = true;
      o->issue = in->vec_ready;
      break;
    default:
      o->move_valid = v->op >= MX_OP_LOAD;
      o->issue = o->move_valid ? in->move_ready : !o->fault;
  }
}

// ---- fetch on demand ----

// Units at work keep their instruction.
static bool held(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  return v->params->SERIAL && (in->dot_busy || in->vec_busy || in->move_busy);
}

static bool fetches(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  return mx_cycle_seq_run(v) && v->state == MX_SEQ_FETCH && !held(v, in);
}

static bool wants(const mx_cycle_seq *v, const mx_cycle_seq_in *in) { return fetches(v, in) && v->here && !v->range; }

bool mx_cycle_seq_requests(const mx_cycle_seq *v, const mx_cycle_seq_in *in) { return wants(v, in) && !v->demand.asked; }

static bool fetch_idle(const mx_cycle_seq *v) {
  return v->params->SERIAL ? !v->demand.asked : mx_cycle_fetch_idle(&v->fetch);
}

static mx_cycle_demand next_demand(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  mx_cycle_demand d = v->demand;
  d.stale = d.asked && (d.stale || !wants(v, in));
  if (mx_cycle_seq_requests(v, in) && in->req_ready) d.asked = true;
  else if (in->r_valid && d.beat == 3) d.asked = false;
  if (in->r_valid) d.beat = (d.beat + 1) & 3;
  return d;
}

// ---- what is seen ----

static bool word_taken(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  if (v->params->SERIAL) return in->r_valid && wants(v, in) && !v->demand.stale;
  return mx_cycle_seq_run(v) && v->state == MX_SEQ_FETCH && !v->range && v->fetch.out_valid;
}

mx_cycle_seq_out mx_cycle_seq_look(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  bool run = mx_cycle_seq_run(v);
  mx_cycle_seq_out o = {.starting = run && v->state <= MX_SEQ_INIT,
                        .begin = in->start && !in->soft_reset && !mx_cycle_seq_busy(v) && !v->fault};
  if (v->state == MX_SEQ_ISSUE) {
    uint32_t busy = (uint32_t)in->dot_busy | (uint32_t)in->vec_busy << 1 | (uint32_t)in->move_busy << 2;
    bool may_issue = run && !(v->waits & busy);
    o.fault = fault_of(v, in, may_issue);
    if (may_issue) command(v, in, &o);
    o.seq_wait = !o.issue;
    o.jumping = o.issue && v->op == MX_OP_LOOP && v->nonzero;
    o.halted = o.issue && v->op == MX_OP_HALT;
    o.tbl_we = o.issue && v->op == MX_OP_TABLE;
    return o;
  }
  o.fault = fault_of(v, in, false);
  o.fetch_wait = (v->state == MX_SEQ_JUMP || v->state == MX_SEQ_FETCH) && !word_taken(v, in);
  return o;
}

// ---- mx_control ----

static uint8_t first_fault(const mx_cycle_seq_in *in, uint8_t own) {
  const uint8_t faults[] = {own, in->read_fault, in->stream_fault, in->vec_fault, in->move_fault, in->write_fault};
  for (unsigned i = 0; i < sizeof faults; i++)
    if (faults[i]) return faults[i];
  return in->watchdog ? MX_FAULT_WATCHDOG : MX_FAULT_NONE;
}

// The fault that is heard in this cycle.
static uint8_t fault_now(const mx_cycle_seq *v, const mx_cycle_seq_in *in, uint8_t own) {
  bool hears = v->control == MX_CONTROL_RUN || v->control == MX_CONTROL_DRAIN;
  return hears ? first_fault(in, own) : MX_FAULT_NONE;
}

static mx_cycle_control_state next_control(const mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *o,
                                           bool faulty) {
  switch (v->control) {
    case MX_CONTROL_IDLE: return o->begin ? MX_CONTROL_RUN : MX_CONTROL_IDLE;
    case MX_CONTROL_RUN: return faulty ? MX_CONTROL_STOP : o->halted ? MX_CONTROL_DRAIN : MX_CONTROL_RUN;
    case MX_CONTROL_DRAIN:
      return faulty ? MX_CONTROL_STOP : fetch_idle(v) ? MX_CONTROL_IDLE : MX_CONTROL_DRAIN;
    case MX_CONTROL_STOP: return in->bus_idle && v->stop_count == STOP_CYCLES - 1 ? MX_CONTROL_CLEAR : MX_CONTROL_STOP;
    default: return v->stop_count == CLEAR_CYCLES - 1 ? MX_CONTROL_IDLE : MX_CONTROL_CLEAR;
  }
}

static uint32_t next_count(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  if (v->control == MX_CONTROL_STOP && in->bus_idle) return v->stop_count == STOP_CYCLES - 1 ? 0 : v->stop_count + 1;
  return v->control == MX_CONTROL_CLEAR && v->stop_count != CLEAR_CYCLES - 1 ? v->stop_count + 1 : 0;
}

static void edge_control(mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *o, uint8_t fault) {
  bool ended = v->control == MX_CONTROL_CLEAR && v->stop_count == CLEAR_CYCLES - 1, soft_now = v->soft || in->soft_reset;
  bool drained = v->control == MX_CONTROL_DRAIN && !fault && fetch_idle(v) && !in->soft_reset;
  mx_cycle_control_state next = next_control(v, in, o, fault);
  if (in->soft_reset && !mx_cycle_seq_stop(v)) next = MX_CONTROL_STOP;
  uint32_t count = next_count(v, in);
  v->soft = !ended && soft_now;
  if (o->begin || (ended && soft_now)) v->done = false;
  else if (drained) v->done = true;
  if (o->begin || (ended && soft_now)) v->error = 0;
  else if (fault) v->error = fault;
  if (ended) v->fault = !soft_now;
  v->control = next;
  v->stop_count = count;
}

// ---- mx_arg's steps ----

// Cycles of the step of the state, from count 0; 0: no such step.
static uint32_t step_cycles(const mx_cycle_seq *v) {
  switch (v->state) {
    case MX_SEQ_PASS: return PASS_CYCLES;
    case MX_SEQ_SHIFT: return 1 + (v->insn.word[0] >> 20 & 31);
    case MX_SEQ_MULT: return v->op == MX_OP_STREAM ? STREAM_CYCLES : ARG_CYCLES;
    default: return 0;
  }
}

static void end_step(mx_cycle_seq *v) {
  if (v->state == MX_SEQ_PASS) pass(v);
  else if (v->state == MX_SEQ_SHIFT) v->insn.word[1] >>= v->insn.word[0] >> 20 & 31;
  else multiply(v);
}

// Returns whether the step ends in this cycle.
static bool edge_step(mx_cycle_seq *v, bool run) {
  uint32_t cycles = run ? step_cycles(v) : 0;
  bool done = cycles && v->count == cycles - 1;
  if (done) end_step(v);
  v->count = done || !cycles ? 0 : v->count + 1;
  return done;
}

// Clearing and setting A registers.
static bool edge_registers(mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  bool clean = v->state == MX_SEQ_CLEAN, write = clean || v->reg_busy, end = write && v->count == A_BITS - 1;
  bool done = end && v->reg == (clean ? MX_AREGS - 1 : MX_ARGS);
  bool take = !clean && !v->reg_busy && in->walk_slot == (ARG_SLOT | v->reg);
  if (clean && end) v->a[v->reg] = 0;
  if (take) v->a[v->reg] = in->walk_data;
  if (end) v->reg = v->reg == MX_AREGS - 1 ? 1 : v->reg + 1;
  v->reg_busy = !clean && (take || (v->reg_busy && !end));
  v->count = end || !write ? 0 : v->count + 1;
  return done;
}

// ---- the edge ----

static mx_cycle_seq_state worked(const mx_cycle_seq *v) {
  return v->op == MX_OP_ARG ? MX_SEQ_SHIFT : v->op == MX_OP_STREAM ? MX_SEQ_MULT : MX_SEQ_ISSUE;
}

// SERIAL: PROGRAM passes by in the walk over the registers.
static bool aims(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  return !v->params->SERIAL || in->walk_slot == MX_CSR_PROGRAM / 4;
}

static mx_cycle_seq_state next_state(const mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *o, bool run,
                                     bool step_done, bool last_word) {
  if (!run && v->state != MX_SEQ_OFF) return v->state == MX_SEQ_CLEAN && step_done ? MX_SEQ_OFF : MX_SEQ_CLEAN;
  switch (v->state) {
    case MX_SEQ_CLEAN: return step_done ? MX_SEQ_OFF : MX_SEQ_CLEAN;
    case MX_SEQ_OFF: return run ? MX_SEQ_INIT : MX_SEQ_OFF;
    case MX_SEQ_INIT: return step_done ? MX_SEQ_JUMP : MX_SEQ_INIT;
    case MX_SEQ_JUMP: return fetch_idle(v) && aims(v, in) ? MX_SEQ_FETCH : MX_SEQ_JUMP;
    case MX_SEQ_FETCH: return last_word ? MX_SEQ_CHECK : MX_SEQ_FETCH;
    case MX_SEQ_CHECK:
      if (v->params->SERIAL && !v->checked) return MX_SEQ_CHECK;
      return v->need ? MX_SEQ_PASS : worked(v);
    case MX_SEQ_PASS: return step_done ? worked(v) : MX_SEQ_PASS;
    case MX_SEQ_SHIFT: return step_done ? MX_SEQ_MULT : MX_SEQ_SHIFT;
    case MX_SEQ_MULT: return step_done ? MX_SEQ_ISSUE : MX_SEQ_MULT;
    default: return !o->issue ? MX_SEQ_ISSUE : o->jumping ? MX_SEQ_JUMP : MX_SEQ_FETCH;
  }
}

// Of the jump under way, / 16.
static uint32_t target_of(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  uint32_t index = v->state <= MX_SEQ_INIT || v->first ? 0 : v->insn.word[1];
  uint32_t program = v->params->SERIAL ? in->walk_data : in->program;
  return ((program >> 4) + index) & 0x0fffffff;
}

// The instruction wanted now is the next one.
static bool steps(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  if (v->state != MX_SEQ_FETCH || v->landed) return false;
  if (v->params->SERIAL) return !held(v, in) && !v->here;
  return (v->fetch.out_valid || mx_cycle_fetch_range(&v->fetch)) && !v->taken;
}

static bool out_of_range(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  if (v->state != MX_SEQ_FETCH || v->taken) return false;
  return v->params->SERIAL ? in->req_bad && !held(v, in) : mx_cycle_fetch_range(&v->fetch);
}

static void edge_pc(mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *o, bool faulty) {
  bool starting = v->state <= MX_SEQ_INIT, serial = v->params->SERIAL;
  if (mx_cycle_seq_run(v) && !faulty) {
    if ((starting || (serial ? v->state == MX_SEQ_JUMP : o->jumping)) && aims(v, in)) v->pc = target_of(v, in);
    else if (steps(v, in)) v->pc = (v->pc + 1) & 0x0fffffff;
  }
  if (serial ? starting && aims(v, in) : o->begin) v->pc_low = (serial ? in->walk_data : in->program) & 15;
}

static mx_cycle_fetch_in fetch_in(const mx_cycle_seq *v, const mx_cycle_seq_in *in) {
  bool run = mx_cycle_seq_run(v);
  return (mx_cycle_fetch_in){.go_valid = v->state == MX_SEQ_JUMP && run, .go_addr = target_of(v, in), .stop = !run,
                             .mem_size = in->mem_size, .req_ready = in->req_ready, .r_valid = in->r_valid,
                             .word_ready = run && v->state == MX_SEQ_FETCH && !v->range};
}

// A word is taken. Returns whether the instruction is complete.
static bool take_word(mx_cycle_seq *v) {
  v->word_addr += MX_INSTRUCTION_BYTES / v->words;
  if (++v->taken < v->words) return false;
  v->taken = 0;
  load(v, v->params->SERIAL ? v->pc << 4 : v->word_addr - MX_INSTRUCTION_BYTES);
  return true;
}

void mx_cycle_seq_edge(mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *out) {
  bool run = mx_cycle_seq_run(v), clear = mx_cycle_seq_clear(v), starting = v->state <= MX_SEQ_INIT;
  mx_cycle_seq_state was = v->state;
  uint8_t fault = fault_now(v, in, out->fault);
  mx_cycle_fetch_in f = fetch_in(v, in);
  bool go = f.go_valid && mx_cycle_fetch_idle(&v->fetch), take = word_taken(v, in);
  bool range = out_of_range(v, in), checked = was == MX_SEQ_CHECK && !v->checked;
  edge_pc(v, in, out, fault);
  bool last_word = take && take_word(v);
  if (!run) v->taken = 0;
  if (go) v->word_addr = f.go_addr * MX_INSTRUCTION_BYTES;
  bool done = starting && was != MX_SEQ_OFF ? edge_registers(v, in) : edge_step(v, run);
  if (was == MX_SEQ_OFF) v->reg_busy = false;
  if (in->vec_shift)
    for (int i = 0; i < 3; i++) v->insn.word[i] = v->insn.word[i + 1];
  if (was == MX_SEQ_CLEAN || was == MX_SEQ_INIT) v->insn.word[1] = 0;
  if (was == MX_SEQ_CHECK) v->acc = 0, v->nonzero = false;
  mx_cycle_seq_state next = next_state(v, in, out, run, done, last_word);
  mx_cycle_demand demand = next_demand(v, in);
  bool here = fetches(v, in);
  edge_control(v, in, out, fault);
  if (!v->params->SERIAL) mx_cycle_fetch_edge(&v->fetch, &f);
  v->demand = demand;
  v->here = here;
  if (clear) reset_fetch(v);
  v->range = range;
  v->checked = checked;
  if (was == MX_SEQ_JUMP) v->landed = true;
  else if (was == MX_SEQ_CHECK) v->landed = false;
  if (was == MX_SEQ_INIT) v->first = true;
  else if (was == MX_SEQ_ISSUE) v->first = false;
  v->state = next;
}

// ---- leaps ----

uint64_t mx_cycle_seq_steady(const mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *out) {
  if (in->start || in->soft_reset || out->issue || fault_now(v, in, out->fault)) return 1;
  if (v->control >= MX_CONTROL_DRAIN || v->state == MX_SEQ_INIT || v->state == MX_SEQ_CHECK) return 1;
  bool run = mx_cycle_seq_run(v);
  if (v->state == MX_SEQ_OFF) return run ? 1 : UINT64_MAX;
  if (v->state == MX_SEQ_CLEAN) return A_BITS - v->count;
  mx_cycle_fetch_in f = fetch_in(v, in);
  if (!run || mx_cycle_fetch_moves(&v->fetch, &f)) return 1;
  bool range = v->state == MX_SEQ_FETCH && mx_cycle_fetch_range(&v->fetch) && !v->taken;
  if (range != v->range || (v->state == MX_SEQ_JUMP && !v->landed)) return 1;
  uint32_t cycles = step_cycles(v);
  return cycles ? cycles - v->count : UINT64_MAX;
}

void mx_cycle_seq_leap(mx_cycle_seq *v, const mx_cycle_seq_in *in, const mx_cycle_seq_out *out, uint64_t n) {
  if (n > 1 && (v->state == MX_SEQ_CLEAN || step_cycles(v))) v->count += (uint32_t)(n - 1);
  if (n) mx_cycle_seq_edge(v, in, out);
}
