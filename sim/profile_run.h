#ifndef MX_PROFILE_RUN_H
#define MX_PROFILE_RUN_H
// A program image on the cycle model alone: no data moves, so any image goes, also one
// without weights. But for sets with SERIAL, whose time depends on data: there the
// image's memory is used, and what no program of the run wrote is 0.
#include "sim/engine.h"
#include "sim/profile.h"

typedef struct {
  uint32_t prompt_tokens;         // to prefill, from the image's prefix on; 0: none
  uint32_t tokens, position;      // to decode, the first at `position`
  const mx_engine_options *device;  // memory, progress, plain
  FILE *trace;                    // NULL, or for a trace (profile_trace.h)
} mx_profile_request;

// MX_LIMIT: positions that the context has not. MX_DEVICE: the device stopped. The caller
// frees *out, also after an error.
mx_status mx_profile_run(const mx_image *image, const char *subject, const mx_profile_request *request, mx_profile *out, mx_error *e);
#endif
