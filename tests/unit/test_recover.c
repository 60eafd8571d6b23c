// A device is brought back after a fault and after a timeout, with and without its
// interrupt, and then writes the text that a fresh one writes.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/session.h"
#include "tests/unit/toy_image.h"

static mx_engine_options options = {.memory = {.latency = 20, .outstanding = 16}};

typedef struct {
  const char *engine;
  bool polled;
} variant;

static variant variants[] = {{"golden", false}, {"golden", true}, {"cycle", false}, {"cycle", true}};

// In front of a session's registers: waits that are refused, and those that were asked for.
typedef struct { mx_mmio inner; bool refuse; uint32_t waits; } front;

static uint32_t read_register(void *self, uint32_t offset) { return ((front *)self)->inner.read(((front *)self)->inner.self, offset); }
static void write_register(void *self, uint32_t offset, uint32_t value) {
  ((front *)self)->inner.write(((front *)self)->inner.self, offset, value);
}
static bool wait(void *self, uint32_t polls) {
  front *f = self;
  f->waits++;
  return !f->refuse && f->inner.wait(f->inner.self, polls);
}

typedef struct { mx_image *image; mx_session session; front front; } fixture;

static void set_up(fixture *f, const variant *v) {
  mx_error e = {0};
  f->image = toy_image("sim");
  if (mx_session_open(&f->session, f->image, v->engine, &options, &e)) fail_msg("%s", e.text);
  mx_runtime *rt = &f->session.runtime;
  f->front = (front){.inner = rt->device.mmio};
  rt->device.mmio = (mx_mmio){&f->front, read_register, write_register, wait};
  rt->device.polled = v->polled;
  rt->max_polls = 1000;
  assert_int_equal(mx_runtime_begin(rt), MX_DRIVER_OK);
}

static void tear_down(fixture *f) {
  mx_session_close(&f->session);
  mx_image_free(f->image);
}

// The toy's text from BOS on.
static void check_text(mx_runtime *rt) {
  uint32_t token = TOY_BOS, next = 0;
  mx_runtime_rewind(rt);
  for (int i = 0; i < 5; i++, token = next) {
    assert_int_equal(mx_runtime_token(rt, token, &next), MX_DRIVER_OK);
    assert_int_equal(next, toy_next(token));
  }
}

static void put_word(mx_runtime *rt, uint32_t addr, uint32_t word) { assert_true(rt->memory.put(rt->memory.self, addr, &word, sizeof word)); }

static void comes_back_after_a_fault(void **state) {
  fixture f;
  uint32_t next, good;
  set_up(&f, *state);
  mx_runtime *rt = &f.session.runtime;
  check_text(rt);
  assert_true(rt->memory.get(rt->memory.self, TOY_TOKEN + 0x30, &good, sizeof good));
  put_word(rt, TOY_TOKEN + 0x30, UINT32_MAX);
  assert_int_equal(mx_runtime_token(rt, TOY_BOS, &next), MX_DRIVER_FAULT);
  assert_int_equal(rt->device.fault, MX_FAULT_ILLEGAL);
  assert_int_equal(rt->device.fault_address, TOY_TOKEN + 0x30);
  put_word(rt, TOY_TOKEN + 0x30, good);
  assert_int_equal(mx_runtime_token(rt, TOY_BOS, &next), MX_DRIVER_FAULT);  // it stays
  assert_int_equal(mx_runtime_recover(rt), MX_DRIVER_OK);
  assert_int_equal(rt->device.fault, MX_FAULT_NONE);
  check_text(rt);
  tear_down(&f);
}

static void comes_back_after_a_timeout(void **state) {
  const variant *v = *state;
  fixture f;
  uint32_t next;
  set_up(&f, v);
  mx_runtime *rt = &f.session.runtime;
  f.front.refuse = true;
  mx_driver_status s = mx_runtime_token(rt, TOY_BOS, &next);
  if (!strcmp(v->engine, "golden")) {  // it knows no time
    assert_int_equal(s, MX_DRIVER_OK);
  } else {
    assert_int_equal(s, MX_DRIVER_TIMEOUT);
    assert_int_equal(mx_runtime_token(rt, TOY_BOS, &next), MX_DRIVER_BUSY);
    f.front.refuse = false;
    assert_int_equal(mx_runtime_recover(rt), MX_DRIVER_OK);
  }
  check_text(rt);
  tear_down(&f);
}

// The interrupt comes if it is wanted, and only then.
static void interrupt_is_as_chosen(void **state) {
  const variant *v = *state;
  fixture f;
  uint32_t next;
  set_up(&f, v);
  mx_runtime *rt = &f.session.runtime;
  assert_int_equal(mx_runtime_token(rt, TOY_BOS, &next), MX_DRIVER_OK);
  assert_int_equal(read_register(&f.front, MX_CSR_IRQ_ENABLE), !v->polled);
  assert_int_equal(read_register(&f.front, MX_CSR_IRQ_STATUS), !v->polled);
  if (!strcmp(v->engine, "cycle")) assert_true(f.front.waits > 0);
  tear_down(&f);
}

int main(void) {
  enum { VARIANTS = sizeof variants / sizeof *variants };
  struct CMUnitTest tests[3 * VARIANTS];
  for (size_t i = 0; i < VARIANTS; i++) {
    tests[3 * i] = (struct CMUnitTest){"comes_back_after_a_fault", comes_back_after_a_fault, NULL, NULL, &variants[i]};
    tests[3 * i + 1] = (struct CMUnitTest){"comes_back_after_a_timeout", comes_back_after_a_timeout, NULL, NULL, &variants[i]};
    tests[3 * i + 2] = (struct CMUnitTest){"interrupt_is_as_chosen", interrupt_is_as_chosen, NULL, NULL, &variants[i]};
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
