// round-q4-0 MODEL OUT: MODEL with its matrices rounded as GGML's type Q4_0 does,
// as a GGUF file of F32, so that `mxf eval` gives Q4_0's perplexity with FP32
// activations. Embedding and gains stay as they are and the output matrix is
// rounded, as in `mxf quantize`; a last block of fewer than 32 columns, which
// GGML does not have, is rounded by itself.
//
// Q4_0: blocks of 32 along the reduction; d = m / -8 with m the element of largest
// magnitude, the first if several; codes min(15, trunc(x / d + 8.5)), with 1 / d
// in FP32; d is stored as F16; an element is (code - 8) * d. 4.5 bits per weight.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/export/gguf_write.h"
#include "compiler/import/bytes.h"
#include "golden/fp32.h"

enum { BLOCK = 32 };

static void round_block(float *x, uint32_t n) {
  float m = 0;
  for (uint32_t i = 0; i < n; i++)
    if (fabsf(x[i]) > fabsf(m)) m = x[i];
  float d = m / -8, inverse = d != 0 ? 1 / d : 0;
  float stored = mx_float_of_bits(mx_fp_from_f16(mx_half_of_float(d)));
  for (uint32_t i = 0; i < n; i++) {
    int code = (int)(x[i] * inverse + 8.5f);
    x[i] = (float)((code < 15 ? code : 15) - 8) * stored;
  }
}

static void round_matrix(mx_matrix *w) {
  for (uint32_t r = 0; r < w->rows; r++)
    for (uint32_t c = 0; c < w->cols; c += BLOCK)
      round_block(w->data + (size_t)r * w->cols + c, w->cols - c < BLOCK ? w->cols - c : BLOCK);
}

static mx_status untie(mx_model *m, mx_error *e) {
  if (!m->tied) return MX_OK;
  m->tied = false;
  m->output.data = NULL;
  mx_status s = mx_matrix_allocate(&m->output, e);
  if (!s) memcpy(m->output.data, m->token_embd.data, (size_t)m->output.rows * m->output.cols * sizeof *m->output.data);
  return s;
}

static mx_status round_model(const char *from, const char *to, mx_error *e) {
  mx_model *m;
  mx_status s = mx_model_load(from, NULL, &m, e);
  if (s) return s;
  s = untie(m, e);
  for (uint32_t i = 1; !s && i < mx_model_matrix_count(m); i++) {  // 0 is the embedding
    char name[MX_MATRIX_NAME_BYTES];
    mx_matrix *w = mx_model_matrix(m, i, name);
    if (w->rows > 1) round_matrix(w);
  }
  if (!s) s = mx_gguf_write_model(to, m, "rounded to Q4_0", MX_GGML_F32, e);
  mx_model_free(m);
  return s;
}

int main(int argc, char **argv) {
  mx_error e = {0};
  if (argc != 3) mx_fail(&e, MX_USAGE, MX_NOWHERE, "usage: round-q4-0 MODEL OUT");
  else round_model(argv[1], argv[2], &e);
  return mx_report("round-q4-0", &e);
}
