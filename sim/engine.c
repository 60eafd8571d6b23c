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

static opener *find(const char *name) {
  for (size_t i = 0; i < sizeof engines / sizeof *engines; i++)
    if (!strcmp(engines[i].name, name)) return engines[i].open;
  return NULL;
}

mx_status mx_engine_open(const char *name, const mx_params *p, uint32_t mem_bytes, const mx_engine_options *options,
                         mx_engine **out, mx_error *e) {
  *out = NULL;
  opener *open = find(name);
  if (!open) return mx_fail(e, MX_USAGE, MX_NOWHERE, "there is no engine '%s'", name);
  mx_engine *g = calloc(1, sizeof *g);
  if (!g) return mx_fail(e, MX_LIMIT, MX_NOWHERE, "out of memory");
  mx_status s = open(p, mem_bytes, options, g, e);
  if (s) free(g);
  else *out = g;
  return s;
}

void mx_engine_close(mx_engine *engine) {
  if (!engine) return;
  engine->ops->close(engine->self);
  free(engine);
}
