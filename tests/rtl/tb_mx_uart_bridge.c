// tb: name=mx_uart_bridge top=mx_uart_bridge params=ClocksPerBit=8,RxDepth=1,BusBits=32,MemBytes=4096,FlashBytes=1024 dir=rtl/soc gen=mx_frame_pkg
// tb: name=mx_uart_bridge_64 top=mx_uart_bridge params=ClocksPerBit=16,RxDepth=4,BusBits=64,MemBytes=4096,FlashBytes=1024 dir=rtl/soc gen=mx_frame_pkg
// The bridge beside the firmware's end of the same protocol: the same bytes into
// both must give the same accesses in the same order and the same answers. Requests
// are random, whole or damaged, repeated, cut off, in garbage; the bus takes its
// time and refuses at times; resets.
#include <stdio.h>
#include <string.h>

#include "firmware/mx_serial_board.h"
#include "tests/rtl/uart_line.h"

enum {
  ROUNDS = 600, LOG = 4096, CSRS = 1024, MEMORY = TB_MemBytes, CLOCK_HZ = 12000000,
  BYTE_CYCLES = 10 * TB_ClocksPerBit, QUIET_CYCLES = 4 * BYTE_CYCLES + 300, SLOWEST = 30,
  SLOWEST_STEP = SLOWEST + MX_FRAME_WAIT_CLOCKS + 60,  // of an access
};

typedef struct { bool write, csr, refused; uint32_t addr, word; } access;
typedef struct { access list[LOG]; unsigned count; uint8_t answer[UART_LINE_BYTES]; unsigned answered; } record;

// An AXI slave of single accesses: ports, and what it is doing.
typedef struct {
  tb_port *awvalid, *awready, *awaddr, *wvalid, *wready, *wdata, *bvalid, *bready, *bresp;
  tb_port *arvalid, *arready, *araddr, *rvalid, *rready, *rdata, *rresp, *wstrb;
  bool csr, have_addr, have_data, have_read;
  uint32_t addr;
  unsigned delay;
} slave;

// Of the bridge and of the firmware: memory, and what happened.
typedef struct { uint32_t csr[CSRS], memory[MEMORY / 4]; record r; } world;

static world rtl, firmware;
static slave csr_bus = {.csr = true}, mem_bus;
static uart_line line;
static mx_serial_board serial;
static tb_port *irq, *rst;
static bool irq_level;
static uint32_t waited;       // periods, by the firmware
static uint32_t refused_at;   // registers from here on answer with an error
static uint8_t seq;

// ---- the world -----------------------------------------------------------------------

static uint32_t *place(world *w, bool csr, uint32_t addr) {
  return csr ? &w->csr[addr / 4 % CSRS] : &w->memory[addr / 4 % (MEMORY / 4)];
}

static bool refuses(bool csr, uint32_t addr) { return csr && (addr & 0xfff) >= refused_at; }

static void note(world *w, bool write, bool csr, uint32_t addr, uint32_t word) {
  TB_CHECK(w->r.count < LOG, "too many accesses");
  addr &= csr ? 0xfff : MEMORY - 1;
  w->r.list[w->r.count++] = (access){write, csr, refuses(csr, addr), addr, word};
  if (write && !refuses(csr, addr)) *place(w, csr, addr) = word;
}

// ---- the firmware's end ------------------------------------------------------------------

static void board_send(void *self, uint8_t byte) {
  record *r = self;
  r->answer[r->answered++] = byte;
}

static bool board_read(void *self, uint32_t space, uint32_t addr, uint32_t *word) {
  bool csr = space == MX_FRAME_SPACE_CSR;
  (void)self;
  *word = *place(&firmware, csr, addr);
  note(&firmware, false, csr, addr, *word);
  return !refuses(csr, addr);
}

static bool board_write(void *self, uint32_t space, uint32_t addr, uint32_t word) {
  bool csr = space == MX_FRAME_SPACE_CSR;
  (void)self;
  note(&firmware, true, csr, addr, word);
  return !refuses(csr, addr);
}

static bool board_wait(void *self, uint32_t periods) {
  (void)self;
  waited = irq_level ? 0 : periods;
  return irq_level;
}

static const mx_board board = {.self = &firmware.r, .send = board_send, .read = board_read, .write = board_write,
                               .wait = board_wait, .clock_hz = CLOCK_HZ, .memory_bytes = MEMORY,
                               .flash_bytes = TB_FlashBytes};

// ---- the buses -----------------------------------------------------------------------------

static void find_slave(slave *s, const char *prefix) {
  char name[40];
#define PORT(field, text) snprintf(name, sizeof name, "%s_axi_" text, prefix), s->field = tb_find(name)
  PORT(awvalid, "awvalid_o"); PORT(awready, "awready_i"); PORT(awaddr, "awaddr_o"); PORT(wvalid, "wvalid_o");
  PORT(wready, "wready_i"); PORT(wdata, "wdata_o"); PORT(wstrb, "wstrb_o"); PORT(bvalid, "bvalid_i");
  PORT(bready, "bready_o"); PORT(bresp, "bresp_i"); PORT(arvalid, "arvalid_o"); PORT(arready, "arready_i");
  PORT(araddr, "araddr_o"); PORT(rvalid, "rvalid_i"); PORT(rready, "rready_o"); PORT(rdata, "rdata_i");
  PORT(rresp, "rresp_i");
#undef PORT
}

// Which 32 bits of a beat hold the word at `addr`.
static unsigned lane_of(const slave *s, uint32_t addr) { return s->csr ? 0 : addr / 4 % (TB_BusBits / 32) * 32; }

static void settle_slave(slave *s) {
  bool ready = tb_random_below(3) == 0;
  tb_put(s->awready, ready && !s->have_addr);
  tb_put(s->wready, tb_random_below(3) == 0 && !s->have_data);
  tb_put(s->arready, ready && !s->have_read);
  if (s->delay) s->delay--;
  tb_put(s->bvalid, s->have_addr && s->have_data && !s->delay);
  tb_put(s->rvalid, s->have_read && !s->delay);
  tb_put(s->bresp, refuses(s->csr, s->addr) ? 2 : 0);
  tb_put(s->rresp, refuses(s->csr, s->addr) ? 2 : 0);
  tb_put_bits(s->rdata, 0, 32, (uint32_t)tb_random());
  tb_put_bits(s->rdata, lane_of(s, s->addr), 32, *place(&rtl, s->csr, s->addr));
}

static void take_write(slave *s) {
  unsigned lane = lane_of(s, s->addr);
  TB_CHECK(tb_peek(s->wstrb) == 15ull << lane / 8, "strobes %X for address %X", (unsigned)tb_peek(s->wstrb), s->addr);
  note(&rtl, true, s->csr, s->addr, (uint32_t)tb_peek_bits(s->wdata, lane, 32));
  s->delay = (unsigned)tb_random_below(SLOWEST);
}

static uint32_t held_address(slave *s, const tb_port *p) {
  TB_CHECK(tb_peek(p) < (s->csr ? 4096 : MEMORY), "address %lX is outside", tb_peek(p));
  return (uint32_t)tb_peek(p);
}

// What the edge will transfer. The word of a write is steady while it is answered.
static void sample_slave(slave *s) {
  bool was_whole = s->have_addr && s->have_data;
  if (tb_peek(s->bvalid) && tb_peek(s->bready)) s->have_addr = s->have_data = false;
  if (tb_peek(s->rvalid) && tb_peek(s->rready)) {
    note(&rtl, false, s->csr, s->addr, (uint32_t)tb_peek_bits(s->rdata, lane_of(s, s->addr), 32));
    s->have_read = false;
  }
  if (tb_peek(s->awvalid) && tb_peek(s->awready)) s->have_addr = true, s->addr = held_address(s, s->awaddr);
  if (tb_peek(s->wvalid) && tb_peek(s->wready)) s->have_data = true;
  if (tb_peek(s->arvalid) && tb_peek(s->arready)) {
    s->have_read = true;
    s->addr = held_address(s, s->araddr);
    s->delay = (unsigned)tb_random_below(SLOWEST);
  }
  if (!was_whole && s->have_addr && s->have_data) take_write(s);
}

static void step(void) {
  settle_slave(&csr_bus);
  settle_slave(&mem_bus);
  uart_line_step(&line);
  tb_eval();
  sample_slave(&csr_bus);
  sample_slave(&mem_bus);
  tb_cycle();
}

// Until the line has been quiet for long.
static void until_quiet(unsigned more) {
  for (unsigned quiet = 0; quiet < QUIET_CYCLES + more; quiet++) {
    step();
    if (!uart_line_idle(&line)) quiet = 0;
  }
}

// ---- requests --------------------------------------------------------------------------------

typedef struct { uint8_t bytes[3000]; unsigned count; } frame_bytes;

static void add(void *self, uint8_t byte) {
  frame_bytes *f = self;
  f->bytes[f->count++] = byte;
}

static uint32_t random_address(uint32_t space, uint32_t *count) {
  switch (space) {
    case MX_FRAME_SPACE_CSR: return 4 * (uint32_t)tb_random_below(CSRS - *count);
    case MX_FRAME_SPACE_MEMORY: return 4 * (uint32_t)tb_random_below(MEMORY / 4 - *count);
    case MX_FRAME_SPACE_BOARD: return 4 * (uint32_t)tb_random_below(4);
    default: return (1u << MX_FRAME_WAIT_END_BIT) - (uint32_t)tb_random_below(60) + (tb_random_below(8) ? 0 : 1u << 20);
  }
}

// FLAG and ESCAPE are frequent among the words.
static uint32_t random_word(void) {
  uint32_t word = (uint32_t)tb_random();
  if (tb_random() & 1) return word;
  return (word & 0xff0000ff) | (uint32_t)(MX_FRAME_FLAG - (word >> 8 & 1)) << 8 | (uint32_t)(MX_FRAME_ESCAPE + (word >> 16 & 3)) << 16;
}

static frame_bytes random_request(void) {
  frame_bytes f = {.count = 0};
  mx_framer out = {.self = &f, .send = add};
  uint32_t space = (uint32_t)tb_random_below(4), kind = (uint32_t)tb_random() & (MX_FRAME_KIND_WRITE | MX_FRAME_KIND_FILL);
  uint32_t count = 1 + (uint32_t)tb_random_below(tb_random_below(16) ? 4 : 256);
  uint32_t addr = random_address(space, &count), words = !(kind & MX_FRAME_KIND_WRITE) ? 0 : 1;
  if (words && space == MX_FRAME_SPACE_MEMORY && !(kind & MX_FRAME_KIND_FILL)) words = count;
  if (tb_random_below(8)) seq++;
  mx_frame_begin(&out);
  mx_frame_put(&out, (uint8_t)(kind | space << MX_FRAME_SPACE_LSB | (seq & 15u) << MX_FRAME_SEQ_LSB));
  mx_frame_put(&out, (uint8_t)(count - 1));
  mx_frame_put_word(&out, addr);
  mx_frame_put_crc(&out);
  for (uint32_t i = 0; i < words; i++) mx_frame_put_word(&out, random_word());
  if (words) mx_frame_put_crc(&out);
  return f;
}

// Drops, flips or doubles one byte, cuts the end off, or leaves garbage of 8 bytes.
// (What follows the end of a request would meet the bridge while it answers.)
static void damage(frame_bytes *f) {
  unsigned at = (unsigned)tb_random_below(f->count);
  switch (tb_random_below(5)) {
    case 0: memmove(f->bytes + at, f->bytes + at + 1, --f->count - at); break;
    case 1: f->bytes[at] ^= (uint8_t)(1u << tb_random_below(8)); break;
    case 2: memmove(f->bytes + at + 1, f->bytes + at, f->count++ - at); break;
    case 3: f->count = at; break;
    default:
      f->count = 8;
      for (int i = 0; i < 8; i++) f->bytes[i] = (uint8_t)random_word();
  }
}

static void send_to_both(const frame_bytes *f) {
  waited = 0;
  for (unsigned i = 0; i < f->count; i++) {
    bool broken = tb_random_below(2000) == 0;
    uart_line_send(&line, f->bytes[i], broken);
    if (!broken) mx_serial_board_take(&serial, f->bytes[i]);
  }
  until_quiet((MX_FRAME_WAIT_CLOCKS + 8) * (waited < 10000 ? waited : 10000) + SLOWEST_STEP * (firmware.r.count + serial.count));
}

static void compare(void) {
  const record *a = &rtl.r, *b = &firmware.r;
  for (unsigned i = 0; i < a->count && i < b->count; i++) {
    const access *x = &a->list[i], *y = &b->list[i];
    TB_CHECK(x->write == y->write && x->csr == y->csr && x->addr == y->addr && x->word == y->word && x->refused == y->refused,
             "access %u: %s %s %X = %08X, the firmware's is %s %s %X = %08X", i, x->write ? "write" : "read", x->csr ? "csr" : "memory",
             x->addr, x->word, y->write ? "write" : "read", y->csr ? "csr" : "memory", y->addr, y->word);
  }
  TB_CHECK(a->count == b->count, "%u accesses, the firmware makes %u", a->count, b->count);
  for (unsigned i = 0; i < line.in_count && i < b->answered; i++)
    TB_CHECK(line.in[i] == b->answer[i], "answer byte %u is %02X, the firmware's is %02X", i, line.in[i], b->answer[i]);
  TB_CHECK(line.in_count == b->answered, "an answer of %u bytes, the firmware's has %u", line.in_count, b->answered);
  TB_CHECK(!memcmp(rtl.csr, firmware.csr, sizeof rtl.csr) && !memcmp(rtl.memory, firmware.memory, sizeof rtl.memory),
           "registers or memory differ");
  rtl.r.count = firmware.r.count = firmware.r.answered = line.in_count = 0;
}

static void power_up(void) {
  tb_put(rst, 0);
  uart_line_open(&line, TB_ClocksPerBit, 0);
  csr_bus.have_addr = csr_bus.have_data = csr_bus.have_read = false;
  mem_bus.have_addr = mem_bus.have_data = mem_bus.have_read = false;
  for (int i = 0; i < 4; i++) tb_cycle();
  tb_put(rst, 1);
  mx_serial_board_open(&serial, &board);
}

// In the middle of a request: what memory it wrote is told by the bridge's log.
static void reset_amid(const frame_bytes *f) {
  for (unsigned i = 0; i < f->count; i++) uart_line_send(&line, f->bytes[i], false);
  for (unsigned n = (unsigned)tb_random_below((f->count + 4) * BYTE_CYCLES); n; n--) step();
  power_up();
  rtl.r.count = firmware.r.count = firmware.r.answered = 0;
  memcpy(firmware.csr, rtl.csr, sizeof rtl.csr);
  memcpy(firmware.memory, rtl.memory, sizeof rtl.memory);
}

static unsigned answers;

static void round_of(unsigned i) {
  frame_bytes f = random_request();
  irq_level = tb_random() & 1;
  tb_put(irq, irq_level);
  refused_at = tb_random_below(4) ? 0x1000 : 4 * (uint32_t)tb_random_below(CSRS);
  if (i % 50 == 49) {
    reset_amid(&f);
    return;
  }
  if (tb_random_below(4) == 0) damage(&f);
  send_to_both(&f);
  answers += firmware.r.answered > 0;
  compare();
}

// The interrupt ends a wait that would last for seconds.
static void interrupt_ends_wait(void) {
  frame_bytes f = {.count = 0};
  mx_framer out = {.self = &f, .send = add};
  mx_frame_begin(&out);
  mx_frame_put(&out, MX_FRAME_SPACE_WAIT << MX_FRAME_SPACE_LSB);
  mx_frame_put(&out, 0);
  mx_frame_put_word(&out, 0);
  mx_frame_put_crc(&out);
  tb_put(irq, irq_level = false);
  for (unsigned i = 0; i < f.count; i++) uart_line_send(&line, f.bytes[i], false);
  until_quiet(20000);
  TB_CHECK(line.in_count == 1, "a wait is answered before its time");
  tb_put(irq, irq_level = true);
  until_quiet(0);
  for (unsigned i = 0; i < f.count; i++) mx_serial_board_take(&serial, f.bytes[i]);
  compare();
}

void tb_main(void) {
  find_slave(&csr_bus, "csr");
  find_slave(&mem_bus, "mem");
  irq = tb_find("irq_i");
  rst = tb_find("rst_ni");
  refused_at = 0x1000;
  power_up();
  for (uint32_t i = 0; i < MEMORY / 4; i++) rtl.memory[i] = firmware.memory[i] = (uint32_t)tb_random();
  for (unsigned i = 0; i < ROUNDS; i++) round_of(i);
  TB_CHECK(answers > ROUNDS / 2, "only %u answers", answers);
  interrupt_ends_wait();
}
