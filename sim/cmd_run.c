// mxf run: generate text with a program image on an engine.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>  // isatty

#include "compiler/cmd.h"
#include "sim/generate.h"
#include "sim/input.h"
#include "sim/session.h"

static const char usage[] =
    "usage: mxf run IMAGE [options]\n"
    "\n"
    "Load IMAGE (mxf compile) into a device, feed it the prompt token by token and\n"
    "go on with the device's greedy choices. Text goes to stdout as it comes, a\n"
    "summary to stderr.\n"
    "\n";

enum { PHASE_INIT, PHASE_PROMPT, PHASE_GENERATE, PHASES };
static const char *const phase_name[PHASES] = {"init", "prompt", "generation"};

// Counters summed over the programs of a phase, 64 bits.
typedef struct {
  uint64_t programs;
#define COUNTER(name) uint64_t name;
  MX_COUNTERS(COUNTER)
#undef COUNTER
} totals;

typedef struct {
  const mx_sim_arguments *arguments;
  mx_session session;
  totals phase[PHASES];
  uint32_t fed;          // tokens
  uint64_t first_cycle;  // of the clock, when the first program began
  double begun, seconds;
  bool progress;
} run;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void add_counters(totals *t, const mx_counters *c) {
  t->programs++;
#define COUNTER(name) t->name += c->name;
  MX_COUNTERS(COUNTER)
#undef COUNTER
}

// ---- generation --------------------------------------------------------------------

static void show_progress(void *self, uint64_t cycles) {
  const run *r = self;
  if (!r->progress) return;
  fprintf(stderr, "\r%" PRIu32 " tokens, %.1f Mcycles, %.0f kcycles/s ", r->fed, 1e-6 * (double)cycles,
          1e-3 * (double)cycles / (now() - r->begun + 1e-9));
}

static mx_status feed(void *self, uint32_t token, bool prompt, uint32_t *next, mx_error *e) {
  run *r = self;
  if (mx_session_token(&r->session, token, next, e)) return e->status;
  add_counters(&r->phase[prompt ? PHASE_PROMPT : PHASE_GENERATE], &r->session.counters);
  r->fed++;
  show_progress(r, mx_engine_cycles(r->session.engine));
  return MX_OK;
}

static void emit(void *self, const char *text, size_t bytes) {
  (void)self;
  fwrite(text, 1, bytes, stdout);
  fflush(stdout);
}

// ---- results -----------------------------------------------------------------------

static double per(uint64_t part, uint64_t whole) { return whole ? (double)part / (double)whole : 0; }

static void print_phase(const run *r, int phase, FILE *out) {
  const totals *t = &r->phase[phase];
  uint32_t beat = mx_beat_bytes(r->session.image->params);
  if (!t->programs) return;
  fprintf(out, "%-10s %" PRIu64 " programs, each %.0f instructions", phase_name[phase], t->programs,
          per(t->INSTRUCTIONS, t->programs));
  if (t->CYCLES)
    fprintf(out, ", %.0f cycles, %.1f kB read, %.1f kB written", per(t->CYCLES, t->programs),
            1e-3 * per(t->READ_BEATS * beat, t->programs), 1e-3 * per(t->WRITE_BEATS * beat, t->programs));
  fputc('\n', out);
}

// Where the cycles of a token go. Units overlap, so the parts may exceed 100 %.
static void print_work(const totals *t, FILE *out) {
  static const struct { const char *text; size_t at; } rows[] = {
      {"dot array took weights", offsetof(totals, DOT_BUSY)},
      {"dot array waited for weights", offsetof(totals, DOT_STARVED)},
      {"dot array waited for its results to drain", offsetof(totals, DOT_BLOCKED)},
      {"vector unit ran", offsetof(totals, VEC_BUSY)},
      {"move unit ran", offsetof(totals, MOVE_BUSY)},
      {"an instruction waited for units", offsetof(totals, SEQ_WAIT)},
      {"the sequencer waited for an instruction", offsetof(totals, FETCH_WAIT)}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t value;
    memcpy(&value, (const char *)t + rows[i].at, sizeof value);
    fprintf(out, "  %11.0f  %5.1f %%  %s\n", per(value, t->programs), 100 * per(value, t->CYCLES), rows[i].text);
  }
}

static void print_summary(const run *r, const mx_generation *g, FILE *out) {
  uint64_t cycles = mx_engine_cycles(r->session.engine) - r->first_cycle;
  bool clocked = mx_engine_cycles(r->session.engine) != 0;
  fprintf(out, "%" PRIu32 " prompt tokens, %" PRIu32 " generated (%s), %.1f s, %.2f tokens/s\n", g->n_prompt,
          g->n_tokens - g->n_prompt, mx_stop_text(g->stop), r->seconds, r->fed / r->seconds);
  for (int i = 0; i < PHASES; i++)
    if (r->arguments->stats || i == PHASE_GENERATE || (i == PHASE_PROMPT && !r->phase[PHASE_GENERATE].programs))
      print_phase(r, i, out);
  if (!clocked) return;
  const totals *t = &r->phase[r->phase[PHASE_GENERATE].programs ? PHASE_GENERATE : PHASE_PROMPT];
  fprintf(out, "cycles per token:\n");
  print_work(t, out);
  fprintf(out, "simulated %" PRIu64 " cycles at %.0f kcycles/s\n", cycles, 1e-3 * (double)cycles / r->seconds);
}

static json_t *phase_json(const totals *t) {
  json_t *o = json_pack("{s:I}", "programs", (json_int_t)t->programs);
#define COUNTER(name) json_object_set_new(o, #name, json_integer((json_int_t)t->name));
  MX_COUNTERS(COUNTER)
#undef COUNTER
  return o;
}

// JSON text must be UTF-8; a byte token may leave half a character.
static json_t *text_json(const mx_generation *g) {
  json_t *whole = json_stringn(g->text, g->text_bytes);
  for (size_t n = g->text_bytes; !whole && n > 0;) whole = json_stringn(g->text, --n);
  return whole ? whole : json_string("");
}

static mx_status print_json(const run *r, const mx_generation *g, mx_error *e) {
  json_t *tokens = json_array(), *phases = json_object();
  for (uint32_t i = 0; i < g->n_tokens; i++) json_array_append_new(tokens, json_integer(g->tokens[i]));
  for (int i = 0; i < PHASES; i++) json_object_set_new(phases, phase_name[i], phase_json(&r->phase[i]));
  json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:I, s:f, s:i, s:o}", "image", r->arguments->image, "engine",
                        r->arguments->engine, "set", r->session.image->params->name, "stop", mx_stop_text(g->stop),
                        "prompt_tokens", (int)g->n_prompt, "tokens", tokens, "text", text_json(g), "cycles",
                        (json_int_t)(mx_engine_cycles(r->session.engine) - r->first_cycle), "seconds", r->seconds,
                        "beat_bytes", (int)mx_beat_bytes(r->session.image->params), "counters", phases);
  if (!o) return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "no JSON for this result: a name is not UTF-8");
  json_dumpf(o, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(o);
  return MX_OK;
}

// ---- the command -------------------------------------------------------------------

static mx_status generate(run *r, const mx_sim_input *in, mx_error *e) {
  const mx_sim_arguments *a = r->arguments;
  mx_generator g = {.self = r, .token = feed, .emit = a->json ? NULL : emit};
  mx_generation out;
  r->progress = isatty(STDERR_FILENO) && (a->json || !isatty(STDOUT_FILENO));
  r->begun = now();
  r->first_cycle = mx_engine_cycles(r->session.engine);
  if (mx_session_begin(&r->session, e)) return e->status;
  add_counters(&r->phase[PHASE_INIT], &r->session.counters);
  mx_status s = mx_generate(in->image, in->tokenizer, in->prompt, in->prompt_bytes, a->tokens, &g, &out, e);
  r->seconds = now() - r->begun;
  if (r->progress) fputc('\n', stderr);
  if (!a->json) emit(NULL, "\n", 1);
  if (!s && a->json) s = print_json(r, &out, e);
  else if (!s) print_summary(r, &out, stderr);
  mx_generation_free(&out);
  return s;
}

static mx_status run_image(run *r, const mx_sim_input *in, mx_error *e) {
  mx_engine_options options = r->arguments->device;
  options.progress = show_progress;
  options.progress_self = r;
  mx_status s = mx_session_open(&r->session, in->image, r->arguments->engine, &options, e);
  if (!s) s = generate(r, in, e);
  mx_session_close(&r->session);
  return s;
}

mx_status mx_cmd_run(int argc, char **argv, mx_error *e) {
  mx_sim_arguments a;
  mx_sim_input in = {0};
  if (mx_sim_parse(MX_SIM_RUN, argc, argv, &a, e)) return e->status;
  run r = {.arguments = &a};
  mx_status s = MX_OK;
  if (a.help) {
    fputs(usage, stdout);
    mx_sim_print_options(MX_SIM_RUN, stdout);
  } else {
    s = mx_sim_open(&a, &in, e);
    if (!s) s = run_image(&r, &in, e);
    mx_sim_close(&in);
  }
  if (!s && fflush(stdout)) s = mx_fail(e, MX_IO, MX_NOWHERE, "cannot write the text: %s", strerror(errno));
  return s;
}
