// MATMUL on the host's vectors: activations are put in the kernels' order once
// per instruction, then each unit goes to the kernel as it lies in the stream.
#include <string.h>

#include "golden/matmul.h"
#include "golden/simd.h"

enum { PAST = 4 };  // bytes beyond the last line that a kernel may read
enum { MOST_CODES = MX_MAX_GROUP * MX_MAX_BLOCK + PAST, MOST_UNIT = MX_MAX_GROUP * (3 + MX_MAX_BLOCK) };

static mx_simd_form form_of(const mx_stream_format *f) {
  if (f->planar) return MX_SIMD_PLANAR;
  return f->bits == MX_BITS_4 ? MX_SIMD_4 : f->bits == MX_BITS_6 ? MX_SIMD_6 : MX_SIMD_8;
}

static uint32_t line_bytes(const mx_stream_format *f) {
  return mx_block_length(f) * (f->planar ? 8 : mx_code_bits(f)) / 8;
}

static bool wraps(const mx_params *p, const mx_matmul *mm) {
  uint64_t end = (uint64_t)mm->x % p->XMEM_ELEMS + (uint64_t)mm->blocks * mx_block_length(&mm->format);
  return end > p->XMEM_ELEMS;
}

// ---- activations ---------------------------------------------------------------------

// Of eight elements, those of even index first: a word of eight codes splits into
// low and high nibbles.
static void split_even_odd(const int8_t *x, uint32_t n, int8_t *out) {
  for (uint32_t i = 0; i < n; i += 8)
    for (uint32_t k = 0; k < 4; k++) {
      out[i + k] = x[i + 2 * k];
      out[i + 4 + k] = x[i + 2 * k + 1];
    }
}

// mx_simd_block's factor for activations of scale x_exp.
static int32_t factor_of(const mx_matmul *mm, uint8_t x_exp) {
  int32_t exponent = x_exp - 127 - (int32_t)mm->frac;
  if (mm->format.scale == MX_SCALE_E8M0) return x_exp == 0xFF ? INT32_MIN : exponent * (1 << 23);
  int32_t limit = mm->format.scale == MX_SCALE_F16 ? 80 : 126;
  return x_exp == 0xFF || exponent < -limit || exponent > limit ? (int32_t)MX_FP_NAN : (exponent + 127) << 23;
}

// m->x_order [tokens][blocks * B] and m->x_blocks [blocks][tokens].
static void order_activations(mx_machine *m, const mx_matmul *mm) {
  uint32_t length = mx_block_length(&mm->format), n = mm->blocks * length, elems = m->params->XMEM_ELEMS;
  int32_t bias = form_of(&mm->format) == MX_SIMD_4 ? -8 : -128;
  for (uint32_t t = 0; t < mm->tokens; t++) {
    const int8_t *x = m->vec.xmem + (size_t)t * elems + mm->x % elems;
    const uint8_t *x_exp = m->vec.xexp + ((size_t)t * elems + mm->x % elems) / 16;
    if (form_of(&mm->format) == MX_SIMD_4) split_even_odd(x, n, m->x_order + (size_t)t * n);
    else memcpy(m->x_order + (size_t)t * n, x, n);
    for (uint32_t b = 0; b < mm->blocks; b++) {
      int32_t sum = 0;
      for (uint32_t i = 0; i < length; i++) sum += x[b * length + i];
      m->x_blocks[b * mm->tokens + t] = (mx_simd_block){bias * sum, factor_of(mm, x_exp[b * length / 16])};
    }
  }
}

// ---- weights -------------------------------------------------------------------------

// The lines of a slice, `bytes` each, to every `stride` bytes of out, `step` at a
// time. Parts of the slice lie a beat apart.
static inline void gather_slice(const uint8_t *from, uint32_t part, uint32_t beat, uint32_t lines, uint32_t bytes, uint32_t step,
                                uint8_t *out, uint32_t stride) {
  for (uint32_t at = 0; lines > 0; lines--, out += stride)
    for (uint32_t done = 0; done < bytes; done += step, at += step) {
      if (at == part) at = 0, from += beat;
      memcpy(out + done, from + at, step);
    }
}

static void gather_lines(const mx_params *p, const uint8_t *codes, uint32_t lines, uint32_t bytes, uint8_t *out) {
  uint32_t part = p->BUS_BITS / 8 / p->ROWS, beat = mx_beat_bytes(p), each = lines / p->ROWS, stride = p->ROWS * bytes;
  for (uint32_t s = 0; s < p->ROWS; s++)
    if (part == 16 && bytes % 16 == 0) gather_slice(codes + s * 16, 16, beat, each, bytes, 16, out + s * bytes, stride);
    else gather_slice(codes + s * part, part, beat, each, bytes, 4, out + s * bytes, stride);
}

// Lines lie one after another in the unit.
static bool in_place(const mx_params *p, const mx_stream_format *f) {
  return p->ROWS == 1 || line_bytes(f) == p->BUS_BITS / 8 / p->ROWS;
}

// The lines one after another, where they may be read beyond (6-bit codes are,
// by 4 bytes): in buffer if they are not so in place.
static const uint8_t *lines_of(const mx_params *p, const mx_stream_format *f, const uint8_t *codes, bool room,
                               uint8_t *buffer) {
  uint32_t bytes = line_bytes(f), lines = f->planar ? p->GROUP / 2 : p->GROUP;
  if (in_place(p, f) && (room || f->bits != MX_BITS_6)) return codes;
  gather_lines(p, codes, lines, bytes, buffer);
  return buffer;
}

// ---- the product -----------------------------------------------------------------------

// Takes `units` units from `bytes` on, blocks `block` .. of the reduction. room:
// PAST bytes follow them; more than one unit must be in place and have it.
static void add_units(const mx_machine *m, const mx_matmul *mm, const uint8_t *bytes, uint32_t block, uint32_t units, bool room,
                      const uint8_t *decode, uint32_t *sums) {
  const mx_stream_format *f = &mm->format;
  const mx_params *p = m->params;
  uint8_t codes[MOST_CODES];
  uint32_t length = mx_block_length(f), scale_bytes = (uint32_t)f->scale * p->GROUP;
  m->simd->add_units(&(mx_simd_units){
      .form = form_of(f), .block = length, .rows = p->GROUP, .units = units, .unit_bytes = mx_unit_bytes(p, f),
      .lines = lines_of(p, f, bytes + scale_bytes + (f->zero ? p->GROUP : 0), room, codes), .line_bytes = line_bytes(f),
      .decode = mm->codebook ? decode : NULL, .scales = bytes, .scale = f->scale,
      .zeros = f->zero ? (const int8_t *)bytes + scale_bytes : NULL, .frac = mm->frac, .tokens = mm->tokens,
      .x = m->x_order + (size_t)block * length, .x_stride = mm->blocks * length,
      .blocks = m->x_blocks + block * mm->tokens,
      .x_exp = m->vec.xexp + (mm->x % p->XMEM_ELEMS + block * length) / 16, .x_exp_stride = p->XMEM_ELEMS / 16,
      .sums = sums});
}

// To the bits of the definition, in place.
static void set_nans(uint32_t *sums, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) sums[i] = (sums[i] & ~MX_FP_SIGN) > MX_FP_INF ? MX_FP_NAN : sums[i];
}

static void write_group(mx_machine *m, const mx_matmul *mm, uint32_t group, uint32_t *sums) {
  uint32_t rows = m->params->GROUP, words = m->params->VMEM_WORDS, at = (uint16_t)(mm->dst + group * rows) % words;
  set_nans(sums, mm->tokens * rows);
  if (mm->tokens == 1 && !m->observer.write && at + rows <= words) {
    memcpy(m->vec.vmem + at, sums, rows * sizeof *sums);
    return;
  }
  for (uint32_t row = 0; row < rows; row++)
    for (uint32_t t = 0; t < mm->tokens; t++)
      mx_write_vmem(m, MX_UNIT_DOT, (uint16_t)(mm->dst + t * mm->stride + group * rows + row), sums[t * rows + row]);
}

// The next bytes of the stream lie side by side, with PAST bytes of memory behind.
static bool whole(const mx_machine *m, uint64_t bytes) {
  const mx_segment *s = m->segments;
  return m->n_segments && s->bytes >= bytes && s->addr + bytes + PAST <= m->mem_size;
}

static unsigned run_group(mx_machine *m, const mx_matmul *mm, uint32_t group, const uint8_t *decode) {
  uint32_t sums[MX_MAX_TOKENS * MX_MAX_GROUP];  // FP32 bits
  uint8_t scratch[MOST_UNIT];
  uint32_t unit_bytes = mx_unit_bytes(m->params, &mm->format);
  // All blocks at once, if they lie side by side and need no gathering.
  bool at_once = in_place(m->params, &mm->format) && whole(m, (uint64_t)mm->blocks * unit_bytes);
  uint32_t many = at_once ? mm->blocks : 1;
  memset(sums, 0, mm->tokens * m->params->GROUP * sizeof *sums);
  for (uint32_t block = 0; block < mm->blocks; block += many) {
    const uint8_t *unit = mx_stream_take(m, many * unit_bytes, scratch);
    if (!unit) return MX_FAULT_WATCHDOG;
    add_units(m, mm, unit, block, many, at_once, decode, sums);
  }
  write_group(m, mm, group, sums);
  return MX_FAULT_NONE;
}

bool mx_matmul_simd(mx_machine *m, const mx_matmul *mm, unsigned *fault) {
  uint8_t decode[16];
  if (!m->simd || wraps(m->params, mm)) return false;
  for (int i = 0; i < 16; i++) decode[i] = (uint8_t)(m->table[i] + 128);
  order_activations(m, mm);
  *fault = MX_FAULT_NONE;
  unsigned environment = mx_simd_enter();
  for (uint32_t group = 0; group < mm->groups && !*fault; group++) *fault = run_group(m, mm, group, decode);
  mx_simd_leave(environment);
  return true;
}
