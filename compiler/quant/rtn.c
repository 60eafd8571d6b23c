#include "compiler/quant/rtn.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/quant/side.h"
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
    if (here < least || (here == least && best % 2 && i % 2 == 0)) best = i;
  }
  return (int8_t)best;
}

// Exponent of the largest power of two among a table's magnitudes: 2 for E2M1,
// whose largest is 6. A fitted table is fitted to values below 2.
static int table_exponent(const mx_weight_format *f) {
  int largest = 1;
  for (int i = 0; i < 16 && !f->fitted; i++) largest = abs(f->table[i]) > largest ? abs(f->table[i]) : largest;
  return f->fitted ? 0 : ilogb(largest) - (int)f->frac;
}

// Scale rule of OCP MX: the shared exponent is floor(log2 max) minus the table's.
static void codebook_block(const float *w, uint32_t n, const mx_weight_format *f, int8_t *codes, uint16_t *scale) {
  float max = max_magnitude(w, n);
  int exponent = max > 0 ? ilogbf(max) - table_exponent(f) : -127;
  if (exponent < -127) exponent = -127;
  if (exponent > 127) exponent = 127;
  *scale = (uint16_t)(exponent + 127);
  for (uint32_t i = 0; i < n; i++) codes[i] = mx_nearest_code(f->table, ldexpf(w[i], (int)f->frac - exponent));
}

void mx_rtn_block(const float *w, uint32_t n, const mx_weight_format *f, int8_t *codes, uint16_t *scale, int8_t *zero) {
  *zero = 0;
  if (f->codebook) codebook_block(w, n, f, codes, scale);
  else if (f->stream.zero) int4z_block(w, n, codes, scale, zero);
  else if (f->stream.scale == MX_SCALE_F16) int4_block(w, n, codes, scale);
  else mxint_block(w, n, f, codes, scale);
}

float mx_rtn_step(const float *w, uint32_t n, const mx_weight_format *f) {
  float step = max_magnitude(w, n) / (float)mx_element_max(f->stream.bits);
  return step < FLT_MIN ? 0 : step;
}

static void round_by_step(const float *w, mx_qmatrix *q, uint32_t row) {
  mx_side s = mx_side_rtn(w, q->cols, &q->format);
  mx_side_set(q, row, 0, &s);
  for (uint32_t i = 0; i < q->cols; i++) q->codes[(size_t)row * q->cols + i] = mx_side_code(&s, &q->format, w[i]);
}

// w [q->cols]: the row in this part.
static void round_row(const float *w, mx_qmatrix *q, uint32_t row) {
  uint32_t length = mx_block_length(&q->format.stream), blocks = mx_qmatrix_blocks(q);
  if (q->steps) {
    round_by_step(w, q, row);
    return;
  }
  for (uint32_t b = 0; b < blocks; b++) {
    size_t side = (size_t)row * blocks + b;
    mx_rtn_block(w + b * length, mx_block_size(q->cols, length, b), &q->format,
                 q->codes + (size_t)row * q->cols + b * length, q->scales + side, q->zeros + side);
  }
}

mx_status mx_quantize_rtn(const mx_matrix *m, const mx_matrix_format *format, mx_qmatrix *out, mx_error *e) {
  mx_status s = mx_qmatrix_allocate_parts(out, m->rows, format, e);
  uint32_t first = 0;
  for (mx_qmatrix *q = out; q && !s; first += q->cols, q = q->rest)
    for (uint32_t row = 0; row < m->rows; row++) round_row(m->data + (size_t)row * m->cols + first, q, row);
  return s;
}
