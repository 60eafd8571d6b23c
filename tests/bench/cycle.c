// Speed of the cycle model alone, without data: a program that streams weights of
// matrices K wide through the dot array. Prints cycles, seconds, cycles per second.
//   build/bench/cycle SET CHIP MHZ K ROWS MATRICES [plain]
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden/isa.h"
#include "sim/cycle/cycle.h"

enum { INSTRUCTIONS = 16 };
static uint8_t program[INSTRUCTIONS * MX_INSTRUCTION_BYTES];
static uint32_t length;

static void bytes_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  (void)self;
  memset(to, 0, count);
  if (addr < sizeof program && count <= sizeof program - addr) memcpy(to, program + addr, count);
}

static void append(const mx_insn *in) {
  for (unsigned i = 0; i < MX_INSTRUCTION_BYTES; i++)
    program[MX_INSTRUCTION_BYTES * length + i] = (uint8_t)(in->word[i / 4] >> 8 * (i % 4));
  length++;
}

static void write_register(mx_cycle *c, uint16_t offset, uint32_t value) {
  c->bus = (mx_cycle_csr_bus){.awvalid = true, .wvalid = true, .bready = true, .awaddr = offset, .wdata = value, .wstrb = 15};
  for (bool done = false; !done;) {
    mx_cycle_look(c);
    done = c->ports.s_bvalid;
    bool accepted = c->ports.s_awready;
    mx_cycle_edge(c);
    if (accepted) c->bus.awvalid = c->bus.wvalid = false;
  }
  c->bus = (mx_cycle_csr_bus){0};
}

// STREAM and MATMUL of a matrix with MXINT4 weights in blocks of 32, `matrices` times.
static void build(const mx_params *p, uint32_t k, uint32_t rows, uint32_t matrices) {
  uint32_t blocks = k / 32, group_bytes = blocks * (p->GROUP + p->GROUP * 16);
  mx_insn in = {{MX_OP_IDENT, p->build_id, 0, 0}};
  append(&in);
  in = (mx_insn){{MX_OP_ARG, matrices, UINT32_MAX, 1}};
  mx_put(&in, MX_F_ARG_d, 5);
  append(&in);
  in = (mx_insn){{MX_OP_STREAM, 0x10000, 0, 0}};
  mx_put(&in, MX_F_STREAM_segments, 1);
  mx_put(&in, MX_F_STREAM_unit16, group_bytes / 16 / (blocks > 64 ? 16 : 1));
  mx_put(&in, MX_F_STREAM_units, rows / p->GROUP * (blocks > 64 ? 16 : 1));
  append(&in);
  in = (mx_insn){{MX_OP_MATMUL, 0, 0, 0}};
  mx_put(&in, MX_F_MATMUL_scale, 1);
  mx_put(&in, MX_F_MATMUL_block, 1);
  mx_put(&in, MX_F_MATMUL_groups, rows / p->GROUP);
  mx_put(&in, MX_F_MATMUL_blocks, blocks);
  append(&in);
  in = (mx_insn){{MX_OP_LOOP, 2, 0, 0}};
  mx_put(&in, MX_F_LOOP_d, 5);
  append(&in);
  in = (mx_insn){{MX_OP_HALT, 0, 0, 0}};
  append(&in);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  const mx_params *p = mx_params_find(argv[1]);
  mx_memory_options o = MX_MEMORY_DEFAULTS;
  o.chip = mx_dram_find(argv[2]);
  o.clock_khz = 1000 * (uint32_t)atoi(argv[3]);
  bool plain = argc > 7;
  mx_cycle *c = malloc(sizeof *c);
  if (!p || !c) return 1;
  build(p, (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]), (uint32_t)atoi(argv[6]));
  mx_cycle_open(c, p, &o, 0, 1u << 30, (mx_cycle_source){NULL, bytes_at});
  for (int i = 0; i < 40; i++) mx_cycle_step(c);
  c->reset = false;
  for (int i = 0; i < 40; i++) mx_cycle_step(c);
  write_register(c, MX_CSR_IRQ_ENABLE, 1);
  write_register(c, MX_CSR_MEM_SIZE, 1u << 30);
  double begun = now();
  write_register(c, MX_CSR_CONTROL, MX_CONTROL_START);
  while (!c->csr.irq_pending) {
    mx_cycle_look(c);
    if (plain) mx_cycle_edge(c);
    else mx_cycle_leap(c, UINT64_MAX);
  }
  double seconds = now() - begun;
  printf("%s: fault %u at 0x%x, %" PRIu64 " cycles, %" PRIu64 " busy, %" PRIu64 " took, %" PRIu64 " starved, %.3f s, %.1f Mcycles/s, %.2f ns/cycle\n",
         plain ? "plain" : "leap", c->seq.error, mx_cycle_seq_error_pc(&c->seq), c->cycle, c->csr.events[MX_EVENT_CYCLES],
         c->csr.events[MX_EVENT_DOT_BUSY], c->csr.events[MX_EVENT_DOT_STARVED], seconds,
         1e-6 * (double)c->cycle / seconds, 1e9 * seconds / (double)c->cycle);
  free(c);
  return 0;
}
