#include "sim/soc/sdram_chip.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/bytes.h"

// From the data sheets. What is given in cycles and in time counts both.
static const mx_sdram_params chips[] = {
    {.name = "is42s16160g-7", .pin_bytes = 2, .column_bits = 9, .row_bits = 13, .tck_ps = {[2] = 10000, [3] = 7000},
     .ac_ps = {[2] = 6000, [3] = 5400}, .oh_ps = 2700, .rcd_ps = 15000, .rp_ps = 15000, .ras_ps = 37000, .rc_ps = 60000,
     .rrd_ps = 14000, .rfc_ps = 60000, .wr_ps = 14000, .mrd_ck = 2, .power_up_us = 100, .init_refreshes = 2,
     .refresh_rows = 8192, .refresh_us = 64000},
    {.name = "w9825g6kh-6", .pin_bytes = 2, .column_bits = 9, .row_bits = 13, .tck_ps = {[2] = 7500, [3] = 6000},
     .ac_ps = {[2] = 6000, [3] = 5000}, .oh_ps = 3000, .rcd_ps = 15000, .rp_ps = 15000, .ras_ps = 42000, .rc_ps = 60000,
     .rfc_ps = 60000, .wr_ck = 2, .rrd_ck = 2, .mrd_ck = 2, .power_up_us = 200, .init_refreshes = 8,
     .refresh_rows = 8192, .refresh_us = 64000},
    {.name = "as4c32m16sb-7", .pin_bytes = 2, .column_bits = 10, .row_bits = 13, .tck_ps = {[2] = 10000, [3] = 7000},
     .ac_ps = {[2] = 6000, [3] = 5400}, .oh_ps = 2500, .rcd_ps = 21000, .rp_ps = 21000, .ras_ps = 42000, .rc_ps = 63000,
     .rrd_ps = 14000, .rfc_ps = 63000, .wr_ps = 14000, .wr_ck = 2, .mrd_ck = 2, .power_up_us = 200, .init_refreshes = 2,
     .refresh_rows = 8192, .refresh_us = 64000},
    {.name = "em638325-6", .pin_bytes = 4, .column_bits = 8, .row_bits = 11, .tck_ps = {[2] = 10000, [3] = 6000},
     .ac_ps = {[2] = 6000, [3] = 5500}, .oh_ps = 2000, .rcd_ps = 18000, .rp_ps = 18000, .ras_ps = 42000, .rc_ps = 63000,
     .rrd_ps = 14000, .rfc_ps = 63000, .wr_ck = 2, .mrd_ck = 2, .power_up_us = 200, .init_refreshes = 2,
     .refresh_rows = 4096, .refresh_us = 64000},
};

const mx_sdram_params *mx_sdram_find(const char *name) {
  for (size_t i = 0; i < sizeof chips / sizeof *chips; i++)
    if (!strcmp(chips[i].name, name)) return &chips[i];
  return NULL;
}

static uint32_t noise(uint64_t x) {
  x = (x + 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;
  return (uint32_t)((x ^ x >> 31) * 0x94d049bb133111ebu >> 32);
}

size_t mx_sdram_chip_bytes(const mx_sdram_chip *c) {
  return (size_t)MX_SDRAM_BANKS * c->p->pin_bytes << (c->p->column_bits + c->p->row_bits);
}

bool mx_sdram_chip_open(mx_sdram_chip *c, const mx_sdram_params *p, uint64_t seed) {
  *c = (mx_sdram_chip){.p = p};
  c->cells = malloc(mx_sdram_chip_bytes(c));
  c->refresh_times = calloc(p->refresh_rows, sizeof *c->refresh_times);
  if (!c->cells || !c->refresh_times) {
    mx_sdram_chip_close(c);
    return false;
  }
  for (size_t i = 0; i < mx_sdram_chip_bytes(c); i += 4) mx_store_u32(c->cells + i, noise(seed + i));
  return true;
}

void mx_sdram_chip_close(mx_sdram_chip *c) {
  free(c->cells);
  free(c->refresh_times);
  c->cells = NULL;
  c->refresh_times = NULL;
}

uint8_t *mx_sdram_chip_byte(mx_sdram_chip *c, uint32_t address) { return c->cells + address; }

// ---- rules -----------------------------------------------------------------------------

static void __attribute__((format(printf, 2, 3))) violation(mx_sdram_chip *c, const char *fmt, ...) {
  if (c->error[0]) return;
  int n = snprintf(c->error, sizeof c->error, "SDRAM at %" PRIu64 ".%03" PRIu64 " ns: ", c->now / 1000, c->now % 1000);
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(c->error + n, sizeof c->error - (size_t)n, fmt, ap);
  va_end(ap);
}

// At least `least_ps` since `since`, which `what` was.
static void apart(mx_sdram_chip *c, const char *command, const char *rule, const char *what, uint64_t since,
                  uint64_t least_ps) {
  uint64_t gap = c->now - since;
  if (gap < least_ps)
    violation(c, "%s %" PRIu64 ".%03" PRIu64 " ns after %s; %s is %" PRIu64 ".%03" PRIu64 " ns", command, gap / 1000,
              gap % 1000, what, rule, least_ps / 1000, least_ps % 1000);
}

static void apart_edges(mx_sdram_chip *c, const char *command, const char *rule, const char *what, uint64_t since,
                        uint32_t least) {
  uint64_t gap = c->edge - since;
  if (gap < least) violation(c, "%s %" PRIu64 " cycles after %s; %s is %u", command, gap, what, rule, least);
}

// After MODE REGISTER SET and REFRESH.
static void after_all(mx_sdram_chip *c, const char *command) {
  if (c->mode_set) apart_edges(c, command, "tMRD", "MODE REGISTER SET", c->mode_edge, c->p->mrd_ck);
  if (c->refreshed) apart(c, command, "tRFC", "REFRESH", c->refresh_at, c->p->rfc_ps);
}

// Banks closed for tRP, for commands to all of them.
static void all_closed(mx_sdram_chip *c, const char *command) {
  if (!c->precharged_all) violation(c, "%s before the first PRECHARGE of all banks", command);
  for (unsigned i = 0; i < MX_SDRAM_BANKS; i++) {
    if (c->banks[i].open) violation(c, "%s with bank %u open", command, i);
    if (c->banks[i].was_precharged) apart(c, command, "tRP", "PRECHARGE", c->banks[i].precharged, c->p->rp_ps);
  }
}

static bool started(mx_sdram_chip *c, const char *command) {
  if (!c->mode_set) violation(c, "%s before MODE REGISTER SET", command);
  else if (c->init_refreshes < c->p->init_refreshes)
    violation(c, "%s after %u refreshes; start-up wants %u", command, c->init_refreshes, c->p->init_refreshes);
  return c->mode_set;
}

static void check_refreshes(mx_sdram_chip *c) {
  if (!c->mode_set) return;
  uint64_t oldest = c->refresh_times[c->refresh_next];
  if (c->now - oldest > (uint64_t)c->p->refresh_us * 1000000u)
    violation(c, "fewer than %u refreshes in %u us", c->p->refresh_rows, c->p->refresh_us);
}

// ---- commands --------------------------------------------------------------------------

static void mode_register(mx_sdram_chip *c, const mx_sdram_pins *p) {
  all_closed(c, "MODE REGISTER SET");
  if (c->refreshed) apart(c, "MODE REGISTER SET", "tRFC", "REFRESH", c->refresh_at, c->p->rfc_ps);
  uint32_t latency = p->a >> 4 & 7, length = p->a & 7;
  if (p->ba || p->a >> 7 || p->a & 8 || length > 3)
    violation(c, "mode register 0x%04x in bank %u: reserved bits, or what is not modelled", p->a, p->ba);
  if (latency < 2 || latency > 3 || !c->p->tck_ps[latency]) violation(c, "CAS latency %u", latency), latency = 3;
  if (c->period < c->p->tck_ps[latency])
    violation(c, "a clock period of %" PRIu64 " ps; CAS latency %u wants %u ps", c->period, latency, c->p->tck_ps[latency]);
  c->latency = latency;
  c->burst = 1u << (length & 3);
  if (!c->mode_set)
    for (uint32_t i = 0; i < c->p->refresh_rows; i++) c->refresh_times[i] = c->now;
  c->mode_set = true;
  c->mode_edge = c->edge;
}

static void refresh(mx_sdram_chip *c) {
  all_closed(c, "REFRESH");
  after_all(c, "REFRESH");
  c->counts.refreshes++;
  c->init_refreshes++;
  c->refreshed = true;
  c->refresh_at = c->now;
  c->refresh_times[c->refresh_next] = c->now;
  c->refresh_next = (c->refresh_next + 1) % c->p->refresh_rows;
}

static void close_bank(mx_sdram_chip *c, unsigned i) {
  mx_sdram_bank *b = &c->banks[i];
  if (b->open) {
    apart(c, "PRECHARGE", "tRAS", "ACTIVE", b->activated, c->p->ras_ps);
    if (b->read_end_edge > c->edge) violation(c, "PRECHARGE of bank %u cuts a read burst", i);
    if (b->was_written) {
      apart(c, "PRECHARGE", "tWR", "the last data written", b->write_end, c->p->wr_ps);
      apart_edges(c, "PRECHARGE", "tWR", "the last data written", b->write_end_edge, c->p->wr_ck);
    }
    if (c->writing && c->left && c->bank == i) violation(c, "PRECHARGE of bank %u cuts a write burst", i);
  }
  b->open = b->was_written = false;
  b->was_precharged = true;
  b->precharged = c->now;
}

static void precharge(mx_sdram_chip *c, const mx_sdram_pins *p) {
  bool all = p->a >> 10 & 1;
  after_all(c, "PRECHARGE");
  if (!all) started(c, "PRECHARGE of one bank");
  c->counts.precharges++;
  c->precharged_all |= all;
  for (unsigned i = 0; i < MX_SDRAM_BANKS; i++)
    if (all || i == p->ba) close_bank(c, i);
}

static void activate(mx_sdram_chip *c, const mx_sdram_pins *p) {
  mx_sdram_bank *b = &c->banks[p->ba];
  started(c, "ACTIVE");
  after_all(c, "ACTIVE");
  if (b->open) violation(c, "ACTIVE of bank %u, which is open", p->ba);
  if (b->was_precharged) apart(c, "ACTIVE", "tRP", "PRECHARGE", b->precharged, c->p->rp_ps);
  if (b->was_activated) apart(c, "ACTIVE", "tRC", "ACTIVE of the same bank", b->activated, c->p->rc_ps);
  if (c->any_activate) {
    apart(c, "ACTIVE", "tRRD", "ACTIVE of another bank", c->last_activate, c->p->rrd_ps);
    apart_edges(c, "ACTIVE", "tRRD", "ACTIVE of another bank", c->last_activate_edge, c->p->rrd_ck);
  }
  if (p->a >> c->p->row_bits) violation(c, "ACTIVE of row 0x%x; the chip has %u address bits", p->a, c->p->row_bits);
  b->open = b->was_activated = c->any_activate = true;
  b->row = p->a & ((1u << c->p->row_bits) - 1);
  b->activated = c->last_activate = c->now;
  c->last_activate_edge = c->edge;
  c->counts.activates++;
}

static void access_row(mx_sdram_chip *c, const mx_sdram_pins *p, bool write) {
  const char *command = write ? "WRITE" : "READ";
  mx_sdram_bank *b = &c->banks[p->ba];
  if (!started(c, command)) return;
  after_all(c, command);
  if (!b->open) {
    violation(c, "%s in bank %u, which has no open row", command, p->ba);
    return;
  }
  apart(c, command, "tRCD", "ACTIVE", b->activated, c->p->rcd_ps);
  if (p->a >> 10 & 1) violation(c, "%s with auto precharge, which is not modelled", command);
  if ((p->a & 0x3ffu) >> c->p->column_bits) violation(c, "%s of column 0x%x", command, p->a);
  c->writing = write;
  c->bank = p->ba;
  c->column = p->a & ((1u << c->p->column_bits) - 1);
  c->left = c->burst;
  if (!write) b->read_end_edge = c->edge + c->burst;
  if (write) c->counts.writes++;
  else c->counts.reads++;
}

static void command(mx_sdram_chip *c, const mx_sdram_pins *p) {
  unsigned code = (unsigned)(p->ras_n << 2 | p->cas_n << 1 | p->we_n);
  if (!p->cke && c->now >= (uint64_t)c->p->power_up_us * 1000000u) violation(c, "CKE is low");
  if (p->cs_n || code == 7) return;
  if (c->now < (uint64_t)c->p->power_up_us * 1000000u)
    violation(c, "a command before %u us since power-up have passed", c->p->power_up_us);
  switch (code) {
    case 0: mode_register(c, p); break;
    case 1: refresh(c); break;
    case 2: precharge(c, p); break;
    case 3: activate(c, p); break;
    case 4: access_row(c, p, true); break;
    case 5: access_row(c, p, false); break;
    default: violation(c, "BURST STOP, which is not modelled");
  }
}

// ---- data ------------------------------------------------------------------------------

// The cell of the burst's next column; columns wrap within the burst.
static uint8_t *next_cell(mx_sdram_chip *c) {
  uint32_t done = c->burst - c->left, mask = c->burst - 1;
  uint32_t column = (c->column & ~mask) | ((c->column + done) & mask);
  c->left--;
  c->counts.columns++;
  return &c->cells[(((c->banks[c->bank].row * MX_SDRAM_BANKS + c->bank) << c->p->column_bits) + column) * c->p->pin_bytes];
}

static uint32_t masked(unsigned dqm) {
  uint32_t mask = 0;
  for (unsigned i = 0; i < 4; i++) mask |= dqm >> i & 1 ? 0xffu << 8 * i : 0;
  return mask;
}

static uint32_t all_pins(const mx_sdram_chip *c) { return UINT32_MAX >> (32 - 8 * c->p->pin_bytes); }

static void write_column(mx_sdram_chip *c, const mx_sdram_pins *p) {
  mx_sdram_bank *b = &c->banks[c->bank];
  uint8_t *cell = next_cell(c);
  if (all_pins(c) & ~masked(p->dqm) && !p->driven) violation(c, "a WRITE without data on the pins");
  for (unsigned i = 0; i < c->p->pin_bytes; i++)
    if (!(p->dqm >> i & 1)) cell[i] = (uint8_t)(p->dq >> 8 * i);
  b->was_written = true;
  b->write_end = c->now;
  b->write_end_edge = c->edge;
}

static uint32_t read_column(mx_sdram_chip *c) {
  const uint8_t *cell = next_cell(c);
  return c->p->pin_bytes == 4 ? mx_load_u32(cell) : (uint32_t)(cell[0] | cell[1] << 8);
}

static void column(mx_sdram_chip *c, const mx_sdram_pins *p) {
  if (!c->left) return;
  if (c->writing) {
    write_column(c, p);
    return;
  }
  // Data count CAS latency edges after the column's, and are driven from the edge before.
  c->pipe[c->latency - 1].valid = true;
  c->pipe[c->latency - 1].data = read_column(c);
  c->pipe[c->latency - 1].hidden = 0;
}

void mx_sdram_chip_edge(mx_sdram_chip *c, uint64_t now_ps, const mx_sdram_pins *pins) {
  c->period = now_ps - c->now;
  c->now = now_ps;
  c->edge++;
  c->counts.edges++;
  command(c, pins);
  column(c, pins);
  c->pipe[1].hidden |= pins->dqm;
  c->drove = c->drives;
  c->drives.valid = c->pipe[0].valid;
  c->drives.data = c->pipe[0].data;
  c->drives.hidden = c->pipe[0].hidden;
  memmove(c->pipe, c->pipe + 1, sizeof c->pipe - sizeof *c->pipe);
  c->pipe[MX_SDRAM_PIPE - 1].valid = false;
  if (pins->driven && (c->drives.valid || c->drove.valid)) violation(c, "both sides drive the data pins");
  check_refreshes(c);
}

uint32_t mx_sdram_chip_dq(mx_sdram_chip *c, uint64_t now_ps) {
  uint32_t wild = noise(now_ps) & all_pins(c);
  uint64_t since = now_ps - c->now;
  bool current = c->drives.valid && since >= c->p->ac_ps[c->latency];
  bool previous = c->drove.valid && since <= c->p->oh_ps;
  if (!current && !previous) return wild;
  uint32_t data = current ? c->drives.data : c->drove.data;
  uint32_t mask = masked(current ? c->drives.hidden : c->drove.hidden);
  return (data & ~mask) | (wild & mask);
}
