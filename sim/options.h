#ifndef MX_SIM_OPTIONS_H
#define MX_SIM_OPTIONS_H
// The command line that `mxf run` and `mxf verify` share.
#include <stdbool.h>
#include <stdio.h>

#include "compiler/cli.h"
#include "golden/error.h"
#include "sim/engine.h"

typedef enum { MX_SIM_RUN = 1, MX_SIM_VERIFY = 2, MX_SIM_MEMORY = 4 } mx_sim_command;

typedef struct {
  const char *image, *engine;
  const char *prompt;       // never NULL
  const char *prompt_file;  // NULL, or to be read instead
  const char *report;       // NULL, or a file for the JSON object
  const char *stop;         // NULL, or the text that ends generating
  uint32_t tokens;          // to generate at most
  uint32_t temperature_milli, top_p_milli;  // mx_sampler
  uint64_t seed;
  bool stats, json, console, help;
  mx_engine_options device;
} mx_sim_arguments;

// MX_USAGE for anything wrong; strings point into argv.
mx_status mx_sim_parse(mx_sim_command command, int argc, char **argv, mx_sim_arguments *a, mx_error *e);

// The options of the command, as lines of its --help.
void mx_sim_print_options(mx_sim_command command, FILE *out);

// The options of the memory, for a command with others of its own: MX_SIM_MEMORY's
// descriptions to options[MX_SIM_MEMORY_OPTIONS], which leave what they find in texts.
// Returns how many.
enum { MX_SIM_MEMORY_OPTIONS = 7 };
typedef struct { const char *text[MX_SIM_MEMORY_OPTIONS]; } mx_sim_memory_texts;
unsigned mx_sim_memory_options(mx_sim_memory_texts *texts, mx_cli_option *options);
mx_status mx_sim_take_memory(const mx_sim_memory_texts *texts, mx_memory_options *m, mx_error *e);

// Print, quoted for a shell, `mxf run` with the arguments of this verify run,
// without what asks for a waveform.
void mx_sim_print_run_command(const mx_sim_arguments *a, FILE *out);
#endif
