// Words for the values of enumerated fields and registers.
#include <stdlib.h>

#include "compiler/asm/asm.h"

typedef struct { const char *op, *field, *words[4]; } field_words;

static const field_words table[] = {
    {"MATMUL", "bits", {"mxint4", "mxint6", "mxint8"}}, {"MATMUL", "scale", {"none", "e8m0", "f16"}},
    {"PUTROW", "bits", {"mxint4", NULL, "mxint8"}},     {"PUTCOL", "bits", {"mxint4", NULL, "mxint8"}},
    {"LOAD", "format", {"f32", "bf16", "e8m0", "f16"}}, {"QUANT", "bits", {"mxint4", "mxint6", "mxint8"}},
    {"VEC", "fn", {"none", "exp2", "recip", "rsqrt"}},  {"VEC", "red", {"none", "sum", "max", "argmax"}},
};
enum { N_TABLE = sizeof table / sizeof *table };

static const char *const *words_of(const mx_field_info *f) {
  for (int i = 0; i < N_TABLE; i++)
    if (!strcmp(table[i].op, f->op) && !strcmp(table[i].field, f->name)) return table[i].words;
  return NULL;
}

// 'A', 'U', or 0 for a field that holds no register.
static char register_letter(const mx_field_info *f) {
  if (!strncmp(f->text, "address register", 16)) return 'A';
  return !strncmp(f->text, "register", 8) ? 'U' : 0;
}

const char *mx_field_word(const mx_field_info *f, uint64_t value, char buffer[8]) {
  char letter = register_letter(f);
  if (letter) {
    snprintf(buffer, 8, "%c%u", letter, (unsigned)value & 15);
    return buffer;
  }
  const char *const *words = words_of(f);
  return words && value < 4 ? words[value] : NULL;
}

bool mx_field_value(const mx_field_info *f, const char *word, uint64_t *value) {
  char letter = register_letter(f);
  if (letter) {
    char *end;
    if (word[0] != letter || word[1] < '0' || word[1] > '9') return false;
    *value = strtoul(word + 1, &end, 10);
    return !*end && *value < 16;
  }
  const char *const *words = words_of(f);
  for (*value = 0; words && *value < 4; ++*value)
    if (words[*value] && !strcmp(words[*value], word)) return true;
  return false;
}
