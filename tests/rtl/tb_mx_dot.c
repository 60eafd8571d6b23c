// tb: name=mx_dot_tiny  top=mx_dot params=BusBits=32,Rows=1,Tokens=1,Group=16,Codebook=0,ZeroPoint=0
// tb: name=mx_dot_small top=mx_dot params=BusBits=64,Rows=1,Tokens=2,Group=16,Codebook=1,ZeroPoint=1
// tb: name=mx_dot_sim   top=mx_dot params=BusBits=128,Rows=1,Tokens=2,Group=16,Codebook=1,ZeroPoint=1
// tb: name=mx_dot_large top=mx_dot params=BusBits=256,Rows=2,Tokens=4,Group=32,Codebook=1,ZeroPoint=1
// tb: name=mx_dot_soft  top=mx_dot params=BusBits=64,Rows=2,Tokens=1,Group=16,Codebook=1,ZeroPoint=1,SoftHigh=1
// Random MATMULs in queues, with stalls on both sides, against the golden
// arithmetic word by word; a reset in the middle; and the stream rate.
#include <stdio.h>
#include <string.h>

#include "golden/fp32.h"
#include "golden/isa.h"
#include "golden/stream.h"
#include "tests/rtl/dot_matmul.h"
#include "tests/rtl/tb.h"

enum {
  XMEM = 4096,  // elements of a token
  LANES = TB_BusBits / (4 * TB_Rows),
  BEAT = TB_BusBits / 8,
  QUEUE = 8,
  MAX_BEATS = 1 << 18,
  MAX_WORDS = 1 << 17,
  QUEUES = 48,
};

static const mx_params params = {
    .BUS_BITS = TB_BusBits, .ROWS = TB_Rows, .TOKENS = TB_Tokens, .GROUP = TB_Group,
    .CODEBOOK = TB_Codebook, .ZERO_POINT = TB_ZeroPoint};

typedef struct { uint16_t addr; uint32_t data; } vmem_write;

// One queue of commands: what goes in and what must come out.
static dot_matmul commands[QUEUE];
static unsigned command_count;
static uint8_t stream[MAX_BEATS * BEAT];
static size_t beats;
static vmem_write results[MAX_WORDS];
static size_t words;
static int8_t xmem[TB_Tokens][XMEM];
static uint8_t xexp[TB_Tokens][XMEM / 16];
static int8_t table[16];

// Out of 256: how often each side is willing.
typedef struct { unsigned command, stream, vmem; } pace;

// ---- golden ----

static int weight(const dot_matmul *m, const uint8_t *unit, uint32_t row, uint32_t i) {
  unsigned bits = mx_code_bits(&m->format);
  uint32_t code = mx_code_read(&params, &m->format, unit, row, i);
  int w = m->codebook ? table[code] : (int)(code ^ (1u << (bits - 1))) - (1 << (bits - 1));
  if (m->format.zero) w = (int8_t)(w - (int8_t)unit[mx_zero_offset(&params, &m->format, row)]);
  return w;
}

static uint16_t scale_of(const dot_matmul *m, const uint8_t *unit, uint32_t row) {
  const uint8_t *at = unit + mx_scale_offset(&params, &m->format, row);
  if (m->format.scale == MX_SCALE_NONE) return 0;
  return m->format.scale == MX_SCALE_E8M0 ? at[0] : (uint16_t)(at[0] | at[1] << 8);
}

static void golden_row(const dot_matmul *m, const uint8_t *group, uint32_t row, uint32_t *out) {
  uint32_t unit_bytes = mx_unit_bytes(&params, &m->format), length = mx_block_length(&m->format);
  for (unsigned t = 0; t <= m->tokens; t++) out[t] = 0;
  for (uint32_t b = 0; b < m->blocks; b++) {
    const uint8_t *unit = group + (size_t)b * unit_bytes;
    int32_t dot[TB_Tokens] = {0};
    for (uint32_t i = 0; i < length; i++) {
      int w = weight(m, unit, row, i);
      for (unsigned t = 0; t <= m->tokens; t++) dot[t] += w * xmem[t][(m->x + b * length + i) % XMEM];
    }
    for (unsigned t = 0; t <= m->tokens; t++) {
      uint8_t e = xexp[t][(m->x + b * length) / 16 % (XMEM / 16)];
      uint32_t term = mx_fp_term(dot[t], m->format.scale, scale_of(m, unit, row), e, m->frac);
      out[t] = mx_fp_add(out[t], term);
    }
  }
}

static void golden_matmul(const dot_matmul *m, const uint8_t *at) {
  if (!m->blocks) return;
  size_t group_bytes = (size_t)m->blocks * mx_unit_bytes(&params, &m->format);
  for (unsigned row = 0; row < m->groups * TB_Group; row++) {
    uint32_t out[TB_Tokens];
    golden_row(m, at + row / TB_Group * group_bytes, row % TB_Group, out);
    for (unsigned t = 0; t <= m->tokens; t++)
      results[words++] = (vmem_write){(uint16_t)(m->dst + row + t * m->stride), out[t]};
  }
}

// ---- random work ----

static unsigned below(unsigned n) { return (unsigned)tb_random_below(n); }

static void fill_scales(const dot_matmul *m, uint8_t *unit) {
  for (uint32_t row = 0; row < TB_Group; row++) {
    uint8_t *at = unit + mx_scale_offset(&params, &m->format, row);
    bool any = below(64) == 0;
    if (m->format.scale == MX_SCALE_E8M0) at[0] = (uint8_t)(any ? below(256) : 110 + below(30));
    if (m->format.scale == MX_SCALE_F16) at[1] = (uint8_t)(any ? below(256) : below(2) << 7 | (0x20 + below(40)));
  }
}

static void append(dot_matmul m) {
  size_t units = (size_t)m.groups * m.blocks, unit_bytes = mx_unit_bytes(&params, &m.format);
  uint8_t *start = stream + beats * BEAT;
  TB_CHECK(beats * BEAT + units * unit_bytes <= sizeof stream, "the stream buffer is too small");
  TB_CHECK(words + (size_t)m.groups * TB_Group * TB_Tokens <= MAX_WORDS, "the result buffer is too small");
  bool extreme = below(8) == 0;
  for (size_t i = 0; i < units * unit_bytes; i++) start[i] = (uint8_t)(extreme ? 0x80 : tb_random() >> 56);
  for (size_t u = 0; u < units; u++) fill_scales(&m, start + u * unit_bytes);
  commands[command_count++] = m;
  golden_matmul(&m, start);
  beats += units * unit_bytes / BEAT;
}

static void new_queue(void) {
  beats = words = command_count = 0;
  bool extreme = below(8) == 0;
  for (unsigned t = 0; t < TB_Tokens; t++) {
    for (unsigned i = 0; i < XMEM; i++) xmem[t][i] = (int8_t)(extreme ? 0x80 : tb_random() >> 56);
    for (unsigned i = 0; i < XMEM / 16; i++) xexp[t][i] = (uint8_t)(below(200) ? 115 + below(20) : below(256));
  }
  for (int i = 0; i < 16; i++) table[i] = (int8_t)(tb_random() >> 56);
}

// ---- the device ----

static struct {
  tb_port *cmd_valid, *cmd_ready, *bits, *scale, *zero, *codebook, *planar, *block, *frac, *x, *groups, *dst,
      *stride, *blocks, *tokens, *s_valid, *s_ready, *s_data, *x_en, *x_addr, *x_data, *e_en, *e_addr, *e_data,
      *vm_valid, *vm_ready, *vm_addr, *vm_data, *busy, *took, *starved, *blocked;
} port;

static void find_ports(void) {
  port.cmd_valid = tb_find("cmd_valid_i"), port.cmd_ready = tb_find("cmd_ready_o");
  port.bits = tb_find("cmd_bits_i"), port.scale = tb_find("cmd_scale_i"), port.zero = tb_find("cmd_zero_i");
  port.codebook = tb_find("cmd_codebook_i"), port.planar = tb_find("cmd_planar_i");
  port.block = tb_find("cmd_block_i"), port.frac = tb_find("cmd_frac_i"), port.x = tb_find("cmd_x_i");
  port.groups = tb_find("cmd_groups_i"), port.dst = tb_find("cmd_dst_i"), port.stride = tb_find("cmd_stride_i");
  port.blocks = tb_find("cmd_blocks_i"), port.tokens = tb_find("cmd_tokens_i");
  port.s_valid = tb_find("s_valid_i"), port.s_ready = tb_find("s_ready_o"), port.s_data = tb_find("s_data_i");
  port.x_en = tb_find("x_en_o"), port.x_addr = tb_find("x_addr_o"), port.x_data = tb_find("x_data_i");
  port.e_en = tb_find("e_en_o"), port.e_addr = tb_find("e_addr_o"), port.e_data = tb_find("e_data_i");
  port.vm_valid = tb_find("vm_valid_o"), port.vm_ready = tb_find("vm_ready_i");
  port.vm_addr = tb_find("vm_addr_o"), port.vm_data = tb_find("vm_data_o"), port.busy = tb_find("busy_o");
  port.took = tb_find("took_o"), port.starved = tb_find("starved_o"), port.blocked = tb_find("blocked_o");
}

static void put_command(const dot_matmul *m) {
  tb_put(port.bits, m->format.bits), tb_put(port.scale, m->format.scale), tb_put(port.zero, m->format.zero);
  tb_put(port.codebook, m->codebook), tb_put(port.planar, m->format.planar);
  tb_put(port.block, m->format.block), tb_put(port.frac, m->frac), tb_put(port.x, m->x);
  tb_put(port.groups, m->groups), tb_put(port.dst, m->dst), tb_put(port.stride, m->stride);
  tb_put(port.blocks, m->blocks), tb_put(port.tokens, m->tokens);
}

static void put_bytes(tb_port *p, unsigned at, const void *bytes, unsigned count) {
  const uint8_t *b = bytes;
  for (unsigned i = 0; i < count; i++) tb_put_bits(p, 8 * (at + i), 8, b[i]);
}

static void load_table(void) {
  for (unsigned half = 0; half < 2; half++) {
    tb_put(tb_find("tbl_we_i"), 1);
    tb_put(tb_find("tbl_half_i"), half);
    put_bytes(tb_find("tbl_data_i"), 0, table + 8 * half, 8);
    tb_cycle();
  }
  tb_put(tb_find("tbl_we_i"), 0);
}

// What XMEM answers to the reads of the cycle before; noise if there was none.
static void answer_reads(bool x_en, unsigned x_addr, bool e_en, unsigned e_addr) {
  for (unsigned t = 0; t < TB_Tokens; t++) {
    if (x_en) put_bytes(port.x_data, LANES * t, &xmem[t][x_addr * LANES % XMEM], LANES);
    else tb_put_bits(port.x_data, LANES * 8 * t + 8 * below(LANES), 8, tb_random() & 0xFF);
    tb_put_bits(port.e_data, 8 * t, 8, e_en ? xexp[t][e_addr % (XMEM / 16)] : tb_random() & 0xFF);
  }
}

typedef struct { uint64_t first_took, last_took, first_word, last_word, starved, blocked; } counts;

static void check_word(size_t n) {
  uint32_t addr = (uint32_t)tb_peek(port.vm_addr), data = (uint32_t)tb_peek(port.vm_data);
  TB_CHECK(n < words, "a result too many: [%u] = %08x", addr, data);
  TB_CHECK(addr == results[n].addr && data == results[n].data, "result %zu of %zu: expected [%u] = %08x, got [%u] = %08x",
           n, words, results[n].addr, results[n].data, addr, data);
}

// Runs the queue until all is done or, if not 0, for `limit` cycles.
static counts run(pace p, uint64_t limit) {
  counts c = {0};
  unsigned command = 0;
  size_t beat = 0, word = 0;
  bool cmd_valid = false, s_valid = false, accepted = false;
  for (uint64_t now = 0; !limit || now < limit; now++) {
    TB_CHECK(now < 64 * (beats + words + 1000), "no end: command %u, beat %zu of %zu, word %zu of %zu", command, beat,
             beats, word, words);
    cmd_valid = command < command_count && (cmd_valid || below(256) < p.command);
    s_valid = beat < beats && (s_valid || below(256) < p.stream);
    bool vm_ready = below(256) < p.vmem;
    tb_put(port.cmd_valid, cmd_valid), tb_put(port.s_valid, s_valid), tb_put(port.vm_ready, vm_ready);
    if (cmd_valid) put_command(&commands[command]);
    if (s_valid) put_bytes(port.s_data, 0, stream + beat * BEAT, BEAT);
    tb_eval();
    bool busy = tb_peek(port.busy), took = s_valid && tb_peek(port.s_ready);
    TB_CHECK(!accepted || busy, "not busy in the cycle after a command");
    TB_CHECK(took == (bool)tb_peek(port.took), "took_o is wrong");
    c.starved += tb_peek(port.starved), c.blocked += tb_peek(port.blocked);
    if (took) {
      if (!beat) c.first_took = now;
      c.last_took = now;
      beat++, s_valid = false;
    }
    if (tb_peek(port.vm_valid) && vm_ready) {
      if (!word) c.first_word = now;
      c.last_word = now;
      check_word(word++);
    }
    accepted = cmd_valid && tb_peek(port.cmd_ready);
    if (accepted) command++, cmd_valid = false;
    if (!busy && !accepted && command == command_count) {
      TB_CHECK(beat == beats && word == words, "idle after %zu of %zu beats, %zu of %zu words", beat, beats, word, words);
      break;
    }
    bool x_en = tb_peek(port.x_en), e_en = tb_peek(port.e_en);
    unsigned x_addr = (unsigned)tb_peek(port.x_addr), e_addr = (unsigned)tb_peek(port.e_addr);
    tb_cycle();
    answer_reads(x_en, x_addr, e_en, e_addr);
  }
  tb_put(port.cmd_valid, 0), tb_put(port.s_valid, 0);
  return c;
}

static unsigned random_pace(void) {
  static const unsigned paces[] = {256, 256, 230, 128, 40};
  return paces[below(5)];
}

static void random_queue(bool interrupted) {
  new_queue();
  unsigned count = 1 + below(QUEUE);
  for (unsigned i = 0; i < count; i++) append(dot_matmul_random(&params));
  load_table();
  pace p = {random_pace(), random_pace(), random_pace()};
  if (interrupted) {
    run(p, 1 + below(400));
    tb_reset();
    TB_CHECK(!tb_peek(port.busy) && !tb_peek(port.vm_valid), "busy after reset");
  } else {
    run(p, 0);
  }
}

// Cycles that `units` units may take when nothing stalls.
static uint64_t ideal_cycles(const dot_matmul *m) {
  uint64_t unit = mx_unit_bytes(&params, &m->format) / BEAT;
  uint64_t side = TB_Group * ((uint64_t)m->format.scale + m->format.zero) / BEAT;
  uint64_t codes = unit - side;
  if (m->format.bits == MX_BITS_6) codes = codes * 4 / 3;
  if (m->format.planar || (m->format.bits == MX_BITS_4 && mx_block_length(&m->format) < LANES)) codes *= 2;
  return m->groups * m->blocks * (side + codes);
}

// Two equal commands one after the other: the stream may not wait anywhere.
static void full_rate(unsigned bits, mx_scale_kind scale, unsigned block, bool planar) {
  dot_matmul m = {.format = {.bits = bits, .scale = scale, .block = block, .planar = planar}, .frac = 6, .x = 0,
              .groups = 4, .dst = 0, .stride = 4096, .blocks = 16, .tokens = TB_Tokens - 1};
  if (mx_code_bits(&m.format) * mx_block_length(&m.format) * m.blocks < TB_BusBits * TB_Tokens) m.blocks *= 2;
  new_queue();
  append(m), append(m);
  counts c = run((pace){256, 256, 256}, 0);
  uint64_t cycles = c.last_took - c.first_took + 1, ideal = 2 * ideal_cycles(&m);
  printf("  %u bits, scale %d, block %3u%s: %zu beats in %llu cycles, last word %llu cycles later\n",
         mx_code_bits(&m.format), (int)scale, mx_block_length(&m.format), planar ? ", planar" : "", beats,
         (unsigned long long)cycles, (unsigned long long)(c.last_word - c.last_took));
  // The last step of 6 bits needs no beat.
  TB_CHECK(cycles <= ideal && cycles + 1 >= ideal, "%llu cycles, expected %llu", (unsigned long long)cycles,
           (unsigned long long)ideal);
  TB_CHECK(!c.starved && !c.blocked, "starved %llu, blocked %llu", (unsigned long long)c.starved,
           (unsigned long long)c.blocked);
}

// One block per row, more words than beats: results may not wait anywhere.
static void full_drain(bool planar) {
  dot_matmul m = {.format = {.bits = MX_BITS_4, .scale = MX_SCALE_E8M0, .planar = planar}, .frac = 6, .x = 0,
              .groups = 8, .dst = 0, .stride = 4096, .blocks = 1, .tokens = TB_Tokens - 1};
  if (ideal_cycles(&m) >= m.groups * TB_Group * TB_Tokens) return;
  new_queue();
  append(m);
  counts c = run((pace){256, 256, 256}, 0);
  uint64_t cycles = c.last_word - c.first_word + 1;
  printf("  %zu words in %llu cycles, %llu of them blocked\n", words, (unsigned long long)cycles,
         (unsigned long long)c.blocked);
  TB_CHECK(cycles == words, "%llu cycles for %zu words", (unsigned long long)cycles, words);
}

void tb_main(void) {
  find_ports();
  tb_put(port.cmd_valid, 0), tb_put(port.s_valid, 0), tb_put(tb_find("tbl_we_i"), 0);
  tb_reset();
  for (int i = 0; i < QUEUES; i++) random_queue(i % 8 == 3);
  full_rate(MX_BITS_4, MX_SCALE_E8M0, 1, false);
  full_rate(MX_BITS_4, MX_SCALE_F16, 2, false);
  full_rate(MX_BITS_4, MX_SCALE_NONE, 0, false);
  full_rate(MX_BITS_4, MX_SCALE_E8M0, 1, true);
  full_rate(MX_BITS_6, MX_SCALE_E8M0, 1, false);
  full_rate(MX_BITS_8, MX_SCALE_E8M0, 1, false);
  full_drain(false);
  full_drain(true);
}
