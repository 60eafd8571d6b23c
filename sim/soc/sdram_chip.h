#ifndef MX_SIM_SDRAM_CHIP_H
#define MX_SIM_SDRAM_CHIP_H
// An SDR SDRAM chip at its pins: 16 or 32 data pins, 4 banks, data and all. What a
// controller does against the data sheet becomes a sentence: time, command, rule.
//
// Time is in ps and only grows. At each rising edge of the chip's clock call
// mx_sdram_chip_edge with the pins of that moment; what the chip drives at any
// moment from then on until the next edge is mx_sdram_chip_dq.
// Not modelled, and errors: power down and self refresh (CKE low), BURST STOP,
// bursts of a page, interleaved bursts, auto precharge, cutting a burst by PRECHARGE.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MX_SDRAM_BANKS = 4, MX_SDRAM_ROWS = 8192, MX_SDRAM_PIPE = 16 };

typedef struct {
  const char *name;
  uint32_t pin_bytes;     // data pins: 2 or 4 bytes
  uint32_t column_bits, row_bits;
  uint32_t tck_ps[4];     // shortest clock period by CAS latency; 0: no such latency
  uint32_t ac_ps[4];      // longest time from an edge to data, by CAS latency
  uint32_t oh_ps;         // data stay so long after the edge at which they count
  uint32_t rcd_ps, rp_ps, ras_ps, rc_ps, rrd_ps, rfc_ps, wr_ps;
  uint32_t wr_ck, mrd_ck, rrd_ck;  // in cycles, besides or instead
  uint32_t power_up_us, init_refreshes;
  uint32_t refresh_rows;  // at most MX_SDRAM_ROWS of them within refresh_us
  uint32_t refresh_us;
} mx_sdram_params;

// "is42s16160g-7", "w9825g6kh-6", "as4c32m16sb-7", "em638325-6"; NULL if there is no such chip.
const mx_sdram_params *mx_sdram_find(const char *name);

typedef struct {
  bool cke, cs_n, ras_n, cas_n, we_n;
  uint8_t ba, dqm;
  uint16_t a;
  uint32_t dq;
  bool driven;  // dq, by the controller
} mx_sdram_pins;

typedef struct {
  uint64_t edges, activates, precharges, reads, writes, refreshes;  // commands
  uint64_t columns;  // read or written: the data pins' use is columns / edges
} mx_sdram_counts;

typedef struct {
  bool open;
  uint32_t row;
  uint64_t activated, precharged, write_end;  // times; write_end: of the last data in
  uint64_t write_end_edge, read_end_edge;     // edges; read_end_edge: the first after the burst's columns
  bool was_activated, was_precharged, was_written;
} mx_sdram_bank;

typedef struct {
  const mx_sdram_params *p;
  uint8_t *cells;
  char error[200];  // empty, or what the controller did wrong first
  mx_sdram_counts counts;

  uint64_t now, edge, period;  // of the last edge
  mx_sdram_bank banks[MX_SDRAM_BANKS];
  bool precharged_all, mode_set, refreshed;
  uint32_t init_refreshes, latency, burst;
  uint64_t mode_edge, refresh_at;
  uint64_t *refresh_times;     // of the last refresh_rows, or when the mode was set
  uint32_t refresh_next;
  uint64_t last_activate, last_activate_edge;
  bool any_activate;
  // The burst under way.
  bool writing;
  uint32_t bank, column, left;
  // What is driven from edge + i on, and where a late DQM hides it.
  struct { bool valid; uint32_t data; uint8_t hidden; } pipe[MX_SDRAM_PIPE];
  struct { bool valid; uint32_t data; uint8_t hidden; } drives, drove;
} mx_sdram_chip;

// False if out of memory. Cells hold noise from `seed`.
bool mx_sdram_chip_open(mx_sdram_chip *c, const mx_sdram_params *p, uint64_t seed);
void mx_sdram_chip_close(mx_sdram_chip *c);
size_t mx_sdram_chip_bytes(const mx_sdram_chip *c);

void mx_sdram_chip_edge(mx_sdram_chip *c, uint64_t now_ps, const mx_sdram_pins *pins);

// The data pins at a moment after the last edge: noise where the chip promises nothing.
uint32_t mx_sdram_chip_dq(mx_sdram_chip *c, uint64_t now_ps);

// Where byte `address` of the controller's order (row, bank, column) is kept.
uint8_t *mx_sdram_chip_byte(mx_sdram_chip *c, uint32_t address);
#endif
