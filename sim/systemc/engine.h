#ifndef MX_SYSTEMC_ENGINE_H
#define MX_SYSTEMC_ENGINE_H
// What build/engines/systemc.so offers to C: one function, exported in `mx_systemc`.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/engine.h"

enum { MX_SYSTEMC_ABI = 1 };  // changes with these structs and those of sim/engine.h

typedef struct {
  bool approximate;     // the memory socket is approximately timed
  uint32_t clock_khz;
  void (*progress)(void *self, uint64_t cycles);  // as in mx_engine_options
  void *progress_self;
} mx_systemc_options;

typedef struct {
  uint32_t abi, engine_bytes, ops_bytes;  // MX_SYSTEMC_ABI, sizes of mx_engine and mx_engine_ops
  // A device around `inner` on a virtual platform, and *out its host, as an engine, which
  // owns inner from then on. NULL, or what is wrong: then inner stays the caller's. SystemC
  // has one simulation in a process: the second call fails.
  const char *(*open)(mx_engine *inner, const mx_systemc_options *options, mx_engine *out);
} mx_systemc_api;
#endif
