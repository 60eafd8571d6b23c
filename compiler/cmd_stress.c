// mxf stress-model: a twin of a model that is hard to quantize.
#include <math.h>  // isfinite
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/export/gguf_write.h"
#include "compiler/synth/stress.h"

static const char usage[] =
    "usage: mxf stress-model MODEL -o FILE --kind KIND [options]\n"
    "\n"
    "Writes a twin of MODEL (GGUF or llama2.c) that computes the same in FP32 and is\n"
    "hard to quantize, as a GGUF file with F32 tensors.\n"
    "\n"
    "  -o FILE           model to write (.gguf)\n"
    "  --kind channels   outlier channels in the inputs of all matrices\n"
    "  --kind tokens     massive inputs of ffn_down in one layer, for BOS and\n"
    "                    delimiters\n"
    "  --strength X      channels: the largest factor (default: 100); tokens: BOS's\n"
    "                    size against the median token's largest (default: 1000)\n"
    "  --seed N          (default: 0)\n"
    "  --tokenizer FILE  llama2.c tokenizer.bin (needed by llama2.c models)\n";

typedef struct {
  const char *model, *out, *kind, *tokenizer;
  double strength;
  uint64_t seed;
  bool channels, help;
} arguments;

static mx_status parse_strength(const char *text, arguments *a, mx_error *e) {
  a->strength = a->channels ? MX_STRESS_CHANNELS_STRENGTH : MX_STRESS_TOKENS_STRENGTH;
  if (!text) return MX_OK;
  char *end;
  a->strength = strtod(text, &end);
  if (end != text && !*end && a->strength >= 1 && a->strength <= 1e6) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--strength %s: expected a number from 1 to 1000000", text);
}

static mx_status parse_kind(arguments *a, mx_error *e) {
  if (!a->kind) return mx_fail(e, MX_USAGE, MX_NOWHERE, "--kind KIND is missing (mxf stress-model --help)");
  a->channels = !strcmp(a->kind, "channels");
  if (a->channels || !strcmp(a->kind, "tokens")) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--kind %s: expected channels or tokens", a->kind);
}

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){0};
  const char *strength = NULL, *seed = NULL;
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL},
                                   {"kind", 'k', &a->kind, NULL},
                                   {"strength", 0, &strength, NULL},
                                   {"seed", 0, &seed, NULL},
                                   {"tokenizer", 0, &a->tokenizer, NULL},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, "MODEL", &a->model, &a->help, e);
  if (s || a->help) return s;
  if (!a->out) return mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf stress-model --help)");
  s = parse_kind(a, e);
  if (!s) s = parse_strength(strength, a, e);
  return s ? s : mx_cli_number("seed", seed, 0, UINT64_MAX, &a->seed, e);
}

static mx_status write_twin(const arguments *a, mx_error *e) {
  mx_model *m;
  char name[64];
  snprintf(name, sizeof name, "stress twin, %s", a->kind);
  mx_status s = mx_model_load(a->model, a->tokenizer, &m, e);
  if (s) return s;
  s = (a->channels ? mx_stress_channels : mx_stress_tokens)(m, a->strength, a->seed, e);
  if (!s) s = mx_gguf_write_model(a->out, m, name, MX_GGML_F32, e);
  if (!s) printf("%s: %s of strength %g, %u hidden units\n", a->out, a->kind, a->strength, m->config.hidden_dim);
  mx_model_free(m);
  return s;
}

mx_status mx_cmd_stress_model(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (!a.help) return write_twin(&a, e);
  fputs(usage, stdout);
  return MX_OK;
}
