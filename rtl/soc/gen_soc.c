// Checks firmware/soc.def and prints the Verilog package mx_soc_pkg from it, or with a
// board's name the options that give mx_soc its parameters in Verilator.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct { const char *name; uint32_t base, bytes; } range;
typedef struct { const char *name; uint32_t offset; const char *access; } word;
typedef struct { const char *name, *word; uint32_t flash, bitstream; } board;
typedef struct { const char *name; uint32_t value; } named;
typedef struct { const char *board; uint32_t flash_lines, sdram_pins, rate, masked, column_bits, row_bits; } pins;

static const range regions[] = {
#define SOCREGION(name, base, bytes, text) {#name, base, bytes},
#include "firmware/soc.def"
    {0}};
static const range flash_parts[] = {
#define SOCFLASH(name, offset, bytes, text) {#name, offset, bytes},
#include "firmware/soc.def"
    {0}};
static const board boards[] = {
#define SOCBOARD(name, word, flash, bitstream, text) {#name, word, flash, bitstream},
#include "firmware/soc.def"
    {0}};
static const pins wiring[] = {
#define SOCPINS(board, flash, sdram, rate, masked, columns, rows) {#board, flash, sdram, rate, masked, columns, rows},
#include "firmware/soc.def"
    {0}};
static const word registers[] = {
#define SOCREG(name, offset, access, text) {#name, offset, #access},
#include "firmware/soc.def"
    {0}};
static const word head[] = {
#define SOCHEAD(name, offset, text) {#name, offset, "RO"},
#include "firmware/soc.def"
    {0}};

enum { REGISTERS = 32 };  // room for their masks
enum { ERASE_BYTES = 65536 };  // of a flash chip at once

static int bad;

static void refuse(const char *a, const char *b, const char *what) {
  fprintf(stderr, "firmware/soc.def: %s%s%s: %s\n", a, b ? " and " : "", b ? b : "", what);
  bad = 1;
}

static const range *region(const char *name) {
  for (const range *r = regions; r->name; r++)
    if (!strcmp(r->name, name)) return r;
  refuse(name, NULL, "there is no such region");
  return &regions[0];
}

static void check_ranges(const range *list, uint32_t unit) {
  for (const range *a = list; a->name; a++) {
    if (a->bytes == 0 || a->bytes % unit || a->base % unit) refuse(a->name, NULL, "base or size is odd");
    for (const range *b = list; b < a; b++)
      if (a->base - b->base < b->bytes || b->base - a->base < a->bytes) refuse(b->name, a->name, "overlap");
  }
}

// So that an address belongs to a region if its upper bits are those of the base.
static void check_regions(void) {
  check_ranges(regions, 4);
  for (const range *r = regions; r->name; r++)
    if (r->bytes & (r->bytes - 1) || r->base & (r->bytes - 1))
      refuse(r->name, NULL, "the size is no power of two, or the base no multiple of it");
}

static void check_words(const word *list, uint32_t bytes) {
  for (const word *a = list; a->name; a++) {
    if (a->offset % 4 || a->offset >= bytes) refuse(a->name, NULL, "the offset does not fit");
    if (strcmp(a->access, "RO") && strcmp(a->access, "RW") && strcmp(a->access, "WO"))
      refuse(a->name, NULL, "access is RO, RW or WO");
    for (const word *b = list; b < a; b++)
      if (a->offset == b->offset) refuse(b->name, a->name, "share an offset");
  }
}

// In the order in which mxf flash puts them into its file.
static void check_parts(void) {
  check_ranges(flash_parts, ERASE_BYTES);
  for (const range *f = flash_parts; f->name; f++) {
    if (f->base + f->bytes > region("FLASH")->bytes) refuse(f->name, "FLASH", "the part lies beyond the region");
    if (f > flash_parts && f->base < f[-1].base) refuse(f[-1].name, f->name, "not in the order of their offsets");
  }
}

static void check_board(const board *b) {
  if (strlen(b->word) != 4) refuse(b->name, NULL, "the word is not four characters");
  if (!b->flash || b->flash & (b->flash - 1) || b->flash > region("FLASH")->bytes)
    refuse(b->name, "FLASH", "the chip's size is no power of two, or more than the region's");
  if (b->bitstream % ERASE_BYTES) refuse(b->name, NULL, "the bitstream's bytes are no multiple of an erase block");
  for (const range *f = flash_parts; f->name; f++)
    if (b->bitstream > b->flash || f->base >= b->flash - b->bitstream) refuse(b->name, f->name, "the chip has no room for the part");
  for (const board *o = boards; o < b; o++)
    if (!strcmp(o->name, b->name) || !strcmp(o->word, b->word)) refuse(o->name, b->name, "share a name or a word");
}

static const pins *pins_of(const board *b) {
  static const pins none = {0};
  for (const pins *p = wiring; p->board; p++)
    if (!strcmp(p->board, b->name)) return p;
  return &none;
}

static void check_pins(const board *b) {
  const pins *p = pins_of(b);
  if (p->flash_lines != 1 && p->flash_lines != 2 && p->flash_lines != 4) refuse(b->name, NULL, "a flash chip has 1, 2 or 4 lines");
  if ((p->sdram_pins != 16 && p->sdram_pins != 32) || p->rate < 1 || p->rate > 2 || p->sdram_pins * p->rate > 32)
    refuse(b->name, NULL, "the SDRAM has 16 pins, at rate 1 or 2, or 32");
  else if (p->column_bits > 10 || p->row_bits > 13 || p->sdram_pins / 2u << (p->column_bits + p->row_bits) > region("MEMORY")->bytes)
    refuse(b->name, "MEMORY", "the SDRAM is larger than the region");
}

static uint32_t mask_without(const char *access) {
  uint32_t m = 0;
  for (const word *r = registers; r->name; r++)
    if (strcmp(r->access, access)) m |= UINT32_C(1) << r->offset / 4;
  return m;
}

static uint32_t word_of(const board *b) {
  uint32_t w = 0;
  for (int i = 0; i < 4; i++) w |= (uint32_t)(unsigned char)b->word[i] << 8 * i;
  return w;
}

static void print_board(const board *b) {
  printf("  localparam logic [31:0] %s_BOARD = 32'h%08" PRIx32 ";  // \"%s\"\n", b->name, word_of(b), b->word);
  printf("  localparam int unsigned %s_FLASH_BYTES = %" PRIu32 ";\n", b->name, b->flash);
  printf("  localparam int unsigned %s_BITSTREAM_BYTES = %" PRIu32 ";\n", b->name, b->bitstream);
  const pins *p = pins_of(b);
  const named values[] = {{"FLASH_LINES", p->flash_lines}, {"SDRAM_PINS", p->sdram_pins}, {"SDRAM_RATE", p->rate},
                          {"SDRAM_MASKED", p->masked}, {"SDRAM_COLUMN_BITS", p->column_bits}, {"SDRAM_ROW_BITS", p->row_bits}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    printf("  localparam int unsigned %s_%s = %" PRIu32 ";\n", b->name, values[i].name, values[i].value);
}

// At rate 2 the second half of what is read comes a cycle later.
static void print_pin_options(const pins *p) {
  const named values[] = {{"FlashLines", p->flash_lines}, {"SdramDataBits", p->sdram_pins * p->rate}, {"SdramRate", p->rate},
                          {"SdramMasked", p->masked}, {"SdramColumnBits", p->column_bits}, {"SdramRowBits", p->row_bits},
                          {"SdramReadDelay", p->rate - 1}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) printf(" -G%s=%" PRIu32, values[i].name, values[i].value);
  putchar('\n');
}

static void print_options(const char *name) {
  for (const board *b = boards; b->name; b++)
    if (!strcmp(b->name, name)) {
      printf("-GBoard=%" PRIu32 " -GFlashBytes=%" PRIu32 " -GBitstreamBytes=%" PRIu32, word_of(b), b->flash, b->bitstream);
      print_pin_options(pins_of(b));
      return;
    }
  refuse(name, NULL, "there is no such board");
}

static void print(void) {
  puts("// Generated by rtl/soc/gen_soc.c from firmware/soc.def. Do not edit.\npackage mx_soc_pkg;");
  for (const range *r = regions; r->name; r++) {
    printf("  localparam logic [31:0] %s_BASE = 32'h%08" PRIx32 ";\n", r->name, r->base);
    printf("  localparam int unsigned %s_BYTES = %" PRIu32 ";\n", r->name, r->bytes);
  }
  puts("  // Words of SYSTEM: by number; one bit each for those that may be read, and written.");
  for (const word *r = registers; r->name; r++)
    printf("  localparam logic [4:0] SYS_%s = 5'd%" PRIu32 ";\n", r->name, r->offset / 4);
  printf("  localparam logic [31:0] SYS_READABLE = 32'h%08" PRIx32 ";\n", mask_without("WO"));
  printf("  localparam logic [31:0] SYS_WRITABLE = 32'h%08" PRIx32 ";\n", mask_without("RO"));
  puts("  // Boards: SYSTEM's BOARD, bytes of the flash chip and of the bitstream's part of it, pins.");
  for (const board *b = boards; b->name; b++) print_board(b);
  puts("endpackage");
}

int main(int argc, char **argv) {
  check_regions();
  check_parts();
  for (const board *b = boards; b->name; b++) check_board(b), check_pins(b);
  check_words(registers, 4 * REGISTERS);
  check_words(head, 4096);
  if (region("SYSTEM")->bytes < 4 * REGISTERS) refuse("SYSTEM", NULL, "too small for its words");
  if (!bad && argc > 1) print_options(argv[1]);
  else if (!bad) print();
  return bad;
}
