#ifndef MX_PROFILE_ACCOUNT_H
#define MX_PROFILE_ACCOUNT_H
// Cycles, bytes and multiply-accumulates to operators, as the cycle model tells them.
//
// A cycle belongs to the operator
//   of the MATMUL in the dot array, while that works, is blocked or starved;
//   else of the VEC or of the move instruction that the next instruction waits for;
//   else, while the sequencer works or waits for something else, of the next instruction.
#include "firmware/mx_driver.h"  // mx_counters
#include "sim/profile.h"
#include "sim/profile_trace.h"
#include "sim/profile_walk.h"

// Of the model, from the image's description; dim 0: there is none.
typedef struct { uint64_t dim, hidden_dim, n_heads, n_kv_heads, head_dim, vocab; } mx_account_model;

// Of an operator in the program that runs: bytes streamed and weights multiplied.
typedef struct { uint64_t streamed, elements; } mx_account_weights;

typedef struct {
  const mx_image *image;
  mx_account_model model;
  mx_trace *trace;              // NULL: none is written
  mx_profile_phase_kind kind;
  mx_profile_phase *phase;      // of the program that runs
  uint32_t *operator_of[MX_PROFILE_PHASES];  // [n_notes], UINT32_MAX: not met yet
  mx_account_weights *weights;  // [capacity], of the phase's operators
  uint32_t capacity;
  // The program that runs.
  uint32_t program, positions, tokens;  // positions: in the cache when it has run
  mx_walk walk;
  mx_walk_step next;
  bool more;                    // there is a next
  bool fresh;                   // nothing was told of it yet
  bool lost;                    // an instruction was issued that is not on the program's way
  bool full;                    // no memory
  uint32_t issued, matmul;      // addresses
  uint32_t matmul_op, vec_op, move_op, next_op;
  mx_profile_item sum;          // of this program
} mx_account;

// The caller closes it, also after an error. `image` must outlive it.
mx_status mx_account_open(mx_account *a, const mx_image *image, mx_error *e);
void mx_account_close(mx_account *a);

// The program at `program` starts; `kind`: of a phase of `profile`.
void mx_account_begin(mx_account *a, mx_profile *profile, mx_profile_phase_kind kind, uint32_t program, const uint32_t args[MX_ARGS]);
// mx_cycle_listener. The first interval of a program is one before its first instruction.
void mx_account_tell(void *account, const mx_cycle_interval *interval);
// It has ended. MX_INTERNAL: what was told is not what the device counted.
mx_status mx_account_end(mx_account *a, const mx_counters *counters, mx_error *e);
#endif
