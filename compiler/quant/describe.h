#ifndef MX_DESCRIBE_H
#define MX_DESCRIBE_H
// What a quantized model consists of, for `mxf info` and the image.
#include <jansson.h>

#include "compiler/quant/qmodel.h"

// A name for activations: "mxint8", or "int8" for fixed ones.
const char *mx_act_format_name(const mx_act_format *f);

// Storage of a matrix, all parts, with scales, zero points and steps, over its weights.
double mx_qmatrix_bits_per_weight(const mx_qmatrix *q);

// An object: "weights" and "acts" are a format's name, or "mixed"; "kv";
// "bits_per_weight" over all quantized matrices; "formats": by matrix
// ("ffn_down") and formats of its parts ("mxint4:32 x mxint8, ...") how many
// layers have them; and, where the model has them, "online" (names), "prefix"
// (tokens) and "basis" (an object). The caller frees it. NULL: no memory.
json_t *mx_qmodel_describe(const mx_qmodel *q);
#endif
