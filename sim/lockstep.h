#ifndef MX_LOCKSTEP_H
#define MX_LOCKSTEP_H
// The cycle model beside the Verilated RTL, cycle by cycle: the first difference
// in what is issued, busy, on the buses or in the registers is told with its
// cycle and instruction.
#include "sim/cycle/cycle.h"
#include "sim/memory.h"

typedef struct {
  mx_cycle model;
  const mx_rtl_ports *ports;
  const mx_memory *memory;
  uint64_t cycles;         // compared
  bool differs;
  uint32_t issued;         // by the RTL last; UINT32_MAX: nothing yet
  char text[240];          // of the first difference
} mx_lockstep;

// ports and memory are those of the RTL; its memory's bytes are the model's too.
void mx_lockstep_open(mx_lockstep *l, const mx_params *p, const mx_rtl_ports *ports, const mx_memory *memory);

void mx_lockstep_look(mx_lockstep *l);  // the RTL has settled; before mx_memory_sample
void mx_lockstep_edge(mx_lockstep *l);
#endif
