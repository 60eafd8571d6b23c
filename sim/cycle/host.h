#ifndef MX_CYCLE_HOST_H
#define MX_CYCLE_HOST_H
// The cycle model as a host sees it: registers, waits, programs, with the cycles
// that engine_rtl.c spends on each, so that absolute cycle numbers agree.
//
// Without data: give the bytes of programs and microcode through the source and run
// programs with mx_cycle_host_run; nothing else of a model's memory need exist.
#include "sim/cycle/cycle.h"

typedef struct {
  mx_cycle model;
  bool plain;              // step by step, never leap
  bool stopped;            // waits end
  const char *problem;     // NULL, or what went wrong
  void (*progress)(void *self, uint64_t cycles);  // now and then in a wait; may be NULL
  void *progress_self;
  // NULL, or told of each instruction when it is issued; true: mx_cycle_host_clock ends.
  bool (*issue)(void *self, uint64_t cycle, uint32_t pc);
  void *issue_self;
  bool halted;             // it said so
} mx_cycle_host;

// Power up, reset, and the first read of BUILD_ID, as the RTL's engine does.
void mx_cycle_host_open(mx_cycle_host *h, const mx_params *p, const mx_memory_options *memory, uint64_t base,
                        uint32_t size, mx_cycle_source source, bool plain);

// Cycles without the host, up to `most`, until the interrupt changes or `issue` says so.
// Returns how many.
uint64_t mx_cycle_host_clock(mx_cycle_host *h, uint64_t most);
// Whether anything in the device goes on, so that cycles are more than time.
bool mx_cycle_host_busy(const mx_cycle_host *h);
// What a read of the register would give now.
uint32_t mx_cycle_host_peek(mx_cycle_host *h, uint32_t offset);

// For the firmware's driver.
mx_mmio mx_cycle_host_mmio(mx_cycle_host *h);

// Run the program at `program` to its end, as the driver does; counters may be NULL.
// The caller has set MEM_BASE, MEM_SIZE and IRQ_ENABLE (mx_cycle_host_begin).
mx_driver_status mx_cycle_host_run(mx_cycle_host *h, uint32_t program, const uint32_t args[MX_ARGS], mx_counters *counters);

// Soft reset, then MEM_BASE and MEM_SIZE, as the driver does before the first program.
mx_driver_status mx_cycle_host_begin(mx_cycle_host *h);
#endif
