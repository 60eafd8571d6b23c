#ifndef MX_SERIAL_HOST_H
#define MX_SERIAL_HOST_H
// The host's end of the serial line (mx_frame.def): requests, repeated until they
// are answered or the patience ends. Every call is bounded in time.
#include "firmware/mx_frame.h"

enum { MX_LINE_SILENT = -1, MX_LINE_GONE = -2 };

// The line; whoever supplies it keeps `self`.
typedef struct {
  void *self;
  bool (*send)(void *self, const uint8_t *bytes, uint32_t count);  // false: the line is gone
  int (*receive)(void *self, uint32_t timeout_ms);  // a byte, MX_LINE_SILENT or MX_LINE_GONE
  uint32_t (*now_ms)(void *self);                   // a clock that may wrap
} mx_line;

typedef enum {
  MX_SERIAL_OK = 0,
  MX_SERIAL_GONE,           // the line broke
  MX_SERIAL_SILENT,         // nothing arrived, not even damaged
  MX_SERIAL_NOISY,          // something arrives, but no answer that is whole
  MX_SERIAL_OTHER,          // answers, but is no mxforge board
  MX_SERIAL_OTHER_VERSION,  // of the protocol; mx_serial_host.version is the board's
  MX_SERIAL_REFUSED,        // the board refused an access
} mx_serial_status;

// A sentence; never NULL.
const char *mx_serial_text(mx_serial_status s);

typedef struct {
  mx_line line;                  // set by the caller
  uint32_t byte_ns;              // time of a byte on the line, set by the caller
  uint32_t patience_ms;          // beyond the line's time for an answer, set by the caller
  uint32_t tries;                // of a request, set by the caller
  uint32_t version, clock_hz, memory_bytes, flash_bytes;  // of the board, set by open
  uint64_t memory_base;
  uint64_t requests, retries, damaged, silent;  // so far; damaged or silent: why a try failed
  uint32_t slowest_ms;           // answer so far, beyond the line's time
  uint32_t run;                  // words of the next request for memory, adapted to the noise
  uint8_t seq;
  uint8_t out[1 + 2 * (MX_FRAME_HEAD_BYTES + 4 * MX_FRAME_MAX_WORDS + 2 * MX_FRAME_CRC_BYTES)];
  uint32_t out_bytes;
} mx_serial_host;

// Ask the board what it is. Whatever came before on the line does no harm.
mx_serial_status mx_serial_open(mx_serial_host *h);

mx_serial_status mx_serial_read_csr(mx_serial_host *h, uint32_t offset, uint32_t *value);
mx_serial_status mx_serial_write_csr(mx_serial_host *h, uint32_t offset, uint32_t value);

// Memory, `addr` a multiple of 4. After an error of put, the words are unknown, and
// no others have changed. Words that repeat travel once.
mx_serial_status mx_serial_get(mx_serial_host *h, uint32_t addr, uint32_t *words, uint32_t count);
mx_serial_status mx_serial_put(mx_serial_host *h, uint32_t addr, const uint32_t *words, uint32_t count);
mx_serial_status mx_serial_fill(mx_serial_host *h, uint32_t addr, uint32_t word, uint32_t count);

// Wait until the device raises its interrupt, at most ms milliseconds.
mx_serial_status mx_serial_wait(mx_serial_host *h, uint32_t ms, bool *interrupt);
#endif
