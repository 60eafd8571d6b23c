#include "tests/rtl/tb.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/rtl/tb_shim.h"

static uint64_t seed, state, cycles;
static const char *program;
static tb_port *clock_port;

static uint64_t get_word32(const tb_port *p, unsigned word) {
  switch (p->bits <= 8 ? 1 : p->bits <= 16 ? 2 : p->bits <= 32 ? 4 : p->bits <= 64 ? 8 : 0) {
    case 1: return *(const uint8_t *)p->data;
    case 2: return *(const uint16_t *)p->data;
    case 4: return *(const uint32_t *)p->data;
    case 8: return (uint32_t)(*(const uint64_t *)p->data >> (32 * word));
    default: return ((const uint32_t *)p->data)[word];
  }
}

static void set_word32(tb_port *p, unsigned word, uint32_t v) {
  switch (p->bits <= 8 ? 1 : p->bits <= 16 ? 2 : p->bits <= 32 ? 4 : p->bits <= 64 ? 8 : 0) {
    case 1: *(uint8_t *)p->data = (uint8_t)v; break;
    case 2: *(uint16_t *)p->data = (uint16_t)v; break;
    case 4: *(uint32_t *)p->data = v; break;
    case 8: {
      uint64_t old = *(uint64_t *)p->data, mask = 0xffffffffull << (32 * word);
      *(uint64_t *)p->data = (old & ~mask) | ((uint64_t)v << (32 * word));
      break;
    }
    default: ((uint32_t *)p->data)[word] = v;
  }
}

tb_port *tb_find(const char *name) {
  for (tb_port *p = tb_shim_ports(); p->name; p++)
    if (!strcmp(p->name, name)) return p;
  tb_fail("the module has no port '%s'", name);
}

static unsigned min_unsigned(unsigned a, unsigned b) { return a < b ? a : b; }

void tb_put_bits(tb_port *p, unsigned lsb, unsigned width, uint64_t value) {
  for (unsigned done = 0; done < width;) {
    unsigned at = lsb + done, shift = at % 32;
    unsigned n = min_unsigned(32 - shift, width - done);
    uint32_t mask = (n == 32 ? ~0u : (1u << n) - 1) << shift;
    uint32_t old = (uint32_t)get_word32(p, at / 32);
    set_word32(p, at / 32, (old & ~mask) | ((uint32_t)(value >> done) << shift & mask));
    done += n;
  }
}

uint64_t tb_peek_bits(const tb_port *p, unsigned lsb, unsigned width) {
  uint64_t value = 0;
  for (unsigned done = 0; done < width;) {
    unsigned at = lsb + done, shift = at % 32;
    unsigned n = min_unsigned(32 - shift, width - done);
    uint64_t part = get_word32(p, at / 32) >> shift & (n == 32 ? ~0u : (1u << n) - 1);
    value |= part << done;
    done += n;
  }
  return value;
}

void tb_put(tb_port *p, uint64_t v) { tb_put_bits(p, 0, min_unsigned(p->bits, 64), v); }
uint64_t tb_peek(const tb_port *p) { return tb_peek_bits(p, 0, min_unsigned(p->bits, 64)); }

void tb_eval(void) { tb_shim_eval(); }

void tb_edge(bool rising) {
  tb_put(clock_port, rising);
  tb_shim_eval();
  cycles += rising;
}

void tb_cycle(void) {
  tb_edge(true);
  tb_edge(false);
}

uint64_t tb_cycles(void) { return cycles; }

void tb_reset(void) {
  tb_port *rst = tb_find("rst_ni");
  tb_put(rst, 0);
  for (int i = 0; i < 4; i++) tb_cycle();
  tb_put(rst, 1);
  tb_eval();
}

uint64_t tb_seed(void) { return seed; }

uint64_t tb_random(void) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dull;
}

uint64_t tb_random_below(uint64_t n) { return tb_random() % n; }

void tb_fail(const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  fprintf(stderr, "%s: FAIL at cycle %" PRIu64 ": ", program, cycles);
  vfprintf(stderr, fmt, ap);
  fprintf(stderr, "\n  repeat: MX_SEED=%" PRIu64 " %s\n", seed, program);
  va_end(ap);
  exit(1);
}

int main(int argc, char **argv) {
  const char *text = argc > 1 ? argv[1] : getenv("MX_SEED");
  program = argv[0];
  seed = text ? strtoull(text, NULL, 0) : 1;
  state = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
  tb_shim_open();
  clock_port = tb_find("clk_i");
  tb_shim_eval();  // Verilator sees no edge in its first evaluation
  tb_main();
  tb_shim_close();
  printf("%s: ok, seed %" PRIu64 ", %" PRIu64 " cycles\n", program, seed, cycles);
  return 0;
}
