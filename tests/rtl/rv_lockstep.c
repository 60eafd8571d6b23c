#include "tests/rtl/rv_lockstep.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/rtl/tb.h"

enum { WRITES = 4, PATIENCE = 100000, FIRST_CSR_WORD = 32 };

typedef struct { unsigned word; uint32_t value; } word_write;

// An instruction as the core ran it.
typedef struct {
  uint32_t pc, pending;    // pending: mip when it began
  bool interrupted;        // the core took an interrupt in its place
  bool fetched, fetch_ok, accessed, access_ok;
  mx_rv_transfer fetch, access;
  word_write writes[WRITES];
  unsigned write_count;
} record;

static struct {
  tb_port *valid, *ready, *fetch, *addr, *wstrb, *wdata, *rdata, *error, *external, *timer, *software;
  tb_port *begin, *irq, *pc, *insn, *write, *write_addr, *write_data;
} port;

static const rv_environment *env;
static mx_rv model;
static record current, upcoming;  // upcoming: its fetch only
static bool running;              // current holds an instruction
static unsigned cycle_bits;
static uint64_t steps, cycles_since_reset, last_begin;
static uint32_t lines, lines_before;
static bool on_bus;               // a transfer is under way
static unsigned answer_in;        // cycles until its answer

const mx_rv *rv_model(void) { return &model; }
uint64_t rv_steps(void) { return steps; }

__attribute__((format(printf, 1, 2), noreturn)) static void differ(const char *format, ...) {
  char text[200];
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  if (env->expect_fault) {
    printf("the planted fault was found after %" PRIu64 " instructions: pc 0x%08x: %s\n", steps, current.pc, text);
    exit(0);
  }
  tb_fail("instruction %" PRIu64 ", pc 0x%08x, insn 0x%08x: %s", steps, current.pc, current.fetch.data, text);
}

// ---- the model's side ----

// The model asks for what the core asked for, and gets the same answer.
static bool replay(void *context, mx_rv_transfer *t) {
  (void)context;
  const mx_rv_transfer *seen = t->fetch ? &current.fetch : &current.access;
  if (!(t->fetch ? current.fetched : current.accessed)) differ("the core made no transfer to 0x%08x", t->address);
  uint32_t lanes = 0;
  for (unsigned i = 0; i < 4; i++)
    if (t->strobes >> i & 1) lanes |= 0xffu << 8 * i;
  if (t->address != seen->address || t->strobes != seen->strobes || (t->data ^ (t->strobes ? seen->data : 0)) & lanes)
    differ("the core's transfer: address 0x%08x, strobes %u, data 0x%08x; expected 0x%08x, %u, 0x%08x", seen->address,
           seen->strobes, seen->data, t->address, t->strobes, t->data);
  t->data = seen->data;
  return t->fetch ? current.fetch_ok : current.access_ok;
}

// Word of mx_rv_regs that holds a control register; 0: none does.
static unsigned csr_word(unsigned csr, uint32_t *value) {
  switch (csr) {
    case MX_RV_MTVEC: *value = model.mtvec; return 37;
    case MX_RV_MSCRATCH: *value = model.mscratch; return 40;
    case MX_RV_MEPC: *value = model.mepc; return 41;
    case MX_RV_MTVAL: *value = model.mtval; return 43;
    default: return 0;
  }
}

// The writes that a step must have made, in order.
static unsigned expected_writes(const mx_rv_step_result *r, word_write w[WRITES]) {
  unsigned n = 0;
  uint32_t value = 0;
  bool is_csr = (r->insn & 0x7f) == 0x73 && (r->insn >> 12 & 3) != 0 && !r->trapped;
  unsigned word = is_csr ? csr_word(r->insn >> 20, &value) : 0;  // also if it stays as it is
  if (r->rd) w[n++] = (word_write){r->rd, r->rd_value};
  if (word) w[n++] = (word_write){word, value};
  if (r->trapped) {
    w[n++] = (word_write){43, model.mtval};
    w[n++] = (word_write){41, model.mepc};
  }
  return n;
}

static void check_writes(const mx_rv_step_result *r) {
  word_write w[WRITES];
  unsigned n = expected_writes(r, w);
  for (unsigned i = 0; i < n && i < current.write_count; i++) {
    const word_write *got = &current.writes[i];
    if (got->word != w[i].word || got->value != w[i].value)
      differ("the core wrote %s %u = 0x%08x, expected %s %u = 0x%08x", got->word < 32 ? "register" : "CSR word",
             got->word, got->value, w[i].word < 32 ? "register" : "CSR word", w[i].word, w[i].value);
  }
  if (n != current.write_count) differ("the core wrote %u words, expected %u", current.write_count, n);
}

static void step_model(void) {
  mx_rv_step_result r = mx_rv_step(&model, current.pending);
  bool interrupted = r.trapped && model.mcause >> 31;
  if (interrupted != current.interrupted)
    differ("the core %s an interrupt", current.interrupted ? "took" : "did not take");
  if (r.transferred != current.accessed) differ("the core made %s transfer", current.accessed ? "a" : "no");
  check_writes(&r);
  steps++;
  if (env->retired) env->retired(env->context, &model, &r, (unsigned)(cycles_since_reset - last_begin));
}

// ---- the core's side ----

static void begin(void) {
  if (running) step_model();
  current = upcoming;
  current.write_count = 0;
  current.accessed = false;
  current.pc = (uint32_t)tb_peek(port.pc);
  current.pending = lines_before;
  current.interrupted = tb_peek(port.irq);
  upcoming.fetched = false;
  running = true;
  model.mip = current.pending;  // what it may read, it reads now
  model.mcycle = cycles_since_reset;
  if (cycle_bits < 64) model.mcycle &= (1ull << cycle_bits) - 1;
  last_begin = cycles_since_reset;
  if (current.pc != model.pc) differ("expected pc 0x%08x", model.pc);
}

static void observe(void) {
  if (tb_peek(port.begin)) begin();
  if (!tb_peek(port.write)) return;
  if (!running || current.write_count == WRITES) differ("the core wrote too much");
  current.writes[current.write_count++] =
      (word_write){(unsigned)tb_peek(port.write_addr), (uint32_t)tb_peek(port.write_data)};
}

static void answer(void) {
  mx_rv_transfer t = {.fetch = tb_peek(port.fetch), .address = (uint32_t)tb_peek(port.addr),
                      .strobes = (unsigned)tb_peek(port.wstrb), .data = (uint32_t)tb_peek(port.wdata)};
  bool ok = env->memory(env->context, &t);
  if (t.fetch) upcoming.fetch = t, upcoming.fetch_ok = ok, upcoming.fetched = true;
  else if (current.accessed) differ("the core made two transfers");
  else current.access = t, current.access_ok = ok, current.accessed = true;
  tb_put(port.ready, 1);
  tb_put(port.error, !ok);
  tb_put(port.rdata, t.strobes ? tb_random() : t.data);
}

static void drive_bus(void) {
  tb_put(port.ready, 0);
  tb_put(port.error, tb_random() & 1);  // means nothing without ready
  tb_put(port.rdata, tb_random());
  if (!on_bus) return;
  if (--answer_in == 0) answer();
}

static void drive_lines(void) {
  lines_before = lines;
  lines = env->interrupts(env->context);
  tb_put(port.external, (lines & MX_RV_EXTERNAL) != 0);
  tb_put(port.timer, (lines & MX_RV_TIMER) != 0);
  tb_put(port.software, (lines & MX_RV_SOFTWARE) != 0);
}

void rv_cycle(void) {
  drive_bus();
  drive_lines();
  tb_eval();
  observe();
  if (on_bus && answer_in == 0) on_bus = false;
  else if (!on_bus && tb_peek(port.valid)) {
    on_bus = true;
    answer_in = env->wait(env->context);
  }
  tb_cycle();
  cycles_since_reset++;
  if (cycles_since_reset - last_begin > PATIENCE) differ("the core hangs");
}

static void open_ports(void) {
  port.valid = tb_find("bus_valid_o"), port.ready = tb_find("bus_ready_i"), port.fetch = tb_find("bus_fetch_o");
  port.addr = tb_find("bus_addr_o"), port.wstrb = tb_find("bus_wstrb_o"), port.wdata = tb_find("bus_wdata_o");
  port.rdata = tb_find("bus_rdata_i"), port.error = tb_find("bus_error_i"), port.external = tb_find("irq_external_i");
  port.timer = tb_find("irq_timer_i"), port.software = tb_find("irq_software_i"), port.begin = tb_find("obs_begin_o");
  port.irq = tb_find("obs_irq_o"), port.pc = tb_find("obs_pc_o"), port.insn = tb_find("obs_insn_o");
  port.write = tb_find("obs_write_o"), port.write_addr = tb_find("obs_addr_o");
  port.write_data = tb_find("obs_data_o");
}

void rv_open(const rv_environment *e, bool mul_div, uint32_t reset_pc, uint32_t hart_id, unsigned bits) {
  env = e;
  cycle_bits = bits;
  open_ports();
  model.mul_div = mul_div;  // registers stay, as they do in the core
  model.hart_id = hart_id;
  model.memory = replay;
  mx_rv_reset(&model, reset_pc);
  running = on_bus = upcoming.fetched = false;
  cycles_since_reset = last_begin = 0;
  lines = lines_before = 0;
  tb_put(port.ready, 0);
  tb_put(port.external, 0), tb_put(port.timer, 0), tb_put(port.software, 0);
  tb_reset();
}
