// Generation, and the comparison with the golden model: that equal engines are
// found equal and that each kind of difference is found and described. Where
// build/engines has the RTL (make rtl, make rtl-fault), it is compared too.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sim/generate.h"
#include "sim/verify.h"
#include "tests/unit/toy_image.h"

enum { FAULT_CYCLE = 3000 };  // sim/rules.mk

static const mx_engine_options plain = {.directory = "build/engines", .memory = MX_MEMORY_DEFAULTS};

// ---- generation ----------------------------------------------------------------------

typedef struct { mx_image *image; mx_tokenizer *tokenizer; mx_session session; char text[256]; } fixture;

static fixture the_fixture;

static int setup(void **state) {
  fixture *f = &the_fixture;
  mx_error e = {0};
  *f = (fixture){.image = toy_image("sim")};
  *state = f;
  if (mx_tokenizer_read(f->image->tokenizer, f->image->tokenizer_bytes, MX_NOWHERE, &f->tokenizer, &e)) return 1;
  return mx_session_open(&f->session, f->image, "golden", &plain, &e) || mx_session_begin(&f->session, &e);
}

static int teardown(void **state) {
  fixture *f = *state;
  mx_session_close(&f->session);
  mx_tokenizer_free(f->tokenizer);
  mx_image_free(f->image);
  return 0;
}

static mx_status feed(void *self, const uint32_t *tokens, uint32_t count, bool prompt, uint32_t *taken, uint32_t *next, mx_error *e) {
  (void)prompt;
  return mx_session_feed(&((fixture *)self)->session, tokens, count, taken, next, e);
}

static void emit(void *self, const char *text, size_t bytes) { strncat(((fixture *)self)->text, text, bytes); }

static mx_status generate(fixture *f, const char *prompt, uint32_t n, mx_generation *out, mx_error *e) {
  const mx_generator g = {.self = f, .feed = feed, .emit = emit};
  return mx_generate(f->image, f->tokenizer, prompt, strlen(prompt), n, &g, out, e);
}

static void empty_prompt_begins_with_bos(void **state) {
  fixture *f = *state;
  mx_generation g;
  mx_error e = {0};
  assert_int_equal(generate(f, "", 3, &g, &e), MX_OK);
  assert_int_equal(g.n_prompt, 1);
  assert_int_equal(g.n_tokens, 4);  // 1, then 4 "b", 5 "c", 0
  assert_string_equal(g.text, "bc");
  assert_string_equal(f->text, "bc");
  assert_int_equal(g.stop, MX_STOP_LENGTH);
  assert_int_equal(f->session.runtime.position, 3);
  mx_generation_free(&g);
}

static void end_token_ends(void **state) {
  fixture *f = *state;
  mx_generation g;
  mx_error e = {0};
  assert_int_equal(generate(f, " ", 9, &g, &e), MX_OK);  // 2, then 7 "d", 6 is the end
  assert_string_equal(g.text, " d");
  assert_int_equal(g.stop, MX_STOP_END_TOKEN);
  mx_generation_free(&g);
}

static void context_ends(void **state) {
  fixture *f = *state;
  mx_generation g;
  mx_error e = {0};
  assert_int_equal(generate(f, "abc", 1000, &g, &e), MX_OK);
  assert_int_equal(g.stop, MX_STOP_CONTEXT);
  assert_int_equal(g.n_tokens, TOY_CONTEXT + 1);
  assert_int_equal(f->session.runtime.position, TOY_CONTEXT);
  mx_generation_free(&g);
}

static void prompt_may_fill_the_context_not_more(void **state) {
  fixture *f = *state;
  mx_generation g;
  mx_error e = {0};
  assert_int_equal(generate(f, "aaaaaaaaaaa", 1, &g, &e), MX_OK);  // 11 and BOS
  assert_int_equal(g.n_tokens, TOY_CONTEXT + 1);
  mx_generation_free(&g);
  assert_int_equal(generate(f, "aaaaaaaaaaaa", 1, &g, &e), MX_LIMIT);
  assert_non_null(strstr(e.text, "the prompt has 13 tokens, the image has a context of 12"));
  mx_generation_free(&g);
}

// ---- comparison ----------------------------------------------------------------------

static mx_verify *open_verify(const mx_image *image, const char *engine, const mx_engine_options *o) {
  mx_verify *v;
  mx_error e = {0};
  if (mx_verify_open(image, engine, o, &v, &e)) fail_msg("%s", e.text);
  return v;
}

static void runs_equal(const mx_image *image, const char *engine, const mx_engine_options *o) {
  mx_verify *v = open_verify(image, engine, o);
  mx_error e = {0};
  mx_status s = mx_verify_begin(v, &e);
  for (uint32_t i = 0, token = TOY_BOS; i < TOY_CONTEXT && !s; i++) s = mx_verify_token(v, token, &token, &e);
  if (s) mx_verify_print(v, stderr);
  if (s) fail_msg("%s", e.text);
  const mx_verify_counts *c = mx_verify_get_counts(v);
  assert_int_equal(c->programs, TOY_CONTEXT + 1);
  assert_int_equal(c->writes[MX_STREAM_MOVE_UCODE], 4);
  assert_int_equal(c->writes[MX_STREAM_MOVE_VMEM], 32 * TOY_CONTEXT);
  assert_int_equal(c->writes[MX_STREAM_VEC_XMEM], 32 * TOY_CONTEXT);
  assert_int_equal(c->writes[MX_STREAM_VEC_XEXP], TOY_CONTEXT);
  assert_int_equal(c->writes[MX_STREAM_VEC_VMEM], TOY_CONTEXT);
  assert_int_equal(c->writes[MX_STREAM_DOT_VMEM], image->params->GROUP * TOY_CONTEXT);
  assert_int_equal(c->writes[MX_STREAM_MOVE_MEM], (33 + 32 + 1 + 4 + 4 * TOY_VOCAB) * TOY_CONTEXT);
  assert_int_equal(c->memory_bytes, TOY_MEMORY * (TOY_CONTEXT + 1));
  mx_verify_close(v);
}

static void golden_equals_itself(void **state) {
  const fixture *f = *state;
  runs_equal(f->image, "golden", &plain);
}

// Change a byte in the memory of the engine under test only.
static void tamper(mx_verify *v, uint32_t addr, uint8_t change) {
  const mx_memory_port *m = &mx_verify_session(v)->runtime.memory;
  uint8_t byte;
  assert_true(m->get(m->self, addr, &byte, 1));
  byte ^= change;
  assert_true(m->put(m->self, addr, &byte, 1));
}

// The report of the difference must have these words.
static void reports(mx_verify *v, mx_status s, const char *const words[]) {
  char *text;
  size_t size;
  FILE *out = open_memstream(&text, &size);
  assert_int_equal(s, MX_DEVICE);
  assert_true(mx_verify_divergence(v)->found);
  mx_verify_print(v, out);
  fclose(out);
  for (; *words; words++)
    if (!strstr(text, *words)) fail_msg("the report lacks '%s':\n%s", *words, text);
  free(text);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

// A byte changed after the initial program makes the first token differ.
static void change_is_found(const fixture *f, uint32_t addr, uint8_t change, const char *const words[]) {
  mx_verify *v = open_verify(f->image, "golden", &plain);
  mx_error e = {0};
  uint32_t next;
  assert_int_equal(mx_verify_begin(v, &e), MX_OK);
  tamper(v, addr, change);
  reports(v, mx_verify_token(v, TOY_BOS, &next, &e), words);
  mx_verify_close(v);
}

static void other_value_is_found(void **state) {
  change_is_found(*state, 0x1000 + 128 + 8, 1,  // word 2 of the row of token 1
                  WORDS("golden differs from golden: a write has another value", "position 0",
                        "embedding, instruction 2 at 0x000120: LOAD", "number 2 of unit move to VMEM",
                        "VMEM[0x42] = 3E800000", "VMEM[0x42] = 3E800001"));
}

static void other_address_is_found(void **state) {
  change_is_found(*state, TOY_TOKEN + 0x20 + 8, 1,  // dst of LOAD
                  WORDS("a write goes elsewhere", "VMEM[0x40]", "VMEM[0x41]"));
}

static void write_too_many_is_found(void **state) {
  change_is_found(*state, TOY_TOKEN + 0xb0 + 10, 1,  // count of the last STORE: 9
                  WORDS("a write too many", "unit move to memory", "expected     no write"));
}

static void missing_write_is_found(void **state) {
  change_is_found(*state, TOY_TOKEN + 0xb0 + 10, 8,  // 0
                  WORDS("a write is missing", "result, instruction 11", "got          no write"));
}

static void other_memory_is_found(void **state) {
  const fixture *f = *state;
  mx_verify *v = open_verify(f->image, "golden", &plain);
  mx_error e = {0};
  tamper(v, TOY_FREE, 0x80);
  reports(v, mx_verify_begin(v, &e), WORDS("a memory byte differs", "initial program", "memory[0x3f00] = 00",
                                           "memory[0x3f00] = 80"));
  mx_verify_close(v);
}

// ---- the RTL, where it is built --------------------------------------------------------

static bool built(const char *library) {
  char path[128];
  snprintf(path, sizeof path, "build/engines/rtl_%s.so", library);
  return !access(path, R_OK);
}

static void rtl_equals_golden(void **state) {
  (void)state;
  static const mx_memory_options slow = {.latency = 70, .beats = 1, .per = 5, .outstanding = 1, .stall_seed = 1};
  uint32_t sets = 0;
  for (const mx_params *p = mx_param_sets; p->name; p++) {
    if (!built(p->name)) continue;
    mx_image *image = toy_image(p->name);
    mx_engine_options o = plain;
    runs_equal(image, "rtl", &o);
    o.memory = slow;
    runs_equal(image, "rtl", &o);
    for (o.memory = MX_MEMORY_DEFAULTS; o.memory.stall_seed <= 5; o.memory.stall_seed++) {
      o.memory.stall_percent = (uint32_t)(15 * o.memory.stall_seed);
      runs_equal(image, "rtl", &o);
    }
    mx_image_free(image);
    sets++;
  }
  if (!sets) fail_msg("no RTL engine is built: make rtl SET=sim");
}

static void planted_fault_is_found(void **state) {
  const fixture *f = *state;
  if (!built("sim_fault")) fail_msg("build/engines/rtl_sim_fault.so is missing: make rtl-fault SET=sim");
  mx_engine_options o = plain;
  o.variant = "fault";
  mx_verify *v = open_verify(f->image, "rtl", &o);
  mx_error e = {0};
  mx_status s = mx_verify_begin(v, &e);
  for (uint32_t i = 0, token = TOY_BOS; i < TOY_CONTEXT && !s; i++) s = mx_verify_token(v, token, &token, &e);
  reports(v, s, WORDS("rtl differs from golden: a write has another value", "choice, instruction 5 at 0x000150: MATMUL",
                      "of unit dot to VMEM"));
  const mx_divergence *d = mx_verify_divergence(v);
  assert_int_equal(d->expected_value ^ d->got_value, 1);
  assert_true(d->cycle >= FAULT_CYCLE);
  mx_verify_close(v);
}

static void rtl_faults_as_golden(void **state) {
  const fixture *f = *state;
  if (!built("sim")) fail_msg("build/engines/rtl_sim.so is missing: make rtl SET=sim");
  mx_session s;
  mx_error e = {0};
  uint32_t next;
  toy_writer w = {f->image, TOY_TOKEN + 0x20};
  TOY_INSN(&w, LOAD, 0, {MX_F_LOAD_addr, TOY_MEMORY}, {MX_F_LOAD_count, 1});
  assert_int_equal(mx_session_open(&s, f->image, "rtl", &plain, &e), MX_OK);
  assert_int_equal(mx_session_begin(&s, &e), MX_OK);
  assert_int_equal(mx_session_token(&s, 3, &next, &e), MX_DEVICE);
  assert_int_equal(s.runtime.device.fault, MX_FAULT_RANGE);
  e = (mx_error){0};
  assert_int_equal(mx_session_begin(&s, &e), MX_OK);  // the reset in it recovers
  s.runtime.memory_base += 1 << 20;
  assert_int_equal(mx_session_begin(&s, &e), MX_DEVICE);
  assert_int_equal(s.runtime.device.fault, MX_FAULT_BUS_READ);
  mx_session_close(&s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(empty_prompt_begins_with_bos), TEST(end_token_ends),
      TEST(context_ends),                 TEST(prompt_may_fill_the_context_not_more),
      TEST(golden_equals_itself),         TEST(other_value_is_found),
      TEST(other_address_is_found),       TEST(write_too_many_is_found),
      TEST(missing_write_is_found),       TEST(other_memory_is_found),
      TEST(rtl_equals_golden),            TEST(planted_fault_is_found),
      TEST(rtl_faults_as_golden),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
