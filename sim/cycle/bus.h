#ifndef MX_CYCLE_BUS_H
#define MX_CYCLE_BUS_H
// Twins of mx_read and mx_write: who has the bus, and what is outstanding.
#include "golden/isa.h"  // MX_FAULT_*
#include "golden/params.h"
#include "sim/cycle/fifo.h"

enum { MX_CYCLE_FETCH, MX_CYCLE_STREAM, MX_CYCLE_MOVE, MX_CYCLE_CLIENTS, MX_CYCLE_READS = 64 };

// ---- mx_read ----

typedef struct {
  mx_cycle_fifo order;
  uint8_t owner[MX_CYCLE_READS];
  uint32_t head, tail;        // of owner, counting on
  bool arvalid;
  uint32_t arbeats;
  uint64_t araddr;            // bus address
} mx_cycle_read;

static inline void mx_cycle_read_open(mx_cycle_read *v, const mx_params *p) {
  *v = (mx_cycle_read){0};
  mx_cycle_fifo_open(&v->order, p->READS);
}

static inline void mx_cycle_read_reset(mx_cycle_read *v) {
  mx_cycle_fifo_open(&v->order, v->order.depth);
  v->head = v->tail = 0;
  v->arvalid = false;
}

static inline bool mx_cycle_read_idle(const mx_cycle_read *v) { return !v->order.count; }
static inline unsigned mx_cycle_read_owner(const mx_cycle_read *v) { return v->owner[v->head % MX_CYCLE_READS]; }

// Whether a request would be accepted.
static inline bool mx_cycle_read_room(const mx_cycle_read *v, bool arready, bool stop) {
  return (!v->arvalid || arready) && mx_cycle_fifo_ready(&v->order) && !stop;
}

// client: whose request is accepted, or MX_CYCLE_CLIENTS; last: the last beat of a burst comes.
static inline void mx_cycle_read_edge(mx_cycle_read *v, bool arready, bool last, unsigned client, uint64_t addr,
                                      uint32_t beats) {
  bool accept = client < MX_CYCLE_CLIENTS;
  if (last && mx_cycle_fifo_valid(&v->order)) v->head++;
  mx_cycle_fifo_edge(&v->order, accept, last);
  v->arvalid = accept || (v->arvalid && !arready);
  if (!accept) return;
  v->owner[v->tail++ % MX_CYCLE_READS] = (uint8_t)client;
  v->araddr = addr;
  v->arbeats = beats;
}

// Whether the next edge changes anything.
static inline bool mx_cycle_read_moves(const mx_cycle_read *v, bool arready, bool last, unsigned client) {
  return client < MX_CYCLE_CLIENTS || last || (v->arvalid && arready) || mx_cycle_fifo_moves(&v->order);
}

// ---- mx_write ----

typedef struct {
  uint32_t most, count;
  bool awvalid, wvalid;
  uint64_t awaddr;  // bus address
} mx_cycle_write;

static inline void mx_cycle_write_open(mx_cycle_write *v, const mx_params *p) { *v = (mx_cycle_write){.most = p->WRITES}; }
static inline void mx_cycle_write_reset(mx_cycle_write *v) { *v = (mx_cycle_write){.most = v->most}; }
static inline bool mx_cycle_write_idle(const mx_cycle_write *v) { return !v->count; }

static inline bool mx_cycle_write_ready(const mx_cycle_write *v, bool awready, bool wready, bool stop) {
  return (!v->awvalid || awready) && (!v->wvalid || wready) && v->count != v->most && !stop;
}

static inline void mx_cycle_write_edge(mx_cycle_write *v, bool awready, bool wready, bool response, bool accept,
                                       uint64_t addr) {
  v->awvalid = accept || (v->awvalid && !awready);
  v->wvalid = accept || (v->wvalid && !wready);
  v->count += (uint32_t)accept - (uint32_t)response;
  if (accept) v->awaddr = addr;
}

static inline bool mx_cycle_write_moves(const mx_cycle_write *v, bool awready, bool wready, bool response, bool accept) {
  return accept || response || (v->awvalid && awready) || (v->wvalid && wready);
}
#endif
