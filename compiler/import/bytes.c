#define _DEFAULT_SOURCE  // madvise
#include "compiler/import/bytes.h"

#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static mx_status map_descriptor(int fd, const char *path, mx_file *out, mx_error *e) {
  mx_loc at = {path, 0};
  struct stat st;
  if (fstat(fd, &st)) return mx_fail(e, MX_IO, at, "cannot stat: %s", strerror(errno));
  if (!S_ISREG(st.st_mode)) return mx_fail(e, MX_IO, at, "not a regular file");
  if (st.st_size == 0) return MX_OK;
  if ((uint64_t)st.st_size > SIZE_MAX)
    return mx_fail(e, MX_LIMIT, at, "the file is larger than the address space");
  void *p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) return mx_fail(e, MX_IO, at, "cannot map: %s", strerror(errno));
  int64_t changed_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
  *out = (mx_file){p, (size_t)st.st_size, changed_ns};
  return MX_OK;
}

mx_status mx_file_map(const char *path, mx_file *out, mx_error *e) {
  *out = (mx_file){0};
  int fd = open(path, O_RDONLY);
  if (fd < 0) return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot open: %s", strerror(errno));
  mx_status s = map_descriptor(fd, path, out, e);
  close(fd);
  return s;
}

void mx_file_unmap(mx_file *f) {
  if (f->data) munmap((void *)(uintptr_t)f->data, f->size_bytes);
  *f = (mx_file){0};
}

void mx_file_forget(const mx_file *f, size_t at, size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), from = at / page * page;
  if (size) madvise((void *)(uintptr_t)(f->data + from), size + (at - from), MADV_DONTNEED);
}

mx_status mx_bytes_take(mx_bytes *b, uint64_t n, const char *what, const uint8_t **out,
                        mx_error *e) {
  if (n > mx_bytes_left(b))
    return mx_fail(e, MX_FORMAT, mx_bytes_loc(b),
                   "%s needs %" PRIu64 " bytes; %zu are left in the file", what, n,
                   mx_bytes_left(b));
  *out = b->data + b->at;
  b->at += (size_t)n;
  return MX_OK;
}

mx_status mx_bytes_u32(mx_bytes *b, const char *what, uint32_t *out, mx_error *e) {
  const uint8_t *p = NULL;
  mx_status s = mx_bytes_take(b, 4, what, &p, e);
  if (!s) *out = mx_load_u32(p);
  return s;
}

mx_status mx_bytes_u64(mx_bytes *b, const char *what, uint64_t *out, mx_error *e) {
  const uint8_t *p = NULL;
  mx_status s = mx_bytes_take(b, 8, what, &p, e);
  if (!s) *out = mx_load_u64(p);
  return s;
}

mx_status mx_bytes_f32(mx_bytes *b, const char *what, float *out, mx_error *e) {
  uint32_t bits = 0;
  mx_status s = mx_bytes_u32(b, what, &bits, e);
  if (!s) *out = mx_float_of_bits(bits);
  return s;
}

bool mx_file_begins(const char *path, const char magic[4]) {
  char found[4];
  FILE *f = fopen(path, "rb");
  if (!f) return false;
  bool same = fread(found, 1, sizeof found, f) == sizeof found && !memcmp(found, magic, sizeof found);
  fclose(f);
  return same;
}
