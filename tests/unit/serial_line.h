#ifndef TEST_SERIAL_LINE_H
#define TEST_SERIAL_LINE_H
// A board behind a pseudo-terminal, for tests: the firmware's end of the serial
// line over the golden engine, in a thread of its own. Failure to make it ends the
// test program.
#include <stdbool.h>
#include <stdint.h>

#include "golden/params.h"

typedef struct serial_line serial_line;

typedef struct {
  const char *set;             // of the device
  uint32_t build_change;       // added to its build id
  uint32_t memory_bytes;
  uint32_t noise;              // of a million bytes each way, so many are dropped, so many flipped, so many doubled
  uint64_t seed;
  bool silent, echo;           // answers nothing; answers what it hears
  uint32_t dies_after;         // bytes heard, then the line closes; 0: never
  const uint8_t *flash;        // NULL, or what is at the end of the board's flash: the device's first bytes of memory
  uint32_t flash_used;         // bytes of it; memory_bytes is then the writable memory behind it
  bool flash_broken;           // the board refuses to read it
} serial_line_options;

serial_line *serial_line_open(const serial_line_options *o);
const char *serial_line_path(const serial_line *l);
void serial_line_close(serial_line *l);

// Programs that were started so far.
uint32_t serial_line_starts(const serial_line *l);
#endif
