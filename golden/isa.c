#include "golden/isa.h"

const mx_op_info mx_ops[] = {
#define OP(name, code, unit, text) {#name, code, MX_UNIT_##unit, text},
#include "golden/isa.def"
    {0}};

const mx_field_info mx_fields[] = {
#define FIELD(op, name, msb, lsb, text) {#op, #name, msb, lsb, text},
#include "golden/isa.def"
    {0}};

const mx_uop_info mx_uops[] = {
#define UOP(name, code, form, text) {#name, code, #form, text},
#include "golden/ucode.def"
    {0}};

const mx_field_info mx_ufields[] = {
#define UFIELD(form, name, msb, lsb, text) {#form, #name, msb, lsb, text},
#include "golden/ucode.def"
    {0}};

// Filled before main, so that look-ups cost nothing and need no lock.
static const mx_op_info *op_of_code[32];
static const mx_uop_info *uop_of_code[32];
static mx_insn reserved[32];
static uint32_t ucode_reserved[32];

static void clear_bits(uint32_t *words, unsigned msb, unsigned lsb) {
  for (unsigned bit = lsb; bit <= msb; bit++) words[bit / 32] &= ~(1u << (bit % 32));
}

__attribute__((constructor)) static void fill_tables(void) {
  memset(reserved, 0xff, sizeof reserved);
  memset(ucode_reserved, 0xff, sizeof ucode_reserved);
  for (const mx_op_info *op = mx_ops; op->name; op++) {
    op_of_code[op->code & 31] = op;
    clear_bits(reserved[op->code & 31].word, MX_WAIT_MSB, 0);
    for (const mx_field_info *f = mx_fields; f->op; f++)
      if (!strcmp(f->op, op->name)) clear_bits(reserved[op->code & 31].word, f->msb, f->lsb);
  }
  for (const mx_uop_info *op = mx_uops; op->name; op++) {
    uop_of_code[op->code & 31] = op;
    clear_bits(&ucode_reserved[op->code & 31], 31, MX_UOP_LSB);
    for (const mx_field_info *f = mx_ufields; f->op; f++)
      if (!strcmp(f->op, op->form)) clear_bits(&ucode_reserved[op->code & 31], f->msb, f->lsb);
  }
}

const mx_op_info *mx_op_find(unsigned code) { return code < 32 ? op_of_code[code] : NULL; }
const mx_uop_info *mx_uop_find(unsigned code) { return code < 32 ? uop_of_code[code] : NULL; }

bool mx_reserved_bits_set(const mx_insn *in) {
  const mx_insn *r = &reserved[in->word[0] & 0x1f];
  uint32_t set = 0;
  for (int i = 0; i < 4; i++) set |= in->word[i] & r->word[i];
  return set || !op_of_code[in->word[0] & 0x1f];
}

bool mx_ucode_reserved_bits_set(uint32_t word) {
  unsigned code = word >> MX_UOP_LSB;
  return (word & ucode_reserved[code]) || !uop_of_code[code];
}

bool mx_ucode_illegal(uint32_t word) {
  if (mx_ucode_reserved_bits_set(word)) return true;  // or an unknown code
  switch (word >> MX_UOP_LSB) {
    case MX_UOP_QUANT: return mx_uget(word, MX_UF_QUANT_bits) > MX_BITS_8;
    case MX_UOP_LOOPU: return mx_uget(word, MX_UF_IMM_a) != 0;
    case MX_UOP_ADD:
    case MX_UOP_SUB: return mx_uget(word, MX_UF_VEC_red) == MX_RED_SUM;
    default: return false;
  }
}

static const struct { unsigned code; const char *text; } faults[] = {
#define FAULT(name, code, text) {code, text},
#include "golden/csr.def"
};

const char *mx_fault_text(unsigned code) {
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
    if (faults[i].code == code) return faults[i].text;
  return "unknown fault code";
}
