#ifndef MX_VERIFY_H
#define MX_VERIFY_H
// Runs the golden model and another engine side by side and compares every
// architectural write.
//
// Golden runs each program first and leaves a log; the writes of the engine
// under test are compared with it as they happen. Order counts within a
// *stream*: the writes of one unit to one space. Different units, and different
// spaces of one unit, are separate ports in hardware and may overtake each
// other. After each program the logs must be used up, and the whole memory and
// all on-chip memories, as rebuilt from the writes of all units in their order
// in time, must be equal. The first difference ends the run.
#include <stdio.h>

#include "sim/session.h"

// STREAM(unit, space)
#define MX_VERIFY_STREAMS(STREAM) \
  STREAM(VEC, VMEM) STREAM(VEC, XMEM) STREAM(VEC, XEXP) STREAM(MOVE, VMEM) STREAM(MOVE, MEM) STREAM(MOVE, UCODE) \
  STREAM(DOT, VMEM)

enum {
#define STREAM(unit, space) MX_STREAM_##unit##_##space,
  MX_VERIFY_STREAMS(STREAM)
#undef STREAM
  MX_VERIFY_STREAM_COUNT
};

typedef struct {
  uint32_t programs;                        // completed without a difference
  uint64_t writes[MX_VERIFY_STREAM_COUNT];  // equal in address, value and order
  uint64_t memory_bytes, state_elements;    // compared after programs
} mx_verify_counts;

typedef struct {
  bool found;
  const char *what;               // "a write differs" and so on
  bool has_expected, has_got;
  bool has_order;                 // unit, number and cycle are known
  mx_unit unit;
  mx_space space;
  uint64_t number;                // of the write in its stream and program, from 0
  uint32_t expected_address, expected_value, got_address, got_value;
  uint32_t entry, pc;             // program, and address of the instruction; pc UINT32_MAX: unknown
  uint64_t cycle;                 // of the engine under test
} mx_divergence;

typedef struct mx_verify mx_verify;

// Open golden and `engine` for the image, which must outlive *out. The options
// are for the engine under test. The caller closes *out.
mx_status mx_verify_open(const mx_image *image, const char *engine, const mx_engine_options *options, mx_verify **out,
                         mx_error *e);
void mx_verify_close(mx_verify *v);  // NULL is allowed

// As mx_session_begin and mx_session_feed, on both. MX_DEVICE: a difference
// (mx_verify_divergence), or one of the engines stopped.
mx_status mx_verify_begin(mx_verify *v, mx_error *e);
mx_status mx_verify_feed(mx_verify *v, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next, mx_error *e);
mx_status mx_verify_token(mx_verify *v, uint32_t token, uint32_t *next, mx_error *e);

const mx_session *mx_verify_session(const mx_verify *v);  // of the engine under test
const mx_verify_counts *mx_verify_get_counts(const mx_verify *v);
const mx_divergence *mx_verify_divergence(const mx_verify *v);
const char *mx_verify_stream_text(int stream);  // "dot VMEM"

// Print the difference that was found as lines of text: operator, instruction,
// place, expected, got, cycle.
void mx_verify_print(const mx_verify *v, FILE *out);
#endif
