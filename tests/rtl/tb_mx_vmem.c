// tb: name=mx_vmem_1  top=mx_vmem params=VecLanes=1,VmemWords=64
// tb: name=mx_vmem_2  top=mx_vmem params=VecLanes=2,VmemWords=128
// tb: name=mx_vmem_4  top=mx_vmem params=VecLanes=4,VmemWords=256
// Random traffic on all ports against an array: who may write, which word each
// read gives, what is observed, in every cycle.
#include <string.h>

#include "sim/cycle/onchip.h"
#include "tests/rtl/tb.h"

enum { V = TB_VecLanes, WORDS = TB_VmemWords, CYCLES = 100000 };

static struct {
  tb_port *ra_en, *ra_addr, *ra_data, *rb_en, *rb_addr, *rb_data;
  tb_port *mr_valid, *mr_ready, *mr_addr, *mr_data;
  tb_port *vm_valid, *vm_addr, *vm_mask, *vm_data;
  tb_port *mw_valid, *mw_ready, *mw_addr, *mw_data;
  tb_port *dw_valid, *dw_ready, *dw_addr, *dw_data;
  tb_port *obs_valid, *obs_unit, *obs_addr, *obs_mask, *obs_data;
} p;

static void find_ports(void) {
#define IN(name) p.name = tb_find(#name "_i");
#define OUT(name) p.name = tb_find(#name "_o");
  IN(ra_en) IN(ra_addr) OUT(ra_data) IN(rb_en) IN(rb_addr) OUT(rb_data)
  IN(mr_valid) OUT(mr_ready) IN(mr_addr) OUT(mr_data)
  IN(vm_valid) IN(vm_addr) IN(vm_mask) IN(vm_data)
  IN(mw_valid) OUT(mw_ready) IN(mw_addr) IN(mw_data)
  IN(dw_valid) OUT(dw_ready) IN(dw_addr) IN(dw_data)
  OUT(obs_valid) OUT(obs_unit) OUT(obs_addr) OUT(obs_mask) OUT(obs_data)
#undef IN
#undef OUT
}

static uint32_t memory[WORDS];
static bool unknown[WORDS];  // written in this cycle

// A write of up to V words; `unit` as in obs_unit_o.
typedef struct {
  bool valid;
  unsigned unit, address, mask;
  uint32_t data[V];
} write_request;

static bool chance(unsigned percent) { return tb_random_below(100) < percent; }
static uint32_t address(void) { return (uint32_t)tb_random_below(0x10000); }

static write_request random_vector_write(unsigned percent) {
  write_request w = {.valid = chance(percent), .address = address() / V * V};
  w.mask = (unsigned)tb_random_below(1u << V);
  for (unsigned l = 0; l < V; l++) w.data[l] = (uint32_t)tb_random();
  return w;
}

// The address and data that the port holds until its transfer.
static write_request word_write(unsigned unit, bool valid, uint32_t at, uint32_t data) {
  write_request w = {.valid = valid, .unit = unit, .address = at / V * V, .mask = 1u << at % V};
  for (unsigned l = 0; l < V; l++) w.data[l] = data;
  return w;
}

static void check_observed(const write_request *w) {
  TB_CHECK(tb_peek(p.obs_valid) == w->valid, "obs_valid_o");
  if (!w->valid) return;
  TB_CHECK(tb_peek(p.obs_unit) == w->unit, "unit %u observed, expected %u",
           (unsigned)tb_peek(p.obs_unit), w->unit);
  TB_CHECK(tb_peek(p.obs_addr) == w->address % WORDS, "address observed");
  TB_CHECK(tb_peek(p.obs_mask) == w->mask, "mask observed");
  for (unsigned l = 0; l < V; l++)
    TB_CHECK(!(w->mask >> l & 1) || tb_peek_bits(p.obs_data, 32 * l, 32) == w->data[l],
             "data observed");
}

static void apply(const write_request *w) {
  memset(unknown, 0, sizeof unknown);
  if (!w->valid) return;
  for (unsigned l = 0; l < V; l++)
    if (w->mask >> l & 1) {
      memory[(w->address + l) % WORDS] = w->data[l];
      unknown[(w->address + l) % WORDS] = true;
    }
}

static void check_group(const char *port, const tb_port *data, uint32_t at) {
  for (unsigned l = 0; l < V; l++) {
    uint32_t word = (at / V * V + l) % WORDS, got = (uint32_t)tb_peek_bits(data, 32 * l, 32);
    TB_CHECK(unknown[word] || got == memory[word], "%s[%u] = %08x, expected %08x", port, word, got,
             memory[word]);
  }
}

static bool waits(const tb_port *valid, const tb_port *ready) {
  return tb_peek(valid) && !tb_peek(ready);
}

// Offers a new transfer on a valid/ready port unless one still waits.
static void offer(tb_port *valid, tb_port *at, tb_port *data, bool waiting, unsigned percent) {
  if (waiting) return;
  tb_put(valid, chance(percent));
  tb_put(at, address());
  if (data) tb_put(data, tb_random());
}

typedef struct { unsigned read, vm, mw, dw, mr; } traffic;  // percent

static write_request write_of_this_cycle(const write_request *vm) {
  if (vm->valid) return *vm;
  write_request mw = word_write(1, tb_peek(p.mw_valid), (uint32_t)tb_peek(p.mw_addr),
                                (uint32_t)tb_peek(p.mw_data));
  if (mw.valid) return mw;
  return word_write(2, tb_peek(p.dw_valid), (uint32_t)tb_peek(p.dw_addr),
                    (uint32_t)tb_peek(p.dw_data));
}

static write_request drive(const traffic *t) {
  tb_put(p.ra_en, chance(t->read));
  tb_put(p.rb_en, chance(t->read));
  tb_put(p.ra_addr, address());
  tb_put(p.rb_addr, address());
  write_request vm = random_vector_write(t->vm);
  tb_put(p.vm_valid, vm.valid);
  tb_put(p.vm_addr, vm.address);
  tb_put(p.vm_mask, vm.mask);
  for (unsigned l = 0; l < V; l++) tb_put_bits(p.vm_data, 32 * l, 32, vm.data[l]);
  tb_eval();
  return vm;
}

static void check_ready(const write_request *w) {
  bool word_may = !(w->valid && w->unit == 0);
  TB_CHECK(tb_peek(p.mw_ready) == word_may, "mw_ready_o");
  TB_CHECK(tb_peek(p.dw_ready) == (word_may && !tb_peek(p.mw_valid)), "dw_ready_o");
  TB_CHECK(tb_peek(p.mr_ready) == !tb_peek(p.rb_en), "mr_ready_o");
}

static void check_twin(void) {
  mx_cycle_vmem_in in = {.rb_en = tb_peek(p.rb_en), .vm_valid = tb_peek(p.vm_valid), .mr_valid = tb_peek(p.mr_valid),
                         .mw_valid = tb_peek(p.mw_valid), .dw_valid = tb_peek(p.dw_valid)};
  mx_cycle_vmem_out out = mx_cycle_vmem_look(&in);
  TB_CHECK(tb_peek(p.mr_ready) == out.mr_ready, "mr_ready of the twin");
  TB_CHECK(tb_peek(p.mw_ready) == out.mw_ready, "mw_ready of the twin");
  TB_CHECK(tb_peek(p.dw_ready) == out.dw_ready, "dw_ready of the twin");
}

static void one_cycle(const traffic *t) {
  write_request vm = drive(t);
  bool ra = tb_peek(p.ra_en), rb = tb_peek(p.rb_en);
  write_request w = write_of_this_cycle(&vm);
  check_ready(&w);
  check_observed(&w);
  check_twin();

  bool mr = tb_peek(p.mr_valid) && tb_peek(p.mr_ready);
  bool mr_waits = waits(p.mr_valid, p.mr_ready), mw_waits = waits(p.mw_valid, p.mw_ready);
  bool dw_waits = waits(p.dw_valid, p.dw_ready);
  uint32_t mr_at = (uint32_t)tb_peek(p.mr_addr) % WORDS;
  tb_cycle();
  apply(&w);
  if (ra) check_group("A", p.ra_data, (uint32_t)tb_peek(p.ra_addr));
  if (rb) check_group("B", p.rb_data, (uint32_t)tb_peek(p.rb_addr));
  if (mr && !unknown[mr_at])
    TB_CHECK(tb_peek(p.mr_data) == memory[mr_at], "move read of word %u", mr_at);
  offer(p.mr_valid, p.mr_addr, NULL, mr_waits, t->mr);
  offer(p.mw_valid, p.mw_addr, p.mw_data, mw_waits, t->mw);
  offer(p.dw_valid, p.dw_addr, p.dw_data, dw_waits, t->dw);
  tb_eval();
}

void tb_main(void) {
  find_ports();
  traffic t = {.read = 50};  // every word reads as zero at first
  for (unsigned i = 0; i < CYCLES; i++) {
    if (i % 200 == 199)
      t = (traffic){(unsigned)tb_random_below(101), (unsigned)tb_random_below(101),
                    (unsigned)tb_random_below(101), (unsigned)tb_random_below(101),
                    (unsigned)tb_random_below(101)};
    one_cycle(&t);
  }
}
