#include "compiler/quant/hadamard.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

// ---- known orders ------------------------------------------------------------

static bool is_prime(uint32_t n) {
  for (uint32_t d = 2; d * d <= n; d++)
    if (n % d == 0) return false;
  return n > 1;
}

// The modulus of a core; 0: there is none of this order.
static uint32_t paley_1(uint32_t core) { return core % 4 == 0 && is_prime(core - 1) ? core - 1 : 0; }
static uint32_t paley_2(uint32_t core) { return core % 8 == 4 && is_prime(core / 2 - 1) ? core / 2 - 1 : 0; }

// The smallest core of this order, 0: none is known.
static uint32_t find_core(uint32_t order) {
  if (!(order & (order - 1))) return 1;
  uint32_t core = order;
  while (core % 2 == 0) core /= 2;
  for (; core <= order; core *= 2)
    if (paley_1(core) || paley_2(core)) return core;
  return 0;
}

uint32_t mx_hadamard_order(uint32_t n) {
  uint32_t order = n < MX_HADAMARD_MAX ? n : MX_HADAMARD_MAX;
  while (n % order || !find_core(order)) order--;
  return order;
}

// ---- transforms of known order -------------------------------------------------

// twice[q + d] is the Legendre symbol of d modulo q, -q < d < q.
static void fill_symbols(uint32_t q, int8_t *twice) {
  memset(twice, -1, 2 * q);
  for (uint32_t i = 1; i < q; i++) twice[i * i % q] = twice[q + i * i % q] = 1;
  twice[0] = twice[q] = 0;
}

// y [q + 1] = S x, with `corner` the elements below S[0][0].
static void multiply_paley(const int8_t *twice, uint32_t q, int corner, const double *x, double *y) {
  y[0] = 0;
  for (uint32_t i = 0; i < q; i++) {
    y[0] += x[1 + i];
    y[1 + i] = corner * x[0];
  }
  for (uint32_t k = 0; k < q; k++)
    for (uint32_t i = 0; i < q; i++) y[1 + i] += twice[q + i - k] * x[1 + k];
}

static void transform_paley_1(const int8_t *twice, uint32_t q, double *x) {
  double y[MX_HADAMARD_MAX];
  multiply_paley(twice, q, -1, x, y);
  for (uint32_t i = 0; i <= q; i++) x[i] += y[i];
}

static void transform_paley_2(const int8_t *twice, uint32_t q, double *x) {
  double sum[MX_HADAMARD_MAX / 2], difference[MX_HADAMARD_MAX / 2], y[MX_HADAMARD_MAX / 2], z[MX_HADAMARD_MAX / 2];
  for (uint32_t i = 0; i <= q; i++) {
    sum[i] = x[2 * i] + x[2 * i + 1];
    difference[i] = x[2 * i] - x[2 * i + 1];
  }
  multiply_paley(twice, q, 1, sum, y);
  multiply_paley(twice, q, 1, difference, z);
  for (uint32_t i = 0; i <= q; i++) {
    x[2 * i] = y[i] + difference[i];
    x[2 * i + 1] = z[i] - sum[i];
  }
}

static void transform_cores(double *x, uint32_t n, uint32_t core) {
  int8_t twice[2 * MX_HADAMARD_MAX];
  uint32_t q = paley_1(core) ? paley_1(core) : paley_2(core);
  fill_symbols(q, twice);
  for (uint32_t at = 0; at < n; at += core)
    if (paley_1(core)) transform_paley_1(twice, q, x + at);
    else transform_paley_2(twice, q, x + at);
}

static void transform_sylvester(double *x, uint32_t order, uint32_t core) {
  for (uint32_t w = core; w < order; w *= 2)
    for (double *low = x; low < x + order; low += 2 * w) {
      double *high = low + w;
      for (uint32_t i = 0; i < w; i++) {
        double a = low[i], b = high[i];
        low[i] = a + b;
        high[i] = a - b;
      }
    }
}

void mx_hadamard_transform(double *x, uint32_t n, uint32_t order) {
  uint32_t core = find_core(order);
  double scale = 1 / sqrt(order);
  if (core > 1) transform_cores(x, n, core);
  for (uint32_t at = 0; at < n; at += order) transform_sylvester(x + at, order, core);
  for (uint32_t i = 0; i < n; i++) x[i] *= scale;
}

// ---- online ------------------------------------------------------------------

enum { LANES = 4 };

uint32_t mx_hadamard_segment(uint32_t n, uint32_t at) {
  uint32_t size = LANES;
  while (2 * size <= n - at) size *= 2;
  return size;
}

// Sum and difference of a and b, [n] each.
static void butterfly(float *a, float *b, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    float sum = a[i] + b[i], difference = a[i] - b[i];
    a[i] = sum;
    b[i] = difference;
  }
}

void mx_hadamard_online(float *x, uint32_t n) {
  for (uint32_t at = 0, size; at < n; at += size) {
    size = mx_hadamard_segment(n, at);
    for (uint32_t w = LANES; w < size; w *= 2)
      for (uint32_t from = at; from < at + size; from += 2 * w) butterfly(x + from, x + from + w, w);
  }
}

void mx_hadamard_online_head(float *head, uint32_t head_dim) {
  float first[64], second[64];  // heads of up to 128
  uint32_t half = head_dim / 2;
  for (uint32_t i = 0; i < half; i++) {
    first[i] = head[2 * i];
    second[i] = head[2 * i + 1];
  }
  butterfly(first, second, half);
  if (half % LANES == 0) {
    mx_hadamard_online(first, half);
    mx_hadamard_online(second, half);
  }
  for (uint32_t i = 0; i < half; i++) {
    head[2 * i] = first[i];
    head[2 * i + 1] = second[i];
  }
}
