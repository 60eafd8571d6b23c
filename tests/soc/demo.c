// A program for mx_rv: sorts, divides, formats text, takes traps and an
// interrupt. What it prints is in demo.txt.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Ports of the test's memory.
static volatile uint32_t *const byte_port = (volatile uint32_t *)0x10000000;
static volatile uint32_t *const timer_port = (volatile uint32_t *)0x10000008;  // cycles until the interrupt; 0: clear
static volatile uint32_t *const nowhere = (volatile uint32_t *)0x20000000;     // a bus error

#define CSR(instruction) ".option push\n .option arch, +zicsr\n " instruction "\n .option pop"
#define READ_CSR(name, to) __asm__ volatile(CSR("csrr %0, " #name) : "=r"(to))
#define WRITE_CSR(name, from) __asm__ volatile(CSR("csrw " #name ", %0") : : "r"(from) : "memory")
#define SET_CSR(name, from) __asm__ volatile(CSR("csrs " #name ", %0") : : "r"(from) : "memory")

static int put(char c, FILE *f) {
  (void)f;
  *byte_port = (unsigned char)c;
  return c;
}
static FILE port = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &port;

// ---- traps ----

static volatile uint32_t exceptions[16], interrupts[16], last_value;

static void __attribute__((interrupt)) handler(void) {
  uint32_t cause, at;
  READ_CSR(mcause, cause);
  READ_CSR(mtval, last_value);
  if (cause >> 31) {
    interrupts[cause & 15]++;
    *timer_port = 0;
    return;
  }
  exceptions[cause & 15]++;
  READ_CSR(mepc, at);
  WRITE_CSR(mepc, at + 4);
}

static void traps(void) {
  WRITE_CSR(mtvec, (uint32_t)handler);
  __asm__ volatile("ecall");
  __asm__ volatile("ebreak");
  __asm__ volatile(".word 0xffffffff");
  (void)*nowhere;
  printf("bus error at %08lx\n", (unsigned long)last_value);
  *nowhere = 1;
  __asm__ volatile("lw t0, 2(zero)" ::: "t0");
  __asm__ volatile("sh t0, 1(zero)");
  for (int i = 0; i < 12; i++)
    if (exceptions[i]) printf("exception %d: %lu\n", i, (unsigned long)exceptions[i]);
}

static void timer(void) {
  SET_CSR(mie, 1u << 7);
  *timer_port = 500;
  SET_CSR(mstatus, 1u << 3);
  while (!interrupts[7]) __asm__ volatile("wfi");
  printf("timer interrupts: %lu\n", (unsigned long)interrupts[7]);
}

// ---- arithmetic ----

static uint32_t state = 2463534242u;
static uint32_t random32(void) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^= state << 5;
}

static int compare(const void *a, const void *b) {
  int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
  return (x > y) - (x < y);
}

static void sort(void) {
  static int32_t list[200];
  for (unsigned i = 0; i < 200; i++) list[i] = (int32_t)random32();
  qsort(list, 200, sizeof *list, compare);
  for (unsigned i = 1; i < 200; i++)
    if (list[i - 1] > list[i]) printf("not sorted at %u\n", i);
  printf("sorted: %ld .. %ld .. %ld\n", (long)list[0], (long)list[100], (long)list[199]);
}

static uint32_t crc32(const uint8_t *p, size_t n) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < n; i++) {
    crc ^= p[i];
    for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

static void divide(void) {
  int32_t sum = 0;
  uint64_t product = 1;
  for (unsigned i = 0; i < 40; i++) {
    int32_t a = (int32_t)random32(), b = (int32_t)random32() >> i % 24;
    if (b) sum += a / b - a % b;
    product = product * (random32() | 1) / 3 + i;
  }
  printf("quotients %ld, 64 bits %08lx%08lx\n", (long)sum, (unsigned long)(product >> 32), (unsigned long)product);
}

int main(void) {
  printf("Hello from %s\n", "mx_rv");
  printf("|%5d|%-5d|%05d|%x|%c|%%|\n", 42, -42, 7, 0xbeefu, 'c');
  sort();
  divide();
  printf("CRC-32 %08lx\n", (unsigned long)crc32((const uint8_t *)"123456789", 9));
  traps();
  timer();
  return 0;
}
