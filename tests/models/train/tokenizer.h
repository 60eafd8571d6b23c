// A byte-fallback BPE tokenizer in the form llama.cpp calls "llama" (SentencePiece):
// ids 0 <unk>, 1 <s>, 2 </s>, 3..258 the bytes <0x00>..<0xFF>, then pieces of text in which a
// space is written U+2581. Text is encoded by merging, again and again, the adjacent pair
// whose joined text is the piece with the highest score (the leftmost of equals).
#ifndef TRAIN_TOKENIZER_H
#define TRAIN_TOKENIZER_H

#include <stddef.h>
#include <stdint.h>

enum {
    TOKEN_UNKNOWN = 0,
    TOKEN_BOS = 1,
    TOKEN_EOS = 2,
    TOKEN_FIRST_BYTE = 3,
    TOKEN_FIRST_PIECE = 259,
};

// The token types of the GGUF array tokenizer.ggml.token_type.
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_CONTROL = 3, TYPE_BYTE = 6 };

#define SPACE_PIECE "\xe2\x96\x81" // U+2581 in UTF-8
enum { PIECE_LIMIT = 63 };         // bytes in a piece

struct piece {
    char text[PIECE_LIMIT + 1];
    size_t length; // bytes
    float score;
    int type;
};

struct tokenizer {
    struct piece *pieces; // [count], indexed by token id
    size_t count;
    uint32_t *slots; // hash table of piece ids + 1, 0 = empty
    size_t slot_mask;
};

// Allocates room for `capacity` pieces; pieces[0..TOKEN_FIRST_PIECE) are filled in.
// Returns 0, or -1 when out of memory.
int tokenizer_init(struct tokenizer *t, size_t capacity);
void tokenizer_free(struct tokenizer *t);

// Appends a NORMAL piece. Returns its id.
uint32_t tokenizer_add(struct tokenizer *t, const char *text, size_t length, float score);

// Returns the id of a NORMAL piece, or TOKEN_UNKNOWN.
uint32_t tokenizer_find(const struct tokenizer *t, const char *text, size_t length);

// The file has one line per piece from id 259: score, tab, text. Messages go to stderr.
// Return 0, or -1.
int tokenizer_save(const struct tokenizer *t, const char *path);
int tokenizer_load(struct tokenizer *t, const char *path);

// Encodes text[length] with a space put in front (add_space_prefix). No <s> is added.
// ids has room for tokenizer_bound(length). Returns the number of ids, or SIZE_MAX when out of
// memory.
size_t tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, uint32_t *ids);
static inline size_t tokenizer_bound(size_t length)
{
    return 3 * length + 3; // a space becomes 3 bytes, and each could become a byte token
}

// Writes the text of one token, spaces restored, to out[PIECE_LIMIT + 1]. Returns its length.
size_t tokenizer_decode(const struct tokenizer *t, uint32_t id, char *out);

#endif
