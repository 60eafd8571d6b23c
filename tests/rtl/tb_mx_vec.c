// tb: name=mx_vec_1  top=mx_vec params=VecLanes=1,VmemWords=1024,UcodeWords=256,XmemElems=512,Tokens=1
// tb: name=mx_vec_2  top=mx_vec params=VecLanes=2,VmemWords=2048,UcodeWords=512,XmemElems=1024,Tokens=2
// tb: name=mx_vec_4  top=mx_vec params=VecLanes=4,VmemWords=1024,UcodeWords=1024,XmemElems=1024,Tokens=4
// Random microprograms (vec_program.h) over random data: every write against the
// golden model, in order, and the cycles of every microinstruction against the
// formulas of rtl/mx_vec.sv; resets.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "golden/fp32.h"
#include "golden/mxint.h"
#include "golden/vec.h"
#include "tests/rtl/fp_operands.h"
#include "tests/rtl/tb.h"
#include "tests/rtl/vec_program.h"

enum {
  V = TB_VecLanes,
  WORDS = TB_VmemWords,
  STORE = TB_UcodeWords,
  ELEMS = TB_XmemElems,
  PROGRAMS = 1500,
  EVENTS = 1 << 16,
  FN_LATENCY = 6,
};

static const mx_params params = {
    .VMEM_WORDS = WORDS, .UCODE_WORDS = STORE, .XMEM_ELEMS = ELEMS, .TOKENS = TB_Tokens};

// ---- the golden side: everything it writes, in order ----

typedef struct {
  mx_space space;
  uint32_t address, value;
} event;

static event expected[EVENTS];
static unsigned expected_count, seen_count;

static void record(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  (void)self;
  TB_CHECK(unit == MX_UNIT_VEC, "golden write by unit %d", (int)unit);
  TB_CHECK(expected_count < EVENTS, "too many writes for the test's list");
  expected[expected_count++] = (event){space, address, value};
}

static uint32_t golden_vmem[WORDS], store[STORE], vmem[WORDS];
static int8_t golden_xmem[TB_Tokens * ELEMS];
static uint8_t golden_xexp[TB_Tokens * ELEMS / 16];
static const mx_observer observer = {.write = record};
static mx_vec_state golden = {.params = &params, .vmem = golden_vmem, .xmem = golden_xmem,
                              .xexp = golden_xexp, .ucode = store, .observer = &observer};

// ---- random data ----

static vec_program program;

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }
static bool one_in(unsigned n) { return !below(n); }

static uint32_t random_value(unsigned kind) {
  uint32_t sign = (uint32_t)(tb_random() >> 63) << 31;
  switch (kind) {
    case 0: return fp_random();
    case 1: return sign | (120 + below(14)) << 23 | below(1 << 23);
    case 2: return sign | (126 + below(2)) << 23 | below(4) << 21;   // many ties
    case 3: return sign | (below(3) << 23) | below(8);               // around zero
    case 4: return one_in(3) ? MX_FP_NAN | sign | below(100) : MX_FP_SIGN | MX_FP_INF;
    case 5: return sign | (125u + below(10)) << 23 | below(16) << 19;    // ties of integers
    case 6: return sign | (uint32_t)below(255) << 23 | below(1 << 23);   // all of the range
    case 7: return sign | (127u + below(9)) << 23 | (below(2) ? 0x7FFFFF : below(1 << 7) << 16);
    default: return sign;
  }
}

static void random_data(void) {
  unsigned kind = 1;
  for (unsigned i = 0; i < WORDS; i++) {
    if (i % 32 == 0) kind = one_in(2) ? 1 : below(9);
    vmem[i] = golden_vmem[i] = random_value(kind);
    if (one_in(400)) vmem[i] = golden_vmem[i] = fp_random();
  }
}

// ---- what a microinstruction takes ----

static unsigned groups(unsigned n) { return (n + V - 1) / V; }

static unsigned vector_cycles(uint32_t word, unsigned n) {
  unsigned op = word >> MX_UOP_LSB, red = mx_uget(word, MX_UF_VEC_red);
  bool fn = mx_uget(word, MX_UF_VEC_fn) != 0;
  unsigned period = fn ? V : 1;
  unsigned latency = op == MX_UOP_MUL ? 3 : op == MX_UOP_ADD || op == MX_UOP_SUB ? 4 : 0;
  if (fn) latency += FN_LATENCY + (V > 1 ? V : 0);
  unsigned cycles = n ? 8 + period * (groups(n) - 1) + latency : 6;
  if (red == MX_RED_MAX || red == MX_RED_ARGMAX) cycles += V + 1;
  if (red == MX_RED_SUM) cycles += (V == 1 ? 54u : V == 2 ? 40u : 34u) - (n ? 0 : 3);
  return cycles;
}

// Executes the scalar part of a microinstruction on u, pc; returns its cycles.
static unsigned walk(uint16_t *u, unsigned *pc) {
  uint32_t word = store[*pc % STORE];
  unsigned d = mx_uget(word, MX_UF_IMM_d), a = mx_uget(word, MX_UF_IMM_a);
  unsigned imm = mx_uget(word, MX_UF_IMM_imm), n = u[mx_uget(word, MX_UF_VEC_n)];
  unsigned block = 16u << mx_uget(word, MX_UF_QUANT_block);
  ++*pc;
  switch (word >> MX_UOP_LSB) {
    case MX_UOP_END: return 2;
    case MX_UOP_LI: u[d] = (uint16_t)imm; return 2;
    case MX_UOP_ADDI: u[d] = (uint16_t)(u[a] + imm); return 3;
    case MX_UOP_ADDU: u[d] = (uint16_t)(u[a] + u[mx_uget(word, MX_UF_REG_b)]); return 4;
    case MX_UOP_LOOPU:
      if (--u[d]) *pc = imm;
      return 3;
    case MX_UOP_QUANT: return n ? 8 + 2 * ((n + block - 1) / block) * block / V : 6;
    default: return vector_cycles(word, n);
  }
}

// ---- the module and its memories ----

static struct {
  tb_port *cmd_valid, *cmd_ready, *cmd_entry, *cmd_u, *uc_we, *uc_addr, *uc_data;
  tb_port *ra_en, *ra_addr, *ra_data, *rb_en, *rb_addr, *rb_data;
  tb_port *vm_valid, *vm_addr, *vm_mask, *vm_data;
  tb_port *xw_valid, *xw_bank, *xw_addr, *xw_mask, *xw_data;
  tb_port *xe_valid, *xe_bank, *xe_addr, *xe_data, *busy, *progress, *fault;
} p;

static void find_ports(void) {
#define IN(name) p.name = tb_find(#name "_i");
#define OUT(name) p.name = tb_find(#name "_o");
  IN(cmd_valid) OUT(cmd_ready) IN(cmd_entry) IN(cmd_u) IN(uc_we) IN(uc_addr) IN(uc_data)
  OUT(ra_en) OUT(ra_addr) IN(ra_data) OUT(rb_en) OUT(rb_addr) IN(rb_data)
  OUT(vm_valid) OUT(vm_addr) OUT(vm_mask) OUT(vm_data)
  OUT(xw_valid) OUT(xw_bank) OUT(xw_addr) OUT(xw_mask) OUT(xw_data)
  OUT(xe_valid) OUT(xe_bank) OUT(xe_addr) OUT(xe_data) OUT(busy) OUT(progress) OUT(fault)
#undef IN
#undef OUT
}

static bool ignore_writes;  // about to be reset

static void see(mx_space space, uint32_t address, uint32_t value) {
  if (ignore_writes) return;
  unsigned i = seen_count++;
  TB_CHECK(i < expected_count, "write %u (space %d, address %u, value %08x): expected only %u", i,
           (int)space, address, value, expected_count);
  const event *e = &expected[i];
  TB_CHECK(e->space == space && e->address == address && e->value == value,
           "write %u: space %d address %u value %08x, expected space %d address %u value %08x", i,
           (int)space, address, value, (int)e->space, e->address, e->value);
}

static bool written[WORDS];  // in this cycle

static void take_vmem_write(void) {
  if (!tb_peek(p.vm_valid)) return;
  for (unsigned l = 0; l < V; l++)
    if (tb_peek(p.vm_mask) >> l & 1) {
      uint32_t address = ((uint32_t)tb_peek(p.vm_addr) / V * V + l) % WORDS;
      vmem[address] = (uint32_t)tb_peek_bits(p.vm_data, 32 * l, 32);
      written[address] = true;
      see(MX_SPACE_VMEM, address, vmem[address]);
    }
}

static void take_xmem_write(void) {
  uint32_t bank = (uint32_t)tb_peek(p.xw_bank), at = (uint32_t)tb_peek(p.xw_addr);
  if (tb_peek(p.xw_valid)) {
    TB_CHECK(at % V == 0 && at < ELEMS && bank < TB_Tokens, "XMEM bank %u address %u", bank, at);
    for (unsigned l = 0; l < V; l++)
      if (tb_peek(p.xw_mask) >> l & 1)
        see(MX_SPACE_XMEM, bank * ELEMS + at + l, (uint32_t)tb_peek_bits(p.xw_data, 8 * l, 8));
  }
  bank = (uint32_t)tb_peek(p.xe_bank), at = (uint32_t)tb_peek(p.xe_addr);
  if (tb_peek(p.xe_valid)) {
    TB_CHECK(at < ELEMS / 16 && bank < TB_Tokens, "scale of XMEM bank %u, address %u", bank, at);
    see(MX_SPACE_XEXP, bank * (ELEMS / 16) + at, (uint32_t)tb_peek(p.xe_data));
  }
}

// Read data; anything at all if not asked for, or written in the same cycle.
static void answer(tb_port *data, bool enable, uint32_t address) {
  for (unsigned l = 0; l < V; l++) {
    uint32_t at = (address / V * V + l) % WORDS;
    tb_put_bits(data, 32 * l, 32, enable && !written[at] ? vmem[at] : (uint32_t)tb_random());
  }
}

// One clock edge with the memories around the module.
static void cycle(void) {
  bool a = tb_peek(p.ra_en), b = tb_peek(p.rb_en);
  uint32_t at_a = (uint32_t)tb_peek(p.ra_addr), at_b = (uint32_t)tb_peek(p.rb_addr);
  memset(written, 0, sizeof written);
  take_vmem_write();
  take_xmem_write();
  tb_cycle();
  answer(p.ra_data, a, at_a);
  answer(p.rb_data, b, at_b);
  tb_eval();
}

static void load_store(unsigned base) {
  tb_put(p.uc_we, 1);
  for (unsigned i = 0; i < program.words; i++) {
    store[(base + i) % STORE] = program.word[i];
    tb_put(p.uc_addr, (base + i) % STORE);
    tb_put(p.uc_data, program.word[i]);
    cycle();
  }
  tb_put(p.uc_we, 0);
}

static void issue(unsigned base) {
  for (unsigned idle = below(4); idle; idle--) cycle();
  tb_put(p.cmd_entry, base);
  for (unsigned i = 0; i < 8; i++) tb_put_bits(p.cmd_u, 16 * i, 16, program.u[i]);
  tb_put(p.cmd_valid, 1);
  tb_eval();
  for (unsigned wait = 0; !tb_peek(p.cmd_ready); wait++) {
    TB_CHECK(wait < 8 && !tb_peek(p.busy), "an idle unit does not take a command");
    cycle();
  }
  cycle();
  tb_put(p.cmd_valid, 0);
  tb_put(p.cmd_entry, below(1024));
  for (unsigned i = 0; i < 8; i++) tb_put_bits(p.cmd_u, 16 * i, 16, below(0x10000));
  tb_eval();
}

// ---- comparison ----

static unsigned worst_overhead;  // beyond one group per cycle, of plain MOV .. MAX

static void note_overhead(uint32_t word, unsigned n, unsigned cycles) {
  if (word >> MX_UOP_LSB < MX_UOP_MOV || mx_uget(word, MX_UF_VEC_fn) ||
      mx_uget(word, MX_UF_VEC_red))
    return;
  if (cycles - groups(n) > worst_overhead) worst_overhead = cycles - groups(n);
}

static void run(unsigned base) {
  uint16_t u[MX_UREGS];
  memcpy(golden.u, program.u, sizeof program.u);
  memcpy(u, golden.u, sizeof u);
  expected_count = seen_count = 0;
  unsigned fault = mx_vec_run(&golden, base);
  issue(base);

  unsigned pc = base;
  uint64_t last = tb_cycles();
  for (bool busy = true; busy;) {
    TB_CHECK(tb_peek(p.busy), "busy_o fell before the end");
    unsigned fault_o = (unsigned)tb_peek(p.fault), took = (unsigned)(tb_cycles() + 1 - last);
    bool progress = tb_peek(p.progress);
    cycle();
    if (fault_o) {
      TB_CHECK(fault == fault_o, "fault %u, expected %u", fault_o, fault);
      break;
    }
    if (progress) {
      uint32_t word = store[pc % STORE];
      unsigned n = u[mx_uget(word, MX_UF_VEC_n)], cycles = walk(u, &pc);
      TB_CHECK(took == cycles, "microinstruction %08x, n = %u: %u cycles, expected %u", word, n,
               took, cycles);
      note_overhead(word, n, cycles);
      last = tb_cycles();
      busy = word >> MX_UOP_LSB != MX_UOP_END;
      TB_CHECK(busy || !fault, "no fault, expected %u", fault);
    }
    TB_CHECK(tb_cycles() - last < 20000, "stuck at %u", pc);
  }
  TB_CHECK(!tb_peek(p.busy), "busy_o is set after the end");
  TB_CHECK(seen_count == expected_count, "%u writes, expected %u", seen_count, expected_count);
  TB_CHECK(!memcmp(vmem, golden_vmem, sizeof vmem), "VMEM differs after the program");
}

// A reset while a program runs leaves an idle unit that works.
static void run_and_reset(unsigned base) {
  uint16_t u8 = golden.u[8];
  ignore_writes = true;
  issue(base);
  for (unsigned i = below(200); i && tb_peek(p.busy); i--) cycle();
  tb_reset();
  ignore_writes = false;
  TB_CHECK(!tb_peek(p.busy) && !tb_peek(p.vm_valid) && !tb_peek(p.xw_valid), "busy after reset");
  program.words = 0;
  vec_emit_imm(&program, MX_UOP_LI, 8, 0, u8);  // a microprogram may have changed it
  vec_emit(&program, vec_code(MX_UOP_END));
  load_store(base);
  random_data();
  run(base);
}

// Sums below 2^-126 are zeros of their sign: all partial sums are -0, and lanes
// beyond n must leave them so.
static void sums_of_minus_zero(void) {
  memset(vmem, 0, sizeof vmem);
  for (unsigned i = 0; i < 48; i++)
    vmem[i] = i < 16 ? 0x00800000 : i < 32 ? 0x80C00000 : MX_FP_SIGN;
  memcpy(golden_vmem, vmem, sizeof vmem);
  for (unsigned n = 32; n <= 48; n++) {
    program.words = 0;
    vec_emit_imm(&program, MX_UOP_LI, 0, 0, 0);
    vec_emit_imm(&program, MX_UOP_LI, 1, 0, 100 + n);
    vec_emit_imm(&program, MX_UOP_LI, 2, 0, n);
    vec_emit(&program, vec_code(MX_UOP_MOV) | vec_field(MX_UF_VEC_dst, 1) | vec_field(MX_UF_VEC_n, 2) |
         vec_field(MX_UF_VEC_red, MX_RED_SUM));
    vec_emit(&program, vec_code(MX_UOP_END));
    load_store(0);
    run(0);
    TB_CHECK(golden_vmem[100 + n] == MX_FP_SIGN, "the golden sum of %u is not -0", n);
  }
}

void tb_main(void) {
  find_ports();
  tb_reset();
  program.words = 0;
  vec_emit_imm(&program, MX_UOP_LI, 8, 0, 0);
  vec_emit(&program, vec_code(MX_UOP_END));
  load_store(0);
  run(0);
  sums_of_minus_zero();
  for (unsigned i = 0; i < PROGRAMS; i++) {
    unsigned base = below(STORE);
    random_data();
    vec_random_program(&program, base, WORDS);
    load_store(base);
    if (one_in(50)) run_and_reset(base);
    else run(base);
  }
  printf("overhead beyond one group of %d per cycle, plain operations: at most %u cycles\n", V,
         worst_overhead);
}
