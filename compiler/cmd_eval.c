// mxf eval: perplexity of a model over a text.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>  // isatty, sysconf

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/eval/eval.h"
#include "compiler/eval/golden_scorer.h"
#include "compiler/import/bytes.h"
#include "compiler/import/model.h"
#include "compiler/lower/lower.h"
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
    "  --threads N       for quantized models (default: one per processor); the\n"
    "                    result does not depend on it\n"
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
    "text that the scored tokens stand for.\n";

typedef struct {
  const char *model, *text, *split, *tokenizer;
  uint64_t context, max_tokens, threads;  // 0: default, all, one per processor
  bool whole, json, help;
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
                                   {"threads", 0, &threads, NULL},
                                   {"json", 'j', NULL, &a->json},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, "MODEL", &a->model, &a->help, e);
  if (!s) s = mx_cli_number("context", context, 2, 1 << 24, &a->context, e);
  if (!s) s = mx_cli_number("max-tokens", max_tokens, 1, UINT64_MAX, &a->max_tokens, e);
  if (!s) s = mx_cli_number("threads", threads, 1, MAX_THREADS, &a->threads, e);
  if (s || a->help) return s;
  if (!a->text) return mx_fail(e, MX_USAGE, MX_NOWHERE, "--text FILE is missing (mxf eval --help)");
  if (a->whole && !a->split)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--whole needs --split (mxf eval --help)");
  return MX_OK;
}

// ---- output ------------------------------------------------------------------------

static void show_progress(void *self, const mx_eval_result *r, double done) {
  (void)self;
  fprintf(stderr, "\r%5.1f %%  %" PRIu64 " tokens  perplexity %.4f ", 100 * done, r->tokens,
          r->perplexity);
  if (done >= 1) fprintf(stderr, "\n");
}

static const char *protocol_name(const arguments *a) {
  return a->whole ? "whole documents" : a->split ? "documents" : "windows";
}

static mx_status print_json(const arguments *a, uint32_t context, const mx_eval_result *r,
                            mx_error *e) {
  json_t *o = json_pack(
      "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "model", a->model, "text", a->text,
      "protocol", protocol_name(a), "context", (json_int_t)context, "sequences",
      (json_int_t)r->sequences, "tokens", (json_int_t)r->tokens, "bytes", (json_int_t)r->bytes,
      "mean_nll", r->mean_nll, "perplexity", r->perplexity, "bits_per_byte", r->bits_per_byte);
  if (!o)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE,
                   "no JSON for this result: a name is not UTF-8 or a figure is not finite");
  json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
  putchar('\n');
  json_decref(o);
  return MX_OK;
}

static void print_text(const arguments *a, uint32_t context, const mx_eval_result *r) {
  printf("perplexity     %.4f\n", r->perplexity);
  printf("mean NLL       %.6f nats over %" PRIu64 " tokens\n", r->mean_nll, r->tokens);
  printf("bits per byte  %.4f over %" PRIu64 " bytes\n", r->bits_per_byte, r->bytes);
  printf("protocol       %s: %" PRIu64 " sequences of BOS and up to %u tokens; BOS not scored\n",
         protocol_name(a), r->sequences, context - 1);
}

// ---- evaluation --------------------------------------------------------------------

// scorers [n]: the same engine n times, for as many threads.
static mx_status eval_file(const arguments *a, const mx_scorer *scorers, uint32_t n,
                           const mx_tokenizer *tokenizer, uint32_t context, mx_error *e) {
  mx_file text;
  mx_status s = mx_file_map(a->text, &text, e);
  if (s) return s;
  mx_eval_options o = {.context = context, .split = a->split, .whole_documents = a->whole,
                       .max_tokens = a->max_tokens, .helpers = scorers + 1, .n_helpers = n - 1};
  if (isatty(STDERR_FILENO)) o.progress = show_progress;
  mx_eval_result r;
  s = mx_eval_text(scorers, tokenizer, (const char *)text.data, text.size_bytes, &o, &r, e);
  if (!s && a->json) s = print_json(a, context, &r, e);
  else if (!s) print_text(a, context, &r);
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
  mx_status s = mx_model_load(a->model, a->tokenizer, &model, e);
  if (s) return s;
  uint32_t context = choose_context(a, model->config.context_length);
  s = mx_reference_new(model, context, &reference, e);
  mx_scorer scorer = {reference, mx_reference_score};
  if (!s) s = eval_file(a, &scorer, 1, model->tokenizer, context, e);
  mx_reference_free(reference);
  mx_model_free(model);
  return s;
}

static uint32_t choose_threads(const arguments *a) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  if (a->threads) return (uint32_t)a->threads;
  return processors < 1 ? 1 : processors > MAX_THREADS ? MAX_THREADS : (uint32_t)processors;
}

// Evaluates an image with room for `context` positions on the golden executor.
static mx_status eval_image(const arguments *a, const mx_image *image, uint32_t context, mx_error *e) {
  mx_golden_scorer *golden[MAX_THREADS] = {0};
  mx_scorer scorers[MAX_THREADS];
  mx_tokenizer *tokenizer = NULL;
  uint32_t n = choose_threads(a);
  mx_status s = mx_tokenizer_read(image->tokenizer, image->tokenizer_bytes, (mx_loc){a->model, 0},
                                  &tokenizer, e);
  for (uint32_t i = 0; i < n && !s; i++) {
    s = mx_golden_scorer_new(image, &golden[i], e);
    scorers[i] = (mx_scorer){golden[i], mx_golden_scorer_score};
  }
  if (!s) s = eval_file(a, scorers, n, tokenizer, context, e);
  for (uint32_t i = 0; i < n; i++) mx_golden_scorer_free(golden[i]);
  mx_tokenizer_free(tokenizer);
  return s;
}

static mx_status eval_program(const arguments *a, mx_error *e) {
  mx_image *image;
  mx_status s = mx_image_read(a->model, &image, e);
  if (s) return s;
  uint32_t context = choose_context(a, image->context_length);
  s = eval_image(a, image, context, e);
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
  uint32_t context = choose_context(a, model->config.context_length);
  s = compile_for_golden(model, context, &image, e);
  if (!s) s = eval_image(a, image, context, e);
  mx_image_free(image);
  mx_qmodel_free(model);
  return s;
}

static mx_status eval_model(const arguments *a, mx_error *e) {
  if (mx_file_begins(a->model, "MXQ1")) return eval_quantized(a, e);
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
