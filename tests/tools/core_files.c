// Reads a FuseSoC core file (CAPI2) and prints what one of its targets is made of, or
// says what is wrong with it:
//
//   core_files FILE.core TARGET
//
//   file TYPE PATH              in order; TYPE is "include" for include files
//   generate COMMAND NAME=VALUE...
//   parameter NAME DEFAULT
//   toplevel NAME
//
// Knows the keys that CAPI2's schema has for what is printed, and refuses others; every
// file must exist below the core file's folder.
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

static const char *path;
static yaml_document_t document;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
static void fail(const char *format, ...) {
  va_list ap;
  fprintf(stderr, "%s: ", path);
  va_start(ap, format);
  vfprintf(stderr, format, ap);
  va_end(ap);
  fputc('\n', stderr);
  exit(1);
}

// ---- YAML --------------------------------------------------------------------------

static yaml_node_t *node(int id) { return yaml_document_get_node(&document, id); }

static const char *text(const yaml_node_t *n, const char *what) {
  if (!n || n->type != YAML_SCALAR_NODE) fail("%s is no string", what);
  return (const char *)n->data.scalar.value;
}

static yaml_node_t *mapping(yaml_node_t *n, const char *what) {
  if (!n || n->type != YAML_MAPPING_NODE) fail("%s is no mapping", what);
  return n;
}

// The value of a key, also of what is merged in by <<; NULL without it.
static yaml_node_t *find(yaml_node_t *map, const char *key) {
  yaml_node_t *merged = NULL;
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
    const char *name = text(node(p->key), "a key");
    if (!strcmp(name, key)) return node(p->value);
    if (!strcmp(name, "<<")) merged = find(mapping(node(p->value), "<<"), key);
  }
  return merged;
}

static yaml_node_t *need(yaml_node_t *map, const char *key, const char *where) {
  yaml_node_t *n = find(map, key);
  if (!n) fail("%s lacks %s", where, key);
  return n;
}

static bool one_of(const char *word, const char *list) {
  char spaced[80];
  snprintf(spaced, sizeof spaced, " %s ", word);
  return strstr(list, spaced) != NULL;
}

// Only keys of the list, words with spaces around each; "*" allows any. No key twice.
static void check_keys(yaml_node_t *map, const char *where, const char *allowed) {
  mapping(map, where);
  yaml_node_pair_t *start = map->data.mapping.pairs.start, *top = map->data.mapping.pairs.top;
  for (yaml_node_pair_t *p = start; p < top; p++) {
    const char *name = text(node(p->key), "a key");
    if (strcmp(allowed, "*") && strcmp(name, "<<") && !one_of(name, allowed)) fail("%s has the unknown key %s", where, name);
    for (yaml_node_pair_t *q = start; q < p; q++)
      if (!strcmp(text(node(q->key), "a key"), name)) fail("%s has the key %s twice", where, name);
  }
}

static void each_entry(yaml_node_t *map, const char *where, void (*check)(const char *name, yaml_node_t *value)) {
  if (!map) return;
  check_keys(map, where, "*");
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++)
    check(text(node(p->key), where), node(p->value));
}

static void each_item(yaml_node_t *list, const char *where, void (*take)(yaml_node_t *item)) {
  if (!list) return;
  if (list->type != YAML_SEQUENCE_NODE) fail("%s is no list", where);
  for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) take(node(*i));
}

// ---- the core ----------------------------------------------------------------------

static yaml_node_t *core;

static yaml_node_t *section_entry(const char *section, const char *name, const char *user) {
  yaml_node_t *map = find(core, section), *entry = map ? find(mapping(map, section), name) : NULL;
  if (!entry) fail("%s names %s, which %s does not have", user, name, section);
  return entry;
}

static void check_fileset(const char *name, yaml_node_t *n) { check_keys(n, name, " file_type logical_name tags files depend "); }
static void check_generator(const char *name, yaml_node_t *n) {
  check_keys(n, name, " command interpreter cache_type file_input_parameters description usage ");
  need(n, "command", name);
}
static void check_generate(const char *name, yaml_node_t *n) {
  check_keys(n, name, " generator position parameters ");
  section_entry("generators", text(need(n, "generator", name), "generator"), name);
}
static void check_parameter(const char *name, yaml_node_t *n) {
  check_keys(n, name, " datatype default description paramtype scope ");
  const char *kind = text(need(n, "paramtype", name), "paramtype"), *type = text(need(n, "datatype", name), "datatype");
  if (!one_of(kind, " cmdlinearg generic plusarg vlogdefine vlogparam ")) fail("%s has no paramtype %s", name, kind);
  if (!one_of(type, " bool file int real str ")) fail("%s has no datatype %s", name, type);
}
static void check_tool(const char *name, yaml_node_t *n) {
  mapping(n, name);
  if (!one_of(name, " verilator yosys vivado icestorm trellis icarus modelsim ")) fail("there is no tool %s", name);
}

static void use_parameter(yaml_node_t *item) { section_entry("parameters", text(item, "a parameter"), "a target"); }
static void use_fileset(yaml_node_t *item) { section_entry("filesets", text(item, "a file set"), "a target"); }
static void use_generate(yaml_node_t *item) { section_entry("generate", text(item, "a name"), "a target"); }

static void check_target(const char *name, yaml_node_t *n) {
  check_keys(n, name, " default_tool description filesets flow flow_options generate hooks parameters tools toplevel vpi ");
  yaml_node_t *tools = find(n, "tools"), *tool = find(n, "default_tool");
  each_entry(tools, "tools", check_tool);
  if (tool && (!tools || !find(tools, text(tool, "default_tool")))) fail("%s: default_tool has no options in tools", name);
  each_item(find(n, "filesets"), "filesets", use_fileset);
  each_item(find(n, "generate"), "generate", use_generate);
  each_item(find(n, "parameters"), "parameters", use_parameter);
}

static void check_core(void) {
  unsigned colons = 0;
  check_keys(core, "the core", " description filesets generate generators license name parameters provider scripts targets vpi virtual mapping ");
  for (const char *c = text(need(core, "name", "the core"), "name"); *c; c++) colons += *c == ':';
  if (colons != 3) fail("name: expected vendor:library:name:version");
  each_entry(find(core, "filesets"), "filesets", check_fileset);
  each_entry(find(core, "generators"), "generators", check_generator);
  each_entry(find(core, "generate"), "generate", check_generate);
  each_entry(find(core, "parameters"), "parameters", check_parameter);
  each_entry(find(core, "targets"), "targets", check_target);
}

// ---- a target ----------------------------------------------------------------------

static const char *set_type;  // of the file set that is printed

// Below the core file's folder.
static void check_file(const char *name) {
  char where[1000];
  const char *slash = strrchr(path, '/');
  int folder = slash ? (int)(slash + 1 - path) : 0;
  if (*name == '/' || strstr(name, "..")) fail("%s lies outside of the core", name);
  snprintf(where, sizeof where, "%.*s%s", folder, path, name);
  if (access(where, R_OK)) fail("there is no file %s", name);
}

static void print_file(yaml_node_t *item) {
  const char *name, *type = set_type;
  if (item->type == YAML_MAPPING_NODE) {
    yaml_node_pair_t *p = item->data.mapping.pairs.start;
    if (p + 1 != item->data.mapping.pairs.top) fail("a file is more than one entry");
    name = text(node(p->key), "a file");
    check_keys(node(p->value), name, " define is_include_file include_path file_type logical_name tags copyto ");
    yaml_node_t *own = find(node(p->value), "file_type"), *include = find(node(p->value), "is_include_file");
    if (own) type = text(own, "file_type");
    if (include && !strcmp(text(include, "is_include_file"), "true")) type = "include";
  } else {
    name = text(item, "a file");
  }
  check_file(name);
  printf("file %s %s\n", type, name);
}

static void print_fileset(yaml_node_t *item) {
  const char *name = text(item, "a file set");
  yaml_node_t *set = section_entry("filesets", name, "a target");
  set_type = text(need(set, "file_type", name), "file_type");
  each_item(find(set, "files"), name, print_file);
}

static void print_generate(yaml_node_t *item) {
  yaml_node_t *call = section_entry("generate", text(item, "a name"), "a target"), *values = find(call, "parameters");
  yaml_node_t *generator = section_entry("generators", text(find(call, "generator"), "generator"), "generate");
  const char *command = text(find(generator, "command"), "command");
  check_file(command);
  printf("generate %s", command);
  for (yaml_node_pair_t *p = values ? mapping(values, "parameters")->data.mapping.pairs.start : NULL;
       values && p < values->data.mapping.pairs.top; p++)
    printf(" %s=%s", text(node(p->key), "a key"), text(node(p->value), "a value"));
  putchar('\n');
}

static void print_parameter(yaml_node_t *item) {
  const char *name = text(item, "a parameter");
  printf("parameter %s %s\n", name, text(need(section_entry("parameters", name, "a target"), "default", name), "default"));
}

static void print_target(const char *name) {
  yaml_node_t *target = section_entry("targets", name, "the command line");
  each_item(find(target, "generate"), "generate", print_generate);
  each_item(find(target, "filesets"), "filesets", print_fileset);
  each_item(find(target, "parameters"), "parameters", print_parameter);
  if (find(target, "toplevel")) printf("toplevel %s\n", text(find(target, "toplevel"), "toplevel"));
}

int main(int argc, char **argv) {
  yaml_parser_t parser;
  char first[16];
  if (argc != 3) {
    fprintf(stderr, "usage: core_files FILE.core TARGET\n");
    return 2;
  }
  path = argv[1];
  FILE *file = fopen(path, "r");
  if (!file || !yaml_parser_initialize(&parser)) fail("cannot read it");
  if (!fgets(first, sizeof first, file) || strcmp(first, "CAPI=2:\n")) fail("the first line is not CAPI=2:");
  yaml_parser_set_input_file(&parser, file);
  if (!yaml_parser_load(&parser, &document)) fail("line %zu: %s", parser.problem_mark.line + 2, parser.problem);
  core = mapping(yaml_document_get_root_node(&document), "the core");
  check_core();
  print_target(argv[2]);
  yaml_document_delete(&document);
  yaml_parser_delete(&parser);
  fclose(file);
  return 0;
}
