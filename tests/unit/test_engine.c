// The golden engine behind the driver, with a small hand-made image; the same
// for the RTL in test_verify.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sim/session.h"
#include "tests/unit/toy_image.h"

typedef struct { mx_image *image; mx_session session; } fixture;

static const mx_engine_options plain = {0};
static fixture the_fixture;

static int setup(void **state) {
  mx_error e = {0};
  the_fixture = (fixture){.image = toy_image("sim")};
  *state = &the_fixture;
  return mx_session_open(&the_fixture.session, the_fixture.image, "golden", &plain, &e);
}

static int teardown(void **state) {
  fixture *f = *state;
  mx_session_close(&f->session);
  mx_image_free(f->image);
  return 0;
}

static uint32_t reg(const fixture *f, uint32_t offset) {
  return f->session.engine->mmio.read(f->session.engine->mmio.self, offset);
}

static void set_reg(const fixture *f, uint32_t offset, uint32_t value) {
  f->session.engine->mmio.write(f->session.engine->mmio.self, offset, value);
}

// ---- registers -----------------------------------------------------------------------

static void registers_have_their_reset_values(void **state) {
  const fixture *f = *state;
#define CSR(name, offset, access, reset, text) \
  if (offset != MX_CSR_BUILD_ID) assert_int_equal(reg(f, offset), reset);
#include "golden/csr.def"
  assert_int_equal(reg(f, MX_CSR_BUILD_ID), f->image->params->build_id);
  assert_int_equal(reg(f, 0xffc), 0);
}

static void only_writable_registers_are_written(void **state) {
  const fixture *f = *state;
  enum { KIND_RO, KIND_RW, KIND_W1 };
  static const struct { uint32_t offset, reset; int kind; } all[] = {
#define CSR(name, offset, access, reset, text) {offset, reset, KIND_##access},
#include "golden/csr.def"
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    if (all[i].offset == MX_CSR_BUILD_ID || all[i].offset == MX_CSR_CONTROL) continue;
    set_reg(f, all[i].offset, 0x5a5a5000);
    assert_int_equal(reg(f, all[i].offset), all[i].kind == KIND_RW ? 0x5a5a5000 : all[i].reset);
  }
  set_reg(f, 0xffc, 1);
}

static void interrupt_is_pending_only_when_enabled(void **state) {
  fixture *f = *state;
  mx_error e = {0};
  assert_int_equal(mx_session_begin(&f->session, &e), MX_OK);
  assert_int_equal(reg(f, MX_CSR_IRQ_STATUS), 1);
  set_reg(f, MX_CSR_IRQ_STATUS, 1);
  assert_int_equal(reg(f, MX_CSR_IRQ_STATUS), 0);
  set_reg(f, MX_CSR_IRQ_ENABLE, 0);
  set_reg(f, MX_CSR_CONTROL, MX_CONTROL_START);
  assert_int_equal(reg(f, MX_CSR_STATUS), MX_STATUS_DONE);
  assert_int_equal(reg(f, MX_CSR_IRQ_STATUS), 0);
}

// ---- programs ------------------------------------------------------------------------

static void tokens_follow_one_another(void **state) {
  fixture *f = *state;
  mx_error e = {0};
  assert_int_equal(mx_session_begin(&f->session, &e), MX_OK);
  for (uint32_t i = 0, token = TOY_BOS; i < TOY_CONTEXT; i++) {
    uint32_t next = 99;
    assert_int_equal(mx_session_token(&f->session, token, &next, &e), MX_OK);
    assert_int_equal(next, toy_next(token));
    assert_int_equal(f->session.counters.INSTRUCTIONS, 13);
    token = next;
  }
  uint32_t next = 99;
  assert_int_equal(mx_session_token(&f->session, 0, &next, &e), MX_LIMIT);
  assert_non_null(strstr(e.text, "12 positions"));
}

static void logits_are_the_row(void **state) {
  fixture *f = *state;
  mx_error e = {0};
  uint32_t next, logits[TOY_VOCAB];
  mx_memory_port *m = &f->session.runtime.memory;
  assert_int_equal(mx_session_begin(&f->session, &e), MX_OK);
  assert_int_equal(mx_session_token(&f->session, 3, &next, &e), MX_OK);
  assert_true(m->get(m->self, TOY_LOGITS, logits, sizeof logits));
  for (uint32_t i = 0; i < TOY_VOCAB; i++) assert_int_equal(logits[i], i == toy_next(3) ? 0x3f800000 : 0x3e800000);
}

static void memory_is_bounded(void **state) {
  const fixture *f = *state;
  const mx_memory_port *m = &f->session.runtime.memory;
  uint8_t byte = 1;
  assert_true(m->put(m->self, TOY_MEMORY - 1, &byte, 1));
  assert_false(m->put(m->self, TOY_MEMORY, &byte, 1));
  assert_false(m->get(m->self, UINT32_MAX, &byte, 1));
  assert_false(m->get(m->self, 1, &byte, TOY_MEMORY));
}

static void observe(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  uint32_t *writes = self;
  (void)value;
  if (unit == MX_UNIT_MOVE && space == MX_SPACE_MEM && address >= TOY_RESULT && address < TOY_RESULT + 4)
    ++*writes;
}

static void writes_are_observed(void **state) {
  fixture *f = *state;
  mx_error e = {0};
  uint32_t next, writes = 0;
  mx_engine_observe(f->session.engine, (mx_observer){observe, &writes});
  assert_int_equal(mx_session_begin(&f->session, &e), MX_OK);  // a reset in it keeps the observer
  assert_int_equal(mx_session_token(&f->session, 3, &next, &e), MX_OK);
  assert_int_equal(writes, 4);
}

// ---- faults --------------------------------------------------------------------------

static void load(const fixture *f) {
  const mx_memory_port *m = &f->session.runtime.memory;
  assert_true(m->put(m->self, 0, f->image->memory, f->image->memory_bytes));
}

// Run the token program, which must stop with `fault` at `address`; then START
// has no effect, and a reset recovers.
static void stops(fixture *f, uint32_t fault, uint32_t address, const char *words) {
  mx_error e = {0};
  uint32_t next;
  load(f);
  assert_int_equal(mx_session_begin(&f->session, &e), MX_OK);
  assert_int_equal(mx_session_token(&f->session, 3, &next, &e), MX_DEVICE);
  if (!strstr(e.text, words)) fail_msg("'%s' lacks '%s'", e.text, words);
  assert_int_equal(f->session.runtime.device.fault, fault);
  assert_int_equal(f->session.runtime.device.fault_address, address);
  assert_int_equal(reg(f, MX_CSR_STATUS), MX_STATUS_FAULT);
  set_reg(f, MX_CSR_PROGRAM, TOY_INIT);
  set_reg(f, MX_CSR_CONTROL, MX_CONTROL_START);
  assert_int_equal(reg(f, MX_CSR_STATUS), MX_STATUS_FAULT);
  e = (mx_error){0};
  assert_int_equal(mx_session_begin(&f->session, &e), MX_OK);
  assert_int_equal(reg(f, MX_CSR_ERROR), 0);
}

static void missing_ident_is_illegal(void **state) {
  fixture *f = *state;
  toy_writer w = {f->image, TOY_TOKEN};
  TOY_INSN(&w, FENCE, 0, {0, 0});
  stops(f, MX_FAULT_ILLEGAL, TOY_TOKEN, "ILLEGAL");
}

static void other_ident_is_a_build_fault(void **state) {
  fixture *f = *state;
  toy_writer w = {f->image, TOY_TOKEN};
  TOY_INSN(&w, IDENT, 0, {MX_F_IDENT_build_id, 1});
  stops(f, MX_FAULT_BUILD_ID, TOY_TOKEN, "embedding, instruction 0 at 0x000100: IDENT");
}

static void load_beyond_memory_is_out_of_range(void **state) {
  fixture *f = *state;
  toy_writer w = {f->image, TOY_TOKEN + 0x20};
  TOY_INSN(&w, LOAD, 0, {MX_F_LOAD_addr, TOY_MEMORY}, {MX_F_LOAD_count, 1});
  stops(f, MX_FAULT_RANGE, TOY_TOKEN + 0x20, "instruction 2 at 0x000120: LOAD");
}

static void odd_address_is_misaligned(void **state) {
  fixture *f = *state;
  toy_writer w = {f->image, TOY_TOKEN + 0x20};
  TOY_INSN(&w, LOAD, 0, {MX_F_LOAD_addr, 4}, {MX_F_LOAD_count, 1});
  stops(f, MX_FAULT_ALIGN, TOY_TOKEN + 0x20, "ALIGN");
}

static void odd_microcode_is_illegal(void **state) {
  fixture *f = *state;
  toy_writer w = {f->image, TOY_INIT + 0x10};
  TOY_INSN(&w, UCODE, 0, {MX_F_UCODE_addr, TOY_FREE}, {MX_F_UCODE_count, 4});
  memset(f->image->memory + TOY_FREE, 0xff, 16);
  stops(f, MX_FAULT_UCODE, TOY_TOKEN + 0x40, "choice");
}

static void unused_stream_is_a_fault(void **state) {
  fixture *f = *state;
  toy_writer w = {f->image, TOY_TOKEN + 0x50};
  TOY_INSN(&w, FENCE, MX_WAIT_VEC, {0, 0});
  stops(f, MX_FAULT_STREAM, TOY_TOKEN + 0xc0, "HALT");
}

static void odd_program_address_is_misaligned(void **state) {
  fixture *f = *state;
  f->session.runtime.facts.token_entry = TOY_TOKEN + 8;
  stops(f, MX_FAULT_ALIGN, TOY_TOKEN + 8, "ALIGN");
}

static void foreign_memory_is_a_bus_error(void **state) {
  fixture *f = *state;
  mx_error e = {0};
  f->session.runtime.memory_base = 0x1000;
  assert_int_equal(mx_session_begin(&f->session, &e), MX_DEVICE);
  assert_int_equal(f->session.runtime.device.fault, MX_FAULT_BUS_READ);
}

static void stopped_engine_does_not_wait(void **state) {
  fixture *f = *state;
  mx_engine *g = f->session.engine;
  assert_true(g->mmio.wait(g->mmio.self, 0));
  mx_engine_stop(g);
  assert_false(g->mmio.wait(g->mmio.self, 0));
}

// ---- opening -------------------------------------------------------------------------

static void opening_tells_what_is_wrong(void **state) {
  (void)state;
  mx_engine *g = (mx_engine *)1;
  mx_error e = {0};
  assert_int_equal(mx_engine_open("quantum", mx_params_find("sim"), 64, &plain, &g, &e), MX_USAGE);
  assert_null(g);
  assert_non_null(strstr(e.text, "quantum"));
  e = (mx_error){0};
  mx_engine_options o = {.directory = "/nowhere", .memory = MX_MEMORY_DEFAULTS};
  assert_int_equal(mx_engine_open("rtl", mx_params_find("tiny"), 64, &o, &g, &e), MX_UNSUPPORTED);
  assert_non_null(strstr(e.text, "make rtl SET=tiny"));
  e = (mx_error){0};
  o.trace_path = "a.fst";
  assert_int_equal(mx_engine_open("golden", mx_params_find("tiny"), 64, &o, &g, &e), MX_UNSUPPORTED);
  mx_engine_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(registers_have_their_reset_values),
      TEST(only_writable_registers_are_written),
      TEST(interrupt_is_pending_only_when_enabled),
      TEST(tokens_follow_one_another),
      TEST(logits_are_the_row),
      TEST(memory_is_bounded),
      TEST(writes_are_observed),
      TEST(missing_ident_is_illegal),
      TEST(other_ident_is_a_build_fault),
      TEST(load_beyond_memory_is_out_of_range),
      TEST(odd_address_is_misaligned),
      TEST(odd_microcode_is_illegal),
      TEST(unused_stream_is_a_fault),
      TEST(odd_program_address_is_misaligned),
      TEST(foreign_memory_is_a_bus_error),
      TEST(stopped_engine_does_not_wait),
      cmocka_unit_test(opening_tells_what_is_wrong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
