#ifndef MX_PARAMS_H
#define MX_PARAMS_H
// The parameter sets of params.def as C values.
#include <stdint.h>

typedef struct {
  const char *name, *text;
  uint32_t build_id;
#define PARAM(name, tiny, small, medium, sim, large, text) uint32_t name;
#include "golden/params.def"
} mx_params;

extern const mx_params mx_param_sets[];  // ends with name NULL
const mx_params *mx_params_find(const char *name);  // NULL if there is none
const char *mx_params_names(void);                   // "tiny, small, ..."

// Elements of a chunk at 4 bits: what one row takes from one beat.
static inline uint32_t mx_lanes(const mx_params *p) { return p->BUS_BITS / (4 * p->ROWS); }
static inline uint32_t mx_beat_bytes(const mx_params *p) { return p->BUS_BITS / 8; }
#endif
