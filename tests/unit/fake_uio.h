#ifndef TEST_FAKE_UIO_H
#define TEST_FAKE_UIO_H
// A device as Linux shows it to a program, for tests of firmware/linux: sysfs files,
// a UIO device and a u-dma-buf buffer over a simulated device, in this process.
//
// Loads and stores of the mapped registers reach the simulated device: their page
// cannot be accessed, and the fault is handled by an access of the engine and one
// step of the processor. The buffer is not coherent: processor and device each have
// their own copy, and bytes travel only by the cache lines of sync_for_device and
// sync_for_cpu. Programs run in a thread of its own that raises the interrupt.
//
// The fake puts itself in front of the system's open, mmap, pwrite and flock. One at
// a time; x86-64 only. Failure to make it ends the test program.
#include <stdbool.h>
#include <stdint.h>

typedef struct fake_uio fake_uio;

typedef struct {
  const char *set, *engine;      // parameter set, NULL: "sim"; "golden" or "cycle", NULL: "cycle"
  uint32_t buffer_bytes;         // a multiple of 4096; 0: 32768
  uint32_t build_change;         // added to BUILD_ID
  const char *uio_name;          // NULL: the right one
  const char *refused;           // NULL, or the end of a path that may not be opened
  bool no_buffer, blank, in_use; // no u-dma-buf; registers read as zeros; another process has it
  bool old_names;                // the buffer's class is called udmabuf
  bool loses_interrupts;
  uint32_t hangs_at;             // this program, from 1, does not end before a reset; 0: none
  uint32_t vanishes_at;          // this program; 0: never
} fake_uio_options;

fake_uio *fake_uio_open(const fake_uio_options *o);
void fake_uio_close(fake_uio *f);
const char *fake_uio_root(const fake_uio *f);  // for mx_engine_options.root

// Programs started and interrupts raised so far; accesses of registers after the device had vanished; whether
// it is reset, idle and raises no interrupts.
uint32_t fake_uio_starts(const fake_uio *f);
uint32_t fake_uio_interrupts(const fake_uio *f);
uint32_t fake_uio_late_accesses(const fake_uio *f);
bool fake_uio_quiet(fake_uio *f);

// Start a program, as if another process had.
void fake_uio_start(fake_uio *f);

// What the device does to its memory by itself.
void fake_uio_write(fake_uio *f, uint32_t addr, const void *from, uint32_t bytes);
void fake_uio_read(fake_uio *f, uint32_t addr, void *to, uint32_t bytes);
#endif
