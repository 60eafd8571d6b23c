#ifndef MX_TOKENIZER_FORMAT_H
#define MX_TOKENIZER_FORMAT_H
// A tokenizer in bytes, as program images and quantized models carry it: written and
// read by compiler/import/tokenizer_serial.c, used in place by firmware/mx_text.c.
// Freestanding.
//
// Little-endian words, everything at a multiple of 4 from the beginning:
//   words of MX_TOKENS_...: magic to longest
//   u32 place[vocab_size]   where the piece of this id begins, in bytes
//   u32 sorted[n_sorted]    ids of the distinct texts that are not empty, by their bytes as
//                           unsigned numbers, a shorter one before what it begins; of
//                           equal texts the last id
//   u32 user[n_user]        ids of the pieces MX_PIECE_USER with a text, longest first, then
//                           by id
//   pieces in the order of their ids: u32 type, f32 score, u32 length_bytes, text, zeros to
//                           a multiple of 4
enum {
  MX_TOKENS_MAGIC_AT = 0,    // "MXTK"
  MX_TOKENS_VERSION_AT = 4,
  MX_TOKENS_VOCAB_AT = 8,    // vocab_size, >= 1
  MX_TOKENS_BOS_AT = 12,     // ids; -1: none
  MX_TOKENS_EOS_AT = 16,
  MX_TOKENS_UNK_AT = 20,
  MX_TOKENS_FLAGS_AT = 24,   // bit 0: a space is put in front of texts
  MX_TOKENS_SORTED_AT = 28,  // n_sorted
  MX_TOKENS_USER_AT = 32,    // n_user
  MX_TOKENS_LONGEST_AT = 36, // bytes of the longest text
  MX_TOKENS_HEADER_BYTES = 40,
  MX_TOKENS_VERSION = 2,
};
enum { MX_TOKEN_TYPE_AT = 0, MX_TOKEN_SCORE_AT = 4, MX_TOKEN_LENGTH_AT = 8, MX_TOKEN_TEXT_AT = 12 };

// Numbered as tokenizer.ggml.token_type in GGUF.
typedef enum {
  MX_PIECE_NORMAL = 1,
  MX_PIECE_UNKNOWN,
  MX_PIECE_CONTROL,
  MX_PIECE_USER,
  MX_PIECE_UNUSED,
  MX_PIECE_BYTE,  // text "<0xXX>"
} mx_piece_type;
#endif
