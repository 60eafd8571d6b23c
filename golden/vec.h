#ifndef MX_VEC_H
#define MX_VEC_H
// The vector unit: runs microprograms of golden/ucode.def.
//
// Rules that ucode.def leaves to this file:
//  - Addresses are 16-bit sums, then taken modulo the size of their memory; so
//    are the microprogram counter and the XMEM bank (modulo TOKENS).
//  - With bcast, b is read once, before the first element.
//  - Elements are read and written in ascending order. dst may equal a or b;
//    for 0 < (dst - source) mod VMEM_WORDS < MX_VEC_OVERLAP and less than n,
//    without reduction, hardware has already read some of the elements that
//    would be overwritten: results are unspecified, do not do it.
//  - n = 0: no element; a reduction writes +0 (SUM), -infinity (MAX) or 0
//    (ARGMAX), QUANT writes nothing.
//  - ARGMAX compares like mx_fp_gt, but any number replaces a NaN, so that the
//    result is 0 only for n = 0, for NaN everywhere, or if element 0 is it.
//  - QUANT writes the elements of a block ascending and then its one scale, to
//    the entry of the block's first 16 elements; the entries of its other
//    elements keep what they held.
//  - Fault UCODE, before any effect of the microinstruction: unknown code, a
//    reserved bit set, SUM with ADD or SUB, QUANT with bits = 3, LOOPU with a
//    other than 0. The field a of LI is ignored.
#include "golden/isa.h"
#include "golden/observe.h"
#include "golden/params.h"
#include "golden/simd.h"

enum { MX_VEC_WATCHDOG = 1 << 24 };  // microinstructions
enum { MX_VEC_OVERLAP = 64 };        // VMEM words

// Memories belong to the caller.
typedef struct {
  const mx_params *params;
  uint32_t *vmem;   // [VMEM_WORDS]
  int8_t *xmem;     // [TOKENS][XMEM_ELEMS]
  uint8_t *xexp;    // [TOKENS][XMEM_ELEMS / 16]
  uint32_t *ucode;  // [UCODE_WORDS]
  uint16_t u[MX_UREGS];  // those a command does not set keep their value
  const mx_observer *observer;  // may be NULL
  const mx_simd *simd;  // used while nobody observes; NULL: the defining path
} mx_vec_state;

// Run from control-store word `entry` to END. Returns MX_FAULT_NONE,
// MX_FAULT_UCODE, or MX_FAULT_WATCHDOG if END was not among the first
// MX_VEC_WATCHDOG microinstructions; a fault leaves what was done so far.
unsigned mx_vec_run(mx_vec_state *s, unsigned entry);
#endif
