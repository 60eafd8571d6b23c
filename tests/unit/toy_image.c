#include "tests/unit/toy_image.h"

#include <stdio.h>
#include <stdlib.h>

#include "compiler/import/tokenizer.h"
#include "golden/bytes.h"
#include "golden/stream.h"

enum { UCODE = 0x400, WEIGHTS = 0x800, ROWS = 0x1000, CACHE = 0x2100, COLUMNS = 0x2600, SCALES = 0x2e00 };
enum { WIDTH = 32, ROW_BYTES = 4 * WIDTH, ONE = 0x3f800000, QUARTER = 0x3e800000 };
enum { V_ROW = 64, V_LOGITS = 128, V_RESULT = 200 };  // VMEM words
enum { U_QUANTIZE = 0, U_ARGMAX = 2, U_WORDS = 4 };   // entries in the control store

static const mx_stream_format weight_format = {.bits = MX_BITS_8, .scale = MX_SCALE_E8M0, .block = 1};

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "toy_image: %s\n", what);
  exit(1);
}

static void put_word(mx_image *im, uint32_t addr, uint32_t word) {
  mx_store_u32(im->memory + addr, word);
}

void toy_insn(toy_writer *w, unsigned op, unsigned waits, const toy_field *fields) {
  mx_insn in = {.word = {op | waits << MX_WAIT_LSB}};
  for (; fields->field; fields++) require(mx_put(&in, fields->field, fields->value), "a value does not fit its field");
  for (uint32_t i = 0; i < 4; i++) put_word(w->image, w->addr + 4 * i, in.word[i]);
  w->addr += MX_INSTRUCTION_BYTES;
}

void toy_ident(toy_writer *w) { TOY_INSN(w, IDENT, 0, {MX_F_IDENT_build_id, w->image->params->build_id}); }

static uint32_t field(unsigned f, uint32_t value) { return value << f % 256; }

static void write_ucode(mx_image *im) {
  put_word(im, UCODE + 4 * U_QUANTIZE,
           (uint32_t)MX_UOP_QUANT << MX_UOP_LSB | field(MX_UF_QUANT_a, 0) | field(MX_UF_QUANT_n, 1) |
               field(MX_UF_QUANT_bank, 2) | field(MX_UF_QUANT_dst, 3) | field(MX_UF_QUANT_bits, MX_BITS_8) |
               field(MX_UF_QUANT_block, 1));
  put_word(im, UCODE + 4 * U_ARGMAX,
           (uint32_t)MX_UOP_MOV << MX_UOP_LSB | field(MX_UF_VEC_dst, 0) | field(MX_UF_VEC_a, 1) |
               field(MX_UF_VEC_b, 1) | field(MX_UF_VEC_n, 2) | field(MX_UF_VEC_red, MX_RED_ARGMAX));
}

// Row r of the weights is 64 at column r, with 6 fraction bits: 1.
static void write_weights(mx_image *im) {
  uint8_t *unit = im->memory + WEIGHTS;
  for (uint32_t r = 0; r < im->params->GROUP; r++) {
    unit[mx_scale_offset(im->params, &weight_format, r)] = 127;
    mx_code_write(im->params, &weight_format, unit, r, r, 64);
  }
}

static void write_rows(mx_image *im) {
  for (uint32_t t = 0; t < TOY_VOCAB; t++)
    for (uint32_t i = 0; i < WIDTH; i++)
      put_word(im, ROWS + t * ROW_BYTES + 4 * i, i == toy_next(t) ? (uint32_t)ONE : (uint32_t)QUARTER);
}

static void write_init(mx_image *im) {
  toy_writer w = {im, TOY_INIT};
  toy_ident(&w);
  TOY_INSN(&w, UCODE, 0, {MX_F_UCODE_addr, UCODE}, {MX_F_UCODE_dst, 0}, {MX_F_UCODE_count, U_WORDS});
  TOY_INSN(&w, HALT, MX_WAIT_MOVE, {0, 0});
}

static void write_choice(toy_writer *w) {
  uint32_t unit16 = mx_unit_bytes(w->image->params, &weight_format) / 16;
  TOY_INSN(w, STREAM, 0, {MX_F_STREAM_addr, WEIGHTS}, {MX_F_STREAM_segments, 1}, {MX_F_STREAM_units, 1},
           {MX_F_STREAM_unit16, unit16});
  TOY_INSN(w, VEC, MX_WAIT_MOVE, {MX_F_VEC_entry, U_QUANTIZE}, {MX_F_VEC_u0, V_ROW}, {MX_F_VEC_u1, WIDTH});
  TOY_INSN(w, MATMUL, MX_WAIT_VEC, {MX_F_MATMUL_bits, MX_BITS_8}, {MX_F_MATMUL_scale, MX_SCALE_E8M0},
           {MX_F_MATMUL_block, 1}, {MX_F_MATMUL_frac, 12}, {MX_F_MATMUL_groups, 1}, {MX_F_MATMUL_blocks, 1},
           {MX_F_MATMUL_dst, V_LOGITS});
  TOY_INSN(w, VEC, MX_WAIT_DOT, {MX_F_VEC_entry, U_ARGMAX}, {MX_F_VEC_u0, V_RESULT}, {MX_F_VEC_u1, V_LOGITS},
           {MX_F_VEC_u2, TOY_VOCAB});
}

// Row and column `position` of two caches, and the scale of the row.
static void write_caches(toy_writer *w) {
  TOY_INSN(w, PUTROW, 0, {MX_F_PUTROW_r, 2}, {MX_F_PUTROW_bits, MX_BITS_8}, {MX_F_PUTROW_block, 1},
           {MX_F_PUTROW_addr, CACHE}, {MX_F_PUTROW_blocks, 1});
  TOY_INSN(w, PUTCOL, 0, {MX_F_PUTCOL_r, 2}, {MX_F_PUTCOL_bits, MX_BITS_8}, {MX_F_PUTCOL_block, 1},
           {MX_F_PUTCOL_addr, COLUMNS}, {MX_F_PUTCOL_count, WIDTH}, {MX_F_PUTCOL_stride, 1024});
  TOY_INSN(w, PUTEXP, 0, {MX_F_PUTEXP_a, 2}, {MX_F_PUTEXP_addr, SCALES});
}

static void write_token(mx_image *im) {
  toy_writer w = {im, TOY_TOKEN};
  toy_ident(&w);
  TOY_INSN(&w, ARG, 0, {MX_F_ARG_d, 5}, {MX_F_ARG_a, 1}, {MX_F_ARG_mask, UINT32_MAX}, {MX_F_ARG_mul, ROW_BYTES});
  TOY_INSN(&w, LOAD, 0, {MX_F_LOAD_a, 5}, {MX_F_LOAD_addr, ROWS}, {MX_F_LOAD_dst, V_ROW}, {MX_F_LOAD_count, WIDTH});
  write_choice(&w);
  write_caches(&w);
  TOY_INSN(&w, STORE, MX_WAIT_VEC, {MX_F_STORE_addr, TOY_RESULT}, {MX_F_STORE_src, V_RESULT}, {MX_F_STORE_count, 1});
  TOY_INSN(&w, STORE, 0, {MX_F_STORE_addr, TOY_LOGITS}, {MX_F_STORE_src, V_LOGITS}, {MX_F_STORE_count, TOY_VOCAB});
  TOY_INSN(&w, HALT, MX_WAIT_MOVE, {0, 0});
}

static void write_tokenizer(mx_image *im) {
  static const struct { const char *text; mx_piece_type type; } p[TOY_VOCAB] = {
      {"<unk>", MX_PIECE_UNKNOWN}, {"<s>", MX_PIECE_CONTROL}, {"\u2581", MX_PIECE_NORMAL}, {"a", MX_PIECE_NORMAL},
      {"b", MX_PIECE_NORMAL},      {"c", MX_PIECE_NORMAL},    {"</s>", MX_PIECE_CONTROL}, {"d", MX_PIECE_NORMAL}};
  const mx_tokenizer_config config = {.vocab_size = TOY_VOCAB, .bos = TOY_BOS, .eos = TOY_EOS, .unk = 0};
  mx_piece pieces[TOY_VOCAB];
  mx_tokenizer *t;
  mx_error e = {0};
  for (int i = 0; i < TOY_VOCAB; i++) pieces[i] = (mx_piece){p[i].text, (uint32_t)strlen(p[i].text), 0, p[i].type};
  require(!mx_tokenizer_new(pieces, &config, MX_NOWHERE, &t, &e), e.text);
  im->tokenizer_bytes = (uint32_t)mx_tokenizer_write(t, NULL, 0);
  im->tokenizer = malloc(im->tokenizer_bytes);
  require(im->tokenizer, "out of memory");
  mx_tokenizer_write(t, im->tokenizer, im->tokenizer_bytes);
  mx_tokenizer_free(t);
}

static void write_notes(mx_image *im) {
  static const mx_note notes[] = {{TOY_INIT, "init"}, {TOY_TOKEN, "embedding"}, {TOY_TOKEN + 0x30, "choice"},
                                  {TOY_TOKEN + 0x70, "caches"}, {TOY_TOKEN + 0xa0, "result"}};
  im->notes = malloc(sizeof notes);
  require(im->notes, "out of memory");
  memcpy(im->notes, notes, sizeof notes);
  im->n_notes = sizeof notes / sizeof *notes;
}

mx_image *toy_image(const char *set) {
  mx_image *im = calloc(1, sizeof *im);
  require(im, "out of memory");
  *im = (mx_image){.params = mx_params_find(set), .mem_bytes = TOY_MEMORY, .init_entry = TOY_INIT,
                   .token_entry = TOY_TOKEN, .result_addr = TOY_RESULT, .logits_addr = TOY_LOGITS,
                   .vocab_size = TOY_VOCAB, .context_length = TOY_CONTEXT, .bos_id = TOY_BOS, .eos_id = TOY_EOS,
                   .memory = calloc(TOY_MEMORY, 1), .memory_bytes = TOY_MEMORY};
  require(im->params && im->memory, "no such set, or out of memory");
  write_init(im);
  write_token(im);
  write_ucode(im);
  write_weights(im);
  write_rows(im);
  write_tokenizer(im);
  write_notes(im);
  return im;
}
