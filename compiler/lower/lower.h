#ifndef MX_LOWER_H
#define MX_LOWER_H
// The compiler proper: a quantized model to a program image.
#include <stdio.h>

#include "compiler/quant/qmodel.h"
#include "golden/image.h"
#include "golden/params.h"

typedef enum { MX_EMIT_NOTHING, MX_EMIT_GRAPH, MX_EMIT_TILES, MX_EMIT_SCHEDULE, MX_EMIT_ASM } mx_emit_form;

typedef struct {
  const mx_params *params;
  uint32_t context;      // positions to make room for; 0: the model's
  mx_emit_form form;     // printed to `to` on the way
  FILE *to;
} mx_compile_options;

// The caller frees *out with mx_image_free. MX_LIMIT errors say what does not
// fit and by how much; MX_UNSUPPORTED what the parameter set lacks. Of a model
// without weights (compiler/synth/geometry.h) the image's memory ends before the
// embedding: it has programs, constants and microcode, as weights would not change them.
mx_status mx_compile(const mx_qmodel *model, const mx_compile_options *o, mx_image **out, mx_error *e);
#endif
