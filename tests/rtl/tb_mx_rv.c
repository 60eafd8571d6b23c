// tb: name=mx_rv           top=mx_rv dir=rtl/soc params=CycleBits=32
// tb: name=mx_rv_shift     top=mx_rv dir=rtl/soc params=FastShift=1,ResetPc=2147483648
// tb: name=mx_rv_m         top=mx_rv dir=rtl/soc params=MulDiv=1,HartId=7
// tb: name=mx_rv_m_shift   top=mx_rv dir=rtl/soc params=MulDiv=1,FastShift=1,CycleBits=40
// tb: name=mx_rv_m_mul     top=mx_rv dir=rtl/soc params=MulDiv=1,FastMul=1
// tb: name=mx_rv_m_fast    top=mx_rv dir=rtl/soc params=MulDiv=1,FastMul=1,FastShift=1
// tb: name=mx_rv_fault_1   top=mx_rv dir=rtl/soc params=Fault=1
// tb: name=mx_rv_fault_2   top=mx_rv dir=rtl/soc params=Fault=2
// tb: name=mx_rv_fault_3   top=mx_rv dir=rtl/soc params=Fault=3
// mx_rv in lockstep with sim/soc/rv: each instruction with the edge values and
// the cycles of rv_cases.c, then random instructions, wherever the core fetches
// from, with interrupts, bus errors and waits at random moments. A planted fault
// must be found by the random part. Coverage must be complete at the end.
#include <inttypes.h>
#include <stdio.h>

#include "tests/rtl/rv_cases.h"
#include "tests/rtl/rv_insn.h"
#include "tests/rtl/rv_lockstep.h"
#include "tests/rtl/tb.h"

#ifndef TB_MulDiv
#define TB_MulDiv 0
#endif
#ifndef TB_FastShift
#define TB_FastShift 0
#endif
#ifndef TB_FastMul
#define TB_FastMul 0
#endif
#ifndef TB_CycleBits
#define TB_CycleBits 64
#endif
#ifndef TB_ResetPc
#define TB_ResetPc 0
#endif
#ifndef TB_HartId
#define TB_HartId 0
#endif
#ifndef TB_Fault
#define TB_Fault 0
#endif

enum { RANDOM_INSTRUCTIONS = 400000, QUEUE = 16, NOP = 0x13, TARGET = 0x100, PLACES = 5 };
enum { X1 = 1, X2, X3 };

static bool random_phase;
static uint32_t insns[QUEUE];  // to be fetched next
static unsigned insn_count, insn_taken;
static uint32_t words[QUEUE];  // to be loaded next
static unsigned word_count, word_taken;
static mx_rv_transfer last_store;
static unsigned stores;
static uint32_t last_insn;
static unsigned longest_wait = 1;
static uint32_t lines;

static uint32_t below(uint32_t n) { return (uint32_t)tb_random_below(n); }
static bool percent(unsigned p) { return below(100) < p; }

// ---- coverage ----

static struct {
  unsigned retired[64], taken[64], not_taken[64];  // by instruction
  unsigned causes[16], interrupts[16], strobes[16], csr_reads[16], csr_writes[16];
  unsigned waited;
  uint64_t cycles;
} seen;

static const unsigned csrs[] = {MX_RV_MSTATUS, MX_RV_MIE, MX_RV_MTVEC, MX_RV_MSCRATCH, MX_RV_MEPC, MX_RV_MCAUSE,
                                MX_RV_MTVAL, MX_RV_MIP, MX_RV_MCYCLE, MX_RV_MCYCLEH, MX_RV_MHARTID};
enum { CSRS = sizeof csrs / sizeof *csrs };

static void count_csr(uint32_t insn, bool written) {
  for (unsigned i = 0; i < CSRS; i++) {
    if (csrs[i] != insn >> 20) continue;
    seen.csr_reads[i]++;
    seen.csr_writes[i] += written;
  }
}

static void count_trap(uint32_t cause) { (cause >> 31 ? seen.interrupts : seen.causes)[cause & 15]++; }

static struct { mx_rv_step_result result; unsigned cycles; } last_retired;

static void retired(void *context, const mx_rv *m, const mx_rv_step_result *r, unsigned cycles) {
  (void)context;
  last_retired.result = *r, last_retired.cycles = cycles;
  if (!random_phase) return;
  seen.cycles += cycles;
  if (r->trapped) count_trap(m->mcause);
  bool interrupted = r->trapped && m->mcause >> 31, called = r->insn == 0x73 || r->insn == 0x100073;
  int i = rv_find(r->insn, TB_MulDiv);
  if (i < 0 || interrupted || (r->trapped && !called)) return;
  seen.retired[i]++;
  (r->taken ? seen.taken : seen.not_taken)[i]++;
  if (r->transferred) seen.strobes[r->transfer.strobes]++;
  if (rv_insns[i].format == RV_CSR || rv_insns[i].format == RV_CSR_IMM) count_csr(r->insn, r->csr != 0);
}

static unsigned missing;
static void want(unsigned count, const char *what, const char *name, unsigned n) {
  if (count) return;
  fprintf(stderr, "not covered: %s %s %u\n", what, name, n);
  missing++;
}

static void check_coverage(void) {
  static const unsigned strobes[] = {0, 1, 2, 4, 8, 3, 12, 15}, exceptions[] = {0, 1, 2, 3, 4, 5, 6, 7, 11},
                        interrupts[] = {3, 7, 11};
  unsigned opcodes = 0, branches = 0;
  for (unsigned i = 0; i < rv_insn_count; i++) {
    if (rv_insns[i].mul_div && !TB_MulDiv) continue;
    want(seen.retired[i], "instruction", rv_insns[i].name, i);
    opcodes++;
    if (rv_insns[i].format != RV_B) continue;
    want(seen.taken[i], "taken", rv_insns[i].name, i);
    want(seen.not_taken[i], "not taken", rv_insns[i].name, i);
    branches++;
  }
  for (unsigned i = 0; i < 8; i++) want(seen.strobes[strobes[i]], "strobes", "", strobes[i]);
  for (unsigned i = 0; i < 9; i++) want(seen.causes[exceptions[i]], "exception", "", exceptions[i]);
  for (unsigned i = 0; i < 3; i++) want(seen.interrupts[interrupts[i]], "interrupt", "", interrupts[i]);
  for (unsigned i = 0; i < CSRS; i++) {
    want(seen.csr_reads[i], "read of control register", "", csrs[i]);
    if (csrs[i] != MX_RV_MHARTID) want(seen.csr_writes[i], "write of control register", "", csrs[i]);
  }
  want(seen.waited, "WFI that waits", "", 0);
  TB_CHECK(missing == 0, "coverage is not complete: %u are missing", missing);
  printf("coverage complete: %u opcodes, %u branches taken and not, 9 exceptions, 3 interrupts, %u control registers\n",
         opcodes, branches, (unsigned)CSRS);
}

// ---- random instructions ----

static uint32_t edge_value(void) {
  static const uint32_t edges[] = {0, 1, 2, 4, 31, 32, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x888, 0x8000};
  return percent(50) ? edges[below(12)] : (uint32_t)tb_random() >> below(32);
}

static unsigned random_register(void) { return percent(60) ? below(5) : below(32); }

static uint32_t random_immediate(const rv_insn *i) {
  static const uint32_t edges[] = {0, 1, 0xffffffff, 0x7ff, 0x800, 4, 0xfffffffc, 31};
  if (i->format == RV_CSR || i->format == RV_CSR_IMM) return percent(97) ? csrs[below(CSRS)] : below(4096);
  uint32_t v = percent(40) ? edges[below(8)] : (uint32_t)tb_random();
  bool jump = i->format == RV_J || i->format == RV_B;
  if (jump && percent(90)) v &= ~3u;
  return i->format == RV_U ? v & 0xfffff : i->format == RV_B || i->format == RV_J ? v : v & 0xfff;
}

// WFI only where an interrupt can end it: mie is not 0 and is not being written.
static bool may_wait(void) { return rv_model()->mie != 0 && (last_insn & 0x7f) != 0x73; }

static uint32_t random_insn(void) {
  unsigned kind = below(100);
  if (kind < 3) return 0x30046073;                                         // csrsi mstatus, 8
  if (kind < 4) return (uint32_t)tb_random();
  if (kind < 5 && may_wait()) return 0x10500073;
  const rv_insn *i = &rv_insns[below(rv_insn_count)];
  uint32_t insn = rv_encode(i, random_register(), random_register(), random_register(), random_immediate(i));
  if (kind < 9) insn ^= 1u << below(32);  // often illegal
  return insn == 0x10500073 && !may_wait() ? NOP : insn;
}

static uint32_t next_insn(void) {
  if (insn_taken < insn_count) return insns[insn_taken++];
  return random_phase ? random_insn() : NOP;
}

static bool memory(void *context, mx_rv_transfer *t) {
  (void)context;
  TB_CHECK(t->address % 4 == 0, "the core put address 0x%08x on the bus", t->address);
  TB_CHECK(!t->fetch || t->strobes == 0, "the core fetched with strobes %u", t->strobes);
  if (t->fetch) t->data = last_insn = next_insn();
  else if (t->strobes) last_store = *t, stores++;
  else t->data = word_taken < word_count ? words[word_taken++] : edge_value();
  return !random_phase || !percent(t->fetch ? 1 : 5);
}

static unsigned wait_cycles(void *context) {
  (void)context;
  if (longest_wait == 1 || percent(50)) return 1;
  return percent(1) ? 1 + below(60) : 1 + below(longest_wait);
}

static uint32_t interrupts(void *context) {
  (void)context;
  static const uint32_t line[] = {MX_RV_EXTERNAL, MX_RV_TIMER, MX_RV_SOFTWARE};
  if (random_phase && below(40) == 0) lines ^= line[below(3)];
  return lines;
}

static void random_test(void) {
  random_phase = true;
  for (uint64_t start = rv_steps(); rv_steps() - start < RANDOM_INSTRUCTIONS;) {
    if (below(2000) == 0) longest_wait = 1 + below(6);
    uint64_t before = rv_steps();
    unsigned spent = 0;
    for (; rv_steps() == before; spent++) rv_cycle();
    if (last_retired.result.insn == 0x10500073 && last_retired.cycles > 20) seen.waited++;
  }
  random_phase = false;
}

// ---- edge values ----

static void push(uint32_t insn) {
  if (insn_taken == insn_count) insn_taken = insn_count = 0;
  TB_CHECK(insn_count < QUEUE, "the test's queue is too short");
  insns[insn_count++] = insn;
}
static void push_word(uint32_t word) {
  if (word_taken == word_count) word_taken = word_count = 0;
  words[word_count++] = word;
}
static void push_named(const char *name, unsigned rd, unsigned rs1, unsigned rs2, uint32_t imm) {
  push(rv_encode(&rv_insns[rv_named(name)], rd, rs1, rs2, imm));
}
// rd = value, through memory.
static void push_value(unsigned rd, uint32_t value) {
  push_named("lw", rd, 0, 0, 0);
  push_word(value);
}

// Until all that was pushed has retired.
static void drain(void) {
  while (insn_taken < insn_count) rv_cycle();
  for (uint64_t target = rv_steps() + 3; rv_steps() < target;) rv_cycle();
}

// Runs until the instruction at hand retires.
static void run_to(uint32_t insn) {
  last_retired.result.insn = ~insn;
  while (last_retired.result.insn != insn) rv_cycle();
}

static void branch_case(const rv_case *c, const rv_insn *i) {
  for (unsigned backward = 0; backward < 2; backward++) {
    uint32_t offset = backward ? 0u - TARGET : TARGET, insn = rv_encode(i, 0, X1, X2, offset);
    push_value(X1, c->a), push_value(X2, c->b), push(insn);
    run_to(insn);
    uint32_t from = last_retired.result.pc, to = rv_model()->pc;
    TB_CHECK(to == from + (c->result ? offset : 4), "%s 0x%08x, 0x%08x went from 0x%08x to 0x%08x", c->name, c->a, c->b,
             from, to);
    TB_CHECK(last_retired.cycles == (c->result ? 5u : 4u), "%s took %u cycles", c->name, last_retired.cycles);
  }
}

static void result_case(const rv_case *c, const rv_insn *i) {
  bool load = (i->match & 0x7f) == 3;
  push_value(X1, c->a);
  if (load) push_word(c->b);
  else push_value(X2, c->b);
  push(rv_encode(i, X3, X1, X2, load ? 0 : c->b));
  push_named("sw", 0, 0, X3, 0x40);
  unsigned before = stores;
  drain();
  TB_CHECK(stores == before + 1, "%s 0x%08x, 0x%08x: no store came", c->name, c->a, c->b);
  TB_CHECK(last_store.data == c->result, "%s 0x%08x, 0x%08x = 0x%08x, expected 0x%08x", c->name, c->a, c->b,
           last_store.data, c->result);
}

static void store_case(const rv_store_case *c) {
  push_value(X1, c->a), push_value(X2, c->b);
  push_named(c->name, 0, X1, X2, 0);
  drain();
  uint32_t lanes = 0;
  for (unsigned i = 0; i < 4; i++)
    if (c->strobes >> i & 1) lanes |= 0xffu << 8 * i;
  bool right = last_store.strobes == c->strobes && (last_store.data & lanes) == c->data;
  TB_CHECK(right && last_store.address == (c->a & ~3u),
           "%s of 0x%08x to 0x%08x: strobes %u, data 0x%08x", c->name, c->b, c->a, last_store.strobes, last_store.data);
}

// A register of the core, through memory.
static uint32_t stored(unsigned rs2) {
  push_named("sw", 0, 0, rs2, 0x40);
  drain();
  return last_store.data;
}

static void set_csr(unsigned csr, uint32_t value) {
  push_value(X1, value);
  push_named("csrrw", 0, X1, 0, csr);
}

static uint32_t get_csr(unsigned csr) {
  push_named("csrrs", X3, 0, 0, csr);
  return stored(X3);
}

static void csr_case(const rv_csr_case *c) {
  const rv_insn *i = &rv_insns[rv_named(c->name)];
  set_csr(MX_RV_MSCRATCH, c->old);
  push_value(X2, c->operand);
  push(rv_encode(i, X3, i->format == RV_CSR_IMM ? c->operand : X2, 0, MX_RV_MSCRATCH));
  uint32_t rd = stored(X3), now = get_csr(MX_RV_MSCRATCH);
  TB_CHECK(rd == c->old && now == c->result, "%s of 0x%08x to 0x%08x gave 0x%08x and left 0x%08x", c->name, c->operand,
           c->old, rd, now);
}

// Jumps and AUIPC, forward and backward: where they go and what they leave.
static void jump_case(const char *name, uint32_t offset) {
  const rv_insn *i = &rv_insns[rv_named(name)];
  bool is_auipc = i->format == RV_U, absolute = i->format == RV_I;
  push_value(X1, 0x2001);  // bit 0 of a target is dropped
  uint32_t insn = rv_encode(i, X3, X1, 0, is_auipc ? offset >> 12 : absolute ? offset & 0xfff : offset);
  push(insn);
  run_to(insn);
  uint32_t from = last_retired.result.pc, to = rv_model()->pc, rd = stored(X3);
  TB_CHECK(to == (is_auipc ? from + 4 : absolute ? 0x2000 + offset : from + offset), "%s 0x%x went from 0x%08x to 0x%08x",
           name, offset, from, to);
  TB_CHECK(rd == (is_auipc ? from + offset : from + 4), "%s 0x%x at 0x%08x left 0x%08x", name, offset, from, rd);
}

static void jump_tests(void) {
  static const uint32_t near[] = {0x7fc, 0xfffff800, 8, 0xfffffff8}, far[] = {0xffffc, 0xfff00000, 4, 0x800};
  static const uint32_t upper[] = {0, 0x1000, 0x80000000, 0xfffff000};
  for (unsigned n = 0; n < 4; n++) {
    jump_case("jalr", near[n]);
    jump_case("jal", far[n]);
    jump_case("auipc", upper[n]);
  }
}

// ECALL and EBREAK go to mtvec; MRET comes back; the others go on.
static void system_case(const char *name, uint32_t cause) {
  uint32_t insn = rv_insns[rv_named(name)].match;
  set_csr(MX_RV_MTVEC, 0x203);
  set_csr(MX_RV_MEPC, 0x402);
  set_csr(MX_RV_MIE, 0xffffffff);
  lines = MX_RV_TIMER;  // ends WFI, and is not taken: MIE is 0
  push(insn);
  run_to(insn);
  uint32_t from = last_retired.result.pc, to = rv_model()->pc;
  bool back = insn == 0x30200073;
  TB_CHECK(to == (cause ? 0x200 : back ? 0x400 : from + 4), "%s went from 0x%08x to 0x%08x", name, from, to);
  if (back) TB_CHECK(get_csr(MX_RV_MSTATUS) == 0x1880, "mret left mstatus 0x%08x", last_store.data);
  if (cause) TB_CHECK(get_csr(MX_RV_MCAUSE) == cause, "%s left mcause %u", name, last_store.data);
  if (cause) TB_CHECK(get_csr(MX_RV_MEPC) == from, "%s at 0x%08x left mepc 0x%08x", name, from, last_store.data);
  lines = 0;
}

static void system_tests(void) {
  system_case("fence", 0), system_case("fence.i", 0), system_case("wfi", 0), system_case("mret", 0);
  system_case("ecall", MX_RV_CALL), system_case("ebreak", MX_RV_BREAKPOINT);
}

static void cycle_case(const rv_cycle_case *c) {
  const rv_insn *i = &rv_insns[rv_named(c->name)];
  if (i->mul_div && !TB_MulDiv) return;
  push_value(X1, 0x40), push_value(X2, PLACES);
  uint32_t imm = i->format == RV_CSR || i->format == RV_CSR_IMM ? MX_RV_MSCRATCH : i->format == RV_SHIFT ? PLACES : 0;
  uint32_t insn = rv_encode(i, X3, X1, X2, imm);
  push(insn);
  push(NOP);
  run_to(insn);
  unsigned cycles = (i->mul_div ? TB_FastMul : TB_FastShift) ? c->fast : c->cycles;
  TB_CHECK(last_retired.cycles == cycles, "%s took %u cycles, expected %u", c->name, last_retired.cycles, cycles);
}

static void edge_tests(void) {
  bool tested[64] = {false};
  for (unsigned n = 0; n < rv_case_count; n++) {
    unsigned i = rv_named(rv_cases[n].name);
    if (rv_insns[i].mul_div && !TB_MulDiv) continue;
    (rv_insns[i].format == RV_B ? branch_case : result_case)(&rv_cases[n], &rv_insns[i]);
    tested[i] = true;
  }
  for (unsigned n = 0; n < rv_store_case_count; n++) {
    store_case(&rv_store_cases[n]);
    tested[rv_named(rv_store_cases[n].name)] = true;
  }
  for (unsigned n = 0; n < rv_csr_case_count; n++) {
    csr_case(&rv_csr_cases[n]);
    tested[rv_named(rv_csr_cases[n].name)] = true;
  }
  jump_tests();
  system_tests();
  for (unsigned n = 0; n < rv_cycle_case_count; n++) cycle_case(&rv_cycle_cases[n]);
  for (unsigned i = 0; i < rv_insn_count; i++) {
    bool jump = i >= rv_named("auipc") && i <= rv_named("jalr"), system = rv_insns[i].format >= RV_FENCE;
    bool absent = rv_insns[i].mul_div && !TB_MulDiv;
    TB_CHECK(tested[i] || jump || system || absent, "no edge values for %s", rv_insns[i].name);
  }
}

void tb_main(void) {
  const rv_environment e = {.memory = memory, .wait = wait_cycles, .interrupts = interrupts, .retired = retired,
                            .expect_fault = TB_Fault != 0};
  rv_open(&e, TB_MulDiv, TB_ResetPc, TB_HartId, TB_CycleBits);
  if (!TB_Fault) edge_tests();
  random_test();
  TB_CHECK(!TB_Fault, "the planted fault was not found");
  check_coverage();
  printf("%" PRIu64 " instructions, %.2f cycles each with random waits\n", rv_steps(),
         (double)seen.cycles / RANDOM_INSTRUCTIONS);
}
