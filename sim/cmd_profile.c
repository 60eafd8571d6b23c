// mxf profile: where the cycles and bytes of a model go.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>  // mkdir
#include <unistd.h>    // isatty, getpid

#include "compiler/cmd.h"
#include "compiler/lower/lower.h"
#include "sim/profile_options.h"
#include "sim/profile_run.h"

// ---- files that are there whole or not at all -------------------------------------------

typedef struct {
  const char *path;
  char temporary[600];
  FILE *to;
} output;

static mx_status create(output *o, const char *path, mx_error *e) {
  *o = (output){.path = path};
  if (!path) return MX_OK;
  if ((size_t)snprintf(o->temporary, sizeof o->temporary, "%s.%ld.tmp", path, (long)getpid()) >= sizeof o->temporary)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "a file name of more than %zu characters", sizeof o->temporary - 32);
  o->to = fopen(o->temporary, "w");
  return o->to ? MX_OK : mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot create: %s", strerror(errno));
}

// Gives it its name if all went well so far, else removes it.
static mx_status finish(output *o, mx_error *e) {
  if (!o->to) return e->status;
  bool bad = ferror(o->to);
  bad = fclose(o->to) || bad;
  o->to = NULL;
  if (!e->status && !bad && !rename(o->temporary, o->path)) return MX_OK;
  mx_fail(e, MX_IO, (mx_loc){o->path, 0}, "cannot write: %s", strerror(errno));
  remove(o->temporary);
  return e->status;
}

static mx_status make_directory(const char *path, mx_error *e) {
  if (!path || !mkdir(path, 0777) || errno == EEXIST) return MX_OK;
  return mx_fail(e, MX_IO, (mx_loc){path, 0}, "cannot create the folder: %s", strerror(errno));
}

// ---- images ----------------------------------------------------------------------------

static mx_status compile_shape(const mx_profile_arguments *a, mx_image **out, mx_error *e) {
  const mx_compile_options o = {.params = a->target, .context = a->context, .to = stdout};
  mx_qmodel *model;
  if (a->target->SERIAL)
    return mx_fail(e, MX_UNSUPPORTED, MX_NOWHERE, "set %s takes cycles that depend on data, which a shape does not have: profile an image",
                   a->target->name);
  mx_status s = mx_synth_geometry(&a->shape, &model, e);
  if (s) return s;
  s = mx_compile(model, &o, out, e);
  mx_qmodel_free(model);
  return s;
}

static void show_progress(void *self, uint64_t cycles) {
  (void)self;
  fprintf(stderr, "\r%.1f Mcycles ", 1e-6 * (double)cycles);
}

static mx_status run_image(const mx_profile_arguments *a, const mx_image *image, const char *subject, FILE *trace, mx_profile *out, mx_error *e) {
  mx_engine_options device = a->device;
  bool terminal = isatty(STDERR_FILENO);
  if (terminal) device.progress = show_progress;
  mx_profile_request q = {.prompt_tokens = a->prompt_tokens, .tokens = a->tokens, .device = &device, .trace = trace,
                          .position = a->positioned ? a->position : image->prefix_tokens + a->prompt_tokens};
  mx_status s = mx_profile_run(image, subject, &q, out, e);
  if (terminal) fputs("\r                    \r", stderr);
  return s;
}

// The profile of a shape, as its options say.
static mx_status run_shape(const mx_profile_arguments *a, FILE *trace, mx_profile *out, mx_error *e) {
  char subject[96], weights[16];
  mx_image *image = NULL;
  mx_status s = compile_shape(a, &image, e);
  mx_weight_format_name(&a->shape.weights, weights);
  if (a->shape.layers) snprintf(subject, sizeof subject, "%s, %" PRIu32 " layers, %s", a->shape.shape, a->shape.layers, weights);
  else snprintf(subject, sizeof subject, "%s, %s", a->shape.shape, weights);
  if (!s) s = run_image(a, image, subject, trace, out, e);
  mx_image_free(image);
  return s;
}

static mx_status run_file(const mx_profile_arguments *a, const char *path, FILE *trace, mx_profile *out, mx_error *e) {
  mx_image *image = NULL;
  mx_status s = mx_image_read(path, &image, e);
  if (!s) s = run_image(a, image, path, trace, out, e);
  mx_image_free(image);
  return s;
}

static mx_status run(const mx_profile_arguments *a, FILE *trace, mx_profile *out, mx_error *e) {
  return a->shape.shape ? run_shape(a, trace, out, e) : run_file(a, a->image, trace, out, e);
}

// ---- the command -----------------------------------------------------------------------

// Whether the file is a program image; else it may be a profile. What cannot be opened
// is left to the reader of images, who says so.
static bool is_image(const char *path) {
  char head[4] = "MXP1";
  FILE *f = fopen(path, "rb");
  if (!f) return true;
  size_t n = fread(head, 1, sizeof head, f);
  fclose(f);
  return n == sizeof head && !memcmp(head, "MXP1", sizeof head);
}

static mx_status load(const mx_profile_arguments *a, const char *path, mx_profile *out, mx_error *e) {
  return is_image(path) ? run_file(a, path, NULL, out, e) : mx_profile_read_json(path, out, e);
}

static mx_status compare(const mx_profile_arguments *a, mx_error *e) {
  mx_profile x = {0}, y = {0};
  mx_status s = load(a, a->other, &x, e);
  if (!s) s = a->shape.shape ? run_shape(a, NULL, &y, e) : load(a, a->image, &y, e);
  if (!s) s = mx_profile_compare(&x, &y, stdout, e);
  mx_profile_free(&x);
  mx_profile_free(&y);
  return s;
}

static mx_status write_json(const mx_profile *p, const char *path, mx_error *e) {
  output o;
  if (!create(&o, path, e) && o.to) mx_profile_write_json(p, o.to, e);
  return finish(&o, e);
}

static mx_status write_plot(const mx_profile *p, const char *path, mx_error *e) {
  output o;
  if (!create(&o, path, e) && o.to) mx_profile_plot(p, o.to);
  return finish(&o, e);
}

static mx_status profile(const mx_profile_arguments *a, mx_error *e) {
  mx_profile p = {0};
  output trace = {0};
  mx_status s = make_directory(a->directory, e);
  if (!s) s = create(&trace, a->trace, e);
  if (!s) s = run(a, trace.to, &p, e);
  s = finish(&trace, e);
  if (!s) mx_profile_print(&p, a->by, stdout);
  if (!s) s = write_json(&p, a->json, e);
  if (!s) s = write_plot(&p, a->plot, e);
  mx_profile_free(&p);
  return s;
}

mx_status mx_cmd_profile(int argc, char **argv, mx_error *e) {
  mx_profile_arguments a;
  if (mx_profile_parse(argc, argv, &a, e)) return e->status;
  if (a.help) {
    mx_profile_print_usage(stdout);
    return MX_OK;
  }
  return a.other ? compare(&a, e) : profile(&a, e);
}
