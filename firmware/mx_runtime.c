#include "firmware/mx_runtime.h"

enum { BUILD_AT = 16, FACTS_AT = 32 };  // golden/image.h

static uint32_t get32(const uint8_t *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

mx_driver_status mx_facts_read(const uint8_t header[MX_FACTS_HEADER_BYTES], mx_facts *out) {
  if (header[0] != 'M' || header[1] != 'X' || header[2] != 'P' || header[3] != '1') return MX_DRIVER_BAD_IMAGE;
  const uint8_t *at = header + FACTS_AT;
  out->build_id = get32(header + BUILD_AT);
#define FACT(name, text) out->name = get32(at), at += 4;
  MX_IMAGE_FACTS(FACT)
#undef FACT
  return MX_DRIVER_OK;
}

static mx_driver_status run(mx_runtime *rt, uint32_t program, uint32_t arg1, uint32_t arg2) {
  const uint32_t args[MX_ARGS] = {arg1, arg2, 0, 0};
  mx_driver_status s = mx_driver_start(&rt->device, program, args);
  return s ? s : mx_driver_wait(&rt->device, rt->max_polls);
}

// What result_addr holds.
static mx_driver_status read_choice(const mx_runtime *rt, uint32_t *next) {
  uint8_t result[4];
  if (!rt->memory.get(rt->memory.self, rt->facts.result_addr, result, sizeof result)) return MX_DRIVER_MEMORY;
  *next = get32(result);
  return MX_DRIVER_OK;
}

// Every token overwrites the choice after the prefix, so it is kept for the texts to come.
mx_driver_status mx_runtime_begin(mx_runtime *rt) {
  mx_runtime_rewind(rt);
  mx_driver_status s = mx_driver_probe(&rt->device, rt->facts.build_id);
  if (!s) s = mx_driver_reset(&rt->device, rt->max_polls);
  if (s) return s;
  mx_driver_set_memory(&rt->device, rt->memory_base, rt->facts.mem_bytes);
  s = run(rt, rt->facts.init_entry, 0, 0);
  return s || !rt->facts.prefix_tokens ? s : read_choice(rt, &rt->prefix_next);
}

static mx_driver_status take_bos(mx_runtime *rt, uint32_t token, uint32_t *next) {
  if (token != rt->facts.bos_id) return MX_DRIVER_NO_BOS;
  rt->at_prefix = false;
  *next = rt->prefix_next;
  return MX_DRIVER_OK;
}

mx_driver_status mx_runtime_token(mx_runtime *rt, uint32_t token, uint32_t *next) {
  if (rt->at_prefix) return take_bos(rt, token, next);
  if (rt->position >= rt->facts.context_length) return MX_DRIVER_CONTEXT_FULL;
  if (token >= rt->facts.vocab_size) return MX_DRIVER_BAD_TOKEN;
  mx_driver_status s = run(rt, rt->facts.token_entry, token, rt->position);
  if (s) return s;
  rt->position++;
  return read_choice(rt, next);
}

mx_driver_status mx_runtime_prefill(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *next) {
  mx_driver_status s = MX_DRIVER_OK;
  for (uint32_t i = 0; i < count && !s; i++) s = mx_runtime_token(rt, tokens[i], next);
  return s;
}

mx_driver_status mx_runtime_decode(mx_runtime *rt, uint32_t token, uint32_t max_tokens,
                                   bool (*emit)(void *self, uint32_t token), void *self) {
  for (uint32_t i = 0; i < max_tokens; i++) {
    if (token == rt->facts.eos_id || !emit(self, token)) return MX_DRIVER_OK;
    if (i + 1 == max_tokens || !mx_runtime_room(rt)) return MX_DRIVER_OK;
    mx_driver_status s = mx_runtime_token(rt, token, &token);
    if (s) return s;
  }
  return MX_DRIVER_OK;
}
