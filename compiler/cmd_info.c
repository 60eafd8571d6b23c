// mxf info: what a model file holds.
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/import/bytes.h"
#include "compiler/import/model.h"
#include "compiler/quant/describe.h"
#include "golden/image.h"

static const char usage[] =
    "usage: mxf info MODEL [options]\n"
    "\n"
    "Architecture, sizes, tensors and tokenizer of MODEL (GGUF or llama2.c), formats\n"
    "of a quantized model (.mxq), facts of a program image (.mxp).\n"
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
  printf("architecture    %s\n", mx_config_architecture(c));
  printf("parameters      %" PRIu64 "\n", count_parameters(m));
  printf("embedding       %u\n", c->dim);
  printf("feed-forward    %u\n", c->hidden_dim);
  printf("layers          %u\n", c->n_layers);
  printf("heads           %u query, %u key/value, %u wide\n", c->n_heads, c->n_kv_heads,
         c->head_dim);
  if (c->head_norms) printf("head norms      of queries and keys\n");
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

// Prints and frees the object.
static mx_status print_json(json_t *o, mx_error *e) {
  if (!o) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the JSON");
  json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
  putchar('\n');
  json_decref(o);
  return MX_OK;
}

static json_t *model_json(const mx_model *m) {
  return json_pack("{s:s, s:s, s:I, s:b, s:o, s:o, s:o}", "format", m->format, "architecture",
                   mx_config_architecture(&m->config), "parameters", (json_int_t)count_parameters(m), "tied", (int)m->tied,
                   "config", config_json(&m->config), "tokenizer",
                   tokenizer_json(mx_tokenizer_get_config(m->tokenizer)), "tensors",
                   tensors_json(m));
}

static mx_status info_model(const arguments *a, mx_error *e) {
  mx_model *m;
  mx_status s = mx_model_load(a->model, a->tokenizer, &m, e);
  if (s) return s;
  if (a->json) s = print_json(model_json(m), e);
  else print_text(m);
  mx_model_free(m);
  return s;
}

// ---- quantized models and images: one description, as JSON or as lines --------------

// A row for each part.
static void add_matrix(json_t *list, const char *name, const mx_qmatrix *w) {
  for (const mx_qmatrix *part = w; part; part = part->rest) {
    mx_qmatrix alone = *part;
    char format[16];
    alone.rest = NULL;
    mx_weight_format_name(&part->format, format);
    json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:s, s:s, s:f}", "name", name, "rows", (json_int_t)part->rows, "cols",
                                          (json_int_t)part->cols, "format", format, "acts", mx_act_format_name(&part->acts),
                                          "bits_per_weight", mx_qmatrix_bits_per_weight(&alone)));
  }
}

static json_t *qtensors_json(const mx_qmodel *q) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < q->config.n_layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
      char full[MX_MATRIX_NAME_BYTES];
      const char *name;
      const mx_qmatrix *w = mx_qlayer_matrix(&q->layers[i], k, &name);
      snprintf(full, sizeof full, "blk.%u.%s", i, name);
      add_matrix(list, full, w);
    }
  add_matrix(list, "output", &q->output);
  return list;
}

static json_t *quantized_json(const mx_qmodel *q) {
  return json_pack("{s:s, s:o, s:o, s:o, s:o}", "format", "mxforge quantized model", "quantized", mx_qmodel_describe(q), "config",
                   config_json(&q->config), "tokenizer", tokenizer_json(mx_tokenizer_get_config(q->tokenizer)), "tensors",
                   qtensors_json(q));
}

static json_t *image_json(const mx_image *m) {
  json_t *facts = json_object();
#define FACT(name, text) json_object_set_new(facts, #name, json_integer((json_int_t)m->name));
  MX_IMAGE_FACTS(FACT)
#undef FACT
  json_t *info = json_loads(m->info, 0, NULL);
  return json_pack("{s:s, s:s, s:I, s:I, s:I, s:o, s:o}", "format", "mxforge program image", "set",
                   m->params->name, "build_id", (json_int_t)m->params->build_id, "stored_bytes",
                   (json_int_t)m->memory_bytes, "basis_bytes", (json_int_t)m->basis_bytes, "facts", facts, "compiled", info ? info : json_object());
}

static void print_lines(const json_t *o, int indent);

// Numbers or names on the line of their key.
static void print_list(const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *v = json_array_get(list, i);
    if (json_is_string(v)) printf("%s%s", i ? ", " : "", json_string_value(v));
    else printf("%s%" JSON_INTEGER_FORMAT, i ? " " : "", json_integer_value(v));
  }
  putchar('\n');
}

static void print_value(const char *key, const json_t *v, int indent) {
  printf("%*s%-*s ", indent, "", 20 - indent, key);
  if (json_is_string(v)) printf("%s\n", json_string_value(v));
  else if (json_is_integer(v)) printf("%" JSON_INTEGER_FORMAT "\n", json_integer_value(v));
  else if (json_is_real(v)) printf("%g\n", json_real_value(v));
  else if (json_is_boolean(v)) printf("%s\n", json_is_true(v) ? "yes" : "no");
  else if (json_is_array(v) && !json_is_object(json_array_get(v, 0))) print_list(v);
  else {
    putchar('\n');
    print_lines(v, indent + 2);
  }
}

static void print_cell(const json_t *v) {
  if (json_is_string(v)) printf("%-24s ", json_string_value(v));
  else printf("%8g ", json_number_value(v));
}

// One line for each element of a list, its values side by side.
static void print_row(json_t *row, int indent) {
  const char *key;
  json_t *v;
  printf("%*s", indent, "");
  json_object_foreach(row, key, v) print_cell(v);
  putchar('\n');
}

static void print_lines(const json_t *o, int indent) {
  const char *key;
  json_t *v;
  size_t i;
  if (json_is_array(o)) json_array_foreach((json_t *)o, i, v) print_row(v, indent);
  else json_object_foreach((json_t *)o, key, v) print_value(key, v, indent);
}

static mx_status show(const arguments *a, json_t *o, mx_error *e) {
  if (a->json || !o) return print_json(o, e);
  print_lines(o, 0);
  json_decref(o);
  return MX_OK;
}

static mx_status info_quantized(const arguments *a, mx_error *e) {
  mx_qmodel *q;
  mx_status s = mx_qmodel_read(a->model, &q, e);
  if (!s) s = show(a, quantized_json(q), e);
  mx_qmodel_free(q);
  return s;
}

static mx_status info_image(const arguments *a, mx_error *e) {
  mx_image *m;
  mx_status s = mx_image_read(a->model, &m, e);
  if (s) return s;
  s = show(a, image_json(m), e);
  mx_image_free(m);
  return s;
}

static mx_status info_file(const arguments *a, mx_error *e) {
  if (mx_file_begins(a->model, "MXQ2")) return info_quantized(a, e);
  return mx_file_begins(a->model, "MXP1") ? info_image(a, e) : info_model(a, e);
}

mx_status mx_cmd_info(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (a.help) fputs(usage, stdout);
  else s = info_file(&a, e);
  if (!s && fflush(stdout))
    s = mx_fail(e, MX_IO, MX_NOWHERE, "cannot write the result: %s", strerror(errno));
  return s;
}
