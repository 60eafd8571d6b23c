#include "compiler/synth/random.h"

#include <math.h>

// Quantiles of the normal distribution at i / INTERVALS, straight lines between:
// quicker than logarithms and cosines, which a model of 10^9 weights would notice.
enum { INDEX_BITS = 12, INTERVALS = 1 << INDEX_BITS, FRACTION_BITS = 32 - INDEX_BITS };
static float quantiles[INTERVALS + 1];

// By bisection on the distribution function.
static double quantile(double p) {
  double low = -10, high = 10;
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (0.5 * erfc(-middle / sqrt(2)) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

void mx_random_init(void) {
  double end = 1.0 / (2.2 * INTERVALS);  // for the two ends, which lie at infinity
  for (int i = 0; i <= INTERVALS; i++) {
    double p = (double)i / INTERVALS;
    quantiles[i] = (float)quantile(p < end ? end : p > 1 - end ? 1 - end : p);
  }
}

static inline float normal(uint32_t bits) {
  uint32_t i = bits >> FRACTION_BITS;
  float fraction = (float)(bits & ((1u << FRACTION_BITS) - 1)) * (1.0f / (1u << FRACTION_BITS));
  return quantiles[i] + fraction * (quantiles[i + 1] - quantiles[i]);
}

// Two numbers from 64 bits.
float mx_random_normal(uint64_t key, uint64_t i) {
  uint64_t bits = mx_random_bits(key, i / 2);
  return normal((uint32_t)(i % 2 ? bits >> 32 : bits));
}

void mx_random_normals(uint64_t key, uint64_t first, uint32_t n, float *out) {
  for (uint32_t i = 0; i < n; i++) out[i] = mx_random_normal(key, first + i);
}
