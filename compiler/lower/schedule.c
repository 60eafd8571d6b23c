// Order and waits. Weight streams move as early as the stream queue and the
// caches allow; every other instruction keeps its place and waits for just the
// units whose work in flight touches what it touches.
#include <stdlib.h>
#include <string.h>

#include "compiler/lower/lowering.h"

static bool overlap(const mx_access *a, const mx_access *b) {
  return a->place == b->place && (a->write || b->write) && a->low < b->high && b->low < a->high;
}

static bool conflict(const mx_step *a, const mx_step *b) {
  for (uint32_t i = 0; i < a->n_accesses; i++)
    for (uint32_t k = 0; k < b->n_accesses; k++)
      if (overlap(&a->access[i], &b->access[k])) return true;
  return false;
}

static unsigned op_of(const mx_step *s) { return s->insn.word[0] & 0x1f; }

// May the stream at steps[to] be queued before steps[from]?
static bool may_move(const mx_step *steps, uint32_t from, uint32_t to) {
  for (uint32_t i = from; i < to; i++)
    if (op_of(&steps[i]) == MX_OP_ARG || op_of(&steps[i]) == MX_OP_IDENT || conflict(&steps[i], &steps[to])) return false;
  return true;
}

static uint32_t next_stream(const mx_lowering *l, uint32_t from) {
  while (from < l->n_steps && op_of(&l->steps[from]) != MX_OP_STREAM) from++;
  return from;
}

// At most STREAM_QUEUE streams ahead of their products: one more could block
// the sequencer before the product that would make room.
static void hoist_streams(const mx_lowering *l, mx_step *out) {
  uint32_t n = 0, ahead = 0, stream = next_stream(l, 0);
  for (uint32_t i = 0; i < l->n_steps; i++) {
    while (stream < l->n_steps && ahead < l->params->STREAM_QUEUE && (stream < i || may_move(l->steps, i, stream))) {
      out[n++] = l->steps[stream];
      ahead++;
      stream = next_stream(l, stream + 1);
    }
    if (op_of(&l->steps[i]) == MX_OP_STREAM) continue;
    if (op_of(&l->steps[i]) == MX_OP_MATMUL) ahead--;
    out[n++] = l->steps[i];
  }
}

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
    if (own >= 0) flight[own].list[flight[own].n++] = s;
  }
}

mx_status mx_schedule(mx_lowering *l) {
  mx_step *out = calloc(l->n_steps, sizeof *out);
  const mx_step **lists = calloc(3 * (size_t)l->n_steps, sizeof *lists);
  if (out && lists) {
    in_flight flight[3] = {{lists, 0}, {lists + l->n_steps, 0}, {lists + 2 * (size_t)l->n_steps, 0}};
    hoist_streams(l, out);
    assign_waits(out, l->n_steps, flight);
    memcpy(l->steps, out, l->n_steps * sizeof *out);
  } else {
    mx_fail(l->e, MX_LIMIT, MX_NOWHERE, "no memory for the schedule");
  }
  free(out);
  free(lists);
  return l->e->status;
}

void mx_print_schedule(const mx_lowering *l, FILE *to) {
  static const char *const units[] = {"seq", "stream", "dot", "vec", "move"};
  for (uint32_t i = 0; i < l->n_steps; i++) {
    const mx_step *s = &l->steps[i];
    const mx_operator *op = &l->ops[s->op];
    unsigned wait = s->insn.word[0] >> MX_WAIT_LSB & 7;
    fprintf(to, "%5u %-6s %-6s wait=%s%s%s", i, units[s->unit], mx_op_find(op_of(s))->name, wait & 1 ? "d" : "-",
            wait & 2 ? "v" : "-", wait & 4 ? "m" : "-");
    if (op->layer >= 0) fprintf(to, "  layer %d", op->layer);
    fprintf(to, "  %s\n", op->name);
  }
}
