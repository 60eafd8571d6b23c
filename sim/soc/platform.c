#include "sim/soc/platform.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "firmware/mx_soc.h"
#include "golden/bytes.h"
#include "sim/engine.h"
#include "sim/soc/rv.h"
#include "sim/soc/system.h"

enum { CYCLES = 5, WFI = 0x10500073 };  // of an instruction: README of rtl/soc
enum { UNTOUCHED = 0xa5 };              // what RAM holds at first

typedef struct { uint8_t *bytes; size_t n, taken, room; } queue;

struct mx_platform {
  mx_platform_options options;
  mx_params params;
  mx_engine *accel;
  mx_rv rv;
  uint8_t rom[MX_SOC_ROM_BYTES], ram[MX_SOC_RAM_BYTES], *flash;
  mx_soc_system system;
  uint64_t instructions, time;
  queue in, out;
  size_t shown;         // bytes of `out` before the last run's
  const char *until;
  bool found, failed;   // `until` was sent; no memory for what is sent
  uint32_t bad_from, bad_bytes;
};

// ---- queues ------------------------------------------------------------------------

static bool append(queue *q, const void *bytes, size_t n) {
  if (q->n + n + 1 > q->room) {
    size_t room = 2 * (q->n + n + 64);
    uint8_t *grown = realloc(q->bytes, room);
    if (!grown) return false;
    q->bytes = grown;
    q->room = room;
  }
  if (n) memcpy(q->bytes + q->n, bytes, n);
  q->n += n;
  q->bytes[q->n] = 0;
  return true;
}

void mx_platform_type(mx_platform *p, const void *bytes, size_t n) {
  if (!append(&p->in, bytes, n)) p->failed = true;
}

static void send(void *self, uint8_t byte) {
  mx_platform *p = self;
  size_t n = p->until ? strlen(p->until) : 0;
  if (!append(&p->out, &byte, 1)) p->failed = true;
  else if (n && p->out.n - p->out.taken >= n && !memcmp(p->out.bytes + p->out.n - n, p->until, n)) p->found = true;
}

// ---- the system's words ------------------------------------------------------------

static uint32_t flash_status(const mx_platform *p) {
  const uint32_t maker = 0xef;
  if (p->options.flash_silent) return MX_SOC_FLASH_SILENT;
  return p->time >= p->options.flash_ready ? MX_SOC_FLASH_READY | maker << 8 : 0;
}

static bool memory_is_there(const mx_platform *p) { return p->time >= p->options.memory_ready; }

// What the registers say now. The line is as quick as the processor takes its bytes.
static void refresh(mx_platform *p) {
  mx_soc_system *s = &p->system;
  s->accel_irq = p->accel->mmio.read(p->accel->mmio.self, MX_CSR_IRQ_STATUS) & 1;
  s->memory_bytes = memory_is_there(p) ? p->options.memory_bytes : 0;
  s->flash_status = flash_status(p);
  if (!s->count && p->in.taken < p->in.n) mx_soc_system_receive(s, p->in.bytes[p->in.taken++]);
}

static bool access(void *self, mx_rv_transfer *t);

static bool copy(void *self, uint32_t from, uint32_t to, uint32_t *word) {
  mx_rv_transfer t = {.address = MX_SOC_FLASH + from};
  if (from >= MX_SOC_FLASH_BYTES || !access(self, &t)) return false;
  *word = t.data;
  t = (mx_rv_transfer){.address = to, .strobes = 15, .data = *word};
  return !to || (to - MX_SOC_MEMORY < MX_SOC_MEMORY_BYTES && access(self, &t));
}

static bool write_system(mx_platform *p, uint32_t offset, uint32_t value) {
  uint64_t copied = p->system.copied;
  bool ok = mx_soc_system_write(&p->system, offset, value);
  p->time += MX_SOC_COPY_CYCLES * (p->system.copied - copied);
  return ok;
}

static bool access_system(mx_platform *p, uint32_t offset, mx_rv_transfer *t) {
  refresh(p);
  if (t->strobes) return t->strobes == 15 && write_system(p, offset, t->data);
  return mx_soc_system_read(&p->system, offset, p->time, &t->data);
}

// ---- the bus -----------------------------------------------------------------------

// The words of an array in which the strobes write.
static void access_array(uint8_t *at, mx_rv_transfer *t) {
  for (unsigned i = 0; i < 4; i++)
    if (t->strobes >> i & 1) at[i] = (uint8_t)(t->data >> 8 * i);
  if (!t->strobes) t->data = mx_load_u32(at);
}

static bool access_memory(mx_platform *p, uint32_t addr, mx_rv_transfer *t) {
  const mx_memory_port *m = &p->accel->memory;
  uint8_t word[4];
  if (addr >= p->options.memory_bytes || !memory_is_there(p) || !m->get(m->self, addr, word, sizeof word)) return false;
  access_array(word, t);
  return !t->strobes || m->put(m->self, addr, word, sizeof word);
}

// The accelerator sees the SDRAM where the processor does; the engine has its own idea.
static void write_accel(mx_platform *p, uint32_t offset, uint32_t value) {
  const mx_mmio *io = &p->accel->mmio;
  if (offset == MX_CSR_MEM_BASE_LO) value = value - (uint32_t)MX_SOC_MEMORY + (uint32_t)p->accel->memory_base;
  io->write(io->self, offset, value);
}

static bool access_accel(mx_platform *p, uint32_t offset, mx_rv_transfer *t) {
  const mx_mmio *io = &p->accel->mmio;
  if (t->strobes && t->strobes != 15) return false;
  if (t->strobes) write_accel(p, offset, t->data);
  else t->data = io->read(io->self, offset);
  return true;
}

static bool access_flash(mx_platform *p, uint32_t offset, mx_rv_transfer *t) {
  if (offset >= p->system.flash_bytes || !(flash_status(p) & MX_SOC_FLASH_READY) || t->strobes) return false;
  access_array(p->flash + p->options.board.bitstream_bytes + offset, t);
  return true;
}

static bool access(void *self, mx_rv_transfer *t) {
  mx_platform *p = self;
  uint32_t a = t->address;
  if (a - p->bad_from < p->bad_bytes) return false;
  if (a - MX_SOC_RAM < MX_SOC_RAM_BYTES) return access_array(p->ram + (a - MX_SOC_RAM), t), true;
  if (a - MX_SOC_FLASH < MX_SOC_FLASH_BYTES) return access_flash(p, a - MX_SOC_FLASH, t);
  if (a - MX_SOC_MEMORY < MX_SOC_MEMORY_BYTES) return access_memory(p, a - MX_SOC_MEMORY, t);
  if (a - MX_SOC_ROM < MX_SOC_ROM_BYTES) return t->strobes ? false : (access_array(p->rom + (a - MX_SOC_ROM), t), true);
  if (t->fetch) return false;
  if (a - MX_SOC_SYSTEM < MX_SOC_SYSTEM_BYTES) return access_system(p, a - MX_SOC_SYSTEM, t);
  if (a - MX_SOC_ACCEL < MX_SOC_ACCEL_BYTES) return access_accel(p, a - MX_SOC_ACCEL, t);
  return false;
}

// ---- running -----------------------------------------------------------------------

static uint32_t pending(mx_platform *p) {
  refresh(p);
  return (mx_soc_system_external(&p->system) ? MX_RV_EXTERNAL : 0u) | (mx_soc_system_timer(&p->system, p->time) ? MX_RV_TIMER : 0u);
}

// Until an interrupt that is enabled, or the end of time.
static void sleep(mx_platform *p) {
  if (pending(p) & p->rv.mie) return;
  uint64_t begun = mx_engine_cycles(p->accel);
  p->accel->mmio.wait(p->accel->mmio.self, 0);
  p->time += mx_engine_cycles(p->accel) - begun;
  if (!(pending(p) & p->rv.mie) && p->system.compare != UINT64_MAX && p->time < p->system.compare) p->time = p->system.compare;
}

// Interrupts are looked for only where they are taken or waited for.
static void step(mx_platform *p) {
  bool enabled = p->rv.mstatus & 1 << 3;
  uint32_t lines = enabled ? pending(p) : 0;
  p->rv.mip = lines;
  p->rv.mcycle = p->time;
  mx_rv_step_result r = mx_rv_step(&p->rv, lines);
  p->instructions++;
  p->time += CYCLES;
  if (r.insn == WFI) sleep(p);
}

bool mx_platform_run(mx_platform *p, const char *until, uint64_t most) {
  p->until = until;
  p->found = false;
  p->shown = p->out.taken;
  for (uint64_t end = p->instructions + most; !p->found && !p->failed && p->instructions < end;) step(p);
  p->until = NULL;
  if (p->found) p->out.taken = p->out.n;
  return p->found;
}

int mx_platform_take(mx_platform *p, uint64_t most) {
  for (uint64_t end = p->instructions + most; p->out.taken == p->out.n && !p->failed && p->instructions < end;) step(p);
  return p->out.taken < p->out.n ? p->out.bytes[p->out.taken++] : -1;
}

const char *mx_platform_output(const mx_platform *p) { return p->out.bytes ? (const char *)p->out.bytes + p->shown : ""; }

void mx_platform_break(mx_platform *p, uint32_t from, uint32_t bytes) {
  p->bad_from = from;
  p->bad_bytes = bytes;
}

void mx_platform_write_flash(mx_platform *p, uint32_t at, const uint8_t *bytes, size_t n) { memcpy(p->flash + at, bytes, n); }

uint64_t mx_platform_instructions(const mx_platform *p) { return p->instructions; }

uint32_t mx_platform_stack_bytes(const mx_platform *p) {
  uint32_t at = MX_SOC_RAM_BYTES, run = 0;  // untouched bytes below `at`: a frame may have holes
  for (uint32_t i = MX_SOC_RAM_BYTES; i > 0 && run < 512; i--) {
    run = p->ram[i - 1] == UNTOUCHED ? run + 1 : 0;
    if (!run) at = i - 1;
  }
  return MX_SOC_RAM_BYTES - at;
}

// ---- opening -----------------------------------------------------------------------

static mx_status check(const mx_platform_options *o, mx_error *e) {
  if (o->boot_bytes > MX_SOC_ROM_BYTES)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "a boot program of %zu bytes for a ROM of %d", o->boot_bytes, MX_SOC_ROM_BYTES);
  if (o->flash_first > o->board.chip_bytes || o->flash_bytes > o->board.chip_bytes - o->flash_first)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "%zu bytes from %" PRIu32 " on for a flash chip of %" PRIu32,
                   o->flash_bytes, o->flash_first, o->board.chip_bytes);
  if (o->memory_bytes > MX_SOC_MEMORY_BYTES)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "an SDRAM of %" PRIu32 " bytes, there is room for %d", o->memory_bytes, MX_SOC_MEMORY_BYTES);
  return MX_OK;
}

static mx_status fill(mx_platform *p, mx_error *e) {
  const mx_platform_options *o = &p->options;
  p->flash = malloc(o->board.chip_bytes);
  if (!p->flash) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  memset(p->flash, 0xff, o->board.chip_bytes);
  memset(p->ram, UNTOUCHED, sizeof p->ram);
  if (o->flash_bytes) memcpy(p->flash + o->flash_first, o->flash, o->flash_bytes);
  if (o->boot_bytes) memcpy(p->rom, o->boot, o->boot_bytes);
  p->options.flash = p->options.boot = NULL;
  return MX_OK;
}

static mx_status open_accel(mx_platform *p, mx_error *e) {
  static const mx_engine_options plain = {.memory = {.latency = 20, .outstanding = 16}};
  const mx_params *params = mx_params_find(p->options.set);
  if (!params) return mx_fail(e, MX_USAGE, MX_NOWHERE, "no parameter set '%s'", p->options.set);
  p->params = *params;
  p->params.build_id += p->options.build_change;
  return mx_engine_open(p->options.engine, &p->params, p->options.memory_bytes, &plain, &p->accel, e);
}

mx_status mx_platform_open(const mx_platform_options *o, mx_platform **out, mx_error *e) {
  *out = NULL;
  if (check(o, e)) return e->status;
  mx_platform *p = calloc(1, sizeof *p);
  if (!p) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  p->options = *o;
  mx_soc_system_open(&p->system, o->clock_hz, 0);
  p->system.board = o->board.word;
  p->system.flash_bytes = o->board.chip_bytes - o->board.bitstream_bytes;
  p->system.send = send;
  p->system.copy = copy;
  p->system.self = p;
  p->rv = (mx_rv){.memory = access, .context = p, .mul_div = o->mul_div};
  mx_rv_reset(&p->rv, MX_SOC_ROM);
  if (fill(p, e) || open_accel(p, e)) {
    mx_platform_close(p);
    return e->status;
  }
  *out = p;
  return MX_OK;
}

void mx_platform_close(mx_platform *p) {
  if (!p) return;
  mx_engine_close(p->accel);
  free(p->flash);
  free(p->in.bytes);
  free(p->out.bytes);
  free(p);
}
