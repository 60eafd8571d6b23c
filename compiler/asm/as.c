// Assembler: one pass that places bytes, then the labels that were used before
// they stood.
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "compiler/asm/asm.h"

enum { MAX_LABELS = 256, MAX_FIXUPS = 1024, MAX_WORDS = 64, MAX_NAME = 32 };
enum { MAX_MEMORY_BYTES = 1 << 28 };  // of assembled text without a base

typedef enum { IN_NOTHING, IN_PROGRAM, IN_UCODE } section;
typedef struct { char name[MAX_NAME]; uint32_t value, base; section in; } label;
typedef struct { char name[MAX_NAME]; uint32_t addr, base; unsigned field; section in; uint32_t line; } fixup;

typedef struct {
  const char *path;
  mx_image *image;
  uint32_t capacity;         // of the image's memory
  section in;
  uint32_t at, base;         // next byte; first byte of the section
  uint32_t line;
  uint64_t offset_bytes;
  label labels[MAX_LABELS];
  fixup fixups[MAX_FIXUPS];
  uint32_t n_labels, n_fixups;
  mx_error *e;
} assembler;

#define BAD(a, ...) mx_fail((a)->e, MX_FORMAT, (mx_loc){(a)->path, (a)->offset_bytes}, __VA_ARGS__)

// A number of at most `width` bits, negative ones in two's complement.
static mx_status parse_number(assembler *a, const char *text, unsigned width, uint64_t *out) {
  bool negative = *text == '-';
  const char *digits = text + negative;
  bool hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
  char *end;
  errno = 0;
  uint64_t v = strtoull(digits, &end, hex ? 16 : 10);
  if (!isdigit((unsigned char)*digits) || *end)
    return BAD(a, "line %u: '%s' is no number, register or word that the field takes", a->line, text);
  if (errno || (negative ? v > 1ull << (width - 1) : width < 64 && v >> width))
    return BAD(a, "line %u: %s does not fit %u bits", a->line, text, width);
  *out = (negative ? 0 - v : v) & (UINT64_MAX >> (64 - width));
  return MX_OK;
}

static mx_status reserve(assembler *a, uint32_t end) {
  mx_image *m = a->image;
  if (end > MAX_MEMORY_BYTES) return BAD(a, "line %u: address 0x%x: at most 0x%x", a->line, end, MAX_MEMORY_BYTES);
  if (end > a->capacity) {
    uint32_t capacity = end + end / 2;
    uint8_t *grown = realloc(m->memory, capacity);
    if (!grown) return mx_fail(a->e, MX_LIMIT, MX_NOWHERE, "no memory for %u bytes", capacity);
    memset(grown + m->memory_bytes, 0, capacity - m->memory_bytes);
    m->memory = grown;
    a->capacity = capacity;
  }
  if (end > m->memory_bytes) m->memory_bytes = end;
  return MX_OK;
}

static mx_status put_word(assembler *a, uint32_t addr, uint32_t value) {
  mx_status s = addr > MAX_MEMORY_BYTES ? BAD(a, "line %u: address 0x%x is too large", a->line, addr) : reserve(a, addr + 4);
  if (!s) mx_store_u32(a->image->memory + addr, value);
  return s;
}

static uint32_t get_word(const assembler *a, uint32_t addr) {
  return mx_load_u32(a->image->memory + addr);
}

// ---- fields ---------------------------------------------------------------------

static const mx_field_info *find_field(const mx_field_info *fields, const char *op, const char *name) {
  for (const mx_field_info *f = fields; f->op; f++)
    if (!strcmp(f->op, op) && !strcmp(f->name, name)) return f;
  return NULL;
}

static bool is_label_field(const mx_field_info *f) {
  return (!strcmp(f->op, "LOOP") && !strcmp(f->name, "target")) || (!strcmp(f->op, "IMM") && !strcmp(f->name, "imm"));
}

static mx_status later(assembler *a, const char *name, const mx_field_info *f) {
  if (a->n_fixups == MAX_FIXUPS) return BAD(a, "line %u: more than %d uses of labels", a->line, MAX_FIXUPS);
  fixup *x = &a->fixups[a->n_fixups++];
  *x = (fixup){.addr = a->at, .base = a->base, .field = f->msb * 256 + f->lsb, .in = a->in, .line = a->line};
  snprintf(x->name, sizeof x->name, "%s", name);
  return MX_OK;
}

static mx_status field_number(assembler *a, const mx_field_info *f, const char *text, uint64_t *value) {
  *value = 0;
  if (mx_field_value(f, text, value)) return MX_OK;
  if (!strcmp(f->name, "build_id") && !strcmp(text, "device")) {
    *value = a->image->params->build_id;
    return MX_OK;
  }
  if (is_label_field(f) && (isalpha((unsigned char)*text) || *text == '_')) {
    *value = 0;
    return later(a, text, f);
  }
  return parse_number(a, text, f->msb - f->lsb + 1, value);
}

static mx_status parse_wait(assembler *a, const char *text, unsigned *wait) {
  for (*wait = 0; *text; text++) {
    unsigned bit = *text == 'd' ? MX_WAIT_DOT : *text == 'v' ? MX_WAIT_VEC : *text == 'm' ? MX_WAIT_MOVE : 0;
    if (!bit) return BAD(a, "line %u: wait=%s: expected letters of d, v, m", a->line, text);
    *wait |= bit;
  }
  return MX_OK;
}

// name=value into a 128-bit container; microinstructions use its lowest word.
static mx_status parse_field(assembler *a, const mx_field_info *fields, const char *op, char *text, mx_insn *in) {
  char *value = strchr(text, '=');
  if (!value) return BAD(a, "line %u: '%s': expected field=value", a->line, text);
  *value++ = 0;
  if (fields == mx_fields && !strcmp(text, "wait")) {
    unsigned wait;
    mx_status s = parse_wait(a, value, &wait);
    if (!s) in->word[0] |= wait << MX_WAIT_LSB;
    return s;
  }
  const mx_field_info *f = find_field(fields, op, text);
  if (!f) return BAD(a, "line %u: %s has no field '%s'", a->line, op, text);
  uint64_t number;
  mx_status s = field_number(a, f, value, &number);
  if (!s) mx_put(in, f->msb * 256 + f->lsb, number);
  return s;
}

// ---- lines ----------------------------------------------------------------------

static mx_status parse_fields(assembler *a, const mx_field_info *fields, const char *op, char **words, int n, mx_insn *in) {
  mx_status s = MX_OK;
  for (int i = 1; i < n && !s; i++) s = parse_field(a, fields, op, words[i], in);
  return s;
}

static mx_status place(assembler *a, const mx_insn *in, unsigned n_words) {
  mx_status s = MX_OK;
  for (unsigned i = 0; i < n_words && !s; i++, a->at += 4) s = put_word(a, a->at, in->word[i]);
  return s;
}

static mx_status assemble_insn(assembler *a, char **words, int n) {
  for (const mx_op_info *op = mx_ops; op->name; op++) {
    if (strcmp(op->name, words[0])) continue;
    mx_insn in = {{op->code}};
    mx_status s = parse_fields(a, mx_fields, op->name, words, n, &in);
    return s ? s : place(a, &in, 4);
  }
  return BAD(a, "line %u: no instruction '%s'", a->line, words[0]);
}

static mx_status assemble_uop(assembler *a, char **words, int n) {
  for (const mx_uop_info *op = mx_uops; op->name; op++) {
    if (strcmp(op->name, words[0])) continue;
    mx_insn in = {{op->code << MX_UOP_LSB}};
    mx_status s = parse_fields(a, mx_ufields, op->form, words, n, &in);
    return s ? s : place(a, &in, 1);
  }
  return BAD(a, "line %u: no microinstruction '%s'", a->line, words[0]);
}

static mx_status assemble_raw(assembler *a, char **words, int n) {
  mx_insn in = {0};
  int expected = a->in == IN_UCODE ? 1 : 4;
  if (n != expected + 1) return BAD(a, "line %u: .raw takes %d words here", a->line, expected);
  for (int i = 0; i < expected; i++) {
    uint64_t v;
    if (parse_number(a, words[i + 1], 32, &v)) return a->e->status;
    in.word[i] = (uint32_t)v;
  }
  return place(a, &in, (unsigned)expected);
}

static mx_status put_data(assembler *a, char **words, int n, bool floats) {
  uint64_t addr, value;
  mx_status s = n < 3 ? BAD(a, "line %u: %s ADDRESS VALUE...", a->line, words[0]) : parse_number(a, words[1], 32, &addr);
  for (int i = 2; i < n && !s; i++, addr += 4) {
    char *end = words[i];
    float x = floats ? strtof(words[i], &end) : 0;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (floats && *end) s = BAD(a, "line %u: '%s' is no number", a->line, words[i]);
    else if (!floats && !(s = parse_number(a, words[i], 32, &value))) bits = (uint32_t)value;
    if (!s) s = put_word(a, (uint32_t)(addr < MAX_MEMORY_BYTES ? addr : MAX_MEMORY_BYTES), bits);
  }
  return s;
}

static mx_status set_fact(assembler *a, const char *name, uint32_t value) {
#define FACT(fact, text) if (!strcmp(name, #fact)) { a->image->fact = value; return MX_OK; }
  MX_IMAGE_FACTS(FACT)
#undef FACT
  return BAD(a, "line %u: no fact '%s'", a->line, name);
}

static mx_status begin_section(assembler *a, section in, const char *addr) {
  uint64_t value;
  mx_status s = parse_number(a, addr, 32, &value);
  if (!s && (value > MAX_MEMORY_BYTES || value % 4)) return BAD(a, "line %u: address %s: expected a multiple of 4 up to 0x%x", a->line, addr, MAX_MEMORY_BYTES);
  a->in = in;
  a->at = a->base = (uint32_t)value;
  return s;
}

static mx_status begin_program(assembler *a, const char *name, const char *addr) {
  mx_status s = begin_section(a, IN_PROGRAM, addr);
  if (s) return s;
  if (!strcmp(name, "init")) a->image->init_entry = a->at;
  else if (!strcmp(name, "token")) a->image->token_entry = a->at;
  else if (!strcmp(name, "batch")) a->image->batch_entry = a->at;
  else return BAD(a, "line %u: .program %s: expected init, token or batch", a->line, name);
  return MX_OK;
}

static mx_status directive(assembler *a, char **words, int n) {
  uint64_t value;
  const char *d = words[0];
  if (!strcmp(d, ".raw") && a->in) return assemble_raw(a, words, n);
  if (!strcmp(d, ".word") || !strcmp(d, ".float")) return put_data(a, words, n, d[1] == 'f');
  if (!strcmp(d, ".program") && n == 3) return begin_program(a, words[1], words[2]);
  if (!strcmp(d, ".ucode") && n == 2) return begin_section(a, IN_UCODE, words[1]);
  if (!strcmp(d, ".fact") && n == 3) return parse_number(a, words[2], 32, &value) ? a->e->status : set_fact(a, words[1], (uint32_t)value);
  if (!strcmp(d, ".memory") && n == 2) return parse_number(a, words[1], 32, &value) ? a->e->status : set_fact(a, "mem_bytes", (uint32_t)value);
  if (!strcmp(d, ".set") && n == 2) {
    a->image->params = mx_params_find(words[1]);
    return a->image->params ? MX_OK : BAD(a, "line %u: no parameter set '%s'", a->line, words[1]);
  }
  return BAD(a, "line %u: '%s' with %d operands is no directive (or stands in no section)", a->line, d, n - 1);
}

static mx_status define_label(assembler *a, char *name) {
  name[strlen(name) - 1] = 0;
  for (uint32_t i = 0; i < a->n_labels; i++)
    if (!strcmp(a->labels[i].name, name)) return BAD(a, "line %u: label '%s' stands twice", a->line, name);
  if (a->n_labels == MAX_LABELS || !*name || strlen(name) >= MAX_NAME || !a->in)
    return BAD(a, "line %u: label '%s': outside a section, empty, too long, or one of more than %d", a->line, name, MAX_LABELS);
  label *l = &a->labels[a->n_labels++];
  snprintf(l->name, sizeof l->name, "%s", name);
  l->in = a->in;
  l->base = a->base;
  l->value = (a->at - a->base) / (a->in == IN_UCODE ? 4 : MX_INSTRUCTION_BYTES);
  return MX_OK;
}

static mx_status assemble_words(assembler *a, char **words, int n) {
  if (words[0][0] == '.') return directive(a, words, n);
  if (words[0][strlen(words[0]) - 1] == ':')
    return n == 1 ? define_label(a, words[0]) : BAD(a, "line %u: a label stands alone on its line", a->line);
  if (!a->image->params) return BAD(a, "line %u: .set NAME must come first", a->line);
  if (a->in == IN_PROGRAM) return assemble_insn(a, words, n);
  if (a->in == IN_UCODE) return assemble_uop(a, words, n);
  return BAD(a, "line %u: '%s' stands in no .program or .ucode", a->line, words[0]);
}

static mx_status assemble_line(assembler *a, char *text) {
  char *words[MAX_WORDS];
  int n = 0;
  text[strcspn(text, ";#")] = 0;
  for (char *w = strtok(text, " \t\r"); w; w = strtok(NULL, " \t\r")) {
    if (n == MAX_WORDS) return BAD(a, "line %u: more than %d words", a->line, MAX_WORDS);
    words[n++] = w;
  }
  return n ? assemble_words(a, words, n) : MX_OK;
}

static mx_status resolve(assembler *a, const fixup *x) {
  for (uint32_t i = 0; i < a->n_labels; i++) {
    const label *l = &a->labels[i];
    if (strcmp(l->name, x->name)) continue;
    if (l->in != x->in || l->base != x->base) return BAD(a, "line %u: label '%s' stands in another section", x->line, x->name);
    unsigned n = x->in == IN_UCODE ? 1 : 4;
    mx_insn in = {0};
    for (unsigned w = 0; w < n; w++) in.word[w] = get_word(a, x->addr + 4 * w);
    if (!mx_put(&in, x->field, l->value)) return BAD(a, "line %u: label '%s' is too far", x->line, x->name);
    for (unsigned w = 0; w < n; w++) put_word(a, x->addr + 4 * w, in.word[w]);
    return MX_OK;
  }
  return BAD(a, "line %u: no label '%s'", x->line, x->name);
}

static mx_status assemble_text(assembler *a, const char *text, size_t len) {
  char buffer[1024];
  mx_status s = MX_OK;
  for (size_t at = 0; at < len && !s;) {
    const char *newline = memchr(text + at, '\n', len - at);
    size_t n = newline ? (size_t)(newline - text) - at : len - at;
    a->line++;
    a->offset_bytes = at;
    if (n >= sizeof buffer) return BAD(a, "line %u: longer than %zu characters", a->line, sizeof buffer - 1);
    memcpy(buffer, text + at, n);
    buffer[n] = 0;
    if (memchr(buffer, 0, n)) return BAD(a, "line %u: a NUL byte", a->line);
    s = assemble_line(a, buffer);
    at += n + 1;
  }
  for (uint32_t i = 0; i < a->n_fixups && !s; i++) s = resolve(a, &a->fixups[i]);
  return s;
}

static void *duplicate(const void *data, size_t n) {
  void *copy = data ? malloc(n ? n : 1) : NULL;
  if (copy) memcpy(copy, data, n);
  return copy;
}

static mx_image *copy_image(const mx_image *base) {
  mx_image *m = calloc(1, sizeof *m);
  if (!m || !base) return m;
  *m = *base;
  m->memory = duplicate(base->memory, base->memory_bytes);
  m->tokenizer = duplicate(base->tokenizer, base->tokenizer_bytes);
  m->notes = duplicate(base->notes, base->n_notes * sizeof *base->notes);
  m->info = base->info ? strdup(base->info) : NULL;
  return m;
}

mx_status mx_as_text(const char *text, size_t len, const char *path, const mx_image *base, mx_image **out, mx_error *e) {
  assembler *a = calloc(1, sizeof *a);
  *out = copy_image(base);
  if (!a || !*out) {
    free(a);
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for the assembler");
  }
  a->path = path;
  a->image = *out;
  a->capacity = (*out)->memory_bytes;
  a->e = e;
  mx_status s = assemble_text(a, text, len);
  if (!s && !a->image->params) s = BAD(a, ".set NAME is missing");
  if (!s && !a->image->mem_bytes) a->image->mem_bytes = (a->image->memory_bytes + 4095) / 4096 * 4096;
  free(a);
  if (!s) return MX_OK;
  mx_image_free(*out);
  *out = NULL;
  return s;
}
