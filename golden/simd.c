#include "golden/simd.h"

#ifdef __x86_64__
#include <xmmintrin.h>

// Flush to zero, denormals are zeros, no exceptions, to nearest.
enum { FLUSHING = 0x9FC0 };

unsigned mx_simd_enter(void) {
  unsigned before = _mm_getcsr();
  _mm_setcsr(FLUSHING);
  return before;
}

void mx_simd_leave(unsigned environment) { _mm_setcsr(environment); }

static bool has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

const mx_simd *const *mx_simd_levels(void) {
  static const mx_simd *const all[] = {&mx_simd_avx512, &mx_simd_avx2, NULL};
  if (has_avx512()) return all;
  return __builtin_cpu_supports("avx2") ? all + 1 : all + 2;
}

#else

unsigned mx_simd_enter(void) { return 0; }
void mx_simd_leave(unsigned environment) { (void)environment; }

const mx_simd *const *mx_simd_levels(void) {
  static const mx_simd *const none[] = {NULL};
  return none;
}

#endif
