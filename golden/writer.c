#include "golden/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>  // crc32

#include "golden/bytes.h"

enum { CRC_AT = 4, SIZE_AT = 8 };

struct mx_writer {
  FILE *file;
  char *path, *temporary;
  uint64_t bytes;
  uLong body_crc;  // of what follows the head
};

// A file of this name, with our process's number, is of a process that is gone.
static FILE *create(const char *path) {
  unlink(path);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
  if (fd >= 0 && !f) close(fd);
  return f;
}

static void free_writer(mx_writer *w) {
  if (w) {
    free(w->path);
    free(w->temporary);
  }
  free(w);
}

static mx_writer *new_writer(const char *path) {
  size_t length = strlen(path) + 32;
  mx_writer *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->path = strdup(path);
  w->temporary = malloc(length);
  if (w->path && w->temporary) {
    snprintf(w->temporary, length, "%s.%ld.tmp", path, (long)getpid());
    return w;
  }
  free_writer(w);
  return NULL;
}

mx_status mx_writer_open(const char *path, mx_writer **out, mx_error *e) {
  *out = NULL;
  mx_writer *w = new_writer(path);
  if (!w) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  w->body_crc = crc32(0, NULL, 0);
  w->file = create(w->temporary);
  if (!w->file) {
    mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot create %s: %s", w->temporary, strerror(errno));
    free_writer(w);
    return e->status;
  }
  *out = w;
  return MX_OK;
}

static mx_status cannot_write(const mx_writer *w, int why, mx_error *e) {
  return mx_fail(e, MX_IO, (mx_loc){w->path, w->bytes}, "cannot write: %s", strerror(why));
}

mx_status mx_writer_put(mx_writer *w, const void *data, size_t bytes, mx_error *e) {
  size_t head = w->bytes < MX_WRITER_HEAD_BYTES ? (size_t)(MX_WRITER_HEAD_BYTES - w->bytes) : 0;
  if (head > bytes) head = bytes;
  if (bytes && fwrite(data, 1, bytes, w->file) != bytes) return cannot_write(w, errno, e);
  if (bytes > head) w->body_crc = crc32_z(w->body_crc, (const uint8_t *)data + head, bytes - head);
  w->bytes += bytes;
  return MX_OK;
}

uint64_t mx_writer_size(const mx_writer *w) { return w->bytes; }

// Bytes 4 to 15 of the file.
static void make_head(const mx_writer *w, uint8_t h[MX_WRITER_HEAD_BYTES - CRC_AT]) {
  uint8_t *size = h + SIZE_AT - CRC_AT;
  mx_store_u64(size, w->bytes);
  uLong crc = crc32_combine(crc32(0, size, 8), w->body_crc, (z_off_t)(w->bytes - MX_WRITER_HEAD_BYTES));
  mx_store_u32(h, (uint32_t)crc);
}

static int write_head(mx_writer *w) {
  uint8_t h[MX_WRITER_HEAD_BYTES - CRC_AT];
  make_head(w, h);
  return fseeko(w->file, CRC_AT, SEEK_SET) || fwrite(h, 1, sizeof h, w->file) != sizeof h ? -1 : 0;
}

static mx_status finish(mx_writer *w, bool head, mx_error *e) {
  if (head && w->bytes < MX_WRITER_HEAD_BYTES)
    return mx_fail(e, MX_INTERNAL, (mx_loc){w->path, w->bytes}, "the file ends inside its head");
  int why = (head && write_head(w)) || fflush(w->file) || fsync(fileno(w->file)) ? errno : 0;
  if (fclose(w->file) && !why) why = errno;
  w->file = NULL;
  if (why) return cannot_write(w, why, e);
  if (rename(w->temporary, w->path))
    return mx_fail(e, MX_IO, (mx_loc){w->path, 0}, "cannot write: %s", strerror(errno));
  return MX_OK;
}

static mx_status commit(mx_writer *w, bool head, mx_error *e) {
  mx_status s = finish(w, head, e);
  if (s) {
    mx_writer_abort(w);
    return s;
  }
  free_writer(w);
  return MX_OK;
}

mx_status mx_writer_commit(mx_writer *w, mx_error *e) { return commit(w, true, e); }
mx_status mx_writer_commit_plain(mx_writer *w, mx_error *e) { return commit(w, false, e); }

void mx_writer_abort(mx_writer *w) {
  if (!w) return;
  if (w->file) fclose(w->file);
  unlink(w->temporary);
  free_writer(w);
}
