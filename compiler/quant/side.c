#include "compiler/quant/side.h"

#include <float.h>

#include "compiler/quant/rtn.h"
#include "golden/isa.h"
#include "golden/mxint.h"

static float step_of(const mx_weight_format *f, uint16_t scale) {
  if (f->stream.scale == MX_SCALE_E8M0) return ldexpf(1, scale - 127 - (int)f->frac);
  return ldexpf(mx_half_to_float(scale), -(int)f->frac);
}

mx_side mx_side_of(const mx_weight_format *f, uint16_t scale, int8_t zero) {
  return (mx_side){.scale = scale, .zero = zero, .step = step_of(f, scale)};
}

mx_side mx_side_get(const mx_qmatrix *q, uint32_t row, uint32_t b) {
  if (q->steps) return (mx_side){.step = q->steps[row]};
  size_t at = (size_t)row * mx_qmatrix_blocks(q) + b;
  return mx_side_of(&q->format, q->scales[at], q->zeros[at]);
}

void mx_side_set(mx_qmatrix *q, uint32_t row, uint32_t b, const mx_side *s) {
  size_t at = (size_t)row * mx_qmatrix_blocks(q) + b;
  if (q->steps) {
    q->steps[row] = s->step;
    return;
  }
  q->scales[at] = s->scale;
  q->zeros[at] = s->zero;
}

mx_side mx_side_rtn(const float *w, uint32_t n, const mx_weight_format *f) {
  if (mx_weight_format_by_row(f)) return (mx_side){.step = mx_rtn_step(w, n, f)};
  int8_t codes[MX_BLOCK_MAX];
  mx_side s = {0};
  mx_rtn_block(w, n, f, codes, &s.scale, &s.zero);
  s.step = step_of(f, s.scale);
  return s;
}

// ---- candidates --------------------------------------------------------------

static uint32_t exponents(const mx_side *rtn, const mx_weight_format *f, mx_side *out) {
  uint32_t count = 0;
  for (int i = 0; i < 2; i++) {
    int byte = rtn->scale + (i ? 1 : -1);
    if (rtn->scale < 1 || byte < 0 || byte > 254) continue;
    out[count++] = (mx_side){.scale = (uint16_t)byte, .step = step_of(f, (uint16_t)byte)};
  }
  return count;
}

static mx_side half_side(const mx_weight_format *f, float step, int8_t zero) {
  uint16_t scale = mx_half_from_float(fabsf(step));
  if (step < 0) scale |= 0x8000;
  return (mx_side){.scale = scale, .zero = zero, .step = step_of(f, scale)};
}

static uint32_t zero_point_ranges(const float *w, uint32_t n, const mx_weight_format *f, mx_side *out) {
  float low = 0, high = 0;
  for (uint32_t i = 0; i < n; i++) {
    low = fminf(low, w[i]);
    high = fmaxf(high, w[i]);
  }
  uint32_t count = 0;
  for (int i = 1; i <= 10; i++) {
    float part = 1 - 0.05f * (float)i;
    mx_side s = half_side(f, part * (high - low) / 15, 0);
    if (s.step <= 0) continue;
    s.zero = (int8_t)(fminf(fmaxf(rintf(-part * low / s.step), 0), 15) - 8);
    out[count++] = s;
  }
  return count;
}

static uint32_t symmetric_ranges(const float *w, uint32_t n, const mx_weight_format *f, mx_side *out) {
  float largest = 0;
  for (uint32_t i = 0; i < n; i++)
    if (fabsf(w[i]) > fabsf(largest)) largest = w[i];
  uint32_t count = 0;
  for (int i = 0; i < 19; i++) {
    float part = 1 - 0.05f * (float)((i + 1) / 2);
    mx_side s = half_side(f, part * (i % 2 ? fabsf(largest) / 7 : largest / -8), 0);
    if (s.step != 0) out[count++] = s;
  }
  return count;
}

static uint32_t shorter_steps(const mx_side *rtn, mx_side *out) {
  uint32_t count = 0;
  for (; count + 1 < MX_SIDES_MAX && rtn->step > 0; count++)
    out[count] = (mx_side){.step = rtn->step * (1 - 0.025f * (float)(count + 1))};
  return count;
}

uint32_t mx_side_candidates(const float *w, uint32_t n, const mx_weight_format *f, mx_side out[MX_SIDES_MAX]) {
  out[0] = mx_side_rtn(w, n, f);
  if (mx_weight_format_by_row(f)) return 1 + shorter_steps(&out[0], out + 1);
  if (f->stream.scale == MX_SCALE_E8M0) return 1 + exponents(&out[0], f, out + 1);
  return 1 + (f->stream.zero ? zero_point_ranges(w, n, f, out + 1) : symmetric_ranges(w, n, f, out + 1));
}

// ---- codes -------------------------------------------------------------------

int8_t mx_side_code(const mx_side *s, const mx_weight_format *f, float w) {
  if (f->codebook) return mx_nearest_code(f->table, w / s->step);
  bool e8m0 = f->stream.scale == MX_SCALE_E8M0;
  if (s->step == 0 || (e8m0 && fabsf(w) < FLT_MIN)) return s->zero;  // MXINT reads subnormals as 0
  bool symmetric = e8m0 || mx_weight_format_by_row(f);
  float high = symmetric ? (float)mx_element_max(f->stream.bits) : 7, low = symmetric ? -high : -8;
  return (int8_t)fminf(fmaxf(rintf(w / s->step) + (float)s->zero, low), high);
}

static void round_block(float *w, uint32_t n, const mx_weight_format *f) {
  int8_t codes[MX_BLOCK_MAX];
  mx_side s = {0};
  mx_rtn_block(w, n, f, codes, &s.scale, &s.zero);
  s.step = step_of(f, s.scale);
  for (uint32_t i = 0; i < n; i++) w[i] = mx_side_value(&s, f, codes[i]);
}

static void round_by_step(float *w, uint32_t n, const mx_weight_format *f) {
  mx_side s = mx_side_rtn(w, n, f);
  for (uint32_t i = 0; i < n; i++) w[i] = mx_side_value(&s, f, mx_side_code(&s, f, w[i]));
}

void mx_round_rtn(float *w, uint32_t n, const mx_weight_format *f) {
  uint32_t length = mx_block_length(&f->stream);
  if (mx_weight_format_by_row(f)) round_by_step(w, n, f);
  else
    for (uint32_t at = 0; at < n; at += length) round_block(w + at, n - at < length ? n - at : length, f);
}

void mx_round_parts(float *w, uint32_t n, const mx_matrix_format *f) {
  for (unsigned i = 0; i < f->n_parts; i++) {
    uint32_t size = i + 1 < f->n_parts ? f->part[i].cols : n;
    mx_round_rtn(w, size, &f->part[i].weights);
    w += size;
    n -= size;
  }
}

uint64_t mx_qmatrix_bits(const mx_qmatrix *q) {
  mx_matrix_format f = mx_qmatrix_format(q);
  return mx_matrix_format_bits(&f, q->rows);
}

void mx_qmatrix_row(const mx_qmatrix *q, uint32_t row, float *out) {
  uint32_t length = mx_side_columns(&q->format, q->cols);
  for (uint32_t i = 0; i < q->cols; i++) {
    mx_side s = mx_side_get(q, row, i / length);
    out[i] = mx_side_value(&s, &q->format, q->codes[(size_t)row * q->cols + i]);
  }
  if (q->rest) mx_qmatrix_row(q->rest, row, out + q->cols);
}
