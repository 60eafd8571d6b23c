#include "compiler/quant/transfer.h"

#include <string.h>
#include <zlib.h>

enum { CHUNK = 4096 };  // bytes converted at a time

// ---- files ---------------------------------------------------------------------

mx_status mx_transfer_create(mx_transfer *t, const char *path, const char magic[4], mx_error *e) {
  *t = (mx_transfer){.writing = true, .e = e};
  uint8_t head[MX_WRITER_HEAD_BYTES] = {0};
  memcpy(head, magic, 4);
  mx_status s = mx_writer_open(path, &t->out, e);
  return s ? s : mx_writer_put(t->out, head, sizeof head, e);
}

mx_status mx_transfer_finish(mx_transfer *t, mx_status s) {
  if (!s) return mx_writer_commit(t->out, t->e);
  mx_writer_abort(t->out);
  return s;
}

static mx_status check_header(const mx_file *f, const char *path, const char magic[4], const char *what, mx_error *e) {
  if (f->size_bytes < MX_WRITER_HEAD_BYTES || memcmp(f->data, magic, 4))
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
  mx_status s = mx_file_map(path, &t->file, e);
  if (!s) s = check_header(&t->file, path, magic, what, e);
  t->in = (mx_bytes){t->file.data, t->file.size_bytes, MX_WRITER_HEAD_BYTES, path};
  return s;
}

void mx_transfer_close(mx_transfer *t) { mx_file_unmap(&t->file); }

mx_status mx_transfer_at_end(mx_transfer *t, const char *last) {
  if (!mx_bytes_left(&t->in)) return MX_OK;
  return mx_fail(t->e, MX_FORMAT, mx_bytes_loc(&t->in), "%zu bytes after %s", mx_bytes_left(&t->in), last);
}

// ---- data ----------------------------------------------------------------------

mx_status mx_move_bytes(mx_transfer *t, void *v, size_t n, const char *what) {
  if (!n) return MX_OK;
  if (t->writing) return mx_writer_put(t->out, v, n, t->e);
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
