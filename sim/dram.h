#ifndef MX_DRAM_H
#define MX_DRAM_H
// When a memory chip's data comes: banks, open rows, refresh, turnaround and
// latency, for the Verilated RTL and the cycle model alike.
//
// The controller is a plain one: requests in order of arrival, rows stay open,
// a row is opened as soon as its request has arrived and its bank permits, while
// data of earlier requests is still on the pins. Since nothing is reordered, a
// request's times follow from those before it, and are known when it arrives.
// Times are picoseconds from the opening of the model.
#include <stdbool.h>
#include <stdint.h>

// Parameters of a memory. One access moves burst_bytes on all its pins.
typedef struct {
  const char *name, *source;   // "ddr4-2400:16"; where the figures are from
  uint32_t width_bits;         // data pins
  uint32_t beat_ps;            // of one transfer per pin
  uint32_t burst_bytes;
  uint32_t groups, banks;      // bank groups; banks in all
  uint32_t row_bytes;          // of a row on all pins; 0: no rows (flash)
  // Column: address to data of a read and a write; least distance of accesses to
  // the same and to another bank group.
  uint32_t cl_ps, cwl_ps, ccd_l_ps, ccd_s_ps;
  // Row: open to column, precharge, open to precharge, open to open (same and
  // other group), window of four opens, read and write data to precharge.
  uint32_t rcd_ps, rp_ps, ras_ps, rrd_l_ps, rrd_s_ps, faw_ps, rtp_ps, wr_ps;
  // Turnaround: end of write data to a read's column command; between a read's
  // and a write's data.
  uint32_t wtr_ps, rtw_ps;
  uint32_t refi_ps, rfc_ps;    // a refresh of rfc_ps every refi_ps; 0: none
  // Flash: a read that does not go on where the last one ended pays this first.
  uint32_t seek_ps;
  uint32_t path_ps;            // controller and wires, there and back, once per access
} mx_dram_params;

// What an access waited for, beside those before it.
typedef enum { MX_DRAM_HIT, MX_DRAM_ROW, MX_DRAM_REFRESH } mx_dram_reason;

enum { MX_DRAM_BANKS = 32 };
typedef struct { bool open; uint64_t row, opened, precharge_from, ready; } mx_dram_bank;

typedef struct {
  const mx_dram_params *p;
  mx_dram_bank banks[MX_DRAM_BANKS];
  uint64_t opens[4];           // times of the last four row opens, oldest first
  uint64_t last_open, last_column, bus_free, read_from;
  uint64_t next_refresh, next_address;
  uint32_t last_open_group, last_column_group;
  bool any_open, any_column, last_write;
  mx_dram_reason why;          // of the last access
  uint8_t access_bits, group_bits, column_bits, bank_bits;  // of an address, from the lowest
  uint64_t hits, misses, conflicts, refreshes, bytes;  // accesses by what their bank needed
} mx_dram;

// The memory called `name`, such as "ddr4-2400:16"; NULL if there is none.
const mx_dram_params *mx_dram_find(const char *name);
// Names, in order, for messages: index 0 .. ; NULL after the last.
const char *mx_dram_name(unsigned index);

void mx_dram_open(mx_dram *d, const mx_dram_params *p);

// One access of burst_bytes that contains byte `address`, asked for at
// `arrival` (not before the one before it). Returns when its last data is there:
// at the device for a read, in the memory for a write.
uint64_t mx_dram_access(mx_dram *d, uint64_t arrival, uint64_t address, bool write);

// `n` reads of bytes that follow each other, as mx_dram_access with the same arrival:
// end[i] is when the data of access i is there, why[i] a mx_dram_reason (why may be NULL).
void mx_dram_read(mx_dram *d, uint64_t arrival, uint64_t address, uint32_t n, uint64_t *end, uint8_t *why);

// Whether writes go through these pins: a flash is not written, what changes is in a RAM beside it.
static inline bool mx_dram_writable(const mx_dram_params *p) { return p->row_bytes != 0; }

// Bytes per second that the pins could move.
static inline double mx_dram_pin_peak(const mx_dram_params *p) { return p->width_bits / 8.0 * 1e12 / p->beat_ps; }
// The share of it left by refresh: what a perfect order of accesses could reach.
static inline double mx_dram_attainable(const mx_dram_params *p) {
  return p->refi_ps ? 1.0 - (double)p->rfc_ps / p->refi_ps : 1.0;
}
#endif
