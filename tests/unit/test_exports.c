// What is exported of the registers, read back by parsers of the formats and held
// against the definition files: CMSIS-SVD, and LiteX' csr.json and csr.csv.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xmlschemas.h>

typedef struct { const char *name; uint32_t offset; const char *access; uint32_t reset; const char *text; } csr_info;
typedef struct { const char *csr, *name; unsigned msb, lsb; const char *text; } field_info;
typedef struct { const char *name; uint32_t value, bytes; const char *text; } named;

static const csr_info csrs[] = {
#define CSR(name, offset, access, reset, text) {#name, offset, #access, reset, text},
#include "golden/csr.def"
};
static const field_info fields[] = {
#define CSRFIELD(csr, name, msb, lsb, text) {#csr, #name, msb, lsb, text},
#include "golden/csr.def"
};
static const named faults[] = {
#define FAULT(name, code, text) {#name, code, 0, text},
#include "golden/csr.def"
};
static const csr_info socregs[] = {
#define SOCREG(name, offset, access, text) {#name, offset, #access, 0, text},
#include "firmware/soc.def"
};
static const named regions[] = {
#define SOCREGION(name, base, bytes, text) {#name, base, bytes, text},
#include "firmware/soc.def"
};
#define COUNT(a) (sizeof(a) / sizeof *(a))

static uint32_t to_number(const char *text) {
  char *end;
  unsigned long v = strtoul(text, &end, 0);
  if (*end || end == text || v > UINT32_MAX) fail_msg("'%s' is no number", text);
  return (uint32_t)v;
}

// ---- CMSIS-SVD ----------------------------------------------------------------------

static xmlNode *child(xmlNode *n, const char *name) {
  for (n = n ? n->children : NULL; n; n = n->next)
    if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, name)) return n;
  return NULL;
}

static xmlNode *next(xmlNode *n) {
  const char *name = (const char *)n->name;
  for (n = n->next; n; n = n->next)
    if (n->type == XML_ELEMENT_NODE && !strcmp((const char *)n->name, name)) return n;
  return NULL;
}

static void is(xmlNode *n, const char *name, const char *expected) {
  xmlChar *text = child(n, name) ? xmlNodeGetContent(child(n, name)) : NULL;
  if (!text || strcmp((const char *)text, expected)) fail_msg("%s is '%s', expected '%s'", name, text ? (char *)text : "missing", expected);
  xmlFree(text);
}

static void is_number(xmlNode *n, const char *name, uint32_t expected) {
  xmlChar *text = child(n, name) ? xmlNodeGetContent(child(n, name)) : NULL;
  if (!text) fail_msg("%s is missing", name);
  assert_int_equal(to_number((const char *)text), expected);
  xmlFree(text);
}

static xmlDoc *read_svd(void) {
  xmlDoc *doc = xmlReadFile(MX_GEN "/mxforge.svd", NULL, XML_PARSE_NONET);
  assert_non_null(doc);
  return doc;
}

static void say_nothing(void *self, const char *format, ...) {
  (void)self;
  (void)format;
}

static void svd_keeps_to_the_schema(void **state) {
  (void)state;
  xmlDoc *doc = read_svd();
  xmlSchemaParserCtxt *parser = xmlSchemaNewParserCtxt("tests/exports/svd.xsd");
  xmlSchema *schema = xmlSchemaParse(parser);
  assert_non_null(schema);
  xmlSchemaValidCtxt *valid = xmlSchemaNewValidCtxt(schema);
  assert_int_equal(xmlSchemaValidateDoc(valid, doc), 0);
  // The schema can refuse: a register without an offset, a field in the wrong place.
  xmlNode *reg = child(child(child(child(xmlDocGetRootElement(doc), "peripherals"), "peripheral"), "registers"), "register");
  xmlNode *offset = child(reg, "addressOffset");
  xmlUnlinkNode(offset);
  xmlFreeNode(offset);
  xmlSchemaSetValidErrors(valid, say_nothing, say_nothing, NULL);
  assert_int_not_equal(xmlSchemaValidateDoc(valid, doc), 0);
  xmlSchemaFreeValidCtxt(valid);
  xmlSchemaFree(schema);
  xmlSchemaFreeParserCtxt(parser);
  xmlFreeDoc(doc);
}

static void check_field(xmlNode *n, const char *name, unsigned msb, unsigned lsb, const char *text) {
  char range[16];
  snprintf(range, sizeof range, "[%u:%u]", msb, lsb);
  if (!n) fail_msg("the field %s is missing", name);
  is(n, "name", name);
  is(n, "bitRange", range);
  is(n, "description", text);
}

static void check_faults(xmlNode *field) {
  check_field(field, "CODE", 3, 0, "fault code");
  xmlNode *value = child(child(field, "enumeratedValues"), "enumeratedValue");
  for (size_t i = 0; i < COUNT(faults); i++, value = next(value)) {
    if (!value) fail_msg("the fault %s is missing", faults[i].name);
    is(value, "name", faults[i].name);
    is(value, "description", faults[i].text);
    is_number(value, "value", faults[i].value);
    if (i + 1 == COUNT(faults)) assert_null(next(value));
  }
}

static void check_access(xmlNode *n, const csr_info *c) {
  bool control = !strcmp(c->name, "CONTROL"), acts = !strcmp(c->access, "W1");
  is(n, "access", !strcmp(c->access, "RO") ? "read-only" : control ? "write-only" : "read-write");
  if (acts) is(n, "modifiedWriteValues", control ? "oneToSet" : "oneToClear");
  else assert_null(child(n, "modifiedWriteValues"));
}

static void check_register(xmlNode *n, const csr_info *c) {
  is(n, "name", c->name);
  is(n, "description", *c->text ? c->text : c->name);
  is_number(n, "addressOffset", c->offset);
  is_number(n, "size", 32);
  is_number(n, "resetValue", c->reset);
  is_number(n, "resetMask", strcmp(c->name, "BUILD_ID") ? UINT32_MAX : 0);
  check_access(n, c);
  xmlNode *field = child(child(n, "fields"), "field");
  if (!strcmp(c->name, "ERROR")) {
    check_faults(field);
    return;
  }
  for (size_t i = 0; i < COUNT(fields); i++) {
    if (strcmp(fields[i].csr, c->name)) continue;
    check_field(field, fields[i].name, fields[i].msb, fields[i].lsb, fields[i].text);
    field = next(field);
  }
  assert_null(field);
}

static void svd_holds_every_register(void **state) {
  (void)state;
  xmlDoc *doc = read_svd();
  xmlNode *peripheral = child(child(xmlDocGetRootElement(doc), "peripherals"), "peripheral");
  xmlNode *reg = child(child(peripheral, "registers"), "register");
  assert_null(next(peripheral));
  is_number(child(peripheral, "addressBlock"), "size", 0x1000);
  for (size_t i = 0; i < COUNT(csrs); i++) {
    if (!reg) fail_msg("the register %s is missing", csrs[i].name);
    check_register(reg, &csrs[i]);
    assert_true(csrs[i].offset + 4 <= 0x1000);
    reg = next(reg);
  }
  assert_null(reg);
  xmlFreeDoc(doc);
}

// ---- LiteX ------------------------------------------------------------------------

static void lower_name(char *out, size_t size, const char *prefix, const char *name) {
  snprintf(out, size, "%s%s%s", prefix, *prefix ? "_" : "", name);
  for (; *out; out++) *out = (char)(*out >= 'A' && *out <= 'Z' ? *out + 32 : *out);
}

static const char *litex_type(const char *access) { return strcmp(access, "RO") ? "rw" : "ro"; }

static void check_json_registers(const json_t *all, const char *prefix, const csr_info *c, size_t count, uint32_t base) {
  for (size_t i = 0; i < count; i++) {
    char name[80];
    lower_name(name, sizeof name, prefix, c[i].name);
    const json_t *r = json_object_get(all, name);
    if (!r) fail_msg("%s is missing", name);
    assert_int_equal(json_integer_value(json_object_get(r, "addr")), base + c[i].offset);
    assert_int_equal(json_integer_value(json_object_get(r, "size")), 1);
    assert_string_equal(json_string_value(json_object_get(r, "type")), litex_type(c[i].access));
  }
}

static json_t *read_json(const char *path) {
  json_error_t error;
  json_t *o = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
  if (!o) fail_msg("%s:%d: %s", path, error.line, error.text);
  assert_int_equal(json_object_size(o), 4);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "constants"), "config_csr_data_width")), 32);
  return o;
}

static uint32_t base_of(const char *name) {
  for (size_t i = 0; i < COUNT(regions); i++)
    if (!strcmp(regions[i].name, name)) return regions[i].value;
  fail_msg("soc.def has no region %s", name);
  return 0;
}

static void litex_json_of_the_accelerator(void **state) {
  (void)state;
  json_t *o = read_json(MX_GEN "/mxforge.csr.json"), *registers = json_object_get(o, "csr_registers");
  assert_int_equal(json_object_size(registers), COUNT(csrs));
  check_json_registers(registers, "mxforge", csrs, COUNT(csrs), 0);
  assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "csr_bases"), "mxforge")), 0);
  assert_int_equal(json_object_size(json_object_get(o, "memories")), 0);
  json_decref(o);
}

static void litex_json_of_the_system(void **state) {
  (void)state;
  json_t *o = read_json(MX_GEN "/mxforge_soc.csr.json"), *registers = json_object_get(o, "csr_registers");
  assert_int_equal(json_object_size(registers), COUNT(csrs) + COUNT(socregs));
  check_json_registers(registers, "mxforge", csrs, COUNT(csrs), base_of("ACCEL"));
  check_json_registers(registers, "system", socregs, COUNT(socregs), base_of("SYSTEM"));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "csr_bases"), "mxforge")), base_of("ACCEL"));
  assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "csr_bases"), "system")), base_of("SYSTEM"));
  assert_int_equal(json_object_size(json_object_get(o, "memories")), COUNT(regions));
  for (size_t i = 0; i < COUNT(regions); i++) {
    char name[80];
    lower_name(name, sizeof name, "", regions[i].name);
    const json_t *m = json_object_get(json_object_get(o, "memories"), name);
    assert_int_equal(json_integer_value(json_object_get(m, "base")), regions[i].value);
    assert_int_equal(json_integer_value(json_object_get(m, "size")), regions[i].bytes);
  }
  json_decref(o);
}

// A line of csr.csv: five cells, the last ones may be empty.
static void split(char *line, char *cell[5]) {
  line[strcspn(line, "\n")] = 0;
  for (int i = 0; i < 5; i++) {
    if (!line) fail_msg("a line has fewer than 5 cells");
    cell[i] = line;
    line = strchr(line, ',');
    if (line) *line++ = 0;
  }
  assert_null(line);
}

// What csr.csv says is what csr.json says.
static void check_csv(const char *csv, const char *as_json) {
  json_t *o = read_json(as_json);
  FILE *f = fopen(csv, "r");
  char line[200], *cell[5];
  size_t entries = 0, expected = 0;
  assert_non_null(f);
  while (fgets(line, sizeof line, f)) {
    if (*line == '#') continue;
    split(line, cell);
    entries++;
    uint32_t value = to_number(cell[2]);
    if (!strcmp(cell[0], "csr_base")) {
      assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "csr_bases"), cell[1])), value);
    } else if (!strcmp(cell[0], "constant")) {
      assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "constants"), cell[1])), value);
    } else {
      bool memory = !strcmp(cell[0], "memory_region");
      if (!memory) assert_string_equal(cell[0], "csr_register");
      const json_t *entry = json_object_get(json_object_get(o, memory ? "memories" : "csr_registers"), cell[1]);
      assert_int_equal(json_integer_value(json_object_get(entry, memory ? "base" : "addr")), value);
      assert_int_equal(json_integer_value(json_object_get(entry, "size")), to_number(cell[3]));
      assert_string_equal(json_string_value(json_object_get(entry, "type")), cell[4]);
    }
  }
  const char *section;
  json_t *entry;
  json_object_foreach(o, section, entry) expected += json_object_size(entry);
  assert_int_equal(entries, expected);
  fclose(f);
  json_decref(o);
}

static void litex_csv_says_the_same(void **state) {
  (void)state;
  check_csv(MX_GEN "/mxforge.csr.csv", MX_GEN "/mxforge.csr.json");
  check_csv(MX_GEN "/mxforge_soc.csr.csv", MX_GEN "/mxforge_soc.csr.json");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(svd_keeps_to_the_schema),       cmocka_unit_test(svd_holds_every_register),
      cmocka_unit_test(litex_json_of_the_accelerator), cmocka_unit_test(litex_json_of_the_system),
      cmocka_unit_test(litex_csv_says_the_same),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  xmlCleanupParser();
  return failed;
}
