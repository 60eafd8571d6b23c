#ifndef MX_TOKENIZER_H
#define MX_TOKENIZER_H
// SentencePiece BPE as Llama models use it: tokenizer.ggml.model = "llama" in
// GGUF, and llama2.c's tokenizer.bin.
//
// Encoding: the text gets one space in front (add_space_prefix), each space
// becomes U+2581 "▁", the text is cut into UTF-8 characters, and the adjacent
// pair whose concatenation is the piece of highest score is joined (leftmost
// among equals) until no pair forms a piece. A remaining character that is no
// piece gives one byte token "<0xXX>" per byte, or `unk` where there is none.
// Pieces of type MX_PIECE_USER are cut out of the text first, longest first.
// Text never gives control tokens: "<s>" in a text is three characters. Where
// the text is no valid UTF-8, a truncated character ends where the next begins
// (llama.cpp lets it take the following bytes). Decoding the tokens gives the
// text back, but for U+2581, which becomes a space, and unknown tokens.
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>

#include "golden/error.h"
#include "golden/tokenizer_format.h"

typedef struct mx_tokenizer mx_tokenizer;

typedef struct {
  const char *text;       // UTF-8 with "▁" for a space; not NUL-terminated
  uint32_t length_bytes;  // of text
  float score;            // higher is joined first; not NaN
  mx_piece_type type;
} mx_piece;

typedef struct {
  uint32_t vocab_size;     // pieces, >= 1
  int32_t bos, eos, unk;   // token ids; -1: none
  bool add_space_prefix;
} mx_tokenizer_config;

// Copies `pieces` [vocab_size]. Of pieces with equal text the last is the one
// encoding gives. `at` locates the tokenizer in errors: MX_FORMAT for a NaN
// score, an unknown type or an id outside the vocabulary, MX_LIMIT without
// memory. The caller frees *out.
mx_status mx_tokenizer_new(const mx_piece *pieces, const mx_tokenizer_config *config, mx_loc at,
                           mx_tokenizer **out, mx_error *e);
void mx_tokenizer_free(mx_tokenizer *t);  // NULL is allowed

const mx_tokenizer_config *mx_tokenizer_get_config(const mx_tokenizer *t);
uint32_t mx_tokenizer_vocab_size(const mx_tokenizer *t);
int32_t mx_tokenizer_bos(const mx_tokenizer *t);  // -1: none
int32_t mx_tokenizer_eos(const mx_tokenizer *t);  // -1: none

// Piece `id`, 0 <= id < vocab_size. The text lives as long as the tokenizer.
mx_piece mx_tokenizer_piece(const mx_tokenizer *t, int32_t id);

// The id of the piece with exactly this text ("▁" for a space), or -1.
int32_t mx_tokenizer_find(const mx_tokenizer *t, const char *text, size_t length_bytes);

// No text of `len` bytes gives more tokens than this, BOS included.
size_t mx_tokenizer_max_tokens(size_t len);

// Encodes text [len] (any bytes, NUL included; an empty text gives no tokens)
// into ids [capacity], *count of them, after BOS when `bos` is set. Time
// O(len log len). MX_LIMIT: capacity too small (*count is then the number
// needed), or len over 256 MiB. MX_UNSUPPORTED: a byte that the vocabulary
// cannot express, or no BOS in it.
mx_status mx_tokenizer_encode(const mx_tokenizer *t, const char *text, size_t len, bool bos,
                              int32_t *ids, size_t capacity, size_t *count, mx_error *e);

// The bytes that token `id` stands for after token `prev` (-1: none): one byte
// for a byte token, none for control and unknown tokens, else the text with
// spaces, less its leading space when add_space_prefix is set and prev is BOS
// or -1. Writes up to `capacity` bytes to buf and the full number to *len,
// without a NUL. MX_USAGE: no such id. MX_LIMIT: *len > capacity, nothing is
// written.
mx_status mx_tokenizer_decode(const mx_tokenizer *t, int32_t prev, int32_t id, char *buf,
                              size_t capacity, size_t *len);

// Serial form (golden/tokenizer_format.h), for files that carry a tokenizer.
// Returns its size in bytes; writes to buf only if `capacity` suffices.
size_t mx_tokenizer_write(const mx_tokenizer *t, uint8_t *buf, size_t capacity);

// Reads the serial form, which fills data [size] exactly; `at` locates data[0].
// Errors as mx_tokenizer_new. The caller frees *out.
mx_status mx_tokenizer_read(const uint8_t *data, size_t size, mx_loc at, mx_tokenizer **out,
                            mx_error *e);
#endif
