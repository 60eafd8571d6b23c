#include "sim/insn_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "golden/observe.h"  // mx_space

enum { DECIMAL_BITS = 16 };  // wider fields are addresses and masks, in hexadecimal

typedef struct { char *at; size_t left; } writer;

__attribute__((format(printf, 2, 3))) static void add(writer *w, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(w->at, w->left, fmt, ap);
  va_end(ap);
  size_t used = n < 0 || !w->left ? 0 : (size_t)n < w->left ? (size_t)n : w->left - 1;
  w->at += used;
  w->left -= used;
}

static void add_waits(writer *w, unsigned waits) {
  if (waits & MX_WAIT_DOT) add(w, " wait=dot");
  if (waits & MX_WAIT_VEC) add(w, " wait=vec");
  if (waits & MX_WAIT_MOVE) add(w, " wait=move");
}

static void add_field(writer *w, const mx_insn *in, const mx_field_info *f) {
  uint64_t value = mx_get(in, f->msb * 256 + f->lsb);
  if (!value) return;
  if (f->msb - f->lsb < DECIMAL_BITS) add(w, " %s=%" PRIu64, f->name, value);
  else add(w, " %s=0x%" PRIx64, f->name, value);
}

void mx_insn_text(const mx_insn *in, char *text, size_t size) {
  writer w = {text, size};
  const mx_op_info *op = mx_op_find(in->word[0] & 0x1f);
  if (size) *text = 0;
  if (op) add(&w, "%s", op->name);
  else add(&w, "code 0x%02x", in->word[0] & 0x1f);
  add_waits(&w, in->word[0] >> MX_WAIT_LSB & 7);
  for (const mx_field_info *f = mx_fields; op && f->op; f++)
    if (!strcmp(f->op, op->name)) add_field(&w, in, f);
}

const char *mx_unit_text(mx_unit unit) {
  switch (unit) {
    case MX_UNIT_SEQ: return "sequencer";
    case MX_UNIT_STREAM: return "stream";
    case MX_UNIT_DOT: return "dot";
    case MX_UNIT_VEC: return "vec";
    case MX_UNIT_MOVE: return "move";
    default: return "?";
  }
}

const char *mx_space_text(int space) {
  switch (space) {
    case MX_SPACE_VMEM: return "VMEM";
    case MX_SPACE_XMEM: return "XMEM";
    case MX_SPACE_XEXP: return "XEXP";
    case MX_SPACE_MEM: return "memory";
    case MX_SPACE_UCODE: return "UCODE";
    default: return "?";
  }
}
