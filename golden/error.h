#ifndef MX_ERROR_H
#define MX_ERROR_H
// The one error type. Functions that can meet bad input take a `mx_error *`,
// record the first fault in it and return its status; only main() prints.
#include <stdint.h>

// Where a fault lies in an input: a byte offset in a file.
typedef struct {
  const char *path;      // NULL: no file is at fault
  uint64_t offset_bytes;
} mx_loc;

typedef enum {
  MX_OK = 0,
  MX_USAGE,        // the command line is wrong
  MX_IO,           // the system refused
  MX_FORMAT,       // the input breaks its format
  MX_UNSUPPORTED,  // valid, but this tool has no means for it
  MX_LIMIT,        // valid, but larger than the machine's configuration
  MX_DEVICE,       // the device stopped with a fault, or an engine disagreed
  MX_INTERNAL,     // a bug of ours
  MX_INTERRUPTED,  // the user stopped it
} mx_status;

// The first fault met. A zeroed mx_error means none. `path` is copied, so the
// error outlives the caller's strings.
typedef struct {
  mx_status status;
  uint64_t offset_bytes;
  char path[256];  // empty: no file is at fault
  char text[512];
} mx_error;

// Record a fault unless one is recorded already; returns the recorded status,
// so that callers can `return mx_fail(...)`.
mx_status mx_fail(mx_error *e, mx_status s, mx_loc at, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

// Print "path:0xOFFSET: error: text" (or "program: error: text") as one line
// on stderr; returns the process exit code: 0 without a fault, 2 for MX_USAGE,
// 130 for MX_INTERRUPTED, otherwise 1.
int mx_report(const char *program, const mx_error *e);

#define MX_NOWHERE ((mx_loc){0})
#endif
