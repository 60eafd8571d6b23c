#ifndef MX_UIO_H
#define MX_UIO_H
// A device in the address space of a Linux machine: its registers and interrupt
// through UIO, its memory in a buffer of the driver u-dma-buf, which is contiguous
// for the bus. Supplies what mx_driver.h and mx_runtime.h ask of a board.
//
// The buffer is mapped cached, and the caches need not be coherent with the bus:
// what is put is cleaned to memory, what is gotten is invalidated first, by whole
// cache lines (sync_for_device, sync_for_cpu of u-dma-buf). An uncached mapping
// would be device memory on Arm, where memcpy may fault, and slow to read.
#include <signal.h>
#include <stddef.h>

#include "firmware/mx_runtime.h"

typedef enum {
  MX_UIO_OK = 0,
  MX_UIO_ABSENT,       // no such device, or the system refuses it
  MX_UIO_OTHER_BUILD,  // the bitstream holds another build
  MX_UIO_TOO_SMALL,    // the buffer
  MX_UIO_BROKEN,       // the device does not do what it must
} mx_uio_status;

// The strings must outlive the device.
typedef struct {
  const char *root;      // NULL, or what stands in front of /sys and /dev
  const char *device;    // NULL: the UIO device named MX_UIO_NAME; or as "/dev/uio0"
  const char *buffer;    // NULL: /dev/MX_UIO_BUFFER
  uint32_t patience_ms;  // of a program, until it counts as hung; 0: 60000
} mx_uio_options;

typedef struct {
  mx_uio_options options;
  char problem[256];                // empty, or a sentence: every access fails until a reset
  volatile sig_atomic_t stopped;    // set by stop
  int device_fd, buffer_fd, sync_device_fd, sync_cpu_fd;
  uint8_t *map;                     // of the registers' pages
  size_t map_bytes;
  volatile uint32_t *registers;     // within map
  uint32_t register_bytes;
  uint8_t *memory;                  // mapped buffer, of which `bytes` are the device's
  uint64_t memory_base, buffer_bytes;
  uint32_t bytes, written;          // written: from 0 on, by put
  bool ready, cleared, runs;        // it answered; memory is cleared; a program was started after the last reset
  uint64_t started_ms, interrupts, syncs;
} mx_uio;

// Find, map and reset a device of build `build_id`; `bytes` of the buffer become its
// memory. After an error u->problem says what, where and what was expected; nothing
// stays open. Two processes cannot open one device.
mx_uio_status mx_uio_open(mx_uio *u, const mx_uio_options *options, uint32_t build_id, uint32_t bytes);

// Reset the device, so that it leaves memory alone, and give everything back.
void mx_uio_close(mx_uio *u);

// The current wait and all to come return false. May be called by a signal handler.
static inline void mx_uio_stop(mx_uio *u) { u->stopped = 1; }

// For the driver and the runtime; `u` must outlive them. The first program finds
// zeros behind what was put from address 0 on without a gap.
mx_mmio mx_uio_mmio(mx_uio *u);
mx_memory_port mx_uio_memory(mx_uio *u);
#endif
