#include "compiler/quant/transfer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { CHUNK = 4096 };  // bytes converted at a time

// ---- files ---------------------------------------------------------------------

static mx_status cannot_write(mx_transfer *t) {
  return mx_fail(t->e, MX_IO, (mx_loc){t->path, 0}, "cannot write: %s", strerror(errno));
}

mx_status mx_transfer_create(mx_transfer *t, const char *path, mx_error *e) {
  *t = (mx_transfer){.writing = true, .e = e};
  const uint8_t header[MX_TRANSFER_HEADER_BYTES] = {0};
  int n = snprintf(t->temporary, sizeof t->temporary, "%s.%ld.part", path, (long)getpid());
  if (n < 0 || (size_t)n >= sizeof t->temporary) return mx_fail(e, MX_USAGE, MX_NOWHERE, "the path is too long");
  snprintf(t->path, sizeof t->path, "%s", path);
  t->out = fopen(t->temporary, "wb");
  if (!t->out) return mx_fail(e, MX_IO, (mx_loc){t->temporary, 0}, "cannot create: %s", strerror(errno));
  return fwrite(header, 1, sizeof header, t->out) == sizeof header ? MX_OK : cannot_write(t);
}

// The header, now that size and checksum are known.
static mx_status complete(mx_transfer *t, const char magic[4]) {
  uint8_t header[MX_TRANSFER_HEADER_BYTES];
  uint64_t size = t->used + sizeof header;
  memcpy(header, magic, 4);
  mx_store_u32(header + 8, (uint32_t)size);
  mx_store_u32(header + 12, (uint32_t)(size >> 32));
  mx_store_u32(header + 4, (uint32_t)crc32_combine(crc32(0, header + 8, 8), t->crc, (z_off_t)t->used));
  bool ok = !fseeko(t->out, 0, SEEK_SET) && fwrite(header, 1, sizeof header, t->out) == sizeof header;
  return ok ? MX_OK : cannot_write(t);
}

mx_status mx_transfer_finish(mx_transfer *t, const char magic[4], mx_status s) {
  if (!t->out) return s;
  if (!s) s = complete(t, magic);
  if (fclose(t->out) && !s) s = cannot_write(t);
  t->out = NULL;
  if (!s && rename(t->temporary, t->path)) s = cannot_write(t);
  if (s) remove(t->temporary);
  return s;
}

static mx_status check_header(const mx_file *f, const char *path, const char magic[4], const char *what, mx_error *e) {
  if (f->size_bytes < MX_TRANSFER_HEADER_BYTES || memcmp(f->data, magic, 4))
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 0}, "no %s: expected %.4s", what, magic);
  if (mx_load_u64(f->data + 8) != f->size_bytes)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 8}, "%zu bytes, expected %llu: truncated?", f->size_bytes,
                   (unsigned long long)mx_load_u64(f->data + 8));
  uint32_t crc = (uint32_t)crc32_z(0, f->data + 8, f->size_bytes - 8);
  if (crc != mx_load_u32(f->data + 4))
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 4}, "checksum 0x%08x, expected 0x%08x: the file is damaged", crc,
                   mx_load_u32(f->data + 4));
  return MX_OK;
}

mx_status mx_transfer_open(mx_transfer *t, const char *path, const char magic[4], const char *what, mx_error *e) {
  *t = (mx_transfer){.e = e};
  snprintf(t->path, sizeof t->path, "%s", path);
  mx_status s = mx_file_map(path, &t->file, e);
  if (!s) s = check_header(&t->file, path, magic, what, e);
  t->in = (mx_bytes){t->file.data, t->file.size_bytes, MX_TRANSFER_HEADER_BYTES, t->path};
  return s;
}

void mx_transfer_close(mx_transfer *t) { mx_file_unmap(&t->file); }

mx_status mx_transfer_at_end(mx_transfer *t, const char *last) {
  if (!mx_bytes_left(&t->in)) return MX_OK;
  return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%zu bytes after %s", mx_bytes_left(&t->in), last);
}

// ---- data ----------------------------------------------------------------------

static mx_status put(mx_transfer *t, const void *data, size_t n) {
  t->crc = (uint32_t)crc32_z(t->crc, data, n);
  t->used += n;
  return fwrite(data, 1, n, t->out) == n ? MX_OK : cannot_write(t);
}

mx_status mx_move_bytes(mx_transfer *t, void *v, size_t n, const char *what) {
  if (!n) return MX_OK;
  if (t->writing) return put(t, v, n);
  const uint8_t *from;
  mx_status s = mx_bytes_take(&t->in, n, what, &from, t->e);
  if (!s) memcpy(v, from, n);
  return s;
}

mx_status mx_move_u32(mx_transfer *t, uint32_t *v, const char *what) {
  uint8_t b[4];
  mx_store_u32(b, *v);
  mx_status s = mx_move_bytes(t, b, sizeof b, what);
  if (!s) *v = mx_load_u32(b);
  return s;
}

mx_status mx_move_u64(mx_transfer *t, uint64_t *v, const char *what) {
  uint32_t low = (uint32_t)*v, high = (uint32_t)(*v >> 32);
  mx_status s = mx_move_u32(t, &low, what);
  if (!s) s = mx_move_u32(t, &high, what);
  if (!s) *v = (uint64_t)high << 32 | low;
  return s;
}

mx_status mx_move_u16s(mx_transfer *t, uint16_t *v, size_t n, const char *what) {
  uint8_t b[CHUNK];
  mx_status s = MX_OK;
  for (size_t at = 0, size; at < n && !s; at += size) {
    size = n - at < CHUNK / 2 ? n - at : CHUNK / 2;
    for (size_t i = 0; i < size && t->writing; i++) {
      b[2 * i] = (uint8_t)v[at + i];
      b[2 * i + 1] = (uint8_t)(v[at + i] >> 8);
    }
    s = mx_move_bytes(t, b, 2 * size, what);
    for (size_t i = 0; i < size && !s && !t->writing; i++) v[at + i] = mx_load_u16(b + 2 * i);
  }
  return s;
}

mx_status mx_move_f32s(mx_transfer *t, float *v, size_t n, const char *what) {
  uint8_t b[CHUNK];
  mx_status s = MX_OK;
  for (size_t at = 0, size; at < n && !s; at += size) {
    size = n - at < CHUNK / 4 ? n - at : CHUNK / 4;
    for (size_t i = 0; i < size && t->writing; i++) {
      uint32_t bits;
      memcpy(&bits, &v[at + i], sizeof bits);
      mx_store_u32(b + 4 * i, bits);
    }
    s = mx_move_bytes(t, b, 4 * size, what);
    for (size_t i = 0; i < size && !s && !t->writing; i++) v[at + i] = mx_float_of_bits(mx_load_u32(b + 4 * i));
  }
  return s;
}

mx_status mx_transfer_room(mx_transfer *t, uint64_t bytes, const char *what) {
  if (t->writing || bytes <= mx_bytes_left(&t->in)) return MX_OK;
  return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%s needs %llu bytes, the file has %zu left", what,
                 (unsigned long long)bytes, mx_bytes_left(&t->in));
}
