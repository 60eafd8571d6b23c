#ifndef MX_PLAN_H
#define MX_PLAN_H
// Which formats each matrix gets. Matrices that share an input agree on its
// parts, activation formats and block lengths.
#include <stdio.h>

#include "compiler/quant/forward.h"
#include "compiler/quant/qmodel.h"

typedef struct {
  uint32_t n_layers;
  mx_matrix_format *layers;  // [n_layers][MX_QLAYER_MATRICES], owned
  mx_matrix_format head;
} mx_plan;

// Every matrix in one part of the same formats. The caller frees *out.
mx_status mx_plan_uniform(const mx_config *c, const mx_weight_format *weights, mx_act_format acts, mx_plan *out, mx_error *e);
void mx_plan_free(mx_plan *p);

static inline mx_matrix_format *mx_plan_matrix(const mx_plan *p, uint32_t layer, unsigned index) {
  return &p->layers[(size_t)layer * MX_QLAYER_MATRICES + index];
}

// First and number of the matrices (mx_qlayer_matrix) that take an input of a layer.
void mx_input_consumers(mx_input input, unsigned *first, unsigned *count);

// The formats of all inputs of layer `layer`, and of the head.
void mx_plan_inputs(const mx_plan *p, uint32_t layer, mx_matrix_format inputs[MX_INPUTS]);
// A line for each matrix: name, bits per weight, and formats of weights and
// activations, part by part.
void mx_plan_print(const mx_plan *p, FILE *to);
// Makes an input's consumers take integers (all parts).
void mx_plan_fix(mx_plan *p, uint32_t layer, mx_input input);
#endif
