#include "compiler/cli.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

enum { MAX_OPTIONS = 32, FIRST_LONG = 256 };  // getopt's values: letters, or FIRST_LONG + index

// getopt's description of the table; returns the number of options.
static int describe(const mx_cli_option *table, struct option *longs, char *shorts) {
  int n = 0;
  *shorts++ = ':';
  for (; table[n].name && n < MAX_OPTIONS; n++) {
    int argument = table[n].value ? required_argument : no_argument;
    longs[n] = (struct option){table[n].name, argument, NULL, FIRST_LONG + n};
    if (!table[n].letter) continue;
    *shorts++ = table[n].letter;
    if (table[n].value) *shorts++ = ':';
  }
  longs[n] = (struct option){"help", no_argument, NULL, 'h'};
  longs[n + 1] = (struct option){0};
  *shorts++ = 'h';
  *shorts = 0;
  return n;
}

static const mx_cli_option *find(const mx_cli_option *table, int n, int c) {
  if (c >= FIRST_LONG) return &table[c - FIRST_LONG];
  for (int i = 0; i < n; i++)
    if (table[i].letter == c) return &table[i];
  return NULL;
}

mx_status mx_cli_parse(int argc, char **argv, const mx_cli_option *table, const char *what,
                       const char **operand, bool *help, mx_error *e) {
  struct option longs[MAX_OPTIONS + 2];
  char shorts[2 * MAX_OPTIONS + 3];
  int n = describe(table, longs, shorts);
  *help = false;
  optind = 0;  // glibc: start again, whatever was parsed before
  opterr = 0;
  for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) != -1;) {
    if (c == 'h') {
      *help = true;
      return MX_OK;
    }
    const mx_cli_option *o = find(table, n, c);
    if (!o)
      return mx_fail(e, MX_USAGE, MX_NOWHERE,
                     c == ':' ? "%s needs a value (mxf %s --help)" : "%s is no option (mxf %s --help)",
                     argv[optind - 1], argv[0]);
    if (o->value) *o->value = optarg;
    else *o->flag = true;
  }
  if (!what && argc == optind) return MX_OK;
  if (!what)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "%s is too much (mxf %s --help)", argv[optind], argv[0]);
  if (argc - optind != 1)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "expected one %s, found %d (mxf %s --help)", what,
                   argc - optind, argv[0]);
  *operand = argv[optind];
  return MX_OK;
}

mx_status mx_cli_number(const char *option, const char *text, uint64_t least, uint64_t most,
                        uint64_t *out, mx_error *e) {
  if (!text) return MX_OK;
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end || errno || v < least || v > most)
    return mx_fail(e, MX_USAGE, MX_NOWHERE,
                   "--%s %s: expected a number from %" PRIu64 " to %" PRIu64, option, text, least, most);
  *out = v;
  return MX_OK;
}
