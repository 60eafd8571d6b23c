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

static bool rotate_option(const char *option, mx_methods *m) {
  if (!strcmp(option, "down")) return m->rotate_down = true;
  if (!strcmp(option, "qk")) return m->rotate_qk = true;
  return false;
}

static bool prefix_option(const char *option, mx_methods *m) {
  char *end;
  unsigned long n = strtoul(option, &end, 10);
  m->prefix_tokens = (uint32_t)n;
  return *option >= '1' && *option <= '9' && !*end && n <= 64;
}

// "4.5": bits per weight; "9000c": cycles per token.
static bool take_budget(const char *option, mx_methods *m) {
  char *end;
  m->budget = strtod(option, &end);
  if (end == option || !(m->budget > 0 && m->budget < 1e12)) return false;
  m->mixed_cycles = *end == 'c';
  return !end[m->mixed_cycles];
}

static bool mixed_option(const char *option, mx_methods *m) {
  if (!strcmp(option, "trace")) return m->mixed_trace = true;
  if (!strcmp(option, "channels")) return m->mixed_channels = true;
  return take_budget(option, m);
}

static bool fixed_option(const char *option, mx_methods *m) {
  m->fixed_search = !strcmp(option, "search");
  return m->fixed_search || !strcmp(option, "max");
}

static bool qsm_option(const char *option, mx_methods *m) {
  if (!strcmp(option, "clip")) return m->qsm_clip = true;
  if (!strcmp(option, "all")) return m->qsm_all = true;
  return false;
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
               {"rotate", offsetof(mx_methods, rotate), rotate_option},
               {"prefix", offsetof(mx_methods, prefix), prefix_option},
               {"mixed", offsetof(mx_methods, mixed), mixed_option},
               {"static", offsetof(mx_methods, fixed), fixed_option},
               {"qsm", offsetof(mx_methods, qsm), qsm_option},
               {"rsq", offsetof(mx_methods, rsq), no_option},
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
                 "awq[=clip|noclip], gptq[=column|block][+order][+refine], correct, rotate[+down][+qk], prefix[=N], "
                 "mixed=BUDGET[+trace][+channels], static[=max|search], qsm[+clip][+all] or rsq, each once, separated "
                 "by commas", list, at);
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

static mx_status check_exclusions(const char *list, const mx_methods *m, mx_error *e) {
  const char *why = NULL;
  if (m->rtn && (m->mse || m->gptq)) why = "rtn excludes mse and gptq; a matrix is rounded once";
  else if (m->gptq && m->metric_given) why = "with gptq, mse takes no metric";
  else if (m->fixed && m->qsm) why = "static excludes qsm; an input has one kind of step";
  else if (m->mixed && !(m->budget > 0)) why = "mixed needs a budget: bits per weight (mixed=4.5) or cycles (mixed=9000c)";
  else if (m->mixed_channels && m->rotate) why = "mixed+channels excludes rotate, which spreads the channels it looks for";
  else if (m->rsq && !m->gptq) why = "rsq weighs the Hessian of gptq, which is missing";
  return why ? mx_fail(e, MX_USAGE, MX_NOWHERE, "--method '%s': %s", list, why) : MX_OK;
}

mx_status mx_methods_parse(const char *list, mx_methods *out, mx_error *e) {
  *out = (mx_methods){.alpha = 0.5, .clip = true, .fixed_search = true};
  const char *at = list;
  mx_status s = take_method(list, &at, out, e);
  for (; !s && *at; s = take_method(list, &at, out, e)) at++;
  return s ? s : check_exclusions(list, out, e);
}
