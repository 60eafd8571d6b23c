#include "compiler/quant/plan.h"

#include <inttypes.h>
#include <stdlib.h>

mx_status mx_plan_uniform(const mx_config *c, const mx_weight_format *weights, mx_act_format acts, mx_plan *out, mx_error *e) {
  uint32_t q = c->n_heads * c->head_dim;
  const uint32_t cols[MX_QLAYER_MATRICES] = {c->dim, c->dim, c->dim, q, c->dim, c->dim, c->hidden_dim};
  size_t n = (size_t)c->n_layers * MX_QLAYER_MATRICES;
  *out = (mx_plan){.n_layers = c->n_layers, .layers = calloc(n, sizeof *out->layers)};
  if (!out->layers) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %u layers", c->n_layers);
  for (size_t i = 0; i < n; i++)
    out->layers[i] = (mx_matrix_format){1, {{cols[i % MX_QLAYER_MATRICES], *weights, acts}}};
  out->head = (mx_matrix_format){1, {{c->dim, *weights, acts}}};
  return MX_OK;
}

void mx_plan_free(mx_plan *p) {
  free(p->layers);
  *p = (mx_plan){0};
}

static void print_matrix(const char *name, const mx_matrix_format *f, FILE *to) {
  static const char *const acts[] = {"mxint4", "mxint6", "mxint8"}, *const fixed[] = {"int4", "int6", "int8"};
  uint32_t cols = 0;
  for (unsigned i = 0; i < f->n_parts; i++) cols += f->part[i].cols;
  fprintf(to, "%-20s %6.3f", name, (double)mx_matrix_format_bits(f, 1) / cols);
  for (unsigned i = 0; i < f->n_parts; i++) {
    const mx_part_format *p = &f->part[i];
    char weights[16];
    mx_weight_format_name(&p->weights, weights);
    fprintf(to, "  %s x %s, %" PRIu32 " columns", weights, (p->acts.fixed ? fixed : acts)[p->acts.bits], p->cols);
  }
  fputc('\n', to);
}

void mx_plan_print(const mx_plan *p, FILE *to) {
  for (uint32_t layer = 0; layer < p->n_layers; layer++)
    for (unsigned i = 0; i < MX_QLAYER_MATRICES; i++) {
      mx_qlayer none;
      const char *name;
      char full[64];
      mx_qlayer_matrix(&none, i, &name);
      snprintf(full, sizeof full, "blk.%" PRIu32 ".%s", layer, name);
      print_matrix(full, mx_plan_matrix(p, layer, i), to);
    }
  print_matrix("output", &p->head, to);
}

void mx_input_consumers(mx_input input, unsigned *first, unsigned *count) {
  static const unsigned firsts[MX_INPUTS] = {0, 3, 4, 6, 0}, counts[MX_INPUTS] = {3, 1, 2, 1, 0};
  *first = firsts[input];
  *count = counts[input];
}

void mx_plan_inputs(const mx_plan *p, uint32_t layer, mx_matrix_format inputs[MX_INPUTS]) {
  for (unsigned i = 0; i < MX_INPUT_HEAD; i++) {
    unsigned first, count;
    mx_input_consumers((mx_input)i, &first, &count);
    inputs[i] = *mx_plan_matrix(p, layer, first);
  }
  inputs[MX_INPUT_HEAD] = p->head;
}

static void fix(mx_matrix_format *f) {
  for (unsigned i = 0; i < f->n_parts; i++) f->part[i].acts.fixed = true;
}

void mx_plan_fix(mx_plan *p, uint32_t layer, mx_input input) {
  unsigned first, count;
  mx_input_consumers(input, &first, &count);
  if (input == MX_INPUT_HEAD) fix(&p->head);
  for (unsigned i = first; i < first + count; i++) fix(mx_plan_matrix(p, layer, i));
}
