#ifndef TEST_TOY_IMAGE_H
#define TEST_TOY_IMAGE_H
// A program image made by hand that works like a language model: the token
// after t is always (3 t + 1) mod 8, chosen by loading a row, quantizing it,
// multiplying it with a unit matrix and taking the argmax. It uses every
// instruction that writes: UCODE, LOAD, VEC, MATMUL, STORE, PUTROW, PUTCOL,
// PUTEXP. Failure to build it ends the test program.
#include "golden/image.h"
#include "golden/isa.h"

enum {
  TOY_VOCAB = 8, TOY_CONTEXT = 12, TOY_BOS = 1, TOY_EOS = 6,
  TOY_INIT = 0x000, TOY_TOKEN = 0x100, TOY_RESULT = 0x2000, TOY_LOGITS = 0x2040, TOY_MEMORY = 0x4000,
  TOY_FREE = 0x3f00,  // memory that no program touches
};

// For any parameter set, with notes and a tokenizer of the pieces <unk>, <s>,
// " ", a, b, c, </s>, d. The caller frees it.
mx_image *toy_image(const char *set);

static inline uint32_t toy_next(uint32_t token) { return (3 * token + 1) % TOY_VOCAB; }

// Instructions one after another into the memory of an image.
typedef struct { mx_image *image; uint32_t addr; } toy_writer;

typedef struct { unsigned field; uint64_t value; } toy_field;

// Append operation `op` with `waits` and fields, up to a field 0.
void toy_insn(toy_writer *w, unsigned op, unsigned waits, const toy_field *fields);
#define TOY_INSN(w, op, waits, ...) toy_insn(w, MX_OP_##op, waits, (const toy_field[]){__VA_ARGS__, {0, 0}})

// IDENT for the image's parameter set.
void toy_ident(toy_writer *w);
#endif
