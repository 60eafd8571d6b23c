// mxf run: generate text with a program image on an engine.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>  // isatty

#include "compiler/cmd.h"
#include "sim/console.h"
#include "sim/generate.h"
#include "sim/input.h"
#include "sim/run.h"
#include "sim/session.h"
#include "sim/totals.h"

static const char usage[] =
    "usage: mxf run IMAGE [options]\n"
    "\n"
    "Load IMAGE (mxf compile) into a device, feed it the prompt in batches and\n"
    "go on with the likeliest tokens, or with --temperature at random. Text goes to stdout as it comes, a\n"
    "summary to stderr.\n"
    "\n";

typedef struct {
  const mx_sim_arguments *arguments;
  mx_session session;
  mx_sampler sampler;
  mx_totals phase[MX_PHASES];
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

// ---- interruption ------------------------------------------------------------------

static mx_engine *volatile running;  // NULL: none that a signal may stop
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
  if (running) mx_engine_stop(running);
}

// A board must not be left with a program that runs. The second time ends it at once.
static void catch_interrupt(mx_engine *engine) {
  struct sigaction action = {.sa_handler = on_interrupt};
  sigemptyset(&action.sa_mask);
  action.sa_flags = (int)SA_RESETHAND;
  running = engine;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

// What an interruption looks like to the driver is no news.
static mx_status explain(mx_status s, mx_error *e) {
  if (!interrupted) return s;
  *e = (mx_error){0};
  return mx_fail(e, MX_INTERRUPTED, MX_NOWHERE, "interrupted");
}

// ---- generation --------------------------------------------------------------------

static void show_progress(void *self, uint64_t cycles) {
  const run *r = self;
  if (!r->progress) return;
  fprintf(stderr, "\r%" PRIu32 " tokens, %.1f Mcycles, %.0f kcycles/s ", r->fed, 1e-6 * (double)cycles,
          1e-3 * (double)cycles / (now() - r->begun + 1e-9));
}

static mx_status feed(void *self, const uint32_t *tokens, uint32_t count, bool prompt, uint32_t *taken, uint32_t *next,
                      mx_error *e) {
  run *r = self;
  mx_status s = explain(mx_session_feed(&r->session, tokens, count, taken, next, e), e);
  if (s) return s;
  if (r->session.ran) mx_totals_add(&r->phase[prompt ? MX_PHASE_PROMPT : MX_PHASE_GENERATION], &r->session.counters);
  r->fed += *taken;
  show_progress(r, mx_engine_cycles(r->session.engine));
  return MX_OK;
}

static void emit(void *self, const char *text, size_t bytes) {
  (void)self;
  fwrite(text, 1, bytes, stdout);
  fflush(stdout);
}

// ---- results -----------------------------------------------------------------------

// Bytes moved per second against what the chip's pins could, while tokens ran.
static void print_memory(const run *r, FILE *out) {
  const mx_memory_options *m = &r->arguments->device.memory;
  const mx_totals *t = &r->phase[r->phase[MX_PHASE_GENERATION].programs ? MX_PHASE_GENERATION : MX_PHASE_PROMPT];
  if (!m->chip || !t->CYCLES) return;
  double seconds = (double)t->CYCLES / (1e3 * m->clock_khz), peak = mx_dram_pin_peak(m->chip);
  uint64_t beats = t->READ_BEATS + (mx_dram_writable(m->chip) ? t->WRITE_BEATS : 0);
  double moved = (double)beats * mx_beat_bytes(r->session.image->params) / seconds;
  fprintf(out, "%s at %" PRIu32 " MHz: %.2f tokens/s, %.3f GB/s moved, %.1f %% of the pins' %.3f GB/s (%.1f %% without refresh)\n",
          m->chip->name, m->clock_khz / 1000, (double)t->programs / seconds, 1e-9 * moved, 100 * moved / peak, 1e-9 * peak,
          100 * mx_dram_attainable(m->chip));
}

static void print_summary(const run *r, const mx_generation *g, FILE *out) {
  uint64_t cycles = mx_engine_cycles(r->session.engine) - r->first_cycle;
  bool clocked = mx_engine_cycles(r->session.engine) != 0;
  fprintf(out, "%" PRIu32 " prompt tokens, %" PRIu32 " generated (%s), %.1f s, %.2f tokens/s\n", g->n_prompt,
          g->n_tokens - g->n_prompt, mx_stop_text(g->stop), r->seconds, r->fed / r->seconds);
  uint32_t beat_bytes = mx_beat_bytes(r->session.image->params);
  for (int i = 0; i < MX_PHASES; i++)
    if (r->arguments->stats || i == MX_PHASE_GENERATION || (i == MX_PHASE_PROMPT && !r->phase[MX_PHASE_GENERATION].programs))
      mx_totals_print_phase(&r->phase[i], (mx_phase)i, beat_bytes, out);
  if (r->arguments->stats) mx_engine_report(r->session.engine, out);
  if (!clocked) return;
  mx_totals_print_work(r->phase, out);
  print_memory(r, out);
  fprintf(out, "simulated %" PRIu64 " cycles at %.0f kcycles/s\n", cycles, 1e-3 * (double)cycles / r->seconds);
}

static json_t *sampling_json(const mx_sim_arguments *a) {
  return json_pack("{s:f, s:f, s:I}", "temperature", a->temperature_milli / 1000.0, "top_p", a->top_p_milli / 1000.0, "seed", (json_int_t)a->seed);
}

static mx_status print_json(const run *r, const mx_generation *g, mx_error *e) {
  json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:I, s:f, s:i, s:o, s:o}", "image", r->arguments->image, "engine",
                        r->arguments->engine, "set", r->session.image->params->name, "stop", mx_stop_text(g->stop),
                        "prompt_tokens", (int)g->n_prompt, "tokens", mx_generation_ids_json(g), "text", mx_generation_text_json(g), "cycles",
                        (json_int_t)(mx_engine_cycles(r->session.engine) - r->first_cycle), "seconds", r->seconds,
                        "beat_bytes", (int)mx_beat_bytes(r->session.image->params), "counters", mx_totals_json(r->phase),
                        "sampling", sampling_json(r->arguments));
  if (!o) return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "no JSON for this result: a name is not UTF-8");
  json_dumpf(o, stdout, JSON_INDENT(2));
  putchar('\n');
  json_decref(o);
  return MX_OK;
}

// ---- the command -------------------------------------------------------------------

static mx_status generate(run *r, const mx_sim_input *in, mx_error *e) {
  const mx_sim_arguments *a = r->arguments;
  mx_generator g = {.self = r, .feed = feed, .emit = a->json ? NULL : emit, .stop = a->stop};
  mx_generation out;
  r->progress = isatty(STDERR_FILENO) && (a->json || !isatty(STDOUT_FILENO));
  r->begun = now();
  r->first_cycle = mx_engine_cycles(r->session.engine);
  catch_interrupt(r->session.engine);
  if (explain(mx_session_begin(&r->session, e), e)) return e->status;
  mx_totals_add(&r->phase[MX_PHASE_INIT], &r->session.counters);
  mx_status s = mx_generate(in->image, in->tokenizer, in->prompt, in->prompt_bytes, a->tokens, &g, &out, e);
  r->seconds = now() - r->begun;
  if (r->progress) fputc('\n', stderr);
  if (!a->json && r->fed) emit(NULL, "\n", 1);
  if (!s && a->json) s = print_json(r, &out, e);
  else if (!s) print_summary(r, &out, stderr);
  mx_generation_free(&out);
  return s;
}

// All logits at once: over a serial line each pass would take its time.
static mx_status open_sampler(run *r, const mx_image *image, mx_error *e) {
  const mx_sim_arguments *a = r->arguments;
  r->sampler = (mx_sampler){.temperature_milli = a->temperature_milli, .top_p_milli = a->top_p_milli, .scratch_words = image->vocab_size};
  if (!a->temperature_milli && !a->console) return MX_OK;
  if (image->vocab_size > MX_SAMPLER_MOST_TOKENS)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "--temperature takes at most %d tokens, the image has %" PRIu32,
                   MX_SAMPLER_MOST_TOKENS, image->vocab_size);
  mx_sampler_seed(&r->sampler, a->seed);
  r->sampler.scratch = calloc(image->vocab_size, sizeof *r->sampler.scratch);
  return r->sampler.scratch ? MX_OK : mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
}

static mx_status serve(run *r, mx_error *e) {
  if (mx_session_begin(&r->session, e)) return e->status;
  return mx_sim_console(&r->session, &r->sampler, r->arguments->tokens, e);
}

// The session is open.
static mx_status use(run *r, const mx_sim_input *in, mx_error *e) {
  r->session.runtime.sampler = &r->sampler;
  mx_status s = open_sampler(r, in->image, e);
  if (!s) s = r->arguments->console ? serve(r, e) : generate(r, in, e);
  running = NULL;
  free(r->sampler.scratch);
  return s;
}

mx_status mx_run_on(mx_engine *engine, const mx_sim_arguments *a, const mx_sim_input *in, mx_error *e) {
  run r = {.arguments = a};
  mx_status s = mx_session_on(&r.session, in->image, engine, e);
  return s ? s : use(&r, in, e);
}

static mx_status run_image(run *r, const mx_sim_input *in, mx_error *e) {
  mx_engine_options options = r->arguments->device;
  options.progress = show_progress;
  options.progress_self = r;
  mx_status s = mx_session_open(&r->session, in->image, r->arguments->engine, &options, e);
  if (!s) s = use(r, in, e);
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
