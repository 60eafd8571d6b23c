// mxf quantize: a model to low-bit block formats.
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>  // isatty

#include "compiler/cmd.h"
#include "compiler/import/model.h"
#include "compiler/quant/quantize.h"

static const char usage[] =
    "usage: mxf quantize MODEL -o FILE [options]\n"
    "\n"
    "Quantizes MODEL (GGUF or llama2.c) by rounding to nearest; `mxf compile` takes\n"
    "the result. Norm gains and the embedding stay FP32.\n"
    "\n"
    "  -o FILE              quantized model to write (.mxq)\n"
    "  --weights FORMAT     mxint4 (default), mxint6, mxint8, int4, int4z or mxfp4,\n"
    "                       with :16, :32 (default), :64 or :128 for the block\n"
    "  --acts FORMAT        activations: mxint8 (default), mxint6 or mxint4, in the\n"
    "                       weights' blocks\n"
    "  --kv FORMAT          KV cache: mxint8 (default) or mxint4\n"
    "  --tokenizer FILE     llama2.c tokenizer.bin (needed by llama2.c models)\n";

typedef struct {
  const char *model, *out, *tokenizer;
  const char *weights, *acts, *kv;
  bool help;
} arguments;

static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                        {"weights", required_argument, NULL, 'w'},
                                        {"acts", required_argument, NULL, 'a'},
                                        {"kv", required_argument, NULL, 'k'},
                                        {"tokenizer", required_argument, NULL, 't'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static mx_status take_option(int option, char **argv, arguments *a, mx_error *e) {
  switch (option) {
    case 'o': a->out = optarg; return MX_OK;
    case 'w': a->weights = optarg; return MX_OK;
    case 'a': a->acts = optarg; return MX_OK;
    case 'k': a->kv = optarg; return MX_OK;
    case 't': a->tokenizer = optarg; return MX_OK;
    case 'h': a->help = true; return MX_OK;
    default:
      return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s: unknown option or missing value (mxf quantize --help)",
                     argv[optind - 1]);
  }
}

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){.weights = "mxint4", .acts = "mxint8", .kv = "mxint8"};
  mx_status s = MX_OK;
  optind = 0;
  opterr = 0;
  for (int c; !s && (c = getopt_long(argc, argv, ":o:", options, NULL)) != -1;) s = take_option(c, argv, a, e);
  if (s || a->help) return s;
  if (argc - optind != 1)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "expected one MODEL, found %d (mxf quantize --help)", argc - optind);
  a->model = argv[optind];
  if (!a->out) return mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf quantize --help)");
  return MX_OK;
}

static void show_progress(const char *name, uint32_t done, uint32_t of) {
  fprintf(stderr, "\rquantizing %" PRIu32 "/%" PRIu32 " %-24s%s", done + 1, of, name, done + 1 == of ? "\n" : "");
}

static void report(const arguments *a, const mx_qmodel *q, const mx_weight_format *f) {
  char name[16];
  mx_weight_format_name(f, name);
  printf("%s: weights %s (%.4g bits each), activations %s, KV cache %s, %u layers\n", a->out, name,
         mx_weight_format_bits(f), a->acts, a->kv, q->config.n_layers);
}

mx_status mx_cmd_quantize(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_quantize_options o = {0};
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (a.help) {
    fputs(usage, stdout);
    return MX_OK;
  }
  s = mx_weight_format_parse(a.weights, &o.weights, e);
  if (!s) s = mx_element_format_parse("--acts", a.acts, true, &o.act_bits, e);
  if (!s) s = mx_element_format_parse("--kv", a.kv, false, &o.kv_bits, e);
  mx_model *model = NULL;
  mx_qmodel *q = NULL;
  if (isatty(STDERR_FILENO)) o.progress = show_progress;
  if (!s) s = mx_model_load(a.model, a.tokenizer, &model, e);
  if (!s) s = mx_quantize_model(model, &o, &q, e);
  if (!s) s = mx_qmodel_write(a.out, q, e);
  if (!s) report(&a, q, &o.weights);
  mx_qmodel_free(q);
  mx_model_free(model);
  return s;
}
