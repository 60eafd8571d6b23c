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

const mx_op_info *mx_op_find(unsigned code) {
  for (const mx_op_info *op = mx_ops; op->name; op++)
    if (op->code == code) return op;
  return NULL;
}

const mx_uop_info *mx_uop_find(unsigned code) {
  for (const mx_uop_info *op = mx_uops; op->name; op++)
    if (op->code == code) return op;
  return NULL;
}

static void clear_bits(uint32_t *words, unsigned msb, unsigned lsb) {
  for (unsigned bit = lsb; bit <= msb; bit++) words[bit / 32] &= ~(1u << (bit % 32));
}

bool mx_reserved_bits_set(const mx_insn *in) {
  const mx_op_info *op = mx_op_find(in->word[0] & 0x1f);
  if (!op) return true;
  mx_insn rest = *in;
  clear_bits(rest.word, MX_WAIT_MSB, 0);
  for (const mx_field_info *f = mx_fields; f->op; f++)
    if (!strcmp(f->op, op->name)) clear_bits(rest.word, f->msb, f->lsb);
  return rest.word[0] | rest.word[1] | rest.word[2] | rest.word[3];
}

bool mx_ucode_reserved_bits_set(uint32_t word) {
  const mx_uop_info *op = mx_uop_find(word >> MX_UOP_LSB);
  if (!op) return true;
  uint32_t rest = word & ((1u << MX_UOP_LSB) - 1);
  for (const mx_field_info *f = mx_ufields; f->op; f++)
    if (!strcmp(f->op, op->form)) clear_bits(&rest, f->msb, f->lsb);
  return rest != 0;
}

const char *mx_fault_text(unsigned code) {
  switch (code) {
#define FAULT(name, code, text) case code: return text;
#include "golden/csr.def"
    default: return "unknown fault code";
  }
}
