#ifndef MX_SIM_SOC_PLATFORM_H
#define MX_SIM_SOC_PLATFORM_H
// The system on chip of firmware/soc.def with the instruction-set model of its processor
// and an engine in the accelerator's place: programs for it run in front of a serial
// line that the caller types on and reads. It knows no time but a fixed number of cycles
// for each instruction; with the cycle engine, those of the accelerator too.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "golden/error.h"
#include "sim/soc/flash.h"

typedef struct mx_platform mx_platform;

typedef struct {
  const char *set, *engine;     // of the accelerator
  uint32_t build_change;        // added to its build id
  const uint8_t *boot;          // [boot_bytes], contents of the ROM; copied
  size_t boot_bytes;
  const uint8_t *flash;         // [flash_bytes], what the chip holds from flash_first on, all ones elsewhere; copied
  size_t flash_bytes;
  uint32_t flash_first;
  uint64_t flash_ready;         // cycles until the chip is ready; before, the bus answers with errors
  bool flash_silent;            // it never is, and the controller has found that out
  uint32_t memory_bytes;        // of the SDRAM
  uint64_t memory_ready;        // cycles until it is initialized
  uint32_t clock_hz;            // SYSTEM's CLOCK_HZ
  mx_flash_board board;         // its word, and its flash chip
  bool mul_div;                 // the processor has the M extension
} mx_platform_options;

// MX_USAGE, MX_LIMIT: as mx_engine_open, or a part does not fit its place. The caller closes
// *out.
mx_status mx_platform_open(const mx_platform_options *o, mx_platform **out, mx_error *e);
void mx_platform_close(mx_platform *p);  // NULL is allowed

// Bytes that arrive on the serial line from now on, one after another as they are taken.
void mx_platform_type(mx_platform *p, const void *bytes, size_t n);

// Run until the line says `until`, which is not empty, counted from the end of the last run
// that came to an end this way, or for `most` instructions: then false.
bool mx_platform_run(mx_platform *p, const char *until, uint64_t most);

// Run until a byte was sent that was not taken yet: it; or for `most` instructions: -1. It does not
// count for mx_platform_run.
int mx_platform_take(mx_platform *p, uint64_t most);

// What the line said in the last run, and in those before it that came to no end; ends with a NUL.
const char *mx_platform_output(const mx_platform *p);

// The bus answers with errors at [from, from + bytes) from now on; 0 bytes: nowhere.
void mx_platform_break(mx_platform *p, uint32_t from, uint32_t bytes);

// Other contents of the flash chip: as in the options.
void mx_platform_write_flash(mx_platform *p, uint32_t at, const uint8_t *bytes, size_t n);

uint64_t mx_platform_instructions(const mx_platform *p);

// Bytes at the end of RAM that were written since it was powered up: what the stack took, if
// it grows there.
uint32_t mx_platform_stack_bytes(const mx_platform *p);
#endif
