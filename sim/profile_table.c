// Profiles as text.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/profile.h"

// Columns of the table: reasons put together.
static const struct { const char *name; unsigned from, to; } groups[] = {
    {"codes", MX_CYCLE_CODES, MX_CYCLE_CODES},
    {"scales", MX_CYCLE_SCALES, MX_CYCLE_SCALES},
    {"blocked", MX_CYCLE_BLOCKED, MX_CYCLE_BLOCKED},
    {"starved", MX_CYCLE_STARVED_LATENCY, MX_CYCLE_STARVED_QUEUE},
    {"vec", MX_CYCLE_IDLE_VEC, MX_CYCLE_IDLE_VEC},
    {"move", MX_CYCLE_IDLE_MOVE, MX_CYCLE_IDLE_MOVE},
    {"other", MX_CYCLE_IDLE_FETCH, MX_CYCLE_IDLE_OTHER},
};
enum { GROUPS = sizeof groups / sizeof *groups };

static double percent(uint64_t part, uint64_t whole) { return whole ? 100 * (double)part / (double)whole : 0; }

static double group_share(const mx_profile_item *i, unsigned g) {
  uint64_t sum = 0;
  for (unsigned k = groups[g].from; k <= groups[g].to; k++) sum += i->reasons[k];
  return percent(sum, i->cycles);
}

static void print_head(mx_profile_by by, FILE *to) {
  fprintf(to, "%-24s %11s %6s |", by == MX_PROFILE_BY_LAYER ? "layer" : "operator", "cycles", "%");
  for (unsigned g = 0; g < GROUPS; g++) fprintf(to, " %7s", groups[g].name);
  fprintf(to, " | %10s %9s %9s | %6s %6s %6s %6s\n", "kB read", "written", "Mmac", "mult%", "pins%", "att.%", "useful");
}

// A share of what the machine can do in the cycles of an operator, whose bytes may come
// in the cycles of others.
static void print_share(double share, FILE *to) {
  if (share < 10) fprintf(to, " %6.1f", 100 * share);
  else fprintf(to, " %6s", ">999");
}

static void print_item(const mx_profile_machine *m, const mx_profile_item *i, const char *name, uint64_t cycles, FILE *to) {
  mx_profile_use u = mx_profile_use_of(m, i);
  fprintf(to, "%-24s %11" PRIu64 " %6.2f |", name, i->cycles, percent(i->cycles, cycles));
  for (unsigned g = 0; g < GROUPS; g++) fprintf(to, " %7.1f", group_share(i, g));
  fprintf(to, " | %10.1f %9.1f %9.3f |", 1e-3 * (double)i->read_bytes, 1e-3 * (double)i->written_bytes, 1e-6 * (double)i->macs);
  const double shares[] = {u.multipliers, u.pins, u.attainable, u.useful};
  for (unsigned k = 0; k < sizeof shares / sizeof *shares; k++)
    if (i->cycles) print_share(shares[k], to);
    else fprintf(to, " %6s", "-");
  putc('\n', to);
}

static void print_name(const mx_profile_item *i, mx_profile_by by, char name[64]) {
  if (by == MX_PROFILE_BY_BOTH && i->layer >= 0) snprintf(name, 64, "%" PRId32 " %s", i->layer, i->name);
  else snprintf(name, 64, "%s", i->name);
}

// Per token, and the rate where there is a clock.
static void print_title(const mx_profile_machine *m, const mx_profile_phase *p, const char *phase, FILE *to) {
  double cycles = (double)p->total.cycles;
  fprintf(to, "\n== %s: %" PRIu32 " tokens from position %" PRIu32 " on, %" PRIu32 " programs, %" PRIu64 " cycles, %.0f per token", phase, p->tokens,
          p->position, p->programs, p->total.cycles, cycles / p->tokens);
  if (m->clock_khz) fprintf(to, ", %.2f tokens/s", p->tokens * 1e3 * m->clock_khz / cycles);
  fputs("\n", to);
}

static void print_reasons(const mx_profile_item *t, FILE *to) {
  fprintf(to, "\ncycles %" PRIu64 ", of which\n", t->cycles);
  for (int k = 0; k < MX_CYCLE_CLASS_COUNT; k++)
    if (t->reasons[k]) fprintf(to, "  %11" PRIu64 "  %5.1f %%  %s\n", t->reasons[k], percent(t->reasons[k], t->cycles), mx_profile_reason_text[k]);
}

static void print_phase(const mx_profile *p, int k, mx_profile_by by, FILE *to) {
  const mx_profile_phase *phase = &p->phase[k];
  mx_error e = {0};
  mx_profile_items sum;
  if (mx_profile_sum(phase, by, &sum, &e)) return;
  print_title(&p->machine, phase, mx_profile_phase_name[k], to);
  print_head(by, to);
  for (uint32_t i = 0; i < sum.n; i++) {
    char name[64];
    print_name(&sum.item[i], by, name);
    print_item(&p->machine, &sum.item[i], name, phase->total.cycles, to);
  }
  print_item(&p->machine, &phase->total, "all", phase->total.cycles, to);
  print_reasons(&phase->total, to);
  free(sum.item);
}

static void print_machine(const mx_profile_machine *m, FILE *to) {
  fprintf(to, "%s: set %s, %" PRIu32 " multipliers of 4 x 8 bits (%" PRIu32 " for each of %" PRIu32 " columns)\n", m->subject, m->set,
          m->multipliers, m->multipliers / m->columns, m->columns);
  fprintf(to, "memory %s: ", m->memory);
  if (m->clock_khz)
    fprintf(to, "pins %.3f GB/s, %.1f %% of it without refresh; port %.3f GB/s at %.0f MHz\n", 1e-6 * m->pin_bytes * m->clock_khz,
            100 * m->attainable, 1e-6 * m->port_bytes * m->clock_khz, 1e-3 * m->clock_khz);
  else fprintf(to, "%.2f bytes per cycle\n", m->pin_bytes);
}

void mx_profile_print(const mx_profile *p, mx_profile_by by, FILE *to) {
  print_machine(&p->machine, to);
  for (int k = MX_PROFILE_PREFILL; k < MX_PROFILE_PHASES; k++)
    if (p->phase[k].programs) print_phase(p, k, by, to);
}

// ---- two of them -----------------------------------------------------------------------

typedef struct { const char *name; uint64_t a, b; } pair;

static int by_difference(const void *x, const void *y) {
  const pair *p = x, *q = y;
  uint64_t d = p->a > p->b ? p->a - p->b : p->b - p->a, f = q->a > q->b ? q->a - q->b : q->b - q->a;
  return d != f ? (d < f ? 1 : -1) : strcmp(p->name, q->name);
}

static const mx_profile_item *named(const mx_profile_items *list, const char *name) {
  for (uint32_t i = 0; i < list->n; i++)
    if (!strcmp(list->item[i].name, name)) return &list->item[i];
  return NULL;
}

// pairs [a->n + b->n]; returns how many.
static uint32_t pair_up(const mx_profile_items *a, const mx_profile_items *b, pair *pairs) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < a->n; i++) {
    const mx_profile_item *other = named(b, a->item[i].name);
    pairs[n++] = (pair){a->item[i].name, a->item[i].cycles, other ? other->cycles : 0};
  }
  for (uint32_t i = 0; i < b->n; i++)
    if (!named(a, b->item[i].name)) pairs[n++] = (pair){b->item[i].name, 0, b->item[i].cycles};
  qsort(pairs, n, sizeof *pairs, by_difference);
  return n;
}

static void print_pair(const pair *p, FILE *to) {
  fprintf(to, "%-24s %12" PRIu64 " %12" PRIu64 " %+13" PRId64, p->name, p->a, p->b, (int64_t)(p->b - p->a));
  if (p->a) fprintf(to, " %8.3f\n", (double)p->b / (double)p->a);
  else fprintf(to, " %8s\n", "-");
}

static mx_status compare_phase(const mx_profile_phase *a, const mx_profile_phase *b, const char *name, FILE *to, mx_error *e) {
  mx_profile_items x = {0}, y = {0};
  mx_status s = mx_profile_sum(a, MX_PROFILE_BY_OPERATOR, &x, e);
  if (!s) s = mx_profile_sum(b, MX_PROFILE_BY_OPERATOR, &y, e);
  pair *pairs = calloc((size_t)x.n + y.n + 1, sizeof *pairs);
  if (!s && !pairs) s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for operators");
  if (!s) {
    fprintf(to, "\n== %s: %" PRIu32 " and %" PRIu32 " tokens, from positions %" PRIu32 " and %" PRIu32 " on\n", name, a->tokens, b->tokens,
            a->position, b->position);
    fprintf(to, "%-24s %12s %12s %13s %8s\n", "operator", "cycles A", "cycles B", "B - A", "B / A");
    uint32_t n = pair_up(&x, &y, pairs);
    for (uint32_t i = 0; i < n; i++)
      if (pairs[i].a || pairs[i].b) print_pair(&pairs[i], to);
    print_pair(&(pair){"all", a->total.cycles, b->total.cycles}, to);
  }
  free(pairs);
  free(x.item);
  free(y.item);
  return s;
}

mx_status mx_profile_compare(const mx_profile *a, const mx_profile *b, FILE *to, mx_error *e) {
  mx_status s = MX_OK;
  bool common[MX_PROFILE_PHASES] = {false}, any = false;
  for (int k = MX_PROFILE_PREFILL; k < MX_PROFILE_PHASES; k++) any |= common[k] = a->phase[k].programs && b->phase[k].programs;
  if (!any) return mx_fail(e, MX_USAGE, MX_NOWHERE, "the profiles have neither prefill nor decode in common");
  fputs("A: ", to);
  print_machine(&a->machine, to);
  fputs("B: ", to);
  print_machine(&b->machine, to);
  for (int k = MX_PROFILE_PREFILL; k < MX_PROFILE_PHASES && !s; k++)
    if (common[k]) s = compare_phase(&a->phase[k], &b->phase[k], mx_profile_phase_name[k], to, e);
  return s;
}
