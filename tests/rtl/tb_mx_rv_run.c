// tb: name=mx_rv_run   top=mx_rv dir=rtl/soc params=CycleBits=32
// tb: name=mx_rv_run_m top=mx_rv dir=rtl/soc params=MulDiv=1,FastShift=1,FastMul=1
// A compiled program (tests/soc/demo.c) on the model alone, then on mx_rv and
// the model in lockstep: both must print tests/soc/demo.txt. Tells the cycles
// per instruction, with transfers of 2 cycles, then with random waits.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/rtl/rv_lockstep.h"
#include "tests/rtl/tb.h"

#ifdef TB_MulDiv
enum { MUL_DIV = 1, CYCLE_BITS = 64 };
static const char program[] = "build/soc/demo.rv32im.bin";
#else
enum { MUL_DIV = 0, CYCLE_BITS = TB_CycleBits };
static const char program[] = "build/soc/demo.rv32i.bin";
#endif

enum { MEMORY = 1 << 16, TEXT = 4096, STEPS = 10000000 };
enum { BYTE_PORT = 0x10000000, EXIT_PORT = 0x10000004, TIMER_PORT = 0x10000008 };

// What the program sees, and what it did.
static struct {
  uint32_t memory[MEMORY / 4];
  char text[TEXT];
  size_t length;
  uint32_t timer;  // cycles, or steps of the model alone, until the interrupt; 0: off
  bool interrupt, ended;
  uint32_t result;
} machine;

static char expected[TEXT];
static unsigned longest_wait;

static size_t read_file(const char *path, void *to, size_t room) {
  FILE *f = fopen(path, "rb");
  TB_CHECK(f, "cannot open %s", path);
  size_t n = fread(to, 1, room, f);
  fclose(f);
  TB_CHECK(n > 0 && n < room, "%s has %zu bytes or more", path, n);
  return n;
}

static void load(void) {
  memset(&machine, 0, sizeof machine);
  read_file(program, machine.memory, MEMORY - 4096);  // leaves the stack room
}

static bool port_write(const mx_rv_transfer *t) {
  switch (t->address) {
    case BYTE_PORT:
      TB_CHECK(machine.length < TEXT - 1, "the program prints too much");
      machine.text[machine.length++] = (char)t->data;
      return true;
    case EXIT_PORT: machine.ended = true, machine.result = t->data; return true;
    case TIMER_PORT: machine.timer = t->data, machine.interrupt = false; return true;
    default: return false;
  }
}

static bool memory(void *context, mx_rv_transfer *t) {
  (void)context;
  if (t->address >= MEMORY) return t->strobes == 15 && port_write(t);
  uint32_t *word = &machine.memory[t->address / 4], lanes = 0;
  for (unsigned i = 0; i < 4; i++)
    if (t->strobes >> i & 1) lanes |= 0xffu << 8 * i;
  *word = (*word & ~lanes) | (t->data & lanes);
  if (!t->strobes) t->data = *word;
  return true;
}

static uint32_t tick(void *context) {
  (void)context;
  if (machine.timer && --machine.timer == 0) machine.interrupt = true;
  return machine.interrupt ? MX_RV_TIMER : 0;
}

static unsigned wait_cycles(void *context) {
  (void)context;
  return 1 + (unsigned)tb_random_below(longest_wait);
}

static void check_end(const char *who) {
  TB_CHECK(machine.ended, "%s: the program did not end; it printed:\n%s", who, machine.text);
  TB_CHECK(machine.result == 0, "%s: the program ended with %u", who, machine.result);
  TB_CHECK(!strcmp(machine.text, expected), "%s: the program printed:\n%s", who, machine.text);
}

static void run_model(void) {
  mx_rv m = {.mul_div = MUL_DIV, .memory = memory};
  load();
  mx_rv_reset(&m, 0);
  unsigned n = 0;
  for (; n < STEPS && !machine.ended; n++) {
    m.mip = tick(NULL);
    mx_rv_step(&m, m.mip);
  }
  check_end("model");
  printf("model: %u instructions, %zu bytes printed\n", n, machine.length);
}

static void run_core(unsigned wait) {
  const rv_environment e = {.memory = memory, .wait = wait_cycles, .interrupts = tick};
  longest_wait = wait;
  load();
  uint64_t cycles = tb_cycles(), steps = rv_steps();
  rv_open(&e, MUL_DIV, 0, 0, CYCLE_BITS);
  while (!machine.ended && rv_steps() - steps < STEPS) rv_cycle();
  check_end("mx_rv");
  cycles = tb_cycles() - cycles, steps = rv_steps() - steps;
  printf("mx_rv, transfers of 2%s cycles: %" PRIu64 " cycles, %.3f per instruction\n", wait > 1 ? " to 5" : "", cycles,
         (double)cycles / (double)steps);
}

void tb_main(void) {
  read_file("tests/soc/demo.txt", expected, TEXT);
  run_model();
  run_core(1);
  run_core(4);
}
