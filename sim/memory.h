#ifndef MX_MEMORY_H
#define MX_MEMORY_H
// An AXI4 memory behind the master port of the RTL: a chip's timing (dram.h) or
// plain latency and bandwidth, outstanding bursts and random stalls as asked;
// DECERR for addresses that it does not hold. Reads see all writes whose
// response has been given.
//
// Each clock cycle: settle the RTL with clk_i low, mx_memory_sample, raise
// clk_i, mx_memory_drive.
#include <stdbool.h>
#include <stdint.h>

#include "golden/observe.h"
#include "sim/dram.h"
#include "sim/rtl_shim.h"  // mx_rtl_ports

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

typedef struct { uint64_t addr, ready; uint32_t beats; uint8_t response; } mx_memory_burst;
typedef struct { mx_memory_burst at[MX_MEMORY_QUEUE]; uint32_t first, count; } mx_memory_queue;

typedef struct {
  const mx_rtl_ports *ports;
  mx_memory_options options;
  mx_observer observer;       // of bytes written; write may be NULL
  const char *violation;      // NULL, or the AXI rule that the master broke first
  uint8_t *bytes;             // [size], the caller's
  uint64_t base;              // bus address of bytes[0]
  uint32_t size, beat_bytes;
  uint64_t cycle, random;
  int64_t credit;             // a beat costs `per`, a cycle earns `beats`
  bool r_offered, b_offered;  // on the channel and not yet taken
  mx_memory_queue reads, writes, responses;
  mx_dram dram;               // with a chip
  uint64_t written;           // cycle at which the chip has the last beat written
  uint64_t beat_ready[MX_MEMORY_BEATS];  // with a chip: cycle of each read beat, a ring
  uint32_t beat_first, beat_count;
  uint8_t wdata[MX_MEMORY_QUEUE][32], wlast[MX_MEMORY_QUEUE];
  uint32_t wstrb[MX_MEMORY_QUEUE], w_first, w_count;
} mx_memory;

// ports, bytes, base and size must outlive the memory.
void mx_memory_open(mx_memory *m, const mx_rtl_ports *ports, const mx_memory_options *options, uint8_t *bytes,
                    uint64_t base, uint32_t size, uint32_t beat_bytes);

void mx_memory_sample(mx_memory *m);  // before the rising edge: take what is transferred
void mx_memory_drive(mx_memory *m);   // after it: offer what comes next
#endif
