#ifndef MX_VEC_FAST_H
#define MX_VEC_FAST_H
// Shared by the two paths of the vector unit: vec.c defines, vec_fast.c hurries.
// Addresses are 16 bits, their low bits cleared, and not yet wrapped.
#include "golden/vec.h"

typedef struct {
  unsigned op, fn, red;
  bool broadcast;
  uint32_t a, b, dst, n;
} mx_vec_operands;

typedef struct {
  unsigned bits;
  bool fixed;
  uint32_t block, a, dst, bank, n;  // dst: element of the bank, which is wrapped
} mx_vec_quant;

// Do what vec.c does, with s->simd and without telling an observer; or return
// false and leave the state as it was.
bool mx_vec_fast_vector(mx_vec_state *s, const mx_vec_operands *o);
bool mx_vec_fast_quant(mx_vec_state *s, const mx_vec_quant *o);
#endif
