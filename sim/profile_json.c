// Profiles as JSON, written and read.
#include <jansson.h>
#include <string.h>

#include "sim/profile.h"

static const char format_name[] = "mxforge profile 1";

// The fields of an item that are numbers.
#define NUMBERS(X) X(cycles) X(instructions) X(read_bytes) X(written_bytes) X(useful_bytes) X(macs)

// ---- writing ---------------------------------------------------------------------------

static json_t *item_json(const mx_profile_item *i) {
  json_t *o = json_object(), *reasons = json_object();
  if (i->name[0]) json_object_set_new(o, "name", json_string(i->name));
  if (i->layer >= 0 && i->name[0]) json_object_set_new(o, "layer", json_integer(i->layer));
#define X(field) json_object_set_new(o, #field, json_integer((json_int_t)i->field));
  NUMBERS(X)
#undef X
  for (int k = 0; k < MX_CYCLE_CLASS_COUNT; k++) {
    char name[MX_PROFILE_REASON_BYTES];
    mx_profile_reason_name((mx_cycle_class)k, name);
    if (i->reasons[k]) json_object_set_new(reasons, name, json_integer((json_int_t)i->reasons[k]));
  }
  json_object_set_new(o, "reasons", reasons);
  return o;
}

static json_t *phase_json(const mx_profile_machine *m, const mx_profile_phase *p) {
  json_t *o = item_json(&p->total), *operators = json_array();
  mx_profile_use u = mx_profile_use_of(m, &p->total);
  json_object_set_new(o, "programs", json_integer(p->programs));
  json_object_set_new(o, "tokens", json_integer(p->tokens));
  json_object_set_new(o, "position", json_integer(p->position));
  json_object_set_new(o, "multiplier_share", json_real(u.multipliers));
  json_object_set_new(o, "pin_share", json_real(u.pins));
  json_object_set_new(o, "attainable_share", json_real(u.attainable));
  json_object_set_new(o, "useful_pin_share", json_real(u.useful));
  for (uint32_t i = 0; i < p->operators.n; i++) json_array_append_new(operators, item_json(&p->operators.item[i]));
  json_object_set_new(o, "operators", operators);
  return o;
}

static json_t *machine_json(const mx_profile_machine *m) {
  return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:f, s:f, s:b, s:f}", "subject", m->subject, "set", m->set, "memory", m->memory,
                   "clock_khz", (int)m->clock_khz, "beat_bytes", (int)m->beat_bytes, "multipliers", (int)m->multipliers, "columns",
                   (int)m->columns, "pin_bytes_per_cycle", m->pin_bytes, "attainable", m->attainable,
                   "writable", m->writable, "port_bytes_per_cycle", m->port_bytes);
}

mx_status mx_profile_write_json(const mx_profile *p, FILE *to, mx_error *e) {
  json_t *phases = json_object(), *machine = machine_json(&p->machine);
  for (int k = 0; k < MX_PROFILE_PHASES; k++)
    if (p->phase[k].programs) json_object_set_new(phases, mx_profile_phase_name[k], phase_json(&p->machine, &p->phase[k]));
  json_t *o = machine ? json_pack("{s:s, s:o, s:o}", "format", format_name, "machine", machine, "phases", phases) : NULL;
  if (!o) return json_decref(phases), mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "no JSON for this result: a name is not UTF-8");
  json_dumpf(o, to, JSON_INDENT(1));
  putc('\n', to);
  json_decref(o);
  return MX_OK;
}

// ---- reading ---------------------------------------------------------------------------

typedef struct { const char *path; mx_error *e; } reader;

static mx_status lacks(reader *r, const char *what, const char *name) {
  return mx_fail(r->e, MX_FORMAT, (mx_loc){r->path, 0}, "a profile whose %s has no %s, or a wrong one", what, name);
}

static mx_status take_number(reader *r, const json_t *o, const char *what, const char *name, uint64_t *out) {
  const json_t *v = json_object_get(o, name);
  if (!json_is_integer(v) || json_integer_value(v) < 0) return lacks(r, what, name);
  *out = (uint64_t)json_integer_value(v);
  return MX_OK;
}

static mx_status take_number32(reader *r, const json_t *o, const char *what, const char *name, uint32_t *out) {
  uint64_t v = 0;
  if (take_number(r, o, what, name, &v)) return r->e->status;
  if (v > INT32_MAX) return lacks(r, what, name);
  *out = (uint32_t)v;
  return MX_OK;
}

static mx_status take_item(reader *r, const json_t *o, const char *what, mx_profile_item *out) {
  const json_t *reasons = json_object_get(o, "reasons");
#define X(field) \
  if (take_number(r, o, what, #field, &out->field)) return r->e->status;
  NUMBERS(X)
#undef X
  if (!json_is_object(reasons)) return lacks(r, what, "reasons");
  for (int k = 0; k < MX_CYCLE_CLASS_COUNT; k++) {
    char name[MX_PROFILE_REASON_BYTES];
    mx_profile_reason_name((mx_cycle_class)k, name);
    if (json_object_get(reasons, name) && take_number(r, reasons, what, name, &out->reasons[k])) return r->e->status;
  }
  return MX_OK;
}

static mx_status take_operator(reader *r, const json_t *o, mx_profile_items *list) {
  const char *name = json_string_value(json_object_get(o, "name"));
  uint32_t layer = 0;
  bool layered = json_object_get(o, "layer") != NULL;
  if (!name || strlen(name) >= MX_PROFILE_NAME_BYTES) return lacks(r, "operator", "name");
  if (layered && take_number32(r, o, name, "layer", &layer)) return r->e->status;
  uint32_t at = mx_profile_find(list, layered ? (int32_t)layer : -1, name);
  if (at == UINT32_MAX) return mx_fail(r->e, MX_LIMIT, MX_NOWHERE, "no memory for operators");
  return take_item(r, o, name, &list->item[at]);
}

static mx_status take_phase(reader *r, const json_t *o, const char *name, mx_profile_phase *p) {
  const json_t *operators = json_object_get(o, "operators");
  mx_status s = take_item(r, o, name, &p->total);
  if (!s) s = take_number32(r, o, name, "programs", &p->programs);
  if (!s) s = take_number32(r, o, name, "tokens", &p->tokens);
  if (!s) s = take_number32(r, o, name, "position", &p->position);
  if (!s && !json_is_array(operators)) s = lacks(r, name, "operators");
  for (size_t i = 0; i < json_array_size(operators) && !s; i++) s = take_operator(r, json_array_get(operators, i), &p->operators);
  return s;
}

static void take_text(const json_t *o, const char *name, char *out, size_t size) {
  const char *text = json_string_value(json_object_get(o, name));
  snprintf(out, size, "%s", text ? text : "");
}

static mx_status take_real(reader *r, const json_t *o, const char *name, double *out) {
  const json_t *v = json_object_get(o, name);
  if (!json_is_number(v) || !(json_number_value(v) > 0)) return lacks(r, "machine", name);
  *out = json_number_value(v);
  return MX_OK;
}

static mx_status take_machine(reader *r, const json_t *o, mx_profile_machine *m) {
  take_text(o, "subject", m->subject, sizeof m->subject);
  take_text(o, "set", m->set, sizeof m->set);
  take_text(o, "memory", m->memory, sizeof m->memory);
  m->writable = json_is_true(json_object_get(o, "writable"));
  mx_status s = take_number32(r, o, "machine", "clock_khz", &m->clock_khz);
  if (!s) s = take_number32(r, o, "machine", "beat_bytes", &m->beat_bytes);
  if (!s) s = take_number32(r, o, "machine", "multipliers", &m->multipliers);
  if (!s) s = take_number32(r, o, "machine", "columns", &m->columns);
  if (!s) s = take_real(r, o, "pin_bytes_per_cycle", &m->pin_bytes);
  if (!s) s = take_real(r, o, "attainable", &m->attainable);
  if (!s) s = take_real(r, o, "port_bytes_per_cycle", &m->port_bytes);
  return s;
}

static mx_status take_profile(reader *r, const json_t *o, mx_profile *out) {
  const char *is = json_string_value(json_object_get(o, "format"));
  const json_t *phases = json_object_get(o, "phases");
  if (!is || strcmp(is, format_name)) return lacks(r, "head", "format \"mxforge profile 1\"");
  mx_status s = take_machine(r, json_object_get(o, "machine"), &out->machine);
  if (!s && !json_is_object(phases)) s = lacks(r, "head", "phases");
  for (int k = 0; k < MX_PROFILE_PHASES && !s; k++) {
    const json_t *p = json_object_get(phases, mx_profile_phase_name[k]);
    if (p) s = take_phase(r, p, mx_profile_phase_name[k], &out->phase[k]);
  }
  return s;
}

mx_status mx_profile_read_json(const char *path, mx_profile *out, mx_error *e) {
  json_error_t why;
  reader r = {path, e};
  *out = (mx_profile){0};
  json_t *o = json_load_file(path, 0, &why);
  if (!o)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, why.position > 0 ? (uint64_t)why.position : 0},
                   "neither a program image nor a profile as JSON: %.200s", why.text);
  mx_status s = take_profile(&r, o, out);
  json_decref(o);
  return s ? s : mx_profile_check(out, e);
}
