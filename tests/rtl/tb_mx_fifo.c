// tb: name=mx_fifo_2   top=mx_fifo params=Width=2,Depth=2
// tb: name=mx_fifo_16  top=mx_fifo params=Width=32,Depth=16
// tb: name=mx_fifo_64  top=mx_fifo params=Width=64,Depth=64
// tb: name=mx_fifo_256 top=mx_fifo params=Width=107,Depth=256
// Order, count, full rate and latency of mx_fifo against an array.
#include <inttypes.h>
#include <stdio.h>

#include "tests/rtl/tb.h"

enum { CYCLES = 20000, WORD_BITS = TB_Width < 64 ? TB_Width : 64, MORE_BITS = TB_Width - WORD_BITS, LATENCY = TB_Depth >= 64 ? 3 : 2 };

static tb_port *in_valid, *in_ready, *in_data, *out_valid, *out_ready, *out_data, *count;
static uint64_t held[TB_Depth];
static uint64_t put, taken;  // words so far

static uint64_t word_mask(void) { return WORD_BITS == 64 ? UINT64_MAX : (UINT64_C(1) << WORD_BITS) - 1; }

static void open_ports(void) {
  in_valid = tb_find("in_valid_i"), in_ready = tb_find("in_ready_o"), in_data = tb_find("in_data_i");
  out_valid = tb_find("out_valid_o"), out_ready = tb_find("out_ready_i"), out_data = tb_find("out_data_o");
  count = tb_find("count_o");
}

// A word of the test: the low bits in in_data[WORD_BITS-1:0], and their
// complement in the rest of a wider word.
static void set_word(uint64_t w) {
  tb_put_bits(in_data, 0, WORD_BITS, w);
  if (MORE_BITS) tb_put_bits(in_data, 64, MORE_BITS, ~w);
}

static void check_word(uint64_t expected) {
  uint64_t got = tb_peek_bits(out_data, 0, WORD_BITS);
  TB_CHECK(got == expected, "word %" PRIu64 " is 0x%" PRIx64 ", expected 0x%" PRIx64, taken, got, expected);
  if (MORE_BITS) {
    uint64_t high = tb_peek_bits(out_data, 64, MORE_BITS);
    uint64_t mask = (UINT64_C(1) << MORE_BITS) - 1;
    TB_CHECK(high == (~expected & mask), "word %" PRIu64 ": upper bits are 0x%" PRIx64, taken, high);
  }
}

// One cycle; the offered word stays until taken. Returns true if a word left.
static bool cycle(bool offer, bool accept) {
  static bool offered;
  static uint64_t word;
  if (!offered && offer) {
    word = tb_random() & word_mask();
    offered = true;
    set_word(word);
  }
  tb_put(in_valid, offered);
  tb_put(out_ready, accept);
  tb_eval();
  uint64_t inside = put - taken;
  TB_CHECK(tb_peek(count) == inside, "count_o is %" PRIu64 ", expected %" PRIu64, tb_peek(count), inside);
  TB_CHECK(tb_peek(in_ready) == (inside < TB_Depth), "in_ready_o is wrong with %" PRIu64 " words held", inside);
  bool out = tb_peek(out_valid) && accept;
  TB_CHECK(!tb_peek(out_valid) || inside, "a word comes from an empty FIFO");
  if (tb_peek(out_valid)) check_word(held[taken % TB_Depth]);
  if (offered && tb_peek(in_ready)) {
    held[put++ % TB_Depth] = word;
    offered = false;
  }
  if (out) taken++;
  tb_cycle();
  return out;
}

static void drain(void) {
  for (int i = 0; i < 2 * TB_Depth + 8; i++) cycle(false, true);
  TB_CHECK(put == taken, "%" PRIu64 " words are stuck", put - taken);
}

// A first word passes in LATENCY edges, and then one leaves each cycle.
static void check_rate(void) {
  drain();
  int wait = 0;
  while (!cycle(true, true)) wait++;
  TB_CHECK(wait == LATENCY, "the first word took %d edges, expected %d", wait, LATENCY);
  for (int i = 0; i < 4 * TB_Depth; i++) {
    // Two words cannot cover the latency of the memory.
    bool out = cycle(true, true);
    TB_CHECK(out || TB_Depth <= LATENCY, "no word in cycle %d of a full-rate run", i);
  }
}

static void check_full(void) {
  drain();
  for (int i = 0; i < TB_Depth + 4; i++) cycle(true, false);
  TB_CHECK(put - taken == TB_Depth, "only %" PRIu64 " words fit", put - taken);
  check_rate();
}

void tb_main(void) {
  open_ports();
  tb_put(in_valid, 0);
  tb_put(out_ready, 0);
  tb_reset();
  check_rate();
  check_full();
  for (int phase = 0; phase < 8; phase++) {
    uint64_t offer = tb_random_below(101), accept = tb_random_below(101);
    for (int i = 0; i < CYCLES / 8; i++) cycle(tb_random_below(100) < offer, tb_random_below(100) < accept);
  }
  drain();
  printf("latency %d edges, %" PRIu64 " words\n", LATENCY, taken);
}
