// mxf eval: perplexity of a model over a text.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>  // isatty, sysconf

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/eval/compare.h"
#include "compiler/eval/eval.h"
#include "compiler/eval/golden_scorer.h"
#include "compiler/import/bytes.h"
#include "compiler/import/model.h"
#include "compiler/lower/lower.h"
#include "compiler/quant/parallel.h"
#include "compiler/quant/qmodel.h"
#include "compiler/ref/reference.h"

enum { DEFAULT_CONTEXT = 2048 };  // at most, without --context
enum { MAX_THREADS = 64 };

static const char usage[] =
    "usage: mxf eval MODEL --text FILE [options]\n"
    "\n"
    "Perplexity of MODEL over a text: of a GGUF or llama2.c model in FP32, of a\n"
    "quantized model (.mxq) or program image (.mxp) in the device's own arithmetic,\n"
    "bit for bit, on the golden executor.\n"
    "\n"
    "  --text FILE       text to score\n"
    "  --split STR       FILE holds documents separated by STR\n"
    "  --whole           with --split: score documents beyond the context too\n"
    "  --context N       tokens in a sequence with BOS (default: what the model\n"
    "                    was trained for, 2048 at most); N - 1 positions are run\n"
    "  --max-tokens N    stop after N scored tokens\n"
    "  --tokenizer FILE  llama2.c tokenizer.bin (needed by llama2.c models)\n"
    "  --reference FILE  for quantized models: run FILE, the model in FP32, beside it\n"
    "                    and compare (below)\n"
    "  --threads N       for quantized models (default: one per processor); the\n"
    "                    result does not depend on it\n"
    "  --plain           for quantized models: the golden model's defining functions,\n"
    "                    never the host's vector instructions; the same result, slowly\n"
    "  --json            print one JSON object\n"
    "\n"
    "Protocol. A sequence is BOS and at most N - 1 tokens of the text. Every token\n"
    "after BOS is scored by -ln p(token | all before it in its sequence); BOS is\n"
    "not scored and no end token is added.\n"
    "  Without --split the whole text is tokenized once and cut, in order, into\n"
    "  runs of N - 1 tokens (the last may be shorter), each a sequence: every\n"
    "  token of the text is scored once.\n"
    "  With --split the text is cut at each STR, ASCII white space around each\n"
    "  document and empty documents are dropped, and each document, tokenized by\n"
    "  itself, is one sequence; its tokens past N - 1 are dropped, or with --whole\n"
    "  go on in further sequences: every token of every document is scored once.\n"
    "perplexity = exp(mean score); bits per byte = sum of scores / ln 2 / bytes of\n"
    "text that the scored tokens stand for.\n"
    "An image with a prefix runs no BOS: it stands for the prefix, and the context\n"
    "that is left for the text is shorter by the prefix, BOS not counted.\n"
    "\n"
    "Comparison, over the same tokens: the perplexity of both; KL(FP32 || device) of\n"
    "the next token's distribution, mean and worst, in nats; the share of tokens\n"
    "after which both favour the same next one; and for each layer the signal-to-\n"
    "noise ratio of the residual stream after it, 10 log10(sum x^2 / sum (x - y)^2)\n"
    "dB with x of FP32 and y of the device, over all channels and tokens.\n";

typedef struct {
  const char *model, *text, *split, *tokenizer, *reference;
  uint64_t context, max_tokens, threads;  // 0: default, all, one per processor
  bool whole, json, plain, help;
} arguments;

// ---- command line ----------------------------------------------------------------

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){0};
  const char *context = NULL, *max_tokens = NULL, *threads = NULL;
  const mx_cli_option options[] = {{"text", 't', &a->text, NULL},
                                   {"split", 's', &a->split, NULL},
                                   {"whole", 'w', NULL, &a->whole},
                                   {"context", 'c', &context, NULL},
                                   {"max-tokens", 'm', &max_tokens, NULL},
                                   {"tokenizer", 0, &a->tokenizer, NULL},
                                   {"reference", 'r', &a->reference, NULL},
                                   {"threads", 0, &threads, NULL},
                                   {"plain", 0, NULL, &a->plain},
                                   {"json", 'j', NULL, &a->json},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, "MODEL", &a->model, &a->help, e);
  if (!s) s = mx_cli_number("context", context, 2, 1 << 24, &a->context, e);
  if (!s) s = mx_cli_number("max-tokens", max_tokens, 1, UINT64_MAX, &a->max_tokens, e);
  if (!s) s = mx_cli_number("threads", threads, 1, MAX_THREADS, &a->threads, e);
  if (s || a->help) return s;
  if (!a->text) return mx_fail(e, MX_USAGE, MX_NOWHERE, "--text FILE is missing (mxf eval --help)");
  if (a->plain && a->reference)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--plain and --reference exclude each other (mxf eval --help)");
  if (a->whole && !a->split)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--whole needs --split (mxf eval --help)");
  return MX_OK;
}

// ---- output ------------------------------------------------------------------------

static double seconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// self: when the evaluation began.
static void show_progress(void *self, const mx_eval_result *r, double done) {
  double seconds = seconds_now() - *(const double *)self;
  fprintf(stderr, "\r%5.1f %%  %" PRIu64 " tokens  perplexity %.4f  %.0f tokens/s  %.0f s left ", 100 * done, r->tokens,
          r->perplexity, (double)r->tokens / seconds, seconds * (1 - done) / done);
  if (done >= 1) fprintf(stderr, "\n");
}

static const char *protocol_name(const arguments *a) {
  return a->whole ? "whole documents" : a->split ? "documents" : "windows";
}

// A figure that JSON can hold, else null: a ratio to no noise has no number.
static json_t *real_or_null(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *comparison_json(const arguments *a, const mx_comparison *c) {
  json_t *layers = json_array();
  for (uint32_t i = 0; i < c->n_layers; i++) json_array_append_new(layers, real_or_null(c->snr_db[i]));
  return json_pack("{s:s, s:f, s:f, s:f, s:f, s:I, s:f, s:o, s:o, s:i, s:o}", "model", a->reference, "mean_nll",
                   c->reference_nll, "perplexity", exp(c->reference_nll), "mean_kl", c->mean_kl, "worst_kl", c->worst_kl,
                   "worst_kl_token", (json_int_t)c->worst_token, "agreement", c->agreement, "mean_snr_db",
                   real_or_null(c->mean_snr_db), "worst_snr_db", real_or_null(c->snr_db[c->worst_layer]), "worst_snr_layer",
                   (int)c->worst_layer, "snr_db", layers);
}

static mx_status print_json(const arguments *a, uint32_t context, const mx_eval_result *r, const mx_comparison *c,
                            mx_error *e) {
  json_t *o = json_pack(
      "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "model", a->model, "text", a->text,
      "protocol", protocol_name(a), "context", (json_int_t)context, "sequences",
      (json_int_t)r->sequences, "tokens", (json_int_t)r->tokens, "bytes", (json_int_t)r->bytes,
      "mean_nll", r->mean_nll, "perplexity", r->perplexity, "bits_per_byte", r->bits_per_byte);
  if (!o || (c && json_object_set_new(o, "reference", comparison_json(a, c)))) {
    json_decref(o);
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                   "no JSON for this result: a name is not UTF-8 or a figure is not finite");
  }
  json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
  putchar('\n');
  json_decref(o);
  return MX_OK;
}

static void print_comparison(const mx_comparison *c) {
  printf("FP32           perplexity %.4f, mean NLL %.6f nats\n", exp(c->reference_nll), c->reference_nll);
  printf("KL divergence  %.6f nats in the mean; worst %.4f, after %" PRIu64 " scored tokens\n", c->mean_kl, c->worst_kl,
         c->worst_token);
  printf("agreement      %.2f %% of tokens\n", 100 * c->agreement);
  printf("SNR            %.2f dB in the mean of layers; worst %.2f dB, after layer %u\n", c->mean_snr_db,
         c->snr_db[c->worst_layer], c->worst_layer);
  for (uint32_t i = 0; i < c->n_layers; i++) printf("  layer %-6u %.2f dB\n", i, c->snr_db[i]);
}

static void print_text(const arguments *a, uint32_t context, const mx_eval_result *r, const mx_comparison *c) {
  printf("perplexity     %.4f\n", r->perplexity);
  printf("mean NLL       %.6f nats over %" PRIu64 " tokens\n", r->mean_nll, r->tokens);
  printf("bits per byte  %.4f over %" PRIu64 " bytes\n", r->bits_per_byte, r->bytes);
  if (c) print_comparison(c);
  printf("protocol       %s: %" PRIu64 " sequences of BOS and up to %u tokens; BOS not scored\n",
         protocol_name(a), r->sequences, context - 1);
}

// ---- evaluation --------------------------------------------------------------------

// scorers [n]: the same engine n times, for as many threads. compare: what they
// compare with, or NULL.
static mx_status eval_file(const arguments *a, const mx_scorer *scorers, uint32_t n, mx_compare *compare,
                           const mx_tokenizer *tokenizer, uint32_t context, mx_error *e) {
  mx_file text;
  mx_status s = mx_file_map(a->text, &text, e);
  if (s) return s;
  double begin = seconds_now();
  mx_eval_options o = {.context = context, .split = a->split, .whole_documents = a->whole,
                       .max_tokens = a->max_tokens, .helpers = scorers + 1, .n_helpers = n - 1, .progress_self = &begin};
  if (isatty(STDERR_FILENO)) o.progress = show_progress;
  if (compare) {
    o.measures = mx_compare_measures(compare);
    o.receive = mx_compare_receive;
    o.receive_self = compare;
  }
  mx_eval_result r;
  s = mx_eval_text(scorers, tokenizer, (const char *)text.data, text.size_bytes, &o, &r, e);
  const mx_comparison *c = compare && !s ? mx_compare_result(compare) : NULL;
  if (!s && a->json) s = print_json(a, context, &r, c, e);
  else if (!s) print_text(a, context, &r, c);
  mx_file_unmap(&text);
  return s;
}

static uint32_t choose_context(const arguments *a, uint32_t trained) {
  if (a->context) return (uint32_t)a->context;
  return trained < 2 ? 2 : trained < DEFAULT_CONTEXT ? trained : DEFAULT_CONTEXT;
}

static mx_status eval_reference(const arguments *a, mx_error *e) {
  mx_model *model;
  mx_reference *reference = NULL;
  if (a->reference)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--reference compares a quantized model or an image, not one in FP32");
  mx_status s = mx_model_load(a->model, a->tokenizer, &model, e);
  if (s) return s;
  uint32_t context = choose_context(a, model->config.context_length);
  s = mx_reference_new(model, context, &reference, e);
  mx_scorer scorer = {reference, mx_reference_score};
  if (!s) s = eval_file(a, &scorer, 1, NULL, model->tokenizer, context, e);
  mx_reference_free(reference);
  mx_model_free(model);
  return s;
}

static uint32_t choose_threads(const arguments *a) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (a->threads) return (uint32_t)a->threads;
  return processors < 1 ? 1 : processors > MAX_THREADS ? MAX_THREADS : (uint32_t)processors;
}

// Evaluates an image on the golden executor.
static mx_status eval_alone(const arguments *a, const mx_image *image, const mx_tokenizer *tokenizer, uint32_t context,
                            mx_error *e) {
  mx_golden_scorer *golden[MAX_THREADS] = {0};
  mx_scorer scorers[MAX_THREADS];
  uint32_t n = choose_threads(a);
  mx_status s = MX_OK;
  for (uint32_t i = 0; i < n && !s; i++) {
    s = mx_golden_scorer_new(image, &golden[i], e);
    if (s) break;
    mx_golden_scorer_machine(golden[i])->plain = a->plain;
    scorers[i] = (mx_scorer){golden[i], mx_golden_scorer_score};
  }
  if (!s) s = eval_file(a, scorers, n, NULL, tokenizer, context, e);
  for (uint32_t i = 0; i < n; i++) mx_golden_scorer_free(golden[i]);
  return s;
}

// The same beside a model in FP32.
static mx_status eval_beside(const arguments *a, const mx_image *image, const mx_model *model, const mx_tokenizer *tokenizer,
                             uint32_t context, mx_error *e) {
  mx_compare *compare;
  mx_compare_scorer *both[MAX_THREADS] = {0};
  mx_scorer scorers[MAX_THREADS];
  uint32_t n = choose_threads(a);
  mx_status s = mx_compare_new(image, model, context, &compare, e);
  for (uint32_t i = 0; i < n && !s; i++) {
    s = mx_compare_scorer_new(compare, &both[i], e);
    scorers[i] = (mx_scorer){both[i], mx_compare_score};
  }
  int blas_threads = mx_blas_single();
  if (!s) s = eval_file(a, scorers, n, compare, tokenizer, context, e);
  mx_blas_restore(blas_threads);
  for (uint32_t i = 0; i < n; i++) mx_compare_scorer_free(both[i]);
  mx_compare_free(compare);
  return s;
}

static mx_status eval_image(const arguments *a, const mx_image *image, uint32_t context, mx_error *e) {
  mx_tokenizer *tokenizer = NULL;
  mx_model *model = NULL;
  mx_status s = mx_tokenizer_read(image->tokenizer, image->tokenizer_bytes, (mx_loc){a->model, 0}, &tokenizer, e);
  if (!s && a->reference) s = mx_model_load(a->reference, a->tokenizer, &model, e);
  if (!s) s = model ? eval_beside(a, image, model, tokenizer, context, e) : eval_alone(a, image, tokenizer, context, e);
  mx_model_free(model);
  mx_tokenizer_free(tokenizer);
  return s;
}

static mx_status eval_program(const arguments *a, mx_error *e) {
  mx_image *image;
  mx_status s = mx_image_read(a->model, &image, e);
  if (s) return s;
  s = eval_image(a, image, choose_context(a, mx_golden_scorer_room(image)), e);
  mx_image_free(image);
  return s;
}

// Bits are the same on every parameter set: `sim` is the quickest here, `large`
// has the most room.
static mx_status compile_for_golden(const mx_qmodel *model, uint32_t context, mx_image **image, mx_error *e) {
  mx_error first = {0};
  mx_compile_options o = {.params = mx_params_find("sim"), .context = context};
  if (!mx_compile(model, &o, image, &first)) return MX_OK;
  o.params = mx_params_find("large");
  return mx_compile(model, &o, image, e);
}

static mx_status eval_quantized(const arguments *a, mx_error *e) {
  mx_qmodel *model;
  mx_image *image = NULL;
  mx_status s = mx_qmodel_read(a->model, &model, e);
  if (s) return s;
  uint32_t prefix = model->prefix.n ? model->prefix.n - 1 : 0, trained = model->config.context_length;
  uint32_t context = choose_context(a, trained > prefix ? trained - prefix : 0);
  s = compile_for_golden(model, context + prefix, &image, e);
  if (!s) s = eval_image(a, image, context, e);
  mx_image_free(image);
  mx_qmodel_free(model);
  return s;
}

static mx_status eval_model(const arguments *a, mx_error *e) {
  if (mx_file_begins(a->model, "MXQ2")) return eval_quantized(a, e);
  return mx_file_begins(a->model, "MXP1") ? eval_program(a, e) : eval_reference(a, e);
}

mx_status mx_cmd_eval(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (a.help) fputs(usage, stdout);
  else s = eval_model(&a, e);
  if (!s && fflush(stdout))
    s = mx_fail(e, MX_IO, MX_NOWHERE, "cannot write the result: %s", strerror(errno));
  return s;
}
