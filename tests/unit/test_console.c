// The console over a scripted line, with a toy model on the golden engine: what is typed
// and what must come back, byte by byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "firmware/mx_console.h"
#include "firmware/mx_frame.h"
#include "sim/session.h"
#include "tests/unit/program.h"
#include "tests/unit/toy_image.h"

enum { LINE = 24 };

typedef struct {
  mx_image *image;
  mx_session session;
  mx_text text;
  mx_console console;
  const char *in;
  size_t left;
  char out[1 << 16];
  size_t n;
  uint32_t interrupt_at, polls;  // the poll without waiting that finds Ctrl-C; 0: none
  const char *ahead;             // what polls find before, a byte each
  uint64_t clock;
  uint8_t line[LINE];
  uint32_t tokens[TOY_CONTEXT], scratch[4], work[200];
} fixture;

static void send_byte(void *self, uint8_t byte) {
  fixture *f = self;
  assert_true(f->n + 1 < sizeof f->out);
  f->out[f->n++] = (char)byte;
  f->out[f->n] = 0;
}

static int receive(void *self, bool wait) {
  fixture *f = self;
  if (!wait && f->ahead && *f->ahead) return (uint8_t)*f->ahead++;
  if (!wait) return ++f->polls == f->interrupt_at ? 3 : MX_TERMINAL_NOTHING;
  if (!f->left) return MX_TERMINAL_END;
  f->left--;
  return (uint8_t)*f->in++;
}

static uint64_t now(void *self) { return ((fixture *)self)->clock += 500; }

static int set_up(void **state) {
  fixture *f = calloc(1, sizeof *f);
  static const mx_engine_options options = {0};
  mx_error e = {0};
  *state = f;
  f->image = toy_image("sim");
  if (!f || mx_session_open(&f->session, f->image, "golden", &options, &e)) return -1;
  if (mx_runtime_begin(&f->session.runtime) || mx_text_open(&f->text, f->image->tokenizer, f->image->tokenizer_bytes)) return -1;
  f->console = (mx_console){.terminal = {f, send_byte, receive, now, 1000000, true},
                            .runtime = &f->session.runtime, .text = &f->text, .max_tokens = 32,
                            .sampler = {.top_p_milli = 1000, .scratch = f->scratch, .scratch_words = 4},
                            .line = f->line, .line_bytes = LINE, .tokens = f->tokens, .max_prompt = TOY_CONTEXT,
                            .work = f->work, .work_bytes = sizeof f->work};
  mx_sampler_seed(&f->console.sampler, 1);
  return 0;
}

static int tear_down(void **state) {
  fixture *f = *state;
  mx_session_close(&f->session);
  mx_image_free(f->image);
  free(f);
  return 0;
}

static mx_console_event type_text(fixture *f, const char *in) {
  f->in = in;
  f->left = strlen(in);
  f->n = f->polls = 0;
  return mx_console_run(&f->console);
}

static void answers(fixture *f, const char *in, const char *out) {
  assert_int_equal(type_text(f, in), MX_CONSOLE_END);
  assert_string_equal(f->out, out);
}

// ---- texts -------------------------------------------------------------------------

static void writes_a_text(void **state) {
  answers(*state, "a\r", "> a\r\na d\r\n> ");  // ends at the end token
}

static void every_line_is_a_new_text(void **state) {
  answers(*state, "a\ra\n", "> a\r\na d\r\n> a\r\na d\r\n> ");
}

static void says_that_the_context_is_full(void **state) {
  answers(*state, "b\r", "> b\r\nbcbcbc\r\n[the context of 12 positions is full]\r\n> ");
}

static void ends_after_n_tokens(void **state) {
  answers(*state, "/n 1\rb\r/n 0\rb\r", "> /n 1\r\n> b\r\nbc\r\n> /n 0\r\n> b\r\nb\r\n> ");
}

static void stops_at_ctrl_c(void **state) {
  fixture *f = *state;
  f->interrupt_at = 3;  // 2 of the prompt
  answers(f, "b\ra\r", "> b\r\nbc\r\n[stopped]\r\n> a\r\na d\r\n> ");
  f->interrupt_at = 1;
  answers(f, "b\r", "> b\r\n\r\n[stopped]\r\n> ");
}

static void lines_typed_ahead_are_kept(void **state) {
  fixture *f = *state;
  f->ahead = "a\r/n 1\rb\r";
  answers(f, "b\r", "> b\r\nbcbcbc\r\n[the context of 12 positions is full]\r\n> a\r\na d\r\n> /n 1\r\n> b\r\nbc\r\n> ");
  f->console.max_tokens = 32;
  f->ahead = "cab\b\b";  // edited, and goes on with what comes later
  answers(f, "b\r\b" "a\r", "> b\r\nbcbcbc\r\n[the context of 12 positions is full]\r\n> cab\b \b\b \b\b \ba\r\na d\r\n> ");
  f->ahead = "a\r";
  f->interrupt_at = 1;  // drops it
  answers(f, "b\r", "> b\r\n\r\n[stopped]\r\n> ");
  f->interrupt_at = 0;
  answers(f, "a\r", "> a\r\na d\r\n> ");
  f->ahead = (const char[]){(char)MX_FRAME_FLAG, 'a', '\r', 0};  // a host, that repeats it
  assert_int_equal(type_text(f, "b\r"), MX_CONSOLE_SERIAL);
  answers(f, "a\r", "> a\r\na d\r\n> ");
}

static void more_than_a_line_typed_ahead(void **state) {
  fixture *f = *state;
  char many[2 * LINE + 1];
  memset(many, 'a', sizeof many - 1);
  many[sizeof many - 1] = 0;
  f->ahead = many;
  type_text(f, "b\r\r");
  assert_string_equal(strstr(f->out, "error"), "error: the line is too long\r\n> ");
  answers(f, "a\r", "> a\r\na d\r\n> ");
}

static void random_texts_repeat_with_their_seed(void **state) {
  fixture *f = *state;
  char first[400];
  type_text(f, "/temp 10\r/seed 5\rb\rb\r");
  snprintf(first, sizeof first, "%s", strstr(f->out, "> b"));
  type_text(f, "/seed 5\rb\rb\r");
  assert_string_equal(strstr(f->out, "> b"), first);
  type_text(f, "/seed 6\rb\rb\r");
  assert_string_not_equal(strstr(f->out, "> b"), first);
  answers(f, "/temp 0\ra\r", "> /temp 0\r\n> a\r\na d\r\n> ");
}

static void prompts_that_do_not_fit(void **state) {
  fixture *f = *state;
  answers(f, "abcabcabcabc\ra\r", "> abcabcabcabc\r\nerror: the prompt has more tokens than the context has positions: 12\r\n> a\r\na d\r\n> ");
  f->console.work_bytes = 40;
  answers(f, "abcabc\r", "> abcabc\r\nerror: the text is too long\r\n> ");
}

// ---- lines -------------------------------------------------------------------------

static void lines_are_edited(void **state) {
  fixture *f = *state;
  answers(f, "bb\b\x7f\b" "a\r", "> bb\b \b\b \ba\r\na d\r\n> ");
  answers(f, "\xc3\xa9\b" "a\r", "> \xc3\xa9\b \ba\r\na d\r\n> ");  // a character of two bytes
  answers(f, "bc\x15" "a\r", "> bc\b \b\b \ba\r\na d\r\n> ");
  answers(f, "bc\x03" "a\r", "> bc^C\r\n> a\r\na d\r\n> ");
  answers(f, "a\x1b[A\x1b[3~\x01\r", "> a\r\na d\r\n> ");  // keys that mean nothing here
}

static void every_end_of_line_counts_once(void **state) {
  answers(*state, "\r\r\n\n\r", "> \r\n> \r\n> \r\n> \r\n> ");
}

static void long_lines_are_refused(void **state) {
  fixture *f = *state;
  answers(f, "aaaaaaaaaaaaaaaaaaaaaaaaa\ra\r", "> aaaaaaaaaaaaaaaaaaaaaaa\a\a\r\nerror: the line is too long\r\n> a\r\na d\r\n> ");
  f->console.terminal.echo = false;
  answers(f, "/n                     23\b\b\b\b1\rb\r", "> > bc\r\n> ");  // erased down to "/n       1"
}

static void without_echo_only_answers_come(void **state) {
  fixture *f = *state;
  f->console.terminal.echo = false;
  answers(f, "a\r", "> a d\r\n> ");
}

static void a_line_without_end_counts(void **state) { answers(*state, "a", "> a\r\na d\r\n> "); }

static void frames_leave_the_console(void **state) {
  fixture *f = *state;
  assert_int_equal(type_text(f, "\x7e"), MX_CONSOLE_SERIAL);
  answers(f, "a\x7e\b\r", "> a\x7e\b \b\r\na d\r\n> ");  // not at the beginning of a line
}

// ---- commands ----------------------------------------------------------------------

static void wrong_commands_are_told(void **state) {
  static const struct { const char *line, *error; } cases[] = {
      {"/temp", "/temp takes 0, or 0.01 to 10, with at most 3 places"},  {"/temp 0.001", "/temp takes 0, or 0.01 to 10, with at most 3 places"},
      {"/temp 10.001", "/temp takes 0, or 0.01 to 10, with at most 3 places"}, {"/top-p 0", "/top-p takes 0.001 to 1, with at most 3 places"},
      {"/top-p 1.001", "/top-p takes 0.001 to 1, with at most 3 places"}, {"/seed x", "/seed takes a number below 2^64"},
      {"/seed 99999999999999999", NULL},  {"/n 4294967296", "/n takes a number below 2^32"}, {"/n 4294967295", NULL},
      {"/n 1 2", "/n takes a number below 2^32"}, {"/n -1", "/n takes a number below 2^32"},
      {"/n 99999999999999999999", "/n takes a number below 2^32"},
      {"/nn 1", "no such command; /help lists them"}, {"/", "no such command; /help lists them"}, {"/ help", "no such command; /help lists them"}};
  fixture *f = *state;
  f->console.terminal.echo = false;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char in[64], out[128];
    snprintf(in, sizeof in, "%s\r", cases[i].line);
    snprintf(out, sizeof out, "> %s%s%s> ", cases[i].error ? "error: " : "", cases[i].error ? cases[i].error : "", cases[i].error ? "\r\n" : "");
    answers(f, in, out);
  }
}

static void two_slashes_begin_a_prompt(void **state) {
  fixture *f = *state;
  answers(f, "//a\r", "> //a\r\na d\r\n> ");  // "/" is unknown and gives no text
}

static void stats_are_of_the_last_text(void **state) {
  fixture *f = *state;
  f->console.terminal.echo = false;
  answers(f, "a\r/stats\r", "> a d\r\n> prompt: 2 tokens, 2 programs\r\ngenerated: 2 tokens, 1 programs\r\ntokens per second: 8000.000\r\n"
                            "temperature 0.000, top-p 1.000, at most 32 tokens\r\n> ");
}

static void help_and_reset(void **state) {
  fixture *f = *state;
  type_text(f, "/help\r");
  for (const char *const *word = (const char *const[]){"/n", "/temp", "/top-p", "/seed", "/stats", "/reset", "Ctrl-C", NULL}; *word; word++)
    assert_non_null(strstr(f->out, *word));
  assert_int_equal(type_text(f, "/reset\r"), MX_CONSOLE_RESET);
}

// ---- errors ------------------------------------------------------------------------

static void faults_are_told_and_overcome(void **state) {
  fixture *f = *state;
  uint32_t good, bad = UINT32_MAX;
  mx_memory_port *m = &f->session.runtime.memory;
  assert_true(m->get(m->self, TOY_TOKEN + 0x30, &good, sizeof good) && m->put(m->self, TOY_TOKEN + 0x30, &bad, sizeof bad));
  f->console.terminal.echo = false;
  type_text(f, "a\r");
  assert_string_equal(f->out, "> \r\nerror: the device stopped with a fault: illegal instruction: unknown code, reserved bits set, a format this "
                              "parameter set lacks, or IDENT missing; instruction at 0x00000130\r\n> ");
  assert_true(m->put(m->self, TOY_TOKEN + 0x30, &good, sizeof good));
  answers(f, "a\r", "> a d\r\n> ");
}

static void no_answer(void *self, uint32_t offset, uint32_t value) { (void)self, (void)offset, (void)value; }

static void a_dead_device_is_told(void **state) {
  fixture *f = *state;
  mx_mmio *io = &f->session.runtime.device.mmio, good = *io;
  f->console.terminal.echo = false;
  mx_driver_reset(&f->session.runtime.device, 1);
  io->write = no_answer;
  answers(f, "a\r", "> \r\nerror: the device did not start\r\nThe device could not be brought back: the device did not start\r\n> ");
  *io = good;
  assert_int_equal(mx_runtime_recover(&f->session.runtime), MX_DRIVER_OK);
  answers(f, "a\r", "> a d\r\n> ");
}

static void a_problem_answers_prompts(void **state) {
  fixture *f = *state;
  f->console.problem = "there is no image";
  answers(f, "a\r/n 3\r\r", "> a\r\nerror: there is no image\r\n> /n 3\r\n> \r\n> ");
}

// Nothing that comes over the line does harm.
static void noise_is_survived(void **state) {
  fixture *f = *state;
  test_random r = {test_seed()};
  for (int round = 0; round < 300; round++) {
    char noise[200];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)test_random_u32(&r);
    for (size_t i = 0; i < sizeof noise; i += 1 + test_random_below(&r, 30)) noise[i] = "\r\n/\b~"[test_random_below(&r, 5)];
    f->in = noise;
    f->left = sizeof noise / 2;
    f->ahead = noise + sizeof noise / 2;
    noise[sizeof noise - 1] = 0;
    for (mx_console_event e = MX_CONSOLE_RESET; e != MX_CONSOLE_END;) f->n = 0, e = mx_console_run(&f->console);
  }
  f->ahead = NULL;
  f->console.max_tokens = 32;
  f->console.sampler.temperature_milli = 0;
  answers(f, "a\r", "> a\r\na d\r\n> ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(writes_a_text), TEST(every_line_is_a_new_text), TEST(says_that_the_context_is_full), TEST(ends_after_n_tokens),
      TEST(stops_at_ctrl_c), TEST(lines_typed_ahead_are_kept), TEST(more_than_a_line_typed_ahead),
      TEST(random_texts_repeat_with_their_seed), TEST(prompts_that_do_not_fit), TEST(lines_are_edited),
      TEST(every_end_of_line_counts_once), TEST(long_lines_are_refused), TEST(without_echo_only_answers_come),
      TEST(a_line_without_end_counts), TEST(frames_leave_the_console), TEST(wrong_commands_are_told),
      TEST(two_slashes_begin_a_prompt), TEST(stats_are_of_the_last_text), TEST(help_and_reset),
      TEST(faults_are_told_and_overcome), TEST(a_dead_device_is_told), TEST(a_problem_answers_prompts), TEST(noise_is_survived),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
