// Program images: what is written is read again; what is damaged is refused.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "golden/image.h"

enum { MEMORY_BYTES = 300, TOKENIZER_BYTES = 77, HEADER_BYTES = 196, MOST = 4096 };

typedef struct { char directory[32], path[64]; uint8_t bytes[MOST]; size_t size; } fixture;

static uint8_t memory[MEMORY_BYTES], tokenizer[TOKENIZER_BYTES];
static mx_note notes[] = {{64, "init"}, {128, "layer 0 norm"}, {160, "layer 0 wq"}};

static mx_image small_image(void) {
  for (int i = 0; i < MEMORY_BYTES; i++) memory[i] = (uint8_t)(7 * i + 3);
  for (int i = 0; i < TOKENIZER_BYTES; i++) tokenizer[i] = (uint8_t)(255 - i);
  return (mx_image){.params = mx_params_find("sim"), .mem_bytes = 8192, .init_entry = 64, .token_entry = 128,
                    .result_addr = 8000, .logits_addr = 4112, .vocab_size = 100, .context_length = 16, .bos_id = 1,
                    .eos_id = 2, .memory = memory, .memory_bytes = MEMORY_BYTES, .tokenizer = tokenizer,
                    .tokenizer_bytes = TOKENIZER_BYTES, .notes = notes, .n_notes = 3, .info = (char *)"{\"a\": 1}"};
}

static void save(const fixture *f, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(f->path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

static size_t load(const char *path, uint8_t bytes[MOST]) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t n = fread(bytes, 1, MOST, file);
  fclose(file);
  return n;
}

static int setup(void **state) {
  fixture *f = calloc(1, sizeof *f);
  mx_error e = {0};
  mx_image image = small_image();
  snprintf(f->directory, sizeof f->directory, "/tmp/test_image.XXXXXX");
  assert_non_null(mkdtemp(f->directory));
  snprintf(f->path, sizeof f->path, "%s/a.mxp", f->directory);
  assert_int_equal(mx_image_write(f->path, &image, &e), MX_OK);
  f->size = load(f->path, f->bytes);
  *state = f;
  return 0;
}

static int teardown(void **state) {
  fixture *f = *state;
  unlink(f->path);
  assert_int_equal(rmdir(f->directory), 0);  // no temporary file is left
  free(f);
  return 0;
}

// Sets the checksum of bytes as it must be, so that later checks are reached.
static void seal(uint8_t *bytes, size_t size) {
  uint32_t crc = (uint32_t)crc32(crc32(0, NULL, 0), bytes + 8, (uInt)(size - 8));
  for (int i = 0; i < 4; i++) bytes[4 + i] = (uint8_t)(crc >> (8 * i));
}

static void refused(const fixture *f, mx_status status, const char *words, uint64_t offset) {
  mx_image *image = (mx_image *)1;
  mx_error e = {0};
  assert_int_equal(mx_image_read(f->path, &image, &e), status);
  assert_null(image);
  assert_string_equal(e.path, f->path);
  if (!strstr(e.text, words)) fail_msg("'%s' lacks '%s'", e.text, words);
  if (offset != UINT64_MAX) assert_int_equal(e.offset_bytes, offset);
}

static void reads_what_was_written(void **state) {
  const fixture *f = *state;
  mx_image want = small_image(), *got;
  mx_error e = {0};
  assert_int_equal(mx_image_read(f->path, &got, &e), MX_OK);
  assert_ptr_equal(got->params, want.params);
#define FACT(name, text) assert_int_equal(got->name, want.name);
  MX_IMAGE_FACTS(FACT)
#undef FACT
  assert_int_equal(got->memory_bytes, MEMORY_BYTES);
  assert_memory_equal(got->memory, memory, MEMORY_BYTES);
  assert_int_equal(got->tokenizer_bytes, TOKENIZER_BYTES);
  assert_memory_equal(got->tokenizer, tokenizer, TOKENIZER_BYTES);
  assert_int_equal(got->n_notes, 3);
  assert_string_equal(got->notes[1].text, "layer 0 norm");
  assert_string_equal(got->info, want.info);
  assert_null(got->basis);
  assert_int_equal(got->prefix_tokens, 0);
  mx_image_free(got);
}

// With a basis there is one section more, and with a prefix one fact.
static void reads_basis_and_prefix(void **state) {
  const fixture *f = *state;
  static uint8_t basis[] = {4, 0, 0, 0, 9, 8, 7, 6, 5, 4, 3, 2, 0, 0, 0, 0};
  mx_image want = small_image(), *got;
  mx_error e = {0};
  want.basis = basis;
  want.basis_bytes = sizeof basis;
  want.prefix_tokens = 15;
  assert_int_equal(mx_image_write(f->path, &want, &e), MX_OK);
  assert_int_equal(mx_image_read(f->path, &got, &e), MX_OK);
  assert_int_equal(got->basis_bytes, sizeof basis);
  assert_memory_equal(got->basis, basis, sizeof basis);
  assert_int_equal(got->prefix_tokens, 15);
  assert_memory_equal(got->memory, memory, MEMORY_BYTES);
  mx_image_free(got);
  want.bos_id = UINT32_MAX;
  assert_int_equal(mx_image_write(f->path, &want, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "no token that begins"));
}

static void finds_notes(void **state) {
  (void)state;
  mx_image image = small_image();
  assert_string_equal(mx_image_note(&image, 0), "");
  assert_string_equal(mx_image_note(&image, 63), "");
  assert_string_equal(mx_image_note(&image, 64), "init");
  assert_string_equal(mx_image_note(&image, 159), "layer 0 norm");
  assert_string_equal(mx_image_note(&image, 160), "layer 0 wq");
  assert_string_equal(mx_image_note(&image, UINT32_MAX), "layer 0 wq");
  image.n_notes = 0;
  assert_string_equal(mx_image_note(&image, 64), "");
}

static void refuses_every_truncation(void **state) {
  const fixture *f = *state;
  for (size_t n = f->size; n-- > 0;) {
    assert_int_equal(truncate(f->path, (off_t)n), 0);
    refused(f, MX_FORMAT, n < 4 ? "MXP1" : n < 100 ? "header" : "bytes", UINT64_MAX);
  }
}

static void refuses_bytes_too_many(void **state) {
  const fixture *f = *state;
  uint8_t longer[MOST] = {0};
  memcpy(longer, f->bytes, f->size);
  save(f, longer, f->size + 1);
  refused(f, MX_FORMAT, "header says", 8);
}

static void put_byte(int fd, size_t at, uint8_t value) {
  assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
}

static void refuses_every_flipped_bit(void **state) {
  const fixture *f = *state;
  int fd = open(f->path, O_WRONLY);
  assert_true(fd >= 0);
  for (size_t bit = 0; bit < 8 * f->size; bit++) {
    size_t at = bit / 8;
    put_byte(fd, at, (uint8_t)(f->bytes[at] ^ 1 << bit % 8));
    if (at < 4) refused(f, MX_FORMAT, "MXP1", 0);
    else if (at >= 8 && at < 16) refused(f, MX_FORMAT, "header says", 8);
    else refused(f, MX_FORMAT, "checksum", 4);
    put_byte(fd, at, f->bytes[at]);
  }
  close(fd);
}

static void refuses_another_build(void **state) {
  const fixture *f = *state;
  uint8_t bytes[MOST];
  char words[64];
  memcpy(bytes, f->bytes, f->size);
  bytes[16] ^= 1;
  seal(bytes, f->size);
  save(f, bytes, f->size);
  snprintf(words, sizeof words, "%08x", mx_params_find("sim")->build_id);
  refused(f, MX_UNSUPPORTED, words, 16);
  snprintf(words, sizeof words, "%08x", mx_params_find("sim")->build_id ^ 1);
  refused(f, MX_UNSUPPORTED, words, 16);
  refused(f, MX_UNSUPPORTED, "recompile", 16);
}

// Sealed changes of 32-bit words of the header.
static void refuses_hostile_headers(void **state) {
  static const struct { size_t at; uint32_t value; mx_status status; const char *words; } cases[] = {
      {20, 0x78787878, MX_UNSUPPORTED, "parameter set"},
      {32, 100, MX_FORMAT, "exceed"},                    // mem_bytes
      {36, 65, MX_FORMAT, "multiple"},                   // init_entry
      {40, 8192, MX_FORMAT, "outside"},                  // token_entry
      {40, 0xfffffff0, MX_FORMAT, "outside"},
      {44, 8190, MX_FORMAT, "outside"},                  // result_addr
      {48, 7800, MX_FORMAT, "logits"},                   // logits_addr
      {52, 0xffffffff, MX_FORMAT, "logits"},             // vocab_size
      {52, 0, MX_FORMAT, "vocabulary"},
      {56, 0, MX_FORMAT, "context"},                     // context_length
      {60, 100, MX_FORMAT, "token 100"},                 // bos_id
      {64, 0xfffffffe, MX_FORMAT, "outside the vocabulary"},  // eos_id
      {68, 16, MX_FORMAT, "a prefix of 16 tokens leaves no room in a context of 16"},  // prefix_tokens
      {68, 0xffffffff, MX_FORMAT, "a prefix"},
      {72, 64, MX_FORMAT, "no tokens"},                  // batch_entry
      {76, 1, MX_FORMAT, "rows of 0 bytes"},             // batch_tokens
      {76, 1000, MX_FORMAT, "columns"},
      {84, 1, MX_FORMAT, "no tokens"},                   // embedding_addr
      {92, 1, MX_FORMAT, "result"},                      // choice_rows
      {96, 6, MX_FORMAT, "6 sections"},
      {96, 5, MX_FORMAT, "section"},
      {96, 0xffffffff, MX_FORMAT, "sections"},
      {96, 0, MX_FORMAT, "no memory section"},
      {100, 9, MX_FORMAT, "unknown section"},
      {100, 1, MX_FORMAT, "second section"},
      {104, 1, MX_FORMAT, "unknown section"},
      {108, 0x7fffffff, MX_FORMAT, "beyond the file"},
      {112, 0xffffffff, MX_FORMAT, "beyond the file"},   // offset near 2^64
      {120, 0xffffffff, MX_FORMAT, "beyond the file"},   // bytes near 2^64
      {140, 65, MX_FORMAT, "not a multiple"},            // bytes of the notes
  };
  const fixture *f = *state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t bytes[MOST];
    memcpy(bytes, f->bytes, f->size);
    for (int k = 0; k < 4; k++) bytes[cases[i].at + (size_t)k] = (uint8_t)(cases[i].value >> (8 * k));
    seal(bytes, f->size);
    save(f, bytes, f->size);
    refused(f, cases[i].status, cases[i].words, UINT64_MAX);
  }
}

static size_t aligned(size_t at) { return (at + MX_IMAGE_ALIGN - 1) / MX_IMAGE_ALIGN * MX_IMAGE_ALIGN; }

static void refuses_bad_notes(void **state) {
  const fixture *f = *state;
  uint8_t bytes[MOST];
  size_t at = aligned(aligned(HEADER_BYTES) + strlen(small_image().info));
  memcpy(bytes, f->bytes, f->size);
  bytes[at + 64] = 10;  // the second note's address
  seal(bytes, f->size);
  save(f, bytes, f->size);
  refused(f, MX_FORMAT, "not above", at + 64);
  memcpy(bytes, f->bytes, f->size);
  memset(bytes + at + 4, 'x', 60);
  seal(bytes, f->size);
  save(f, bytes, f->size);
  refused(f, MX_FORMAT, "no end", at);
}

// A failed write leaves the file that was there and nothing else.
static void failed_write_leaves_the_file(void **state) {
  const fixture *f = *state;
  mx_error e = {0};
  mx_image image = small_image();
  uint8_t now[MOST];
  image.mem_bytes = 10;
  assert_int_equal(mx_image_write(f->path, &image, &e), MX_FORMAT);
  assert_int_equal(load(f->path, now), f->size);
  assert_memory_equal(now, f->bytes, f->size);
  image = small_image();
  e = (mx_error){0};
  char inside[96];
  snprintf(inside, sizeof inside, "%s/nowhere/a.mxp", f->directory);
  assert_int_equal(mx_image_write(inside, &image, &e), MX_IO);
}

// A directory in the way: the rename fails after the file was written.
static void failed_rename_leaves_no_temporary(void **state) {
  const fixture *f = *state;
  mx_error e = {0};
  mx_image image = small_image();
  char path[96];
  snprintf(path, sizeof path, "%s/d", f->directory);
  assert_int_equal(mkdir(path, 0700), 0);
  assert_int_equal(mx_image_write(path, &image, &e), MX_IO);
  assert_int_equal(rmdir(path), 0);
}

static void refuses_what_is_no_file(void **state) {
  fixture f = *(const fixture *)*state;
  snprintf(f.path, sizeof f.path, "%s", f.directory);
  refused(&f, MX_IO, "", UINT64_MAX);
  snprintf(f.path, sizeof f.path, "%s/none", f.directory);
  refused(&f, MX_IO, "No such file", UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(reads_what_was_written),       TEST(finds_notes),
      TEST(reads_basis_and_prefix),
      TEST(refuses_every_truncation),     TEST(refuses_bytes_too_many),
      TEST(refuses_every_flipped_bit),    TEST(refuses_another_build),
      TEST(refuses_hostile_headers),      TEST(refuses_bad_notes),
      TEST(failed_write_leaves_the_file), TEST(failed_rename_leaves_no_temporary),
      TEST(refuses_what_is_no_file)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
