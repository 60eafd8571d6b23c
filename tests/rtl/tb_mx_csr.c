// tb: top=mx_csr params=BuildId=305419896
// The registers against a plain array, counters against a history of their
// events, the watchdog against its promise, the interrupt and START.
#include "golden/isa.h"
#include "tests/rtl/tb.h"

enum { COUNTERS = 11, OFFSETS = 1024, ACCESS_LIMIT = 100, ROUNDS = 20000, WATCHDOG_SLACK = 64, CLEAR_CYCLES = 33 };

static struct {
  tb_port *awvalid, *awready, *awaddr, *wvalid, *wready, *wdata, *wstrb, *bvalid, *bready, *bresp;
  tb_port *arvalid, *arready, *araddr, *rvalid, *rready, *rdata, *rresp, *irq;
  tb_port *start, *soft_reset, *begin, *busy, *done, *fault, *error, *error_pc, *program, *mem_base, *mem_size;
  tb_port *walk_slot, *walk_data, *events, *progress, *watchdog;
} p;

static uint32_t registers[OFFSETS];   // RW registers, by offset / 4
static uint32_t counts[COUNTERS];     // events so far
static bool quiet;                    // no events
static unsigned clearing;             // cycles in which only CYCLES may count
static unsigned starts, resets, watchdogs;

static void find_ports(void) {
#define PORT(field, name) p.field = tb_find(name)
  PORT(awvalid, "s_axi_awvalid_i"); PORT(awready, "s_axi_awready_o"); PORT(awaddr, "s_axi_awaddr_i");
  PORT(wvalid, "s_axi_wvalid_i"); PORT(wready, "s_axi_wready_o"); PORT(wdata, "s_axi_wdata_i");
  PORT(wstrb, "s_axi_wstrb_i"); PORT(bvalid, "s_axi_bvalid_o"); PORT(bready, "s_axi_bready_i");
  PORT(bresp, "s_axi_bresp_o"); PORT(arvalid, "s_axi_arvalid_i"); PORT(arready, "s_axi_arready_o");
  PORT(araddr, "s_axi_araddr_i"); PORT(rvalid, "s_axi_rvalid_o"); PORT(rready, "s_axi_rready_i");
  PORT(rdata, "s_axi_rdata_o"); PORT(rresp, "s_axi_rresp_o"); PORT(irq, "irq_o");
  PORT(start, "start_o"); PORT(soft_reset, "soft_reset_o"); PORT(begin, "begin_i"); PORT(busy, "busy_i");
  PORT(done, "done_i"); PORT(fault, "fault_i"); PORT(error, "error_i"); PORT(error_pc, "error_pc_i");
  PORT(program, "program_o"); PORT(mem_base, "mem_base_o"); PORT(mem_size, "mem_size_o");
  PORT(walk_slot, "walk_slot_o"); PORT(walk_data, "walk_data_o"); PORT(events, "events_i");
  PORT(progress, "progress_i"); PORT(watchdog, "watchdog_o");
#undef PORT
}

static void step(void) {
  uint32_t events = quiet ? 0 : (uint32_t)(tb_random() & tb_random());
  if (clearing) events &= 1, clearing--;
  if (tb_peek(p.begin)) clearing = CLEAR_CYCLES;
  tb_put(p.events, events & ((1u << COUNTERS) - 1));
  tb_cycle();
  for (unsigned i = 0; i < COUNTERS; i++) counts[i] = tb_peek(p.begin) ? 0 : counts[i] + (events >> i & 1);
  starts += tb_peek(p.start) != 0;
  resets += tb_peek(p.soft_reset) != 0;
  watchdogs += tb_peek(p.watchdog) != 0;
  unsigned slot = (unsigned)tb_peek(p.walk_slot), arg = slot - MX_CSR_ARG1 / 4;
  if (arg < MX_ARGS)
    TB_CHECK(tb_peek(p.walk_data) == registers[slot], "walk shows ARG%u = %08X, expected %08X", arg + 1,
             (uint32_t)tb_peek(p.walk_data), registers[slot]);
}

static bool writable(uint32_t offset) {
  return (offset >= MX_CSR_PROGRAM && offset <= MX_CSR_WATCHDOG) || (offset >= MX_CSR_ARG1 && offset <= MX_CSR_ARG4);
}

static uint32_t merge(uint32_t old, uint32_t value, unsigned strobes) {
  for (unsigned i = 0; i < 4; i++)
    if (strobes >> i & 1) old = (old & ~(0xffu << 8 * i)) | (value & 0xffu << 8 * i);
  return old;
}

// One write; AW and W rise in any order, up to 3 cycles apart.
static void csr_write_bytes(uint32_t offset, uint32_t value, unsigned strobes) {
  unsigned aw_at = (unsigned)tb_random_below(4), w_at = (unsigned)tb_random_below(4);
  tb_put(p.awaddr, offset);
  tb_put(p.wdata, value);
  tb_put(p.wstrb, strobes);
  for (unsigned cycle = 0;; cycle++) {
    TB_CHECK(cycle < ACCESS_LIMIT, "write of %03X is not taken", offset);
    tb_put(p.awvalid, cycle >= aw_at);
    tb_put(p.wvalid, cycle >= w_at);
    tb_eval();
    bool taken = tb_peek(p.awready) && tb_peek(p.wready);
    TB_CHECK(tb_peek(p.awready) == tb_peek(p.wready), "AW and W are taken together");
    if (!taken) {
      step();
      continue;
    }
    if (writable(offset)) registers[offset / 4] = merge(registers[offset / 4], value, strobes);
    if (offset == MX_CSR_IRQ_ENABLE && (strobes & 1)) registers[offset / 4] = value & 1;
    step();
    break;
  }
  tb_put(p.awvalid, 0);
  tb_put(p.wvalid, 0);
  for (unsigned wait = (unsigned)tb_random_below(3); wait; wait--) step();
  TB_CHECK(tb_peek(p.bvalid) && tb_peek(p.bresp) == 0, "no answer to a write of %03X", offset);
  tb_put(p.bready, 1);
  step();
  tb_put(p.bready, 0);
}
static void csr_write(uint32_t offset, uint32_t value) { csr_write_bytes(offset, value, 15); }

static uint32_t csr_read(uint32_t offset) {
  tb_put(p.arvalid, 1);
  tb_put(p.araddr, offset);
  unsigned cycle = 0;
  for (bool taken = false; !taken; step()) {
    tb_eval();
    taken = tb_peek(p.arready);
    TB_CHECK(cycle++ < ACCESS_LIMIT, "read of %03X is not taken", offset);
  }
  tb_put(p.arvalid, 0);
  for (unsigned wait = (unsigned)tb_random_below(3); wait; wait--) step();
  TB_CHECK(tb_peek(p.rvalid) && tb_peek(p.rresp) == 0, "no answer to a read of %03X", offset);
  uint32_t value = (uint32_t)tb_peek(p.rdata);
  tb_put(p.rready, 1);
  step();
  tb_put(p.rready, 0);
  return value;
}

static uint32_t expected(uint32_t offset) {
  switch (offset) {
    case MX_CSR_ID: return 0x3146584d;
    case MX_CSR_BUILD_ID: return TB_BuildId;
    case MX_CSR_STATUS: return (uint32_t)(tb_peek(p.busy) | tb_peek(p.done) << 1 | tb_peek(p.fault) << 2);
    case MX_CSR_ERROR: return (uint32_t)tb_peek(p.error);
    case MX_CSR_ERROR_PC: return tb_peek(p.error) ? (uint32_t)tb_peek(p.error_pc) : 0;
    case MX_CSR_IRQ_STATUS: return (uint32_t)tb_peek(p.irq);
    default: return writable(offset) || offset == MX_CSR_IRQ_ENABLE ? registers[offset / 4] : 0;
  }
}

static void check_read(uint32_t offset) {
  unsigned counter = offset / 4 - MX_CSR_CYCLES / 4;
  if (counter < COUNTERS) {
    uint32_t low = counts[counter], got = csr_read(offset), high = counts[counter];
    TB_CHECK(got - low <= high - low, "counter %u reads %u, expected %u .. %u", counter, got, low, high);
    return;
  }
  uint32_t got = csr_read(offset), want = expected(offset);
  TB_CHECK(got == want, "register %03X reads %08X, expected %08X", offset, got, want);
}

static uint32_t random_offset(void) { return 4 * (uint32_t)tb_random_below(tb_random_below(8) ? 48 : OFFSETS); }

static void random_accesses(void) {
  for (int i = 0; i < ROUNDS; i++) {
    uint32_t offset = random_offset();
    if (tb_random_below(64) == 0) {
      tb_put(p.begin, 1);
      step();
      tb_put(p.begin, 0);
    }
    if (tb_random() & 1) check_read(offset);
    else if (offset != MX_CSR_CONTROL) csr_write_bytes(offset, (uint32_t)tb_random(), (unsigned)tb_random_below(16));
    if (tb_random_below(4) == 0) check_read(offset);
    TB_CHECK(tb_peek(p.program) == registers[MX_CSR_PROGRAM / 4] && tb_peek(p.mem_size) == registers[MX_CSR_MEM_SIZE / 4],
             "program_o or mem_size_o is not the register");
    uint64_t base = ((uint64_t)registers[MX_CSR_MEM_BASE_HI / 4] << 32 | registers[MX_CSR_MEM_BASE_LO / 4]) & 0xfffffff000;
    TB_CHECK(tb_peek(p.mem_base) == base, "mem_base_o is %010lX, expected %010lX", tb_peek(p.mem_base), base);
  }
  quiet = true;
  for (uint32_t i = 0; i < COUNTERS; i++) {
    uint32_t got = csr_read(MX_CSR_CYCLES + 4 * i);
    TB_CHECK(got == counts[i], "counter %u ends at %u, expected %u", i, got, counts[i]);
  }
}

static void check_control(void) {
  starts = resets = 0;
  csr_write(MX_CSR_CONTROL, 0);
  csr_write_bytes(MX_CSR_CONTROL, 3, 14);
  TB_CHECK(starts == 0 && resets == 0, "CONTROL acts without a one written");
  csr_write(MX_CSR_CONTROL, MX_CONTROL_START);
  TB_CHECK(starts == 1 && resets == 0, "START gives %u starts, %u resets", starts, resets);
  csr_write(MX_CSR_CONTROL, MX_CONTROL_RESET);
  TB_CHECK(starts == 1 && resets == 1, "RESET gives %u starts, %u resets", starts, resets);
}

static void check_interrupt(tb_port *cause) {
  csr_write(MX_CSR_IRQ_STATUS, 1);
  csr_write(MX_CSR_IRQ_ENABLE, 0);
  tb_put(cause, 1);
  step();
  TB_CHECK(!tb_peek(p.irq), "interrupt without IRQ_ENABLE");
  tb_put(cause, 0);
  csr_write(MX_CSR_IRQ_ENABLE, 1);
  TB_CHECK(!tb_peek(p.irq), "an old cause raises the interrupt");
  tb_put(cause, 1);
  step();
  TB_CHECK(tb_peek(p.irq), "no interrupt");
  csr_write(MX_CSR_IRQ_STATUS, 0);
  TB_CHECK(tb_peek(p.irq), "writing 0 clears the interrupt");
  csr_write(MX_CSR_IRQ_STATUS, 1);
  TB_CHECK(!tb_peek(p.irq), "the interrupt is not cleared, or set by the old cause");
  tb_put(cause, 0);
}

// From the last progress to the fault: limit .. limit + slack cycles.
static void check_watchdog(uint32_t limit) {
  csr_write(MX_CSR_WATCHDOG, limit);
  tb_put(p.busy, 1);
  watchdogs = 0;
  for (unsigned i = 0; i < 3 * WATCHDOG_SLACK; i++) {
    tb_put(p.progress, i % 29 == 0);
    step();
  }
  TB_CHECK(watchdogs == 0, "watchdog %u fires despite progress", limit);
  tb_put(p.progress, 1);
  step();
  tb_put(p.progress, 0);
  uint32_t waited = 0;
  while (!watchdogs && waited <= limit + WATCHDOG_SLACK) step(), waited++;
  if (limit) TB_CHECK(watchdogs && waited >= limit, "watchdog %u fires after %u cycles", limit, waited);
  else TB_CHECK(!watchdogs, "watchdog 0 fires");
  tb_put(p.busy, 0);
  for (unsigned i = 0; i < WATCHDOG_SLACK; i++) step();
  watchdogs = 0;
  for (uint32_t i = 0; i < limit + 2 * WATCHDOG_SLACK; i++) step();
  TB_CHECK(!watchdogs, "watchdog fires without BUSY");
}

void tb_main(void) {
  find_ports();
  tb_reset();
  clearing = CLEAR_CYCLES;
  registers[MX_CSR_WATCHDOG / 4] = 0x00100000;
  for (unsigned i = 0; i < COUNTERS; i++) counts[i] = 0;
  for (uint32_t offset = 0; offset < 4 * OFFSETS; offset += 4) check_read(offset);
  tb_put(p.error_pc, 0x12345670);
  for (unsigned i = 0; i < 16; i++) {
    tb_put(p.busy, i & 1);
    tb_put(p.error, i);
    check_read(MX_CSR_STATUS);
    check_read(MX_CSR_ERROR);
    check_read(MX_CSR_ERROR_PC);
  }
  random_accesses();
  check_control();
  check_interrupt(p.done);
  check_interrupt(p.fault);
  static const uint32_t limits[] = {1, 31, 32, 33, 64, 100, 1000, 4095, 0};
  for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) check_watchdog(limits[i]);
}
