#include "tests/rtl/sdram_pins.h"

#include "tests/rtl/tb.h"

static struct { tb_port *cke, *cs, *ras, *cas, *we, *ba, *a, *dqm, *dq_o, *oe, *dq_i, *fast; } p;
static mx_sdram_chip chip;
static uint64_t now;
static sdram_pins_board board;

void sdram_pins_open(const sdram_pins_board *b) {
  p.cke = tb_find("sdram_cke_o"), p.cs = tb_find("sdram_cs_no"), p.ras = tb_find("sdram_ras_no");
  p.cas = tb_find("sdram_cas_no"), p.we = tb_find("sdram_we_no"), p.ba = tb_find("sdram_ba_o");
  p.a = tb_find("sdram_a_o"), p.dqm = tb_find("sdram_dqm_o"), p.dq_o = tb_find("sdram_dq_o");
  p.oe = tb_find("sdram_dq_oe_o"), p.dq_i = tb_find("sdram_dq_i");
  board = *b;
  if (board.fast) p.fast = tb_find("fast_i");
}

mx_sdram_chip *sdram_pins_power_up(const mx_sdram_params *params) {
  sdram_pins_close();
  TB_CHECK(mx_sdram_chip_open(&chip, params, tb_seed()), "out of memory");
  now = 0;
  return &chip;
}

static void chip_cycle(uint64_t period_ps) {
  mx_sdram_pins pins = {.cke = board.tied || tb_peek(p.cke), .cs_n = !board.tied && tb_peek(p.cs),
                        .ras_n = tb_peek(p.ras), .cas_n = tb_peek(p.cas), .we_n = tb_peek(p.we),
                        .ba = (uint8_t)tb_peek(p.ba), .a = (uint16_t)tb_peek(p.a),
                        .dqm = board.tied ? 0 : (uint8_t)tb_peek(p.dqm), .dq = (uint32_t)tb_peek(p.dq_o),
                        .driven = tb_peek(p.oe)};
  mx_sdram_chip_edge(&chip, now + board.phase_ps, &pins);
  now += period_ps;
  tb_put(p.dq_i, mx_sdram_chip_dq(&chip, now - board.delay_ps));
}

static void fast_clock(bool level) {
  tb_put(p.fast, level);
  tb_eval();
}

void sdram_pins_cycle(void) {
  if (board.fast) tb_put(p.fast, 1);
  tb_cycle();
  chip_cycle(board.period_ps / (board.fast ? 2 : 1));
  if (!board.fast) return;
  fast_clock(0);
  fast_clock(1);
  chip_cycle(board.period_ps / 2);
  fast_clock(0);
}

uint8_t *sdram_pins_byte(uint32_t address) {
  return mx_sdram_chip_byte(&chip, (address >> 10) * (chip.p->pin_bytes << chip.p->column_bits) + (address & 1023));
}

void sdram_pins_close(void) {
  if (chip.cells) mx_sdram_chip_close(&chip);
}
