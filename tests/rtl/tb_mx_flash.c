// tb: name=mx_flash_4 top=mx_flash params=Lines=4,Divide=1,PowerUpCycles=512,DeselectCycles=2,LenBits=3 dir=rtl/soc
// tb: name=mx_flash_4_half top=mx_flash params=Lines=4,Divide=2,PowerUpCycles=512,DeselectCycles=3,LenBits=5 dir=rtl/soc
// tb: name=mx_flash_2 top=mx_flash params=Lines=2,Divide=1,PowerUpCycles=512,DeselectCycles=2,LenBits=4 dir=rtl/soc
// tb: name=mx_flash_2_half top=mx_flash params=Lines=2,Divide=2,PowerUpCycles=512,DeselectCycles=3,LenBits=4 dir=rtl/soc
// tb: name=mx_flash_1 top=mx_flash params=Lines=1,Divide=1,PowerUpCycles=300,DeselectCycles=2,LenBits=3 dir=rtl/soc
// tb: name=mx_flash_1_half top=mx_flash params=Lines=1,Divide=2,PowerUpCycles=512,DeselectCycles=8,LenBits=4 dir=rtl/soc
// The reader against a model of the chip at its pins: random bursts with the cycles
// that its header promises, and what can be wrong with a chip when it starts.
#include <string.h>

#include "sim/soc/flash_chip.h"
#include "tests/rtl/tb.h"

enum {
  CYCLE_NS = 40, BYTES = 1 << 20, WORDS = BYTES / 4, LINES = TB_Lines, DIVIDE = TB_Divide,
  WORD_CYCLES = 32 / LINES * DIVIDE,
  COMMAND_CYCLES = (8 + 32 / LINES + (LINES == 4 ? 4 : 0)) * DIVIDE,
  MAX_BEATS = 1 << TB_LenBits, POLLING = 1024 * 70 * DIVIDE * (1 << TB_LenBits), SLVERR = 2,
};

static struct {
  tb_port *ready, *missing, *id, *arvalid, *arready, *araddr, *arlen, *rvalid, *rready, *rdata, *rresp, *rlast;
  tb_port *cs_n, *sck, *io_out, *io_oe, *io_in;
} p;
static uint8_t contents[BYTES];
static mx_flash_chip *chip;  // NULL: none is there
static unsigned stuck;       // levels of the lines without a chip
static bool cut;             // a planted fault: the chip loses its select for a moment

static void find_ports(void) {
#define PORT(name, way) p.name = tb_find(#name way)
  PORT(ready, "_o"); PORT(missing, "_o"); PORT(id, "_o"); PORT(arvalid, "_i"); PORT(arready, "_o"); PORT(araddr, "_i");
  PORT(arlen, "_i"); PORT(rvalid, "_o"); PORT(rready, "_i"); PORT(rdata, "_o"); PORT(rresp, "_o"); PORT(rlast, "_o");
  PORT(sck, "_o");
#undef PORT
  p.cs_n = tb_find("cs_no");
  p.io_out = tb_find("io_o"), p.io_oe = tb_find("io_oe_o"), p.io_in = tb_find("io_i");
}

static void drive(uint64_t now_ns, bool sck) {
  mx_flash_pins pins = {.cs_n = cut || tb_peek(p.cs_n), .sck = sck, .drives = (unsigned)tb_peek(p.io_oe),
                        .level = (unsigned)tb_peek(p.io_out)};
  tb_put(p.io_in, chip ? mx_flash_chip_drive(chip, now_ns, pins) : (stuck & ~pins.drives) | (pins.level & pins.drives));
}

// The first half of a cycle, after which the design's outputs are settled.
static void settle(void) {
  uint64_t now_ns = tb_cycles() * CYCLE_NS;
  tb_eval();
  drive(now_ns, DIVIDE == 2 && tb_peek(p.sck));
  tb_eval();
  if (DIVIDE == 1 && tb_peek(p.sck)) drive(now_ns + CYCLE_NS / 2, true);
}

static void cycle(void) {
  settle();
  tb_cycle();
}

static void sound(void) {
  const char *violation = chip ? mx_flash_chip_violation(chip) : NULL;
  TB_CHECK(!violation, "the chip: %s", violation);
}

static void power_on(const mx_flash_chip_config *config) {
  mx_flash_chip_free(chip);
  chip = NULL;
  tb_put(p.arvalid, 0);
  tb_put(tb_find("rst_ni"), 0);
  for (int i = 0; i < 4; i++) cycle();
  if (config) {
    mx_flash_chip_config c = *config;
    c.contents = contents;
    c.bytes = BYTES;
    c.busy_ns += tb_cycles() * CYCLE_NS;
    chip = mx_flash_chip_new(&c);
  }
  tb_put(tb_find("rst_ni"), 1);
}

// Cycles until ready.
static uint64_t start(uint64_t patience) {
  uint64_t began = tb_cycles();
  while (settle(), !tb_peek(p.ready)) {
    TB_CHECK(tb_cycles() - began < patience, "not ready after %lu cycles", (unsigned long)(tb_cycles() - began));
    TB_CHECK(!tb_peek(p.arready), "takes an address before it is ready");
    tb_cycle();
  }
  return tb_cycles() - began;
}

static uint32_t word_at(uint32_t address) {
  uint32_t word;
  memcpy(&word, contents + address % BYTES, 4);
  return word;
}

// A burst whose reader stalls in so many percent of the cycles; the cycle of its
// first word if it never does. Returns the cycle of its last.
static uint64_t burst(uint32_t address, unsigned beats, unsigned stall_percent, uint64_t first_at) {
  tb_put(p.araddr, address), tb_put(p.arlen, beats - 1), tb_put(p.arvalid, 1);
  tb_put(p.rready, 0);
  while (settle(), !tb_peek(p.arready)) tb_cycle();
  tb_cycle();
  tb_put(p.arvalid, 0);
  uint64_t due = first_at;
  for (unsigned i = 0; i < beats;) {
    bool ready = tb_random_below(100) >= stall_percent;
    tb_put(p.rready, ready);
    settle();
    bool valid = tb_peek(p.rvalid);
    if (!stall_percent)
      TB_CHECK(valid == (tb_cycles() >= due), "word %u of a burst of %u at %X: valid is %d in cycle %lu, due in %lu", i, beats,
               address, valid, (unsigned long)tb_cycles(), (unsigned long)due);
    if (valid && ready) {
      TB_CHECK(tb_peek(p.rdata) == word_at(address + 4 * i) && tb_peek(p.rresp) == 0, "word %u at %X is %08lX, expected %08X", i,
               address, (unsigned long)tb_peek(p.rdata), word_at(address + 4 * i));
      TB_CHECK(tb_peek(p.rlast) == (i == beats - 1), "last at beat %u of %u", i, beats);
      i++;
      due = tb_cycles() + WORD_CYCLES;
    }
    tb_cycle();
  }
  tb_put(p.rready, 0);
  sound();
  return tb_cycles() - 1;
}

static void pause(unsigned cycles) {
  while (cycles--) cycle();
}

// Bursts in sequence and elsewhere, after pauses, within windows of 4 KB.
static void random_bursts(unsigned count, unsigned stall_percent) {
  uint32_t next = 0;
  uint64_t last = 0;  // cycle of the last word
  pause(TB_DeselectCycles);
  bool open = false;
  for (unsigned n = 0; n < count; n++) {
    uint32_t address = tb_random_below(4) ? next : (uint32_t)tb_random_below(WORDS) * 4 + (uint32_t)tb_random_below(16) * BYTES;
    uint32_t room = 1024 - address / 4 % 1024;
    unsigned beats = 1 + (unsigned)tb_random_below(MAX_BEATS);
    if (beats > room) beats = room;
    pause(tb_random_below(3) ? 0 : (unsigned)tb_random_below(3 * WORD_CYCLES));
    uint64_t now = tb_cycles(), due;
    if (open && address == next) due = last + WORD_CYCLES > now + 1 ? last + WORD_CYCLES : now + 1;
    else due = now + 1 + (open ? TB_DeselectCycles : 1) + COMMAND_CYCLES + WORD_CYCLES;
    if (!open && n && now - last < TB_DeselectCycles) due = last + 1 + TB_DeselectCycles + COMMAND_CYCLES + WORD_CYCLES;
    last = burst(address, beats, stall_percent, due);
    next = (address + 4 * beats) & 0xffffff;
    open = next % 4096 != 0;
  }
}

// Weights: bursts at rising addresses, as soon as the last has ended.
static void stream(void) {
  enum { BURSTS = 512, BEATS = 8 };
  uint64_t clocks = mx_flash_chip_count(chip).clocks, began = tb_cycles();
  for (unsigned i = 0; i < BURSTS; i++) {
    tb_put(p.arvalid, 1), tb_put(p.araddr, 0x40000 + 4 * BEATS * i), tb_put(p.arlen, BEATS - 1);
    while (settle(), !tb_peek(p.arready)) tb_cycle();
    tb_cycle();
    tb_put(p.arvalid, 0), tb_put(p.rready, 1);
    for (bool last = false; !last; tb_cycle()) {
      settle();
      last = tb_peek(p.rvalid) && tb_peek(p.rlast);
    }
  }
  uint64_t words = (uint64_t)BURSTS * BEATS, windows = words / 1024 + 1;
  uint64_t most = words * WORD_CYCLES + windows * (COMMAND_CYCLES + TB_DeselectCycles + 4);
  TB_CHECK(tb_cycles() - began <= most, "%lu words take %lu cycles, promised %lu", (unsigned long)words,
           (unsigned long)(tb_cycles() - began), (unsigned long)most);
  TB_CHECK((mx_flash_chip_count(chip).clocks - clocks) * DIVIDE <= most, "more clocks than cycles");
}

static mx_flash_chip_config usual(void) { return (mx_flash_chip_config){.id = {0xef, 0x40, 0x18}, .quad_enabled = true}; }

static void starts(mx_flash_chip_config config, const char *what) {
  power_on(&config);
  start(20000);
  TB_CHECK(!tb_peek(p.missing) && tb_peek(p.id) == 0xef, "%s: missing is %lu, the manufacturer %02lX", what,
           (unsigned long)tb_peek(p.missing), (unsigned long)tb_peek(p.id));
  random_bursts(20, 0);
}

static void is_missing(const char *what, uint64_t patience) {
  start(patience);
  TB_CHECK(tb_peek(p.missing), "%s: not missing", what);
  for (unsigned beats = 1; beats <= 8; beats += 3) {
    tb_put(p.arvalid, 1), tb_put(p.arlen, beats - 1), tb_put(p.rready, 1);
    settle();
    TB_CHECK(tb_peek(p.arready), "%s: no address is taken", what);
    tb_cycle();
    tb_put(p.arvalid, 0);
    for (unsigned i = 0; i < beats; i++) {
      settle();
      TB_CHECK(tb_peek(p.rvalid) && tb_peek(p.rresp) == SLVERR && tb_peek(p.rlast) == (i == beats - 1), "%s: no error", what);
      tb_cycle();
    }
  }
}

// The chip loses its select for a cycle in the middle of an opcode.
static void planted(void) {
  mx_flash_chip_config config = usual();
  power_on(&config);
  while (settle(), tb_peek(p.cs_n)) tb_cycle();
  pause(3 * DIVIDE);
  cut = true, cycle(), cut = false;
  pause(100);
  const char *violation = mx_flash_chip_violation(chip);
  TB_CHECK(violation && strstr(violation, "deselected within an opcode"), "a lost select is not found");
}

static void clock_it(bool cs_n, bool sck, unsigned level, uint64_t *now) {
  *now += 20;
  mx_flash_chip_drive(chip, *now, (mx_flash_pins){.cs_n = cs_n, .sck = sck, .drives = 13, .level = level | 12});
}

// What no setting of the design does, by hand: an opcode after a pause.
static void send_opcode(uint8_t code, unsigned bits, uint64_t pause_ns, uint64_t *now) {
  *now += pause_ns;
  clock_it(false, false, 0, now);
  for (unsigned i = 0; i < bits; i++)
    for (unsigned half = 0; half < 2; half++) clock_it(false, half, code >> (7 - i) & 1, now);
  clock_it(false, false, 0, now);
  clock_it(true, false, 0, now);
}

static void violation_of(mx_flash_chip_config config, uint8_t code, unsigned bits, uint64_t pause_ns, const char *expected) {
  uint64_t now = 0;
  mx_flash_chip_free(chip);
  config.contents = contents, config.bytes = BYTES;
  chip = mx_flash_chip_new(&config);
  send_opcode(0xff, 8, 0, &now);
  send_opcode(code, bits, pause_ns, &now);
  const char *violation = mx_flash_chip_violation(chip);
  TB_CHECK(expected ? violation && strstr(violation, expected) : !violation, "%02Xh: expected '%s', found '%s'", code,
           expected ? expected : "none", violation ? violation : "none");
}

static void violations(void) {
  mx_flash_chip_config c = usual(), asleep = usual(), busy = usual(), single = usual();
  asleep.asleep = true;
  busy.busy_ns = 1000000;
  single.quad_enabled = false;
  violation_of(c, 0xff, 8, 100, NULL);
  violation_of(c, 0x05, 8, 0, "deselected for only");
  violation_of(c, 0x12, 8, 100, "unknown opcode");
  violation_of(c, 0xff, 7, 100, "within an opcode");
  violation_of(c, 0xeb, 8, 100, "within the address");
  violation_of(single, 0xeb, 8, 100, "QE = 0");
  violation_of(busy, 0x9f, 8, 100, "while busy");
  violation_of(busy, 0x05, 8, 100, NULL);
  violation_of(asleep, 0x05, 8, 100, "power-down");
  violation_of(asleep, 0xab, 8, 100, NULL);
  violation_of(c, 0x31, 8, 100, "without 50h");
  violation_of(c, 0x50, 12, 100, "within a byte");
}

void tb_main(void) {
  find_ports();
  for (unsigned i = 0; i < BYTES; i++) contents[i] = (uint8_t)tb_random();
  violations();

  mx_flash_chip_config c = usual();
  power_on(&c);
  uint64_t usual_start = start(20000);
  random_bursts(300, 0);
  random_bursts(100, 50);
  stream();

  c = usual(), c.busy_ns = 300000;
  power_on(&c);
  TB_CHECK(start(20000) > usual_start + 1000, "does not wait for a busy chip");
  random_bursts(20, 0);
  c = usual(), c.quad_enabled = false;
  starts(c, "QE is off");
  c = usual(), c.asleep = true;
  starts(c, "in power-down");
  if (LINES != 1) {
    c = usual(), c.continuous = LINES;
    starts(c, "within a continuous read");
  }
  for (int i = 0; i < 20; i++) {  // a reset at any time
    c = usual();
    power_on(&c);
    pause((unsigned)tb_random_below(3000));
    starts(c, "a reset");
  }

  c = usual(), c.busy_ns = UINT64_MAX / 2;
  power_on(&c);
  is_missing("always busy", POLLING);
  for (stuck = 0; stuck <= 15; stuck += 15) {
    power_on(NULL);
    is_missing(stuck ? "lines at 1" : "lines at 0", POLLING);
  }
  planted();
  mx_flash_chip_free(chip);
}
