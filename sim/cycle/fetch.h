#ifndef MX_CYCLE_FETCH_H
#define MX_CYCLE_FETCH_H
// Twin of mx_fetch. The words themselves come from the device's memory, by
// address.
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

typedef struct {
  bool go_valid, stop, word_ready, req_ready, r_valid;
  uint32_t go_addr;   // 16 bytes
  uint32_t mem_size;
} mx_cycle_fetch_in;

typedef struct {
  uint32_t unit_bits, unit_beats, line_units, depth;  // bytes as a power of two; beats; units; beats
  bool half_beats;       // a beat holds two instructions
  bool active, single, end, req_valid, out_valid, half;
  uint32_t next, req_units;
  uint32_t asked, write, read;  // beats, counting on
} mx_cycle_fetch;

void mx_cycle_fetch_open(mx_cycle_fetch *v, const mx_params *p);
void mx_cycle_fetch_reset(mx_cycle_fetch *v);  // what the port rst_ni resets
void mx_cycle_fetch_edge(mx_cycle_fetch *v, const mx_cycle_fetch_in *in);
// Whether the next edge changes anything.
bool mx_cycle_fetch_moves(const mx_cycle_fetch *v, const mx_cycle_fetch_in *in);

// Outputs, all of the state alone.
static inline bool mx_cycle_fetch_idle(const mx_cycle_fetch *v) { return !v->req_valid && v->asked == v->write; }
static inline bool mx_cycle_fetch_range(const mx_cycle_fetch *v) {
  return v->active && v->end && v->asked == v->read && !v->out_valid;
}
static inline uint32_t mx_cycle_fetch_req_addr(const mx_cycle_fetch *v) { return v->next << v->unit_bits; }
static inline uint32_t mx_cycle_fetch_req_beats(const mx_cycle_fetch *v) { return v->req_units * v->unit_beats; }
#endif
