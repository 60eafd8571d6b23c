// Part of simd_avx512.c: the usual units, with codes of 4 or 8 bits in blocks of
// 32, those of 8 bits without zero points, for up to four tokens. It differs from
// simd_unit.h in that
//   - codes are loaded as whole vectors of several rows, and scales and sums
//     have the order of rows that `transpose` makes of that;
//   - 4-bit codes in two's complement without zero points are used as nibbles +
//     8, the upper ones where they are, 16 times their value;
//   - 8-bit codes are multiplied as they lie, and then the sums are transposed;
//   - all rows of a unit are done together, and sums stay in registers.

#define HOT static inline __attribute__((always_inline))
typedef enum { NIBBLES, TABLE, BYTES } usual_form;  // TABLE: 4-bit codes with a decode table or zero points
enum { MOST_TOKENS = 4, AHEAD = 4096 };  // AHEAD: bytes of the stream to fetch early

// From the order of rows to that of `transpose` and back: entry 4j + i is row 4i + j.
HOT ints swap_order(ints v) {
  const ints order = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  return (ints)_mm512_permutexvar_epi32((raw)order, (raw)v);
}

// ---- integer sums of 16 rows and a block ------------------------------------------------

// part[k]: the even codes + 8 of word k of all rows; part[4 + k]: 16 * (odd codes + 8).
HOT void load_nibbles(const uint8_t *lines, raw part[8]) {
  raw in[4], w[4];
  for (int i = 0; i < 4; i++) in[i] = _mm512_loadu_si512(lines + 64 * i);
  transpose(in, w);
  const int xor_and = 0x28;  // (a ^ b) & c
  for (int k = 0; k < 4; k++) {
    part[k] = _mm512_ternarylogic_epi32(w[k], (raw)all(0x08080808), (raw)all(0x0F0F0F0F), xor_and);
    part[4 + k] = _mm512_ternarylogic_epi32(w[k], (raw)all((int)0x80808080), (raw)all((int)0xF0F0F0F0), xor_and);
  }
}

// part[k], part[4 + k]: weights + 128 of the even and the odd codes. `zeros`: of
// the 16 rows, or NULL.
HOT void look_up(const uint8_t *lines, const uint8_t *decode, const int8_t *zeros, raw part[8]) {
  static const uint8_t plain[16] = {128, 129, 130, 131, 132, 133, 134, 135, 120, 121, 122, 123, 124, 125, 126, 127};
  raw in[4], w[4], table = repeat16(decode ? decode : plain);
  for (int i = 0; i < 4; i++) in[i] = _mm512_loadu_si512(lines + 64 * i);
  transpose(in, w);
  for (int k = 0; k < 4; k++) {
    part[k] = _mm512_shuffle_epi8(table, (raw)((words)w[k] & 0x0F0F0F0F));
    part[4 + k] = _mm512_shuffle_epi8(table, (raw)((words)w[k] >> 4 & 0x0F0F0F0F));
  }
  if (!zeros) return;
  const ints four_times = {0x00000000, 0x04040404, 0x08080808, 0x0C0C0C0C, 0x01010101, 0x05050505, 0x09090909, 0x0D0D0D0D,
                           0x02020202, 0x06060606, 0x0A0A0A0A, 0x0E0E0E0E, 0x03030303, 0x07070707, 0x0B0B0B0B, 0x0F0F0F0F};
  raw zero = _mm512_shuffle_epi8(repeat16((const uint8_t *)zeros), (raw)four_times);
  for (int k = 0; k < 8; k++) part[k] = _mm512_sub_epi8(part[k], zero);
}

HOT raw repeat4(const int8_t *p) {
  int32_t four;
  memcpy(&four, p, 4);
  return (raw)all(four);
}

// The odd parts stand for their value shifted left by `shift`.
HOT ints dot_even_odd(const raw part[8], const int8_t *x, int32_t offset, int shift) {
  raw even = (raw)all(offset), odd = _mm512_setzero_si512();
  for (int k = 0; k < 4; k++) {
    even = _mm512_dpbusd_epi32(even, part[k], repeat4(x + 8 * k));
    odd = _mm512_dpbusd_epi32(odd, part[4 + k], repeat4(x + 8 * k + 4));
  }
  return (ints)even + ((ints)odd >> shift);
}

// part[i]: bytes + 128 of rows 2i and 2i + 1.
HOT void load_bytes(const uint8_t *lines, raw part[8]) {
  for (int i = 0; i < 8; i++) part[i] = (raw)((ints)_mm512_loadu_si512(lines + 64 * i) ^ all((int)0x80808080));
}

// Sums of the four words of each 16 bytes: of a in word 0 of the 16, b, c, d.
HOT raw sum_words(const raw v[4]) {
  ints ab = (ints)_mm512_unpacklo_epi32(v[0], v[1]) + (ints)_mm512_unpackhi_epi32(v[0], v[1]);
  ints cd = (ints)_mm512_unpacklo_epi32(v[2], v[3]) + (ints)_mm512_unpackhi_epi32(v[2], v[3]);
  return (raw)((ints)_mm512_unpacklo_epi64((raw)ab, (raw)cd) + (ints)_mm512_unpackhi_epi64((raw)ab, (raw)cd));
}

HOT ints dot_bytes(const raw part[8], const int8_t *x, int32_t offset) {
  raw x32 = _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)x)), v[8];
  for (int i = 0; i < 8; i++) v[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(), part[i], x32);
  // Word i of 16 bytes 2r + h of `upper` is of row 2i + r, columns 16h ..; `lower` has rows 8 ..
  raw upper = sum_words(v), lower = sum_words(v + 4);
  const ints left = {0, 2, 16, 18, 8, 10, 24, 26, 1, 3, 17, 19, 9, 11, 25, 27};
  ints sum = (ints)_mm512_permutex2var_epi32(upper, (raw)left, lower) +
             (ints)_mm512_permutex2var_epi32(upper, (raw)(left + 4), lower);
  return sum + all(offset);
}

HOT void load_codes(const mx_simd_units *u, uint32_t i, uint32_t row, usual_form form, const uint8_t *lines, raw part[8]) {
  if (form == BYTES) load_bytes(lines, part);
  else if (form == NIBBLES) load_nibbles(lines, part);
  else look_up(lines, u->decode, u->zeros ? u->zeros + (size_t)i * u->unit_bytes + row : NULL, part);
}

HOT ints dot_codes(usual_form form, const raw part[8], const int8_t *x, int32_t offset) {
  if (form == BYTES) return dot_bytes(part, x, offset);
  return form == NIBBLES ? dot_even_odd(part, x, offset, 4) : dot_even_odd(part, x, 16 * offset, 0);
}

// ---- scales ------------------------------------------------------------------------------

// The scales of 16 rows as they enter every token's factor, and whether one is
// the NaN of E8M0.
HOT ints load_scales(const uint8_t *scales, mx_scale_kind kind, bool *nan) {
  *nan = false;
  if (kind == MX_SCALE_NONE) return all(0);
  if (kind == MX_SCALE_F16) return swap_order((ints)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)scales)));
  const ints to_top = {0x00808080, 0x04808080, 0x08808080, 0x0C808080, 0x01808080, 0x05808080, 0x09808080, 0x0D808080,
                       0x02808080, 0x06808080, 0x0A808080, 0x0E808080, 0x03808080, 0x07808080, 0x0B808080, 0x0F808080};
  __m128i bytes = _mm_loadu_si128((const __m128i *)scales);
  *nan = _mm_cmpeq_epi8_mask(bytes, _mm_set1_epi8(-1)) != 0;
  return shift_right((ints)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(bytes), (raw)to_top), all(1));
}

// scale * 2^(exponent of the activations) of load_scales and mx_simd_block;
// *safe if it may be used in all lanes.
HOT ints usual_factor(mx_scale_kind kind, ints scale, int32_t x_factor, bool *safe) {
  const int not_positive = 0xFF, not_finite = 0x99;
  if (kind == MX_SCALE_F16) {
    floats f = (floats)scale * (floats)all(x_factor);
    *safe = !_mm512_fpclass_ps_mask((__m512)f, not_finite);
    return (ints)f;
  }
  words f = (words)scale + (words)all(x_factor);
  *safe = !_mm512_fpclass_ps_mask((__m512)f, not_positive);
  return (ints)f;
}

// acc + the terms of unit i, any scales.
static __attribute__((noinline)) ints add_any_terms(const mx_simd_units *units, uint32_t i, uint32_t row, uint32_t t, ints sum,
                                                    ints acc) {
  mx_simd_units u = *units;
  uint32_t rows[LANES];
  u.scales += (size_t)i * u.unit_bytes;
  store(rows, swap_order(acc));
  add_terms(&u, row, swap_order(sum), u.x_exp[(size_t)t * u.x_exp_stride + i * (u.block / 16)], rows);
  return swap_order(load(rows));
}

// ---- units -------------------------------------------------------------------------------

// acc [tokens] += the terms of rows `row` .. of unit i.
HOT void add_usual_rows(const mx_simd_units *u, uint32_t i, uint32_t row, usual_form form, uint32_t tokens,
                        mx_scale_kind kind, ints *acc) {
  uint32_t line = form == BYTES ? 32 : 16;
  const uint8_t *lines = u->lines + (size_t)i * u->unit_bytes + row * line;
  for (uint32_t k = 0; k < LANES * line; k += 64) _mm_prefetch((const char *)lines + AHEAD + k, _MM_HINT_T0);
  raw part[8];
  load_codes(u, i, row, form, lines, part);
  bool nan, safe;
  ints scale = load_scales(u->scales + (size_t)i * u->unit_bytes + row * (uint32_t)kind, kind, &nan);
  const mx_simd_block *block = u->blocks + (size_t)i * tokens;
  for (uint32_t t = 0; t < tokens; t++) {
    const int8_t *x = u->x + (size_t)t * u->x_stride + i * 32;
    ints sum = dot_codes(form, part, x, block[t].offset);
    ints f = usual_factor(kind, scale, block[t].factor, &safe);
    if (__builtin_expect(nan | !safe, 0)) {
      acc[t] = add_any_terms(u, i, row, t, sum, acc[t]);
      continue;
    }
    floats term = (floats)to_floats(sum) * (floats)f;
    if (kind == MX_SCALE_F16) term += (floats)all(0);  // of a zero sum +0
    acc[t] = (ints)((floats)acc[t] + term);
  }
}

// Units of LANES * parts rows. All but u are constants.
HOT void add_usual(const mx_simd_units *u, usual_form form, uint32_t parts, uint32_t tokens, mx_scale_kind kind) {
  ints acc[2][MOST_TOKENS];
  for (uint32_t r = 0; r < parts; r++)
    for (uint32_t t = 0; t < tokens; t++) acc[r][t] = swap_order(load(u->sums + t * u->rows + r * LANES));
  for (uint32_t i = 0; i < u->units; i++)
    for (uint32_t r = 0; r < parts; r++) add_usual_rows(u, i, r * LANES, form, tokens, kind, acc[r]);
  for (uint32_t r = 0; r < parts; r++)
    for (uint32_t t = 0; t < tokens; t++) store(u->sums + t * u->rows + r * LANES, swap_order(acc[r][t]));
}

static inline uint32_t variant(usual_form form, uint32_t parts, uint32_t tokens, mx_scale_kind kind) {
  return (((uint32_t)form * 4 + parts) * 8 + tokens) * 4 + (uint32_t)kind;
}

// False, and nothing done, if the units are not usual.
static bool add_usual_units(const mx_simd_units *u) {
  bool coded = u->zeros || u->decode, usual = u->form == MX_SIMD_4 || (u->form == MX_SIMD_8 && !coded);
  if (!usual || u->block != 32 || u->tokens > MOST_TOKENS || u->rows > 2 * LANES) return false;
  usual_form form = u->form == MX_SIMD_8 ? BYTES : coded ? TABLE : NIBBLES;
  uint32_t wanted = variant(form, u->rows / LANES, u->tokens, u->scale);
#define TRY(form, parts, tokens, kind) \
  if (wanted == variant(form, parts, tokens, kind)) return add_usual(u, form, parts, tokens, kind), true;
#define TRY_SCALES(form, parts, tokens) \
  TRY(form, parts, tokens, MX_SCALE_E8M0) TRY(form, parts, tokens, MX_SCALE_F16) TRY(form, parts, tokens, MX_SCALE_NONE)
#define TRY_TOKENS(form, parts) \
  TRY_SCALES(form, parts, 1) TRY_SCALES(form, parts, 2) TRY_SCALES(form, parts, 3) TRY_SCALES(form, parts, 4)
  TRY_TOKENS(NIBBLES, 1)
  TRY_TOKENS(NIBBLES, 2)
  TRY_TOKENS(TABLE, 1)
  TRY_TOKENS(TABLE, 2)
  TRY_TOKENS(BYTES, 1)
  TRY_TOKENS(BYTES, 2)
  return false;
}
