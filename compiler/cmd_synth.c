// mxf synth-model: a model of a known shape with random weights.
#include <stdio.h>
#include <string.h>
#include <unistd.h>  // sysconf

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/import/gguf.h"
#include "compiler/quant/parallel.h"
#include "compiler/synth/synth.h"

static const char usage[] =
    "usage: mxf synth-model --shape NAME -o FILE [options]\n"
    "\n"
    "Writes a GGUF model of a known shape with random weights: for what a model costs\n"
    "in time and memory, where its text does not matter.\n"
    "\n"
    "  --shape NAME      tiny-test, tiny-qwen3, stories15m, stories42m, smollm2-135m,\n"
    "                    tinyllama-1.1b, llama2-7b or qwen3-0.6b\n"
    "  -o FILE           model to write (.gguf)\n"
    "  --layers N        layers (default: the shape's)\n"
    "  --seed N          of the weights (default: 0)\n"
    "  --type TYPE       of the matrices: f16 (default) or f32\n"
    "  --threads N       (default: one per processor); bytes do not depend on it\n";

typedef struct {
  const char *out, *type;
  mx_synth_options o;
  bool help;
} arguments;

static mx_status numbers(arguments *a, const char *layers, const char *seed, const char *threads, mx_error *e) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  uint64_t n_layers = 0, n_threads = processors < 1 ? 1 : processors > MX_PARALLEL_MAX ? MX_PARALLEL_MAX : (uint64_t)processors;
  mx_status s = mx_cli_number("layers", layers, 1, 1024, &n_layers, e);
  if (!s) s = mx_cli_number("seed", seed, 0, UINT64_MAX, &a->o.seed, e);
  if (!s) s = mx_cli_number("threads", threads, 1, MX_PARALLEL_MAX, &n_threads, e);
  a->o.layers = (uint32_t)n_layers;
  a->o.threads = (unsigned)n_threads;
  return s;
}

static mx_status check(arguments *a, mx_error *e) {
  a->o.type = !strcmp(a->type, "f16") ? MX_GGML_F16 : MX_GGML_F32;
  if (a->o.type == MX_GGML_F32 && strcmp(a->type, "f32"))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--type %s: expected f16 or f32", a->type);
  if (!a->o.shape) return mx_fail(e, MX_USAGE, MX_NOWHERE, "--shape NAME is missing (mxf synth-model --help)");
  if (!a->out) return mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf synth-model --help)");
  return MX_OK;
}

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){.type = "f16"};
  const char *layers = NULL, *seed = NULL, *threads = NULL;
  const mx_cli_option options[] = {{"shape", 's', &a->o.shape, NULL},
                                   {"output", 'o', &a->out, NULL},
                                   {"layers", 0, &layers, NULL},
                                   {"seed", 0, &seed, NULL},
                                   {"type", 0, &a->type, NULL},
                                   {"threads", 0, &threads, NULL},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, NULL, NULL, &a->help, e);
  if (s || a->help) return s;
  s = numbers(a, layers, seed, threads, e);
  return s ? s : check(a, e);
}

mx_status mx_cmd_synth_model(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_config c;
  bool tied;
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (a.help) {
    fputs(usage, stdout);
    return MX_OK;
  }
  s = mx_synth_config(&a.o, &c, &tied, e);
  if (!s) s = mx_synth_write(a.out, &a.o, e);
  if (!s) printf("%s: %s, %u layers, random weights, %s\n", a.out, a.o.shape, c.n_layers, a.type);
  return s;
}
