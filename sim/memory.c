#include "sim/memory.h"

#include <string.h>

enum { BURST_INCR = 1, WINDOW_BYTES = 4096 };

// ---- rules -------------------------------------------------------------------------

static void require(mx_memory *m, bool ok, const char *rule) {
  if (!ok && !m->violation) m->violation = rule;
}

static void check_burst(mx_memory *m, uint64_t addr, uint32_t beats) {
  uint32_t beat_bytes = m->time.beat_bytes;
  require(m, addr % beat_bytes == 0, "a burst's address is not a multiple of the beat");
  require(m, addr % WINDOW_BYTES + (uint64_t)beats * beat_bytes <= WINDOW_BYTES, "a burst crosses 4096 bytes");
}

static void check_read(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  check_burst(m, *p->m_axi_araddr_o, *p->m_axi_arlen_o + 1u);
  require(m, *p->m_axi_arburst_o == BURST_INCR, "a read burst is not of type INCR");
}

// ---- data --------------------------------------------------------------------------

static void keep_data(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  uint32_t i = (m->w_first + m->w_count++) % MX_MEMORY_QUEUE, bytes = m->time.beat_bytes;
  memcpy(m->wdata[i], p->m_axi_wdata_o, bytes);
  m->wstrb[i] = 0;
  for (uint32_t k = 0; k < (bytes + 7) / 8; k++) m->wstrb[i] |= (uint32_t)p->m_axi_wstrb_o[k] << (8 * k);
  m->wlast[i] = *p->m_axi_wlast_o;
}

static void store_beat(mx_memory *m, uint64_t addr, uint32_t i) {
  uint32_t at = (uint32_t)(addr - m->time.base);
  for (uint32_t k = 0; k < m->time.beat_bytes; k++) {
    if (!(m->wstrb[i] >> k & 1)) continue;
    m->bytes[at + k] = m->wdata[i][k];
    mx_observe(&m->observer, MX_UNIT_MOVE, MX_SPACE_MEM, at + k, m->wdata[i][k]);
  }
}

static void finish_write(mx_memory *m) {
  const mx_memory_join *j = &m->time.join;
  if (!j->valid) return;
  uint32_t i = m->w_first;
  if (j->inside) store_beat(m, j->addr, i);
  require(m, m->wlast[i] == j->last, "WLAST does not mark the last beat");
  m->w_first = (m->w_first + 1) % MX_MEMORY_QUEUE;
  m->w_count--;
}

// ---- clock -------------------------------------------------------------------------

void mx_memory_open(mx_memory *m, const mx_rtl_ports *ports, const mx_memory_options *options, uint8_t *bytes,
                    uint64_t base, uint32_t size, uint32_t beat_bytes) {
  *m = (mx_memory){.ports = ports, .bytes = bytes};
  mx_memory_time_open(&m->time, options, base, size, beat_bytes);
  *ports->m_axi_arready_i = *ports->m_axi_rvalid_i = 0;
  *ports->m_axi_awready_i = *ports->m_axi_wready_i = *ports->m_axi_bvalid_i = 0;
}

void mx_memory_sample(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  const mx_memory_time_out *o = &m->time.out;
  mx_memory_time_in in = {.arvalid = *p->m_axi_arvalid_o, .rready = *p->m_axi_rready_o, .awvalid = *p->m_axi_awvalid_o,
                          .wvalid = *p->m_axi_wvalid_o, .bready = *p->m_axi_bready_o,
                          .arbeats = *p->m_axi_arlen_o + 1u, .awbeats = *p->m_axi_awlen_o + 1u,
                          .araddr = *p->m_axi_araddr_o, .awaddr = *p->m_axi_awaddr_o};
  if (in.arvalid && o->arready) check_read(m);
  if (in.awvalid && o->awready) check_burst(m, in.awaddr, in.awbeats);
  if (in.wvalid && o->wready) keep_data(m);
  mx_memory_time_sample(&m->time, &in);
  finish_write(m);
}

void mx_memory_drive(mx_memory *m) {
  const mx_rtl_ports *p = m->ports;
  const mx_memory_time_out *o = &m->time.out;
  bool held = o->rvalid;  // data stay too
  mx_memory_time_drive(&m->time);
  *p->m_axi_arready_i = o->arready;
  *p->m_axi_awready_i = o->awready;
  *p->m_axi_wready_i = o->wready;
  *p->m_axi_bvalid_i = o->bvalid;
  if (o->bvalid) *p->m_axi_bresp_i = o->bresp;
  *p->m_axi_rvalid_i = o->rvalid;
  if (!o->rvalid || held) return;
  *p->m_axi_rresp_i = o->rresp;
  *p->m_axi_rlast_i = o->rlast;
  if (mx_memory_holds(&m->time, o->raddr)) memcpy(p->m_axi_rdata_i, m->bytes + (o->raddr - m->time.base), m->time.beat_bytes);
}
