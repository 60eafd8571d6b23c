#ifndef MX_QUANT_RANDOM_H
#define MX_QUANT_RANDOM_H
// Repeatable random numbers: splitmix64 (Steele, Lea, Flood, "Fast splittable
// pseudorandom number generators", OOPSLA 2014). What it gives is part of file
// formats (basis.h), so it stays as it is.
#include <stdint.h>

static inline uint64_t mx_random_mix(uint64_t z) {  // its output step
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static inline uint64_t mx_random_next(uint64_t *state) { return mx_random_mix(*state += 0x9e3779b97f4a7c15u); }
#endif
