// The netlist that a board's bitstream was made of, with the board's clock, line and
// flash, in tests/boards/ice40_board.sv: tokens of the toy image, or of the image
// MX_IMAGE=FILE, which must be those of the golden engine.
#include <stdio.h>

#include "tests/rtl/up5k_board.h"

enum { BAUD = 115200, TOKENS = 3 };

static struct { tb_port *cs_n, *sck, *level, *driven, *in, *oe; } p;
static void step(void);
static up5k_board board = {.step = step};

// The FPGA's lines are seen while the chip releases its own.
static void drive(uint64_t now_ns) {
  tb_put(p.oe, 0);
  tb_eval();
  unsigned drives = (unsigned)tb_peek(p.driven);
  mx_flash_pins pins = {.cs_n = tb_peek(p.cs_n), .sck = tb_peek(p.sck), .drives = drives, .level = (unsigned)tb_peek(p.level)};
  tb_put(p.in, up5k_drive(&board, now_ns, pins));
  tb_put(p.oe, ~drives);
}

// The flash's clock is low in the first half of a cycle.
static void step(void) {
  uint64_t now_ns = tb_cycles() * 1000000000 / board.clock_hz;
  uart_line_step(&board.device.line);
  tb_edge(true);
  TB_CHECK(!tb_peek(p.sck), "the flash's clock is high in the first half of a cycle");
  drive(now_ns);
  tb_edge(false);
  drive(now_ns + board.cycle_ns / 2);
}

void tb_main(void) {
  p.cs_n = tb_find("cs_no"), p.sck = tb_find("sck_o"), p.level = tb_find("flash_o"), p.driven = tb_find("flash_driven_o");
  p.in = tb_find("flash_i"), p.oe = tb_find("flash_oe_i");
  board.clock_hz = (uint32_t)tb_peek(tb_find("clock_hz_o"));
  board.cycle_ns = 1000000000 / board.clock_hz;
  board.clocks_per_bit = (board.clock_hz + BAUD / 2) / BAUD;
  up5k_load(&board, getenv("MX_IMAGE"));
  uint64_t cycles = up5k_run_beside_golden(&board, TOKENS);
  TB_CHECK(board.device.host.retries == 0, "%lu repetitions on a clean line", (unsigned long)board.device.host.retries);
  printf("%.2f MHz, %d tokens, cycles of the last %lu\n", board.clock_hz * 1e-6, TOKENS, (unsigned long)cycles);
  up5k_close(&board);
}
