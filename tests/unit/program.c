#include "tests/unit/program.h"

#include <stdio.h>
#include <stdlib.h>

static void require(bool ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "test helper: %s failed\n", what);
  abort();
}

uint64_t test_seed(void) {
  static uint64_t seed;
  if (!seed) {
    const char *text = getenv("MX_SEED");
    seed = text ? strtoull(text, NULL, 0) : 1;
    if (!seed) seed = 1;
    printf("repeat: MX_SEED=%llu\n", (unsigned long long)seed);
  }
  return seed * 0x9E3779B97F4A7C15u;  // small seeds far apart
}

uint32_t test_runs(uint32_t usual) {
  const char *text = getenv("MX_RUNS");
  return text ? (uint32_t)strtoul(text, NULL, 0) : usual;
}

mx_insn test_insn(unsigned op, size_t n, const test_field *fields) {
  mx_insn in = {{op}};
  for (size_t i = 0; i < n; i++) require(mx_put(&in, fields[i].field, fields[i].value), "a field's value fits");
  return in;
}

test_device test_device_new(const char *set, uint32_t mem_size) {
  test_device d = {.params = mx_params_find(set), .mem_size = mem_size, .memory = calloc(mem_size, 1)};
  require(d.params && d.memory, "test_device_new");
  d.machine = mx_machine_new(d.params, d.memory, mem_size);
  require(d.machine, "mx_machine_new");
  return d;
}

void test_device_free(test_device *d) {
  mx_machine_free(d->machine);
  free(d->memory);
}

void test_poke(test_device *d, uint32_t addr, uint32_t word) {
  require(addr + 4 <= d->mem_size, "test_poke");
  mx_store_u32(d->memory + addr, word);
}

uint32_t test_peek(const test_device *d, uint32_t addr) {
  uint32_t word = 0;
  require(addr + 4 <= d->mem_size, "test_peek");
  for (unsigned i = 0; i < 4; i++) word |= (uint32_t)d->memory[addr + i] << (8 * i);
  return word;
}

void test_add(test_device *d, mx_insn in) {
  for (unsigned i = 0; i < 4; i++) test_poke(d, d->at + 4 * i, in.word[i]);
  d->at += MX_INSTRUCTION_BYTES;
}

void test_begin(test_device *d, uint32_t entry) {
  d->entry = d->at = entry;
  test_add(d, INSN(IDENT, F(IDENT, build_id, d->params->build_id)));
}

void test_set(test_device *d, unsigned areg, uint32_t value) {
  test_add(d, INSN(ARG, F(ARG, d, areg), F(ARG, add, value), F(ARG, mask, UINT32_MAX), F(ARG, mul, 1)));
}

unsigned test_run(test_device *d, uint32_t a1, uint32_t a2) {
  const uint32_t args[MX_ARGS] = {a1, a2};
  test_add(d, HALT);
  return mx_machine_run(d->machine, d->entry, args);
}

void test_run_clean(test_device *d, uint32_t a1, uint32_t a2) {
  unsigned fault = test_run(d, a1, a2);
  if (!fault) return;
  fprintf(stderr, "fault %u (%s) at 0x%x\n", fault, mx_fault_text(fault), d->machine->pc);
  abort();
}

uint32_t test_random_fp(test_random *r, uint32_t range) {
  uint32_t exponent = 127 - range + test_random_below(r, 2 * range + 1);
  return (test_random_u32(r) & 0x807FFFFFu) | exponent << 23;
}
