#ifndef MX_DOT_MATMUL_H
#define MX_DOT_MATMUL_H
// Random commands for the tests of the dot array.
#include "golden/stream.h"

typedef struct {
  mx_stream_format format;
  bool codebook;
  unsigned frac, x, groups, dst, stride, blocks, tokens;  // tokens - 1
} dot_matmul;

// Any that the parameters allow, of some thousand steps at most.
dot_matmul dot_matmul_random(const mx_params *p);
#endif
