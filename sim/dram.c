#include "sim/dram.h"

#include <string.h>

// ---- memories ----------------------------------------------------------------

#define DDR4_2400(pins, row) \
  {.name = "ddr4-2400:" #pins, .source = "JESD79-4B, DDR4-2400R (17-17-17), 8 Gb x16: tables 2400 speed bin, timing by grade", \
   .width_bits = pins, .beat_ps = 417, .burst_bytes = pins, .groups = 2, .banks = 8, .row_bytes = row, \
   .cl_ps = 14167, .cwl_ps = 10000, .ccd_l_ps = 5000, .ccd_s_ps = 3333, .rcd_ps = 14167, .rp_ps = 14167, .ras_ps = 32000, \
   .rrd_l_ps = 6400, .rrd_s_ps = 5300, .faw_ps = 30000, .rtp_ps = 7500, .wr_ps = 15000, .wtr_ps = 7500, .rtw_ps = 3333, \
   .refi_ps = 7800000, .rfc_ps = 350000, .path_ps = 40000}

#define DDR3_1066(pins, row) \
  {.name = "ddr3-1066:" #pins, .source = "JESD79-3F, DDR3-1066F (7-7-7), 2 Gb x16", \
   .width_bits = pins, .beat_ps = 938, .burst_bytes = pins, .groups = 1, .banks = 8, .row_bytes = row, \
   .cl_ps = 13125, .cwl_ps = 11250, .ccd_l_ps = 7500, .ccd_s_ps = 7500, .rcd_ps = 13125, .rp_ps = 13125, .ras_ps = 37500, \
   .rrd_l_ps = 10000, .rrd_s_ps = 10000, .faw_ps = 50000, .rtp_ps = 7500, .wr_ps = 15000, .wtr_ps = 7500, .rtw_ps = 5625, \
   .refi_ps = 7800000, .rfc_ps = 160000, .path_ps = 40000}

// The first of a kind is what its name without pins means.
static const mx_dram_params memories[] = {
    DDR4_2400(16, 2048), DDR4_2400(32, 4096), DDR4_2400(64, 8192),
    DDR3_1066(16, 2048), DDR3_1066(32, 4096), DDR3_1066(64, 8192),
    {.name = "sdram-133:16", .source = "Winbond W9825G6KH-6 (256 Mb, 133 MHz, CL3), burst of 8",
     .width_bits = 16, .beat_ps = 7519, .burst_bytes = 16, .groups = 1, .banks = 4, .row_bytes = 1024,
     .cl_ps = 22557, .cwl_ps = 0, .ccd_l_ps = 60152, .ccd_s_ps = 60152, .rcd_ps = 15000, .rp_ps = 15000, .ras_ps = 42000,
     .rrd_l_ps = 15038, .rrd_s_ps = 15038, .faw_ps = 0, .rtp_ps = 0, .wr_ps = 15038, .wtr_ps = 0, .rtw_ps = 15038,
     .refi_ps = 7812500, .rfc_ps = 60000, .path_ps = 30000},
    {.name = "qspi-48", .source = "Winbond W25Q128JV at 48 MHz: fast read quad I/O (EBh), 2 clocks mode, 4 dummy, chip select high 50 ns",
     .width_bits = 4, .beat_ps = 20833, .burst_bytes = 4, .groups = 1, .banks = 1, .row_bytes = 0,
     .seek_ps = 50000 + 20 * 20833, .path_ps = 41666},
};
enum { N_MEMORIES = sizeof memories / sizeof *memories };

const char *mx_dram_name(unsigned index) { return index < N_MEMORIES ? memories[index].name : NULL; }

const mx_dram_params *mx_dram_find(const char *name) {
  size_t n = strlen(name);
  for (unsigned i = 0; i < N_MEMORIES; i++)
    if (!strncmp(memories[i].name, name, n) && (!memories[i].name[n] || memories[i].name[n] == ':')) return &memories[i];
  return NULL;
}

// ---- time --------------------------------------------------------------------

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint8_t bits(uint32_t power) { return (uint8_t)__builtin_ctz(power); }

void mx_dram_open(mx_dram *d, const mx_dram_params *p) {
  *d = (mx_dram){.p = p, .next_refresh = p->refi_ps, .access_bits = bits(p->burst_bytes), .group_bits = bits(p->groups),
                 .bank_bits = bits(p->banks / p->groups)};
  if (p->row_bytes) d->column_bits = bits(p->row_bytes / p->burst_bytes);
}

static uint64_t data_ps(const mx_dram_params *p) {
  return (uint64_t)p->beat_ps * (p->burst_bytes * 8u >> __builtin_ctz(p->width_bits));  // powers of two
}

// No command before the refresh that is due by `now` is over; all rows close.
// A refresh waits for the data on the pins and for open rows to be precharged.
static void refresh_until(mx_dram *d, uint64_t now) {
  const mx_dram_params *p = d->p;
  for (; p->refi_ps && later(now, d->last_column) >= d->next_refresh; d->next_refresh += p->refi_ps) {
    uint64_t from = later(d->next_refresh, d->last_column);
    for (uint32_t i = 0; i < p->banks; i++)
      if (d->banks[i].open) from = later(from, d->banks[i].precharge_from + p->rp_ps);
    for (uint32_t i = 0; i < p->banks; i++) d->banks[i] = (mx_dram_bank){.ready = from + p->rfc_ps};
    d->refreshes++;
  }
}

// Neighbouring accesses go to different bank groups, then to further columns of
// the row in each group, then to the other banks of the groups.
typedef struct { uint32_t group, bank; uint64_t row; } location;

static location locate(const mx_dram *d, uint64_t address) {
  uint64_t access = address >> d->access_bits, rest = access >> d->group_bits >> d->column_bits;
  uint32_t group = (uint32_t)access & (d->p->groups - 1), bank = (uint32_t)rest & ((1u << d->bank_bits) - 1);
  return (location){group, group << d->bank_bits | bank, rest >> d->bank_bits};
}

static uint64_t open_row(mx_dram *d, uint64_t arrival, const location *at) {
  const mx_dram_params *p = d->p;
  mx_dram_bank *b = &d->banks[at->bank];
  uint64_t from = later(arrival, b->ready);
  if (b->open) from = later(from, later(arrival, b->precharge_from) + p->rp_ps);
  if (d->any_open) from = later(from, d->last_open + (d->last_open_group == at->group ? p->rrd_l_ps : p->rrd_s_ps));
  if (d->opens[0]) from = later(from, d->opens[0] + p->faw_ps);
  memmove(d->opens, d->opens + 1, 3 * sizeof *d->opens);
  d->opens[3] = d->last_open = from;
  d->last_open_group = at->group;
  d->any_open = true;
  if (b->open) d->conflicts++;
  else d->misses++;
  *b = (mx_dram_bank){.open = true, .row = at->row, .opened = from, .precharge_from = from + p->ras_ps};
  return from;
}

// When the column command may be given, as far as the column path is concerned.
static uint64_t column_from(const mx_dram *d, uint64_t from, uint32_t group, bool write) {
  const mx_dram_params *p = d->p;
  uint64_t latency = write ? p->cwl_ps : p->cl_ps, bus = d->bus_free;
  if (!d->any_column) return from;
  from = later(from, d->last_column + (group == d->last_column_group ? p->ccd_l_ps : p->ccd_s_ps));
  if (write && !d->last_write) bus += p->rtw_ps;
  if (!write) from = later(from, d->read_from);
  return bus > latency ? later(from, bus - latency) : from;
}

static uint64_t access_row(mx_dram *d, uint64_t arrival, uint64_t address, bool write) {
  const mx_dram_params *p = d->p;
  location at = locate(d, address);
  mx_dram_bank *b = &d->banks[at.bank];
  refresh_until(d, arrival);
  uint64_t from = later(arrival, b->ready);
  bool hit = b->open && b->row == at.row;
  d->why = hit ? MX_DRAM_HIT : b->ready > arrival ? MX_DRAM_REFRESH : MX_DRAM_ROW;
  if (hit) d->hits++, from = later(from, b->opened + p->rcd_ps);
  else from = open_row(d, arrival, &at) + p->rcd_ps;
  from = column_from(d, from, at.group, write);
  uint64_t end = from + (write ? p->cwl_ps : p->cl_ps) + data_ps(p);
  b->precharge_from = later(b->precharge_from, write ? end + p->wr_ps : from + p->rtp_ps);
  d->last_column = from;
  d->last_column_group = at.group;
  d->any_column = true;
  d->last_write = write;
  d->bus_free = end;
  if (write) d->read_from = end + p->wtr_ps;
  return end;
}

// A flash streams on as long as addresses do.
static uint64_t access_flash(mx_dram *d, uint64_t arrival, uint64_t address) {
  uint64_t from = later(arrival, d->bus_free), first = address >> d->access_bits << d->access_bits;
  bool seeks = !d->any_column || first != d->next_address;
  d->why = seeks ? MX_DRAM_ROW : MX_DRAM_HIT;
  if (seeks) d->misses++, from += d->p->seek_ps;
  else d->hits++;
  d->any_column = true;
  d->next_address = first + d->p->burst_bytes;
  return d->bus_free = from + data_ps(d->p);
}

uint64_t mx_dram_access(mx_dram *d, uint64_t arrival, uint64_t address, bool write) {
  d->bytes += d->p->burst_bytes;
  uint64_t end = d->p->row_bytes ? access_row(d, arrival, address, write) : access_flash(d, arrival, address);
  return end + d->p->path_ps;
}

// ---- many accesses -----------------------------------------------------------

// Of n reads from `address` on, right after that of the access before them: how many
// are hits in open rows, before any refresh, each `step` after the one before.
static uint32_t hits_in_a_row(const mx_dram *d, uint64_t arrival, uint64_t address, uint64_t step, uint32_t n) {
  const mx_dram_params *p = d->p;
  uint64_t columns = (uint64_t)p->groups << d->column_bits, from = d->last_column + step;
  uint64_t left = columns - (address >> d->access_bits & (columns - 1));
  if (n > left) n = (uint32_t)left;
  if (from < arrival) return 0;
  for (uint32_t g = 0; g < p->groups && g < n; g++) {
    location at = locate(d, address + ((uint64_t)g << d->access_bits));
    const mx_dram_bank *b = &d->banks[at.bank];
    if (!b->open || b->row != at.row || b->opened + p->rcd_ps > from) return 0;
  }
  if (!p->refi_ps || d->last_column + (n - 1) * step < d->next_refresh) return n;
  return d->last_column < d->next_refresh ? (uint32_t)((d->next_refresh - 1 - d->last_column) / step + 1) : 0;
}

static void hit_in_a_row(mx_dram *d, uint64_t address, uint64_t step, uint32_t n, uint64_t *end) {
  const mx_dram_params *p = d->p;
  uint64_t from = d->last_column, tail = p->cl_ps + data_ps(p) + p->path_ps;
  for (uint32_t i = 0; i < n; i++) {
    from += step;
    end[i] = from + tail;
  }
  for (uint32_t i = 0; i < p->groups && i < n; i++) {
    location at = locate(d, address + ((uint64_t)(n - 1 - i) << d->access_bits));
    mx_dram_bank *b = &d->banks[at.bank];
    b->precharge_from = later(b->precharge_from, from - i * step + p->rtp_ps);
    if (!i) d->last_column_group = at.group;
  }
  d->last_column = from;
  d->bus_free = from + p->cl_ps + data_ps(p);
  d->hits += n;
  d->bytes += (uint64_t)n * p->burst_bytes;
}

void mx_dram_read(mx_dram *d, uint64_t arrival, uint64_t address, uint32_t n, uint64_t *end, uint8_t *why) {
  const mx_dram_params *p = d->p;
  uint64_t gap = p->groups > 1 ? p->ccd_s_ps : p->ccd_l_ps, step = later(gap, data_ps(p));
  for (uint32_t i = 0; i < n;) {
    uint64_t at = address + ((uint64_t)i << d->access_bits);
    uint32_t row = i && p->row_bytes ? hits_in_a_row(d, arrival, at, step, n - i) : 0;
    if (row) hit_in_a_row(d, at, step, row, end + i);
    else end[i] = mx_dram_access(d, arrival, at, false);
    if (why && row) memset(why + i, MX_DRAM_HIT, row);
    else if (why) why[i] = (uint8_t)d->why;
    i += row ? row : 1;
  }
}
