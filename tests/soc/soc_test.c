// Firmware that tries everything that software sees of the system on chip: the words
// of SYSTEM, each kind of bus error, RAM, SDRAM, flash, timer, interrupts, the
// accelerator's registers, the serial line. What it prints is in soc_test.txt.
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SOCREGION(name, base, bytes, text) static const uint32_t name = base, name##_END = (base) + (bytes);
#include "firmware/soc.def"
enum {
#define SOCREG(name, offset, access, text) SYS_##name = offset,
#define SOCFLASH(name, offset, bytes, text) FLASH_##name = offset,
#define SOCHEAD(name, offset, text) HEAD_##name = offset,
#include "firmware/soc.def"
#define CSR(name, offset, access, reset, text) CSR_##name = offset,
#define FAULT(name, code, text) FAULT_##name = code,
#include "golden/csr.def"
};

#define ZICSR(instruction) ".option push\n .option arch, +zicsr\n " instruction "\n .option pop"
#define READ_CSR(name, to) __asm__ volatile(ZICSR("csrr %0, " #name) : "=r"(to))
#define WRITE_CSR(name, from) __asm__ volatile(ZICSR("csrw " #name ", %0") : : "r"(from) : "memory")

__asm__(".section .text.start\n .globl _start\n"
        "_start: .option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n la sp, __stack_top\n la tp, __tls_base\n"
        " la t0, __bss_start\n la t1, __bss_end\n"
        "1: bgeu t0, t1, 2f\n sw zero, 0(t0)\n addi t0, t0, 4\n j 1b\n"
        "2: call main\n3: j 3b\n");

static uint32_t load(uint32_t addr) { return *(volatile uint32_t *)addr; }
static void store(uint32_t addr, uint32_t v) { *(volatile uint32_t *)addr = v; }
static uint32_t sys(uint32_t word) { return load(SYSTEM + word); }
static uint32_t memory_end(void) { return MEMORY + sys(SYS_MEMORY_BYTES); }
static void set_sys(uint32_t word, uint32_t v) { store(SYSTEM + word, v); }

static int put(char c, FILE *f) {
  if (c == '\n') put('\r', f);
  set_sys(SYS_UART_DATA, (unsigned char)c);
  return c;
}
static FILE port = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &port;

static unsigned wrong;
static void check(bool ok, const char *what) {
  if (ok) return;
  wrong++;
  printf("wrong: %s\n", what);
}

// ---- traps -----------------------------------------------------------------------------

static volatile uint32_t cause, value, traps;
static volatile uint32_t resume;  // where a failed fetch goes on

static void __attribute__((interrupt)) handler(void) {
  uint32_t at;
  READ_CSR(mcause, cause);
  READ_CSR(mtval, value);
  READ_CSR(mepc, at);
  traps++;
  if (cause >> 31) set_sys(SYS_COMPARE_HI, UINT32_MAX);
  else WRITE_CSR(mepc, cause == 1 ? resume : at + 4);
}

static void refused(uint32_t addr, unsigned kind, const char *what) {  // kind: 1 fetch, 5 load, 7 store
  traps = cause = value = 0;
  if (kind == 5) __asm__ volatile(".option push\n .option norvc\n lw t0, 0(%0)\n .option pop" : : "r"(addr) : "t0", "memory");
  else if (kind == 7) __asm__ volatile("sw zero, 0(%0)" : : "r"(addr) : "memory");
  else __asm__ volatile("la t0, 1f\n sw t0, 0(%1)\n jr %0\n1:" : : "r"(addr), "r"(&resume) : "t0", "memory");
  if (traps == 1 && cause == kind && value == addr) return;
  wrong++;
  printf("wrong: %s %08lx: %lu traps, cause %lu, value %08lx\n", what, (unsigned long)addr, (unsigned long)traps,
         (unsigned long)cause, (unsigned long)value);
}

// The words around each region, and far from all.
static void bus_errors(void) {
  static const uint32_t holes[] = {0x00001000, 0x0ffffffc, 0x10004000, 0x1ffffffc, 0x21000000, 0x3ffffffc, 0x40001000,
                                   0x4ffffffc, 0x50001000, 0x60000000, 0x7ffffffc, 0x82000000, 0xfffffffc};
  for (unsigned i = 0; i < sizeof holes / sizeof *holes; i++) {
    refused(holes[i], 5, "read of");
    refused(holes[i], 7, "write to");
    refused(holes[i], 1, "jump to");
  }
  refused(ROM, 7, "write to ROM");
  refused(FLASH, 7, "write to flash");
  uint32_t beyond_flash = FLASH + sys(SYS_FLASH_BYTES);
  load(beyond_flash - 4);
  refused(beyond_flash, 5, "read of");
  refused(beyond_flash, 1, "jump to");
  refused(FLASH_END - 4, 5, "read of");
  static const uint8_t read_only[] = {SYS_UART_STATUS, SYS_TIME_LO, SYS_TIME_HI, SYS_IRQ_STATUS, SYS_CLOCK_HZ,
                                      SYS_MEMORY_BYTES, SYS_FLASH_STATUS, SYS_FLASH_BYTES, SYS_BOARD};
  for (unsigned i = 0; i < sizeof read_only; i++) refused(SYSTEM + read_only[i], 7, "write to SYSTEM");
  for (uint32_t at = SYS_FLASH_BYTES + 4; at < 0x1000; at = at < 0x100 ? at + 4 : 2 * at) {
    refused(SYSTEM + at, 5, "read of SYSTEM");
    refused(SYSTEM + at, 7, "write to SYSTEM");
  }
  traps = 0;
  *(volatile uint8_t *)(SYSTEM + SYS_LED) = 1;
  *(volatile uint16_t *)(SYSTEM + SYS_LED) = 1;
  check(traps == 2 && cause == 7, "narrow writes to SYSTEM");
  printf("bus errors: done\n");
}

// ---- facts, memories ---------------------------------------------------------------------

static void facts(void) {
  uint32_t board = sys(SYS_BOARD);
  printf("board %c%c%c, clock %lu Hz\n", (int)(board & 255), (int)(board >> 8 & 255), (int)(board >> 16 & 255),
         (unsigned long)sys(SYS_CLOCK_HZ));
  while (!sys(SYS_MEMORY_BYTES)) continue;
  printf("memory %lu bytes, flash %lu bytes, status %04lx\n", (unsigned long)sys(SYS_MEMORY_BYTES),
         (unsigned long)sys(SYS_FLASH_BYTES), (unsigned long)sys(SYS_FLASH_STATUS));
  set_sys(SYS_LED, 0x1a5);
  check(sys(SYS_LED) == 0xa5, "LED");
  check(load(FLASH + FLASH_FIRMWARE) == 0x5746584d, "the flash's firmware magic");
}

static uint32_t mixed(uint32_t x) {
  x *= 0x9e3779b1u;
  return x ^ x >> 15;
}

// Words, halves and bytes in many rows and all banks, far apart and side by side.
static void memory_at(uint32_t base, uint32_t count, uint32_t stride, const char *what) {
  bool ok = true;
  for (uint32_t i = 0; i < count; i++) store(base + i * stride, mixed(i));
  for (uint32_t i = 0; i < count; i++) ok &= load(base + i * stride) == mixed(i);
  for (uint32_t i = 0; i < count; i++) {
    *(volatile uint8_t *)(base + i * stride + (i & 3)) = (uint8_t)i;
    if (i & 1) *(volatile uint16_t *)(base + i * stride + (i & 2)) = (uint16_t)(i * 3);
  }
  for (uint32_t i = 0; i < count; i++) {
    uint32_t want = mixed(i), byte = 8 * (i & 3), half = 8 * (i & 2);
    want = (want & ~(0xffu << byte)) | (i & 255) << byte;
    if (i & 1) want = (want & ~(0xffffu << half)) | (i * 3 & 65535) << half;
    ok &= load(base + i * stride) == want;
  }
  check(ok, what);
}

static void memories(void) {
  static uint32_t ram[64];
  memory_at((uint32_t)ram, 64, 4, "RAM");
  memory_at(MEMORY, 300, 4, "SDRAM, side by side");
  memory_at(MEMORY + 0x1000, 300, 1028, "SDRAM, rows");
  memory_at(MEMORY, 31, sys(SYS_MEMORY_BYTES) / 32 + 4, "SDRAM, far apart");
  store(memory_end() - 4, 0x12345678);
  check(load(memory_end() - 4) == 0x12345678, "SDRAM, last word");
  printf("memories: done\n");
}

// ---- copying ----

// From the firmware's head on, whose checksum is that of what lies behind it.
static void copies(void) {
  uint32_t from = FLASH_FIRMWARE + HEAD_END, words = load(FLASH + FLASH_FIRMWARE + HEAD_BYTES) / 4, to = MEMORY + 0x10004;
  bool same = true;
  set_sys(SYS_COPY_CRC, UINT32_MAX);
  set_sys(SYS_COPY_FROM, from);
  set_sys(SYS_COPY_TO, to);
  store(to + 4 * words, 0x600d600d);
  uint32_t begun = sys(SYS_TIME_LO);
  set_sys(SYS_COPY_WORDS, words - 100);
  uint32_t cycles = sys(SYS_TIME_LO) - begun;
  printf("copying: %lu cycles a word\n", (unsigned long)(cycles / (words - 100)));
  set_sys(SYS_COPY_WORDS, 100);  // goes on
  set_sys(SYS_COPY_WORDS, 0);
  for (uint32_t i = 0; i < words; i++) same &= load(to + 4 * i) == load(FLASH + from + 4 * i);
  check(same && load(to + 4 * words) == 0x600d600d, "the words copied");
  check(~sys(SYS_COPY_CRC) == load(FLASH + FLASH_FIRMWARE + HEAD_CRC), "the CRC of words copied");
  set_sys(SYS_COPY_CRC, UINT32_MAX);
  set_sys(SYS_COPY_FROM, from);
  set_sys(SYS_COPY_TO, 0);
  set_sys(SYS_COPY_WORDS, words);
  check(~sys(SYS_COPY_CRC) == load(FLASH + FLASH_FIRMWARE + HEAD_CRC), "the CRC of words read");
  set_sys(SYS_COPY_TO, memory_end() - 4);
  set_sys(SYS_COPY_WORDS, 1);
  traps = 0;
  set_sys(SYS_COPY_WORDS, 3);  // beyond the SDRAM
  check(traps == 1 && cause == 7 && value == SYSTEM + SYS_COPY_WORDS, "a copy beyond the SDRAM");
  set_sys(SYS_COPY_FROM, sys(SYS_FLASH_BYTES) - 4);
  set_sys(SYS_COPY_TO, MEMORY);
  set_sys(SYS_COPY_WORDS, 1);
  traps = 0;
  set_sys(SYS_COPY_WORDS, 1);
  check(traps == 1 && cause == 7 && value == SYSTEM + SYS_COPY_WORDS, "a copy beyond the flash chip");
  for (uint32_t at = SYS_COPY_FROM; at <= SYS_COPY_WORDS; at += 4)
    if (at != SYS_COPY_CRC) refused(SYSTEM + at, 5, "read of SYSTEM");
  printf("copying: done\n");
}

// ---- interrupts --------------------------------------------------------------------------

enum { TIMER = 1 << 7, EXTERNAL = 1 << 11 };

// Sleeps until one of `lines`; without a handler, as MIE stays 0.
static void sleep_until(uint32_t lines) {
  WRITE_CSR(mie, lines);
  __asm__ volatile("wfi" ::: "memory");
  WRITE_CSR(mie, 0);
}

static void timer(void) {
  uint32_t from = sys(SYS_TIME_LO);
  check(sys(SYS_TIME_HI) == 0, "TIME_HI");
  check(sys(SYS_COMPARE_LO) == UINT32_MAX && sys(SYS_COMPARE_HI) == UINT32_MAX, "COMPARE after reset");
  set_sys(SYS_COMPARE_LO, from + 3000);
  set_sys(SYS_COMPARE_HI, 0);
  sleep_until(TIMER);
  uint32_t slept = sys(SYS_TIME_LO) - from;
  check(slept >= 3000 && slept < 3060, "the timer's time");
  traps = 0;
  WRITE_CSR(mie, TIMER);
  __asm__ volatile(ZICSR("csrsi mstatus, 8") "\n nop\n " ZICSR("csrci mstatus, 8") ::: "memory");
  WRITE_CSR(mie, 0);
  check(traps == 1 && cause == 0x80000007, "the timer's trap");
  printf("timer: done\n");
}

static void accelerator(void) {
  check(load(ACCEL + CSR_ID) == 0x3146584d, "the accelerator's ID");
  store(ACCEL + CSR_ARG1, 0xcafe0123);
  check(load(ACCEL + CSR_ARG1) == 0xcafe0123, "ARG1");
  static const struct { uint32_t base, fault; } tries[] = {{MEMORY, FAULT_ILLEGAL}, {0x20000000, FAULT_BUS_READ}};
  for (uint32_t i = 0; i < 256; i += 4) store(MEMORY + i, UINT32_MAX);
  for (unsigned i = 0; i < 2; i++) {
    store(ACCEL + CSR_CONTROL, 2);
    while (load(ACCEL + CSR_STATUS) & 1) continue;
    store(ACCEL + CSR_IRQ_STATUS, 1);
    store(ACCEL + CSR_IRQ_ENABLE, 1);
    store(ACCEL + CSR_MEM_BASE_LO, tries[i].base);
    store(ACCEL + CSR_MEM_BASE_HI, 0);
    store(ACCEL + CSR_MEM_SIZE, 1 << 20);
    store(ACCEL + CSR_PROGRAM, 0);
    set_sys(SYS_IRQ_ENABLE, 1);
    store(ACCEL + CSR_CONTROL, 1);
    sleep_until(EXTERNAL);
    set_sys(SYS_IRQ_ENABLE, 0);
    check(sys(SYS_IRQ_STATUS) & 1, "the accelerator's interrupt");
    if (load(ACCEL + CSR_ERROR) != tries[i].fault) {
      wrong++;
      printf("wrong: fault %lu, expected %lu\n", (unsigned long)load(ACCEL + CSR_ERROR), (unsigned long)tries[i].fault);
    }
  }
  printf("accelerator: done\n");
}

// The first line is awaited with WFI and said back; the second is too long for what
// the line holds.
static void serial_line(void) {
  printf("> ");
  set_sys(SYS_IRQ_ENABLE, 2);
  for (uint32_t c = 0; c != '\r';) {
    sleep_until(EXTERNAL);
    c = sys(SYS_UART_DATA);
    check(!(c >> 31), "a byte after the interrupt");
    put((char)c, stdout);
  }
  set_sys(SYS_IRQ_ENABLE, 0);
  check(sys(SYS_UART_DATA) >> 31, "no byte left");
  check((sys(SYS_UART_STATUS) & 6) == 0, "UART_STATUS");
  printf("\n> ");
  uint32_t until = sys(SYS_TIME_LO) + 400000;
  while ((int32_t)(sys(SYS_TIME_LO) - until) < 0) continue;
  check((sys(SYS_UART_STATUS) & 6) == 6, "bytes were lost");
  check((sys(SYS_UART_STATUS) & 6) == 2, "lost is told once");
  unsigned kept = 0;
  while (!(sys(SYS_UART_DATA) >> 31)) kept++;
  printf("kept %u bytes\n", kept);
}

int main(void) {
  WRITE_CSR(mtvec, (uint32_t)handler);
  facts();
  bus_errors();
  memories();
  copies();
  timer();
  accelerator();
  serial_line();
  printf("%u wrong\n> ", wrong);
  return 0;
}
