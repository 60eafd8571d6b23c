#include "sim/lockstep.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { POWER_UP = 2 };  // cycles until reset has reached every register

static void bytes_at(void *self, uint32_t addr, uint32_t count, uint8_t *to) {
  const mx_memory *m = self;
  memset(to, 0, count);
  if (addr < m->time.size && count <= m->time.size - addr) memcpy(to, m->bytes + addr, count);
}

void mx_lockstep_open(mx_lockstep *l, const mx_params *p, const mx_rtl_ports *ports, const mx_memory *memory) {
  *l = (mx_lockstep){.ports = ports, .memory = memory, .issued = UINT32_MAX};
  const mx_memory_time *t = &memory->time;
  mx_cycle_open(&l->model, p, &t->options, t->base, t->size, (mx_cycle_source){(void *)memory, bytes_at});
}

static void take_inputs(mx_lockstep *l) {
  const mx_rtl_ports *p = l->ports;
  l->model.reset = !*p->rst_ni;
  l->model.bus = (mx_cycle_csr_bus){.awvalid = *p->s_axi_awvalid_i, .wvalid = *p->s_axi_wvalid_i, .bready = *p->s_axi_bready_i,
                                    .arvalid = *p->s_axi_arvalid_i, .rready = *p->s_axi_rready_i,
                                    .awaddr = *p->s_axi_awaddr_i, .araddr = *p->s_axi_araddr_i,
                                    .wstrb = *p->s_axi_wstrb_i, .wdata = *p->s_axi_wdata_i};
}

static void compare(mx_lockstep *l, const char *what, uint64_t rtl, uint64_t model) {
  if (rtl == model || l->differs) return;
  l->differs = true;
  snprintf(l->text, sizeof l->text, "cycle %" PRIu64 ": %s is 0x%" PRIx64 ", in the cycle model 0x%" PRIx64
           "; issued last: 0x%06" PRIx32 ", in the cycle model in state %u at 0x%06" PRIx32, l->model.cycle, what, rtl, model,
           l->issued, (unsigned)l->model.seq.state, l->model.seq.pc << 4);
}

static void compare_device(mx_lockstep *l) {
  const mx_rtl_ports *p = l->ports;
  const mx_cycle_ports *m = &l->model.ports;
  static const char *const units[4] = {"busy of stream", "busy of dot", "busy of vec", "busy of move"};
  compare(l, "issue", *p->obs_issue_valid_o, m->issue);
  if (m->issue) compare(l, "the instruction issued", *p->obs_issue_pc_o, m->issue_pc);
  for (unsigned i = 0; i < 4; i++) compare(l, units[i], *p->obs_busy_o >> i & 1, m->busy >> i & 1);
  compare(l, "ARVALID", *p->m_axi_arvalid_o, m->arvalid);
  if (m->arvalid) {
    compare(l, "ARADDR", *p->m_axi_araddr_o, m->araddr);
    compare(l, "beats of ARLEN", *p->m_axi_arlen_o + 1u, m->arbeats);
  }
  compare(l, "AWVALID", *p->m_axi_awvalid_o, m->awvalid);
  if (m->awvalid) compare(l, "AWADDR", *p->m_axi_awaddr_o, m->awaddr);
  compare(l, "WVALID", *p->m_axi_wvalid_o, m->wvalid);
  compare(l, "the interrupt", *p->irq_o, m->irq);
}

// Where time depends on data, data are compared too.
static void compare_data(mx_lockstep *l) {
  const mx_cycle_serial *s = &l->model.serial;
  const mx_rtl_ports *p = l->ports;
  uint32_t addr, word, data;
  bool wrote = mx_serial_wrote(&s->unit, &s->unit_in, &addr, &word);
  compare(l, "a write to VMEM", *p->obs_vmem_valid_o, wrote);
  if (!wrote || l->differs) return;
  memcpy(&data, p->obs_vmem_data_o, sizeof data);
  compare(l, "the word written", *p->obs_vmem_addr_o, addr);
  compare(l, "what VMEM is written", data, word);
}

static void compare_registers(mx_lockstep *l) {
  const mx_rtl_ports *p = l->ports;
  const mx_cycle_ports *m = &l->model.ports;
  compare(l, "AWREADY of the registers", *p->s_axi_awready_o, m->s_awready);
  compare(l, "BVALID of the registers", *p->s_axi_bvalid_o, m->s_bvalid);
  compare(l, "ARREADY of the registers", *p->s_axi_arready_o, m->s_arready);
  compare(l, "RVALID of the registers", *p->s_axi_rvalid_o, m->s_rvalid);
  if (m->s_rvalid) compare(l, "RDATA of the registers", *p->s_axi_rdata_o, m->s_rdata);
}

static void compare_memory(mx_lockstep *l) {
  const mx_memory_time_out *r = &l->memory->time.out, *m = &l->model.memory.out;
  compare(l, "ARREADY of the memory", r->arready, m->arready);
  compare(l, "RVALID of the memory", r->rvalid, m->rvalid);
  compare(l, "AWREADY of the memory", r->awready, m->awready);
  compare(l, "WREADY of the memory", r->wready, m->wready);
  compare(l, "BVALID of the memory", r->bvalid, m->bvalid);
}

void mx_lockstep_look(mx_lockstep *l) {
  if (l->differs) return;
  take_inputs(l);
  mx_cycle_look(&l->model);
  compare_memory(l);
  if (l->model.cycle >= POWER_UP) {
    compare_device(l);
    compare_registers(l);
    if (l->model.params->SERIAL) compare_data(l);
  }
  if (*l->ports->obs_issue_valid_o) l->issued = *l->ports->obs_issue_pc_o;
}

void mx_lockstep_edge(mx_lockstep *l) {
  if (l->differs) return;
  mx_cycle_edge(&l->model);
  l->cycles++;
}
