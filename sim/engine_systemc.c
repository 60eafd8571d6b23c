// The SystemC model as an engine: loads build/engines/systemc.so and gives it the cycle
// model or the RTL to put behind its sockets.
//   systemc[:MODE[,MODE]]    MODE: rtl, at (approximately timed memory socket)
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/mx_soc.h"
#include "sim/engine.h"
#include "sim/library.h"
#include "sim/systemc/engine.h"

enum { CLOCK_KHZ = 100000 };  // where no chip's timing asks for another

static bool is(const char *word, size_t length, const char *name) {
  return length == strlen(name) && !memcmp(word, name, length);
}

static mx_status parse(const char *line, bool *rtl, bool *approximate, mx_error *e) {
  for (const char *at = line ? line : ""; *at; at += *at == ',') {
    size_t length = strcspn(at, ",");
    if (is(at, length, "rtl")) *rtl = true;
    else if (is(at, length, "at")) *approximate = true;
    else return mx_fail(e, MX_USAGE, MX_NOWHERE, "there is no engine 'systemc:%s'; expected systemc, systemc:rtl, systemc:at or systemc:rtl,at", line);
    at += length;
  }
  return MX_OK;
}

// The library stays until the process ends, as SystemC does.
static mx_status load(const mx_engine_options *options, const mx_systemc_api **api, mx_error *e) {
  char path[PATH_MAX];
  if (mx_library_path(options->directory, "systemc.so", path, sizeof path, e)) return e->status;
  if (access(path, R_OK))
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s is missing; to build it: make systemc (needs SystemC)", path);
  setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) return mx_fail(e, MX_IO, MX_NOWHERE, "cannot load the engine: %s", dlerror());
  *api = dlsym(library, "mx_systemc");
  if (*api && (*api)->abi == MX_SYSTEMC_ABI && (*api)->engine_bytes == sizeof(mx_engine) && (*api)->ops_bytes == sizeof(mx_engine_ops))
    return MX_OK;
  return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "%s is not of this build; to renew it: make systemc", path);
}

mx_status mx_engine_open_systemc(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                                 mx_error *e) {
  const mx_systemc_api *api;
  mx_engine *inner;
  mx_engine_options own = *options;
  bool rtl = false;
  mx_systemc_options o = {.clock_khz = options->memory.clock_khz ? options->memory.clock_khz : CLOCK_KHZ,
                          .progress = options->progress, .progress_self = options->progress_self};
  own.progress = NULL;
  own.memory_base = MX_SOC_MEMORY;
  if (parse(options->line, &rtl, &o.approximate, e) || load(options, &api, e) ||
      mx_engine_open(rtl ? "rtl" : "cycle", p, mem_bytes, &own, &inner, e))
    return e->status;
  const char *problem = api->open(inner, &o, out);
  if (!problem) return MX_OK;
  mx_engine_close(inner);
  return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "systemc engine: %s", problem);
}
