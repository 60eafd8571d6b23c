#include "compiler/quant/basis.h"

#include <stdbool.h>
#include <stdlib.h>

#include "compiler/quant/hadamard.h"
#include "compiler/quant/random.h"
#include "golden/bytes.h"

// ---- application -------------------------------------------------------------

// Channels at .. at + hadamard - 1 of H D x.
static void rotate_block(const mx_basis *b, uint32_t at, const float *x, uint64_t *state, double *out) {
  for (uint32_t i = 0; i < b->hadamard; i++) out[i] = mx_random_next(state) >> 63 ? -x[at + i] : x[at + i];
  mx_hadamard_transform(out, b->hadamard, b->hadamard);
}

// What block [size] of H D x gives to y.
static void place(const mx_basis *b, uint32_t dim, uint32_t at, const double *block, uint32_t size, float *y) {
  for (uint32_t i = 0; i < size && !b->order; i++) y[at + i] = (float)block[i];
  for (uint32_t i = 0; i < dim && b->order; i++)
    if (b->order[i] >= at && b->order[i] - at < size) y[i] = (float)block[b->order[i] - at];
}

void mx_basis_apply(const mx_basis *b, uint32_t dim, const float *x, float *y) {
  double block[MX_HADAMARD_MAX];
  uint64_t state = b->seed;
  for (uint32_t at = 0; at < dim && b->hadamard; at += b->hadamard) {
    rotate_block(b, at, x, &state, block);
    place(b, dim, at, block, b->hadamard, y);
  }
  for (uint32_t i = 0; i < dim && !b->hadamard; i++) y[i] = x[b->order ? b->order[i] : i];
}

// ---- serial form -------------------------------------------------------------

enum { HEAD_BYTES = 16 };

size_t mx_basis_write(const mx_basis *b, uint32_t dim, uint8_t *out) {
  size_t n = HEAD_BYTES + (b->order ? 4 * (size_t)dim : 0);
  if (!out) return n;
  const uint32_t head[] = {b->hadamard, (uint32_t)b->seed, (uint32_t)(b->seed >> 32), b->order != NULL};
  for (size_t i = 0; i < 4; i++) mx_store_u32(out + 4 * i, head[i]);
  for (size_t i = 0; i < dim && b->order; i++) mx_store_u32(out + HEAD_BYTES + 4 * i, b->order[i]);
  return n;
}

static mx_status check_order(const uint32_t *order, uint32_t dim, mx_loc at, mx_error *e) {
  bool *seen = calloc(dim ? dim : 1, sizeof *seen);
  if (!seen) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for an order of %u channels", dim);
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < dim && !s; i++) {
    if (order[i] >= dim || seen[order[i]])
      s = mx_fail(e, MX_FORMAT, at, "an order of %u channels with channel %u at place %u, out of range or twice", dim,
                  order[i], i);
    else seen[order[i]] = true;
  }
  free(seen);
  return s;
}

mx_status mx_basis_check(const mx_basis *b, uint32_t dim, mx_loc at, mx_error *e) {
  if (b->hadamard && (b->hadamard > dim || dim % b->hadamard || mx_hadamard_order(b->hadamard) != b->hadamard))
    return mx_fail(e, MX_FORMAT, at, "a basis of Hadamard blocks of %u, unknown or no divisor of %u channels",
                   b->hadamard, dim);
  return b->order ? check_order(b->order, dim, at, e) : MX_OK;
}

mx_status mx_basis_read(const uint8_t *bytes, size_t n, uint32_t dim, mx_basis *out, mx_error *e) {
  *out = (mx_basis){0};
  if (n < HEAD_BYTES) return mx_fail(e, MX_FORMAT, MX_NOWHERE, "a basis in %zu bytes", n);
  uint32_t ordered = mx_load_u32(bytes + 12);
  if (ordered > 1 || n - HEAD_BYTES != (ordered ? 4 * (size_t)dim : 0))
    return mx_fail(e, MX_FORMAT, MX_NOWHERE, "a basis of %u channels in %zu bytes", dim, n);
  *out = (mx_basis){.hadamard = mx_load_u32(bytes), .seed = (uint64_t)mx_load_u32(bytes + 8) << 32 | mx_load_u32(bytes + 4)};
  if (ordered && !(out->order = malloc(4 * (size_t)dim)))
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for an order of %u channels", dim);
  for (size_t i = 0; i < dim && ordered; i++) out->order[i] = mx_load_u32(bytes + HEAD_BYTES + 4 * i);
  mx_status s = mx_basis_check(out, dim, MX_NOWHERE, e);
  if (s) {
    free(out->order);
    *out = (mx_basis){0};
  }
  return s;
}
