#include "sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BOTH = MX_SIM_RUN | MX_SIM_VERIFY, DEFAULT_TOKENS = 32 };

// OPTION(symbol, short, long, argument or NULL, commands, "help")
#define OPTIONS(OPTION)                                                                                              \
  OPTION(ENGINE, 'e', "engine", "NAME", BOTH, "golden or rtl (run: golden; verify: rtl)")                            \
  OPTION(PROMPT, 'p', "prompt", "TEXT", BOTH, "text to begin with (default: none, only the token of beginning)")     \
  OPTION(PROMPT_FILE, 'f', "prompt-file", "FILE", BOTH, "text to begin with, from a file")                           \
  OPTION(TOKENS, 'n', "tokens", "N", BOTH, "generate at most N tokens (default 32)")                                 \
  OPTION(STATS, 's', "stats", NULL, MX_SIM_RUN, "print every counter, for prompt and generation")                          \
  OPTION(JSON, 'j', "json", NULL, BOTH, "print one JSON object on stdout and nothing else")                          \
  OPTION(REPORT, 'r', "report", "FILE", MX_SIM_VERIFY, "write the JSON object to FILE too")                          \
  OPTION(LATENCY, 'L', "latency", "CYCLES", BOTH, "memory: from an address to its data (default 20)")                \
  OPTION(BANDWIDTH, 'B', "bandwidth", "A/B", BOTH, "memory: A beats in B cycles, reads and writes together (default: no limit)") \
  OPTION(OUTSTANDING, 'O', "outstanding", "N", BOTH, "memory: bursts accepted ahead, reads and writes each (default 16)") \
  OPTION(STALL_PERCENT, 'P', "stall-percent", "P", BOTH, "memory: each channel refuses in P % of the cycles (default 0)") \
  OPTION(STALL_SEED, 'S', "stall-seed", "S", BOTH, "memory: seed of the refusals (default 1)")                       \
  OPTION(TRACE, 't', "trace", "FILE", BOTH, "waveform of the RTL as FST; needs: make rtl-trace SET=...")             \
  OPTION(TRACE_FROM, 'F', "trace-from", "C", BOTH, "first cycle of the waveform (default 0)")                        \
  OPTION(TRACE_TO, 'T', "trace-to", "C", BOTH, "last cycle of the waveform (default: the end)")                      \
  OPTION(VARIANT, 'V', "variant", "NAME", BOTH, "another build of the RTL: engines/rtl_SET_NAME.so")                 \
  OPTION(ENGINES, 'D', "engines", "DIR", BOTH, "where the RTL builds are (default: engines beside mxf)")             \
  OPTION(HELP, 'h', "help", NULL, BOTH, "this text")

enum {
#define OPTION(symbol, letter, name, argument, commands, help) OPT_##symbol = letter,
  OPTIONS(OPTION)
#undef OPTION
};

static const struct { const char *name, *argument, *help; int letter, commands; } table[] = {
#define OPTION(symbol, letter, name, argument, commands, help) {name, argument, help, letter, commands},
    OPTIONS(OPTION)
#undef OPTION
};
enum { COUNT = sizeof table / sizeof *table };

static const char *command_name(mx_sim_command c) { return c == MX_SIM_RUN ? "run" : "verify"; }

void mx_sim_print_options(mx_sim_command command, FILE *out) {
  for (size_t i = 0; i < COUNT; i++) {
    char text[40];
    if (!(table[i].commands & (int)command)) continue;
    snprintf(text, sizeof text, "--%s %s", table[i].name, table[i].argument ? table[i].argument : "");
    fprintf(out, "  -%c, %-20s %s\n", table[i].letter, text, table[i].help);
  }
}

// ---- values ------------------------------------------------------------------------

static mx_status number(const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out,
                        mx_error *e) {
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || errno || v < least || v > most)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--%s %s: expected a number from %" PRIu64 " to %" PRIu64, option, text,
                   least, most);
  *out = v;
  return MX_OK;
}

static mx_status number32(const char *option, const char *text, uint32_t least, uint32_t most, uint32_t *out,
                          mx_error *e) {
  uint64_t v;
  mx_status s = number(option, text, least, most, &v, e);
  if (!s) *out = (uint32_t)v;
  return s;
}

static mx_status bandwidth(const char *text, mx_memory_options *m, mx_error *e) {
  int end = 0;
  uint32_t a = 0, b = 0;
  bool ok = sscanf(text, "%4" SCNu32 "/%4" SCNu32 "%n", &a, &b, &end) == 2 && !text[end];
  if (!ok || !a || a > b)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--bandwidth %s: expected A/B with 1 <= A <= B <= 9999", text);
  m->beats = a;
  m->per = b;
  return MX_OK;
}

static mx_status take(int letter, mx_sim_arguments *a, mx_error *e) {
  mx_engine_options *d = &a->device;
  switch (letter) {
    case OPT_ENGINE: a->engine = optarg; return MX_OK;
    case OPT_PROMPT: a->prompt = optarg; return MX_OK;
    case OPT_PROMPT_FILE: a->prompt_file = optarg; return MX_OK;
    case OPT_TOKENS: return number32("tokens", optarg, 0, UINT32_MAX, &a->tokens, e);
    case OPT_STATS: a->stats = true; return MX_OK;
    case OPT_REPORT: a->report = optarg; return MX_OK;
    case OPT_JSON: a->json = true; return MX_OK;
    case OPT_LATENCY: return number32("latency", optarg, 1, 1 << 20, &d->memory.latency, e);
    case OPT_BANDWIDTH: return bandwidth(optarg, &d->memory, e);
    case OPT_OUTSTANDING: return number32("outstanding", optarg, 1, MX_MEMORY_QUEUE, &d->memory.outstanding, e);
    case OPT_STALL_PERCENT: return number32("stall-percent", optarg, 0, 99, &d->memory.stall_percent, e);
    case OPT_STALL_SEED: return number("stall-seed", optarg, 0, UINT64_MAX, &d->memory.stall_seed, e);
    case OPT_TRACE: d->trace_path = optarg; return MX_OK;
    case OPT_TRACE_FROM: return number("trace-from", optarg, 0, UINT64_MAX, &d->trace_from, e);
    case OPT_TRACE_TO: return number("trace-to", optarg, 1, UINT64_MAX, &d->trace_to, e);
    case OPT_VARIANT: d->variant = optarg; return MX_OK;
    case OPT_ENGINES: d->directory = optarg; return MX_OK;
    default: a->help = true; return MX_OK;
  }
}

// ---- the command line --------------------------------------------------------------

// getopt's descriptions of the options of `command`, made from the table.
static void describe(mx_sim_command command, struct option *longs, char *shorts) {
  *shorts++ = ':';
  for (size_t i = 0; i < COUNT; i++) {
    if (!(table[i].commands & (int)command)) continue;
    int argument = table[i].argument ? required_argument : no_argument;
    *longs++ = (struct option){table[i].name, argument, NULL, table[i].letter};
    *shorts++ = (char)table[i].letter;
    if (table[i].argument) *shorts++ = ':';
  }
  *longs = (struct option){0};
  *shorts = 0;
}

static mx_status check(const mx_sim_arguments *a, const char *command, int left, mx_error *e) {
  if (left != 1)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "expected one IMAGE, found %d (mxf %s --help)", left, command);
  if (a->prompt_file && *a->prompt)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--prompt and --prompt-file exclude each other");
  if (a->device.trace_to && a->device.trace_to < a->device.trace_from)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--trace-to is before --trace-from");
  return MX_OK;
}

mx_status mx_sim_parse(mx_sim_command command, int argc, char **argv, mx_sim_arguments *a, mx_error *e) {
  struct option longs[COUNT + 1];
  char shorts[2 * COUNT + 2];
  const char *name = command_name(command);
  *a = (mx_sim_arguments){.engine = command == MX_SIM_RUN ? "golden" : "rtl", .prompt = "", .tokens = DEFAULT_TOKENS,
                          .device.memory = MX_MEMORY_DEFAULTS};
  describe(command, longs, shorts);
  optind = 0;  // glibc: start again, whatever was parsed before
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
    if (c == ':') return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s needs a value (mxf %s --help)", argv[optind - 1], name);
    if (c == '?')
      return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s is no option of %s (mxf %s --help)", argv[optind - 1], name, name);
    if (take(c, a, e)) return e->status;
  }
  if (a->help) return MX_OK;
  if (check(a, name, argc - optind, e)) return e->status;
  a->image = argv[optind];
  return MX_OK;
}

// ---- the same run again --------------------------------------------------------------

static void print_quoted(const char *text, FILE *out) {
  putc('\'', out);
  for (; *text; text++) {
    if (*text == '\'') fputs("'\\''", out);
    else putc(*text, out);
  }
  putc('\'', out);
}

static void print_text_option(const char *name, const char *value, FILE *out) {
  if (!value || !*value) return;
  fprintf(out, " --%s ", name);
  print_quoted(value, out);
}

static void print_memory_options(const mx_memory_options *m, FILE *out) {
  const mx_memory_options d = MX_MEMORY_DEFAULTS;
  if (m->latency != d.latency) fprintf(out, " --latency %" PRIu32, m->latency);
  if (m->per) fprintf(out, " --bandwidth %" PRIu32 "/%" PRIu32, m->beats, m->per);
  if (m->outstanding != d.outstanding) fprintf(out, " --outstanding %" PRIu32, m->outstanding);
  if (m->stall_percent)
    fprintf(out, " --stall-percent %" PRIu32 " --stall-seed %" PRIu64, m->stall_percent, m->stall_seed);
}

void mx_sim_print_run_command(const mx_sim_arguments *a, FILE *out) {
  fputs("mxf run ", out);
  print_quoted(a->image, out);
  print_text_option("engine", a->engine, out);
  print_text_option("prompt", a->prompt, out);
  print_text_option("prompt-file", a->prompt_file, out);
  fprintf(out, " -n %" PRIu32, a->tokens);
  print_memory_options(&a->device.memory, out);
  print_text_option("variant", a->device.variant, out);
  print_text_option("engines", a->device.directory, out);
}
