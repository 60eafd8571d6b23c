#ifndef MX_WRITER_H
#define MX_WRITER_H
// Files written in pieces, of any size, that are there whole or not at all.
//
// Every file of ours (.mxp, .mxq) begins, little endian, with
//   0  char[4]  what it is
//   4  u32      CRC-32 (zlib's) of all bytes from offset 8 to the end
//   8  u64      file size in bytes
// The writer fills in the last two when the file is complete.
#include <stddef.h>
#include <stdint.h>

#include "golden/error.h"

enum { MX_WRITER_HEAD_BYTES = 16 };

typedef struct mx_writer mx_writer;

// Begins PATH.PID.tmp beside `path`, which stays as it is until the commit.
// Every writer opened ends in a commit or an abort.
mx_status mx_writer_open(const char *path, mx_writer **out, mx_error *e);

// Appends; nothing of `data` is kept. Bytes 4 to 15 of the file may be anything.
// After a failure only mx_writer_abort is allowed.
mx_status mx_writer_put(mx_writer *w, const void *data, size_t bytes, mx_error *e);

// Bytes appended so far: where the next go.
uint64_t mx_writer_size(const mx_writer *w);

// Writes checksum and size into the head, brings all of it to the disk and
// renames the file to `path`; on failure it is removed. Frees w in either case.
mx_status mx_writer_commit(mx_writer *w, mx_error *e);

// The same for a file without such a head: its bytes are what was put.
mx_status mx_writer_commit_plain(mx_writer *w, mx_error *e);

// Removes the file and frees w; NULL is allowed.
void mx_writer_abort(mx_writer *w);
#endif
