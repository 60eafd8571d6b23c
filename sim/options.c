#include "sim/options.h"

#include <inttypes.h>

enum { BOTH = MX_SIM_RUN | MX_SIM_VERIFY, MEMORY = BOTH | MX_SIM_MEMORY, DEFAULT_TOKENS = 32, DEFAULT_MHZ = 300 };

// OPTION(symbol, short, long, argument or NULL, commands, "help")
#define OPTIONS(OPTION)                                                                                              \
  OPTION(ENGINE, 'e', "engine", "NAME", BOTH, "golden, cycle, rtl, systemc[:rtl,at], uart:LINE, uio (run: golden; verify: rtl)") \
  OPTION(BAUD, 'b', "baud", "N", MX_SIM_RUN, "uart: bits per second of the line (default 115200)")                 \
  OPTION(PROMPT, 'p', "prompt", "TEXT", BOTH, "text to begin with (default: none, only the token of beginning)")     \
  OPTION(PROMPT_FILE, 'f', "prompt-file", "FILE", BOTH, "text to begin with, from a file")                           \
  OPTION(TOKENS, 'n', "tokens", "N", BOTH, "generate at most N tokens (default 32)")                                 \
  OPTION(TEMPERATURE, 'H', "temperature", "T", MX_SIM_RUN, "choose at random, at temperature 0.01 to 10 (default 0: the likeliest)") \
  OPTION(TOP_P, 'N', "top-p", "P", MX_SIM_RUN, "at random among the likeliest tokens that hold P of the probability (default 1)") \
  OPTION(SEED, 'R', "seed", "N", MX_SIM_RUN, "of the random choices (default 1)")                                    \
  OPTION(STOP, 'E', "stop", "TEXT", MX_SIM_RUN, "end when the generated text holds TEXT")                           \
  OPTION(CONSOLE, 'i', "console", NULL, MX_SIM_RUN, "prompts from stdin, a line each, and commands: /help")           \
  OPTION(STATS, 's', "stats", NULL, MX_SIM_RUN, "print every counter, for prompt and generation")                          \
  OPTION(JSON, 'j', "json", NULL, BOTH, "print one JSON object on stdout and nothing else")                          \
  OPTION(REPORT, 'r', "report", "FILE", MX_SIM_VERIFY, "write the JSON object to FILE too")                          \
  OPTION(CYCLES, 'C', "cycles", NULL, MX_SIM_VERIFY, "hold the cycle model to the RTL too, cycle by cycle")            \
  OPTION(MEMORY, 'm', "memory", "CHIP", MEMORY, "memory: a chip's timing: ddr4-2400, ddr3-1066, sdram-133, qspi-48") \
  OPTION(CLOCK, 'c', "clock", "MHZ", MEMORY, "clock of the device, with --memory (default 300)")                        \
  OPTION(LATENCY, 'L', "latency", "CYCLES", MEMORY, "memory: from an address to its data (default 20)")                \
  OPTION(BANDWIDTH, 'B', "bandwidth", "A/B", MEMORY, "memory: A beats in B cycles, reads and writes together (default: no limit)") \
  OPTION(OUTSTANDING, 'O', "outstanding", "N", MEMORY, "memory: bursts accepted ahead, reads and writes each (default 16)") \
  OPTION(STALL_PERCENT, 'P', "stall-percent", "P", MEMORY, "memory: each channel refuses in P % of the cycles (default 0)") \
  OPTION(STALL_SEED, 'S', "stall-seed", "S", MEMORY, "memory: seed of the refusals (default 1)")                       \
  OPTION(TRACE, 't', "trace", "FILE", BOTH, "waveform of the RTL as FST; needs: make rtl-trace SET=...")             \
  OPTION(TRACE_FROM, 'F', "trace-from", "C", BOTH, "first cycle of the waveform (default 0)")                        \
  OPTION(TRACE_TO, 'T', "trace-to", "C", BOTH, "last cycle of the waveform (default: the end)")                      \
  OPTION(VARIANT, 'V', "variant", "NAME", BOTH, "another build of the RTL: engines/rtl_SET_NAME.so")                 \
  OPTION(ENGINES, 'D', "engines", "DIR", BOTH, "where the RTL builds are (default: engines beside mxf)")

enum {
#define OPTION(symbol, letter, name, argument, commands, help) OPT_##symbol,
  OPTIONS(OPTION)
#undef OPTION
  COUNT
};

static const struct { const char *name, *argument, *help; char letter; int commands; } table[] = {
#define OPTION(symbol, letter, name, argument, commands, help) {name, argument, help, letter, commands},
    OPTIONS(OPTION)
#undef OPTION
};

// What the command line holds, by option: text is NULL for what it does not.
typedef struct {
  const char *text[COUNT];
  bool flag[COUNT];
} given;

static void print_option(char letter, const char *name, const char *argument, const char *help, FILE *out) {
  char text[40];
  snprintf(text, sizeof text, "--%s %s", name, argument ? argument : "");
  fprintf(out, "  -%c, %-20s %s\n", letter, text, help);
}

void mx_sim_print_options(mx_sim_command command, FILE *out) {
  for (size_t i = 0; i < COUNT; i++)
    if (table[i].commands & (int)command)
      print_option(table[i].letter, table[i].name, table[i].argument, table[i].help, out);
  print_option('h', "help", NULL, "this text", out);
}

// ---- values ------------------------------------------------------------------------

static void string(const given *g, int option, const char **out) {
  if (g->text[option]) *out = g->text[option];
}

static mx_status number(const given *g, int option, uint64_t least, uint64_t most, uint64_t *out, mx_error *e) {
  return mx_cli_number(table[option].name, g->text[option], least, most, out, e);
}

static mx_status number32(const given *g, int option, uint32_t least, uint32_t most, uint32_t *out, mx_error *e) {
  uint64_t v = *out;
  mx_status s = number(g, option, least, most, &v, e);
  *out = (uint32_t)v;
  return s;
}

static mx_status bandwidth(const char *text, mx_memory_options *m, mx_error *e) {
  int end = 0;
  uint32_t a = 0, b = 0;
  if (!text) return MX_OK;
  bool ok = sscanf(text, "%4" SCNu32 "/%4" SCNu32 "%n", &a, &b, &end) == 2 && !text[end];
  if (!ok || !a || a > b)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--bandwidth %s: expected A/B with 1 <= A <= B <= 9999", text);
  m->beats = a;
  m->per = b;
  return MX_OK;
}

static mx_status chip(const given *g, mx_memory_options *m, mx_error *e) {
  const char *name = g->text[OPT_MEMORY];
  uint32_t mhz = DEFAULT_MHZ;
  if (!name && g->text[OPT_CLOCK]) return mx_fail(e, MX_USAGE, MX_NOWHERE, "--clock needs --memory");
  if (!name) return MX_OK;
  if (g->text[OPT_LATENCY] || g->text[OPT_BANDWIDTH])
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--memory excludes --latency and --bandwidth");
  m->chip = mx_dram_find(name);
  if (!m->chip)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--memory %s: expected ddr4-2400, ddr3-1066 (with :16, :32 or :64), sdram-133 or qspi-48", name);
  mx_status s = number32(g, OPT_CLOCK, 1, 2000, &mhz, e);
  m->clock_khz = 1000 * mhz;
  return s;
}

static mx_status take_memory(const given *g, mx_memory_options *m, mx_error *e) {
  mx_status s = chip(g, m, e);
  if (!s) s = number32(g, OPT_LATENCY, 1, 1 << 20, &m->latency, e);
  if (!s) s = bandwidth(g->text[OPT_BANDWIDTH], m, e);
  if (!s) s = number32(g, OPT_OUTSTANDING, 1, MX_MEMORY_QUEUE, &m->outstanding, e);
  if (!s) s = number32(g, OPT_STALL_PERCENT, 0, 99, &m->stall_percent, e);
  return s ? s : number(g, OPT_STALL_SEED, 0, UINT64_MAX, &m->stall_seed, e);
}

static mx_status take_device(const given *g, mx_engine_options *d, mx_error *e) {
  string(g, OPT_TRACE, &d->trace_path);
  string(g, OPT_VARIANT, &d->variant);
  string(g, OPT_ENGINES, &d->directory);
  d->lockstep = g->flag[OPT_CYCLES];
  mx_status s = take_memory(g, &d->memory, e);
  if (!s) s = number32(g, OPT_BAUD, 1, 10000000, &d->baud, e);
  if (!s) s = number(g, OPT_TRACE_FROM, 0, UINT64_MAX, &d->trace_from, e);
  return s ? s : number(g, OPT_TRACE_TO, 1, UINT64_MAX, &d->trace_to, e);
}

static mx_status milli(const given *g, int option, const char *range, uint32_t least, uint32_t most, uint32_t *out, mx_error *e) {
  const char *text = g->text[option];
  bool ok = !text || mx_sampler_parse_milli(text, out);
  if (ok && *out >= least && *out <= most) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--%s %s: expected %s, with at most 3 places", table[option].name, text, range);
}

static mx_status take_sampling(const given *g, mx_sim_arguments *a, mx_error *e) {
  mx_status s = milli(g, OPT_TEMPERATURE, "0, or 0.01 to 10", 0, MX_SAMPLER_MOST_MILLI, &a->temperature_milli, e);
  if (!s && a->temperature_milli) s = milli(g, OPT_TEMPERATURE, "0, or 0.01 to 10", MX_SAMPLER_LEAST_MILLI, MX_SAMPLER_MOST_MILLI, &a->temperature_milli, e);
  if (!s) s = milli(g, OPT_TOP_P, "0.001 to 1", 1, 1000, &a->top_p_milli, e);
  if (!s) s = number(g, OPT_SEED, 0, UINT64_MAX, &a->seed, e);
  if (!s && !a->temperature_milli && (g->text[OPT_TOP_P] || g->text[OPT_SEED]))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--top-p and --seed need --temperature");
  return s;
}

static mx_status take(const given *g, mx_sim_arguments *a, mx_error *e) {
  string(g, OPT_ENGINE, &a->engine);
  string(g, OPT_PROMPT, &a->prompt);
  string(g, OPT_PROMPT_FILE, &a->prompt_file);
  string(g, OPT_REPORT, &a->report);
  string(g, OPT_STOP, &a->stop);
  a->stats = g->flag[OPT_STATS];
  a->json = g->flag[OPT_JSON];
  a->console = g->flag[OPT_CONSOLE];
  mx_status s = number32(g, OPT_TOKENS, 0, UINT32_MAX, &a->tokens, e);
  if (!s) s = take_sampling(g, a, e);
  return s ? s : take_device(g, &a->device, e);
}

// ---- the command line --------------------------------------------------------------

// The options of `command` for the parser, which leaves what it finds in g.
static void describe(mx_sim_command command, given *g, mx_cli_option *options) {
  for (size_t i = 0; i < COUNT; i++) {
    if (!(table[i].commands & (int)command)) continue;
    *options = (mx_cli_option){.name = table[i].name, .letter = table[i].letter};
    if (table[i].argument) options->value = &g->text[i];
    else options->flag = &g->flag[i];
    options++;
  }
  *options = (mx_cli_option){0};
}

static mx_status check(const mx_sim_arguments *a, mx_error *e) {
  if (a->prompt_file && *a->prompt)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--prompt and --prompt-file exclude each other");
  if (a->console && (*a->prompt || a->prompt_file || a->json || a->stop))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--console excludes --prompt, --prompt-file, --stop and --json");
  if (a->device.trace_to && a->device.trace_to < a->device.trace_from)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--trace-to is before --trace-from");
  return MX_OK;
}

mx_status mx_sim_parse(mx_sim_command command, int argc, char **argv, mx_sim_arguments *a, mx_error *e) {
  given g = {0};
  mx_cli_option options[COUNT + 1];
  *a = (mx_sim_arguments){.engine = command == MX_SIM_RUN ? "golden" : "rtl", .prompt = "", .tokens = DEFAULT_TOKENS,
                          .top_p_milli = 1000, .seed = 1,
                          .device.memory = MX_MEMORY_DEFAULTS};
  describe(command, &g, options);
  mx_status s = mx_cli_parse(argc, argv, options, "IMAGE", &a->image, &a->help, e);
  if (s || a->help) return s;
  s = take(&g, a, e);
  return s ? s : check(a, e);
}

// ---- the memory alone ----------------------------------------------------------------

unsigned mx_sim_memory_options(mx_sim_memory_texts *texts, mx_cli_option *options) {
  unsigned n = 0;
  for (size_t i = 0; i < COUNT; i++)
    if (table[i].commands & MX_SIM_MEMORY)
      options[n] = (mx_cli_option){.name = table[i].name, .letter = table[i].letter, .value = &texts->text[n]}, n++;
  return n;
}

mx_status mx_sim_take_memory(const mx_sim_memory_texts *texts, mx_memory_options *m, mx_error *e) {
  given g = {0};
  unsigned n = 0;
  *m = MX_MEMORY_DEFAULTS;
  for (size_t i = 0; i < COUNT; i++)
    if (table[i].commands & MX_SIM_MEMORY) g.text[i] = texts->text[n++];
  return take_memory(&g, m, e);
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
  if (m->chip) fprintf(out, " --memory %s --clock %" PRIu32, m->chip->name, m->clock_khz / 1000);
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
