#ifndef MX_SYNTH_RANDOM_H
#define MX_SYNTH_RANDOM_H
// Random numbers by counter: number i of a stream is a function of the stream's
// key and i alone, so that any part can be made on its own, in any thread. The
// function is the output step of SplitMix64 (Steele, Lea, Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014).
#include <stdint.h>

#include "compiler/quant/random.h"

// The key of stream `index` of those that belong to `seed`.
static inline uint64_t mx_random_key(uint64_t seed, uint64_t index) {
  return mx_random_mix(mx_random_mix(seed + 0x9e3779b97f4a7c15u) + index * 0x9e3779b97f4a7c15u);
}

// 64 random bits.
static inline uint64_t mx_random_bits(uint64_t key, uint64_t i) {
  return mx_random_mix(key + (i + 1) * 0x9e3779b97f4a7c15u);
}

// Uniform in [0, 1).
static inline double mx_random_uniform(uint64_t key, uint64_t i) {
  return (double)(mx_random_bits(key, i) >> 11) * 0x1p-53;
}

// Numbers first .. first + n - 1 of a stream, normal with mean 0 and deviation 1,
// cut at 3.7 deviations. The caller has called mx_random_init.
void mx_random_normals(uint64_t key, uint64_t first, uint32_t n, float *out);
float mx_random_normal(uint64_t key, uint64_t i);

// Fills the table of normal quantiles; once, before threads start.
void mx_random_init(void);
#endif
