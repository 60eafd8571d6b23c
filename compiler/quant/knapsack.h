#ifndef MX_KNAPSACK_H
#define MX_KNAPSACK_H
// The multiple-choice knapsack problem: one choice for each item, the sum of
// losses least while the sum of costs keeps a budget.
#include <stdint.h>

#include "golden/error.h"

typedef struct {
  uint64_t cost;
  double loss;   // finite
} mx_choice;

// The cheapest choices' sum.
uint64_t mx_knapsack_least(const mx_choice *choices, const uint32_t *first, uint32_t n);

// Item i < n has choices[first[i]] .. choices[first[i + 1] - 1], one at least and
// 65535 at most; chosen[i] becomes the one taken, counted from first[i]. Dynamic
// programming over the budget (Pisinger, EJOR 83, 1995, for the problem) in steps
// of the greatest common divisor of the costs' differences: the least loss. Where
// that takes more than MX_KNAPSACK_STEPS of them, in as many steps, with costs
// rounded up: the budget is kept, and the loss is no more than the least for a
// budget that is smaller by n + 1 steps.
// MX_LIMIT: no memory; MX_USAGE: the budget is below the least sum.
enum { MX_KNAPSACK_STEPS = 65536 };
mx_status mx_knapsack(const mx_choice *choices, const uint32_t *first, uint32_t n, uint64_t budget, uint32_t *chosen,
                      mx_error *e);
#endif
