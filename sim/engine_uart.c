// A board behind a serial line as an engine: the registers and the memory of
// firmware/mx_serial_host.h. Memory that nobody wrote is cleared before the first
// program, as the seam promises. A board with flash holds the image's constant part
// there (golden/flash.h), which is checked instead of sent.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>  // isatty

#include "golden/flash.h"
#include "sim/engine.h"
#include "sim/uart_flash.h"
#include "sim/uart_line.h"

enum {
  DEFAULT_BAUD = 115200,
  BITS_PER_BYTE = 10,
  PATIENCE_MS = 250,  // beyond the line's time: adapters hold bytes back for up to 16 ms, the system longer
  TRIES = 12,
  WAIT_MS = 100,      // of one wait without an interrupt
  PART_WORDS = 2048,  // between two reports of progress
};

typedef struct {
  mx_uart_line line;
  mx_serial_host host;
  char *path;
  uint32_t build_id;
  uint32_t bytes, written;  // memory; of it, from 0 on, the caller has written
  uint32_t constant;        // of it, from 0 on, in flash
  uint32_t offset;          // of its byte 0 in the board's memory
  bool cleared, stopped, shows;
  char problem[300];
  mx_engine_options options;
} uart;

// Takes what the protocol says; false and a problem if it is an error.
static bool check(uart *u, mx_serial_status s) {
  if (!s) return true;
  if (!*u->problem)
    snprintf(u->problem, sizeof u->problem, "%s at %" PRIu32 " baud: %s (%" PRIu64 " requests, %" PRIu64 " repeated)", u->path,
             u->options.baud, mx_serial_text(s), u->host.requests, u->host.retries);
  return false;
}

// ---- memory ------------------------------------------------------------------------

static bool inside(const uart *u, uint32_t addr, uint32_t bytes) { return bytes <= u->bytes && addr <= u->bytes - bytes; }

static void show(const uart *u, uint32_t done, uint32_t bytes) {
  if (!u->shows || bytes < 4 * PART_WORDS) return;
  fprintf(stderr, "\rloading: %" PRIu32 " of %" PRIu32 " kB ", done / 1000, bytes / 1000);
  if (done == bytes) fputc('\n', stderr);
}

// Bytes [first, first + n) of the word at addr.
static bool put_part(uart *u, uint32_t addr, uint32_t first, const uint8_t *from, uint32_t n) {
  uint32_t word = 0;
  if (!check(u, mx_serial_get(&u->host, u->offset + addr, &word, 1))) return false;
  for (uint32_t i = first; i < first + n; i++) word = (word & ~(0xffu << 8 * i)) | (uint32_t)*from++ << 8 * i;
  return check(u, mx_serial_put(&u->host, u->offset + addr, &word, 1));
}

// Whole words, at most PART_WORDS.
static bool put_words(uart *u, uint32_t addr, const uint8_t *from, uint32_t words) {
  uint32_t part[PART_WORDS];
  for (uint32_t i = 0; i < words; i++) part[i] = mx_load_u32(from + 4 * i);
  return check(u, mx_serial_put(&u->host, u->offset + addr, part, words));
}

// From addr on; returns how many bytes, 0 after an error.
static uint32_t put_some(uart *u, uint32_t addr, const uint8_t *from, uint32_t bytes) {
  uint32_t first = addr % 4, n = bytes < 4 - first ? bytes : 4 - first;
  if (first || bytes < 4) return put_part(u, addr - first, first, from, n) ? n : 0;
  n = bytes < 4 * PART_WORDS ? bytes & ~3u : 4 * PART_WORDS;
  return put_words(u, addr, from, n / 4) ? n : 0;
}

// Contents of the constant part: they must be there already.
static uint32_t check_constant(uart *u, uint32_t addr, const uint8_t *from, uint32_t bytes) {
  uint32_t n = bytes < u->constant - addr ? bytes : u->constant - addr;
  if (addr) snprintf(u->problem, sizeof u->problem, "memory below 0x%" PRIx32 " is the board's flash, which is not written", u->constant);
  if (*u->problem || !mx_uart_flash_holds(&u->host, u->build_id, from, n, u->constant, u->problem, sizeof u->problem)) return 0;
  u->written = u->constant;
  return n;
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  uart *u = self;
  if (!inside(u, addr, bytes)) return false;
  uint32_t there = addr < u->constant ? check_constant(u, addr, from, bytes) : 0;
  if (addr < u->constant && !there) return false;
  for (uint32_t done = there, n; done < bytes; done += n) {
    n = u->stopped ? 0 : put_some(u, addr + done, (const uint8_t *)from + done, bytes - done);
    if (!n) return false;
    show(u, done + n, bytes);
  }
  if (addr <= u->written && addr + bytes > u->written) u->written = addr + bytes;
  return true;
}

static uint32_t get_some(uart *u, uint32_t addr, uint8_t *to, uint32_t bytes) {
  uint32_t part[PART_WORDS], first = addr % 4, words = (first + bytes + 3) / 4;
  if (words > PART_WORDS) words = PART_WORDS;
  uint32_t n = 4 * words - first < bytes ? 4 * words - first : bytes;
  if (!check(u, mx_serial_get(&u->host, u->offset + addr - first, part, words))) return 0;
  for (uint32_t i = 0; i < n; i++) to[i] = (uint8_t)(part[(first + i) / 4] >> 8 * ((first + i) % 4));
  return n;
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  uart *u = self;
  if (!inside(u, addr, bytes)) return false;
  for (uint32_t done = 0, n; done < bytes; done += n) {
    n = get_some(u, addr + done, (uint8_t *)to + done, bytes - done);
    if (!n) return false;
  }
  return true;
}

// Zeros behind what the caller wrote from 0 on.
static void clear_rest(uart *u) {
  static const uint8_t zeros[4];
  uint32_t left = u->bytes - u->written, head = -u->written % 4;
  if (head > left) head = left;
  uint32_t words = (left - head) / 4, tail = (left - head) % 4;
  u->cleared = put(u, u->written, zeros, head) && check(u, mx_serial_fill(&u->host, u->offset + u->written, 0, words)) &&
               put(u, u->bytes - tail, zeros, tail);
}

// ---- registers ---------------------------------------------------------------------

static uint32_t read_register(void *self, uint32_t offset) {
  uart *u = self;
  uint32_t value = UINT32_MAX;
  if (!*u->problem && !check(u, mx_serial_read_csr(&u->host, offset, &value))) value = UINT32_MAX;
  return value;
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  uart *u = self;
  if (offset == MX_CSR_CONTROL && value & MX_CONTROL_START && !u->cleared) clear_rest(u);
  if (!*u->problem) check(u, mx_serial_write_csr(&u->host, offset, value));
}

static bool wait(void *self, uint32_t polls) {
  uart *u = self;
  bool interrupt;
  (void)polls;
  if (!*u->problem && !u->stopped) check(u, mx_serial_wait(&u->host, WAIT_MS, &interrupt));
  if (u->options.progress) u->options.progress(u->options.progress_self, 0);
  return !u->stopped && !*u->problem;
}

// ---- the rest of the seam ------------------------------------------------------------

static uint64_t cycles(const void *self) {
  (void)self;
  return 0;
}

static void observe(void *self, mx_observer o) {
  uart *u = self;
  if (o.write) snprintf(u->problem, sizeof u->problem, "a board does not tell its writes, so they cannot be compared");
}

static uint32_t pc(const void *self) {
  (void)self;
  return UINT32_MAX;
}

static void stop(void *self) { ((uart *)self)->stopped = true; }

static const char *problem(const void *self) {
  const uart *u = self;
  return *u->problem ? u->problem : NULL;
}

static void report(const void *self, FILE *out) {
  const mx_serial_host *h = &((const uart *)self)->host;
  fprintf(out, "serial line: %" PRIu64 " requests, %" PRIu64 " repeated: %" PRIu64 " answers damaged, %" PRIu64 " missing\n",
          h->requests, h->retries, h->damaged, h->silent);
}

static void close_uart(void *self) {
  uart *u = self;
  mx_uart_line_close(&u->line);
  free(u->path);
  free(u);
}

static const mx_engine_ops ops = {.name = "uart", .cycles = cycles, .observe = observe, .pc = pc, .stop = stop,
                                  .problem = problem, .close = close_uart, .report = report};

// ---- opening -----------------------------------------------------------------------

static mx_status connect(uart *u, mx_error *e) {
  if (mx_uart_line_open(&u->line, u->path, u->options.baud, e)) return e->status;
  u->host = (mx_serial_host){.line = mx_uart_line_of(&u->line), .patience_ms = u->options.patience_ms, .tries = TRIES,
                             .byte_ns = (uint32_t)(1000000000ull * BITS_PER_BYTE / u->options.baud)};
  mx_serial_status s = mx_serial_open(&u->host);
  if (s == MX_SERIAL_OTHER_VERSION)
    return mx_fail(e, MX_UNSUPPORTED, (mx_loc){u->path, 0}, "the board speaks version %" PRIu32 " of the protocol, this is version %d",
                   u->host.version, MX_FRAME_VERSION);
  if (!check(u, s)) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s", u->problem);
  return MX_OK;
}

static mx_status check_build(uart *u, const mx_params *p, mx_error *e) {
  mx_device device = {.mmio = {u, read_register, write_register, wait}};
  mx_driver_status s = mx_driver_probe(&device, p->build_id);
  if (*u->problem) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s", u->problem);
  if (s == MX_DRIVER_OTHER_BUILD)
    return mx_fail(e, MX_UNSUPPORTED, (mx_loc){u->path, 0},
                   "the board holds build %08" PRIx32 ", the image is for build %08" PRIx32 " of set %s", device.build_id,
                   p->build_id, p->name);
  return s ? mx_fail(e, MX_DEVICE, (mx_loc){u->path, 0}, "%s", mx_driver_text(s)) : MX_OK;
}

// The constant part ends where the board's flash does, and writable memory follows.
static mx_status place_constants(uart *u, mx_error *e) {
  uint32_t constant = u->options.constant_bytes, room = u->host.memory_bytes - u->host.flash_bytes;
  if (!constant || constant % MX_FLASH_ALIGN || constant > u->host.flash_bytes)
    return mx_fail(e, MX_UNSUPPORTED, (mx_loc){u->path, 0},
                   "the image's %" PRIu32 " constant bytes do not fit the board's flash of %" PRIu32 " in steps of %d", constant,
                   u->host.flash_bytes, MX_FLASH_ALIGN);
  u->constant = constant;
  u->offset = u->host.flash_bytes - constant;
  if (u->bytes - constant <= room) return MX_OK;
  return mx_fail(e, MX_LIMIT, (mx_loc){u->path, 0},
                 "the board has %" PRIu32 " bytes of writable memory, the image needs %" PRIu32
                 " beside what is in flash: compile it with a shorter --context", room, u->bytes - constant);
}

static mx_status check_memory(uart *u, mx_error *e) {
  if (u->host.flash_bytes) return place_constants(u, e);
  if (u->bytes <= u->host.memory_bytes) return MX_OK;
  return mx_fail(e, MX_LIMIT, (mx_loc){u->path, 0}, "the board has %" PRIu32 " bytes of memory, the image needs %" PRIu32,
                 u->host.memory_bytes, u->bytes);
}

mx_status mx_engine_open_uart(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                              mx_error *e) {
  if (options->trace_path)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "a board gives no waveform: use --engine rtl");
  uart *u = calloc(1, sizeof *u);
  if (!u) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  u->line.fd = -1;
  u->path = strdup(options->line);
  u->options = *options;
  if (!u->options.baud) u->options.baud = DEFAULT_BAUD;
  if (!u->options.patience_ms) u->options.patience_ms = PATIENCE_MS;
  u->bytes = mem_bytes;
  u->build_id = p->build_id;
  u->shows = isatty(STDERR_FILENO);
  if (!u->path) mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  if (!u->path || connect(u, e) || check_build(u, p, e) || check_memory(u, e)) {
    close_uart(u);
    return e->status;
  }
  *out = (mx_engine){.ops = &ops, .self = u, .memory_base = u->host.memory_base + u->offset, .memory_bytes = mem_bytes,
                     .mmio = {u, read_register, write_register, wait}, .memory = {u, put, get}};
  return MX_OK;
}
