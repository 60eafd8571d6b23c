#ifndef MX_ISA_H
#define MX_ISA_H
// Names for everything in the definition files, and field access. Wire layout
// is always built with shifts and masks from the .def files, never with C
// bit-fields.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "golden/bytes.h"

typedef enum { MX_UNIT_SEQ, MX_UNIT_STREAM, MX_UNIT_DOT, MX_UNIT_VEC, MX_UNIT_MOVE } mx_unit;
enum { MX_WAIT_DOT = 1, MX_WAIT_VEC = 2, MX_WAIT_MOVE = 4 };  // bits of `wait`
enum { MX_WAIT_LSB = 5, MX_WAIT_MSB = 7, MX_OP_MSB = 4 };
enum { MX_UOP_LSB = 27 };

enum {
#define OP(name, code, unit, text) MX_OP_##name = code,
#include "golden/isa.def"
#define UOP(name, code, form, text) MX_UOP_##name = code,
#include "golden/ucode.def"
#define CSR(name, offset, access, reset, text) MX_CSR_##name = offset,
#define FAULT(name, code, text) MX_FAULT_##name = code,
#include "golden/csr.def"
};
enum {
#define CSRFIELD(csr, name, msb, lsb, text) MX_##csr##_##name = 1 << (lsb),
#include "golden/csr.def"
};
// MX_F_op_field and MX_UF_form_field: msb * 256 + lsb, for mx_get and mx_put.
enum {
#define FIELD(op, name, msb, lsb, text) MX_F_##op##_##name = (msb) * 256 + (lsb),
#include "golden/isa.def"
#define UFIELD(form, name, msb, lsb, text) MX_UF_##form##_##name = (msb) * 256 + (lsb),
#include "golden/ucode.def"
};

enum { MX_BITS_4 = 0, MX_BITS_6 = 1, MX_BITS_8 = 2 };
enum { MX_LOAD_F32 = 0, MX_LOAD_BF16 = 1, MX_LOAD_E8M0 = 2, MX_LOAD_F16 = 3 };
enum { MX_FN_NONE = 0, MX_FN_EXP2 = 1, MX_FN_RECIP = 2, MX_FN_RSQRT = 3 };
enum { MX_RED_NONE = 0, MX_RED_SUM = 1, MX_RED_MAX = 2, MX_RED_ARGMAX = 3 };

enum { MX_INSTRUCTION_BYTES = 16, MX_AREGS = 16, MX_UREGS = 16, MX_ARGS = 4, MX_SUM_PARTIALS = 16 };

// One instruction: word 0 holds bits [31:0].
typedef struct { uint32_t word[4]; } mx_insn;

// The instruction in bytes [MX_INSTRUCTION_BYTES] of memory.
static inline mx_insn mx_insn_load(const uint8_t *b) {
  return (mx_insn){{mx_load_u32(b), mx_load_u32(b + 4), mx_load_u32(b + 8), mx_load_u32(b + 12)}};
}

static inline uint64_t mx_get(const mx_insn *in, unsigned field) {
  unsigned msb = field / 256, lsb = field % 256, shift = lsb % 32;
  uint64_t value = in->word[lsb / 32] >> shift;
  for (unsigned w = lsb / 32 + 1; w <= msb / 32; w++) value |= (uint64_t)in->word[w] << (32 * (w - lsb / 32) - shift);
  return value & (UINT64_MAX >> (63 - (msb - lsb)));
}

// Returns false if the value does not fit the field.
static inline bool mx_put(mx_insn *in, unsigned field, uint64_t value) {
  unsigned msb = field / 256, lsb = field % 256;
  if (msb - lsb < 63 && value >> (msb - lsb + 1)) return false;
  for (unsigned bit = lsb; bit <= msb; bit++) {
    uint32_t mask = 1u << (bit % 32);
    in->word[bit / 32] = (value >> (bit - lsb) & 1) ? in->word[bit / 32] | mask
                                                    : in->word[bit / 32] & ~mask;
  }
  return true;
}

static inline unsigned mx_uget(uint32_t word, unsigned field) {
  unsigned msb = field / 256, lsb = field % 256;
  return word >> lsb & ((2u << (msb - lsb)) - 1);
}

// Field and operation tables for assembler, disassembler and checks.
typedef struct { const char *name; unsigned code, unit; const char *text; } mx_op_info;
typedef struct { const char *op, *name; unsigned msb, lsb; const char *text; } mx_field_info;
extern const mx_op_info mx_ops[];        // ends with name NULL
extern const mx_field_info mx_fields[];  // ends with op NULL
typedef struct { const char *name; unsigned code; const char *form, *text; } mx_uop_info;
extern const mx_uop_info mx_uops[];
extern const mx_field_info mx_ufields[];

const mx_op_info *mx_op_find(unsigned code);    // NULL if there is none
const mx_uop_info *mx_uop_find(unsigned code);

// True if a bit outside `op`, `wait` and the fields of the operation is set.
bool mx_reserved_bits_set(const mx_insn *in);
bool mx_ucode_reserved_bits_set(uint32_t word);

// True if a microinstruction is a fault UCODE: that, an unknown code or a
// combination that golden/vec.h rules out.
bool mx_ucode_illegal(uint32_t word);

const char *mx_fault_text(unsigned code);  // a sentence; never NULL
#endif
