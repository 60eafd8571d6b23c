// Assembler and disassembler: what the one prints the other takes back to the
// same bits, for random instructions and whole images; labels; each error.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/asm/asm.h"
#include "tests/unit/program.h"
#include "tests/unit/small_qmodel.h"

static test_random generator;

static mx_image *assemble(const char *text) {
  mx_image *image;
  mx_error e = {0};
  if (mx_as_text(text, strlen(text), "x.s", NULL, &image, &e)) fail_msg("%s", e.text);
  return image;
}

static uint32_t word_at(const mx_image *image, uint32_t addr) {
  assert_true(addr + 4 <= image->memory_bytes);
  uint32_t word;
  memcpy(&word, image->memory + addr, 4);  // tests run on little-endian hosts
  return word;
}

// ---- one line ------------------------------------------------------------------------

static void check_line(const char *section, const char *line, const uint32_t *words, uint32_t n) {
  char text[512];
  snprintf(text, sizeof text, ".set sim\n%s 0x100\n%s\n", section, line);
  mx_image *image = assemble(text);
  for (uint32_t i = 0; i < n; i++)
    if (word_at(image, 0x100 + 4 * i) != words[i])
      fail_msg("'%s' became %08x, expected %08x", line, word_at(image, 0x100 + 4 * i), words[i]);
  assert_int_equal(image->memory_bytes, 0x100 + 4 * n);
  mx_image_free(image);
}

// A value of the field: often one at its ends.
static uint64_t random_value(unsigned width) {
  uint64_t v = (uint64_t)test_random_u32(&generator) << 32 | test_random_u32(&generator), most = UINT64_MAX >> (64 - width);
  uint32_t kind = test_random_below(&generator, 6);
  return kind == 0 ? 0 : kind == 1 ? most : kind == 2 ? (v & 15) & most : v & most;
}

static void test_instructions(void **state) {
  (void)state;
  const mx_params *sim = mx_params_find("sim");
  for (const mx_op_info *op = mx_ops; op->name; op++)
    for (uint32_t run = 0; run < test_runs(60); run++) {
      mx_insn in = {{op->code | (uint32_t)random_value(3) << MX_WAIT_LSB}};
      for (const mx_field_info *f = mx_fields; f->op; f++)
        if (!strcmp(f->op, op->name)) assert_true(mx_put(&in, f->msb * 256 + f->lsb, random_value(f->msb - f->lsb + 1)));
      char text[MX_ASM_TEXT_BYTES];
      mx_dis_insn(&in, run % 2 ? sim : NULL, text);
      assert_true(strlen(text) < MX_ASM_TEXT_BYTES - 1);
      assert_null(strstr(text, ".raw"));
      check_line(".program token", text, in.word, 4);
    }
}

static void test_microinstructions(void **state) {
  (void)state;
  for (const mx_uop_info *op = mx_uops; op->name; op++)
    for (uint32_t run = 0; run < test_runs(60); run++) {
      mx_insn in = {{op->code << MX_UOP_LSB}};
      for (const mx_field_info *f = mx_ufields; f->op; f++)
        if (!strcmp(f->op, op->form)) assert_true(mx_put(&in, f->msb * 256 + f->lsb, random_value(f->msb - f->lsb + 1)));
      char text[MX_ASM_TEXT_BYTES];
      mx_dis_uop(in.word[0], text);
      assert_null(strstr(text, ".raw"));
      check_line(".ucode", text, in.word, 1);
    }
}

static void test_any_words(void **state) {
  (void)state;
  for (uint32_t run = 0; run < test_runs(2000); run++) {
    mx_insn in;
    char text[MX_ASM_TEXT_BYTES];
    for (int i = 0; i < 4; i++) in.word[i] = test_random_u32(&generator) >> (run % 3 * 10);
    mx_dis_insn(&in, NULL, text);
    check_line(".program init", text, in.word, 4);
    mx_dis_uop(in.word[0], text);
    check_line(".ucode", text, in.word, 1);
  }
}

// Text to bits by hand, one of each kind of word.
static void test_by_hand(void **state) {
  (void)state;
  check_line(".program token",
             "MATMUL wait=dm n=A6 k=A15 bits=mxint8 scale=f16 zero=1 block=3 frac=12 x=0x40 dst=-1 tokens=3",
             (uint32_t[4]){0x07 | 5 << 5 | 6 << 8 | 15u << 12 | 2 << 16 | 2 << 18 | 1 << 20 | 3 << 23 | 12 << 25, 0x40, 0xffff, 3 << 16}, 4);
  check_line(".program token", "  LOAD format=bf16 a=A11 addr=4096 count=010 ; ten",
             (uint32_t[4]){0x09 | 11 << 8 | 1 << 16, 4096, 10 << 16, 0}, 4);
  check_line(".program token", "TABLE half=1 entries=-2", (uint32_t[4]){0x05 | 1 << 8, 0, 0xfffffffe, 0xffffffff}, 4);
  check_line(".program token", "IDENT build_id=device # comment",
             (uint32_t[4]){1, mx_params_find("sim")->build_id, 0, 0}, 4);
  check_line(".program init", ".raw 1 2 0xffffffff -1", (uint32_t[4]){1, 2, UINT32_MAX, UINT32_MAX}, 4);
  check_line(".ucode", "MUL dst=U2 a=U0 b=U11 n=U3 bcast=1 fn=rsqrt red=argmax",
             (uint32_t[1]){0x0bu << 27 | 2 << 20 | 11 << 12 | 3 << 8 | 1 << 7 | 3 << 5 | 3 << 3}, 1);
  check_line(".ucode", "QUANT dst=U4 bits=mxint6 block=2", (uint32_t[1]){5u << 27 | 4 << 20 | 1 << 5 | 2 << 3}, 1);
  check_line(".ucode", "QUANT fixed=1 bits=mxint4 block=0", (uint32_t[1]){5u << 27 | 1 << 7}, 1);
  check_line(".ucode", ".raw 0xdeadbeef", (uint32_t[1]){0xdeadbeef}, 1);
}

static void test_raw_where_reserved(void **state) {
  (void)state;
  char text[MX_ASM_TEXT_BYTES];
  mx_dis_insn(&(mx_insn){{0x1f, 1, 2, 3}}, NULL, text);
  assert_string_equal(text, ".raw 0x0000001f 0x00000001 0x00000002 0x00000003");
  mx_dis_insn(&(mx_insn){{0, 0, 0, 0x80000000}}, NULL, text);
  assert_string_equal(text, ".raw 0x00000000 0x00000000 0x00000000 0x80000000");
  mx_dis_uop(1, text);
  assert_string_equal(text, ".raw 0x00000001");
}

// ---- labels and data --------------------------------------------------------------------

static void test_labels(void **state) {
  (void)state;
  mx_image *image = assemble(
      ".set tiny\n.program init 0x200\nstart:\n  HALT\n.program token 0x400\n"
      "  LOOP d=A5 target=late\nearly:\n  FENCE\nlate:\n  LOOP d=A6 target=early\n"
      ".ucode 0x600\n  LI d=U1\nu_top:\n  LOOPU d=U1 imm=u_top\n  LOOPU d=U2 imm=u_end\nu_end:\n  END\n");
  assert_int_equal(word_at(image, 0x404), 2);
  assert_int_equal(word_at(image, 0x424), 1);
  assert_int_equal(word_at(image, 0x604) & 0xffff, 1);
  assert_int_equal(word_at(image, 0x608) & 0xffff, 3);
  assert_int_equal(image->init_entry, 0x200);
  assert_int_equal(image->token_entry, 0x400);
  mx_image_free(image);
}

static void test_data(void **state) {
  (void)state;
  mx_image *image = assemble(
      ".set large\r\n.fact vocab_size 77\n.fact bos_id -1\n.memory 65536\n\n\t.word 0x10 1 0xffffffff -1\n"
      ".float 0x20 1 -0.5 inf\n.float 6 2");
  assert_int_equal(image->vocab_size, 77);
  assert_int_equal(image->bos_id, UINT32_MAX);
  assert_int_equal(image->mem_bytes, 65536);
  assert_string_equal(image->params->name, "large");
  const uint32_t words[] = {1, UINT32_MAX, UINT32_MAX, 0, 0x3f800000, 0xbf000000, 0x7f800000};
  for (uint32_t i = 0; i < 7; i++) assert_int_equal(word_at(image, 0x10 + 4 * i), words[i]);
  assert_int_equal(word_at(image, 6), 0x40000000);
  mx_image_free(image);
  image = assemble(".set sim\n.word 4096 1\n");  // memory is what the text needs
  assert_int_equal(image->mem_bytes, 8192);
  mx_image_free(image);
}

// ---- whole images --------------------------------------------------------------------------

static void check_image(const char *set, const test_shape *shape) {
  mx_qmodel *q = test_qmodel(shape, 9);
  mx_image *image = test_compile(q, set, 0), *again;
  char *text;
  size_t size;
  mx_error e = {0};
  FILE *to = open_memstream(&text, &size);
  assert_int_equal(mx_dis_image(image, to, &e), MX_OK);
  fclose(to);
  if (mx_as_text(text, size, "dis.s", image, &again, &e)) fail_msg("%s", e.text);
  assert_int_equal(again->memory_bytes, image->memory_bytes);
  assert_memory_equal(again->memory, image->memory, image->memory_bytes);
#define FACT(name, meaning) assert_int_equal(again->name, image->name);
  MX_IMAGE_FACTS(FACT)
#undef FACT
  assert_int_equal(again->n_notes, image->n_notes);
  assert_string_equal(again->info, image->info);
  mx_image_free(again);
  // Without a base the text gives both programs and the microcode by itself.
  if (mx_as_text(text, size, "dis.s", NULL, &again, &e)) fail_msg("%s", e.text);
  for (uint32_t at = image->token_entry; word_at(image, at) & 31; at += 4)
    assert_int_equal(word_at(again, at), word_at(image, at));
  mx_image_free(again);
  free(text);
  mx_image_free(image);
  mx_qmodel_free(q);
}

static void test_images(void **state) {
  (void)state;
  const test_shape shape = {4, 2, 16, 32, 48, 2, 40, "int4:64", MX_BITS_8, MX_BITS_4};
  const test_shape rich = {4, 1, 16, 32, 48, 1, 40, "mxfp4", MX_BITS_6, MX_BITS_8};
  for (const mx_params *p = mx_param_sets; p->name; p++) check_image(p->name, &shape);
  check_image("small", &rich);
}

// A program that leaves the stored memory is an error, not an endless listing.
static void test_no_halt(void **state) {
  (void)state;
  mx_image *image = assemble(".set sim\n.program init 0\n FENCE\n FENCE\n.program token 0\n");
  mx_error e = {0};
  FILE *to = fopen("/dev/null", "w");
  assert_int_equal(mx_dis_image(image, to, &e), MX_FORMAT);
  assert_non_null(strstr(e.text, "without HALT"));
  e = (mx_error){0};
  image->init_entry = 0xfffffff0;
  assert_int_equal(mx_dis_image(image, to, &e), MX_FORMAT);
  fclose(to);
  mx_image_free(image);
}

// ---- errors ----------------------------------------------------------------------------------

typedef struct { const char *text, *message; } bad;

static const bad errors[] = {
    {"", ".set NAME is missing"},
    {".set nano", "line 1: no parameter set 'nano'"},
    {".set sim\nHALT", "line 2: 'HALT' stands in no .program or .ucode"},
    {".program init 0\nHALT", "line 2: .set NAME must come first"},
    {".set sim\n.program main 0", "line 2: .program main: expected init, token or batch"},
    {".set sim\n.program init 2", "line 2: address 2: expected a multiple of 4"},
    {".set sim\n.ucode 0x20000000", "line 2: address 0x20000000"},
    {".set sim\n.ucode", "line 2: '.ucode' with 0 operands is no directive"},
    {".set sim\n.raw 1", "line 2: '.raw' with 1 operands is no directive (or stands in no section)"},
    {".set sim\n.what 1 2", "line 2: '.what' with 2 operands"},
    {".set sim\n.program init 0\n.raw 1 2 3", "line 3: .raw takes 4 words here"},
    {".set sim\n.ucode 0\n.raw 1 2", "line 3: .raw takes 1 words here"},
    {".set sim\n.program init 0\n.raw 1 2 3 0x100000000", "line 3: 0x100000000 does not fit 32 bits"},
    {".set sim\n.program init 0\n\n  JUMP", "line 4: no instruction 'JUMP'"},
    {".set sim\n.program init 0\nhalt", "line 3: no instruction 'halt'"},
    {".set sim\n.ucode 0\nHALT", "line 3: no microinstruction 'HALT'"},
    {".set sim\n.program init 0\nLOAD addr", "line 3: 'addr': expected field=value"},
    {".set sim\n.program init 0\nLOAD there=1", "line 3: LOAD has no field 'there'"},
    {".set sim\n.ucode 0\nMUL wait=d", "line 3: VEC has no field 'wait'"},
    {".set sim\n.program init 0\nLOAD wait=dx", "line 3: wait=x: expected letters of d, v, m"},
    {".set sim\n.program init 0\nLOAD count=65536", "line 3: 65536 does not fit 16 bits"},
    {".set sim\n.program init 0\nLOAD count=-32769", "line 3: -32769 does not fit 16 bits"},
    {".set sim\n.program init 0\nLOAD addr=99999999999999999999", "does not fit 32 bits"},
    {".set sim\n.program init 0\nTABLE entries=0x10000000000000000", "does not fit 64 bits"},
    {".set sim\n.program init 0\nLOAD a=A16", "line 3: 'A16' is no number, register or word"},
    {".set sim\n.program init 0\nLOAD a=U1", "line 3: 'U1' is no number"},
    {".set sim\n.program init 0\nLOAD count=", "line 3: '' is no number"},
    {".set sim\n.program init 0\nLOAD count=1x", "line 3: '1x' is no number"},
    {".set sim\n.program init 0\nLOAD count=- 1", "line 3: '-' is no number"},
    {".set sim\n.program init 0\nLOAD count=+1", "line 3: '+1' is no number"},
    {".set sim\n.program init 0\nLOAD format=f64", "line 3: 'f64' is no number"},
    {".set sim\n.program init 0\nPUTROW bits=mxint6", "line 3: 'mxint6' is no number"},
    {".set sim\n.program init 0\nx:\nFENCE\nx:", "line 5: label 'x' stands twice"},
    {".set sim\nx:", "line 2: label 'x': outside a section"},
    {".set sim\n.ucode 0\n:", "line 3: label '': outside a section, empty"},
    {".set sim\n.ucode 0\na_name_of_thirty_two_characters_:", "line 3: label"},
    {".set sim\n.ucode 0\nx: END", "line 3: a label stands alone on its line"},
    {".set sim\n.program init 0\nLOOP d=A1 target=away\nFENCE", "line 3: no label 'away'"},
    {".set sim\n.ucode 0\nu:\n.program init 64\nLOOP d=A1 target=u", "line 5: label 'u' stands in another section"},
    {".set sim\n.program init 0\nu:\n.program token 64\nLOOP d=A1 target=u", "line 5: label 'u' stands in another section"},
    {".set sim\n.word 0", "line 2: .word ADDRESS VALUE..."},
    {".set sim\n.word x 1", "line 2: 'x' is no number"},
    {".set sim\n.word 0 y", "line 2: 'y' is no number"},
    {".set sim\n.word 0 0x1ffffffff", "line 2: 0x1ffffffff does not fit 32 bits"},
    {".set sim\n.float 0 1.5x", "line 2: '1.5x' is no number"},
    {".set sim\n.word 0x10000000 1", "at most 0x10000000"},
    {".set sim\n.word 0xffffffff 1", "at most 0x10000000"},
    {".set sim\n.fact weight 1", "line 2: no fact 'weight'"},
    {".set sim\n.fact vocab_size many", "line 2: 'many' is no number"},
    {".set sim\n.memory 4294967296", "line 2: 4294967296 does not fit 32 bits"},
};

static void test_errors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    mx_image *image = NULL;
    mx_error e = {0};
    mx_status s = mx_as_text(errors[i].text, strlen(errors[i].text), "bad.s", NULL, &image, &e);
    if (s != MX_FORMAT || image || !strstr(e.text, errors[i].message))
      fail_msg("'%s': status %d, '%s', expected '%s'", errors[i].text, (int)s, e.text, errors[i].message);
    assert_string_equal(e.path, "bad.s");
  }
}

static void check_long(const char *text, size_t size, const char *message) {
  mx_image *image;
  mx_error e = {0};
  assert_int_equal(mx_as_text(text, size, "bad.s", NULL, &image, &e), MX_FORMAT);
  if (!strstr(e.text, message)) fail_msg("'%s', expected '%s'", e.text, message);
}

static void test_limits(void **state) {
  (void)state;
  char *text = calloc(1 << 19, 1);
  assert_non_null(text);
  memset(text, 'x', 1024);
  check_long(text, 1024, "line 1: longer than 1023 characters");
  for (int i = 0; i < 70; i++) memcpy(text + 2 * i, "a ", 2);
  check_long(text, 140, "line 1: more than 64 words");
  check_long(".set sim\0", 9, "line 1: a NUL byte");
  size_t n = (size_t)sprintf(text, ".set sim\n.ucode 0\n");
  for (int i = 0; i < 257; i++) n += (size_t)sprintf(text + n, "l%d:\n", i);
  check_long(text, n, "line 259: label 'l256'");
  n = (size_t)sprintf(text, ".set sim\n.program init 0\nx:\n");
  for (int i = 0; i < 1025; i++) n += (size_t)sprintf(text + n, "LOOP d=A1 target=x\n");
  check_long(text, n, "line 1028: more than 1024 uses of labels");
  n = (size_t)sprintf(text, ".set sim\n.ucode 0\nLOOPU d=U1 imm=far\n");
  for (int i = 0; i < 65535; i++, n += 4) memcpy(text + n, "END\n", 4);
  n += (size_t)sprintf(text + n, "far:\n");
  check_long(text, n, "line 3: label 'far' is too far");
  free(text);
}

static int seed(void **state) {
  (void)state;
  generator.state = test_seed();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_by_hand),   cmocka_unit_test(test_instructions), cmocka_unit_test(test_microinstructions),
      cmocka_unit_test(test_any_words), cmocka_unit_test(test_raw_where_reserved), cmocka_unit_test(test_labels),
      cmocka_unit_test(test_data),      cmocka_unit_test(test_images),       cmocka_unit_test(test_no_halt),
      cmocka_unit_test(test_errors),    cmocka_unit_test(test_limits),
  };
  return cmocka_run_group_tests(tests, seed, NULL);
}
