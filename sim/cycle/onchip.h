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
  bool rb_en, vm_valid;     // of mx_vec
  bool mr_valid, mw_valid;  // of mx_move
  bool dw_valid;            // of mx_dot
} mx_cycle_vmem_in;

typedef struct {
  bool mr_ready, mw_ready, dw_ready;
} mx_cycle_vmem_out;

static inline mx_cycle_vmem_out mx_cycle_vmem_look(const mx_cycle_vmem_in *in) {
  return (mx_cycle_vmem_out){.mr_ready = !in->rb_en, .mw_ready = !in->vm_valid, .dw_ready = !in->vm_valid && !in->mw_valid};
}

// ---- mx_xmem ----

// mx_dot reads no scale (e_en) without elements (x_en).
static inline bool mx_cycle_xmem_pr_ready(bool x_en) { return !x_en; }
#endif
