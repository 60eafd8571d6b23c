// The golden model as a device: mx_machine behind the registers of csr.def.
// START runs the whole program at once, so BUSY is never seen. Counters other
// than INSTRUCTIONS read 0. A memory that MEM_BASE or MEM_SIZE places outside
// the engine's own answers with bus errors at the first instruction.
#include <stdlib.h>
#include <string.h>

#include "golden/machine.h"
#include "sim/engine.h"

enum { REGISTERS = 0x100 / 4 };

typedef struct {
  const mx_params *params;
  mx_machine *machine;
  uint8_t *own, *bytes;  // [size]; bytes: in use, own or attached
  uint64_t base;
  uint32_t size;
  bool stopped, out_of_memory;
  uint32_t csr[REGISTERS];
} golden;

static const uint32_t reset_value[REGISTERS] = {
#define CSR(name, offset, access, reset, text) [offset / 4] = reset,
#include "golden/csr.def"
};

typedef enum { ACCESS_NONE, ACCESS_RO, ACCESS_RW, ACCESS_W1 } access_kind;
static const access_kind access_of[REGISTERS] = {
#define CSR(name, offset, access, reset, text) [offset / 4] = ACCESS_##access,
#include "golden/csr.def"
};

#define REG(name) csr[MX_CSR_##name / 4]

// All on-chip state as after power-up; registers stay.
static void soft_reset(golden *g) {
  mx_machine *fresh = mx_machine_new(g->params, g->bytes, g->size);
  if (!fresh) {
    g->out_of_memory = true;
    return;
  }
  fresh->observer = g->machine->observer;
  mx_machine_free(g->machine);
  g->machine = fresh;
  g->REG(STATUS) = g->REG(ERROR) = g->REG(ERROR_PC) = 0;
}

static bool own_memory(const golden *g) {
  return g->REG(MEM_BASE_LO) == (uint32_t)g->base && g->REG(MEM_BASE_HI) == g->base >> 32 && g->REG(MEM_SIZE) <= g->size;
}

static unsigned run(golden *g) {
  mx_machine *m = g->machine;
  m->pc = g->REG(PROGRAM);
  m->mem_size = g->REG(MEM_SIZE);
  if (!own_memory(g)) return MX_FAULT_BUS_READ;
  return mx_machine_run(m, g->REG(PROGRAM), &g->REG(ARG1));
}

static void start(golden *g) {
  if (g->REG(STATUS) & MX_STATUS_FAULT) return;
  unsigned fault = run(g);
  g->REG(INSTRUCTIONS) = (uint32_t)g->machine->instructions + !fault;  // HALT counts where it is reached
  g->REG(STATUS) = fault ? MX_STATUS_FAULT : MX_STATUS_DONE;
  g->REG(ERROR) = fault;
  if (fault) g->REG(ERROR_PC) = g->machine->pc;
  if (g->REG(IRQ_ENABLE) & 1) g->REG(IRQ_STATUS) = 1;
}

static uint32_t golden_read(void *self, uint32_t offset) {
  const golden *g = self;
  return offset / 4 < REGISTERS ? g->csr[offset / 4] : 0;
}

static void golden_write(void *self, uint32_t offset, uint32_t value) {
  golden *g = self;
  if (offset / 4 >= REGISTERS) return;
  if (access_of[offset / 4] == ACCESS_RW) g->csr[offset / 4] = value;
  if (offset == MX_CSR_IRQ_STATUS && value & 1) g->REG(IRQ_STATUS) = 0;
  if (offset != MX_CSR_CONTROL) return;
  if (value & MX_CONTROL_RESET) soft_reset(g);
  else if (value & MX_CONTROL_START) start(g);
}

static bool golden_wait(void *self, uint32_t polls) {
  (void)polls;
  return !((const golden *)self)->stopped;
}

static bool inside(const golden *g, uint32_t addr, uint32_t bytes) {
  return bytes <= g->size && addr <= g->size - bytes;
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  golden *g = self;
  if (!inside(g, addr, bytes)) return false;
  memcpy(g->bytes + addr, from, bytes);
  return true;
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  const golden *g = self;
  if (!inside(g, addr, bytes)) return false;
  memcpy(to, g->bytes + addr, bytes);
  return true;
}

static uint64_t cycles(const void *self) {
  (void)self;
  return 0;
}

static void observe(void *self, mx_observer o) { ((golden *)self)->machine->observer = o; }
static uint32_t pc(const void *self) { return ((const golden *)self)->machine->pc; }
static void stop(void *self) { ((golden *)self)->stopped = true; }

static const char *problem(const void *self) {
  return ((const golden *)self)->out_of_memory ? "out of memory at a soft reset" : NULL;
}

static void attach(void *self, uint8_t *bytes) {
  golden *g = self;
  if (!bytes && g->bytes != g->own) memcpy(g->own, g->bytes, g->size);
  g->bytes = g->machine->memory = bytes ? bytes : g->own;
}

static void close_golden(void *self) {
  golden *g = self;
  mx_machine_free(g->machine);
  free(g->own);
  free(g);
}

static const mx_engine_ops ops = {.name = "golden", .cycles = cycles, .observe = observe, .pc = pc,
                                  .stop = stop, .problem = problem, .close = close_golden, .attach = attach};

static golden *new_golden(const mx_params *p, uint64_t base, uint32_t mem_bytes) {
  golden *g = calloc(1, sizeof *g);
  if (!g) return NULL;
  *g = (golden){.params = p, .base = base, .size = mem_bytes, .own = calloc(mem_bytes ? mem_bytes : 1, 1)};
  g->bytes = g->own;
  if (g->bytes) g->machine = mx_machine_new(p, g->bytes, mem_bytes);
  if (g->machine) return g;
  close_golden(g);
  return NULL;
}

mx_status mx_engine_open_golden(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options,
                                mx_engine *out, mx_error *e) {
  if (options->trace_path)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "the golden engine has no clock, so no waveform: use --engine rtl");
  golden *g = new_golden(p, mx_engine_memory_base(options), mem_bytes);
  if (!g) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a device with %u bytes", (unsigned)mem_bytes);
  memcpy(g->csr, reset_value, sizeof g->csr);
  g->REG(BUILD_ID) = p->build_id;
  *out = (mx_engine){.ops = &ops, .self = g, .memory_base = g->base, .memory_bytes = mem_bytes,
                     .mmio = {g, golden_read, golden_write, golden_wait}, .memory = {g, put, get}};
  return MX_OK;
}
