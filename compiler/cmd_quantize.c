// mxf quantize: a model to low-bit block formats.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>  // isatty, sysconf

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/import/bytes.h"
#include "compiler/import/model.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/quantize.h"

enum { DEFAULT_TOKENS = 65536, DEFAULT_CONTEXT = 2048 };

static const char usage[] =
    "usage: mxf quantize MODEL -o FILE [options]\n"
    "\n"
    "Quantizes MODEL (GGUF or llama2.c); `mxf compile` takes the result. Norm gains\n"
    "and the embedding stay FP32.\n"
    "\n"
    "  -o FILE              quantized model to write (.mxq)\n"
    "  --weights FORMAT     mxint4 (default), mxint6, mxint8, int4, int4z or mxfp4,\n"
    "                       with :16, :32 (default), :64 or :128 for the block\n"
    "  --acts FORMAT        activations: mxint8 (default), mxint6 or mxint4, in the\n"
    "                       weights' blocks\n"
    "  --kv FORMAT          KV cache: mxint8 (default) or mxint4\n"
    "  --method LIST        rtn (default), or of the following, separated by commas:\n"
    "    mse[=plain|diagonal|block]     block scales by search; weighed by the inputs\n"
    "                                   (block) if there is a calibration text\n"
    "    smoothquant[=A|search][+all]   alpha A, 0.5, or the best for each matrix group;\n"
    "                                   +all: of attn_output and ffn_down too\n"
    "    awq[=clip|noclip]              scale search, and clip search unless noclip\n"
    "    correct                        weights made to fit inputs that are off by now\n"
    "    gptq[=column|block][+order][+refine]\n"
    "                                   compensated rounding, inside blocks too\n"
    "                                   (column) or only between them\n"
    "                       smoothquant, awq, correct and gptq need --calib; they run in\n"
    "                       this order, whatever that of LIST\n"
    "  --calib FILE         text for calibration, like what the model was trained on\n"
    "  --calib-split STR    FILE holds documents separated by STR\n"
    "  --calib-tokens N     use no more than N tokens of it (default: 65536)\n"
    "  --seed N             chooses among its sequences if there are more (default: 0)\n"
    "  --threads N          (default: one per processor); the result does not depend on it\n"
    "  --tokenizer FILE     llama2.c tokenizer.bin (needed by llama2.c models)\n";

typedef struct {
  const char *model, *out, *tokenizer;
  const char *weights, *acts, *kv;
  const char *method, *calib, *split;
  uint64_t tokens, seed, threads;
  bool help;
} arguments;

static mx_status check_calibration(const arguments *a, mx_error *e) {
  if (a->calib || (!a->split && !a->tokens && !a->seed)) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "--calib-split, --calib-tokens and --seed need --calib (mxf quantize --help)");
}

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){.weights = "mxint4", .acts = "mxint8", .kv = "mxint8", .method = "rtn"};
  const char *tokens = NULL, *seed = NULL, *threads = NULL;
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL},
                                   {"weights", 0, &a->weights, NULL},
                                   {"acts", 0, &a->acts, NULL},
                                   {"kv", 0, &a->kv, NULL},
                                   {"method", 0, &a->method, NULL},
                                   {"calib", 0, &a->calib, NULL},
                                   {"calib-split", 0, &a->split, NULL},
                                   {"calib-tokens", 0, &tokens, NULL},
                                   {"seed", 0, &seed, NULL},
                                   {"threads", 0, &threads, NULL},
                                   {"tokenizer", 0, &a->tokenizer, NULL},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, "MODEL", &a->model, &a->help, e);
  if (!s) s = mx_cli_number("calib-tokens", tokens, MX_CALIBRATION_LEAST, 1 << 30, &a->tokens, e);
  if (!s) s = mx_cli_number("seed", seed, 0, UINT64_MAX, &a->seed, e);
  if (!s) s = mx_cli_number("threads", threads, 1, MX_PARALLEL_MAX, &a->threads, e);
  if (s || a->help) return s;
  if (!a->out) return mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf quantize --help)");
  return check_calibration(a, e);
}

static double seconds(void) {
  static struct timespec start;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (!start.tv_sec) start = now;
  return (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec);
}

static void show_progress(const char *name, uint32_t done, uint32_t of) {
  double spent = seconds(), left = done ? spent / done * (of - done) : 0;
  fprintf(stderr, "\rquantizing %" PRIu32 "/%" PRIu32 " %-24s %4.0f s, about %.0f s left  %s", done + 1, of, name, spent,
          left, done + 1 == of ? "\n" : "");
}

static void report(const arguments *a, const mx_qmodel *q, const mx_weight_format *f) {
  char name[16];
  mx_weight_format_name(f, name);
  printf("%s: weights %s (%.4g bits each), activations %s, KV cache %s, method %s, %u layers\n", a->out, name,
         mx_weight_format_bits(f), a->acts, a->kv, a->method, q->config.n_layers);
}

static mx_status read_calibration(const arguments *a, const mx_model *model, mx_calibration *c, mx_error *e) {
  uint32_t trained = model->config.context_length;
  mx_calibration_options o = {.context = trained < 2 ? 2 : trained < DEFAULT_CONTEXT ? trained : DEFAULT_CONTEXT,
                              .split = a->split, .seed = a->seed,
                              .max_tokens = a->tokens ? (uint32_t)a->tokens : DEFAULT_TOKENS};
  mx_file text = {0};
  mx_status s = mx_file_map(a->calib, &text, e);
  if (!s) s = mx_calibration_read(model->tokenizer, (const char *)text.data, text.size_bytes, &o, c, e);
  mx_file_unmap(&text);
  return s;
}

static mx_status quantize(const arguments *a, mx_quantize_options *o, mx_error *e) {
  mx_model *model = NULL;
  mx_qmodel *q = NULL;
  mx_calibration calibration = {0};
  mx_status s = mx_model_load(a->model, a->tokenizer, &model, e);
  if (!s && a->calib) {
    s = read_calibration(a, model, &calibration, e);
    o->calibration = &calibration;
  }
  if (!s) s = mx_quantize_model(model, o, &q, e);
  if (!s) s = mx_qmodel_write(a->out, q, e);
  if (!s) report(a, q, &o->weights);
  mx_calibration_free(&calibration);
  mx_qmodel_free(q);
  mx_model_free(model);
  return s;
}

static unsigned choose_threads(const arguments *a) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (a->threads) return (unsigned)a->threads;
  return processors < 1 ? 1 : processors > MX_PARALLEL_MAX ? MX_PARALLEL_MAX : (unsigned)processors;
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
  if (!s) s = mx_methods_parse(a.method, &o.methods, e);
  if (!s && mx_methods_calibrated(&o.methods) && !a.calib)
    s = mx_fail(e, MX_USAGE, MX_NOWHERE, "--method '%s' needs --calib FILE (mxf quantize --help)", a.method);
  o.threads = choose_threads(&a);
  o.seed = a.seed;
  seconds();
  if (isatty(STDERR_FILENO)) o.progress = show_progress;
  return s ? s : quantize(&a, &o, e);
}
