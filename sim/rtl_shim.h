#ifndef MX_RTL_SHIM_H
#define MX_RTL_SHIM_H
// What a Verilated build of the device offers to C: one table of functions,
// exported as `mx_rtl` by build/engines/rtl_SET.so.
#include <stdbool.h>
#include <stdint.h>

// Pointers to the storage of each port, valid as long as the model. Outputs
// are current after eval; inputs may be written at any time.
typedef struct {
#define PORT(type, name) type *name;
#define BYTES(name) uint8_t *name;
#include "sim/rtl_ports.def"
} mx_rtl_ports;

enum { MX_RTL_ABI = 1 };  // changes with this file's structs

typedef struct {
  uint32_t abi, ports_bytes;  // MX_RTL_ABI and sizeof(mx_rtl_ports) of the build
  void *(*open)(mx_rtl_ports *ports);
  void (*eval)(void *model);
  void (*close)(void *model);
  // Waveforms; NULL in a build without them. `time` ascends; trace_open
  // returns false if the file cannot be made.
  bool (*trace_open)(void *model, const char *path);
  void (*trace_dump)(void *model, uint64_t time);
  void (*trace_close)(void *model);
} mx_rtl_api;
#endif
