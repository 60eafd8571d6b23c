// tb: name=cycle_move_32  top=mx_move params=BusBits=32,Rows=1,Group=16,Lanes=8,BurstBeats=8
// tb: name=cycle_move_64  top=mx_move params=BusBits=64,Rows=1,Group=16,Lanes=16,BurstBeats=16
// tb: name=cycle_move_128 top=mx_move params=BusBits=128,Rows=1,Group=16,Lanes=32,BurstBeats=4
// tb: name=cycle_move_256 top=mx_move params=BusBits=256,Rows=2,Group=32,Lanes=32,BurstBeats=16
// tb: name=cycle_move_4x2 top=mx_move params=BusBits=64,Rows=2,Group=64,Lanes=8,BurstBeats=16
// The twin sim/cycle/move and mx_move side by side: random commands, stalls of
// every input, faults and resets; all outputs equal in every cycle.
#include <stdio.h>

#include "golden/isa.h"
#include "sim/cycle/move.h"
#include "tests/rtl/move_command.h"
#include "tests/rtl/tb.h"

enum { CYCLES = 400000, HISTORY = 3, MEMORY = 1 << 18, BEAT = TB_BusBits / 8, BEATS = 64 };

static const mx_params params = {.BUS_BITS = TB_BusBits, .ROWS = TB_Rows, .GROUP = TB_Group, .TOKENS = 1,
                                 .BURST_BEATS = TB_BurstBeats};

static mx_cycle_move twin;
static mx_cycle_move_in in;
static move_command next, accepted[HISTORY];  // the last one first
static unsigned commands, faults, resets, broken;  // broken: cycles since a fault
static unsigned counts[4];                        // requests, beats written, elements of LOAD, of UCODE

// Addresses of beats asked for and not yet answered.
static struct { uint32_t list[BEATS]; unsigned head, count; } asked;

static struct {
  tb_port *rst, *mem_size, *cmd_valid, *op, *addr, *count, *blocks, *at, *format, *block, *bank, *row, *stride,
      *req_ready, *r_valid, *r_data, *w_ready, *w_idle, *mr_ready, *mw_ready, *pr_ready;
} port;

// Out of 256: how often each input is set.
static struct { unsigned command, req, beats, write, idle, vmem, xmem; } pace;

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }

static void find_ports(void) {
  port.rst = tb_find("rst_ni"), port.mem_size = tb_find("mem_size_i"), port.cmd_valid = tb_find("cmd_valid_i");
  port.op = tb_find("cmd_op_i"), port.addr = tb_find("cmd_addr_i"), port.count = tb_find("cmd_count_i");
  port.blocks = tb_find("cmd_blocks_i"), port.at = tb_find("cmd_at_i"), port.format = tb_find("cmd_format_i");
  port.block = tb_find("cmd_block_i"), port.bank = tb_find("cmd_bank_i"), port.row = tb_find("cmd_row_i");
  port.stride = tb_find("cmd_stride_i"), port.req_ready = tb_find("req_ready_i"), port.r_valid = tb_find("r_valid_i");
  port.r_data = tb_find("r_data_i"), port.w_ready = tb_find("w_ready_i"), port.w_idle = tb_find("w_idle_i");
  port.mr_ready = tb_find("mr_ready_i"), port.mw_ready = tb_find("mw_ready_i"), port.pr_ready = tb_find("pr_ready_i");
}

// ---- inputs ----

static void random_pace(void) {
  static const unsigned often[] = {256, 256, 230, 128, 40, 0};
  pace.command = often[below(5)], pace.req = often[below(5)], pace.beats = often[below(5)];
  pace.write = often[below(6)], pace.idle = often[below(5)], pace.vmem = often[below(6)], pace.xmem = often[below(6)];
  in.mem_size = MEMORY - BEAT * below(100);
  if (below(4) == 0) in.mem_size += below(BEAT);
}

static void offer_command(void) {
  if (in.cmd_valid || below(256) >= pace.command) return;
  next = move_command_random(&params, MEMORY, in.mem_size);
  in.cmd_valid = true;
  in.cmd_op = (uint8_t)next.op, in.cmd_format = (uint8_t)next.format, in.cmd_block = (uint8_t)next.block;
  in.cmd_bank = (uint8_t)next.bank, in.cmd_addr = next.addr, in.cmd_row = next.row, in.cmd_stride = next.stride;
  in.cmd_count = (uint16_t)next.count, in.cmd_blocks = (uint16_t)next.blocks, in.cmd_at = (uint16_t)next.at;
}

static void choose_inputs(void) {
  if (below(300) == 0) random_pace();
  offer_command();
  in.req_ready = asked.count <= BEATS / 2 && below(256) < pace.req;
  in.r_valid = asked.count && below(256) < pace.beats;
  in.w_ready = below(256) < pace.write, in.w_idle = below(256) < pace.idle;
  in.mr_ready = below(256) < pace.vmem, in.mw_ready = below(256) < pace.vmem, in.pr_ready = below(256) < pace.xmem;
}

static void drive(void) {
  tb_put(port.mem_size, in.mem_size), tb_put(port.cmd_valid, in.cmd_valid), tb_put(port.op, in.cmd_op);
  tb_put(port.addr, in.cmd_addr), tb_put(port.count, in.cmd_count), tb_put(port.blocks, in.cmd_blocks);
  tb_put(port.at, in.cmd_at), tb_put(port.format, in.cmd_format), tb_put(port.block, in.cmd_block);
  tb_put(port.bank, in.cmd_bank), tb_put(port.row, in.cmd_row), tb_put(port.stride, in.cmd_stride);
  tb_put(port.req_ready, in.req_ready), tb_put(port.r_valid, in.r_valid), tb_put(port.w_ready, in.w_ready);
  tb_put(port.w_idle, in.w_idle), tb_put(port.mr_ready, in.mr_ready), tb_put(port.mw_ready, in.mw_ready);
  tb_put(port.pr_ready, in.pr_ready);
}

// Each word of memory holds its address, which uc_from must be.
static void drive_beat(void) {
  for (unsigned i = 0; i < TB_BusBits / 32; i++)
    tb_put_bits(port.r_data, 32 * i, 32, in.r_valid ? asked.list[asked.head] + 4 * i : tb_random());
}

static void follow_requests(const mx_cycle_move_out *o) {
  if (in.r_valid) asked.head = (asked.head + 1) % BEATS, asked.count--;
  if (!o->req_valid || !in.req_ready) return;
  for (uint32_t i = 0; i <= o->req_len; i++)
    asked.list[(asked.head + asked.count++) % BEATS] = o->req_addr + BEAT * i;
}

// ---- outputs ----

static void fail(const char *name, uint32_t got, uint32_t expected) {
  for (int i = 0; i < HISTORY; i++) {
    const move_command *c = &accepted[i];
    printf("command -%d: op %u addr 0x%x count %u blocks %u format %u block %u row %u stride 0x%x\n", i, c->op, c->addr,
           c->count, c->blocks, c->format, c->block, c->row, c->stride);
  }
  tb_fail("command %u: %s is 0x%x, the twin says 0x%x", commands, name, expected, got);
}

static void compare(const mx_cycle_move_out *o) {
  const struct { const char *name; bool shown; uint32_t got; } ports[] = {
      {"cmd_ready_o", true, o->cmd_ready}, {"busy_o", true, o->busy}, {"fault_o", true, o->fault},
      {"req_valid_o", true, o->req_valid}, {"req_addr_o", o->req_valid, o->req_addr},
      {"req_len_o", o->req_valid, o->req_len}, {"w_valid_o", true, o->w_valid}, {"w_addr_o", o->w_valid, o->w_addr},
      {"mr_valid_o", true, o->mr_valid}, {"mw_valid_o", true, o->mw_valid}, {"pr_valid_o", true, o->pr_valid},
      {"uc_we_o", true, o->uc_we}, {"uc_addr_o", o->uc_we, o->uc_addr}, {"uc_data_o", o->uc_we, o->uc_from}};
  static tb_port *found[sizeof ports / sizeof *ports];
  for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
    if (!found[i]) found[i] = tb_find(ports[i].name);
    uint32_t expected = (uint32_t)tb_peek(found[i]);
    if (ports[i].shown && ports[i].got != expected) fail(ports[i].name, ports[i].got, expected);
  }
}

static void accept(void) {
  for (int i = HISTORY - 1; i > 0; i--) accepted[i] = accepted[i - 1];
  accepted[0] = next;
  commands++;
  in.cmd_valid = false;
}

static void reset(void) {
  tb_put(port.rst, 0);
  tb_cycle();
  tb_put(port.rst, 1);
  mx_cycle_move_reset(&twin);
  asked.count = broken = 0;
  resets++;
}

static void cycle(void) {
  choose_inputs();
  drive();
  drive_beat();
  tb_eval();
  mx_cycle_move_out o = mx_cycle_move_look(&twin, &in);
  compare(&o);
  counts[0] += o.req_valid && in.req_ready, counts[1] += o.w_valid && in.w_ready;
  counts[2] += o.mw_valid && in.mw_ready, counts[3] += o.uc_we;
  mx_cycle_move_edge(&twin, &in);
  tb_cycle();
  follow_requests(&o);
  if (in.cmd_valid && o.cmd_ready) accept();
  if (o.fault) faults++;
  if (o.fault || broken) broken++;
}

void tb_main(void) {
  find_ports();
  random_pace();
  drive();
  tb_reset();
  mx_cycle_move_open(&twin, &params);
  for (int i = 0; i < CYCLES; i++) {
    cycle();
    if (broken > 30 || below(5000) == 0) reset();
  }
  printf("%d cycles equal: %u commands, %u requests, %u writes, %u + %u elements, %u faults, %u resets\n", CYCLES,
         commands, counts[0], counts[1], counts[2], counts[3], faults, resets);
  bool much = counts[0] > 500 && counts[1] > 1000 && counts[2] > 1000 && counts[3] > 1000;
  TB_CHECK(much && commands > 1000 && faults > 20, "the test did too little");
}
