#ifndef MX_CYCLE_ONCHIP_H
#define MX_CYCLE_ONCHIP_H
// Who gets the on-chip memories in a cycle: the control of mx_vmem and mx_xmem
// (contract: sim/cycle/README.md). Inputs come from the units' outputs of the
// same cycle; names are those of the memories' ports.
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

// ---- mx_vmem ----

typedef struct {
  bool single_port;
  bool kept;  // SinglePort: a vector write waits for a cycle without vector reads
} mx_cycle_vmem;

typedef struct {
  bool ra_en, rb_en, vm_valid;  // of mx_vec
  bool mr_valid, mw_valid;      // of mx_move
  bool dw_valid;                // of mx_dot
} mx_cycle_vmem_in;

// mw_ready does not depend on mw_valid and what is below it, nor dw_ready on
// dw_valid; mr_ready depends on mw_valid and dw_valid with SinglePort only.
typedef struct {
  bool mr_ready, mw_ready, dw_ready;
} mx_cycle_vmem_out;

static inline void mx_cycle_vmem_open(mx_cycle_vmem *v, const mx_params *p) {
  *v = (mx_cycle_vmem){.single_port = p->SINGLE_PORT};
}

static inline void mx_cycle_vmem_reset(mx_cycle_vmem *v) { v->kept = false; }

static inline mx_cycle_vmem_out mx_cycle_vmem_look(const mx_cycle_vmem *v, const mx_cycle_vmem_in *in) {
  bool reading = v->single_port && (in->ra_en || in->rb_en);
  bool word = !reading && !in->vm_valid && !v->kept;  // a write of one word may be done
  bool write = !reading && (!word || in->mw_valid || in->dw_valid);
  return (mx_cycle_vmem_out){
      .mr_ready = !in->rb_en && !(v->single_port && (in->ra_en || write)),
      .mw_ready = word,
      .dw_ready = word && !in->mw_valid,
  };
}

static inline void mx_cycle_vmem_edge(mx_cycle_vmem *v, const mx_cycle_vmem_in *in) {
  v->kept = v->single_port && (in->ra_en || in->rb_en) && (v->kept || in->vm_valid);
}

static inline uint64_t mx_cycle_vmem_steady(const mx_cycle_vmem *v, const mx_cycle_vmem_in *in) {
  bool waits = in->ra_en || in->rb_en || in->vm_valid;
  return v->kept && !waits ? 1 : UINT64_MAX;
}

// All edges after the first change nothing.
static inline void mx_cycle_vmem_leap(mx_cycle_vmem *v, const mx_cycle_vmem_in *in, uint64_t n) {
  if (n) mx_cycle_vmem_edge(v, in);
}

// ---- mx_xmem ----

// mx_dot reads no scale (e_en) without elements (x_en).
static inline bool mx_cycle_xmem_pr_ready(bool x_en) { return !x_en; }
#endif
