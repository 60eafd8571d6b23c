// The driver and the runtime against a mock: each read and write must be the
// next of an expected list.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/mx_runtime.h"

enum { BUILD = 0x1234abcd, RESULT = 0x40 };

typedef enum { READ, WRITE, WAIT, END } kind;
// value: what a read gives, what a write must carry, what a wait returns
typedef struct { kind kind; uint32_t offset, value; } access;

typedef struct {
  const access *next;
  uint8_t memory[128];
  bool memory_fails;
} mock;

static uint32_t mock_read(void *self, uint32_t offset) {
  mock *m = self;
  assert_int_equal(m->next->kind, READ);
  assert_int_equal(m->next->offset, offset);
  return m->next++->value;
}

static void mock_write(void *self, uint32_t offset, uint32_t value) {
  mock *m = self;
  assert_int_equal(m->next->kind, WRITE);
  assert_int_equal(m->next->offset, offset);
  assert_int_equal(m->next->value, value);
  m->next++;
}

static bool mock_wait(void *self, uint32_t polls) {
  mock *m = self;
  assert_int_equal(m->next->kind, WAIT);
  assert_int_equal(m->next->offset, polls);
  return m->next++->value;
}

static bool mock_get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  const mock *m = self;
  assert_true(addr + bytes <= sizeof m->memory);
  memcpy(to, m->memory + addr, bytes);
  return !m->memory_fails;
}

static mx_device device_of(mock *m, const access *list) {
  m->next = list;
  return (mx_device){.mmio = {m, mock_read, mock_write, mock_wait}};
}

static void finished(const mock *m) { assert_int_equal(m->next->kind, END); }

#define RD(name, value) {READ, MX_CSR_##name, value}
#define WR(name, value) {WRITE, MX_CSR_##name, value}
#define STOP {END, 0, 0}

// ---- driver ------------------------------------------------------------------------

static void probe_finds_its_device(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, BUILD), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_probe(&dev, BUILD), MX_DRIVER_OK);
  assert_int_equal(dev.build_id, BUILD);
  finished(&m);
}

static void probe_refuses_what_is_no_device(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0xffffffff), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_probe(&dev, BUILD), MX_DRIVER_NO_DEVICE);
  finished(&m);
}

static void probe_refuses_another_build(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, BUILD + 1), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_probe(&dev, BUILD), MX_DRIVER_OTHER_BUILD);
  assert_int_equal(dev.build_id, BUILD + 1);
  finished(&m);
}

static void reset_waits_and_enables_the_interrupt(void **state) {
  (void)state;
  static const access list[] = {WR(CONTROL, 2), RD(STATUS, 1), {WAIT, 0, 1}, RD(STATUS, 0),
                                WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 1), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  dev.fault = 3;
  assert_int_equal(mx_driver_reset(&dev, 5), MX_DRIVER_OK);
  assert_int_equal(dev.fault, 0);
  finished(&m);
}

static void reset_leaves_the_interrupt_out_when_polled(void **state) {
  (void)state;
  static const access list[] = {WR(CONTROL, 2), RD(STATUS, 0), WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 0), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  dev.polled = true;
  assert_int_equal(mx_driver_reset(&dev, 5), MX_DRIVER_OK);
  finished(&m);
}

static void reset_is_bounded(void **state) {
  (void)state;
  static const access list[] = {WR(CONTROL, 2), RD(STATUS, 1), {WAIT, 0, 1}, RD(STATUS, 1), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_reset(&dev, 1), MX_DRIVER_TIMEOUT);
  finished(&m);
}

static void memory_base_has_two_halves(void **state) {
  (void)state;
  static const access list[] = {WR(MEM_BASE_LO, 0x40001000), WR(MEM_BASE_HI, 0x12), WR(MEM_SIZE, 0x2000), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  mx_driver_set_memory(&dev, 0x1240001000, 0x2000);
  finished(&m);
}

static void start_passes_the_arguments(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 2), WR(PROGRAM, 0x100), WR(ARG1, 10), WR(ARG2, 20), WR(ARG3, 30),
                                WR(ARG4, 40), WR(IRQ_STATUS, 1), WR(CONTROL, 1), STOP};
  static const uint32_t args[MX_ARGS] = {10, 20, 30, 40};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_start(&dev, 0x100, args), MX_DRIVER_OK);
  finished(&m);
}

static void start_refuses_a_busy_device(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 1), STOP};
  static const uint32_t args[MX_ARGS] = {0};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_start(&dev, 0x100, args), MX_DRIVER_BUSY);
  finished(&m);
}

static void wait_ends_when_the_program_does(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 1), {WAIT, 0, 1}, RD(STATUS, 1), {WAIT, 1, 1}, RD(STATUS, 2), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_wait(&dev, 100), MX_DRIVER_OK);
  finished(&m);
}

static void wait_is_bounded_by_polls(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 1), {WAIT, 0, 1}, RD(STATUS, 1), {WAIT, 1, 1}, RD(STATUS, 1), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_wait(&dev, 2), MX_DRIVER_TIMEOUT);
  finished(&m);
}

static void wait_is_bounded_by_time(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 1), {WAIT, 0, 0}, STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_wait(&dev, UINT32_MAX), MX_DRIVER_TIMEOUT);
  finished(&m);
}

static void wait_decodes_a_fault(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 4), RD(ERROR, MX_FAULT_RANGE), RD(ERROR_PC, 0x1230), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_wait(&dev, 0), MX_DRIVER_FAULT);
  assert_int_equal(dev.fault, MX_FAULT_RANGE);
  assert_int_equal(dev.fault_address, 0x1230);
  assert_string_equal(mx_driver_fault_text(dev.fault), "a memory address beyond MEM_SIZE");
  assert_string_equal(mx_driver_fault_text(77), "unknown fault code");
  finished(&m);
}

static void wait_notices_that_nothing_ran(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 0), STOP};
  mock m = {0};
  mx_device dev = device_of(&m, list);
  assert_int_equal(mx_driver_wait(&dev, 1), MX_DRIVER_NOT_DONE);
  finished(&m);
}

static void counters_come_by_name(void **state) {
  (void)state;
  static const access list[] = {RD(CYCLES, 1), RD(INSTRUCTIONS, 2), RD(READ_BEATS, 3), RD(WRITE_BEATS, 4),
                                RD(DOT_BUSY, 5), RD(DOT_STARVED, 6), RD(DOT_BLOCKED, 7), RD(VEC_BUSY, 8),
                                RD(MOVE_BUSY, 9), RD(SEQ_WAIT, 10), RD(FETCH_WAIT, 11), STOP};
  mock m = {0};
  mx_counters c;
  mx_device dev = device_of(&m, list);
  mx_driver_counters(&dev, &c);
  assert_int_equal(c.CYCLES, 1);
  assert_int_equal(c.DOT_BLOCKED, 7);
  assert_int_equal(c.FETCH_WAIT, 11);
  finished(&m);
}

static void every_status_has_a_sentence(void **state) {
  (void)state;
  for (int s = MX_DRIVER_OK; s <= MX_DRIVER_NO_BOS; s++)
    assert_string_not_equal(mx_driver_text((mx_driver_status)s), "unknown status");
  assert_string_equal(mx_driver_text((mx_driver_status)99), "unknown status");
}

// ---- runtime -----------------------------------------------------------------------

static mx_runtime runtime_of(mock *m, const access *list) {
  return (mx_runtime){.device = device_of(m, list), .memory = {.self = m, .get = mock_get}, .memory_base = 0x1000,
                      .max_polls = 3,
                      .facts = {.build_id = BUILD, .mem_bytes = 4096, .init_entry = 0x80, .token_entry = 0xc0,
                                .result_addr = RESULT, .vocab_size = 10, .context_length = 3, .eos_id = 2}};
}

#define PROGRAM_OF(entry, arg1, arg2)                                                                     \
  RD(STATUS, 2), WR(PROGRAM, entry), WR(ARG1, arg1), WR(ARG2, arg2), WR(ARG3, 0), WR(ARG4, 0), WR(IRQ_STATUS, 1), \
      WR(CONTROL, 1), RD(STATUS, 2)

static void begin_runs_the_initial_program(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, BUILD), WR(CONTROL, 2), RD(STATUS, 0),
                                WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 1), WR(MEM_BASE_LO, 0x1000), WR(MEM_BASE_HI, 0),
                                WR(MEM_SIZE, 4096), PROGRAM_OF(0x80, 0, 0), STOP};
  mock m = {0};
  mx_runtime rt = runtime_of(&m, list);
  assert_int_equal(mx_runtime_begin(&rt), MX_DRIVER_OK);
  finished(&m);
}

// A program that hangs is stopped, and a new text begins.
static void recover_resets_and_begins_again(void **state) {
  (void)state;
  static const access list[] = {RD(STATUS, 2), WR(PROGRAM, 0xc0), WR(ARG1, 7), WR(ARG2, 1), WR(ARG3, 0), WR(ARG4, 0), WR(IRQ_STATUS, 1),
                                WR(CONTROL, 1), RD(STATUS, 1), {WAIT, 0, 0},
                                WR(CONTROL, 2), RD(STATUS, 1), {WAIT, 0, 1}, RD(STATUS, 0), WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 1),
                                WR(MEM_BASE_LO, 0x1000), WR(MEM_BASE_HI, 0), WR(MEM_SIZE, 4096), PROGRAM_OF(0x80, 0, 0),
                                PROGRAM_OF(0xc0, 7, 0), STOP};
  mock m = {.memory = {[RESULT] = 5}};
  mx_runtime rt = runtime_of(&m, list);
  uint32_t next = 0;
  rt.position = 1;
  assert_int_equal(mx_runtime_token(&rt, 7, &next), MX_DRIVER_TIMEOUT);
  assert_int_equal(mx_runtime_recover(&rt), MX_DRIVER_OK);
  assert_int_equal(mx_runtime_token(&rt, 7, &next), MX_DRIVER_OK);
  assert_int_equal(next, 5);
  finished(&m);
}

static void recover_tells_of_a_device_that_stays_busy(void **state) {
  (void)state;
  static const access list[] = {WR(CONTROL, 2), RD(STATUS, 1), {WAIT, 0, 0}, STOP};
  mock m = {0};
  mx_runtime rt = runtime_of(&m, list);
  assert_int_equal(mx_runtime_recover(&rt), MX_DRIVER_TIMEOUT);
  finished(&m);
}

static void begin_refuses_another_build(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, 0), STOP};
  mock m = {0};
  mx_runtime rt = runtime_of(&m, list);
  assert_int_equal(mx_runtime_begin(&rt), MX_DRIVER_OTHER_BUILD);
  finished(&m);
}

static void prefill_feeds_token_by_token_until_full(void **state) {
  (void)state;
  static const access list[] = {PROGRAM_OF(0xc0, 7, 0), PROGRAM_OF(0xc0, 8, 1), PROGRAM_OF(0xc0, 9, 2), STOP};
  static const uint32_t tokens[] = {7, 8, 9, 1};
  mock m = {.memory = {[RESULT] = 5}};
  mx_runtime rt = runtime_of(&m, list);
  uint32_t next = 0;
  assert_int_equal(mx_runtime_prefill(&rt, tokens, 4, &next), MX_DRIVER_CONTEXT_FULL);
  assert_int_equal(next, 0);  // the last was not fed
  assert_int_equal(rt.position, 3);
  assert_int_equal(mx_runtime_room(&rt), 0);
  mx_runtime_rewind(&rt);
  assert_int_equal(mx_runtime_room(&rt), 3);
  finished(&m);
}

// An image whose prefix of 2 tokens ends with BOS, token 1.
static mx_runtime prefixed_runtime(mock *m, const access *list) {
  mx_runtime rt = runtime_of(m, list);
  rt.facts.prefix_tokens = 2;
  rt.facts.bos_id = 1;
  rt.facts.context_length = 4;
  return rt;
}

static void bos_of_a_prefix_is_not_run(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, BUILD), WR(CONTROL, 2), RD(STATUS, 0),
                                WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 1), WR(MEM_BASE_LO, 0x1000), WR(MEM_BASE_HI, 0),
                                WR(MEM_SIZE, 4096), PROGRAM_OF(0x80, 0, 0), PROGRAM_OF(0xc0, 7, 2), PROGRAM_OF(0xc0, 8, 3), STOP};
  static const uint32_t tokens[] = {1, 7, 8, 9};
  mock m = {.memory = {[RESULT] = 6}};
  mx_runtime rt = prefixed_runtime(&m, list);
  uint32_t next = 0;
  assert_int_equal(mx_runtime_begin(&rt), MX_DRIVER_OK);
  m.memory[RESULT] = 5;  // what a token leaves
  assert_int_equal(mx_runtime_token(&rt, 7, &next), MX_DRIVER_NO_BOS);
  assert_int_equal(mx_runtime_token(&rt, 1, &next), MX_DRIVER_OK);
  assert_int_equal(next, 6);
  assert_int_equal(rt.position, 2);
  mx_runtime_rewind(&rt);
  assert_int_equal(mx_runtime_prefill(&rt, tokens, 4, &next), MX_DRIVER_CONTEXT_FULL);
  assert_int_equal(next, 6);  // the last was not fed
  assert_int_equal(rt.position, 4);
  mx_runtime_rewind(&rt);
  assert_int_equal(mx_runtime_room(&rt), 2);
  assert_int_equal(mx_runtime_prefill(&rt, tokens, 1, &next), MX_DRIVER_OK);
  assert_int_equal(next, 6);
  finished(&m);
}

// Of the logits after the prefix; when they are gone the initial program makes them again.
static void random_choice_after_the_prefix_alone(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, BUILD), WR(CONTROL, 2), RD(STATUS, 0),
                                WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 1), WR(MEM_BASE_LO, 0x1000), WR(MEM_BASE_HI, 0),
                                WR(MEM_SIZE, 4096), PROGRAM_OF(0x80, 0, 0), PROGRAM_OF(0xc0, 3, 2), PROGRAM_OF(0x80, 0, 0), STOP};
  mock m = {.memory = {[RESULT] = 6, [4 * 3 + 2] = 0x80, [4 * 3 + 3] = 0x7f, [4 * 8 + 2] = 0xc0, [4 * 8 + 3] = 0x42}};  // infinite; 96
  uint32_t scratch[4], next = 0;
  mx_sampler sampler = {.temperature_milli = 1000, .top_p_milli = 1000, .scratch = scratch, .scratch_words = 4};
  mx_runtime rt = prefixed_runtime(&m, list);
  mx_sampler_seed(&sampler, 1);
  rt.sampler = &sampler;
  assert_int_equal(mx_runtime_begin(&rt), MX_DRIVER_OK);
  assert_int_equal(mx_runtime_token(&rt, 1, &next), MX_DRIVER_OK);
  assert_int_equal(next, 3);
  m.memory[4 * 3 + 3] = 0;
  assert_int_equal(mx_runtime_token(&rt, 3, &next), MX_DRIVER_OK);
  assert_int_equal(next, 8);
  mx_runtime_rewind(&rt);
  m.memory[4 * 3 + 3] = 0x7f;  // as that program leaves it
  assert_int_equal(mx_runtime_token(&rt, 1, &next), MX_DRIVER_OK);
  assert_int_equal(next, 3);
  assert_int_equal(rt.position, 2);
  mx_runtime_rewind(&rt);
  sampler.temperature_milli = 0;
  assert_int_equal(mx_runtime_token(&rt, 1, &next), MX_DRIVER_OK);
  assert_int_equal(next, 6);
  finished(&m);
}

static void unreachable_choice_of_a_prefix_is_told(void **state) {
  (void)state;
  static const access list[] = {RD(ID, 0x3146584d), RD(BUILD_ID, BUILD), WR(CONTROL, 2), RD(STATUS, 0),
                                WR(IRQ_STATUS, 1), WR(IRQ_ENABLE, 1), WR(MEM_BASE_LO, 0x1000), WR(MEM_BASE_HI, 0),
                                WR(MEM_SIZE, 4096), PROGRAM_OF(0x80, 0, 0), STOP};
  mock m = {.memory_fails = true};
  mx_runtime rt = prefixed_runtime(&m, list);
  assert_int_equal(mx_runtime_begin(&rt), MX_DRIVER_MEMORY);
  finished(&m);
}

static void token_outside_the_vocabulary_is_refused(void **state) {
  (void)state;
  static const access list[] = {STOP};
  mock m = {0};
  mx_runtime rt = runtime_of(&m, list);
  uint32_t next = 0;
  assert_int_equal(mx_runtime_token(&rt, 10, &next), MX_DRIVER_BAD_TOKEN);
  finished(&m);
}

static void unreachable_result_is_told(void **state) {
  (void)state;
  static const access list[] = {PROGRAM_OF(0xc0, 7, 0), STOP};
  mock m = {.memory_fails = true};
  mx_runtime rt = runtime_of(&m, list);
  uint32_t next = 0;
  assert_int_equal(mx_runtime_token(&rt, 7, &next), MX_DRIVER_MEMORY);
  finished(&m);
}

typedef struct { mock *m; uint32_t tokens[8], count, end_after; } sink;

// After `end_after` tokens the device's next choice is the end token.
static bool emit(void *self, uint32_t token) {
  sink *s = self;
  s->tokens[s->count++] = token;
  if (s->count == s->end_after) s->m->memory[RESULT] = 2;
  return true;
}

static void decode_stops_at_the_end_token(void **state) {
  (void)state;
  static const access list[] = {PROGRAM_OF(0xc0, 4, 0), PROGRAM_OF(0xc0, 6, 1), STOP};
  mock m = {.memory = {[RESULT] = 6}};
  mx_runtime rt = runtime_of(&m, list);
  sink s = {.m = &m, .end_after = 2};
  mx_stop stop;
  assert_int_equal(mx_runtime_decode(&rt, 4, 100, emit, &s, &stop), MX_DRIVER_OK);
  assert_int_equal(stop, MX_STOP_END_TOKEN);
  assert_int_equal(s.count, 2);
  assert_int_equal(s.tokens[0], 4);
  assert_int_equal(s.tokens[1], 6);
  finished(&m);
}

static void decode_stops_at_the_full_context(void **state) {
  (void)state;
  static const access list[] = {PROGRAM_OF(0xc0, 4, 0), PROGRAM_OF(0xc0, 6, 1), PROGRAM_OF(0xc0, 6, 2), STOP};
  mock m = {.memory = {[RESULT] = 6}};
  mx_runtime rt = runtime_of(&m, list);
  sink s = {.m = &m, .end_after = 99};
  mx_stop stop;
  assert_int_equal(mx_runtime_decode(&rt, 4, 8, emit, &s, &stop), MX_DRIVER_OK);
  assert_int_equal(stop, MX_STOP_CONTEXT);
  assert_int_equal(s.count, 4);  // the last needs no position
  finished(&m);
}

static void decode_stops_after_so_many(void **state) {
  (void)state;
  static const access list[] = {PROGRAM_OF(0xc0, 4, 0), STOP};
  mock m = {.memory = {[RESULT] = 6}};
  mx_runtime rt = runtime_of(&m, list);
  sink s = {.m = &m, .end_after = 99};
  mx_stop stop;
  assert_int_equal(mx_runtime_decode(&rt, 4, 2, emit, &s, &stop), MX_DRIVER_OK);
  assert_int_equal(stop, MX_STOP_LENGTH);
  assert_int_equal(s.count, 2);
  finished(&m);
}

static void facts_are_read_from_the_header(void **state) {
  (void)state;
  uint8_t header[MX_FACTS_HEADER_BYTES] = "MXP1";
  for (uint8_t i = 16; i < sizeof header; i++) header[i] = i;
  mx_facts f;
  assert_int_equal(mx_facts_read(header, &f), MX_DRIVER_OK);
  assert_int_equal(f.build_id, 0x13121110);
  assert_int_equal(f.mem_bytes, 0x23222120);
  assert_int_equal(f.eos_id, 0x43424140);
  header[0] = 'm';
  assert_int_equal(mx_facts_read(header, &f), MX_DRIVER_BAD_IMAGE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(probe_finds_its_device),
      cmocka_unit_test(probe_refuses_what_is_no_device),
      cmocka_unit_test(probe_refuses_another_build),
      cmocka_unit_test(reset_waits_and_enables_the_interrupt),
      cmocka_unit_test(reset_leaves_the_interrupt_out_when_polled),
      cmocka_unit_test(reset_is_bounded),
      cmocka_unit_test(memory_base_has_two_halves),
      cmocka_unit_test(start_passes_the_arguments),
      cmocka_unit_test(start_refuses_a_busy_device),
      cmocka_unit_test(wait_ends_when_the_program_does),
      cmocka_unit_test(wait_is_bounded_by_polls),
      cmocka_unit_test(wait_is_bounded_by_time),
      cmocka_unit_test(wait_decodes_a_fault),
      cmocka_unit_test(wait_notices_that_nothing_ran),
      cmocka_unit_test(counters_come_by_name),
      cmocka_unit_test(every_status_has_a_sentence),
      cmocka_unit_test(begin_runs_the_initial_program),
      cmocka_unit_test(recover_resets_and_begins_again),
      cmocka_unit_test(recover_tells_of_a_device_that_stays_busy),
      cmocka_unit_test(random_choice_after_the_prefix_alone),
      cmocka_unit_test(begin_refuses_another_build),
      cmocka_unit_test(prefill_feeds_token_by_token_until_full),
      cmocka_unit_test(bos_of_a_prefix_is_not_run),
      cmocka_unit_test(unreachable_choice_of_a_prefix_is_told),
      cmocka_unit_test(token_outside_the_vocabulary_is_refused),
      cmocka_unit_test(unreachable_result_is_told),
      cmocka_unit_test(decode_stops_at_the_end_token),
      cmocka_unit_test(decode_stops_at_the_full_context),
      cmocka_unit_test(decode_stops_after_so_many),
      cmocka_unit_test(facts_are_read_from_the_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
