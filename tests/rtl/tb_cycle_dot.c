// tb: name=cycle_dot_tiny   top=mx_dot params=BusBits=32,Rows=1,Tokens=1,Group=16,Codebook=0,ZeroPoint=0
// tb: name=cycle_dot_small  top=mx_dot params=BusBits=64,Rows=1,Tokens=2,Group=16,Codebook=1,ZeroPoint=1
// tb: name=cycle_dot_sim    top=mx_dot params=BusBits=128,Rows=1,Tokens=2,Group=16,Codebook=1,ZeroPoint=1
// tb: name=cycle_dot_large  top=mx_dot params=BusBits=256,Rows=2,Tokens=4,Group=32,Codebook=1,ZeroPoint=1
// tb: name=cycle_dot_narrow top=mx_dot params=BusBits=64,Rows=2,Tokens=8,Group=16,Codebook=1,ZeroPoint=1
// tb: name=cycle_dot_slices top=mx_dot params=BusBits=128,Rows=4,Tokens=1,Group=64,Codebook=1,ZeroPoint=1
// The twin sim/cycle/dot and mx_dot side by side: random commands, stalls of
// every input and resets; all outputs equal in every cycle.
#include <stdio.h>

#include "sim/cycle/dot.h"
#include "tests/rtl/dot_matmul.h"
#include "tests/rtl/tb.h"

enum { CYCLES = 400000, HISTORY = 3 };

static const mx_params params = {
    .BUS_BITS = TB_BusBits, .ROWS = TB_Rows, .TOKENS = TB_Tokens, .GROUP = TB_Group,
    .CODEBOOK = TB_Codebook, .ZERO_POINT = TB_ZeroPoint};

static mx_cycle_dot twin;
static mx_cycle_dot_in in;
static dot_matmul next, accepted[HISTORY];  // the last one first
static unsigned commands, resets, words, beats, blocked;

static struct {
  tb_port *rst, *cmd_valid, *bits, *scale, *zero, *codebook, *planar, *block, *x, *groups, *blocks, *tokens, *tbl_we,
      *s_valid, *vm_ready;
} port;

// Out of 256: how often each input is set.
static struct { unsigned command, stream, vmem, table; } pace;

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }

static void find_ports(void) {
  port.rst = tb_find("rst_ni"), port.cmd_valid = tb_find("cmd_valid_i"), port.bits = tb_find("cmd_bits_i");
  port.scale = tb_find("cmd_scale_i"), port.zero = tb_find("cmd_zero_i"), port.codebook = tb_find("cmd_codebook_i");
  port.planar = tb_find("cmd_planar_i"), port.block = tb_find("cmd_block_i"), port.x = tb_find("cmd_x_i");
  port.groups = tb_find("cmd_groups_i"), port.blocks = tb_find("cmd_blocks_i"), port.tokens = tb_find("cmd_tokens_i");
  port.tbl_we = tb_find("tbl_we_i"), port.s_valid = tb_find("s_valid_i"), port.vm_ready = tb_find("vm_ready_i");
}

// ---- inputs ----

static void random_pace(void) {
  static const unsigned often[] = {256, 256, 230, 128, 40, 0};
  pace.command = often[below(5)];
  pace.stream = often[below(5)];
  pace.vmem = often[below(6)];
  pace.table = below(3) ? 0 : 1 + below(40);
}

static void offer_command(void) {
  if (in.cmd_valid || below(256) >= pace.command) return;
  next = dot_matmul_random(&params);
  const mx_stream_format *f = &next.format;
  in.cmd_valid = true;
  in.cmd_bits = (uint8_t)f->bits, in.cmd_scale = (uint8_t)f->scale, in.cmd_block = (uint8_t)f->block;
  in.cmd_zero = f->zero, in.cmd_codebook = next.codebook, in.cmd_planar = f->planar;
  in.cmd_tokens = (uint8_t)next.tokens, in.cmd_x = (uint16_t)next.x;
  in.cmd_groups = (uint16_t)next.groups, in.cmd_blocks = (uint16_t)next.blocks;
}

static void drive(void) {
  tb_put(port.cmd_valid, in.cmd_valid);
  tb_put(port.bits, in.cmd_bits), tb_put(port.scale, in.cmd_scale), tb_put(port.zero, in.cmd_zero);
  tb_put(port.codebook, in.cmd_codebook), tb_put(port.planar, in.cmd_planar), tb_put(port.block, in.cmd_block);
  tb_put(port.x, in.cmd_x), tb_put(port.groups, in.cmd_groups), tb_put(port.blocks, in.cmd_blocks);
  tb_put(port.tokens, in.cmd_tokens), tb_put(port.tbl_we, in.tbl_we), tb_put(port.s_valid, in.s_valid);
  tb_put(port.vm_ready, in.vm_ready);
}

static void choose_inputs(void) {
  if (below(300) == 0) random_pace();
  offer_command();
  in.s_valid = in.s_valid || below(256) < pace.stream;  // holds until taken
  in.vm_ready = below(256) < pace.vmem;
  in.tbl_we = below(256) < pace.table;
}

// ---- outputs ----

static void fail(const char *name, unsigned got, unsigned expected) {
  for (int i = 0; i < HISTORY; i++) {
    const dot_matmul *m = &accepted[i];
    printf("command -%d: bits %u scale %d zero %d planar %d block %u, x %u groups %u blocks %u tokens %u\n", i,
           m->format.bits, (int)m->format.scale, m->format.zero, m->format.planar, m->format.block, m->x, m->groups,
           m->blocks, m->tokens + 1);
  }
  tb_fail("command %u: %s is %u, the twin says %u", commands, name, expected, got);
}

static void compare(const mx_cycle_dot_out *o) {
  const struct { const char *name; unsigned got; } ports[] = {
      {"cmd_ready_o", o->cmd_ready}, {"busy_o", o->busy}, {"s_ready_o", o->s_ready}, {"took_o", o->took},
      {"starved_o", o->starved}, {"blocked_o", o->blocked}, {"x_en_o", o->x_en}, {"vm_valid_o", o->vm_valid}};
  static tb_port *found[sizeof ports / sizeof *ports];
  for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
    if (!found[i]) found[i] = tb_find(ports[i].name);
    unsigned expected = (unsigned)tb_peek(found[i]);
    if (ports[i].got != expected) fail(ports[i].name, ports[i].got, expected);
  }
}

static void accept(void) {
  for (int i = HISTORY - 1; i > 0; i--) accepted[i] = accepted[i - 1];
  accepted[0] = next;
  commands++;
  in.cmd_valid = false;
}

static void cycle(void) {
  choose_inputs();
  drive();
  tb_eval();
  mx_cycle_dot_out o = mx_cycle_dot_look(&twin, &in);
  compare(&o);
  words += o.vm_valid && in.vm_ready, beats += o.took, blocked += o.blocked;
  mx_cycle_dot_edge(&twin, &in);
  tb_cycle();
  if (in.cmd_valid && o.cmd_ready) accept();
  if (o.took) in.s_valid = false;
}

static void reset(void) {
  tb_put(port.rst, 0);
  tb_cycle();
  tb_put(port.rst, 1);
  mx_cycle_dot_reset(&twin);
  resets++;
}

void tb_main(void) {
  find_ports();
  random_pace();
  drive();
  tb_reset();
  mx_cycle_dot_open(&twin, &params);
  for (int i = 0; i < CYCLES; i++) {
    cycle();
    if (below(3000) == 0) reset();
  }
  printf("%d cycles equal: %u commands, %u beats, %u words, %u cycles blocked, %u resets\n", CYCLES, commands, beats,
         words, blocked, resets);
  TB_CHECK(commands > 100 && words > 1000 && blocked > 100 && resets > 10, "the test did too little");
}
