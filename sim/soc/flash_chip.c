#include "sim/soc/flash_chip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// Datasheet, "AC electrical characteristics".
enum {
  READ_PAUSE_NS = 10,    // tSHSL1: deselected after a read
  PAUSE_NS = 50,         // tSHSL2: after other commands
  WAKE_NS = 3000,        // tRES1: from release from power-down to the next command
  BUSY = 1, QE = 2,      // bits of status registers 1 and 2
  ADDRESS_BITS = 24, MODE_BITS = 8,
};

typedef enum { NONE, READ, STATUS1, STATUS2, READ_ID, WRITE_STATUS2, VOLATILE, SLEEP, WAKE, LEAVE } effect;

typedef struct {
  uint8_t code;
  effect does;
  unsigned address_lines, mode_bits, dummies, data_lines;  // of reads; address_lines carry the mode too
} command;

static const command commands[] = {
  {0x03, READ, 1, 0, 0, 1},         {0x0b, READ, 1, 0, 8, 1},         {0x3b, READ, 1, 0, 8, 2},
  {0x6b, READ, 1, 0, 8, 4},         {0xbb, READ, 2, MODE_BITS, 0, 2}, {0xeb, READ, 4, MODE_BITS, 4, 4},
  {0x05, STATUS1, 0, 0, 0, 1},      {0x35, STATUS2, 0, 0, 0, 1},      {0x9f, READ_ID, 0, 0, 0, 1},
  {0x31, WRITE_STATUS2, 0, 0, 0, 0}, {0x50, VOLATILE, 0, 0, 0, 0},    {0xb9, SLEEP, 0, 0, 0, 0},
  {0xab, WAKE, 0, 0, 0, 0},         {0xff, LEAVE, 0, 0, 0, 0},
};

struct mx_flash_chip {
  mx_flash_chip_config config;
  mx_flash_pins pins;          // as they were
  const command *now;          // NULL: the opcode is arriving
  unsigned bits, dummies;      // that arrived since CS fell; clocks of no meaning so far
  uint32_t in, address;        // bits, newest lowest; of the next byte to leave
  unsigned out_bit;            // of that byte
  unsigned drives, level;      // by the chip
  bool asleep, may_write, quad_enabled;
  const command *continuous;   // the read that the next command goes on with
  uint64_t deselected_ns, pause_ns, awake_ns;
  mx_flash_chip_counts counts;
  char violation[160];
};

__attribute__((format(printf, 2, 3)))
static void violate(mx_flash_chip *c, const char *format, ...) {
  if (*c->violation) return;
  va_list list;
  va_start(list, format);
  vsnprintf(c->violation, sizeof c->violation, format, list);
  va_end(list);
}

static const command *find(uint8_t code) {
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (commands[i].code == code) return &commands[i];
  return NULL;
}

mx_flash_chip *mx_flash_chip_new(const mx_flash_chip_config *config) {
  mx_flash_chip *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->config = *config;
  c->pins = (mx_flash_pins){.cs_n = true};
  c->asleep = config->asleep;
  c->quad_enabled = config->quad_enabled;
  if (config->continuous) c->continuous = find(config->continuous == 4 ? 0xeb : 0xbb);
  return c;
}

void mx_flash_chip_free(mx_flash_chip *chip) { free(chip); }

// ---- what is sent ------------------------------------------------------------------

static bool busy(const mx_flash_chip *c, uint64_t now) { return now < c->config.busy_ns; }

static uint8_t byte_out(const mx_flash_chip *c, uint64_t now) {
  switch (c->now->does) {
    case READ: return c->config.contents[c->address & (c->config.bytes - 1)];
    case STATUS1: return busy(c, now) ? BUSY : 0;
    case STATUS2: return c->quad_enabled ? QE : 0;
    default: return c->config.id[c->address % 3];
  }
}

// At a falling edge: the next bits, one on DO, else on the lowest lines.
static void shift_out(mx_flash_chip *c, uint64_t now) {
  unsigned lines = c->now->data_lines;
  c->out_bit -= lines;
  unsigned bits = (unsigned)byte_out(c, now) >> c->out_bit & ((1u << lines) - 1);
  c->drives = lines == 1 ? 2 : (1u << lines) - 1;
  c->level = lines == 1 ? bits << 1 : bits;
  if (c->out_bit) return;
  c->out_bit = 8;
  c->address++;
}

// ---- what arrives --------------------------------------------------------------------

static void begin_command(mx_flash_chip *c, uint64_t now) {
  uint8_t code = (uint8_t)c->in;
  c->now = find(code);
  if (!c->now) {
    violate(c, "unknown opcode %02Xh", code);
    return;
  }
  effect does = c->now->does;
  if (c->asleep && does != WAKE && does != LEAVE) violate(c, "command %02Xh in power-down", code);
  if (now < c->awake_ns) violate(c, "command %02Xh too soon after power-down", code);
  if (busy(c, now) && (does == READ || does == READ_ID || does == WRITE_STATUS2)) violate(c, "command %02Xh while busy", code);
  if ((c->now->data_lines == 4 || c->now->address_lines == 4) && !c->quad_enabled) violate(c, "quad read %02Xh with QE = 0", code);
  if (does == WRITE_STATUS2 && !c->may_write) violate(c, "31h without 50h before");
}

static unsigned arriving_lines(const mx_flash_chip *c) {
  return c->now && c->now->does == READ ? c->now->address_lines : 1;
}

// Bits up to where the chip's come, of a read.
static unsigned head_bits(const mx_flash_chip *c) {
  return (c->continuous ? 0 : 8) + (c->now->does == READ ? ADDRESS_BITS + c->now->mode_bits : 0);
}

static bool answers(const mx_flash_chip *c) {
  return c->now && c->now->data_lines && c->bits >= head_bits(c) && c->dummies == c->now->dummies && !c->asleep;
}

static void rise(mx_flash_chip *c, uint64_t now) {
  c->counts.clocks++;
  if (!c->quad_enabled && c->pins.drives & ~c->pins.level & 12) violate(c, "WP or HOLD low with QE = 0");
  if (c->now && c->now->data_lines && c->bits >= head_bits(c)) {
    if (c->dummies < c->now->dummies) c->dummies++;
    return;
  }
  unsigned lines = arriving_lines(c), bus = (c->pins.level | ~c->pins.drives) & 15;
  c->in = c->in << lines | (bus & ((1u << lines) - 1));
  c->bits += lines;
  if (!c->continuous && c->bits == 8) begin_command(c, now);
  if (!c->now || c->now->does != READ) return;
  unsigned head = head_bits(c);
  if (c->bits == head - c->now->mode_bits) c->address = c->in & 0xffffff;
}

static void select_chip(mx_flash_chip *c, uint64_t now) {
  if (c->pins.sck) violate(c, "selected while the clock is high");
  if (c->counts.commands && now - c->deselected_ns < c->pause_ns)
    violate(c, "deselected for only %llu ns, at least %llu", (unsigned long long)(now - c->deselected_ns),
            (unsigned long long)c->pause_ns);
  c->counts.commands++;
  c->now = c->continuous;
  c->bits = c->dummies = 0;
  c->in = c->address = 0;
  c->out_bit = 8;
}

static void finish(mx_flash_chip *c, uint64_t now) {
  effect does = c->now->does;
  if (does == READ) {
    if (c->bits < head_bits(c)) return violate(c, "deselected within the address of %02Xh", c->now->code);
    bool again = c->now->mode_bits && (c->in >> 4 & 3) == 2;
    c->continuous = again ? c->now : NULL;
    return;
  }
  if (c->bits % 8) return violate(c, "deselected within a byte of %02Xh", c->now->code);
  if (does == WRITE_STATUS2) {
    if (c->bits != 16) violate(c, "31h with %u bytes, expected 1", c->bits / 8 - 1);
    c->quad_enabled = c->in & QE;
  }
  c->may_write = does == VOLATILE;
  if (does == SLEEP) c->asleep = true;
  if (does == WAKE && !busy(c, now) && c->asleep) c->asleep = false, c->awake_ns = now + WAKE_NS;
}

static void deselect(mx_flash_chip *c, uint64_t now) {
  c->drives = 0;
  c->deselected_ns = now;
  c->pause_ns = c->now && c->now->does == READ ? READ_PAUSE_NS : PAUSE_NS;
  if (c->continuous && c->bits < head_bits(c)) {
    c->pause_ns = PAUSE_NS;  // FFh on IO0 ends a quad read before its data
    return;
  }
  if (c->now) finish(c, now);
  else if (c->bits) violate(c, "deselected within an opcode");
}

unsigned mx_flash_chip_drive(mx_flash_chip *chip, uint64_t now_ns, mx_flash_pins pins) {
  mx_flash_pins was = chip->pins;
  if (was.cs_n && !pins.cs_n) select_chip(chip, now_ns);
  if (pins.sck && !was.sck) {
    if (pins.cs_n) violate(chip, "a clock while deselected");
    else chip->pins = pins, rise(chip, now_ns);
  }
  if (!pins.sck && was.sck && !pins.cs_n && answers(chip)) shift_out(chip, now_ns);
  if (!was.cs_n && pins.cs_n) deselect(chip, now_ns);
  chip->pins = pins;
  if (pins.drives & chip->drives) violate(chip, "host and chip both drive IO%d", __builtin_ctz(pins.drives & chip->drives));
  unsigned free_lines = ~(pins.drives | chip->drives);
  return ((pins.drives & pins.level) | (chip->drives & chip->level) | free_lines) & 15;
}

const char *mx_flash_chip_violation(const mx_flash_chip *chip) { return *chip->violation ? chip->violation : NULL; }

mx_flash_chip_counts mx_flash_chip_count(const mx_flash_chip *chip) { return chip->counts; }
