// tb: top=mx_uart params=ClocksPerBit=4,RxDepth=1 dir=rtl/soc
// tb: name=mx_uart_16 top=mx_uart params=ClocksPerBit=16,RxDepth=4 dir=rtl/soc
// tb: name=mx_uart_104 top=mx_uart params=ClocksPerBit=104,RxDepth=1 dir=rtl/soc
// Both directions at once against the other end of a line, which is up to 4 %
// faster or slower; bytes with a broken stop bit, spikes, a reader that is too
// slow, resets in the middle of a byte.
#include <string.h>

#include "tests/rtl/uart_line.h"

enum { BYTES = 300, BYTE_CYCLES = 10 * TB_ClocksPerBit, TOLERANCE = TB_ClocksPerBit >= 16 ? 40 : 0 };

static tb_port *in_valid, *in_ready, *in_data, *out_valid, *out_ready, *out_data;
static uart_line line;
static uint8_t received[BYTES + 8], sent[BYTES];
static unsigned n_received, n_sent;
static unsigned read_percent;

static void step(bool may_send) {
  if (may_send && n_sent < BYTES && !tb_peek(in_valid) && tb_random_below(BYTE_CYCLES) < 4) {
    sent[n_sent] = (uint8_t)tb_random();
    tb_put(in_data, sent[n_sent]);
    tb_put(in_valid, 1);
  }
  tb_put(out_ready, tb_random_below(100) < read_percent);
  uart_line_step(&line);
  tb_eval();
  bool taken = tb_peek(in_valid) && tb_peek(in_ready);
  if (tb_peek(out_valid) && tb_peek(out_ready)) {
    TB_CHECK(n_received < BYTES, "more bytes arrive than were sent");
    received[n_received++] = (uint8_t)tb_peek(out_data);
  }
  tb_cycle();
  if (taken) n_sent++, tb_put(in_valid, 0);
}

static void steps(unsigned n) {
  while (n--) step(false);
}

static void begin(int permille) {
  uart_line_open(&line, TB_ClocksPerBit, permille);
  n_received = n_sent = 0;
  read_percent = 60;
  tb_put(in_valid, 0);
  tb_reset();
}

// Bytes back to back or with gaps; every so many is broken and must not arrive.
static void both_directions(int permille) {
  uint8_t expected[BYTES];
  unsigned n_expected = 0;
  begin(permille);
  for (unsigned i = 0; i < BYTES; i++) {
    uint8_t byte = (uint8_t)tb_random();
    bool broken = tb_random_below(8) == 0;
    if (!broken) expected[n_expected++] = byte;
    uart_line_send(&line, byte, broken);
    do step(true);
    while (uart_line_sends(&line));
    if (tb_random_below(4) == 0) for (unsigned n = (unsigned)tb_random_below(BYTE_CYCLES); n; n--) step(true);
  }
  for (unsigned n = 0; n < 40 * BYTE_CYCLES * BYTES && n_sent < BYTES; n++) step(true);
  steps(3 * BYTE_CYCLES);
  TB_CHECK(n_sent == BYTES && line.in_count == BYTES, "%u bytes taken, %u left of %u", n_sent, line.in_count, BYTES);
  TB_CHECK(!memcmp(line.in, sent, BYTES), "what left is not what was taken");
  TB_CHECK(n_received == n_expected, "%u bytes received of %u", n_received, n_expected);
  TB_CHECK(!memcmp(received, expected, n_expected), "what was received is not what came");
}

// The oldest bytes are kept.
static void slow_reader(void) {
  enum { KEPT = TB_RxDepth == 1 ? 1 : TB_RxDepth + 1 };
  begin(0);
  read_percent = 0;
  for (uint8_t i = 1; i <= KEPT + 3; i++) uart_line_send(&line, i, false);
  steps((KEPT + 5) * BYTE_CYCLES);
  read_percent = 100;
  steps(4 * BYTE_CYCLES);
  TB_CHECK(n_received == KEPT, "%u bytes held, expected %u", n_received, KEPT);
  for (unsigned i = 0; i < n_received; i++) TB_CHECK(received[i] == i + 1, "byte %u is %u", i, received[i]);
  uart_line_send(&line, 0xa5, false);
  steps(12 * TB_ClocksPerBit);
  TB_CHECK(n_received == KEPT + 1 && received[KEPT] == 0xa5, "no byte after an overrun");
}

static void spikes(void) {
  begin(0);
  tb_port *rx = tb_find("rx_i");
  for (unsigned length = 1; length < TB_ClocksPerBit / 2; length++) {
    tb_put(rx, 0);
    for (unsigned i = 0; i < length; i++) tb_cycle();
    tb_put(rx, 1);
    steps(BYTE_CYCLES + 8);
    TB_CHECK(n_received == 0, "a spike of %u cycles is a byte", length);
  }
  uart_line_send(&line, 0x3c, false);
  steps(12 * TB_ClocksPerBit);
  TB_CHECK(n_received == 1 && received[0] == 0x3c, "no byte after spikes");
}

static void resets(void) {
  for (unsigned i = 0; i < 20; i++) {
    begin(0);
    uart_line_send(&line, (uint8_t)tb_random(), false);
    tb_put(in_data, 0);
    tb_put(in_valid, 1);
    steps((unsigned)tb_random_below(9 * TB_ClocksPerBit));
    begin(0);
    TB_CHECK(tb_peek(tb_find("tx_o")), "the line is not 1 after reset");
    uart_line_send(&line, 0x96, false);
    steps(12 * TB_ClocksPerBit);
    TB_CHECK(n_received == 1 && received[0] == 0x96, "no byte after a reset");
  }
}

void tb_main(void) {
  in_valid = tb_find("in_valid_i");
  in_ready = tb_find("in_ready_o");
  in_data = tb_find("in_data_i");
  out_valid = tb_find("out_valid_o");
  out_ready = tb_find("out_ready_i");
  out_data = tb_find("out_data_o");
  for (int permille = -TOLERANCE; permille <= TOLERANCE; permille += 20) both_directions(permille);
  slow_reader();
  spikes();
  resets();
}
