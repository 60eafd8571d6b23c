#ifndef MX_TEXT_H
#define MX_TEXT_H
// A tokenizer used in place: the bytes of golden/tokenizer_format.h, in flash or
// memory. Its tokens and texts are those of compiler/import/tokenizer.h to the bit. No
// heap, no floating point; the caller lends memory for encoding.
//
// Encoding takes time O(len * len): it is for prompts, not for books.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "golden/tokenizer_format.h"

typedef enum {
  MX_TEXT_OK = 0,
  MX_TEXT_BAD,        // not a tokenizer of this version, or its parts do not fit
  MX_TEXT_TOO_LONG,   // the lent memory does not suffice for the text
  MX_TEXT_TOO_MANY,   // more tokens than there is room for
  MX_TEXT_BYTE,       // the text has a byte that the vocabulary cannot express
  MX_TEXT_NO_BOS,     // the vocabulary has no token of beginning
} mx_text_status;

// A sentence; never NULL.
const char *mx_text_sentence(mx_text_status s);

typedef struct {
  const uint8_t *section;  // at a multiple of 4
  uint32_t vocab_size, n_sorted, n_user, longest;
  int32_t bos, eos, unk;   // -1: none
  bool add_space_prefix;
} mx_text;

// Use section[bytes], which must outlive *t. Every table and every piece is checked to lie
// inside, so that no later call can leave the section, whatever it holds.
mx_text_status mx_text_open(mx_text *t, const uint8_t *section, uint32_t bytes);

// Bytes that encoding a text of len bytes needs.
uint32_t mx_text_work_bytes(const mx_text *t, uint32_t len);

// Encode text[len] into ids [capacity], *count of them, after BOS when `bos` is set. An
// empty text gives no tokens. work [work_bytes], at a multiple of 4, is overwritten.
mx_text_status mx_text_encode(const mx_text *t, const uint8_t *text, uint32_t len, bool bos, uint32_t *ids,
                              uint32_t capacity, uint32_t *count, void *work, uint32_t work_bytes);

// Give `put` the bytes that token `id` stands for after token `prev` (-1: none). Nothing
// for control and unknown tokens, and for ids outside the vocabulary.
void mx_text_decode(const mx_text *t, int32_t prev, int32_t id, void (*put)(void *self, uint8_t byte), void *self);
#endif
