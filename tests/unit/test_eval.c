// Evaluation: which tokens are scored in which sequences, the sums, and the
// commands eval and info on a small model.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "compiler/cmd.h"
#include "compiler/eval/eval.h"
#include "compiler/ref/reference.h"
#include "tests/unit/gguf_writer.h"
#include "tests/unit/small_model.h"

// ---- a scorer that writes down what it is given ----------------------------------------

typedef struct {
  uint32_t lengths[16];      // of the sequences
  int32_t tokens[16][16];
  uint32_t n;                // sequences
  double bad;                // if not 0: the last score of each sequence
} recorder;

// The score of a token is its id / 100.
static mx_status record(void *self, const int32_t *tokens, uint32_t n, double *nll, mx_error *e) {
  (void)e;
  recorder *r = self;
  assert_in_range(r->n, 0, 15);
  assert_in_range(n, 2, 16);
  r->lengths[r->n] = n;
  memcpy(r->tokens[r->n++], tokens, n * sizeof *tokens);
  for (uint32_t i = 0; i + 1 < n; i++) nll[i] = tokens[i + 1] / 100.0;
  if (r->bad != 0) nll[n - 2] = r->bad;
  return MX_OK;
}

static mx_status run(recorder *r, const char *text, mx_eval_options o, mx_eval_result *result,
                     mx_error *e) {
  mx_tokenizer *t = test_tokenizer();
  mx_scorer scorer = {r, record};
  *e = (mx_error){0};
  mx_status s = mx_eval_text(&scorer, t, text, strlen(text), &o, result, e);
  mx_tokenizer_free(t);
  return s;
}

static mx_eval_result evaluate(recorder *r, const char *text, mx_eval_options o) {
  mx_eval_result result;
  mx_error e;
  *r = (recorder){0};
  if (run(r, text, o, &result, &e)) fail_msg("%s", e.text);
  return result;
}

// Expects sequence `index` to be BOS and these tokens of the text.
static void check_sequence(const recorder *r, uint32_t index, const char *const *pieces) {
  mx_tokenizer *t = test_tokenizer();
  uint32_t n = 1;
  assert_int_equal(r->tokens[index][0], 1);
  for (; pieces[n - 1]; n++) {
    int32_t id = mx_tokenizer_find(t, pieces[n - 1], strlen(pieces[n - 1]));
    if (n >= r->lengths[index] || r->tokens[index][n] != id)
      fail_msg("sequence %u: token %u is not '%s'", index, n, pieces[n - 1]);
  }
  assert_int_equal(r->lengths[index], n);
  mx_tokenizer_free(t);
}

#define SP "\xe2\x96\x81"
#define PIECES(...) ((const char *[]){__VA_ARGS__, NULL})

static void check_sums(const recorder *r, const mx_eval_result *result) {
  double sum = 0;
  uint64_t tokens = 0;
  for (uint32_t i = 0; i < r->n; i++)
    for (uint32_t k = 1; k < r->lengths[i]; k++, tokens++) sum += r->tokens[i][k] / 100.0;
  assert_int_equal(result->sequences, r->n);
  assert_int_equal(result->tokens, tokens);
  assert_true(fabs(result->mean_nll - sum / (double)tokens) < 1e-12);
  assert_true(fabs(result->perplexity / exp(sum / (double)tokens) - 1) < 1e-12);
  assert_true(fabs(result->bits_per_byte - sum / log(2) / (double)result->bytes) < 1e-12);
}

// ---- protocols ---------------------------------------------------------------------------

static void test_windows(void **state) {
  (void)state;
  recorder r;
  mx_eval_result result = evaluate(&r, "the and the or", (mx_eval_options){.context = 3});
  assert_int_equal(r.n, 3);
  check_sequence(&r, 0, PIECES(SP "the", SP "and"));
  check_sequence(&r, 1, PIECES(SP "the", SP));
  check_sequence(&r, 2, PIECES("or"));
  assert_int_equal(result.bytes, 14);
  check_sums(&r, &result);
}

static void test_windows_keep_leading_spaces(void **state) {
  (void)state;
  recorder r;  // the second window begins with a space of the text, which counts
  mx_eval_result result = evaluate(&r, "a a a a", (mx_eval_options){.context = 2});
  assert_int_equal(r.n, 4);
  assert_int_equal(result.bytes, 7);
  check_sums(&r, &result);
}

static void test_documents(void **state) {
  (void)state;
  recorder r;
  const char *text = "<|>\n the and \n<|><|>  <|>or the<|>a a a a a a";
  mx_eval_result result = evaluate(&r, text, (mx_eval_options){.context = 4, .split = "<|>"});
  assert_int_equal(r.n, 3);
  check_sequence(&r, 0, PIECES(SP "the", SP "and"));
  check_sequence(&r, 1, PIECES(SP, "or", SP "the"));
  check_sequence(&r, 2, PIECES(SP "a", SP "a", SP "a"));
  assert_int_equal(result.bytes, 7 + 6 + 5);
  check_sums(&r, &result);
}

static void test_whole_documents(void **state) {
  (void)state;
  recorder r;
  mx_eval_options o = {.context = 3, .split = "|", .whole_documents = true};
  mx_eval_result result = evaluate(&r, "a the a the a | and ", o);
  assert_int_equal(r.n, 4);
  check_sequence(&r, 1, PIECES(SP "a", SP "the"));
  check_sequence(&r, 2, PIECES(SP "a"));
  check_sequence(&r, 3, PIECES(SP "and"));
  assert_int_equal(result.bytes, 13 + 3);
  check_sums(&r, &result);
}

static void test_marker_at_the_ends(void **state) {
  (void)state;
  recorder r;
  mx_eval_options o = {.context = 8, .split = "ee"};
  evaluate(&r, "eeeeaeeeet", o);  // "", "", "a", "", "t"
  assert_int_equal(r.n, 2);
  evaluate(&r, "aee", o);
  assert_int_equal(r.n, 1);
  evaluate(&r, "ae", o);  // no whole marker
  assert_int_equal(r.n, 1);
  check_sequence(&r, 0, PIECES(SP "a", "e"));
}

static void test_max_tokens(void **state) {
  (void)state;
  recorder r;
  mx_eval_result result =
      evaluate(&r, "a a a a a", (mx_eval_options){.context = 3, .max_tokens = 3});
  assert_int_equal(result.tokens, 3);
  assert_int_equal(result.bytes, 5);
  assert_int_equal(r.n, 2);
  check_sums(&r, &result);
  result = evaluate(&r, "a a|a a|a a", (mx_eval_options){.context = 9, .split = "|",
                                                         .max_tokens = 4});
  assert_int_equal(result.tokens, 4);
  assert_int_equal(r.n, 2);
}

static void count_calls(void *self, const mx_eval_result *so_far, double done) {
  double *last = self;
  assert_true(done > *last && done <= 1);
  assert_true(so_far->tokens > 0 && isfinite(so_far->perplexity));
  *last = done;
}

static void test_progress(void **state) {
  (void)state;
  recorder r;
  double last = 0;
  mx_eval_options o = {.context = 3, .progress = count_calls, .progress_self = &last};
  evaluate(&r, "a a a a a", o);
  assert_true(last == 1);
  last = 0;
  o.split = "|";
  evaluate(&r, "a a|a a", o);
  assert_true(last == 1);
}

static void check_refused(const char *text, mx_eval_options o, double bad, mx_status status) {
  recorder r = {.bad = bad};
  mx_eval_result result;
  mx_error e;
  assert_int_equal(run(&r, text, o, &result, &e), status);
  assert_true(e.text[0]);
}

static mx_status refuse(void *self, const int32_t *tokens, uint32_t n, double *nll, mx_error *e) {
  (void)self, (void)tokens, (void)n, (void)nll;
  return mx_fail(e, MX_DEVICE, MX_NOWHERE, "no");
}

static void test_refusals(void **state) {
  (void)state;
  check_refused("the", (mx_eval_options){.context = 1}, 0, MX_USAGE);
  check_refused("", (mx_eval_options){.context = 8}, 0, MX_USAGE);
  check_refused(" | \n|", (mx_eval_options){.context = 8, .split = "|"}, 0, MX_USAGE);
  check_refused("the", (mx_eval_options){.context = 8}, NAN, MX_UNSUPPORTED);
  check_refused("the", (mx_eval_options){.context = 8}, INFINITY, MX_UNSUPPORTED);
  mx_tokenizer *t = test_tokenizer();
  mx_scorer scorer = {NULL, refuse};
  mx_eval_result result;
  mx_error e = {0};
  mx_eval_options o = {.context = 8};
  assert_int_equal(mx_eval_text(&scorer, t, "the", 3, &o, &result, &e), MX_DEVICE);
  mx_tokenizer_free(t);
}

// ---- the commands ------------------------------------------------------------------------

// Runs a command with stdout to a file; its contents, which the caller frees.
static char *capture(mx_status (*command)(int, char **, mx_error *), int argc, char **argv,
                     mx_status *status, mx_error *e) {
  FILE *file = tmpfile();
  assert_non_null(file);
  fflush(stdout);
  int saved = dup(STDOUT_FILENO);
  dup2(fileno(file), STDOUT_FILENO);
  *status = command(argc, argv, e);
  fflush(stdout);
  dup2(saved, STDOUT_FILENO);
  close(saved);
  off_t size = lseek(fileno(file), 0, SEEK_END);
  char *text = calloc((size_t)size + 1, 1);
  assert_non_null(text);
  rewind(file);
  assert_int_equal(fread(text, 1, (size_t)size, file), size);
  fclose(file);
  return text;
}

static char *run_command(mx_status (*command)(int, char **, mx_error *), const char *line,
                         mx_status *status, mx_error *e) {
  char *words = malloc(strlen(line) + 1), *argv[16], *rest;
  assert_non_null(words);
  strcpy(words, line);
  int argc = 0;
  for (char *w = strtok_r(words, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) argv[argc++] = w;
  argv[argc] = NULL;
  *e = (mx_error){0};
  char *out = capture(command, argc, argv, status, e);
  free(words);
  return out;
}

static const char sample_text[] = "the and\na the or|then the end of the day|and on";

typedef struct {
  mx_model *model;
  char model_path[TEST_PATH_BYTES], text_path[TEST_PATH_BYTES];
} fixture;

static fixture make(void) {
  fixture f = {.model = test_model(&test_small_config, true, 4)};
  test_buffer b = gguf_of_model(f.model, MX_GGML_F32);
  test_write_file(b.data, b.size, f.model_path);
  test_write_file(sample_text, sizeof sample_text - 1, f.text_path);
  free(b.data);
  return f;
}

static void drop(fixture *f) {
  unlink(f->model_path);
  unlink(f->text_path);
  mx_model_free(f->model);
}

static mx_eval_result direct_result(const fixture *f, const char *split, uint32_t context) {
  mx_reference *reference;
  mx_error e = {0};
  assert_int_equal(mx_reference_new(f->model, context, &reference, &e), MX_OK);
  mx_scorer scorer = {reference, mx_reference_score};
  mx_eval_options o = {.context = context, .split = split};
  mx_eval_result result;
  assert_int_equal(mx_eval_text(&scorer, f->model->tokenizer, sample_text, strlen(sample_text),
                                &o, &result, &e), MX_OK);
  mx_reference_free(reference);
  return result;
}

static void check_number(const json_t *object, const char *key, double expected) {
  double v = json_number_value(json_object_get(object, key));
  if (!(fabs(v - expected) <= 1e-9 * fabs(expected)))
    fail_msg("%s is %.12g, expected %.12g", key, v, expected);
}

static json_t *run_json(mx_status (*command)(int, char **, mx_error *), const char *line) {
  mx_status s;
  mx_error e;
  char *out = run_command(command, line, &s, &e);
  if (s) fail_msg("%s", e.text);
  json_t *object = json_loads(out, 0, NULL);
  if (!object) fail_msg("no JSON: %s", out);
  free(out);
  return object;
}

static void check_eval_command(const char *options, const char *split, uint32_t context) {
  fixture f = make();
  char line[256];
  snprintf(line, sizeof line, "eval %s --text %s --json %s", f.model_path, f.text_path, options);
  json_t *object = run_json(mx_cmd_eval, line);
  mx_eval_result r = direct_result(&f, split, context);
  check_number(object, "tokens", (double)r.tokens);
  check_number(object, "mean_nll", r.mean_nll);
  check_number(object, "perplexity", r.perplexity);
  check_number(object, "bits_per_byte", r.bits_per_byte);
  check_number(object, "context", context);
  json_decref(object);
  drop(&f);
}

static void test_eval_command(void **state) {
  (void)state;
  check_eval_command("", NULL, 16);  // the model's context
  check_eval_command("--context 5", NULL, 5);
  check_eval_command("--context 8 --split |", "|", 8);
}

static void test_eval_text_output(void **state) {
  (void)state;
  fixture f = make();
  char line[256];
  mx_status s;
  mx_error e;
  snprintf(line, sizeof line, "eval --max-tokens 4 --text %s %s", f.text_path, f.model_path);
  char *out = run_command(mx_cmd_eval, line, &s, &e);
  assert_int_equal(s, MX_OK);
  assert_non_null(strstr(out, "perplexity"));
  assert_non_null(strstr(out, "nats over 4 tokens"));
  assert_non_null(strstr(out, "BOS not scored"));
  free(out);
  drop(&f);
}

static void check_usage(mx_status (*command)(int, char **, mx_error *), const char *line,
                        mx_status status, const char *text) {
  mx_status s;
  mx_error e;
  char *out = run_command(command, line, &s, &e);
  if (s != status || !strstr(s ? e.text : out, text))
    fail_msg("'%s': status %d '%s', expected '%s'", line, (int)s, e.text, text);
  if (s) assert_string_equal(out, "");
  free(out);
}

static void test_usage(void **state) {
  (void)state;
  check_usage(mx_cmd_eval, "eval --help", MX_OK, "Protocol");
  check_usage(mx_cmd_eval, "eval m.gguf", MX_USAGE, "--text FILE is missing");
  check_usage(mx_cmd_eval, "eval --text t", MX_USAGE, "expected one MODEL, found 0");
  check_usage(mx_cmd_eval, "eval a b --text t", MX_USAGE, "expected one MODEL, found 2");
  check_usage(mx_cmd_eval, "eval a --text t --whole", MX_USAGE, "--whole needs --split");
  check_usage(mx_cmd_eval, "eval a --text t --plain --reference b", MX_USAGE, "--plain and --reference");
  check_usage(mx_cmd_eval, "eval a --text", MX_USAGE, "--text needs a value");
  check_usage(mx_cmd_eval, "eval a --nonsense", MX_USAGE, "--nonsense is no option");
  check_usage(mx_cmd_eval, "eval a --text t --context 1", MX_USAGE, "--context 1: expected");
  check_usage(mx_cmd_eval, "eval a --text t --context 9x", MX_USAGE, "--context 9x: expected");
  check_usage(mx_cmd_eval, "eval a --text t --max-tokens -1", MX_USAGE, "--max-tokens -1");
  check_usage(mx_cmd_eval, "eval /nonexistent --text t", MX_IO, "cannot open");
  check_usage(mx_cmd_info, "info --help", MX_OK, "usage: mxf info");
  check_usage(mx_cmd_info, "info", MX_USAGE, "expected one MODEL");
  check_usage(mx_cmd_info, "info --tokenizer", MX_USAGE, "--tokenizer needs a value");
  check_usage(mx_cmd_info, "info /nonexistent", MX_IO, "cannot open");
}

static void test_info_command(void **state) {
  (void)state;
  fixture f = make();
  char line[256];
  snprintf(line, sizeof line, "info --json %s", f.model_path);
  json_t *object = run_json(mx_cmd_info, line);
  check_number(json_object_get(object, "config"), "n_kv_heads", 2);
  check_number(json_object_get(object, "tokenizer"), "vocab_size", TEST_VOCAB);
  assert_int_equal(json_array_size(json_object_get(object, "tensors")),
                   mx_model_matrix_count(f.model));
  check_number(object, "parameters", TEST_VOCAB * 8 + 2 * (8 * (8 + 4 + 4 + 8 + 36 + 2)) + 8);
  json_decref(object);
  snprintf(line, sizeof line, "info %s", f.model_path);
  check_usage(mx_cmd_info, line, MX_OK, "blk.1.ffn_down.weight");
  drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_windows),      cmocka_unit_test(test_windows_keep_leading_spaces),
      cmocka_unit_test(test_documents),    cmocka_unit_test(test_whole_documents),
      cmocka_unit_test(test_marker_at_the_ends),
      cmocka_unit_test(test_max_tokens),   cmocka_unit_test(test_progress),
      cmocka_unit_test(test_refusals),     cmocka_unit_test(test_eval_command),
      cmocka_unit_test(test_eval_text_output), cmocka_unit_test(test_usage),
      cmocka_unit_test(test_info_command),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
