#include "sim/profile_trace.h"

#include <inttypes.h>
#include <string.h>

#include "golden/isa.h"
#include "sim/profile.h"

enum { WINDOW_CYCLES = 128 };
static const char *const row_name[MX_TRACE_ROWS] = {"program", "sequencer", "stream", "dot", "vec", "move"};

// ---- events ----------------------------------------------------------------------------

static void event(mx_trace *t, const char *kind) {
  fprintf(t->to, "%s\n{\"ph\":\"%s\",\"pid\":1", t->begun ? "," : "", kind);
  t->begun = true;
}

static void put_string(mx_trace *t, const char *text) {
  putc('"', t->to);
  for (; *text; text++) {
    if (*text == '"' || *text == '\\') putc('\\', t->to);
    if ((unsigned char)*text >= 0x20) putc(*text, t->to);
  }
  putc('"', t->to);
}

static void name_row(mx_trace *t, unsigned row) {
  event(t, "M");
  fprintf(t->to, ",\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":\"%s\"}}", row, row_name[row]);
  event(t, "M");
  fprintf(t->to, ",\"tid\":%u,\"name\":\"thread_sort_index\",\"args\":{\"sort_index\":%u}}", row, row);
}

void mx_trace_open(mx_trace *t, FILE *to, const mx_image *image, const mx_cycle *model, uint32_t clock_khz) {
  *t = (mx_trace){.to = to, .image = image, .model = model, .us = clock_khz ? 1e3 / clock_khz : 1};
  fprintf(to, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
  event(t, "M");
  fprintf(to, ",\"name\":\"process_name\",\"args\":{\"name\":\"mxforge, set %s\"}}", image->params->name);
  for (unsigned r = 0; r < MX_TRACE_ROWS; r++) name_row(t, r);
}

// ---- slices ----------------------------------------------------------------------------

static const char *mnemonic(const mx_trace *t, uint32_t pc) {
  if ((uint64_t)pc + MX_INSTRUCTION_BYTES > t->image->memory_bytes) return "?";
  const mx_op_info *op = mx_op_find(t->image->memory[pc] & ((2u << MX_OP_MSB) - 1));
  return op ? op->name : "?";
}

static void put_reasons(mx_trace *t, const mx_trace_slice *s) {
  for (int k = 0; k < MX_CYCLE_CLASS_COUNT; k++) {
    char name[MX_PROFILE_REASON_BYTES];
    mx_profile_reason_name((mx_cycle_class)k, name);
    if (s->reasons[k]) fprintf(t->to, ",\"%s\":%" PRIu64, name, s->reasons[k]);
  }
}

static void put_slice(mx_trace *t, unsigned row, const mx_trace_slice *s) {
  event(t, "X");
  fprintf(t->to, ",\"tid\":%u,\"ts\":%.4f,\"dur\":%.4f,\"name\":", row, (double)s->from * t->us, (double)(s->end - s->from) * t->us);
  put_string(t, mx_image_note(t->image, s->pc));
  fprintf(t->to, ",\"cat\":\"%s\",\"args\":{\"address\":\"0x%06" PRIx32 "\",\"cycles\":%" PRIu64, mnemonic(t, s->pc), s->pc, s->end - s->from);
  put_reasons(t, s);
  fputs("}}", t->to);
}

static void close_row(mx_trace *t, mx_trace_row row) {
  mx_trace_slice *s = &t->row[row];
  if (s->open && s->end > s->from) put_slice(t, row, s);
  *s = (mx_trace_slice){0};
}

static void open_row(mx_trace *t, mx_trace_row row, uint32_t pc, uint64_t cycle) {
  close_row(t, row);
  t->row[row] = (mx_trace_slice){.open = true, .from = cycle, .end = cycle, .pc = pc};
}

// ---- instructions ----------------------------------------------------------------------

// The unit's slice ends; another begins when the unit is seen to be busy.
static void hand_over(mx_trace *t, mx_trace_row row, uint64_t cycle) {
  if (!t->row[row].open) return;
  t->row[row].end = cycle;
  close_row(t, row);
}

void mx_trace_issue(mx_trace *t, const mx_walk_step *s, uint64_t cycle) {
  mx_trace_slice *q = &t->row[MX_TRACE_SEQ];
  q->pc = s->pc;
  q->end = cycle + 1;
  close_row(t, MX_TRACE_SEQ);
  open_row(t, MX_TRACE_SEQ, s->pc, cycle + 1);
  if (s->op == MX_OP_VEC) hand_over(t, MX_TRACE_VEC, cycle), t->vec_pc = s->pc;
  if (s->op >= MX_OP_LOAD) hand_over(t, MX_TRACE_MOVE, cycle), t->move_pc = s->pc;
  if (s->op == MX_OP_STREAM) t->streams[t->asked++ % MX_TRACE_STREAMS] = s->pc;
}

// ---- intervals -------------------------------------------------------------------------

static void show_dot(mx_trace *t, const mx_cycle_interval *i) {
  mx_trace_slice *s = &t->row[MX_TRACE_DOT];
  if (i->dot >= MX_CYCLE_IDLE_VEC) {
    close_row(t, MX_TRACE_DOT);
    return;
  }
  if (!s->open || s->pc != i->matmul || s->end != i->from) open_row(t, MX_TRACE_DOT, i->matmul, i->from);
  s->end = i->from + i->count;
  s->reasons[i->dot] += i->count;
}

static void show_unit(mx_trace *t, mx_trace_row row, uint32_t pc, bool busy, const mx_cycle_interval *i) {
  mx_trace_slice *s = &t->row[row];
  if (!busy) {
    close_row(t, row);
    return;
  }
  if (!s->open) open_row(t, row, pc, i->from);
  s->end = i->from + i->count;
}

// A command that leaves the model's queue has asked for all it wants.
static void show_streams(mx_trace *t, const mx_cycle_interval *i) {
  mx_trace_slice *s = &t->row[MX_TRACE_STREAM];
  uint32_t head = t->model ? t->model->stream.head : t->head;
  for (; t->head != head; t->head++) {
    if (t->done == t->asked) continue;
    s->end = i->from;
    close_row(t, MX_TRACE_STREAM);
    t->done++;
  }
  if (t->done == t->asked) return;
  if (!s->open) open_row(t, MX_TRACE_STREAM, t->streams[t->done % MX_TRACE_STREAMS], i->from);
  s->end = i->from + i->count;
}

// Reads and writes have channels of their own, so that there may be two beats in a cycle.
static void put_bus(mx_trace *t, uint64_t end, uint64_t beats) {
  int tenths = (int)(10.0 * (double)(beats - t->beats) / (double)(end - t->bus_from) + 0.5);
  if (tenths != t->tenths) {
    event(t, "C");
    fprintf(t->to, ",\"ts\":%.4f,\"name\":\"memory bus\",\"args\":{\"beats per cycle\":%.1f}}", (double)t->bus_from * t->us, 0.1 * tenths);
  }
  t->tenths = tenths;
  t->bus_from = end;
  t->beats = beats;
}

static uint64_t beats_of(const mx_trace *t) {
  return t->model ? t->model->csr.events[MX_EVENT_READ_BEATS] + t->model->csr.events[MX_EVENT_WRITE_BEATS] : 0;
}

static void show_bus(mx_trace *t, const mx_cycle_interval *i) {
  if (!t->model || i->from < t->bus_from + WINDOW_CYCLES) return;
  put_bus(t, i->from, beats_of(t));
}

void mx_trace_interval(mx_trace *t, const mx_cycle_interval *i) {
  show_dot(t, i);
  show_unit(t, MX_TRACE_VEC, t->vec_pc, i->busy & MX_BUSY_VEC, i);
  show_unit(t, MX_TRACE_MOVE, t->move_pc, i->busy & MX_BUSY_MOVE, i);
  show_streams(t, i);
  show_bus(t, i);
}

// ---- programs --------------------------------------------------------------------------

void mx_trace_begin(mx_trace *t, const char *name, uint64_t cycle) {
  for (unsigned r = 0; r < MX_TRACE_ROWS; r++) t->row[r] = (mx_trace_slice){0};
  t->row[MX_TRACE_PROGRAM] = (mx_trace_slice){.open = true, .from = cycle};
  snprintf(t->name, sizeof t->name, "%s", name);
  open_row(t, MX_TRACE_SEQ, 0, cycle);
  t->asked = t->done = 0;
  t->head = t->model ? t->model->stream.head : 0;
  t->bus_from = cycle;
  t->beats = 0;
  t->tenths = -1;
}

void mx_trace_end(mx_trace *t, uint64_t cycle) {
  for (unsigned r = MX_TRACE_STREAM; r < MX_TRACE_ROWS; r++) close_row(t, (mx_trace_row)r);
  t->row[MX_TRACE_SEQ] = (mx_trace_slice){0};
  if (cycle > t->bus_from && t->model) put_bus(t, cycle, beats_of(t));
  event(t, "X");
  const mx_trace_slice *s = &t->row[MX_TRACE_PROGRAM];
  fprintf(t->to, ",\"tid\":%d,\"ts\":%.4f,\"dur\":%.4f,\"name\":", MX_TRACE_PROGRAM, (double)s->from * t->us, (double)(cycle - s->from) * t->us);
  put_string(t, t->name);
  fprintf(t->to, ",\"args\":{\"cycles\":%" PRIu64 "}}", cycle - s->from);
}

void mx_trace_close(mx_trace *t) { fputs("\n]}\n", t->to); }
