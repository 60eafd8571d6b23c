#include "golden/machine.h"

#include <stdlib.h>

// Of one run. More is taken for a hang: the stream queue would be full for ever.
enum { MAX_INSTRUCTIONS = 1 << 22, MAX_SEGMENTS = 1 << 20 };

mx_machine *mx_machine_new(const mx_params *p, uint8_t *memory, uint32_t mem_size) {
  mx_machine *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  size_t elems = (size_t)p->TOKENS * p->XMEM_ELEMS;
  *m = (mx_machine){.params = p, .memory = memory, .mem_size = mem_size, .simd = mx_simd_levels()[0],
                    .x_order = malloc(elems), .x_blocks = malloc(elems / 16 * sizeof(mx_simd_block))};
  m->vec = (mx_vec_state){
      .params = p,
      .vmem = calloc(p->VMEM_WORDS, sizeof(uint32_t)),
      .xmem = calloc(elems, 1),
      .xexp = calloc(elems / 16, 1),
      .ucode = calloc(p->UCODE_WORDS, sizeof(uint32_t)),
      .observer = &m->observer,
  };
  if (m->vec.vmem && m->vec.xmem && m->vec.xexp && m->vec.ucode && m->x_order && m->x_blocks) return m;
  mx_machine_free(m);
  return NULL;
}

void mx_machine_free(mx_machine *m) {
  if (!m) return;
  free(m->vec.vmem);
  free(m->vec.xmem);
  free(m->vec.xexp);
  free(m->vec.ucode);
  free(m->segments);
  free(m->x_order);
  free(m->x_blocks);
  free(m);
}

void mx_write_vmem(mx_machine *m, mx_unit unit, uint32_t addr, uint32_t value) {
  addr &= m->params->VMEM_WORDS - 1;
  m->vec.vmem[addr] = value;
  mx_observe(&m->observer, unit, MX_SPACE_VMEM, addr, value);
}

mx_stream_format mx_matmul_format(const mx_insn *in) {
  return (mx_stream_format){
      .bits = (unsigned)mx_get(in, MX_F_MATMUL_bits),
      .scale = (mx_scale_kind)mx_get(in, MX_F_MATMUL_scale),
      .zero = mx_get(in, MX_F_MATMUL_zero),
      .planar = mx_get(in, MX_F_MATMUL_planar),
      .block = (unsigned)mx_get(in, MX_F_MATMUL_block),
  };
}

static bool matmul_illegal(const mx_params *p, const mx_insn *in) {
  mx_stream_format f = mx_matmul_format(in);
  bool codebook = mx_get(in, MX_F_MATMUL_codebook);
  if (f.bits == 3 || (unsigned)f.scale == 3) return true;
  if (mx_get(in, MX_F_MATMUL_tokens) >= p->TOKENS) return true;
  if (codebook && (!p->CODEBOOK || f.bits != MX_BITS_4)) return true;
  if (f.zero && !p->ZERO_POINT) return true;
  if (f.planar && (f.bits != MX_BITS_4 || f.scale || f.zero || codebook)) return true;
  return mx_get(in, MX_F_MATMUL_x) % 16 != 0;
}

static bool put_illegal(const mx_params *p, unsigned bits, uint64_t bank, uint64_t x) {
  return (bits & 1) || bank >= p->TOKENS || x % 16 != 0;
}

bool mx_insn_illegal(const mx_params *p, const mx_insn *in) {
  if (mx_reserved_bits_set(in)) return true;
  switch (in->word[0] & 0x1f) {
    case MX_OP_LOOP: return mx_get(in, MX_F_LOOP_d) == 0;
    case MX_OP_MATMUL: return matmul_illegal(p, in);
    case MX_OP_PUTROW:
      return put_illegal(p, (unsigned)mx_get(in, MX_F_PUTROW_bits), mx_get(in, MX_F_PUTROW_bank),
                         mx_get(in, MX_F_PUTROW_x));
    case MX_OP_PUTCOL:
      if (mx_get(in, MX_F_PUTCOL_bits) == MX_BITS_4 && mx_get(in, MX_F_PUTCOL_count) % 2) return true;
      return put_illegal(p, (unsigned)mx_get(in, MX_F_PUTCOL_bits), mx_get(in, MX_F_PUTCOL_bank),
                         mx_get(in, MX_F_PUTCOL_x));
    case MX_OP_PUTEXP: return put_illegal(p, 0, mx_get(in, MX_F_PUTEXP_bank), mx_get(in, MX_F_PUTEXP_x));
    default: return false;
  }
}

static void run_arg(mx_machine *m, const mx_insn *in) {
  uint32_t a = mx_areg(m, (unsigned)mx_get(in, MX_F_ARG_a)) + (uint32_t)mx_get(in, MX_F_ARG_add);
  uint32_t masked = a >> mx_get(in, MX_F_ARG_shift) & (uint32_t)mx_get(in, MX_F_ARG_mask);
  uint32_t value = masked * (uint32_t)mx_get(in, MX_F_ARG_mul) + mx_areg(m, (unsigned)mx_get(in, MX_F_ARG_b));
  m->a[mx_get(in, MX_F_ARG_d)] = value;
}

static bool push_segment(mx_machine *m, mx_segment s) {
  if (m->n_segments == MAX_SEGMENTS) return false;
  if (m->n_segments == m->capacity) {
    uint32_t capacity = m->capacity ? 2 * m->capacity : 64;
    mx_segment *grown = realloc(m->segments, capacity * sizeof *grown);
    if (!grown) return false;
    m->segments = grown;
    m->capacity = capacity;
  }
  m->segments[m->n_segments++] = s;
  return true;
}

static unsigned run_stream(mx_machine *m, const mx_insn *in) {
  uint32_t beat = mx_beat_bytes(m->params);
  uint32_t addr = (uint32_t)mx_get(in, MX_F_STREAM_addr) + mx_areg(m, (unsigned)mx_get(in, MX_F_STREAM_a));
  uint16_t n = (uint16_t)(mx_get(in, MX_F_STREAM_segments) + mx_areg(m, (unsigned)mx_get(in, MX_F_STREAM_n)));
  uint16_t units = (uint16_t)(mx_get(in, MX_F_STREAM_units) + mx_areg(m, (unsigned)mx_get(in, MX_F_STREAM_u)));
  uint32_t bytes = units * (uint32_t)mx_get(in, MX_F_STREAM_unit16) * 16;
  uint32_t stride = (uint32_t)mx_get(in, MX_F_STREAM_stride);
  if (!n || !bytes) return MX_FAULT_NONE;
  if (addr % beat || stride % beat || bytes % beat) return MX_FAULT_ALIGN;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = addr + i * stride;
    m->fault_address = at;
    if ((uint64_t)at + bytes > m->mem_size) return MX_FAULT_RANGE;
    if (!push_segment(m, (mx_segment){at, bytes})) return MX_FAULT_WATCHDOG;
  }
  return MX_FAULT_NONE;
}

const uint8_t *mx_stream_take(mx_machine *m, uint32_t bytes, uint8_t *scratch) {
  const uint8_t *whole = NULL;
  uint32_t used = 0, taken = 0;  // segments emptied, bytes found
  while (taken < bytes) {
    if (used == m->n_segments) return NULL;
    mx_segment *s = &m->segments[used];
    uint32_t n = s->bytes < bytes - taken ? s->bytes : bytes - taken;
    if (n == bytes) whole = m->memory + s->addr;
    else memcpy(scratch + taken, m->memory + s->addr, n);
    s->addr += n;
    s->bytes -= n;
    taken += n;
    if (!s->bytes) used++;
  }
  m->n_segments -= used;
  if (used) memmove(m->segments, m->segments + used, m->n_segments * sizeof *m->segments);
  m->stream_bytes += bytes;
  return whole ? whole : scratch;
}

static unsigned run_matmul(mx_machine *m, const mx_insn *in) {
  mx_matmul mm = {
      .format = mx_matmul_format(in),
      .codebook = mx_get(in, MX_F_MATMUL_codebook),
      .frac = (unsigned)mx_get(in, MX_F_MATMUL_frac),
      .tokens = (unsigned)mx_get(in, MX_F_MATMUL_tokens) + 1,
      .x = (uint16_t)mx_get(in, MX_F_MATMUL_x),
      .dst = (uint16_t)mx_get(in, MX_F_MATMUL_dst),
      .stride = (uint16_t)mx_get(in, MX_F_MATMUL_stride),
      .groups = (uint16_t)(mx_get(in, MX_F_MATMUL_groups) + mx_areg(m, (unsigned)mx_get(in, MX_F_MATMUL_n))),
      .blocks = (uint16_t)(mx_get(in, MX_F_MATMUL_blocks) + mx_areg(m, (unsigned)mx_get(in, MX_F_MATMUL_k))),
  };
  return mx_matmul_run(m, &mm);
}

static unsigned run_vec(mx_machine *m, const mx_insn *in) {
  static const unsigned fields[6] = {MX_F_VEC_u0, MX_F_VEC_u1, MX_F_VEC_u2, MX_F_VEC_u3, MX_F_VEC_u4, MX_F_VEC_u5};
  for (unsigned i = 0; i < 6; i++) m->vec.u[i] = (uint16_t)mx_get(in, fields[i]);
  m->vec.u[6] = (uint16_t)mx_areg(m, (unsigned)mx_get(in, MX_F_VEC_r));
  m->vec.u[7] = (uint16_t)mx_areg(m, (unsigned)mx_get(in, MX_F_VEC_s));
  m->vec.simd = m->plain ? NULL : m->simd;
  return mx_vec_run(&m->vec, (unsigned)mx_get(in, MX_F_VEC_entry));
}

static void run_table(mx_machine *m, const mx_insn *in) {
  uint64_t entries = mx_get(in, MX_F_TABLE_entries);
  unsigned first = (unsigned)mx_get(in, MX_F_TABLE_half) * 8;
  for (unsigned i = 0; i < 8; i++) m->table[first + i] = (int8_t)(entries >> (8 * i) & 0xff);
}

// A legal instruction other than HALT and LOOP.
static unsigned execute(mx_machine *m, const mx_insn *in) {
  switch (in->word[0] & 0x1f) {
    case MX_OP_IDENT:
      return mx_get(in, MX_F_IDENT_build_id) == m->params->build_id ? MX_FAULT_NONE : MX_FAULT_BUILD_ID;
    case MX_OP_ARG: run_arg(m, in); return MX_FAULT_NONE;
    case MX_OP_TABLE: run_table(m, in); return MX_FAULT_NONE;
    case MX_OP_STREAM: return run_stream(m, in);
    case MX_OP_MATMUL: return run_matmul(m, in);
    case MX_OP_VEC: return run_vec(m, in);
    case MX_OP_FENCE: return MX_FAULT_NONE;
    default: return mx_move_run(m, in);
  }
}

unsigned mx_machine_step(mx_machine *m, const mx_insn *in) {
  return mx_insn_illegal(m->params, in) ? MX_FAULT_ILLEGAL : execute(m, in);
}

// Where LOOP continues.
static uint32_t loop_next(mx_machine *m, const mx_insn *in, uint32_t program) {
  unsigned d = (unsigned)mx_get(in, MX_F_LOOP_d);
  uint32_t target = program + (uint32_t)mx_get(in, MX_F_LOOP_target) * MX_INSTRUCTION_BYTES;
  return --m->a[d] ? target : m->pc + MX_INSTRUCTION_BYTES;
}

static void start(mx_machine *m, uint32_t program, const uint32_t args[MX_ARGS]) {
  memset(m->a, 0, sizeof m->a);
  for (unsigned i = 0; i < MX_ARGS; i++) m->a[i + 1] = args[i];
  m->pc = program;
  m->n_segments = 0;
  m->fault_address = 0;
  m->instructions = m->stream_bytes = 0;
}

static void probe(const mx_probe *p, uint32_t pc) {
  uint32_t low = 0, high = p->n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (p->pcs[middle] < pc) low = middle + 1;
    else high = middle;
  }
  if (low < p->n && p->pcs[low] == pc) p->look(p->self, low);
}

unsigned mx_machine_run(mx_machine *m, uint32_t program, const uint32_t args[MX_ARGS]) {
  start(m, program, args);
  if (program % mx_beat_bytes(m->params) || program % MX_INSTRUCTION_BYTES) return MX_FAULT_ALIGN;
  for (; m->instructions < MAX_INSTRUCTIONS; m->instructions++) {
    if ((uint64_t)m->pc + MX_INSTRUCTION_BYTES > m->mem_size) return MX_FAULT_RANGE;
    mx_insn in = mx_insn_load(m->memory + m->pc);
    unsigned op = in.word[0] & 0x1f;
    if (mx_insn_illegal(m->params, &in)) return MX_FAULT_ILLEGAL;
    if (m->instructions == 0 && op != MX_OP_IDENT) return MX_FAULT_ILLEGAL;
    if (m->probe.n) probe(&m->probe, m->pc);
    if (op == MX_OP_HALT) return m->n_segments ? MX_FAULT_STREAM : MX_FAULT_NONE;
    if (op == MX_OP_LOOP) {
      m->pc = loop_next(m, &in, program);
      continue;
    }
    unsigned fault = execute(m, &in);
    if (fault) return fault;
    m->pc += MX_INSTRUCTION_BYTES;
  }
  return MX_FAULT_WATCHDOG;
}
