#ifndef MX_CMD_H
#define MX_CMD_H
// The subcommands of mxf. argv[0] is the subcommand's name; --help prints its
// usage on stdout and returns MX_OK.
#include "golden/error.h"

// CMD(name, "one line for mxf --help"); users write - for _
#define MX_COMMANDS(CMD) \
  CMD(info, "what a model, quantized model or program image holds") \
  CMD(quantize, "quantize a model to low-bit block formats") \
  CMD(compile, "lower a quantized model to a program image") \
  CMD(flash, "write the file for a board's flash") \
  CMD(run, "generate text on an engine") \
  CMD(verify, "run on RTL and compare every write with the golden model") \
  CMD(profile, "where the cycles and bytes of a model go, operator by operator") \
  CMD(eval, "perplexity of a model on a text") \
  CMD(dis, "disassemble a program image or raw words") \
  CMD(as, "assemble instructions and microcode") \
  CMD(synth_model, "write a model of a known shape with random weights") \
  CMD(stress_model, "write a twin of a model that is hard to quantize")

#define CMD(name, text) mx_status mx_cmd_##name(int argc, char **argv, mx_error *e);
MX_COMMANDS(CMD)
#undef CMD
#endif
