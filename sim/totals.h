#ifndef MX_TOTALS_H
#define MX_TOTALS_H
// The device's counters summed over programs, by phase of a generation.
#include <jansson.h>
#include <stdio.h>

#include "sim/session.h"

typedef enum { MX_PHASE_INIT, MX_PHASE_PROMPT, MX_PHASE_GENERATION, MX_PHASES } mx_phase;

// 64-bit sums of the 32-bit counters of `programs` programs.
typedef struct {
  uint64_t programs;
#define COUNTER(name) uint64_t name;
  MX_COUNTERS(COUNTER)
#undef COUNTER
} mx_totals;

void mx_totals_add(mx_totals *t, const mx_counters *c);

// One line: programs, and per program instructions, cycles, bytes.
void mx_totals_print_phase(const mx_totals *t, mx_phase phase, uint32_t beat_bytes, FILE *out);

// Where the cycles of a token go, in the phase that generated (or, if none was
// generated, in the prompt). Prints nothing for an engine without a clock.
void mx_totals_print_work(const mx_totals phases[MX_PHASES], FILE *out);

// {"init": {"programs": ..., "CYCLES": ..., ...}, "prompt": ..., "generation": ...}
json_t *mx_totals_json(const mx_totals phases[MX_PHASES]);
#endif
