// mxf flash: the file for a board's flash chip.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "golden/writer.h"
#include "sim/soc/flash.h"

static const char usage[] =
    "usage: mxf flash -o FILE [--image P.mxp] [--firmware MAIN.bin] [--bitstream B.bit]\n"
    "\n"
    "Put together what a system on chip finds in its flash chip (firmware/soc.def),\n"
    "with the firmware's checksum filled in. FILE begins with the first part that is\n"
    "given; where it belongs is printed.\n"
    "\n"
    "  -o, --output FILE     file to write\n"
    "  -i, --image FILE      program image (mxf compile)\n"
    "  -f, --firmware FILE   build/firmware/main.rv32i.bin or main.rv32im.bin (make firmware)\n"
    "  -b, --bitstream FILE  what configures the FPGA\n"
    "  -B, --board NAME      firmware for boards of this name only, up to 4 characters\n"
    "  -h, --help            this text\n";

typedef struct {
  mx_flash_parts parts;
  const char *out;
  bool help;
} arguments;

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){0};
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL},           {"image", 'i', &a->parts.image, NULL},
                                   {"firmware", 'f', &a->parts.firmware, NULL}, {"bitstream", 'b', &a->parts.bitstream, NULL},
                                   {"board", 'B', &a->parts.board, NULL},    {0}};
  mx_status s = mx_cli_parse(argc, argv, options, NULL, NULL, &a->help, e);
  if (!s && !a->help && !a->out) s = mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf flash --help)");
  if (!s && a->parts.board && !a->parts.firmware) s = mx_fail(e, MX_USAGE, MX_NOWHERE, "--board needs --firmware");
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

mx_status mx_cmd_flash(int argc, char **argv, mx_error *e) {
  arguments a;
  uint8_t *bytes = NULL;
  uint32_t first = 0;
  size_t size = 0;
  mx_status s = parse(argc, argv, &a, e);
  if (!s && a.help) {
    fputs(usage, stdout);
    return MX_OK;
  }
  if (!s) s = mx_flash_build(&a.parts, &bytes, &first, &size, e);
  if (!s) s = write_file(a.out, bytes, size, e);
  if (!s) printf("%s: %zu bytes for offset 0x%06" PRIx32 " of the flash chip\n", a.out, size, first);
  free(bytes);
  return s;
}
