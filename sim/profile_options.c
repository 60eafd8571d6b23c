#include "sim/profile_options.h"

#include <stdio.h>
#include <string.h>

#include "compiler/cli.h"
#include "sim/options.h"

static const char usage[] =
    "usage: mxf profile IMAGE [options]\n"
    "       mxf profile --shape NAME [options]\n"
    "       mxf profile --compare A [options] B\n"
    "\n"
    "Where the cycles and bytes of a model go, operator by operator: the exact cycle\n"
    "model runs the image's programs, without data (for set tiny with it, as its time\n"
    "depends on data). The sum over operators and reasons is the cycles of the device.\n"
    "Prints tables; --shape needs no weights.\n"
    "\n"
    "      --prompt-tokens N      prefill N tokens, in batches where the image has them\n"
    "  -n, --tokens N             decode N tokens (default 1; with --prompt-tokens 0)\n"
    "      --position P           of the first token decoded (default: behind the prompt)\n"
    "      --by FORM              operator (default), layer or operator-layer\n"
    "  -o, --output DIR           write profile.json, roofline.svg and trace.json to DIR\n"
    "      --json FILE            the profile, for --compare and others\n"
    "      --plot FILE            a roofline as SVG\n"
    "      --trace FILE           a trace for Perfetto or chrome://tracing; for few tokens\n"
    "      --compare A            A and the operand side by side: images, or profiles as JSON\n"
    "\n"
    "      --shape NAME           instead of an image: one of mxf synth-model --help\n"
    "      --layers N             layers (default: the shape's)\n"
    "      --weights FORMAT       mxint4 (default), mxint8, int4z:64 and so on, as mxf quantize\n"
    "      --acts FORMAT          mxint8 (default), mxint6 or mxint4\n"
    "      --kv FORMAT            mxint8 (default) or mxint4\n"
    "      --target SET           parameter set (default sim)\n"
    "      --context N            positions to make room for (default 1024)\n"
    "\n";

enum { DEFAULT_CONTEXT = 1024 };

typedef struct {
  const char *prompt_tokens, *tokens, *position, *by, *layers, *weights, *acts, *kv, *target, *context;
  mx_sim_memory_texts memory;
} texts;

void mx_profile_print_usage(FILE *out) {
  fputs(usage, out);
  mx_sim_print_options(MX_SIM_MEMORY, out);
}

// ---- values ----------------------------------------------------------------------------

static mx_status number32(const char *option, const char *text, uint32_t least, uint32_t most, uint32_t *out, mx_error *e) {
  uint64_t v = *out;
  mx_status s = mx_cli_number(option, text, least, most, &v, e);
  *out = (uint32_t)v;
  return s;
}

static mx_status take_tokens(const texts *t, mx_profile_arguments *a, mx_error *e) {
  a->tokens = !t->prompt_tokens;
  a->positioned = t->position != NULL;
  mx_status s = number32("prompt-tokens", t->prompt_tokens, 1, 65535, &a->prompt_tokens, e);
  if (!s) s = number32("tokens", t->tokens, 0, 65535, &a->tokens, e);
  if (!s) s = number32("position", t->position, 0, 65535, &a->position, e);
  if (!s && a->positioned && !t->tokens) a->tokens = 1;
  if (!s && !a->tokens && !a->prompt_tokens) s = mx_fail(e, MX_USAGE, MX_NOWHERE, "no tokens: --tokens or --prompt-tokens must be at least 1");
  return s;
}

static mx_status take_by(const texts *t, mx_profile_arguments *a, mx_error *e) {
  static const char *const forms[] = {"operator", "layer", "operator-layer"};
  for (unsigned i = 0; i < 3; i++) {
    if (t->by && strcmp(t->by, forms[i])) continue;
    a->by = (mx_profile_by)i;
    return MX_OK;
  }
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--by %s: expected operator, layer or operator-layer", t->by);
}

static const char *given_without_shape(const texts *t) {
  const struct { const char *text, *name; } of_shapes[] = {{t->layers, "layers"}, {t->weights, "weights"}, {t->acts, "acts"},
                                                           {t->kv, "kv"}, {t->target, "target"}, {t->context, "context"}};
  for (size_t i = 0; i < sizeof of_shapes / sizeof *of_shapes; i++)
    if (of_shapes[i].text) return of_shapes[i].name;
  return NULL;
}

static mx_status take_shape(const texts *t, mx_profile_arguments *a, mx_error *e) {
  mx_geometry_options *o = &a->shape;
  const char *alone = given_without_shape(t), *target = t->target ? t->target : "sim";
  if (!o->shape) return alone ? mx_fail(e, MX_USAGE, MX_NOWHERE, "--%s needs --shape; an image has its own", alone) : MX_OK;
  a->target = mx_params_find(target);
  if (!a->target) return mx_fail(e, MX_USAGE, MX_NOWHERE, "--target %s: expected one of %s", target, mx_params_names());
  a->context = DEFAULT_CONTEXT;
  mx_status s = number32("layers", t->layers, 1, 1024, &o->layers, e);
  if (!s) s = number32("context", t->context, 1, 65535, &a->context, e);
  if (!s) s = mx_weight_format_parse(t->weights ? t->weights : "mxint4", &o->weights, e);
  if (!s) s = mx_element_format_parse("--acts", t->acts ? t->acts : "mxint8", true, &o->acts.bits, e);
  return s ? s : mx_element_format_parse("--kv", t->kv ? t->kv : "mxint8", false, &o->kv_bits, e);
}

// ---- files -----------------------------------------------------------------------------

static mx_status take_files(mx_profile_arguments *a, mx_error *e) {
  static const char *const names[3] = {"trace.json", "roofline.svg", "profile.json"};
  const char **files[3] = {&a->trace, &a->plot, &a->json};
  for (unsigned i = 0; i < 3 && a->directory; i++) {
    if (*files[i]) continue;
    if ((size_t)snprintf(a->files[i], sizeof a->files[i], "%s/%s", a->directory, names[i]) >= sizeof a->files[i])
      return mx_fail(e, MX_USAGE, MX_NOWHERE, "--output: a name of more than %zu characters", sizeof a->files[i] - 16);
    *files[i] = a->files[i];
  }
  return MX_OK;
}

static mx_status check(const mx_profile_arguments *a, mx_error *e) {
  if (!a->image == !a->shape.shape)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "expected one IMAGE, or --shape NAME instead (mxf profile --help)");
  if (a->other && (a->trace || a->plot || a->json))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--compare prints a table and writes no files");
  return MX_OK;
}

// ---- the command line ------------------------------------------------------------------

enum { MOST_OPTIONS = 32 };

static void describe(texts *t, mx_profile_arguments *a, mx_cli_option options[MOST_OPTIONS]) {
  const mx_cli_option own[] = {{"prompt-tokens", 0, &t->prompt_tokens, NULL}, {"tokens", 'n', &t->tokens, NULL},
                               {"position", 0, &t->position, NULL},           {"by", 0, &t->by, NULL},
                               {"output", 'o', &a->directory, NULL},          {"json", 0, &a->json, NULL},
                               {"plot", 0, &a->plot, NULL},                   {"trace", 0, &a->trace, NULL},
                               {"compare", 0, &a->other, NULL},               {"shape", 0, &a->shape.shape, NULL},
                               {"layers", 0, &t->layers, NULL},               {"weights", 0, &t->weights, NULL},
                               {"acts", 0, &t->acts, NULL},                   {"kv", 0, &t->kv, NULL},
                               {"target", 0, &t->target, NULL},               {"context", 0, &t->context, NULL}};
  unsigned n = sizeof own / sizeof *own;
  memcpy(options, own, sizeof own);
  n += mx_sim_memory_options(&t->memory, options + n);
  options[n] = (mx_cli_option){0};
}

// With an operand or without: whether there must be one is only known afterwards.
static mx_status parse(int argc, char **argv, const mx_cli_option *options, mx_profile_arguments *a, mx_error *e) {
  mx_error none = {0};
  if (!mx_cli_parse(argc, argv, options, NULL, NULL, &a->help, &none)) return MX_OK;
  return mx_cli_parse(argc, argv, options, "IMAGE", &a->image, &a->help, e);
}

mx_status mx_profile_parse(int argc, char **argv, mx_profile_arguments *a, mx_error *e) {
  texts t = {0};
  mx_cli_option options[MOST_OPTIONS];
  *a = (mx_profile_arguments){0};
  describe(&t, a, options);
  mx_status s = parse(argc, argv, options, a, e);
  if (s || a->help) return s;
  s = take_tokens(&t, a, e);
  if (!s) s = take_by(&t, a, e);
  if (!s) s = take_shape(&t, a, e);
  if (!s) s = mx_sim_take_memory(&t.memory, &a->device.memory, e);
  if (!s) s = take_files(a, e);
  return s ? s : check(a, e);
}
