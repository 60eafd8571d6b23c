// Speed of the cycle model alone, without data: a program that streams weights of
// matrices K wide through the dot array. Prints cycles, seconds, cycles per second.
//   build/bench/cycle SET CHIP MHZ K ROWS MATRICES [plain | account | rtl N]
// account: also where the cycles go. rtl: N matrices on the Verilated RTL too, whose
// cycles must be the model's; prints cycles per second of both and their ratio.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden/isa.h"
#include "sim/cycle/host.h"
#include "sim/engine.h"

enum { INSTRUCTIONS = 16, MEMORY_BYTES = 1 << 25 };
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
  length = 0;
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

// ---- the two engines ---------------------------------------------------------------

typedef struct { uint64_t cycles; double seconds; } timing;
static const uint32_t no_args[MX_ARGS];

static void fail(const char *what) {
  fprintf(stderr, "bench/cycle: %s\n", what);
  exit(1);
}

static timing run_model(const mx_params *p, const mx_memory_options *o, const char *mode, mx_counters *n) {
  static mx_cycle_host h;
  mx_cycle_host_open(&h, p, o, 0, MEMORY_BYTES, (mx_cycle_source){NULL, bytes_at}, !strcmp(mode, "plain"));
  if (mx_cycle_host_begin(&h)) fail("the model does not begin");
  if (!strcmp(mode, "account")) mx_cycle_listen(&h.model, (mx_cycle_listener){NULL, tell});
  double begun = now();
  if (mx_cycle_host_run(&h, 0, no_args, n)) fail("the model does not end the program");
  return (timing){n->CYCLES, now() - begun};
}

static timing run_engine(const char *name, const mx_params *p, const mx_memory_options *o) {
  mx_engine_options options = {.memory = *o, .directory = "build/engines"};
  mx_engine *g;
  mx_error e = {0};
  mx_counters n;
  if (mx_engine_open(name, p, MEMORY_BYTES, &options, &g, &e)) fail(e.text);
  mx_device d = {.mmio = g->mmio};
  if (!g->memory.put(g->memory.self, 0, program, sizeof program)) fail("no memory");
  if (mx_driver_reset(&d, UINT32_MAX)) fail("the engine is not reset");
  mx_driver_set_memory(&d, g->memory_base, MEMORY_BYTES);
  double begun = now();
  if (mx_driver_start(&d, 0, no_args) || mx_driver_wait(&d, UINT32_MAX)) fail("the engine does not end the program");
  double seconds = now() - begun;
  mx_driver_counters(&d, &n);
  mx_engine_close(g);
  return (timing){n.CYCLES, seconds};
}

int main(int argc, char **argv) {
  if (argc < 7) return 2;
  const mx_params *p = mx_params_find(argv[1]);
  const char *mode = argc > 7 ? argv[7] : "";
  uint32_t k = (uint32_t)atoi(argv[4]), rows = (uint32_t)atoi(argv[5]);
  mx_memory_options o = MX_MEMORY_DEFAULTS;
  mx_counters n;
  o.chip = mx_dram_find(argv[2]);
  o.clock_khz = 1000 * (uint32_t)atoi(argv[3]);
  if (!p || !o.chip) return 2;
  build(p, k, rows, (uint32_t)atoi(argv[6]));
  timing model = run_model(p, &o, mode, &n);
  printf("%" PRIu64 " cycles, of these %" PRIu32 " took weights, %" PRIu32
         " starved; %.3f s, %.1f Mcycles/s, %.2f ns per cycle\n",
         model.cycles, n.DOT_BUSY, n.DOT_STARVED, model.seconds, 1e-6 * (double)model.cycles / model.seconds,
         1e9 * model.seconds / (double)model.cycles);
  if (!strcmp(mode, "account")) print_account();
  if (strcmp(mode, "rtl") || argc < 9) return 0;
  build(p, k, rows, (uint32_t)atoi(argv[8]));
  timing rtl = run_engine("rtl", p, &o), same = run_engine("cycle", p, &o);
  printf("rtl: %" PRIu64 " cycles, %.3f s, %.1f kcycles/s; model / rtl %.1f; difference %" PRId64 " cycles\n", rtl.cycles, rtl.seconds,
         1e-3 * (double)rtl.cycles / rtl.seconds,
         (double)model.cycles / model.seconds / ((double)rtl.cycles / rtl.seconds), (int64_t)(rtl.cycles - same.cycles));
  return 0;
}
