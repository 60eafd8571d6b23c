#ifndef MX_IMAGE_H
#define MX_IMAGE_H
// The program image (.mxp): what a compiled model is, for every engine.
//
// File, little endian:
//   0   char[4]  "MXP1"
//   4   u32      CRC-32 (zlib's) of all bytes from offset 8 to the end
//   8   u64      file size in bytes
//   16  u32      build id of the device it was compiled for
//   20  char[12] name of the parameter set, zero padded
//   32  u32[16]  facts, in the order of MX_IMAGE_FACTS
//   96  u32      number of sections, then for each: u32 kind, u32 0, u64 offset, u64 bytes
// Sections may stand in any order; as written, each begins at a multiple of MX_IMAGE_ALIGN,
// for processors that use them in place.
#include <stddef.h>
#include <stdint.h>

#include "golden/error.h"
#include "golden/params.h"

enum {
  MX_IMAGE_CRC_AT = 4, MX_IMAGE_SIZE_AT = 8, MX_IMAGE_BUILD_AT = 16, MX_IMAGE_SET_AT = 20, MX_IMAGE_FACTS_AT = 32,
  MX_IMAGE_COUNT_AT = 96, MX_IMAGE_SECTIONS_AT = 100,
  MX_IMAGE_SECTION_BYTES = 24, MX_IMAGE_SECTION_OFFSET_AT = 8, MX_IMAGE_SECTION_SIZE_AT = 16, MX_IMAGE_ALIGN = 16,
};
enum {
  MX_IMAGE_SECTION_MEMORY = 1, MX_IMAGE_SECTION_TOKENIZER, MX_IMAGE_SECTION_NOTES, MX_IMAGE_SECTION_INFO, MX_IMAGE_SECTION_BASIS,
  MX_IMAGE_KINDS = MX_IMAGE_SECTION_BASIS,
};

// FACT(name, "meaning"); addresses are bytes relative to MEM_BASE.
#define MX_IMAGE_FACTS(FACT) \
  FACT(mem_bytes, "memory the device needs; what the memory section does not hold starts as zeros") \
  FACT(init_entry, "program to run once after loading") \
  FACT(token_entry, "program to run per token: ARG1 = token, ARG2 = position") \
  FACT(result_addr, "after a token, and with a prefix from the start: u32, index of the greatest logit; see choice_rows") \
  FACT(logits_addr, "after a token, and with a prefix from the start: FP32 logits[vocab_size]") \
  FACT(vocab_size, "tokens") \
  FACT(context_length, "positions 0 .. context_length - 1 may be run, in order") \
  FACT(bos_id, "token that begins a text") \
  FACT(eos_id, "token that ends a text") \
  FACT(prefix_tokens, "tokens in the cache from the start; text goes on at this position, its BOS stands for the last of them") \
  FACT(batch_entry, "program to run for batch_tokens prompt tokens: ARG2 = position of the first, a multiple of batch_tokens; ARG3 = 1: with logits and choice after the last, 2: without") \
  FACT(batch_tokens, "tokens of a batch; 0: there is no such program") \
  FACT(batch_rows_addr, "where the batch's rows of the embedding are put before it runs, one after another") \
  FACT(embedding_addr, "with batch_tokens: row t is at embedding_addr + t * embedding_row_bytes") \
  FACT(embedding_row_bytes, "with batch_tokens") \
  FACT(choice_rows, "0: what result_addr holds is the choice. Else logits were made in tiles of so many, the last shorter, and result_addr holds a u32 for each: the index of the first greatest in the tile, NaN being below everything. The choice is the first greatest, by the same order, of the logits that these point to")

typedef struct { uint32_t addr; char text[60]; } mx_note;  // "layer 2 ffn_down"

typedef struct {
  const mx_params *params;
#define FACT(name, text) uint32_t name;
  MX_IMAGE_FACTS(FACT)
#undef FACT
  uint8_t *memory;          // [memory_bytes], initial contents from byte 0
  uint32_t memory_bytes;
  uint8_t *tokenizer;       // [tokenizer_bytes], as mx_tokenizer_write leaves it
  uint32_t tokenizer_bytes;
  mx_note *notes;           // [n_notes], ascending: from addr on, instructions belong to text
  uint32_t n_notes;
  uint8_t *basis;           // [basis_bytes] of the residual stream, as mxf compile leaves it; NULL: the model's own
  uint32_t basis_bytes;
  char *info;               // JSON text about model and formats; never NULL after reading
} mx_image;

// Read and check an image: magic, size, CRC, sections, facts within memory,
// parameter set and build id known to this build.
mx_status mx_image_read(const char *path, mx_image **out, mx_error *e);

// Write through a temporary file, renamed when complete (golden/writer.h).
mx_status mx_image_write(const char *path, const mx_image *image, mx_error *e);

// Frees the image and all it points to.
void mx_image_free(mx_image *image);

// What the instruction at addr belongs to; "" if nothing is known.
const char *mx_image_note(const mx_image *image, uint32_t addr);
#endif
