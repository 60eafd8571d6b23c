// Boot ROM and firmware on the instruction-set model of the system on chip, with the
// shipped model on the golden engine: they write what mxf run writes, and whatever is
// wrong ends in a sentence and a prompt.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "compiler/import/bytes.h"
#include "compiler/lower/lower.h"
#include "compiler/quant/quantize.h"
#include "firmware/mx_serial_host.h"
#include "firmware/mx_soc.h"
#include "sim/generate.h"
#include "sim/session.h"
#include "sim/soc/flash.h"
#include "sim/soc/platform.h"
#include "tests/unit/program.h"
#include "tests/unit/toy_image.h"

enum { CONTEXT = 32, TOKENS = 12, BOARD = 'T' | 'E' << 8 | 'S' << 16 | 'T' << 24 };
enum { BOOT_STEPS = 100000000, STEPS = 20000000 };
static const char ready[] = "can be typed\r\n> ";

// ---- models ------------------------------------------------------------------------

typedef struct {
  char path[96];
  mx_image *image;
  mx_tokenizer *tokenizer;
  uint8_t *flash;  // with firmware and image
  size_t flash_bytes;
  uint32_t flash_first;
  mx_flash_board board;  // whose chip that is
  const char *prompt;
} model;

static char directory[] = "/tmp/test_soc.XXXXXX";
static model shipped = {.prompt = "And God said"}, toy = {.prompt = "b"};  // toy: quickly loaded
static mx_file boot_program;
static mx_error e;

static void must(mx_status s) {
  if (s) fail_msg("%s: %s", e.path, e.text);
}

static mx_image *compile_shipped(void) {
  mx_model *m;
  mx_qmodel *q;
  mx_image *image;
  mx_quantize_options o = {.act_bits = MX_BITS_8, .kv_bits = MX_BITS_8};
  mx_compile_options c = {.params = mx_params_find("small"), .context = CONTEXT};
  must(mx_model_load("tests/models/kjv.gguf", NULL, &m, &e));
  must(mx_weight_format_parse("mxint4", &o.weights, &e));
  must(mx_quantize_model(m, &o, &q, &e));
  must(mx_compile(q, &c, &image, &e));
  mx_qmodel_free(q);
  mx_model_free(m);
  return image;
}

// A board's chip, with another word than any board has.
static mx_flash_board board(const char *name) {
  mx_flash_board b;
  must(mx_flash_board_find(name, &b, &e));
  b.word = BOARD;
  return b;
}

static void fill_flash(model *m) {
  mx_flash_parts parts = {.firmware = FIRMWARE "main.rv32im.bin", .image = m->path, .board = m->board};
  must(mx_flash_build(&parts, &m->flash, &m->flash_first, &m->flash_bytes, &e));
}

static void prepare(model *m, mx_image *image, const char *name) {
  m->image = image;
  snprintf(m->path, sizeof m->path, "%s/%s.mxp", directory, name);
  must(mx_image_write(m->path, image, &e));
  must(mx_tokenizer_read(image->tokenizer, image->tokenizer_bytes, MX_NOWHERE, &m->tokenizer, &e));
  m->board = board("sim");
  fill_flash(m);
}

static void discard(model *m) {
  unlink(m->path);
  free(m->flash);
  mx_tokenizer_free(m->tokenizer);
  mx_image_free(m->image);
}

static int set_up_all(void **state) {
  (void)state;
  if (!mkdtemp(directory)) return -1;
  must(mx_file_map(FIRMWARE "boot.bin", &boot_program, &e));
  prepare(&shipped, compile_shipped(), "shipped");
  prepare(&toy, toy_image("small"), "toy");
  return 0;
}

static int tear_down_all(void **state) {
  (void)state;
  discard(&shipped);
  discard(&toy);
  rmdir(directory);
  mx_file_unmap(&boot_program);
  return 0;
}

// ---- a platform --------------------------------------------------------------------

static mx_platform_options options_of(const model *m) {
  return (mx_platform_options){.set = "small", .engine = "golden", .boot = boot_program.data, .boot_bytes = boot_program.size_bytes,
                               .flash = m->flash, .flash_bytes = m->flash_bytes, .flash_first = m->flash_first,
                               .flash_ready = 100000, .memory_ready = 200000, .memory_bytes = 4 << 20, .clock_hz = 48000000,
                               .board = m->board, .mul_div = true};
}

static mx_platform *power_up(const mx_platform_options *o) {
  mx_platform *p;
  must(mx_platform_open(o, &p, &e));
  return p;
}

static void expect(mx_platform *p, const char *until, uint64_t most) {
  if (!mx_platform_run(p, until, most)) fail_msg("no '%s' in: %s", until, mx_platform_output(p));
}

static void type_text(mx_platform *p, const char *text) { mx_platform_type(p, text, strlen(text)); }

static void said(mx_platform *p, const char *sentence) {
  if (!strstr(mx_platform_output(p), sentence)) fail_msg("no '%s' in: %s", sentence, mx_platform_output(p));
}

static mx_platform *boot(const mx_platform_options *o) {
  mx_platform *p = power_up(o);
  expect(p, ready, BOOT_STEPS);
  return p;
}

static mx_status feed(void *self, const uint32_t *tokens, uint32_t count, bool is_prompt, uint32_t *taken, uint32_t *next, mx_error *error) {
  (void)is_prompt;
  return mx_session_feed(self, tokens, count, taken, next, error);
}

// What the session of `mxf run` makes of the prompt, as the line has it.
static void reference(const model *m, mx_sampler *sampler, char *out, size_t room) {
  static const mx_engine_options options = {0};
  mx_session s;
  mx_generation g;
  mx_generator generator = {.self = &s, .feed = feed};
  must(mx_session_open(&s, m->image, "golden", &options, &e));
  must(mx_session_begin(&s, &e));
  s.runtime.sampler = sampler;
  must(mx_generate(m->image, m->tokenizer, m->prompt, strlen(m->prompt), TOKENS, &generator, &g, &e));
  snprintf(out, room, "%.*s\r\n", (int)g.text_bytes, g.text);
  mx_generation_free(&g);
  mx_session_close(&s);
}

// Where a part of region FLASH lies in the chip.
static uint32_t part(const model *m, uint32_t offset) { return m->board.bitstream_bytes + offset; }

// Type the prompt; the text must be that of the reference.
static void writes(mx_platform *p, const model *m, mx_sampler *sampler) {
  char want[400], line[64];
  reference(m, sampler, want, sizeof want);
  type_text(p, "/n 12\r");
  expect(p, "/n 12\r\n> ", STEPS);
  snprintf(line, sizeof line, "%s\r", m->prompt);
  type_text(p, line);
  expect(p, "> ", STEPS);
  said(p, want);
}

// What main.ld.S keeps, with room.
static void check_stack(const mx_platform *p) { assert_in_range(mx_platform_stack_bytes(p), 200, 2048 - 256); }

// ---- what works --------------------------------------------------------------------

static void writes_what_mxf_run_writes(void **state) {
  (void)state;
  mx_platform_options o = options_of(&shipped);
  double begun = (double)clock() / CLOCKS_PER_SEC;
  mx_platform *p = boot(&o);
  double seconds = (double)clock() / CLOCKS_PER_SEC - begun;
  uint64_t before = mx_platform_instructions(p);
  said(p, "mxforge on TEST, 48000000 Hz, 4194304 bytes\r\n");
  writes(p, &shipped, NULL);
  printf("%.1f M instructions to boot, %.0f M per second; %.0f k for %d tokens; %u bytes of stack\n", 1e-6 * (double)before,
         1e-6 * (double)before / seconds, 1e-3 * (double)(mx_platform_instructions(p) - before), TOKENS, mx_platform_stack_bytes(p));
  check_stack(p);
  mx_platform_close(p);
}

static void draws_what_mxf_run_draws(void **state) {
  (void)state;
  static uint32_t scratch[100];
  mx_sampler sampler = {.temperature_milli = 900, .top_p_milli = 950, .scratch = scratch, .scratch_words = 100};
  mx_platform_options o = options_of(&shipped);
  mx_platform *p = boot(&o);
  mx_sampler_seed(&sampler, 7);
  type_text(p, "/temp 0.9\r/top-p 0.95\r/seed 7\r");
  expect(p, "/seed 7\r\n> ", STEPS);
  uint64_t before = mx_platform_instructions(p);
  writes(p, &shipped, &sampler);
  printf("%.2f M instructions for a token drawn from %u; %u bytes of stack\n", 1e-6 * (double)(mx_platform_instructions(p) - before) / TOKENS,
         shipped.image->vocab_size, mx_platform_stack_bytes(p));
  check_stack(p);
  mx_platform_close(p);
}

// Without the M extension, and on the cycle model with its interrupts.
static void other_processors_and_engines(void **state) {
  (void)state;
  uint8_t *flash;
  mx_flash_parts parts = {.firmware = FIRMWARE "main.rv32i.bin", .image = shipped.path, .board = shipped.board};
  mx_platform_options o = options_of(&shipped);
  must(mx_flash_build(&parts, &flash, &o.flash_first, &o.flash_bytes, &e));
  o.flash = flash;
  o.mul_div = false;
  o.engine = "cycle";
  mx_platform *p = boot(&o);
  writes(p, &shipped, NULL);
  type_text(p, "/stats\r");
  expect(p, "tokens\r\n> ", STEPS);
  said(p, "generated: 12 tokens, 11 programs, cycles of each: ");
  mx_platform_close(p);
  free(flash);
}

// The same firmware, in a chip that begins with less of a bitstream and just holds the model.
static void other_boards(void **state) {
  (void)state;
  model m = shipped;
  m.board = board("colorlight-i5");
  fill_flash(&m);
  assert_int_equal(m.flash_first, 512 << 10);
  mx_platform_options o = options_of(&m);
  mx_platform *p = boot(&o);
  writes(p, &m, NULL);
  mx_platform_close(p);
  o.board = shipped.board;  // whose firmware lies elsewhere
  p = power_up(&o);
  expect(p, "mxforge boot: no firmware in the flash chip; a key", STEPS);
  mx_platform_close(p);
  free(m.flash);
}

// Settings survive a reset.
static void settings_stay(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  mx_platform *p = boot(&o);
  type_text(p, "/n 1\r/temp 0.5\r/top-p 0.001\r/reset\r");
  expect(p, ready, BOOT_STEPS);
  type_text(p, "/stats\r");
  expect(p, "temperature 0.500, top-p 0.001, at most 1 tokens\r\n> ", STEPS);
  type_text(p, "b\r");
  expect(p, "bc\r\n> ", STEPS);
  mx_platform_close(p);
}

static void odd_prompts(void **state) {
  (void)state;
  static const char *const prompts[] = {"  two  spaces ", "caf\xc3\xa9 \xe2\x96\x81 \xf0\x9f\x98\x80", "\xff\xc3 ~<0x41></s>", "tab\there"};
  mx_platform_options o = options_of(&shipped);
  mx_platform *p = boot(&o);
  for (size_t i = 0; i < sizeof prompts / sizeof *prompts; i++) {
    model m = shipped;
    m.prompt = prompts[i];
    writes(p, &m, NULL);
  }
  mx_platform_close(p);
}

static void ctrl_c_stops(void **state) {
  (void)state;
  mx_platform_options o = options_of(&shipped);
  mx_platform *p = boot(&o);
  type_text(p, "And God said\r");
  expect(p, "God said unto", STEPS);
  type_text(p, "\x03");
  expect(p, "[stopped]\r\n> ", STEPS);
  writes(p, &shipped, NULL);
  mx_platform_close(p);
}

// ---- firmware that cannot be booted ------------------------------------------------

// Boot with a changed word in the flash chip: a message; then with the right one, after a key.
static void refuses_firmware(uint32_t at, uint32_t word, const char *sentence) {
  mx_platform_options o = options_of(&toy);
  mx_platform *p = power_up(&o);
  uint8_t bytes[4];
  mx_store_u32(bytes, word);
  mx_platform_write_flash(p, part(&toy, MX_SOC_FLASH_FIRMWARE) + at, bytes, sizeof bytes);
  type_text(p, "x");  // came before the message, so it is no key
  expect(p, "; a key tries again\r\n", STEPS);
  said(p, sentence);
  assert_false(mx_platform_run(p, "mxforge", 200000));
  type_text(p, " ");
  expect(p, "; a key tries again\r\n", STEPS);
  mx_platform_write_flash(p, toy.flash_first, toy.flash, toy.flash_bytes);
  type_text(p, " ");
  expect(p, ready, BOOT_STEPS);
  mx_platform_close(p);
}

static void bad_firmware_is_refused(void **state) {
  (void)state;
  refuses_firmware(MX_SOC_HEAD_MAGIC, UINT32_MAX, "mxforge boot: no firmware in the flash chip");
  refuses_firmware(MX_SOC_HEAD_BYTES, UINT32_MAX, "firmware of impossible size");
  refuses_firmware(MX_SOC_HEAD_BYTES, 0, "firmware of impossible size");
  refuses_firmware(MX_SOC_HEAD_COPY, 0x4000, "firmware of impossible size");  // no stack to boot with
  refuses_firmware(MX_SOC_HEAD_COPY, 6, "firmware of impossible size");
  refuses_firmware(MX_SOC_HEAD_BOARD, 'X', "firmware of another board");
  refuses_firmware(MX_SOC_HEAD_END + 0x100, 0, "damaged firmware: wrong checksum");
  refuses_firmware(MX_SOC_HEAD_END + 0x3800, 0, "damaged firmware: wrong checksum");  // of what is not copied
}

static void flash_chip_may_be_late_or_dead(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  o.flash_ready = 30000000;  // within a second
  mx_platform_close(boot(&o));
  o.flash_ready = 2 * o.clock_hz;
  mx_platform *p = power_up(&o);
  expect(p, "the flash chip does not answer; a key tries again\r\n", STEPS);
  type_text(p, "\r");
  expect(p, ready, BOOT_STEPS);  // meanwhile it was ready
  mx_platform_close(p);
  o.flash_silent = true;
  p = power_up(&o);
  expect(p, "the flash chip does not answer; a key tries again\r\n", 100000);
  mx_platform_close(p);
}

static void bus_error_while_booting(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  mx_platform *p = power_up(&o);
  mx_platform_break(p, MX_SOC_FLASH + MX_SOC_FLASH_FIRMWARE + 0x200, 4);
  expect(p, "mxforge boot: bus error at 20000200; a key tries again\r\n", STEPS);
  mx_platform_break(p, 0, 0);
  type_text(p, " ");
  expect(p, ready, BOOT_STEPS);
  mx_platform_close(p);
}

// ---- images that cannot be used ----------------------------------------------------

// The console is there and says what is wrong; /reset loads the image once it is right.
static void refuses_image(const mx_platform_options *o, uint32_t at, uint8_t flip, const char *sentence) {
  mx_platform *p = power_up(o);
  uint32_t there = part(&toy, MX_SOC_FLASH_IMAGE) + at;
  uint8_t byte = (uint8_t)(toy.flash[there - toy.flash_first] ^ flip);
  char error[200];
  mx_platform_write_flash(p, there, &byte, 1);
  snprintf(error, sizeof error, "error: %s\r\n> ", sentence);
  expect(p, error, BOOT_STEPS);
  type_text(p, "hello\r");
  expect(p, error, STEPS);
  mx_platform_write_flash(p, toy.flash_first, toy.flash, toy.flash_bytes);
  type_text(p, "/reset\r");
  if (o->build_change || o->memory_bytes < 4 << 20) expect(p, error, BOOT_STEPS);
  else expect(p, ready, BOOT_STEPS), writes(p, &toy, NULL);
  mx_platform_close(p);
}

static void bad_images_are_refused(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  refuses_image(&o, 0, 0xff, "there is no program image in the flash chip");
  refuses_image(&o, MX_IMAGE_SIZE_AT + 3, 1, "the program image in the flash chip has a size that cannot be");
  refuses_image(&o, 5000, 1, "the program image in the flash chip is damaged: its checksum is wrong");
  refuses_image(&o, MX_IMAGE_BUILD_AT, 1, "the program image in the flash chip is damaged: its checksum is wrong");
  o.memory_bytes = TOY_MEMORY;
  refuses_image(&o, 0, 0, "the program image needs more memory than there is");
}

// What the image says of its size must be within the chip: then the checksum is counted.
static void image_beyond_the_chip_is_refused(const char *name) {
  model m = toy;
  uint8_t size[8] = {0};
  m.board = board(name);
  fill_flash(&m);
  mx_platform_options o = options_of(&m);
  for (uint32_t more = 0; more < 2; more++) {
    mx_platform *p = power_up(&o);
    mx_store_u32(size, m.board.chip_bytes - part(&m, MX_SOC_FLASH_IMAGE) + more);
    mx_platform_write_flash(p, part(&m, MX_SOC_FLASH_IMAGE) + MX_IMAGE_SIZE_AT, size, sizeof size);
    expect(p, "\r\n> ", BOOT_STEPS);
    said(p, more ? "has a size that cannot be" : "is damaged: its checksum is wrong");
    mx_platform_close(p);
  }
  free(m.flash);
}

static void images_beyond_the_chip_are_refused(void **state) {
  (void)state;
  image_beyond_the_chip_is_refused("sim");
  image_beyond_the_chip_is_refused("colorlight-i5");
}

static void another_build_is_refused(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  char ids[100];
  o.build_change = 1;
  refuses_image(&o, 0, 0, "the program was made for another build of the device");
  mx_platform *p = power_up(&o);
  expect(p, "another build of the device\r\n> ", BOOT_STEPS);
  snprintf(ids, sizeof ids, "the image is for build 0x%08x, the accelerator is build 0x%08x\r\n",
           toy.image->params->build_id, toy.image->params->build_id + 1);
  said(p, ids);
  mx_platform_close(p);
}

static void sdram_that_does_not_come(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  o.memory_bytes = 0;
  mx_platform *p = power_up(&o);
  expect(p, "error: the SDRAM is not there\r\n> ", BOOT_STEPS);
  type_text(p, "/help\r");
  expect(p, "/reset", STEPS);
  mx_platform_close(p);
}

// ---- trouble while it runs ---------------------------------------------------------

static void bus_error_at_a_prompt(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  mx_platform *p = boot(&o);
  char error[64];
  uint32_t at = (uint32_t)MX_SOC_MEMORY + toy.image->result_addr;
  mx_platform_break(p, at, 4);
  type_text(p, "a\r");
  snprintf(error, sizeof error, "error: bus error at 0x%08x, instruction at 0x1", at);
  expect(p, error, STEPS);
  expect(p, "error: the program image was not loaded; /reset tries again\r\n> ", BOOT_STEPS + STEPS);
  mx_platform_break(p, 0, 0);
  type_text(p, "/reset\r");
  expect(p, ready, BOOT_STEPS);
  writes(p, &toy, NULL);
  mx_platform_close(p);
}

static void noise_on_the_line(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  mx_platform *p = boot(&o);
  test_random r = {test_seed()};
  for (int i = 0; i < 20; i++) {
    char noise[100];
    for (size_t k = 0; k < sizeof noise; k++) noise[k] = (char)test_random_u32(&r);
    mx_platform_type(p, noise, sizeof noise);
    mx_platform_run(p, "never said \x01", 500000);
  }
  type_text(p, "\x03\x03\x03\r\x03\x03\x03\x03");  // out of a text, or of frames that the noise began
  mx_platform_run(p, "never said \x01", STEPS);
  type_text(p, "\x15/reset\r");
  expect(p, ready, BOOT_STEPS);
  writes(p, &toy, NULL);
  mx_platform_close(p);
}

// ---- frames ------------------------------------------------------------------------

static bool line_send(void *self, const uint8_t *bytes, uint32_t count) { return mx_platform_type(self, bytes, count), true; }
static int line_receive(void *self, uint32_t timeout_ms) {
  int byte = mx_platform_take(self, 1000 + 1000 * (uint64_t)timeout_ms);
  return byte < 0 ? MX_LINE_SILENT : byte;
}
static uint32_t line_now(void *self) { return (uint32_t)(mx_platform_instructions(self) / 10000); }

static void host_takes_over_and_gives_back(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  mx_platform *p = boot(&o);
  mx_serial_host h = {.line = {p, line_send, line_receive, line_now}, .byte_ns = 1000, .patience_ms = 500, .tries = 4};
  uint32_t id = 0, words[300], back[300];
  type_text(p, "half a line");
  expect(p, "half a line", STEPS);
  assert_int_equal(mx_serial_open(&h), MX_SERIAL_OK);
  assert_int_equal(h.clock_hz, 48000000);
  assert_int_equal(h.memory_base, MX_SOC_MEMORY);
  assert_int_equal(h.memory_bytes, 4 << 20);
  assert_int_equal(mx_serial_read_csr(&h, MX_CSR_BUILD_ID, &id), MX_SERIAL_OK);
  assert_int_equal(id, toy.image->params->build_id);
  for (uint32_t i = 0; i < 300; i++) words[i] = i * 2654435761u;
  words[5] = 0x03030303;  // Ctrl-C within a frame
  uint64_t begun = mx_platform_instructions(p);
  assert_int_equal(mx_serial_put(&h, 0x1000, words, MX_FRAME_MAX_WORDS), MX_SERIAL_OK);
  assert_in_range(mx_platform_instructions(p) - begun, 0, 64 * h.out_bytes);  // a byte of build/soc-sim's line takes 320 cycles
  assert_int_equal(mx_serial_put(&h, 0x1000, words, 300), MX_SERIAL_OK);
  assert_int_equal(mx_serial_get(&h, 0x1000, back, 300), MX_SERIAL_OK);
  assert_memory_equal(words, back, sizeof words);
  assert_int_equal(mx_serial_get(&h, 4 << 20, back, 1), MX_SERIAL_REFUSED);
  type_text(p, "\x03\x03\x03");
  expect(p, ready, BOOT_STEPS);
  writes(p, &toy, NULL);
  mx_platform_close(p);
}

static void accidental_frames_end_with_enter(void **state) {
  (void)state;
  mx_platform_options o = options_of(&toy);
  mx_platform *p = boot(&o);
  type_text(p, "~");
  assert_false(mx_platform_run(p, "> ", 100000));
  type_text(p, "hello\r\r\r\r\r\r\r\r");
  expect(p, ready, BOOT_STEPS);
  writes(p, &toy, NULL);
  mx_platform_close(p);
}

// ---- the flash file ----------------------------------------------------------------

static void flash_refuses(mx_flash_parts parts, mx_status status, const char *why) {
  uint8_t *bytes;
  uint32_t first;
  size_t size;
  mx_error error = {0};
  if (!parts.board.chip_bytes) must(mx_flash_board_find("ulx3s", &parts.board, &e));
  assert_int_equal(mx_flash_build(&parts, &bytes, &first, &size, &error), status);
  if (!strstr(error.text, why)) fail_msg("no '%s' in: %s", why, error.text);
  assert_null(bytes);
}

static void flash_file_is_checked(void **state) {
  (void)state;
  const char *main_bin = FIRMWARE "main.rv32im.bin";
  flash_refuses((mx_flash_parts){0}, MX_USAGE, "nothing to put");
  flash_refuses((mx_flash_parts){.firmware = FIRMWARE "boot.bin"}, MX_FORMAT, "does not begin with MXFW");
  flash_refuses((mx_flash_parts){.firmware = "tests/models/kjv.gguf"}, MX_LIMIT, "the place FIRMWARE has in the flash chip of ulx3s");
  flash_refuses((mx_flash_parts){.bitstream = "tests/models/kjv.gguf"}, MX_LIMIT, "the place BITSTREAM has in the flash chip of ulx3s");
  flash_refuses((mx_flash_parts){.image = FIRMWARE "boot.bin"}, MX_FORMAT, "not a program image");
  flash_refuses((mx_flash_parts){.firmware = "nowhere"}, MX_IO, "cannot open");
  uint8_t *bytes;
  uint32_t first;
  size_t size;
  mx_flash_parts parts = {.bitstream = FIRMWARE "boot.bin", .firmware = main_bin};
  must(mx_flash_board_find("ulx3s", &parts.board, &e));
  must(mx_flash_build(&parts, &bytes, &first, &size, &e));
  assert_int_equal(first, 0);
  assert_memory_equal(bytes, boot_program.data, boot_program.size_bytes);
  for (size_t i = boot_program.size_bytes; i < parts.board.bitstream_bytes; i++) assert_int_equal(bytes[i], 0xff);
  assert_memory_equal(bytes + parts.board.bitstream_bytes, "MXFW", 4);
  assert_memory_equal(bytes + parts.board.bitstream_bytes + MX_SOC_HEAD_BOARD, "ULX3", 4);
  free(bytes);
}

// A file that just fits a place of the chip, and one byte more, which is told.
static void fits_up_to(const char *name, bool is_image, size_t most) {
  char path[96];
  mx_flash_parts parts = {.bitstream = path};
  uint8_t *bytes;
  uint32_t first;
  size_t size;
  mx_error error = {0};
  if (is_image) parts = (mx_flash_parts){.image = path};
  must(mx_flash_board_find(name, &parts.board, &e));
  snprintf(path, sizeof path, "%s/part", directory);
  FILE *f = fopen(path, "wb");
  assert_true(f && !ftruncate(fileno(f), (off_t)most));
  mx_status fits = mx_flash_build(&parts, &bytes, &first, &size, &error);
  assert_int_equal(fits, is_image ? MX_FORMAT : MX_OK);  // zeros are no image
  free(bytes);
  assert_int_equal(ftruncate(fileno(f), (off_t)most + 1), 0);
  fclose(f);
  flash_refuses(parts, MX_LIMIT, "bytes, 1 more than the place");
  unlink(path);
}

static void chips_of_boards(void **state) {
  (void)state;
  mx_flash_board b;
  mx_error error = {0};
  fits_up_to("ulx3s", false, 2 << 20);
  fits_up_to("ulx3s", true, (14 << 20) - (64 << 10));
  fits_up_to("colorlight-i5", false, 512 << 10);
  fits_up_to("colorlight-i5", true, (1536 << 10) - (64 << 10));
  must(mx_flash_board_find("COLORLIGHT_I5", &b, &e));
  assert_string_equal(b.name, "colorlight-i5");
  assert_int_equal(b.word, 'C' | 'L' << 8 | 'I' << 16 | '5' << 24);
  assert_int_equal(mx_flash_board_find("ulx3", &b, &error), MX_USAGE);
  assert_string_equal(error.text, "board 'ulx3': expected sim, ulx3s or colorlight-i5");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_what_mxf_run_writes), cmocka_unit_test(draws_what_mxf_run_draws),
      cmocka_unit_test(other_processors_and_engines), cmocka_unit_test(ctrl_c_stops),
      cmocka_unit_test(settings_stay),              cmocka_unit_test(odd_prompts),
      cmocka_unit_test(bad_firmware_is_refused),    cmocka_unit_test(flash_chip_may_be_late_or_dead),
      cmocka_unit_test(bus_error_while_booting),    cmocka_unit_test(bad_images_are_refused),
      cmocka_unit_test(another_build_is_refused),   cmocka_unit_test(sdram_that_does_not_come),
      cmocka_unit_test(bus_error_at_a_prompt),      cmocka_unit_test(noise_on_the_line),
      cmocka_unit_test(host_takes_over_and_gives_back),
      cmocka_unit_test(accidental_frames_end_with_enter), cmocka_unit_test(flash_file_is_checked),
      cmocka_unit_test(other_boards),               cmocka_unit_test(images_beyond_the_chip_are_refused),
      cmocka_unit_test(chips_of_boards),
  };
  return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
