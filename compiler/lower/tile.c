// Matrix products as groups of rows and blocks along the reduction.
#include <inttypes.h>

#include "compiler/lower/lowering.h"

mx_status mx_tile(mx_lowering *l) {
  for (uint32_t i = 0; i < l->p->n_ops; i++) {
    mx_operator *op = &l->p->ops[i];
    if (op->kind != MX_OPR_MATMUL) continue;
    op->groups = mx_round_up(op->n, l->params->GROUP) / l->params->GROUP;
    op->blocks = mx_qmatrix_blocks(op->weight);
  }
  return MX_OK;
}

void mx_print_tiles(const mx_lowering *l, FILE *to) {
  for (uint32_t i = 0; i < l->p->n_ops; i++) {
    const mx_operator *op = &l->p->ops[i];
    if (op->kind != MX_OPR_MATMUL) continue;
    char format[16];
    mx_weight_format_name(&op->weight->format, format);
    uint64_t unit = mx_unit_bytes(l->params, &op->weight->format.stream), bytes = unit * op->groups * op->blocks;
    fprintf(to, "%4u %s", i, op->name);
    if (op->layer >= 0) fprintf(to, " layer %d", op->layer);
    fprintf(to, ": %ux%u %s = %u groups of %u rows x %u blocks, %" PRIu64 " bytes in %" PRIu64 " beats, %.1f %% padding\n",
            op->n, op->weight->cols, format, op->groups, l->params->GROUP, op->blocks, bytes,
            bytes / mx_beat_bytes(l->params),
            100 * (1 - (double)op->n * op->weight->cols /
                           ((double)op->groups * l->params->GROUP * op->blocks * mx_block_length(&op->weight->format.stream))));
  }
}
