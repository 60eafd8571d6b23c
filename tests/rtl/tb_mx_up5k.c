// tb: top=mx_up5k set=tiny params=ClockHz=4000000,ClocksPerBit=4,Lines=4,PowerUpCycles=512 dir=rtl/soc gen=mx_frame_pkg
// tb: name=mx_up5k_2 top=mx_up5k set=tiny params=ClockHz=4000000,ClocksPerBit=4,Lines=2,PowerUpCycles=512 dir=rtl/soc gen=mx_frame_pkg
// A model on the whole system, driven by the firmware's host end over the bits of
// the line; constants in a model of the flash chip. And a chip that is missing, empty,
// damaged, of another image, or busy: the host says so, and the line lives on.
// With MX_IMAGE=FILE in the environment: three tokens of that image instead, which
// must be those of the golden engine; prints the cycles of the last.
#include <stdio.h>
#include <string.h>

#include "golden/flash.h"
#include "sim/session.h"
#include "sim/soc/flash_chip.h"
#include "sim/uart_flash.h"
#include "tests/rtl/uart_device.h"
#include "tests/unit/toy_image.h"

enum { CYCLE_NS = 40, CHIP = 1 << 21, FLASH = 1 << 24, RAM = 1 << 16, TOKENS = 6, FILE_TOKENS = 3 };

static struct { tb_port *cs_n, *sck, *out, *oe, *in, *missing; } p;
static uint8_t contents[CHIP];
static mx_flash_chip *chip;  // NULL: the lines are 1
static uart_device device;
static mx_image *image;

static void drive(uint64_t now_ns, bool sck) {
  mx_flash_pins pins = {.cs_n = tb_peek(p.cs_n), .sck = sck, .drives = (unsigned)tb_peek(p.oe), .level = (unsigned)tb_peek(p.out)};
  tb_put(p.in, chip ? mx_flash_chip_drive(chip, now_ns, pins) : 15);
}

static void step(void) {
  uint64_t now_ns = tb_cycles() * CYCLE_NS;
  uart_line_step(&device.line);
  tb_eval();
  drive(now_ns, false);
  tb_eval();
  if (tb_peek(p.sck)) drive(now_ns + CYCLE_NS / 2, true);
  tb_cycle();
}

// ---- the board -----------------------------------------------------------------------

static mx_flash_chip_config usual(void) {
  return (mx_flash_chip_config){.contents = contents, .bytes = CHIP, .id = {0xef, 0x40, 0x14}, .quad_enabled = true};
}

// The end of the chip as mxf flash writes it.
static void write_flash(const mx_image *of) {
  uint32_t bytes = mx_flash_constant_bytes(of), record[MX_FLASH_RECORD_WORDS];
  mx_error e = {0};
  TB_CHECK(!mx_flash_check(of, &e), "%s", e.text);
  mx_flash_record(of->params->build_id, of->memory, of->memory_bytes, bytes, record);
  memset(contents, 0xff, sizeof contents);
  memcpy(contents + CHIP - bytes, of->memory, bytes - MX_FLASH_RECORD_BYTES);
  memcpy(contents + CHIP - MX_FLASH_RECORD_BYTES, record, sizeof record);
}

// A reset with this chip, and what the host is told.
static void power_on(const mx_flash_chip_config *config) {
  mx_flash_chip_free(chip);
  chip = NULL;
  tb_put(tb_find("rst_ni"), 0);
  for (int i = 0; i < 4; i++) tb_cycle();
  uart_device_open(&device, TB_ClocksPerBit, TB_ClockHz, step);
  if (config) {
    mx_flash_chip_config c = *config;
    c.busy_ns += tb_cycles() * CYCLE_NS;
    chip = mx_flash_chip_new(&c);
  }
  tb_put(tb_find("rst_ni"), 1);
  mx_serial_status s = mx_serial_open(&device.host);
  const mx_serial_host *h = &device.host;
  TB_CHECK(!s, "the board: %s", mx_serial_text(s));
  TB_CHECK(h->clock_hz == TB_ClockHz && h->memory_base == 0 && h->flash_bytes == FLASH && h->memory_bytes == FLASH + RAM,
           "the board's facts are wrong");
}

static void sound(void) {
  const char *violation = chip ? mx_flash_chip_violation(chip) : NULL;
  TB_CHECK(!violation, "the chip: %s", violation);
}

static bool flash_holds(char problem[300]) {
  *problem = 0;
  return mx_uart_flash_holds(&device.host, image->params->build_id, image->memory, image->memory_bytes,
                             mx_flash_constant_bytes(image), problem, 300);
}

static void require(bool ok, const char *what) { uart_device_require(&device, ok, what); }

// The device ready for its first program, on a chip that holds the image.
static mx_runtime begin(const mx_flash_chip_config *config, unsigned noise) {
  static const uint8_t zeros[RAM];
  char problem[300];
  uint32_t constant = mx_flash_constant_bytes(image);
  power_on(config);
  device.noise = noise;
  device.offset = FLASH - constant;
  mx_runtime rt = uart_device_runtime(&device);
  rt.facts = mx_facts_of(image);
  TB_CHECK(flash_holds(problem), "%s", problem);
  require(rt.memory.put(&device, constant, zeros, image->mem_bytes - constant), "memory is not cleared");
  return rt;
}

static void memory_is_as_written(const mx_runtime *rt) {
  static uint8_t got[TOY_MEMORY];
  uint32_t constant = mx_flash_constant_bytes(image), rest = TOY_MEMORY - constant;
  require(rt->memory.get(&device, 0, got, TOY_MEMORY), "memory is not read");
  TB_CHECK(!memcmp(got, image->memory, constant - MX_FLASH_RECORD_BYTES), "the flash reads wrong");
  for (uint32_t i = 0; i < rest; i++) got[i] = (uint8_t)(i * i >> 5);
  require(rt->memory.put(&device, constant, got, rest) && rt->memory.get(&device, constant, got + rest, rest), "memory is not written");
  TB_CHECK(!memcmp(got, got + rest, rest), "memory is not what was written");
  memset(got, 0, rest);
  require(rt->memory.put(&device, constant, got, rest), "memory is not cleared");
}

static void run(const mx_flash_chip_config *config, unsigned noise) {
  mx_runtime rt = begin(config, noise);
  memory_is_as_written(&rt);
  uart_device_run_toy(&device, &rt, TOKENS);
  sound();
}

// While programs run, the host reads registers, flash and RAM: all is right, and so
// are the programs' results.
static void beside_programs(const mx_flash_chip_config *config) {
  mx_runtime rt = begin(config, 0);
  mx_serial_host *h = &device.host;
  require(mx_runtime_begin(&rt) == MX_DRIVER_OK, "the initial program fails");
  const uint32_t mark = 0xcafe1234;
  require(!mx_serial_put(h, FLASH + RAM - 4, &mark, 1), "memory is not written");
  uint32_t expected, token = TOY_BOS, next = 99, early = 0;
  memcpy(&expected, image->memory + TOY_TOKEN + 16, sizeof expected);
  for (uint32_t i = 0; i < TOY_CONTEXT; i++, token = next) {
    uint32_t id = 0, there = 0, back = 0, status = 0;
    require(!mx_driver_start(&rt.device, rt.facts.token_entry, (uint32_t[MX_ARGS]){token, i}), "no start");
    if (i % 3 == 0) require(!mx_serial_read_csr(h, MX_CSR_ID, &id), "no register is read");
    if (i % 3 <= 1) require(!mx_serial_get(h, device.offset + TOY_TOKEN + 16, &there, 1), "the flash is not read");
    require(!mx_serial_get(h, FLASH + RAM - 4, &back, 1) && !mx_serial_read_csr(h, MX_CSR_STATUS, &status), "memory is not read");
    early += status & MX_STATUS_BUSY;
    TB_CHECK((i % 3 || id == 0x3146584d) && (i % 3 > 1 || there == expected) && back == mark, "a read beside program %u is wrong", i);
    require(!mx_driver_wait(&rt.device, 100) && !mx_runtime_choice(&rt, &next), "a program fails");
    TB_CHECK(next == toy_next(token), "after %u comes %u, expected %u", token, next, toy_next(token));
  }
  TB_CHECK(early > 0, "no read was beside a program");
  sound();
}

// An image of a file beside the golden engine, from its BOS on.
static void run_file(const char *path) {
  mx_error e = {0};
  mx_engine_options plain = {0};
  mx_session golden;
  mx_flash_chip_config c = usual();
  TB_CHECK(!mx_image_read(path, &image, &e) && !mx_session_open(&golden, image, "golden", &plain, &e) &&
               !mx_session_begin(&golden, &e), "%s", e.text);
  TB_CHECK(image->mem_bytes - mx_flash_constant_bytes(image) <= RAM && mx_flash_constant_bytes(image) <= CHIP,
           "%s is too large for the system", path);
  write_flash(image);
  mx_runtime rt = begin(&c, 0);
  require(mx_runtime_begin(&rt) == MX_DRIVER_OK, "the initial program fails");
  mx_counters counters = {0};
  uint32_t token = image->bos_id;
  for (unsigned i = 0; i < FILE_TOKENS; i++) {
    uint32_t next = 0, expected = 0;
    TB_CHECK(!mx_session_token(&golden, token, &expected, &e), "%s", e.text);
    require(mx_runtime_token(&rt, token, &next) == MX_DRIVER_OK, "a token fails");
    TB_CHECK(next == expected, "after %u comes %u, expected %u", token, next, expected);
    mx_driver_counters(&rt.device, &counters);
    token = next;
  }
  printf("cycles_per_token %lu\n", (unsigned long)counters.CYCLES);
  sound();
  mx_session_close(&golden);
}

// ---- what does not go well -----------------------------------------------------------

// The host says `words`, and registers and memory can still be reached.
static void fails(const mx_flash_chip_config *config, const char *words) {
  char problem[300];
  uint32_t id = 0, word = 0x12345678, back = 0;
  power_on(config);
  TB_CHECK(!flash_holds(problem) && strstr(problem, words), "expected '%s', the host says '%s'", words, problem);
  mx_serial_host *h = &device.host;
  TB_CHECK(!mx_serial_read_csr(h, MX_CSR_ID, &id) && id == 0x3146584d, "no registers after '%s'", words);
  TB_CHECK(!mx_serial_put(h, FLASH + RAM - 4, &word, 1) && !mx_serial_get(h, FLASH + RAM - 4, &back, 1) && back == word,
           "no memory after '%s'", words);
  TB_CHECK(mx_serial_put(h, FLASH - 4, &word, 1) == MX_SERIAL_REFUSED, "the flash takes a write");
  TB_CHECK(tb_peek(p.missing) == !config, "the flash is %s", config ? "missing" : "there");
  sound();
}

// A program in a flash that does not answer ends with a fault.
static void faults_without_flash(void) {
  power_on(NULL);
  device.offset = FLASH - mx_flash_constant_bytes(image);
  mx_runtime rt = uart_device_runtime(&device);
  rt.facts = mx_facts_of(image);
  TB_CHECK(mx_runtime_begin(&rt) == MX_DRIVER_FAULT && rt.device.fault == MX_FAULT_BUS_READ, "no fault without a flash");
}

static void damages(void) {
  mx_flash_chip_config c = usual();
  fails(NULL, "does not answer");
  write_flash(image);
  contents[CHIP - mx_flash_constant_bytes(image)] ^= 1;
  fails(&c, "is damaged");
  contents[CHIP - MX_FLASH_RECORD_BYTES + 8] ^= 1;
  fails(&c, "holds no image");
  memset(contents, 0xff, sizeof contents);
  fails(&c, "holds no image");
  image->memory[TOY_INIT + 12] ^= 1;
  write_flash(image);
  image->memory[TOY_INIT + 12] ^= 1;
  fails(&c, "another image");
  write_flash(image);
}

void tb_main(void) {
  p.cs_n = tb_find("cs_no"), p.sck = tb_find("sck_o"), p.out = tb_find("io_o"), p.oe = tb_find("io_oe_o");
  p.in = tb_find("io_i"), p.missing = tb_find("missing_o");
  const char *path = getenv("MX_IMAGE");
  if (path) {
    run_file(path);
    return;
  }
  image = toy_image("tiny");
  write_flash(image);
  mx_flash_chip_config c = usual();
  run(&c, 0);
  TB_CHECK(device.host.retries == 0, "%lu repetitions on a clean line", (unsigned long)device.host.retries);
  c.quad_enabled = false;
  run(&c, 0);
  c.busy_ns = 2000000;
  run(&c, 5);
  c = usual();
  beside_programs(&c);
  damages();
  faults_without_flash();
  run(&c, 0);
  mx_flash_chip_free(chip);
  mx_image_free(image);
}
