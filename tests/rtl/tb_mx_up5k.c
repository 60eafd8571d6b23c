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
#include "tests/rtl/up5k_board.h"
#include "tests/unit/toy_image.h"

enum { CYCLE_NS = 40, TOKENS = 6, FILE_TOKENS = 3 };

static void step(void);
static struct { tb_port *cs_n, *sck, *out, *oe, *in, *missing; } p;
static up5k_board board = {.clocks_per_bit = TB_ClocksPerBit, .clock_hz = TB_ClockHz, .cycle_ns = CYCLE_NS, .step = step};
static uart_device *const device = &board.device;

static void drive(uint64_t now_ns, bool sck) {
  mx_flash_pins pins = {.cs_n = tb_peek(p.cs_n), .sck = sck, .drives = (unsigned)tb_peek(p.oe), .level = (unsigned)tb_peek(p.out)};
  tb_put(p.in, up5k_drive(&board, now_ns, pins));
}

static void step(void) {
  uint64_t now_ns = tb_cycles() * CYCLE_NS;
  uart_line_step(&device->line);
  tb_eval();
  drive(now_ns, false);
  tb_eval();
  if (tb_peek(p.sck)) drive(now_ns + CYCLE_NS / 2, true);
  tb_cycle();
}

static void require(bool ok, const char *what) { uart_device_require(device, ok, what); }

static void memory_is_as_written(const mx_runtime *rt) {
  static uint8_t got[TOY_MEMORY];
  uint32_t constant = mx_flash_constant_bytes(board.image), rest = TOY_MEMORY - constant;
  require(rt->memory.get(device, 0, got, TOY_MEMORY), "memory is not read");
  TB_CHECK(!memcmp(got, board.image->memory, constant - MX_FLASH_RECORD_BYTES), "the flash reads wrong");
  for (uint32_t i = 0; i < rest; i++) got[i] = (uint8_t)(i * i >> 5);
  require(rt->memory.put(device, constant, got, rest) && rt->memory.get(device, constant, got + rest, rest), "memory is not written");
  TB_CHECK(!memcmp(got, got + rest, rest), "memory is not what was written");
  memset(got, 0, rest);
  require(rt->memory.put(device, constant, got, rest), "memory is not cleared");
}

static void run(const mx_flash_chip_config *config, unsigned noise) {
  mx_runtime rt = up5k_begin(&board, config, noise);
  memory_is_as_written(&rt);
  uart_device_run_toy(device, &rt, TOKENS);
  up5k_sound(&board);
}

// While programs run, the host reads registers, flash and RAM: all is right, and so
// are the programs' results.
static void beside_programs(const mx_flash_chip_config *config) {
  mx_runtime rt = up5k_begin(&board, config, 0);
  mx_serial_host *h = &device->host;
  require(mx_runtime_begin(&rt) == MX_DRIVER_OK, "the initial program fails");
  const uint32_t mark = 0xcafe1234;
  require(!mx_serial_put(h, UP5K_FLASH + UP5K_RAM - 4, &mark, 1), "memory is not written");
  uint32_t expected, token = TOY_BOS, next = 99, early = 0;
  memcpy(&expected, board.image->memory + TOY_TOKEN + 16, sizeof expected);
  for (uint32_t i = 0; i < TOY_CONTEXT; i++, token = next) {
    uint32_t id = 0, there = 0, back = 0, status = 0;
    require(!mx_driver_start(&rt.device, rt.facts.token_entry, (uint32_t[MX_ARGS]){token, i}), "no start");
    if (i % 3 == 0) require(!mx_serial_read_csr(h, MX_CSR_ID, &id), "no register is read");
    if (i % 3 <= 1) require(!mx_serial_get(h, device->offset + TOY_TOKEN + 16, &there, 1), "the flash is not read");
    require(!mx_serial_get(h, UP5K_FLASH + UP5K_RAM - 4, &back, 1) && !mx_serial_read_csr(h, MX_CSR_STATUS, &status), "memory is not read");
    early += status & MX_STATUS_BUSY;
    TB_CHECK((i % 3 || id == 0x3146584d) && (i % 3 > 1 || there == expected) && back == mark, "a read beside program %u is wrong", i);
    require(!mx_driver_wait(&rt.device, 100) && !mx_runtime_choice(&rt, &next), "a program fails");
    TB_CHECK(next == toy_next(token), "after %u comes %u, expected %u", token, next, toy_next(token));
  }
  TB_CHECK(early > 0, "no read was beside a program");
  up5k_sound(&board);
}

// ---- what does not go well -----------------------------------------------------------

// The host says `words`, and registers and memory can still be reached.
static void fails(const mx_flash_chip_config *config, const char *words) {
  char problem[UP5K_PROBLEM];
  const uint32_t last = UP5K_FLASH + UP5K_RAM - 4;
  uint32_t id = 0, word = 0x12345678, back = 0;
  up5k_power_on(&board, config);
  TB_CHECK(!up5k_flash_holds(&board, problem) && strstr(problem, words), "expected '%s', the host says '%s'", words, problem);
  mx_serial_host *h = &device->host;
  TB_CHECK(!mx_serial_read_csr(h, MX_CSR_ID, &id) && id == 0x3146584d, "no registers after '%s'", words);
  TB_CHECK(!mx_serial_put(h, last, &word, 1) && !mx_serial_get(h, last, &back, 1) && back == word,
           "no memory after '%s'", words);
  TB_CHECK(mx_serial_put(h, UP5K_FLASH - 4, &word, 1) == MX_SERIAL_REFUSED, "the flash takes a write");
  TB_CHECK(tb_peek(p.missing) == !config, "the flash is %s", config ? "missing" : "there");
  up5k_sound(&board);
}

// A program in a flash that does not answer ends with a fault.
static void faults_without_flash(void) {
  up5k_power_on(&board, NULL);
  device->offset = UP5K_FLASH - mx_flash_constant_bytes(board.image);
  mx_runtime rt = uart_device_runtime(device);
  rt.facts = mx_facts_of(board.image);
  TB_CHECK(mx_runtime_begin(&rt) == MX_DRIVER_FAULT && rt.device.fault == MX_FAULT_BUS_READ, "no fault without a flash");
}

static void damages(void) {
  mx_flash_chip_config c = up5k_chip(&board);
  fails(NULL, "does not answer");
  up5k_write_flash(&board);
  board.contents[UP5K_CHIP - mx_flash_constant_bytes(board.image)] ^= 1;
  fails(&c, "is damaged");
  board.contents[UP5K_CHIP - MX_FLASH_RECORD_BYTES + 8] ^= 1;
  fails(&c, "holds no image");
  memset(board.contents, 0xff, sizeof board.contents);
  fails(&c, "holds no image");
  board.image->memory[TOY_INIT + 12] ^= 1;
  up5k_write_flash(&board);
  board.image->memory[TOY_INIT + 12] ^= 1;
  fails(&c, "another image");
  up5k_write_flash(&board);
}

void tb_main(void) {
  p.cs_n = tb_find("cs_no"), p.sck = tb_find("sck_o"), p.out = tb_find("io_o"), p.oe = tb_find("io_oe_o");
  p.in = tb_find("io_i"), p.missing = tb_find("missing_o");
  const char *path = getenv("MX_IMAGE");
  up5k_load(&board, path);
  if (path) {
    printf("cycles_per_token %lu\n", (unsigned long)up5k_run_beside_golden(&board, FILE_TOKENS));
    up5k_close(&board);
    return;
  }
  mx_flash_chip_config c = up5k_chip(&board);
  run(&c, 0);
  TB_CHECK(device->host.retries == 0, "%lu repetitions on a clean line", (unsigned long)device->host.retries);
  c.quad_enabled = false;
  run(&c, 0);
  c.busy_ns = 2000000;
  run(&c, 5);
  c = up5k_chip(&board);
  beside_programs(&c);
  damages();
  faults_without_flash();
  run(&c, 0);
  up5k_close(&board);
}
