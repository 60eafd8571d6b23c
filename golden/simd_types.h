// Part of simd_avx512.c and simd_avx2.c: vectors of LANES words. Comparisons
// give lanes of all ones or all zeros.
#include <stddef.h>
#include <string.h>

#include "golden/fn.h"
#include "golden/isa.h"
#include "golden/mxint.h"
#include "golden/simd.h"

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));

static const int32_t lane_numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static inline ints load(const void *p) {
  ints v;
  memcpy(&v, p, sizeof v);
  return v;
}

static inline void store(void *p, ints v) { memcpy(p, &v, sizeof v); }
static inline ints all(int32_t x) { return (ints)ALL(set1_epi32)(x); }
static inline ints choose(ints mask, ints yes, ints no) { return (mask & yes) | (~mask & no); }
static inline ints shift_right(ints v, ints n) { return (ints)ALL(srlv_epi32)((raw)v, (raw)n); }  // logical
static inline ints is_nan(ints v) { return (v & 0x7FFFFFFF) > 0x7F800000; }
static inline ints one_nan(ints v) { return choose(is_nan(v), all((int32_t)MX_FP_NAN), v); }
static inline ints to_floats(ints v) { return (ints)__builtin_convertvector(v, floats); }  // bits of the values
