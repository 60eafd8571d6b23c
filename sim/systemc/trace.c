#include "sim/systemc/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_BYTES = 16 };  // shown of a transaction

struct mx_trace {
  FILE *file;
  const char *path;
  mx_trace_format format;
  uint64_t records;
};

bool mx_trace_format_of(const char *name, mx_trace_format *out) {
  static const char *const names[] = {"text", "csv", "json"};
  for (int i = 0; i < 3; i++) {
    if (strcmp(name, names[i])) continue;
    *out = (mx_trace_format)i;
    return true;
  }
  return false;
}

mx_status mx_trace_open(const char *path, mx_trace_format format, mx_trace **out, mx_error *e) {
  mx_trace *t = malloc(sizeof *t);
  *out = NULL;
  if (!t) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  *t = (mx_trace){.file = fopen(path, "w"), .path = path, .format = format};
  if (!t->file) {
    free(t);
    return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot write the trace: %s", strerror(errno));
  }
  if (format == MX_TRACE_CSV) fputs("time_ps,initiator,target,phase,what,address,bytes,data,response\n", t->file);
  if (format == MX_TRACE_JSON) fputs("[", t->file);
  *out = t;
  return MX_OK;
}

// The first bytes, lowest address first, in hexadecimal; "" without data.
static const char *hex(const mx_trace_record *r, char text[2 * DATA_BYTES + 3]) {
  uint32_t n = !r->data ? 0 : r->bytes < DATA_BYTES ? r->bytes : DATA_BYTES;
  text[0] = 0;
  for (uint32_t i = 0; i < n; i++) snprintf(text + 2 * i, 3, "%02x", r->data[i]);
  if (r->data && r->bytes > n) strcpy(text + 2 * n, "..");
  return text;
}

void mx_trace_put(mx_trace *t, const mx_trace_record *r) {
  char data[2 * DATA_BYTES + 3];
  const char *response = r->response ? r->response : "";
  static const char *const formats[] = {
      "%14" PRIu64 " ps  %-8s %-8s %-10s %-6s 0x%08" PRIx64 " %4" PRIu32 " %s %s\n",
      "%" PRIu64 ",%s,%s,%s,\"%s\",0x%" PRIx64 ",%" PRIu32 ",%s,%s\n",
      "{\"time_ps\": %" PRIu64 ", \"initiator\": \"%s\", \"target\": \"%s\", \"phase\": \"%s\", \"what\": \"%s\", "
      "\"address\": \"0x%" PRIx64 "\", \"bytes\": %" PRIu32 ", \"data\": \"%s\", \"response\": \"%s\"}",
  };
  if (t->format == MX_TRACE_JSON) fputs(t->records ? ",\n" : "\n", t->file);
  fprintf(t->file, formats[t->format], r->time_ps, r->initiator, r->target, r->phase, r->what, r->address, r->bytes,
          hex(r, data), response);
  t->records++;
}

mx_status mx_trace_close(mx_trace *t, mx_error *e) {
  mx_status s = MX_OK;
  if (!t) return MX_OK;
  if (t->format == MX_TRACE_JSON) fputs("\n]\n", t->file);
  bool bad = ferror(t->file);
  if (fclose(t->file) || bad) s = mx_fail(e, MX_IO, (mx_loc){t->path, 0}, "cannot write the trace: %s", strerror(errno));
  free(t);
  return s;
}
