#ifndef MX_AXI_MEMORY_H
#define MX_AXI_MEMORY_H
// A memory behind the m_axi_* master ports of a module under test: random
// latency and stalls, error responses on request, and a checker of the AXI4
// rules that fails the test. Each clock cycle is
//   axi_memory_drive(m), set other inputs, tb_eval(), axi_memory_sample(m), tb_cycle()
#include "tests/rtl/tb.h"

typedef struct axi_memory axi_memory;

typedef struct {
  uint64_t base;          // bus address of the first byte, a multiple of the beat
  size_t size;            // bytes, a multiple of the beat; touching others fails the test
  unsigned bus_bits;
  bool reads, writes;     // the module has AR and R; AW, W and B
  unsigned window_beats;  // bursts stay in aligned windows of that many beats; 0: any
  unsigned most_reads, most_writes;  // outstanding; 0: any
} axi_memory_config;

typedef struct {
  unsigned latency_min, latency_max;  // cycles from an address to its first beat or response
  unsigned gap;    // percent of cycles that withhold a beat or a response
  unsigned stall;  // percent of cycles that withhold a ready
} axi_timing;

typedef struct {
  uint64_t read_bursts, read_beats, writes;
  unsigned most_reads, most_writes;  // largest number outstanding
} axi_counts;

// Starts with every byte 0 and a timing of latency 1 without gaps and stalls.
axi_memory *axi_memory_new(const axi_memory_config *config);  // exits if out of memory
void axi_memory_free(axi_memory *m);

uint8_t *axi_memory_bytes(axi_memory *m);
void axi_memory_set_timing(axi_memory *m, axi_timing timing);
// Beats with a byte in [from, to) of the memory answer SLVERR or DECERR, and
// are not written. from == to: none.
void axi_memory_fail(axi_memory *m, size_t from, size_t to);
// Called for each byte that reaches memory, in order: offset from base.
void axi_memory_on_write(axi_memory *m, void (*call)(void *context, size_t offset, uint8_t byte), void *context);

void axi_memory_drive(axi_memory *m);
void axi_memory_sample(axi_memory *m);

bool axi_memory_idle(const axi_memory *m);  // nothing accepted is unanswered
axi_counts axi_memory_counts(const axi_memory *m);
#endif
