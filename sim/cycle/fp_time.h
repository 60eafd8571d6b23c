#ifndef MX_CYCLE_FP_TIME_H
#define MX_CYCLE_FP_TIME_H
// How many cycles fp_serial is busy with an operation, which depends on its
// operands: it shifts by one place per cycle. Found at once, not by shifting.
// Results are those of golden/.
#include <stdbool.h>
#include <stdint.h>

typedef enum {  // op_i
  MX_FP_CANON, MX_FP_ADD, MX_FP_MUL, MX_FP_MAX, MX_FP_FN, MX_FP_TERM, MX_FP_QUANT, MX_FP_ABOVE
} mx_fp_op;

typedef struct {
  mx_fp_op op;
  bool sub, hidden;     // as the ports
  uint8_t fn, bits;
  bool turned;          // the operands come in the other order, after a swap
} mx_fp_setting;

typedef struct { uint32_t cycles; bool swap; } mx_fp_time;  // as busy_o and swap_o

// p, q: as they were loaded; q is nothing to CANON and FN.
mx_fp_time mx_fp_time_of(const mx_fp_setting *s, uint32_t p, uint32_t q);
#endif
