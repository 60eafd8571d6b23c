// Speed of the cycle model alone, without data: a program that streams weights of
// matrices K wide through the dot array. Prints cycles, seconds, cycles per second.
//   build/bench/cycle SET CHIP MHZ K ROWS MATRICES [plain | account]
// account: also where the cycles go.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden/isa.h"
#include "sim/cycle/host.h"

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

// ---- accounting --------------------------------------------------------------------

static uint64_t account[MX_CYCLE_CLASS_COUNT];

static void tell(void *self, const mx_cycle_interval *i) {
  (void)self;
  account[i->dot] += i->count;
}

static void print_account(void) {
  static const char *const texts[] = {
#define CLASS(name, text) text,
      MX_CYCLE_CLASSES(CLASS)
#undef CLASS
  };
  for (int i = 0; i < MX_CYCLE_CLASS_COUNT; i++)
    if (account[i]) printf("%12" PRIu64 "  %s\n", account[i], texts[i]);
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  static mx_cycle_host h;
  const mx_params *p = mx_params_find(argv[1]);
  const uint32_t args[MX_ARGS] = {0};
  mx_memory_options o = MX_MEMORY_DEFAULTS;
  mx_counters n;
  o.chip = mx_dram_find(argv[2]);
  o.clock_khz = 1000 * (uint32_t)atoi(argv[3]);
  if (!p || !o.chip) return 2;
  build(p, (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]), (uint32_t)atoi(argv[6]));
  mx_cycle_host_open(&h, p, &o, 0, 1u << 30, (mx_cycle_source){NULL, bytes_at},
                     argc > 7 && !strcmp(argv[7], "plain"));
  if (mx_cycle_host_begin(&h)) return 1;
  bool accounts = argc > 7 && !strcmp(argv[7], "account");
  if (accounts) mx_cycle_listen(&h.model, (mx_cycle_listener){NULL, tell});
  double begun = now();
  if (mx_cycle_host_run(&h, 0, args, &n)) return 1;
  double seconds = now() - begun;
  printf("%" PRIu32 " cycles, of these %" PRIu32 " took weights, %" PRIu32
         " starved; %.3f s, %.1f Mcycles/s, %.2f ns per cycle\n",
         n.CYCLES, n.DOT_BUSY, n.DOT_STARVED, seconds, 1e-6 * n.CYCLES / seconds, 1e9 * seconds / n.CYCLES);
  if (accounts) print_account();
  return 0;
}
