// Speed of MATMUL on the golden machine: matrix products with K columns, their
// weights random and straight from the stream, by parameter set, format, tokens,
// size of the stream and level of golden/simd.h. Every level must leave the
// vector memory that the first left.
//   build/bench/matmul [SET FORMAT TOKENS]   one line, the best level only
// Columns: set, format, tokens, MiB of stream, level, GMAC/s of processor time
// (the best of several runs).
#define _XOPEN_SOURCE 700
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "golden/machine.h"

enum { K = 4096, BLOCK = 32, BLOCKS = K / BLOCK, SCALE = 120 };
enum { SMALL = 512 << 10, LARGE = 128 << 20 };  // bytes: within L2, beyond all caches

typedef struct {
  const char *name;
  mx_stream_format format;
  unsigned frac;
  bool codebook;
} weight_format;

static const weight_format formats[] = {
    {"mxint4", {.bits = MX_BITS_4, .scale = MX_SCALE_E8M0, .block = 1}, 8, false},
    {"codebook", {.bits = MX_BITS_4, .scale = MX_SCALE_E8M0, .block = 1}, 7, true},
    {"mxint6", {.bits = MX_BITS_6, .scale = MX_SCALE_E8M0, .block = 1}, 10, false},
    {"mxint8", {.bits = MX_BITS_8, .scale = MX_SCALE_E8M0, .block = 1}, 12, false},
    {"int4", {.bits = MX_BITS_4, .scale = MX_SCALE_F16, .block = 1}, 6, false},
    {"int4-zero", {.bits = MX_BITS_4, .scale = MX_SCALE_F16, .zero = true, .block = 1}, 6, false},
    {NULL, {0}, 0, false},
};

static uint32_t random_word(void) {
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "bench/matmul: %s\n", what);
  exit(1);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// ---- a machine and a product --------------------------------------------------------

typedef struct {
  mx_machine *machine;
  const weight_format *weights;
  uint32_t tokens, groups, unit_bytes;
} product;

static void fill_stream(const product *p) {
  uint32_t rows = p->machine->params->GROUP, scale = p->weights->format.scale;
  uint8_t *unit = p->machine->memory;
  for (uint32_t n = p->groups * BLOCKS; n-- > 0; unit += p->unit_bytes) {
    for (uint32_t i = 0; i < p->unit_bytes; i += 4) memcpy(unit + i, &(uint32_t){random_word()}, 4);
    for (uint32_t row = 0; row < rows; row++)  // about 2^-7
      if (scale == MX_SCALE_E8M0) unit[row] = (uint8_t)(SCALE + unit[row] % 8);
      else unit[2 * row + 1] = (uint8_t)(0x20 | (unit[2 * row + 1] & 0x83));
  }
}

static void fill_activations(mx_machine *m) {
  uint32_t n = m->params->TOKENS * m->params->XMEM_ELEMS;
  for (uint32_t i = 0; i < n; i++) m->vec.xmem[i] = (int8_t)(random_word() % 255 - 127);
  for (uint32_t i = 0; i < n / 16; i++) m->vec.xexp[i] = (uint8_t)(SCALE + random_word() % 8);
}

static product new_product(const mx_params *params, const weight_format *f, uint32_t tokens, uint32_t bytes) {
  product p = {.weights = f, .tokens = tokens, .unit_bytes = mx_unit_bytes(params, &f->format)};
  p.groups = bytes / (BLOCKS * p.unit_bytes);
  uint32_t size = p.groups * BLOCKS * p.unit_bytes + 64;
  uint8_t *memory = malloc(size);
  p.machine = memory ? mx_machine_new(params, memory, size) : NULL;
  require(p.machine, "out of memory");
  for (int i = 0; i < 16; i++) p.machine->table[i] = (int8_t)random_word();
  fill_stream(&p);
  fill_activations(p.machine);
  return p;
}

static void free_product(product *p) {
  free(p->machine->memory);
  mx_machine_free(p->machine);
}

static void step(mx_machine *m, unsigned op, size_t n, const uint64_t (*fields)[2]) {
  mx_insn in = {{op}};
  for (size_t i = 0; i < n; i++) require(mx_put(&in, (unsigned)fields[i][0], fields[i][1]), "a field does not fit");
  require(mx_machine_step(m, &in) == MX_FAULT_NONE, "the instruction faults");
}

static void run(const product *p) {
  const mx_stream_format *f = &p->weights->format;
  const uint64_t stream[][2] = {{MX_F_STREAM_unit16, BLOCKS * p->unit_bytes / 64}, {MX_F_STREAM_segments, 1},
                                {MX_F_STREAM_units, 4 * p->groups}};
  const uint64_t matmul[][2] = {{MX_F_MATMUL_bits, f->bits}, {MX_F_MATMUL_scale, f->scale}, {MX_F_MATMUL_zero, f->zero},
                                {MX_F_MATMUL_codebook, p->weights->codebook}, {MX_F_MATMUL_block, f->block},
                                {MX_F_MATMUL_frac, p->weights->frac}, {MX_F_MATMUL_groups, p->groups},
                                {MX_F_MATMUL_blocks, BLOCKS}, {MX_F_MATMUL_tokens, p->tokens - 1},
                                {MX_F_MATMUL_stride, p->machine->params->VMEM_WORDS / 2 / p->tokens}};
  step(p->machine, MX_OP_STREAM, sizeof stream / sizeof *stream, stream);
  step(p->machine, MX_OP_MATMUL, sizeof matmul / sizeof *matmul, matmul);
}

// ---- measurements --------------------------------------------------------------------

static uint64_t hash(const mx_machine *m) {
  uint64_t h = 0;
  for (uint32_t i = 0; i < m->params->VMEM_WORDS; i++) h = (h ^ m->vec.vmem[i]) * 0x100000001B3u;
  return h;
}

// 10^9 multiplications per second, the best of five runs of 2^29 or more.
static double rate(const product *p) {
  uint64_t macs = (uint64_t)p->groups * p->machine->params->GROUP * K * p->tokens;
  uint64_t times = ((1u << 29) + macs - 1) / macs;
  double best = 0;
  for (int i = 0; i < 5; i++) {
    double start = seconds();
    for (uint64_t k = 0; k < times; k++) run(p);
    double r = (double)(times * macs) / (seconds() - start) * 1e-9;
    best = r > best ? r : best;
  }
  return best;
}

static void measure(const mx_params *params, const weight_format *f, uint32_t tokens, uint32_t bytes, bool all) {
  product p = new_product(params, f, tokens, bytes);
  uint64_t first = 0;
  for (const mx_simd *const *l = mx_simd_levels();; l++) {
    p.machine->simd = *l;
    memset(p.machine->vec.vmem, 0, params->VMEM_WORDS * sizeof(uint32_t));
    double r = rate(&p);
    printf("%-6s %-10s %u %5.1f %-9s %6.2f\n", params->name, f->name, tokens, bytes / 1048576.0, *l ? (*l)->name : "portable", r);
    require(!first || first == hash(p.machine), "levels differ");
    first = hash(p.machine);
    if (!*l || !all) break;
  }
  fflush(stdout);
  free_product(&p);
}

static void measure_sizes(const mx_params *params, const weight_format *f, uint32_t tokens, bool all) {
  measure(params, f, tokens, SMALL, all);
  measure(params, f, tokens, LARGE, all);
}

int main(int argc, char **argv) {
  if (argc == 4) {
    const mx_params *params = mx_params_find(argv[1]);
    const weight_format *f = formats;
    while (f->name && strcmp(f->name, argv[2])) f++;
    uint32_t tokens = (uint32_t)strtoul(argv[3], NULL, 10);
    require(params && f->name && tokens && tokens <= params->TOKENS && params->XMEM_ELEMS >= K, "no such set, format or tokens");
    measure_sizes(params, f, tokens, false);
    return 0;
  }
  static const char *const sets[] = {"sim", "large"};
  for (int s = 0; s < 2; s++)
    for (const weight_format *f = formats; f->name; f++) {
      const mx_params *params = mx_params_find(sets[s]);
      for (uint32_t tokens = 1; tokens <= params->TOKENS; tokens *= 2) measure_sizes(params, f, tokens, true);
    }
  return 0;
}
