#ifndef MX_ASM_H
#define MX_ASM_H
// Assembly text of programs and microcode.
//
//   .set sim                  parameter set (needed unless assembling into an image)
//   .memory 65536             bytes of device memory
//   .fact vocab_size 1000     a fact of the image (golden/image.h)
//   .program init 0x0         instructions follow, from this address; init, token or batch
//   .ucode 0x140              microinstructions follow
//   .word 0x200 1 2 3         32-bit words at an address
//   .float 0x240 0.5 -1       FP32 words at an address
//   name:                     label, for target= of LOOP and imm= of LOOPU in its section
//   IDENT build_id=device     `device`: the parameter set's build id
//   MATMUL wait=dv bits=mxint4 scale=e8m0 n=A6 groups=12 ...
//   MUL dst=U2 a=U0 b=U11 n=U3 bcast=1 fn=rsqrt red=sum
//   .raw 0x1f 0 0 0           bits of an instruction; one word in .ucode
//
// Fields not named are 0. Registers are A0..A15 and U0..U15, numbers decimal,
// 0x or negative. `wait` names d (dot), v (vec), m (move). ';' and '#' begin a
// comment. What the disassembler prints assembles to the same bits.
#include <stdio.h>

#include "golden/image.h"
#include "golden/isa.h"

enum { MX_ASM_TEXT_BYTES = 256 };  // room for one disassembled line

// One instruction or microinstruction without a newline. An unknown code is
// printed as ".raw" with its bits. `params` may be NULL (no `device`).
void mx_dis_insn(const mx_insn *in, const mx_params *params, char text[MX_ASM_TEXT_BYTES]);
void mx_dis_uop(uint32_t word, char text[MX_ASM_TEXT_BYTES]);

// Facts, the programs up to HALT, and the microcode that the init program loads.
mx_status mx_dis_image(const mx_image *image, FILE *to, mx_error *e);

// Assembles text [len]; `path` names it in errors. With `base` the result is a
// copy of base in which the assembled bytes replace what was there. The caller
// frees *out.
mx_status mx_as_text(const char *text, size_t len, const char *path, const mx_image *base, mx_image **out, mx_error *e);

// ---- shared by the two directions ------------------------------------------------

// The word for a field's value ("mxint4", "exp2", "A3"), or NULL: a number.
const char *mx_field_word(const mx_field_info *f, uint64_t value, char buffer[8]);
// The value that a word stands for; false if it is none of the field's words.
bool mx_field_value(const mx_field_info *f, const char *word, uint64_t *value);
#endif
