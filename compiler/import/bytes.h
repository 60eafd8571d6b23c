#ifndef MX_BYTES_H
#define MX_BYTES_H
// Bounded little-endian reading of input bytes. Nothing here trusts the input:
// a read past the end is an error with the offset, never an access.
#include <stdbool.h>
#include <stddef.h>  // size_t
#include <stdint.h>
#include <string.h>  // memcpy

#include "golden/bytes.h"
#include "golden/error.h"

// A whole file, mapped read-only.
typedef struct {
  const uint8_t *data;  // NULL when the file is empty
  size_t size_bytes;
  int64_t changed_ns;   // when the file was last written, since 1970
} mx_file;

// Maps the file at `path`. The caller unmaps it with mx_file_unmap. Fails with
// MX_IO when the system refuses or `path` is not a regular file. A file that
// another process shortens while it is mapped raises SIGBUS at the access.
mx_status mx_file_map(const char *path, mx_file *out, mx_error *e);
void mx_file_unmap(mx_file *f);

// The process needs no memory for these bytes of a mapped file until it looks at
// them again.
void mx_file_forget(const mx_file *f, size_t at, size_t size);

// True if the file can be read and begins with these 4 bytes.
bool mx_file_begins(const char *path, const char magic[4]);

// A reading position in borrowed bytes.
typedef struct {
  const uint8_t *data;
  size_t size_bytes;
  size_t at;         // next byte, <= size_bytes
  const char *path;  // names the input in errors
} mx_bytes;

static inline mx_loc mx_bytes_loc(const mx_bytes *b) {
  return (mx_loc){b->path, b->at};
}

static inline size_t mx_bytes_left(const mx_bytes *b) {
  return b->size_bytes - b->at;
}

// Steps over `n` bytes and sets *out to the first of them; `what` names them in
// the MX_FORMAT error given when fewer are left.
mx_status mx_bytes_take(mx_bytes *b, uint64_t n, const char *what, const uint8_t **out,
                        mx_error *e);
mx_status mx_bytes_u32(mx_bytes *b, const char *what, uint32_t *out, mx_error *e);
mx_status mx_bytes_u64(mx_bytes *b, const char *what, uint64_t *out, mx_error *e);
mx_status mx_bytes_f32(mx_bytes *b, const char *what, float *out, mx_error *e);

static inline float mx_float_of_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}
#endif
