#include "firmware/mx_runtime.h"

mx_driver_status mx_facts_read(const uint8_t header[MX_FACTS_HEADER_BYTES], mx_facts *out) {
  if (header[0] != 'M' || header[1] != 'X' || header[2] != 'P' || header[3] != '1') return MX_DRIVER_BAD_IMAGE;
  const uint8_t *at = header + MX_IMAGE_FACTS_AT;
  out->build_id = mx_load_u32(header + MX_IMAGE_BUILD_AT);
#define FACT(name, text) out->name = mx_load_u32(at), at += 4;
  MX_IMAGE_FACTS(FACT)
#undef FACT
  return MX_DRIVER_OK;
}

static mx_driver_status run(mx_runtime *rt, uint32_t program, uint32_t arg1, uint32_t arg2, uint32_t arg3) {
  const uint32_t args[MX_ARGS] = {arg1, arg2, arg3, 0};
  rt->program = program;
  mx_driver_status s = mx_driver_start(&rt->device, program, args);
  return s ? s : mx_driver_wait(&rt->device, rt->max_polls);
}

static mx_driver_status read_word(const mx_runtime *rt, uint32_t addr, uint32_t *word) {
  uint8_t bytes[4];
  if (!rt->memory.get(rt->memory.self, addr, bytes, sizeof bytes)) return MX_DRIVER_MEMORY;
  *word = mx_load_u32(bytes);
  return MX_DRIVER_OK;
}

// A number that orders FP32 words as the device does: NaN below everything, subnormals
// are zeros, zeros of both signs equal.
static uint32_t rank_of(uint32_t word) {
  const uint32_t infinity = 0x7f800000, least_normal = 0x00800000, zero = 0x80000000;
  uint32_t magnitude = word & 0x7fffffff;
  if (magnitude > infinity) return 0;
  if (magnitude < least_normal) return zero;
  return word >> 31 ? zero - magnitude : zero + magnitude;
}

// The first greatest of the logits that the tiles' choices point to.
static mx_driver_status choose_of_tiles(const mx_runtime *rt, uint32_t *next) {
  const mx_facts *f = &rt->facts;
  uint32_t best = 0, tiles = f->vocab_size / f->choice_rows + (f->vocab_size % f->choice_rows != 0);
  for (uint32_t i = 0; i < tiles; i++) {
    uint32_t index, logit;
    mx_driver_status s = read_word(rt, f->result_addr + 4 * i, &index);
    if (!s) s = read_word(rt, f->logits_addr + 4 * (i * f->choice_rows + index), &logit);
    if (s) return s;
    if (i && rank_of(logit) <= best) continue;
    best = rank_of(logit);
    *next = i * f->choice_rows + index;
  }
  return MX_DRIVER_OK;
}

mx_driver_status mx_runtime_choice(const mx_runtime *rt, uint32_t *next) {
  return rt->facts.choice_rows ? choose_of_tiles(rt, next) : read_word(rt, rt->facts.result_addr, next);
}

// Every token overwrites the choice after the prefix, so it is kept for the texts to come.
mx_driver_status mx_runtime_begin(mx_runtime *rt) {
  mx_runtime_rewind(rt);
  mx_driver_status s = mx_driver_probe(&rt->device, rt->facts.build_id);
  if (!s) s = mx_driver_reset(&rt->device, rt->max_polls);
  if (s) return s;
  mx_driver_set_memory(&rt->device, rt->memory_base, rt->facts.mem_bytes);
  s = run(rt, rt->facts.init_entry, 0, 0, 0);
  return s || !rt->facts.prefix_tokens ? s : mx_runtime_choice(rt, &rt->prefix_next);
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
  mx_driver_status s = run(rt, rt->facts.token_entry, token, rt->position, 0);
  if (s) return s;
  rt->position++;
  return mx_runtime_choice(rt, next);
}

// ---- batches -----------------------------------------------------------------------

// The token's row of the embedding to row `slot` of the batch.
static mx_driver_status copy_row(const mx_runtime *rt, uint32_t token, uint32_t slot) {
  const mx_facts *f = &rt->facts;
  uint8_t part[64];
  if (token >= f->vocab_size) return MX_DRIVER_BAD_TOKEN;
  uint32_t from = f->embedding_addr + token * f->embedding_row_bytes, to = f->batch_rows_addr + slot * f->embedding_row_bytes;
  for (uint32_t at = 0; at < f->embedding_row_bytes; at += sizeof part) {
    uint32_t left = f->embedding_row_bytes - at, n = left < sizeof part ? left : sizeof part;
    if (!rt->memory.get(rt->memory.self, from + at, part, n) || !rt->memory.put(rt->memory.self, to + at, part, n))
      return MX_DRIVER_MEMORY;
  }
  return MX_DRIVER_OK;
}

static bool batch_fits(const mx_runtime *rt, uint32_t count) {
  uint32_t n = rt->facts.batch_tokens;
  return n && count >= n && !rt->at_prefix && rt->position % n == 0 && mx_runtime_room(rt) >= n;
}

// batch_tokens tokens; *next is set only after the `last`.
static mx_driver_status run_batch(mx_runtime *rt, const uint32_t *tokens, bool last, uint32_t *next) {
  uint32_t n = rt->facts.batch_tokens;
  mx_driver_status s = MX_DRIVER_OK;
  for (uint32_t i = 0; i < n && !s; i++) s = copy_row(rt, tokens[i], i);
  if (!s) s = run(rt, rt->facts.batch_entry, 0, rt->position, last ? 1 : 2);
  if (s) return s;
  rt->position += n;
  return last ? mx_runtime_choice(rt, next) : MX_DRIVER_OK;
}

mx_driver_status mx_runtime_feed(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next) {
  bool batch = batch_fits(rt, count);
  *taken = batch ? rt->facts.batch_tokens : 1;
  return batch ? run_batch(rt, tokens, *taken == count, next) : mx_runtime_token(rt, tokens[0], next);
}

mx_driver_status mx_runtime_prefill(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *next) {
  mx_driver_status s = MX_DRIVER_OK;
  for (uint32_t i = 0, n; i < count && !s; i += n) s = mx_runtime_feed(rt, tokens + i, count - i, &n, next);
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
