// mxf compile: a quantized model to a program image.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/asm/asm.h"
#include "compiler/cmd.h"
#include "compiler/lower/lower.h"

static const char usage[] =
    "usage: mxf compile QMODEL --target SET -o FILE [options]\n"
    "\n"
    "Lowers a quantized model (mxf quantize) to a program image for a parameter set\n"
    "of the device: tiny, small, sim or large (golden/params.def).\n"
    "\n"
    "  --target SET      parameter set (default: sim)\n"
    "  -o FILE           image to write (.mxp)\n"
    "  --context N       positions to make room for (default: the model's)\n"
    "  --emit FORM       print graph, tiles, schedule or asm to stdout;\n"
    "                    -o may then be left out\n";

typedef struct {
  const char *model, *out, *target, *form;
  uint32_t context;
  bool help;
} arguments;

static const struct option options[] = {{"output", required_argument, NULL, 'o'},
                                        {"target", required_argument, NULL, 't'},
                                        {"context", required_argument, NULL, 'c'},
                                        {"emit", required_argument, NULL, 'e'},
                                        {"help", no_argument, NULL, 'h'},
                                        {0}};

static mx_status take_context(const char *text, uint32_t *out, mx_error *e) {
  char *end;
  unsigned long v = strtoul(text, &end, 10);
  if (*text < '0' || *text > '9' || *end || v < 1 || v > 65535)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--context %s: expected a number from 1 to 65535", text);
  *out = (uint32_t)v;
  return MX_OK;
}

static mx_status take_option(int option, char **argv, arguments *a, mx_error *e) {
  switch (option) {
    case 'o': a->out = optarg; return MX_OK;
    case 't': a->target = optarg; return MX_OK;
    case 'e': a->form = optarg; return MX_OK;
    case 'h': a->help = true; return MX_OK;
    case 'c': return take_context(optarg, &a->context, e);
    default:
      return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s: unknown option or missing value (mxf compile --help)",
                     argv[optind - 1]);
  }
}

static mx_status parse(int argc, char **argv, arguments *a, mx_error *e) {
  *a = (arguments){.target = "sim"};
  mx_status s = MX_OK;
  optind = 0;
  opterr = 0;
  for (int c; !s && (c = getopt_long(argc, argv, ":o:", options, NULL)) != -1;) s = take_option(c, argv, a, e);
  if (s || a->help) return s;
  if (argc - optind != 1)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "expected one QMODEL, found %d (mxf compile --help)", argc - optind);
  a->model = argv[optind];
  if (!a->out && !a->form) return mx_fail(e, MX_USAGE, MX_NOWHERE, "-o FILE is missing (mxf compile --help)");
  return MX_OK;
}

static mx_status choose(const arguments *a, mx_compile_options *o, mx_error *e) {
  static const char *const forms[] = {"", "graph", "tiles", "schedule", "asm"};
  *o = (mx_compile_options){.params = mx_params_find(a->target), .context = a->context, .to = stdout};
  if (!o->params)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--target %s: expected tiny, small, sim or large", a->target);
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
