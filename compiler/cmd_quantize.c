// mxf quantize: a model to low-bit block formats.
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>  // getrusage
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>  // isatty, sysconf

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/import/bytes.h"
#include "compiler/import/model.h"
#include "compiler/quant/blas.h"
#include "compiler/quant/describe.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/quantize.h"
#include "compiler/quant/state.h"

enum { DEFAULT_TOKENS = 65536, DEFAULT_CONTEXT = 2048, PATH_BYTES = 4096, LINE_SECONDS = 10 };

static const char usage[] =
    "usage: mxf quantize MODEL -o FILE [options]\n"
    "\n"
    "Quantizes MODEL (GGUF or llama2.c); `mxf compile` takes the result. Norm gains\n"
    "and the embedding stay FP32.\n"
    "\n"
    "  -o FILE              quantized model to write (.mxq)\n"
    "  --weights FORMAT     mxint4 (default), mxint6, mxint8; int4, int4z (FP16 scale,\n"
    "                       zero point); mxfp4; codebook (16 values fitted to each\n"
    "                       matrix); with :16, :32 (default), :64 or :128 for the block;\n"
    "                       int4row, int8row: integers, an FP32 step per row\n"
    "  --acts FORMAT        activations: mxint8 (default), mxint6 or mxint4, in the\n"
    "                       weights' blocks\n"
    "  --kv FORMAT          KV cache: mxint8 (default) or mxint4\n"
    "  --method LIST        rtn (default), or of the following, separated by commas; they\n"
    "                       run in this order, whatever that of LIST:\n"
    "    rotate[+down][+qk]             Hadamard rotation, folded into the weights; also\n"
    "                                   at run time: of ffn_down's input, of queries\n"
    "                                   and keys\n"
    "    prefix[=N]                     outlier tokens in the cache from the start: N, or\n"
    "                                   as found, and BOS\n"
    "    mixed=BUDGET[+trace][+channels]\n"
    "                                   formats by matrix for 4.5 bits per weight, or\n"
    "                                   70000c cycles per token of set sim, by measured\n"
    "                                   loss, or the Hessian's trace (faster); +channels:\n"
    "                                   the most sensitive input channels in 8 bits\n"
    "    smoothquant[=A|search][+all]   alpha A, 0.5, or the best for each matrix group;\n"
    "                                   +all: of attn_output and ffn_down too\n"
    "    awq[=clip|noclip]              scale search, and clip search unless noclip\n"
    "    static[=max|search]            one activation step per matrix input; search\n"
    "                                   (default) clips it by loss\n"
    "    qsm[+clip][+all]               steps per channel, of inputs after a norm; +all:\n"
    "                                   of all; +clip: shrunk by loss (pays with 6 and 4\n"
    "                                   bits)\n"
    "    rsq                            tokens weighed by the attention they get\n"
    "    correct                        weights made to fit inputs that are off by now\n"
    "    mse[=plain|diagonal|block]     block scales by search; weighed by the inputs\n"
    "                                   (block) if there is a calibration text\n"
    "    gptq[=column|block][+order][+refine]\n"
    "                                   compensated rounding, inside blocks too\n"
    "                                   (column) or only between them\n"
    "                       all but rtn, mse and rotate need --calib\n"
    "  --calib FILE         text for calibration, like what the model was trained on\n"
    "  --calib-split STR    FILE holds documents separated by STR\n"
    "  --calib-tokens N     use no more than N tokens of it (default: 65536)\n"
    "  --seed N             chooses among its sequences if there are more, and the signs\n"
    "                       of a rotation (default: 0)\n"
    "  --threads N          (default: one per processor); the result does not depend on it\n"
    "  --restart            discard what an interrupted run left\n"
    "  --tokenizer FILE     llama2.c tokenizer.bin (needed by llama2.c models)\n"
    "\n"
    "The model is read a layer at a time. Finished layers are kept in the folder\n"
    "FILE.part until FILE is written: after an interruption the same command goes on\n"
    "from there, with the same result.\n";

typedef struct {
  const char *model, *out, *tokenizer;
  const char *weights, *acts, *kv;
  const char *method, *calib, *split;
  uint64_t tokens, seed, threads;
  bool restart, help;
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
                                   {"restart", 0, NULL, &a->restart},
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

// ---- what the user sees ------------------------------------------------------------

// "1:02:03" or "2:03" into text.
static void format_time(double s, char text[32]) {
  unsigned long long t = (unsigned long long)(s + 0.5);
  if (t >= 3600) snprintf(text, 32, "%llu:%02llu:%02llu", t / 3600, t / 60 % 60, t % 60);
  else snprintf(text, 32, "%llu:%02llu", t / 60, t % 60);
}

// Where the work is, and how long it took and will take.
static void progress_text(const mx_progress *p, char text[160]) {
  char spent[32], left[64] = "";
  double s = seconds(), fresh = p->done - p->skipped;
  format_time(s, spent);
  if (fresh > 0) {
    char rest[32];
    format_time(s * (p->total - p->done) / fresh, rest);
    snprintf(left, sizeof left, ", about %s left", rest);
  }
  snprintf(text, 160, "quantizing %-20s layer %" PRIu32 "/%" PRIu32 "  %s%s", p->name,
           p->layer < p->layers ? p->layer + 1 : p->layers, p->layers, spent, left);
}

static bool line_open;  // the terminal shows a line of progress

static void show_progress(const mx_progress *p) {
  char text[160];
  progress_text(p, text);
  fprintf(stderr, "\r%-78s", text);
  line_open = true;
}

static void end_progress(void) {
  if (line_open) fputc('\n', stderr);
  line_open = false;
}

// A line for a layer, but not too many.
static void log_progress(const mx_progress *p) {
  static double last;
  static uint32_t layer;
  char text[160];
  if (p->layer == layer || seconds() - last < LINE_SECONDS) return;
  last = seconds();
  layer = p->layer;
  progress_text(p, text);
  fprintf(stderr, "%s\n", text);
}

static void show_note(const char *text) {
  end_progress();
  fprintf(stderr, "mxf: %s\n", text);
}

// What the methods chose: formats by matrix where they differ, the prefix.
static void report_choices(const arguments *a, const mx_quantize_options *o, json_t *described) {
  const char *name, *format;
  json_t *formats, *count;
  if (o->methods.mixed)
    json_object_foreach(json_object_get(described, "formats"), name, formats)
      json_object_foreach(formats, format, count)
        printf("  %-12s %s: %d\n", name, format, (int)json_integer_value(count));
  if (!o->methods.prefix) return;
  size_t n = json_array_size(json_object_get(described, "prefix"));
  if (n) printf("  prefix of %zu tokens, BOS the last (mxf info %s)\n", n, a->out);
  else printf("  no outlier tokens: no prefix\n");
}

static mx_status report(const arguments *a, const mx_qmodel *q, const mx_quantize_options *o, mx_error *e) {
  char name[16], spent[32];
  struct rusage used;
  json_t *described = mx_qmodel_describe(q);
  if (!described) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the report");
  getrusage(RUSAGE_SELF, &used);
  mx_weight_format_name(&o->weights, name);
  format_time(seconds(), spent);
  printf("%s: weights %s (%.4g bits each), activations %s, KV cache %s, method %s, %u layers; %s, %.0f %% of it in "
         "OpenBLAS, peak memory %.2f GiB\n",
         a->out, name, json_real_value(json_object_get(described, "bits_per_weight")), a->acts, a->kv, a->method,
         q->config.n_layers, spent, 100 * mx_blas_seconds() / (seconds() * o->threads), (double)used.ru_maxrss / (1 << 20));
  report_choices(a, o, described);
  json_decref(described);
  return MX_OK;
}

// ---- interruption ------------------------------------------------------------------

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number) {
  (void)number;
  interrupted = 1;
}

// The second time it ends the program at once.
static void catch_interrupt(void) {
  struct sigaction action = {.sa_handler = on_interrupt};
  sigemptyset(&action.sa_mask);
  action.sa_flags = (int)SA_RESETHAND;
  sigaction(SIGINT, &action, NULL);
}

static mx_status name_state(const char *out, char state[PATH_BYTES], mx_error *e) {
  struct stat st;
  if (!stat(out, &st) && S_ISDIR(st.st_mode)) return mx_fail(e, MX_IO, (mx_loc){out, 0}, "cannot write: it is a folder");
  if (snprintf(state, PATH_BYTES, "%s.part", out) < PATH_BYTES) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "the path is too long");
}

static void explain_interruption(const char *state) {
  fprintf(stderr, "mxf: %s has what is finished; the same command goes on from there, --restart begins anew\n", state);
}

// ---- the command -------------------------------------------------------------------

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
  char state[PATH_BYTES];
  mx_status s = name_state(a->out, state, e);
  if (!s) s = mx_model_open(a->model, a->tokenizer, &model, e);
  if (!s && a->calib) {
    s = read_calibration(a, model, &calibration, e);
    o->calibration = &calibration;
  }
  o->state = state;
  if (!s) s = mx_quantize_model(model, o, &q, e);
  end_progress();
  if (!s) s = mx_qmodel_write(a->out, q, e);
  if (!s) mx_state_remove(state);
  if (!s) s = report(a, q, o, e);
  if (s == MX_INTERRUPTED) explain_interruption(state);
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
  o.progress = isatty(STDERR_FILENO) ? show_progress : log_progress;
  o.note = show_note;
  o.restart = a.restart;
  o.interrupted = &interrupted;
  if (s) return s;
  catch_interrupt();
  return quantize(&a, &o, e);
}
