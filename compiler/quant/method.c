#include "compiler/quant/method.h"

#include <stdlib.h>
#include <string.h>

enum { WORD = 24 };

static bool take_alpha(const char *option, mx_methods *m) {
  char *end;
  double v = strtod(option, &end);
  if (end == option || *end || !(v >= 0 && v <= 1)) return false;
  m->alpha = v;
  return true;
}

static bool smoothquant_option(const char *option, mx_methods *m) {
  if (!strcmp(option, "search")) return m->smoothquant_search = true;
  if (!strcmp(option, "all")) return m->smoothquant_all = true;
  return take_alpha(option, m);
}

static bool awq_option(const char *option, mx_methods *m) {
  m->clip = !strcmp(option, "clip");
  return m->clip || !strcmp(option, "noclip");
}

static bool mse_option(const char *option, mx_methods *m) {
  static const char *const names[] = {"plain", "diagonal", "block"};
  for (int i = 0; i < 3; i++)
    if (!strcmp(option, names[i])) {
      m->metric = (mx_metric)i;
      return m->metric_given = true;
    }
  return false;
}

static bool gptq_option(const char *option, mx_methods *m) {
  if (!strcmp(option, "order")) return m->gptq_order = true;
  if (!strcmp(option, "refine")) return m->gptq_refine = true;
  m->gptq_whole = !strcmp(option, "block");
  return m->gptq_whole || !strcmp(option, "column");
}

static bool no_option(const char *option, mx_methods *m) {
  (void)option;
  (void)m;
  return false;
}

static const struct {
  const char *name;
  size_t flag;
  bool (*option)(const char *option, mx_methods *m);
} methods[] = {{"rtn", offsetof(mx_methods, rtn), no_option},
               {"mse", offsetof(mx_methods, mse), mse_option},
               {"smoothquant", offsetof(mx_methods, smoothquant), smoothquant_option},
               {"awq", offsetof(mx_methods, awq), awq_option},
               {"correct", offsetof(mx_methods, correct), no_option},
               {"gptq", offsetof(mx_methods, gptq), gptq_option}};

// One word of the list, up to any of `stops`.
static bool word(const char **text, const char *stops, char out[WORD]) {
  size_t n = strcspn(*text, stops);
  if (!n || n >= WORD) return false;
  memcpy(out, *text, n);
  out[n] = 0;
  *text += n;
  return true;
}

static mx_status bad(const char *list, const char *at, mx_error *e) {
  return mx_fail(e, MX_USAGE, MX_NOWHERE,
                 "--method '%s': at '%s' expected rtn, mse[=plain|diagonal|block], smoothquant[=0 to 1|search][+all], "
                 "awq[=clip|noclip], correct or gptq[=column|block][+order][+refine], each once, separated by commas", list, at);
}

static mx_status take_method(const char *list, const char **at, mx_methods *m, mx_error *e) {
  const char *begin = *at;
  char name[WORD], option[WORD];
  if (!word(at, ",=+", name)) return bad(list, begin, e);
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    bool *flag = (bool *)(void *)((char *)m + methods[i].flag);
    if (strcmp(name, methods[i].name)) continue;
    if (*flag) return bad(list, begin, e);
    *flag = true;
    while (**at == '=' || **at == '+') {
      begin = (*at)++;
      if (!word(at, ",+", option) || !methods[i].option(option, m)) return bad(list, begin, e);
    }
    return MX_OK;
  }
  return bad(list, begin, e);
}

mx_status mx_methods_parse(const char *list, mx_methods *out, mx_error *e) {
  *out = (mx_methods){.alpha = 0.5, .clip = true};
  const char *at = list;
  mx_status s = take_method(list, &at, out, e);
  for (; !s && *at; s = take_method(list, &at, out, e)) at++;
  if (!s && out->rtn && (out->mse || out->gptq))
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--method '%s': rtn excludes %s; a matrix is rounded once", list,
                   out->gptq ? "gptq" : "mse");
  if (!s && out->gptq && out->metric_given)
    return mx_fail(e, MX_USAGE, MX_NOWHERE, "--method '%s': with gptq, mse takes no metric", list);
  return s;
}
