#include "golden/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

mx_status mx_fail(mx_error *e, mx_status s, mx_loc at, const char *fmt, ...) {
  if (e->status) return e->status;
  e->status = s;
  e->offset_bytes = at.offset_bytes;
  snprintf(e->path, sizeof e->path, "%s", at.path ? at.path : "");
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(e->text, sizeof e->text, fmt, ap);
  va_end(ap);
  return s;
}

int mx_report(const char *program, const mx_error *e) {
  if (!e->status) return 0;
  if (e->path[0])
    fprintf(stderr, "%s:0x%" PRIx64 ": error: %s\n", e->path, e->offset_bytes, e->text);
  else
    fprintf(stderr, "%s: error: %s\n", program, e->text);
  return e->status == MX_USAGE ? 2 : e->status == MX_INTERRUPTED ? 130 : 1;
}
