#include "sim/verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/names.h"

enum { SPACES = MX_SPACE_UCODE + 1, CHUNK_BYTES = 1 << 16 };

typedef struct { uint32_t address, value, pc; } logged;
typedef struct { logged *at; size_t count, capacity, next; } write_log;  // next: to be compared

// On-chip memories as rebuilt from writes; NULL for MX_SPACE_MEM.
typedef struct { uint32_t *space[SPACES]; } contents;

struct mx_verify {
  mx_session golden, device;
  write_log logs[MX_VERIFY_STREAM_COUNT];
  contents expected, got;
  mx_verify_counts counts;
  mx_divergence divergence;
  uint32_t entry;       // of the running program
  uint32_t position;    // of its first token
  bool out_of_memory;
};

static int stream_of(mx_unit unit, mx_space space) {
#define STREAM(u, s) \
  if (unit == MX_UNIT_##u && space == MX_SPACE_##s) return MX_STREAM_##u##_##s;
  MX_VERIFY_STREAMS(STREAM)
#undef STREAM
  return -1;
}

static const struct { mx_unit unit; mx_space space; const char *text; } streams[] = {
#define STREAM(unit, space) {MX_UNIT_##unit, MX_SPACE_##space, #unit " " #space},
    MX_VERIFY_STREAMS(STREAM)
#undef STREAM
};

const char *mx_verify_stream_text(int stream) { return streams[stream].text; }

// ---- differences -------------------------------------------------------------------

static void diverge(mx_verify *v, mx_divergence d) {
  if (v->divergence.found) return;
  d.found = true;
  d.entry = v->entry;
  d.cycle = mx_engine_cycles(v->device.engine);
  v->divergence = d;
  mx_engine_stop(v->device.engine);
}

static void diverge_write(mx_verify *v, const char *what, int stream, const logged *expected, const logged *got) {
  mx_divergence d = {.what = what, .has_order = true, .unit = streams[stream].unit, .space = streams[stream].space,
                     .number = v->logs[stream].next, .pc = UINT32_MAX};
  if (expected) {
    d.has_expected = true;
    d.expected_address = expected->address;
    d.expected_value = expected->value;
    d.pc = expected->pc;
  }
  if (got) {
    d.has_got = true;
    d.got_address = got->address;
    d.got_value = got->value;
  }
  diverge(v, d);
}

static void diverge_content(mx_verify *v, const char *what, mx_space space, uint32_t address, uint32_t expected,
                            uint32_t got) {
  diverge(v, (mx_divergence){.what = what, .space = space, .pc = UINT32_MAX, .has_expected = true, .has_got = true,
                             .expected_address = address, .got_address = address, .expected_value = expected,
                             .got_value = got});
}

// ---- observers ---------------------------------------------------------------------

static bool grow(write_log *l) {
  size_t capacity = l->capacity ? 2 * l->capacity : 1024;
  logged *grown = realloc(l->at, capacity * sizeof *grown);
  if (!grown) return false;
  l->at = grown;
  l->capacity = capacity;
  return true;
}

static void set_content(contents *c, mx_space space, uint32_t address, uint32_t value) {
  if (c->space[space]) c->space[space][address] = value;
}

static void golden_writes(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  mx_verify *v = self;
  int stream = stream_of(unit, space);
  if (stream < 0) abort();  // MX_VERIFY_STREAMS lacks one
  write_log *l = &v->logs[stream];
  if (l->count == l->capacity && !grow(l)) {
    v->out_of_memory = true;
    return;
  }
  l->at[l->count++] = (logged){address, value, mx_engine_pc(v->golden.engine)};
  set_content(&v->expected, space, address, value);
}

static void device_writes(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  mx_verify *v = self;
  int stream = stream_of(unit, space);
  if (v->divergence.found) return;
  if (stream < 0) {
    diverge(v, (mx_divergence){.what = "a unit writes where it must not", .has_order = true, .unit = unit,
                               .space = space, .has_got = true, .got_address = address, .got_value = value, .pc = UINT32_MAX});
    return;
  }
  write_log *l = &v->logs[stream];
  logged got = {address, value, 0};
  const logged *expected = l->next < l->count ? &l->at[l->next] : NULL;
  if (!expected) diverge_write(v, "a write too many", stream, NULL, &got);
  else if (expected->address != address) diverge_write(v, "a write goes elsewhere", stream, expected, &got);
  else if (expected->value != value) diverge_write(v, "a write has another value", stream, expected, &got);
  set_content(&v->got, space, address, value);
  l->next++;
  v->counts.writes[stream] += !v->divergence.found;
}

// ---- after a program -----------------------------------------------------------------

static void check_logs(mx_verify *v) {
  for (int i = 0; i < MX_VERIFY_STREAM_COUNT; i++) {
    const write_log *l = &v->logs[i];
    if (l->next < l->count) diverge_write(v, "a write is missing", i, &l->at[l->next], NULL);
  }
}

static uint32_t space_size(const mx_params *p, int space) {
  switch (space) {
    case MX_SPACE_VMEM: return p->VMEM_WORDS;
    case MX_SPACE_XMEM: return p->TOKENS * p->XMEM_ELEMS;
    case MX_SPACE_XEXP: return p->TOKENS * p->XMEM_ELEMS / 16;
    case MX_SPACE_UCODE: return p->UCODE_WORDS;
    default: return 0;
  }
}

static void check_contents(mx_verify *v) {
  for (int s = 0; s < SPACES; s++) {
    uint32_t n = space_size(v->golden.image->params, s);
    const uint32_t *expected = v->expected.space[s], *got = v->got.space[s];
    for (uint32_t i = 0; i < n; i++)
      if (expected[i] != got[i])
        diverge_content(v, "after the program, an element differs: two units wrote it in the wrong order",
                        (mx_space)s, i, expected[i], got[i]);
    v->counts.state_elements += n;
  }
}

static bool get(const mx_session *s, uint32_t at, uint8_t *to, uint32_t bytes) {
  return s->engine->memory.get(s->engine->memory.self, at, to, bytes);
}

static void check_memory(mx_verify *v) {
  static uint8_t expected[CHUNK_BYTES], got[CHUNK_BYTES];
  uint32_t size = v->golden.engine->memory_bytes;
  for (uint64_t at = 0; at < size && !v->divergence.found; at += CHUNK_BYTES) {
    uint32_t n = size - at < CHUNK_BYTES ? (uint32_t)(size - at) : CHUNK_BYTES, i = 0;
    bool ok = get(&v->golden, (uint32_t)at, expected, n) && get(&v->device, (uint32_t)at, got, n);
    if (ok && !memcmp(expected, got, n)) continue;
    while (i < n - 1 && expected[i] == got[i]) i++;
    diverge_content(v, "after the program, a memory byte differs", MX_SPACE_MEM, (uint32_t)at + i, expected[i], got[i]);
  }
  v->counts.memory_bytes += size;
}

static void clear_logs(mx_verify *v) {
  for (int i = 0; i < MX_VERIFY_STREAM_COUNT; i++) v->logs[i].count = v->logs[i].next = 0;
}

// The engine under test has run a program with result s and error device.
static mx_status conclude(mx_verify *v, const mx_error *device, mx_error *e) {
  if (!device->status) check_logs(v);
  if (!device->status && !v->divergence.found) check_memory(v);
  if (!device->status && !v->divergence.found) check_contents(v);
  if (v->divergence.found)
    return mx_fail(e, MX_DEVICE, MX_NOWHERE, "the %s engine differs from the golden model: %s",
                   v->device.engine->ops->name, v->divergence.what);
  if (device->status) return mx_fail(e, device->status, MX_NOWHERE, "%s", device->text);
  v->counts.programs++;
  return MX_OK;
}

mx_status mx_verify_begin(mx_verify *v, mx_error *e) {
  mx_error device = {0};
  v->entry = v->golden.image->init_entry;
  clear_logs(v);
  if (mx_session_begin(&v->golden, e)) return e->status;
  if (v->out_of_memory) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the log of writes");
  mx_session_begin(&v->device, &device);
  return conclude(v, &device, e);
}

mx_status mx_verify_feed(mx_verify *v, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next, mx_error *e) {
  mx_error device = {0};
  uint32_t got;
  clear_logs(v);
  v->position = v->golden.runtime.position;
  if (mx_session_feed(&v->golden, tokens, count, taken, next, e)) return e->status;
  v->entry = v->golden.runtime.program;
  if (v->out_of_memory) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the log of writes");
  mx_session_feed(&v->device, tokens, count, taken, &got, &device);
  // BOS of a prefix: no program has run, and the choice lay in memory, which begin compared.
  if (!v->golden.ran && !device.status) return MX_OK;
  return conclude(v, &device, e);
}

mx_status mx_verify_token(mx_verify *v, uint32_t token, uint32_t *next, mx_error *e) {
  uint32_t taken;
  return mx_verify_feed(v, &token, 1, &taken, next, e);
}

// ---- opening and reporting -----------------------------------------------------------

static bool new_contents(const mx_params *p, contents *c) {
  for (int s = 0; s < SPACES; s++) {
    uint32_t n = space_size(p, s);
    if (n && !(c->space[s] = calloc(n, sizeof *c->space[s]))) return false;
  }
  return true;
}

static mx_status open(mx_verify *v, const mx_image *image, const char *engine, const mx_engine_options *options,
                      mx_error *e) {
  static const mx_engine_options plain = {0};
  if (!new_contents(image->params, &v->expected) || !new_contents(image->params, &v->got))
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  if (mx_session_open(&v->golden, image, "golden", &plain, e)) return e->status;
  if (mx_session_open(&v->device, image, engine, options, e)) return e->status;
  mx_engine_observe(v->golden.engine, (mx_observer){golden_writes, v});
  mx_engine_observe(v->device.engine, (mx_observer){device_writes, v});
  return MX_OK;
}

mx_status mx_verify_open(const mx_image *image, const char *engine, const mx_engine_options *options, mx_verify **out,
                         mx_error *e) {
  *out = NULL;
  mx_verify *v = calloc(1, sizeof *v);
  if (!v) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  mx_status s = open(v, image, engine, options, e);
  if (s) mx_verify_close(v);
  else *out = v;
  return s;
}

void mx_verify_close(mx_verify *v) {
  if (!v) return;
  mx_session_close(&v->golden);
  mx_session_close(&v->device);
  for (int i = 0; i < MX_VERIFY_STREAM_COUNT; i++) free(v->logs[i].at);
  for (int s = 0; s < SPACES; s++) {
    free(v->expected.space[s]);
    free(v->got.space[s]);
  }
  free(v);
}

const mx_session *mx_verify_session(const mx_verify *v) { return &v->device; }
const mx_verify_counts *mx_verify_get_counts(const mx_verify *v) { return &v->counts; }
const mx_divergence *mx_verify_divergence(const mx_verify *v) { return &v->divergence; }

static void print_place(FILE *out, const char *label, bool there, const mx_divergence *d, uint32_t address,
                        uint32_t value) {
  int digits = d->space == MX_SPACE_VMEM || d->space == MX_SPACE_UCODE ? 8 : 2;
  fprintf(out, "  %-12s ", label);
  if (there) fprintf(out, "%s[0x%" PRIx32 "] = %0*" PRIX32 "\n", mx_space_text(d->space), address, digits, value);
  else fprintf(out, "no write\n");
}

void mx_verify_print(const mx_verify *v, FILE *out) {
  const mx_divergence *d = &v->divergence;
  char text[400];
  bool initial = d->entry == v->golden.image->init_entry;
  if (!d->found) return;
  fprintf(out, "%s differs from golden: %s\n", v->device.engine->ops->name, d->what);
  if (initial) fprintf(out, "  %-12s initial program\n", "program");
  else fprintf(out, "  %-12s token at position %" PRIu32 "\n", "program", v->golden.runtime.position - 1);
  mx_session_describe(&v->golden, d->entry, d->pc, text, sizeof text);
  fprintf(out, "  %-12s %s\n", "instruction", d->pc == UINT32_MAX ? "unknown" : text);
  if (d->has_order)
    fprintf(out, "  %-12s number %" PRIu64 " of unit %s to %s in this program\n", "write", d->number,
            mx_unit_text(d->unit), mx_space_text(d->space));
  print_place(out, "expected", d->has_expected, d, d->expected_address, d->expected_value);
  print_place(out, "got", d->has_got, d, d->got_address, d->got_value);
  fprintf(out, "  %-12s %" PRIu64 "\n", "cycle", d->cycle);
}
