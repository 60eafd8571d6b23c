#include "sim/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "compiler/asm/asm.h"  // mx_dis_insn
#include "golden/flash.h"
#include "sim/names.h"

mx_facts mx_facts_of(const mx_image *image) {
  mx_facts f = {.build_id = image->params->build_id};
#define FACT(name, text) f.name = image->name;
  MX_IMAGE_FACTS(FACT)
#undef FACT
  return f;
}

mx_status mx_session_open(mx_session *s, const mx_image *image, const char *engine, const mx_engine_options *options,
                          mx_error *e) {
  mx_engine *opened;
  *s = (mx_session){.image = image};
  mx_engine_options own = *options;
  own.constant_bytes = mx_flash_constant_bytes(image);
  if (mx_engine_open(engine, image->params, image->mem_bytes, &own, &opened, e)) return e->status;
  return mx_session_on(s, image, opened, e);
}

mx_status mx_session_on(mx_session *s, const mx_image *image, mx_engine *engine, mx_error *e) {
  *s = (mx_session){.image = image, .engine = engine};
  s->runtime = (mx_runtime){.device.mmio = s->engine->mmio, .memory = s->engine->memory,
                            .memory_base = s->engine->memory_base, .max_polls = UINT32_MAX, .facts = mx_facts_of(image)};
  bool loaded = s->engine->memory.put(s->engine->memory.self, 0, image->memory, image->memory_bytes);
  const char *problem = mx_engine_problem(s->engine);
  if (problem) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s engine: %s", s->engine->ops->name, problem);
  if (!loaded)
    return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "the engine's memory does not hold the image");
  return MX_OK;
}

void mx_session_close(mx_session *s) {
  mx_engine_close(s->engine);
  s->engine = NULL;
}

static bool fetch(const mx_session *s, uint32_t addr, mx_insn *in) {
  uint8_t b[MX_INSTRUCTION_BYTES];
  if (!s->engine->memory.get(s->engine->memory.self, addr, b, sizeof b)) return false;
  *in = mx_insn_load(b);
  return true;
}

void mx_session_describe(const mx_session *s, uint32_t entry, uint32_t addr, char *text, size_t size) {
  mx_insn in;
  char insn[MX_ASM_TEXT_BYTES] = "not in memory";
  const char *note = mx_image_note(s->image, addr);
  if (fetch(s, addr, &in)) mx_dis_insn(&in, s->image->params, insn);
  snprintf(text, size, "%s%sinstruction %" PRIu32 " at 0x%06" PRIx32 ": %s", note, *note ? ", " : "",
           (addr - entry) / MX_INSTRUCTION_BYTES, addr, insn);
}

// Turns what the driver says into the session's error.
static mx_status check(mx_session *s, mx_driver_status d, uint32_t entry, mx_error *e) {
  const char *engine = s->engine->ops->name, *problem = mx_engine_problem(s->engine);
  const mx_device *dev = &s->runtime.device;
  char where[400];
  if (problem) return mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s engine: %s", engine, problem);
  switch (d) {
    case MX_DRIVER_OK: return MX_OK;
    case MX_DRIVER_CONTEXT_FULL:
      return mx_fail(e, MX_LIMIT, MX_NOWHERE, "the context of %" PRIu32 " positions is full", s->image->context_length);
    case MX_DRIVER_NO_BOS: return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s", mx_driver_text(d));
    case MX_DRIVER_FAULT:
      mx_session_describe(s, entry, dev->fault_address, where, sizeof where);
      return mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s engine: fault %s, %s; %s", engine, mx_fault_name(dev->fault),
                     mx_driver_fault_text(dev->fault), where);
    default: return mx_fail(e, MX_DEVICE, MX_NOWHERE, "%s engine: %s", engine, mx_driver_text(d));
  }
}

mx_status mx_session_begin(mx_session *s, mx_error *e) {
  mx_driver_status d = mx_runtime_begin(&s->runtime);
  mx_driver_counters(&s->runtime.device, &s->counters);
  return check(s, d, s->runtime.program, e);
}

mx_status mx_session_feed(mx_session *s, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next, mx_error *e) {
  s->ran = !s->runtime.at_prefix;
  mx_driver_status d = mx_runtime_feed(&s->runtime, tokens, count, taken, next);
  mx_driver_counters(&s->runtime.device, &s->counters);
  return check(s, d, s->runtime.program, e);
}

mx_status mx_session_token(mx_session *s, uint32_t token, uint32_t *next, mx_error *e) {
  uint32_t taken;
  return mx_session_feed(s, &token, 1, &taken, next, e);
}
