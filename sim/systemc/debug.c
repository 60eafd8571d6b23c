#include "sim/systemc/debug.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/asm/asm.h"  // mx_dis_insn
#include "golden/isa.h"

enum { LINE = 200, ROW = 16, MOST_BYTES = 4096, LISTED = 8 };

// ---- breakpoints -------------------------------------------------------------------

static bool has_operator(const mx_image *image, const char *name) {
  for (uint32_t i = 0; i < image->n_notes; i++)
    if (!strcmp(image->notes[i].text, name)) return true;
  return false;
}

// A whole number at the end of text; false: there is none.
static bool number(const char *text, uint32_t *out) {
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 0);
  if (!isdigit((unsigned char)*text) || *end || errno || v > UINT32_MAX) return false;
  *out = (uint32_t)v;
  return true;
}

static mx_status parse(const mx_debug *d, const char *spec, mx_debug_break *b, mx_error *e) {
  const char *colon = strrchr(spec, ':');
  size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
  *b = (mx_debug_break){.used = true, .nth = 1};
  if (number(spec, &b->addr)) {
    b->nth = 0;
    if (b->addr % MX_INSTRUCTION_BYTES == 0) return MX_OK;
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "break at %s: instructions are at multiples of %d", spec, MX_INSTRUCTION_BYTES);
  }
  if (length >= sizeof b->name || (colon && (!number(colon + 1, &b->nth) || !b->nth)))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "break at %s: expected an address, or OPERATOR:N with N from 1 on", spec);
  memcpy(b->name, spec, length);
  if (has_operator(d->image, b->name)) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "break at %s: the image has no operator '%s' (mxf dis lists them)", spec, b->name);
}

mx_status mx_debug_add(mx_debug *d, const char *spec, mx_error *e) {
  for (int i = 0; i < MX_DEBUG_BREAKS; i++) {
    mx_debug_break b;
    if (d->breaks[i].used) continue;
    if (!parse(d, spec, &b, e)) d->breaks[i] = b;
    return e->status;
  }
  return mx_fail(e, MX_LIMIT, MX_NOWHERE, "there are %d breakpoints already", MX_DEBUG_BREAKS);
}

static bool begins_program(const mx_image *im, uint32_t pc) {
  return pc == im->init_entry || pc == im->token_entry || (im->batch_tokens && pc == im->batch_entry);
}

static bool hit(mx_debug_break *b, const mx_image *image, uint32_t pc) {
  if (!b->nth) return pc == b->addr;
  if (begins_program(image, pc)) b->seen = 0;
  return !strcmp(mx_image_note(image, pc), b->name) && ++b->seen == b->nth;
}

bool mx_debug_wants(mx_debug *d, uint32_t pc) {
  bool stop = d->steps && !--d->steps;
  for (int i = 0; i < MX_DEBUG_BREAKS; i++)
    if (d->breaks[i].used && hit(&d->breaks[i], d->image, pc)) stop = true;
  return stop;
}

// ---- what is shown -----------------------------------------------------------------

static void show_instruction(const mx_debug *d, uint32_t addr) {
  uint8_t b[MX_INSTRUCTION_BYTES];
  mx_insn in = {{0}};
  char text[MX_ASM_TEXT_BYTES] = "not in memory";
  const char *note = mx_image_note(d->image, addr);
  if (d->target.memory(d->target.self, addr, b, sizeof b)) {
    for (int i = 0; i < MX_INSTRUCTION_BYTES; i++) in.word[i / 4] |= (uint32_t)b[i] << 8 * (i % 4);
    mx_dis_insn(&in, d->image->params, text);
  }
  fprintf(d->out, "0x%06" PRIx32 "  %-24s %s\n", addr, note, text);
}

static void show_registers(const mx_debug *d) {
  uint32_t value;
  bool any = false;
#define CSR(name, offset, access, reset, text) \
  if (d->target.csr(d->target.self, offset, &value)) any = true, fprintf(d->out, "%-14s 0x%08" PRIx32 "  %" PRIu32 "\n", #name, value, value);
#include "golden/csr.def"
  for (unsigned i = 1; i < MX_AREGS; i++)
    if (d->target.argument(d->target.self, i, &value)) any = true, fprintf(d->out, "A%-13u 0x%08" PRIx32 "  %" PRIu32 "\n", i, value, value);
  if (!any) fputs("this device tells its registers only in time: its pins are all there is\n", d->out);
}

static void show_memory(const mx_debug *d, const char *arguments) {
  char first[LINE], second[LINE] = "64";
  uint32_t addr, bytes;
  uint8_t row[ROW];
  int n = sscanf(arguments, "%199s %199s", first, second);
  if (n < 1 || !number(first, &addr) || !number(second, &bytes) || bytes > MOST_BYTES) {
    fprintf(d->out, "memory: expected ADDRESS [BYTES], at most %d bytes\n", MOST_BYTES);
    return;
  }
  for (uint32_t done = 0; done < bytes; done += ROW) {
    uint32_t count = bytes - done < ROW ? bytes - done : ROW;
    if (!d->target.memory(d->target.self, addr + done, row, count)) {
      fprintf(d->out, "there is no memory at 0x%06" PRIx32 "\n", addr + done);
      return;
    }
    fprintf(d->out, "0x%06" PRIx32 " ", addr + done);
    for (uint32_t i = 0; i < count; i++) fprintf(d->out, " %02x", row[i]);
    fputc('\n', d->out);
  }
}

static void show_breaks(const mx_debug *d) {
  for (int i = 0; i < MX_DEBUG_BREAKS; i++) {
    const mx_debug_break *b = &d->breaks[i];
    if (b->used && b->nth) fprintf(d->out, "%d: %s:%" PRIu32 "\n", i + 1, b->name, b->nth);
    else if (b->used) fprintf(d->out, "%d: 0x%06" PRIx32 "\n", i + 1, b->addr);
  }
}

// ---- commands ----------------------------------------------------------------------

typedef struct { mx_debug *d; uint32_t pc; bool go; } stop;

static void do_continue(stop *s, const char *arguments) {
  (void)arguments;
  s->d->steps = 0;
  s->go = true;
}

static void do_step(stop *s, const char *arguments) {
  uint32_t n = 1;
  if (*arguments && (!number(arguments, &n) || !n)) {
    fputs("step: expected a number of instructions\n", s->d->out);
    return;
  }
  s->d->steps = n;
  s->go = true;
}

static void do_registers(stop *s, const char *arguments) {
  (void)arguments;
  show_registers(s->d);
}
static void do_memory(stop *s, const char *arguments) { show_memory(s->d, arguments); }

static void do_list(stop *s, const char *arguments) {
  uint32_t addr = s->pc;
  if (*arguments && !number(arguments, &addr)) fputs("list: expected an address\n", s->d->out);
  else for (uint32_t i = 0; i < LISTED; i++) show_instruction(s->d, addr + i * MX_INSTRUCTION_BYTES);
}

static void do_break(stop *s, const char *arguments) {
  mx_error e = {0};
  if (!*arguments) show_breaks(s->d);
  else if (mx_debug_add(s->d, arguments, &e)) fprintf(s->d->out, "%s\n", e.text);
}

static void do_delete(stop *s, const char *arguments) {
  uint32_t n;
  if (number(arguments, &n) && n - 1 < MX_DEBUG_BREAKS && s->d->breaks[n - 1].used) s->d->breaks[n - 1].used = false;
  else fputs("delete: expected the number of a breakpoint; `break` lists them\n", s->d->out);
}

static void do_quit(stop *s, const char *arguments) {
  (void)arguments;
  s->d->ended = s->go = true;
}

static void do_help(stop *s, const char *arguments);

static const struct { const char *name, *arguments, *text; void (*run)(stop *s, const char *arguments); } commands[] = {
    {"continue", "", "until the next breakpoint", do_continue},
    {"step", "[N]", "N instructions", do_step},
    {"registers", "", "the device's registers, and A registers", do_registers},
    {"memory", "ADDRESS [BYTES]", "the device's memory, relative to MEM_BASE", do_memory},
    {"list", "[ADDRESS]", "instructions from here, or from ADDRESS", do_list},
    {"break", "[ADDRESS | OPERATOR:N]", "add a breakpoint; without argument list them", do_break},
    {"delete", "N", "remove breakpoint N", do_delete},
    {"quit", "", "end the simulation", do_quit},
    {"help", "", "this list; commands may be cut short", do_help},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void do_help(stop *s, const char *arguments) {
  (void)arguments;
  for (int i = 0; i < COMMANDS; i++)
    fprintf(s->d->out, "%-9s %-23s %s\n", commands[i].name, commands[i].arguments, commands[i].text);
}

static void run_command(stop *s, char *line) {
  char *end = line + strlen(line);
  while (end > line && isspace((unsigned char)end[-1])) *--end = 0;
  while (isspace((unsigned char)*line)) line++;
  size_t length = strcspn(line, " \t");
  const char *arguments = line + length + strspn(line + length, " \t");
  for (int i = 0; i < COMMANDS && length; i++) {
    if (strncmp(commands[i].name, line, length)) continue;
    commands[i].run(s, arguments);
    return;
  }
  if (length) fprintf(s->d->out, "no command '%.*s'; `help` lists them\n", (int)length, line);
}

void mx_debug_stop(mx_debug *d, uint64_t cycle, uint32_t pc) {
  stop s = {d, pc, false};
  char line[LINE];
  fprintf(d->out, "cycle %" PRIu64 ": ", cycle);
  show_instruction(d, pc);
  while (!s.go) {
    if (d->prompt) fputs("(mxvp) ", d->out);
    fflush(d->out);
    if (fgets(line, sizeof line, d->in)) run_command(&s, line);
    else do_quit(&s, "");
  }
}
