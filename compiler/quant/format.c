#include "compiler/quant/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/isa.h"
#include "golden/mxint.h"

typedef struct {
  const char *name;
  unsigned bits;
  mx_scale_kind scale;
  bool zero, codebook, fitted;
  unsigned frac;
} base_format;

static const base_format bases[] = {
    {"mxint8", MX_BITS_8, MX_SCALE_E8M0, false, false, false, 6},
    {"mxint6", MX_BITS_6, MX_SCALE_E8M0, false, false, false, 4},
    {"mxint4", MX_BITS_4, MX_SCALE_E8M0, false, false, false, 2},
    {"int4", MX_BITS_4, MX_SCALE_F16, false, false, false, 0},
    {"int4z", MX_BITS_4, MX_SCALE_F16, true, false, false, 0},
    {"mxfp4", MX_BITS_4, MX_SCALE_E8M0, false, true, false, 1},
    {"codebook", MX_BITS_4, MX_SCALE_E8M0, false, true, true, 6},
    {"int4row", MX_BITS_4, MX_SCALE_NONE, false, false, false, 0},
    {"int8row", MX_BITS_8, MX_SCALE_NONE, false, false, false, 0},
};
enum { N_BASES = sizeof bases / sizeof *bases };

// Twice the values of E2M1 (OCP MX v1.0, 5.3.3), sign in bit 3.
static const int8_t e2m1_doubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

// NF4 (QLoRA, Dettmers et al., arXiv 2305.14314, appendix E), quantiles of the
// normal distribution, up to 1.5: the middle of a block's maxima, which are 1 to 2.
static const int8_t normal_quantiles[16] = {-96, -67, -50, -38, -27, -18, -9, 0, 8, 15, 24, 32, 42, 54, 69, 96};

static const base_format *find_base(const char *name, size_t len) {
  for (int i = 0; i < N_BASES; i++)
    if (strlen(bases[i].name) == len && !memcmp(bases[i].name, name, len)) return &bases[i];
  return NULL;
}

static bool parse_block(const char *colon, unsigned *block) {
  *block = 1;
  if (!colon) return true;
  for (*block = 0; *block < 4; ++*block) {
    char text[8];
    snprintf(text, sizeof text, "%u", 16u << *block);
    if (!strcmp(text, colon + 1)) return true;
  }
  return false;
}

mx_status mx_weight_format_parse(const char *name, mx_weight_format *out, mx_error *e) {
  const char *colon = strchr(name, ':');
  const base_format *b = find_base(name, colon ? (size_t)(colon - name) : strlen(name));
  unsigned block;
  if (!b || !parse_block(colon, &block))
    return mx_fail(e, MX_USAGE, MX_NOWHERE,
                   "weight format '%s': expected mxint8, mxint6, mxint4, int4, int4z, mxfp4, codebook, int4row or int8row, "
                   "with :16, :32, :64 or :128 for the block", name);
  *out = (mx_weight_format){.stream = {.bits = b->bits, .scale = b->scale, .zero = b->zero, .block = block},
                            .codebook = b->codebook, .fitted = b->fitted, .frac = b->frac};
  if (b->codebook) memcpy(out->table, b->fitted ? normal_quantiles : e2m1_doubled, sizeof out->table);
  return MX_OK;
}

void mx_weight_format_name(const mx_weight_format *f, char text[16]) {
  snprintf(text, 16, "other:%u", mx_block_length(&f->stream));
  for (int i = 0; i < N_BASES; i++) {
    const base_format *b = &bases[i];
    if (b->bits == f->stream.bits && b->scale == f->stream.scale && b->zero == f->stream.zero &&
        b->codebook == f->codebook && b->fitted == f->fitted)
      snprintf(text, 16, "%s:%u", b->name, mx_block_length(&f->stream));
  }
}

mx_status mx_element_format_parse(const char *option, const char *name, bool allow_6, unsigned *bits, mx_error *e) {
  if (!strcmp(name, "mxint8")) *bits = MX_BITS_8;
  else if (!strcmp(name, "mxint4")) *bits = MX_BITS_4;
  else if (allow_6 && !strcmp(name, "mxint6")) *bits = MX_BITS_6;
  else
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s '%s': expected mxint8%s or mxint4", option, name,
                   allow_6 ? ", mxint6" : "");
  return MX_OK;
}

double mx_weight_format_bits(const mx_weight_format *f) {
  double side = 8.0 * (double)f->stream.scale + (f->stream.zero ? 8 : 0);
  return mx_code_bits(&f->stream) + side / mx_block_length(&f->stream);
}

uint64_t mx_matrix_format_bits(const mx_matrix_format *f, uint32_t rows) {
  uint64_t bits = 0;
  for (unsigned i = 0; i < f->n_parts; i++) {
    const mx_weight_format *w = &f->part[i].weights;
    uint64_t length = mx_block_length(&w->stream), blocks = (f->part[i].cols + length - 1) / length;
    uint64_t side = mx_weight_format_by_row(w) ? 32 : blocks * (8 * (uint64_t)w->stream.scale + (w->stream.zero ? 8 : 0));
    bits += rows * (f->part[i].cols * (uint64_t)mx_code_bits(&w->stream) + side);
  }
  return bits;
}
