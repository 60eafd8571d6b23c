#ifndef MX_QUANT_TRANSFER_H
#define MX_QUANT_TRANSFER_H
// Files of quantization: one walk over the data either reads or writes them, so
// that the two can not disagree. All begin with 16 bytes: magic, u32 CRC-32 of
// everything from byte 8, u64 size of the file; little endian. A file is written
// beside its place as it comes, with no copy in memory, and then renamed.
#include <stdbool.h>
#include <stdio.h>

#include "compiler/import/bytes.h"
#include "golden/error.h"
#include "golden/writer.h"

typedef struct {
  bool writing;
  mx_bytes in;         // reading
  mx_file file;        // it is mapped from here
  mx_writer *out;      // writing
  mx_error *e;
} mx_transfer;

// Begins to write `path`. mx_transfer_finish takes the status so far: MX_OK gives
// the file its name, otherwise what was written is removed.
mx_status mx_transfer_create(mx_transfer *t, const char *path, const char magic[4], mx_error *e);
mx_status mx_transfer_finish(mx_transfer *t, mx_status s);

// Maps `path` and checks its header; `what` names the kind of file in the error.
// The caller ends with mx_transfer_close, after an error too.
mx_status mx_transfer_open(mx_transfer *t, const char *path, const char magic[4], const char *what, mx_error *e);
void mx_transfer_close(mx_transfer *t);

// MX_FORMAT if the file goes on after what was read.
mx_status mx_transfer_at_end(mx_transfer *t, const char *last);

// Reading fills v, writing leaves it; `what` names it in errors.
mx_status mx_move_bytes(mx_transfer *t, void *v, size_t n, const char *what);
mx_status mx_move_u32(mx_transfer *t, uint32_t *v, const char *what);
mx_status mx_move_u64(mx_transfer *t, uint64_t *v, const char *what);
mx_status mx_move_u16s(mx_transfer *t, uint16_t *v, size_t n, const char *what);
mx_status mx_move_f32s(mx_transfer *t, float *v, size_t n, const char *what);

// Reading: MX_FORMAT unless the file has that many bytes left; to be asked before
// memory is allocated for them.
mx_status mx_transfer_room(mx_transfer *t, uint64_t bytes, const char *what);
#endif
