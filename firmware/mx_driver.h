#ifndef MX_DRIVER_H
#define MX_DRIVER_H
// The device driver: everything it needs of its surroundings is mx_mmio. No
// heap, no floating point, no library; registers come from golden/csr.def.
#include <stdbool.h>
#include <stdint.h>

#include "golden/isa.h"  // register offsets, fields and fault codes

// The way to the device. Whoever supplies it (board, simulator, test) keeps
// `self`. Offsets are those of csr.def.
typedef struct {
  void *self;
  uint32_t (*read)(void *self, uint32_t offset);
  void (*write)(void *self, uint32_t offset, uint32_t value);
  // Returns true when the device's state may have changed (an interrupt, or
  // simply some time), false when time is up. `polls` counts the calls made in
  // this wait before this one.
  bool (*wait)(void *self, uint32_t polls);
} mx_mmio;

// Copying to and from device memory; `addr` is in bytes relative to MEM_BASE.
// False: the range could not be reached, nothing is known about its contents.
typedef struct {
  void *self;
  bool (*put)(void *self, uint32_t addr, const void *from, uint32_t bytes);
  bool (*get)(void *self, uint32_t addr, void *to, uint32_t bytes);
} mx_memory_port;

typedef enum {
  MX_DRIVER_OK = 0,
  MX_DRIVER_NO_DEVICE,     // ID does not read as it must; nothing was written
  MX_DRIVER_OTHER_BUILD,   // BUILD_ID is not the expected one; nothing was written
  MX_DRIVER_BUSY,          // a program runs; nothing was started
  MX_DRIVER_FAULT,         // the device stopped; mx_device holds code and address
  MX_DRIVER_TIMEOUT,       // still busy when time was up; the program runs on
  MX_DRIVER_NOT_DONE,      // neither busy nor done nor faulted: START had no effect
  MX_DRIVER_MEMORY,        // memory could not be copied
  MX_DRIVER_CONTEXT_FULL,  // all positions are used; nothing was started
  MX_DRIVER_BAD_TOKEN,     // a token outside the vocabulary; nothing was started
  MX_DRIVER_BAD_IMAGE,     // not the header of a program image
  MX_DRIVER_NO_BOS,        // the image has a prefix, and the text does not begin with BOS; nothing was started
} mx_driver_status;

// A sentence; never NULL.
const char *mx_driver_text(mx_driver_status s);

typedef struct {
  mx_mmio mmio;
  bool polled;             // set by the caller: the device raises no interrupt, so mmio.wait need only let time pass
  uint32_t build_id;       // read by probe
  uint32_t fault;          // MX_FAULT_ code of the last wait, 0 without a fault
  uint32_t fault_address;  // of the instruction, relative to MEM_BASE
} mx_device;

// The performance counters of csr.def, by name and in its order.
typedef struct {
#define MX_COUNTERS(COUNTER) \
  COUNTER(CYCLES) COUNTER(INSTRUCTIONS) COUNTER(READ_BEATS) COUNTER(WRITE_BEATS) COUNTER(DOT_BUSY) \
  COUNTER(DOT_STARVED) COUNTER(DOT_BLOCKED) COUNTER(VEC_BUSY) COUNTER(MOVE_BUSY) COUNTER(SEQ_WAIT) \
  COUNTER(FETCH_WAIT)
#define COUNTER(name) uint32_t name;
  MX_COUNTERS(COUNTER)
#undef COUNTER
} mx_counters;

// Look for a device of build `build_id` behind dev->mmio.
mx_driver_status mx_driver_probe(mx_device *dev, uint32_t build_id);

// Soft reset, then wait until it is over, at most max_polls times; also while a program
// runs. Afterwards no fault is set, no interrupt is pending, and the interrupt is enabled
// unless dev->polled.
mx_driver_status mx_driver_reset(mx_device *dev, uint32_t max_polls);

// Tell the device which memory is its own: bus address, a multiple of 4096,
// and bytes.
void mx_driver_set_memory(mx_device *dev, uint64_t base, uint32_t bytes);

// Start the program at `program` (bytes relative to the memory's base) with
// args[i] as ARG1 + i. Refused while a program runs.
mx_driver_status mx_driver_start(mx_device *dev, uint32_t program, const uint32_t args[MX_ARGS]);

// Wait until the program has ended, with at most max_polls calls of
// mmio.wait. OK, FAULT, TIMEOUT or NOT_DONE.
mx_driver_status mx_driver_wait(mx_device *dev, uint32_t max_polls);

// Counters of the last program.
void mx_driver_counters(const mx_device *dev, mx_counters *out);

// The first of them.
uint32_t mx_driver_cycles(const mx_device *dev);

// The sentence of csr.def for a fault code; never NULL.
const char *mx_driver_fault_text(uint32_t fault);
#endif
