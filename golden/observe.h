#ifndef MX_OBSERVE_H
#define MX_OBSERVE_H
// A tap on the architectural writes of the golden model, in the order in which
// the definition makes them. RTL tests and the device model's trace compare
// against it.
#include "golden/isa.h"  // mx_unit

typedef enum {
  MX_SPACE_VMEM,   // address: word; value: FP32 bits
  MX_SPACE_XMEM,   // address: bank * XMEM_ELEMS + element; value: element as a byte
  MX_SPACE_XEXP,   // address: bank * XMEM_ELEMS / 16 + element / 16; value: scale byte
  MX_SPACE_MEM,    // address: byte in memory
  MX_SPACE_UCODE,  // address: control-store word
} mx_space;

// Addresses are after wrapping, so each lies inside its memory. `self` is passed
// through. A NULL observer or write means that nobody looks.
typedef struct mx_observer {
  void (*write)(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value);
  void *self;
} mx_observer;

static inline void mx_observe(const mx_observer *o, mx_unit unit, mx_space space, uint32_t address,
                              uint32_t value) {
  if (o && o->write) o->write(o->self, unit, space, address, value);
}
#endif
