// The firmware's look at a program image in memory: what mxf writes is taken, what is
// damaged is refused, and nothing outside is read.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "firmware/mx_load.h"
#include "tests/unit/toy_image.h"

static mx_image *toy;
static mx_file file;

static int set_up(void **state) {
  char path[] = "/tmp/test_load.XXXXXX";
  mx_error e = {0};
  (void)state;
  close(mkstemp(path));
  toy = toy_image("small");
  int bad = mx_image_write(path, toy, &e) || mx_file_map(path, &file, &e);
  unlink(path);
  return bad;
}

static int tear_down(void **state) {
  (void)state;
  mx_file_unmap(&file);
  mx_image_free(toy);
  return 0;
}

// Of its own size, so that a checker sees every read outside.
static uint8_t *copy(size_t n) {
  uint8_t *p = malloc(n ? n : 1);
  assert_non_null(p);
  memcpy(p, file.data, n);
  return p;
}

static void seal(uint8_t *image) {
  mx_store_u32(image + MX_IMAGE_CRC_AT, (uint32_t)crc32(crc32(0, NULL, 0), image + MX_IMAGE_SIZE_AT, (uInt)(file.size_bytes - MX_IMAGE_SIZE_AT)));
}

static mx_load_status check(const uint8_t *image, size_t room) {
  mx_loaded out;
  return mx_load_check(image, (uint32_t)room, mx_load_crc, &out);
}

static void takes_what_mxf_writes(void **state) {
  (void)state;
  mx_loaded out;
  assert_int_equal(mx_load_check(file.data, (uint32_t)file.size_bytes, mx_load_crc, &out), MX_LOAD_OK);
  assert_int_equal(out.facts.build_id, toy->params->build_id);
  assert_int_equal(out.facts.mem_bytes, toy->mem_bytes);
  assert_int_equal(out.facts.choice_rows, toy->choice_rows);
  assert_int_equal(out.memory_bytes, toy->memory_bytes);
  assert_memory_equal(out.memory, toy->memory, toy->memory_bytes);
  assert_int_equal(out.tokenizer_bytes, toy->tokenizer_bytes);
  assert_memory_equal(out.tokenizer, toy->tokenizer, toy->tokenizer_bytes);
  assert_int_equal((uintptr_t)out.memory % 4 + (uintptr_t)out.tokenizer % 4, 0);
  assert_int_equal(check(file.data, 1u << 24), MX_LOAD_OK);  // more room than it takes
}

static void refuses_too_little_room(void **state) {
  (void)state;
  for (size_t n = 0; n < file.size_bytes; n += n < 300 ? 1 : 97) {
    uint8_t *p = copy(n);
    assert_int_equal(check(p, n), n < MX_IMAGE_SECTIONS_AT ? MX_LOAD_NONE : MX_LOAD_SIZE);
    free(p);
  }
}

static void refuses_flipped_bits(void **state) {
  (void)state;
  uint8_t *p = copy(file.size_bytes);
  for (size_t bit = 0; bit < 8 * file.size_bytes; bit += bit < 8 * 400 ? 1 : 1009) {
    size_t at = bit / 8;
    p[at] ^= (uint8_t)(1u << bit % 8);
    mx_load_status s = check(p, file.size_bytes);
    if (at < 4) assert_int_equal(s, MX_LOAD_NONE);
    else if (at >= MX_IMAGE_SIZE_AT && at < MX_IMAGE_BUILD_AT) assert_true(s == MX_LOAD_SIZE || s == MX_LOAD_DAMAGED);
    else assert_int_equal(s, MX_LOAD_DAMAGED);
    p[at] ^= (uint8_t)(1u << bit % 8);
  }
  free(p);
}

// With a right checksum.
static void refuses_sections_that_do_not_fit(void **state) {
  (void)state;
  enum { FIRST = MX_IMAGE_SECTIONS_AT, OFFSET = MX_IMAGE_SECTION_OFFSET_AT, SIZE = MX_IMAGE_SECTION_SIZE_AT };
  static const struct { uint32_t at, value; } cases[] = {
      {MX_IMAGE_COUNT_AT, 0}, {MX_IMAGE_COUNT_AT, 3}, {MX_IMAGE_COUNT_AT, MX_IMAGE_KINDS + 1},
      {MX_IMAGE_COUNT_AT, UINT32_MAX},  // 3: without the memory
      {FIRST + OFFSET, UINT32_MAX}, {FIRST + OFFSET, 0x80000000}, {FIRST + OFFSET, 6}, {FIRST + OFFSET + 4, 1},
      {FIRST + SIZE, UINT32_MAX}, {FIRST + SIZE, 0x7ffffff0}, {FIRST + SIZE + 4, 1},
      {MX_IMAGE_FACTS_AT, 16}};  // memory of fewer bytes than the section
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint8_t *p = copy(file.size_bytes);
    mx_store_u32(p + cases[i].at, cases[i].value);
    seal(p);
    if (check(p, file.size_bytes) != MX_LOAD_PARTS) fail_msg("case %zu: %s", i, mx_load_text(check(p, file.size_bytes)));
    free(p);
  }
}

static void every_status_has_a_sentence(void **state) {
  (void)state;
  for (int s = MX_LOAD_OK; s <= MX_LOAD_PARTS; s++) assert_string_not_equal(mx_load_text((mx_load_status)s), "unknown status");
  assert_string_equal(mx_load_text((mx_load_status)99), "unknown status");
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(takes_what_mxf_writes), cmocka_unit_test(refuses_too_little_room),
                                     cmocka_unit_test(refuses_flipped_bits), cmocka_unit_test(refuses_sections_that_do_not_fit),
                                     cmocka_unit_test(every_status_has_a_sentence)};
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
