// The engine `uart` against a board behind a pseudo-terminal, on clean and on
// noisy lines: the tokens are those of the golden engine, each program runs once,
// and what cannot go well ends in a clear error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden/flash.h"
#include "sim/session.h"
#include "tests/unit/serial_line.h"
#include "tests/unit/toy_image.h"
#include "tests/unit/toy_run.h"

enum { PATIENCE_MS = 20, LONG_PATIENCE_MS = 4000, BAUD = 3000000, BOARD_MEMORY = TOY_MEMORY + 0x1000, PROGRAMS = TOY_CONTEXT + 1 };

static const serial_line_options good = {.set = "tiny", .memory_bytes = BOARD_MEMORY, .seed = 1};
static const mx_engine_options quick = {.baud = BAUD, .patience_ms = PATIENCE_MS};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// A line that loses nothing is waited for, however busy this machine is.
static mx_status open_session(mx_session *s, const mx_image *image, const char *path, bool patient, mx_error *e) {
  char name[100];
  mx_engine_options options = quick;
  if (patient) options.patience_ms = LONG_PATIENCE_MS;
  snprintf(name, sizeof name, "uart:%s", path);
  return mx_session_open(s, image, name, &options, e);
}

static mx_status run(const serial_line_options *o, uint32_t *starts, char *report, size_t size, mx_error *e) {
  mx_image *image = toy_image("tiny");
  serial_line *line = serial_line_open(o);
  mx_session s;
  mx_status status = open_session(&s, image, serial_line_path(line), !o->noise && !o->silent && !o->echo, e);
  if (!status) status = toy_run_tokens(&s, e);
  if (s.engine && report) {
    FILE *f = fmemopen(report, size, "w");
    mx_engine_report(s.engine, f);
    fclose(f);
  }
  mx_session_close(&s);
  *starts = serial_line_starts(line);
  serial_line_close(line);
  mx_image_free(image);
  return status;
}

static void fails(const serial_line_options *o, mx_status expected, const char *words) {
  mx_error e = {0};
  uint32_t starts;
  assert_int_equal(run(o, &starts, NULL, 0, &e), expected);
  if (!strstr(e.text, words)) fail_msg("the error is: %s", e.text);
}

// ---- what goes well ------------------------------------------------------------------

static void a_clean_line_gives_the_tokens(void **state) {
  (void)state;
  mx_error e = {0};
  uint32_t starts;
  char report[200] = "";
  assert_int_equal(run(&good, &starts, report, sizeof report, &e), MX_OK);
  assert_int_equal(starts, PROGRAMS);
  assert_non_null(strstr(report, " 0 repeated"));
}

static void noise_is_repaired(void **state) {
  (void)state;
  const char *base = getenv("MX_SEED");
  for (uint64_t i = 1; i <= 4; i++) {
    serial_line_options o = good;
    mx_error e = {0};
    uint32_t starts;
    char report[200] = "";
    o.seed = base ? strtoull(base, NULL, 10) : i;
    o.noise = 500;
    mx_status s = run(&o, &starts, report, sizeof report, &e);
    if (s) fail_msg("seed %u: %s", (unsigned)o.seed, e.text);
    assert_int_equal(starts, PROGRAMS);
    assert_null(strstr(report, " 0 repeated"));
  }
}

// Either all tokens, or an error that names the line, and soon.
static void heavy_noise_ends(void **state) {
  (void)state;
  double begun = now();
  for (uint32_t noise = 8000; noise <= 300000; noise += 140000) {
    serial_line_options o = good;
    mx_error e = {0};
    uint32_t starts;
    o.noise = noise;
    o.seed = noise;
    mx_status s = run(&o, &starts, NULL, 0, &e);
    assert_true(starts <= PROGRAMS);
    if (!s) assert_int_equal(starts, PROGRAMS);
    else if (!strstr(e.text, "answer") || s != MX_DEVICE) fail_msg("the error is: %s", e.text);
  }
  assert_true(now() - begun < 60);
}

static void memory_is_as_written(void **state) {
  (void)state;
  mx_image *image = toy_image("tiny");
  serial_line *line = serial_line_open(&good);
  mx_session s;
  mx_error e = {0};
  uint8_t bytes[TOY_MEMORY], got[TOY_MEMORY];
  assert_int_equal(open_session(&s, image, serial_line_path(line), true, &e), MX_OK);
  const mx_memory_port *m = &s.runtime.memory;
  assert_true(m->get(m->self, 0, got, TOY_MEMORY));
  assert_memory_equal(got, image->memory, TOY_MEMORY);
  for (uint32_t i = 0; i < TOY_MEMORY; i++) bytes[i] = (uint8_t)(i * i >> 6);
  memset(bytes + 0x1003, 7, 0x800);
  for (uint32_t at = 0, n = 1; at < TOY_MEMORY; at += n, n = n * 3 % 1021) {
    if (n > TOY_MEMORY - at) n = TOY_MEMORY - at;
    assert_true(m->put(m->self, at, bytes + at, n));
  }
  for (uint32_t at = 0, n = 1; at < TOY_MEMORY; at += n, n = n * 5 % 2039) {
    if (n > TOY_MEMORY - at) n = TOY_MEMORY - at;
    assert_true(m->get(m->self, at, got + at, n));
  }
  assert_memory_equal(got, bytes, TOY_MEMORY);
  assert_false(m->put(m->self, TOY_MEMORY - 1, bytes, 2));
  mx_session_close(&s);
  serial_line_close(line);
  mx_image_free(image);
}

// Memory behind what the image stores holds zeros when its first program runs.
static void the_rest_is_cleared(void **state) {
  (void)state;
  mx_image *image = toy_image("tiny");
  serial_line *line = serial_line_open(&good);
  mx_session s;
  mx_error e = {0};
  uint8_t bytes[TOY_MEMORY - TOY_FREE], zeros[TOY_MEMORY - TOY_FREE] = {0};
  assert_int_equal(open_session(&s, image, serial_line_path(line), true, &e), MX_OK);
  memset(bytes, 0xa5, sizeof bytes);
  assert_true(s.runtime.memory.put(s.runtime.memory.self, TOY_FREE, bytes, sizeof bytes));
  mx_session_close(&s);
  for (image->memory_bytes = TOY_FREE + 5; image->memory_bytes < TOY_FREE + 10; image->memory_bytes++) {
    assert_int_equal(open_session(&s, image, serial_line_path(line), true, &e), MX_OK);
    assert_int_equal(mx_session_begin(&s, &e), MX_OK);
    assert_true(s.runtime.memory.get(s.runtime.memory.self, TOY_FREE, bytes, sizeof bytes));
    assert_memory_equal(bytes, zeros, sizeof bytes);
    memset(bytes, 0x5a, sizeof bytes);
    assert_true(s.runtime.memory.put(s.runtime.memory.self, TOY_FREE + 16, bytes, sizeof bytes - 16));
    mx_session_close(&s);
  }
  image->memory_bytes = TOY_MEMORY;
  serial_line_close(line);
  mx_image_free(image);
}

// ---- what does not --------------------------------------------------------------------

#define BUT(...) &(serial_line_options) { .set = "tiny", .memory_bytes = BOARD_MEMORY, .seed = 1, __VA_ARGS__ }

static void errors_are_clear(void **state) {
  (void)state;
  fails(BUT(.silent = true), MX_DEVICE, "no answer");
  fails(BUT(.echo = true), MX_DEVICE, "no answer arrives undamaged");
  fails(BUT(.build_change = 1), MX_UNSUPPORTED, "the board holds build");
  serial_line_options small = good;
  small.memory_bytes = TOY_MEMORY - 4;
  fails(&small, MX_LIMIT, "16380 bytes of memory, the image needs 16384");
}

static void a_line_that_breaks_ends_it(void **state) {
  (void)state;
  mx_error e = {0};
  uint32_t starts;
  for (uint32_t bytes = 1; bytes < 20000; bytes = bytes * 7 + 3) {
    memset(&e, 0, sizeof e);
    mx_status s = run(BUT(.dies_after = bytes), &starts, NULL, 0, &e);
    if (s != MX_DEVICE || !strstr(e.text, "baud: ")) fail_msg("after %u bytes the error is: %s", bytes, e.text);
  }
}

static void lines_that_are_none(void **state) {
  (void)state;
  mx_image *image = toy_image("tiny");
  mx_session s;
  mx_error e = {0};
  assert_int_equal(open_session(&s, image, "/dev/no-such-line", true, &e), MX_IO);
  assert_non_null(strstr(e.text, "is the board connected?"));
  e = (mx_error){0};
  assert_int_equal(open_session(&s, image, "/dev/null", true, &e), MX_IO);
  assert_non_null(strstr(e.text, "not a serial line"));
  e = (mx_error){0};
  assert_int_equal(mx_session_open(&s, image, "uart", &quick, &e), MX_USAGE);
  assert_non_null(strstr(e.text, "uart:LINE"));
  e = (mx_error){0};
  assert_int_equal(mx_session_open(&s, image, "golden:x", &quick, &e), MX_USAGE);
  e = (mx_error){0};
  const mx_engine_options odd = {.baud = 12345};
  assert_int_equal(mx_session_open(&s, image, "uart:/dev/null", &odd, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, "115200"));
  mx_image_free(image);
}

// ---- a board with flash -----------------------------------------------------------------

enum { CONSTANT = 0x2000 };  // of the toy image

// The flash's contents for the toy image, with room to damage them.
static const uint8_t *flash_of(mx_image *image) {
  static uint8_t bytes[CONSTANT + 1];
  char path[] = "/tmp/mx_flash_XXXXXX";
  mx_error e = {0};
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  if (mx_flash_write(path, image, &e)) fail_msg("%s", e.text);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(bytes, 1, sizeof bytes, f), CONSTANT);
  fclose(f);
  close(fd);
  unlink(path);
  return bytes;
}

static void constants_in_flash_are_not_sent(void **state) {
  (void)state;
  mx_image *image = toy_image("tiny");
  mx_error e = {0};
  uint32_t starts;
  char report[200] = "";
  assert_int_equal(mx_flash_constant_bytes(image), CONSTANT);
  const serial_line_options board = {.set = "tiny", .memory_bytes = TOY_MEMORY - CONSTANT, .seed = 1, .flash = flash_of(image),
                                     .flash_used = CONSTANT};
  if (run(&board, &starts, report, sizeof report, &e)) fail_msg("%s", e.text);
  assert_int_equal(starts, PROGRAMS);
  mx_image_free(image);
}

static void a_flash_that_is_wrong_is_told(void **state) {
  (void)state;
  mx_image *image = toy_image("tiny");
  uint8_t bytes[CONSTANT];
  const serial_line_options board = {.set = "tiny", .memory_bytes = TOY_MEMORY - CONSTANT, .seed = 1, .flash = bytes,
                                     .flash_used = CONSTANT};
  serial_line_options small = board, broken = board;
  small.memory_bytes -= 4;
  broken.flash_broken = true;
  memcpy(bytes, flash_of(image), CONSTANT);
  fails(&small, MX_LIMIT, "8188 bytes of writable memory, the image needs 8192");
  fails(&broken, MX_DEVICE, "flash does not answer");
  bytes[0] ^= 1;
  fails(&board, MX_DEVICE, "flash is damaged");
  memcpy(bytes, flash_of(image), CONSTANT);
  bytes[CONSTANT - MX_FLASH_RECORD_BYTES + 9] ^= 1;
  fails(&board, MX_DEVICE, "holds no image");
  memset(bytes, 0xff, CONSTANT);
  fails(&board, MX_DEVICE, "holds no image");
  image->memory[TOY_FREE - 0x2000] ^= 1;  // of another image
  memcpy(bytes, flash_of(image), CONSTANT);
  fails(&board, MX_DEVICE, "holds another image");
  mx_image_free(image);
}

// What cannot lie in flash is refused before a file is written.
static void images_that_flash_cannot_hold(void **state) {
  (void)state;
  mx_image *image = toy_image("tiny");
  mx_error e = {0};
  image->memory[CONSTANT - 1] = 1;
  assert_int_equal(mx_flash_write("/tmp/never", image, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, "0x1fff"));
  image->memory[CONSTANT - 1] = 0;
  image->result_addr = CONSTANT - 4;
  e = (mx_error){0};
  assert_int_equal(mx_flash_write("/tmp/never", image, &e), MX_UNSUPPORTED);
  mx_image_free(image);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_clean_line_gives_the_tokens), cmocka_unit_test(noise_is_repaired),
      cmocka_unit_test(heavy_noise_ends),              cmocka_unit_test(memory_is_as_written),
      cmocka_unit_test(the_rest_is_cleared),           cmocka_unit_test(errors_are_clear),
      cmocka_unit_test(a_line_that_breaks_ends_it),    cmocka_unit_test(lines_that_are_none),
      cmocka_unit_test(constants_in_flash_are_not_sent), cmocka_unit_test(a_flash_that_is_wrong_is_told),
      cmocka_unit_test(images_that_flash_cannot_hold),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
