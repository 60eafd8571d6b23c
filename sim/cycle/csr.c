#include "sim/cycle/csr.h"

enum {
  COUNTER_SLOT = 21,                       // of CYCLES
  WATCHDOG_SLOT = MX_CSR_WATCHDOG / 4,
  FIRST_COUNTER = MX_CSR_CYCLES, LAST_COUNTER = MX_CSR_CYCLES + 4 * (MX_EVENTS - 1),
};
static const uint32_t writable_slots = 0x1fu << MX_CSR_PROGRAM / 4 | 0xfu << MX_CSR_ARG1 / 4;

static const uint32_t reset_value[LAST_COUNTER / 4 + 1] = {
#define CSR(name, offset, access, reset, text) [offset / 4] = reset,
#include "golden/csr.def"
};

static unsigned slot_of(uint32_t offset) { return ((offset >> 2 & 31) + (offset & 0x80 ? COUNTER_SLOT : 0)) & 31; }

// Power up: the file's constants are there, and the walk is as after reset.
void mx_cycle_csr_open(mx_cycle_csr *v, const mx_params *p) {
  *v = (mx_cycle_csr){.build_id = p->build_id};
  mx_cycle_csr_reset(v);
}

void mx_cycle_csr_reset(mx_cycle_csr *v) {
  *v = (mx_cycle_csr){.build_id = v->build_id, .slot = 31, .clear = 32, .clear_all = true, .watch_written = UINT64_MAX};
  for (int i = 0; i < MX_CYCLE_SLOTS; i++) v->file[i] = 0;
}

// ---- accesses ----

static bool clearing(const mx_cycle_csr *v) {
  if (!v->clear) return false;
  return v->clear_all ? v->slot > 1 : v->slot >= COUNTER_SLOT;
}

static bool write_asked(const mx_cycle_csr *v, const mx_cycle_csr_bus *bus) {
  return bus->awvalid && bus->wvalid && !v->write_ack && !v->bvalid;
}
static bool read_asked(const mx_cycle_csr *v, const mx_cycle_csr_bus *bus) {
  return bus->arvalid && !v->read_ack && !v->rvalid;
}

uint32_t mx_cycle_csr_peek(const mx_cycle_csr *v, const mx_cycle_csr_in *in, uint32_t offset) {
  switch (offset) {
    case MX_CSR_ID: return reset_value[MX_CSR_ID / 4];
    case MX_CSR_BUILD_ID: return v->build_id;
    case MX_CSR_STATUS:
      return (in->busy ? (uint32_t)MX_STATUS_BUSY : 0) | (in->done ? (uint32_t)MX_STATUS_DONE : 0) |
             (in->fault ? (uint32_t)MX_STATUS_FAULT : 0);
    case MX_CSR_ERROR: return in->error;
    case MX_CSR_ERROR_PC: return in->error ? in->error_pc : 0;
    case MX_CSR_IRQ_ENABLE: return v->irq_enable;
    case MX_CSR_IRQ_STATUS: return v->irq_pending;
    default: break;
  }
  if (offset >= FIRST_COUNTER && offset <= LAST_COUNTER) return (uint32_t)v->events[(offset - FIRST_COUNTER) / 4];
  return offset < 0x80 && writable_slots >> offset / 4 & 1 ? v->file[offset / 4] : 0;
}

static uint32_t merged(uint32_t old, uint32_t value, uint8_t strobes) {
  for (int i = 0; i < 4; i++)
    if (strobes >> i & 1) old = (old & ~(0xffu << 8 * i)) | (value & 0xffu << 8 * i);
  return old;
}

static void write_file(mx_cycle_csr *v, unsigned slot, uint32_t word) {
  if (slot == WATCHDOG_SLOT) {
    v->watch_written = v->cycle;
    v->watch_before = v->file[slot];
    v->watch_at = 0;
  }
  v->file[slot] = word;
  if (slot == MX_CSR_PROGRAM / 4) v->program = word;
  if (slot == MX_CSR_MEM_SIZE / 4) v->mem_size = word;
  if (slot == MX_CSR_MEM_BASE_LO / 4) v->mem_base = (v->mem_base & 0xff00000000) | (word & 0xfffff000);
  if (slot == MX_CSR_MEM_BASE_HI / 4) v->mem_base = (v->mem_base & 0xffffffff) | (uint64_t)(word & 255) << 32;
}

// Registers that are not in the file.
static void act(mx_cycle_csr *v, const mx_cycle_csr_bus *bus, uint32_t offset) {
  if (!(bus->wstrb & 1)) return;
  if (offset == MX_CSR_CONTROL) {
    v->start = bus->wdata & MX_CONTROL_START;
    v->soft_reset = bus->wdata & MX_CONTROL_RESET;
  }
  if (offset == MX_CSR_IRQ_ENABLE) v->irq_enable = bus->wdata & 1;
}

static void edge_irq(mx_cycle_csr *v, const mx_cycle_csr_in *in, bool cleared) {
  if ((in->done || in->fault) && !v->ended && v->irq_enable) v->irq_pending = true;
  else if (cleared) v->irq_pending = false;
  v->ended = in->done || in->fault;
}

static void edge_bus(mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in) {
  uint32_t waddr = bus->awaddr & 0xffc, raddr = bus->araddr & 0xffc;
  bool write = write_asked(v, bus) && !clearing(v) && v->slot == slot_of(waddr);
  bool read = read_asked(v, bus) && !clearing(v) && v->slot == slot_of(raddr);
  if (read) v->rdata = mx_cycle_csr_peek(v, in, raddr);
  edge_irq(v, in, write && waddr == MX_CSR_IRQ_STATUS && bus->wstrb & 1 && bus->wdata & 1);
  v->start = v->soft_reset = false;
  if (write) act(v, bus, waddr);
  if (write && waddr < 0x80 && writable_slots >> v->slot & 1)
    write_file(v, v->slot, merged(v->file[v->slot], bus->wdata, bus->wstrb));
  if (v->write_ack) v->bvalid = true;
  else if (bus->bready) v->bvalid = false;
  if (v->read_ack) v->rvalid = true;
  else if (bus->rready) v->rvalid = false;
  v->write_ack = write;
  v->read_ack = read;
}

// ---- watchdog ----

// First cycle after `cycle` in which the slot is WATCHDOG's.
static uint64_t next_watch(const mx_cycle_csr *v, uint64_t cycle) {
  uint64_t ahead = (uint64_t)(WATCHDOG_SLOT - v->slot) + v->cycle - cycle;  // modulo 32
  ahead %= MX_CYCLE_SLOTS;
  return cycle + (ahead ? ahead : MX_CYCLE_SLOTS);
}

// WATCHDOG is copied when its slot comes by after progress, and the copy loses 32 per
// walk from then on. Returns the cycle in which it fires, if nothing happens.
static uint64_t fires_at(const mx_cycle_csr *v) {
  uint64_t copied = next_watch(v, v->progress);
  if (copied == v->watch_written) copied += MX_CYCLE_SLOTS;
  bool old = v->watch_written != UINT64_MAX && copied < v->watch_written;
  uint32_t word = old ? v->watch_before : v->file[WATCHDOG_SLOT];
  return copied + 1 + MX_CYCLE_SLOTS * (uint64_t)(word / MX_CYCLE_SLOTS + 1);
}

static void edge_watchdog(mx_cycle_csr *v, const mx_cycle_csr_in *in) {
  v->watchdog = false;
  if (v->cycle >= v->watch_at) {
    uint64_t at = fires_at(v);
    bool old = v->watch_written != UINT64_MAX && v->cycle <= v->watch_written + 1;
    uint32_t on = old ? v->watch_before : v->file[WATCHDOG_SLOT];
    v->watchdog = v->cycle == at && in->busy && on;
    v->watch_at = at > v->cycle ? at : on ? v->cycle + MX_CYCLE_SLOTS : old ? v->cycle + 1 : UINT64_MAX;
  }
  if (in->progress || !in->busy) v->progress = v->cycle;
}

// ---- clock ----

// n cycles: what only counts.
static void count(mx_cycle_csr *v, const mx_cycle_csr_in *in, uint64_t n) {
  for (uint32_t left = in->events; left; left &= left - 1) v->events[__builtin_ctz(left)] += n;
  v->cycle += n;
  v->slot = (uint8_t)((v->slot + n) % MX_CYCLE_SLOTS);
}

void mx_cycle_csr_edge(mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in) {
  edge_bus(v, bus, in);
  edge_watchdog(v, in);
  if (clearing(v)) v->file[v->slot] = v->slot == WATCHDOG_SLOT ? reset_value[WATCHDOG_SLOT] : 0;
  if (!v->clear) v->clear_all = false;
  if (in->begin) v->clear = MX_CYCLE_SLOTS;
  else if (v->clear) v->clear--;
  count(v, in, 1);
  for (int i = 0; in->begin && i < MX_EVENTS; i++) v->events[i] = 0;
}

// Cycles until the slot of `offset` comes by, which is not being cleared.
static uint64_t until(const mx_cycle_csr *v, uint32_t offset) {
  uint64_t n = (slot_of(offset) - v->slot) & 31;
  return n ? n : 1;
}

uint64_t mx_cycle_csr_steady(const mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in) {
  if (v->clear || v->clear_all || v->write_ack || v->read_ack || v->start || v->soft_reset || v->watchdog) return 1;
  if ((v->bvalid && bus->bready) || (v->rvalid && bus->rready) || in->begin) return 1;
  if ((in->done || in->fault) != v->ended) return 1;
  uint64_t n = UINT64_MAX;
  if (in->busy) n = v->watch_at > v->cycle ? v->watch_at - v->cycle : 1;
  if (write_asked(v, bus)) n = n < until(v, bus->awaddr & 0xffc) ? n : until(v, bus->awaddr & 0xffc);
  if (read_asked(v, bus)) n = n < until(v, bus->araddr & 0xffc) ? n : until(v, bus->araddr & 0xffc);
  return n;
}

void mx_cycle_csr_leap(mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in, uint64_t n) {
  if (n == 1) {
    mx_cycle_csr_edge(v, bus, in);
    return;
  }
  if (in->progress || !in->busy) v->progress = v->cycle + n - 1;
  count(v, in, n);
}
