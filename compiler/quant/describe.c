#include "compiler/quant/describe.h"

#include <stdio.h>
#include <string.h>

#include "compiler/quant/side.h"
#include "golden/isa.h"

enum { PART_TEXT = 32, MATRIX_TEXT = 2 * PART_TEXT };

const char *mx_act_format_name(const mx_act_format *f) {
  static const char *const names[2][3] = {{"mxint4", "mxint6", "mxint8"}, {"int4", "int6", "int8"}};
  return names[f->fixed][f->bits];
}

static double weights(const mx_qmatrix *q) { return (double)q->rows * mx_qmatrix_cols(q); }

double mx_qmatrix_bits_per_weight(const mx_qmatrix *q) { return (double)mx_qmatrix_bits(q) / weights(q); }

// ---- over all matrices ----------------------------------------------------------

typedef struct {
  char weights[16];  // of all parts so far, or "mixed"
  const char *acts;
  double bits, count;
  json_t *formats;
} summary;

static void add_part(summary *s, const mx_qmatrix *part) {
  char weight_name[16];
  const char *acts = mx_act_format_name(&part->acts);
  mx_weight_format_name(&part->format, weight_name);
  if (!s->weights[0]) snprintf(s->weights, sizeof s->weights, "%s", weight_name);
  else if (strcmp(s->weights, weight_name)) snprintf(s->weights, sizeof s->weights, "mixed");
  if (!s->acts) s->acts = acts;
  else if (strcmp(s->acts, acts)) s->acts = "mixed";
}

static void part_text(const mx_qmatrix *part, char text[PART_TEXT]) {
  char weight_name[16];
  mx_weight_format_name(&part->format, weight_name);
  snprintf(text, PART_TEXT, "%s x %s", weight_name, mx_act_format_name(&part->acts));
}

static void count_format(json_t *formats, const char *name, const mx_qmatrix *q) {
  char text[MATRIX_TEXT], rest[PART_TEXT];
  json_t *kind = json_object_get(formats, name);
  if (!kind) json_object_set_new(formats, name, kind = json_object());
  part_text(q, text);
  if (q->rest) {
    part_text(q->rest, rest);
    strcat(strcat(text, ", "), rest);  // two parts and a comma fit
  }
  json_object_set_new(kind, text, json_integer(json_integer_value(json_object_get(kind, text)) + 1));
}

static void add_matrix(summary *s, const char *name, const mx_qmatrix *q) {
  for (const mx_qmatrix *part = q; part; part = part->rest) add_part(s, part);
  s->bits += (double)mx_qmatrix_bits(q);
  s->count += weights(q);
  count_format(s->formats, name, q);
}

// ---- the rest ---------------------------------------------------------------------

static void add_extras(json_t *o, const mx_qmodel *q) {
  if (q->online.down || q->online.qk) {
    json_t *online = json_array();
    if (q->online.down) json_array_append_new(online, json_string("ffn_down"));
    if (q->online.qk) json_array_append_new(online, json_string("queries and keys"));
    json_object_set_new(o, "online", online);
  }
  if (q->config.head_norms) json_object_set_new(o, "head_norms", json_true());
  if (q->prefix.n) {
    json_t *tokens = json_array();
    for (uint32_t i = 0; i < q->prefix.n; i++) json_array_append_new(tokens, json_integer(q->prefix.tokens[i]));
    json_object_set_new(o, "prefix", tokens);
  }
  if (q->basis.hadamard || q->basis.order)
    json_object_set_new(o, "basis", json_pack("{s:I, s:I, s:b}", "hadamard", (json_int_t)q->basis.hadamard, "seed",
                                              (json_int_t)q->basis.seed, "ordered", q->basis.order != NULL));
}

json_t *mx_qmodel_describe(const mx_qmodel *q) {
  static const char *const elements[] = {"mxint4", "mxint6", "mxint8"};
  summary s = {.formats = json_object()};
  for (uint32_t i = 0; i < q->config.n_layers; i++)
    for (unsigned k = 0; k < MX_QLAYER_MATRICES; k++) {
      const char *name;
      const mx_qmatrix *m = mx_qlayer_matrix(&q->layers[i], k, &name);
      add_matrix(&s, name, m);
    }
  add_matrix(&s, "output", &q->output);
  json_t *o = json_pack("{s:s, s:s, s:s, s:f, s:o}", "weights", s.weights, "acts", s.acts, "kv", elements[q->kv_bits],
                        "bits_per_weight", s.bits / s.count, "formats", s.formats);
  if (o) add_extras(o, q);
  return o;
}
