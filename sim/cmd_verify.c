// mxf verify: run an engine beside the golden model and compare every write.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>  // isatty

#include "compiler/cmd.h"
#include "sim/generate.h"
#include "sim/input.h"
#include "sim/names.h"
#include "sim/totals.h"
#include "sim/verify.h"

enum { TRACE_BEFORE = 500, TRACE_AFTER = 50 };  // cycles around a difference

static const char usage[] =
    "usage: mxf verify IMAGE [options]\n"
    "\n"
    "Generate text as mxf run does, on the engine and on the golden model, and\n"
    "compare each word, element and byte that the units write, unit by unit in\n"
    "order, and memory and on-chip memories after each program. At the first\n"
    "difference: a report on stdout, exit 1.\n"
    "\n";

typedef struct {
  const mx_sim_arguments *arguments;
  mx_verify *verify;
  uint32_t fed;
  mx_totals phase[MX_PHASES];
  bool terminal;  // text and progress share one
} run;

enum { TOKENS_PER_MARK = 8 };  // progress within the text, without a terminal

// On a terminal behind the text, to be overwritten by what follows.
static void show_progress(void *self, uint64_t cycles) {
  const run *r = self;
  if (r->terminal)
    fprintf(stderr, "\033[s  [%" PRIu32 " tokens equal, %.2f Mcycles]\033[K\033[u", r->fed, 1e-6 * (double)cycles);
}

static void show_mark(const run *r, uint64_t cycles) {
  if (!r->terminal && r->fed % TOKENS_PER_MARK == 0)
    fprintf(stderr, " [%" PRIu32 " tokens equal, %.2f Mcycles]", r->fed, 1e-6 * (double)cycles);
}

static void emit(void *self, const char *text, size_t bytes) {
  const run *r = self;
  if (r->terminal) fputs("\033[K", stderr);
  fwrite(text, 1, bytes, stdout);
  fflush(stdout);
}

static mx_status feed(void *self, const uint32_t *tokens, uint32_t count, bool prompt, uint32_t *taken, uint32_t *next,
                      mx_error *e) {
  run *r = self;
  if (mx_verify_feed(r->verify, tokens, count, taken, next, e)) return e->status;
  const mx_session *session = mx_verify_session(r->verify);
  if (session->ran) mx_totals_add(&r->phase[prompt ? MX_PHASE_PROMPT : MX_PHASE_GENERATION], &session->counters);
  r->fed += *taken;
  show_progress(r, mx_engine_cycles(session->engine));
  show_mark(r, mx_engine_cycles(session->engine));
  return MX_OK;
}

// ---- results -----------------------------------------------------------------------

static void print_counts(const run *r) {
  const mx_verify_counts *c = mx_verify_get_counts(r->verify);
  uint64_t all = 0;
  const mx_session *session = mx_verify_session(r->verify);
  for (int i = 0; i < MX_PHASES; i++)
    mx_totals_print_phase(&r->phase[i], (mx_phase)i, mx_beat_bytes(session->image->params), stdout);
  mx_totals_print_work(r->phase, stdout);
  for (int i = 0; i < MX_VERIFY_STREAM_COUNT; i++) {
    printf("  %-10s %12" PRIu64 " writes equal\n", mx_verify_stream_text(i), c->writes[i]);
    all += c->writes[i];
  }
  printf("  %-10s %12" PRIu64 " bytes equal after programs\n", "memory", c->memory_bytes);
  printf("  %-10s %12" PRIu64 " elements equal after programs\n", "on chip", c->state_elements);
  if (r->arguments->device.lockstep)
    printf("cycle model equals rtl: %" PRIu64 " cycles compared, largest difference 0 cycles\n",
           mx_engine_cycles(session->engine));
  printf("%s equals golden: %" PRIu64 " writes in %" PRIu32 " programs, %" PRIu64 " cycles\n", r->arguments->engine, all,
         c->programs, mx_engine_cycles(mx_verify_session(r->verify)->engine));
}

static void print_difference(const run *r, uint64_t cycle) {
  mx_verify_print(r->verify, stdout);
  if (!cycle) return;
  const char *variant = r->arguments->device.variant;
  printf("  %-12s make build/engines/rtl_%s%s%s_trace.so\n", "waveform",
         mx_verify_session(r->verify)->image->params->name, variant ? "_" : "", variant ? variant : "");
  printf("  %-12s ", "");
  mx_sim_print_run_command(r->arguments, stdout);
  printf(" --trace difference.fst --trace-from %" PRIu64 " --trace-to %" PRIu64 "\n",
         cycle > TRACE_BEFORE ? cycle - TRACE_BEFORE : 0, cycle + TRACE_AFTER);
}

static json_t *difference_json(const run *r) {
  const mx_divergence *d = mx_verify_divergence(r->verify);
  if (!d->found) return json_null();
  json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "what", d->what, "unit", d->has_order ? mx_unit_text(d->unit) : "", "space",
                        mx_space_text(d->space), "cycle", (json_int_t)d->cycle);
  if (d->pc != UINT32_MAX) {
    json_object_set_new(o, "pc", json_integer(d->pc));
    json_object_set_new(o, "note", json_string(mx_image_note(mx_verify_session(r->verify)->image, d->pc)));
  }
  if (d->has_expected)
    json_object_set_new(o, "expected", json_pack("{s:I, s:I}", "address", (json_int_t)d->expected_address, "value",
                                                 (json_int_t)d->expected_value));
  if (d->has_got)
    json_object_set_new(o, "got", json_pack("{s:I, s:I}", "address", (json_int_t)d->got_address, "value",
                                            (json_int_t)d->got_value));
  return o;
}

static json_t *result_json(const run *r, const mx_generation *g) {
  const mx_verify_counts *c = mx_verify_get_counts(r->verify);
  json_t *writes = json_object();
  for (int i = 0; i < MX_VERIFY_STREAM_COUNT; i++)
    json_object_set_new(writes, mx_verify_stream_text(i), json_integer((json_int_t)c->writes[i]));
  const mx_session *session = mx_verify_session(r->verify);
  return json_pack("{s:s, s:s, s:b, s:I, s:I, s:o, s:I, s:I, s:o, s:i, s:o, s:o, s:i, s:o}", "set",
                        session->image->params->name, "engine", r->arguments->engine, "equal",
                        !mx_verify_divergence(r->verify)->found, "programs", (json_int_t)c->programs, "cycles",
                        (json_int_t)mx_engine_cycles(mx_verify_session(r->verify)->engine), "writes", writes,
                        "memory_bytes", (json_int_t)c->memory_bytes, "state_elements", (json_int_t)c->state_elements,
                        "difference", difference_json(r),
                        "prompt_tokens", (int)g->n_prompt, "tokens", mx_generation_ids_json(g), "text",
                        mx_generation_text_json(g), "beat_bytes", (int)mx_beat_bytes(session->image->params), "counters",
                        mx_totals_json(r->phase));
}

static mx_status print_json(const run *r, const mx_generation *g, mx_error *e) {
  json_t *o = result_json(r, g);
  if (!o) return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "no JSON for this result: a name is not UTF-8");
  if (r->arguments->json) {
    json_dumpf(o, stdout, JSON_INDENT(2));
    putchar('\n');
  }
  bool bad = r->arguments->report && json_dump_file(o, r->arguments->report, JSON_INDENT(2));
  json_decref(o);
  return bad ? mx_fail(e, MX_IO, (mx_loc){r->arguments->report, 0}, "cannot write the report") : MX_OK;
}

static mx_status print_result(const run *r, const mx_generation *g, mx_error *e) {
  const mx_divergence *d = mx_verify_divergence(r->verify);
  bool finished = !e->status || d->found;
  mx_error own = {0};
  if (!r->arguments->json) {
    if (r->fed) emit((void *)r, "\n", 1);
    if (d->found) print_difference(r, d->cycle);
    else if (finished) print_counts(r);
  }
  if (finished && print_json(r, g, &own) && !e->status) *e = own;
  return e->status;
}

// ---- the command -------------------------------------------------------------------

static mx_status verify_image(run *r, const mx_sim_input *in, mx_error *e) {
  const mx_sim_arguments *a = r->arguments;
  mx_generator g = {.self = r, .feed = feed, .emit = a->json ? NULL : emit};
  mx_generation out = {0};
  mx_engine_options options = a->device;
  options.progress = show_progress;
  options.progress_self = r;
  r->terminal = !a->json && isatty(STDERR_FILENO) && isatty(STDOUT_FILENO);
  if (mx_verify_open(in->image, a->engine, &options, &r->verify, e)) return e->status;
  mx_status s = mx_verify_begin(r->verify, e);
  if (!s) mx_totals_add(&r->phase[MX_PHASE_INIT], &mx_verify_session(r->verify)->counters);
  if (!s) s = mx_generate(in->image, in->tokenizer, in->prompt, in->prompt_bytes, a->tokens, &g, &out, e);
  if (out.tokens || s) s = print_result(r, &out, e);
  mx_generation_free(&out);
  mx_verify_close(r->verify);
  return s;
}

mx_status mx_cmd_verify(int argc, char **argv, mx_error *e) {
  mx_sim_arguments a;
  mx_sim_input in = {0};
  if (mx_sim_parse(MX_SIM_VERIFY, argc, argv, &a, e)) return e->status;
  run r = {.arguments = &a};
  mx_status s = MX_OK;
  if (a.help) {
    fputs(usage, stdout);
    mx_sim_print_options(MX_SIM_VERIFY, stdout);
  } else {
    s = mx_sim_open(&a, &in, e);
    if (!s) s = verify_image(&r, &in, e);
    mx_sim_close(&in);
  }
  if (!s && fflush(stdout)) s = mx_fail(e, MX_IO, MX_NOWHERE, "cannot write the result: %s", strerror(errno));
  return s;
}
