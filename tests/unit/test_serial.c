// The two ends of the serial protocol (firmware/mx_frame.def), without a line
// between them: checksum, resynchronisation after every cut, repetitions, versions.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "firmware/mx_serial_board.h"
#include "firmware/mx_serial_host.h"

enum { WORDS = 2048, CSRS = 64, QUEUE = 8192, CLOCK_HZ = 25000000, REFUSED_CSR = 4 * CSRS };

// A board, and a line to it that may lose what goes through it.
typedef struct {
  uint32_t memory[WORDS], csr[CSRS];
  uint32_t csr_writes, memory_writes;
  uint8_t queue[QUEUE];             // from the board
  uint32_t first, count;
  uint32_t now_ms;
  uint32_t lose_to, lose_from;      // unless 0: of the bytes to, from the board this one is lost, once
  uint32_t holds;                   // unless 0: bytes sent at once of which no more arrive
  bool dead, deaf;                  // the line is gone; the board hears nothing
  mx_serial_board serial;
  mx_serial_host host;
} world;

static void board_send(void *self, uint8_t byte) {
  world *w = self;
  if (w->lose_from && --w->lose_from == 0) return;
  assert_true(w->count < QUEUE);
  w->queue[(w->first + w->count++) % QUEUE] = byte;
}

static bool board_read(void *self, uint32_t space, uint32_t addr, uint32_t *word) {
  const world *w = self;
  bool csr = space == MX_FRAME_SPACE_CSR;
  if (addr / 4 >= (csr ? (uint32_t)CSRS : (uint32_t)WORDS)) return false;
  *word = csr ? w->csr[addr / 4] : w->memory[addr / 4];
  return true;
}

static bool board_write(void *self, uint32_t space, uint32_t addr, uint32_t word) {
  world *w = self;
  bool csr = space == MX_FRAME_SPACE_CSR;
  if (addr / 4 >= (csr ? (uint32_t)CSRS : (uint32_t)WORDS)) return false;
  if (csr) w->csr[addr / 4] = word, w->csr_writes++;
  else w->memory[addr / 4] = word, w->memory_writes++;
  return true;
}

static bool board_wait(void *self, uint32_t periods) {
  world *w = self;
  w->now_ms += (uint32_t)((uint64_t)periods * MX_FRAME_WAIT_CLOCKS / (CLOCK_HZ / 1000));
  return w->csr[0] & 1;
}

static bool line_send(void *self, const uint8_t *bytes, uint32_t count) {
  world *w = self;
  for (uint32_t i = 0; i < count; i++) {
    if (w->holds && i >= w->holds) break;
    if (w->lose_to && --w->lose_to == 0) continue;
    if (!w->deaf) mx_serial_board_take(&w->serial, bytes[i]);
  }
  return !w->dead;
}

static int line_receive(void *self, uint32_t timeout_ms) {
  world *w = self;
  if (!w->count) return w->now_ms += timeout_ms + 1, MX_LINE_SILENT;
  w->count--;
  return w->queue[w->first++ % QUEUE];
}

static uint32_t line_now(void *self) { return ((const world *)self)->now_ms; }

static world *open_world(void) {
  static mx_board board;
  world *w = calloc(1, sizeof *w);
  assert_non_null(w);
  board = (mx_board){.self = w, .send = board_send, .read = board_read, .write = board_write, .wait = board_wait,
                     .clock_hz = CLOCK_HZ, .memory_base_256 = 0x400000, .memory_bytes = 4 * WORDS};
  mx_serial_board_open(&w->serial, &board);
  w->host = (mx_serial_host){.line = {w, line_send, line_receive, line_now}, .byte_ns = 1000, .patience_ms = 10, .tries = 4};
  assert_int_equal(mx_serial_open(&w->host), MX_SERIAL_OK);
  return w;
}

// ---- frames ----------------------------------------------------------------------------

static void the_checksum_is_that_of_zlib(void **state) {
  (void)state;
  uint8_t bytes[300];
  uint32_t crc = MX_CRC_BEGIN;
  for (uint32_t i = 0; i < sizeof bytes; i++) {
    bytes[i] = (uint8_t)(i * i * 7 + i / 3);
    crc = mx_frame_crc(crc, bytes[i]);
    assert_int_equal(~crc, crc32(0, bytes, i + 1));
  }
}

typedef struct { uint8_t bytes[64]; uint32_t count; } text;

static void add(void *self, uint8_t byte) {
  text *t = self;
  t->bytes[t->count++] = byte;
}

// The bytes of a write of a register, as the definition says.
static void a_request_is_as_defined(void **state) {
  (void)state;
  text t = {.count = 0};
  mx_framer f = {.self = &t, .send = add};
  mx_frame_begin(&f);
  mx_frame_put(&f, 0x71);  // number 7, a write to registers
  mx_frame_put(&f, 0);
  mx_frame_put_word(&f, 0x7d7e08);
  mx_frame_put_crc(&f);
  static const uint8_t head[] = {0x71, 0, 0x08, 0x7e, 0x7d, 0}, begin[] = {0x7e, 0x71, 0, 0x08, 0x7d, 0x5e, 0x7d, 0x5d, 0};
  assert_memory_equal(t.bytes, begin, sizeof begin);
  uint32_t crc = (uint32_t)crc32(0, head, sizeof head);
  for (uint32_t i = 0, at = sizeof begin; i < 4; i++, at++) {
    uint8_t expected = mx_frame_byte(crc, i);
    if (t.bytes[at] == MX_FRAME_ESCAPE) assert_int_equal(t.bytes[++at] ^ MX_FRAME_FLIP, expected);
    else assert_int_equal(t.bytes[at], expected);
  }
}

// ---- requests ---------------------------------------------------------------------------

static void facts_and_accesses(void **state) {
  (void)state;
  world *w = open_world();
  mx_serial_host *h = &w->host;
  uint32_t value = 0, words[WORDS], got[WORDS];
  bool interrupt = true;
  assert_int_equal(h->clock_hz, CLOCK_HZ);
  assert_int_equal(h->memory_base, 0x40000000);
  assert_int_equal(h->memory_bytes, 4 * WORDS);
  assert_int_equal(mx_serial_write_csr(h, 12, 0x12345678), MX_SERIAL_OK);
  assert_int_equal(mx_serial_read_csr(h, 12, &value), MX_SERIAL_OK);
  assert_int_equal(value, 0x12345678);
  for (uint32_t i = 0; i < WORDS; i++) words[i] = i / 300 % 2 ? 0x7e7d7e7d : i * 2654435761u;
  assert_int_equal(mx_serial_put(h, 0, words, WORDS), MX_SERIAL_OK);
  assert_memory_equal(w->memory, words, sizeof words);
  assert_int_equal(mx_serial_get(h, 0, got, WORDS), MX_SERIAL_OK);
  assert_memory_equal(got, words, sizeof words);
  assert_int_equal(mx_serial_fill(h, 4, 99, 700), MX_SERIAL_OK);
  assert_true(w->memory[0] == words[0] && w->memory[1] == 99 && w->memory[700] == 99 && w->memory[701] == words[701]);
  assert_int_equal(mx_serial_wait(h, 50, &interrupt), MX_SERIAL_OK);
  assert_false(interrupt);
  w->csr[0] = 1;
  assert_int_equal(mx_serial_wait(h, 50, &interrupt), MX_SERIAL_OK);
  assert_true(interrupt);
  assert_int_equal(mx_serial_read_csr(h, REFUSED_CSR, &value), MX_SERIAL_REFUSED);
  assert_int_equal(mx_serial_put(h, 4 * WORDS, words, 1), MX_SERIAL_REFUSED);
  assert_int_equal(h->retries, 0);
  free(w);
}

// Whichever byte is lost, the write happens, once, and so does the next.
static void each_lost_byte_is_repaired(void **state) {
  (void)state;
  world *w = open_world();
  for (uint32_t at = 1; at <= 40; at++) {
    for (int way = 0; way < 2; way++) {
      uint32_t before = w->csr_writes, *lose = way ? &w->lose_to : &w->lose_from, old = (uint32_t)w->host.retries;
      *lose = at;
      assert_int_equal(mx_serial_write_csr(&w->host, 8, at), MX_SERIAL_OK);
      bool lost = *lose == 0;
      *lose = 0;
      assert_int_equal(w->host.retries > old, lost);
      assert_int_equal(mx_serial_write_csr(&w->host, 16, ~at), MX_SERIAL_OK);
      assert_int_equal(w->csr_writes, before + 2);
      assert_true(w->csr[2] == at && w->csr[4] == ~at);
    }
  }
  free(w);
}

// A run of words of which one byte is lost: repeated until memory is right.
static void each_lost_byte_of_a_run_is_repaired(void **state) {
  (void)state;
  world *w = open_world();
  uint32_t words[16];
  for (uint32_t at = 1; at <= 90; at++) {
    for (uint32_t i = 0; i < 16; i++) words[i] = at * 0x01010101u + i * 0x9e3779b9u;
    w->lose_to = at;
    w->host.run = MX_FRAME_MAX_WORDS;
    assert_int_equal(mx_serial_put(&w->host, 64, words, 16), MX_SERIAL_OK);
    w->lose_to = 0;
    assert_memory_equal(w->memory + 16, words, sizeof words);
  }
  free(w);
}

// A board that is slower than its line and holds few bytes gets shorter frames.
static void long_frames_are_cut_to_what_arrives(void **state) {
  (void)state;
  world *w = open_world();
  uint32_t words[1024], back[1024];
  for (uint32_t i = 0; i < 1024; i++) words[i] = i * 0x9e3779b9u;
  w->holds = 128;
  w->host.tries = 8;
  assert_int_equal(mx_serial_put(&w->host, 0, words, 1024), MX_SERIAL_OK);
  assert_memory_equal(w->memory, words, sizeof words);
  assert_true(w->host.silent > 0 && w->host.silent < 80);
  assert_int_equal(mx_serial_get(&w->host, 0, back, 1024), MX_SERIAL_OK);
  assert_memory_equal(back, words, sizeof words);
  free(w);
}

// ---- what does not go well ------------------------------------------------------------------

static void a_line_without_board_ends(void **state) {
  (void)state;
  world *w = open_world();
  uint32_t value, begun = w->now_ms;
  w->deaf = true;
  assert_int_equal(mx_serial_read_csr(&w->host, 0, &value), MX_SERIAL_SILENT);
  assert_int_equal(w->host.silent, w->host.tries);
  assert_true(w->now_ms - begun < 200);
  w->dead = true;
  assert_int_equal(mx_serial_read_csr(&w->host, 0, &value), MX_SERIAL_GONE);
  free(w);
}

// A board that says something else of itself is told apart.
static void other_boards_are_told_apart(void **state) {
  (void)state;
  static const struct { uint32_t protocol; mx_serial_status expected; } cases[] = {
      {(uint32_t)MX_FRAME_MAGIC << 16 | (MX_FRAME_VERSION + 1), MX_SERIAL_OTHER_VERSION}, {0x12345678, MX_SERIAL_OTHER}};
  for (size_t i = 0; i < 2; i++) {
    world *w = open_world();
    text t = {.count = 0};
    mx_framer f = {.self = &t, .send = add};
    uint8_t seq = (uint8_t)((w->host.seq + 1) & 15);
    mx_frame_begin(&f);
    mx_frame_put_word(&f, cases[i].protocol);
    mx_frame_put(&f, (uint8_t)(seq << MX_FRAME_SEQ_LSB | (MX_FRAME_SPACE_BOARD << MX_FRAME_SPACE_LSB & ~3)));
    mx_frame_put_crc(&f);
    for (uint32_t k = 0; k < t.count; k++) board_send(w, t.bytes[k]);
    assert_int_equal(mx_serial_open(&w->host), cases[i].expected);
    if (!i) assert_int_equal(w->host.version, MX_FRAME_VERSION + 1);
    free(w);
  }
}

static void each_status_has_a_sentence(void **state) {
  (void)state;
  for (int s = MX_SERIAL_OK; s <= MX_SERIAL_REFUSED; s++)
    assert_string_not_equal(mx_serial_text((mx_serial_status)s), "unknown status");
  assert_string_equal(mx_serial_text((mx_serial_status)99), "unknown status");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_checksum_is_that_of_zlib), cmocka_unit_test(a_request_is_as_defined),
      cmocka_unit_test(facts_and_accesses),           cmocka_unit_test(each_lost_byte_is_repaired),
      cmocka_unit_test(each_lost_byte_of_a_run_is_repaired), cmocka_unit_test(long_frames_are_cut_to_what_arrives),
      cmocka_unit_test(a_line_without_board_ends),
      cmocka_unit_test(other_boards_are_told_apart),  cmocka_unit_test(each_status_has_a_sentence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
