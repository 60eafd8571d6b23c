// golden/writer: files written in pieces are there whole or not at all.
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "golden/writer.h"

enum { BYTES = 3000000 };

static char directory[32], path[64];
static uint8_t data[BYTES], now[BYTES + 1];
static mx_error e;

static void save(const char *text) {
  FILE *f = fopen(path, "wb");
  assert_non_null(f);
  assert_true(fputs(text, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

static size_t load(void) {
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(now, 1, sizeof now, f);
  fclose(f);
  return n;
}

static unsigned files(void) {
  DIR *d = opendir(directory);
  unsigned n = 0;
  assert_non_null(d);
  for (struct dirent *entry; (entry = readdir(d));) n += entry->d_name[0] != '.';
  closedir(d);
  return n;
}

static int setup(void **state) {
  (void)state;
  snprintf(directory, sizeof directory, "/tmp/test_writer.XXXXXX");
  if (!mkdtemp(directory)) return -1;
  snprintf(path, sizeof path, "%s/a", directory);
  for (uint32_t i = 0; i < BYTES; i++) data[i] = (uint8_t)(i * 2654435761u >> 13);
  e = (mx_error){0};
  return 0;
}

static int teardown(void **state) {
  (void)state;
  unlink(path);
  return rmdir(directory);  // fails if a test left more
}

static mx_writer *begin(void) {
  mx_writer *w;
  assert_int_equal(mx_writer_open(path, &w, &e), MX_OK);
  assert_non_null(w);
  return w;
}

static void put(mx_writer *w, size_t from, size_t to) {
  assert_int_equal(mx_writer_size(w), from);
  assert_int_equal(mx_writer_put(w, data + from, to - from, &e), MX_OK);
  assert_int_equal(mx_writer_size(w), to);
}

static uint64_t little_endian(const uint8_t *b, unsigned bytes) {
  uint64_t v = 0;
  while (bytes--) v = v << 8 | b[bytes];
  return v;
}

static void check_file(size_t bytes) {
  assert_int_equal(load(), bytes);
  assert_memory_equal(now, data, 4);
  assert_int_equal(little_endian(now + 4, 4), crc32(crc32(0, NULL, 0), now + 8, (uInt)bytes - 8));
  assert_int_equal(little_endian(now + 8, 8), bytes);
  assert_memory_equal(now + 16, data + 16, bytes - 16);
}

static void pieces_of_all_lengths(void **state) {
  (void)state;
  for (size_t piece = 1; piece <= BYTES; piece = piece < 40 ? piece + 1 : piece * 3) {
    size_t bytes = piece < 40 ? 16 + piece * 3 : BYTES;
    mx_writer *w = begin();
    for (size_t at = 0; at < bytes; at += piece) put(w, at, at + piece < bytes ? at + piece : bytes);
    put(w, bytes, bytes);
    assert_int_equal(mx_writer_commit(w, &e), MX_OK);
    check_file(bytes);
    assert_int_equal(files(), 1);
  }
}

static void head_alone(void **state) {
  (void)state;
  mx_writer *w = begin();
  put(w, 0, 16);
  assert_int_equal(mx_writer_commit(w, &e), MX_OK);
  check_file(16);
}

static void file_appears_with_commit(void **state) {
  (void)state;
  save("old");
  mx_writer *w = begin();
  put(w, 0, BYTES);
  assert_int_equal(load(), 3);
  assert_int_equal(files(), 2);
  assert_int_equal(mx_writer_commit(w, &e), MX_OK);
  check_file(BYTES);
  assert_int_equal(files(), 1);
}

static void old_file_is_left(void) {
  assert_int_equal(load(), 3);
  assert_memory_equal(now, "old", 3);
  assert_int_equal(files(), 1);
}

static void abort_leaves_nothing(void **state) {
  (void)state;
  mx_writer_abort(NULL);
  save("old");
  mx_writer *w = begin();
  put(w, 0, BYTES);
  mx_writer_abort(w);
  old_file_is_left();
}

// What a killed process of the same number left does not stand in the way.
static void stray_file_is_replaced(void **state) {
  (void)state;
  char stray[96];
  snprintf(stray, sizeof stray, "%s.%ld.tmp", path, (long)getpid());
  FILE *f = fopen(stray, "wb");
  assert_true(f && fputs("half", f) >= 0 && !fclose(f));
  mx_writer *w = begin();
  put(w, 0, 100);
  assert_int_equal(mx_writer_commit(w, &e), MX_OK);
  check_file(100);
  assert_int_equal(files(), 1);
}

static void short_file_is_refused(void **state) {
  (void)state;
  save("old");
  mx_writer *w = begin();
  put(w, 0, 15);
  assert_int_equal(mx_writer_commit(w, &e), MX_INTERNAL);
  old_file_is_left();
}

static void no_directory(void **state) {
  (void)state;
  char inside[96];
  mx_writer *w;
  snprintf(inside, sizeof inside, "%s/none/a", directory);
  assert_int_equal(mx_writer_open(inside, &w, &e), MX_IO);
  assert_null(w);
  assert_string_equal(e.path, inside);
  assert_non_null(strstr(e.text, "cannot create"));
}

static void directory_in_the_way(void **state) {
  (void)state;
  assert_int_equal(mkdir(path, 0700), 0);
  mx_writer *w = begin();
  put(w, 0, 100);
  assert_int_equal(mx_writer_commit(w, &e), MX_IO);
  assert_int_equal(files(), 1);
  assert_int_equal(rmdir(path), 0);
}

// A limit on the size of files stands for a full disk: the write fails at once,
// or, if it fits into the buffer, with the commit.
static void write_under_limit(size_t bytes) {
  struct rlimit before, limit = {.rlim_cur = 64, .rlim_max = RLIM_INFINITY};
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  limit.rlim_max = before.rlim_max;
  e = (mx_error){0};
  save("old");
  mx_writer *w = begin();
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  if (mx_writer_put(w, data, bytes, &e)) mx_writer_abort(w);
  else mx_writer_commit(w, &e);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  assert_int_equal(e.status, MX_IO);
  assert_non_null(strstr(e.text, "cannot write: File too large"));
  old_file_is_left();
}

static void full_disk(void **state) {
  (void)state;
  signal(SIGXFSZ, SIG_IGN);
  write_under_limit(100);
  write_under_limit(BYTES);
}

int main(void) {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(pieces_of_all_lengths), TEST(head_alone), TEST(file_appears_with_commit), TEST(abort_leaves_nothing), TEST(stray_file_is_replaced),
      TEST(short_file_is_refused), TEST(no_directory), TEST(directory_in_the_way), TEST(full_disk),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
