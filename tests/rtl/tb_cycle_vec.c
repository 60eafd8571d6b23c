// tb: name=cycle_vec_1  top=mx_vec params=VecLanes=1,VmemWords=1024,UcodeWords=256,XmemElems=512,Tokens=1
// tb: name=cycle_vec_2  top=mx_vec params=VecLanes=2,VmemWords=2048,UcodeWords=512,XmemElems=1024,Tokens=2
// tb: name=cycle_vec_4  top=mx_vec params=VecLanes=4,VmemWords=1024,UcodeWords=1024,XmemElems=1024,Tokens=4
// The cycle model's twin of mx_vec beside it: every port that keeps time in every
// cycle, over random microprograms (vec_program.h), the longest microinstructions,
// writes to the control store of a running program, withdrawn commands, resets in
// any state and what U holds after them.
#include <inttypes.h>
#include <stdio.h>

#include "sim/cycle/vec.h"
#include "tests/rtl/tb.h"
#include "tests/rtl/vec_program.h"

enum { STORE = TB_UcodeWords, PROGRAMS = 3000, LONGEST = 30000 };

static const mx_params params = {.VEC_LANES = TB_VecLanes,
                                 .VMEM_WORDS = TB_VmemWords,
                                 .UCODE_WORDS = STORE,
                                 .XMEM_ELEMS = TB_XmemElems,
                                 .TOKENS = TB_Tokens};

static mx_cycle_vec twin;
static mx_cycle_vec_in in;
static vec_program program;
static unsigned stray_writes;  // of 10000 cycles
static uint64_t resets_in_work, faults, withdrawn;

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }
static bool one_in(unsigned n) { return !below(n); }

static struct {
  tb_port *rst_n, *cmd_valid, *cmd_entry, *cmd_u, *uc_we, *uc_addr, *uc_data, *ra_data, *rb_data;
  tb_port *cmd_ready, *busy, *progress, *ra_en, *rb_en, *vm_valid, *xw_valid, *fault;
} p;

static void find_ports(void) {
#define IN(name) p.name = tb_find(#name "_i");
#define OUT(name) p.name = tb_find(#name "_o");
  p.rst_n = tb_find("rst_ni");
  IN(cmd_valid) IN(cmd_entry) IN(cmd_u) IN(uc_we) IN(uc_addr) IN(uc_data) IN(ra_data) IN(rb_data)
  OUT(cmd_ready) OUT(busy) OUT(progress) OUT(ra_en) OUT(rb_en) OUT(vm_valid) OUT(xw_valid) OUT(fault)
#undef IN
#undef OUT
}

// ---- one cycle of both ----

static void put_inputs(void) {
  tb_put(p.cmd_valid, in.cmd_valid);
  tb_put(p.cmd_entry, in.cmd_entry);
  for (unsigned i = 0; i < 8; i++) tb_put_bits(p.cmd_u, 16 * i, 16, in.cmd_u[i]);
  tb_put(p.uc_we, in.uc_we);
  tb_put(p.uc_addr, in.uc_addr);
  tb_put(p.uc_data, in.uc_data);
  tb_put(p.ra_data, tb_random());
  tb_put(p.rb_data, tb_random());
  tb_eval();
}

static void compare(const mx_cycle_vec_out *out) {
#define SAME(name)                                                                                           \
  TB_CHECK(tb_peek(p.name) == out->name, #name ": RTL %u, twin %u, in cycle %" PRIu32 " of %08" PRIx32       \
           " at %u, n = %u", (unsigned)tb_peek(p.name), (unsigned)out->name, twin.t, twin.insn, twin.pc,     \
           twin.u[mx_uget(twin.insn, MX_UF_VEC_n)])
  SAME(cmd_ready);
  SAME(busy);
  SAME(progress);
  SAME(ra_en);
  SAME(rb_en);
  SAME(vm_valid);
  SAME(xw_valid);
  SAME(fault);
#undef SAME
}

static mx_cycle_vec_out settle(void) {
  put_inputs();
  mx_cycle_vec_out out = mx_cycle_vec_look(&twin, &in);
  compare(&out);
  faults += out.fault != MX_FAULT_NONE;
  return out;
}

static void cycle(void) {
  settle();
  tb_cycle();
  mx_cycle_vec_edge(&twin, &in);
}

// A control store write in the cycle of the reset is done.
static void reset(void) {
  resets_in_work += mx_cycle_vec_look(&twin, &in).busy;
  tb_put(p.rst_n, 0);
  for (unsigned i = 1 + below(2); i; i--) {
    settle();
    tb_cycle();
    mx_cycle_vec_reset(&twin);
    mx_cycle_vec_in write = {.uc_we = in.uc_we, .uc_addr = in.uc_addr, .uc_data = in.uc_data};
    mx_cycle_vec_edge(&twin, &write);
  }
  tb_put(p.rst_n, 1);
}

// ---- work ----

static void load_store(unsigned base) {
  for (unsigned i = 0; i < program.words; i++) {
    in.uc_we = true;
    in.uc_addr = (uint16_t)((base + i) % STORE);
    in.uc_data = program.word[i];
    cycle();
  }
  in.uc_we = false;
}

static void issue(unsigned base) {
  for (unsigned idle = below(4); idle; idle--) cycle();
  in.cmd_entry = (uint16_t)base;
  for (unsigned i = 0; i < 8; i++) in.cmd_u[i] = program.u[i];
  if (one_in(10)) {
    in.cmd_valid = true;
    for (unsigned some = below(9); some && !settle().cmd_ready; some--) cycle();
    in.cmd_valid = false;
    withdrawn++;
    cycle();
  }
  in.cmd_valid = true;
  while (!settle().cmd_ready) cycle();
  cycle();
  in.cmd_valid = false;
}

static void random_inputs(void) {
  in.cmd_entry = (uint16_t)below(1024);
  for (unsigned i = 0; i < 8; i++) in.cmd_u[i] = (uint16_t)tb_random();
  in.uc_we = below(10000) < stray_writes;
  in.uc_addr = (uint16_t)below(1024);
  in.uc_data = one_in(2) ? (uint32_t)tb_random() : program.word[below(program.words)];
}

static void run(unsigned limit) {
  for (; limit && settle().busy; limit--) {
    cycle();
    random_inputs();
  }
  in.cmd_valid = one_in(3);  // another one comes
  if (settle().busy || one_in(20)) reset();
  in.cmd_valid = in.uc_we = false;
}

static void random_runs(void) {
  for (unsigned i = 0; i < PROGRAMS; i++) {
    unsigned base = below(STORE);
    stray_writes = one_in(10) ? below(100) : 0;
    vec_random_program(&program, base, TB_VmemWords);
    load_store(base);
    issue(base);
    run(one_in(10) ? below(400) : LONGEST);
  }
}

// n = 0xFFFF for each operation, function and reduction, and QUANT.
static void longest(void) {
  static const unsigned ops[] = {MX_UOP_MOV, MX_UOP_ADD, MX_UOP_SUB, MX_UOP_MUL, MX_UOP_MAX, MX_UOP_QUANT};
  stray_writes = 0;
  for (unsigned i = 0; i < sizeof ops / sizeof *ops; i++) {
    unsigned quant = ops[i] == MX_UOP_QUANT, red = quant ? 0 : ops[i] == MX_UOP_MUL ? MX_RED_SUM : (i & 2);
    program.words = 0;
    program.u[0] = 0xFFFF;
    vec_emit(&program, vec_code(ops[i]) | vec_field(quant ? MX_UF_QUANT_block : MX_UF_VEC_red, red) |
                           vec_field(MX_UF_VEC_fn, ops[i] == MX_UOP_MAX));
    vec_emit(&program, vec_code(MX_UOP_END));
    load_store(0);
    issue(0);
    run(UINT32_MAX);
  }
}

// U8 and up live through a reset in any cycle, in which they may be written: the
// lengths of the program after it tell.
static void registers_after_reset(void) {
  for (unsigned i = 0; i < 300; i++) {
    program.words = 0;
    for (unsigned r = 8; r < 12; r++) vec_emit_imm(&program, MX_UOP_LI, r, 0, below(9));
    for (unsigned r = 8; r < 12; r++) vec_emit_imm(&program, MX_UOP_ADDI, r, r, 1);
    vec_emit(&program, vec_code(MX_UOP_ADDU) | vec_field(MX_UF_REG_d, 12) | vec_field(MX_UF_REG_a, 8) |
                           vec_field(MX_UF_REG_b, 9));
    vec_emit_imm(&program, MX_UOP_LOOPU, 13, 0, 4);
    vec_emit(&program, vec_code(MX_UOP_END));
    load_store(0);
    issue(0);
    for (unsigned some = below(60); some; some--) cycle();
    reset();
    program.words = 0;
    for (unsigned r = 8; r < 13; r++) vec_emit(&program, vec_code(MX_UOP_MOV) | vec_field(MX_UF_VEC_n, r));
    vec_emit_imm(&program, MX_UOP_LI, 13, 0, 1 + below(9));
    vec_emit(&program, vec_code(MX_UOP_END));
    load_store(0);
    issue(0);
    run(LONGEST);
  }
}

void tb_main(void) {
  find_ports();
  mx_cycle_vec_open(&twin, &params);
  tb_put(p.rst_n, 0);
  tb_cycle();
  tb_put(p.rst_n, 1);
  for (unsigned i = 0; i < MX_UREGS; i++) vec_emit_imm(&program, MX_UOP_LI, i, 0, 0);
  vec_emit(&program, vec_code(MX_UOP_END));
  load_store(0);
  issue(0);
  run(LONGEST);
  longest();
  registers_after_reset();
  random_runs();
  TB_CHECK(resets_in_work && faults && withdrawn, "not everything happened");
  printf("%" PRIu64 " resets in work, %" PRIu64 " faults\n", resets_in_work, faults);
}
