// Generator: checks the definition files and prints what derives from them.
//
//   gen check                    refuse clashes, overlaps and values that do not fit
//   gen build-id DEF...          C header with the build id of each parameter set: a hash of
//                                these files, of its name and parameters
//   gen pkg                      Verilog package mx_pkg
//   gen cfg SET DEF...           Verilog package mx_cfg of one parameter set
//   gen isa | csr | params       reference tables in Markdown
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden/isa.h"

typedef struct { const char *name; unsigned offset; const char *access; uint32_t reset; const char *text; } csr_info;
typedef struct { const char *name; unsigned code; const char *text; } named_code;
enum {
#define SET(name, text) SET_##name,
#include "golden/params.def"
  SETS
};
typedef struct { const char *name; uint32_t value[SETS]; const char *text; } param_info;

static const csr_info csrs[] = {
#define CSR(name, offset, access, reset, text) {#name, offset, #access, reset, text},
#include "golden/csr.def"
    {0}};
static const mx_field_info csr_fields[] = {
#define CSRFIELD(csr, name, msb, lsb, text) {#csr, #name, msb, lsb, text},
#include "golden/csr.def"
    {0}};
static const named_code faults[] = {
#define FAULT(name, code, text) {#name, code, text},
#include "golden/csr.def"
    {0}};
static const named_code sets[] = {
#define SET(name, text) {#name, 0, text},
#include "golden/params.def"
    {0}};
static const param_info params[] = {
#define PARAM(name, tiny, small, medium, sim, large, text) {#name, {tiny, small, medium, sim, large}, text},
#include "golden/params.def"
    {0}};

static int bad;

static void refuse(const char *file, const char *a, const char *b, const char *what) {
  fprintf(stderr, "golden/%s: %s%s%s: %s\n", file, a, b ? " and " : "", b ? b : "", what);
  bad = 1;
}

static void check_fields(const char *file, const mx_field_info *fields, unsigned low, unsigned high) {
  for (const mx_field_info *f = fields; f->op; f++) {
    if (f->msb < f->lsb || f->lsb < low || f->msb > high) refuse(file, f->op, f->name, "field does not fit");
    for (const mx_field_info *g = fields; g < f; g++)
      if (!strcmp(f->op, g->op) && f->lsb <= g->msb && g->lsb <= f->msb)
        refuse(file, g->name, f->name, "fields of one word overlap");
  }
}

static void check_isa(void) {
  for (const mx_op_info *a = mx_ops; a->name; a++) {
    if (a->code > 31) refuse("isa.def", a->name, NULL, "code does not fit 5 bits");
    for (const mx_op_info *b = mx_ops; b < a; b++)
      if (a->code == b->code) refuse("isa.def", b->name, a->name, "share a code");
  }
  for (const mx_uop_info *a = mx_uops; a->name; a++) {
    if (a->code > 31) refuse("ucode.def", a->name, NULL, "code does not fit 5 bits");
    for (const mx_uop_info *b = mx_uops; b < a; b++)
      if (a->code == b->code) refuse("ucode.def", b->name, a->name, "share a code");
  }
  check_fields("isa.def", mx_fields, MX_WAIT_MSB + 1, 127);
  check_fields("ucode.def", mx_ufields, 0, MX_UOP_LSB - 1);
}

static void check_csrs(void) {
  for (const csr_info *a = csrs; a->name; a++) {
    if (a->offset % 4 || a->offset > 0xfff) refuse("csr.def", a->name, NULL, "offset is not a word below 4 KiB");
    for (const csr_info *b = csrs; b < a; b++)
      if (a->offset == b->offset) refuse("csr.def", b->name, a->name, "share an offset");
  }
  for (const named_code *a = faults; a->name; a++)
    for (const named_code *b = faults; b < a; b++)
      if (a->code == b->code) refuse("csr.def", b->name, a->name, "share a fault code");
  check_fields("csr.def", csr_fields, 0, 31);
}

static uint32_t param(unsigned set, const char *name) {
  for (const param_info *p = params; p->name; p++)
    if (!strcmp(p->name, name)) return p->value[set];
  abort();
}

static void require(unsigned set, int ok, const char *what) {
  if (!ok) refuse("params.def", sets[set].name, NULL, what);
}

static void check_params(void) {
  static const char *const powers[] = {"BUS_BITS", "ROWS", "TOKENS", "GROUP", "VEC_LANES", "VMEM_WORDS",
      "XMEM_ELEMS", "UCODE_WORDS", "STREAM_FIFO_BEATS", "STREAM_QUEUE", "BURST_BEATS", "READS", NULL};
  for (unsigned s = 0; sets[s].name; s++) {
    for (int i = 0; powers[i]; i++) {
      uint32_t v = param(s, powers[i]);
      if (!v || v & (v - 1)) refuse("params.def", sets[s].name, powers[i], "must be a power of two");
    }
    uint32_t group = param(s, "GROUP"), beat_bytes = param(s, "BUS_BITS") / 8;
    require(s, group % 16 == 0 && group % beat_bytes == 0, "GROUP must be a multiple of 16 and of the beat's bytes");
    require(s, group % (2 * param(s, "ROWS")) == 0, "GROUP must be a multiple of 2 * ROWS");
    require(s, param(s, "VEC_LANES") <= 4, "VEC_LANES must be 1, 2 or 4");
    require(s, param(s, "TOKENS") <= 16, "TOKENS must be at most 16");
    require(s, param(s, "UCODE_WORDS") <= 1024, "UCODE_WORDS must fit the 10-bit entry");
    require(s, param(s, "BURST_BEATS") * beat_bytes <= 4096, "a burst must fit 4 KiB");
  }
}

static uint32_t fnv1a(uint32_t hash, const char *bytes, size_t len) {
  for (size_t i = 0; i < len; i++) hash = (hash ^ (unsigned char)bytes[i]) * 16777619u;
  return hash;
}

static uint32_t hash_file(uint32_t hash, const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f) {
    fprintf(stderr, "gen: cannot read %s\n", path);
    exit(1);
  }
  char buffer[4096];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;) hash = fnv1a(hash, buffer, n);
  fclose(f);
  return hash;
}

static uint32_t hash_param(uint32_t hash, const char *name, uint32_t value) {
  char pair[64];
  int len = snprintf(pair, sizeof pair, "%s=%" PRIu32 "\n", name, value);
  return fnv1a(hash, pair, (size_t)len);
}

// Of a set's own column only: other sets' may change without a new image of this one.
static uint32_t build_id(unsigned set, char **def_paths) {
  uint32_t hash = 2166136261u;
  for (; *def_paths; def_paths++) hash = hash_file(hash, *def_paths);
  hash = fnv1a(hash, sets[set].name, strlen(sets[set].name));
  for (const param_info *p = params; p->name; p++) hash = hash_param(hash, p->name, p->value[set]);
  return hash;
}

static void print_build_id(char **def_paths) {
  puts("// Generated by golden/gen.c.");
  for (unsigned s = 0; sets[s].name; s++)
    printf("#define MX_BUILD_ID_%s 0x%08" PRIx32 "u\n#define MX_TEXT_%s \"%s\"\n", sets[s].name,
           build_id(s, def_paths), sets[s].name, sets[s].text);
}

static void print_field_params(const char *prefix, const mx_field_info *fields) {
  for (const mx_field_info *f = fields; f->op; f++) {
    printf("  localparam int unsigned %s%s_", prefix, f->op);
    for (const char *c = f->name; *c; c++) putchar(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    printf("_LSB = %u;\n  localparam int unsigned %s%s_", f->lsb, prefix, f->op);
    for (const char *c = f->name; *c; c++) putchar(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
    printf("_W = %u;\n", f->msb - f->lsb + 1);
  }
}

// The bits that must be zero in each instruction or microinstruction.
static uint32_t reserved_word(const mx_field_info *fields, const char *op, unsigned word, uint32_t always) {
  uint32_t used = always;
  for (const mx_field_info *f = fields; f->op; f++)
    for (unsigned bit = f->lsb; !strcmp(f->op, op) && bit <= f->msb; bit++)
      if (bit / 32 == word) used |= 1u << (bit % 32);
  return ~used;
}

static void print_pkg(void) {
  puts("// Generated by golden/gen.c from golden/isa.def, ucode.def and csr.def.\npackage mx_pkg;");
  for (const mx_op_info *o = mx_ops; o->name; o++) {
    printf("  localparam logic [4:0] OP_%s = 5'h%02x;\n", o->name, o->code);
    printf("  localparam logic [127:0] RESERVED_%s = 128'h%08x_%08x_%08x_%08x;\n", o->name,
           reserved_word(mx_fields, o->name, 3, 0), reserved_word(mx_fields, o->name, 2, 0),
           reserved_word(mx_fields, o->name, 1, 0), reserved_word(mx_fields, o->name, 0, 0xff));
  }
  print_field_params("", mx_fields);
  for (const mx_uop_info *o = mx_uops; o->name; o++) {
    printf("  localparam logic [4:0] UOP_%s = 5'h%02x;\n", o->name, o->code);
    printf("  localparam logic [31:0] URESERVED_%s = 32'h%08x;\n", o->name,
           reserved_word(mx_ufields, o->form, 0, 0xf8000000u));
  }
  print_field_params("U_", mx_ufields);
  for (const csr_info *c = csrs; c->name; c++) printf("  localparam logic [11:0] CSR_%s = 12'h%03x;\n", c->name, c->offset);
  for (const csr_info *c = csrs; c->name; c++) printf("  localparam logic [31:0] CSR_%s_RESET = 32'h%08x;\n", c->name, c->reset);
  for (const mx_field_info *f = csr_fields; f->op; f++)
    printf("  localparam int unsigned CSR_%s_%s_BIT = %u;\n", f->op, f->name, f->lsb);
  for (const named_code *f = faults; f->name; f++) printf("  localparam logic [3:0] FAULT_%s = 4'd%u;\n", f->name, f->code);
  puts("endpackage");
}

static unsigned find_set(const char *name) {
  for (unsigned s = 0; sets[s].name; s++)
    if (!strcmp(sets[s].name, name)) return s;
  fprintf(stderr, "gen: no parameter set '%s'\n", name);
  exit(1);
}

static void print_cfg(const char *set, char **def_paths) {
  unsigned s = find_set(set);
  printf("// Generated by golden/gen.c from golden/params.def: set %s.\npackage mx_cfg;\n", set);
  printf("  localparam logic [31:0] BUILD_ID = 32'h%08" PRIx32 ";\n", build_id(s, def_paths));
  for (const param_info *p = params; p->name; p++)
    printf("  localparam int unsigned %s = %" PRIu32 ";\n", p->name, p->value[s]);
  puts("endpackage");
}

static void print_field_rows(const mx_field_info *fields, const char *op) {
  for (const mx_field_info *f = fields; f->op; f++)
    if (!strcmp(f->op, op)) printf("| | `%s` | %u:%u | %s |\n", f->name, f->msb, f->lsb, f->text);
}

static void print_isa(void) {
  puts("<!-- Generated by golden/gen.c. -->\n# Instructions\n\n| instruction | field | bits | meaning |\n|---|---|---|---|");
  for (const mx_op_info *o = mx_ops; o->name; o++) {
    printf("| `%s` | code | 0x%02x | %s |\n", o->name, o->code, o->text);
    print_field_rows(mx_fields, o->name);
  }
  puts("\n# Microinstructions\n\n| microinstruction | form | code | meaning |\n|---|---|---|---|");
  for (const mx_uop_info *o = mx_uops; o->name; o++)
    printf("| `%s` | %s | 0x%02x | %s |\n", o->name, o->form, o->code, o->text);
  puts("\n| form | field | bits | meaning |\n|---|---|---|---|");
  for (const mx_field_info *f = mx_ufields; f->op; f++)
    printf("| %s | `%s` | %u:%u | %s |\n", f->op, f->name, f->msb, f->lsb, f->text);
}

static void print_csr(void) {
  puts("<!-- Generated by golden/gen.c. -->\n# Registers\n\n| offset | register | access | reset | meaning |\n|---|---|---|---|---|");
  for (const csr_info *c = csrs; c->name; c++) {
    printf("| 0x%03x | `%s` | %s | 0x%08" PRIx32 " | %s |\n", c->offset, c->name, c->access, c->reset, c->text);
    for (const mx_field_info *f = csr_fields; f->op; f++)
      if (!strcmp(f->op, c->name)) printf("| | `%s` | %u:%u | | %s |\n", f->name, f->msb, f->lsb, f->text);
  }
  puts("\n# Faults\n\n| code | name | meaning |\n|---|---|---|");
  for (const named_code *f = faults; f->name; f++) printf("| %u | `%s` | %s |\n", f->code, f->name, f->text);
}

static void print_params(void) {
  puts("<!-- Generated by golden/gen.c. -->\n# Parameter sets\n");
  for (const named_code *s = sets; s->name; s++) printf("- **%s**: %s\n", s->name, s->text);
  fputs("\n| parameter |", stdout);
  for (const named_code *s = sets; s->name; s++) printf(" %s |", s->name);
  fputs(" meaning |\n|---|---|", stdout);
  for (int s = 0; s < SETS; s++) fputs("---|", stdout);
  for (const param_info *p = params; p->name; p++) {
    printf("\n| `%s` |", p->name);
    for (int s = 0; s < SETS; s++) printf(" %" PRIu32 " |", p->value[s]);
    printf(" %s |", p->text);
  }
  puts("");
}

int main(int argc, char **argv) {
  check_isa();
  check_csrs();
  check_params();
  if (bad) return 1;
  const char *what = argc > 1 ? argv[1] : "";
  if (!strcmp(what, "check")) return 0;
  if (!strcmp(what, "build-id")) print_build_id(argv + 2);
  else if (!strcmp(what, "pkg")) print_pkg();
  else if (!strcmp(what, "cfg") && argc > 2) print_cfg(argv[2], argv + 3);
  else if (!strcmp(what, "isa")) print_isa();
  else if (!strcmp(what, "csr")) print_csr();
  else if (!strcmp(what, "params")) print_params();
  else {
    fprintf(stderr, "usage: gen check | build-id DEF... | pkg | cfg SET DEF... | isa | csr | params\n");
    return 2;
  }
  return 0;
}
