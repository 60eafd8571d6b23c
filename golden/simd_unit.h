// Part of simd_avx512.c and simd_avx2.c: a unit of a matrix product, LANES rows
// at a time.

enum { MOST_STEPS = 128 / 4 };  // words of a row of the longest block

// ---- weights to a tile: 4 elements + 128 of LANES rows per step -------------------------

// Words 0 .. 3 of the 16 bytes of each row, rows in the order of the lanes.
static inline void transpose(const raw in[4], raw out[4]) {
  raw a = ALL(unpacklo_epi32)(in[0], in[1]), b = ALL(unpacklo_epi32)(in[2], in[3]);
  raw c = ALL(unpackhi_epi32)(in[0], in[1]), d = ALL(unpackhi_epi32)(in[2], in[3]);
  out[0] = ALL(unpacklo_epi64)(a, b);
  out[1] = ALL(unpackhi_epi64)(a, b);
  out[2] = ALL(unpacklo_epi64)(c, d);
  out[3] = ALL(unpackhi_epi64)(c, d);
}

static inline void load_lines(const uint8_t *p, size_t stride, raw out[4]) {
  raw in[4];
  for (int i = 0; i < 4; i++) in[i] = load_rows(p + (size_t)i * stride, stride);
  transpose(in, out);
}

static inline void load_half_lines(const uint8_t *p, size_t stride, raw out[4]) {
  raw in[4];
  for (int i = 0; i < 4; i++) in[i] = load_half_rows(p + (size_t)i * stride, stride);
  transpose(in, out);
}

// Nibbles, one per byte, to weights + 128.
static inline raw decode4(const mx_simd_units *u, raw code) {
  code = (raw)((ints)code & 0x0F0F0F0F);
  if (u->decode) return ALL(shuffle_epi8)(repeat16(u->decode), code);
  return (raw)(((words)code ^ 0x08080808) + 0x78787878);
}

// Four codes of 6 bits in the low 24 bits of each lane, to weights + 128.
static inline raw decode6(words v) {
  words spread = (v & 0x3F) | (v << 2 & 0x3F00) | (v << 4 & 0x3F0000) | (v << 6 & 0x3F000000);
  return (raw)((spread ^ 0x20202020) + 0x60606060);
}

static inline void tile4(const mx_simd_units *u, const uint8_t *line, raw *tile) {
  uint32_t steps = u->block / 4;
  for (uint32_t at = 0; at < steps; at += 8) {
    raw w[4];
    if (u->block == 16) load_half_lines(line, u->line_bytes, w);
    else load_lines(line + 2 * at, u->line_bytes, w);
    for (uint32_t i = 0; i < 4 && at + 2 * i < steps; i++) {
      tile[at + 2 * i] = decode4(u, w[i]);
      tile[at + 2 * i + 1] = decode4(u, (raw)((words)w[i] >> 4));
    }
  }
}

static inline void tile_planar(const mx_simd_units *u, const uint8_t *line, raw *tile) {
  ints nibble = (load(lane_numbers) & 1) * 4;
  for (uint32_t at = 0; at < u->block; at += 16) {
    raw in[4], w[4];
    for (uint32_t i = 0; i < 4; i++) in[i] = load_rows(line + at + i / 2 * u->line_bytes, u->line_bytes / 2);
    transpose(in, w);
    for (uint32_t i = 0; i < 4; i++) tile[at / 4 + i] = decode4(u, (raw)shift_right((ints)w[i], nibble));
  }
}

static inline void tile6(const mx_simd_units *u, const uint8_t *line, raw *tile) {
  for (uint32_t at = 0; at < u->block; at += 16, tile += 4) {
    raw w[4];
    load_lines(line + at / 4 * 3, u->line_bytes, w);
    words a = (words)w[0], b = (words)w[1], c = (words)w[2];
    tile[0] = decode6(a);
    tile[1] = decode6(a >> 24 | b << 8);
    tile[2] = decode6(b >> 16 | c << 16);
    tile[3] = decode6(c >> 8);
  }
}

static inline void tile8(const mx_simd_units *u, const uint8_t *line, raw *tile) {
  for (uint32_t at = 0; at < u->block; at += 16) {
    raw w[4];
    load_lines(line + at, u->line_bytes, w);
    for (uint32_t i = 0; i < 4; i++) tile[at / 4 + i] = (raw)((words)w[i] ^ 0x80808080);
  }
}

// Rows `row` .. of the unit: tile [block / 4].
static inline void make_tile(const mx_simd_units *u, uint32_t row, raw *tile) {
  const uint8_t *line = u->lines + (size_t)(u->form == MX_SIMD_PLANAR ? row / 2 : row) * u->line_bytes;
  switch (u->form) {
    case MX_SIMD_4: tile4(u, line, tile); break;
    case MX_SIMD_PLANAR: tile_planar(u, line, tile); break;
    case MX_SIMD_6: tile6(u, line, tile); break;
    case MX_SIMD_8: tile8(u, line, tile); break;
  }
  if (!u->zeros) return;
  raw zero = (raw)((words)widen((const uint8_t *)u->zeros + row) * 0x01010101);
  for (uint32_t k = 0; k < u->block / 4; k++) tile[k] = ALL(sub_epi8)(tile[k], zero);
}

// ---- terms -----------------------------------------------------------------------------

// scale * 2^(exponent of the activations) as a float that is exact, for lanes
// whose sum is not 0; *safe says where that could be had. NaN is.
static inline ints e8m0_factor(ints scale, int32_t exponent, ints *safe) {
  ints e = scale + exponent, nan = scale == 255;
  *safe = ((e >= 1) & (e <= 254)) | nan;
  return choose(nan, all((int32_t)MX_FP_NAN), choose(*safe, e << 23, all(0)));
}

static inline ints f16_factor(ints half, int32_t exponent, ints *safe) {
  ints size = half & 0x7FFF, fraction = half & 0x3FF;
  ints value = (size << 13) + (112 << 23);
  value = choose(size < 0x400, (ints)((floats)to_floats(fraction) * (floats)all(103 << 23)), value);
  value = choose(size >= 0x7C00, all((int32_t)MX_FP_NAN), value) | (half & 0x8000) << 16;
  // 2^-24 to 2^16 times this stays normal.
  bool within = exponent >= 127 - 80 && exponent <= 127 + 80;
  *safe = within ? all(-1) : size >= 0x7C00;
  return (ints)((floats)value * (floats)all(within ? exponent << 23 : 0));
}

static inline ints factor(const mx_simd_units *u, uint32_t row, uint8_t x_exp, ints *safe) {
  int32_t exponent = x_exp - (int32_t)u->frac;  // biased
  if (x_exp == 0xFF) {
    *safe = all(-1);
    return all((int32_t)MX_FP_NAN);
  }
  if (u->scale == MX_SCALE_E8M0) return e8m0_factor(widen(u->scales + row), exponent - 127, safe);
  if (u->scale == MX_SCALE_F16) return f16_factor(widen16(u->scales + 2 * row), exponent, safe);
  return e8m0_factor(all(127), exponent - 127, safe);
}

// The defining functions, where a factor is not a normal float.
static __attribute__((noinline)) void add_by_definition(const mx_simd_units *u, uint32_t row, ints sum, uint8_t x_exp,
                                                        uint32_t *acc) {
  for (uint32_t i = 0; i < LANES; i++) {
    const uint8_t *at = u->scales + (row + i) * (uint32_t)u->scale;
    uint16_t scale = u->scale ? at[0] : 0;
    if (u->scale == MX_SCALE_F16) scale = mx_load_u16(at);
    acc[i] = mx_fp_add(acc[i], mx_fp_term(sum[i], u->scale, scale, x_exp, u->frac));
  }
}

// acc [LANES] += the terms of mx_fp_term. The product is rounded once, and the
// term of a sum of 0 is +0 also where the scale is negative.
static inline void add_terms(const mx_simd_units *u, uint32_t row, ints sum, uint8_t x_exp, uint32_t *acc) {
  ints safe, f = factor(u, row, x_exp, &safe);
  if (any(~safe & (sum != 0))) {
    add_by_definition(u, row, sum, x_exp, acc);
    return;
  }
  floats term = (floats)to_floats(sum) * (floats)f;
  if (u->scale == MX_SCALE_F16) term += (floats)all(0);
  store(acc, (ints)((floats)load(acc) + term));
}

static inline __attribute__((always_inline)) void add_rows(mx_simd_units u, uint32_t row) {
  raw tile[MOST_STEPS];
  int32_t bias = u.form == MX_SIMD_4 ? 16 : 1;  // weights are + 128 here
  for (uint32_t i = 0; i < u.units; i++) {
    make_tile(&u, row, tile);
    for (uint32_t t = 0; t < u.tokens; t++) {
      ints sum = dot(tile, u.x + (size_t)t * u.x_stride, u.block / 4) + bias * u.blocks[t].offset;
      add_terms(&u, row, sum, u.x_exp[(size_t)t * u.x_exp_stride], u.sums + t * u.rows + row);
    }
    u.lines += u.unit_bytes;
    u.scales += u.unit_bytes;
    u.zeros += u.zeros ? u.unit_bytes : 0;
    u.x += u.block;
    u.x_exp += u.block / 16;
    u.blocks += u.tokens;
  }
}

// The usual units have code of their own: what is known of them is assigned
// again, so that the compiler unrolls loops and drops cases.
static void add_units(const mx_simd_units *units) {
  mx_simd_units u = *units;
  bool plain = !u.zeros && !u.decode && u.block == 32;
  if (plain) u.zeros = NULL, u.decode = NULL, u.block = 32;
  for (uint32_t row = 0; row < u.rows; row += LANES) {
    if (plain && u.form == MX_SIMD_4 && u.tokens == 1 && u.scale == MX_SCALE_E8M0) {
      u.form = MX_SIMD_4, u.tokens = 1, u.scale = MX_SCALE_E8M0, u.line_bytes = 16;
      add_rows(u, row);
    } else if (plain && u.form == MX_SIMD_8) {
      u.form = MX_SIMD_8, u.line_bytes = 32;
      add_rows(u, row);
    } else {
      add_rows(*units, row);
    }
  }
}
