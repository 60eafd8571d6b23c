#include "sim/soc/soc_board.h"

#include <stdlib.h>
#include <string.h>

#include "sim/soc/flash_chip.h"
#include "sim/soc/uart_pins.h"

enum { RESET_CYCLES = 4 };

typedef struct { const char *board; uint32_t sdram_pins, rate; bool masked; } wiring;

// Of firmware/soc.def, of the board that the model was built for.
static const wiring *wiring_of(const char *board) {
  static const wiring all[] = {
#define SOCPINS(board, flash, sdram, rate, masked, columns, rows) {#board, sdram, rate, masked},
#include "firmware/soc.def"
      {0}};
  const wiring *w = all;
  while (w->board && strcmp(w->board, board)) w++;
  return w;
}

struct mx_soc_board {
  mx_soc_board_options options;
  const wiring *wiring;
  mx_soc_ports p;
  void *model;
  mx_flash_chip *flash;
  mx_sdram_chip sdram;
  mx_uart_pins uart;
  bool tracing;
  uint64_t cycles, instructions, period_ps;
  unsigned flash_pins;  // as of the last call of its model
};

// ---- chips -----------------------------------------------------------------------------

// The flash's clock is a register of ours, so its edges come with ours.
static void drive_flash(mx_soc_board *m) {
  const mx_soc_ports *p = &m->p;
  unsigned pins = (unsigned)(*p->flash_cs_no | *p->flash_sck_o << 1 | *p->flash_io_oe_o << 2 | *p->flash_io_o << 6);
  if (pins == m->flash_pins) return;
  m->flash_pins = pins;
  if (!m->flash) return;
  *p->flash_io_i = (uint8_t)mx_flash_chip_drive(m->flash, m->cycles * m->period_ps / 1000,
      (mx_flash_pins){.cs_n = *p->flash_cs_no, .sck = *p->flash_sck_o, .drives = *p->flash_io_oe_o, .level = *p->flash_io_o});
}

// The pins at edge `i` of the SDRAM's clock within our cycle; what the board ties counts
// in place of the pin.
static mx_sdram_pins sdram_pins(const mx_soc_board *m, unsigned i) {
  const mx_soc_ports *p = &m->p;
  unsigned bits = i * m->wiring->sdram_pins;
  bool tied = !m->wiring->masked;
  return (mx_sdram_pins){.cke = tied || *p->sdram_cke_o, .cs_n = !tied && (i || *p->sdram_cs_no), .ras_n = *p->sdram_ras_no,
                         .cas_n = *p->sdram_cas_no, .we_n = *p->sdram_we_no, .ba = *p->sdram_ba_o,
                         .dqm = tied ? 0 : (uint8_t)(*p->sdram_dqm_o >> bits / 8), .a = *p->sdram_a_o,
                         .dq = *p->sdram_dq_o >> bits, .driven = *p->sdram_dq_oe_o};
}

// At rate 1 the SDRAM has our clock, inverted; at rate 2 one with edges a quarter of our
// cycle behind ours and those between, and data count a little behind its own.
static void drive_sdram(mx_soc_board *m) {
  enum { BEHIND_PS = 500 };
  uint32_t in = 0, rate = m->wiring->rate;
  uint64_t now = m->cycles * m->period_ps, half = m->period_ps / rate / 2;
  for (unsigned i = 0; i < rate; i++, now += m->period_ps / rate) {
    mx_sdram_pins pins = sdram_pins(m, i);
    mx_sdram_chip_edge(&m->sdram, now + half, &pins);
    in |= mx_sdram_chip_dq(&m->sdram, now + half + (rate == 1 ? half : BEHIND_PS)) << i * m->wiring->sdram_pins;
  }
  *m->p.sdram_dq_i = in;
}

static const char *violation(const mx_soc_board *m) {
  const char *flash = m->flash ? mx_flash_chip_violation(m->flash) : NULL;
  return m->sdram.error[0] ? m->sdram.error : flash ? flash : m->uart.error;
}

// ---- clock -----------------------------------------------------------------------------

static void cycle(mx_soc_board *m) {
  bool traced = m->tracing && m->cycles >= m->options.trace_from && m->cycles <= m->options.trace_to;
  *m->p.clk_i = 1;
  mx_soc_model_eval(m->model);
  if (traced) mx_soc_trace_dump(m->model, 2 * m->cycles);
  m->cycles++;
  drive_flash(m);
  drive_sdram(m);
  *m->p.uart_rx_i = mx_uart_pins_step(&m->uart, *m->p.uart_tx_o);
  *m->p.clk_i = 0;
  mx_soc_model_eval(m->model);
  m->instructions += *m->p.obs_begin_o;
  if (traced) mx_soc_trace_dump(m->model, 2 * m->cycles - 1);
}

mx_status mx_soc_board_step(mx_soc_board *m, mx_error *e) {
  cycle(m);
  const char *wrong = violation(m);
  if (wrong) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "cycle %llu: %s", (unsigned long long)m->cycles, wrong);
  return MX_OK;
}

static void reset(mx_soc_board *m) {
  *m->p.flash_io_i = 15;
  *m->p.uart_rx_i = 1;
  *m->p.rst_ni = 0;
  *m->p.clk_i = 0;
  mx_soc_model_eval(m->model);
  for (int i = 0; i < RESET_CYCLES; i++) cycle(m);
  *m->p.rst_ni = 1;
}

// ---- opening ---------------------------------------------------------------------------

static mx_status open_chips(mx_soc_board *m, mx_error *e) {
  const mx_soc_board_options *o = &m->options;
  const mx_sdram_params *sdram = mx_sdram_find(o->sdram ? o->sdram : m->wiring->sdram_pins == 32 ? "em638325-6" : "is42s16160g-7");
  if (!sdram) return mx_fail(e, MX_USAGE, MX_NOWHERE, "no SDRAM chip '%s'", o->sdram);
  if (8 * sdram->pin_bytes != m->wiring->sdram_pins)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "SDRAM chip %s has %u pins, board %s has %u", sdram->name, 8 * sdram->pin_bytes,
                   mx_soc_built.board, m->wiring->sdram_pins);
  if (!mx_sdram_chip_open(&m->sdram, sdram, o->seed)) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  if (!o->flash) return MX_OK;
  m->flash = mx_flash_chip_new(&(mx_flash_chip_config){.contents = o->flash, .bytes = o->flash_bytes,
      .id = {0xef, 0x40, (uint8_t)__builtin_ctz(o->flash_bytes)}, .busy_ns = o->flash_busy_ns, .asleep = o->flash_asleep});
  return m->flash ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
}

static mx_status open_trace(mx_soc_board *m, mx_error *e) {
  if (!m->options.trace) return MX_OK;
  if (!mx_soc_built.traces) return mx_fail(e, MX_USAGE, MX_NOWHERE, "this build records no waveforms: make soc-sim-trace");
  m->tracing = mx_soc_trace_open(m->model, m->options.trace);
  return m->tracing ? MX_OK : mx_fail(e, MX_IO, (mx_loc){m->options.trace, 0}, "cannot be written");
}

mx_status mx_soc_board_open(const mx_soc_board_options *options, mx_soc_board **out, mx_error *e) {
  mx_soc_board *m = calloc(1, sizeof *m);
  if (!m) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  m->options = *options;
  m->wiring = wiring_of(mx_soc_built.board);
  m->period_ps = 1000000000000u / mx_soc_built.clock_hz;
  m->model = mx_soc_model_open(&m->p);
  mx_uart_pins_open(&m->uart, (uint64_t)mx_soc_built.clock_hz * MX_UART_PINS_CYCLE / (options->baud ? options->baud : mx_soc_built.baud), 0);
  if (open_chips(m, e) || open_trace(m, e)) {
    mx_soc_board_close(m);
    return e->status;
  }
  reset(m);
  *out = m;
  return MX_OK;
}

void mx_soc_board_close(mx_soc_board *m) {
  if (!m) return;
  if (m->tracing) mx_soc_trace_close(m->model);
  if (m->model) mx_soc_model_close(m->model);
  mx_flash_chip_free(m->flash);
  mx_sdram_chip_close(&m->sdram);
  free(m);
}

// ---- outside ---------------------------------------------------------------------------

uint32_t mx_soc_board_room(const mx_soc_board *m) { return mx_uart_pins_room(&m->uart); }
void mx_soc_board_send(mx_soc_board *m, uint8_t byte) { mx_uart_pins_send(&m->uart, byte, false); }
int mx_soc_board_take(mx_soc_board *m) { return mx_uart_pins_take(&m->uart); }
uint8_t *mx_soc_board_memory(mx_soc_board *m) { return mx_sdram_chip_byte(&m->sdram, 0); }

mx_soc_board_counts mx_soc_board_count(const mx_soc_board *m) {
  mx_soc_board_counts c = {.cycles = m->cycles, .instructions = m->instructions, .sdram = m->sdram.counts,
                         .leds = *m->p.leds_o};
  if (m->flash) {
    mx_flash_chip_counts f = mx_flash_chip_count(m->flash);
    c.flash_commands = f.commands, c.flash_clocks = f.clocks;
  }
  return c;
}
