// The kernels of simd.h for AVX2: 8 lanes.
#ifdef __x86_64__
#pragma GCC target("avx2")
#include <immintrin.h>

enum { LANES = 8 };
typedef __m256i raw;  // any contents
#define ALL(name) _mm256_##name

#include "golden/simd_types.h"

static inline bool any(ints mask) { return _mm256_movemask_ps((__m256)mask) != 0; }
static inline ints widen(const uint8_t *p) { return (ints)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
static inline ints widen16(const uint8_t *p) { return (ints)_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)); }
static inline void narrow(int8_t *to, ints v) {
  for (int i = 0; i < LANES; i++) to[i] = (int8_t)v[i];
}
static inline ints gather(const uint32_t *table, ints index) {
  return (ints)_mm256_i32gather_epi32((const int *)table, (raw)index, 4);
}

static inline raw repeat16(const uint8_t *p) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)p));
}

// 16 bytes each of the row at p and the one 4 strides on.
static inline raw load_rows(const uint8_t *p, size_t stride) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)p)),
                                 _mm_loadu_si128((const __m128i *)(p + 4 * stride)), 1);
}

// 8 bytes each, in the lower half of 16.
static inline raw load_half_rows(const uint8_t *p, size_t stride) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadl_epi64((const __m128i *)p)),
                                 _mm_loadl_epi64((const __m128i *)(p + 4 * stride)), 1);
}

// Row by row the sum over tile [steps] (4 unsigned bytes per row and step) times
// the bytes x [4 * steps].
static inline ints dot(const raw *tile, const int8_t *x, uint32_t steps) {
  raw low = _mm256_setzero_si256(), high = low;  // two halves of the sum per row
  for (uint32_t k = 0; k < steps; k++) {
    int32_t four;
    memcpy(&four, x + 4 * k, 4);
    raw x16 = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
    low = _mm256_add_epi32(low, _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm256_castsi256_si128(tile[k])), x16));
    high = _mm256_add_epi32(high, _mm256_madd_epi16(_mm256_cvtepu8_epi16(_mm256_extracti128_si256(tile[k], 1)), x16));
  }
  return (ints)_mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xD8);
}

#include "golden/simd_vector.h"
#include "golden/simd_unit.h"

const mx_simd mx_simd_avx2 = {"avx2", vector, quantize, add_units};
#endif
