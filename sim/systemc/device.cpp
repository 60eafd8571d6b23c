#include "sim/systemc/device_memory.h"

#include <algorithm>

extern "C" {
#include "golden/isa.h"
}

using namespace sc_core;
using tlm::tlm_generic_payload;

namespace mx {

namespace {

constexpr uint64_t window_bytes = 0x1000;  // of the registers
constexpr uint64_t chunk_cycles = 1 << 16;  // that the engine runs at most before others are heard

uint32_t word_at(const unsigned char *p) {
  return p[0] | uint32_t(p[1]) << 8 | uint32_t(p[2]) << 16 | uint32_t(p[3]) << 24;
}

void put_word(unsigned char *p, uint32_t v) {
  for (int i = 0; i < 4; i++) p[i] = static_cast<unsigned char>(v >> 8 * i);
}

// What is wrong with an access to a register, or TLM_OK_RESPONSE.
tlm::tlm_response_status verdict(const tlm_generic_payload &t) {
  if (!t.is_read() && !t.is_write()) return tlm::TLM_COMMAND_ERROR_RESPONSE;
  if (t.get_address() >= window_bytes || t.get_address() % 4) return tlm::TLM_ADDRESS_ERROR_RESPONSE;
  if (t.get_byte_enable_ptr()) return tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE;
  if (t.get_data_length() != 4 || t.get_streaming_width() < 4) return tlm::TLM_BURST_ERROR_RESPONSE;
  return tlm::TLM_OK_RESPONSE;
}

}  // namespace

device::device(sc_module_name name, mx_engine *engine, timing mode, sc_time period)
    : sc_module(name), engine_(engine), mode_(mode), period_(period), first_cycle_(cycles()), phases_(this, &device::on_phase) {
  registers.register_b_transport(this, &device::b_transport);
  registers.register_transport_dbg(this, &device::transport_dbg);
  memory.register_nb_transport_bw(this, &device::nb_transport_bw);
  memory.register_invalidate_direct_mem_ptr(this, &device::invalidate_direct_mem_ptr);
  if (!engine_->ops->clock || !engine_->ops->attach) SC_REPORT_FATAL(this->name(), "the engine has no clock");
  SC_THREAD(run);
}

// ---- time --------------------------------------------------------------------------

sc_time device::time_of(uint64_t cycle) const { return sc_time::from_value((cycle - first_cycle_) * period_.value()); }

// The first cycle that begins at or after t.
uint64_t device::cycle_at(const sc_time &t) const {
  return first_cycle_ + (t.value() + period_.value() - 1) / period_.value();
}

void device::note_irq() {
  if (engine_->ops->clock->irq(engine_->self) == level_) return;
  level_ = !level_;
  events_.push_back({event::irq, cycles(), 0, 0, level_});
}

void device::check() const {
  if (const char *problem = mx_engine_problem(engine_)) SC_REPORT_ERROR(name(), problem);
}

// Clock the engine up to cycle `to`, or until its interrupt changes or it stops. False: it
// cannot go on.
bool device::advance(uint64_t to) {
  if (cycles() >= to || stop_) return true;
  const uint64_t n = engine_->ops->clock->run(engine_->self, to - cycles());
  note_irq();
  check();
  return n;
}

void device::catch_up(const sc_time &t) {
  while (cycles() < cycle_at(t) && advance(cycle_at(t))) tell_stop();
}

void device::tell_stop() {
  if (!stop_) return;
  stop_ = false;
  if (stopped) stopped(stop_cycle_, stop_pc_);
}

// ---- registers ---------------------------------------------------------------------

// START does nothing while a program runs. Of the RTL that is not known beforehand.
void device::write_register(uint32_t offset, uint32_t value) {
  uint32_t status = 0;
  if (offset == MX_CSR_MEM_SIZE) mem_size_ = value;
  if (offset == MX_CSR_CONTROL && value & MX_CONTROL_START) {
    engine_->ops->clock->peek(engine_->self, MX_CSR_STATUS, &status);
    if (!(status & MX_STATUS_BUSY)) prepare_memory();
  }
  engine_->mmio.write(engine_->mmio.self, offset, value);
}

void device::access(tlm_generic_payload &t) {
  auto offset = static_cast<uint32_t>(t.get_address());
  if (t.is_write()) write_register(offset, word_at(t.get_data_ptr()));
  else put_word(t.get_data_ptr(), engine_->mmio.read(engine_->mmio.self, offset));
  note_irq();
  check();
}

void device::b_transport(tlm_generic_payload &t, sc_time &delay) {
  t.set_response_status(verdict(t));
  t.set_dmi_allowed(false);
  if (t.is_response_error()) return;
  catch_up(sc_time_stamp() + delay);
  access(t);
  tell_stop();
  delay = time_of(cycles()) - sc_time_stamp();
  work_.notify(SC_ZERO_TIME);
}

// Peeks. Nothing is written this way.
unsigned device::transport_dbg(tlm_generic_payload &t) {
  unsigned n = 0;
  uint32_t value;
  if (!t.is_read() || t.get_address() % 4) return 0;
  for (; n + 4 <= t.get_data_length() && t.get_address() + n < window_bytes; n += 4) {
    if (!engine_->ops->clock->peek(engine_->self, static_cast<uint32_t>(t.get_address() + n), &value)) break;
    put_word(t.get_data_ptr() + n, value);
  }
  return n;
}

// ---- the thread --------------------------------------------------------------------

void device::wait_until(const sc_time &t) {
  if (t > sc_time_stamp()) wait(t - sc_time_stamp());
}

void device::run() {
  listen();
  for (;;) {
    replay();
    if (!engine_->ops->clock->busy(engine_->self)) {
      if (events_.empty()) wait(work_);
      continue;
    }
    const sc_time now = sc_time_stamp(), ahead = std::min(sc_time_to_pending_activity(), chunk_cycles * period_);
    uint64_t limit = first_cycle_ + (now + ahead).value() / period_.value();
    advance(limit);
    replay();
    if (stop_) wait_until(time_of(cycles())), tell_stop();
    else wait_until(std::max(now + period_, time_of(cycles())));
  }
}

void device::replay() {
  while (!events_.empty()) {
    event e = events_.front();
    events_.pop_front();
    wait_until(time_of(e.cycle));
    show(e);
  }
}

void device::show(const event &e) {
  switch (e.kind) {
    case event::irq: irq.write(e.level); break;
    case event::read: begin(e, tlm::TLM_READ_COMMAND); break;
    case event::write:
      if (mode_ == timing::loose) transport_write(e);
      else begin(e, tlm::TLM_WRITE_COMMAND);
      break;
    case event::read_first:
      if (auto *p = reads_.front()->get_extension<paced_response>(); p && p->respond) p->respond();
      break;
    case event::read_last: finish(reads_); break;
    case event::write_answer: finish(writes_); break;
  }
}

}  // namespace mx
