// mxf flash: the file for a board's flash.
#include <inttypes.h>
#include <stdio.h>

#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "golden/flash.h"

static const char usage[] =
    "usage: mxf flash IMAGE -o FILE [--chip MB]\n"
    "\n"
    "Write what of IMAGE (mxf compile) never changes to FILE, for boards that keep it\n"
    "in a serial flash: it belongs at the end of the chip. mxf run finds it there,\n"
    "checks it, and sends only the rest.\n"
    "\n"
    "  -o FILE           file to write\n"
    "  --chip MB         size of the chip, 1 to 16 (default: 16), for the offset\n";

typedef struct {
  const char *image, *out;
  uint64_t megabytes;
  bool help;
} arguments;

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){.megabytes = 16};
  const char *chip = NULL;
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL}, {"chip", 0, &chip, NULL}, {0}};
  mx_status s = mx_cli_parse(argc, argv, options, "IMAGE", &a->image, &a->help, e);
  if (!s) s = mx_cli_number("chip", chip, 1, 16, &a->megabytes, e);
  if (!s && !a->help && !a->out) s = mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf flash --help)");
  return s;
}

static mx_status write_file(const arguments *a, const mx_image *image, mx_error *e) {
  uint32_t chip = (uint32_t)a->megabytes << 20, bytes = mx_flash_constant_bytes(image);
  if (bytes > chip)
    return mx_fail(e, MX_LIMIT, MX_NOWHERE, "the image's constant part of %" PRIu32 " bytes does not fit a chip of %" PRIu32, bytes, chip);
  if (mx_flash_write(a->out, image, e)) return e->status;
  printf("%s: %" PRIu32 " bytes for offset 0x%" PRIx32 " of a flash of %" PRIu64 " MB: iceprog -o 0x%" PRIx32 " %s\n", a->out, bytes,
         chip - bytes, a->megabytes, chip - bytes, a->out);
  printf("%" PRIu32 " bytes of writable memory are needed behind it\n", image->mem_bytes - bytes);
  return MX_OK;
}

mx_status mx_cmd_flash(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_image *image = NULL;
  mx_status s = parse(argc, argv, &a, e);
  if (!s && a.help) {
    fputs(usage, stdout);
    return MX_OK;
  }
  if (!s) s = mx_image_read(a.image, &image, e);
  if (!s) s = write_file(&a, image, e);
  mx_image_free(image);
  return s;
}
