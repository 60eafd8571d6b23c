#include "sim/profile.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const mx_profile_phase_name[MX_PROFILE_PHASES] = {"init", "prefill", "decode"};

#define CLASS(name, text) #name,
static const char *const class_name[] = {MX_CYCLE_CLASSES(CLASS)};
#undef CLASS
#define CLASS(name, text) text,
const char *const mx_profile_reason_text[MX_CYCLE_CLASS_COUNT] = {MX_CYCLE_CLASSES(CLASS)};
#undef CLASS

void mx_profile_reason_name(mx_cycle_class reason, char out[MX_PROFILE_REASON_BYTES]) {
  const char *name = class_name[reason];
  size_t i = 0;
  for (; name[i] && i < MX_PROFILE_REASON_BYTES - 1; i++) out[i] = (char)tolower((unsigned char)name[i]);
  out[i] = 0;
}

void mx_profile_free(mx_profile *p) {
  for (int k = 0; k < MX_PROFILE_PHASES; k++) free(p->phase[k].operators.item);
  *p = (mx_profile){0};
}

// ---- lists -----------------------------------------------------------------------------

uint32_t mx_profile_find(mx_profile_items *list, int32_t layer, const char *name) {
  for (uint32_t i = list->n; i-- > 0;)  // from the last: programs go layer by layer
    if (list->item[i].layer == layer && !strcmp(list->item[i].name, name)) return i;
  if (list->n == list->capacity) {
    uint32_t capacity = list->capacity ? 2 * list->capacity : 64;
    mx_profile_item *grown = realloc(list->item, capacity * sizeof *grown);
    if (!grown) return UINT32_MAX;
    list->item = grown;
    list->capacity = capacity;
  }
  mx_profile_item *o = &list->item[list->n];
  *o = (mx_profile_item){.layer = layer};
  snprintf(o->name, sizeof o->name, "%s", name);
  return list->n++;
}

void mx_profile_add(mx_profile_item *to, const mx_profile_item *from) {
  to->cycles += from->cycles;
  for (int i = 0; i < MX_CYCLE_CLASS_COUNT; i++) to->reasons[i] += from->reasons[i];
  to->instructions += from->instructions;
  to->read_bytes += from->read_bytes;
  to->written_bytes += from->written_bytes;
  to->useful_bytes += from->useful_bytes;
  to->macs += from->macs;
}

static int by_cycles(const void *a, const void *b) {
  const mx_profile_item *x = a, *y = b;
  if (x->cycles != y->cycles) return x->cycles < y->cycles ? 1 : -1;
  return x->layer != y->layer ? (x->layer > y->layer) - (x->layer < y->layer) : strcmp(x->name, y->name);
}

mx_status mx_profile_sum(const mx_profile_phase *p, mx_profile_by by, mx_profile_items *out, mx_error *e) {
  *out = (mx_profile_items){0};
  for (uint32_t i = 0; i < p->operators.n; i++) {
    const mx_profile_item *o = &p->operators.item[i];
    char layer[MX_PROFILE_NAME_BYTES] = "(outside)";
    if (o->layer >= 0) snprintf(layer, sizeof layer, "layer %" PRId32, o->layer);
    uint32_t at = mx_profile_find(out, by == MX_PROFILE_BY_OPERATOR ? -1 : o->layer, by == MX_PROFILE_BY_LAYER ? layer : o->name);
    if (at == UINT32_MAX) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %" PRIu32 " operators", p->operators.n);
    mx_profile_add(&out->item[at], o);
  }
  if (out->n && by != MX_PROFILE_BY_LAYER) qsort(out->item, out->n, sizeof *out->item, by_cycles);
  return MX_OK;
}

// ---- sums ------------------------------------------------------------------------------

static uint64_t reasons_of(const mx_profile_item *i) {
  uint64_t sum = 0;
  for (int k = 0; k < MX_CYCLE_CLASS_COUNT; k++) sum += i->reasons[k];
  return sum;
}

static mx_status check_phase(const mx_profile_phase *p, const char *name, mx_error *e) {
  const mx_profile_item *t = &p->total;
  mx_profile_item sum = {0};
  for (uint32_t i = 0; i < p->operators.n; i++) {
    const mx_profile_item *o = &p->operators.item[i];
    mx_profile_add(&sum, o);
    if (reasons_of(o) == o->cycles) continue;
    return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "%s, %s: %" PRIu64 " cycles, whose reasons make %" PRIu64, name, o->name,
                   o->cycles, reasons_of(o));
  }
  bool same = sum.cycles == t->cycles && reasons_of(t) == t->cycles && sum.read_bytes == t->read_bytes &&
              sum.written_bytes == t->written_bytes && sum.useful_bytes == t->useful_bytes && sum.macs == t->macs;
  for (int k = 0; k < MX_CYCLE_CLASS_COUNT; k++) same = same && sum.reasons[k] == t->reasons[k];
  if (same) return MX_OK;
  return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "%s: operators make %" PRIu64 " cycles and %" PRIu64 " bytes read, the programs %" PRIu64 " and %" PRIu64,
                 name, sum.cycles, sum.read_bytes, t->cycles, t->read_bytes);
}

mx_status mx_profile_check(const mx_profile *p, mx_error *e) {
  mx_status s = MX_OK;
  for (int k = 0; k < MX_PROFILE_PHASES && !s; k++) s = check_phase(&p->phase[k], mx_profile_phase_name[k], e);
  return s;
}

mx_profile_use mx_profile_use_of(const mx_profile_machine *m, const mx_profile_item *i) {
  double cycles = (double)i->cycles, bytes = (double)(i->read_bytes + (m->writable ? i->written_bytes : 0));
  if (!i->cycles) return (mx_profile_use){0};
  double pins = bytes / cycles / m->pin_bytes;
  return (mx_profile_use){(double)i->macs / cycles / m->multipliers, pins, pins / m->attainable,
                          (double)i->useful_bytes / cycles / m->pin_bytes};
}
