// The Verilated RTL as an engine: loads build/engines/rtl_SET.so and gives it a
// clock, a register master, a memory and ears for its observation ports.
//
// A clock cycle is settle (clk_i low: inputs reach all combinational paths),
// then edge (clk_i high). What is transferred is decided between the two.
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/engine.h"
#include "sim/library.h"
#include "sim/lockstep.h"
#include "sim/rtl_shim.h"

enum {
  RESET_CYCLES = 40,      // of rst_ni at the beginning, and after it until the first access
  ACCESS_CYCLES = 10000,  // bound of one register access
  WAIT_CYCLES = 1 << 16,  // of one wait without an interrupt
  QUIET_CYCLES = 4096,    // so long without instruction, transfer or working unit: nothing goes on
};

typedef struct {
  mx_rtl_ports ports;
  const mx_rtl_api *api;
  void *library, *model;
  mx_memory memory;
  mx_lockstep *lockstep;  // NULL: without the cycle model beside it
  mx_observer observer;
  const mx_params *params;
  uint8_t *own, *bytes;   // bytes: in use, own or attached
  uint64_t cycles, active;  // active: the last cycle in which something went on
  mx_issue_listener issues;
  const char *problem;
  bool stopped, observed, tracing, halted;  // halted: who is told of instructions wants a stop
  mx_engine_options options;
} rtl;

// ---- observation -------------------------------------------------------------------

static uint32_t word_at(const uint8_t *b) {
  uint32_t v;
  memcpy(&v, b, sizeof v);  // Verilator's storage is in host order
  return v;
}

static void observe_vmem(const rtl *r) {
  static const mx_unit units[4] = {MX_UNIT_VEC, MX_UNIT_MOVE, MX_UNIT_DOT, MX_UNIT_SEQ};
  const mx_rtl_ports *p = &r->ports;
  mx_unit unit = units[*p->obs_vmem_unit_o & 3];
  for (uint32_t lane = 0, mask = *p->obs_vmem_mask_o; mask; lane++, mask >>= 1)
    if (mask & 1)
      mx_observe(&r->observer, unit, MX_SPACE_VMEM, (*p->obs_vmem_addr_o + lane) & (r->params->VMEM_WORDS - 1),
                 word_at(p->obs_vmem_data_o + 4 * lane));
}

static void observe_xmem(const rtl *r) {
  const mx_rtl_ports *p = &r->ports;
  uint32_t elems = r->params->XMEM_ELEMS, bank = *p->obs_xmem_bank_o & (r->params->TOKENS - 1);
  for (uint32_t lane = 0, mask = *p->obs_xmem_mask_o; mask; lane++, mask >>= 1)
    if (mask & 1)
      mx_observe(&r->observer, MX_UNIT_VEC, MX_SPACE_XMEM,
                 bank * elems + ((*p->obs_xmem_addr_o + lane) & (elems - 1)), p->obs_xmem_data_o[lane]);
}

static void observe_xexp(const rtl *r) {
  const mx_rtl_ports *p = &r->ports;
  uint32_t scales = r->params->XMEM_ELEMS / 16, bank = *p->obs_xexp_bank_o & (r->params->TOKENS - 1);
  mx_observe(&r->observer, MX_UNIT_VEC, MX_SPACE_XEXP, bank * scales + (*p->obs_xexp_addr_o & (scales - 1)),
             *p->obs_xexp_data_o);
}

static void observe_cycle(const rtl *r) {
  const mx_rtl_ports *p = &r->ports;
  if (*p->obs_vmem_valid_o) observe_vmem(r);
  if (*p->obs_xmem_valid_o) observe_xmem(r);
  if (*p->obs_xexp_valid_o) observe_xexp(r);
  if (*p->obs_ucode_valid_o)
    mx_observe(&r->observer, MX_UNIT_MOVE, MX_SPACE_UCODE, *p->obs_ucode_addr_o & (r->params->UCODE_WORDS - 1),
               *p->obs_ucode_data_o);
}

// ---- clock -------------------------------------------------------------------------

static bool traced(const rtl *r) {
  const mx_engine_options *o = &r->options;
  return r->tracing && r->cycles >= o->trace_from && (!o->trace_to || r->cycles <= o->trace_to);
}

static void fail(rtl *r, const char *problem) {
  if (!r->problem) r->problem = problem;
}

static void look_beside(rtl *r) {
  mx_lockstep_look(r->lockstep);
  if (!r->lockstep->differs) return;
  fail(r, r->lockstep->text);
  r->stopped = true;
}

// For those who clock it.
static void follow(rtl *r) {
  const mx_rtl_ports *p = &r->ports;
  if (*p->obs_issue_valid_o && r->issues.tell && r->issues.tell(r->issues.self, r->cycles, *p->obs_issue_pc_o)) r->halted = true;
  if (*p->obs_issue_valid_o || *p->obs_busy_o || *p->m_axi_arvalid_o || *p->m_axi_awvalid_o) r->active = r->cycles;
}

static void settle(rtl *r) {
  *r->ports.clk_i = 0;
  r->api->eval(r->model);
  if (r->tracing && traced(r)) r->api->trace_dump(r->model, 2 * r->cycles);
  if (r->observed) observe_cycle(r);
  follow(r);
  if (r->lockstep) look_beside(r);
  mx_memory_sample(&r->memory);
}

static void edge(rtl *r) {
  *r->ports.clk_i = 1;
  r->api->eval(r->model);
  if (r->tracing && traced(r)) r->api->trace_dump(r->model, 2 * r->cycles + 1);
  mx_memory_drive(&r->memory);
  if (r->lockstep) mx_lockstep_edge(r->lockstep);
  r->cycles++;
}

static void cycle(rtl *r) {
  settle(r);
  edge(r);
}

static void reset(rtl *r) {
  *r->ports.rst_ni = 0;
  for (int i = 0; i < RESET_CYCLES; i++) cycle(r);
  *r->ports.rst_ni = 1;
  for (int i = 0; i < RESET_CYCLES; i++) cycle(r);
}

// ---- registers ---------------------------------------------------------------------

static uint32_t rtl_read(void *self, uint32_t offset) {
  rtl *r = self;
  const mx_rtl_ports *p = &r->ports;
  bool done = false;
  uint32_t value = UINT32_MAX;
  *p->s_axi_araddr_i = (uint16_t)offset;
  *p->s_axi_arvalid_i = *p->s_axi_rready_i = 1;
  for (int i = 0; i < ACCESS_CYCLES && !done && !r->problem; i++) {
    settle(r);
    bool accepted = *p->s_axi_arready_o;
    done = *p->s_axi_rvalid_o;
    if (done) value = *p->s_axi_rdata_o;
    edge(r);
    if (accepted) *p->s_axi_arvalid_i = 0;
  }
  *p->s_axi_arvalid_i = *p->s_axi_rready_i = 0;
  if (!done) fail(r, "a register read is not answered");
  return value;
}

static void rtl_write(void *self, uint32_t offset, uint32_t value) {
  rtl *r = self;
  const mx_rtl_ports *p = &r->ports;
  bool done = false;
  *p->s_axi_awaddr_i = (uint16_t)offset;
  *p->s_axi_wdata_i = value;
  *p->s_axi_wstrb_i = 15;
  *p->s_axi_awvalid_i = *p->s_axi_wvalid_i = *p->s_axi_bready_i = 1;
  for (int i = 0; i < ACCESS_CYCLES && !done && !r->problem; i++) {
    settle(r);
    bool address = *p->s_axi_awready_o, data = *p->s_axi_wready_o;
    done = *p->s_axi_bvalid_o;
    edge(r);
    if (address) *p->s_axi_awvalid_i = 0;
    if (data) *p->s_axi_wvalid_i = 0;
  }
  *p->s_axi_awvalid_i = *p->s_axi_wvalid_i = *p->s_axi_bready_i = 0;
  if (offset == MX_CSR_CONTROL) r->active = r->cycles;
  if (!done) fail(r, "a register write is not answered");
}

static bool rtl_wait(void *self, uint32_t polls) {
  rtl *r = self;
  (void)polls;
  for (int i = 0; i < WAIT_CYCLES && !*r->ports.irq_o && !r->stopped; i++) cycle(r);
  if (r->memory.violation) fail(r, r->memory.violation);
  if (r->options.progress) r->options.progress(r->options.progress_self, r->cycles);
  return !r->stopped && !r->problem;
}

// ---- the clock of others -------------------------------------------------------------

static uint64_t run(void *self, uint64_t most) {
  rtl *r = self;
  uint8_t irq = *r->ports.irq_o;
  uint64_t n = 0;
  r->halted = false;
  while (n < most && *r->ports.irq_o == irq && !r->halted && !r->stopped && !r->problem) cycle(r), n++;
  if (r->memory.violation) fail(r, r->memory.violation);
  return n;
}

static bool irq(const void *self) { return *((const rtl *)self)->ports.irq_o; }
static bool busy(const void *self) {
  const rtl *r = self;
  return r->cycles - r->active < QUIET_CYCLES;
}

// Pins tell of registers only in time.
static bool peek(void *self, uint32_t offset, uint32_t *value) {
  (void)self, (void)offset, (void)value;
  return false;
}
static bool argument(const void *self, unsigned index, uint32_t *value) {
  (void)self, (void)index, (void)value;
  return false;
}

static void listen(void *self, mx_memory_listener bursts, mx_issue_listener issues) {
  rtl *r = self;
  r->memory.time.listener = bursts;
  r->issues = issues;
}

static const mx_engine_clock clock_ops = {.run = run, .irq = irq, .busy = busy, .peek = peek, .argument = argument, .listen = listen};

// ---- the rest of the seam ------------------------------------------------------------

static bool inside(const rtl *r, uint32_t addr, uint32_t bytes) {
  return bytes <= r->memory.time.size && addr <= r->memory.time.size - bytes;
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  rtl *r = self;
  if (!inside(r, addr, bytes)) return false;
  memcpy(r->bytes + addr, from, bytes);
  return true;
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  const rtl *r = self;
  if (!inside(r, addr, bytes)) return false;
  memcpy(to, r->bytes + addr, bytes);
  return true;
}

static uint64_t cycles(const void *self) { return ((const rtl *)self)->cycles; }
static const char *problem(const void *self) { return ((const rtl *)self)->problem; }
static void stop(void *self) { ((rtl *)self)->stopped = true; }

static void observe(void *self, mx_observer o) {
  rtl *r = self;
  r->observer = r->memory.observer = o;
  r->observed = o.write;
}

static void attach(void *self, uint8_t *bytes) {
  rtl *r = self;
  if (!bytes && r->bytes != r->own) memcpy(r->own, r->bytes, r->memory.time.size);
  r->bytes = r->memory.bytes = bytes ? bytes : r->own;
}

static uint32_t pc(const void *self) {
  (void)self;
  return UINT32_MAX;
}

static void close_rtl(void *self) {
  rtl *r = self;
  if (r->tracing) r->api->trace_close(r->model);
  if (r->model) r->api->close(r->model);
  if (r->library) dlclose(r->library);
  free(r->lockstep);
  free(r->own);
  free(r);
}

static const mx_engine_ops ops = {.name = "rtl", .cycles = cycles, .observe = observe, .pc = pc,
                                  .stop = stop, .problem = problem, .close = close_rtl, .attach = attach,
                                  .clock = &clock_ops};

// ---- opening -----------------------------------------------------------------------

static mx_status library_path(const rtl *r, char *path, size_t size, mx_error *e) {
  char file[NAME_MAX];
  const mx_engine_options *o = &r->options;
  int n = snprintf(file, sizeof file, "rtl_%s%s%s%s.so", r->params->name, o->variant ? "_" : "", o->variant ? o->variant : "",
                   o->trace_path ? "_trace" : "");
  if (n < 0 || (size_t)n >= sizeof file) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "the name of the engine is too long");
  return mx_library_path(o->directory, file, path, size, e);
}

static mx_status load(rtl *r, mx_error *e) {
  char path[PATH_MAX];
  if (library_path(r, path, sizeof path, e)) return e->status;
  const char *set = r->params->name, *kind = r->options.trace_path ? "-trace" : "";
  if (access(path, R_OK) && r->options.variant)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s is missing; to build it: make %s (needs Verilator)", path, path);
  if (access(path, R_OK))
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s is missing; to build it: make rtl%s SET=%s (needs Verilator)",
                   path, kind, set);
  r->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!r->library) return mx_fail(e, MX_IO, MX_NOWHERE, "cannot load the engine: %s", dlerror());
  r->api = dlsym(r->library, "mx_rtl");
  if (!r->api || r->api->abi != MX_RTL_ABI || r->api->ports_bytes != sizeof(mx_rtl_ports))
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s is not of this build; to renew it: make rtl%s SET=%s", path, kind,
                   set);
  r->model = r->api->open(&r->ports);
  return MX_OK;
}

static mx_status open_trace(rtl *r, mx_error *e) {
  const char *path = r->options.trace_path;
  if (!path) return MX_OK;
  FILE *probe = fopen(path, "wb");  // Verilator's writer ends the process if it cannot
  if (!probe) return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot write the waveform: %s", strerror(errno));
  fclose(probe);
  r->tracing = r->api->trace_open && r->api->trace_open(r->model, path);
  return r->tracing ? MX_OK : mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot write the waveform");
}

static mx_status open_lockstep(rtl *r, mx_error *e) {
  if (!r->options.lockstep) return MX_OK;
  r->lockstep = malloc(sizeof *r->lockstep);
  if (!r->lockstep) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  mx_lockstep_open(r->lockstep, r->params, &r->ports, &r->memory);
  return MX_OK;
}

// Power up: the first evaluation sees no edge, then reset.
static mx_status power_up(rtl *r, uint32_t mem_bytes, mx_error *e) {
  r->own = r->bytes = calloc(mem_bytes ? mem_bytes : 1, 1);
  if (!r->bytes) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a device with %" PRIu32 " bytes", mem_bytes);
  mx_memory_open(&r->memory, &r->ports, &r->options.memory, r->bytes, mx_engine_memory_base(&r->options),
                 mem_bytes, mx_beat_bytes(r->params));
  if (open_lockstep(r, e) || open_trace(r, e)) return e->status;
  *r->ports.clk_i = 0;
  r->api->eval(r->model);
  reset(r);
  return MX_OK;
}

// An engine of another build than this program's would refuse every image.
static mx_status check_build(rtl *r, mx_error *e) {
  uint32_t id = rtl_read(r, MX_CSR_BUILD_ID);
  if (r->problem) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "rtl engine: %s", r->problem);
  if (id == r->params->build_id) return MX_OK;
  return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                 "the RTL engine is build %08" PRIx32 " of set %s, this is build %08" PRIx32
                 "; to renew it: make rtl SET=%s",
                 id, r->params->name, r->params->build_id, r->params->name);
}

mx_status mx_engine_open_rtl(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                             mx_error *e) {
  rtl *r = calloc(1, sizeof *r);
  if (!r) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  r->params = p;
  r->options = *options;
  if (load(r, e) || power_up(r, mem_bytes, e) || check_build(r, e)) {
    close_rtl(r);
    return e->status;
  }
  *out = (mx_engine){.ops = &ops, .self = r, .memory_base = r->memory.time.base, .memory_bytes = mem_bytes,
                     .mmio = {r, rtl_read, rtl_write, rtl_wait}, .memory = {r, put, get}};
  return MX_OK;
}
