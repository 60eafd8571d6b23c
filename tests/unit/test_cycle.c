// The cycle model's leaps against its steps: the same states, over random programs,
// all parameter sets and memories, with register accesses in between.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/cycle/cycle.h"
#include "tests/unit/program.h"
#include "tests/unit/random_program.h"

enum { MEMORY_BASE = 0x40000000, RESET = 40, MOST_CYCLES = 400000, MOST_LEAP = 3000 };

static mx_cycle leaps, steps;
static uint8_t memory[TOP_MEMORY];
static uint64_t leapt;  // cycles in leaps of more than one

static void bytes_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  (void)self;
  memset(to, 0, count);
  if (addr < sizeof memory && count <= sizeof memory - addr) memcpy(to, memory + addr, count);
}

// ---- accounting --------------------------------------------------------------------

typedef struct { uint64_t cycles[MX_CYCLE_CLASS_COUNT], last; uint32_t issued, matmul; } account;
static account leaps_account, steps_account;

static void tell(void *self, const mx_cycle_interval *i) {
  account *a = self;
  assert_true(i->from >= a->last && i->count);
  a->cycles[i->dot] += i->count;
  a->last = i->from + i->count;
  a->issued = i->issued;
  a->matmul = i->matmul;
}

static void compare_accounts(void) {
  assert_int_equal(leaps_account.issued, steps_account.issued);
  assert_int_equal(leaps_account.matmul, steps_account.matmul);
  assert_memory_equal(leaps_account.cycles, steps_account.cycles, sizeof leaps_account.cycles);
}

// Every busy cycle is of one class.
static void check_sum(void) {
  uint64_t sum = 0;
  for (int i = 0; i < MX_CYCLE_CLASS_COUNT; i++) sum += leaps_account.cycles[i];
  if (leaps.listener.tell) assert_int_equal(sum, leaps.csr.events[MX_EVENT_CYCLES]);
  leaps_account = steps_account = (account){0};
}

// ---- equality ----------------------------------------------------------------------

static void check(const char *what, uint64_t a, uint64_t b);
#define SAME(field) check(#field, (uint64_t)leaps.field, (uint64_t)steps.field)

static uint64_t last_leap;

static void check(const char *what, uint64_t a, uint64_t b) {
  if (a == b) return;
  fail_msg("set %s, cycle %llu, after %llu cycles: %s is %llu, in steps %llu", steps.params->name, (unsigned long long)steps.cycle,
           (unsigned long long)last_leap, what, (unsigned long long)a, (unsigned long long)b);
}

static void compare_fifo(const mx_cycle_fifo *a, const mx_cycle_fifo *b) {
  check("count of a FIFO", a->count, b->count);
  check("unread of a FIFO", a->unread, b->unread);
  check("fetched of a FIFO", a->fetched, b->fetched);
  check("out of a FIFO", a->out, b->out);
}

static void compare_ports(void) {
  SAME(ports.issue); SAME(ports.issue_pc); SAME(ports.busy); SAME(ports.arvalid); SAME(ports.awvalid); SAME(ports.wvalid);
  SAME(ports.irq); SAME(ports.s_awready); SAME(ports.s_bvalid); SAME(ports.s_arready); SAME(ports.s_rvalid);
  SAME(ports.araddr); SAME(ports.awaddr); SAME(ports.arbeats); SAME(ports.s_rdata);
}

static void compare_memory(void) {
  SAME(memory.out.arready); SAME(memory.out.rvalid); SAME(memory.out.awready); SAME(memory.out.wready);
  SAME(memory.out.bvalid); SAME(memory.cycle); SAME(memory.credit); SAME(memory.random); SAME(memory.w_count);
  SAME(memory.reads.count); SAME(memory.writes.count); SAME(memory.responses.count); SAME(memory.beat_count);
  SAME(memory.dram.hits); SAME(memory.dram.misses); SAME(memory.dram.conflicts); SAME(memory.dram.refreshes);
  SAME(memory.dram.last_column); SAME(memory.dram.bus_free); SAME(memory.dram.bytes);
  if (leaps.memory.out.rvalid) {
    SAME(memory.out.rlast);
    SAME(memory.out.raddr);
  }
}

static void compare(void) {
  SAME(cycle);
  compare_ports();
  compare_memory();
  compare_fifo(&leaps.stream.data, &steps.stream.data);
  compare_fifo(&leaps.stream.queue, &steps.stream.queue);
  compare_fifo(&leaps.read.order, &steps.read.order);
  SAME(stream.free); SAME(stream.burst.active); SAME(stream.burst.at); SAME(stream.told); SAME(write.count);
  SAME(seq.state); SAME(seq.control); SAME(seq.pc); SAME(seq.count); SAME(seq.error); SAME(seq.done); SAME(seq.fault);
  SAME(csr.slot); SAME(csr.progress); SAME(csr.watchdog); SAME(dot_out.took); SAME(dot_out.starved); SAME(dot_out.blocked);
  SAME(dot_out.vm_valid); SAME(dot_out.x_en); SAME(vec_out.ra_en); SAME(vec_out.vm_valid); SAME(vec_out.progress);
  SAME(move_out.mr_valid); SAME(move_out.mw_valid); SAME(move_out.w_valid); SAME(move_out.req_valid);
  for (int i = 0; i < MX_EVENTS; i++) SAME(csr.events[i]);
  assert_memory_equal(leaps.seq.a, steps.seq.a, sizeof leaps.seq.a);
  compare_accounts();
}

// ---- both ---------------------------------------------------------------------------

// Both go on by a leap of at most `most`; in between, what the bus of the registers
// sees does not change.
static void advance(uint64_t most) {
  mx_cycle_look(&leaps);
  uint64_t n = mx_cycle_leap(&leaps, most);
  assert_in_range(n, 1, most);
  leapt += n > 1 ? n : 0;
  last_leap = n;
  for (uint64_t i = 0; i < n; i++) {
    mx_cycle_look(&steps);
    if (n > 1) assert_false(steps.ports.issue || steps.ports.s_arready || steps.ports.s_awready);
    mx_cycle_edge(&steps);
  }
  mx_cycle_look(&leaps);
  mx_cycle_look(&steps);
  compare();
}

static void set_bus(mx_cycle_csr_bus bus) { leaps.bus = steps.bus = bus; }

static void write_register(uint16_t offset, uint32_t value) {
  set_bus((mx_cycle_csr_bus){.awvalid = true, .wvalid = true, .bready = true, .awaddr = offset, .wdata = value, .wstrb = 15});
  for (bool done = false; !done;) {
    mx_cycle_look(&leaps);
    bool accepted = leaps.ports.s_awready;
    done = leaps.ports.s_bvalid;
    advance(MOST_LEAP);
    if (accepted) leaps.bus.awvalid = leaps.bus.wvalid = steps.bus.awvalid = steps.bus.wvalid = false;
  }
  set_bus((mx_cycle_csr_bus){0});
}

static uint32_t read_register(uint16_t offset) {
  uint32_t value = 0;
  set_bus((mx_cycle_csr_bus){.arvalid = true, .rready = true, .araddr = offset});
  for (bool done = false; !done;) {
    mx_cycle_look(&leaps);
    bool accepted = leaps.ports.s_arready;
    done = leaps.ports.s_rvalid;
    value = leaps.ports.s_rdata;
    advance(MOST_LEAP);
    if (accepted) leaps.bus.arvalid = steps.bus.arvalid = false;
  }
  set_bus((mx_cycle_csr_bus){0});
  return value;
}

static void cycles_of_reset(bool reset) {
  uint64_t end = leaps.cycle + RESET;
  leaps.reset = steps.reset = reset;
  while (leaps.cycle < end) advance(end - leaps.cycle);
}

static void power_up(const mx_params *p) {
  mx_memory_options o = test_random_memory(true);
  mx_cycle_source source = {NULL, bytes_at};
  mx_cycle_open(&leaps, p, &o, MEMORY_BASE, TOP_MEMORY, source);
  mx_cycle_open(&steps, p, &o, MEMORY_BASE, TOP_MEMORY, source);
  if (!test_below(3)) {
    mx_cycle_listen(&leaps, (mx_cycle_listener){&leaps_account, tell});
    mx_cycle_listen(&steps, (mx_cycle_listener){&steps_account, tell});
  }
  cycles_of_reset(true);
  cycles_of_reset(false);
  write_register(MX_CSR_MEM_BASE_LO, MEMORY_BASE);
  write_register(MX_CSR_MEM_SIZE, test_below(8) ? TOP_MEMORY : 2 * TOP_MEMORY);  // beyond: errors of the bus
  write_register(MX_CSR_IRQ_ENABLE, 1);
}

// Registers that are read while a program runs; `rough`: also reset and watchdog.
static void disturb(bool rough) {
  static const uint16_t offsets[] = {MX_CSR_STATUS, MX_CSR_CYCLES, MX_CSR_READ_BEATS, MX_CSR_DOT_BUSY, MX_CSR_ERROR_PC};
  if (!test_below(50)) read_register(offsets[test_below(5)]);
  if (rough && !test_below(500)) write_register(MX_CSR_CONTROL, MX_CONTROL_RESET);
  if (rough && !test_below(300)) write_register(MX_CSR_WATCHDOG, test_below(3) ? 500 + test_below(3000) : 0);
}

static void run_program(const mx_params *p, unsigned kind) {
  uint32_t args[MX_ARGS];
  bool rough = !test_below(6);
  test_random_program(p, kind, memory, args);
  for (uint16_t i = 0; i < MX_ARGS; i++) write_register((uint16_t)(MX_CSR_ARG1 + 4 * i), args[i]);
  write_register(MX_CSR_WATCHDOG, rough ? 2000 + test_below(5000) : 30000);
  write_register(MX_CSR_IRQ_STATUS, 1);
  leaps_account = steps_account = (account){0};
  write_register(MX_CSR_CONTROL, MX_CONTROL_START);
  uint64_t end = leaps.cycle + MOST_CYCLES;
  while (leaps.cycle < end && read_register(MX_CSR_STATUS) & MX_STATUS_BUSY) {
    for (int i = 0; i < 400 && !leaps.csr.irq_pending; i++) {
      advance(1 + test_below(MOST_LEAP));
      disturb(rough);
    }
  }
  for (uint16_t i = 0; i < MX_EVENTS; i++) read_register((uint16_t)(MX_CSR_CYCLES + 4 * i));
  if (!rough) check_sum();
  write_register(MX_CSR_CONTROL, MX_CONTROL_RESET);
  while (read_register(MX_CSR_STATUS) & MX_STATUS_BUSY) continue;
}

static void leaps_equal_steps(void **state) {
  (void)state;
  unsigned sets = 0;
  while (mx_param_sets[sets].name) sets++;
  test_random_seed(test_seed());
  for (uint32_t i = 0; i < test_runs(3 * sets); i++) {
    const mx_params *p = &mx_param_sets[i % sets];
    power_up(p);
    for (int k = 0; k < 3; k++) run_program(p, test_below(TEST_KINDS));
  }
  assert_true(leapt > 100000);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(leaps_equal_steps)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
