#include "sim/engine.h"

#include <stdlib.h>
#include <string.h>

typedef mx_status opener(const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options, mx_engine *out,
                         mx_error *e);

static const struct { const char *name; opener *open; } engines[] = {
#define ENGINE(name, text) {#name, mx_engine_open_##name},
    MX_ENGINES(ENGINE)
#undef ENGINE
};

// What may follow a colon in the name of an engine.
static bool takes(opener *open, bool line) {
  if (open == mx_engine_open_uart) return line;
  return open == mx_engine_open_uio || open == mx_engine_open_systemc || !line;
}

// *line: what follows a colon in the name, else NULL.
static opener *find(const char *name, const char **line) {
  size_t length = strcspn(name, ":");
  *line = name[length] && name[length + 1] ? name + length + 1 : NULL;
  if (name[length] && !*line) return NULL;
  for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
    if (strlen(engines[i].name) == length && !memcmp(engines[i].name, name, length))
      return takes(engines[i].open, *line != NULL) ? engines[i].open : NULL;
  return NULL;
}

mx_status mx_engine_open(const char *name, const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options,
                         mx_engine **out, mx_error *e) {
  *out = NULL;
  mx_engine_options own = *options;
  opener *open = find(name, &own.line);
  if (!open) return mx_fail(e, MX_USAGE, MX_NOWHERE, "there is no engine '%s'%s", name,
                            !strncmp(name, "uart", 4) ? "; expected uart:LINE, as in uart:/dev/ttyUSB0" : "");
  mx_engine *g = calloc(1, sizeof *g);
  if (!g) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  mx_status s = open(p, mem_bytes, &own, g, e);
  if (s) free(g);
  else *out = g;
  return s;
}

void mx_engine_close(mx_engine *engine) {
  if (!engine) return;
  engine->ops->close(engine->self);
  free(engine);
}
