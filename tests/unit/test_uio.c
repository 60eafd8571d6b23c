// The engine `uio` against a device as Linux shows it (fake_uio.h): generations equal
// the golden engine's over caches that are not coherent, and what cannot go well ends
// in a clear error, with the device at rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <signal.h>

#include <cmocka.h>

#include "sim/session.h"
#include "tests/unit/fake_uio.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"
#include "tests/unit/toy_image.h"
#include "tests/unit/toy_run.h"

enum { PROGRAMS = TOY_CONTEXT + 1 };

static const fake_uio_options good;
static uint32_t patience_ms;  // 0: that of the engine, as this machine may be busy

static mx_status open_session(mx_session *s, const mx_image *image, const fake_uio *f, const char *name, mx_error *e) {
  const mx_engine_options options = {.root = fake_uio_root(f), .patience_ms = patience_ms};
  return mx_session_open(s, image, name, &options, e);
}

// A whole run; the device must be at rest after it unless it has vanished.
static mx_status run_named(const fake_uio_options *o, const char *name, uint32_t *starts, mx_error *e) {
  mx_image *image = toy_image(o->set ? o->set : "sim");
  fake_uio *f = fake_uio_open(o);
  mx_session s;
  mx_status status = open_session(&s, image, f, name, e);
  if (!status) status = toy_run_tokens(&s, e);
  uint32_t late = fake_uio_late_accesses(f);
  mx_session_close(&s);
  assert_int_equal(fake_uio_late_accesses(f), late);
  *starts = fake_uio_starts(f);
  if (*starts && !o->vanishes_at) assert_true(fake_uio_quiet(f));
  assert_true(fake_uio_interrupts(f) <= *starts);
  fake_uio_close(f);
  mx_image_free(image);
  return status;
}

static void fails(const fake_uio_options *o, mx_status expected, const char *words) {
  mx_error e = {0};
  uint32_t starts;
  assert_int_equal(run_named(o, "uio", &starts, &e), expected);
  if (!strstr(e.text, words)) fail_msg("the error is: %s", e.text);
}

#define WITH(...) (&(fake_uio_options){__VA_ARGS__})

// ---- what goes well ------------------------------------------------------------------

static void every_set_gives_the_tokens(void **state) {
  (void)state;
  const char *engines[] = {"golden", "cycle"};
  for (const mx_params *p = mx_param_sets; p->name; p++)
    for (int i = 0; i < 2; i++) {
      mx_error e = {0};
      uint32_t starts;
      if (run_named(WITH(.set = p->name, .engine = engines[i]), "uio", &starts, &e)) fail_msg("%s", e.text);
      assert_int_equal(starts, PROGRAMS);
    }
}

static void paths_and_old_names(void **state) {
  (void)state;
  const char *names[] = {"uio:/dev/uio1", "uio:/dev/uio1,/dev/udmabuf-mxforge", "uio:,/dev/udmabuf-mxforge"};
  for (int i = 0; i < 4; i++) {
    mx_error e = {0};
    uint32_t starts;
    if (run_named(WITH(.old_names = i == 3), i < 3 ? names[i] : "uio", &starts, &e)) fail_msg("%s", e.text);
    assert_int_equal(starts, PROGRAMS);
  }
}

// Tokens of a model with attention, its prompt in batches.
static void generate(const mx_image *image, const char *engine, const fake_uio *f, uint32_t *tokens, uint32_t count) {
  mx_session s;
  mx_error e = {0};
  uint32_t prompt[21], next = 0;
  for (uint32_t i = 0; i < 21; i++) prompt[i] = i ? 3 + i * 53 % (TEST_VOCAB - 3) : 1;
  if (open_session(&s, image, f, engine, &e) || mx_session_begin(&s, &e)) fail_msg("%s", e.text);
  for (uint32_t i = 0, taken; i < 21; i += taken)
    if (mx_session_feed(&s, prompt + i, 21 - i, &taken, &next, &e)) fail_msg("%s", e.text);
  for (uint32_t i = 0; i < count; i++) {
    tokens[i] = next;
    if (mx_session_token(&s, next, &next, &e)) fail_msg("%s", e.text);
  }
  mx_session_close(&s);
}

static void a_model_generates_as_golden(void **state) {
  (void)state;
  const test_shape shape = {4, 2, 16, 40, 72, 2, 64, "mxint8", MX_BITS_8, MX_BITS_8};
  mx_qmodel *q = test_qmodel(&shape, 5);
  mx_image *image = test_compile(q, "sim", 64);
  uint32_t expected[16], got[16];
  fake_uio *f = fake_uio_open(WITH(.buffer_bytes = (image->mem_bytes + 8191) & ~4095u));
  assert_true(image->batch_tokens > 1);
  generate(image, "golden", f, expected, 16);
  generate(image, "uio", f, got, 16);
  assert_memory_equal(got, expected, sizeof got);
  fake_uio_close(f);
  mx_image_free(image);
  mx_qmodel_free(q);
}

// ---- memory -----------------------------------------------------------------------

// Bytes that the device writes and bytes that the host puts, side by side in cache lines.
static void caches_mix_nothing_up(void **state) {
  (void)state;
  mx_image *image = toy_image("sim");
  fake_uio *f = fake_uio_open(&good);
  mx_session s;
  mx_error e = {0};
  static uint8_t expected[TOY_MEMORY], got[TOY_MEMORY], part[300];
  test_random r = {test_seed()};
  assert_int_equal(open_session(&s, image, f, "uio", &e), MX_OK);
  const mx_memory_port *m = &s.runtime.memory;
  assert_true(m->get(m->self, 0, expected, TOY_MEMORY));
  assert_memory_equal(expected, image->memory, TOY_MEMORY);
  for (uint32_t i = 0; i < 20000; i++) {
    uint32_t at = test_random_below(&r, TOY_MEMORY), n = test_random_below(&r, sizeof part);
    if (n > TOY_MEMORY - at) n = TOY_MEMORY - at;
    for (uint32_t k = 0; k < n; k++) part[k] = (uint8_t)test_random_u32(&r);
    switch (test_random_below(&r, 3)) {
      case 0: assert_true(m->put(m->self, at, part, n)); break;
      case 1: fake_uio_write(f, at, part, n); break;
      default:
        assert_true(m->get(m->self, at, got, n));
        assert_memory_equal(got, expected + at, n);
        continue;
    }
    memcpy(expected + at, part, n);
  }
  fake_uio_read(f, 0, got, TOY_MEMORY);
  assert_memory_equal(got, expected, TOY_MEMORY);
  assert_false(m->put(m->self, TOY_MEMORY - 1, part, 2));
  assert_false(m->get(m->self, 5, part, UINT32_MAX));
  mx_session_close(&s);
  fake_uio_close(f);
  mx_image_free(image);
}

// Memory behind what the image stores holds zeros when its first program runs, and what
// lies in the buffer behind the device's memory stays.
static void the_rest_is_cleared(void **state) {
  (void)state;
  mx_image *image = toy_image("sim");
  uint8_t got[TOY_MEMORY - TOY_FREE], zeros[TOY_MEMORY - TOY_FREE] = {0}, before[64], after[64];
  for (image->memory_bytes = TOY_FREE + 5; image->memory_bytes < TOY_FREE + 70; image->memory_bytes += 13) {
    fake_uio *f = fake_uio_open(&good);
    mx_session s;
    mx_error e = {0};
    fake_uio_read(f, TOY_MEMORY, before, sizeof before);
    assert_int_equal(open_session(&s, image, f, "uio", &e), MX_OK);
    assert_int_equal(mx_session_begin(&s, &e), MX_OK);
    fake_uio_read(f, TOY_FREE, got, sizeof got);
    assert_memory_equal(got + 5, zeros + 5, sizeof got - 5);
    fake_uio_read(f, TOY_MEMORY, after, sizeof after);
    assert_memory_equal(after, before, sizeof after);
    mx_session_close(&s);
    fake_uio_close(f);
  }
  image->memory_bytes = TOY_MEMORY;
  mx_image_free(image);
}

// ---- what does not --------------------------------------------------------------------

static void missing_things_are_named(void **state) {
  (void)state;
  fails(WITH(.uio_name = "other\n"), MX_IO, "no UIO device is named mxforge");
  fails(WITH(.no_buffer = true), MX_IO, "there is no buffer udmabuf-mxforge: is the module u-dma-buf loaded");
  fails(WITH(.refused = "/dev/uio1"), MX_IO, "/dev/uio1: Permission denied; run as root");
  fails(WITH(.refused = "/dev/udmabuf-mxforge"), MX_IO, "/dev/udmabuf-mxforge: Permission denied; run as root");
  fails(WITH(.refused = "/sync_for_cpu"), MX_IO, "/sync_for_cpu: Permission denied; run as root");
  fails(WITH(.in_use = true), MX_IO, "/dev/uio1 is in use by another process");
  mx_error e = {0};
  uint32_t starts;
  assert_int_equal(run_named(&good, "uio:/dev/uio7", &starts, &e), MX_IO);
  assert_non_null(strstr(e.text, "/dev/uio7 is no UIO device"));
}

static void wrong_things_are_named(void **state) {
  (void)state;
  fails(WITH(.build_change = 1), MX_UNSUPPORTED, "the bitstream holds build ");
  fails(WITH(.blank = true), MX_DEVICE, "there is no mxforge device at these registers");
  fails(WITH(.buffer_bytes = TOY_MEMORY - 4096), MX_LIMIT, "udmabuf-mxforge is too small: needs 16384 bytes, has 12288");
}

static void a_lost_interrupt_is_told(void **state) {
  (void)state;
  fails(WITH(.loses_interrupts = true), MX_DEVICE, "the program ended, but its interrupt did not come");
}

static void a_program_without_end_is_told(void **state) {
  (void)state;
  patience_ms = 500;
  fails(WITH(.hangs_at = 1), MX_DEVICE, "did not end its work within 500 ms");
  patience_ms = 0;
}

// As the console does it after a program that did not end.
static void a_reset_begins_anew(void **state) {
  (void)state;
  mx_image *image = toy_image("sim");
  fake_uio *f = fake_uio_open(WITH(.hangs_at = 3));
  mx_session s;
  mx_error e = {0};
  patience_ms = 500;
  assert_int_equal(open_session(&s, image, f, "uio", &e), MX_OK);
  patience_ms = 0;
  assert_int_equal(toy_run_tokens(&s, &e), MX_DEVICE);
  assert_non_null(mx_engine_problem(s.engine));
  assert_int_equal(mx_runtime_recover(&s.runtime), MX_DRIVER_OK);
  assert_null(mx_engine_problem(s.engine));
  for (uint32_t i = 0, token = TOY_BOS, next; i < TOY_CONTEXT; i++, token = next) {
    assert_int_equal(mx_runtime_token(&s.runtime, token, &next), MX_DRIVER_OK);
    assert_int_equal(next, toy_next(token));
  }
  mx_session_close(&s);
  fake_uio_close(f);
  mx_image_free(image);
}

static void a_device_that_vanishes_is_told(void **state) {
  (void)state;
  for (uint32_t at = 1; at <= PROGRAMS; at += 4) fails(WITH(.vanishes_at = at), MX_DEVICE, "the device has vanished");
}

static mx_engine *running;
static void on_alarm(int number) {
  (void)number;
  mx_engine_stop(running);
}

// As for Ctrl-C: a program that would not end is left, and the device is reset.
static void a_signal_stops_it(void **state) {
  (void)state;
  mx_image *image = toy_image("sim");
  fake_uio *f = fake_uio_open(WITH(.hangs_at = 1));
  const struct itimerval soon = {.it_value.tv_usec = 50000};
  struct sigaction a = {.sa_handler = on_alarm};
  mx_session s;
  mx_error e = {0};
  assert_int_equal(open_session(&s, image, f, "uio", &e), MX_OK);
  running = s.engine;
  sigaction(SIGALRM, &a, NULL);
  setitimer(ITIMER_REAL, &soon, NULL);
  assert_int_equal(mx_session_begin(&s, &e), MX_DEVICE);
  mx_session_close(&s);
  assert_true(fake_uio_quiet(f));
  fake_uio_close(f);
  mx_image_free(image);
}

// A process that was killed has left its program running.
static void a_running_device_is_taken_over(void **state) {
  (void)state;
  mx_image *image = toy_image("sim");
  fake_uio *f = fake_uio_open(WITH(.hangs_at = 1));
  mx_session s;
  fake_uio_start(f);
  for (int i = 0; i < 3; i++) {
    mx_error e = {0};
    if (open_session(&s, image, f, "uio", &e) || toy_run_tokens(&s, &e)) fail_msg("%s", e.text);
    mx_session_close(&s);
    assert_true(fake_uio_quiet(f));
  }
  assert_int_equal(fake_uio_starts(f), 1 + 3 * PROGRAMS);
  fake_uio_close(f);
  mx_image_free(image);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_set_gives_the_tokens),  cmocka_unit_test(paths_and_old_names),
      cmocka_unit_test(a_model_generates_as_golden), cmocka_unit_test(caches_mix_nothing_up),
      cmocka_unit_test(the_rest_is_cleared),         cmocka_unit_test(missing_things_are_named),
      cmocka_unit_test(wrong_things_are_named),      cmocka_unit_test(a_lost_interrupt_is_told),
      cmocka_unit_test(a_program_without_end_is_told), cmocka_unit_test(a_reset_begins_anew),
      cmocka_unit_test(a_device_that_vanishes_is_told),
      cmocka_unit_test(a_signal_stops_it),           cmocka_unit_test(a_running_device_is_taken_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
