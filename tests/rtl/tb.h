#ifndef MX_TB_H
#define MX_TB_H
// C harness over one Verilated module: ports by name, a clock, a seeded
// random source and a uniform failure report. The C++ that Verilator demands
// is behind tb_shim.cpp. The module's clock port is `clk_i`.
//
// A test program is tests/rtl/tb_NAME.c with `void tb_main(void)`; `// tb:`
// comment lines at its head name the top module and its parameters, e.g.
//   // tb: top=stream_fifo params=Width=8,Depth=4
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// One port of the module under test; `bits` may exceed 64.
typedef struct {
  const char *name;
  void *data;      // Verilator's storage: 1, 2, 4, 8 bytes or 32-bit words
  unsigned bits;
} tb_port;

void tb_main(void);  // supplied by the test program

tb_port *tb_find(const char *name);  // exits with a message if there is none
void tb_put(tb_port *p, uint64_t value);
uint64_t tb_peek(const tb_port *p);
// The same for a slice [lsb +: width] of a port, width <= 64.
void tb_put_bits(tb_port *p, unsigned lsb, unsigned width, uint64_t value);
uint64_t tb_peek_bits(const tb_port *p, unsigned lsb, unsigned width);

void tb_eval(void);    // settle combinational paths
void tb_cycle(void);   // one rising edge of clk_i, then settle with clk_i low
void tb_edge(bool rising);  // one edge of clk_i, then settle: tb_cycle by halves
uint64_t tb_cycles(void);  // rising edges so far
void tb_reset(void);   // rst_ni low for 4 cycles, then high

uint64_t tb_seed(void);        // of this run: MX_SEED or argv[1], else 1
uint64_t tb_random(void);      // xorshift64*, from the seed
uint64_t tb_random_below(uint64_t n);

// Report and exit 1: prints seed, cycle and the command that repeats the run.
void tb_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define TB_CHECK(cond, ...) do { if (!(cond)) tb_fail(__VA_ARGS__); } while (0)
#endif
