#include "tests/rtl/up5k_board.h"

#include <string.h>

#include "golden/flash.h"
#include "sim/session.h"
#include "sim/uart_flash.h"
#include "tests/unit/toy_image.h"

unsigned up5k_drive(const up5k_board *b, uint64_t now_ns, mx_flash_pins pins) {
  return b->chip ? mx_flash_chip_drive(b->chip, now_ns, pins) : 15;
}

void up5k_load(up5k_board *b, const char *path) {
  mx_error e = {0};
  if (path) TB_CHECK(!mx_image_read(path, &b->image, &e), "%s", e.text);
  else b->image = toy_image("tiny");
  up5k_write_flash(b);
}

void up5k_write_flash(up5k_board *b) {
  const mx_image *of = b->image;
  uint32_t bytes = mx_flash_constant_bytes(of), record[MX_FLASH_RECORD_WORDS];
  mx_error e = {0};
  TB_CHECK(!mx_flash_check(of, &e), "%s", e.text);
  TB_CHECK(of->mem_bytes - bytes <= UP5K_RAM && bytes <= UP5K_CHIP, "the image is too large for the system");
  mx_flash_record(of->params->build_id, of->memory, of->memory_bytes, bytes, record);
  memset(b->contents, 0xff, sizeof b->contents);
  memcpy(b->contents + UP5K_CHIP - bytes, of->memory, bytes - MX_FLASH_RECORD_BYTES);
  memcpy(b->contents + UP5K_CHIP - MX_FLASH_RECORD_BYTES, record, sizeof record);
}

mx_flash_chip_config up5k_chip(const up5k_board *b) {
  return (mx_flash_chip_config){.contents = b->contents, .bytes = UP5K_CHIP, .id = {0xef, 0x40, 0x14}, .quad_enabled = true};
}

void up5k_power_on(up5k_board *b, const mx_flash_chip_config *config) {
  mx_flash_chip_free(b->chip);
  b->chip = NULL;
  tb_put(tb_find("rst_ni"), 0);
  for (int i = 0; i < 4; i++) tb_cycle();
  uart_device_open(&b->device, b->clocks_per_bit, b->clock_hz, b->step);
  if (config) {
    mx_flash_chip_config c = *config;
    c.busy_ns += tb_cycles() * b->cycle_ns;
    b->chip = mx_flash_chip_new(&c);
    TB_CHECK(b->chip, "out of memory");
  }
  tb_put(tb_find("rst_ni"), 1);
  mx_serial_host *h = &b->device.host;
  mx_serial_status s = mx_serial_open(h);
  TB_CHECK(!s, "the board: %s", mx_serial_text(s));
  TB_CHECK(h->clock_hz == b->clock_hz && h->memory_base == 0 && h->flash_bytes == UP5K_FLASH &&
               h->memory_bytes == UP5K_FLASH + UP5K_RAM,
           "the board's facts are wrong: %u Hz, %u of %u bytes are flash", h->clock_hz, h->flash_bytes, h->memory_bytes);
}

bool up5k_flash_holds(up5k_board *b, char problem[UP5K_PROBLEM]) {
  const mx_image *of = b->image;
  *problem = 0;
  return mx_uart_flash_holds(&b->device.host, of->params->build_id, of->memory, of->memory_bytes, mx_flash_constant_bytes(of),
                             problem, UP5K_PROBLEM);
}

mx_runtime up5k_begin(up5k_board *b, const mx_flash_chip_config *config, unsigned noise) {
  static const uint8_t zeros[UP5K_RAM];
  char problem[UP5K_PROBLEM];
  uint32_t constant = mx_flash_constant_bytes(b->image);
  up5k_power_on(b, config);
  b->device.noise = noise;
  b->device.offset = UP5K_FLASH - constant;
  mx_runtime rt = uart_device_runtime(&b->device);
  rt.facts = mx_facts_of(b->image);
  TB_CHECK(up5k_flash_holds(b, problem), "%s", problem);
  bool cleared = rt.memory.put(&b->device, constant, zeros, b->image->mem_bytes - constant);
  uart_device_require(&b->device, cleared, "memory is not cleared");
  return rt;
}

uint64_t up5k_run_beside_golden(up5k_board *b, unsigned tokens) {
  mx_error e = {0};
  mx_engine_options plain = {0};
  mx_session golden;
  TB_CHECK(!mx_session_open(&golden, b->image, "golden", &plain, &e) && !mx_session_begin(&golden, &e), "%s", e.text);
  mx_flash_chip_config c = up5k_chip(b);
  mx_runtime rt = up5k_begin(b, &c, 0);
  uart_device_require(&b->device, mx_runtime_begin(&rt) == MX_DRIVER_OK, "the initial program fails");
  mx_counters counters = {0};
  uint32_t token = b->image->bos_id;
  for (unsigned i = 0; i < tokens; i++) {
    uint32_t next = 0, expected = 0;
    TB_CHECK(!mx_session_token(&golden, token, &expected, &e), "%s", e.text);
    uart_device_require(&b->device, mx_runtime_token(&rt, token, &next) == MX_DRIVER_OK, "a token fails");
    TB_CHECK(next == expected, "after %u comes %u, expected %u", token, next, expected);
    token = next;
  }
  mx_driver_counters(&rt.device, &counters);
  up5k_sound(b);
  mx_session_close(&golden);
  return counters.CYCLES;
}

void up5k_sound(const up5k_board *b) {
  const char *violation = b->chip ? mx_flash_chip_violation(b->chip) : NULL;
  TB_CHECK(!violation, "the chip: %s", violation);
}

void up5k_close(up5k_board *b) {
  mx_flash_chip_free(b->chip);
  mx_image_free(b->image);
  b->chip = NULL;
  b->image = NULL;
}
