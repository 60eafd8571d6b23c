#ifndef MX_QUANT_QPARTS_H
#define MX_QUANT_QPARTS_H
// Parts of a quantized model in files (qfile.c): the .mxq file, and the state of
// an interrupted run (state.c). Shapes are those of `config` and the layer.
#include "compiler/quant/qmodel.h"
#include "compiler/quant/transfer.h"

mx_status mx_move_part_format(mx_transfer *t, mx_weight_format *f, mx_act_format *a);
mx_status mx_move_layer(mx_transfer *t, mx_qlayer *l);
mx_status mx_move_basis(mx_transfer *t, mx_basis *b, uint32_t dim);
mx_status mx_move_prefix(mx_transfer *t, mx_prefix *p, const mx_config *c);
#endif
