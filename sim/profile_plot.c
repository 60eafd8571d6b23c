// A roofline as SVG: operations per byte of memory traffic against operations per
// second, both logarithmic; a multiply-accumulate is two operations.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "sim/profile.h"

enum { WIDTH = 900, HEIGHT = 560, LEFT = 80, RIGHT = 24, TOP = 48, BOTTOM = 60, MOST_LABELS = 64, LABEL_WIDTH = 90, LABEL_HEIGHT = 13 };

typedef struct {
  FILE *to;
  const mx_profile_machine *m;
  double rate;                      // cycles per second, or 1
  double x0, x1, y0, y1;            // decades at the edges
  double label_x[MOST_LABELS], label_y[MOST_LABELS];
  unsigned labels;
} plot;

// ---- axes ------------------------------------------------------------------------------

static double at_x(const plot *p, double x) { return LEFT + (log10(x) - p->x0) / (p->x1 - p->x0) * (WIDTH - LEFT - RIGHT); }
static double at_y(const plot *p, double y) { return HEIGHT - BOTTOM - (log10(y) - p->y0) / (p->y1 - p->y0) * (HEIGHT - TOP - BOTTOM); }

static void text(const plot *p, double x, double y, const char *attributes, const char *words) {
  fprintf(p->to, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
  for (; *words; words++) {
    if (*words == '<') fputs("&lt;", p->to);
    else if (*words == '&') fputs("&amp;", p->to);
    else if ((unsigned char)*words >= 0x20) putc(*words, p->to);
  }
  fputs("</text>\n", p->to);
}

static void line(const plot *p, double xa, double ya, double xb, double yb, const char *attributes) {
  fprintf(p->to, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", xa, ya, xb, yb, attributes);
}

static void grid(const plot *p) {
  char words[32];
  for (double d = p->x0; d <= p->x1; d++) {
    double x = at_x(p, pow(10, d));
    line(p, x, TOP, x, HEIGHT - BOTTOM, "stroke=\"#ddd\"");
    snprintf(words, sizeof words, "%g", pow(10, d));
    text(p, x, HEIGHT - BOTTOM + 18, "text-anchor=\"middle\"", words);
  }
  for (double d = p->y0; d <= p->y1; d++) {
    double y = at_y(p, pow(10, d));
    line(p, LEFT, y, WIDTH - RIGHT, y, "stroke=\"#ddd\"");
    snprintf(words, sizeof words, "%g", pow(10, d) * (p->m->clock_khz ? 1e-9 : 1));
    text(p, LEFT - 6, y + 4, "text-anchor=\"end\"", words);
  }
  text(p, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 18, "text-anchor=\"middle\"", "operations per byte moved");
  text(p, 18, (TOP + HEIGHT - BOTTOM) / 2.0, "text-anchor=\"middle\" transform=\"rotate(-90 18 266)\"",
       p->m->clock_khz ? "10^9 operations per second" : "operations per cycle");
}

// ---- roofs -----------------------------------------------------------------------------

static double top(const plot *p) { return pow(10, p->y1); }

// y = x * bytes_per_cycle * rate, within the plot and under `most` operations.
static void memory_roof(const plot *p, double bytes, double most, const char *attributes, const char *name) {
  double slope = bytes * p->rate, x0 = pow(10, p->x0), x1 = pow(10, p->x1);
  double low = fmax(x0, pow(10, p->y0) / slope), high = fmin(fmin(x1, most / slope), top(p) / slope);
  if (high <= low) return;
  line(p, at_x(p, low), at_y(p, low * slope), at_x(p, high), at_y(p, high * slope), attributes);
  text(p, at_x(p, low) + 12, at_y(p, low * slope) + 16, "fill=\"#555\"", name);
}

static void multiplier_roof(const plot *p, double products, double slope, const char *attributes, const char *name) {
  double y = 2 * products * p->rate, from = fmax(pow(10, p->x0), y / (slope * p->rate)), to = pow(10, p->x1);
  if (from >= to) return;
  line(p, at_x(p, from), at_y(p, y), at_x(p, to), at_y(p, y), attributes);
  text(p, WIDTH - RIGHT - 4, at_y(p, y) - 5, "text-anchor=\"end\" fill=\"#555\"", name);
}

static void roofs(const plot *p) {
  const mx_profile_machine *m = p->m;
  double usable = fmin(m->pin_bytes * m->attainable, m->port_bytes), most = 2.0 * m->multipliers * p->rate;
  char name[64];
  snprintf(name, sizeof name, "%.2f GB/s", 1e-9 * usable * p->rate);
  memory_roof(p, usable, most, "stroke=\"#333\" stroke-width=\"2\"", m->clock_khz ? name : "memory");
  if (m->pin_bytes > usable) memory_roof(p, m->pin_bytes, most, "stroke=\"#333\" stroke-dasharray=\"4 4\"", "");
  snprintf(name, sizeof name, "%" PRIu32 " multipliers, 4 x 8 bits", m->multipliers);
  multiplier_roof(p, m->multipliers, usable, "stroke=\"#333\" stroke-width=\"2\"", name);
  if (m->columns > 1) multiplier_roof(p, m->multipliers / m->columns, usable, "stroke=\"#333\" stroke-dasharray=\"4 4\"", "one token at a time");
}

// ---- points ----------------------------------------------------------------------------

static bool place(const plot *p, const mx_profile_item *i, double *x, double *y) {
  uint64_t bytes = i->read_bytes + i->written_bytes;
  if (!i->macs || !bytes || !i->cycles) return false;
  *x = 2 * (double)i->macs / (double)bytes;
  *y = 2 * (double)i->macs / (double)i->cycles * p->rate;
  return true;
}

static void include(plot *p, double x, double y) {
  p->x0 = fmin(p->x0, floor(log10(x)));
  p->x1 = fmax(p->x1, ceil(log10(x)));
  p->y0 = fmin(p->y0, floor(log10(y)));
  p->y1 = fmax(p->y1, ceil(log10(y)));
}

static bool taken(const plot *p, double x, double y) {
  for (unsigned i = 0; i < p->labels; i++)
    if (fabs(p->label_x[i] - x) < LABEL_WIDTH && fabs(p->label_y[i] - y) < LABEL_HEIGHT) return true;
  return false;
}

// Beside its point, or as far below as there is room, then with a line to it.
static void label(plot *p, double x, double y, double radius, const char *color, const char *name) {
  char attributes[64];
  double at = y;
  if (p->labels == MOST_LABELS) return;
  while (taken(p, x, at) && at < HEIGHT - BOTTOM) at += 1;
  snprintf(attributes, sizeof attributes, "stroke=\"%s\" stroke-width=\"0.5\"", color);
  if (at > y + 4) line(p, x + radius, y, x + radius + 12, at, attributes);
  snprintf(attributes, sizeof attributes, "fill=\"%s\"", color);
  text(p, x + radius + (at > y + 4 ? 14 : 3), at + 4, attributes, name);
  p->label_x[p->labels] = x;
  p->label_y[p->labels++] = at;
}

static void point(plot *p, const mx_profile_item *i, const char *name, int phase, double radius) {
  static const char *const color[MX_PROFILE_PHASES] = {"#888", "#1b6ca8", "#c2410c"};
  double x, y;
  if (!place(p, i, &x, &y)) return;
  fprintf(p->to, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" fill=\"%s\"><title>%s: %.2f operations per byte, %" PRIu64 " cycles</title></circle>\n",
          at_x(p, x), at_y(p, y), radius, color[phase], name, x, i->cycles);
  label(p, at_x(p, x), at_y(p, y), radius, color[phase], name);
}

static double rate_of(const mx_profile_item *i) { return i->cycles ? (double)i->macs / (double)i->cycles : 0; }

static int from_above(const void *a, const void *b) {
  double x = rate_of(a), y = rate_of(b);
  return (x < y) - (x > y);
}

// From above, so that labels which make room for others keep the points' order.
static void points(plot *p, const mx_profile *profile, int phase) {
  mx_error e = {0};
  mx_profile_items sum;
  if (mx_profile_sum(&profile->phase[phase], MX_PROFILE_BY_OPERATOR, &sum, &e)) return;
  if (sum.n) qsort(sum.item, sum.n, sizeof *sum.item, from_above);
  for (uint32_t i = 0; i < sum.n; i++) point(p, &sum.item[i], sum.item[i].name, phase, 4);
  char name[32];
  snprintf(name, sizeof name, "%s, all", mx_profile_phase_name[phase]);
  point(p, &profile->phase[phase].total, name, phase, 7);
  free(sum.item);
}

static void fit(plot *p, const mx_profile *profile) {
  double x, y, peak = 2.0 * p->m->multipliers * p->rate;
  *p = (plot){.to = p->to, .m = p->m, .rate = p->rate, .x0 = 0, .x1 = 1, .y0 = log10(peak), .y1 = log10(peak)};
  include(p, peak / (p->m->port_bytes * p->rate), peak);
  for (int k = MX_PROFILE_PREFILL; k < MX_PROFILE_PHASES; k++)
    for (uint32_t i = 0; i < profile->phase[k].operators.n; i++)
      if (place(p, &profile->phase[k].operators.item[i], &x, &y)) include(p, x, y);
  p->y0 = floor(p->y0);
  p->y1 = ceil(p->y1);
  if (p->y1 - p->y0 < 1) p->y0--;
}

void mx_profile_plot(const mx_profile *profile, FILE *to) {
  plot p = {.to = to, .m = &profile->machine, .rate = profile->machine.clock_khz ? 1e3 * profile->machine.clock_khz : 1};
  char title[200];
  fit(&p, profile);
  fprintf(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n", WIDTH, HEIGHT);
  fprintf(to, "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n");
  snprintf(title, sizeof title, "%s, set %s, memory %s", p.m->subject, p.m->set, p.m->memory);
  text(&p, LEFT, 24, "font-size=\"15\"", title);
  text(&p, LEFT, 40, "fill=\"#555\"", "an operator's bytes may come before its cycles, so that it may lie above the memory's roof");
  grid(&p);
  roofs(&p);
  for (int k = MX_PROFILE_PREFILL; k < MX_PROFILE_PHASES; k++) points(&p, profile, k);
  fputs("</svg>\n", to);
}
