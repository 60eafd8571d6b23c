#include "sim/profile_walk.h"

#include "golden/stream.h"

void mx_walk_start(mx_walk *w, const mx_image *image, uint32_t program, const uint32_t args[MX_ARGS]) {
  *w = (mx_walk){.image = image, .program = program, .pc = program};
  for (unsigned i = 0; i < MX_ARGS; i++) w->a[i + 1] = args[i];
}

static uint32_t areg(const mx_walk *w, uint64_t index) { return index ? w->a[index] : 0; }

// A 16-bit field with an A register added.
static uint32_t count_of(const mx_walk *w, const mx_insn *in, unsigned field, unsigned reg) {
  return (uint16_t)(mx_get(in, field) + areg(w, mx_get(in, reg)));
}

static uint64_t beats(const mx_walk *w, uint64_t bytes) {
  uint32_t beat = mx_beat_bytes(w->image->params);
  return (bytes + beat - 1) / beat * beat;
}

// ---- what an instruction moves ----------------------------------------------------------

static void stream(const mx_walk *w, mx_walk_step *s) {
  uint64_t segments = count_of(w, &s->insn, MX_F_STREAM_segments, MX_F_STREAM_n);
  uint64_t units = count_of(w, &s->insn, MX_F_STREAM_units, MX_F_STREAM_u);
  s->read_bytes = segments * units * mx_get(&s->insn, MX_F_STREAM_unit16) * 16;
}

static void matmul(const mx_walk *w, mx_walk_step *s) {
  uint64_t rows = (uint64_t)count_of(w, &s->insn, MX_F_MATMUL_groups, MX_F_MATMUL_n) * w->image->params->GROUP;
  uint64_t blocks = count_of(w, &s->insn, MX_F_MATMUL_blocks, MX_F_MATMUL_k);
  s->elements = rows * (blocks << (4 + mx_get(&s->insn, MX_F_MATMUL_block)));
  s->macs = s->elements * (mx_get(&s->insn, MX_F_MATMUL_tokens) + 1);
}

static void load(const mx_walk *w, mx_walk_step *s) {
  static const uint8_t size[] = {[MX_LOAD_F32] = 4, [MX_LOAD_BF16] = 2, [MX_LOAD_E8M0] = 1, [MX_LOAD_F16] = 2};
  s->elements = (uint64_t)count_of(w, &s->insn, MX_F_LOAD_count, MX_F_LOAD_n) * size[mx_get(&s->insn, MX_F_LOAD_format)];
  s->read_bytes = beats(w, s->elements);
}

static void ucode(const mx_walk *w, mx_walk_step *s) {
  s->elements = 4 * mx_get(&s->insn, MX_F_UCODE_count);
  s->read_bytes = beats(w, s->elements);
}

static void store(const mx_walk *w, mx_walk_step *s) {
  s->elements = 4ull * count_of(w, &s->insn, MX_F_STORE_count, MX_F_STORE_n);
  s->written_bytes = beats(w, s->elements);
}

// A beat for each scale, and for each slice of a beat that a row's codes touch: with
// SERIAL a byte.
static void put_row(const mx_walk *w, mx_walk_step *s) {
  const mx_params *p = w->image->params;
  uint64_t blocks = mx_get(&s->insn, MX_F_PUTROW_blocks);
  uint32_t line = 16u << mx_get(&s->insn, MX_F_PUTROW_block) >> (mx_get(&s->insn, MX_F_PUTROW_bits) == MX_BITS_4);
  uint32_t slice = p->SERIAL ? 1 : mx_beat_bytes(p) / p->ROWS;
  s->elements = blocks * (1 + line);
  s->written_bytes = blocks * (1 + (line > slice ? line / slice : 1)) * mx_beat_bytes(p);
}

// A beat for each row, or two rows with 4 bits.
static void put_column(const mx_walk *w, mx_walk_step *s) {
  s->elements = mx_get(&s->insn, MX_F_PUTCOL_count) >> (mx_get(&s->insn, MX_F_PUTCOL_bits) == MX_BITS_4);
  s->written_bytes = s->elements * mx_beat_bytes(w->image->params);
}

static void put_scale(const mx_walk *w, mx_walk_step *s) {
  s->elements = 1;
  s->written_bytes = mx_beat_bytes(w->image->params);
}

static void describe(const mx_walk *w, mx_walk_step *s) {
  switch (s->op) {
    case MX_OP_STREAM: stream(w, s); break;
    case MX_OP_MATMUL: matmul(w, s); break;
    case MX_OP_LOAD: load(w, s); break;
    case MX_OP_UCODE: ucode(w, s); break;
    case MX_OP_STORE: store(w, s); break;
    case MX_OP_PUTROW: put_row(w, s); break;
    case MX_OP_PUTCOL: put_column(w, s); break;
    case MX_OP_PUTEXP: put_scale(w, s); break;
    default: break;
  }
}

// ---- what the sequencer does ------------------------------------------------------------

static void run_arg(mx_walk *w, const mx_insn *in) {
  uint32_t a = areg(w, mx_get(in, MX_F_ARG_a)) + (uint32_t)mx_get(in, MX_F_ARG_add);
  uint32_t masked = a >> mx_get(in, MX_F_ARG_shift) & (uint32_t)mx_get(in, MX_F_ARG_mask);
  w->a[mx_get(in, MX_F_ARG_d)] = masked * (uint32_t)mx_get(in, MX_F_ARG_mul) + areg(w, mx_get(in, MX_F_ARG_b));
}

static void go_on(mx_walk *w, const mx_insn *in, unsigned op) {
  w->pc += MX_INSTRUCTION_BYTES;
  if (op == MX_OP_HALT) w->ended = true;
  if (op == MX_OP_ARG) run_arg(w, in);
  if (op == MX_OP_LOOP && --w->a[mx_get(in, MX_F_LOOP_d)])
    w->pc = w->program + (uint32_t)mx_get(in, MX_F_LOOP_target) * MX_INSTRUCTION_BYTES;
}

bool mx_walk_next(mx_walk *w, mx_walk_step *out) {
  if (w->ended || (uint64_t)w->pc + MX_INSTRUCTION_BYTES > w->image->memory_bytes) return false;
  *out = (mx_walk_step){.pc = w->pc, .insn = mx_insn_load(w->image->memory + w->pc)};
  out->op = out->insn.word[0] & ((2u << MX_OP_MSB) - 1);
  describe(w, out);
  go_on(w, &out->insn, out->op);
  return true;
}
