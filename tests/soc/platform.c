// A program for the virtual platform (tests/systemc): takes the image out of the flash,
// runs tokens on the accelerator with its interrupt, uses timer and UART, and takes bus
// errors. It prints a line per step. What a line on the UART says is echoed, and the first
// number of it is the first token.
#include <stddef.h>

#include "firmware/mx_runtime.h"
#include "firmware/mx_soc.h"

enum { SECTIONS_AT = 100, COUNT_AT = 96, SECTION_BYTES = 24, SECTION_MEMORY = 1, TOKENS = 4 };

#define CSR(instruction) ".option push\n .option arch, +zicsr\n " instruction "\n .option pop"
#define READ_CSR(name, to) __asm__ volatile(CSR("csrr %0, " #name) : "=r"(to))
#define WRITE_CSR(name, from) __asm__ volatile(CSR("csrw " #name ", %0") : : "r"(from) : "memory")
#define SET_CSR(name, from) __asm__ volatile(CSR("csrs " #name ", %0") : : "r"(from) : "memory")
#define CLEAR_CSR(name, from) __asm__ volatile(CSR("csrc " #name ", %0") : : "r"(from) : "memory")

static volatile uint32_t *word(uint32_t address) { return (volatile uint32_t *)(uintptr_t)address; }
static volatile uint32_t *sys(uint32_t offset) { return word(MX_SOC_SYSTEM + offset); }

// ---- the UART ----------------------------------------------------------------------

static void put(char c) { *sys(MX_SOC_REG_UART_DATA) = (unsigned char)c; }

static void print(const char *text) {
  while (*text) put(*text++);
}

static void print_number(uint32_t v) {
  char digits[10];
  int n = 0;
  do digits[n++] = (char)('0' + v % 10);
  while (v /= 10);
  while (n) put(digits[--n]);
}

static void line(const char *text, uint32_t v) {
  print(text);
  put(' ');
  print_number(v);
  put('\n');
}

// Waits with WFI for the UART's interrupt.
static char get(void) {
  uint32_t c;
  *sys(MX_SOC_REG_IRQ_ENABLE) = MX_SOC_IRQ_UART;
  while ((c = *sys(MX_SOC_REG_UART_DATA)) >> 31) __asm__ volatile("wfi");
  *sys(MX_SOC_REG_IRQ_ENABLE) = MX_SOC_IRQ_ACCEL;
  return (char)c;
}

static uint32_t read_number(void) {
  uint32_t v = 0;
  for (char c; (c = get()) != '\n'; put(c))
    if (c >= '0' && c <= '9') v = 10 * v + (uint32_t)(c - '0');
  put('\n');
  return v;
}

// ---- traps -------------------------------------------------------------------------

static volatile uint32_t errors, ticks;

static void __attribute__((interrupt)) handler(void) {
  uint32_t cause, at;
  READ_CSR(mcause, cause);
  if (cause >> 31) {
    ticks++;
    *sys(MX_SOC_REG_COMPARE_HI) = UINT32_MAX;
    return;
  }
  errors = errors << 4 | cause;
  READ_CSR(mepc, at);
  WRITE_CSR(mepc, at + 4);
}

// Loads and stores that the bus refuses: nobody there, read only, a byte of a register.
static void bus_errors(void) {
  (void)*word(0x60000000);
  *word(MX_SOC_ROM) = 1;
  *(volatile uint8_t *)(uintptr_t)(MX_SOC_ACCEL + MX_CSR_ARG1) = 1;
  (void)*sys(0x800);
  line("errors", errors);
}

static void timer(void) {
  uint32_t now = *sys(MX_SOC_REG_TIME_LO);
  *sys(MX_SOC_REG_COMPARE_LO) = now + 1000;
  *sys(MX_SOC_REG_COMPARE_HI) = 0;
  SET_CSR(mie, 1u << 7);
  SET_CSR(mstatus, 1u << 3);
  while (!ticks) __asm__ volatile("wfi");
  CLEAR_CSR(mstatus, 1u << 3);
  CLEAR_CSR(mie, 1u << 7);
  uint32_t took = *sys(MX_SOC_REG_TIME_LO) - now;
  line("timer", took >= 1000 && took < 1200);
}

// ---- the accelerator ---------------------------------------------------------------

static uint32_t accel_read(void *self, uint32_t offset) {
  (void)self;
  return *word(MX_SOC_ACCEL + offset);
}
static void accel_write(void *self, uint32_t offset, uint32_t value) {
  (void)self;
  *word(MX_SOC_ACCEL + offset) = value;
}
// The interrupt is enabled in mie, and mstatus keeps it from being taken.
static bool accel_wait(void *self, uint32_t polls) {
  (void)self, (void)polls;
  __asm__ volatile("wfi");
  return true;
}

static void copy(volatile uint8_t *to, const volatile uint8_t *from, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) to[i] = from[i];
}
static uint8_t *memory(uint32_t addr) { return (uint8_t *)(uintptr_t)((uint32_t)MX_SOC_MEMORY + addr); }
static bool memory_put(void *self, uint32_t addr, const void *from, uint32_t bytes) {
  (void)self;
  copy(memory(addr), from, bytes);
  return true;
}
static bool memory_get(void *self, uint32_t addr, void *to, uint32_t bytes) {
  (void)self;
  copy(to, memory(addr), bytes);
  return true;
}

static void load(const uint8_t *image) {
  const uint32_t *count = (const uint32_t *)(const void *)(image + COUNT_AT);
  for (uint32_t i = 0; i < *count; i++) {
    const uint32_t *s = (const uint32_t *)(const void *)(image + SECTIONS_AT + SECTION_BYTES * i);
    if (s[0] == SECTION_MEMORY) copy(memory(0), image + s[2], s[4]);
  }
}

int main(void) {
  const uint8_t *image = (const uint8_t *)(uintptr_t)(MX_SOC_FLASH + MX_SOC_FLASH_IMAGE);
  mx_runtime rt = {.device.mmio = {NULL, accel_read, accel_write, accel_wait}, .memory = {NULL, memory_put, memory_get},
                   .memory_base = (uint32_t)MX_SOC_MEMORY, .max_polls = 1000};
  WRITE_CSR(mtvec, (uint32_t)(uintptr_t)handler);
  line("clock", *sys(MX_SOC_REG_CLOCK_HZ));
  bus_errors();
  timer();
  SET_CSR(mie, 1u << 11);
  uint32_t token = read_number();
  if (mx_facts_read(image, &rt.facts)) return 1;
  load(image);
  *sys(MX_SOC_REG_IRQ_ENABLE) = MX_SOC_IRQ_ACCEL;
  mx_driver_status s = mx_runtime_begin(&rt);
  for (uint32_t i = 0; !s && i < TOKENS; i++) {
    s = mx_runtime_token(&rt, token, &token);
    line("token", token);
    line("cycles", accel_read(NULL, MX_CSR_CYCLES));
  }
  line("status", s);
  *sys(MX_SOC_REG_LED) = 0x5a;
  return (int)s;
}
