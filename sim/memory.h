#ifndef MX_MEMORY_H
#define MX_MEMORY_H
// An AXI4 memory behind the master port of the RTL: the timing of memory_time.h
// with data, DECERR for addresses that it does not hold, and checks of the
// protocol. Reads see all writes whose response has been given.
//
// Each clock cycle: settle the RTL with clk_i low, mx_memory_sample, raise
// clk_i, mx_memory_drive.
#include "golden/observe.h"
#include "sim/memory_time.h"
#include "sim/rtl_shim.h"  // mx_rtl_ports

typedef struct {
  const mx_rtl_ports *ports;
  mx_memory_time time;
  mx_observer observer;       // of bytes written; write may be NULL
  const char *violation;      // NULL, or the AXI rule that the master broke first
  uint8_t *bytes;             // [time.size], the caller's
  uint8_t wdata[MX_MEMORY_QUEUE][32], wlast[MX_MEMORY_QUEUE];  // beats that wait for their address
  uint32_t wstrb[MX_MEMORY_QUEUE], w_first, w_count;
} mx_memory;

// ports, bytes, base and size must outlive the memory.
void mx_memory_open(mx_memory *m, const mx_rtl_ports *ports, const mx_memory_options *options, uint8_t *bytes,
                    uint64_t base, uint32_t size, uint32_t beat_bytes);

void mx_memory_sample(mx_memory *m);  // before the rising edge: take what is transferred
void mx_memory_drive(mx_memory *m);   // after it: offer what comes next
#endif
