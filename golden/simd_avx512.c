// The kernels of simd.h for AVX-512 with VNNI: 16 lanes.
#ifdef __x86_64__
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
#include <immintrin.h>

enum { LANES = 16 };
typedef __m512i raw;  // any contents
#define ALL(name) _mm512_##name

#include "golden/simd_types.h"

static inline bool any(ints mask) { return _mm512_movepi32_mask((raw)mask) != 0; }
static inline ints widen(const uint8_t *p) { return (ints)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)); }
static inline ints widen16(const uint8_t *p) { return (ints)_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)); }
static inline void narrow(int8_t *to, ints v) { _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8((raw)v)); }
static inline ints gather(const uint32_t *table, ints index) {
  return (ints)_mm512_i32gather_epi32((raw)index, table, 4);
}

static inline raw repeat16(const uint8_t *p) { return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)p)); }

// 16 bytes each of the rows at p, 4, 8 and 12 strides on.
static inline raw load_rows(const uint8_t *p, size_t stride) {
  raw v = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)p));
  v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(p + 4 * stride)), 1);
  v = _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(p + 8 * stride)), 2);
  return _mm512_inserti32x4(v, _mm_loadu_si128((const __m128i *)(p + 12 * stride)), 3);
}

// 8 bytes each, in the lower half of 16.
static inline raw load_half_rows(const uint8_t *p, size_t stride) {
  raw v = _mm512_castsi128_si512(_mm_loadl_epi64((const __m128i *)p));
  v = _mm512_inserti32x4(v, _mm_loadl_epi64((const __m128i *)(p + 4 * stride)), 1);
  v = _mm512_inserti32x4(v, _mm_loadl_epi64((const __m128i *)(p + 8 * stride)), 2);
  return _mm512_inserti32x4(v, _mm_loadl_epi64((const __m128i *)(p + 12 * stride)), 3);
}

// Row by row the sum over tile [steps] (4 unsigned bytes per row and step) times
// the bytes x [4 * steps].
static inline ints dot(const raw *tile, const int8_t *x, uint32_t steps) {
  raw even = _mm512_setzero_si512(), odd = even;
  for (uint32_t k = 0; k < steps; k += 2) {
    int32_t x0, x1;
    memcpy(&x0, x + 4 * k, 4);
    memcpy(&x1, x + 4 * k + 4, 4);
    even = _mm512_dpbusd_epi32(even, tile[k], _mm512_set1_epi32(x0));
    odd = _mm512_dpbusd_epi32(odd, tile[k + 1], _mm512_set1_epi32(x1));
  }
  return (ints)even + (ints)odd;
}

#include "golden/simd_vector.h"
#include "golden/simd_unit.h"
#include "golden/simd_usual.h"

static void add_all_units(const mx_simd_units *u) {
  if (!add_usual_units(u)) add_units(u);
}

const mx_simd mx_simd_avx512 = {"avx512", vector, quantize, add_all_units};
#endif
