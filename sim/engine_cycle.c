// The cycle model as an engine: results come from the golden model, which runs a
// program at START; the clock, counters and faults from the cycle model, which
// then runs to the program's end. Sets with SERIAL, whose time depends on data, have
// a memory of their own: that of the golden model is a program ahead.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cycle/host.h"
#include "sim/engine.h"

typedef struct {
  mx_cycle_host host;
  mx_mmio clocked;     // of the host
  mx_engine golden;
  uint8_t *bytes;      // with SERIAL: [golden.memory_bytes]
  bool attached;       // the golden model's memory is the caller's
} cycle_engine;

static void bytes_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  const mx_engine *g = &((cycle_engine *)self)->golden;
  if (!g->memory.get(g->memory.self, addr, to, count)) memset(to, 0, count);
}

static bool inside(const cycle_engine *g, uint32_t addr, uint32_t count) {
  return count <= g->golden.memory_bytes && addr <= g->golden.memory_bytes - count;
}

static void own_bytes_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  const cycle_engine *g = self;
  if (inside(g, addr, count)) memcpy(to, g->bytes + addr, count);
  else memset(to, 0, count);
}

static void store(void *self, uint32_t addr, unsigned strobes, uint32_t word) {
  const cycle_engine *g = self;
  if (!inside(g, addr, sizeof word)) return;
  for (unsigned i = 0; i < sizeof word; i++)
    if (strobes >> i & 1) g->bytes[addr + i] = (uint8_t)(word >> 8 * i);
}

static uint32_t read_register(void *self, uint32_t offset) {
  const cycle_engine *g = self;
  return g->clocked.read(g->clocked.self, offset);
}

// The caller's memory as it is before the golden model runs ahead in it.
static void take_memory(cycle_engine *g) {
  if (g->bytes && g->attached) g->golden.memory.get(g->golden.memory.self, 0, g->bytes, g->golden.memory_bytes);
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  cycle_engine *g = self;
  bool ignored = offset == MX_CSR_CONTROL && !(value & MX_CONTROL_RESET) && mx_cycle_host_busy(&g->host);
  if (offset == MX_CSR_CONTROL && !ignored) take_memory(g);
  if (!ignored) g->golden.mmio.write(g->golden.mmio.self, offset, value);
  g->clocked.write(g->clocked.self, offset, value);
}

static bool wait(void *self, uint32_t polls) {
  const cycle_engine *g = self;
  return g->clocked.wait(g->clocked.self, polls);
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  const cycle_engine *g = self;
  if (!g->golden.memory.put(g->golden.memory.self, addr, from, bytes)) return false;
  if (g->bytes) memcpy(g->bytes + addr, from, bytes);
  return true;
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  const mx_engine *g = &((cycle_engine *)self)->golden;
  return g->memory.get(g->memory.self, addr, to, bytes);
}

static void attach(void *self, uint8_t *bytes) {
  cycle_engine *g = self;
  g->golden.ops->attach(g->golden.self, bytes);
  g->attached = bytes;
}

// ---- the clock of others ---------------------------------------------------------------

static uint64_t run(void *self, uint64_t most) { return mx_cycle_host_clock(&((cycle_engine *)self)->host, most); }
static bool irq(const void *self) { return ((const cycle_engine *)self)->host.model.csr.irq_pending; }
static bool busy(const void *self) { return mx_cycle_host_busy(&((const cycle_engine *)self)->host); }

static bool peek(void *self, uint32_t offset, uint32_t *value) {
  cycle_engine *g = self;
  *value = mx_cycle_host_peek(&g->host, offset);
  return true;
}

static bool argument(const void *self, unsigned index, uint32_t *value) {
  const cycle_engine *g = self;
  if (index >= MX_AREGS) return false;
  *value = index ? g->host.model.seq.a[index] : 0;
  return true;
}

static void listen(void *self, mx_memory_listener bursts, mx_issue_listener issues) {
  cycle_engine *g = self;
  g->host.model.memory.listener = bursts;
  g->host.issue = issues.tell;
  g->host.issue_self = issues.self;
}

static const mx_engine_clock clock_ops = {.run = run, .irq = irq, .busy = busy, .peek = peek, .argument = argument, .listen = listen};

static uint64_t cycles(const void *self) { return ((const cycle_engine *)self)->host.model.cycle; }
static void observe(void *self, mx_observer o) { mx_engine_observe(&((cycle_engine *)self)->golden, o); }
static uint32_t pc(const void *self) { return mx_engine_pc(&((const cycle_engine *)self)->golden); }
static void stop(void *self) { ((cycle_engine *)self)->host.stopped = true; }

static const char *problem(const void *self) {
  const cycle_engine *g = self;
  return g->host.problem ? g->host.problem : mx_engine_problem(&g->golden);
}

static void close_cycle(void *self) {
  cycle_engine *g = self;
  g->golden.ops->close(g->golden.self);
  free(g->bytes);
  free(g);
}

// Sets with SERIAL.
static mx_status open_bytes(cycle_engine *g, uint32_t mem_bytes, mx_error *e) {
  g->bytes = calloc(mem_bytes ? mem_bytes : 1, 1);
  return g->bytes ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a device with %" PRIu32 " bytes", mem_bytes);
}

static const mx_engine_ops ops = {.name = "cycle", .cycles = cycles, .observe = observe, .pc = pc,
                                  .stop = stop, .problem = problem, .close = close_cycle, .attach = attach,
                                  .clock = &clock_ops};

mx_status mx_engine_open_cycle(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                               mx_error *e) {
  if (options->trace_path || options->lockstep)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                   "the cycle engine has no RTL, so no waveform and nothing to compare: use --engine rtl");
  cycle_engine *g = calloc(1, sizeof *g);
  if (!g) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  if (mx_engine_open_golden(p, mem_bytes, options, &g->golden, e)) {
    free(g);
    return e->status;
  }
  if (p->SERIAL && open_bytes(g, mem_bytes, e)) {
    close_cycle(g);
    return e->status;
  }
  uint64_t base = g->golden.memory_base;
  mx_cycle_source source = {g, p->SERIAL ? own_bytes_at : bytes_at};
  mx_cycle_host_open(&g->host, p, &options->memory, base, mem_bytes, source, options->plain);
  if (p->SERIAL) g->host.model.store = store;
  if (options->listener.tell) mx_cycle_listen(&g->host.model, options->listener);
  g->host.progress = options->progress;
  g->host.progress_self = options->progress_self;
  g->clocked = mx_cycle_host_mmio(&g->host);
  *out = (mx_engine){.ops = &ops, .self = g, .memory_base = base, .memory_bytes = mem_bytes,
                     .mmio = {g, read_register, write_register, wait}, .memory = {g, put, get}};
  return MX_OK;
}
