// tb: name=mx_move_32  top=mx_move_top dir=tests/rtl params=BusBits=32,Rows=1,Group=16,Lanes=8,BurstBeats=8,Reads=2,Writes=2
// tb: name=mx_move_128 top=mx_move_top dir=tests/rtl params=BusBits=128,Rows=1,Group=16,Lanes=32,BurstBeats=16,Reads=8,Writes=8
// tb: name=mx_move_256 top=mx_move_top dir=tests/rtl params=BusBits=256,Rows=2,Group=32,Lanes=32,BurstBeats=16,Reads=8,Writes=8
// mx_move, mx_read and mx_write against golden/move.c: every byte of memory,
// word of the vector memory and control-store word in order, and faults.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "golden/machine.h"
#include "tests/rtl/axi_memory.h"
#include "tests/rtl/move_command.h"
#include "tests/rtl/tb.h"

enum { BEAT = TB_BusBits / 8, MEMORY = 1 << 18, EVENTS = 1 << 18, COMMANDS = 600, PATIENCE = 400000 };

typedef struct { uint32_t address, value; } event;

// What golden wrote and the module has yet to write.
typedef struct {
  const char *name;
  event list[EVENTS];
  unsigned pushed, taken;
} event_queue;

// Golden gets a command as an mx_insn.
typedef move_command command;

static struct {
  tb_port *stop, *read_idle, *write_idle, *busy, *move_fault, *read_fault, *write_fault, *mem_base, *mem_size;
  tb_port *cmd_valid, *cmd_ready, *op, *addr, *count, *blocks, *at, *format, *block, *bank, *row, *stride;
  tb_port *mr_valid, *mr_ready, *mr_addr, *mr_data, *mw_valid, *mw_ready, *mw_addr, *mw_data;
  tb_port *pr_valid, *pr_ready, *pr_bank, *pr_addr, *pr_data, *pr_exp, *uc_we, *uc_addr, *uc_data;
} port;

static const mx_params *params;
static mx_machine *golden;
static uint8_t golden_memory[MEMORY];
static uint32_t vmem[1 << 16];  // of the module
static axi_memory *memory;
static event_queue mem_events = {.name = "memory byte"}, vmem_events = {.name = "VMEM word"},
                   ucode_events = {.name = "control-store word"};
static unsigned fault, bus_fault;  // the last that was reported
static unsigned golden_fault;      // of the last command
static unsigned ready_percent = 100;
static command next;
static bool next_valid;
// Reads of the last cycle, answered in this one.
static struct { bool mr, pr; uint32_t mr_addr, pr_addr, pr_bank; } reads;

static bool percent(unsigned p) { return tb_random_below(100) < p; }
static uint32_t below(uint32_t n) { return (uint32_t)tb_random_below(n); }

// ---- expected writes ----

static void observe(void *self, mx_unit unit, mx_space space, uint32_t address, uint32_t value) {
  (void)self, (void)unit;
  event_queue *q = space == MX_SPACE_MEM ? &mem_events : space == MX_SPACE_VMEM ? &vmem_events : &ucode_events;
  TB_CHECK(q->pushed - q->taken < EVENTS, "the test's list is too short");
  q->list[q->pushed++ % EVENTS] = (event){address, value};
}

static void check_write(event_queue *q, uint32_t address, uint32_t value) {
  TB_CHECK(q->taken < q->pushed, "%s 0x%x = 0x%x was not expected", q->name, address, value);
  event e = q->list[q->taken % EVENTS];
  TB_CHECK(e.address == address && e.value == value, "%s %u: got 0x%x at 0x%x, expected 0x%x at 0x%x", q->name,
           q->taken, value, address, e.value, e.address);
  q->taken++;
}

static void memory_byte(void *context, size_t offset, uint8_t byte) {
  (void)context;
  check_write(&mem_events, (uint32_t)offset, byte);
}

static bool all_written(void) {
  return mem_events.taken == mem_events.pushed && vmem_events.taken == vmem_events.pushed &&
         ucode_events.taken == ucode_events.pushed;
}

static void set(mx_insn *in, unsigned field, uint32_t value) {
  TB_CHECK(mx_put(in, field, value), "the test's value 0x%x does not fit its field", value);
}

static mx_insn encode(const command *c) {
  mx_insn in = {{c->op}};
  golden->a[1] = c->row;
  switch (c->op) {
#define SET(op, field, value) set(&in, MX_F_##op##_##field, value)
    case MX_OP_LOAD:
      SET(LOAD, addr, c->addr), SET(LOAD, count, c->count), SET(LOAD, dst, c->at), SET(LOAD, format, c->format);
      break;
    case MX_OP_STORE: SET(STORE, addr, c->addr), SET(STORE, count, c->count), SET(STORE, src, c->at); break;
    case MX_OP_UCODE: SET(UCODE, addr, c->addr), SET(UCODE, count, c->count), SET(UCODE, dst, c->at); break;
    case MX_OP_PUTEXP: SET(PUTEXP, addr, c->addr), SET(PUTEXP, bank, c->bank), SET(PUTEXP, x, c->at); break;
    case MX_OP_PUTROW:
      SET(PUTROW, addr, c->addr), SET(PUTROW, blocks, c->blocks), SET(PUTROW, x, c->at), SET(PUTROW, r, 1);
      SET(PUTROW, bits, c->format), SET(PUTROW, block, c->block), SET(PUTROW, bank, c->bank);
      break;
    default:
      SET(PUTCOL, addr, c->addr), SET(PUTCOL, count, c->count), SET(PUTCOL, x, c->at), SET(PUTCOL, r, 1);
      SET(PUTCOL, bits, c->format), SET(PUTCOL, block, c->block), SET(PUTCOL, bank, c->bank);
      SET(PUTCOL, stride, c->stride);
#undef SET
  }
  return in;
}

static void run_golden(const command *c) {
  mx_insn in = encode(c);
  TB_CHECK(!mx_insn_illegal(params, &in), "the test made an illegal instruction");
  golden_fault = mx_move_run(golden, &in);
}

// ---- one cycle ----

static void open_ports(void) {
  port.stop = tb_find("stop_i"), port.read_idle = tb_find("read_idle_o"), port.write_idle = tb_find("write_idle_o");
  port.busy = tb_find("busy_o"), port.move_fault = tb_find("move_fault_o");
  port.read_fault = tb_find("read_fault_o"), port.write_fault = tb_find("write_fault_o");
  port.mem_base = tb_find("mem_base_i"), port.mem_size = tb_find("mem_size_i");
  port.cmd_valid = tb_find("cmd_valid_i"), port.cmd_ready = tb_find("cmd_ready_o"), port.op = tb_find("cmd_op_i");
  port.addr = tb_find("cmd_addr_i"), port.count = tb_find("cmd_count_i"), port.blocks = tb_find("cmd_blocks_i");
  port.at = tb_find("cmd_at_i"), port.format = tb_find("cmd_format_i"), port.block = tb_find("cmd_block_i");
  port.bank = tb_find("cmd_bank_i"), port.row = tb_find("cmd_row_i"), port.stride = tb_find("cmd_stride_i");
  port.mr_valid = tb_find("mr_valid_o"), port.mr_ready = tb_find("mr_ready_i"), port.mr_addr = tb_find("mr_addr_o");
  port.mr_data = tb_find("mr_data_i"), port.mw_valid = tb_find("mw_valid_o"), port.mw_ready = tb_find("mw_ready_i");
  port.mw_addr = tb_find("mw_addr_o"), port.mw_data = tb_find("mw_data_o"), port.pr_valid = tb_find("pr_valid_o");
  port.pr_ready = tb_find("pr_ready_i"), port.pr_bank = tb_find("pr_bank_o"), port.pr_addr = tb_find("pr_addr_o");
  port.pr_data = tb_find("pr_data_i"), port.pr_exp = tb_find("pr_exp_i"), port.uc_we = tb_find("uc_we_o");
  port.uc_addr = tb_find("uc_addr_o"), port.uc_data = tb_find("uc_data_o");
}

static void drive_command(void) {
  tb_put(port.cmd_valid, next_valid);
  tb_put(port.op, next.op);
  tb_put(port.addr, next.addr);
  tb_put(port.count, next.count);
  tb_put(port.blocks, next.blocks);
  tb_put(port.at, next.at);
  tb_put(port.format, next.format);
  tb_put(port.block, next.block);
  tb_put(port.bank, next.bank);
  tb_put(port.row, next.row);
  tb_put(port.stride, next.stride);
}

// Data are right for one cycle only.
static void drive_memories(void) {
  uint32_t word = vmem[reads.mr_addr & (params->VMEM_WORDS - 1)];
  tb_put(port.mr_data, reads.mr ? word : (uint32_t)tb_random());
  uint32_t elem = reads.pr_bank * params->XMEM_ELEMS + (reads.pr_addr & (params->XMEM_ELEMS - 1));
  const int8_t *from = golden->vec.xmem + elem / TB_Lanes * TB_Lanes;
  for (unsigned i = 0; i < TB_Lanes; i++)
    tb_put_bits(port.pr_data, 8 * i, 8, reads.pr ? (uint8_t)from[i] : tb_random());
  tb_put(port.pr_exp, reads.pr ? golden->vec.xexp[elem / 16] : tb_random());
  tb_put(port.mr_ready, percent(ready_percent));
  tb_put(port.mw_ready, percent(ready_percent));
  tb_put(port.pr_ready, percent(ready_percent));
}

static void sample_memories(void) {
  reads.mr = tb_peek(port.mr_valid) && tb_peek(port.mr_ready);
  reads.mr_addr = (uint32_t)tb_peek(port.mr_addr);
  reads.pr = tb_peek(port.pr_valid) && tb_peek(port.pr_ready);
  reads.pr_addr = (uint32_t)tb_peek(port.pr_addr);
  reads.pr_bank = (uint32_t)tb_peek(port.pr_bank) & (params->TOKENS - 1);
  if (tb_peek(port.mw_valid) && tb_peek(port.mw_ready)) {
    uint32_t at = (uint32_t)tb_peek(port.mw_addr) & (params->VMEM_WORDS - 1);
    vmem[at] = (uint32_t)tb_peek(port.mw_data);
    check_write(&vmem_events, at, vmem[at]);
  }
  if (tb_peek(port.uc_we))
    check_write(&ucode_events, (uint32_t)tb_peek(port.uc_addr) & (params->UCODE_WORDS - 1),
                (uint32_t)tb_peek(port.uc_data));
}

static void sample_command(void) {
  if (tb_peek(port.move_fault)) fault = (unsigned)tb_peek(port.move_fault);
  if (tb_peek(port.read_fault)) bus_fault = (unsigned)tb_peek(port.read_fault);
  if (tb_peek(port.write_fault)) bus_fault = (unsigned)tb_peek(port.write_fault);
  if (next_valid && tb_peek(port.cmd_ready)) {
    run_golden(&next);
    next_valid = false;
  }
}

static void cycle(void) {
  axi_memory_drive(memory);
  drive_command();
  drive_memories();
  tb_eval();
  axi_memory_sample(memory);
  sample_memories();
  TB_CHECK(tb_peek(port.busy) || golden_fault || all_written(), "busy_o is clear with writes to come");
  sample_command();
  tb_cycle();
}

static void give(command c) {
  next = c;
  next_valid = true;
  for (int i = 0; next_valid; i++) {
    TB_CHECK(i < PATIENCE, "command %u is never accepted", c.op);
    cycle();
  }
}

static void drain(void) {
  for (int i = 0; tb_peek(port.busy); i++) {
    TB_CHECK(i < PATIENCE, "busy_o never falls");
    cycle();
  }
  cycle();
  TB_CHECK(all_written(), "writes are missing");
}

static void reset(void) {
  TB_CHECK(axi_memory_idle(memory), "reset with transactions on their way");
  next_valid = false;
  tb_put(port.cmd_valid, 0);
  tb_put(port.stop, 0);
  reads.mr = reads.pr = false;
  tb_reset();
  fault = bus_fault = golden_fault = MX_FAULT_NONE;
}

// Golden goes on from what the module left.
static void take_over(void) {
  memcpy(golden_memory, axi_memory_bytes(memory), MEMORY);
  memcpy(golden->vec.vmem, vmem, params->VMEM_WORDS * sizeof *vmem);
  mem_events.taken = mem_events.pushed;
  vmem_events.taken = vmem_events.pushed;
  ucode_events.taken = ucode_events.pushed;
}

// After a command that golden refuses: same code, same writes, nothing after.
static void check_fault(const command *c) {
  for (int i = 0; i < PATIENCE && !(fault && all_written() && tb_peek(port.write_idle)); i++) cycle();
  next = (command){.op = MX_OP_PUTEXP};
  next_valid = true;
  for (int i = 0; i < 40; i++) cycle();
  TB_CHECK(fault == golden_fault, "op %u addr 0x%x: fault %u, expected %u", c->op, c->addr, fault, golden_fault);
  TB_CHECK(all_written(), "op %u: writes before the fault are missing", c->op);
  TB_CHECK(next_valid, "a command is accepted after a fault");
  reset();
}

// ---- random commands ----

static void random_timing(void) {
  unsigned least = 1 + below(20);
  axi_memory_set_timing(memory, (axi_timing){.latency_min = least, .latency_max = least + below(20),
                                             .gap = below(60) * below(2), .stall = below(80) * below(2)});
  ready_percent = percent(50) ? 100 : 10 + below(90);
}

static void test_random(void) {
  unsigned faults = 0;
  for (int i = 0; i < COMMANDS; i++) {
    if (i % 20 == 0) random_timing();
    command c = move_command_random(params, MEMORY, golden->mem_size);
    give(c);
    if (golden_fault) check_fault(&c), faults++;
    else if (percent(20)) drain();
  }
  drain();
  TB_CHECK(!memcmp(golden_memory, axi_memory_bytes(memory), MEMORY), "memories differ");
  printf("%d random commands, %u of them refused\n", COMMANDS, faults);
}

// Every FP16, BF16 and E8M0 value.
static void test_formats(void) {
  static const unsigned size[] = {4, 2, 1, 2}, values[] = {0, 65536, 256, 65536};
  axi_memory_set_timing(memory, (axi_timing){.latency_min = 2, .latency_max = 2});
  ready_percent = 100;
  for (unsigned f = 1; f < 4; f++) {
    for (uint32_t v = 0; v < values[f]; v++)
      for (unsigned b = 0; b < size[f]; b++)
        axi_memory_bytes(memory)[v * size[f] + b] = golden_memory[v * size[f] + b] = (uint8_t)(v >> (8 * b));
    for (uint32_t v = 0; v < values[f]; v += 32768) {
      uint32_t n = values[f] < 32768 ? values[f] : 32768;
      give((command){.op = MX_OP_LOAD, .addr = v * size[f], .count = n, .format = f});
      drain();
    }
  }
}

// ---- faults of the bus, stop ----

static void test_bus_errors(void) {
  random_timing();
  axi_memory_fail(memory, 64 * BEAT, 65 * BEAT);
  give((command){.op = MX_OP_LOAD, .addr = 0, .count = 64 * BEAT, .format = 2});
  drain();
  TB_CHECK(!bus_fault, "bus error where there was none");
  give((command){.op = MX_OP_LOAD, .addr = BEAT, .count = 64 * BEAT, .format = 2});
  drain();
  TB_CHECK(bus_fault == MX_FAULT_BUS_READ, "fault %u, expected BUS_READ", bus_fault);
  reset();
  give((command){.op = MX_OP_PUTEXP, .addr = 64 * BEAT + 1});
  golden_fault = MX_FAULT_BUS_WRITE;  // so that the byte may be missing
  for (int i = 0; i < PATIENCE && tb_peek(port.busy); i++) cycle();
  TB_CHECK(bus_fault == MX_FAULT_BUS_WRITE, "fault %u, expected BUS_WRITE", bus_fault);
  axi_memory_fail(memory, 0, 0);
  reset();
  take_over();
}

static void test_stop(void) {
  command c;
  random_timing();
  do c = move_command_random(params, MEMORY, golden->mem_size);
  while (!c.count || !c.blocks);
  c.addr = c.addr % (MEMORY / 2) / BEAT * BEAT, c.stride = 0;
  give(c);
  for (uint32_t i = below(60); i; i--) cycle();
  tb_put(port.stop, 1);
  cycle();
  cycle();
  axi_counts before = axi_memory_counts(memory);
  for (int i = 0; !tb_peek(port.read_idle) || !tb_peek(port.write_idle); i++) {
    TB_CHECK(i < PATIENCE, "stop never ends");
    cycle();
  }
  for (int i = 0; i < 50; i++) cycle();
  axi_counts after = axi_memory_counts(memory);
  TB_CHECK(after.read_bursts - before.read_bursts <= 1, "reads begin after stop_i");
  TB_CHECK(after.writes - before.writes <= TB_Writes, "writes begin after stop_i");
  reset();
  take_over();
}

// ---- rate ----

static unsigned cycles_of(command c) {
  axi_memory_set_timing(memory, (axi_timing){.latency_min = 4, .latency_max = 4});
  ready_percent = 100;
  drain();
  uint64_t start = tb_cycles();
  give(c);
  drain();
  TB_CHECK(!golden_fault, "fault %u", golden_fault);
  return (unsigned)(tb_cycles() - start);
}

static void test_rates(void) {
  unsigned load = cycles_of((command){.op = MX_OP_LOAD, .count = 1024});
  unsigned half = cycles_of((command){.op = MX_OP_LOAD, .count = 1024, .format = 3});
  unsigned store = cycles_of((command){.op = MX_OP_STORE, .count = 1024});
  unsigned row8 = cycles_of((command){.op = MX_OP_PUTROW, .blocks = 32, .format = 2, .block = 1});
  unsigned row4 = cycles_of((command){.op = MX_OP_PUTROW, .blocks = 32, .format = 0, .block = 1});
  unsigned col8 = cycles_of((command){.op = MX_OP_PUTCOL, .count = 1024, .format = 2, .stride = 128 * BEAT, .block = 1});
  unsigned col4 = cycles_of((command){.op = MX_OP_PUTCOL, .count = 1024, .format = 0, .stride = 128 * BEAT, .block = 1});
  printf("cycles for 1024 elements: LOAD FP32 %u FP16 %u, STORE %u, PUTROW 8 bits %u 4 bits %u, "
         "PUTCOL 8 bits %u 4 bits %u\n", load, half, store, row8, row4, col8, col4);
  TB_CHECK(load < 1100 && half < 1060, "LOAD is slow");
}

static void open_memories(void) {
  uint64_t base = (tb_random() & 0xffffffffff) >> 12 << 12;
  if (base > (UINT64_C(1) << 40) - MEMORY) base = 0xfffff000;
  uint32_t mem_size = MEMORY - BEAT * below(100);
  memory = axi_memory_new(&(axi_memory_config){.base = base, .size = MEMORY, .bus_bits = TB_BusBits, .reads = true,
                                               .writes = true, .window_beats = TB_BurstBeats, .most_reads = TB_Reads,
                                               .most_writes = TB_Writes});
  axi_memory_on_write(memory, memory_byte, NULL);
  golden = mx_machine_new(params, golden_memory, mem_size);
  if (!golden) tb_fail("out of memory");
  golden->observer.write = observe;
  for (size_t i = 0; i < MEMORY; i++) axi_memory_bytes(memory)[i] = golden_memory[i] = (uint8_t)tb_random();
  for (size_t i = 0; i < params->VMEM_WORDS; i++) vmem[i] = golden->vec.vmem[i] = (uint32_t)tb_random();
  for (size_t i = 0; i < params->TOKENS * params->XMEM_ELEMS; i++) golden->vec.xmem[i] = (int8_t)tb_random();
  for (size_t i = 0; i < params->TOKENS * params->XMEM_ELEMS / 16; i++) golden->vec.xexp[i] = (uint8_t)tb_random();
  tb_put(port.mem_base, base);
  tb_put(port.mem_size, mem_size);
}

static const mx_params *find_params(void) {
  for (const mx_params *p = mx_param_sets; p->name; p++)
    if (p->BUS_BITS == TB_BusBits && p->ROWS == TB_Rows && p->GROUP == TB_Group) return p;
  tb_fail("no parameter set has this bus");
}

void tb_main(void) {
  params = find_params();
  open_ports();
  open_memories();
  reset();
  test_rates();
  test_formats();
  test_random();
  test_bus_errors();
  for (int i = 0; i < 30; i++) test_stop();
  test_random();
  axi_counts c = axi_memory_counts(memory);
  printf("%" PRIu64 " beats read, %" PRIu64 " written; at most %u bursts and %u writes outstanding\n", c.read_beats,
         c.writes, c.most_reads, c.most_writes);
  mx_machine_free(golden);
  axi_memory_free(memory);
}
