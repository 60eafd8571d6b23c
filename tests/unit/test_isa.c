// Runs the assembly programs of tests/isa. Each NAME.s has a NAME.exp, whose
// lines say what must hold after the program `token` has run once:
//   fault NAME [PC]          MX_FAULT_NAME; at that instruction address
//   arg N VALUE              A[N] at start (N = 1 to 4), before the run
//   vmem ADDR VALUE...       words from ADDR on
//   mem ADDR VALUE...        memory words
//   xmem BANK ELEM VALUE...  elements
//   xexp BANK ELEM VALUE...  scales of the blocks of 16 from ELEM on
//   areg N VALUE             A[N]
// Numbers are decimal, 0x or negative; '#' begins a comment; without a `fault`
// line the program must reach HALT. VALUE may be a float: 1.5, inf, nan.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/asm/asm.h"
#include "golden/fp32.h"
#include "golden/machine.h"

enum { MOST_TESTS = 200, NAME_BYTES = 96 };
static const char directory[] = "tests/isa";
static char names[MOST_TESTS][NAME_BYTES];

typedef struct {
  const char *name;  // of the pair
  char *text;        // of its .exp
  unsigned line;
  mx_machine *machine;
  uint32_t args[MX_ARGS];
  unsigned fault;
  bool fault_told;   // a line has judged the fault
} run;

#define BAD(r, ...) (print_error("%s.exp:%u: ", (r)->name, (r)->line), print_error(__VA_ARGS__), print_error("\n"), fail())

static char *read_text(const char *name, const char *suffix) {
  char path[NAME_BYTES + 16];
  snprintf(path, sizeof path, "%s/%s%s", directory, name, suffix);
  FILE *f = fopen(path, "rb");
  if (!f) fail_msg("%s is missing: .s and .exp come in pairs", path);
  char *text = calloc(1 << 16, 1);
  assert_non_null(text);
  assert_true(fread(text, 1, (1 << 16) - 1, f) < (1 << 16) - 1);
  fclose(f);
  return text;
}

// Bits of a number, or of a float if the word looks like one.
static uint32_t value(run *r, const char *word) {
  char *end;
  bool hex = !strncmp(word, "0x", 2);
  if (!hex && (strpbrk(word, ".") || strstr(word, "inf"))) {
    float x = strtof(word, &end);
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (*end) BAD(r, "'%s' is no float", word);
    return bits;
  }
  if (!strcmp(word, "nan")) return MX_FP_NAN;
  long long v = strtoll(word, &end, 0);
  if (!*word || *end) BAD(r, "'%s' is no number", word);
  return (uint32_t)v;
}

static void check_value(run *r, const char *what, uint32_t at, uint32_t got, const char *word) {
  uint32_t want = value(r, word);
  if (got != want) BAD(r, "%s %u is 0x%08x, expected 0x%08x (%s)", what, at, got, want, word);
}

static uint32_t memory_word(run *r, uint32_t addr) {
  if (addr + 4 > r->machine->mem_size) BAD(r, "0x%x is outside the memory", addr);
  return mx_load_u32(r->machine->memory + addr);
}

static void check_fault(run *r, char **words, int n) {
  unsigned code = UINT32_MAX;
#define FAULT(fault, number, text) if (!strcmp(words[1], #fault)) code = number;
#include "golden/csr.def"
  if (code == UINT32_MAX) BAD(r, "no fault '%s'", words[1]);
  r->fault_told = true;
  if (r->fault != code) BAD(r, "fault %u (%s), expected %s", r->fault, mx_fault_text(r->fault), words[1]);
  if (n > 2) check_value(r, "fault at", 0, r->machine->pc, words[2]);
}

static void check_line(run *r, char **words, int n) {
  const mx_params *p = r->machine->params;
  const mx_vec_state *v = &r->machine->vec;
  const char *what = words[0];
  bool banked = !strcmp(what, "xmem") || !strcmp(what, "xexp");
  if (n < (banked ? 4 : 3) && strcmp(what, "fault")) BAD(r, "'%s' needs more words", what);
  if (!strcmp(what, "arg")) return;
  if (!strcmp(what, "fault") && n > 1) {
    check_fault(r, words, n);
    return;
  }
  uint32_t at = value(r, words[1]), bank = 0;
  int first = 2;
  if (banked) bank = at, at = value(r, words[2]), first = 3;
  for (int i = first; i < n; i++, at++) {
    if (!strcmp(what, "vmem")) check_value(r, what, at, v->vmem[at % p->VMEM_WORDS], words[i]);
    else if (!strcmp(what, "mem")) check_value(r, what, at, memory_word(r, at), words[i]), at += 3;
    else if (!strcmp(what, "xmem")) check_value(r, what, at, (uint32_t)(int32_t)v->xmem[bank * p->XMEM_ELEMS + at], words[i]);
    else if (!strcmp(what, "xexp")) check_value(r, what, at, v->xexp[(bank * p->XMEM_ELEMS + at) / 16], words[i]), at += 15;
    else if (!strcmp(what, "areg")) check_value(r, what, at, mx_areg(r->machine, at), words[i]);
    else BAD(r, "'%s' is nothing to expect", what);
  }
}

static void take_arg(run *r, char **words, int n) {
  if (strcmp(words[0], "arg")) return;
  uint32_t index = n == 3 ? value(r, words[1]) : 0;
  if (index < 1 || index > MX_ARGS) BAD(r, "arg 1 .. 4 VALUE");
  r->args[index - 1] = value(r, words[2]);
}

static void for_each_line(run *r, void (*take)(run *r, char **words, int n)) {
  const char *at = r->text;
  for (r->line = 1; *at; r->line++) {
    char line[512], *words[64], *after;
    size_t length = strcspn(at, "\n");
    int n = 0;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "#\n"), at);
    for (char *w = strtok_r(line, " \t\r", &after); w && n < 64; w = strtok_r(NULL, " \t\r", &after)) words[n++] = w;
    if (n) take(r, words, n);
    at += length + (at[length] == '\n');
  }
}

static void test_program(void **state) {
  run r = {.name = *state};
  char *source = read_text(r.name, ".s");
  mx_image *image;
  mx_error e = {0};
  r.text = read_text(r.name, ".exp");
  if (mx_as_text(source, strlen(source), r.name, NULL, &image, &e)) fail_msg("%s.s: %s", r.name, e.text);
  assert_true(image->mem_bytes >= image->memory_bytes);
  uint8_t *memory = calloc(image->mem_bytes, 1);
  assert_non_null(memory);
  memcpy(memory, image->memory, image->memory_bytes);
  r.machine = mx_machine_new(image->params, memory, image->mem_bytes);
  for_each_line(&r, take_arg);
  r.fault = mx_machine_run(r.machine, image->token_entry, r.args);
  for_each_line(&r, check_line);
  if (r.fault && !r.fault_told) fail_msg("%s: fault %u (%s) at 0x%x", r.name, r.fault, mx_fault_text(r.fault), r.machine->pc);
  mx_machine_free(r.machine);
  mx_image_free(image);
  free(memory);
  free(source);
  free(r.text);
}

static int by_name(const void *a, const void *b) { return strcmp(a, b); }

// Names of files, without suffix, each once.
static size_t find_names(void) {
  size_t n = 0;
  DIR *d = opendir(directory);
  if (!d) {
    fprintf(stderr, "cannot open %s: run from the top of the repository\n", directory);
    exit(1);
  }
  for (struct dirent *entry; (entry = readdir(d));) {
    char *dot = strrchr(entry->d_name, '.');
    if (!dot || (strcmp(dot, ".s") && strcmp(dot, ".exp")) || n == MOST_TESTS) continue;
    snprintf(names[n++], NAME_BYTES, "%.*s", (int)(dot - entry->d_name), entry->d_name);
  }
  closedir(d);
  qsort(names, n, NAME_BYTES, by_name);
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (!kept || strcmp(names[kept - 1], names[i])) memmove(names[kept++], names[i], NAME_BYTES);
  return kept;
}

int main(void) {
  struct CMUnitTest tests[MOST_TESTS];
  size_t n = find_names();
  for (size_t i = 0; i < n; i++) tests[i] = (struct CMUnitTest){names[i], test_program, NULL, NULL, names[i]};
  return _cmocka_run_group_tests("isa", tests, n, NULL, NULL);
}
