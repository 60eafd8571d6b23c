#include "firmware/linux/mx_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "firmware/linux/mx_uio_names.h"

enum {
  PATH = 256,
  PATIENCE_MS = 60000,  // the device's own watchdog ends a program that makes no progress
  SLICE_MS = 100,       // longest wait that stop does not end
  GRACE_MS = 1000,      // from the end of a program until its interrupt counts as lost
  RESET_MS = 1000,
  LINE_BYTES = 64,      // cache line of the Cortex-A53; longer ones only sync more often
  SYNC_BYTES = 1 << 30, // of one request
  TO_DEVICE = 1, FROM_DEVICE = 2,  // u-dma-buf's directions
};

static mx_uio_status fail(mx_uio *u, mx_uio_status s, const char *format, ...) __attribute__((format(printf, 3, 4)));
static mx_uio_status fail(mx_uio *u, mx_uio_status s, const char *format, ...) {
  va_list ap;
  if (*u->problem) return s;
  va_start(ap, format);
  vsnprintf(u->problem, sizeof u->problem, format, ap);
  va_end(ap);
  return s;
}

static uint64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

// ---- memory ------------------------------------------------------------------------

// [addr, addr + bytes), widened to cache lines, changes its owner.
static bool sync(mx_uio *u, int fd, uint32_t direction, uint32_t addr, uint32_t bytes) {
  uint64_t end = ((uint64_t)addr + bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
  for (uint64_t at = addr / LINE_BYTES * LINE_BYTES, n; at < end; at += n) {
    char text[32];
    n = end - at < SYNC_BYTES ? end - at : SYNC_BYTES;
    int length = snprintf(text, sizeof text, "0x%08" PRIX32 "%08" PRIX32, (uint32_t)at, (uint32_t)n | direction << 2 | 1);
    if (pwrite(fd, text, (size_t)length, 0) != length) {
      fail(u, MX_UIO_BROKEN, "the buffer's caches cannot be synchronized: %s", strerror(errno));
      return false;
    }
    u->syncs++;
  }
  return true;
}

static bool inside(const mx_uio *u, uint32_t addr, uint32_t bytes) {
  return !*u->problem && bytes <= u->bytes && addr <= u->bytes - bytes;
}

// Lines at the edges hold bytes that are not ours to write back as they were.
static bool refresh_edges(mx_uio *u, uint32_t addr, uint32_t bytes) {
  uint32_t end = addr + bytes;
  return (addr % LINE_BYTES == 0 || sync(u, u->sync_cpu_fd, FROM_DEVICE, addr, 1)) &&
         (end % LINE_BYTES == 0 || sync(u, u->sync_cpu_fd, FROM_DEVICE, end - 1, 1));
}

// `from`, or zeros, to memory.
static bool write_memory(mx_uio *u, uint32_t addr, const void *from, uint32_t bytes) {
  if (!bytes) return true;
  if (!refresh_edges(u, addr, bytes)) return false;
  if (from) memcpy(u->memory + addr, from, bytes);
  else memset(u->memory + addr, 0, bytes);
  return sync(u, u->sync_device_fd, TO_DEVICE, addr, bytes);
}

static bool put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  mx_uio *u = self;
  if (!inside(u, addr, bytes) || !write_memory(u, addr, from, bytes)) return false;
  if (addr <= u->written && addr + bytes > u->written) u->written = addr + bytes;
  return true;
}

static bool get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  mx_uio *u = self;
  if (!inside(u, addr, bytes)) return false;
  if (bytes && !sync(u, u->sync_cpu_fd, FROM_DEVICE, addr, bytes)) return false;
  memcpy(to, u->memory + addr, bytes);
  return true;
}

// ---- registers and interrupt -------------------------------------------------------

// A device that is gone reads as all ones.
static uint32_t read_register(void *self, uint32_t offset) {
  const mx_uio *u = self;
  return *u->problem || offset >= u->register_bytes ? UINT32_MAX : u->registers[offset / 4];
}

// The write to u-dma-buf that hands memory to the device ends in a barrier, so START
// comes after it on the bus. A reset begins anew, whatever went wrong, if the device is
// still there.
static void write_register(void *self, uint32_t offset, uint32_t value) {
  mx_uio *u = self;
  if (offset == MX_CSR_CONTROL) {
    u->runs = value & MX_CONTROL_START;
    if (value & MX_CONTROL_RESET && u->ready) *u->problem = 0;
    if (u->runs && !u->cleared) u->cleared = write_memory(u, u->written, NULL, u->bytes - u->written);
    u->started_ms = now_ms();
  }
  if (!*u->problem && offset < u->register_bytes) u->registers[offset / 4] = value;
}

// UIO masks the interrupt when it comes; a word written to it unmasks.
static bool enable_interrupt(mx_uio *u) {
  const uint32_t one = 1;
  if (write(u->device_fd, &one, sizeof one) == (ssize_t)sizeof one) return true;
  fail(u, MX_UIO_BROKEN, "the interrupt cannot be enabled: %s; does the device tree name one?", strerror(errno));
  return false;
}

static bool take_interrupt(mx_uio *u) {
  uint32_t count;
  if (read(u->device_fd, &count, sizeof count) != (ssize_t)sizeof count) {
    u->ready = false;
    fail(u, MX_UIO_BROKEN, "the device has vanished: its bitstream or its device tree was removed");
    return false;
  }
  u->interrupts++;
  u->registers[MX_CSR_IRQ_STATUS / 4] = 1;  // before it is unmasked, since it is a level
  return enable_interrupt(u);
}

// At most ms milliseconds; *came: an interrupt.
static bool await_interrupt(mx_uio *u, uint64_t ms, bool *came) {
  struct pollfd p = {.fd = u->device_fd, .events = POLLIN};
  int n = poll(&p, 1, (int)ms);
  *came = n > 0;
  if (n > 0) return take_interrupt(u);
  if (n == 0 || errno == EINTR) return true;
  fail(u, MX_UIO_BROKEN, "cannot wait for the device: %s", strerror(errno));
  return false;
}

static bool idle(const mx_uio *u) { return !(u->registers[MX_CSR_STATUS / 4] & MX_STATUS_BUSY); }

// A millisecond between two looks at the device; not ended by stop.
static bool wait_a_moment(void *self, uint32_t polls) {
  const struct timespec moment = {.tv_nsec = 1000000};
  (void)self;
  (void)polls;
  nanosleep(&moment, NULL);
  return true;
}

// The program has ended; its interrupt is on its way, or lost.
static bool await_late_interrupt(mx_uio *u) {
  bool came;
  if (!await_interrupt(u, GRACE_MS, &came)) return false;
  if (!came && !u->stopped)
    fail(u, MX_UIO_BROKEN, "the program ended, but its interrupt did not come: does the device tree name the right one?");
  return came;
}

// Only programs end with an interrupt; a reset does not.
static bool wait(void *self, uint32_t polls) {
  mx_uio *u = self;
  uint64_t spent = now_ms() - u->started_ms, patience = u->options.patience_ms;
  bool came;
  if (u->stopped || *u->problem) return false;
  if (spent >= patience) {
    fail(u, MX_UIO_BROKEN, "the device did not end its work within %" PRIu32 " ms", u->options.patience_ms);
    return false;
  }
  if (!u->runs) return wait_a_moment(u, polls);
  if (!await_interrupt(u, patience - spent < SLICE_MS ? patience - spent : SLICE_MS, &came)) return false;
  if (!came && !u->stopped && idle(u) && !await_late_interrupt(u)) return false;
  return !u->stopped;
}

mx_mmio mx_uio_mmio(mx_uio *u) { return (mx_mmio){u, read_register, write_register, wait}; }
mx_memory_port mx_uio_memory(mx_uio *u) { return (mx_memory_port){u, put, get}; }

// ---- finding it --------------------------------------------------------------------

static bool read_line(const char *path, char *text, size_t size) {
  FILE *f = fopen(path, "r");
  bool ok = f && fgets(text, (int)size, f);
  if (f) fclose(f);
  if (ok) text[strcspn(text, "\n")] = 0;
  return ok;
}

static mx_uio_status read_number(mx_uio *u, const char *path, uint64_t *value) {
  char text[64], *end = text;
  if (read_line(path, text, sizeof text)) *value = strtoull(text, &end, 0);
  return end != text && !*end ? MX_UIO_OK : fail(u, MX_UIO_ABSENT, "%s: expected a number", path);
}

static const char *root(const mx_uio *u) { return u->options.root ? u->options.root : ""; }
static const char *last_part(const char *path) { return strrchr(path, '/') ? strrchr(path, '/') + 1 : path; }

// The class folder of the UIO device, "/sys/class/uio/uio0", of the given path or by name.
static mx_uio_status find_device(mx_uio *u, char folder[PATH]) {
  char path[PATH], name[64];
  glob_t found;
  snprintf(path, sizeof path, "%s/sys/class/uio/%s/name", root(u), u->options.device ? last_part(u->options.device) : "uio*");
  bool any = !glob(path, 0, NULL, &found), ours = false;
  for (size_t i = 0; any && i < found.gl_pathc && !ours; i++) {
    ours = read_line(found.gl_pathv[i], name, sizeof name) && (u->options.device || !strcmp(name, MX_UIO_NAME));
    if (ours) snprintf(folder, PATH, "%.*s", (int)(strlen(found.gl_pathv[i]) - strlen("/name")), found.gl_pathv[i]);
  }
  if (any) globfree(&found);
  if (ours) return MX_UIO_OK;
  if (u->options.device) return fail(u, MX_UIO_ABSENT, "%s is no UIO device: there is no %s", u->options.device, path);
  return fail(u, MX_UIO_ABSENT, "no UIO device is named " MX_UIO_NAME ": are the bitstream and its device-tree overlay loaded, "
              "and the module uio_pdrv_genirq?");
}

// u-dma-buf was called udmabuf before Linux took the name.
static mx_uio_status find_buffer(mx_uio *u, const char *name, char folder[PATH]) {
  const char *classes[] = {"u-dma-buf", "udmabuf"};
  for (size_t i = 0; i < 2; i++) {
    snprintf(folder, PATH, "%s/sys/class/%s/%s", root(u), classes[i], name);
    if (!access(folder, F_OK)) return MX_UIO_OK;
  }
  return fail(u, MX_UIO_ABSENT, "there is no buffer %s: is the module u-dma-buf loaded, and was there enough contiguous "
              "memory (cma=)?", name);
}

static mx_uio_status open_file(mx_uio *u, const char *path, int flags, int *fd) {
  *fd = open(path, flags | O_CLOEXEC);
  if (*fd >= 0) return MX_UIO_OK;
  const char *hint = errno == EACCES || errno == EPERM ? "; run as root" : "";
  return fail(u, MX_UIO_ABSENT, "cannot open %s: %s%s", path, strerror(errno), hint);
}

// ---- opening -----------------------------------------------------------------------

static mx_uio_status map_registers(mx_uio *u, const char *folder) {
  char path[PATH];
  uint64_t bytes, offset, page = (uint64_t)sysconf(_SC_PAGESIZE);
  snprintf(path, sizeof path, "%.200s/maps/map0/size", folder);
  if (read_number(u, path, &bytes)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%.200s/maps/map0/offset", folder);
  if (read_number(u, path, &offset)) return MX_UIO_ABSENT;
  if (bytes <= MX_CSR_FETCH_WAIT || bytes > 1 << 30 || offset >= page || offset % 4)
    return fail(u, MX_UIO_ABSENT, "%.120s has a window of %" PRIu64 " bytes at %" PRIu64 ", which cannot hold the registers",
                folder, bytes, offset);
  u->map_bytes = (size_t)((offset + bytes + page - 1) / page * page);
  void *map = mmap(NULL, u->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, u->device_fd, 0);
  if (map == MAP_FAILED) return fail(u, MX_UIO_ABSENT, "cannot map the registers of %.120s: %s", folder, strerror(errno));
  u->map = map;
  u->registers = (volatile uint32_t *)(void *)(u->map + offset);
  u->register_bytes = (uint32_t)bytes;
  return MX_UIO_OK;
}

static mx_uio_status open_device(mx_uio *u) {
  char folder[PATH], path[PATH];
  if (find_device(u, folder)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%s/dev/%.64s", root(u), last_part(folder));
  if (open_file(u, path, O_RDWR | O_SYNC, &u->device_fd)) return MX_UIO_ABSENT;
  if (flock(u->device_fd, LOCK_EX | LOCK_NB))
    return fail(u, MX_UIO_ABSENT, "%s is in use by another process", path);
  return map_registers(u, folder);
}

static mx_uio_status map_buffer(mx_uio *u, const char *name) {
  const uint64_t bus_end = (uint64_t)1 << 40, aligned = 4096;
  if (u->bytes > u->buffer_bytes)
    return fail(u, MX_UIO_TOO_SMALL, "the buffer %s is too small: needs %" PRIu32 " bytes, has %" PRIu64, name, u->bytes,
                u->buffer_bytes);
  if (u->memory_base % aligned || u->memory_base + u->buffer_bytes > bus_end)
    return fail(u, MX_UIO_ABSENT, "the buffer %s lies at 0x%" PRIx64 ", where the device cannot reach it", name, u->memory_base);
  void *map = mmap(NULL, (size_t)u->buffer_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, u->buffer_fd, 0);
  if (map == MAP_FAILED) return fail(u, MX_UIO_ABSENT, "cannot map the buffer %s: %s", name, strerror(errno));
  u->memory = map;
  return MX_UIO_OK;
}

static mx_uio_status open_buffer(mx_uio *u) {
  const char *name = u->options.buffer ? last_part(u->options.buffer) : MX_UIO_BUFFER;
  char folder[PATH], path[PATH];
  if (find_buffer(u, name, folder)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%.200s/phys_addr", folder);
  if (read_number(u, path, &u->memory_base)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%.200s/size", folder);
  if (read_number(u, path, &u->buffer_bytes)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%.200s/sync_for_cpu", folder);
  if (open_file(u, path, O_WRONLY, &u->sync_cpu_fd)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%.200s/sync_for_device", folder);
  if (open_file(u, path, O_WRONLY, &u->sync_device_fd)) return MX_UIO_ABSENT;
  snprintf(path, sizeof path, "%s/dev/%.64s", root(u), name);
  if (open_file(u, path, O_RDWR, &u->buffer_fd)) return MX_UIO_ABSENT;  // without O_SYNC: cached
  return map_buffer(u, name);
}

// Whatever has gone wrong, the device is to stop.
static uint32_t read_always(void *self, uint32_t offset) { return ((const mx_uio *)self)->registers[offset / 4]; }
static void write_always(void *self, uint32_t offset, uint32_t value) { ((mx_uio *)self)->registers[offset / 4] = value; }

static mx_uio_status reset(mx_uio *u) {
  mx_device device = {.mmio = {u, read_always, write_always, wait_a_moment}};
  if (!mx_driver_reset(&device, RESET_MS)) return MX_UIO_OK;
  return fail(u, MX_UIO_BROKEN, "the device does not end its reset: does its memory port answer?");
}

// Another program may have left it running, so it is reset before its memory is touched.
static mx_uio_status check_device(mx_uio *u, uint32_t build_id) {
  mx_device device = {.mmio = mx_uio_mmio(u)};
  mx_driver_status s = mx_driver_probe(&device, build_id);
  if (s == MX_DRIVER_OTHER_BUILD)
    return fail(u, MX_UIO_OTHER_BUILD, "the bitstream holds build %08" PRIx32 ", the image is for build %08" PRIx32,
                device.build_id, build_id);
  if (s) return fail(u, MX_UIO_BROKEN, "%s at these registers: is the bitstream loaded?", mx_driver_text(s));
  if (reset(u)) return MX_UIO_BROKEN;
  u->ready = true;
  return enable_interrupt(u) ? MX_UIO_OK : MX_UIO_BROKEN;
}

mx_uio_status mx_uio_open(mx_uio *u, const mx_uio_options *options, uint32_t build_id, uint32_t bytes) {
  *u = (mx_uio){.options = *options, .device_fd = -1, .buffer_fd = -1, .sync_device_fd = -1, .sync_cpu_fd = -1, .bytes = bytes};
  if (!u->options.patience_ms) u->options.patience_ms = PATIENCE_MS;
  mx_uio_status s = open_device(u);
  if (!s) s = open_buffer(u);
  if (!s) s = check_device(u, build_id);
  if (s) mx_uio_close(u);
  return s;
}

static void close_file(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

void mx_uio_close(mx_uio *u) {
  if (u->ready) {
    reset(u);
    u->registers[MX_CSR_IRQ_ENABLE / 4] = 0;
  }
  u->ready = false;
  if (u->memory) munmap(u->memory, (size_t)u->buffer_bytes);
  if (u->map) munmap(u->map, u->map_bytes);
  u->memory = u->map = NULL;
  close_file(&u->buffer_fd);
  close_file(&u->sync_cpu_fd);
  close_file(&u->sync_device_fd);
  close_file(&u->device_fd);
}
