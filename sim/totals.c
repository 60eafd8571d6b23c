#include "sim/totals.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

static const char *const phase_name[MX_PHASES] = {"init", "prompt", "generation"};

void mx_totals_add(mx_totals *t, const mx_counters *c) {
  t->programs++;
#define COUNTER(name) t->name += c->name;
  MX_COUNTERS(COUNTER)
#undef COUNTER
}

static double per(uint64_t part, uint64_t whole) { return whole ? (double)part / (double)whole : 0; }

void mx_totals_print_phase(const mx_totals *t, mx_phase phase, uint32_t beat_bytes, FILE *out) {
  if (!t->programs) return;
  fprintf(out, "%-10s %" PRIu64 " programs, each %.0f instructions", phase_name[phase], t->programs,
          per(t->INSTRUCTIONS, t->programs));
  if (t->CYCLES)
    fprintf(out, ", %.0f cycles, %.1f kB read, %.1f kB written", per(t->CYCLES, t->programs),
            1e-3 * per(t->READ_BEATS * beat_bytes, t->programs), 1e-3 * per(t->WRITE_BEATS * beat_bytes, t->programs));
  fputc('\n', out);
}

// Units overlap, so the parts may exceed 100 %.
static void print_rows(const mx_totals *t, FILE *out) {
  static const struct { const char *text; size_t at; } rows[] = {
      {"dot array took weights", offsetof(mx_totals, DOT_BUSY)},
      {"dot array waited for weights", offsetof(mx_totals, DOT_STARVED)},
      {"dot array waited for its results to drain", offsetof(mx_totals, DOT_BLOCKED)},
      {"vector unit ran", offsetof(mx_totals, VEC_BUSY)},
      {"move unit ran", offsetof(mx_totals, MOVE_BUSY)},
      {"an instruction waited for units", offsetof(mx_totals, SEQ_WAIT)},
      {"the sequencer waited for an instruction", offsetof(mx_totals, FETCH_WAIT)}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint64_t value;
    memcpy(&value, (const char *)t + rows[i].at, sizeof value);
    fprintf(out, "  %11.0f  %5.1f %%  %s\n", per(value, t->programs), 100 * per(value, t->CYCLES), rows[i].text);
  }
}

void mx_totals_print_work(const mx_totals phases[MX_PHASES], FILE *out) {
  const mx_totals *t = &phases[phases[MX_PHASE_GENERATION].programs ? MX_PHASE_GENERATION : MX_PHASE_PROMPT];
  if (!t->CYCLES) return;
  fprintf(out, "cycles per token: %.0f, of which\n", per(t->CYCLES, t->programs));
  print_rows(t, out);
}

static json_t *phase_json(const mx_totals *t) {
  json_t *o = json_pack("{s:I}", "programs", (json_int_t)t->programs);
#define COUNTER(name) json_object_set_new(o, #name, json_integer((json_int_t)t->name));
  MX_COUNTERS(COUNTER)
#undef COUNTER
  return o;
}

json_t *mx_totals_json(const mx_totals phases[MX_PHASES]) {
  json_t *o = json_object();
  for (int i = 0; i < MX_PHASES; i++) json_object_set_new(o, phase_name[i], phase_json(&phases[i]));
  return o;
}
