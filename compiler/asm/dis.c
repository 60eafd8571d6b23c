// Disassembler, driven by the tables of golden/isa.h.
#include <inttypes.h>
#include <stdarg.h>

#include "compiler/asm/asm.h"

typedef struct { char *text; size_t used; } line;

static void append(line *l, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  int n = vsnprintf(l->text + l->used, MX_ASM_TEXT_BYTES - l->used, fmt, ap);
  va_end(ap);
  l->used += (size_t)n;
  if (l->used >= MX_ASM_TEXT_BYTES) l->used = MX_ASM_TEXT_BYTES - 1;
}

static void append_field(line *l, const mx_field_info *f, uint64_t value) {
  char buffer[8];
  const char *word = mx_field_word(f, value, buffer);
  if (word) append(l, " %s=%s", f->name, word);
  else append(l, value > 4095 ? " %s=0x%" PRIx64 : " %s=%" PRIu64, f->name, value);
}

static void append_wait(line *l, unsigned wait) {
  if (wait) append(l, " wait=%s%s%s", wait & MX_WAIT_DOT ? "d" : "", wait & MX_WAIT_VEC ? "v" : "", wait & MX_WAIT_MOVE ? "m" : "");
}

void mx_dis_insn(const mx_insn *in, const mx_params *params, char text[MX_ASM_TEXT_BYTES]) {
  const mx_op_info *op = mx_op_find(in->word[0] & 0x1f);
  line l = {text, 0};
  if (!op || mx_reserved_bits_set(in)) {
    append(&l, ".raw 0x%08x 0x%08x 0x%08x 0x%08x", in->word[0], in->word[1], in->word[2], in->word[3]);
    return;
  }
  append(&l, "%s", op->name);
  append_wait(&l, in->word[0] >> MX_WAIT_LSB & 7);
  for (const mx_field_info *f = mx_fields; f->op; f++) {
    if (strcmp(f->op, op->name)) continue;
    uint64_t value = mx_get(in, f->msb * 256 + f->lsb);
    if (op->code == MX_OP_IDENT && params && value == params->build_id) append(&l, " build_id=device");
    else if (value) append_field(&l, f, value);
  }
}

static bool is_register(const mx_field_info *f) { return !strncmp(f->text, "register", 8); }

void mx_dis_uop(uint32_t word, char text[MX_ASM_TEXT_BYTES]) {
  const mx_uop_info *op = mx_uop_find(word >> MX_UOP_LSB);
  line l = {text, 0};
  if (!op || mx_ucode_reserved_bits_set(word)) {
    append(&l, ".raw 0x%08x", word);
    return;
  }
  append(&l, "%s", op->name);
  for (const mx_field_info *f = mx_ufields; f->op; f++)
    if (!strcmp(f->op, op->form) && (is_register(f) || mx_uget(word, f->msb * 256 + f->lsb)))
      append_field(&l, f, mx_uget(word, f->msb * 256 + f->lsb));
}

static mx_insn insn_at(const mx_image *image, uint32_t addr) { return mx_insn_load(image->memory + addr); }

static void print_ucode(const mx_image *image, const mx_insn *in, FILE *to) {
  uint32_t addr = (uint32_t)mx_get(in, MX_F_UCODE_addr), count = (uint32_t)mx_get(in, MX_F_UCODE_count);
  fprintf(to, "\n.ucode 0x%x\n", addr);
  for (uint32_t i = 0; i < count && (uint64_t)addr + 4 * i + 4 <= image->memory_bytes; i++) {
    char text[MX_ASM_TEXT_BYTES];
    mx_dis_uop(mx_load_u32(image->memory + addr + 4 * i), text);
    fprintf(to, "  %-56s ; %u\n", text, (uint32_t)mx_get(in, MX_F_UCODE_dst) + i);
  }
}

static mx_status print_program(const mx_image *image, const char *name, uint32_t addr, FILE *to, mx_insn *ucode, mx_error *e) {
  const char *note = "";
  fprintf(to, "\n.program %s 0x%x\n", name, addr);
  for (mx_insn in = {0};; addr += MX_INSTRUCTION_BYTES) {
    if ((uint64_t)addr + MX_INSTRUCTION_BYTES > image->memory_bytes)
      return mx_fail(e, MX_FORMAT, MX_NOWHERE, "program %s runs past the stored memory without HALT", name);
    const char *new_note = mx_image_note(image, addr);
    if (strcmp(note, new_note)) fprintf(to, "; %s\n", new_note);
    note = new_note;
    in = insn_at(image, addr);
    char text[MX_ASM_TEXT_BYTES];
    mx_dis_insn(&in, image->params, text);
    fprintf(to, "  %s\n", text);
    if ((in.word[0] & 0x1f) == MX_OP_UCODE) *ucode = in;
    if ((in.word[0] & 0x1f) == MX_OP_HALT) return MX_OK;
  }
}

mx_status mx_dis_image(const mx_image *image, FILE *to, mx_error *e) {
  mx_insn ucode = {0};
  fprintf(to, ".set %s\n", image->params->name);
#define FACT(name, text) fprintf(to, ".fact %s %u\n", #name, image->name);
  MX_IMAGE_FACTS(FACT)
#undef FACT
  mx_status s = print_program(image, "init", image->init_entry, to, &ucode, e);
  if (!s) s = print_program(image, "token", image->token_entry, to, &ucode, e);
  if (!s && image->batch_tokens) s = print_program(image, "batch", image->batch_entry, to, &ucode, e);
  if (!s && (ucode.word[0] & 0x1f) == MX_OP_UCODE) print_ucode(image, &ucode, to);
  return s;
}
