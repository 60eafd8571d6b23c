#include "sim/generate.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const mx_image *image;
  const mx_tokenizer *tokenizer;
  const mx_generator *g;
  mx_generation *out;
  size_t text_capacity;
  mx_error *e;
} run;

// Positions that the image's prefix takes beside the text's own BOS.
static uint32_t positions_before(const mx_image *image) { return image->prefix_tokens ? image->prefix_tokens - 1 : 0; }

static mx_status no_memory(mx_error *e) { return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory"); }

static mx_status add_text(run *r, const char *text, size_t bytes) {
  mx_generation *o = r->out;
  if (o->text_bytes + bytes + 1 > r->text_capacity) {
    size_t capacity = 2 * (o->text_bytes + bytes + 64);
    char *grown = realloc(o->text, capacity);
    if (!grown) return no_memory(r->e);
    o->text = grown;
    r->text_capacity = capacity;
  }
  memcpy(o->text + o->text_bytes, text, bytes);
  o->text_bytes += bytes;
  o->text[o->text_bytes] = 0;
  if (r->g->emit && bytes) r->g->emit(r->g->self, text, bytes);
  return MX_OK;
}

// Adds the text of tokens[i].
static mx_status add_token_text(run *r, uint32_t i) {
  const int32_t *t = r->out->tokens;
  char small[256], *text = small;
  size_t bytes = 0;
  int32_t before = i ? t[i - 1] : -1;
  mx_status s = mx_tokenizer_decode(r->tokenizer, before, t[i], small, sizeof small, &bytes);
  if (s == MX_LIMIT) {
    text = malloc(bytes);
    if (!text) return no_memory(r->e);
    s = mx_tokenizer_decode(r->tokenizer, before, t[i], text, bytes, &bytes);
  }
  if (s) s = mx_fail(r->e, s, MX_NOWHERE, "the tokenizer has no token %" PRId32, t[i]);
  else s = add_text(r, text, bytes);
  if (text != small) free(text);
  return s;
}

static mx_status encode(run *r, const char *prompt, size_t length, uint32_t max_tokens) {
  bool bos = mx_tokenizer_bos(r->tokenizer) >= 0;
  size_t capacity = mx_tokenizer_max_tokens(length) + 1, count = 0, context = r->image->context_length;
  size_t room = max_tokens < context ? max_tokens : context;  // generated tokens that can follow, and one more
  mx_generation *o = r->out;
  o->tokens = calloc(capacity + room + 1, sizeof *o->tokens);
  if (!o->tokens || add_text(r, "", 0)) return no_memory(r->e);
  mx_status s = mx_tokenizer_encode(r->tokenizer, prompt, length, bos, o->tokens, capacity, &count, r->e);
  if (s) return s;
  if (!count) return mx_fail(r->e, MX_USAGE, MX_NOWHERE, "the prompt is empty and the model has no token of beginning");
  if (r->image->prefix_tokens && (uint32_t)o->tokens[0] != r->image->bos_id)
    return mx_fail(r->e, MX_UNSUPPORTED, MX_NOWHERE,
                   "the image has a prefix that ends with token %" PRIu32 ", and the text begins with %" PRId32, r->image->bos_id,
                   o->tokens[0]);
  if (count + positions_before(r->image) > context)
    return mx_fail(r->e, MX_LIMIT, MX_NOWHERE,
                   "the prompt has %zu tokens, the image has a context of %zu%s: shorten it, or compile with a longer context",
                   count, context, positions_before(r->image) ? " and a prefix" : "");
  o->n_prompt = o->n_tokens = (uint32_t)count;
  return MX_OK;
}

static mx_status feed_prompt(run *r, uint32_t *next) {
  mx_generation *o = r->out;
  uint32_t *tokens = calloc(o->n_prompt, sizeof *tokens);
  mx_status s = tokens ? MX_OK : no_memory(r->e);
  for (uint32_t i = 0; tokens && i < o->n_prompt; i++) tokens[i] = (uint32_t)o->tokens[i];
  for (uint32_t i = 0, taken; i < o->n_prompt && !s; i += taken) {
    s = r->g->feed(r->g->self, tokens + i, o->n_prompt - i, true, &taken, next, r->e);
    for (uint32_t k = i; k < i + taken && !s; k++) s = add_token_text(r, k);
  }
  free(tokens);
  return s;
}

static mx_status feed_one(run *r, uint32_t token, uint32_t *next) {
  uint32_t taken;
  return r->g->feed(r->g->self, &token, 1, false, &taken, next, r->e);
}

// The text from byte `from` on holds what ends it.
static bool ends(const run *r, size_t from) {
  size_t n = r->g->stop ? strlen(r->g->stop) : 0;
  for (size_t at = from; n && at + n <= r->out->text_bytes; at++)
    if (!memcmp(r->out->text + at, r->g->stop, n)) return true;
  return false;
}

static mx_status generate(run *r, uint32_t next, uint32_t max_tokens) {
  mx_generation *o = r->out;
  size_t from = o->text_bytes;
  for (uint32_t i = 0; i < max_tokens; i++) {
    if (next == r->image->eos_id) return o->stop = MX_STOP_END_TOKEN, MX_OK;
    if (next >= r->image->vocab_size)
      return mx_fail(r->e, MX_DEVICE, MX_NOWHERE, "the device chose token %" PRIu32 " of a vocabulary of %" PRIu32,
                     next, r->image->vocab_size);
    o->tokens[o->n_tokens++] = (int32_t)next;
    if (add_token_text(r, o->n_tokens - 1)) return r->e->status;
    if (ends(r, from)) return o->stop = MX_STOP_CALLER, MX_OK;
    if (o->n_tokens + positions_before(r->image) > r->image->context_length) return o->stop = MX_STOP_CONTEXT, MX_OK;
    if (i + 1 < max_tokens && feed_one(r, next, &next)) return r->e->status;
  }
  return o->stop = MX_STOP_LENGTH, MX_OK;
}

mx_status mx_generate(const mx_image *image, const mx_tokenizer *tokenizer, const char *prompt, size_t length,
                      uint32_t max_tokens, const mx_generator *g, mx_generation *out, mx_error *e) {
  *out = (mx_generation){0};
  run r = {.image = image, .tokenizer = tokenizer, .g = g, .out = out, .e = e};
  uint32_t next = 0;
  if (encode(&r, prompt, length, max_tokens) || feed_prompt(&r, &next)) return e->status;
  return generate(&r, next, max_tokens);
}

void mx_generation_free(mx_generation *g) {
  free(g->tokens);
  free(g->text);
  *g = (mx_generation){0};
}

const char *mx_stop_text(mx_stop stop) {
  switch (stop) {
    case MX_STOP_END_TOKEN: return "end-token";
    case MX_STOP_CONTEXT: return "context";
    case MX_STOP_CALLER: return "stop-text";
    default: return "length";
  }
}

json_t *mx_generation_ids_json(const mx_generation *g) {
  json_t *ids = json_array();
  for (uint32_t i = 0; i < g->n_tokens; i++) json_array_append_new(ids, json_integer(g->tokens[i]));
  return ids;
}

json_t *mx_generation_text_json(const mx_generation *g) {
  json_t *whole = json_stringn(g->text, g->text_bytes);
  for (size_t n = g->text_bytes; !whole && n > 0;) whole = json_stringn(g->text, --n);
  return whole ? whole : json_string("");
}
