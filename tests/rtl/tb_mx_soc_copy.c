// tb: top=mx_soc_copy dir=rtl/soc
// Copies of random lengths, from a flash and to a memory that take their time and
// sometimes fail; the CRC against zlib's.
#include <string.h>
#include <zlib.h>

#include "tests/rtl/tb.h"

enum { WORDS = 1024 };

static struct {
  tb_port *wdata, *from_we, *to_we, *crc_we, *crc, *start, *done, *error;
  tb_port *f_valid, *f_ready, *f_addr, *f_rdata, *f_error, *m_valid, *m_ready, *m_addr, *m_wdata, *m_error;
} p;

static void find_ports(void) {
  p.wdata = tb_find("wdata_i"), p.from_we = tb_find("from_we_i"), p.to_we = tb_find("to_we_i");
  p.crc_we = tb_find("crc_we_i"), p.crc = tb_find("crc_o"), p.start = tb_find("start_i"), p.done = tb_find("done_o");
  p.error = tb_find("error_o"), p.f_valid = tb_find("flash_valid_o"), p.f_ready = tb_find("flash_ready_i");
  p.f_addr = tb_find("flash_addr_o"), p.f_rdata = tb_find("flash_rdata_i"), p.f_error = tb_find("flash_error_i");
  p.m_valid = tb_find("memory_valid_o"), p.m_ready = tb_find("memory_ready_i"), p.m_addr = tb_find("memory_addr_o");
  p.m_wdata = tb_find("memory_wdata_o"), p.m_error = tb_find("memory_error_i");
}

static uint32_t flash[WORDS], memory[WORDS];
static unsigned reads, writes, slowest;
static unsigned failing_read, failing_write;  // the accesses of these numbers fail; 0: none

// A slave answers `delay` cycles after it is asked, for one cycle.
typedef struct { tb_port *valid, *ready; unsigned delay; bool asked; } slave;
static slave flash_side, memory_side;

static bool answers(slave *s) {
  bool valid = tb_peek(s->valid);
  TB_CHECK(valid || !s->asked, "a request is withdrawn");
  if (valid && !s->asked) s->asked = true, s->delay = 1 + (unsigned)tb_random_below(slowest);
  bool now = s->asked && s->delay-- == 0;
  tb_put(s->ready, now);
  if (now) s->asked = false;
  return now;
}

static void read_flash(void) {
  uint32_t at = (uint32_t)tb_peek(p.f_addr);
  TB_CHECK(at % 4 == 0 && at / 4 < WORDS, "the flash is read at 0x%x", at);
  reads++;
  tb_put(p.f_rdata, flash[at / 4]);
  tb_put(p.f_error, reads == failing_read);
}

static void write_memory(void) {
  uint32_t at = (uint32_t)tb_peek(p.m_addr) - 0x80000000u;
  TB_CHECK(at % 4 == 0 && at / 4 < WORDS, "memory is written at 0x%x", at);
  writes++;
  if (writes != failing_write) memory[at / 4] = (uint32_t)tb_peek(p.m_wdata);
  tb_put(p.m_error, writes == failing_write);
}

static void step(void) {
  tb_eval();
  if (answers(&flash_side)) read_flash();
  if (answers(&memory_side)) write_memory();
  tb_eval();
  tb_cycle();
}

static void set(tb_port *enable, uint32_t value) {
  tb_put(p.wdata, value), tb_put(enable, 1);
  step();
  tb_put(enable, 0);
}

// Returns whether the copy failed.
static bool copy(unsigned words) {
  reads = writes = 0;
  tb_put(p.wdata, words), tb_put(p.start, 1);
  for (unsigned i = 0; !tb_peek(p.done); i++) {
    TB_CHECK(i < (words + 1) * (2 * slowest + 20), "%u words do not end", words);
    step();
  }
  bool failed = tb_peek(p.error);
  step();
  tb_put(p.start, 0);
  TB_CHECK(!tb_peek(p.f_valid) && !tb_peek(p.m_valid), "a copy goes on after its end");
  return failed;
}

static uint32_t crc_of(const uint32_t *words, unsigned n) { return (uint32_t)crc32(0, (const Bytef *)words, 4 * n); }

static void random_copy(void) {
  unsigned n = (unsigned)tb_random_below(40), from = (unsigned)tb_random_below(WORDS - 40), to = (unsigned)tb_random_below(WORDS - 40);
  unsigned half = n ? (unsigned)tb_random_below(n) : 0;
  bool counted = tb_random_below(4) == 0;  // no destination
  uint32_t expected[WORDS];
  memcpy(expected, memory, sizeof expected);
  if (!counted) memcpy(expected + to, flash + from, 4 * n);
  slowest = 1 + (unsigned)tb_random_below(30);
  set(p.from_we, 4 * from);
  set(p.to_we, counted ? 0 : 0x80000000u + 4 * to);
  set(p.crc_we, UINT32_MAX);
  TB_CHECK(!copy(half) && !copy(n - half), "a copy failed");  // the second goes on
  TB_CHECK(!memcmp(expected, memory, sizeof expected), "%u words from %u to %u", n, from, to);
  TB_CHECK(counted ? writes == 0 : writes == n - half, "%u words were written", writes);
  TB_CHECK((uint32_t)~tb_peek(p.crc) == crc_of(flash + from, n), "CRC of %u words: %08x, expected %08x", n,
           (uint32_t)~tb_peek(p.crc), crc_of(flash + from, n));
}

// It ends with the word that fails.
static void failing_copy(void) {
  unsigned n = 1 + (unsigned)tb_random_below(20), bad = 1 + (unsigned)tb_random_below(n);
  bool reading = tb_random_below(2);
  set(p.from_we, 0);
  set(p.to_we, 0x80000000u);
  if (reading) failing_read = bad;
  else failing_write = bad;
  TB_CHECK(copy(n), "a copy with a bad word ended well");
  TB_CHECK(reads == bad && writes == (reading ? bad - 1 : bad), "after word %u failed: %u read, %u written", bad, reads, writes);
  failing_read = failing_write = 0;
}

void tb_main(void) {
  find_ports();
  flash_side = (slave){.valid = p.f_valid, .ready = p.f_ready};
  memory_side = (slave){.valid = p.m_valid, .ready = p.m_ready};
  for (unsigned i = 0; i < WORDS; i++) flash[i] = (uint32_t)tb_random(), memory[i] = (uint32_t)tb_random();
  tb_reset();
  for (unsigned i = 0; i < 400; i++) {
    random_copy();
    if (i % 4 == 0) failing_copy();
  }
}
