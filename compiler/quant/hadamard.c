#include "compiler/quant/hadamard.h"

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
