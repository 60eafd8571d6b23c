#include "sim/profile_account.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

// ---- opening ---------------------------------------------------------------------------

static uint64_t number(const json_t *o, const char *name) {
  json_int_t v = json_integer_value(json_object_get(o, name));
  return v > 0 ? (uint64_t)v : 0;
}

static mx_account_model model_of(const mx_image *image) {
  json_t *o = json_loads(image->info ? image->info : "{}", 0, NULL);
  mx_account_model m = {number(o, "dim"), number(o, "hidden_dim"), number(o, "n_heads"), number(o, "n_kv_heads"),
                        number(o, "head_dim"), image->vocab_size};
  json_decref(o);
  return m;
}

mx_status mx_account_open(mx_account *a, const mx_image *image, mx_error *e) {
  *a = (mx_account){.image = image, .model = model_of(image)};
  for (int k = 0; k < MX_PROFILE_PHASES; k++) {
    a->operator_of[k] = malloc((image->n_notes + 1) * sizeof *a->operator_of[k]);
    if (!a->operator_of[k]) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %" PRIu32 " notes", image->n_notes);
    for (uint32_t i = 0; i <= image->n_notes; i++) a->operator_of[k][i] = UINT32_MAX;
  }
  return MX_OK;
}

void mx_account_close(mx_account *a) {
  for (int k = 0; k < MX_PROFILE_PHASES; k++) free(a->operator_of[k]);
  free(a->weights);
  *a = (mx_account){0};
}

// ---- operators -------------------------------------------------------------------------

// Notes up to addr; 0: none.
static uint32_t notes_up_to(const mx_image *image, uint32_t addr) {
  uint32_t below = 0, above = image->n_notes;
  while (below < above) {
    uint32_t middle = below + (above - below) / 2;
    if (image->notes[middle].addr <= addr) below = middle + 1;
    else above = middle;
  }
  return below;
}

// Layer and name of a note: "batch, layer 3 ffn_down".
static const char *split(const char *text, int32_t *layer) {
  int n = 0;
  if (!strncmp(text, "batch, ", 7)) text += 7;
  *layer = -1;
  if (sscanf(text, "layer %" SCNd32 " %n", layer, &n) == 1 && n) return text + n;
  *layer = -1;
  return *text ? text : "unnamed";
}

static bool grow(mx_account *a, uint32_t n) {
  if (n <= a->capacity) return true;
  uint32_t capacity = 2 * n;
  mx_account_weights *grown = realloc(a->weights, capacity * sizeof *grown);
  if (!grown) return false;
  memset(grown + a->capacity, 0, (capacity - a->capacity) * sizeof *grown);
  a->weights = grown;
  a->capacity = capacity;
  return true;
}

static uint32_t find(mx_account *a, int32_t layer, const char *name) {
  uint32_t index = mx_profile_find(&a->phase->operators, layer, name);
  if (index != UINT32_MAX && grow(a, index + 1)) return index;
  a->full = true;
  return 0;
}

// The operator of the instruction at addr.
static uint32_t operator_at(mx_account *a, uint32_t addr) {
  uint32_t note = notes_up_to(a->image, addr), *at = &a->operator_of[a->kind][note];
  if (*at != UINT32_MAX) return *at;
  int32_t layer;
  const char *name = split(note ? a->image->notes[note - 1].text : "", &layer);
  return *at = find(a, layer, name);
}

static mx_profile_item *item(mx_account *a, uint32_t op) { return a->full ? &a->sum : &a->phase->operators.item[op]; }

// ---- useful bytes ----------------------------------------------------------------------

// Weights that the model has for an operator, or cached elements that it needs; 0: unknown.
static uint64_t needed_elements(const mx_account *a, const char *name) {
  const mx_account_model *m = &a->model;
  uint64_t q = m->n_heads * m->head_dim, kv = m->n_kv_heads * m->head_dim, cached = kv * a->positions;
  const struct { const char *name; uint64_t elements; } table[] = {
      {"attn_q", q * m->dim},       {"attn_k", kv * m->dim},        {"attn_v", kv * m->dim},
      {"attn_output", q * m->dim},  {"attn_scores", cached},        {"attn_mix", cached},
      {"ffn_gate", m->dim * m->hidden_dim}, {"ffn_up", m->dim * m->hidden_dim}, {"ffn_down", m->dim * m->hidden_dim},
      {"output", m->dim * m->vocab}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (!strcmp(name, table[i].name)) return table[i].elements;
  return 0;
}

// Of streamed bytes the share that is no padding and was not streamed before.
static void settle_weights(mx_account *a) {
  for (uint32_t i = 0; i < a->phase->operators.n && i < a->capacity; i++) {
    mx_account_weights w = a->weights[i];
    a->weights[i] = (mx_account_weights){0};
    mx_profile_item *o = &a->phase->operators.item[i];
    uint64_t needed = needed_elements(a, o->name);
    if (!w.elements || !needed) continue;
    uint64_t useful = needed < w.elements ? (uint64_t)((double)w.streamed * (double)needed / (double)w.elements) : w.streamed;
    o->useful_bytes += useful;
    a->sum.useful_bytes += useful;
  }
}

// What a LOAD brings is of the model, but for tables that the compiler made.
static bool of_the_model(const mx_account *a, const char *name) {
  return a->phase->tokens && strcmp(name, "rope_row") && strcmp(name, "constants");
}

// Codes of a key are padded to whole blocks.
static uint64_t useful_row(const mx_account *a, const mx_walk_step *s) {
  uint64_t blocks = mx_get(&s->insn, MX_F_PUTROW_blocks), n = blocks << (4 + mx_get(&s->insn, MX_F_PUTROW_block));
  uint64_t codes = s->elements - blocks;
  return blocks + (a->model.head_dim < n ? codes * a->model.head_dim / n : codes);
}

static uint64_t useful_now(const mx_account *a, const mx_walk_step *s, const char *name) {
  if (!a->model.dim) return 0;
  switch (s->op) {
    case MX_OP_LOAD: return of_the_model(a, name) ? s->elements : 0;
    case MX_OP_PUTROW: return useful_row(a, s);
    case MX_OP_PUTCOL:
    case MX_OP_PUTEXP: return s->elements;
    default: return 0;
  }
}

// ---- instructions ----------------------------------------------------------------------

// An instruction is issued.
static void issue(mx_account *a, const mx_walk_step *s, uint64_t cycle) {
  uint32_t op = operator_at(a, s->pc);
  mx_profile_item *o = item(a, op), one = {.instructions = 1, .read_bytes = s->read_bytes, .written_bytes = s->written_bytes,
                                           .macs = s->macs, .useful_bytes = useful_now(a, s, o->name)};
  mx_profile_add(o, &one);
  mx_profile_add(&a->sum, &one);
  if (s->op == MX_OP_VEC) a->vec_op = op;
  if (s->op >= MX_OP_LOAD) a->move_op = op;
  if (!a->full && s->op == MX_OP_STREAM) a->weights[op].streamed += s->read_bytes;
  if (!a->full && s->op == MX_OP_MATMUL) a->weights[op].elements += s->elements;
  if (a->trace) mx_trace_issue(a->trace, s, cycle);
}

// Up to the instruction at `pc`.
static void advance(mx_account *a, uint32_t pc, uint64_t cycle) {
  bool found = false;
  a->issued = pc;
  while (a->more && !found) {
    found = a->next.pc == pc;
    issue(a, &a->next, cycle);
    a->more = mx_walk_next(&a->walk, &a->next);
  }
  if (!found) a->lost = true;
  if (a->more) a->next_op = operator_at(a, a->next.pc);
}

// ---- a program -------------------------------------------------------------------------

void mx_account_begin(mx_account *a, mx_profile *profile, mx_profile_phase_kind kind, uint32_t program, const uint32_t args[MX_ARGS]) {
  mx_profile_phase *p = &profile->phase[kind];
  a->kind = kind;
  a->phase = p;
  a->program = program;
  a->tokens = kind == MX_PROFILE_INIT ? 0 : a->image->batch_tokens && program == a->image->batch_entry ? a->image->batch_tokens : 1;
  a->positions = args[1] + a->tokens;
  if (!p->programs) p->position = args[1];
  p->programs++;
  p->tokens += a->tokens;
  a->fresh = true;
  a->matmul = UINT32_MAX;
  a->sum = (mx_profile_item){0};
  if (!grow(a, p->operators.n + 1)) a->full = true;
  mx_walk_start(&a->walk, a->image, program, args);
  a->more = mx_walk_next(&a->walk, &a->next);
  a->matmul_op = a->vec_op = a->move_op = a->next_op = operator_at(a, program);
}

static uint32_t owner(const mx_account *a, mx_cycle_class reason) {
  switch (reason) {
    case MX_CYCLE_IDLE_VEC: return a->vec_op;
    case MX_CYCLE_IDLE_MOVE: return a->move_op;
    case MX_CYCLE_IDLE_FETCH:
    case MX_CYCLE_IDLE_START:
    case MX_CYCLE_IDLE_OTHER: return a->next_op;
    default: return a->matmul_op;
  }
}

void mx_account_tell(void *account, const mx_cycle_interval *i) {
  mx_account *a = account;
  if (a->fresh) a->issued = i->issued;  // of the program before
  a->fresh = false;
  if (i->issued != a->issued) advance(a, i->issued, i->from);
  if (i->matmul != a->matmul) {
    a->matmul = i->matmul;
    a->matmul_op = operator_at(a, i->matmul);
  }
  mx_profile_item *o = item(a, owner(a, i->dot));
  o->cycles += i->count;
  o->reasons[i->dot] += i->count;
  a->sum.cycles += i->count;
  a->sum.reasons[i->dot] += i->count;
  if (a->trace) mx_trace_interval(a->trace, i);
}

static mx_status differs(const char *what, uint64_t told, uint32_t counted, mx_error *e) {
  if ((uint32_t)told == counted) return MX_OK;
  return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "%s: %" PRIu64 " accounted for, the device counted %" PRIu32, what, told, counted);
}

// What was read beyond the instructions' data are instructions.
static mx_status add_program_bytes(mx_account *a, const mx_counters *c, mx_error *e) {
  uint32_t beat = mx_beat_bytes(a->image->params), beats = c->READ_BEATS - (uint32_t)(a->sum.read_bytes / beat);
  uint32_t op = find(a, -1, "program");
  if (a->full) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for operators");
  if ((int32_t)beats < (int32_t)(c->INSTRUCTIONS * (MX_INSTRUCTION_BYTES / beat)))
    return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "bytes read: %" PRIu64 " accounted for, the device counted %" PRIu32 " beats",
                   a->sum.read_bytes, c->READ_BEATS);
  a->phase->operators.item[op].read_bytes += (uint64_t)beats * beat;
  a->sum.read_bytes += (uint64_t)beats * beat;
  return MX_OK;
}

mx_status mx_account_end(mx_account *a, const mx_counters *c, mx_error *e) {
  if (a->full) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for operators");
  if (a->lost)
    return mx_fail(e, MX_INTERNAL, MX_NOWHERE, "an instruction at 0x%06" PRIx32 " was issued, which the program does not come to",
                   a->issued);
  mx_status s = differs("cycles", a->sum.cycles, c->CYCLES, e);
  if (!s) s = differs("instructions", a->sum.instructions, c->INSTRUCTIONS, e);
  if (!s) s = differs("beats written", a->sum.written_bytes / mx_beat_bytes(a->image->params), c->WRITE_BEATS, e);
  if (!s) s = add_program_bytes(a, c, e);
  if (s) return s;
  settle_weights(a);
  mx_profile_add(&a->phase->total, &a->sum);
  return MX_OK;
}
