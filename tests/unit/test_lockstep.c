// The cycle model beside the Verilated RTL, cycle by cycle, over random programs and
// those of tests/isa, and the engine cycle against the engine rtl: every counter and
// the clock. Parameter sets whose RTL is not built are an error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "compiler/asm/asm.h"
#include "sim/engine.h"
#include "tests/unit/program.h"
#include "tests/unit/random_program.h"

enum { MOST_WAITS = 40, MOST_SOURCE = 1 << 16 };

static uint8_t memory[TOP_MEMORY];
static mx_engine *engines[2];  // rtl with the model beside it, cycle
static uint64_t compared, programs;

static void write_both(uint32_t offset, uint32_t value) {
  for (int i = 0; i < 2; i++) engines[i]->mmio.write(engines[i]->mmio.self, offset, value);
}

static void check_problems(void) {
  for (int i = 0; i < 2; i++)
    if (mx_engine_problem(engines[i])) fail_msg("%s: %s", engines[i]->ops->name, mx_engine_problem(engines[i]));
}

static uint32_t read_both(uint32_t offset) {
  uint32_t value[2];
  for (int i = 0; i < 2; i++) value[i] = engines[i]->mmio.read(engines[i]->mmio.self, offset);
  check_problems();
  if (value[0] != value[1])
    fail_msg("register 0x%03x is 0x%x, of the engine cycle 0x%x", (unsigned)offset, (unsigned)value[0], (unsigned)value[1]);
  assert_int_equal(mx_engine_cycles(engines[0]), mx_engine_cycles(engines[1]));
  return value[0];
}

static void open_both(const mx_params *p, uint32_t bytes) {
  mx_error e = {0};
  mx_engine_options o = {.memory = test_random_memory(true), .directory = "build/engines", .lockstep = true};
  if (mx_engine_open("rtl", p, bytes, &o, &engines[0], &e)) fail_msg("%s", e.text);
  o.lockstep = false;
  o.plain = test_below(2);
  assert_int_equal(mx_engine_open("cycle", p, bytes, &o, &engines[1], &e), MX_OK);
  write_both(MX_CSR_MEM_BASE_LO, (uint32_t)engines[0]->memory_base);
  write_both(MX_CSR_MEM_SIZE, bytes);
  write_both(MX_CSR_IRQ_ENABLE, 1);
}

static void start(const mx_params *p) {
  uint32_t args[MX_ARGS];
  test_random_program(p, test_below(TEST_KINDS), memory, args);
  for (int i = 0; i < 2; i++) assert_true(engines[i]->memory.put(engines[i]->memory.self, 0, memory, TOP_MEMORY));
  for (uint32_t i = 0; i < MX_ARGS; i++) write_both(MX_CSR_ARG1 + 4 * i, args[i]);
  write_both(MX_CSR_WATCHDOG, 1000 + test_below(20000));
  write_both(MX_CSR_IRQ_STATUS, 1);
  write_both(MX_CSR_CONTROL, MX_CONTROL_START);
}

static void finish(int most_waits) {
  for (int polls = 0; read_both(MX_CSR_STATUS) & MX_STATUS_BUSY && polls < most_waits; polls++)
    for (int i = 0; i < 2; i++) engines[i]->mmio.wait(engines[i]->mmio.self, 0);
  read_both(MX_CSR_ERROR);
  read_both(MX_CSR_ERROR_PC);
  for (uint32_t at = MX_CSR_CYCLES; at <= MX_CSR_FETCH_WAIT; at += 4) read_both(at);
  write_both(MX_CSR_CONTROL, MX_CONTROL_RESET);
  while (read_both(MX_CSR_STATUS) & MX_STATUS_BUSY) continue;
  programs++;
}

static void run_program(const mx_params *p) {
  start(p);
  if (!test_below(8)) write_both(MX_CSR_CONTROL, MX_CONTROL_RESET);
  finish(MOST_WAITS);
}

static void close_both(void) {
  compared += mx_engine_cycles(engines[0]);
  for (int k = 0; k < 2; k++) mx_engine_close(engines[k]);
}

static void model_equals_rtl(void **state) {
  const mx_params *p = mx_params_find(*state);
  test_random_seed(test_seed());
  for (uint32_t i = 0; i < test_runs(3); i++) {
    open_both(p, TOP_MEMORY);
    for (int k = 0; k < 4; k++) run_program(p);
    close_both();
  }
  printf("set %s: %llu programs, %llu cycles compared, largest difference 0 cycles\n", p->name,
         (unsigned long long)programs, (unsigned long long)compared);
}

// ---- the programs of tests/isa -----------------------------------------------------

static mx_image *assemble(const char *path) {
  static char source[MOST_SOURCE];
  mx_error e = {0};
  mx_image *image;
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(source, 1, sizeof source - 1, f);
  fclose(f);
  if (mx_as_text(source, n, path, NULL, &image, &e)) fail_msg("%s: %s", path, e.text);
  return image;
}

static void run_image(const mx_image *image) {
  open_both(image->params, image->mem_bytes);
  for (int i = 0; i < 2; i++)
    assert_true(engines[i]->memory.put(engines[i]->memory.self, 0, image->memory, image->memory_bytes));
  for (uint32_t i = 0; i < MX_ARGS; i++) write_both(MX_CSR_ARG1 + 4 * i, i + 1);
  write_both(MX_CSR_PROGRAM, image->token_entry);
  write_both(MX_CSR_WATCHDOG, 5000);
  write_both(MX_CSR_CONTROL, MX_CONTROL_START);
  finish(1);
  close_both();
}

static void isa_programs_too(void **state) {
  (void)state;
  DIR *d = opendir("tests/isa");
  assert_non_null(d);
  unsigned count = 0;
  for (struct dirent *entry; (entry = readdir(d));) {
    char path[300];
    size_t n = strlen(entry->d_name);
    if (n < 2 || strcmp(entry->d_name + n - 2, ".s")) continue;
    snprintf(path, sizeof path, "tests/isa/%s", entry->d_name);
    mx_image *image = assemble(path);
    run_image(image);
    mx_image_free(image);
    count++;
  }
  closedir(d);
  assert_true(count > 30);
  printf("%u programs of tests/isa: largest difference 0 cycles\n", count);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_prestate(model_equals_rtl, (char[]){"sim"}),
      cmocka_unit_test_prestate(model_equals_rtl, (char[]){"small"}),
      cmocka_unit_test_prestate(model_equals_rtl, (char[]){"large"}),
      cmocka_unit_test_prestate(model_equals_rtl, (char[]){"tiny"}),
      cmocka_unit_test(isa_programs_too),
  };
  const struct CMUnitTest more[] = {cmocka_unit_test_prestate(model_equals_rtl, (char[]){"medium"})};
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return getenv("MX_EXHAUSTIVE") ? failed + cmocka_run_group_tests(more, NULL, NULL) : failed;
}
