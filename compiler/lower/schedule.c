// Order and waits. A matrix product moves up to where the vector unit has begun
// with what comes before it; weight streams move as early as the stream queue and
// the caches allow; every other instruction keeps its place. Each waits for just
// the units whose work in flight touches what it touches.
#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"

static bool overlap(const mx_access *a, const mx_access *b) {
  return a->place == b->place && a->banks & b->banks && (a->write || b->write) && a->low < b->high && b->low < a->high;
}

static bool conflict(const mx_step *a, const mx_step *b) {
  for (uint32_t i = 0; i < a->n_accesses; i++)
    for (uint32_t k = 0; k < b->n_accesses; k++)
      if (overlap(&a->access[i], &b->access[k])) return true;
  return false;
}

static unsigned op_of(const mx_step *s) { return s->insn.word[0] & 0x1f; }

static bool is_named(const mx_step *s, unsigned field, uint32_t reg) { return mx_get(&s->insn, field) == reg; }

// Does s, a STREAM or MATMUL, take address register `reg`?
static bool takes(const mx_step *s, uint32_t reg) {
  if (op_of(s) == MX_OP_MATMUL) return is_named(s, MX_F_MATMUL_n, reg) || is_named(s, MX_F_MATMUL_k, reg);
  return is_named(s, MX_F_STREAM_a, reg) || is_named(s, MX_F_STREAM_n, reg) || is_named(s, MX_F_STREAM_u, reg);
}

// May s, a STREAM or MATMUL that comes after `before`, come first?
static bool may_pass(const mx_step *s, const mx_step *before) {
  unsigned op = op_of(before);
  if (op == MX_OP_IDENT || op == MX_OP_LOOP) return false;
  if (op == MX_OP_ARG && takes(s, (uint32_t)mx_get(&before->insn, MX_F_ARG_d))) return false;
  if (op == MX_OP_TABLE && op_of(s) == MX_OP_MATMUL) return false;
  return !conflict(before, s);
}

// ---- products early ---------------------------------------------------------------

enum { MOST_AHEAD = 2 };  // products that the dot array takes before one is done
typedef struct {
  const mx_step *from;
  uint32_t n;                           // steps
  mx_step *out;
  uint32_t n_out;
  bool *done;                           // [n]
  uint32_t next;                        // product to come, or n
  const mx_step *running[MOST_AHEAD];   // products that nobody has waited for, the latest
  uint32_t n_running, unwaited;
} product_order;

static bool meets_running(const product_order *o, const mx_step *s) {
  for (uint32_t i = 0; i < o->n_running; i++)
    if (conflict(o->running[i], s)) return true;
  return false;
}

static void place(product_order *o, uint32_t i) {
  const mx_step *s = &o->from[i];
  o->out[o->n_out++] = *s;
  o->done[i] = true;
  if (op_of(s) == MX_OP_MATMUL) {
    if (o->n_running < MOST_AHEAD) o->n_running++;
    o->running[o->unwaited++ % MOST_AHEAD] = s;
  } else if (meets_running(o, s)) {
    o->n_running = o->unwaited = 0;
  }
}

static void find_next(product_order *o, uint32_t from) {
  for (o->next = from; o->next < o->n; o->next++)
    if (!o->done[o->next] && op_of(&o->from[o->next]) == MX_OP_MATMUL) return;
}

// A product may come before steps that neither need it nor wait for another:
// their wait would become one for it.
static bool may_come(const product_order *o, uint32_t at) {
  if (o->next == o->n || o->unwaited >= MOST_AHEAD) return false;
  const mx_step *product = &o->from[o->next], *stream = product - 1;
  for (uint32_t i = at; i + 1 < o->next; i++) {
    const mx_step *s = &o->from[i];
    if (!o->done[i] && (meets_running(o, s) || !may_pass(product, s) || !may_pass(stream, s))) return false;
  }
  return true;
}

// After the vector or move unit has begun, the next product may begin too.
static void hoist_products(product_order *o) {
  find_next(o, 0);
  for (uint32_t i = 0; i < o->n; i++) {
    if (!o->done[i]) place(o, i);
    if (i >= o->next) find_next(o, i + 1);
    while ((o->from[i].unit == MX_UNIT_VEC || o->from[i].unit == MX_UNIT_MOVE) && may_come(o, i + 1)) {
      place(o, o->next - 1);  // its stream
      place(o, o->next);
      find_next(o, o->next + 1);
    }
  }
}

// ---- streams early ----------------------------------------------------------------

// May the stream at steps[to] be queued before steps[from]?
static bool may_move(const mx_step *steps, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++)
    if (!may_pass(&steps[to], &steps[i])) return false;
  return true;
}

static uint32_t next_stream(const mx_step *steps, uint32_t n, uint32_t from) {
  while (from < n && op_of(&steps[from]) != MX_OP_STREAM) from++;
  return from;
}

// A stream leaves the queue when its last segment is being read, which may be as
// late as its product's end. One that finds the queue full blocks the sequencer,
// so as many places stay free as products may be under way.
static uint32_t most_streams(const mx_lowering *l) {
  return l->params->STREAM_QUEUE > MOST_AHEAD + 1 ? l->params->STREAM_QUEUE - MOST_AHEAD : 1;
}

static void hoist_streams(const mx_lowering *l, const mx_step *steps, mx_step *out) {
  uint32_t n = 0, n_steps = l->p->n_steps, ahead = 0, most = most_streams(l), stream = next_stream(steps, n_steps, 0);
  for (uint32_t i = 0; i < n_steps; i++) {
    while (stream < n_steps && ahead < most && (stream < i || may_move(steps, i, stream))) {
      out[n++] = steps[stream];
      ahead++;
      stream = next_stream(steps, n_steps, stream + 1);
    }
    if (op_of(&steps[i]) == MX_OP_STREAM) continue;
    if (op_of(&steps[i]) == MX_OP_MATMUL) ahead--;
    out[n++] = steps[i];
  }
}

// ---- waits ------------------------------------------------------------------------

// Steps issued to a unit and not waited for since.
typedef struct { const mx_step **list; uint32_t n; } in_flight;

static bool any_conflict(const in_flight *f, const mx_step *s) {
  for (uint32_t i = 0; i < f->n; i++)
    if (conflict(f->list[i], s)) return true;
  return false;
}

static int wait_index(mx_unit unit) { return unit == MX_UNIT_DOT ? 0 : unit == MX_UNIT_VEC ? 1 : unit == MX_UNIT_MOVE ? 2 : -1; }

static void assign_waits(mx_step *steps, uint32_t n, in_flight flight[3]) {
  for (uint32_t i = 0; i < n; i++) {
    mx_step *s = &steps[i];
    int own = wait_index(s->unit);
    unsigned wait = op_of(s) == MX_OP_TABLE ? MX_WAIT_DOT : 0;
    for (int u = 0; u < 3; u++)
      if (u != own && any_conflict(&flight[u], s)) wait |= 1u << u;
    for (int u = 0; u < 3; u++)
      if (wait >> u & 1) flight[u].n = 0;
    s->insn.word[0] |= wait << MX_WAIT_LSB;
    if (s->unit == MX_UNIT_VEC) flight[own].n = 0;  // it issues when those before it are done
    if (own >= 0) flight[own].list[flight[own].n++] = s;
  }
}

// The LOOP of SKIP goes to the HALT.
static void set_target(mx_step *steps, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    if (op_of(&steps[i]) == MX_OP_LOOP) mx_put(&steps[i].insn, MX_F_LOOP_target, n - 1);
}

mx_status mx_schedule(mx_lowering *l) {
  uint32_t n = l->p->n_steps;
  mx_step *steps = l->p->steps, *out = calloc(n + 1, sizeof *out);
  const mx_step **lists = calloc(3 * (size_t)n + 1, sizeof *lists);
  bool *done = calloc(n + 1, sizeof *done);
  if (out && lists && done) {
    in_flight flight[3] = {{lists, 0}, {lists + n, 0}, {lists + 2 * (size_t)n, 0}};
    hoist_products(&(product_order){.from = steps, .n = n, .out = out, .done = done});
    hoist_streams(l, out, steps);
    assign_waits(steps, n, flight);
    set_target(steps, n);
  } else {
    mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the schedule");
  }
  free(out);
  free(lists);
  free(done);
  return l->e->status;
}

void mx_print_schedule(const mx_lowering *l, FILE *to) {
  static const char *const units[] = {"seq", "stream", "dot", "vec", "move"};
  for (uint32_t i = 0; i < l->p->n_steps; i++) {
    const mx_step *s = &l->p->steps[i];
    const mx_operator *op = &l->p->ops[s->op];
    unsigned wait = s->insn.word[0] >> MX_WAIT_LSB & 7;
    fprintf(to, "%5u %-6s %-6s wait=%s%s%s", i, units[s->unit], mx_op_find(op_of(s))->name, wait & 1 ? "d" : "-",
            wait & 2 ? "v" : "-", wait & 4 ? "m" : "-");
    if (op->layer >= 0) fprintf(to, "  layer %d", op->layer);
    fprintf(to, "  %s\n", op->name);
  }
}
