#define _XOPEN_SOURCE 700  // posix_openpt
#include "tests/unit/serial_line.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "firmware/mx_serial_board.h"
#include "sim/engine.h"

enum { CLOCK_HZ = 12000000, MILLION = 1000000, FLASH_BYTES = 1 << 24 };

struct serial_line {
  serial_line_options options;
  mx_params params;
  mx_engine *device;
  mx_board board;
  mx_serial_board serial;
  pthread_t thread;
  int fd, keeper;  // keeper: the other side stays open, so that the line does not hang up between tests
  uint64_t state;
  uint32_t heard;
  atomic_bool stop;
  _Atomic uint32_t starts;
  char path[64];
};

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "serial_line: %s: %s\n", what, strerror(errno));
  exit(1);
}

// ---- noise -------------------------------------------------------------------------

static uint32_t below(serial_line *l, uint32_t n) {
  l->state ^= l->state >> 12;
  l->state ^= l->state << 25;
  l->state ^= l->state >> 27;
  return (uint32_t)((l->state * 0x2545f4914f6cdd1dull >> 32) % n);
}

// What becomes of a byte: none, one or two, in out.
static uint32_t disturb(serial_line *l, uint8_t byte, uint8_t out[2]) {
  uint32_t chance = below(l, MILLION), noise = l->options.noise;
  out[0] = out[1] = byte;
  if (chance < noise) return 0;
  if (chance < 2 * noise) out[0] ^= (uint8_t)(1u << below(l, 8));
  return chance >= 2 * noise && chance < 3 * noise ? 2 : 1;
}

// ---- the board ---------------------------------------------------------------------

static void send(void *self, uint8_t byte) {
  serial_line *l = self;
  uint8_t out[2];
  uint32_t n = disturb(l, byte, out);
  if (n && write(l->fd, out, n) < 0 && errno != EAGAIN) atomic_store(&l->stop, true);
}

// The device's address of a word of memory; false: none of the flash that it sees.
static bool place(const serial_line *l, uint32_t *addr) {
  if (!l->options.flash) return true;
  if (*addr < FLASH_BYTES - l->options.flash_used) return false;
  *addr -= FLASH_BYTES - l->options.flash_used;
  return true;
}

static bool read_word(void *self, uint32_t space, uint32_t addr, uint32_t *word) {
  const serial_line *l = self;
  const mx_engine *g = l->device;
  uint8_t b[4];
  if (space == MX_FRAME_SPACE_CSR) return *word = g->mmio.read(g->mmio.self, addr), true;
  if (addr < FLASH_BYTES && l->options.flash_broken) return false;
  if (!place(l, &addr)) return *word = UINT32_MAX, true;
  if (!g->memory.get(g->memory.self, addr, b, 4)) return false;
  *word = mx_load_u32(b);
  return true;
}

static bool write_word(void *self, uint32_t space, uint32_t addr, uint32_t word) {
  serial_line *l = self;
  const mx_engine *g = l->device;
  const uint8_t b[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
  if (space != MX_FRAME_SPACE_CSR) {
    bool flash = l->options.flash && addr < FLASH_BYTES;
    return !flash && place(l, &addr) && g->memory.put(g->memory.self, addr, b, 4);
  }
  l->starts += addr == MX_CSR_CONTROL && word & MX_CONTROL_START;
  g->mmio.write(g->mmio.self, addr, word);
  return true;
}

static bool wait_irq(void *self, uint32_t periods) {
  const mx_engine *g = ((serial_line *)self)->device;
  (void)periods;
  return g->mmio.read(g->mmio.self, MX_CSR_IRQ_STATUS) & 1;
}

static void take(serial_line *l, uint8_t byte) {
  uint8_t heard[2];
  uint32_t n = disturb(l, byte, heard);
  for (uint32_t i = 0; i < n; i++) {
    if (l->options.echo) send(l, heard[i]);
    else if (!l->options.silent) mx_serial_board_take(&l->serial, heard[i]);
  }
  l->heard++;
  if (l->options.dies_after && l->heard >= l->options.dies_after) atomic_store(&l->stop, true);
}

static void *run(void *self) {
  serial_line *l = self;
  uint8_t bytes[512];
  while (!atomic_load(&l->stop)) {
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    if (poll(&p, 1, 20) <= 0) continue;
    ssize_t n = read(l->fd, bytes, sizeof bytes);
    for (ssize_t i = 0; i < n && !atomic_load(&l->stop); i++) take(l, bytes[i]);
  }
  close(l->fd);
  return NULL;
}

// ---- opening -----------------------------------------------------------------------

static void open_device(serial_line *l) {
  const mx_engine_options plain = {0};
  const mx_params *p = mx_params_find(l->options.set);
  mx_error e = {0};
  require(p, "no such set");
  l->params = *p;
  l->params.build_id += l->options.build_change;
  uint32_t flash = l->options.flash ? FLASH_BYTES : 0, used = l->options.flash ? l->options.flash_used : 0;
  require(!mx_engine_open("golden", &l->params, used + l->options.memory_bytes, &plain, &l->device, &e), e.text);
  if (used) require(l->device->memory.put(l->device->memory.self, 0, l->options.flash, used), "cannot fill the flash");
  l->board = (mx_board){.self = l, .send = send, .read = read_word, .write = write_word, .wait = wait_irq, .clock_hz = CLOCK_HZ,
                        .memory_base_256 = (uint32_t)((l->device->memory_base + used - flash) >> 8), .memory_bytes = flash + l->options.memory_bytes,
                        .flash_bytes = flash};
  mx_serial_board_open(&l->serial, &l->board);
}

serial_line *serial_line_open(const serial_line_options *o) {
  serial_line *l = calloc(1, sizeof *l);
  require(l, "out of memory");
  l->options = *o;
  l->state = o->seed * 2 + 1;
  open_device(l);
  l->fd = posix_openpt(O_RDWR | O_NOCTTY);
  require(l->fd >= 0 && !grantpt(l->fd) && !unlockpt(l->fd), "no pseudo-terminal");
  snprintf(l->path, sizeof l->path, "%s", ptsname(l->fd));
  l->keeper = open(l->path, O_RDWR | O_NOCTTY);
  require(l->keeper >= 0, "cannot open the pseudo-terminal");
  require(!pthread_create(&l->thread, NULL, run, l), "no thread");
  return l;
}

const char *serial_line_path(const serial_line *l) { return l->path; }
uint32_t serial_line_starts(const serial_line *l) { return atomic_load(&l->starts); }

void serial_line_close(serial_line *l) {
  atomic_store(&l->stop, true);
  pthread_join(l->thread, NULL);
  close(l->keeper);
  mx_engine_close(l->device);
  free(l);
}
