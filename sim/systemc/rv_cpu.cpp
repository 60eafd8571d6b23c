#include "sim/systemc/rv_cpu.h"

#include <cstring>

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace mx {

constexpr uint32_t wfi = 0x10500073;

rv_cpu::rv_cpu(sc_module_name name, uint32_t reset_pc, sc_time period) : sc_module(name), period_(period) {
  state.memory = [](void *self, mx_rv_transfer *t) { return static_cast<rv_cpu *>(self)->transfer(*t); };
  state.context = this;
  state.mul_div = true;
  mx_rv_reset(&state, reset_pc);
  bus.register_invalidate_direct_mem_ptr(this, &rv_cpu::invalidate_direct_mem_ptr);
  SC_THREAD(run);
}

uint32_t rv_cpu::pending() const { return uint32_t(external.read()) * MX_RV_EXTERNAL + uint32_t(timer.read()) * MX_RV_TIMER; }

void rv_cpu::run() {
  keeper_.reset();
  for (;; instructions++) {
    state.mip = pending();
    state.mcycle = keeper_.get_current_time().value() / period_.value();
    mx_rv_step_result r = mx_rv_step(&state, state.mip);
    keeper_.inc(mx_rv_cycles(&r) * period_);
    if (r.insn == wfi && !r.trapped) idle();
    else if (reached_ || keeper_.need_sync()) keeper_.sync();
    reached_ = false;
  }
}

// WFI: until an interrupt that mie enables is there. If it enables none, this is the end.
void rv_cpu::idle() {
  keeper_.sync();
  if (!state.mie) sc_stop();
  while (!(pending() & state.mie)) wait(external.value_changed_event() | timer.value_changed_event());
}

// ---- transfers -----------------------------------------------------------------------

unsigned char *rv_cpu::direct(uint64_t address, bool write) const {
  for (const region &r : regions_)
    if (address >= r.first && address + 3 <= r.last && (r.writable || !write)) return r.bytes + (address - r.first);
  return nullptr;
}

void rv_cpu::ask_for_dmi(tlm_generic_payload &t) {
  tlm::tlm_dmi dmi;
  if (bus->get_direct_mem_ptr(t, dmi) && dmi.is_read_allowed())
    regions_.push_back({dmi.get_start_address(), dmi.get_end_address(), dmi.get_dmi_ptr(), dmi.is_write_allowed()});
}

void rv_cpu::invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last) {
  for (size_t i = regions_.size(); i--;)
    if (regions_[i].first <= last && regions_[i].last >= first) regions_.erase(regions_.begin() + static_cast<long>(i));
}

// The bytes that are written follow each other, as the core's stores do.
bool rv_cpu::transfer(mx_rv_transfer &x) {
  const bool write = x.strobes;
  const unsigned lane = write ? static_cast<unsigned>(__builtin_ctz(x.strobes)) : 0;
  const unsigned bytes = write ? static_cast<unsigned>(__builtin_popcount(x.strobes)) : 4;
  unsigned char b[4];
  for (int i = 0; i < 4; i++) b[i] = static_cast<unsigned char>(x.data >> 8 * i);
  if (unsigned char *p = direct(x.address, write)) {
    if (write) std::memcpy(p + lane, b + lane, bytes);
    else std::memcpy(b, p, 4);
  } else {
    tlm_generic_payload t;
    sc_time delay = keeper_.get_local_time();
    t.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    t.set_address(x.address + lane);
    t.set_data_ptr(b + lane);
    t.set_data_length(bytes);
    t.set_streaming_width(bytes);
    bus->b_transport(t, delay);
    keeper_.set(delay);
    reached_ = !t.is_dmi_allowed();
    if (!t.is_response_ok()) return false;
    if (t.is_dmi_allowed()) ask_for_dmi(t);
  }
  if (!write) x.data = b[0] | uint32_t(b[1]) << 8 | uint32_t(b[2]) << 16 | uint32_t(b[3]) << 24;
  return true;
}

}  // namespace mx
