#ifndef MX_SOURCE_H
#define MX_SOURCE_H
// The model as the methods see it: FP32 matrices, a layer at a time, in the
// basis that was chosen (rotate.h). The model's weights may be in memory or in
// their file (mx_model_open).
#include "compiler/quant/qmodel.h"
#include "compiler/quant/rotate.h"

typedef struct {
  const mx_model *model;
  const mx_rotation *rotation;  // NULL: the model's own basis
} mx_source;

static inline const mx_config *mx_source_config(const mx_source *s) { return &s->model->config; }

// Copies that the caller frees, also after an error. MX_FORMAT: a weight is not
// finite; MX_LIMIT: no memory.
mx_status mx_source_layer(const mx_source *s, uint32_t index, mx_layer *out, mx_error *e);
mx_status mx_source_embedding(const mx_source *s, mx_matrix *out, mx_error *e);
// Rows ids [n] of the embedding alone: out [n][dim]. MX_USAGE: no such token.
mx_status mx_source_embed(const mx_source *s, const int32_t *ids, uint32_t n, mx_matrix *out, mx_error *e);
mx_status mx_source_head(const mx_source *s, mx_matrix *norm, mx_matrix *output, mx_error *e);

void mx_layer_free(mx_layer *l);  // matrices' data
// A copy with data of its own.
mx_status mx_matrix_copy(const mx_matrix *from, mx_matrix *to, mx_error *e);
// Matrix `index` of mx_qlayer_matrix in l.
mx_matrix *mx_layer_matrix(mx_layer *l, unsigned index);
#endif
