// The cycle model as an engine: results come from the golden model, which runs a
// program at START; the clock, counters and faults from the cycle model, which
// then runs to the program's end. Register accesses take the cycles that those
// of engine_rtl.c take, so both engines count the same cycles.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cycle/cycle.h"
#include "sim/engine.h"

enum {
  RESET_CYCLES = 40,      // as in engine_rtl.c
  ACCESS_CYCLES = 10000,
  WAIT_CYCLES = 1 << 16,
};

typedef struct {
  mx_cycle model;
  mx_engine golden;
  const char *problem;
  bool stopped;
  mx_engine_options options;
} cycle_engine;

static void bytes_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  const mx_engine *g = &((cycle_engine *)self)->golden;
  if (!g->memory.get(g->memory.self, addr, to, count)) memset(to, 0, count);
}

// ---- clock -------------------------------------------------------------------------

// One cycle or more, after mx_cycle_look. Returns how many.
static uint64_t advance(cycle_engine *g, uint64_t most) {
  if (!g->options.plain) return mx_cycle_leap(&g->model, most);
  mx_cycle_edge(&g->model);
  return 1;
}

static void cycles_of_reset(cycle_engine *g, bool reset) {
  g->model.reset = reset;
  for (uint64_t n = RESET_CYCLES; n;) {
    mx_cycle_look(&g->model);
    n -= advance(g, n);
  }
}

// ---- registers ---------------------------------------------------------------------

static uint32_t read_register(void *self, uint32_t offset) {
  cycle_engine *g = self;
  mx_cycle *m = &g->model;
  bool done = false;
  uint32_t value = UINT32_MAX;
  m->bus = (mx_cycle_csr_bus){.arvalid = true, .rready = true, .araddr = (uint16_t)offset};
  for (uint64_t i = 0; i < ACCESS_CYCLES && !done && !g->problem;) {
    mx_cycle_look(m);
    bool accepted = m->ports.s_arready;
    done = m->ports.s_rvalid;
    if (done) value = m->ports.s_rdata;
    i += advance(g, ACCESS_CYCLES - i);
    if (accepted) m->bus.arvalid = false;
  }
  m->bus = (mx_cycle_csr_bus){0};
  if (!done && !g->problem) g->problem = "a register read is not answered";
  return value;
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  cycle_engine *g = self;
  mx_cycle *m = &g->model;
  bool done = false;
  g->golden.mmio.write(g->golden.mmio.self, offset, value);
  m->bus = (mx_cycle_csr_bus){.awvalid = true, .wvalid = true, .bready = true, .awaddr = (uint16_t)offset,
                              .wdata = value, .wstrb = 15};
  for (uint64_t i = 0; i < ACCESS_CYCLES && !done && !g->problem;) {
    mx_cycle_look(m);
    bool accepted = m->ports.s_awready;
    done = m->ports.s_bvalid;
    i += advance(g, ACCESS_CYCLES - i);
    if (accepted) m->bus.awvalid = m->bus.wvalid = false;
  }
  m->bus = (mx_cycle_csr_bus){0};
  if (!done && !g->problem) g->problem = "a register write is not answered";
}

static bool wait(void *self, uint32_t polls) {
  cycle_engine *g = self;
  (void)polls;
  for (uint64_t i = 0; i < WAIT_CYCLES && !g->model.csr.irq_pending && !g->stopped;) {
    mx_cycle_look(&g->model);
    i += advance(g, WAIT_CYCLES - i);
  }
  if (g->options.progress) g->options.progress(g->options.progress_self, g->model.cycle);
  return !g->stopped && !g->problem;
}

// ---- the rest of the seam ------------------------------------------------------------

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  const mx_engine *g = &((cycle_engine *)self)->golden;
  return g->memory.put(g->memory.self, addr, from, bytes);
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  const mx_engine *g = &((cycle_engine *)self)->golden;
  return g->memory.get(g->memory.self, addr, to, bytes);
}

static uint64_t cycles(const void *self) { return ((const cycle_engine *)self)->model.cycle; }
static void observe(void *self, mx_observer o) { mx_engine_observe(&((cycle_engine *)self)->golden, o); }
static uint32_t pc(const void *self) { return mx_engine_pc(&((const cycle_engine *)self)->golden); }
static void stop(void *self) { ((cycle_engine *)self)->stopped = true; }

static const char *problem(const void *self) {
  const cycle_engine *g = self;
  return g->problem ? g->problem : mx_engine_problem(&g->golden);
}

static void close_cycle(void *self) {
  cycle_engine *g = self;
  g->golden.ops->close(g->golden.self);
  free(g);
}

static const mx_engine_ops ops = {.name = "cycle", .cycles = cycles, .observe = observe, .pc = pc,
                                  .stop = stop, .problem = problem, .close = close_cycle};

mx_status mx_engine_open_cycle(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                               mx_error *e) {
  if (options->trace_path || options->lockstep)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the cycle engine has no RTL, so no waveform and nothing to compare: use --engine rtl");
  cycle_engine *g = calloc(1, sizeof *g);
  if (!g) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  g->options = *options;
  if (mx_engine_open_golden(p, mem_bytes, options, &g->golden, e)) {
    free(g);
    return e->status;
  }
  uint64_t base = g->golden.memory_base;
  mx_cycle_open(&g->model, p, &options->memory, base, mem_bytes, (mx_cycle_source){g, bytes_at});
  cycles_of_reset(g, true);
  cycles_of_reset(g, false);
  read_register(g, MX_CSR_BUILD_ID);  // engine_rtl.c asks for its build
  *out = (mx_engine){.ops = &ops, .self = g, .memory_base = base, .memory_bytes = mem_bytes,
                     .mmio = {g, read_register, write_register, wait}, .memory = {g, put, get}};
  return MX_OK;
}
