// Microinstructions on the host's vectors, where no address wraps and no
// element is read after another one wrote it.
#include <string.h>

#include "golden/mxint.h"
#include "golden/vec_fast.h"

// A run of words that does not wrap; NULL if it does.
static uint32_t *run_of(const mx_vec_state *s, uint32_t address, uint32_t n) {
  uint32_t at = address % s->params->VMEM_WORDS;
  return n <= s->params->VMEM_WORDS - at ? s->vmem + at : NULL;
}

// Would writing dst in order change elements of src [n] before they are read?
static bool spoils(const uint32_t *dst, const uint32_t *src, uint32_t n) { return dst > src && dst < src + n; }

bool mx_vec_fast_vector(mx_vec_state *s, const mx_vec_operands *o) {
  bool reduce = o->red != MX_RED_NONE, unary = o->op == MX_UOP_MOV;
  const uint32_t *a = run_of(s, o->a, o->n), *b = run_of(s, o->b, o->broadcast || unary ? 1 : o->n);
  uint32_t *dst = run_of(s, o->dst, reduce ? 1 : o->n);
  if (!a || !b || !dst) return false;
  if (!reduce && (spoils(dst, a, o->n) || (!o->broadcast && !unary && spoils(dst, b, o->n)))) return false;
  uint32_t scalar = *b;  // read before the first element is written
  mx_simd_vector v = {.op = o->op, .fn = o->fn, .red = o->red, .broadcast = o->broadcast, .n = o->n, .a = a,
                      .b = o->broadcast ? &scalar : b, .dst = dst};
  unsigned environment = mx_simd_enter();
  s->simd->vector(&v);
  mx_simd_leave(environment);
  return true;
}

static void quantize(const mx_vec_state *s, const mx_vec_quant *o, const uint32_t *v, int8_t *q, uint8_t *scale) {
  unsigned environment = mx_simd_enter();
  bool done = s->simd->quantize(v, o->block, o->bits, o->fixed, q, scale);
  mx_simd_leave(environment);
  if (!done) (o->fixed ? mx_quantize_fixed : mx_quantize_block)(v, o->block, o->block, o->bits, q, scale);
}

bool mx_vec_fast_quant(mx_vec_state *s, const mx_vec_quant *o) {
  uint32_t elems = s->params->XMEM_ELEMS, blocks = (o->n + o->block - 1) / o->block, at = o->dst % elems;
  const uint32_t *v = run_of(s, o->a, o->n);
  if (!v || blocks * o->block > elems - at) return false;
  int8_t *q = s->xmem + (size_t)o->bank * elems + at;
  uint8_t *scale = s->xexp + ((size_t)o->bank * elems + at) / 16;
  for (uint32_t done = 0; done < o->n; done += o->block) {
    uint32_t padded[MX_BLOCK_MAX] = {0};
    const uint32_t *from = v + done;
    if (o->n - done < o->block) from = memcpy(padded, from, 4 * (o->n - done));
    quantize(s, o, from, q + done, scale + done / 16);
  }
  return true;
}
