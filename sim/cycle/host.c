#include "sim/cycle/host.h"

enum {
  RESET_CYCLES = 40,      // as in engine_rtl.c
  ACCESS_CYCLES = 10000,
  WAIT_CYCLES = 1 << 16,
};

// One cycle or more, after mx_cycle_look. Returns how many.
static uint64_t advance(mx_cycle_host *h, uint64_t most) {
  const mx_cycle *m = &h->model;
  if (m->ports.issue && h->issue && h->issue(h->issue_self, m->cycle, m->ports.issue_pc)) h->halted = true;
  if (!h->plain) return mx_cycle_leap(&h->model, most);
  mx_cycle_edge(&h->model);
  return 1;
}

static void cycles_of_reset(mx_cycle_host *h, bool reset) {
  h->model.reset = reset;
  for (uint64_t n = RESET_CYCLES; n;) {
    mx_cycle_look(&h->model);
    n -= advance(h, n);
  }
}

// ---- registers ---------------------------------------------------------------------

static uint32_t read_register(void *self, uint32_t offset) {
  mx_cycle_host *h = self;
  mx_cycle *m = &h->model;
  bool done = false;
  uint32_t value = UINT32_MAX;
  m->bus = (mx_cycle_csr_bus){.arvalid = true, .rready = true, .araddr = (uint16_t)offset};
  for (uint64_t i = 0; i < ACCESS_CYCLES && !done && !h->problem;) {
    mx_cycle_look(m);
    bool accepted = m->ports.s_arready;
    done = m->ports.s_rvalid;
    if (done) value = m->ports.s_rdata;
    i += advance(h, ACCESS_CYCLES - i);
    if (accepted) m->bus.arvalid = false;
  }
  m->bus = (mx_cycle_csr_bus){0};
  if (!done && !h->problem) h->problem = "a register read is not answered";
  return value;
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  mx_cycle_host *h = self;
  mx_cycle *m = &h->model;
  bool done = false;
  m->bus = (mx_cycle_csr_bus){.awvalid = true, .wvalid = true, .bready = true, .awaddr = (uint16_t)offset,
                              .wdata = value, .wstrb = 15};
  for (uint64_t i = 0; i < ACCESS_CYCLES && !done && !h->problem;) {
    mx_cycle_look(m);
    bool accepted = m->ports.s_awready;
    done = m->ports.s_bvalid;
    i += advance(h, ACCESS_CYCLES - i);
    if (accepted) m->bus.awvalid = m->bus.wvalid = false;
  }
  m->bus = (mx_cycle_csr_bus){0};
  if (!done && !h->problem) h->problem = "a register write is not answered";
}

uint64_t mx_cycle_host_clock(mx_cycle_host *h, uint64_t most) {
  bool irq = h->model.csr.irq_pending;
  uint64_t n = 0;
  h->halted = false;
  while (n < most && h->model.csr.irq_pending == irq && !h->stopped && !h->halted) {
    mx_cycle_look(&h->model);
    n += advance(h, most - n);
  }
  return n;
}

bool mx_cycle_host_busy(const mx_cycle_host *h) {
  const mx_cycle_csr *c = &h->model.csr;
  return mx_cycle_seq_busy(&h->model.seq) || c->start || c->soft_reset || (h->model.seq.done || h->model.seq.fault) != c->ended;
}

uint32_t mx_cycle_host_peek(mx_cycle_host *h, uint32_t offset) {
  mx_cycle_look(&h->model);
  return mx_cycle_csr_peek(&h->model.csr, &h->model.csr_in, offset);
}

static bool wait(void *self, uint32_t polls) {
  mx_cycle_host *h = self;
  (void)polls;
  for (uint64_t i = 0; i < WAIT_CYCLES && !h->model.csr.irq_pending && !h->stopped;)
    i += mx_cycle_host_clock(h, WAIT_CYCLES - i);
  if (h->progress) h->progress(h->progress_self, h->model.cycle);
  return !h->stopped && !h->problem;
}

mx_mmio mx_cycle_host_mmio(mx_cycle_host *h) { return (mx_mmio){h, read_register, write_register, wait}; }

// ---- programs ----------------------------------------------------------------------

void mx_cycle_host_open(mx_cycle_host *h, const mx_params *p, const mx_memory_options *memory, uint64_t base,
                        uint32_t size, mx_cycle_source source, bool plain) {
  h->plain = plain;
  h->stopped = false;
  h->problem = NULL;
  h->progress = NULL;
  h->issue = NULL;
  mx_cycle_open(&h->model, p, memory, base, size, source);
  cycles_of_reset(h, true);
  cycles_of_reset(h, false);
  read_register(h, MX_CSR_BUILD_ID);
}

mx_driver_status mx_cycle_host_begin(mx_cycle_host *h) {
  mx_device d = {.mmio = mx_cycle_host_mmio(h)};
  mx_driver_status s = mx_driver_probe(&d, h->model.params->build_id);
  if (!s) s = mx_driver_reset(&d, UINT32_MAX);
  if (!s) mx_driver_set_memory(&d, h->model.memory.base, h->model.memory.size);
  return s;
}

mx_driver_status mx_cycle_host_run(mx_cycle_host *h, uint32_t program, const uint32_t args[MX_ARGS], mx_counters *counters) {
  mx_device d = {.mmio = mx_cycle_host_mmio(h)};
  mx_driver_status s = mx_driver_start(&d, program, args);
  if (!s) s = mx_driver_wait(&d, UINT32_MAX);
  if (counters) mx_driver_counters(&d, counters);
  return s;
}
