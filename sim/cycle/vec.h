#ifndef MX_CYCLE_VEC_H
#define MX_CYCLE_VEC_H
// Twin of mx_vec (contract: sim/cycle/README.md). The state holds the control
// store and U registers, which decide what runs; VMEM's data do not.
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

typedef struct {
  bool cmd_valid;
  uint16_t cmd_entry;
  uint16_t cmd_u[8];
  bool uc_we;
  uint16_t uc_addr;
  uint32_t uc_data;
  bool add_idle;  // SharedAdd: of mx_dot
} mx_cycle_vec_in;

// All from the state alone.
typedef struct {
  bool cmd_ready, busy, progress;
  bool ra_en, rb_en;   // VMEM reads
  bool vm_valid;       // VMEM write
  bool xw_valid;       // XMEM write
  bool add_stop;       // SharedAdd: to mx_dot
  uint8_t fault;
} mx_cycle_vec_out;

typedef struct mx_cycle_vec mx_cycle_vec;

void mx_cycle_vec_open(mx_cycle_vec *v, const mx_params *p);
void mx_cycle_vec_reset(mx_cycle_vec *v);
mx_cycle_vec_out mx_cycle_vec_look(const mx_cycle_vec *v, const mx_cycle_vec_in *in);
void mx_cycle_vec_edge(mx_cycle_vec *v, const mx_cycle_vec_in *in);
uint64_t mx_cycle_vec_steady(const mx_cycle_vec *v, const mx_cycle_vec_in *in);
void mx_cycle_vec_leap(mx_cycle_vec *v, const mx_cycle_vec_in *in, uint64_t n);
#endif
