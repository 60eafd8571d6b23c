#ifndef MX_MEMORY_TIME_H
#define MX_MEMORY_TIME_H
// When an AXI4 memory accepts, answers and refuses: a chip's timing (dram.h) or
// plain latency and bandwidth, outstanding bursts and random stalls. No data:
// the memory of the Verilated RTL (memory.h) and the cycle model share it.
//
// Each clock cycle: mx_memory_time_sample with what the master offers, then the
// rising edge, then mx_memory_time_drive makes the outputs of the next cycle.
#include <stdbool.h>
#include <stdint.h>

#include "sim/dram.h"

typedef struct {
  const mx_dram_params *chip;  // NULL: latency, beats and per below instead
  uint32_t clock_khz;      // of the device, with a chip
  uint32_t latency;        // cycles from the address to its data or response, at least 1
  uint32_t beats, per;     // `beats` per `per` cycles on average, reads and writes together; per = 0: no limit
  uint32_t outstanding;    // bursts accepted and not finished, for reads and for writes; 1 .. MX_MEMORY_QUEUE
  uint32_t stall_percent;  // of cycles in which each channel refuses, 0 .. 99
  uint64_t stall_seed;
} mx_memory_options;

enum { MX_MEMORY_QUEUE = 64, MX_MEMORY_BEATS = MX_MEMORY_QUEUE * 256 };
#define MX_MEMORY_DEFAULTS ((mx_memory_options){.latency = 20, .outstanding = 16, .stall_seed = 1})

typedef struct { uint64_t addr, ready; uint32_t beats; uint8_t response; bool begun; } mx_memory_burst;  // begun: its first beat was offered
typedef struct { mx_memory_burst at[MX_MEMORY_QUEUE]; uint32_t first, count; } mx_memory_queue;

// What the master offers before the edge; addresses are those of the bus.
typedef struct {
  bool arvalid, rready, awvalid, wvalid, bready;
  uint32_t arbeats, awbeats;
  uint64_t araddr, awaddr;
} mx_memory_time_in;

// What the memory offers until the next edge.
typedef struct {
  bool arready, rvalid, rlast, awready, wready, bvalid;
  uint8_t rresp, bresp;
  uint64_t raddr;  // of the beat, with rvalid
} mx_memory_time_out;

// What happens to a burst on the bus. Bursts of a direction follow each other in order.
typedef enum {
  MX_BURST_READ,         // a read is accepted: bus address and bytes
  MX_BURST_READ_FIRST,   // its first beat is offered
  MX_BURST_READ_LAST,    // its last beat is taken
  MX_BURST_WRITE,        // a write's address and data are here: address of the beat, and bytes
  MX_BURST_WRITE_ANSWER, // its response is taken
} mx_burst_event;

// Told of them, in order of `cycle`.
typedef struct {
  void (*tell)(void *self, mx_burst_event what, uint64_t cycle, uint64_t addr, uint32_t bytes);
  void *self;
} mx_memory_listener;

// A data beat met its address in the last mx_memory_time_sample.
typedef struct { bool valid, inside, last; uint64_t addr; } mx_memory_join;

typedef struct {
  mx_memory_options options;
  uint64_t base, period_ps;   // bus address of byte 0; of a cycle, with a chip
  uint32_t size, beat_bytes;
  mx_memory_time_out out;
  mx_memory_join join;
  uint64_t cycle, random;
  int64_t credit;             // a beat costs `per`, a cycle earns `beats`
  uint32_t w_count;           // data beats that wait for their address
  mx_memory_queue reads, writes, responses;
  mx_dram dram;               // with a chip
  uint64_t written;           // cycle at which the chip has the last beat written
  uint64_t beat_ready[MX_MEMORY_BEATS];  // with a chip: cycle of each read beat, a ring
  uint32_t beat_first, beat_count;
  bool reasons;               // the caller's: keep in beat_why what each of these waited for, a mx_dram_reason
  uint8_t beat_why[MX_MEMORY_BEATS];
  mx_memory_listener listener;  // the caller's; tell may be NULL
} mx_memory_time;

void mx_memory_time_open(mx_memory_time *m, const mx_memory_options *options, uint64_t base, uint32_t size,
                         uint32_t beat_bytes);
void mx_memory_time_sample(mx_memory_time *m, const mx_memory_time_in *in);
void mx_memory_time_drive(mx_memory_time *m);

// Cycles, this one included, in which `out` stays what it is, or changes only in
// raddr, while `in` stays. Not so with random stalls: 1.
uint64_t mx_memory_time_steady(const mx_memory_time *m, const mx_memory_time_in *in);
// The same as n samples and drives, n <= steady.
void mx_memory_time_leap(mx_memory_time *m, const mx_memory_time_in *in, uint64_t n);

// For the cycle model's loop over beats: a read burst is accepted in this cycle, which
// m->cycle counts already; and the cycle in which the next beat of those is there.
void mx_memory_time_read(mx_memory_time *m, uint64_t addr, uint32_t beats);
// Beats without a gap, from that offered to the last but one of its burst, at least 1;
// and n of them are taken.
uint64_t mx_memory_time_row(const mx_memory_time *m);
void mx_memory_time_take(mx_memory_time *m, uint64_t n);
// The first beat of the burst that reads now is offered from the next cycle on; the last
// one is taken in this.
static inline void mx_memory_time_tell(const mx_memory_time *m, mx_burst_event what, uint64_t addr, uint32_t bytes) {
  if (m->listener.tell) m->listener.tell(m->listener.self, what, m->cycle, addr, bytes);
}
static inline void mx_memory_time_begin(mx_memory_time *m) {
  if (!m->listener.tell) return;
  mx_memory_burst *b = &m->reads.at[m->reads.first];
  if (!b->begun) mx_memory_time_tell(m, MX_BURST_READ_FIRST, b->addr, 0);
  b->begun = true;
}
static inline uint64_t mx_memory_time_next(const mx_memory_time *m) {
  return m->options.chip ? m->beat_ready[m->beat_first] : m->reads.at[m->reads.first].ready;
}

// Whether a beat at bus address `addr` lies in the memory.
static inline bool mx_memory_holds(const mx_memory_time *m, uint64_t addr) {
  return addr >= m->base && addr - m->base < m->size && addr - m->base + m->beat_bytes <= m->size;
}
// RRESP or BRESP: OKAY or DECERR.
static inline uint8_t mx_memory_response(const mx_memory_time *m, uint64_t addr) { return mx_memory_holds(m, addr) ? 0 : 3; }
#endif
