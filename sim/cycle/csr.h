#ifndef MX_CYCLE_CSR_H
#define MX_CYCLE_CSR_H
// Twin of mx_csr: registers, when they answer, counters, watchdog, interrupt.
// Counters are kept as sums; the RTL's walk is only a slot that goes round.
#include <stdbool.h>
#include <stdint.h>

#include "firmware/mx_driver.h"  // MX_COUNTERS
#include "golden/params.h"

enum { MX_CYCLE_SLOTS = 32 };
enum {
#define COUNTER(name) MX_EVENT_##name,
  MX_COUNTERS(COUNTER)
#undef COUNTER
  MX_EVENTS
};

// The AXI4-Lite master's side.
typedef struct {
  bool awvalid, wvalid, bready, arvalid, rready;
  uint16_t awaddr, araddr;
  uint8_t wstrb;
  uint32_t wdata;
} mx_cycle_csr_bus;

typedef struct {
  bool begin, busy, done, fault, progress;
  uint8_t error;
  uint32_t error_pc;
  uint32_t events;  // bit MX_EVENT_x: counts in this cycle
} mx_cycle_csr_in;

typedef struct {
  uint32_t build_id;
  uint32_t file[MX_CYCLE_SLOTS];   // without counters
  uint64_t events[MX_EVENTS];      // since the last program began
  uint64_t cycle, progress;        // cycles since reset; the last of them with progress or without a program
  uint64_t watch_at;               // cycle before which the watchdog need not be thought of
  uint64_t watch_written;          // cycle of the last write to WATCHDOG, and what it held before
  uint32_t watch_before;
  uint8_t slot, clear;             // clear: slots still to clear
  bool clear_all, write_ack, read_ack, bvalid, rvalid, start, soft_reset, watchdog, irq_enable, irq_pending, ended;
  uint32_t rdata, program, mem_size;
  uint64_t mem_base;
} mx_cycle_csr;

void mx_cycle_csr_open(mx_cycle_csr *v, const mx_params *p);
void mx_cycle_csr_reset(mx_cycle_csr *v);
void mx_cycle_csr_edge(mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in);
uint64_t mx_cycle_csr_steady(const mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in);
void mx_cycle_csr_leap(mx_cycle_csr *v, const mx_cycle_csr_bus *bus, const mx_cycle_csr_in *in, uint64_t n);

// What a read of the register at `offset` would give in this cycle.
uint32_t mx_cycle_csr_peek(const mx_cycle_csr *v, const mx_cycle_csr_in *in, uint32_t offset);

// walk_slot_o is `slot`; what passes by.
static inline uint32_t mx_cycle_csr_walk(const mx_cycle_csr *v) { return v->file[v->slot]; }
#endif
