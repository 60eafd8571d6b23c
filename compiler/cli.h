#ifndef MX_CLI_H
#define MX_CLI_H
// Command lines of the subcommands: options from a table, one operand.
#include <stdbool.h>
#include <stdint.h>

#include "golden/error.h"

// An option sets *value to its argument, or *flag to true. The table ends with
// name NULL.
typedef struct {
  const char *name;    // without the dashes
  char letter;         // of the short form, or 0
  const char **value;  // exactly one of value and flag is set
  bool *flag;
} mx_cli_option;

// Parses argv after argv[0], the subcommand's name. `--help` (or -h) sets *help
// and ends parsing without an error. Otherwise one operand is expected, `what`
// in the MX_USAGE error ("MODEL"), and *operand set to it; none if `what` is NULL.
mx_status mx_cli_parse(int argc, char **argv, const mx_cli_option *table, const char *what,
                       const char **operand, bool *help, mx_error *e);

// The number that the text of an option stands for, least to most; *out keeps
// its value when text is NULL.
mx_status mx_cli_number(const char *option, const char *text, uint64_t least, uint64_t most,
                        uint64_t *out, mx_error *e);
#endif
