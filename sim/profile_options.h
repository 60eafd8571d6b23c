#ifndef MX_PROFILE_OPTIONS_H
#define MX_PROFILE_OPTIONS_H
// The command line of `mxf profile`.
#include "compiler/synth/geometry.h"
#include "sim/engine.h"
#include "sim/profile.h"

typedef struct {
  const char *image;            // NULL with a shape
  const char *other;            // NULL, or what is compared with it
  const char *trace, *plot, *json;  // files to write, or NULL
  char files[3][512];           // of trace, plot and json with -o
  const char *directory;        // to be made, or NULL
  mx_geometry_options shape;    // shape.shape NULL: an image
  const mx_params *target;
  uint32_t context;             // of the shape; 0: its own
  uint32_t prompt_tokens, tokens, position;
  bool positioned;              // a position is given
  mx_profile_by by;
  mx_engine_options device;
  bool help;
} mx_profile_arguments;

// MX_USAGE for anything wrong; strings point into argv.
mx_status mx_profile_parse(int argc, char **argv, mx_profile_arguments *a, mx_error *e);
void mx_profile_print_usage(FILE *out);
#endif
