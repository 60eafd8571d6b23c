// tb: name=mx_seq_32 top=mx_seq params=BusBits=32,BurstBeats=8,Tokens=1,Codebook=0,ZeroPoint=0
// tb: name=mx_seq_serial top=mx_seq params=BusBits=32,BurstBeats=8,Tokens=1,Codebook=0,ZeroPoint=0,Serial=1
// tb: name=mx_seq_64 top=mx_seq params=BusBits=64,BurstBeats=16,Tokens=2,Codebook=1,ZeroPoint=0
// tb: name=mx_seq_128 top=mx_seq params=BusBits=128,BurstBeats=16,Tokens=2,Codebook=0,ZeroPoint=1
// tb: name=mx_seq_256 top=mx_seq params=BusBits=256,BurstBeats=16,Tokens=4,Codebook=1,ZeroPoint=1
// Random programs with stubs for memory and units. A model in C follows the
// issued instructions one by one and says what each must look like, which one
// is the last, and how the program ends. Unit faults, resets and starts come
// at random.
#include <stdio.h>

#include "golden/isa.h"
#include "tests/rtl/tb.h"
#include "tests/rtl/seq_model.h"

#ifndef TB_Serial
#define TB_Serial 0
#endif

enum {
  PROGRAMS = 1500, CYCLE_LIMIT = 400000, ISSUE_LIMIT = 2000, BEAT_BYTES = TB_BusBits / 8,
  ALIGNMENT = BEAT_BYTES > 16 ? BEAT_BYTES : 16, QUEUE = 64, UNITS = 4, FAULTS = 5,
};

static const seq_params params = {TB_Tokens, TB_Codebook, TB_ZeroPoint, TB_BusBits, 0};

static struct {
  tb_port *start, *soft_reset, *program, *mem_size, *walk_slot, *walk_data, *watchdog, *begin, *busy, *done, *fault;
  tb_port *error, *error_pc, *issue, *seq_wait, *fetch_wait, *stop, *clear, *bus_idle, *faults[FAULTS];
  tb_port *req_valid, *req_ready, *req_bad, *req_addr, *req_len, *r_valid, *r_data;
  tb_port *unit_busy[UNITS], *stream_empty, *valid[UNITS], *ready[UNITS], *pc;
  tb_port *stream_addr, *stream_segments, *stream_seg_beats, *stream_stride;
  tb_port *dot_bits, *dot_scale, *dot_zero, *dot_codebook, *dot_planar, *dot_block, *dot_frac, *dot_x, *dot_groups,
      *dot_dst, *dot_stride, *dot_blocks, *dot_tokens, *tbl_we, *tbl_half, *tbl_data;
  tb_port *vec_entry, *vec_u;
  tb_port *move_op, *move_addr, *move_count, *move_blocks, *move_at, *move_format, *move_block, *move_bank, *move_row,
      *move_stride;
} p;

static void find_ports(void) {
#define IN(name) p.name = tb_find(#name "_i");
#define OUT(name) p.name = tb_find(#name "_o");
  IN(start) IN(soft_reset) IN(program) IN(mem_size) IN(walk_slot) IN(walk_data) IN(watchdog) OUT(begin) OUT(busy)
  OUT(done) OUT(fault) OUT(error) OUT(error_pc) OUT(issue) OUT(seq_wait) OUT(fetch_wait) OUT(stop) OUT(clear)
  IN(bus_idle) OUT(req_valid) IN(req_ready) IN(req_bad) OUT(req_addr) OUT(req_len) IN(r_valid) IN(r_data) IN(stream_empty)
  OUT(stream_addr) OUT(stream_segments) OUT(stream_seg_beats) OUT(stream_stride) OUT(dot_bits) OUT(dot_scale)
  OUT(dot_zero) OUT(dot_codebook) OUT(dot_planar) OUT(dot_block) OUT(dot_frac) OUT(dot_x) OUT(dot_groups) OUT(dot_dst)
  OUT(dot_stride) OUT(dot_blocks) OUT(dot_tokens) OUT(tbl_we) OUT(tbl_half) OUT(tbl_data) OUT(vec_entry) OUT(vec_u)
  OUT(move_op) OUT(move_addr) OUT(move_count) OUT(move_blocks) OUT(move_at) OUT(move_format) OUT(move_block)
  OUT(move_bank) OUT(move_row) OUT(move_stride)
#undef IN
#undef OUT
  static const char *const units[UNITS] = {"stream", "dot", "vec", "move"};
  static const char *const faults[FAULTS] = {"read", "stream", "vec", "move", "write"};
  char name[32];
  for (unsigned i = 0; i < UNITS; i++) {
    snprintf(name, sizeof name, "%s_valid_o", units[i]), p.valid[i] = tb_find(name);
    snprintf(name, sizeof name, "%s_ready_i", units[i]), p.ready[i] = tb_find(name);
    snprintf(name, sizeof name, "%s_busy_i", units[i]), p.unit_busy[i] = i ? tb_find(name) : NULL;
  }
  for (unsigned i = 0; i < FAULTS; i++)
    snprintf(name, sizeof name, "%s_fault_i", faults[i]), p.faults[i] = tb_find(name);
  p.pc = tb_find("obs_issue_pc_o");
}

// What the stubs do in this program.
static struct {
  unsigned latency;      // cycles of a read, at most
  unsigned ready_of_4;   // how often a unit or the bus is ready
  unsigned work;         // cycles that a unit works, at most
} mood;

static struct { uint32_t addr, beats; uint64_t due; } reads[QUEUE];
static unsigned read_head, read_count;
static uint64_t busy_until[UNITS];
static uint32_t args[MX_ARGS];
static seq_model model;
static bool stopped, cleared;
static unsigned issued;

static bool bus_idle(void) { return read_count == 0; }

static void drive_memory(void) {
  bool deliver = read_count && reads[read_head].due <= tb_cycles() && tb_random_below(4) < mood.ready_of_4;
  tb_put(p.r_valid, deliver);
  if (deliver)
    for (unsigned i = 0; i < BEAT_BYTES; i++) tb_put_bits(p.r_data, 8 * i, 8, seq_model_byte(&model, reads[read_head].addr + i));
  bool bad = false;
  if (TB_Serial && tb_peek(p.req_valid)) bad = tb_peek(p.req_addr) + MX_INSTRUCTION_BYTES > model.mem_size;
  tb_put(p.req_bad, bad);
  tb_put(p.req_ready, !bad && !stopped && read_count < QUEUE && tb_random_below(4) < mood.ready_of_4);
  tb_put(p.bus_idle, bus_idle() && tb_random_below(16) != 0);
}

static void drive_units(void) {
  for (unsigned i = 0; i < UNITS; i++) {
    tb_put(p.ready[i], tb_random_below(4) < mood.ready_of_4);
    if (i) tb_put(p.unit_busy[i], busy_until[i] > tb_cycles());
  }
}

static void drive_walk(void) {
  unsigned slot = (unsigned)(tb_cycles() % 32), arg = slot - MX_CSR_ARG1 / 4;
  tb_put(p.walk_slot, slot);
  uint64_t other = slot == MX_CSR_PROGRAM / 4 ? tb_peek(p.program) : tb_random();
  tb_put(p.walk_data, arg < MX_ARGS ? args[arg] : other);
}

static void sample_memory(void) {
  if (tb_peek(p.r_valid)) {
    reads[read_head].addr += BEAT_BYTES;
    if (--reads[read_head].beats == 0) read_head = (read_head + 1) % QUEUE, read_count--;
  }
  if (!tb_peek(p.req_valid) || !tb_peek(p.req_ready)) return;
  uint32_t addr = (uint32_t)tb_peek(p.req_addr), beats = (uint32_t)tb_peek(p.req_len) + 1;
  uint32_t last = addr + beats * BEAT_BYTES - 1, window = TB_BurstBeats * BEAT_BYTES;
  TB_CHECK(addr % BEAT_BYTES == 0 && addr / window == last / window, "fetch of %u beats at %08X", beats, addr);
  TB_CHECK(last >= addr && last < model.mem_size, "fetch of %u beats at %08X passes the end %08X", beats, addr, model.mem_size);
  unsigned slot = (read_head + read_count++) % QUEUE;
  reads[slot].addr = addr;
  reads[slot].beats = beats;
  reads[slot].due = tb_cycles() + 1 + tb_random_below(mood.latency + 1);
}

#define SAME(port, want) \
  TB_CHECK(tb_peek(p.port) == (uint64_t)(want), "at %08X: " #port " is %lX, expected %lX", model.pc, tb_peek(p.port), (uint64_t)(want))

static void check_stream(const seq_command *c) {
  SAME(stream_addr, c->addr);
  SAME(stream_segments, c->count);
  SAME(stream_seg_beats, c->seg_beats);
  SAME(stream_stride, c->stride);
}

static void check_dot(const mx_insn *in, const seq_command *c) {
#define FIELD_SAME(port, name) SAME(port, mx_get(in, MX_F_MATMUL_##name))
  FIELD_SAME(dot_bits, bits); FIELD_SAME(dot_scale, scale); FIELD_SAME(dot_zero, zero);
  FIELD_SAME(dot_codebook, codebook); FIELD_SAME(dot_planar, planar); FIELD_SAME(dot_block, block);
  FIELD_SAME(dot_frac, frac); FIELD_SAME(dot_x, x); FIELD_SAME(dot_dst, dst); FIELD_SAME(dot_stride, stride);
  FIELD_SAME(dot_tokens, tokens);
#undef FIELD_SAME
  SAME(dot_groups, c->count);
  SAME(dot_blocks, c->blocks);
}

static void check_vec(const mx_insn *in, const seq_command *c) {
  SAME(vec_entry, mx_get(in, MX_F_VEC_entry));
  for (unsigned i = 0; i < 8; i++)
    TB_CHECK(tb_peek_bits(p.vec_u, 16 * i, 16) == c->u[i], "at %08X: U%u is %04lX, expected %04X", model.pc, i,
             tb_peek_bits(p.vec_u, 16 * i, 16), c->u[i]);
}

static void check_move(const mx_insn *in, const seq_command *c) {
  unsigned op = in->word[0] & 31;
  SAME(move_op, op);
  SAME(move_addr, c->addr);
  SAME(move_at, mx_get(in, MX_F_LOAD_dst));
  if (op == MX_OP_LOAD || op == MX_OP_STORE || op == MX_OP_PUTCOL || op == MX_OP_UCODE) SAME(move_count, c->count);
  if (op == MX_OP_LOAD || op == MX_OP_PUTROW || op == MX_OP_PUTCOL) SAME(move_format, mx_get(in, MX_F_LOAD_format));
  if (op == MX_OP_PUTROW) SAME(move_blocks, mx_get(in, MX_F_PUTROW_blocks));
  if (op == MX_OP_PUTCOL) SAME(move_stride, mx_get(in, MX_F_PUTCOL_stride));
  if (op == MX_OP_PUTROW || op == MX_OP_PUTCOL) {
    SAME(move_block, mx_get(in, MX_F_PUTROW_block));
    SAME(move_row, c->row);
  }
  if (op == MX_OP_PUTROW || op == MX_OP_PUTCOL || op == MX_OP_PUTEXP) SAME(move_bank, mx_get(in, MX_F_PUTROW_bank));
}

static void check_waits(const mx_insn *in) {
  unsigned waits = in->word[0] >> MX_WAIT_LSB & 7;
  if ((in->word[0] & 31) == MX_OP_HALT) waits = 7;
  for (unsigned i = 0; i < 3; i++)
    TB_CHECK(!(waits >> i & 1) || !tb_peek(p.unit_busy[i + 1]), "at %08X: unit %u is busy", model.pc, i + 1);
}

static void sample_issue(void) {
  bool fired = false;
  for (unsigned i = 0; i < UNITS; i++)
    if (tb_peek(p.valid[i]) && tb_peek(p.ready[i])) {
      fired = true;
      TB_CHECK(model.end == SEQ_RUNS && (int)i == seq_model_unit(&model), "at %08X: unit %u gets a command", model.pc, i);
      busy_until[i] = tb_cycles() + 2 + tb_random_below(mood.work + 1);
    }
  if (!tb_peek(p.issue)) {
    TB_CHECK(!fired && !tb_peek(p.tbl_we), "a command without issue_o");
    return;
  }
  TB_CHECK(model.end == SEQ_RUNS, "%08X issues, but the program ends with %u at %08X", (uint32_t)tb_peek(p.pc), model.end, model.pc);
  SAME(pc, model.pc);
  TB_CHECK(fired == (seq_model_unit(&model) >= 0), "at %08X: issue without command", model.pc);
  const mx_insn *in = &model.insn;
  const seq_command *c = &model.command;
  check_waits(in);
  SAME(tbl_we, (in->word[0] & 31) == MX_OP_TABLE);
  if (tb_peek(p.tbl_we)) {
    SAME(tbl_half, mx_get(in, MX_F_TABLE_half));
    SAME(tbl_data, mx_get(in, MX_F_TABLE_entries));
  }
  switch (seq_model_unit(&model)) {
    case 0: check_stream(c); break;
    case 1: check_dot(in, c); break;
    case 2: check_vec(in, c); break;
    case 3: check_move(in, c); break;
    default: break;
  }
  issued++;
  seq_model_step(&model);
}

static void cycle(void) {
  drive_memory();
  drive_units();
  drive_walk();
  tb_eval();
  if (stopped) TB_CHECK(!tb_peek(p.issue), "an instruction issues after stop");
  sample_memory();
  sample_issue();
  bool clear = tb_peek(p.clear);
  if (clear) TB_CHECK(bus_idle() && stopped, "units are reset while the bus works");
  cleared |= clear;
  tb_cycle();
  stopped = tb_peek(p.stop);
  if (clear)
    for (unsigned i = 0; i < UNITS; i++) busy_until[i] = 0;
}

static void pulse(tb_port *port, uint64_t value) {
  tb_put(port, value);
  cycle();
  tb_put(port, 0);
}

// A fault of random sources in one cycle; returns the code that must win.
static unsigned inject_fault(void) {
  unsigned first = 0;
  for (unsigned i = 0; i < FAULTS; i++) {
    unsigned code = tb_random_below(3) ? 0 : 1 + (unsigned)tb_random_below(15);
    tb_put(p.faults[i], code);
    if (!first) first = code;
  }
  bool dog = !first || tb_random_below(3) == 0;
  tb_put(p.watchdog, dog);
  cycle();
  for (unsigned i = 0; i < FAULTS; i++) tb_put(p.faults[i], 0);
  tb_put(p.watchdog, 0);
  return first ? first : MX_FAULT_WATCHDOG;
}

// Until BUSY falls; a broken LOOP may go on for ever, which is left to a reset.
static void run_to_end(void) {
  for (unsigned i = 0; tb_peek(p.busy) && issued < ISSUE_LIMIT; i++) {
    TB_CHECK(i < CYCLE_LIMIT, "the program does not end; expected end %u at %08X", model.end, model.pc);
    cycle();
  }
}

static void check_end(uint32_t want, uint32_t got_pc) {
  uint32_t error = (uint32_t)tb_peek(p.error);
  TB_CHECK(error == want, "ERROR is %u, expected %u", error, want);
  TB_CHECK(tb_peek(p.fault) == (want != 0) && tb_peek(p.done) == (want == 0), "DONE and FAULT do not fit ERROR %u", want);
  TB_CHECK(cleared == (want != 0), "units were %sreset", cleared ? "" : "not ");
  if (want) TB_CHECK(got_pc == model.pc, "ERROR_PC is %08X, expected %08X", got_pc, model.pc);
}

static void soft_reset(void) {
  bool ending = tb_peek(p.clear);
  if (!ending) cleared = false;
  issued = 0;
  pulse(p.soft_reset, 1);
  TB_CHECK(ending || tb_peek(p.busy), "BUSY is not set in a soft reset");
  run_to_end();
  TB_CHECK(!tb_peek(p.fault) && !tb_peek(p.done) && !tb_peek(p.error), "a soft reset leaves DONE, FAULT or ERROR");
  TB_CHECK(cleared, "a soft reset does not reset the units");
  TB_CHECK(read_count == 0, "a soft reset leaves reads behind");
}

static void begin(void) {
  cleared = false;
  issued = 0;
  for (unsigned i = 0; i < MX_ARGS; i++) args[i] = (uint32_t)tb_random() >> tb_random_below(32);
  seq_model_start(&model, args);
  tb_put(p.program, model.program);
  tb_put(p.mem_size, model.mem_size);
  tb_put(p.stream_empty, !model.leftover);
  mood.latency = (unsigned)tb_random_below(40);
  mood.ready_of_4 = 1 + (unsigned)tb_random_below(4);
  mood.work = (unsigned)tb_random_below(60);
  pulse(p.start, 1);
  TB_CHECK(tb_peek(p.busy) && !tb_peek(p.done), "START is not heard");
}

// Disturbed by faults of units or by a soft reset after some cycles.
static void disturb(void) {
  for (uint64_t i = 4 + tb_random_below(4000); i && tb_peek(p.busy); i--) cycle();
  if (tb_random() & 1 || issued == ISSUE_LIMIT) {
    soft_reset();
    return;
  }
  if (!tb_peek(p.busy) || tb_peek(p.stop)) {
    run_to_end();
    return;
  }
  uint32_t before = model.pc, last = model.last_pc, end = model.end;
  unsigned want = inject_fault();
  issued = 0;
  run_to_end();
  uint32_t error = (uint32_t)tb_peek(p.error), pc = (uint32_t)tb_peek(p.error_pc);
  if (tb_peek(p.done)) TB_CHECK(end == SEQ_HALTED, "a unit's fault is lost");
  else TB_CHECK(error == want || (end > SEQ_HALTED && error == end), "ERROR is %u, expected %u", error, want);
  if (tb_peek(p.fault)) TB_CHECK(pc == before || pc == last, "ERROR_PC is %08X, expected %08X or %08X", pc, before, last);
}

static void after_fault(void) {
  pulse(p.start, 1);
  for (int i = 0; i < 3; i++) cycle();
  TB_CHECK(!tb_peek(p.busy) && tb_peek(p.fault), "START is heard after a fault");
  soft_reset();
}

static unsigned ends[SEQ_RUNS];

void tb_main(void) {
  find_ports();
  tb_reset();
  for (unsigned i = 0; i < PROGRAMS; i++) {
    seq_model_random(&model, &params, ALIGNMENT);
    begin();
    if (tb_random_below(4) == 0) {
      disturb();
    } else {
      run_to_end();
      if (issued == ISSUE_LIMIT) soft_reset();
      else check_end(model.end == SEQ_HALTED ? 0 : model.end, (uint32_t)tb_peek(p.error_pc));
      if (model.end < SEQ_RUNS) ends[model.end]++;
    }
    if (tb_peek(p.fault)) after_fault();
    else if (tb_random_below(16) == 0) soft_reset();
  }
  for (unsigned i = 0; i < SEQ_RUNS; i++)
    if (ends[i]) printf("  end %u: %u programs\n", i, ends[i]);
}
