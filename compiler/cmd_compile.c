// mxf compile: a quantized model to a program image.
#include <stdio.h>
#include <string.h>

#include "compiler/asm/asm.h"
#include "compiler/cli.h"
#include "compiler/cmd.h"
#include "compiler/lower/lower.h"

static const char usage[] =
    "usage: mxf compile QMODEL --target SET -o FILE [options]\n"
    "\n"
    "Lowers a quantized model (mxf quantize) to a program image for a parameter set\n"
    "of the device (golden/params.def):"
#define SET(name, text) " " #name
#include "golden/params.def"
    ".\n"
    "\n"
    "  --target SET      parameter set (default: sim)\n"
    "  -o FILE           image to write (.mxp)\n"
    "  --context N       positions to make room for (default: the model's)\n"
    "  --emit FORM       print graph, tiles, schedule or asm to stdout;\n"
    "                    -o may then be left out\n";

typedef struct {
  const char *model, *out, *target, *form;
  uint64_t context;  // 0: the model's
  bool help;
} arguments;

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){.target = "sim"};
  const char *context = NULL;
  const mx_cli_option options[] = {{"output", 'o', &a->out, NULL},
                                   {"target", 't', &a->target, NULL},
                                   {"context", 'c', &context, NULL},
                                   {"emit", 'e', &a->form, NULL},
                                   {0}};
  mx_status s = mx_cli_parse(argc, argv, options, "QMODEL", &a->model, &a->help, e);
  if (!s) s = mx_cli_number("context", context, 1, 65535, &a->context, e);
  if (!s && !a->help && !a->out && !a->form)
    s = mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf compile --help)");
  return s;
}

static mx_status choose(const arguments *a, mx_compile_options *o, mx_error *e) {
  static const char *const forms[] = {"", "graph", "tiles", "schedule", "asm"};
  *o = (mx_compile_options){.params = mx_params_find(a->target), .context = (uint32_t)a->context, .to = stdout};
  if (!o->params)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--target %s: expected one of %s", a->target, mx_params_names());
  for (int i = 1; a->form && i < 5; i++)
    if (!strcmp(a->form, forms[i])) o->form = (mx_emit_form)i;
  if (a->form && !o->form)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--emit %s: expected graph, tiles, schedule or asm", a->form);
  return MX_OK;
}

mx_status mx_cmd_compile(int argc, char **argv, mx_error *e) {
  arguments a;
  mx_compile_options o;
  mx_qmodel *model = NULL;
  mx_image *image = NULL;
  mx_status s = parse(argc, argv, &a, e);
  if (s) return s;
  if (a.help) {
    fputs(usage, stdout);
    return MX_OK;
  }
  s = choose(&a, &o, e);
  if (!s) s = mx_qmodel_read(a.model, &model, e);
  if (!s) s = mx_compile(model, &o, &image, e);
  if (!s && o.form == MX_EMIT_ASM) s = mx_dis_image(image, stdout, e);
  if (!s && a.out) s = mx_image_write(a.out, image, e);
  if (!s && a.out)
    printf("%s: set %s, %u bytes stored, %u bytes of device memory, context %u\n", a.out, o.params->name,
           image->memory_bytes, image->mem_bytes, image->context_length);
  mx_image_free(image);
  mx_qmodel_free(model);
  return s;
}
