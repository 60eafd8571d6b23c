// mxf info: what a model file holds.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/import/model.h"

static const char usage[] =
    "usage: mxf info MODEL [options]\n"
    "\n"
    "Architecture, sizes, tensors and tokenizer of MODEL (GGUF or llama2.c).\n"
    "\n"
    "  --tokenizer FILE  llama2.c tokenizer.bin (needed by llama2.c models)\n"
    "  --json            print one JSON object\n";

typedef struct {
  const char *model, *tokenizer;
  bool json, help;
} arguments;

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){0};
  const mx_cli_option options[] = {{"tokenizer", 0, &a->tokenizer, NULL}, {"json", 'j', NULL, &a->json}, {0}};
  return mx_cli_parse(argc, argv, options, "MODEL", &a->model, &a->help, e);
}

// Elements of all matrices with data of their own.
static uint64_t count_parameters(const mx_model *m) {
  uint64_t sum = 0;
  char name[MX_MATRIX_NAME_BYTES];
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    const mx_matrix *w = mx_model_matrix(m, i, name);
    sum += (uint64_t)w->rows * w->cols;
  }
  return sum;
}

// ---- text ------------------------------------------------------------------------

static void print_tensors(const mx_model *m) {
  printf("tensors (FP32 in memory, rows x columns, reduced along columns)\n");
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *w = mx_model_matrix(m, i, name);
    printf("  %-28s %7u x %u\n", name, w->rows, w->cols);
  }
  if (m->tied) printf("  %-28s %7u x %u (token_embd)\n", "output.weight", m->output.rows,
                      m->output.cols);
}

static void print_text(const mx_model *m) {
  const mx_config *c = &m->config;
  const mx_tokenizer_config *t = mx_tokenizer_get_config(m->tokenizer);
  printf("format          %s\n", m->format);
  printf("architecture    llama\n");
  printf("parameters      %" PRIu64 "\n", count_parameters(m));
  printf("embedding       %u\n", c->dim);
  printf("feed-forward    %u\n", c->hidden_dim);
  printf("layers          %u\n", c->n_layers);
  printf("heads           %u query, %u key/value, %u wide\n", c->n_heads, c->n_kv_heads,
         c->head_dim);
  printf("context         %u\n", c->context_length);
  printf("RoPE base       %g\n", (double)c->rope_theta);
  printf("RMS epsilon     %g\n", (double)c->rms_eps);
  printf("output          %s\n", m->tied ? "tied to the embedding" : "own weights");
  printf("tokenizer       %u pieces, BOS %d, EOS %d, unknown %d, %s\n", t->vocab_size, t->bos,
         t->eos, t->unk, t->add_space_prefix ? "space in front" : "no space in front");
  print_tensors(m);
}

// ---- JSON ------------------------------------------------------------------------

static json_t *tensors_json(const mx_model *m) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < mx_model_matrix_count(m); i++) {
    char name[MX_MATRIX_NAME_BYTES];
    const mx_matrix *w = mx_model_matrix(m, i, name);
    json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", name, "rows",
                                          (json_int_t)w->rows, "cols", (json_int_t)w->cols));
  }
  return list;
}

static json_t *config_json(const mx_config *c) {
  return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}",      //
                   "dim", (json_int_t)c->dim,                                 //
                   "hidden_dim", (json_int_t)c->hidden_dim,                   //
                   "n_layers", (json_int_t)c->n_layers,                       //
                   "n_heads", (json_int_t)c->n_heads,                         //
                   "n_kv_heads", (json_int_t)c->n_kv_heads,                   //
                   "head_dim", (json_int_t)c->head_dim,                       //
                   "vocab_size", (json_int_t)c->vocab_size,                   //
                   "context_length", (json_int_t)c->context_length,           //
                   "rope_theta", (double)c->rope_theta, "rms_eps", (double)c->rms_eps);
}

static json_t *tokenizer_json(const mx_tokenizer_config *t) {
  return json_pack("{s:s, s:I, s:i, s:i, s:i, s:b}", "model", "llama", "vocab_size",
                   (json_int_t)t->vocab_size, "bos", (int)t->bos, "eos", (int)t->eos, "unk",
                   (int)t->unk, "add_space_prefix", (int)t->add_space_prefix);
}

static mx_status print_json(const mx_model *m, mx_error *e) {
  json_t *o = json_pack("{s:s, s:s, s:I, s:b, s:o, s:o, s:o}", "format", m->format, "architecture",
                        "llama", "parameters", (json_int_t)count_parameters(m), "tied",
                        (int)m->tied, "config", config_json(&m->config), "tokenizer",
                        tokenizer_json(mx_tokenizer_get_config(m->tokenizer)), "tensors",
                        tensors_json(m));
  if (!o) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the JSON");
  json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  putchar('\n');
  json_decref(o);
  return MX_OK;
}

// A file of another kind (a quantized model, a program image) gets its own
// function like this one, chosen in mx_cmd_info.
static mx_status info_model(const arguments *a, mx_error *e) {
  mx_model *m;
  mx_status s = mx_model_load(a->model, a->tokenizer, &m, e);
  if (s) return s;
  if (a->json) s = print_json(m, e);
  else print_text(m);
  mx_model_free(m);
  return s;
}

mx_status mx_cmd_info(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (a.help) fputs(usage, stdout);
  else s = info_model(&a, e);
  if (!s && fflush(stdout))
    s = mx_fail(e, MX_IO, MX_NOWHERE, "cannot write the result: %s", strerror(errno));
  return s;
}
