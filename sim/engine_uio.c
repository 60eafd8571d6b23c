// The device of this Linux machine as an engine: registers and memory of
// firmware/linux/mx_uio.h.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/linux/mx_uio.h"
#include "sim/engine.h"

typedef struct {
  mx_uio uio;
  char *device, *buffer;  // paths of the engine's name, or NULL
  bool observed;
  mx_engine_options options;
} engine_uio;

static bool wait(void *self, uint32_t polls) {
  engine_uio *g = self;
  mx_mmio m = mx_uio_mmio(&g->uio);
  bool goes_on = m.wait(m.self, polls);
  if (g->options.progress) g->options.progress(g->options.progress_self, 0);
  return goes_on;
}

static uint32_t read_register(void *self, uint32_t offset) {
  mx_mmio m = mx_uio_mmio(&((engine_uio *)self)->uio);
  return m.read(m.self, offset);
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  mx_mmio m = mx_uio_mmio(&((engine_uio *)self)->uio);
  m.write(m.self, offset, value);
}

static uint64_t cycles(const void *self) {
  (void)self;
  return 0;
}

static void observe(void *self, mx_observer o) {
  if (o.write) ((engine_uio *)self)->observed = true;
}

static uint32_t pc(const void *self) {
  (void)self;
  return UINT32_MAX;
}

static void stop(void *self) { mx_uio_stop(&((engine_uio *)self)->uio); }

static const char *problem(const void *self) {
  const engine_uio *g = self;
  if (g->observed) return "a board does not tell its writes, so they cannot be compared";
  return *g->uio.problem ? g->uio.problem : NULL;
}

static void report(const void *self, FILE *out) {
  const mx_uio *u = &((const engine_uio *)self)->uio;
  fprintf(out, "uio: memory at 0x%" PRIx64 ", %" PRIu64 " interrupts, %" PRIu64 " cache synchronizations\n", u->memory_base,
          u->interrupts, u->syncs);
}

static void close_engine(void *self) {
  engine_uio *g = self;
  mx_uio_close(&g->uio);
  free(g->device);
  free(g->buffer);
  free(g);
}

static const mx_engine_ops ops = {.name = "uio", .cycles = cycles, .observe = observe, .pc = pc, .stop = stop,
                                  .problem = problem, .close = close_engine, .report = report};

// "/dev/uio0", "/dev/uio0,/dev/udmabuf0" or ",/dev/udmabuf0".
static bool split(engine_uio *g, const char *line) {
  if (!line) return true;
  size_t length = strcspn(line, ",");
  if (length && !(g->device = strndup(line, length))) return false;
  return !line[length] || !line[length + 1] || (g->buffer = strdup(line + length + 1));
}

static mx_status status_of(mx_uio_status s) {
  switch (s) {
    case MX_UIO_OK: return MX_OK;
    case MX_UIO_ABSENT: return MX_IO;
    case MX_UIO_OTHER_BUILD: return MX_UNSUPPORTED;
    case MX_UIO_TOO_SMALL: return MX_LIMIT;
    default: return MX_DEVICE;
  }
}

mx_status mx_engine_open_uio(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                             mx_error *e) {
  if (options->trace_path)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "a board gives no waveform: use --engine rtl");
  engine_uio *g = calloc(1, sizeof *g);
  if (!g || !split(g, options->line)) {
    if (g) free(g->device);
    free(g);
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  }
  g->options = *options;
  const mx_uio_options o = {.root = options->root, .device = g->device, .buffer = g->buffer, .patience_ms = options->patience_ms};
  mx_uio_status s = mx_uio_open(&g->uio, &o, p->build_id, mem_bytes);
  if (s == MX_UIO_OTHER_BUILD) mx_fail(e, status_of(s), MX_NOWHERE, "%s of set %s", g->uio.problem, p->name);
  else if (s) mx_fail(e, status_of(s), MX_NOWHERE, "%s", g->uio.problem);
  if (s) {
    close_engine(g);
    return e->status;
  }
  *out = (mx_engine){.ops = &ops, .self = g, .memory_base = g->uio.memory_base, .memory_bytes = mem_bytes,
                     .mmio = {g, read_register, write_register, wait}, .memory = mx_uio_memory(&g->uio)};
  return MX_OK;
}
