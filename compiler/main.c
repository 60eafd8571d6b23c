// mxf: one command, subcommands in the manner of git.
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compiler/cmd.h"

typedef struct {
  const char *name, *text;
  mx_status (*run)(int argc, char **argv, mx_error *e);
} command;

static const command commands[] = {
#define CMD(name, text) {#name, text, mx_cmd_##name},
    MX_COMMANDS(CMD)
#undef CMD
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

// A command as users write it: with - for _.
static const char *spelled(const char *name, char out[32]) {
  size_t i = 0;
  for (; name[i] && i < 31; i++) out[i] = name[i] == '_' ? '-' : name[i];
  out[i] = 0;
  return out;
}

static void print_usage(FILE *to) {
  char text[32];
  fputs("usage: mxf COMMAND [ARGUMENTS]    (mxf COMMAND --help tells more)\n\n", to);
  for (int i = 0; i < N_COMMANDS; i++) fprintf(to, "  %-12s %s\n", spelled(commands[i].name, text), commands[i].text);
}

// Prints the error, also that of output nobody could take; the exit code.
static int finish(mx_error *e) {
  if (fflush(stdout) || ferror(stdout)) mx_fail(e, MX_IO, MX_NOWHERE, "cannot write standard output: %s", strerror(errno));
  return mx_report("mxf", e);
}

int main(int argc, char **argv) {
  mx_error e = {0};
  if (argc < 2) {
    print_usage(stderr);
    return 2;
  }
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
    print_usage(stdout);
    return finish(&e);
  }
  for (int i = 0; i < N_COMMANDS; i++) {
    char text[32];
    if (strcmp(argv[1], spelled(commands[i].name, text))) continue;
    commands[i].run(argc - 1, argv + 1, &e);
    return finish(&e);
  }
  mx_fail(&e, MX_USAGE, MX_NOWHERE, "no command '%s' (mxf --help lists them)", argv[1]);
  return mx_report("mxf", &e);
}
