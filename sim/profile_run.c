#include "sim/profile_run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/cycle/host.h"
#include "sim/names.h"
#include "sim/profile_account.h"
#include "sim/session.h"  // mx_facts_of

enum { MEMORY_BASE = 0x40000000 };  // of the bus, as in the engines

typedef struct {
  const mx_profile_request *request;
  const mx_image *image;
  mx_cycle_host host;
  mx_account account;
  mx_trace trace;
  mx_profile *profile;
  uint8_t *memory;     // with SERIAL: [image->mem_bytes]
  char name[64];       // of the program
  bool running;        // a program
  uint64_t end;        // cycle after the last that was told of it
} run;

// ---- what the figures are held against --------------------------------------------------

static void describe_memory(const mx_memory_options *m, mx_profile_machine *to) {
  if (m->chip) snprintf(to->memory, sizeof to->memory, "%s", m->chip->name);
  else if (m->per) snprintf(to->memory, sizeof to->memory, "latency %" PRIu32 ", %" PRIu32 "/%" PRIu32, m->latency, m->beats, m->per);
  else snprintf(to->memory, sizeof to->memory, "latency %" PRIu32, m->latency);
}

static mx_profile_machine machine_of(const mx_image *image, const char *subject, const mx_memory_options *m) {
  const mx_params *p = image->params;
  mx_profile_machine to = {.clock_khz = m->chip ? m->clock_khz : 0, .beat_bytes = mx_beat_bytes(p),
                           .multipliers = p->ROWS * mx_lanes(p) * p->TOKENS, .columns = p->TOKENS, .attainable = 1,
                           .writable = !m->chip || mx_dram_writable(m->chip),
                           .port_bytes = mx_beat_bytes(p)};
  snprintf(to.subject, sizeof to.subject, "%s", subject);
  snprintf(to.set, sizeof to.set, "%s", p->name);
  describe_memory(m, &to);
  to.pin_bytes = m->chip ? mx_dram_pin_peak(m->chip) / (1e3 * m->clock_khz) : m->per ? to.port_bytes * m->beats / m->per : to.port_bytes;
  if (m->chip) to.attainable = mx_dram_attainable(m->chip);
  return to;
}

// ---- programs --------------------------------------------------------------------------

static void tell(void *self, const mx_cycle_interval *i) {
  run *r = self;
  if (!r->running) return;  // a reset is under way
  if (r->account.trace && !r->end) mx_trace_begin(&r->trace, r->name, i->from);
  mx_account_tell(&r->account, i);
  r->end = i->from + i->count;
}

static mx_status stopped(const run *r, mx_driver_status d, mx_error *e) {
  const mx_cycle_seq *q = &r->host.model.seq;
  uint32_t at = mx_cycle_seq_error_pc(q);
  if (r->host.problem) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "cycle model: %s", r->host.problem);
  if (d != MX_DRIVER_FAULT) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "cycle model: %s", mx_driver_text(d));
  return mx_fail(e, MX_DEVICE, MX_NOWHERE, "cycle model: fault %s, %s; %s, instruction at 0x%06" PRIx32, mx_fault_name(q->error),
                 mx_driver_fault_text(q->error), mx_image_note(r->image, at), at);
}

static mx_status run_program(run *r, mx_profile_phase_kind kind, uint32_t program, const uint32_t args[MX_ARGS], mx_error *e) {
  mx_counters counters;
  mx_account_begin(&r->account, r->profile, kind, program, args);
  snprintf(r->name, sizeof r->name, "%s, %" PRIu32 " tokens at position %" PRIu32, mx_profile_phase_name[kind], r->account.tokens, args[1]);
  r->running = true;
  r->end = 0;
  mx_driver_status d = mx_cycle_host_run(&r->host, program, args, &counters);
  r->running = false;
  if (d || r->host.problem) return stopped(r, d, e);
  if (r->account.trace) mx_trace_end(&r->trace, r->end);
  return mx_account_end(&r->account, &counters, e);
}

// Init is not traced: it would only push the rest to the right.
static mx_status initialize(run *r, mx_error *e) {
  const uint32_t none[MX_ARGS] = {0};
  mx_driver_status d = mx_cycle_host_begin(&r->host);
  if (d) return stopped(r, d, e);
  if (run_program(r, MX_PROFILE_INIT, r->image->init_entry, none, e)) return e->status;
  if (r->request->trace) r->account.trace = &r->trace;
  return MX_OK;
}

// What a token is does not matter to programs: all are token 0.
static mx_status prefill(run *r, uint32_t position, uint32_t count, mx_error *e) {
  mx_facts facts = mx_facts_of(r->image);
  mx_status s = MX_OK;
  for (mx_portion portion; count && !s; position += portion.tokens, count -= portion.tokens) {
    portion = mx_runtime_portion(&facts, position, count);
    const uint32_t args[MX_ARGS] = {0, position, portion.arg3, 0};
    s = run_program(r, MX_PROFILE_PREFILL, portion.program, args, e);
  }
  return s;
}

static mx_status decode(run *r, uint32_t position, uint32_t count, mx_error *e) {
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < count && !s; i++) {
    const uint32_t args[MX_ARGS] = {0, position + i, 0, 0};
    s = run_program(r, MX_PROFILE_DECODE, r->image->token_entry, args, e);
  }
  return s;
}

// ---- the whole -------------------------------------------------------------------------

static mx_status check_positions(const mx_image *image, const mx_profile_request *q, mx_error *e) {
  uint64_t prefilled = (uint64_t)image->prefix_tokens + q->prompt_tokens, decoded = (uint64_t)q->position + q->tokens;
  if (q->prompt_tokens && prefilled > image->context_length)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "%" PRIu32 " prompt tokens from position %" PRIu32 " on: the context has %" PRIu32 " positions",
                   q->prompt_tokens, image->prefix_tokens, image->context_length);
  if (q->tokens && decoded > image->context_length)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "%" PRIu32 " tokens from position %" PRIu32 " on: the context has %" PRIu32 " positions", q->tokens,
                   q->position, image->context_length);
  return MX_OK;
}

static void copy_part(const uint8_t *bytes, uint32_t size, uint32_t addr, uint32_t count, uint8_t *to) {
  memset(to, 0, count);
  if (addr < size) memcpy(to, bytes + addr, count < size - addr ? count : size - addr);
}

// Programs and microcode; what the image does not hold is not read by the model.
static void programs_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  const mx_image *image = ((const run *)self)->image;
  copy_part(image->memory, image->memory_bytes, addr, count, to);
}

static void memory_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  const run *r = self;
  copy_part(r->memory, r->image->mem_bytes, addr, count, to);
}

static void store(void *self, uint32_t addr, unsigned strobes, uint32_t word) {
  const run *r = self;
  for (uint32_t i = 0; i < sizeof word; i++)
    if (strobes >> i & 1 && addr + i < r->image->mem_bytes) r->memory[addr + i] = (uint8_t)(word >> 8 * i);
}

// Sets with SERIAL take cycles that depend on data.
static mx_status open_memory(run *r, mx_error *e) {
  const mx_image *image = r->image;
  r->memory = calloc(image->mem_bytes, 1);
  if (!r->memory) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for a device with %" PRIu32 " bytes", image->mem_bytes);
  memcpy(r->memory, image->memory, image->memory_bytes);
  return MX_OK;
}

static mx_status open_run(run *r, const mx_image *image, mx_error *e) {
  const mx_engine_options *o = r->request->device;
  bool data = image->params->SERIAL;
  if (data && open_memory(r, e)) return e->status;
  if (mx_account_open(&r->account, image, e)) return e->status;
  mx_cycle_source source = {r, data ? memory_at : programs_at};
  mx_cycle_host_open(&r->host, image->params, &o->memory, MEMORY_BASE, image->mem_bytes, source, o->plain);
  if (data) r->host.model.store = store;
  r->host.progress = o->progress;
  r->host.progress_self = o->progress_self;
  mx_cycle_listen(&r->host.model, (mx_cycle_listener){r, tell});
  if (r->request->trace) mx_trace_open(&r->trace, r->request->trace, image, &r->host.model, r->profile->machine.clock_khz);
  return MX_OK;
}

mx_status mx_profile_run(const mx_image *image, const char *subject, const mx_profile_request *request, mx_profile *out, mx_error *e) {
  run *r = calloc(1, sizeof *r);
  *out = (mx_profile){.machine = machine_of(image, subject, &request->device->memory)};
  if (!r) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory");
  *r = (run){.request = request, .image = image, .profile = out};
  mx_status s = check_positions(image, request, e);
  if (!s) s = open_run(r, image, e);
  if (!s) s = initialize(r, e);
  if (!s) s = prefill(r, image->prefix_tokens, request->prompt_tokens, e);
  if (!s) s = decode(r, request->position, request->tokens, e);
  if (!s) s = mx_profile_check(out, e);
  if (!s && request->trace) mx_trace_close(&r->trace);
  mx_account_close(&r->account);
  free(r->memory);
  free(r);
  return s;
}
