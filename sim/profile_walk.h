#ifndef MX_PROFILE_WALK_H
#define MX_PROFILE_WALK_H
// A program's instructions in the order in which they run, with what each moves and
// multiplies. Only the sequencer's own instructions are executed.
#include "golden/image.h"
#include "golden/isa.h"

typedef struct {
  const mx_image *image;
  uint32_t program, pc;    // pc: of the next instruction
  uint32_t a[MX_AREGS];
  bool ended;
} mx_walk;

typedef struct {
  uint32_t pc;
  mx_insn insn;
  unsigned op;                        // MX_OP_*
  uint64_t read_bytes, written_bytes; // whole beats
  uint64_t elements;                  // MATMUL: weights, padding included; LOAD: bytes asked for; PUT*: bytes of codes and scales
  uint64_t macs;
} mx_walk_step;

void mx_walk_start(mx_walk *w, const mx_image *image, uint32_t program, const uint32_t args[MX_ARGS]);
// False after HALT, and where the image holds no instruction.
bool mx_walk_next(mx_walk *w, mx_walk_step *out);
#endif
