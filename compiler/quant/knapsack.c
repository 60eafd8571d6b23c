#include "compiler/quant/knapsack.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const mx_choice *choices;
  const uint32_t *first;
  uint32_t n;
  uint64_t step;
  size_t cells;        // 0 .. budget in steps
  double *least;       // [2][cells] loss of the items so far within each budget
  uint16_t *taken;     // [n][cells]
} knapsack;

static uint64_t cheapest(const mx_choice *choices, const uint32_t *first, uint32_t i) {
  uint64_t least = choices[first[i]].cost;
  for (uint32_t k = first[i]; k < first[i + 1]; k++) least = choices[k].cost < least ? choices[k].cost : least;
  return least;
}

uint64_t mx_knapsack_least(const mx_choice *choices, const uint32_t *first, uint32_t n) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += cheapest(choices, first, i);
  return sum;
}

static uint64_t common_divisor(uint64_t a, uint64_t b) {
  while (b) {
    uint64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Of the costs above each item's cheapest: what divides them all; *most their greatest sum.
static uint64_t divisor(const knapsack *k, uint64_t *most) {
  uint64_t all = 0;
  *most = 0;
  for (uint32_t i = 0; i < k->n; i++) {
    uint64_t low = cheapest(k->choices, k->first, i), high = 0;
    for (uint32_t c = k->first[i]; c < k->first[i + 1]; c++) {
      all = common_divisor(all, k->choices[c].cost - low);
      high = k->choices[c].cost - low > high ? k->choices[c].cost - low : high;
    }
    *most += high;
  }
  return all ? all : 1;
}

static void choose_step(knapsack *k, uint64_t slack) {
  uint64_t most;
  k->step = divisor(k, &most);
  if (slack / k->step > MX_KNAPSACK_STEPS && most / k->step > MX_KNAPSACK_STEPS)
    k->step = (slack < most ? slack : most) / MX_KNAPSACK_STEPS + 1;
  most += k->n * k->step;  // the greatest, rounded up
  k->cells = (size_t)((slack < most ? slack : most) / k->step) + 1;
}

// Extends the losses in `from` by item i.
static void add_item(const knapsack *k, uint32_t i, const double *from, double *to) {
  uint64_t low = cheapest(k->choices, k->first, i);
  for (size_t at = 0; at < k->cells; at++) to[at] = INFINITY;
  for (uint32_t c = k->first[i]; c < k->first[i + 1]; c++) {
    uint64_t extra = k->choices[c].cost - low, steps = extra / k->step + (extra % k->step != 0);
    for (size_t at = (size_t)steps; at < k->cells && steps < k->cells; at++) {
      double loss = from[at - (size_t)steps] + k->choices[c].loss;
      if (!(loss < to[at])) continue;
      to[at] = loss;
      k->taken[i * k->cells + at] = (uint16_t)(c - k->first[i]);
    }
  }
}

static void trace_back(const knapsack *k, uint32_t *chosen) {
  size_t at = k->cells - 1;
  for (uint32_t i = k->n; i-- > 0;) {
    chosen[i] = k->taken[i * k->cells + at];
    uint64_t extra = k->choices[k->first[i] + chosen[i]].cost - cheapest(k->choices, k->first, i);
    at -= (size_t)(extra / k->step + (extra % k->step != 0));
  }
}

mx_status mx_knapsack(const mx_choice *choices, const uint32_t *first, uint32_t n, uint64_t budget, uint32_t *chosen,
                      mx_error *e) {
  knapsack k = {.choices = choices, .first = first, .n = n};
  uint64_t least = mx_knapsack_least(choices, first, n);
  if (budget < least)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "a budget of %" PRIu64 "; the least is %" PRIu64, budget, least);
  choose_step(&k, budget - least);
  k.least = calloc(2 * k.cells, sizeof *k.least);
  k.taken = calloc((size_t)(n ? n : 1) * k.cells, sizeof *k.taken);
  mx_status s = MX_OK;
  if (!k.least || !k.taken) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory to choose formats");
  for (uint32_t i = 0; i < n && !s; i++)
    add_item(&k, i, k.least + i % 2 * k.cells, k.least + (i + 1) % 2 * k.cells);
  if (!s) trace_back(&k, chosen);
  free(k.least);
  free(k.taken);
  return s;
}
