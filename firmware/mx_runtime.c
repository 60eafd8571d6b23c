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

// The first greatest of the logits that the tiles' choices point to.
static mx_driver_status choose_of_tiles(const mx_runtime *rt, uint32_t *next) {
  const mx_facts *f = &rt->facts;
  uint32_t best = 0, tiles = f->vocab_size / f->choice_rows + (f->vocab_size % f->choice_rows != 0);
  for (uint32_t i = 0; i < tiles; i++) {
    uint32_t index, logit;
    mx_driver_status s = read_word(rt, f->result_addr + 4 * i, &index);
    if (!s) s = read_word(rt, f->logits_addr + 4 * (i * f->choice_rows + index), &logit);
    if (s) return s;
    if (i && mx_sampler_rank(logit) <= best) continue;
    best = mx_sampler_rank(logit);
    *next = i * f->choice_rows + index;
  }
  return MX_DRIVER_OK;
}

mx_driver_status mx_runtime_choice(const mx_runtime *rt, uint32_t *next) {
  return rt->facts.choice_rows ? choose_of_tiles(rt, next) : read_word(rt, rt->facts.result_addr, next);
}

static bool at_random(const mx_runtime *rt) { return rt->sampler && rt->sampler->temperature_milli; }

// What follows, from the logits of the program that ran last.
static mx_driver_status choose(const mx_runtime *rt, uint32_t *next) {
  const mx_facts *f = &rt->facts;
  if (!at_random(rt)) return mx_runtime_choice(rt, next);
  return mx_sampler_choose(rt->sampler, &rt->memory, f->logits_addr, f->vocab_size, next) ? MX_DRIVER_OK : MX_DRIVER_MEMORY;
}

// Leaves the logits after the image's prefix, if it has one.
static mx_driver_status run_initial(mx_runtime *rt) {
  mx_driver_status s = run(rt, rt->facts.init_entry, 0, 0, 0);
  rt->prefix_logits = !s && rt->facts.prefix_tokens;
  return s;
}

mx_driver_status mx_runtime_recover(mx_runtime *rt) {
  mx_runtime_rewind(rt);
  mx_driver_status s = mx_driver_reset(&rt->device, rt->max_polls);
  if (s) return s;
  mx_driver_set_memory(&rt->device, rt->memory_base, rt->facts.mem_bytes);
  return run_initial(rt);
}

// Every token overwrites the choice after the prefix, so it is kept for the texts to come.
mx_driver_status mx_runtime_begin(mx_runtime *rt) {
  mx_driver_status s = mx_driver_probe(&rt->device, rt->facts.build_id);
  if (!s) s = mx_runtime_recover(rt);
  return s || !rt->facts.prefix_tokens ? s : mx_runtime_choice(rt, &rt->prefix_next);
}

static mx_driver_status take_bos(mx_runtime *rt, uint32_t token, bool last, uint32_t *next) {
  bool draws = last && at_random(rt);
  if (token != rt->facts.bos_id) return MX_DRIVER_NO_BOS;
  if (draws && !rt->prefix_logits) {
    mx_driver_status s = run_initial(rt);
    if (s) return s;
  }
  rt->at_prefix = false;
  *next = rt->prefix_next;
  return draws ? choose(rt, next) : MX_DRIVER_OK;
}

// Draws only after the last of a text's tokens, so that what a seed gives does not
// depend on how the tokens before it were fed.
static mx_driver_status feed_one(mx_runtime *rt, uint32_t token, bool last, uint32_t *next) {
  if (rt->at_prefix) return take_bos(rt, token, last, next);
  if (rt->position >= rt->facts.context_length) return MX_DRIVER_CONTEXT_FULL;
  if (token >= rt->facts.vocab_size) return MX_DRIVER_BAD_TOKEN;
  rt->prefix_logits = false;
  mx_driver_status s = run(rt, rt->facts.token_entry, token, rt->position, 0);
  if (s) return s;
  rt->position++;
  return last ? choose(rt, next) : MX_DRIVER_OK;
}

mx_driver_status mx_runtime_token(mx_runtime *rt, uint32_t token, uint32_t *next) { return feed_one(rt, token, true, next); }

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

mx_portion mx_runtime_portion(const mx_facts *f, uint32_t position, uint32_t count) {
  uint32_t n = f->batch_tokens;
  bool batch = n && count >= n && position % n == 0 && f->context_length - position >= n;
  if (!batch) return (mx_portion){.tokens = 1, .program = f->token_entry};
  return (mx_portion){.tokens = n, .batch = true, .program = f->batch_entry, .arg3 = n == count ? 1 : 2};
}

// *next is set only after the last of the text's tokens.
static mx_driver_status run_batch(mx_runtime *rt, const uint32_t *tokens, const mx_portion *p, uint32_t *next) {
  mx_driver_status s = MX_DRIVER_OK;
  for (uint32_t i = 0; i < p->tokens && !s; i++) s = copy_row(rt, tokens[i], i);
  rt->prefix_logits = false;
  if (!s) s = run(rt, p->program, 0, rt->position, p->arg3);
  if (s) return s;
  rt->position += p->tokens;
  return p->arg3 == 1 ? choose(rt, next) : MX_DRIVER_OK;
}

mx_driver_status mx_runtime_feed(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *taken, uint32_t *next) {
  mx_portion p = mx_runtime_portion(&rt->facts, rt->position, count);
  bool batch = p.batch && !rt->at_prefix;
  *taken = batch ? p.tokens : 1;
  return batch ? run_batch(rt, tokens, &p, next) : feed_one(rt, tokens[0], count == 1, next);
}

mx_driver_status mx_runtime_prefill(mx_runtime *rt, const uint32_t *tokens, uint32_t count, uint32_t *next) {
  mx_driver_status s = MX_DRIVER_OK;
  for (uint32_t i = 0, n; i < count && !s; i += n) s = mx_runtime_feed(rt, tokens + i, count - i, &n, next);
  return s;
}

mx_driver_status mx_runtime_decode(mx_runtime *rt, uint32_t token, uint32_t max_tokens,
                                   bool (*emit)(void *self, uint32_t token), void *self, mx_stop *stop) {
  mx_driver_status s = MX_DRIVER_OK;
  *stop = MX_STOP_LENGTH;
  for (uint32_t i = 0; i < max_tokens && !s; i++) {
    if (token == rt->facts.eos_id) return *stop = MX_STOP_END_TOKEN, MX_DRIVER_OK;
    if (!emit(self, token)) return *stop = MX_STOP_CALLER, MX_DRIVER_OK;
    if (i + 1 == max_tokens) return MX_DRIVER_OK;
    if (!mx_runtime_room(rt)) return *stop = MX_STOP_CONTEXT, MX_DRIVER_OK;
    s = mx_runtime_token(rt, token, &token);
  }
  return s;
}
