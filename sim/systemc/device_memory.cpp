// The memory side of the device: DMI or copies where it is loosely timed, bursts with
// four phases where it is approximately timed.
#include "sim/systemc/device_memory.h"

#include <algorithm>
#include <sstream>

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace mx {

// ---- transactions ------------------------------------------------------------------

void device::burst::set(tlm::tlm_command command, uint64_t address, uint32_t bytes) {
  data.resize(bytes);
  set_command(command);
  set_address(address);
  set_data_ptr(data.data());
  set_data_length(bytes);
  set_streaming_width(bytes);
  set_byte_enable_ptr(nullptr);
  set_dmi_allowed(false);
  set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  pace.respond = nullptr;
  responded = false;
  done = SC_ZERO_TIME;
}

device::burst *device::pool::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<burst>(this));
    free_.push_back(all_.back().get());
  }
  burst *b = free_.back();
  free_.pop_back();
  b->acquire();
  return b;
}

void device::pool::free(tlm_generic_payload *trans) { free_.push_back(static_cast<burst *>(trans)); }

device::~device() = default;

// The platform answers an access inside the memory that the engine was told of with an error.
static void expect_ok(const sc_module &m, const tlm_generic_payload &t) {
  if (!t.is_response_error()) return;
  std::ostringstream text;
  text << "memory at 0x" << std::hex << t.get_address() << ", " << std::dec << t.get_data_length()
       << " bytes: " << t.get_response_string() << "; the device was told that there is memory";
  SC_REPORT_ERROR(m.name(), text.str().c_str());
}

// ---- before a program ----------------------------------------------------------------

bool device::attach() {
  tlm_generic_payload t;
  tlm::tlm_dmi dmi;
  t.set_write();
  t.set_address(engine_->memory_base);
  if (!memory->get_direct_mem_ptr(t, dmi)) return false;
  uint64_t last = engine_->memory_base + engine_->memory_bytes - 1;
  if (!dmi.is_read_write_allowed() || dmi.get_start_address() > engine_->memory_base || dmi.get_end_address() < last) return false;
  engine_->ops->attach(engine_->self, dmi.get_dmi_ptr() + (engine_->memory_base - dmi.get_start_address()));
  return true;
}

// The engine works in a copy from now on.
void device::detach() {
  copy_.resize(engine_->memory_bytes);
  engine_->memory.get(engine_->memory.self, 0, copy_.data(), engine_->memory_bytes);
  engine_->ops->attach(engine_->self, copy_.data());
}

void device::invalidate_direct_mem_ptr(sc_dt::uint64 first, sc_dt::uint64 last) {
  if (!attached_ || last < engine_->memory_base || first >= engine_->memory_base + engine_->memory_bytes) return;
  attached_ = false;
  detach();
  listen();
}

// The copy becomes what the platform's memory is, as far as MEM_SIZE.
void device::copy_memory() {
  tlm_generic_payload t;
  const uint32_t bytes = std::min(mem_size_, engine_->memory_bytes);
  if (copy_.empty()) detach();
  t.set_read();
  t.set_address(engine_->memory_base);
  t.set_data_ptr(copy_.data());
  t.set_data_length(bytes);
  t.set_streaming_width(bytes);
  t.set_response_status(memory->transport_dbg(t) == bytes ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
  expect_ok(*this, t);
}

void device::prepare_memory() {
  if (!attached_ && mode_ == timing::loose) {
    attached_ = attach();
    listen();
  }
  if (!attached_) copy_memory();
}

// ---- what the engine tells -------------------------------------------------------------

void device::listen() {
  if (!pool_) pool_ = std::make_unique<pool>();
  mx_memory_listener bursts = {attached_ ? nullptr : tell_burst, this};
  mx_issue_listener issues = {issued ? tell_issue : nullptr, this};
  engine_->ops->clock->listen(engine_->self, bursts, issues);
}

bool device::tell_issue(void *self, uint64_t cycle, uint32_t pc) {
  auto *d = static_cast<device *>(self);
  if (!d->issued(cycle, pc)) return false;
  d->stop_ = true;
  d->stop_cycle_ = cycle;
  d->stop_pc_ = pc;
  return true;
}

void device::tell_burst(void *self, mx_burst_event what, uint64_t cycle, uint64_t addr, uint32_t bytes) {
  auto *d = static_cast<device *>(self);
  static constexpr decltype(event::kind) kinds[] = {event::read, event::read_first, event::read_last, event::write,
                                                    event::write_answer};
  if (d->mode_ == timing::approximate || what == MX_BURST_WRITE)
    d->events_.push_back({kinds[what], cycle, addr, bytes, false});
}

// ---- loosely timed ---------------------------------------------------------------------

// What the engine's memory holds at the address of the event.
static void take_bytes(const mx_engine *g, uint64_t address, uint32_t bytes, unsigned char *to) {
  g->memory.get(g->memory.self, static_cast<uint32_t>(address - g->memory_base), to, bytes);
}

static bool inside(const mx_engine *g, uint64_t address, uint32_t bytes) {
  return address >= g->memory_base && address - g->memory_base + bytes <= g->memory_bytes;
}

void device::transport_write(const event &e) {
  if (!inside(engine_, e.address, e.bytes)) return;
  burst t(nullptr);
  sc_time delay = SC_ZERO_TIME;
  t.set(tlm::TLM_WRITE_COMMAND, e.address, e.bytes);
  take_bytes(engine_, e.address, e.bytes, t.get_data_ptr());
  memory->b_transport(t, delay);
  expect_ok(*this, t);
}

// ---- approximately timed -----------------------------------------------------------------

// Waits until on_phase or nb_transport_bw have made `over` true.
template <class F> void device::block(F over) {
  blocked_ = true;
  while (!over()) wait(changed_);
  blocked_ = false;
}

// Addresses that the engine's memory does not hold go out too; what the platform answers to
// them changes nothing, as the engine has answered with an error itself.
void device::begin(const event &e, tlm::tlm_command command) {
  burst *b = pool_->take();
  b->set(command, e.address, e.bytes);
  if (command == tlm::TLM_WRITE_COMMAND && inside(engine_, e.address, e.bytes))
    take_bytes(engine_, e.address, e.bytes, b->get_data_ptr());
  (command == tlm::TLM_READ_COMMAND ? reads_ : writes_).push_back(b);
  block([this] { return !requesting_; });
  requesting_ = b;
  send(*b, tlm::BEGIN_REQ);
}

void device::send(burst &b, tlm::tlm_phase phase) {
  sc_time delay = SC_ZERO_TIME;
  bool request = phase == tlm::BEGIN_REQ;
  switch (memory->nb_transport_fw(b, phase, delay)) {
    case tlm::TLM_ACCEPTED: break;
    case tlm::TLM_UPDATED:
      if (delay == SC_ZERO_TIME && phase == tlm::END_REQ) take_phase(b, phase);
      else phases_.notify(b, phase, delay);
      break;
    case tlm::TLM_COMPLETED:
      if (!request) break;
      requesting_ = nullptr;
      b.pace.respond = nullptr;
      b.responded = true;
      b.done = sc_time_stamp() + delay;
  }
}

void device::take_phase(burst &b, const tlm::tlm_phase &phase) {
  if (requesting_ == &b) {
    requesting_ = nullptr;
    if (blocked_) changed_.notify(SC_ZERO_TIME);
  }
  if (phase != tlm::BEGIN_RESP) return;
  b.responded = true;
  if (blocked_) changed_.notify(SC_ZERO_TIME);
}

// The response of a target that is not paced ends at once, that of another with the last
// beat.
tlm::tlm_sync_enum device::nb_transport_bw(tlm_generic_payload &t, tlm::tlm_phase &phase, sc_time &delay) {
  auto &b = static_cast<burst &>(t);
  if (delay != SC_ZERO_TIME) {
    phases_.notify(t, phase, delay);
    return tlm::TLM_ACCEPTED;
  }
  take_phase(b, phase);
  if (phase != tlm::BEGIN_RESP || b.pace.respond) return tlm::TLM_ACCEPTED;
  phase = tlm::END_RESP;
  return tlm::TLM_COMPLETED;
}

// A phase that the target dated ahead, at its time.
void device::on_phase(tlm_generic_payload &t, const tlm::tlm_phase &phase) {
  auto &b = static_cast<burst &>(t);
  take_phase(b, phase);
  if (phase == tlm::BEGIN_RESP && !b.pace.respond) send(b, tlm::END_RESP);
}

// The oldest of `bursts` ends now, or when it has its response.
void device::finish(std::deque<burst *> &bursts) {
  burst *b = bursts.front();
  bursts.pop_front();
  const sc_time due = sc_time_stamp();
  block([b] { return b->responded; });
  wait_until(b->done);
  if (sc_time_stamp() > due) late_++;
  if (b->pace.respond) send(*b, tlm::END_RESP);
  if (inside(engine_, b->get_address(), b->get_data_length())) expect_ok(*this, *b);
  b->release();
}

}  // namespace mx
