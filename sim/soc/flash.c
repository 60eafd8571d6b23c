#include "sim/soc/flash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>  // crc32

#include "compiler/import/bytes.h"
#include "firmware/mx_soc.h"
#include "golden/image.h"

typedef struct { const char *name; uint32_t offset, most; } place;
typedef struct { const char *path; place place; mx_file file; } part;

enum { BITSTREAM, FIRMWARE, IMAGE, PARTS };  // FIRMWARE, IMAGE: in the order of soc.def

// ---- boards ------------------------------------------------------------------------

static const struct { const char *name, *word, *text; uint32_t chip_bytes, bitstream_bytes; } boards[] = {
#define SOCBOARD(name, word, flash, bitstream, text) {#name, word, text, flash, bitstream},
#include "firmware/soc.def"
};
enum { BOARDS = sizeof boards / sizeof *boards };

static char spelled(char c) { return c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

static bool is_name(const char *a, const char *b) {
  for (; *a && spelled(*a) == spelled(*b); a++, b++) {}
  return !*a && !*b;
}

static mx_flash_board board_at(size_t i) {
  mx_flash_board b = {.word = mx_load_u32((const uint8_t *)boards[i].word), .chip_bytes = boards[i].chip_bytes,
                      .bitstream_bytes = boards[i].bitstream_bytes};
  for (size_t n = 0; boards[i].name[n] && n < sizeof b.name - 1; n++) b.name[n] = spelled(boards[i].name[n]);
  return b;
}

mx_status mx_flash_board_find(const char *name, mx_flash_board *out, mx_error *e) {
  char names[BOARDS * (sizeof out->name + sizeof " or ")] = "";
  size_t n = 0;
  for (size_t i = 0; i < BOARDS; i++) {
    *out = board_at(i);
    if (is_name(name, out->name)) return MX_OK;
    n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i == 0 ? "" : i + 1 < BOARDS ? ", " : " or ", out->name);
  }
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "board '%s': expected %s", name, names);
}

void mx_flash_board_list(FILE *to) {
  for (size_t i = 0; i < BOARDS; i++) {
    mx_flash_board b = board_at(i);
    fprintf(to, "  %-20s  %2" PRIu32 " MB, bitstreams up to %4" PRIu32 " KB; %s\n", b.name, b.chip_bytes >> 20,
            b.bitstream_bytes >> 10, boards[i].text);
  }
}

// ---- parts -------------------------------------------------------------------------

// Of a part in region FLASH: as much of it as the chip has.
static place place_behind(const mx_flash_board *b, place seen) {
  uint32_t offset = b->bitstream_bytes + seen.offset, rest = b->chip_bytes - offset;
  return (place){seen.name, offset, seen.most < rest ? seen.most : rest};
}

static void find_places(const mx_flash_board *b, part parts[PARTS]) {
  static const place seen[] = {
#define SOCFLASH(name, offset, bytes, text) {#name, offset, bytes},
#include "firmware/soc.def"
  };
  parts[BITSTREAM].place = (place){"BITSTREAM", 0, b->bitstream_bytes};
  for (int i = FIRMWARE; i < PARTS; i++) parts[i].place = place_behind(b, seen[i - FIRMWARE]);
}

static mx_status map_part(const mx_flash_board *b, part *p, mx_error *e) {
  if (!p->path) return MX_OK;
  if (mx_file_map(p->path, &p->file, e)) return e->status;
  size_t size = p->file.size_bytes;
  if (!size) return mx_fail(e, MX_FORMAT, (mx_loc){p->path, 0}, "the file is empty");
  if (size <= p->place.most) return MX_OK;
  return mx_fail(e, MX_LIMIT, (mx_loc){p->path, p->place.most}, "%zu bytes, %zu more than the place %s has in the flash chip of %s",
                 size, size - p->place.most, p->place.name, b->name);
}

static mx_status check_firmware(const part *p, mx_error *e) {
  const char *path = p->path;
  const mx_file *f = &p->file;
  if (f->size_bytes < MX_SOC_HEAD_END || mx_load_u32(f->data + MX_SOC_HEAD_MAGIC) != MX_SOC_FIRMWARE_MAGIC)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, 0}, "not a firmware: it does not begin with MXFW");
  uint32_t bytes = mx_load_u32(f->data + MX_SOC_HEAD_BYTES), copy = mx_load_u32(f->data + MX_SOC_HEAD_COPY);
  if (bytes != f->size_bytes - MX_SOC_HEAD_END || bytes % 4)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, MX_SOC_HEAD_BYTES}, "%" PRIu32 " bytes of firmware, the file has %zu behind its head", bytes,
                   f->size_bytes - MX_SOC_HEAD_END);
  if (!copy || copy % 4 || copy > bytes || copy > MX_SOC_RAM_BYTES)
    return mx_fail(e, MX_FORMAT, (mx_loc){path, MX_SOC_HEAD_COPY}, "%" PRIu32 " bytes to copy to the RAM of %d", copy, MX_SOC_RAM_BYTES);
  return MX_OK;
}

static mx_status check_image(const char *path, mx_error *e) {
  mx_image *image;
  mx_status s = mx_image_read(path, &image, e);
  if (s) return s;
  if (!image->tokenizer_bytes) s = mx_fail(e, MX_UNSUPPORTED, (mx_loc){path, 0}, "the image holds no tokenizer, so the board takes no text");
  mx_image_free(image);
  return s;
}

static void seal_firmware(uint8_t *at, uint32_t board) {
  uint32_t bytes = mx_load_u32(at + MX_SOC_HEAD_BYTES);
  mx_store_u32(at + MX_SOC_HEAD_BOARD, board);
  mx_store_u32(at + MX_SOC_HEAD_CRC, (uint32_t)crc32(crc32(0, NULL, 0), at + MX_SOC_HEAD_END, bytes));
}

static mx_status map_parts(const mx_flash_board *b, part parts[PARTS], mx_error *e) {
  for (int i = 0; i < PARTS; i++)
    if (map_part(b, &parts[i], e)) return e->status;
  if (parts[FIRMWARE].path && check_firmware(&parts[FIRMWARE], e)) return e->status;
  return parts[IMAGE].path ? check_image(parts[IMAGE].path, e) : MX_OK;
}

static mx_status join(const part parts[PARTS], uint32_t board, uint8_t **bytes, uint32_t *first, size_t *size, mx_error *e) {
  size_t end = 0;
  *first = UINT32_MAX;
  for (int i = 0; i < PARTS; i++) {
    if (!parts[i].path) continue;
    if (*first == UINT32_MAX) *first = parts[i].place.offset;
    end = parts[i].place.offset + parts[i].file.size_bytes;
  }
  if (!end) return mx_fail(e, MX_USAGE, MX_NOWHERE, "nothing to put into the flash chip");
  *size = end - *first;
  *bytes = malloc(*size);
  if (!*bytes) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %zu bytes of flash", *size);
  memset(*bytes, 0xff, *size);
  for (int i = 0; i < PARTS; i++)
    if (parts[i].path) memcpy(*bytes + (parts[i].place.offset - *first), parts[i].file.data, parts[i].file.size_bytes);
  if (parts[FIRMWARE].path) seal_firmware(*bytes + (parts[FIRMWARE].place.offset - *first), board);
  return MX_OK;
}

mx_status mx_flash_build(const mx_flash_parts *files, uint8_t **bytes, uint32_t *first, size_t *size, mx_error *e) {
  part parts[PARTS] = {[BITSTREAM] = {.path = files->bitstream}, [FIRMWARE] = {.path = files->firmware}, [IMAGE] = {.path = files->image}};
  *bytes = NULL;
  find_places(&files->board, parts);
  mx_status s = map_parts(&files->board, parts, e);
  if (!s) s = join(parts, files->board.word, bytes, first, size, e);
  for (int i = 0; i < PARTS; i++)
    if (parts[i].file.data) mx_file_unmap(&parts[i].file);
  return s;
}
