#include "sim/soc/flash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>  // crc32

#include "compiler/import/bytes.h"
#include "firmware/mx_soc.h"
#include "golden/image.h"

typedef struct { const char *name; uint32_t offset, most; } place;

static const place places[] = {
#define SOCFLASH(name, offset, bytes, text) {#name, offset, bytes},
#include "firmware/soc.def"
};
enum { PLACES = sizeof places / sizeof *places };
enum { BITSTREAM, FIRMWARE, IMAGE };  // in the order of soc.def

static mx_status check_size(const char *path, const place *p, const mx_file *f, mx_error *e) {
  if (!f->size_bytes) return mx_fail(e, MX_FORMAT, (mx_loc){path, 0}, "the file is empty");
  if (f->size_bytes <= p->most) return MX_OK;
  return mx_fail(e, MX_LIMIT, (mx_loc){path, p->most}, "%zu bytes, the place %s of the flash chip has %" PRIu32, f->size_bytes, p->name, p->most);
}

static mx_status check_firmware(const char *path, const mx_file *f, mx_error *e) {
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

static mx_status check_board(const char *board, mx_error *e) {
  if (!board || (*board && strlen(board) <= 4)) return MX_OK;
  return mx_fail(e, MX_USAGE, MX_NOWHERE, "board '%s': expected 1 to 4 characters", board);
}

static void seal_firmware(uint8_t *at, const char *board) {
  uint32_t bytes = mx_load_u32(at + MX_SOC_HEAD_BYTES);
  memset(at + MX_SOC_HEAD_BOARD, 0, 4);
  if (board) memcpy(at + MX_SOC_HEAD_BOARD, board, strlen(board));
  mx_store_u32(at + MX_SOC_HEAD_CRC, (uint32_t)crc32(crc32(0, NULL, 0), at + MX_SOC_HEAD_END, bytes));
}

static mx_status map_parts(const char *const paths[PLACES], mx_file files[PLACES], mx_error *e) {
  for (int i = 0; i < PLACES; i++)
    if (paths[i] && (mx_file_map(paths[i], &files[i], e) || check_size(paths[i], &places[i], &files[i], e))) return e->status;
  if (paths[FIRMWARE] && check_firmware(paths[FIRMWARE], &files[FIRMWARE], e)) return e->status;
  return paths[IMAGE] ? check_image(paths[IMAGE], e) : MX_OK;
}

static mx_status join(const mx_flash_parts *parts, const mx_file files[PLACES], uint8_t **bytes, uint32_t *first, size_t *size, mx_error *e) {
  size_t end = 0;
  *first = UINT32_MAX;
  for (int i = 0; i < PLACES; i++) {
    if (!files[i].data) continue;
    if (*first == UINT32_MAX) *first = places[i].offset;
    end = places[i].offset + files[i].size_bytes;
  }
  if (!end) return mx_fail(e, MX_USAGE, MX_NOWHERE, "nothing to put into the flash chip");
  *size = end - *first;
  *bytes = malloc(*size);
  if (!*bytes) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "no memory for %zu bytes of flash", *size);
  memset(*bytes, 0xff, *size);
  for (int i = 0; i < PLACES; i++)
    if (files[i].data) memcpy(*bytes + (places[i].offset - *first), files[i].data, files[i].size_bytes);
  if (parts->firmware) seal_firmware(*bytes + (places[FIRMWARE].offset - *first), parts->board);
  return MX_OK;
}

mx_status mx_flash_build(const mx_flash_parts *parts, uint8_t **bytes, uint32_t *first, size_t *size, mx_error *e) {
  const char *const paths[PLACES] = {parts->bitstream, parts->firmware, parts->image};
  mx_file files[PLACES] = {0};
  *bytes = NULL;
  mx_status s = check_board(parts->board, e);
  if (!s) s = map_parts(paths, files, e);
  if (!s) s = join(parts, files, bytes, first, size, e);
  for (int i = 0; i < PLACES; i++)
    if (files[i].data) mx_file_unmap(&files[i]);
  return s;
}
