#include "sim/systemc/bus.h"

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace mx {

bus::bus(sc_module_name name) : sc_module(name) {
  initiators.register_b_transport(this, &bus::b_transport);
  initiators.register_nb_transport_fw(this, &bus::nb_transport_fw);
  initiators.register_transport_dbg(this, &bus::transport_dbg);
  initiators.register_get_direct_mem_ptr(this, &bus::get_direct_mem_ptr);
  targets.register_nb_transport_bw(this, &bus::nb_transport_bw);
  targets.register_invalidate_direct_mem_ptr(this, &bus::invalidate_direct_mem_ptr);
}

void bus::map(const std::string &name, uint64_t base, uint64_t size) { regions_.push_back({name, base, size}); }

int bus::find(uint64_t address) const {
  for (size_t i = 0; i < regions_.size(); i++)
    if (address - regions_[i].base < regions_[i].size) return static_cast<int>(i);
  return -1;
}

void bus::note(const sc_time &delay, route r, const char *phase, const tlm_generic_payload &t) const {
  if (!tell) return;
  uint64_t base = r.target < 0 ? 0 : regions_[r.target].base;
  tell({sc_time_stamp() + delay, r.initiator, r.target < 0 ? "-" : regions_[r.target].name.c_str(), phase,
        t.get_address() + base, t});
}

void bus::b_transport(int id, tlm_generic_payload &t, sc_time &delay) {
  const uint64_t address = t.get_address();
  const sc_time begun = delay;
  route r = {id, find(address)};
  if (r.target < 0) {
    t.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
  } else {
    t.set_address(address - regions_[r.target].base);
    targets[r.target]->b_transport(t, delay);
  }
  note(begun, r, "TRANSPORT", t);
  t.set_address(address);
}

void bus::finish(tlm_generic_payload &t, route r) {
  t.set_address(t.get_address() + regions_[r.target].base);
  routes_.erase(&t);
}

// A target sees its own addresses from the first phase to the last.
tlm::tlm_sync_enum bus::nb_transport_fw(int id, tlm_generic_payload &t, tlm::tlm_phase &phase, sc_time &delay) {
  if (phase == tlm::BEGIN_REQ) {
    route r = {id, find(t.get_address())};
    if (r.target < 0) {
      t.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      note(delay, r, "BEGIN_REQ", t);
      return tlm::TLM_COMPLETED;
    }
    t.set_address(t.get_address() - regions_[r.target].base);
    routes_[&t] = r;
  }
  const route r = routes_.at(&t);
  note(delay, r, phase.get_name(), t);
  const tlm::tlm_phase sent = phase;
  tlm::tlm_sync_enum s = targets[r.target]->nb_transport_fw(t, phase, delay);
  if (s == tlm::TLM_UPDATED) note(delay, r, phase.get_name(), t);
  if (s == tlm::TLM_COMPLETED || sent == tlm::END_RESP) finish(t, r);
  return s;
}

tlm::tlm_sync_enum bus::nb_transport_bw(int, tlm_generic_payload &t, tlm::tlm_phase &phase, sc_time &delay) {
  const route r = routes_.at(&t);
  note(delay, r, phase.get_name(), t);
  tlm::tlm_sync_enum s = initiators[r.initiator]->nb_transport_bw(t, phase, delay);
  if (s != tlm::TLM_ACCEPTED) note(delay, r, phase.get_name(), t);
  if (s == tlm::TLM_COMPLETED || phase == tlm::END_RESP) finish(t, r);
  return s;
}

unsigned bus::transport_dbg(int, tlm_generic_payload &t) {
  const uint64_t address = t.get_address();
  int i = find(address);
  if (i < 0) return 0;
  t.set_address(address - regions_[i].base);
  unsigned n = targets[i]->transport_dbg(t);
  t.set_address(address);
  return n;
}

bool bus::get_direct_mem_ptr(int, tlm_generic_payload &t, tlm::tlm_dmi &dmi) {
  const uint64_t address = t.get_address();
  int i = find(address);
  if (i < 0) return false;
  t.set_address(address - regions_[i].base);
  bool granted = targets[i]->get_direct_mem_ptr(t, dmi);
  t.set_address(address);
  dmi.set_start_address(dmi.get_start_address() + regions_[i].base);
  dmi.set_end_address(std::min(dmi.get_end_address(), sc_dt::uint64(regions_[i].size - 1)) + regions_[i].base);
  return granted;
}

void bus::invalidate_direct_mem_ptr(int id, sc_dt::uint64 first, sc_dt::uint64 last) {
  for (unsigned i = 0; i < initiators.size(); i++)
    initiators[i]->invalidate_direct_mem_ptr(first + regions_[id].base, last + regions_[id].base);
}

}  // namespace mx
