// tb: name=mxforge_sim top=mxforge set=sim
// tb: name=mxforge_small top=mxforge set=small
// tb: name=mxforge_tiny top=mxforge set=tiny
// tb: name=mxforge_large top=mxforge set=large
// The whole device against the golden machine: random programs, each fault,
// soft reset. Every write of every unit is compared as it happens; memory,
// registers and counters at the end.
#include <stdio.h>
#include <string.h>

#include "golden/machine.h"
#include "tests/rtl/axi_memory.h"
#include "tests/rtl/tb.h"
#include "tests/rtl/top_program.h"

enum { ACCESS_LIMIT = 200, CYCLE_LIMIT = 3000000, PROGRAMS = 12, LENGTH = 60, HANG_CYCLES = 30000 };
#define MEM_BASE 0x12fffff000ull

// ---- expected writes: one queue per unit and memory ----
typedef enum { DOT_VMEM, VEC_VMEM, MOVE_VMEM, VEC_XMEM, VEC_XEXP, MOVE_UCODE, QUEUES } queue_id;
static const char *const queue_names[QUEUES] = {"dot VMEM", "vec VMEM", "move VMEM", "vec XMEM", "vec scale", "move microcode"};
typedef struct { uint32_t address, value, pc; } write_event;
static struct { write_event *events; size_t count, taken, capacity; } queues[QUEUES];

static const mx_params *params;
static mx_machine *golden;
static uint8_t *golden_memory;
static axi_memory *memory;
static bool comparing;
static uint32_t last_pc;

static queue_id queue_of(mx_unit unit, mx_space space) {
  if (space == MX_SPACE_VMEM) return unit == MX_UNIT_DOT ? DOT_VMEM : unit == MX_UNIT_VEC ? VEC_VMEM : MOVE_VMEM;
  return space == MX_SPACE_XMEM ? VEC_XMEM : space == MX_SPACE_XEXP ? VEC_XEXP : MOVE_UCODE;
}

static void expect_write(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  (void)self;
  if (space == MX_SPACE_MEM) return;  // compared at the end
  queue_id q = queue_of(unit, space);
  if (queues[q].count == queues[q].capacity) {
    queues[q].capacity = queues[q].capacity ? 2 * queues[q].capacity : 1024;
    queues[q].events = realloc(queues[q].events, queues[q].capacity * sizeof *queues[q].events);
    TB_CHECK(queues[q].events, "out of memory");
  }
  queues[q].events[queues[q].count++] = (write_event){address, value, golden->pc};
}

static void see_write(queue_id q, uint32_t address, uint32_t value) {
  if (!comparing) return;
  TB_CHECK(queues[q].taken < queues[q].count, "%s: [%X] = %08X is one write too many (issued last: %08X)",
           queue_names[q], address, value, last_pc);
  write_event e = queues[q].events[queues[q].taken++];
  TB_CHECK(e.address == address && e.value == value, "%s: write %zu is [%X] = %08X, expected [%X] = %08X of instruction %08X",
           queue_names[q], queues[q].taken - 1, address, value, e.address, e.value, e.pc);
}

// ---- ports ----
static struct {
  tb_port *awvalid, *awready, *awaddr, *wvalid, *wdata, *wstrb, *bvalid, *bready, *arvalid, *arready, *araddr, *rvalid,
      *rready, *rdata, *irq;
  tb_port *issue_valid, *issue_pc, *vmem_valid, *vmem_unit, *vmem_addr, *vmem_mask, *vmem_data, *xmem_valid, *xmem_bank,
      *xmem_addr, *xmem_mask, *xmem_data, *xexp_valid, *xexp_bank, *xexp_addr, *xexp_data, *ucode_valid, *ucode_addr,
      *ucode_data;
} p;

static void find_ports(void) {
#define IN(name) p.name = tb_find("s_axi_" #name "_i");
#define OUT(name) p.name = tb_find("s_axi_" #name "_o");
#define OBS(name) p.name = tb_find("obs_" #name "_o");
  IN(awvalid) OUT(awready) IN(awaddr) IN(wvalid) IN(wdata) IN(wstrb) OUT(bvalid) IN(bready) IN(arvalid) OUT(arready)
  IN(araddr) OUT(rvalid) IN(rready) OUT(rdata) OBS(issue_valid) OBS(issue_pc) OBS(vmem_valid) OBS(vmem_unit)
  OBS(vmem_addr) OBS(vmem_mask) OBS(vmem_data) OBS(xmem_valid) OBS(xmem_bank) OBS(xmem_addr) OBS(xmem_mask)
  OBS(xmem_data) OBS(xexp_valid) OBS(xexp_bank) OBS(xexp_addr) OBS(xexp_data) OBS(ucode_valid) OBS(ucode_addr)
  OBS(ucode_data)
#undef IN
#undef OUT
#undef OBS
  p.irq = tb_find("irq_o");
}

static void see_writes(void) {
  static const queue_id units[] = {VEC_VMEM, MOVE_VMEM, DOT_VMEM};
  if (tb_peek(p.issue_valid)) last_pc = (uint32_t)tb_peek(p.issue_pc);
  for (unsigned i = 0; i < params->VEC_LANES && tb_peek(p.vmem_valid); i++)
    if (tb_peek(p.vmem_mask) >> i & 1)
      see_write(units[tb_peek(p.vmem_unit)], (uint32_t)tb_peek(p.vmem_addr) + i, (uint32_t)tb_peek_bits(p.vmem_data, 32 * i, 32));
  for (unsigned i = 0; i < params->VEC_LANES && tb_peek(p.xmem_valid); i++)
    if (tb_peek(p.xmem_mask) >> i & 1)
      see_write(VEC_XMEM, (uint32_t)tb_peek(p.xmem_bank) * params->XMEM_ELEMS + (uint32_t)tb_peek(p.xmem_addr) + i,
                (uint32_t)tb_peek_bits(p.xmem_data, 8 * i, 8));
  if (tb_peek(p.xexp_valid))
    see_write(VEC_XEXP, (uint32_t)tb_peek(p.xexp_bank) * params->XMEM_ELEMS / 16 + (uint32_t)tb_peek(p.xexp_addr),
              (uint32_t)tb_peek(p.xexp_data));
  if (tb_peek(p.ucode_valid)) see_write(MOVE_UCODE, (uint32_t)tb_peek(p.ucode_addr), (uint32_t)tb_peek(p.ucode_data));
}

static void cycle(void) {
  axi_memory_drive(memory);
  tb_eval();
  see_writes();
  axi_memory_sample(memory);
  tb_cycle();
}

static void cycle_until(tb_port *port, const char *what) {
  unsigned i = 0;
  for (tb_eval(); !tb_peek(port); cycle()) TB_CHECK(i++ < ACCESS_LIMIT, "no %s", what);
}

static void csr_write(uint32_t offset, uint32_t value) {
  tb_put(p.awaddr, offset), tb_put(p.wdata, value), tb_put(p.wstrb, 15);
  tb_put(p.awvalid, 1), tb_put(p.wvalid, 1);
  cycle_until(p.awready, "awready");
  cycle();
  tb_put(p.awvalid, 0), tb_put(p.wvalid, 0), tb_put(p.bready, 1);
  cycle_until(p.bvalid, "bvalid");
  cycle();
  tb_put(p.bready, 0);
}

static uint32_t csr_read(uint32_t offset) {
  tb_put(p.araddr, offset), tb_put(p.arvalid, 1);
  cycle_until(p.arready, "arready");
  cycle();
  tb_put(p.arvalid, 0), tb_put(p.rready, 1);
  cycle_until(p.rvalid, "rvalid");
  uint32_t value = (uint32_t)tb_peek(p.rdata);
  cycle();
  tb_put(p.rready, 0);
  return value;
}

static uint32_t wait_idle(void) {
  uint64_t start = tb_cycles();
  for (;;) {
    uint32_t status = csr_read(MX_CSR_STATUS);
    if (!(status & MX_STATUS_BUSY)) return status;
    TB_CHECK(tb_cycles() - start < CYCLE_LIMIT, "the device stays busy; issued last: %08X", last_pc);
  }
}

// ---- one program on both ----
static uint32_t args[MX_ARGS];
static top_program program;

static void new_program(void) {
  for (unsigned i = 0; i < MX_ARGS; i++) args[i] = (uint32_t)tb_random();
  for (unsigned i = 0; i < QUEUES; i++) queues[i].count = queues[i].taken = 0;
  top_begin(&program, params, golden_memory, args);
}

static void random_timing(void) {
  unsigned latency = (unsigned)tb_random_below(60);
  axi_memory_set_timing(memory, (axi_timing){
      .latency_min = 1 + latency / 2, .latency_max = 1 + latency,
      .gap = tb_random() & 1 ? 0 : (unsigned)tb_random_below(60), .stall = tb_random() & 1 ? 0 : (unsigned)tb_random_below(60)});
}

// Returns STATUS at the end.
static uint32_t run_device(uint32_t start_at, uint32_t mem_size) {
  csr_write(MX_CSR_MEM_SIZE, mem_size);
  csr_write(MX_CSR_PROGRAM, start_at);
  for (unsigned i = 0; i < MX_ARGS; i++) csr_write(MX_CSR_ARG1 + 4 * i, args[i]);
  csr_write(MX_CSR_IRQ_STATUS, 1);
  TB_CHECK(!tb_peek(p.irq), "the interrupt cannot be cleared");
  csr_write(MX_CSR_CONTROL, MX_CONTROL_START);
  uint32_t status = wait_idle();
  TB_CHECK(tb_peek(p.irq) && csr_read(MX_CSR_IRQ_STATUS) == 1, "no interrupt at the end");
  TB_CHECK(axi_memory_idle(memory), "the bus is not idle at the end");
  return status;
}

static void compare_ends(void) {
  for (unsigned i = 0; i < QUEUES; i++)
    TB_CHECK(queues[i].taken == queues[i].count, "%s: %zu of %zu writes came", queue_names[i], queues[i].taken, queues[i].count);
  const uint8_t *bytes = axi_memory_bytes(memory);
  for (uint32_t i = 0; i < TOP_MEMORY; i++)
    TB_CHECK(bytes[i] == golden_memory[i], "memory byte %05X is %02X, expected %02X", i, bytes[i], golden_memory[i]);
  uint32_t issued = csr_read(MX_CSR_INSTRUCTIONS), want = (uint32_t)golden->instructions + 1;  // and HALT
  TB_CHECK(issued == want, "INSTRUCTIONS is %u, expected %u", issued, want);
  TB_CHECK(csr_read(MX_CSR_DOT_BUSY) == golden->stream_bytes / mx_beat_bytes(params), "DOT_BUSY is not the beats streamed");
}

static void run_good(void) {
  memcpy(axi_memory_bytes(memory), golden_memory, TOP_MEMORY);
  unsigned fault = mx_machine_run(golden, TOP_PROGRAM, args);
  TB_CHECK(!fault, "the test's program faults: %u at %08X", fault, golden->pc);
  comparing = true;
  uint32_t status = run_device(TOP_PROGRAM, TOP_MEMORY);
  comparing = false;
  TB_CHECK(status == MX_STATUS_DONE, "STATUS is %X, ERROR %u at %08X", status, csr_read(MX_CSR_ERROR), csr_read(MX_CSR_ERROR_PC));
  compare_ends();
}

static void random_program(void) {
  new_program();
  program.overlap = tb_random() & 1;
  random_timing();
  top_ident(&program);
  top_prologue(&program);
  top_random(&program, LENGTH);
  run_good();
}

static void soft_reset(void) {
  csr_write(MX_CSR_CONTROL, MX_CONTROL_RESET);
  uint32_t status = wait_idle();
  TB_CHECK(status == 0 && csr_read(MX_CSR_ERROR) == 0 && csr_read(MX_CSR_ERROR_PC) == 0, "a soft reset leaves STATUS %X", status);
}

// ---- faults ----
// Each builds a program that faults with `want`; ERROR_PC is that of the
// faulting instruction, or, where a unit finds out later, of the FENCE after it.
typedef struct {
  const char *name;
  unsigned want;
  void (*build)(void);
  bool late;                           // a unit's fault
  uint32_t start, mem_size, watchdog;  // 0: the usual
  uint32_t fail_from, fail_to;         // memory that answers with errors
} fault_case;

static void fence_and_halt(void) {
  top_simple(&program, MX_OP_FENCE, 7);
  top_simple(&program, MX_OP_HALT, 0);
}
static void build_nothing(void) { fence_and_halt(); }
static void build_copy(unsigned op, uint32_t addr, uint32_t count) {
  top_ident(&program);
  top_copy(&program, op, addr, 0, count, 0);
  fence_and_halt();
}
static void build_unknown(void) {
  top_ident(&program);
  top_simple(&program, 31, 0);
}
static void build_wrong_id(void) {
  mx_insn in = top_insn(MX_OP_IDENT, 0);
  top_put(&in, MX_F_IDENT_build_id, params->build_id ^ 0x100);
  top_append(&program, in);
}
static void build_ident(void) { top_ident(&program); fence_and_halt(); }
static void build_load_range(void) { build_copy(MX_OP_LOAD, TOP_MEMORY - 64, 64); }
static void build_load_align(void) { build_copy(MX_OP_LOAD, TOP_DATA + 2, 4); }
static void build_store_range(void) { build_copy(MX_OP_STORE, TOP_MEMORY - 64, 64); }
static void build_store(void) { build_copy(MX_OP_STORE, TOP_STORED, 64); }
static void build_load(void) { build_copy(MX_OP_LOAD, TOP_DATA, 64); }
static void build_ucode_align(void) { build_copy(MX_OP_UCODE, TOP_MICROCODE + 1, 4); }
static void build_run_off(void) {
  for (int i = 0; i < 8; i++) top_ident(&program);
}
static void build_jump_off(void) {
  top_ident(&program);
  mx_insn in = top_insn(MX_OP_LOOP, 0);
  top_put(&in, MX_F_LOOP_d, 15);
  top_put(&in, MX_F_LOOP_target, 0x00ffffff);
  top_append(&program, in);
}
static void run_microcode(uint32_t word) {
  top_word(golden_memory, TOP_MICROCODE, word);
  top_ident(&program);
  top_copy(&program, MX_OP_UCODE, TOP_MICROCODE, 5, 1, 0);
  mx_insn in = top_insn(MX_OP_VEC, 7);
  top_put(&in, MX_F_VEC_entry, 5);
  top_append(&program, in);
  fence_and_halt();
}
static void build_bad_microcode(void) { run_microcode(31u << MX_UOP_LSB); }
static void build_bad_mov(void) { run_microcode((uint32_t)MX_UOP_MOV << MX_UOP_LSB | 1); }
static void stream_segments(uint32_t addr, uint32_t stride, uint32_t segments) {
  mx_insn in = top_insn(MX_OP_STREAM, 0);
  top_put(&in, MX_F_STREAM_addr, addr), top_put(&in, MX_F_STREAM_stride, stride);
  top_put(&in, MX_F_STREAM_segments, segments), top_put(&in, MX_F_STREAM_units, 4), top_put(&in, MX_F_STREAM_unit16, 2);
  top_append(&program, in);
}
static void stream(uint32_t addr, uint32_t stride) { stream_segments(addr, stride, 2); }
static void matmul(void) {
  mx_insn in = top_insn(MX_OP_MATMUL, 0);
  top_put(&in, MX_F_MATMUL_groups, 4), top_put(&in, MX_F_MATMUL_blocks, 4);
  top_append(&program, in);
}
static void build_stream_left(void) { top_ident(&program); stream(TOP_WEIGHTS, 256); fence_and_halt(); }
static void build_stream_range(void) { top_ident(&program); stream(TOP_MEMORY - 256, 256); matmul(); fence_and_halt(); }
static void build_stream_align(void) { top_ident(&program); stream(TOP_WEIGHTS + 1, 256); matmul(); fence_and_halt(); }
static void build_stride_align(void) {
  top_ident(&program);
  stream_segments(TOP_WEIGHTS, 257, 1);
  matmul();
  fence_and_halt();
}
static void build_stream_error(void) { top_ident(&program); stream(TOP_WEIGHTS, 256); matmul(); fence_and_halt(); }
static void build_starved(void) { top_ident(&program); matmul(); fence_and_halt(); }

static const fault_case fault_cases[] = {
    {"no IDENT", MX_FAULT_ILLEGAL, build_nothing, .late = false},
    {"unknown code", MX_FAULT_ILLEGAL, build_unknown, .late = false},
    {"another build", MX_FAULT_BUILD_ID, build_wrong_id, .late = false},
    {"program misaligned", MX_FAULT_ALIGN, build_ident, .start = TOP_PROGRAM + 4},
    {"program beyond memory", MX_FAULT_RANGE, build_ident, .start = TOP_MEMORY},
    {"program runs off the end", MX_FAULT_RANGE, build_run_off, .mem_size = TOP_PROGRAM + 128},
    {"jump off the end", MX_FAULT_RANGE, build_jump_off, .late = false},
    {"LOAD range", MX_FAULT_RANGE, build_load_range, .late = true},
    {"LOAD align", MX_FAULT_ALIGN, build_load_align, .late = true},
    {"STORE range", MX_FAULT_RANGE, build_store_range, .late = true},
    {"UCODE align", MX_FAULT_ALIGN, build_ucode_align, .late = true},
    {"microcode", MX_FAULT_UCODE, build_bad_microcode, .late = true},
    {"microcode, a MOV", MX_FAULT_UCODE, build_bad_mov, .late = true},
    {"STREAM left over", MX_FAULT_STREAM, build_stream_left, .late = false},
    {"STREAM range", MX_FAULT_RANGE, build_stream_range, .late = true},
    {"STREAM align", MX_FAULT_ALIGN, build_stream_align, .late = true},
    {"STREAM stride align", MX_FAULT_ALIGN, build_stride_align, .late = true},
    {"watchdog", MX_FAULT_WATCHDOG, build_starved, .late = true, .watchdog = 5000},
    {"small watchdog", MX_FAULT_WATCHDOG, build_starved, .late = true, .watchdog = 400},
    {"LOAD bus error", MX_FAULT_BUS_READ, build_load, .late = true, .fail_from = TOP_DATA + 128, .fail_to = TOP_DATA + 129},
    {"STREAM bus error", MX_FAULT_BUS_READ, build_stream_error, .late = true, .fail_from = TOP_WEIGHTS, .fail_to = TOP_WEIGHTS + 1},
    {"fetch bus error", MX_FAULT_BUS_READ, build_ident, .late = true, .fail_from = TOP_PROGRAM, .fail_to = TOP_PROGRAM + 1},
    {"STORE bus error", MX_FAULT_BUS_WRITE, build_store, .late = true, .fail_from = TOP_STORED, .fail_to = TOP_STORED + 4},
};

static void run_fault(const fault_case *c) {
  uint32_t start = c->start ? c->start : TOP_PROGRAM, mem_size = c->mem_size ? c->mem_size : TOP_MEMORY;
  new_program();
  random_timing();
  c->build();
  memcpy(axi_memory_bytes(memory), golden_memory, TOP_MEMORY);
  axi_memory_fail(memory, c->fail_from, c->fail_to);
  golden->mem_size = mem_size;
  unsigned fault = mx_machine_run(golden, start, args);
  golden->mem_size = TOP_MEMORY;
  if (!c->fail_to && !c->watchdog) TB_CHECK(fault == c->want, "%s: the golden machine says %u", c->name, fault);
  csr_write(MX_CSR_WATCHDOG, c->watchdog);
  uint32_t status = run_device(start, mem_size);
  uint32_t error = csr_read(MX_CSR_ERROR), pc = csr_read(MX_CSR_ERROR_PC);
  TB_CHECK(status == MX_STATUS_FAULT && error == c->want, "%s: STATUS %X, ERROR %u, expected %u", c->name, status, error, c->want);
  uint32_t last = TOP_PROGRAM + MX_INSTRUCTION_BYTES * (program.length - 1);
  if (c->late) TB_CHECK(pc <= last, "%s: ERROR_PC is %08X, the program ends at %08X", c->name, pc, last);
  else TB_CHECK(pc == golden->pc, "%s: ERROR_PC is %08X, expected %08X", c->name, pc, golden->pc);
  csr_write(MX_CSR_CONTROL, MX_CONTROL_START);
  TB_CHECK(csr_read(MX_CSR_STATUS) == MX_STATUS_FAULT, "%s: START is heard after a fault", c->name);
  axi_memory_fail(memory, 0, 0);
  soft_reset();
  csr_write(MX_CSR_WATCHDOG, 100000);
}

// What a stopped program leaves in the units does not reach the next one's LOADs,
// of every format.
static void load_formats(void) {
  new_program();
  random_timing();
  top_ident(&program);
  for (unsigned format = 0; format < 4; format++) top_copy(&program, MX_OP_LOAD, TOP_DATA, 64 * format, 64, format);
  fence_and_halt();
  run_good();
}

// Soft reset in the middle of a random program.
static void interrupt_program(void) {
  new_program();
  random_timing();
  program.overlap = true;
  top_ident(&program);
  top_prologue(&program);
  top_random(&program, LENGTH);
  memcpy(axi_memory_bytes(memory), golden_memory, TOP_MEMORY);
  csr_write(MX_CSR_PROGRAM, TOP_PROGRAM);
  csr_write(MX_CSR_CONTROL, MX_CONTROL_START);
  for (uint64_t i = tb_random_below(HANG_CYCLES); i; i--) cycle();
  soft_reset();
}

// START clears address registers for longer than this WATCHDOG allows for
// anything else, and longest just after a program: that is no lack of progress.
static void start_under_watchdog(void) {
  enum { LIMIT = 64, LATENCY = 5 };
  new_program();
  axi_memory_set_timing(memory, (axi_timing){.latency_min = LATENCY, .latency_max = LATENCY});
  top_ident(&program);
  fence_and_halt();
  csr_write(MX_CSR_WATCHDOG, LIMIT);
  run_good();
  for (unsigned i = 0; i < 4; i++) {
    csr_write(MX_CSR_CONTROL, MX_CONTROL_START);
    uint32_t status = wait_idle(), cycles = csr_read(MX_CSR_CYCLES);
    TB_CHECK(status == MX_STATUS_DONE, "STATUS is %X, ERROR %u with a WATCHDOG of %u", status, csr_read(MX_CSR_ERROR), LIMIT);
    TB_CHECK(cycles > 4 * LIMIT, "START took %u cycles: the test shows nothing", cycles);
  }
  csr_write(MX_CSR_WATCHDOG, 100000);
}

static void set_up(void) {
  params = mx_params_find(TB_SET);
  find_ports();
  memory = axi_memory_new(&(axi_memory_config){
      .base = MEM_BASE, .size = TOP_MEMORY, .bus_bits = params->BUS_BITS, .reads = true, .writes = true,
      .window_beats = params->BURST_BEATS, .most_reads = params->READS, .most_writes = params->WRITES});
  golden_memory = calloc(TOP_MEMORY, 1);
  golden = golden_memory ? mx_machine_new(params, golden_memory, TOP_MEMORY) : NULL;
  TB_CHECK(golden, "out of memory");
  golden->observer = (mx_observer){expect_write, NULL};
  tb_reset();
  top_fill(golden_memory);
  TB_CHECK(csr_read(MX_CSR_ID) == 0x3146584d && csr_read(MX_CSR_BUILD_ID) == params->build_id, "ID or BUILD_ID is wrong");
  csr_write(MX_CSR_MEM_BASE_LO, (uint32_t)MEM_BASE);
  csr_write(MX_CSR_MEM_BASE_HI, (uint32_t)(MEM_BASE >> 32));
  csr_write(MX_CSR_IRQ_ENABLE, 1);
}

void tb_main(void) {
  set_up();
  random_program();
  start_under_watchdog();
  for (unsigned i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++) {
    run_fault(&fault_cases[i]);
    load_formats();
  }
  for (unsigned i = 0; i < PROGRAMS; i++) {
    if (tb_random_below(3) == 0) interrupt_program();
    random_program();
  }
  mx_machine_free(golden);
  free(golden_memory);
  axi_memory_free(memory);
}
