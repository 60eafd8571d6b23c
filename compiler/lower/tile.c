// Matrix products as groups of rows and blocks along the reduction.
#include <inttypes.h>

#include "compiler/lower/lowering.h"

static mx_status check_device(mx_lowering *l, const mx_operator *op) {
  const mx_weight_format *f = &op->weight->format;
  if (f->codebook && !l->params->CODEBOOK)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "%s: parameter set %s has no decode table (CODEBOOK = 0)", op->name,
                   l->params->name);
  if (f->stream.zero && !l->params->ZERO_POINT)
    return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "%s: parameter set %s has no zero points (ZERO_POINT = 0)", op->name,
                   l->params->name);
  return MX_OK;
}

// Products that share an activation must agree on its blocks.
static mx_status check_blocks(mx_lowering *l) {
  for (uint32_t i = 0; i < l->model->config.n_layers; i++) {
    const mx_qlayer *w = &l->model->layers[i];
    unsigned qkv = w->wq.format.stream.block, ffn = w->w_gate.format.stream.block;
    if (w->wk.format.stream.block != qkv || w->wv.format.stream.block != qkv || w->w_up.format.stream.block != ffn)
      return mx_fail(l->e, MX_UNSUPPORTED, MX_NOWHERE, "layer %u: matrices that share an input have different blocks", i);
  }
  return MX_OK;
}

mx_status mx_tile(mx_lowering *l) {
  mx_status s = check_blocks(l);
  for (uint32_t i = 0; i < l->n_ops && !s; i++) {
    mx_operator *op = &l->ops[i];
    if (op->kind != MX_OPR_MATMUL) continue;
    op->groups = mx_round_up(op->weight->rows, l->params->GROUP) / l->params->GROUP;
    op->blocks = mx_qmatrix_blocks(op->weight);
    s = check_device(l, op);
  }
  return s;
}

void mx_print_tiles(const mx_lowering *l, FILE *to) {
  for (uint32_t i = 0; i < l->n_ops; i++) {
    const mx_operator *op = &l->ops[i];
    if (op->kind != MX_OPR_MATMUL) continue;
    char format[16];
    mx_weight_format_name(&op->weight->format, format);
    uint64_t unit = mx_unit_bytes(l->params, &op->weight->format.stream), bytes = unit * op->groups * op->blocks;
    fprintf(to, "%4u %s", i, op->name);
    if (op->layer >= 0) fprintf(to, " layer %d", op->layer);
    fprintf(to, ": %ux%u %s = %u groups of %u rows x %u blocks, %" PRIu64 " bytes in %" PRIu64 " beats, %.1f %% padding\n",
            op->weight->rows, op->weight->cols, format, op->groups, l->params->GROUP, op->blocks, bytes,
            bytes / mx_beat_bytes(l->params),
            100 * (1 - (double)op->weight->rows * op->weight->cols /
                           ((double)op->groups * l->params->GROUP * op->blocks * mx_block_length(&op->weight->format.stream))));
  }
}
