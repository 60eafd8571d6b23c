#define _XOPEN_SOURCE 700  // posix_openpt
// build/soc-sim: the system on chip in Verilator, with its console on the
// terminal, in a script or behind a pseudo-terminal.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "compiler/cli.h"
#include "compiler/quant/random.h"
#include "firmware/mx_soc.h"
#include "sim/soc/flash.h"
#include "sim/soc/soc_board.h"

static const char usage[] =
    "usage: soc-sim [OPTIONS]\n"
    "Simulates the system on chip (rtl/soc/mx_soc.sv, set small) with flash, SDRAM and a\n"
    "serial line. What the line says goes to stdout. A terminal on stdin is typed through;\n"
    "else each line of stdin is typed when the console asks, and the run ends when it asks\n"
    "for more. A broken rule of a chip ends the run: exit status 1.\n"
    "  --firmware FILE      in the flash chip: build/firmware/main.rv32im.bin, or another\n"
    "  --image FILE         in the flash chip: a program image (.mxp)\n"
    "  --flash FILE         in the flash chip instead: a file of mxf flash\n"
    "  --offset N           where FILE begins in the chip (default: behind the bitstream)\n"
    "  --no-flash           the board has no flash chip\n"
    "  --flash-busy US      the chip is busy so long after power-on\n"
    "  --sdram CHIP         is42s16160g-7 (default), w9825g6kh-6, as4c32m16sb-7; em638325-6 where\n"
    "                       the board has 32 data pins\n"
    "  --prompt TEXT        type TEXT instead of the lines of stdin\n"
    "  --expect TEXT        how the console asks (default \"> \")\n"
    "  --pty                offer the line as a pseudo-terminal, whose path goes to stdout,\n"
    "                       until stdin ends\n"
    "  --noise N            of a million bytes that come through the pseudo-terminal, N are lost\n"
    "                       and in N a bit is flipped, each way\n"
    "  --seed N             of the noise (default 1)\n"
    "  --baud N             of the line's outer end (default: as the build)\n"
    "  --cycles N           give up after N clock cycles: exit status 1\n"
    "  --stats              cycles, speed, chips; to stderr\n"
    "  --trace FILE         waveforms as FST; needs build/soc-sim-trace\n"
    "  --trace-from C, --trace-to C   clock cycles\n";

enum { MILLION = 1000000 };

typedef struct {
  const char *flash, *offset, *flash_busy, *sdram, *prompt, *expect, *baud, *cycles;
  const char *noise_millionths, *seed, *trace, *trace_from, *trace_to;
  bool no_flash, pty, stats, help;
  uint64_t most_cycles, first, noise, noise_seed;
  mx_flash_parts parts;
  mx_soc_board_options machine;
} arguments;

// ---- command line ------------------------------------------------------------------------

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  const mx_cli_option options[] = {
      {"flash", 0, &a->flash, NULL}, {"offset", 0, &a->offset, NULL}, {"firmware", 0, &a->parts.firmware, NULL},
      {"image", 0, &a->parts.image, NULL},
      {"no-flash", 0, NULL, &a->no_flash}, {"flash-busy", 0, &a->flash_busy, NULL}, {"sdram", 0, &a->sdram, NULL},
      {"prompt", 'p', &a->prompt, NULL}, {"expect", 0, &a->expect, NULL}, {"pty", 0, NULL, &a->pty},
      {"noise", 0, &a->noise_millionths, NULL}, {"seed", 0, &a->seed, NULL},
      {"baud", 'b', &a->baud, NULL}, {"cycles", 0, &a->cycles, NULL}, {"stats", 's', NULL, &a->stats},
      {"trace", 't', &a->trace, NULL}, {"trace-from", 0, &a->trace_from, NULL}, {"trace-to", 0, &a->trace_to, NULL}, {0}};
  if (mx_cli_parse(argc, argv, options, NULL, NULL, &a->help, e) || a->help) return e->status;
  mx_soc_board_options *m = &a->machine;
  mx_flash_board *board = &a->parts.board;
  uint64_t busy_us = 0, baud = 0;
  a->most_cycles = m->trace_to = UINT64_MAX;
  if (mx_flash_board_find(mx_soc_built.board, board, e)) return e->status;
  m->flash_bytes = board->chip_bytes;
  a->first = board->bitstream_bytes;
  a->noise_seed = 1;
  m->sdram = a->sdram;
  m->trace = a->trace;
  if (!a->expect) a->expect = "> ";
  if (mx_cli_number("offset", a->offset, 0, board->chip_bytes - 1, &a->first, e) ||
      mx_cli_number("flash-busy", a->flash_busy, 0, 1000000, &busy_us, e) ||
      mx_cli_number("baud", a->baud, 1, mx_soc_built.clock_hz / 4, &baud, e) ||
      mx_cli_number("noise", a->noise_millionths, 0, MILLION / 2, &a->noise, e) ||
      mx_cli_number("seed", a->seed, 0, UINT64_MAX, &a->noise_seed, e) ||
      mx_cli_number("cycles", a->cycles, 1, UINT64_MAX, &a->most_cycles, e) ||
      mx_cli_number("trace-from", a->trace_from, 0, UINT64_MAX, &m->trace_from, e) ||
      mx_cli_number("trace-to", a->trace_to, 0, UINT64_MAX, &m->trace_to, e))
    return e->status;
  m->flash_busy_ns = busy_us * 1000;
  m->baud = (uint32_t)baud;
  m->seed = 1;
  return MX_OK;
}

// ---- flash -------------------------------------------------------------------------------

static mx_status load(const char *path, uint8_t *to, size_t room, mx_error *e) {
  if (!path) return MX_OK;
  FILE *f = fopen(path, "rb");
  if (!f) return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot be opened: %s", strerror(errno));
  size_t n = fread(to, 1, room, f);
  bool more = fgetc(f) != EOF, failed = ferror(f);
  fclose(f);
  if (failed) return mx_fail(e, MX_IO, (mx_loc){path, n}, "cannot be read");
  return more ? mx_fail(e, MX_LIMIT, (mx_loc){path, room}, "longer than its %zu bytes of the flash chip", room) : MX_OK;
}

// Erased where nothing was loaded.
static mx_status fill_flash(const arguments *a, uint8_t *flash, mx_error *e) {
  memset(flash, 0xff, a->parts.board.chip_bytes);
  if (a->flash || (!a->parts.firmware && !a->parts.image))
    return load(a->flash, flash + a->first, (size_t)(a->parts.board.chip_bytes - a->first), e);
  uint8_t *bytes;
  uint32_t first;
  size_t size;
  if (mx_flash_build(&a->parts, &bytes, &first, &size, e)) return e->status;
  memcpy(flash + first, bytes, size);
  free(bytes);
  return MX_OK;
}

// ---- console -----------------------------------------------------------------------------

typedef struct {
  mx_soc_board *machine;
  const arguments *a;
  int in, out;          // where bytes for the line come from, and go to
  bool typing;          // stdin is a terminal, or there is a pseudo-terminal
  size_t matched;       // characters of `expect` at the end of what was said
  bool asks, ended;
  FILE *script;
  uint64_t random;      // of the noise
} console;

// What --noise makes of a byte of the pseudo-terminal; false: it is lost.
static bool disturb(console *c, uint8_t *byte) {
  if (!c->a->pty || !c->a->noise) return true;
  uint64_t r = mx_random_next(&c->random), chance = r % MILLION;
  if (chance >= c->a->noise && chance < 2 * c->a->noise) *byte ^= (uint8_t)(1u << (r >> 61));
  return chance >= c->a->noise;
}

static void put(console *c, uint8_t byte) {
  ssize_t n;
  if (!disturb(c, &byte)) return;
  do n = write(c->out, &byte, 1);
  while (n < 0 && errno == EINTR);
}

static void said(console *c, uint8_t byte) {
  const char *expect = c->a->expect;
  put(c, byte);
  if (expect[c->matched] != (char)byte) c->matched = 0;
  if (expect[c->matched] == (char)byte) c->matched++;
  if (expect[c->matched]) return;
  c->asks = true;
  c->matched = 0;
}

static void type(console *c, const char *line) {
  while (*line && *line != '\n') mx_soc_board_send(c->machine, (uint8_t)*line++);
  mx_soc_board_send(c->machine, '\r');
  c->asks = false;
}

// The next line of the script, when the console asks; its end ends the run.
static void type_script(console *c) {
  char line[2048];
  if (!c->asks) return;
  if (!fgets(line, sizeof line, c->script)) c->ended = true;
  else type(c, line);
}

// A pseudo-terminal whose other end is not open answers EIO.
static void pass(console *c) {
  uint8_t bytes[256];
  uint32_t room = mx_soc_board_room(c->machine);
  struct pollfd ready = {.fd = c->in, .events = POLLIN};
  if (poll(&ready, 1, 0) <= 0 || !(ready.revents & (POLLIN | POLLHUP))) return;
  ssize_t n = read(c->in, bytes, room < sizeof bytes ? room : sizeof bytes);
  for (ssize_t i = 0; i < n; i++)
    if (disturb(c, &bytes[i])) mx_soc_board_send(c->machine, bytes[i]);
  if (n == 0) c->ended = true;
}

static void look_outside(console *c) {
  struct pollfd end = {.fd = STDIN_FILENO, .events = POLLIN};
  char ignored[64];
  if (c->typing) pass(c);
  else type_script(c);
  if (c->a->pty && poll(&end, 1, 0) > 0 && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) c->ended = true;
}

static mx_status run(console *c, mx_error *e) {
  enum { LOOK_EVERY = 4096 };
  for (uint64_t n = 1; !c->ended; n++) {
    if (mx_soc_board_step(c->machine, e)) return e->status;
    for (int byte; (byte = mx_soc_board_take(c->machine)) >= 0;) said(c, (uint8_t)byte);
    if (n % LOOK_EVERY == 0) look_outside(c);
    if (n == c->a->most_cycles) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "not at its end after %" PRIu64 " cycles", n);
  }
  return MX_OK;
}

// ---- pseudo-terminal, terminal -----------------------------------------------------------

static struct termios as_it_was;
static void restore_terminal(void) { tcsetattr(STDIN_FILENO, TCSANOW, &as_it_was); }

// Characters at once, without echo: the firmware echoes. Ctrl-C still ends the program.
static void take_terminal(void) {
  struct termios t;
  if (tcgetattr(STDIN_FILENO, &t)) return;
  as_it_was = t;
  atexit(restore_terminal);
  t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  t.c_iflag &= ~(tcflag_t)ICRNL;
  tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

// The other end stays open here, so that bytes wait for whoever opens it.
static mx_status open_pty(console *c, mx_error *e) {
  int fd = posix_openpt(O_RDWR | O_NOCTTY);
  const char *path = fd >= 0 && !grantpt(fd) && !unlockpt(fd) ? ptsname(fd) : NULL;
  int other = path ? open(path, O_RDWR | O_NOCTTY) : -1;
  struct termios t;
  if (other < 0 || tcgetattr(other, &t)) return mx_fail(e, MX_IO, MX_NOWHERE, "no pseudo-terminal: %s", strerror(errno));
  t.c_iflag = t.c_oflag = t.c_lflag = 0;
  t.c_cflag = CS8 | CREAD | CLOCAL;
  if (tcsetattr(other, TCSANOW, &t)) return mx_fail(e, MX_IO, MX_NOWHERE, "no raw terminal: %s", strerror(errno));
  puts(path);
  fflush(stdout);
  c->in = c->out = fd;
  c->typing = true;
  return MX_OK;
}

static mx_status open_console(console *c, char *prompt, mx_error *e) {
  c->in = STDIN_FILENO, c->out = STDOUT_FILENO;
  if (c->a->pty) return open_pty(c, e);
  c->typing = !prompt && isatty(STDIN_FILENO);
  c->script = prompt ? fmemopen(prompt, strlen(prompt) + 1, "r") : stdin;
  if (c->typing) take_terminal();
  return c->script ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
}

// ---- main --------------------------------------------------------------------------------

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void print_stats(const mx_soc_board *m, double elapsed) {
  mx_soc_board_counts c = mx_soc_board_count(m);
  double ms = 1e3 * (double)c.cycles / mx_soc_built.clock_hz;
  fprintf(stderr, "\nclock      %10" PRIu64 " cycles, %.2f ms at %.0f MHz; simulated in %.1f s, %.0f kHz\n", c.cycles, ms,
          mx_soc_built.clock_hz / 1e6, elapsed, 1e-3 * (double)c.cycles / elapsed);
  fprintf(stderr, "processor  %10" PRIu64 " instructions, %.2f cycles each\n", c.instructions,
          (double)c.cycles / (double)c.instructions);
  fprintf(stderr, "flash      %10" PRIu64 " clocks, %" PRIu64 " commands\n", c.flash_clocks, c.flash_commands);
  fprintf(stderr, "SDRAM      %10" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64 " rows opened, %" PRIu64
          " refreshes; data in %.1f %% of the cycles\n", c.sdram.reads, c.sdram.writes, c.sdram.activates, c.sdram.refreshes,
          100 * (double)c.sdram.columns / (double)c.cycles);
  fprintf(stderr, "lights     0x%02x\n", c.leds);
}

static mx_status simulate(arguments *a, uint8_t *flash, mx_error *e) {
  console c = {.a = a, .random = a->noise_seed};
  char *prompt = NULL;
  if (fill_flash(a, flash, e)) return e->status;
  if (!a->no_flash) a->machine.flash = flash;
  if (a->prompt && !(prompt = strdup(a->prompt))) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  double from = seconds();
  if (!mx_soc_board_open(&a->machine, &c.machine, e) && !open_console(&c, prompt, e)) {
    run(&c, e);
    if (a->stats) print_stats(c.machine, seconds() - from);
  }
  mx_soc_board_close(c.machine);
  free(prompt);
  return e->status;
}

int main(int argc, char **argv) {
  arguments a = {0};
  mx_error e = {0};
  if (!parse(argc, argv, &a, &e) && a.help) fputs(usage, stdout);
  else if (!e.status) {
    uint8_t *flash = malloc(a.parts.board.chip_bytes);
    if (!flash) mx_fail(&e, MX_LIMIT, MX_NOWHERE, "out of memory");
    else simulate(&a, flash, &e);
    free(flash);
  }
  return mx_report("soc-sim", &e);
}
