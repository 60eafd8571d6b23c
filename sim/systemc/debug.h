#ifndef MX_SYSTEMC_DEBUG_H
#define MX_SYSTEMC_DEBUG_H
// Breakpoints on the device's instructions, and the commands at a stop.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "golden/error.h"
#include "golden/image.h"

// What can be looked at while the device stands still, without effect and without time.
// False: it cannot be known, or is not there.
typedef struct {
  void *self;
  bool (*csr)(void *self, uint32_t offset, uint32_t *value);
  bool (*argument)(void *self, unsigned index, uint32_t *value);  // A registers
  bool (*memory)(void *self, uint32_t addr, void *to, uint32_t bytes);  // relative to MEM_BASE
} mx_debug_target;

enum { MX_DEBUG_BREAKS = 32, MX_DEBUG_NAME = 60 };

// Stops at address `addr`; or at the nth instruction issued of an operator in a program.
typedef struct {
  bool used;
  uint32_t addr, nth, seen;   // nth: 0: by address
  char name[MX_DEBUG_NAME];
} mx_debug_break;

typedef struct {
  const mx_image *image;      // the caller's
  mx_debug_target target;
  FILE *in, *out;             // commands and what they print
  bool prompt;                // before each command
  uint64_t steps;             // stop at this one of the instructions to come; 0: only at breakpoints
  bool ended;                 // by `quit`
  mx_debug_break breaks[MX_DEBUG_BREAKS];
} mx_debug;

// Adds a breakpoint: "0x1a0", or "layer 0 ffn_up:2", the second instruction of that operator
// which a program issues; ":1" may be left out. MX_USAGE: no instruction is of that operator.
mx_status mx_debug_add(mx_debug *d, const char *spec, mx_error *e);

// Whether the instruction that is issued at `pc` is to be stopped at. Every instruction must
// be asked about.
bool mx_debug_wants(mx_debug *d, uint32_t pc);

// At a stop: says where it is, then takes commands until one lets the device go on or `quit`
// is read, as is the end of input; d->ended tells.
void mx_debug_stop(mx_debug *d, uint64_t cycle, uint32_t pc);
#endif
