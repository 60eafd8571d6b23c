#ifndef MX_SIM_SOC_BOARD_H
#define MX_SIM_SOC_BOARD_H
// The system on chip in Verilator, with a flash chip, an SDRAM chip and a serial
// line at its pins. What breaks the rules of a chip or of the line ends the run.
#include "firmware/mx_soc.h"
#include "golden/error.h"
#include "sim/soc/sdram_chip.h"
#include "sim/soc/soc_shim.h"

typedef struct {
  const uint8_t *flash;     // [flash_bytes], the caller's; NULL: no chip on the board
  uint32_t flash_bytes;     // a power of two from 64 KB on
  uint64_t flash_busy_ns;   // after power-on
  bool flash_asleep;        // in power-down at power-on
  const char *sdram;        // NULL: is42s16160g-7, or em638325-6 where the board has 32 pins
  uint32_t baud;            // of the serial line; 0: as the build
  uint64_t seed;            // of the noise in the SDRAM at power-on
  const char *trace;        // NULL, or a file for waveforms
  uint64_t trace_from, trace_to;  // cycles
} mx_soc_board_options;

typedef struct {
  uint64_t cycles, instructions;
  mx_sdram_counts sdram;
  uint64_t flash_commands, flash_clocks;
  uint8_t leds;
} mx_soc_board_counts;

typedef struct mx_soc_board mx_soc_board;

// Out of reset. MX_USAGE: an option that is wrong; MX_LIMIT: out of memory.
mx_status mx_soc_board_open(const mx_soc_board_options *options, mx_soc_board **out, mx_error *e);
void mx_soc_board_close(mx_soc_board *m);

// One clock cycle. MX_DEVICE: a chip's rule was broken, with the sentence of which.
mx_status mx_soc_board_step(mx_soc_board *m, mx_error *e);

// The serial line, from outside.
uint32_t mx_soc_board_room(const mx_soc_board *m);      // bytes that may be sent now
void mx_soc_board_send(mx_soc_board *m, uint8_t byte);
int mx_soc_board_take(mx_soc_board *m);                 // -1: nothing arrived

uint8_t *mx_soc_board_memory(mx_soc_board *m);  // the cells of the SDRAM, as addressed
mx_soc_board_counts mx_soc_board_count(const mx_soc_board *m);
#endif
