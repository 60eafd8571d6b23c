// sim/dram: when a memory chip's data comes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/dram.h"

static mx_dram opened(const char *name) {
  const mx_dram_params *p = mx_dram_find(name);
  assert_non_null(p);
  mx_dram d;
  mx_dram_open(&d, p);
  return d;
}

static uint64_t data_ps(const mx_dram_params *p) { return (uint64_t)p->beat_ps * p->burst_bytes * 8 / p->width_bits; }

static void test_names(void **state) {
  (void)state;
  unsigned n = 0;
  for (const char *name; (name = mx_dram_name(n)); n++) assert_string_equal(mx_dram_find(name)->name, name);
  assert_true(n >= 4);
  assert_string_equal(mx_dram_find("ddr4-2400")->name, "ddr4-2400:16");
  assert_null(mx_dram_find("ddr4"));
  assert_null(mx_dram_find(""));
  assert_null(mx_dram_find("ddr4-2400:128"));
}

// What a closed bank, an open row and a row in the way cost.
static void test_rows(void **state) {
  (void)state;
  mx_dram d = opened("ddr3-1066:16");
  const mx_dram_params *p = d.p;
  uint64_t rest = p->cl_ps + data_ps(p) + p->path_ps, quiet = 1000000;
  assert_int_equal(mx_dram_access(&d, 0, 0, false), p->rcd_ps + rest);
  assert_int_equal(mx_dram_access(&d, quiet, 16, false), quiet + rest);
  uint64_t other_row = (uint64_t)p->row_bytes * p->banks;
  assert_int_equal(mx_dram_access(&d, 2 * quiet, other_row, false), 2 * quiet + p->rp_ps + p->rcd_ps + rest);
  assert_int_equal(d.misses, 1);
  assert_int_equal(d.hits, 1);
  assert_int_equal(d.conflicts, 1);
  assert_int_equal(d.bytes, 48);
}

// A row that was just opened stays so for tRAS; a fifth row waits for tFAW.
static void test_row_limits(void **state) {
  (void)state;
  mx_dram d = opened("ddr3-1066:16");
  const mx_dram_params *p = d.p;
  uint64_t rest = p->rcd_ps + p->cl_ps + data_ps(p) + p->path_ps;
  mx_dram_access(&d, 0, 0, false);
  assert_int_equal(mx_dram_access(&d, 0, (uint64_t)p->row_bytes * p->banks, false), p->ras_ps + p->rp_ps + rest);
  d = opened("ddr3-1066:16");
  uint64_t end = 0;
  for (uint64_t i = 0; i < 5; i++) end = mx_dram_access(&d, 1, i * p->row_bytes, false);
  assert_int_equal(end, 1 + p->faw_ps + rest);
}

static void test_turnaround(void **state) {
  (void)state;
  mx_dram d = opened("ddr3-1066:16");
  const mx_dram_params *p = d.p;
  uint64_t quiet = 1000000, data = data_ps(p);
  mx_dram_access(&d, 0, 0, false);
  assert_int_equal(mx_dram_access(&d, quiet, 16, true), quiet + p->cwl_ps + data + p->path_ps);
  assert_int_equal(mx_dram_access(&d, quiet, 32, false), quiet + p->cwl_ps + data + p->wtr_ps + p->cl_ps + data + p->path_ps);
  // The write's data comes after the read's, and the gap between directions.
  assert_int_equal(mx_dram_access(&d, quiet, 48, true),
                   quiet + p->cwl_ps + data + p->wtr_ps + p->cl_ps + data + p->rtw_ps + data + p->path_ps);
}

// Share of the pins' peak over `count` accesses, each asked for 400 ns ahead.
static double utilization(const char *name, uint64_t count, uint64_t stride, mx_dram *d) {
  *d = opened(name);
  uint64_t now = 0, ahead = 400000;
  for (uint64_t i = 0; i < count; i++) {
    uint64_t next = mx_dram_access(d, now > ahead ? now - ahead : 0, i * stride * d->p->burst_bytes, false);
    assert_true(next >= now);
    now = next;
  }
  return (double)count * d->p->burst_bytes / ((double)now * 1e-12) / mx_dram_pin_peak(d->p);
}

static void test_sequential(void **state) {
  (void)state;
  static const char *const names[] = {"ddr4-2400:16", "ddr4-2400:64", "ddr3-1066:32", "sdram-133", "qspi-48"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    mx_dram d;
    double share = utilization(names[i], 300000, 1, &d), most = mx_dram_attainable(d.p);
    assert_true(share > 0.99 * most && share < most + 0.006);
    if (!d.p->refi_ps) continue;
    double due = (double)d.bus_free / d.p->refi_ps;
    assert_true((double)d.refreshes > due - 2 && (double)d.refreshes < due + 2);
  }
}

// Every access in a new row of one bank: a row cycle each.
static void test_one_bank(void **state) {
  (void)state;
  mx_dram d;
  uint32_t per_row = 2048 / 16, banks = 8;
  double share = utilization("ddr3-1066:16", 2000, per_row * banks, &d);
  double row_cycle = (double)d.p->ras_ps + d.p->rp_ps, most = (double)data_ps(d.p) / row_cycle;
  assert_true(share < most && share > 0.95 * most);
}

static void test_flash_seeks(void **state) {
  (void)state;
  mx_dram d = opened("qspi-48");
  const mx_dram_params *p = d.p;
  uint64_t first = p->seek_ps + data_ps(p) + p->path_ps;
  assert_int_equal(mx_dram_access(&d, 0, 64, false), first);
  assert_int_equal(mx_dram_access(&d, 0, 68, false), first + data_ps(p));
  assert_int_equal(mx_dram_access(&d, 0, 64, false), first + 2 * data_ps(p) + p->seek_ps);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),      cmocka_unit_test(test_rows),       cmocka_unit_test(test_row_limits),
      cmocka_unit_test(test_turnaround), cmocka_unit_test(test_sequential), cmocka_unit_test(test_one_bank),
      cmocka_unit_test(test_flash_seeks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
