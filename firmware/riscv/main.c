// The firmware of the system on chip: brings the program image from the flash chip to
// SDRAM and serves the console, or frames of mx_frame.def, on the serial line.
#include "firmware/mx_console.h"
#include "firmware/mx_load.h"
#include "firmware/mx_serial_board.h"
#include "firmware/riscv/soc.h"

enum {
  LINE_BYTES = 1024,
  MOST_COPIED = 65535,  // words, by COPY_WORDS
  DEFAULT_TOKENS = 128,
  WAITS_PER_SECOND = 64, MOST_SECONDS = 20,  // for a program of the accelerator
  MOST_TRAPS = 2,  // one after another
  LEAVES = 3,  // so many Ctrl-C, or Enter, in a row and outside of a frame end serving frames
  EXTERNAL_AND_TIMER = 1 << 11 | 1 << 7,     // of mie
};

static mx_console console;
static mx_runtime runtime;
static mx_text text;
static mx_serial_board line;
static bool loading;   // a trap now belongs to the image, not to a prompt
static uint32_t traps; // since an image was loaded
static uint8_t short_line[64];      // for commands, while there is no SDRAM to lend
static uint32_t memory_used;        // of the SDRAM

// What is seldom run stays in the flash chip (main.ld.S); what is said of traps is in RAM, as
// the chip may be what is missing.
#define COLD __attribute__((cold, noinline))
#define IN_RAM __attribute__((section(".data.text")))

// ---- the console's terminal --------------------------------------------------------

static void send(void *self, uint8_t byte) {
  (void)self;
  soc_send(byte);
}

static int receive(void *self, bool wait) {
  (void)self;
  for (;;) {
    int32_t byte = soc_receive();
    if (byte >= 0) return byte & 0xff;
    if (!wait) return MX_TERMINAL_NOTHING;
  }
}

static uint64_t now(void *self) {
  (void)self;
  uint32_t low = soc_read(MX_SOC_REG_TIME_LO);
  return (uint64_t)soc_read(MX_SOC_REG_TIME_HI) << 32 | low;
}

static void put(const char *sentence) { mx_terminal_put(&console.terminal, sentence); }

// ---- the accelerator ---------------------------------------------------------------

static uint32_t read_register(void *self, uint32_t offset) {
  (void)self;
  return *soc_word(MX_SOC_ACCEL + offset);
}

static void write_register(void *self, uint32_t offset, uint32_t value) {
  (void)self;
  *soc_word(MX_SOC_ACCEL + offset) = value;
}

// Sleep until the interrupt, or a while.
static bool wait(void *self, uint32_t polls) {
  uint64_t end = now(self) + soc_read(MX_SOC_REG_CLOCK_HZ) / WAITS_PER_SECOND;
  soc_write(MX_SOC_REG_COMPARE_HI, (uint32_t)(end >> 32));
  soc_write(MX_SOC_REG_COMPARE_LO, (uint32_t)end);
  __asm__ volatile("wfi");
  return polls < WAITS_PER_SECOND * MOST_SECONDS;
}

static uint8_t *memory_at(uint32_t addr) { return (uint8_t *)(MX_SOC_MEMORY + addr); }

static bool is_memory(uint32_t addr, uint32_t bytes) {
  uint32_t size = soc_read(MX_SOC_REG_MEMORY_BYTES);
  return bytes <= size && addr <= size - bytes;
}

// By words where it can be: each access takes its time, above all those of the flash chip.
static void copy(void *to, const void *from, uint32_t bytes) {
  uint8_t *t = to;
  const uint8_t *f = from;
  bool words = ((uintptr_t)t | (uintptr_t)f) % 4 == 0;
  for (; words && bytes >= 4; t += 4, f += 4, bytes -= 4) *(uint32_t *)(void *)t = *(const uint32_t *)(const void *)f;
  while (bytes--) *t++ = *f++;
}

static bool put_memory(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  (void)self;
  if (!is_memory(addr, bytes)) return false;
  copy(memory_at(addr), from, bytes);
  return true;
}

static bool get_memory(void *self, uint32_t addr, void *to, uint32_t bytes) {
  (void)self;
  if (!is_memory(addr, bytes)) return false;
  copy(to, memory_at(addr), bytes);
  return true;
}

// ---- the image ---------------------------------------------------------------------

// Words of the flash chip to `to` in SDRAM (0: nowhere); the CRC register after them. The hardware
// does it ten times as fast as the processor.
COLD static uint32_t copy_flash(const uint8_t *from, uint32_t to, uint32_t words, uint32_t crc) {
  soc_write(MX_SOC_REG_COPY_FROM, (uint32_t)from - MX_SOC_FLASH);
  soc_write(MX_SOC_REG_COPY_TO, to);
  soc_write(MX_SOC_REG_COPY_CRC, crc);
  for (uint32_t n; words; words -= n) {
    n = words < MOST_COPIED ? words : MOST_COPIED;
    soc_write(MX_SOC_REG_COPY_WORDS, n);
  }
  return soc_read(MX_SOC_REG_COPY_CRC);
}

COLD static uint32_t crc_of_flash(uint32_t crc, const uint8_t *words, uint32_t count) { return copy_flash(words, 0, count, crc); }

// Bytes of the flash chip, at a multiple of 4, to SDRAM.
COLD static void fetch(uint8_t *to, const uint8_t *from, uint32_t bytes) {
  copy_flash(from, (uint32_t)to, bytes / 4, 0);
  copy(to + bytes / 4 * 4, from + bytes / 4 * 4, bytes % 4);
}

// SDRAM above what is used, for as long as the image stays; NULL: there is no more.
COLD static void *lend(uint32_t bytes) {
  uint32_t at = memory_used, size = (bytes + 3) / 4 * 4;
  if (!is_memory(at, size)) return 0;
  memory_used += size;
  return memory_at(at);
}

// Tokenizer, and what the console borrows.
COLD static const char *set_up_console(const mx_loaded *image) {
  static const char full[] = "the program image needs more memory than there is";
  uint8_t *tokenizer = lend(image->tokenizer_bytes);
  if (!image->tokenizer) return "the program image has no tokenizer";
  if (!tokenizer) return full;
  fetch(tokenizer, image->tokenizer, image->tokenizer_bytes);
  if (mx_text_open(&text, tokenizer, image->tokenizer_bytes)) return mx_text_sentence(MX_TEXT_BAD);
  console.work_bytes = mx_text_work_bytes(&text, LINE_BYTES);
  console.max_prompt = image->facts.context_length;
  console.sampler.scratch_words = image->facts.vocab_size;
  console.tokens = lend(4 * console.max_prompt);
  console.work = lend(console.work_bytes);
  console.sampler.scratch = lend(4 * console.sampler.scratch_words);
  uint8_t *long_line = lend(LINE_BYTES);
  if (!console.tokens || !console.work || !console.sampler.scratch || !long_line) return full;
  console.line = long_line;
  console.line_bytes = LINE_BYTES;
  return 0;
}

COLD static const char *begin(const mx_loaded *image) {
  runtime.facts = image->facts;
  mx_driver_status s = mx_driver_probe(&runtime.device, image->facts.build_id);
  if (s == MX_DRIVER_OTHER_BUILD) {
    put("the image is for build ");
    mx_terminal_put_hex(&console.terminal, image->facts.build_id);
    put(", the accelerator is build ");
    mx_terminal_put_hex(&console.terminal, runtime.device.build_id);
    put("\n");
  }
  if (!s) s = mx_driver_reset(&runtime.device, runtime.max_polls);  // it may still run what wrote to this memory
  if (s) return mx_driver_text(s);
  if (!is_memory(0, image->facts.mem_bytes)) return "the program image needs more memory than there is";
  fetch(memory_at(0), image->memory, image->memory_bytes);
  __builtin_memset(memory_at(image->memory_bytes), 0, image->facts.mem_bytes - image->memory_bytes);
  memory_used = (image->facts.mem_bytes + 3) / 4 * 4;
  s = mx_runtime_begin(&runtime);
  return s ? mx_driver_text(s) : 0;
}

// NULL, or what is wrong.
COLD static const char *load_image(void) {
  const uint8_t *flash = (const uint8_t *)(MX_SOC_FLASH + MX_SOC_FLASH_IMAGE);
  mx_loaded image;
  if (!soc_wait_for(MX_SOC_REG_MEMORY_BYTES, UINT32_MAX)) return "the SDRAM is not there";
  if (soc_wait_for(MX_SOC_REG_FLASH_STATUS, MX_SOC_FLASH_READY | MX_SOC_FLASH_SILENT) != MX_SOC_FLASH_READY) return "the flash chip does not answer";
  mx_load_status l = mx_load_check(flash, soc_read(MX_SOC_REG_FLASH_BYTES) - MX_SOC_FLASH_IMAGE, crc_of_flash, &image);
  if (l) return mx_load_text(l);
  const char *problem = begin(&image);
  return problem ? problem : set_up_console(&image);
}

// Settings stay as they are, but for the first time.
COLD static void set_up(void) {
  mx_sampler sampler = console.sampler;
  uint32_t tokens = console.max_tokens;
  bool first = !console.terminal.send;
  console = (mx_console){.terminal = {.send = send, .receive = receive, .now = now, .clock_hz = soc_read(MX_SOC_REG_CLOCK_HZ), .echo = true},
                         .runtime = &runtime, .text = &text, .max_tokens = first ? DEFAULT_TOKENS : tokens,
                         .line = short_line, .line_bytes = sizeof short_line, .sampler = sampler};
  if (first) {
    console.sampler.top_p_milli = 1000;
    mx_sampler_seed(&console.sampler, 1);
  }
  runtime = (mx_runtime){.device.mmio = {0, read_register, write_register, wait}, .memory = {0, put_memory, get_memory},
                         .memory_base = MX_SOC_MEMORY, .max_polls = UINT32_MAX};
  soc_write(MX_SOC_REG_IRQ_ENABLE, MX_SOC_IRQ_ACCEL);
  __asm__ volatile(".option push\n .option arch, +zicsr\n csrw mie, %0\n .option pop" : : "r"(EXTERNAL_AND_TIMER));
}

COLD static void conclude(const char *problem) {
  loading = false;
  traps = 0;
  console.problem = problem;
  if (problem) put("error: "), put(problem), put("\n");
  else put("/help tells what can be typed\n");
}

COLD static void load(void) {
  set_up();
  put("loading the model\n");
  loading = true;
  conclude(load_image());
}

// ---- frames ------------------------------------------------------------------------

// 0: there is none.
static inline volatile uint32_t *board_word(uint32_t space, uint32_t addr) {
  if (space == MX_FRAME_SPACE_CSR && addr < MX_SOC_ACCEL_BYTES) return soc_word(MX_SOC_ACCEL + addr);
  if (space == MX_FRAME_SPACE_MEMORY && addr < soc_read(MX_SOC_REG_MEMORY_BYTES)) return soc_word(MX_SOC_MEMORY + addr);
  return 0;
}

static bool board_read(void *self, uint32_t space, uint32_t addr, uint32_t *word) {
  volatile uint32_t *at = board_word(space, addr);
  (void)self;
  if (at) *word = *at;
  return at;
}

static bool board_write(void *self, uint32_t space, uint32_t addr, uint32_t word) {
  volatile uint32_t *at = board_word(space, addr);
  (void)self;
  if (at) *at = word;
  return at;
}

static bool board_wait(void *self, uint32_t periods) {
  uint64_t end = now(self) + (uint64_t)periods * MX_FRAME_WAIT_CLOCKS;
  bool raised;
  do raised = soc_read(MX_SOC_REG_IRQ_STATUS) & MX_SOC_IRQ_ACCEL;
  while (!raised && now(self) < end);
  return raised;
}

// The host may change all of the memory meanwhile. If noise began this, a user who sees no
// answer will press Enter: ten at most end the frame.
static void serve_frames(void) {
  const mx_board board = {.send = send, .read = board_read, .write = board_write, .wait = board_wait,
                          .clock_hz = console.terminal.clock_hz, .memory_base_256 = (uint32_t)MX_SOC_MEMORY >> 8,
                          .memory_bytes = soc_read(MX_SOC_REG_MEMORY_BYTES)};
  mx_serial_board_open(&line, &board);
  mx_serial_board_take(&line, MX_FRAME_FLAG);
  for (int leaves = 0, last = 0, byte; leaves < LEAVES; last = byte) {
    while (line.in.open) mx_serial_board_take(&line, (uint8_t)receive(0, true));
    byte = receive(0, true);
    leaves = byte != MX_FRAME_BREAK && byte != '\r' ? 0 : byte == last ? leaves + 1 : 1;
    mx_serial_board_take(&line, (uint8_t)byte);
  }
  put("\n");
}

// ---- the program -------------------------------------------------------------------

_Noreturn static void serve(void) {
  for (;;) {
    if (mx_console_run(&console) == MX_CONSOLE_SERIAL) serve_frames();
    load();
  }
}

COLD void program_main(void) {
  uint32_t board = soc_read(MX_SOC_REG_BOARD);
  const char name[5] = {(char)board, (char)(board >> 8), (char)(board >> 16), (char)(board >> 24), 0};
  set_up();
  put("\nmxforge on ");
  put(name);
  put(", ");
  mx_terminal_put_number(&console.terminal, console.terminal.clock_hz);
  put(" Hz, ");
  mx_terminal_put_number(&console.terminal, soc_read(MX_SOC_REG_MEMORY_BYTES));
  put(" bytes\n");
  load();
  serve();
}

// The device may be at work with a memory that failed: everything begins anew, but what
// failed while it was loaded is not loaded again and again.
void program_trapped(uint32_t cause, uint32_t pc, uint32_t value) {
  static const char bus_error[] IN_RAM = "\r\nerror: bus error at 0x", trap[] IN_RAM = "\r\nerror: trap 0x";
  static const char by[] IN_RAM = ", instruction at 0x", end[] IN_RAM = "\r\n", key[] IN_RAM = "a key tries again\r\n";
  bool bus = soc_is_bus_error(cause), was_loading = loading;
  soc_put(bus ? bus_error : trap);
  soc_put_hex(bus ? value : cause);
  soc_put(by);
  soc_put_hex(pc);
  soc_put(end);
  if (++traps > MOST_TRAPS) {
    soc_put(key);
    receive(0, true);
  }
  set_up();
  if (was_loading) conclude("the program image was not loaded; /reset tries again");
  else load();
  serve();
}
