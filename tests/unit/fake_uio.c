#define _GNU_SOURCE  // registers of a signal's context
#include "tests/unit/fake_uio.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "firmware/linux/mx_uio_names.h"
#include "sim/engine.h"

#ifndef __x86_64__
#error "accesses are handled by x86-64's faults and single steps: leave test_uio out on other machines"
#endif

enum { PAGE = 4096, LINE = 64, PATH = 200 };

struct fake_uio {
  fake_uio_options options;
  char root[64], sync_cpu[PATH], sync_device[PATH], device[PATH];
  mx_engine *engine;
  pthread_mutex_t lock;   // of the engine
  pthread_t thread;
  int ours, theirs;       // ends of the UIO device's file: a socket
  int wake[2];            // pipe: a program or a reset began, or 'q'
  uint8_t *page;          // of the registers
  uint8_t *cpu;           // the processor's copy of the buffer
  int sync_fd[2];         // for_cpu, for_device: files of the last opens
  bool hangs, unmasked, vanished;
  bool fresh;             // STATUS was not read after START
  bool writes;            // the access under way
  uint32_t offset;
  uint32_t count, starts, late;
};

static fake_uio *fake;  // the one that is open

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "fake_uio: %s: %s\n", what, strerror(errno));
  abort();
}

// ---- the device --------------------------------------------------------------------

static uint32_t engine_read(fake_uio *f, uint32_t offset) { return f->engine->mmio.read(f->engine->mmio.self, offset); }

static uint32_t read_register(fake_uio *f, uint32_t offset) {
  if (f->vanished) f->late++;
  if (f->vanished) return UINT32_MAX;
  if (f->options.blank) return 0;
  if (offset == MX_CSR_STATUS && (f->hangs || f->fresh)) {
    f->fresh = false;  // however quick the thread is, the driver must wait
    return MX_STATUS_BUSY;
  }
  pthread_mutex_lock(&f->lock);
  uint32_t value = engine_read(f, offset);
  pthread_mutex_unlock(&f->lock);
  return offset == MX_CSR_BUILD_ID ? value + f->options.build_change : value;
}

// Interrupts that were not read go with it.
static void vanish(fake_uio *f) {
  uint32_t word;
  f->vanished = true;
  while (recv(f->theirs, &word, sizeof word, MSG_DONTWAIT) > 0) continue;
  shutdown(f->ours, SHUT_RDWR);
}

static void write_register(fake_uio *f, uint32_t offset, uint32_t value) {
  if (f->vanished) f->late++;
  if (f->vanished || f->options.blank) return;
  pthread_mutex_lock(&f->lock);
  if (offset == MX_CSR_CONTROL) {
    bool start = value & MX_CONTROL_START;
    f->starts += start;
    f->hangs = start && f->starts == f->options.hangs_at;
    f->fresh = start;
    if (start && f->starts == f->options.vanishes_at) vanish(f);
  }
  if (!f->hangs && !f->vanished) f->engine->mmio.write(f->engine->mmio.self, offset, value);
  pthread_mutex_unlock(&f->lock);
  if (offset == MX_CSR_CONTROL) require(write(f->wake[1], "g", 1) == 1, "wake");
}

static void raise_interrupt(fake_uio *f) {
  f->unmasked = false;
  f->count++;
  require(send(f->ours, &f->count, sizeof f->count, 0) == sizeof f->count, "interrupt");
}

// Some cycles; false once there is nothing to do.
static bool step(fake_uio *f) {
  pthread_mutex_lock(&f->lock);
  bool busy = engine_read(f, MX_CSR_STATUS) & MX_STATUS_BUSY;
  if (busy) f->engine->mmio.wait(f->engine->mmio.self, 0);
  bool pending = engine_read(f, MX_CSR_IRQ_STATUS) & 1;
  if (pending && f->unmasked && !f->options.loses_interrupts && !f->vanished) raise_interrupt(f);
  pthread_mutex_unlock(&f->lock);
  return busy;
}

static void *serve(void *self) {
  fake_uio *f = self;
  struct pollfd p[2] = {{.fd = f->ours, .events = POLLIN}, {.fd = f->wake[0], .events = POLLIN}};
  for (bool busy = false;;) {
    require(poll(p, 2, busy ? 0 : 20) >= 0 || errno == EINTR, "poll");
    if (p[0].revents & POLLHUP) p[0].fd = -1;
    uint32_t word;
    char what = 0;
    if (p[0].revents & POLLIN && recv(f->ours, &word, sizeof word, MSG_DONTWAIT) == sizeof word) f->unmasked = word;
    if (p[1].revents & POLLIN && read(f->wake[0], &what, 1) == 1 && what == 'q') return NULL;
    busy = step(f);
  }
}

// ---- loads and stores of its registers -------------------------------------------------

enum { TRAP_FLAG = 0x100, FAULT_OF_WRITE = 2 };

static void on_fault(int number, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  uint8_t *at = info->si_addr;
  (void)number;
  if (!fake || !fake->page || at < fake->page || at >= fake->page + PAGE) {
    signal(SIGSEGV, SIG_DFL);  // and again, to its end
    return;
  }
  fake->offset = (uint32_t)(at - fake->page);
  fake->writes = c->uc_mcontext.gregs[REG_ERR] & FAULT_OF_WRITE;
  uint32_t value = fake->writes ? 0 : read_register(fake, fake->offset & ~3u);
  mprotect(fake->page, PAGE, PROT_READ | PROT_WRITE);
  memset(fake->page, 0, PAGE);
  memcpy(fake->page + (fake->offset & ~3u), &value, sizeof value);
  c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

// A store is a whole word, and no other byte has changed.
static bool word_alone(const fake_uio *f, uint32_t *value) {
  uint8_t zeros[PAGE] = {0};
  memcpy(value, f->page + f->offset, sizeof *value);
  memcpy(zeros + f->offset, value, sizeof *value);
  return f->offset % 4 == 0 && !memcmp(zeros, f->page, PAGE);
}

static void on_step(int number, siginfo_t *info, void *context) {
  ucontext_t *c = context;
  uint32_t value = 0;
  (void)number;
  (void)info;
  c->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
  require(fake->offset % 4 == 0 && (!fake->writes || word_alone(fake, &value)), "an access that is not one aligned word");
  mprotect(fake->page, PAGE, PROT_NONE);
  if (fake->writes) write_register(fake, fake->offset, value);
}

static void catch_accesses(void) {
  struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigemptyset(&a.sa_mask);
  sigaction(SIGSEGV, &a, NULL);
  a.sa_sigaction = on_step;
  sigaction(SIGTRAP, &a, NULL);
  signal(SIGPIPE, SIG_IGN);
}

// ---- the buffer -------------------------------------------------------------------

// No program may run. The lines of a command of u-dma-buf's: offset in the upper half, size, direction, 1.
static bool sync_lines(fake_uio *f, const char *text, bool to_device) {
  uint64_t command = strtoull(text, NULL, 0);
  uint32_t at = (uint32_t)(command >> 32), bytes = (uint32_t)command & ~15u, direction = (uint32_t)command >> 2 & 3;
  if (f->hangs || !(command & 1) || (uint64_t)at + bytes > f->options.buffer_bytes) return false;
  uint32_t first = at / LINE * LINE, end = (at + bytes + LINE - 1) / LINE * LINE;
  const mx_memory_port *m = &f->engine->memory;
  pthread_mutex_lock(&f->lock);
  if (to_device && direction != 2) m->put(m->self, first, f->cpu + first, end - first);
  if (!to_device && direction != 1) m->get(m->self, first, f->cpu + first, end - first);
  pthread_mutex_unlock(&f->lock);
  return true;
}

void fake_uio_write(fake_uio *f, uint32_t addr, const void *from, uint32_t bytes) {
  pthread_mutex_lock(&f->lock);
  require(f->engine->memory.put(f->engine->memory.self, addr, from, bytes), "memory");
  pthread_mutex_unlock(&f->lock);
}

void fake_uio_read(fake_uio *f, uint32_t addr, void *to, uint32_t bytes) {
  pthread_mutex_lock(&f->lock);
  require(f->engine->memory.get(f->engine->memory.self, addr, to, bytes), "memory");
  pthread_mutex_unlock(&f->lock);
}

// ---- in front of the system ----------------------------------------------------------

static bool ends_with(const char *path, const char *end) {
  return end && strlen(path) >= strlen(end) && !strcmp(path + strlen(path) - strlen(end), end);
}

int open(const char *path, int flags, ...) {
  va_list ap;
  va_start(ap, flags);
  unsigned mode = flags & O_CREAT ? va_arg(ap, unsigned) : 0;
  va_end(ap);
  if (fake && ends_with(path, fake->options.refused)) {
    errno = EACCES;
    return -1;
  }
  if (fake && !strcmp(path, fake->device)) return dup(fake->theirs);
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
  if (fake && !strcmp(path, fake->sync_cpu)) fake->sync_fd[0] = fd;
  if (fake && !strcmp(path, fake->sync_device)) fake->sync_fd[1] = fd;
  return fd;
}

static bool is_device(int fd) {
  struct stat a, b;
  return fake && fd >= 0 && !fstat(fd, &a) && !fstat(fake->theirs, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
  bool device = is_device(fd);
  if (device) {
    require(bytes == PAGE && flags == MAP_SHARED && !offset, "the registers are mapped otherwise");
    protection = PROT_NONE;
    flags = MAP_PRIVATE | MAP_ANONYMOUS;
    fd = -1;
  }
  void *map = (void *)syscall(SYS_mmap, at, bytes, protection, flags, fd, offset);  // NOLINT: a number is what the system gives
  if (device) fake->page = map;
  return map;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  for (int i = 0; fake && i < 2; i++) {
    char text[40] = "";
    if (fd != fake->sync_fd[i]) continue;
    memcpy(text, bytes, count < sizeof text ? count : sizeof text - 1);
    if (sync_lines(fake, text, i == 1)) return (ssize_t)count;
    errno = EINVAL;
    return -1;
  }
  return syscall(SYS_pwrite64, fd, bytes, count, offset);
}

int flock(int fd, int operation) {
  if (!fake || !fake->options.in_use || !is_device(fd)) return (int)syscall(SYS_flock, fd, operation);
  errno = EWOULDBLOCK;
  return -1;
}

// ---- files ------------------------------------------------------------------------

static void make_folders(const char *path) {
  char part[PATH];
  for (const char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
    snprintf(part, sizeof part, "%.*s", (int)(at - path), path);
    mkdir(part, 0700);
  }
}

// The file's path is left in `path`.
static void make_file(const fake_uio *f, char path[PATH], const char *text, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void make_file(const fake_uio *f, char path[PATH], const char *text, const char *format, ...) {
  va_list ap;
  int n = snprintf(path, PATH, "%s", f->root);
  va_start(ap, format);
  vsnprintf(path + n, PATH - (size_t)n, format, ap);
  va_end(ap);
  make_folders(path);
  FILE *file = fopen(path, "w");
  require(file && fputs(text, file) >= 0, path);
  fclose(file);
}

// uio0 is another device; ours is uio1.
static void make_uio(fake_uio *f) {
  char path[PATH];
  make_file(f, path, "axi-pmon\n", "/sys/class/uio/uio0/name");
  make_file(f, path, f->options.uio_name ? f->options.uio_name : MX_UIO_NAME "\n", "/sys/class/uio/uio1/name");
  make_file(f, path, "0x00000000a0000000\n", "/sys/class/uio/uio1/maps/map0/addr");
  make_file(f, path, "0x0000000000001000\n", "/sys/class/uio/uio1/maps/map0/size");
  make_file(f, path, "0x0\n", "/sys/class/uio/uio1/maps/map0/offset");
  make_file(f, f->device, "", "/dev/uio1");
}

static void make_buffer(fake_uio *f) {
  const char *class = f->options.old_names ? "udmabuf" : "u-dma-buf";
  char path[PATH], text[40];
  snprintf(text, sizeof text, "0x%016" PRIx64 "\n", f->engine->memory_base);
  make_file(f, path, text, "/sys/class/%s/" MX_UIO_BUFFER "/phys_addr", class);
  snprintf(text, sizeof text, "%" PRIu32 "\n", f->options.buffer_bytes);
  make_file(f, path, text, "/sys/class/%s/" MX_UIO_BUFFER "/size", class);
  make_file(f, f->sync_cpu, "", "/sys/class/%s/" MX_UIO_BUFFER "/sync_for_cpu", class);
  make_file(f, f->sync_device, "", "/sys/class/%s/" MX_UIO_BUFFER "/sync_for_device", class);
  make_file(f, path, "", "/dev/" MX_UIO_BUFFER);
  int fd = open(path, O_RDWR);
  require(fd >= 0 && !ftruncate(fd, f->options.buffer_bytes), path);
  f->cpu = mmap(NULL, f->options.buffer_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  require(f->cpu != MAP_FAILED, path);
  close(fd);
}

// ---- opening and closing -----------------------------------------------------------------

// Both copies begin as something, and not as the same.
static void fill(fake_uio *f) {
  for (uint32_t i = 0; i < f->options.buffer_bytes; i++) {
    uint8_t byte = (uint8_t)(i * 7 + (i >> 8) + 1);
    f->cpu[i] = (uint8_t)~byte;
    f->engine->memory.put(f->engine->memory.self, i, &byte, 1);
  }
}

fake_uio *fake_uio_open(const fake_uio_options *o) {
  const mx_engine_options options = {.memory = MX_MEMORY_DEFAULTS};
  int ends[2];
  mx_error e = {0};
  fake_uio *f = calloc(1, sizeof *f);
  require(f != NULL, "memory");
  *f = (fake_uio){.options = *o, .root = "/tmp/fake_uio.XXXXXX", .sync_fd = {-1, -1}};
  require(mkdtemp(f->root) && !socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) && !pipe(f->wake), "files");
  f->ours = ends[0];
  f->theirs = ends[1];
  if (!o->set) f->options.set = "sim";
  if (!o->engine) f->options.engine = "cycle";
  if (!o->buffer_bytes) f->options.buffer_bytes = 32768;
  o = &f->options;
  require(!mx_engine_open(o->engine, mx_params_find(o->set), o->buffer_bytes, &options, &f->engine, &e), e.text);
  make_uio(f);
  if (!o->no_buffer) make_buffer(f);
  if (!o->no_buffer) fill(f);
  catch_accesses();
  pthread_mutex_init(&f->lock, NULL);
  fake = f;
  require(!pthread_create(&f->thread, NULL, serve, f), "thread");
  return f;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *place) {
  (void)st;
  (void)kind;
  (void)place;
  return remove(path);
}

void fake_uio_close(fake_uio *f) {
  require(write(f->wake[1], "q", 1) == 1, "end");
  pthread_join(f->thread, NULL);
  fake = NULL;
  signal(SIGSEGV, SIG_DFL);
  signal(SIGTRAP, SIG_DFL);
  if (f->cpu) munmap(f->cpu, f->options.buffer_bytes);
  mx_engine_close(f->engine);
  const int files[] = {f->ours, f->theirs, f->wake[0], f->wake[1]};
  for (int i = 0; i < 4; i++) close(files[i]);
  pthread_mutex_destroy(&f->lock);
  nftw(f->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
  free(f);
}

const char *fake_uio_root(const fake_uio *f) { return f->root; }
void fake_uio_start(fake_uio *f) { write_register(f, MX_CSR_CONTROL, MX_CONTROL_START); }
uint32_t fake_uio_starts(const fake_uio *f) { return f->starts; }
uint32_t fake_uio_interrupts(const fake_uio *f) { return f->count; }
uint32_t fake_uio_late_accesses(const fake_uio *f) { return f->late; }

bool fake_uio_quiet(fake_uio *f) {
  return !read_register(f, MX_CSR_STATUS) && !read_register(f, MX_CSR_IRQ_ENABLE);
}
