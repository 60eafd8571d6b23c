#include "tests/rtl/sdram_pins.h"

#include "tests/rtl/tb.h"

static struct { tb_port *cke, *cs, *ras, *cas, *we, *ba, *a, *dqm, *dq_o, *oe, *dq_i; } p;
static mx_sdram_chip chip;
static uint64_t now, period, phase;

void sdram_pins_open(uint32_t period_ps, uint32_t phase_ps) {
  p.cke = tb_find("sdram_cke_o"), p.cs = tb_find("sdram_cs_no"), p.ras = tb_find("sdram_ras_no");
  p.cas = tb_find("sdram_cas_no"), p.we = tb_find("sdram_we_no"), p.ba = tb_find("sdram_ba_o");
  p.a = tb_find("sdram_a_o"), p.dqm = tb_find("sdram_dqm_o"), p.dq_o = tb_find("sdram_dq_o");
  p.oe = tb_find("sdram_dq_oe_o"), p.dq_i = tb_find("sdram_dq_i");
  period = period_ps;
  phase = phase_ps;
}

mx_sdram_chip *sdram_pins_power_up(const mx_sdram_params *params) {
  sdram_pins_close();
  TB_CHECK(mx_sdram_chip_open(&chip, params, tb_seed()), "out of memory");
  now = 0;
  return &chip;
}

void sdram_pins_cycle(void) {
  tb_cycle();
  now += period;
  mx_sdram_pins pins = {.cke = tb_peek(p.cke), .cs_n = tb_peek(p.cs), .ras_n = tb_peek(p.ras), .cas_n = tb_peek(p.cas),
                        .we_n = tb_peek(p.we), .ba = (uint8_t)tb_peek(p.ba), .a = (uint16_t)tb_peek(p.a),
                        .dqm = (uint8_t)tb_peek(p.dqm), .dq = (uint16_t)tb_peek(p.dq_o), .driven = tb_peek(p.oe)};
  mx_sdram_chip_edge(&chip, now + phase, &pins);
  tb_put(p.dq_i, mx_sdram_chip_dq(&chip, now + period));
}

uint8_t *sdram_pins_byte(uint32_t address) {
  return mx_sdram_chip_byte(&chip, (address >> 10 << (chip.p->column_bits + 1)) + (address & 1023));
}

void sdram_pins_close(void) {
  if (chip.cells) mx_sdram_chip_close(&chip);
}
