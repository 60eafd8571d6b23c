// mxf dis, mxf as: programs and microcode as text, and back.
#include <stdio.h>

#include "compiler/asm/asm.h"
#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/import/bytes.h"

static const char dis_usage[] =
    "usage: mxf dis IMAGE\n"
    "\n"
    "Prints the programs and the microcode of a program image as assembly text\n"
    "(compiler/asm/asm.h tells the syntax), which `mxf as --into IMAGE` takes back.\n";

static const char as_usage[] =
    "usage: mxf as FILE -o IMAGE [--into BASE]\n"
    "\n"
    "Assembles FILE to a program image.\n"
    "\n"
    "  -o IMAGE      image to write (.mxp)\n"
    "  --into BASE   start from this image and replace what FILE defines\n";

typedef struct { const char *input, *out, *base; bool help; } arguments;

static mx_status parse(int argc, char **argv, bool assembling, arguments *a, mx_error *e) {
  *a = (arguments){0};
  const mx_cli_option none[] = {{0}};
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL}, {"into", 'i', &a->base, NULL}, {0}};
  mx_status s = mx_cli_parse(argc, argv, assembling ? options : none, assembling ? "FILE" : "IMAGE", &a->input, &a->help, e);
  if (!s && !a->help && assembling && !a->out)
    s = mx_fail(e, MX_USAGE, MX_NOWHERE, "-o IMAGE is missing (mxf as --help)");
  return s;
}

mx_status mx_cmd_dis(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_image *image = NULL;
  mx_status s = parse(argc, argv, false, &a, e);
  if (s) return s;
  if (a.help) {
    fputs(dis_usage, stdout);
    return MX_OK;
  }
  s = mx_image_read(a.input, &image, e);
  if (!s) s = mx_dis_image(image, stdout, e);
  mx_image_free(image);
  return s;
}

static mx_status assemble(const arguments *a, const mx_image *base, mx_error *e) {
  mx_file text;
  mx_image *image = NULL;
  mx_status s = mx_file_map(a->input, &text, e);
  if (s) return s;
  s = mx_as_text((const char *)text.data, text.size_bytes, a->input, base, &image, e);
  if (!s) s = mx_image_write(a->out, image, e);
  mx_file_unmap(&text);
  mx_image_free(image);
  return s;
}

mx_status mx_cmd_as(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_image *base = NULL;
  mx_status s = parse(argc, argv, true, &a, e);
  if (s) return s;
  if (a.help) {
    fputs(as_usage, stdout);
    return MX_OK;
  }
  if (a.base) s = mx_image_read(a.base, &base, e);
  if (!s) s = assemble(&a, base, e);
  mx_image_free(base);
  return s;
}
