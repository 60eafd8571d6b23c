#include "compiler/quant/rtn.h"

#include <math.h>
#include <string.h>

#include "golden/isa.h"
#include "golden/mxint.h"

uint16_t mx_half_from_float(float x) {
  if (x >= 65504.0f) return 0x7bff;
  if (x < 0x1p-14f) return (uint16_t)lrintf(x * 0x1p24f);
  int exponent;
  float fraction = frexpf(x, &exponent);  // [0.5, 1)
  long significand = lrintf(fraction * 2048.0f);
  return (uint16_t)(((exponent + 13) << 10) + significand);
}

float mx_half_to_float(uint16_t h) {
  int exponent = h >> 10 & 31, significand = h & 1023;
  float magnitude = exponent ? ldexpf((float)(1024 + significand), exponent - 25) : ldexpf((float)significand, -24);
  return h >> 15 ? -magnitude : magnitude;
}

static float clampf(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

static float max_magnitude(const float *w, uint32_t n) {
  float max = 0;
  for (uint32_t i = 0; i < n; i++) max = fmaxf(max, fabsf(w[i]));
  return max;
}

static void mxint_block(const float *w, uint32_t n, const mx_weight_format *f, int8_t *codes, uint16_t *scale) {
  uint32_t bits[MX_BLOCK_MAX];
  uint8_t byte;
  memcpy(bits, w, n * sizeof *w);
  int8_t padded[MX_BLOCK_MAX];
  mx_quantize_block(bits, n, mx_block_length(&f->stream), f->stream.bits, padded, &byte);
  memcpy(codes, padded, n);
  *scale = byte;
}

static void int4_block(const float *w, uint32_t n, int8_t *codes, uint16_t *scale) {
  *scale = mx_half_from_float(max_magnitude(w, n) / 7);
  float step = mx_half_to_float(*scale);
  for (uint32_t i = 0; i < n; i++) codes[i] = step > 0 ? (int8_t)clampf(rintf(w[i] / step), -8, 7) : 0;
}

static void int4z_block(const float *w, uint32_t n, int8_t *codes, uint16_t *scale, int8_t *zero) {
  float low = 0, high = 0;
  for (uint32_t i = 0; i < n; i++) {
    low = fminf(low, w[i]);
    high = fmaxf(high, w[i]);
  }
  *scale = mx_half_from_float((high - low) / 15);
  float step = mx_half_to_float(*scale);
  *zero = step > 0 ? (int8_t)(clampf(rintf(-low / step), 0, 15) - 8) : 0;
  for (uint32_t i = 0; i < n; i++)
    codes[i] = step > 0 ? (int8_t)clampf(rintf(w[i] / step) + *zero, -8, 7) : *zero;
}

int8_t mx_nearest_code(const int8_t table[16], float x) {
  int best = 0;
  for (int i = 1; i < 16; i++) {
    float here = fabsf(x - table[i]), least = fabsf(x - table[best]);
    if (here < least || (here == least && best % 2)) best = i;
  }
  return (int8_t)best;
}

// Scale rule of OCP MX for E2M1: its largest power of two is 4, so the shared
// exponent is floor(log2 max) - 2.
static void mxfp4_block(const float *w, uint32_t n, const int8_t table[16], int8_t *codes, uint16_t *scale) {
  float max = max_magnitude(w, n);
  int exponent = max > 0 ? ilogbf(max) - 2 : -127;
  if (exponent < -127) exponent = -127;
  *scale = (uint16_t)(exponent + 127);
  for (uint32_t i = 0; i < n; i++) codes[i] = mx_nearest_code(table, ldexpf(w[i], 1 - exponent));
}

void mx_rtn_block(const float *w, uint32_t n, const mx_weight_format *f, int8_t *codes, uint16_t *scale, int8_t *zero) {
  *zero = 0;
  if (f->codebook) mxfp4_block(w, n, f->table, codes, scale);
  else if (f->stream.zero) int4z_block(w, n, codes, scale, zero);
  else if (f->stream.scale == MX_SCALE_F16) int4_block(w, n, codes, scale);
  else mxint_block(w, n, f, codes, scale);
}

mx_status mx_quantize_rtn(const mx_matrix *m, const mx_weight_format *format, mx_qmatrix *out, mx_error *e) {
  mx_status s = mx_qmatrix_allocate(out, m->rows, m->cols, format, e);
  if (s) return s;
  uint32_t length = mx_block_length(&format->stream), blocks = mx_qmatrix_blocks(out);
  for (uint32_t row = 0; row < m->rows; row++) {
    for (uint32_t b = 0; b < blocks; b++) {
      size_t at = (size_t)row * m->cols + (size_t)b * length, side = (size_t)row * blocks + b;
      uint32_t n = m->cols - b * length < length ? m->cols - b * length : length;
      mx_rtn_block(m->data + at, n, format, out->codes + at, out->scales + side, out->zeros + side);
    }
  }
  return MX_OK;
}
