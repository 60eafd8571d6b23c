// tb: top=mx_soc_system dir=rtl/soc gen=mx_soc_pkg params=ClockHz=1000000,BaudRate=125000,UartDepth=16,FlashBytes=1572864,TimeStart=-4096
// The words of SYSTEM one by one: what may be read and written, time across 32 bits,
// the timer, interrupts, the serial line when nobody listens.
#include "tests/rtl/tb.h"
#include "tests/rtl/uart_line.h"

enum {
#define SOCREG(name, offset, access, text) SYS_##name = offset,
#include "firmware/soc.def"
};
enum { CLOCKS_PER_BIT = 8, DEPTH = 16 };

static struct {
  tb_port *valid, *ready, *addr, *wstrb, *wdata, *rdata, *error, *accel, *external, *timer, *memory, *flash, *missing, *id;
  tb_port *from_we, *to_we, *crc_we, *crc, *start, *done, *failed, *leds;
} p;
static uart_line line;
static uint64_t reset_cycles;

static void find_ports(void) {
  p.valid = tb_find("valid_i"), p.ready = tb_find("ready_o"), p.addr = tb_find("addr_i"), p.wstrb = tb_find("wstrb_i");
  p.wdata = tb_find("wdata_i"), p.rdata = tb_find("rdata_o"), p.error = tb_find("error_o"), p.leds = tb_find("leds_o");
  p.accel = tb_find("accel_irq_i"), p.external = tb_find("irq_external_o"), p.timer = tb_find("irq_timer_o");
  p.memory = tb_find("memory_ready_i"), p.flash = tb_find("flash_ready_i"), p.missing = tb_find("flash_missing_i");
  p.id = tb_find("flash_id_i"), p.from_we = tb_find("copy_from_we_o"), p.to_we = tb_find("copy_to_we_o");
  p.crc_we = tb_find("copy_crc_we_o"), p.crc = tb_find("copy_crc_i"), p.start = tb_find("copy_start_o");
  p.done = tb_find("copy_done_i"), p.failed = tb_find("copy_error_i");
}

static void step(void) {
  uart_line_step(&line);
  tb_eval();
  tb_cycle();
}

static unsigned strobed;  // copy registers that were written in the last transfer
static bool refused;      // it was

static uint32_t transfer(uint32_t at, unsigned strobes, uint32_t data, unsigned most_cycles) {
  tb_put(p.valid, 1), tb_put(p.addr, at), tb_put(p.wstrb, strobes), tb_put(p.wdata, data);
  strobed = 0;
  unsigned cycles = 0;
  do {
    tb_eval();
    TB_CHECK(tb_peek(p.ready) || tb_peek(p.rdata) == 0, "data without an answer");
    strobed |= (unsigned)(tb_peek(p.from_we) | tb_peek(p.to_we) << 1 | tb_peek(p.crc_we) << 2);
    step();
    TB_CHECK(++cycles <= most_cycles, "0x%x: no answer", at);
  } while (!tb_peek(p.ready));
  uint32_t value = (uint32_t)tb_peek(p.rdata);
  refused = tb_peek(p.error);
  step();
  tb_put(p.valid, 0);
  step();
  return value;
}

static uint32_t get(uint32_t at) {
  uint32_t v = transfer(at, 0, 0, 1);
  TB_CHECK(!refused, "a read of 0x%x is refused", at);
  return v;
}

static void set(uint32_t at, uint32_t value) {
  transfer(at, 15, value, 1);
  TB_CHECK(!refused, "a write to 0x%x is refused", at);
}

static void expect(uint32_t at, uint32_t value, const char *what) {
  uint32_t got = get(at);
  TB_CHECK(got == value, "%s: 0x%x, expected 0x%x", what, got, value);
}

// ---- what there is ---------------------------------------------------------------------

typedef struct { uint32_t offset; char access[3]; } reg;
static const reg regs[] = {
#define SOCREG(name, offset, access, text) {offset, #access},
#include "firmware/soc.def"
};
enum { N_REGS = sizeof regs / sizeof *regs };

static void access_rights(void) {
  tb_put(p.done, 1);  // a copy ends at once
  for (uint32_t at = 0; at < 4096; at += 4) {
    const reg *r = NULL;
    for (unsigned i = 0; i < N_REGS; i++)
      if (regs[i].offset == at) r = &regs[i];
    transfer(at, 0, 0, 1);
    TB_CHECK(refused == !(r && r->access[0] == 'R'), "a read of 0x%x", at);
    if (at == SYS_UART_DATA) continue;  // would send
    transfer(at, 15, 0, 1);
    TB_CHECK(refused == !(r && (r->access[0] == 'W' || r->access[1] == 'W')), "a write to 0x%x", at);
    unsigned narrow = 1 + (unsigned)tb_random_below(14);
    transfer(at, narrow, 0, 1);
    TB_CHECK(refused && !strobed, "a write of some bytes (%x) of 0x%x", narrow, at);
  }
  tb_put(p.done, 0);
}

static void facts(void) {
  expect(SYS_CLOCK_HZ, TB_ClockHz, "CLOCK_HZ");
  expect(SYS_MEMORY_BYTES, 0, "MEMORY_BYTES before it is ready");
  tb_put(p.memory, 1);
  expect(SYS_MEMORY_BYTES, 32 << 20, "MEMORY_BYTES");
  expect(SYS_FLASH_BYTES, TB_FlashBytes, "FLASH_BYTES");
  expect(SYS_FLASH_STATUS, 0, "FLASH_STATUS of a busy chip");
  tb_put(p.flash, 1), tb_put(p.id, 0xef);
  expect(SYS_FLASH_STATUS, 0xef01, "FLASH_STATUS");
  tb_put(p.missing, 1), tb_put(p.id, 0xff);
  expect(SYS_FLASH_STATUS, 0xff02, "FLASH_STATUS without a chip");
  set(SYS_LED, 0x35a);
  TB_CHECK(tb_peek(p.leds) == 0x5a, "LED");
  expect(SYS_LED, 0x5a, "LED");
}

// ---- copying: the registers are elsewhere --------------------------------------------------

static void copying(void) {
  static const uint32_t at[3] = {SYS_COPY_FROM, SYS_COPY_TO, SYS_COPY_CRC};
  for (unsigned i = 0; i < 3; i++) {
    set(at[i], 1);
    TB_CHECK(strobed == 1u << i, "a write to 0x%x goes to %x", at[i], strobed);
  }
  tb_put(p.crc, 0xcafe1234);
  expect(SYS_COPY_CRC, 0xcafe1234, "COPY_CRC");
  for (unsigned fails = 0; fails < 2; fails++) {
    tb_put(p.valid, 1), tb_put(p.addr, SYS_COPY_WORDS), tb_put(p.wstrb, 15);
    for (unsigned i = 0; i < 50; i++) {
      step();
      TB_CHECK(tb_peek(p.start) && !tb_peek(p.ready), "a store that copies does not wait");
    }
    tb_put(p.done, 1), tb_put(p.failed, fails);
    step();
    tb_put(p.done, 0), tb_put(p.failed, 0);
    tb_eval();
    TB_CHECK(tb_peek(p.ready) && tb_peek(p.error) == fails && !tb_peek(p.start), "the end of a copy");
    step();
    tb_put(p.valid, 0);
    step();
  }
}

// ---- time --------------------------------------------------------------------------------

static uint64_t now(void) {
  uint32_t low = get(SYS_TIME_LO);
  for (uint64_t n = tb_random_below(20); n; n--) step();  // TIME_HI is held
  return (uint64_t)get(SYS_TIME_HI) << 32 | low;
}

static uint64_t real_time(void) { return tb_cycles() + (uint32_t)TB_TimeStart - reset_cycles; }

static void time_passes(void) {
  for (uint64_t from = real_time(), before = from; before >> 32 == from >> 32; before = real_time()) {
    uint64_t begun = real_time(), t = now();
    TB_CHECK(t - begun < 3, "the time is 0x%lx, expected 0x%lx", t, begun);
  }
}

static void expect_timer(uint64_t compare) {
  set(SYS_COMPARE_HI, UINT32_MAX);
  set(SYS_COMPARE_LO, (uint32_t)compare);
  set(SYS_COMPARE_HI, (uint32_t)(compare >> 32));
  uint64_t least = compare > real_time() ? compare : real_time();
  while (!tb_peek(p.timer)) {
    TB_CHECK(real_time() < least + 5, "the timer is late");
    step();
  }
  TB_CHECK(real_time() >= compare, "the timer is early");
}

static void timer(void) {
  for (unsigned i = 0; i < 100; i++) expect_timer(now() + tb_random_below(400));
  expect_timer(1);
  set(SYS_COMPARE_HI, UINT32_MAX);
  for (unsigned i = 0; i < 5; i++) step();
  TB_CHECK(!tb_peek(p.timer), "the timer does not go off");
}

// ---- line, interrupts ----------------------------------------------------------------------

static void wait_line(void) {
  while (!uart_line_idle(&line)) step();
  for (unsigned i = 0; i < 20; i++) step();
}

static void serial_line(void) {
  while (!(get(SYS_UART_DATA) >> 31)) continue;
  for (unsigned i = 0; i < 20; i++) {
    transfer(SYS_UART_DATA, 15, 'a' + i, 12 * CLOCKS_PER_BIT);
    TB_CHECK(!refused, "sending is refused");
  }
  TB_CHECK(!(get(SYS_UART_STATUS) & 1), "room while a byte is under way");
  wait_line();
  for (unsigned i = 0; i < 20; i++) TB_CHECK(line.in[line.in_count - 20 + i] == 'a' + i, "byte %u sent is wrong", i);
  expect(SYS_UART_STATUS, 1, "UART_STATUS");
  set(SYS_IRQ_ENABLE, 2);
  for (unsigned i = 0; i < 60; i++) uart_line_send(&line, (uint8_t)(200 - i), false);
  wait_line();
  TB_CHECK(tb_peek(p.external), "no interrupt of the line");
  expect(SYS_IRQ_STATUS, 2, "IRQ_STATUS");
  expect(SYS_UART_STATUS, 7, "UART_STATUS when bytes were lost");
  expect(SYS_UART_STATUS, 3, "UART_STATUS, again");
  unsigned kept = 0;
  for (uint32_t byte; !((byte = get(SYS_UART_DATA)) >> 31); kept++)
    TB_CHECK(kept > DEPTH - 1 || byte == 200 - kept, "byte %u is %u", kept, byte);
  TB_CHECK(kept >= DEPTH && kept <= DEPTH + 2, "%u bytes were kept", kept);
  step();
  TB_CHECK(!tb_peek(p.external), "the interrupt stays");
}

static void interrupts(void) {
  set(SYS_IRQ_ENABLE, 0);
  tb_put(p.accel, 1);
  for (unsigned i = 0; i < 4; i++) step();
  TB_CHECK(!tb_peek(p.external), "an interrupt that is not enabled");
  expect(SYS_IRQ_STATUS, 1, "IRQ_STATUS");
  set(SYS_IRQ_ENABLE, 1);
  step();
  TB_CHECK(tb_peek(p.external), "no interrupt of the accelerator");
  tb_put(p.accel, 0);
  step(), step();
  TB_CHECK(!tb_peek(p.external), "the interrupt stays");
}

void tb_main(void) {
  find_ports();
  uart_line_open(&line, CLOCKS_PER_BIT, 0);
  tb_reset();
  reset_cycles = tb_cycles();
  expect(SYS_COMPARE_LO, UINT32_MAX, "COMPARE_LO after reset");
  expect(SYS_COMPARE_HI, UINT32_MAX, "COMPARE_HI after reset");
  time_passes();
  timer();
  facts();
  copying();
  serial_line();
  interrupts();
  access_rights();
}
