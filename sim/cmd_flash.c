// mxf flash: the file for a board's flash chip.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "golden/flash.h"
#include "golden/writer.h"
#include "sim/soc/flash.h"

static const char usage[] =
    "usage: mxf flash -o FILE [--board NAME] [--image P.mxp] [--firmware MAIN.bin]\n"
    "                 [--bitstream B.bit]\n"
    "       mxf flash -o FILE --constants P.mxp [--chip MB]\n"
    "\n"
    "Put together what a system on chip finds in its flash chip (firmware/soc.def),\n"
    "with the firmware's checksum filled in. FILE begins with the first part that is\n"
    "given; where it belongs is printed.\n"
    "\n"
    "Or, for a board without processor: what of an image never changes, which belongs\n"
    "at the end of the chip. mxf run finds it there, checks it and sends only the rest.\n"
    "\n"
    "  -o, --output FILE     file to write\n"
    "  -i, --image FILE      program image (mxf compile)\n"
    "  -f, --firmware FILE   build/firmware/main.rv32i.bin or main.rv32im.bin (make firmware)\n"
    "  -b, --bitstream FILE  what configures the FPGA\n"
    "  -B, --board NAME      of those below (default ulx3s): size and layout of the chip; the\n"
    "                        firmware runs on no other\n"
    "  -c, --constants FILE  program image, of which the constant part is written\n"
    "      --chip MB         size of the chip, 1 to 16 (default 16), for the offset\n"
    "  -h, --help            this text\n"
    "\n"
    "Boards, their flash chips:\n";

typedef struct {
  mx_flash_parts parts;
  const char *out, *constants;
  uint64_t chip_mb;
  bool help;
} arguments;

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  const char *chip = NULL, *board = NULL;
  *a = (arguments){.chip_mb = 16};
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL},           {"image", 'i', &a->parts.image, NULL},
                                   {"firmware", 'f', &a->parts.firmware, NULL}, {"bitstream", 'b', &a->parts.bitstream, NULL},
                                   {"board", 'B', &board, NULL},
                                   {"constants", 'c', &a->constants, NULL},  {"chip", 0, &chip, NULL},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, NULL, NULL, &a->help, e);
  if (!s && !a->help && !a->out) s = mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf flash --help)");
  if (!s) s = mx_cli_number("chip", chip, 1, 16, &a->chip_mb, e);
  if (!s && a->constants && (board || a->parts.image || a->parts.firmware || a->parts.bitstream))
    s = mx_fail(e, MX_USAGE, MX_NOWHERE, "--constants is for boards without processor: alone, or with --chip");
  if (!s && !a->help) s = mx_flash_board_find(board ? board : "ulx3s", &a->parts.board, e);
  return s;
}

static mx_status write_file(const char *path, const uint8_t *bytes, size_t size, mx_error *e) {
  mx_writer *w;
  mx_status s = mx_writer_open(path, &w, e);
  if (!s) s = mx_writer_put(w, bytes, size, e);
  if (!s) return mx_writer_commit_plain(w, e);
  mx_writer_abort(w);
  return s;
}

static mx_status write_constants(const arguments *a, mx_error *e) {
  uint32_t chip = (uint32_t)a->chip_mb << 20, bytes;
  mx_image *image = NULL;
  mx_status s = mx_image_read(a->constants, &image, e);
  if (s) return s;
  bytes = mx_flash_constant_bytes(image);
  if (bytes > chip)
    s = mx_fail(e, MX_LIMIT, MX_NOWHERE, "the image's constant part of %" PRIu32 " bytes does not fit a chip of %" PRIu32, bytes, chip);
  if (!s) s = mx_flash_write(a->out, image, e);
  if (!s) {
    printf("%s: %" PRIu32 " bytes for offset 0x%" PRIx32 " of a flash of %" PRIu64 " MB: iceprog -o 0x%" PRIx32 " %s\n", a->out, bytes,
           chip - bytes, a->chip_mb, chip - bytes, a->out);
    printf("%" PRIu32 " bytes of writable memory are needed behind it\n", image->mem_bytes - bytes);
  }
  mx_image_free(image);
  return s;
}

static mx_status write_parts(const arguments *a, mx_error *e) {
  uint8_t *bytes = NULL;
  uint32_t first = 0;
  size_t size = 0;
  mx_status s = mx_flash_build(&a->parts, &bytes, &first, &size, e);
  if (!s) s = write_file(a->out, bytes, size, e);
  if (!s) printf("%s: %zu bytes for offset 0x%06" PRIx32 " of the flash chip of %s\n", a->out, size, first, a->parts.board.name);
  free(bytes);
  return s;
}

mx_status mx_cmd_flash(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_status s = parse(argc, argv, &a, e);
  if (!s && a.help) fputs(usage, stdout), mx_flash_board_list(stdout);
  if (s || a.help) return s;
  return a.constants ? write_constants(&a, e) : write_parts(&a, e);
}
