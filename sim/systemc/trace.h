#ifndef MX_SYSTEMC_TRACE_H
#define MX_SYSTEMC_TRACE_H
// Transactions and instructions as lines of a file: text, CSV, or JSON (an array with an
// object per line). Written as they come, so that a run that is cut short leaves them.
#include <stdbool.h>
#include <stdint.h>

#include "golden/error.h"

typedef enum { MX_TRACE_TEXT, MX_TRACE_CSV, MX_TRACE_JSON } mx_trace_format;

typedef struct mx_trace mx_trace;

typedef struct {
  uint64_t time_ps;
  const char *initiator, *target;  // names
  const char *phase;               // "TRANSPORT", or a phase of the base protocol; "ISSUE": an instruction
  const char *what;                // "read", "write"; the instruction's text
  uint64_t address;                // of the bus; of the instruction, relative to MEM_BASE
  uint32_t bytes;                  // 0: not said
  const uint8_t *data;             // [bytes], or NULL
  const char *response;            // NULL, or as TLM spells it
} mx_trace_record;

// The format's name, text, csv or json; false: there is none.
bool mx_trace_format_of(const char *name, mx_trace_format *out);

// The caller closes *out. MX_IO: the file cannot be made.
mx_status mx_trace_open(const char *path, mx_trace_format format, mx_trace **out, mx_error *e);
void mx_trace_put(mx_trace *t, const mx_trace_record *r);
// MX_IO: something could not be written. NULL is allowed.
mx_status mx_trace_close(mx_trace *t, mx_error *e);
#endif
