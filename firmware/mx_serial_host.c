#include "firmware/mx_serial_host.h"

enum { LEAST_RUN = 8, LEAST_FILL = 32, KNOWN_REQUESTS = 32, DEFAULT_MHZ = 12 };

typedef struct {
  uint32_t kind, space, addr, count;  // words
  const uint32_t *data;               // of a write: [1] for all words, or [count]
  uint32_t *answer;                   // of a read: [count]
  uint32_t wait_ms;                   // that the board may take
  bool first;                         // on this line: a BREAK precedes it
} request;

const char *mx_serial_text(mx_serial_status s) {
  switch (s) {
    case MX_SERIAL_OK: return "no error";
    case MX_SERIAL_GONE: return "the line broke";
    case MX_SERIAL_SILENT: return "no answer";
    case MX_SERIAL_NOISY: return "no answer arrives undamaged";
    case MX_SERIAL_OTHER: return "what answers is no mxforge board";
    case MX_SERIAL_OTHER_VERSION: return "the board speaks another version of the protocol";
    case MX_SERIAL_REFUSED: return "the board refused an access";
    default: return "unknown status";
  }
}

// ---- requests ----------------------------------------------------------------------

static void collect(void *self, uint8_t byte) {
  mx_serial_host *h = self;
  if (h->out_bytes < sizeof h->out) h->out[h->out_bytes++] = byte;
}

static bool writes(const request *r) { return r->kind & MX_FRAME_KIND_WRITE; }

// Words that travel with the request.
static uint32_t words_out(const request *r) {
  if (!writes(r)) return 0;
  return r->space == MX_FRAME_SPACE_MEMORY && !(r->kind & MX_FRAME_KIND_FILL) ? r->count : 1;
}

static uint8_t tag_of(const mx_serial_host *h, const request *r) {
  return (uint8_t)(r->kind | r->space << MX_FRAME_SPACE_LSB | (uint32_t)h->seq << MX_FRAME_SEQ_LSB);
}

static void frame(mx_serial_host *h, const request *r) {
  mx_framer f = {.self = h, .send = collect};
  uint32_t words = words_out(r);
  h->out_bytes = 0;
  if (r->first) collect(h, MX_FRAME_BREAK);
  mx_frame_begin(&f);
  mx_frame_put(&f, tag_of(h, r));
  mx_frame_put(&f, (uint8_t)(r->count - 1));
  mx_frame_put_word(&f, r->addr);
  mx_frame_put_crc(&f);
  for (uint32_t i = 0; i < words; i++) mx_frame_put_word(&f, r->data[i]);
  if (words) mx_frame_put_crc(&f);
}

// ---- answers -----------------------------------------------------------------------

typedef enum { ANSWER_NONE, ANSWER_DAMAGED, ANSWER_STALE, ANSWER_OK, ANSWER_REFUSED } answer_kind;

// An answer that arrives: words, tag, checksum.
typedef struct {
  mx_unframer in;
  uint32_t at, crc, word;
  uint8_t tag;
  bool bad, any;  // any: bytes arrived
} answer;

static answer_kind judge(const answer *a, uint8_t sent) {
  const uint8_t status = MX_FRAME_DAMAGED | MX_FRAME_REFUSED;
  if (a->bad) return ANSWER_DAMAGED;
  if ((a->tag ^ sent) & ~status & 0xff) return ANSWER_STALE;
  if (a->tag & MX_FRAME_DAMAGED) return ANSWER_DAMAGED;
  return a->tag & MX_FRAME_REFUSED ? ANSWER_REFUSED : ANSWER_OK;
}

static void take_word_byte(answer *a, const request *r, uint8_t byte) {
  a->word = a->word >> 8 | (uint32_t)byte << 24;
  if (a->at % 4 == 3) r->answer[a->at / 4] = a->word;
}

// The frame's next byte; NONE until it was the last.
static answer_kind take_byte(answer *a, const request *r, uint8_t sent, uint8_t byte) {
  uint32_t data = writes(r) ? 0 : 4 * r->count, crc_at = a->at - data - 1;
  if (a->at > data) {
    if (byte != mx_frame_byte(~a->crc, crc_at)) a->bad = true;
  } else {
    a->crc = mx_frame_crc(a->crc, byte);
    if (a->at < data) take_word_byte(a, r, byte);
    else a->tag = byte;
  }
  if (a->at++ < data + MX_FRAME_CRC_BYTES) return ANSWER_NONE;
  a->in.open = false;
  return judge(a, sent);
}

static answer_kind take(answer *a, const request *r, uint8_t sent, uint8_t byte) {
  mx_frame_event event = mx_unframe(&a->in, &byte);
  a->any = true;
  if (event == MX_BYTE_FLAG) {
    a->at = 0;
    a->crc = MX_CRC_BEGIN;
    a->bad = false;
  }
  return event == MX_BYTE_DATA ? take_byte(a, r, sent, byte) : ANSWER_NONE;
}

// Beyond the time of the line and of the board. The first two tries go by how quick
// the answers were so far, since most that are missing were lost.
static uint32_t patience_ms(const mx_serial_host *h, uint32_t try) {
  uint32_t quick = h->patience_ms / 4 + 4 * h->slowest_ms;
  if (try < 2 && h->requests > KNOWN_REQUESTS && quick < h->patience_ms) return quick;
  return h->patience_ms * (try < 4 ? 1 + try : 4);
}

// Time for the request, which may still be in the host's buffers, its answer with
// every byte escaped, and the board.
static uint32_t needed_ms(const mx_serial_host *h, const request *r) {
  uint32_t bytes = h->out_bytes + 2 * (8 + (writes(r) ? 0 : 4 * r->count));
  return (uint32_t)((uint64_t)bytes * h->byte_ns / 1000000) + r->wait_ms;
}

static void note_time(mx_serial_host *h, uint32_t passed, uint32_t needed) {
  uint32_t late = passed > needed ? passed - needed : 0;
  if (late > h->slowest_ms) h->slowest_ms = late;
}

// Wait for the answer. An answer to an earlier request is passed over.
static mx_serial_status listen(mx_serial_host *h, const request *r, uint32_t try, answer_kind *kind) {
  uint32_t begun = h->line.now_ms(h->line.self), needed = needed_ms(h, r), allowed = needed + patience_ms(h, try);
  answer a = {0};
  for (uint32_t passed = 0; passed <= allowed; passed = h->line.now_ms(h->line.self) - begun) {
    int got = h->line.receive(h->line.self, allowed - passed);
    if (got == MX_LINE_GONE) return MX_SERIAL_GONE;
    if (got < 0) continue;
    *kind = take(&a, r, tag_of(h, r), (uint8_t)got);
    if (*kind == ANSWER_OK) note_time(h, passed, needed);
    if (*kind > ANSWER_STALE || *kind == ANSWER_DAMAGED) return MX_SERIAL_OK;
  }
  *kind = a.any ? ANSWER_DAMAGED : ANSWER_NONE;
  return MX_SERIAL_OK;
}

// One try.
static mx_serial_status ask(mx_serial_host *h, const request *r, uint32_t try, answer_kind *kind) {
  frame(h, r);
  if (!h->line.send(h->line.self, h->out, h->out_bytes)) return MX_SERIAL_GONE;
  return listen(h, r, try, kind);
}

static void adapt(mx_serial_host *h, bool failed) {
  if (failed) h->run = h->run > 2 * LEAST_RUN ? h->run / 2 : LEAST_RUN;
  else h->run += h->run < MX_FRAME_MAX_WORDS;
}

static void next_seq(mx_serial_host *h) { h->seq = (uint8_t)((h->seq + 1) & ((1 << MX_FRAME_SEQ_BITS) - 1)); }

// A run of memory that failed is not repeated but asked for anew, shorter: the board may
// lose what comes quicker than it takes it and is more than it holds.
static void shorten(mx_serial_host *h, request *r) {
  if (r->space != MX_FRAME_SPACE_MEMORY || r->kind & MX_FRAME_KIND_FILL || r->count <= h->run) return;
  r->count = h->run;
  next_seq(h);
}

// r->count becomes what was done of it.
static mx_serial_status exchange(mx_serial_host *h, request *r) {
  bool any = false;
  next_seq(h);
  h->requests++;
  for (uint32_t try = 0; try < h->tries; try++) {
    answer_kind kind = ANSWER_NONE;
    if (try) shorten(h, r);
    mx_serial_status s = ask(h, r, try, &kind);
    if (s) return s;
    if (kind == ANSWER_REFUSED) return MX_SERIAL_REFUSED;
    adapt(h, kind != ANSWER_OK);
    if (kind == ANSWER_OK) return MX_SERIAL_OK;
    if (try + 1 < h->tries) h->retries++;
    if (kind == ANSWER_NONE) h->silent++;
    else h->damaged++, any = true;
  }
  return any ? MX_SERIAL_NOISY : MX_SERIAL_SILENT;
}

// ---- what callers ask --------------------------------------------------------------

static mx_serial_status read_fact(mx_serial_host *h, uint32_t index, uint32_t *fact) {
  return exchange(h, &(request){.space = MX_FRAME_SPACE_BOARD, .addr = 4 * index, .count = 1, .answer = fact,
                                .first = index == MX_FACT_PROTOCOL});
}

static mx_serial_status read_facts(mx_serial_host *h) {
  uint32_t base = 0;
  mx_serial_status s = read_fact(h, MX_FACT_CLOCK_HZ, &h->clock_hz);
  if (!s) s = read_fact(h, MX_FACT_MEMORY_BASE, &base);
  if (!s) s = read_fact(h, MX_FACT_MEMORY_BYTES, &h->memory_bytes);
  if (!s) s = read_fact(h, MX_FACT_FLASH_BYTES, &h->flash_bytes);
  h->memory_base = (uint64_t)base << 8;
  return s;
}

mx_serial_status mx_serial_open(mx_serial_host *h) {
  uint32_t protocol = 0;
  h->requests = h->retries = h->damaged = h->silent = 0;
  h->slowest_ms = 0;
  h->run = MX_FRAME_MAX_WORDS;
  mx_serial_status s = read_fact(h, MX_FACT_PROTOCOL, &protocol);
  if (s) return s;
  if (protocol >> 16 != MX_FRAME_MAGIC) return MX_SERIAL_OTHER;
  h->version = protocol & 0xffff;
  return h->version == MX_FRAME_VERSION ? read_facts(h) : MX_SERIAL_OTHER_VERSION;
}

mx_serial_status mx_serial_read_csr(mx_serial_host *h, uint32_t offset, uint32_t *value) {
  return exchange(h, &(request){.space = MX_FRAME_SPACE_CSR, .addr = offset, .count = 1, .answer = value});
}

mx_serial_status mx_serial_write_csr(mx_serial_host *h, uint32_t offset, uint32_t value) {
  return exchange(h, &(request){.kind = MX_FRAME_KIND_WRITE, .space = MX_FRAME_SPACE_CSR, .addr = offset, .count = 1, .data = &value});
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

mx_serial_status mx_serial_get(mx_serial_host *h, uint32_t addr, uint32_t *words, uint32_t count) {
  mx_serial_status s = MX_SERIAL_OK;
  for (uint32_t at = 0, n; at < count && !s; at += n) {
    request r = {.space = MX_FRAME_SPACE_MEMORY, .addr = addr + 4 * at, .count = least(count - at, h->run), .answer = words + at};
    s = exchange(h, &r);
    n = r.count;
  }
  return s;
}

// Words from words[0] on that are equal, up to `most`.
static uint32_t equal_words(const uint32_t *words, uint32_t most) {
  uint32_t n = 1;
  while (n < most && words[n] == words[0]) n++;
  return n;
}

// Words before LEAST_FILL equal ones, up to `most` of `count`.
static uint32_t mixed_words(const uint32_t *words, uint32_t count, uint32_t most) {
  uint32_t n = 0;
  while (n < most && equal_words(words + n, least(count - n, LEAST_FILL)) < LEAST_FILL) n++;
  return n;
}

mx_serial_status mx_serial_put(mx_serial_host *h, uint32_t addr, const uint32_t *words, uint32_t count) {
  mx_serial_status s = MX_SERIAL_OK;
  for (uint32_t at = 0, n; at < count && !s; at += n) {
    request r = {.kind = MX_FRAME_KIND_WRITE, .space = MX_FRAME_SPACE_MEMORY, .addr = addr + 4 * at, .data = words + at,
                 .count = mixed_words(words + at, count - at, least(count - at, h->run))};
    if (!r.count) {
      r.kind |= MX_FRAME_KIND_FILL;
      r.count = equal_words(words + at, least(count - at, MX_FRAME_MAX_WORDS));
    }
    s = exchange(h, &r);
    n = r.count;
  }
  return s;
}

mx_serial_status mx_serial_fill(mx_serial_host *h, uint32_t addr, uint32_t word, uint32_t count) {
  mx_serial_status s = MX_SERIAL_OK;
  for (uint32_t at = 0, n; at < count && !s; at += n) {
    n = least(count - at, MX_FRAME_MAX_WORDS);
    s = exchange(h, &(request){.kind = MX_FRAME_KIND_WRITE | MX_FRAME_KIND_FILL, .space = MX_FRAME_SPACE_MEMORY,
                               .addr = addr + 4 * at, .count = n, .data = &word});
  }
  return s;
}

mx_serial_status mx_serial_wait(mx_serial_host *h, uint32_t ms, bool *interrupt) {
  uint32_t khz = h->clock_hz ? h->clock_hz / 1000 : 1000u * DEFAULT_MHZ, word = 0, end = 1u << MX_FRAME_WAIT_END_BIT;
  uint64_t periods = (uint64_t)ms * khz / MX_FRAME_WAIT_CLOCKS;
  if (periods > end / 4) periods = end / 4;
  mx_serial_status s = exchange(h, &(request){.space = MX_FRAME_SPACE_WAIT, .addr = end - 4 * (uint32_t)periods, .count = 1,
                                              .answer = &word, .wait_ms = 2 * ms});
  *interrupt = word & 1;
  return s;
}
